"""Commands that make wheels of wheels: plan all, find collisions, and only then write; or write the plan alone."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from truewheel.archive.reader import WheelReader
from truewheel.batch.collisions import collisions
from truewheel.batch.planned import PlannedWheel
from truewheel.cli.each import Failures, attempt, complain, each_once, exit_code, failed, for_each, pace
from truewheel.cli.format import plural
from truewheel.cli.output import echo, say, say_path
from truewheel.errors import TruewheelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from truewheel.batch.apply import Applied
    from truewheel.batch.collisions import Planned
    from truewheel.batch.kinds import WheelPlan
    from truewheel.errors import ExitCode

Plan = TypeVar("Plan", bound="WheelPlan")
Item = TypeVar("Item", bound="Planned")


class Made(Protocol):
    """What is told of a finished wheel, whatever made it; each command knows its own kind of plan."""

    @property
    def plan(self) -> Any:  # noqa: ANN401
        """What was to be done."""

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def size_before(self) -> int:
        """Bytes of the wheel that was given."""

    @property
    def size_after(self) -> int:
        """Bytes of the result."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences for the user."""


Done = TypeVar("Done", bound=Made)


class Task(Generic[Plan, Done]):
    """What one command does with each wheel.

    plan: what would be done, with so many threads. explained: the same, and why, one sentence for each fact.
    apply: do it to one wheel, and publish the result at once. present_plan, present: tell the user.
    finish: what there is to do once the wheel that was given is closed. opened: how one is opened.
    directory: where the results go; None for the folder of each wheel. overwrite: whether they replace other files.
    sysroot: where the packages of bundled libraries are looked up.
    removes_inputs: whether the wheels go once the new ones are there.
    """

    def __init__(  # noqa: PLR0913 - by name only
        self,
        *,
        plan: Callable[[WheelReader, int], Plan],
        apply: Callable[[WheelReader, Plan, int], Done],
        explained: Callable[[WheelReader, int], tuple[Plan, tuple[str, ...]]],
        present_plan: Callable[[Plan], None],
        present: Callable[[Plan, Done | Applied], None],
        directory: Path | None,
        overwrite: bool,
        opened: Callable[[Path], WheelReader] = WheelReader.open,
        finish: Callable[[Done, Path], Done] | None = None,
        sysroot: Path = Path("/"),
        removes_inputs: bool = False,
    ) -> None:
        """Keep the parts."""
        self.plan = plan
        self.apply = apply
        self.explained = explained
        self.present_plan = present_plan
        self.present = present
        self.directory = directory
        self.overwrite = overwrite
        self.opened = opened
        self.finish = finish
        self.sysroot = sysroot
        self.removes_inputs = removes_inputs


class _Opener:
    """Opens wheels. A lone one is opened once, for its plan and for what is made by it: opening reads every header."""

    def __init__(self, opened: Callable[[Path], WheelReader], *, keeps: bool) -> None:
        """Open with `opened`. keeps: whether a wheel stays open after it is planned."""
        self._opened = opened
        self._keeps = keeps
        self._kept: WheelReader | None = None

    @contextmanager
    def to_plan(self, wheel: Path) -> Iterator[WheelReader]:
        """Open a wheel, and leave it open when it is to be kept."""
        with ExitStack() as stack:
            reader = stack.enter_context(self._opened(wheel))
            yield reader
            if self._keeps:
                self._kept = reader
                stack.pop_all()

    @contextmanager
    def to_make(self, wheel: Path) -> Iterator[WheelReader]:
        """Open a wheel, or take the kept one; it is closed afterwards."""
        reader, self._kept = self._kept or self._opened(wheel), None
        with reader:
            yield reader

    def close(self) -> None:
        """Close a wheel that was kept and of which nothing was made."""
        if self._kept is not None:
            self._kept.close()


def run_task(options: Mapping[str, Any], task: Task[Plan, Done]) -> tuple[Failures, ExitCode]:
    """Do what the options ask with every wheel that the command names; return as `for_each` does."""
    alone = len(options["wheels"]) == 1
    opener = _Opener(task.opened, keeps=alone and not (options["all_or_nothing"] or options["plan"]))
    late: Failures = []
    if options["all_or_nothing"] and not (options["plan"] or options["dry_run"]):
        earlier, late = _finish_interrupted(options, task)
        options = {**options, "wheels": _where_they_are_now(options["wheels"], earlier)}
    with closing(opener):
        return _run(options, task, opener, late)


