from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truewheel.bundler.plan import DroppedPath, ElfEdit, Launcher, LibraryCopy, RepairPlan
from truewheel.errors import ExitCode, InvalidInputError

TEXT = st.text(max_size=8)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
PLANS = st.builds(
    RepairPlan,
    input_name=TEXT,
    input_sha256=TEXT,
    output_name=TEXT,
    platforms=TEXTS,
    policy=st.none() | TEXT,
    rewrites_metadata=st.booleans(),
    libraries=st.lists(
        st.builds(
            LibraryCopy,
            source=TEXT,
            name=TEXT,
            member=TEXT,
            sha256=TEXT,
            size=st.integers(0),
            build_id=st.none() | TEXT,
        ),
        max_size=2,
    ).map(tuple),
    edits=st.lists(
        st.builds(
            ElfEdit,
            member=TEXT,
            source=TEXT,
            soname=st.none() | TEXT,
            replace_needed=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
            remove_needed=TEXTS,
            rpath=st.none() | TEXT,
            clear_executable_stack=st.booleans(),
            strip=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    launchers=st.lists(st.builds(Launcher, script=TEXT, executable=TEXT), max_size=2).map(tuple),
    dropped_paths=st.lists(st.builds(DroppedPath, member=TEXT, entry=TEXT), max_size=2).map(tuple),
    excluded=TEXTS,
    notices=TEXTS,
    sbom=st.booleans(),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
SMALL = RepairPlan(
    input_name="a-1-py3-none-linux_x86_64.whl",
    input_sha256="00",
    output_name="a-1-py3-none-manylinux_2_17_x86_64.whl",
    platforms=("manylinux_2_17_x86_64",),
    policy="manylinux_2_17_x86_64",
    rewrites_metadata=True,
    libraries=(LibraryCopy("/usr/lib/libb.so.1", "libb.so.1", "a.libs/libb-0.so.1", "00", 1),),
    edits=(ElfEdit("a.so", "a.so", replace_needed=(("libb.so.1", "libb-0.so.1"),)),),
)


@given(PLANS)
def test_a_plan_comes_back_from_json_as_it_was(plan: RepairPlan) -> None:
    assert RepairPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_values_that_were_not_written_have_their_defaults() -> None:
    data = SMALL.to_json()
    for name in ("launchers", "notices", "sbom"):
        del data[name]
    assert RepairPlan.from_json(data) == SMALL


@pytest.mark.parametrize("schema", [None, "", "truewheel.repair-plan/2", 1, ["truewheel.repair-plan/1"]])
def test_another_schema_is_refused(schema: object) -> None:
    with pytest.raises(InvalidInputError, match="schema") as refused:
        RepairPlan.from_json({**SMALL.to_json(), "schema": schema})
    assert refused.value.exit_code is ExitCode.UNREADABLE


@pytest.mark.parametrize("data", [None, [], "plan", 3, {}])
def test_what_is_no_plan_at_all_is_refused(data: object) -> None:
    with pytest.raises(InvalidInputError):
        RepairPlan.from_json(data)


def damaged(**changes: object) -> dict[str, Any]:
    return {**json.loads(json.dumps(SMALL.to_json())), **changes}


@pytest.mark.parametrize(
    "data",
    [
        damaged(platforms="linux_x86_64"),
        damaged(platforms=[1]),
        damaged(rewrites_metadata="no"),
        damaged(rewrites_metadata=0),
        damaged(input_sha256=None),
        damaged(policy=1),
        damaged(extra=1),
        damaged(libraries={}),
        damaged(libraries=[[]]),
        damaged(libraries=[{"source": "/a"}]),
        damaged(libraries=[{**SMALL.libraries[0]._asdict(), "size": "1"}]),
        damaged(libraries=[{**SMALL.libraries[0]._asdict(), "size": True}]),
        damaged(edits=[None]),
        damaged(edits=[{**SMALL.edits[0]._asdict(), "replace_needed": [["a"]]}]),
        damaged(edits=[{**SMALL.edits[0]._asdict(), "replace_needed": [["a", "b", "c"]]}]),
        damaged(edits=[{**SMALL.edits[0]._asdict(), "replace_needed": ["ab"]}]),
        damaged(edits=[{**SMALL.edits[0]._asdict(), "what": 1}]),
        {key: value for key, value in damaged().items() if key != "output_name"},
    ],
)
def test_a_damaged_plan_is_refused(data: object) -> None:
    with pytest.raises(InvalidInputError, match="damaged"):
        RepairPlan.from_json(data)


@given(st.sampled_from(sorted(SMALL.to_json())), JSON)
def test_any_value_in_any_place_is_a_plan_or_refused(key: str, value: object) -> None:
    data = damaged(**{key: value})
    try:
        plan = RepairPlan.from_json(data)
    except InvalidInputError:
        return
    assert json.loads(json.dumps(plan.to_json())) == data


@pytest.mark.parametrize(
    ("edit", "anything", "dynamic"),
    [
        (ElfEdit("a", "a"), False, False),
        (ElfEdit("a", "a", strip=True), True, False),
        (ElfEdit("a", "a", soname=""), True, True),
        (ElfEdit("a", "a", rpath=""), True, True),
        (ElfEdit("a", "a", remove_needed=("b",)), True, True),
        (ElfEdit("a", "a", replace_needed=(("b", "c"),)), True, True),
        (ElfEdit("a", "a", clear_executable_stack=True), True, True),
    ],
)
def test_an_edit_knows_whether_it_changes_anything(edit: ElfEdit, anything: bool, dynamic: bool) -> None:  # noqa: FBT001
    assert (edit.changes_anything, edit.changes_dynamic) == (anything, dynamic)


def test_a_plan_knows_whether_it_changes_anything() -> None:
    nothing = RepairPlan("a", "0", "a", (), None, rewrites_metadata=False, notices=("hm",))
    assert nothing.changes_nothing
    assert not SMALL.changes_nothing
    assert not RepairPlan("a", "0", "b", (), None, rewrites_metadata=True).changes_nothing
