"""What stays of a plan that took its wheels away: the results it gave, so that a second run knows that it is done.

Without its inputs, nobody can tell from a plan what bytes its results should have. So that is written down in a file
beside the plan, before the journal of the run goes.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from truewheel.batch.apply import Applied, remove_inputs
from truewheel.batch.files import place_of, write_file
from truewheel.batch.journal import folder_of, is_committed
from truewheel.bundler.digests import file_sha256
from truewheel.errors import InvalidInputError, OutputError
from truewheel.given_files import read_given
from truewheel.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from truewheel.batch.plan import BatchPlan

SCHEMA = "truewheel.done/1"
_SUFFIX = ".done"


def note_done(plan_file: Path, plan: BatchPlan, applied: Sequence[Applied]) -> None:
    """Write beside the plan what its results are, when it takes its wheels away; nowhere, when that is impossible."""
    if not plan.removes_inputs:
        return
    results = [{"name": made.path.name, "sha256": made.sha256} for made in applied]
    content = json.dumps({"schema": SCHEMA, "plan": plan.digest, "results": results}, indent=2)
    with suppress(OutputError):
        write_file(_beside(plan_file), f"{content}\n".encode())


def done_before(plan_file: Path, plan: BatchPlan, directory: Path) -> dict[int, Applied]:
    """Return, by the number of the wheel, the results of a plan that was done and that are in `directory` still.

    Wheels that the plan takes away may be there still, as long as they are those of the plan: see `tidy`.
    """
    digests = _noted(plan_file, plan.digest) if plan.removes_inputs else {}
    if not digests or is_committed(directory, plan.digest):
        return {}
    applied = {}
    for number, item in enumerate(plan.wheels):
        target = directory / item.plan.output_name
        sha256 = digests.get(target.name)
        if sha256 is None or _digest(target) != sha256:
            continue
        own = place_of(item.path) == place_of(target)
        if not own and _digest(item.path) not in {None, item.plan.input_sha256}:
            continue
        size = target.stat().st_size
        notices = item.plan.notices
        applied[number] = Applied(item.plan, target, 0, size, notices, sha256, written=False, removed=not own)
    places = {place_of(made.path) for made in applied.values()}
    if any(place_of(item.path) in places for number, item in enumerate(plan.wheels) if number not in applied):
        return {}  # what is left to do would take away what is done
    return applied


def tidy(plan: BatchPlan, directory: Path) -> None:
    """Remove what an interrupted end left: wheels that the plan takes away, and the empty folder of the journal."""
    remove_inputs(plan, directory)
    with suppress(OSError):
        folder_of(directory, plan.digest).rmdir()


def _beside(plan_file: Path) -> Path:
    return plan_file.with_name(f"{plan_file.name}{_SUFFIX}")


def _noted(plan_file: Path, digest: str) -> Mapping[str, str]:
    """Return the digests of the results, by name; none when nothing is noted of the very plan."""
    try:
        data = parse_json(read_given(_beside(plan_file)))
        if (data["schema"], data["plan"]) != (SCHEMA, digest):
            return {}
        return {item["name"]: item["sha256"] for item in data["results"]}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _digest(path: Path) -> str | None:
    """Return the digest of a file; None when there is none."""
    try:
        return file_sha256(str(path))
    except (InvalidInputError, OSError):
        return None if not path.exists() else ""
