"""A plan for many wheels is plain data: written as JSON and read back, and nothing else is taken for one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.batches import batch, planned, pure_wheel
from support.plans import resealed
from truewheel.archive.reader import WheelReader
from truewheel.batch.failure import Failure
from truewheel.batch.plan import BatchPlan
from truewheel.batch.planned import PlannedWheel
from truewheel.errors import InvalidInputError, RefusedError
from truewheel.retagger.retag import open_wheel, plan_retag
from truewheel.retagger.retag_options import RetagOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REFUSED = Failure.of("b.whl", RefusedError("no", where="x", hint="y", reasons=("because",)))


def whole(folder: Path) -> BatchPlan:
    """Return a plan to repair one wheel and to retag another."""
    item = planned(pure_wheel(folder / "dist", "a"))
    wheel = pure_wheel(folder / "dist", "b")
    with WheelReader.open(wheel) as reader:
        retag = plan_retag(reader, RetagOptions(python_tag=("py312",))).identified(reader)
    wheels = (PlannedWheel(item.path, item.plan, ("a fact",)), PlannedWheel(wheel, retag))
    return BatchPlan(wheels, (REFUSED,), "/sys", removes_inputs=True)


def data(folder: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads(json.dumps(whole(folder).to_json(folder)))


def test_a_plan_survives_json(tmp_path: Path) -> None:
    assert BatchPlan.from_json(data(tmp_path), tmp_path) == whole(tmp_path)


def test_inputs_are_seen_from_the_folder_of_the_plan(tmp_path: Path) -> None:
    plan = whole(tmp_path)
    table = plan.to_json(tmp_path / "plans")
    assert [item["input"] for item in table["wheels"]] == [
        "../dist/a-1.0-py3-none-any.whl",
        "../dist/b-1.0-py3-none-any.whl",
    ]
    (tmp_path / "plans").mkdir()
    read = BatchPlan.from_json(table, tmp_path / "plans")
    assert [item.path.resolve() for item in read.wheels] == [item.path.resolve() for item in plan.wheels]
    assert read.digest == plan.digest


@pytest.mark.parametrize(("folder", "told"), [(None, None), ("out", "../out"), ("plans", ".")])
def test_where_results_go_is_seen_from_the_folder_of_the_plan(
    folder: str | None, told: str | None, tmp_path: Path
) -> None:
    (tmp_path / "plans").mkdir()
    plan = whole(tmp_path)._replace(directory=tmp_path / folder if folder else None)
    table = plan.to_json(tmp_path / "plans")
    assert table["wheel_dir"] == told
    read = BatchPlan.from_json(table, tmp_path / "plans")
    assert read.directory == (tmp_path / "plans" / told if told else None)
    assert read.digest == plan.digest == whole(tmp_path).digest


def test_a_person_reads_names_hashes_and_evidence(tmp_path: Path) -> None:
    first, second = data(tmp_path)["wheels"]
    assert (first["old_name"], first["new_name"]) == ("a-1.0-py3-none-any.whl", "a-1.0-py3-none-any.whl")
    assert second["new_name"] == "b-1.0-py312-none-any.whl"
    assert len(first["sha256"]) == 64
    assert first["evidence"] == ["a fact"]


def test_the_digest_tells_plans_apart(tmp_path: Path) -> None:
    one, two = pure_wheel(tmp_path, "a"), pure_wheel(tmp_path, "b")
    plans = [batch([one]), batch([two]), batch([one, two]), batch([two, one])]
    plans += [BatchPlan(plans[0].wheels, sysroot="/x"), BatchPlan(plans[0].wheels, removes_inputs=True)]
    assert len({plan.digest for plan in plans}) == 6
    assert batch([one]).digest == plans[0].digest


@pytest.mark.parametrize(
    "damage",
    [
        lambda table: table.update(schema="truewheel.batch-plan/2"),
        lambda table: table.update(more=1),
        lambda table: table.pop("refused"),
        lambda table: table.update(sysroot=None),
        lambda table: table.update(removes_inputs="no"),
        lambda table: table.update(wheel_dir=1),
        lambda table: table.update(wheel_dir="a\0b"),
        lambda table: table.update(wheels=None),
        lambda table: table.update(wheels={}),
        lambda table: table.update(refused={}),
        lambda table: table.update(refused=[None]),
        lambda table: table.update(wheels=[1]),
        lambda table: table["wheels"][0].pop("evidence"),
        lambda table: table["wheels"][0].update(evidence=[1]),
        lambda table: table["wheels"][0].update(new_name="other-1.0-py3-none-any.whl"),
        lambda table: table["wheels"][0].update(sha256="0" * 64),
        lambda table: table["wheels"][0].update(input="dist/other.whl"),
        lambda table: table["wheels"][0].update(plan=None),
        lambda table: table["wheels"][0]["plan"].update(schema="truewheel.thin-plan/1"),
        lambda table: table["wheels"][0]["plan"].update(more=1),
        lambda table: (table["wheels"][1]["plan"].update(input_sha256=None), table["wheels"][1].update(sha256=None)),
        lambda table: table["refused"][0].update(exit_code=9),
        lambda table: table["refused"][0].update(more=1),
        lambda table: table["refused"][0].update(reasons=None),
    ],
)
def test_what_is_no_plan_is_told(damage: Callable[[Any], object], tmp_path: Path) -> None:
    table = data(tmp_path)
    damage(table)
    with pytest.raises(InvalidInputError, match=r"is damaged: |has schema |no plan for a wheel has the schema"):
        BatchPlan.from_json(resealed(table), tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.update(sysroot="/elsewhere"),
        lambda table: table.update(removes_inputs=False),
        lambda table: table["wheels"].pop(),
        lambda table: table["wheels"].reverse(),
        lambda table: table["wheels"][0].update(evidence=["another fact"]),
        lambda table: table["wheels"][1]["plan"].update(root_is_purelib=False),
        lambda table: table["refused"].clear(),
        lambda table: table["refused"][0].update(error="yes"),
        lambda table: table.update(content_sha256="0" * 64),
    ],
)
def test_a_plan_that_was_changed_is_told(change: Callable[[Any], object], tmp_path: Path) -> None:
    table = data(tmp_path)
    change(table)
    with pytest.raises(InvalidInputError, match="the plan was changed after it was written"):
        BatchPlan.from_json(table, tmp_path)


def test_wheels_may_be_moved_without_a_new_digest(tmp_path: Path) -> None:
    table = data(tmp_path)
    assert resealed(table) == table
    table["wheels"][0]["input"] = "../elsewhere/a-1.0-py3-none-any.whl"
    read = BatchPlan.from_json(table, tmp_path)
    assert read.wheels[0].path == tmp_path / "../elsewhere/a-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"output_name": "c-1.0-py312-none-any.whl"}, "c-1.0-py312-none-any.whl is of another project than b-1.0-"),
        ({"output_name": "b-2.0-py312-none-any.whl"}, "b-2.0-py312-none-any.whl is not of version '1.0'"),
        ({"version": "2.0"}, "b-1.0-py312-none-any.whl is not of version '2.0'"),
        ({"version": "../../x"}, "b-1.0-py312-none-any.whl is not of version '../../x'"),
        (
            {"version": "2.0", "output_name": "b-2.0-py312-none-any.whl"},
            "version '2.0' differs from '1.0' in more than its local label",
        ),
        ({"output_name": "../b-1.0-py312-none-any.whl"}, "'../b' is not a distribution name"),
        ({"input_name": "b.whl"}, "does not have 5 or 6 parts"),
        ({"tags": "py312-none-../x"}, "tags is 'py312-none-../x', and the file name has py312-none-any"),
        ({"tags_before": "py2-none-any"}, "tags_before is 'py2-none-any', and the file name has py3-none-any"),
        ({"grounds": []}, "nothing says why py312-none may be written"),
        ({"grounds": [{"tag": "py311-none", "basis": "unjudged"}]}, "nothing says why py312-none may be written"),
        (
            {"grounds": [{"tag": tag, "basis": "unjudged"} for tag in ("py312-none", "win32")]},
            "it says why win32 may be written, which is no tag of the new name",
        ),
        ({"grounds": [{"tag": "py312-none", "basis": "hope"}]}, "the basis of py312-none is 'hope', not implied or"),
        ({"grounds": [{"tag": "py312-none", "basis": "implied"}]}, "py312-none does not follow from nothing"),
        (
            {"output_name": "b-1.0-py3-none-win32.whl", "tags": "py3-none-win32", "grounds": []},
            "nothing says why win32 may be written",
        ),
        ({"input_size": "1"}, "input_size is '1', not a whole number"),
        ({"version": {"a": 1}}, "version is an object, not a text or null"),
        ({"grounds": [[]]}, "grounds 1 is a list, not an object"),
        ({"grounds": [{"tag": "x"}]}, "grounds 1 has no field 'basis'"),
        ({"notices": "x" * 99}, "notices is 'x{39}..., not a list"),
    ],
)
def test_a_retag_agrees_with_itself(change: dict[str, object], what: str, tmp_path: Path) -> None:
    table = data(tmp_path)
    wheel = table["wheels"][1]
    wheel["plan"] |= change
    wheel |= {"old_name": wheel["plan"]["input_name"], "new_name": wheel["plan"]["output_name"]}
    with pytest.raises(InvalidInputError, match=f"the plan is damaged: .*{what}"):
        BatchPlan.from_json(resealed(table), tmp_path)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            {"output_name": "c-1.0-py3-none-any.whl"},
            "c-1.0-py3-none-any.whl is no other name of a-1.0-py3-none-any.whl",
        ),
        (
            {"output_name": "a-1.1-py3-none-any.whl"},
            "a-1.1-py3-none-any.whl is no other name of a-1.0-py3-none-any.whl",
        ),
        ({"platforms": ["linux_x86_64"]}, "a-1.0-py3-none-any.whl is not named for linux_x86_64"),
        ({"output_name": "x"}, "x: the file name does not end in .whl"),
    ],
)
def test_a_repair_agrees_with_itself(change: dict[str, object], what: str, tmp_path: Path) -> None:
    table = data(tmp_path)
    wheel = table["wheels"][0]
    wheel["plan"] |= change
    wheel["new_name"] = wheel["plan"]["output_name"]
    with pytest.raises(InvalidInputError, match=f"the plan is damaged: {what}"):
        BatchPlan.from_json(resealed(table), tmp_path)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_what_is_no_text_is_told(text: str, tmp_path: Path) -> None:
    table = data(tmp_path)
    table["sysroot"] = text
    with pytest.raises(InvalidInputError, match="is what no text in a plan can be"):
        BatchPlan.from_json(resealed(table), tmp_path)


def test_a_plan_for_other_capitals_is_read(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path, "b")
    wheel = wheel.rename(tmp_path / "b-1.0-PY3-none-any.whl")
    with open_wheel(wheel) as reader:
        plan = BatchPlan((PlannedWheel(wheel, plan_retag(reader, RetagOptions(normalize=True)).identified(reader)),))
    assert BatchPlan.from_json(json.loads(json.dumps(plan.to_json(tmp_path))), tmp_path) == plan


@pytest.mark.parametrize("value", [None, [], "x"])
def test_other_json_is_no_plan(value: object, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="the plan has schema null"):
        BatchPlan.from_json(value, tmp_path)
