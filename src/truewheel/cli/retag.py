"""`truewheel retag`: options to a call, results to paths on stdout and a summary on stderr."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from truewheel.cli.each import for_each
from truewheel.cli.format import printable
from truewheel.errors import OutputError, UsageError
from truewheel.retagger.retag import apply_retag, open_wheel, plan_retag, remove_old
from truewheel.retagger.retag_options import RetagOptions, Trust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.errors import ExitCode
    from truewheel.retagger.retag import Retagged
    from truewheel.retagger.retag_plan import RetagPlan

SCHEMA = "truewheel.retag/1"


def retag_wheels(options: Mapping[str, Any]) -> ExitCode:
    """Retag, or plan to retag, every wheel that the command names."""
    chosen = _chosen(options)
    directory = Path(options["wheel_dir"]) if options["wheel_dir"] else None
    results: list[dict[str, Any]] = []
    targets: dict[str, Path] = {}

    def plan_one(wheel: Path) -> RetagPlan:
        with open_wheel(wheel) as reader:
            plan = plan_retag(reader, chosen)
            _require_own_name(plan, wheel, directory, targets)
            return plan.identified(reader) if options["as_json"] else plan

    def retag_one(wheel: Path) -> Retagged:
        with open_wheel(wheel) as reader:
            plan = plan_retag(reader, chosen)
            _require_own_name(plan, wheel, directory, targets)
            done = apply_retag(reader, plan.identified(reader) if options["as_json"] else plan, directory, chosen)
        return remove_old(done, wheel) if chosen.in_place or chosen.remove else done

    def present_plan(plan: RetagPlan) -> None:
        results.append(plan.to_json())
        if not options["as_json"]:
            _say(f"{plan.input_name}: nothing to do" if plan.changes_nothing else _arrow(plan))
            _details(plan, plan.notices, verbose=options["verbose"], err=False)

    def present_result(done: Retagged) -> None:
        results.append(_result(done))
        _say(_done(done), err=True)
        _details(done.plan, done.notices, verbose=options["verbose"], err=True)
        if not options["as_json"]:
            click.echo(os.fsencode(done.path.resolve()))

    if options["dry_run"]:
        failures, code = for_each(options["wheels"], plan_one, present_plan)
    else:
        failures, code = for_each(options["wheels"], retag_one, present_result)
    if options["as_json"]:
        from json import dumps

        key = "plans" if options["dry_run"] else "retagged"
        click.echo(dumps({"schema": SCHEMA, key: results, "failed": failures}, indent=2))
    return code


def _chosen(options: Mapping[str, Any]) -> RetagOptions:
    """Return what the command line asks for; raise UsageError for what contradicts itself."""
    if options["in_place"] and (options["wheel_dir"] or options["remove"] is False):
        other = "`-w`" if options["wheel_dir"] else "`--keep`"
        raise UsageError(f"contradicts {other}", where="--in-place", hint="the new wheel takes the old one's place")
    if options["build"] is not None and options["no_build"]:
        raise UsageError("contradicts `--build`", where="--no-build")
    return RetagOptions(
        python_tag=options["python_tag"],
        abi_tag=options["abi_tag"],
        platform_tag=options["platform_tag"],
        build="" if options["no_build"] else options["build"],
        profiles=options["profiles"],
        profile_file=Path(options["profile_file"]) if options["profile_file"] else None,
        legacy_aliases=options["legacy_aliases"],
        normalize=options["normalize"],
        trust=Trust(options["trust"]),
        keep_order=options["keep_order"],
        local_version=options["local_version"],
        force=options["force"],
        in_place=options["in_place"],
        remove=bool(options["remove"]),
        overwrite=options["overwrite"],
        jobs=options["jobs"],
    )


def _require_own_name(plan: RetagPlan, wheel: Path, directory: Path | None, targets: dict[str, Path]) -> None:
    """Raise OutputError when an earlier wheel of this run has the same new path, letters' case aside."""
    target = (directory or wheel.parent).absolute() / plan.output_name
    if targets.setdefault(str(target).lower(), wheel) != wheel:
        raise OutputError(
            f"would be written as {plan.output_name}, as another of the given wheels is",
            where=str(wheel),
            hint="write the two into different folders",
        )


def _result(done: Retagged) -> dict[str, Any]:
    return {
        "path": str(done.path.resolve()),
        "written": done.written,
        "removed": done.removed,
        "size_before": done.size_before,
        "size_after": done.size_after,
        "notices": list(done.notices),
        "plan": done.plan.to_json(),
    }


def _done(done: Retagged) -> str:
    """Return what was done, in one line."""
    if done.plan.changes_nothing:
        there = "; the same bytes are in the output folder" if done.written else ""
        return f"{done.plan.input_name}: nothing to do{there}"
    if not done.written:
        return f"{done.plan.input_name}: nothing to do; {done.plan.output_name} is there already"
    return _arrow(done.plan)


def _arrow(plan: RetagPlan) -> str:
    if plan.output_name == plan.input_name:
        return f"{plan.input_name}: the WHEEL file is mended"
    return f"{plan.input_name} -> {plan.output_name}"


def _details(plan: RetagPlan, notices: tuple[str, ...], *, verbose: int, err: bool) -> None:
    """Say what a person should know, and, when asked, why each new tag may be written."""
    for ground in plan.grounds if verbose else ():
        by = f" by {' and '.join(ground.by)}" if ground.by else ""
        _say(f"  {ground.tag}: {ground.basis}{by}", err=err)
    for notice in notices:
        _say(f"  note: {notice}", err=err)


def _say(line: str, *, err: bool = False) -> None:
    click.echo(printable(line), err=err)