def _finish_interrupted(options: Mapping[str, Any], task: Task[Plan, Done]) -> tuple[tuple[Applied, ...], Failures]:
    """Finish what an earlier run had ready when it was interrupted; return the results, and what failed after them."""
    from truewheel.batch.apply import finish_interrupted
    from truewheel.batch.kinds import Settings
    from truewheel.cli.release import finish, published

    folder, late = _one_folder(task, options["wheels"]), Failures()
    settings = Settings(task.sysroot)
    done = finish_interrupted(
        folder, settings, force=task.overwrite, then=lambda made: late.extend(finish(options, published(made)))
    )
    if done:
        echo(f"finished a run that was interrupted: {plural(len(done), 'wheel')}", err=True)
    return done, late


def _where_they_are_now(wheels: Sequence[str], earlier: Sequence[Applied]) -> tuple[str, ...]:
    """Return the wheels, with the results in the place of those that the finished run has taken away."""
    now = {(str(made.path.parent.resolve()), made.plan.input_name): str(made.path) for made in earlier if made.removed}
    places = ((str(Path(wheel).parent.resolve()), Path(wheel).name) for wheel in wheels)
    return tuple(dict.fromkeys(now.get(place, wheel) for place, wheel in zip(places, wheels, strict=True)))


def _run(
    options: Mapping[str, Any], task: Task[Plan, Done], opener: _Opener, late: Failures
) -> tuple[Failures, ExitCode]:
    """Do what the options ask. late: what failed already, after a run that was interrupted was finished."""
    planned, failures, total = _plan_all(options, task, opener)
    failures += late
    if not options["plan"]:
        results = [(task.directory or item.path.parent) / item.plan.output_name for item in planned]
        if trouble := _release_trouble(options, results):
            return failures + trouble, exit_code(trouble, 1)
    if options["plan"] or options["dry_run"]:
        for item in planned:
            task.present_plan(item.plan)
        if options["plan"]:
            _write_plan(Path(options["plan"]), task, planned, failures, as_json=options["as_json"])
            _leave_to_apply(options)
        return failures, exit_code(failures, total)
    if options["all_or_nothing"]:
        # That others are done may only be said where they are: a code of its own ends a run that did nothing.
        return (failures, exit_code(failures, 1)) if failures else _publish_all(options, task, planned)
    failures += _publish_each(options, task, opener, planned)
    return failures, exit_code(failures, total)


def _release_trouble(options: Mapping[str, Any], results: Sequence[Path]) -> Failures:
    if not (options["sums"] or options["index"]):
        return []
    from truewheel.cli.release import release_trouble

    return release_trouble(options, results)


def _plan_all(
    options: Mapping[str, Any], task: Task[Plan, Done], opener: _Opener
) -> tuple[list[PlannedWheel[Plan]], Failures, int]:
    """Plan every wheel; return the plans without those that collide, what failed, and how many wheels there were."""
    at_once, within = pace(options["wheels"], options["jobs"])

    by_content = options["plan"] or options["all_or_nothing"] or options["sums"]

    def plan_one(wheel: Path) -> PlannedWheel[Plan]:
        with opener.to_plan(wheel) as reader:
            plan, why = task.explained(reader, within) if options["plan"] else (task.plan(reader, within), ())
            return PlannedWheel(wheel, plan.identified(reader) if by_content else plan, why)

    planned: list[PlannedWheel[Plan]] = []
    failures, _ = for_each(options["wheels"], plan_one, planned.append, at_once=at_once)
    replacing = task.overwrite and not (options["plan"] or options["all_or_nothing"])
    kept, colliding = apart(planned, task.directory, options["wheels"] if replacing else ())
    return kept, failures + colliding, len(each_once(options["wheels"]))


def apart(planned: Sequence[Item], directory: Path | None, keeping: Iterable[str]) -> tuple[list[Item], Failures]:
    """Return the wheels whose results get in nobody's way, and the others, which are told. As for `collisions`."""
    found = collisions(planned, directory, keeping=keeping)
    failures = []
    for number, error in found.items():
        complain(error)
        failures.append(failed(str(planned[number].path), error))
    return [item for number, item in enumerate(planned) if number not in found], failures


