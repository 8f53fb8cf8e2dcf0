"""A plan that anybody edited is done as it says, or refused in one line; nothing in it makes a defect of truewheel."""

from __future__ import annotations

import copy
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.batches import pure_wheel
from support.cli import truewheel
from support.fixtures import family, unrepaired_wheel
from support.mac_pairs import pair
from support.plans import resealed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [0, -1, 1 << 80, 1.5, float("inf"), "", "x", "../x", "a\0b", "\ud800", "\n", [], {}, [[]], [{}], "9" * 50]
    ),
    st.text(max_size=5),
    st.recursive(st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4),
)


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Any]]:
    """Return the plans of each command, each with its folder."""
    folder = tmp_path_factory.mktemp("plans")
    libraries = ("--lib-path", family("x86_64").folder)
    pure_wheel(folder / "dist", "a")
    (folder / "dist" / "broken-1.0-py3-none-any.whl").write_bytes(b"")
    shutil.copy(unrepaired_wheel("x86_64"), folder / "dist")
    one, two = pair(folder / "mac")
    truewheel("merge", "-w", folder / "fat", one, two)
    commands = [
        ("repair", *libraries, folder / "dist"),
        ("retag", "--python-tag", "py312", "--abi-tag", "none", "--platform-tag", "+win32", "--force", folder / "dist"),
        ("retag", "--local-version", "x", "--remove", folder / "dist"),
        ("thin", "--arch", "arm64", folder / "fat"),
    ]
    found = []
    for number, command in enumerate(commands):
        path = folder / f"{number}.json"
        truewheel(command[0], "--plan", path, *command[1:])
        found.append((folder, json.loads(path.read_text())))
        assert found[-1][1]["wheels"]
    return found


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value of a document, but for the document itself."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in items for found in ((*path, key), *places(inner, (*path, key)))]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_an_edited_plan_is_done_or_refused(data: st.DataObject, plans: list[tuple[Path, Any]], tmp_path: Path) -> None:
    folder, plan = data.draw(st.sampled_from(plans))
    table = copy.deepcopy(plan)
    place = data.draw(st.sampled_from(places(table)))
    holder = table
    for key in place[:-1]:
        holder = holder[key]
    change = data.draw(st.sampled_from(["replace", "remove", "double"]))
    if change == "replace":
        holder[place[-1]] = data.draw(ODD)
    elif change == "remove":
        del holder[place[-1]]
    elif isinstance(holder, list):
        holder.append(holder[place[-1]])
    else:
        holder[f"{place[-1]}2"] = holder[place[-1]]
    again = data.draw(st.booleans())
    path = folder / "edited.json"
    path.write_text(json.dumps(resealed(table) if again else table))
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    work = tmp_path / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(folder, work)
    done = truewheel("apply", work / "edited.json", "-w", tmp_path / "out")
    assert "this is a defect of truewheel" not in done.errors
    moved = place[:1] + place[2:] == ("wheels", "input")
    assert done.code in ({0, 1, 3, 4} if again or moved or json.dumps(table) == json.dumps(plan) else {3}), done.errors
    if done.code in {1, 3}:
        assert [line[:7] for line in done.errors.splitlines() if not line.startswith("  ")].count("error: ") == 1
        assert not list((tmp_path / "out").glob("*.whl"))


@pytest.mark.parametrize(
    ("number", "wheel", "change", "what"),
    [
        (0, 1, lambda plan: plan["edits"].append(plan["edits"][0]), "the plan has no meaning: "),
        (3, 0, lambda plan: plan["thinned"].append("nothing"), "has no member 'nothing'"),
    ],
)
def test_a_plan_that_no_planner_makes_is_no_input(
    number: int, wheel: int, change: Callable[[Any], object], what: str, plans: list[tuple[Path, Any]], tmp_path: Path
) -> None:
    folder, plan = plans[number]
    table = copy.deepcopy(plan)
    change(table["wheels"][wheel]["plan"])
    path = folder / "changed.json"
    path.write_text(json.dumps(resealed(table)))
    done = truewheel("apply", path, "-w", tmp_path / "out")
    assert done.code == 3
    assert what in done.errors
    assert not (tmp_path / "out").exists()
