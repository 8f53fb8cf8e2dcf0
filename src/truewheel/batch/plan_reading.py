"""A batch plan out of the values of a JSON document, which anybody may have written.

What is said twice must agree, because the summary of a wheel is what people read; and a plan is taken only as it was
written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from truewheel.archive.names import WheelName, parse_given_name
from truewheel.batch.failure import Failure
from truewheel.batch.kinds import plan_from_json
from truewheel.batch.plan import SCHEMA, BatchPlan
from truewheel.batch.plan_seal import require_sealed
from truewheel.batch.planned import PlannedWheel
from truewheel.errors import ExitCode, InvalidInputError, InvalidWheelError
from truewheel.plain_data import told, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.batch.kinds import WheelPlan

_FIELDS = {"schema", "content_sha256", "sysroot", "removes_inputs", "wheels", "refused"}
_WHEEL_FIELDS = {"input", "sha256", "old_name", "new_name", "evidence", "plan"}


def read_plan(data: object, folder: Path) -> BatchPlan:
    """Return the plan that a document holds whose file lies in `folder`; raise InvalidInputError when it is none."""
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA or not isinstance(data, dict):
        raise InvalidInputError(f"the plan has schema {told(schema)}, not {SCHEMA!r}", hint="make the plan again")
    try:
        _demand_fields(data, _FIELDS, "the plan")
        require_sealed(data)
        _require_texts(data)
        wheels = tuple(_wheel(item, folder, number) for number, item in _listed(data, "wheels"))
        refused = tuple(_failure(item, number) for number, item in _listed(data, "refused"))
        typed(str, data["sysroot"], "sysroot")
        typed(bool, data["removes_inputs"], "removes_inputs")
    except (TypeError, InvalidWheelError) as error:
        what = error if isinstance(error, TypeError) else f"{error.where}: {error.what}"
        raise InvalidInputError(f"the plan is damaged: {what}", hint="make the plan again") from error
    return BatchPlan(wheels, refused, data["sysroot"], data["removes_inputs"])


def _require_texts(data: object) -> None:
    """Raise TypeError for a text that no file, and no name of one, can have: JSON may have halves of characters."""
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and not _is_text(value):
            raise TypeError(f"{told(value)} is what no text in a plan can be")


def _is_text(value: str) -> bool:
    try:
        return b"\0" not in value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False


def _wheel(data: object, folder: Path, number: int) -> PlannedWheel[WheelPlan]:
    where = f"wheel {number}"
    fields = _demand_fields(data, _WHEEL_FIELDS, where)
    plan = plan_from_json(fields["plan"])
    _require_agreement(plan)
    given = (fields["sha256"], fields["old_name"], fields["new_name"])
    _demand(plan.input_sha256 is not None, f"{where} is not named by its content")
    _demand(given == (plan.input_sha256, plan.input_name, plan.output_name), f"{where} is not what its plan says")
    typed(str, fields["input"], f"{where}, input")
    _demand(Path(fields["input"]).name == plan.input_name, f"{where} names another input than its plan")
    evidence: tuple[str, ...] = typed(tuple[str, ...], fields["evidence"], f"{where}, evidence")
    return PlannedWheel(folder / fields["input"], plan, evidence)


def _failure(data: object, number: int) -> Failure:
    failure: Failure = typed(Failure, data, f"refused {number}")
    _demand(failure.exit_code in set(ExitCode), f"refused {number}, exit_code is {failure.exit_code}")
    return failure


def _listed(data: dict[str, Any], field: str) -> Iterator[tuple[int, object]]:
    """Return the items of a list, numbered from one."""
    items = data[field]
    if not isinstance(items, list):
        raise TypeError(f"{field} is {told(items)}, not a list")
    return enumerate(items, 1)


def _demand_fields(data: object, wanted: set[str], where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise TypeError(f"{where} is {told(data)}, not an object")
    missing, more = sorted(wanted - data.keys()), sorted(data.keys() - wanted)
    _demand(not missing, f"{where} has no field {''.join(missing[:1])!r}")
    _demand(not more, f"{where} has a field {''.join(more[:1])!r}, which has no meaning")
    return data


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise TypeError(otherwise)


def _require_agreement(plan: WheelPlan) -> None:
    """Raise TypeError when a plan would make another project or version of a wheel than its own fields say.

    Raises InvalidWheelError for what is no name of a wheel.
    """
    old, new = parse_given_name(plan.input_name), WheelName.parse(plan.output_name)
    version = getattr(plan, "version", None) or old.version
    if (new.distribution, new.version) != (old.distribution, version):
        raise TypeError(f"{plan.output_name} is no other name of {plan.input_name}")
    platforms = getattr(plan, "platforms", None)
    if platforms is not None and set(platforms) != set(new.platform):
        raise TypeError(f"{plan.output_name} is not named for {'.'.join(platforms)}")