def _publish_each(
    options: Mapping[str, Any],
    task: Task[Plan, Done],
    opener: _Opener,
    planned: Sequence[PlannedWheel[Plan]],
) -> Failures:
    """Make one wheel after the other, each published when it is ready; return what failed."""
    sweep(task.directory, [item.path for item in planned])
    plans = {str(item.path): item.plan for item in planned}
    at_once, within = pace(tuple(plans), options["jobs"])

    def apply_one(wheel: Path) -> tuple[Plan, Done]:
        plan = plans[str(wheel)]
        with opener.to_make(wheel) as reader:
            done = task.apply(reader, plan, within)
        return plan, task.finish(done, wheel) if task.finish else done

    made: list[Made] = []

    def present(pair: tuple[Plan, Done]) -> None:
        made.append(pair[1])
        task.present(*pair)

    failures, _ = for_each(plans, apply_one, present, at_once=at_once)
    if not (options["sums"] or options["index"]):
        return failures
    from truewheel.cli.release import finish, published

    return failures + finish(options, published(made))


def sweep(directory: Path | None, wheels: Iterable[Path]) -> None:
    """Remove what killed runs left unfinished where new wheels go: in the directory, or beside the wheels."""
    from truewheel.archive.leftovers import remove_leftovers

    for folder in dict.fromkeys([directory] if directory else [wheel.parent for wheel in wheels]):
        remove_leftovers(folder)


def _publish_all(
    options: Mapping[str, Any], task: Task[Plan, Done], planned: Sequence[PlannedWheel[Plan]]
) -> tuple[Failures, ExitCode]:
    """Make all wheels and publish them together; return what failed, and the exit code."""
    from truewheel.batch.apply import apply_batch
    from truewheel.batch.kinds import Settings
    from truewheel.batch.plan import BatchPlan
    from truewheel.cli.release import finish, published

    at_once, within = pace([str(item.path) for item in planned], options["jobs"])
    plan = BatchPlan(tuple(planned), sysroot=str(task.sysroot), removes_inputs=task.removes_inputs)
    settings = Settings(task.sysroot, within)
    directory = _one_folder(task, [str(item.path) for item in planned])
    sweep(directory, ())
    late = Failures()

    def then(made: tuple[Applied, ...]) -> None:
        late.extend(finish(options, published(made)))

    force = task.overwrite
    result = attempt(lambda: apply_batch(plan, directory, settings, force=force, at_once=at_once, then=then))
    if isinstance(result, TruewheelError):
        complain(result)
        return [failed(str(item.path), result) for item in planned], result.exit_code
    for item, made in zip(planned, result, strict=True):
        task.present(item.plan, made)
    return late, exit_code(late, len(planned))


def _one_folder(task: Task[Plan, Done], wheels: Sequence[str]) -> Path:
    """Return where all results go; raise UsageError when that is not one folder."""
    folders = {Path(wheel).parent for wheel in wheels} if task.directory is None else {task.directory}
    if len(folders) > 1:
        raise UsageError("needs one folder for all new wheels", where="--all-or-nothing", hint="name it with -w DIR")
    return next(iter(folders), Path())


def _write_plan(
    path: Path, task: Task[Plan, Done], planned: Sequence[PlannedWheel[Plan]], failures: Failures, *, as_json: bool
) -> None:
    import json

    from truewheel.batch.failure import Failure
    from truewheel.batch.files import write_file
    from truewheel.batch.plan import BatchPlan

    refused = tuple(Failure(**{**failure, "reasons": tuple(failure["reasons"])}) for failure in failures)
    plan = BatchPlan(tuple(planned), refused, str(task.sysroot), task.removes_inputs, task.directory)
    content = json.dumps(plan.to_json(path.parent.resolve()), indent=2)
    write_file(path, f"{content}\n".encode())
    echo(f"{plural(len(planned), 'wheel')} planned, {len(failures)} refused", err=True)
    if not as_json:
        say_path(path)


def _leave_to_apply(options: Mapping[str, Any]) -> None:
    """Say which options a plan does not hold."""
    left = [f"`--{key}`" for key in ("sums", "index") if options[key]]
    if left:
        say(f"  note: a plan does not hold {' and '.join(left)}: give that to `truewheel apply`", err=True)
