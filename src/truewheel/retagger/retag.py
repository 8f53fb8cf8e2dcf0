"""The conductor of a retag: tags in, wheel out.

Everything that can be refused is refused while planning. Members that do not change are copied as they stand, and the
new wheel gets its name only when it is complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.archive.metadata import WheelMetadata
from truewheel.archive.names import WheelName, parse_given_name
from truewheel.archive.reader import WheelReader
from truewheel.archive.sboms import renamed_sboms
from truewheel.archive.writer import Changes, NewMember, copy_unchanged, stage
from truewheel.errors import OutputError, RefusedError, ToolError
from truewheel.retagger.grounds import platform_grounds, python_grounds
from truewheel.retagger.renaming import Evidence, renamed
from truewheel.retagger.retag_plan import FORCED, IMPLIED, UNJUDGED, RetagPlan

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.archive.writer import StagedWheel
    from truewheel.retagger.renaming import Renaming
    from truewheel.retagger.retag_options import RetagOptions
    from truewheel.retagger.retag_plan import Ground


class Retagged(NamedTuple):
    """One finished retag: the plan, where the wheel is, and both sizes in bytes.

    written: whether anything was; False when the very same wheel was there already.
    removed: whether the old wheel is gone.
    notices: the sentences of the plan, and what was learnt while the wheel was written.
    """

    plan: RetagPlan
    path: Path
    written: bool
    removed: bool
    size_before: int
    size_after: int
    notices: tuple[str, ...] = ()


def retag_wheel(wheel: Path, directory: Path | None = None, options: RetagOptions | None = None) -> Retagged:
    """Give one wheel another name, true of what is inside, and write it to `directory`, by default beside the old one.

    Raises RefusedError, with every reason, for a tag that is not true; UsageError for wishes without a meaning;
    OutputError when another file has the name, or nothing can be written. Then everything is as before.
    """
    from truewheel.retagger.retag_options import RetagOptions

    options = options or RetagOptions(normalize=True)
    with open_wheel(wheel) as reader:
        done = apply_retag(reader, plan_retag(reader, options), directory, options)
    return remove_old(done, wheel) if options.in_place or options.remove else done


def open_wheel(wheel: Path) -> WheelReader:
    """Open a wheel, even one whose file name has tags with capitals, which are read in lower case."""
    return WheelReader.open(wheel, name=parse_given_name(wheel.name))


def plan_retag(reader: WheelReader, options: RetagOptions) -> RetagPlan:
    """Return what a retag of an open wheel would do. Nothing is written. Raises as `retag_wheel` does."""
    options.require_sense()
    evidence = Evidence(reader, options.jobs, options.own_policy, exclude=options.exclude)
    renaming = renamed(reader, options, evidence)
    name = renaming.name
    grounds = (*python_grounds(reader, name), *platform_grounds(reader, renaming, evidence))
    if not options.force:
        _refuse(reader, renaming, grounds, evidence)
    version = _version(reader, options)
    if version is not None:
        name = name._replace(version=version)
    believed, remarks = _disagreements(reader, options), evidence.remarks(name.platform)
    purelib = _root_is_purelib(reader, renaming, options, evidence)
    plan = RetagPlan(
        input_name=reader.path.name,
        input_size=reader.size(),
        input_sha256=None,
        output_name=str(name),
        tags_before=reader.name.compressed_tags,
        tags=name.compressed_tags,
        version=version,
        root_is_purelib=purelib,
        grounds=grounds,
        notices=tuple(dict.fromkeys((*believed, *renaming.notices, *_remarks(grounds), *remarks))),
    )
    return _rewriting(reader, plan, options)


def _version(reader: WheelReader, options: RetagOptions) -> str | None:
    """Return the new version; None when it stays."""
    if options.local_version is None:
        return None
    from truewheel.retagger.local_version import relabelled, require_one_version

    require_one_version(reader)
    version = relabelled(reader.name.version, options.local_version.removeprefix("+"))
    return None if version == reader.name.version else version


def _refuse(reader: WheelReader, renaming: Renaming, grounds: tuple[Ground, ...], evidence: Evidence) -> None:
    """Raise RefusedError when something contradicts a tag."""
    wrong = [ground for ground in grounds if ground.basis == FORCED]
    if not wrong:
        return
    hints: list[str] = []
    if own := [ground for ground in wrong if ground.policy]:
        from truewheel.retagger.own_advice import advice

        reasons = [reason for item in own for reason in evidence.proof.against(item.tag) or ()]
        hints += filter(None, [advice(evidence.proof, reasons)])
    elif any(ground.tag in renaming.name.platform for ground in wrong):
        widest = ".".join(evidence.proof.widest(reader.name.platform))
        hints.append(f"the widest label that is true is {widest}" if widest else "no platform tag is true of it")
    hints.append("--force writes it all the same")
    raise RefusedError(
        f"cannot truly be called {' or '.join(f'{ground.tag}{ground.by_policy}' for ground in wrong)}",
        where=reader.path.name,
        reasons=tuple(dict.fromkeys(reason for ground in wrong for reason in ground.reasons)),
        hint="; ".join(hints),
    )


def _root_is_purelib(reader: WheelReader, renaming: Renaming, options: RetagOptions, evidence: Evidence) -> bool | None:
    """Return what WHEEL must say of it; None when that stays."""
    touched = options.normalize or set(renaming.name.platform) != set(reader.name.platform)
    if not touched:
        return None
    if reader.wheel.root_is_purelib and "any" not in renaming.name.platform and evidence.native:
        return False
    return reader.wheel.root_is_purelib if options.normalize else None


def _disagreements(reader: WheelReader, options: RetagOptions) -> tuple[str, ...]:
    """Return what to say where the file name and WHEEL speak of different tags."""
    if reader.wheel.tags == reader.name.tags and reader.wheel.build == reader.name.build:
        return ()
    return (f"the WHEEL file and the file name disagree about the tags; the {_BELIEVED[options.trust.value]} believed",)


_BELIEVED = {"filename": "file name is", "wheel": "WHEEL file is", "binaries": "machine code is"}


def _remarks(grounds: tuple[Ground, ...]) -> tuple[str, ...]:
    """Return what to say of tags that were not proved."""
    found = []
    for ground in grounds:
        if ground.basis == FORCED:
            found.append(f"{ground.tag} is not true{ground.by_policy}: {'; '.join(ground.reasons)} (forced)")
        elif ground.basis == IMPLIED:
            told = f"{ground.tag} follows from {' and '.join(ground.by)}, which the wheel is called now"
            found.append(f"{told}; that was not proved, but `truewheel check` does")
        elif ground.basis == UNJUDGED and (not ground.tag.startswith("linux_") or ground.tag.endswith("_armv6l")):
            found.append(f"{ground.tag} was taken as given: nothing here tells whether it is true")
    return tuple(found)


def _rewriting(reader: WheelReader, plan: RetagPlan, options: RetagOptions) -> RetagPlan:
    """Return the plan with whether the WHEEL file changes.

    Where the name stays, another order of lines alone is no reason to write, unless the wheel is normalised. Headers
    that no installer sees, because they stand behind an empty line, are one.
    """
    content = reader.read(f"{reader.dist_info}/WHEEL")
    differs = _wheel_file(reader, plan) != content
    name = WheelName.parse(plan.output_name)
    same = (reader.wheel.tags, reader.wheel.build) == (name.tags, name.build) and reader.wheel.edited() == content
    stays = plan.output_name == plan.input_name and same and plan.root_is_purelib is None and not options.normalize
    return plan._replace(rewrites_metadata=differs and not stays)


def _wheel_file(reader: WheelReader, plan: RetagPlan) -> bytes:
    name = WheelName.parse(plan.output_name)
    return reader.wheel.edited(name.tags, root_is_purelib=plan.root_is_purelib, build=name.build)


def apply_retag(
    reader: WheelReader, plan: RetagPlan, directory: Path | None = None, options: RetagOptions | None = None
) -> Retagged:
    """Do what the plan says and return where the wheel is. The old wheel stays, unless the new one has its very name.

    options: only `in_place` and `overwrite` count. Raises RefusedError when the wheel is not the planned one, and
    OutputError when another file has the name or nothing can be written. Then the directory is as before.
    """
    directory = directory or reader.path.parent
    target = directory / plan.output_name
    before = _identity(target)
    itself = before is not None and target.samefile(reader.path)
    overwrite = options is not None and (options.overwrite or (itself and options.in_place))
    notices = plan.notices
    try:
        if plan.changes_nothing:
            require_planned(reader, plan)
            path = copy_unchanged(reader, directory, force=overwrite)
        else:
            with stage_retag(reader, plan, directory) as staged:
                notices += staged.notices
                path = staged.publish(plan.output_name, force=overwrite)
    except OutputError as error:
        if before is None:
            raise
        hint = "`--in-place` replaces it, `-w DIR` writes elsewhere" if itself else "`--overwrite` replaces it"
        raise OutputError(error.what, where=error.where, hint=hint) from error
    written = _identity(path) != before
    return Retagged(
        plan, path, written, removed=False, size_before=reader.size(), size_after=path.stat().st_size, notices=notices
    )


def require_planned(reader: WheelReader, plan: RetagPlan) -> None:
    """Raise RefusedError for another wheel than the plan was made for."""
    same = (reader.path.name, reader.size()) == (plan.input_name, plan.input_size)
    if not same or plan.input_sha256 not in {None, reader.sha256() if plan.input_sha256 else None}:
        raise RefusedError("is not the wheel that this plan was made for", where=str(reader.path), hint="plan again")


def stage_retag(reader: WheelReader, plan: RetagPlan, directory: Path) -> StagedWheel:
    """Write the new wheel under a temporary name in `directory`. Raises as `apply_retag` does."""
    require_planned(reader, plan)
    return stage(reader, _changes(reader, plan), directory, jobs=1)


def _changes(reader: WheelReader, plan: RetagPlan) -> Changes:
    """Return every member that the new wheel does not share with the old one."""
    content = _wheel_file(reader, plan)
    _confirm(content, plan)
    member = f"{reader.dist_info}/WHEEL"
    mode = reader.permissions(member)
    if plan.version is None:
        bills = renamed_sboms(reader, str(reader.name), plan.output_name)
        return Changes((NewMember(member, content, mode), *bills))
    from truewheel.retagger.local_version import relabelled_members, renamed_folders

    folders = renamed_folders(reader, plan.version)
    own = NewMember(f"{folders[reader.dist_info]}/WHEEL", content, mode)
    return Changes((own, *relabelled_members(reader, plan.output_name, plan.version)), folders=folders)


def _confirm(content: bytes, plan: RetagPlan) -> None:
    """Read the new WHEEL file again; raise ToolError when it does not say what the name says."""
    name = WheelName.parse(plan.output_name)
    read = WheelMetadata.parse(content)
    if (read.tags, read.build) != (name.tags, name.build):
        raise ToolError(
            "the new WHEEL file would not agree with the name",
            where=plan.output_name,
            hint="nothing was written; please report this as a defect of truewheel",
        )


def remove_old(done: Retagged, wheel: Path) -> Retagged:
    """Delete the old wheel, whose reader is closed by now, once the new one is in place under another name."""
    if done.path.samefile(wheel):
        return done
    from truewheel.archive.staging import writing

    with writing(wheel):
        wheel.unlink()
    return done._replace(removed=True)


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
