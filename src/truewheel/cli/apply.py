"""`truewheel apply`: do what a plan for many wheels says, all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from truewheel.batch.apply import apply_batch, check_inputs
from truewheel.batch.collisions import require_no_collision
from truewheel.batch.done import done_before, note_done, tidy
from truewheel.batch.kinds import Settings
from truewheel.batch.plan import BatchPlan
from truewheel.cli.each import attempt, complain, failed, pace
from truewheel.cli.format import plural
from truewheel.cli.output import say, say_json, say_path
from truewheel.cli.release import finish, published, require_release
from truewheel.errors import ExitCode, InvalidInputError, TruewheelError, UsageError
from truewheel.given_files import read_given
from truewheel.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truewheel.batch.apply import Applied
    from truewheel.cli.each import Failures

SCHEMA = "truewheel.apply/1"


def apply_plan(options: Mapping[str, Any]) -> ExitCode:
    """Apply the plan that the command names."""
    path = Path(options["plan_file"])
    plan = _read(path)
    failures = [failure.to_json() for failure in plan.refused]
    done = attempt(lambda: _apply(path, plan, options, failures))
    for failure in plan.refused:
        say(f"{failure.file}: was refused when it was planned: {failure.error}", err=True)
    code = ExitCode.SOME_FAILED if failures else ExitCode.DONE
    results: tuple[Applied, ...] = ()
    if isinstance(done, TruewheelError):
        complain(done, path.name)
        failures.append(failed(str(path), done))
        code = done.exit_code
    else:
        results = done
    for made in results:
        if not options["as_json"]:
            say_path(made.path)
    if results:
        say(_summary(results), err=True)
    if options["as_json"]:
        applied = [_result(made) for made in results]
        say_json({"schema": SCHEMA, "applied": applied, "failed": failures})
    return code


def _summary(results: Sequence[Applied]) -> str:
    """Return what was done, in one line."""
    written = sum(made.written for made in results)
    if not written:
        are = "is" if len(results) == 1 else "are"
        return f"nothing is left to do: {plural(len(results), 'wheel')} {are} there as planned"
    rest = f", {len(results) - written} were there already" if written < len(results) else ""
    return f"{plural(written, 'wheel')} written as planned{rest}"


def _apply(path: Path, plan: BatchPlan, options: Mapping[str, Any], failures: Failures) -> tuple[Applied, ...]:
    """Apply the plan, or look whether it can be; add what fails after the wheels are published."""
    directory = _directory(plan, options)
    earlier = done_before(path, plan, directory)
    if earlier and len(earlier) == len(plan.wheels):
        there = tuple(earlier.values())
        if not options["dry_run"]:
            tidy(plan, directory)
            failures.extend(finish(options, published(there)))
        return there
    left = plan._replace(wheels=tuple(item for number, item in enumerate(plan.wheels) if number not in earlier))
    require_release(options, [directory / item.plan.output_name for item in plan.wheels])
    at_once, within = pace([str(item.path) for item in left.wheels], options["jobs"])
    if options["dry_run"]:
        check_inputs(left, at_once)
        require_no_collision(left.wheels, directory)
        for item in left.wheels:
            say(f"{item.plan.input_name} -> {directory / item.plan.output_name}", err=True)
        return ()
    results: tuple[Applied, ...] = ()
    settings = Settings(Path(plan.sysroot), within)
    force = options["force"]

    def then(made: tuple[Applied, ...]) -> None:
        nonlocal results
        new = iter(made)
        results = tuple(earlier.get(number) or next(new) for number in range(len(plan.wheels)))
        failures.extend(finish(options, published(results)))
        note_done(path, plan, results)
        if earlier:
            tidy(plan, directory)

    apply_batch(left, directory, settings, force=force, at_once=at_once, then=then)
    return results


def _directory(plan: BatchPlan, options: Mapping[str, Any]) -> Path:
    """Return where all results go; raise UsageError when that is not one folder."""
    if options["wheel_dir"]:
        return Path(options["wheel_dir"])
    folders = {item.path.parent for item in plan.wheels} if plan.directory is None else {plan.directory}
    if len(folders) > 1:
        what = "the plan puts new wheels beside old ones that lie in several folders"
        raise UsageError(what, hint="name one folder for all with -w DIR")
    return next(iter(folders), Path())


def _read(path: Path) -> BatchPlan:
    """Return the plan in a file; raise InvalidInputError when it holds none."""
    try:
        data = parse_json(read_given(path))
    except OSError as error:
        raise InvalidInputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except ValueError as error:
        raise InvalidInputError(f"is no JSON document: {error}", where=str(path), hint="make the plan again") from error
    try:
        return BatchPlan.from_json(data, path.parent)
    except InvalidInputError as error:
        raise InvalidInputError(error.what, where=str(path), hint=error.hint) from error


def _result(made: Applied) -> dict[str, Any]:
    return {
        "path": str(made.path.resolve()),
        "changed": not made.plan.changes_nothing,
        "written": made.written,
        "removed": made.removed,
        "size_before": made.size_before,
        "size_after": made.size_after,
        "sha256": made.sha256,
        "notices": list(made.notices),
        "plan": made.plan.to_json(),
    }
