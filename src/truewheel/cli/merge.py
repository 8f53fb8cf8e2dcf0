"""`truewheel merge`: options to a call, the result to a path on stdout and a summary on stderr."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from truewheel.batch.published import Published
from truewheel.cli.batch import sweep
from truewheel.cli.each import deployment_target, exit_code, for_all
from truewheel.cli.format import human_size, plural
from truewheel.cli.output import say, say_json, say_path
from truewheel.cli.release import finish, require_release
from truewheel.merge import merge_wheels, plan_merge
from truewheel.merge.options import MergeOptions
from truewheel.merge.pair import opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from truewheel.errors import ExitCode
    from truewheel.merge import Merged
    from truewheel.merge.plan import MergePlan

SCHEMA = "truewheel.merge/1"


def merge(options: Mapping[str, Any]) -> ExitCode:
    """Merge, or plan to merge, the wheels that the command names."""
    chosen = MergeOptions(
        prefer=options["prefer"],
        allow_one_sided=options["allow_one_sided"],
        plat=options["plat"],
        deployment_target=deployment_target(),
        exclude=options["exclude"],
        force=options["force"],
        jobs=options["jobs"],
    )
    directory = Path(options["wheel_dir"])
    results: list[dict[str, Any]] = []

    def plan(wheels: Sequence[Path]) -> MergePlan:
        with opened(wheels, chosen.jobs) as pair:
            return plan_merge(pair, chosen)

    def present_plan(plan: MergePlan) -> None:
        results.append(plan.to_json())
        if not options["as_json"]:
            say(f"{_inputs(plan)} -> {plan.output_name}")
            for line in (*_lines(plan), *(f"note    {notice}" for notice in plan.notices)):
                say(f"  {line}")

    made: list[Published] = []

    def present_result(done: Merged) -> None:
        made.extend(Published(item.name, item.sha256, done.path) for item in done.plan.inputs)
        results.append(_result(done))
        _summarize(done, verbose=options["verbose"])
        if not options["as_json"]:
            say_path(done.path)

    def merged(wheels: Sequence[Path]) -> Merged:
        require_release(options, [directory / wheel.name for wheel in wheels[:1]])
        return merge_wheels(wheels, directory, chosen)

    if options["dry_run"]:
        failures, code = for_all(options["wheels"], plan, present_plan)
    else:
        sweep(directory, ())
        failures, code = for_all(options["wheels"], merged, present_result)
        late = finish(options, made)
        failures, code = failures + late, code or exit_code(late, 1)
    if options["as_json"]:
        key = "plans" if options["dry_run"] else "merged"
        say_json({"schema": SCHEMA, key: results, "failed": failures})
    return code


def _result(done: Merged) -> dict[str, Any]:
    return {
        "path": str(done.path.resolve()),
        "size_before": done.size_before,
        "size_after": done.size_after,
        "notices": list(done.notices),
        "plan": done.plan.to_json(),
    }


def _inputs(plan: MergePlan) -> str:
    return " and ".join(item.name for item in plan.inputs)


def _summarize(done: Merged, *, verbose: int) -> None:
    """Say on stderr what was done, in one line and, when asked, in detail."""
    plan = done.plan
    alone = f", {len(plan.one_sided)} for one architecture only" if plan.one_sided else ""
    saved = human_size(done.size_after - done.size_before, signed=True)
    files = plural(len(plan.joined), "file")
    say(f"{_inputs(plan)}: joined {files}{alone}, {saved}; now {'.'.join(plan.platforms)}", err=True)
    for line in _lines(plan) if verbose else ():
        say(f"  {line}", err=True)
    for notice in done.notices:
        say(f"  note: {notice}", err=True)


def _lines(plan: MergePlan) -> Iterator[str]:
    """Yield what becomes of each member that is not the same in both wheels."""
    yield from (f"join    {member}" for member in plan.joined)
    yield from (f"take    {choice.member}: that for {choice.architecture}" for choice in plan.preferred)
    yield from (f"keep    {choice.member}: for {choice.architecture} alone" for choice in plan.one_sided)
    yield from (f"leave   {choice.member}: for {choice.architecture} alone" for choice in plan.left_out)
    yield from (f"rename  {item.member}: that for {item.architecture} is {item.new_member}" for item in plan.sboms)
