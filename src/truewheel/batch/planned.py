"""A wheel with what would be done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.batch.kinds import WheelPlan

Plan_co = TypeVar("Plan_co", bound="WheelPlan", covariant=True)


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
