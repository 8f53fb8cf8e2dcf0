"""A plan for many wheels is plain data: written as JSON and read back, and nothing else is taken for one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.batches import batch, planned, pure_wheel
from truewheel.archive.reader import WheelReader
from truewheel.batch.failure import Failure
from truewheel.batch.plan import BatchPlan, PlannedWheel
from truewheel.errors import InvalidInputError, RefusedError
from truewheel.retagger.retag import plan_retag
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
        lambda table: table.update(wheels=None),
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
    with pytest.raises(InvalidInputError):
        BatchPlan.from_json(table, tmp_path)


@pytest.mark.parametrize("value", [None, [], "x"])
def test_other_json_is_no_plan(value: object, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="the plan has schema None"):
        BatchPlan.from_json(value, tmp_path)
