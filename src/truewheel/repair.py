"""The conductor of a repair: open, analyze, judge, plan, apply.

Everything that can be refused is refused while planning. Applying writes a staged file, reads it back as a stranger
would, and only then gives it its name.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.analyze import analyze, require_used_excludes
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.search_options import SearchOptions
from truewheel.archive.names import WheelName
from truewheel.archive.reader import WheelReader
from truewheel.archive.staging import writing
from truewheel.archive.writer import Changes, NewMember, copy_unchanged, stage
from truewheel.bundler.apply import launcher_members, native_members
from truewheel.bundler.plan import RepairPlan
from truewheel.bundler.planning import BundleOptions, plan_bundle
from truewheel.bundler.provenance import provenance_members, renamed_sboms
from truewheel.errors import RefusedError, ToolError, UsageError
from truewheel.platforms.judge import judge
from truewheel.platforms.verdict import Rule
from truewheel.retagger.evidence import decide_label, reasons_against

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.analyze import Analysis
    from truewheel.archive.writer import StagedWheel
    from truewheel.bundler.plan import ElfEdit
    from truewheel.bundler.planning import Bundle
    from truewheel.retagger.evidence import Label

_LINUX_PREFIXES = ("linux_", "manylinux", "musllinux")
_LIBRARY_RULES = frozenset({Rule.LIBRARY, Rule.MISSING_LIBRARY, Rule.NO_PATH})
"""What breaks even a wheel whose label promises nothing."""


@dataclass(frozen=True, slots=True)
class RepairOptions:
    """What a caller may choose about a repair.

    plat: the platform tag to hold, `auto` for the most portable one that the machine code allows.
    only_plat: name the wheel by that tag alone, not also by older ones that are true.
    include: libraries that come along although no file names them, by path or by name.
    sbom: whether to add a bill of materials and the licence texts of what was bundled.
    jobs: how many threads work at once.
    """

    plat: str = "auto"
    only_plat: bool = False
    search: SearchOptions = field(default_factory=SearchOptions)
    include: tuple[str, ...] = ()
    bundle: BundleOptions = field(default_factory=BundleOptions)
    sbom: bool = True
    force: bool = False
    jobs: int = 1

    def __post_init__(self) -> None:
        """Refuse what has no meaning with a UsageError."""
        if self.jobs < 1:
            raise UsageError("at least one thread must work", where="--jobs")


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
    _require_linux(reader)
    analysis = analyze(reader, options.search, include=options.include, jobs=options.jobs)
    require_used_excludes(analysis)
    if not any(analysis.graph.members()):
        return _plan_without_native_files(reader, analysis)
    mended = {Rule.EXECUTABLE_STACK} if options.bundle.clear_executable_stack else set()
    verdicts = judge(analysis, mended=mended)
    label = decide_label(verdicts, current=reader.name.platform, plat=options.plat, only_plat=options.only_plat)
    bundle = plan_bundle(
        analysis, reader.data_dir, label.policy, options.bundle, present=reader.entries, jobs=options.jobs
    )
    notices = [warning for verdict in verdicts for warning in verdict.warnings]
    return _assemble(reader, analysis, label, bundle, options, tuple(dict.fromkeys(notices)))


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
    with _scratch() as scratch:
        changes = _changes(reader, plan, scratch, options)
        with stage(reader, changes, directory, jobs=options.jobs, inflate=False) as staged:
            _confirm(staged, plan, changes, options.jobs)
            path = staged.publish(plan.output_name, force=options.force)
            notices = (*plan.notices, *staged.notices)
    return Repaired(plan, path, size_before, path.stat().st_size, notices)


@contextmanager
def _scratch() -> Iterator[Path]:
    """Make a folder for files that are being edited, and remove it; OutputError when there is no place for it."""
    from tempfile import TemporaryDirectory

    with ExitStack() as stack:
        with writing(Path(os.environ.get("TMPDIR", "temporary folder"))):
            folder = stack.enter_context(TemporaryDirectory(prefix="truewheel-"))
        yield Path(folder)


def _require_linux(reader: WheelReader) -> None:
    """Refuse a wheel that is named for another system."""
    foreign = [tag for tag in reader.name.platform if tag != "any" and not tag.startswith(_LINUX_PREFIXES)]
    if foreign:
        raise RefusedError(
            f"is named for {foreign[0]}; only Linux wheels can be repaired",
            where=reader.path.name,
            hint="repair it with the tool of its own system",
        )


def _plan_without_native_files(reader: WheelReader, analysis: Analysis) -> RepairPlan:
    """Return the plan to leave the wheel alone. Object files are nothing to a loader, but they belong to a platform."""
    notices: tuple[str, ...] = ()
    if reader.name.platform != ("any",) and not analysis.ignored:
        notices = (f"no native file is inside; {'.'.join(reader.name.platform)} could be `any`",)
    return RepairPlan(
        input_name=reader.path.name,
        input_sha256=reader.sha256(),
        output_name=reader.path.name,
        platforms=reader.name.platform,
        policy=None,
        rewrites_metadata=False,
        notices=notices,
    )


def _assemble(
    reader: WheelReader,
    analysis: Analysis,
    label: Label,
    bundle: Bundle,
    options: RepairOptions,
    warnings: tuple[str, ...],
) -> RepairPlan:
    """Join what was decided into one plan."""
    name = reader.name
    if set(label.platforms) != set(name.platform):
        name = name.with_platforms(label.platforms)
    notices = [*warnings]
    if reader.wheel.tags != reader.name.tags:
        notices.append("the WHEEL file and the file name disagree about the tags; the file name is believed")
    excluded = {edge.dependency.name for edge in analysis.graph.all_edges() if edge.lookup.rule is SearchRule.EXCLUDED}
    return RepairPlan(
        input_name=reader.path.name,
        input_sha256=reader.sha256(),
        output_name=str(name),
        platforms=name.platform,
        policy=label.policy.tag,
        rewrites_metadata=(
            str(name) != reader.path.name or reader.wheel.tags != name.tags or reader.wheel.root_is_purelib
        ),
        libraries=bundle.libraries,
        edits=tuple(edit for edit in bundle.edits if _changes_content(reader, edit)),
        launchers=bundle.launchers,
        dropped_paths=bundle.dropped_paths,
        excluded=tuple(sorted(excluded)),
        notices=tuple(notices),
        sbom=options.sbom,
    )


def _changes_content(reader: WheelReader, edit: ElfEdit) -> bool:
    """Whether an edit does anything: stripping alone may find nothing to drop, as after an earlier repair."""
    if edit.changes_dynamic or edit.member != edit.source or not edit.strip:
        return True
    from truewheel.bundler.elf_strip import strip

    content = reader.view(edit.source)
    return strip(content, edit.member) != content


def _changes(reader: WheelReader, plan: RepairPlan, scratch: Path, options: RepairOptions) -> Changes:
    """Return every member that the new wheel does not share with the old one."""
    name = WheelName.parse(plan.output_name)
    put = [
        *native_members(reader, plan, scratch),
        *launcher_members(plan, name.distribution),
    ]
    if plan.rewrites_metadata:
        metadata = reader.wheel.edited(tags=name.tags, root_is_purelib=False)
        put.append(NewMember(f"{reader.dist_info}/WHEEL", metadata))
    if plan.sbom and plan.libraries:
        put += provenance_members(reader, plan, options.search.sysroot)
    put += renamed_sboms(reader, plan)
    return Changes(tuple(put), frozenset())


def _confirm(staged: StagedWheel, plan: RepairPlan, changes: Changes, jobs: int) -> None:
    """Read the staged wheel as a machine without any of the build's libraries would, and judge it by its new name.

    Raises ToolError when it does not keep what the name promises: then the plan or an edit was wrong.
    """
    search = SearchOptions(system=False, exclude=tuple(_exactly(name) for name in plan.excluded))
    with WheelReader.open(staged.path, name=WheelName.parse(plan.output_name)) as reader:
        analysis = analyze(reader, search, jobs=jobs)
        for member in changes.put:
            if member.name not in analysis.graph.nodes:
                reader.view(member.name)  # the analysis has read the native ones; reading finds damage
    verdicts = judge(analysis)
    broken = [reason for tag in plan.platforms for reason in reasons_against(verdicts, tag) or ()]
    if not any(broken) and plan.policy is not None:
        broken = [reason for reason in reasons_against(verdicts, plan.policy) or () if reason.rule in _LIBRARY_RULES]
    if broken:
        raise ToolError(
            f"the repaired wheel would not keep its name: {broken[0].file} {broken[0].detail}",
            where=plan.output_name,
            hint="nothing was written; please report this as a defect of truewheel",
        )


def _exactly(name: str) -> str:
    """Return the pattern that fits one needed name; a leading `.` in brackets, because `./` would mean a place."""
    return f"[.]{escape(name[1:])}" if name.startswith(".") else escape(name)
