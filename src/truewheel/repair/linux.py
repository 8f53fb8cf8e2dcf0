"""A Linux wheel in a repair: what would be done to it, and whether the result keeps its name."""

from __future__ import annotations

from dataclasses import replace
from glob import escape
from typing import TYPE_CHECKING

from truewheel.analyzer.elf.analyze import analyze
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.search_options import SearchOptions, require_used_excludes
from truewheel.bundler.elf.planning import plan_bundle
from truewheel.bundler.plan import RepairPlan
from truewheel.platforms.linux.judge import judge
from truewheel.platforms.verdict import LIBRARY_RULES, Rule
from truewheel.repair.foreign import not_looked_at
from truewheel.repair.planned import Planned
from truewheel.retagger.evidence import decide_label, reasons_against

if TYPE_CHECKING:
    from truewheel.archive.reader import WheelReader
    from truewheel.bundler.plan import ElfEdit
    from truewheel.platforms.verdict import Reason
    from truewheel.repair.options import RepairOptions


def plan_linux(reader: WheelReader, options: RepairOptions) -> Planned | None:
    """Return what a repair would do; None when no file of the wheel is an ELF file.

    A wheel of nothing but object files is left alone: they are nothing to a loader, but they belong to a platform.
    """
    analysis = analyze(reader, options.search, include=options.include, jobs=options.jobs)
    require_used_excludes(analysis)
    if not any(analysis.graph.members()):
        if not analysis.ignored:
            return None
        return Planned(RepairPlan.unchanged(reader, not_looked_at(analysis.ignored)))
    mended = {Rule.EXECUTABLE_STACK} if options.bundle.clear_executable_stack else set()
    verdicts = judge(analysis, mended=mended, own=options.own_policy)
    label = decide_label(verdicts, current=reader.name.platform, plat=options.plat, only_plat=options.only_plat)
    bundle = plan_bundle(
        analysis, reader.data_dir, label.policy, options.bundle, present=reader.entries, jobs=options.jobs
    )
    warnings = dict.fromkeys(warning for verdict in verdicts for warning in verdict.warnings)
    excluded = {edge.dependency.name for edge in analysis.graph.all_edges() if edge.lookup.rule is SearchRule.EXCLUDED}
    plan = RepairPlan.of(reader, label.platforms)
    plan = replace(
        plan,
        policy=label.policy.tag,
        own_policy=label.policy.own,
        libraries=bundle.libraries,
        edits=tuple(edit for edit in bundle.edits if _changes_content(reader, edit)),
        launchers=bundle.launchers,
        dropped_paths=bundle.dropped_paths,
        excluded=tuple(sorted(excluded)),
        notices=(*warnings, *plan.notices),
        sbom=options.sbom,
    )
    return Planned(plan, linux=verdicts)


def _changes_content(reader: WheelReader, edit: ElfEdit) -> bool:
    """Whether an edit does anything: stripping alone may find nothing to drop, as after an earlier repair."""
    if edit.changes_dynamic or edit.member != edit.source or not edit.strip:
        return True
    from truewheel.bundler.elf.strip import strip

    content = reader.view(edit.source)
    return strip(content, edit.member) != content


def broken_linux(reader: WheelReader, plan: RepairPlan, new: tuple[str, ...], jobs: int) -> tuple[Reason, ...]:
    """Read a new wheel as a machine without any of the build's libraries would; return what breaks its name.

    new: the members to read whole, because they were just written.
    """
    search = SearchOptions(system=False, exclude=tuple(_exactly(name) for name in plan.excluded))
    analysis = analyze(reader, search, jobs=jobs)
    for name in new:
        if name not in analysis.graph.nodes:
            reader.view(name)  # the analysis has read the native ones; reading finds damage
    verdicts = judge(analysis, own=plan.own_policy)
    broken = tuple(reason for tag in plan.platforms for reason in reasons_against(verdicts, tag) or ())
    if broken or plan.policy is None:
        return broken
    against = reasons_against(verdicts, plan.policy) or ()
    if plan.own_policy:
        return against
    # The label may promise nothing, but without its libraries the wheel is broken anyhow.
    return tuple(reason for reason in against if reason.rule in LIBRARY_RULES)


def _exactly(name: str) -> str:
    """Return the pattern that fits one needed name; a leading `.` in brackets, because `./` would mean a place."""
    return f"[.]{escape(name[1:])}" if name.startswith(".") else escape(name)
