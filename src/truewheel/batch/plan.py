"""What would be done to many wheels, as plain data: the plan of each, why it is so, and what was refused.

A batch plan can be written as JSON, looked through by a person, and applied later, elsewhere: it names its inputs by
path, seen from the folder of the plan's file, and by content. `plan_document` tells how.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from truewheel.batch.failure import Failure
    from truewheel.batch.kinds import WheelPlan
    from truewheel.batch.planned import PlannedWheel

SCHEMA = "truewheel.batch-plan/1"


class BatchPlan(NamedTuple):
    """What would be done to all wheels of a batch.

    refused: wheels that nothing would be done to. sysroot: the root that bundled libraries were taken from.
    removes_inputs: whether the wheels go once all results are in place, except where a result has taken the place.
    directory: where the results go unless whoever applies the plan says otherwise; None for beside the wheels.
    """

    wheels: tuple[PlannedWheel[WheelPlan], ...]
    refused: tuple[Failure, ...] = ()
    sysroot: str = "/"
    removes_inputs: bool = False
    directory: Path | None = None

    @property
    def digest(self) -> str:
        """The SHA-256 of all that the plan says, in hex; where the inputs lie and the results go does not count."""
        from truewheel.batch.plan_document import document_of

        return document_of(self, Path("/")).content_sha256  # any folder will do, and the current one may be gone

    def to_json(self, folder: Path) -> dict[str, Any]:
        """Return the plan as values that the json module writes. folder: where the file will lie."""
        from truewheel.batch.plan_document import document_of
        from truewheel.plain_data import plain

        values: dict[str, Any] = plain(document_of(self, folder))
        return values

    @classmethod
    def from_json(cls, data: object, folder: Path) -> BatchPlan:
        """Return the plan that `to_json` gave; raise InvalidInputError for anything else.

        folder: where its file lies. A plan that was changed since it was written, or contradicts itself, is none.
        """
        from truewheel.batch.plan_document import read_plan

        return read_plan(data, folder)
