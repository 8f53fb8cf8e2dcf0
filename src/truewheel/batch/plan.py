"""What would be done to many wheels, as plain data: the plan of each, why it is so, and what was refused.

A batch plan can be written as JSON, looked through by a person, and applied later, elsewhere: it names its inputs by
path, seen from the folder of the plan's file, and by content. Its own content has a digest, so that a plan which was
changed after it was written is not taken for the one that was planned.
"""

from __future__ import annotations

import os
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
        from truewheel.batch.plan_seal import sealed

        document = {
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
        return sealed(document)

    @classmethod
    def from_json(cls, data: object, folder: Path) -> BatchPlan:
        """Return the plan that `to_json` gave; raise InvalidInputError for anything else.

        folder: where its file lies. A plan that was changed since it was written is none. What is said twice must
        agree: the summary of a wheel is what people read.
        """
        from truewheel.batch.plan_reading import read_plan

        return read_plan(data, folder)


def _seen_from(folder: Path, path: Path) -> str:
    """Return a path as seen from a folder, with `/`; the whole path where no way leads from one to the other."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return path.resolve().as_posix()
