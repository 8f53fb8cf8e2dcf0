"""`truewheel thin`: options to a call, results to paths on stdout and a summary on stderr."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truewheel.archive.reader import WheelReader
from truewheel.cli.each import for_each
from truewheel.cli.format import human_size, plural, printable
from truewheel.cli.output import echo
from truewheel.errors import OutputError
from truewheel.thin import ThinOptions, apply_thin, plan_thin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truewheel.errors import ExitCode
    from truewheel.thin import Thinned, ThinPlan

SCHEMA = "truewheel.thin/1"


def thin_wheels(options: Mapping[str, Any]) -> ExitCode:
    """Thin, or plan to thin, every wheel that the command names."""
    chosen = ThinOptions(exclude=options["exclude"], force=options["force"], jobs=options["jobs"])
    directory, architecture = Path(options["wheel_dir"]), options["arch"]
    results: list[dict[str, Any]] = []
    planned: dict[str, str] = {}

    def plan_one(wheel: Path) -> ThinPlan:
        with WheelReader.open(wheel) as reader:
            return _plan(reader, architecture, chosen, planned)

    def thin_one(wheel: Path) -> Thinned:
        with WheelReader.open(wheel) as reader:
            return apply_thin(reader, _plan(reader, architecture, chosen, planned), directory, chosen)

    def present_plan(plan: ThinPlan) -> None:
        results.append(plan.to_json())
        if not options["as_json"]:
            _say(
                f"{plan.input_name}: nothing to do"
                if plan.changes_nothing
                else f"{plan.input_name} -> {plan.output_name}"
            )
            for line in (*_lines(plan), *(f"note    {notice}" for notice in plan.notices)):
                _say(f"  {line}")

    def present_result(done: Thinned) -> None:
        results.append(_result(done))
        _summarize(done, verbose=options["verbose"])
        if not options["as_json"]:
            echo(os.fsencode(done.path.resolve()))

    if options["dry_run"]:
        failures, code = for_each(options["wheels"], plan_one, present_plan)
    else:
        failures, code = for_each(options["wheels"], thin_one, present_result)
    if options["as_json"]:
        key = "plans" if options["dry_run"] else "thinned"
        echo(json.dumps({"schema": SCHEMA, key: results, "failed": failures}, indent=2))
    return code


def _plan(reader: WheelReader, architecture: str, chosen: ThinOptions, planned: dict[str, str]) -> ThinPlan:
    """Return the plan of one wheel; raise OutputError when an earlier, different wheel has the same new name.

    planned: what was made so far by one command: the input's hash, by the name of the result.
    """
    plan = plan_thin(reader, architecture, chosen)
    if planned.setdefault(plan.output_name, plan.input_sha256) != plan.input_sha256:
        raise OutputError(
            f"would be written as {plan.output_name}, as another of the given wheels is",
            where=str(reader.path),
            hint="write the two into different folders",
        )
    return plan


def _result(done: Thinned) -> dict[str, Any]:
    return {
        "path": str(done.path.resolve()),
        "changed": not done.plan.changes_nothing,
        "size_before": done.size_before,
        "size_after": done.size_after,
        "notices": list(done.notices),
        "plan": done.plan.to_json(),
    }


def _summarize(done: Thinned, *, verbose: int) -> None:
    """Say on stderr what was done, in one line and, when asked, in detail."""
    plan = done.plan
    if plan.changes_nothing:
        _say(f"{plan.input_name}: nothing to do; the same bytes are in the output folder", err=True)
    else:
        saved = human_size(done.size_after - done.size_before, signed=True)
        files = plural(len(plan.thinned), "file")
        _say(f"{plan.input_name}: thinned {files}, {saved}; now {'.'.join(plan.platforms)}", err=True)
    for line in _lines(plan):
        if verbose or line.startswith(_DROP):
            _say(f"  {line}", err=True)
    for notice in done.notices:
        _say(f"  note: {notice}", err=True)


_DROP = "drop"


def _lines(plan: ThinPlan) -> Iterator[str]:
    """Yield what becomes of each member that changes."""
    yield from (f"thin    {member}" for member in plan.thinned)
    yield from (f"{_DROP}    {member}" for member in plan.dropped)


def _say(line: str, *, err: bool = False) -> None:
    echo(printable(line), err=err)
