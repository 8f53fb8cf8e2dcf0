"""`truewheel thin`: options to a call, results to paths on stdout and a summary on stderr."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truewheel.cli.batch import Task, run_task
from truewheel.cli.format import human_size, plural
from truewheel.cli.output import say, say_json, say_path
from truewheel.thin import ThinOptions, apply_thin, plan_thin, require_architecture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truewheel.archive.reader import WheelReader
    from truewheel.batch.apply import Applied
    from truewheel.errors import ExitCode
    from truewheel.thin import Thinned, ThinPlan

SCHEMA = "truewheel.thin/1"


def thin_wheels(options: Mapping[str, Any]) -> ExitCode:
    """Thin, or plan to thin, every wheel that the command names."""
    chosen = ThinOptions(exclude=options["exclude"], force=options["force"], jobs=options["jobs"])
    directory, architecture = Path(options["wheel_dir"]), options["arch"]
    require_architecture(architecture)
    results: list[dict[str, Any]] = []

    def plan(reader: WheelReader, jobs: int) -> ThinPlan:
        return plan_thin(reader, architecture, replace(chosen, jobs=jobs))

    def apply(reader: WheelReader, plan: ThinPlan, jobs: int) -> Thinned:
        return apply_thin(reader, plan, directory, replace(chosen, jobs=jobs))

    def present_plan(plan: ThinPlan) -> None:
        results.append(plan.to_json())
        if not options["as_json"] and not options["plan"]:
            _print_plan(plan)

    def present(plan: ThinPlan, done: Thinned | Applied) -> None:
        results.append(_result(done))
        _summarize(plan, done, verbose=options["verbose"])
        if not options["as_json"]:
            say_path(done.path)

    task = Task(
        plan=plan,
        explained=lambda reader, jobs: (plan(reader, jobs), ()),
        apply=apply,
        present_plan=present_plan,
        present=present,
        directory=directory,
        overwrite=chosen.force,
    )
    failures, code = run_task(options, task)
    if options["as_json"]:
        key = "plans" if options["dry_run"] or options["plan"] else "thinned"
        say_json({"schema": SCHEMA, key: results, "failed": failures})
    return code


def _print_plan(plan: ThinPlan) -> None:
    """Print what would be done, one thing a line."""
    say(f"{plan.input_name}: nothing to do" if plan.changes_nothing else f"{plan.input_name} -> {plan.output_name}")
    for line in (*_lines(plan), *(f"note    {notice}" for notice in plan.notices)):
        say(f"  {line}")


def _result(done: Thinned | Applied) -> dict[str, Any]:
    return {
        "path": str(done.path.resolve()),
        "changed": not done.plan.changes_nothing,
        "size_before": done.size_before,
        "size_after": done.size_after,
        "notices": list(done.notices),
        "plan": done.plan.to_json(),
    }


def _summarize(plan: ThinPlan, done: Thinned | Applied, *, verbose: int) -> None:
    """Say on stderr what was done, in one line and, when asked, in detail."""
    if plan.changes_nothing:
        say(f"{plan.input_name}: nothing to do; the same bytes are in the output folder", err=True)
    else:
        saved = human_size(done.size_after - done.size_before, signed=True)
        files = plural(len(plan.thinned), "file")
        say(f"{plan.input_name}: thinned {files}, {saved}; now {'.'.join(plan.platforms)}", err=True)
    for line in _lines(plan):
        if verbose or line.startswith(_DROP):
            say(f"  {line}", err=True)
    for notice in done.notices:
        say(f"  note: {notice}", err=True)


_DROP = "drop"


def _lines(plan: ThinPlan) -> Iterator[str]:
    """Yield what becomes of each member that changes."""
    yield from (f"thin    {member}" for member in plan.thinned)
    yield from (f"{_DROP}    {member}" for member in plan.dropped)
