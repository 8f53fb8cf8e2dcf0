"""The conductor of a repair: open, analyze, judge, plan, apply.

Everything that can be refused is refused while planning. Applying writes a staged file, reads it back as a stranger
would, and only then gives it its name.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from truewheel.archive.names import WheelName
from truewheel.archive.reader import WheelReader
from truewheel.archive.sboms import renamed_sboms
from truewheel.archive.writer import Changes, NewMember, copy_unchanged, stage
from truewheel.bundler.elf.apply import launcher_members, native_members
from truewheel.bundler.plan import RepairPlan
from truewheel.bundler.provenance import provenance_members
from truewheel.errors import RefusedError, ToolError
from truewheel.platforms.systems import System, systems_of
from truewheel.repair.foreign import require_one_system
from truewheel.repair.planned import Planned
from truewheel.repair.scratch import scratch_folder
from truewheel.threads import beside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truewheel.archive.writer import StagedWheel
    from truewheel.platforms.own_policy import OwnPolicy
    from truewheel.platforms.verdict import Reason
    from truewheel.repair.options import RepairOptions


class Repaired(NamedTuple):
    """One finished repair: the plan, the wheel it wrote, and both sizes in bytes.

    notices: the sentences of the plan, and what was learnt while the wheel was written.
    """

    plan: RepairPlan
    path: Path
    size_before: int
    size_after: int
    notices: tuple[str, ...] = ()


def repair(wheel: Path, directory: Path, options: RepairOptions) -> Repaired:
    """Repair one wheel into `directory`, which is made when it does not exist.

    Leaves exactly one wheel there: a repaired one, or the same bytes when there is nothing to do. Raises RefusedError
    when the wheel cannot be what was asked; then nothing is written.
    """
    with WheelReader.open(wheel) as reader:
        return apply_plan(reader, plan_repair(reader, options), directory, options)


def plan_repair(reader: WheelReader, options: RepairOptions) -> RepairPlan:
    """Return what a repair of the wheel would do. Nothing is written."""
    return plan_and_judge(reader, options).plan


def plan_and_judge(reader: WheelReader, options: RepairOptions) -> Planned:
    """Return what a repair of the wheel would do, and the verdict that says so. Nothing is written."""
    system = _system(reader, options.own_policy)
    planned = None
    if system in {System.LINUX, System.ANY}:
        from truewheel.repair.linux import plan_linux

        planned = plan_linux(reader, options)
    if planned is not None and system is System.ANY and not planned.plan.changes_nothing:
        require_one_system(reader)
        return planned
    if system is not System.LINUX:
        from truewheel.repair.macos import plan_macos

        planned = plan_macos(reader, options) or planned
    return planned or Planned(_plan_without_native_files(reader))


def apply_plan(reader: WheelReader, plan: RepairPlan, directory: Path, options: RepairOptions) -> Repaired:
    """Do what the plan says and return where the wheel is.

    Raises RefusedError when the wheel is not the planned one, ToolError when the result is not what was planned, and
    OutputError when it cannot be written. In each case the directory is as before.
    """
    if (reader.path.name, reader.sha256()) != (plan.input_name, plan.input_sha256):
        raise RefusedError("is not the wheel that this plan was made for", where=str(reader.path), hint="plan again")
    size_before = reader.size()
    if plan.changes_nothing:
        path = copy_unchanged(reader, directory, force=options.force)
        return Repaired(plan, path, size_before, size_before, plan.notices)
    with stage_plan(reader, plan, directory, options) as (staged, notices):
        path = staged.publish(plan.output_name, force=options.force)
    return Repaired(plan, path, size_before, path.stat().st_size, notices)


@contextmanager
def stage_plan(
    reader: WheelReader, plan: RepairPlan, directory: Path, options: RepairOptions
) -> Iterator[tuple[StagedWheel, tuple[str, ...]]]:
    """Write the repaired wheel to a temporary file in `directory` and verify it; whether to publish is up to the block.

    Yields the staged wheel, and the sentences of the plan with what was learnt while it was written. The plan must be
    this wheel's, and one that changes something. Raises as `apply_plan` does.
    """
    with scratch_folder() as scratch:
        log: dict[str, tuple[str, ...]] = {}
        changes = _changes(reader, plan, scratch, options, log)
        with stage(reader, changes, directory, jobs=options.jobs, check=False) as staged:
            with beside(staged.sync, jobs=options.jobs) as synced:  # the disk is the third that can work meanwhile
                _confirm(staged, plan, options.jobs)
                synced()
            rooms = (notice for edit in plan.macho_edits for notice in log.get(edit.member, ()))
            yield staged, (*plan.notices, *rooms, *staged.notices)


def _system(reader: WheelReader, own: OwnPolicy | None) -> System:
    """Return the system that the wheel is named for; refuse one that is not ours to repair, and more than one."""
    systems = systems_of(reader.name.platform, own)
    if System.OTHER in systems:
        foreign = next(tag for tag in reader.name.platform if systems_of([tag], own) == {System.OTHER})
        raise RefusedError(
            f"is named for {foreign}; only Linux and macOS wheels can be repaired",
            where=reader.path.name,
            hint="repair it with the tool of its own system",
        )
    if len(systems) > 1:
        names = " and ".join(sorted(system.value for system in systems))
        raise RefusedError(
            f"is named for {names} at once",
            where=reader.path.name,
            hint="build one wheel for each system",
        )
    return next(iter(systems))


def _plan_without_native_files(reader: WheelReader) -> RepairPlan:
    """Return the plan to leave the wheel alone."""
    tags = ".".join(reader.name.platform)
    notice = f"no native file is inside; {tags} could be `any`"
    return RepairPlan.unchanged(reader, () if tags == "any" else (notice,))


def _changes(
    reader: WheelReader, plan: RepairPlan, scratch: Path, options: RepairOptions, log: dict[str, tuple[str, ...]]
) -> Changes:
    """Return every member that the new wheel does not share with the old one.

    Packages are looked up while the libraries are edited and compressed. log: as in `macho_members`.
    """
    name = WheelName.parse(plan.output_name)
    put = [*native_members(reader, plan, scratch), *launcher_members(plan, name.distribution)]
    if plan.macho_edits:
        from truewheel.bundler.macho.apply import macho_members

        put += macho_members(reader, plan, log)
    if plan.rewrites_metadata:
        metadata = reader.wheel.edited(tags=name.tags, root_is_purelib=False)
        put.append(NewMember(f"{reader.dist_info}/WHEEL", metadata))
    put += renamed_sboms(reader, plan.input_name, plan.output_name)
    if not (plan.sbom and plan.libraries):
        return Changes(tuple(put))
    return Changes(tuple(put), later=partial(provenance_members, reader, plan, options.search.sysroot))


def _confirm(staged: StagedWheel, plan: RepairPlan, jobs: int) -> None:
    """Read the staged wheel as a machine without any of the build's libraries would, and judge it by its new name.

    Raises ToolError when it does not keep what the name promises: then the plan or an edit was wrong.
    """
    with WheelReader.open(staged.path, name=WheelName.parse(plan.output_name)) as reader:
        broken = _broken(reader, plan, staged.new, jobs)
    if broken:
        raise ToolError(
            f"the repaired wheel would not keep its name: {broken[0].file} {broken[0].detail}",
            where=plan.output_name,
            hint="nothing was written; please report this as a defect of truewheel",
        )


def _broken(reader: WheelReader, plan: RepairPlan, new: tuple[str, ...], jobs: int) -> tuple[Reason, ...]:
    """Return what stands against the new name. new: the members to read whole, because they were just written."""
    if systems_of(plan.platforms, plan.own_policy) <= {System.LINUX}:
        from truewheel.repair.linux import broken_linux

        return broken_linux(reader, plan, new, jobs)
    from truewheel.repair.macos import broken_macos

    return broken_macos(reader, plan, new, jobs)
