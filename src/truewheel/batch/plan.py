"""What would be done to many wheels, as plain data: the plan of each, why it is so, and what was refused.

A batch plan can be written as JSON, looked through by a person, and applied later, elsewhere: it names its inputs by
path, seen from the folder of the plan's file, and by content.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from truewheel.batch.failure import Failure
from truewheel.batch.kinds import WheelPlan, plan_from_json
from truewheel.errors import ExitCode, InvalidInputError

SCHEMA = "truewheel.batch-plan/1"
_FIELDS = {"schema", "sysroot", "removes_inputs", "wheels", "refused"}
_WHEEL_FIELDS = {"input", "sha256", "old_name", "new_name", "evidence", "plan"}


Plan_co = TypeVar("Plan_co", bound=WheelPlan, covariant=True)


class PlannedWheel(Generic[Plan_co]):
    """One wheel: where it lies, what would be done to it, and the facts that decided that, one sentence each.

    Neither a dataclass, whose making takes a short run long, nor a named tuple, which before Python 3.11 is of no
    other type.
    """

    __slots__ = ("evidence", "path", "plan")

    def __init__(self, path: Path, plan: Plan_co, evidence: tuple[str, ...] = ()) -> None:
        """Keep the parts."""
        self.path = path
        self.plan = plan
        self.evidence = evidence

    def __eq__(self, other: object) -> bool:
        """Whether all parts are equal."""
        if not isinstance(other, PlannedWheel):
            return NotImplemented
        return (self.path, self.plan, self.evidence) == (other.path, other.plan, other.evidence)

    def __hash__(self) -> int:
        """Return the same for equal ones."""
        return hash((self.path, self.plan.output_name))


class BatchPlan(NamedTuple):
    """What would be done to all wheels of a batch.

    refused: wheels that nothing would be done to. sysroot: the root that bundled libraries were taken from.
    removes_inputs: whether the wheels go once all results are in place, except where a result has taken the place.
    """

    wheels: tuple[PlannedWheel[WheelPlan], ...]
    refused: tuple[Failure, ...] = ()
    sysroot: str = "/"
    removes_inputs: bool = False

    @property
    def digest(self) -> str:
        """The SHA-256 of all that decides the results, in hex; where the inputs lie does not."""
        import json
        from hashlib import sha256

        decisive = [self.sysroot, self.removes_inputs, [item.plan.to_json() for item in self.wheels]]
        return sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    def to_json(self, folder: Path) -> dict[str, Any]:
        """Return the plan as values that the json module writes. folder: where the file will lie."""
        return {
            "schema": SCHEMA,
            "sysroot": self.sysroot,
            "removes_inputs": self.removes_inputs,
            "wheels": [
                {
                    "input": _seen_from(folder, item.path),
                    "sha256": item.plan.input_sha256,
                    "old_name": item.plan.input_name,
                    "new_name": item.plan.output_name,
                    "evidence": list(item.evidence),
                    "plan": item.plan.to_json(),
                }
                for item in self.wheels
            ],
            "refused": [failure.to_json() for failure in self.refused],
        }

    @classmethod
    def from_json(cls, data: object, folder: Path) -> BatchPlan:
        """Return the plan that `to_json` gave; raise InvalidInputError for anything else.

        folder: where its file lies. What is said twice must agree: the summary of a wheel is what people read.
        """
        schema = data.get("schema") if isinstance(data, dict) else None
        if schema != SCHEMA or not isinstance(data, dict):
            raise InvalidInputError(f"the plan has schema {schema!r}, not {SCHEMA!r}", hint="make the plan again")
        try:
            _demand(data.keys() == _FIELDS, f"has other fields than {', '.join(sorted(_FIELDS))}")
            wheels = tuple(_wheel(item, folder) for item in data["wheels"])
            refused = tuple(_failure(item) for item in data["refused"])
            _demand(isinstance(data["sysroot"], str), "has no root of the system")
            _demand(isinstance(data["removes_inputs"], bool), "does not tell whether the inputs go")
        except (TypeError, KeyError, AttributeError) as error:
            raise InvalidInputError(f"the plan is damaged: {error}", hint="make the plan again") from error
        return cls(wheels, refused, data["sysroot"], data["removes_inputs"])


def _wheel(data: Any, folder: Path) -> PlannedWheel[WheelPlan]:  # noqa: ANN401 - whatever JSON holds
    _demand(isinstance(data, dict) and data.keys() == _WHEEL_FIELDS, f"a wheel is {data!r}")
    plan = plan_from_json(data["plan"])
    told = (data["sha256"], data["old_name"], data["new_name"])
    _demand(plan.input_sha256 is not None, f"{told[1]!r} is not named by its content")
    _demand(told == (plan.input_sha256, plan.input_name, plan.output_name), f"{told[1]!r} is not what its plan says")
    _demand(isinstance(data["input"], str) and Path(data["input"]).name == plan.input_name, "names another input")
    evidence = tuple(data["evidence"])
    _demand(all(isinstance(line, str) for line in evidence), "holds evidence that is no text")
    return PlannedWheel(folder / data["input"], plan, evidence)


def _failure(data: Any) -> Failure:  # noqa: ANN401 - whatever JSON holds
    failure = Failure(**{**data, "reasons": tuple(data["reasons"])})
    _demand(failure.exit_code in set(ExitCode), f"{failure.exit_code!r} is no exit code")
    return failure


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise TypeError(otherwise)


def _seen_from(folder: Path, path: Path) -> str:
    """Return a path as seen from a folder, with `/`; the whole path where no way leads from one to the other."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return path.resolve().as_posix()
