"""`truewheel repair`: options to a call, results to paths on stdout and a summary on stderr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from truewheel.archive.reader import WheelReader
from truewheel.bundler.planning import BundleOptions
from truewheel.cli.each import for_each, search_from
from truewheel.cli.format import human_size, plural
from truewheel.repair import RepairOptions, plan_repair, repair

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.bundler.plan import ElfEdit, RepairPlan
    from truewheel.errors import ExitCode
    from truewheel.repair import Repaired

SCHEMA = "truewheel.repair/1"


def repair_wheels(options: Mapping[str, Any]) -> ExitCode:
    """Repair, or plan to repair, every wheel that the command names."""
    chosen = _repair_options(options)
    results: list[dict[str, Any]] = []

    def plan_one(wheel: Path) -> RepairPlan:
        with WheelReader.open(wheel) as reader:
            return plan_repair(reader, chosen)

    def present_plan(plan: RepairPlan) -> None:
        results.append(plan.to_json())
        if not options["as_json"]:
            _print_plan(plan)

    def present_result(done: Repaired) -> None:
        results.append(_result(done))
        _summarize(done, verbose=options["verbose"])
        if not options["as_json"]:
            click.echo(done.path.resolve())

    if options["dry_run"]:
        failures, code = for_each(options["wheels"], plan_one, present_plan)
    else:
        directory = Path(options["wheel_dir"])
        failures, code = for_each(options["wheels"], lambda wheel: repair(wheel, directory, chosen), present_result)
    if options["as_json"]:
        key = "plans" if options["dry_run"] else "repaired"
        click.echo(json.dumps({"schema": SCHEMA, key: results, "failed": failures}, indent=2))
    return code


def _repair_options(options: Mapping[str, Any]) -> RepairOptions:
    return RepairOptions(
        plat=options["plat"],
        only_plat=options["only_plat"],
        search=search_from(options),
        include=options["include"],
        bundle=BundleOptions(
            strip=options["strip"],
            no_mangle=options["no_mangle"],
            lib_sdir=options["lib_sdir"],
            clear_executable_stack=options["clear_executable_stack"],
        ),
        sbom=options["sbom"],
        force=options["force"],
        jobs=options["jobs"],
    )


def _result(done: Repaired) -> dict[str, Any]:
    return {
        "path": str(done.path.resolve()),
        "changed": not done.plan.changes_nothing,
        "size_before": done.size_before,
        "size_after": done.size_after,
        "plan": done.plan.to_json(),
    }


def _summarize(done: Repaired, *, verbose: int) -> None:
    """Say on stderr what was done, in one line and, when asked, in detail."""
    plan = done.plan
    if plan.changes_nothing:
        click.echo(f"{plan.input_name}: nothing to do, copied as it is", err=True)
    else:
        added = done.size_after - done.size_before
        what = f"bundled {plural(len(plan.libraries), 'library')}, {human_size(added, signed=True)}"
        click.echo(f"{plan.input_name}: {what}; now {'.'.join(plan.platforms)}", err=True)
    if verbose:
        for copy in plan.libraries:
            click.echo(f"  {copy.member}  {human_size(copy.size)}  from {copy.source}", err=True)
    for path in plan.dropped_paths:
        click.echo(f"  {path.member}: dropped the search path {path.entry}", err=True)
    for notice in plan.notices:
        click.echo(f"  note: {notice}", err=True)


def _print_plan(plan: RepairPlan) -> None:
    """Print what would be done, one thing a line."""
    if plan.changes_nothing:
        click.echo(f"{plan.input_name}: nothing to do")
        return
    click.echo(f"{plan.input_name} -> {plan.output_name}")
    for copy in plan.libraries:
        click.echo(f"  bundle  {copy.source} ({human_size(copy.size)}) as {copy.member}")
    for edit in plan.edits:
        for line in _edit_lines(edit):
            click.echo(f"  edit    {edit.member}: {line}")
    for item in plan.launchers:
        click.echo(f"  move    {item.script} to {item.executable}, a launcher takes its place")
    for path in plan.dropped_paths:
        click.echo(f"  drop    {path.member}: the search path {path.entry}")
    for notice in plan.notices:
        click.echo(f"  note    {notice}")


def _edit_lines(edit: ElfEdit) -> list[str]:
    """Return what changes in one file, one change a line."""
    lines = []
    if edit.soname is not None:
        lines.append(f"soname {edit.soname}")
    lines += [f"needs {new} instead of {old}" for old, new in edit.replace_needed]
    lines += [f"no longer needs {name}" for name in edit.remove_needed]
    if edit.rpath is not None:
        lines.append(f"rpath {edit.rpath}" if edit.rpath else "no rpath")
    if edit.clear_executable_stack:
        lines.append("no executable stack")
    if edit.strip:
        lines.append("stripped")
    return lines
