"""`truewheel repair`: options to a call, results to paths on stdout and a summary on stderr."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truewheel.bundler.bundle_options import BundleOptions
from truewheel.cli.batch import Task, run_task
from truewheel.cli.each import deployment_target, own_policy, search_from
from truewheel.cli.format import human_size, plural
from truewheel.cli.output import say, say_json, say_path
from truewheel.repair import apply_plan, plan_and_judge, plan_repair
from truewheel.repair.options import RepairOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.archive.reader import WheelReader
    from truewheel.batch.apply import Applied
    from truewheel.bundler.plan import ElfEdit, MachoEdit, RepairPlan
    from truewheel.errors import ExitCode
    from truewheel.repair import Repaired

SCHEMA = "truewheel.repair/1"


def repair_wheels(options: Mapping[str, Any]) -> ExitCode:
    """Repair, or plan to repair, every wheel that the command names."""
    chosen = _repair_options(options)
    directory = Path(options["wheel_dir"])
    results: list[dict[str, Any]] = []

    def apply(reader: WheelReader, plan: RepairPlan, jobs: int) -> Repaired:
        return apply_plan(reader, plan, directory, replace(chosen, jobs=jobs))

    def present_plan(plan: RepairPlan) -> None:
        results.append(plan.to_json())
        if not options["as_json"] and not options["plan"]:
            _print_plan(plan)

    def present(plan: RepairPlan, done: Repaired | Applied) -> None:
        results.append(_result(done))
        _summarize(plan, done, verbose=options["verbose"])
        if not options["as_json"]:
            say_path(done.path)

    task = Task(
        plan=lambda reader, jobs: plan_repair(reader, replace(chosen, jobs=jobs)),
        apply=apply,
        explained=lambda reader, jobs: _explained(reader, replace(chosen, jobs=jobs)),
        present_plan=present_plan,
        present=present,
        directory=directory,
        overwrite=chosen.force,
        sysroot=chosen.search.sysroot,
    )
    failures, code = run_task(options, task)
    if options["as_json"]:
        key = "plans" if options["dry_run"] or options["plan"] else "repaired"
        say_json({"schema": SCHEMA, key: results, "failed": failures})
    return code


def _explained(reader: WheelReader, chosen: RepairOptions) -> tuple[RepairPlan, tuple[str, ...]]:
    from truewheel.batch.evidence import evidence_of

    planned = plan_and_judge(reader, chosen)
    return planned.plan, evidence_of(planned)


def _repair_options(options: Mapping[str, Any]) -> RepairOptions:
    architectures = tuple(filter(None, (options["require_archs"] or "").replace(" ", "").split(",")))
    if architectures:
        from truewheel.retagger.macos_evidence import require_architectures

        require_architectures(architectures)
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
            keep_runtime=not options["drop_hardened_runtime"],
        ),
        require_archs=architectures,
        deployment_target=deployment_target(),
        sbom=options["sbom"],
        own_policy=own_policy(options),
        force=options["force"],
        jobs=options["jobs"],
    )


def _result(done: Repaired | Applied) -> dict[str, Any]:
    return {
        "path": str(done.path.resolve()),
        "changed": not done.plan.changes_nothing,
        "size_before": done.size_before,
        "size_after": done.size_after,
        "notices": list(done.notices),
        "plan": done.plan.to_json(),
    }


def _summarize(plan: RepairPlan, done: Repaired | Applied, *, verbose: int) -> None:
    """Say on stderr what was done, in one line and, when asked, in detail."""
    if plan.changes_nothing:
        say(f"{plan.input_name}: nothing to do; the same bytes are in the output folder", err=True)
    else:
        added = human_size(done.size_after - done.size_before, signed=True)
        what = f"bundled {plural(len(plan.libraries), 'library')}" if plan.libraries else "no library to bundle"
        say(f"{plan.input_name}: {what}, {added}; now {'.'.join(plan.platforms)}", err=True)
    if verbose:
        for copy in plan.libraries:
            say(f"  {copy.member}  {human_size(copy.size)}  from {copy.source}", err=True)
    for path in plan.dropped_paths:
        say(f"  {path.member}: dropped the search path {path.entry or '(empty)'}", err=True)
    for notice in done.notices:
        say(f"  note: {notice}", err=True)


def _print_plan(plan: RepairPlan) -> None:
    """Print what would be done, one thing a line."""
    say(f"{plan.input_name}: nothing to do" if plan.changes_nothing else f"{plan.input_name} -> {plan.output_name}")
    for copy in plan.libraries:
        say(f"  bundle  {copy.source} ({human_size(copy.size)}) as {copy.member}")
    for edit in plan.edits:
        for line in _edit_lines(edit):
            say(f"  edit    {edit.member}: {line}")
    for macho in plan.macho_edits:
        for line in _slice_lines(macho):
            say(f"  edit    {macho.member}: {line}")
    for item in plan.launchers:
        say(f"  move    {item.script} to {item.executable}, a launcher takes its place")
    for path in plan.dropped_paths:
        say(f"  drop    {path.member}: the search path {path.entry or '(empty)'}")
    for notice in plan.notices:
        say(f"  note    {notice}")


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


def _slice_lines(edit: MachoEdit) -> list[str]:
    """Return what changes in one Mach-O file, one change a line; what is the same in all slices once."""
    by_line: dict[str, list[str]] = {}
    for item in edit.slices:
        lines = [f"install name {item.install_name}"] if item.install_name else []
        lines += [f"needs {new} instead of {old}" for old, new in item.rename]
        lines += [f"no longer needs {name}" for name in item.remove]
        lines += [f"no rpath {path}" for path in item.delete_rpaths if path not in item.add_rpaths]
        lines += [f"rpath {path}" for path in item.add_rpaths]
        lines += ["signed"] * item.sign
        for line in lines:
            by_line.setdefault(line, []).append(item.architecture)
    everywhere = len(edit.slices)
    return [line if len(archs) == everywhere else f"{line} ({', '.join(archs)})" for line, archs in by_line.items()]
