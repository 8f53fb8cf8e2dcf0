"""`truewheel retag`: options to a call, results to paths on stdout and a summary on stderr."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from truewheel.cli.batch import Task, run_task
from truewheel.cli.each import own_policy
from truewheel.cli.output import say, say_json, say_path
from truewheel.errors import UsageError
from truewheel.retagger.retag import apply_retag, open_wheel, plan_retag, remove_old
from truewheel.retagger.retag_options import RetagOptions, Trust
from truewheel.retagger.retag_plan import FORCED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.archive.reader import WheelReader
    from truewheel.batch.apply import Applied
    from truewheel.errors import ExitCode
    from truewheel.retagger.retag import Retagged
    from truewheel.retagger.retag_plan import Ground, RetagPlan

SCHEMA = "truewheel.retag/1"


def retag_wheels(options: Mapping[str, Any]) -> ExitCode:
    """Retag, or plan to retag, every wheel that the command names."""
    chosen = _chosen(options)
    directory = Path(options["wheel_dir"]) if options["wheel_dir"] else None
    results: list[dict[str, Any]] = []

    def plan(reader: WheelReader, jobs: int) -> RetagPlan:
        found = plan_retag(reader, chosen._replace(jobs=jobs))
        return found.identified(reader) if options["as_json"] else found

    def explained(reader: WheelReader, jobs: int) -> tuple[RetagPlan, tuple[str, ...]]:
        found = plan(reader, jobs)
        return found, tuple(map(_ground, found.grounds))

    def apply(reader: WheelReader, plan: RetagPlan, _: int) -> Retagged:
        return apply_retag(reader, plan, directory, chosen)

    def present_plan(plan: RetagPlan) -> None:
        if options["as_json"]:
            results.append(plan.to_json())
        if not options["as_json"] and not options["plan"]:
            say(f"{plan.input_name}: nothing to do" if plan.changes_nothing else _arrow(plan))
            _details(plan, plan.notices, verbose=options["verbose"], err=False)

    def present(plan: RetagPlan, done: Retagged | Applied) -> None:
        say(_done(plan, written=done.written), err=True)
        _details(plan, done.notices, verbose=options["verbose"], err=True)
        if options["as_json"]:
            results.append(_result(done))
        else:
            say_path(done.path)

    removes = chosen.in_place or chosen.remove
    task = Task(
        plan=plan,
        apply=apply,
        finish=remove_old if removes else None,
        explained=explained,
        present_plan=present_plan,
        present=present,
        directory=directory,
        overwrite=chosen.overwrite,
        opened=open_wheel,
        removes_inputs=removes,
    )
    failures, code = run_task(options, task)
    if options["as_json"]:
        key = "plans" if options["dry_run"] or options["plan"] else "retagged"
        say_json({"schema": SCHEMA, key: results, "failed": failures})
    return code


def _chosen(options: Mapping[str, Any]) -> RetagOptions:
    """Return what the command line asks for; raise UsageError for what contradicts itself."""
    profile_file = Path(options["profile_file"]) if options["profile_file"] else None
    if options["in_place"] and (options["wheel_dir"] or options["remove"] is False):
        other = "`-w`" if options["wheel_dir"] else "`--keep`"
        raise UsageError(f"contradicts {other}", where="--in-place", hint="the new wheel takes the old one's place")
    if options["build"] is not None and options["no_build"]:
        raise UsageError("contradicts `--build`", where="--no-build")
    if options["profiles"] or profile_file:
        from truewheel.retagger.profiles import profiles

        profiles(options["profiles"], profile_file)  # what is wrong with them is told once, not of every wheel
    chosen = RetagOptions(
        python_tag=options["python_tag"],
        abi_tag=options["abi_tag"],
        platform_tag=options["platform_tag"],
        build="" if options["no_build"] else options["build"],
        profiles=options["profiles"],
        profile_file=profile_file,
        legacy_aliases=options["legacy_aliases"],
        normalize=options["normalize"],
        trust=Trust(options["trust"]),
        keep_order=options["keep_order"],
        local_version=options["local_version"],
        own_policy=own_policy(options),
        exclude=options["exclude"],
        force=options["force"],
        in_place=options["in_place"],
        remove=bool(options["remove"]),
        overwrite=options["overwrite"],
        jobs=options["jobs"],
    )
    chosen.require_sense()
    return chosen


def _result(done: Retagged | Applied) -> dict[str, Any]:
    return {
        "path": str(done.path.resolve()),
        "written": done.written,
        "removed": done.removed,
        "size_before": done.size_before,
        "size_after": done.size_after,
        "notices": list(done.notices),
        "plan": done.plan.to_json(),
    }


def _done(plan: RetagPlan, *, written: bool) -> str:
    """Return what was done, in one line."""
    if plan.changes_nothing:
        there = "; the same bytes are in the output folder" if written else ""
        return f"{plan.input_name}: nothing to do{there}"
    if not written:
        return f"{plan.input_name}: nothing to do; {plan.output_name} is there already"
    return _arrow(plan)


def _arrow(plan: RetagPlan) -> str:
    if plan.output_name == plan.input_name:
        return f"{plan.input_name}: the WHEEL file is mended"
    return f"{plan.input_name} -> {plan.output_name}"


def _details(plan: RetagPlan, notices: tuple[str, ...], *, verbose: int, err: bool) -> None:
    """Say what a person should know, and, when asked, why each new tag may be written."""
    for ground in plan.grounds if verbose else ():
        say(f"  {_ground(ground)}", err=err)
    for notice in notices:
        say(f"  note: {notice}", err=err)


def _ground(ground: Ground) -> str:
    """Return why a tag may be written."""
    by = f" by {' and '.join(ground.by)}" if ground.by else ""
    word = ", although " if ground.basis == FORCED else ": "
    facts = f"{word}{'; '.join(ground.reasons)}" if ground.reasons else ""
    given = f", with {', '.join(ground.given)} from elsewhere" if ground.given else ""
    return f"{ground.tag}: {ground.basis}{by}{ground.by_policy}{given}{facts}"
