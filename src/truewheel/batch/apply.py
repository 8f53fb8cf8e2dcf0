"""Doing what a plan for many wheels says: all of it, or nothing.

Every input is checked, and every collision found, before anything is written. Then all results are made under
temporary names and verified; only when all of them are ready does the first get its own name. A run that was killed is
finished by the next one of the same plan, to the same end.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from truewheel.archive.staging import rename_new, same_bytes, sync_directory, writing
from truewheel.batch.collisions import require_no_collision
from truewheel.batch.files import place_of
from truewheel.batch.journal import Ready, interrupted, is_committed, open_journal
from truewheel.batch.kinds import stage_planned
from truewheel.batch.plan import BatchPlan
from truewheel.bundler.digests import file_sha256
from truewheel.errors import InvalidInputError, OutputError, RefusedError
from truewheel.retagger.retag import open_wheel
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from truewheel.batch.journal import Journal
    from truewheel.batch.kinds import Settings, WheelPlan
    from truewheel.batch.planned import PlannedWheel

_BOUND = 1 << 30
"""How many bytes of wheels are worked on at once."""


class Applied(NamedTuple):
    """One finished wheel of a batch: its plan, where it is, both sizes in bytes, and sentences for the user.

    written: whether anything was; False when the very same file was there already. sha256: of the result, in hex.
    removed: whether the wheel that was given is gone.
    """

    plan: WheelPlan
    path: Path
    size_before: int
    size_after: int
    notices: tuple[str, ...]
    sha256: str
    written: bool = True
    removed: bool = False


def apply_batch(
    plan: BatchPlan,
    directory: Path,
    settings: Settings,
    *,
    force: bool = False,
    at_once: int = 1,
    then: Callable[[tuple[Applied, ...]], object] = tuple,
) -> tuple[Applied, ...]:
    """Do what the plan says, in `directory`, which is made when it is not there; return the results in order.

    force: replace different files of the results' names. at_once: how many wheels are worked on at a time.
    then: what belongs to the batch once its results are there; a run that was interrupted in it does it again.

    Raises RefusedError when an input is not the planned one or results would take each other's or another file's
    place, and whatever making a result raises; the folder is as before then. Raises OutputError, and leaves the journal
    for another run to finish, when results that are ready cannot be given their names.
    """
    digest = plan.digest
    sizes = [0] * len(plan.wheels)
    if not is_committed(directory, digest):
        sizes = check_inputs(plan, at_once)
        require_no_collision(plan.wheels, directory)
    with open_journal(directory, digest) as journal:
        if not journal.committed:
            try:
                _make_ready(plan, journal, settings, sizes, at_once)
                _require_room(plan, journal, directory, force=force)
                journal.commit(plan.to_json(directory.resolve()))
            except BaseException:
                journal.remove()
                raise
        applied = _publish(plan, journal, directory, force=force)
        remove_inputs(plan, directory)
        then(applied)
        journal.remove()
    return applied


def finish_interrupted(
    directory: Path,
    settings: Settings,
    *,
    force: bool = False,
    then: Callable[[tuple[Applied, ...]], object] = tuple,
) -> tuple[Applied, ...]:
    """Finish what earlier runs into `directory` had ready when they were interrupted; return the results.

    A run that takes its wheels away cannot be started again with the same ones, so whoever comes next finishes it.
    Raises as `apply_batch` does.
    """
    plans = [BatchPlan.from_json(data, directory) for data in interrupted(directory)]
    return tuple(made for plan in plans for made in apply_batch(plan, directory, settings, force=force, then=then))


def check_inputs(plan: BatchPlan, at_once: int) -> list[int]:
    """Return the size of each input; raise RefusedError, with each of them, for those that are not what was planned."""
    outcomes = list(each_in_order(_checked, ((item, 1) for item in plan.wheels), jobs=at_once, bound=max(at_once, 1)))
    wrong = tuple(outcome for outcome in outcomes if isinstance(outcome, str))
    if wrong:
        raise RefusedError(
            "the inputs are not those of the plan; nothing was written", reasons=wrong, hint="plan again"
        )
    return [outcome for outcome in outcomes if isinstance(outcome, int)]


def _checked(item: PlannedWheel[WheelPlan]) -> int | str:
    """Return the size of an input, or what is wrong with it."""
    try:
        digest = file_sha256(str(item.path))
        size = item.path.stat().st_size
    except (InvalidInputError, OSError) as error:
        what = error.what if isinstance(error, InvalidInputError) else f"cannot be read: {error.strerror}"
        return f"{item.path} {what}"
    return size if digest == item.plan.input_sha256 else f"{item.path} has other content than when it was planned"


def _make_ready(plan: BatchPlan, journal: Journal, settings: Settings, sizes: list[int], at_once: int) -> None:
    """Make every result that is not ready yet, and write it down."""
    for number in [number for number, record in journal.ready.items() if not _still_there(journal, record)]:
        del journal.ready[number]
    journal.forget_all_but({record.file for record in journal.ready.values()})
    missing = [number for number in range(len(plan.wheels)) if number not in journal.ready]
    make = partial(_made, plan, journal.folder, settings)
    pairs = ((number, sizes[number]) for number in missing)
    for record in each_in_order(make, pairs, jobs=at_once, bound=_BOUND):
        journal.note(record)


def _still_there(journal: Journal, record: Ready) -> bool:
    try:
        return file_sha256(str(journal.folder / record.file)) == record.sha256
    except InvalidInputError:
        return False


def _made(plan: BatchPlan, folder: Path, settings: Settings, number: int) -> Ready:
    """Make the result of one wheel under a temporary name."""
    item = plan.wheels[number]
    with open_wheel(item.path) as reader:
        if file_sha256(str(item.path)) != item.plan.input_sha256:
            raise RefusedError("changed while the batch was at work", where=str(item.path), hint="plan again")
        staged, notices = stage_planned(reader, item.plan, folder, settings)
    # Under a name of its own: to try a thousand names for each of a thousand wheels takes longer than the rest.
    path = folder / f"{number}.part"
    with writing(path):
        staged.replace(path)
    return Ready(number, path.name, file_sha256(str(path)), path.stat().st_size, notices)


def _require_room(plan: BatchPlan, journal: Journal, directory: Path, *, force: bool) -> None:
    """Raise RefusedError, with each of them, for results whose names are taken by files of other content."""
    taken: list[str] = []
    first: dict[str, str] = {}
    giving_way = _giving_way(plan)
    for number, item in enumerate(plan.wheels):
        record, target = journal.ready[number], directory / item.plan.output_name
        if first.setdefault(target.name, record.sha256) != record.sha256:
            taken.append(f"{item.path} would be written as {target.name}, as another of the wheels is")
        elif force or place_of(target) in giving_way:
            taken += [f"{target.name} is a folder"] if target.is_dir() else []
        elif target.exists() and not same_bytes(journal.folder / record.file, target):
            taken.append(f"{target.name} exists already with other content")
    if taken:
        raise RefusedError(
            "names are taken; nothing was written",
            where=str(directory),
            reasons=tuple(taken),
            hint="`--force` (of `retag`: `--overwrite`) replaces what is there",
        )


def _publish(plan: BatchPlan, journal: Journal, directory: Path, *, force: bool) -> tuple[Applied, ...]:
    """Give every result its name, unless an interrupted run did so already."""
    applied = []
    giving_way = _giving_way(plan)
    for number, item in enumerate(plan.wheels):
        record = journal.ready[number]
        target = directory / item.plan.output_name
        with writing(target):
            size_before = item.path.stat().st_size if item.path.exists() else 0
            replaces = force or place_of(target) in giving_way
            written = _give_name(journal.folder / record.file, target, record, force=replaces)
        removed = plan.removes_inputs and place_of(item.path) != place_of(target)
        done = Applied(item.plan, target, size_before, record.size, record.notices, record.sha256, written, removed)
        applied.append(done)
    sync_directory(directory)
    return tuple(applied)


def _giving_way(plan: BatchPlan) -> frozenset[Path]:
    """Return the files that results may replace because the plan removes them anyway."""
    return frozenset(place_of(item.path) for item in plan.wheels if plan.removes_inputs)


def remove_inputs(plan: BatchPlan, directory: Path) -> None:
    """Remove the wheels that results took the place of, and that the plan does not want any more."""
    results = {place_of(directory / item.plan.output_name) for item in plan.wheels}
    for item in plan.wheels:
        if plan.removes_inputs and place_of(item.path) not in results:
            with writing(item.path):
                item.path.unlink(missing_ok=True)


def _give_name(path: Path, target: Path, record: Ready, *, force: bool) -> bool:
    """Rename a result; return whether that put anything in place which was not there."""
    if not path.exists():
        if target.exists() and file_sha256(str(target)) == record.sha256:
            return False
        raise OutputError(
            "was written by a run that was interrupted, and is not what it was any more",
            where=str(target),
            hint=f"remove {path.parent} to begin anew",
        )
    if same_bytes(path, target):
        path.unlink()
        return False
    if force:
        path.replace(target)
    else:
        rename_new(path, target)
    return True
