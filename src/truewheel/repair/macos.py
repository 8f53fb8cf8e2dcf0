"""A macOS wheel in a repair: what would be done to it, and whether the result keeps its name."""

from __future__ import annotations

from dataclasses import replace
from glob import escape
from typing import TYPE_CHECKING

from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.macho.analyze import analyze_macho
from truewheel.analyzer.search_options import SearchOptions, require_used_excludes
from truewheel.bundler.macho.planning import plan_macho_bundle
from truewheel.bundler.macho.signatures import signature_notices
from truewheel.bundler.plan import RepairPlan
from truewheel.errors import UsageError
from truewheel.platforms.macos.judge import judge_macos
from truewheel.platforms.systems import System, systems_of
from truewheel.repair.foreign import not_looked_at
from truewheel.repair.planned import Planned
from truewheel.retagger.macos_evidence import decide_macos_label, hold_architectures, mac_reasons_against
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.archive.reader import WheelReader
    from truewheel.platforms.verdict import Reason
    from truewheel.repair.options import RepairOptions


def plan_macos(reader: WheelReader, options: RepairOptions) -> Planned | None:
    """Return what a repair would do; None when no file of the wheel is a Mach-O file.

    A wheel for iOS is read and judged, but left alone: its libraries travel with the app.
    """
    _refuse_linux_options(options)
    analysis = analyze_macho(reader, options.search, include=options.include, jobs=options.jobs)
    require_used_excludes(analysis)
    if not any(analysis.graph.members()):
        if not analysis.ignored:
            return None
        hold_architectures(judge_macos(analysis), options.require_archs)
        return Planned(RepairPlan.unchanged(reader, not_looked_at(analysis.ignored)))
    verdict = judge_macos(analysis)
    label = decide_macos_label(
        verdict,
        current=reader.name.platform,
        plat=options.plat,
        only_plat=options.only_plat,
        deployment_target=options.deployment_target,
        require_archs=options.require_archs,
    )
    if System.IOS in systems_of(reader.name.platform):
        unchanged = RepairPlan.unchanged(reader, ("a wheel for iOS is left as it is", *label.notices))
        return Planned(unchanged, macos=verdict)
    bundle = plan_macho_bundle(analysis, reader.data_dir, options.bundle, present=reader.entries, jobs=options.jobs)
    plan = RepairPlan.of(reader, label.platforms)
    notices = (
        *verdict.warnings,
        *label.notices,
        *bundle.notices,
        *signature_notices(reader, bundle.edits, options.jobs),
    )
    plan = replace(
        plan,
        libraries=bundle.libraries,
        macho_edits=bundle.edits,
        launchers=bundle.launchers,
        dropped_paths=bundle.dropped_paths,
        excluded=_excluded(analysis),
        notices=(*dict.fromkeys(notices), *plan.notices),
        sbom=options.sbom,
    )
    return Planned(plan, macos=verdict)


def _refuse_linux_options(options: RepairOptions) -> None:
    """Raise UsageError for an option that has no meaning here: silence would be taken for obedience."""
    if options.bundle.strip:
        raise UsageError("strips ELF files only", where="--strip", hint="strip the libraries before they are bundled")
    if options.bundle.clear_executable_stack:
        raise UsageError("is about ELF files only", where="--clear-executable-stack")


def _excluded(analysis: MachoAnalysis) -> tuple[str, ...]:
    edges = analysis.graph.all_edges()
    return tuple(sorted({edge.dependency.name for edge in edges if edge.lookup.rule is SearchRule.EXCLUDED}))


def broken_macos(reader: WheelReader, plan: RepairPlan, new: tuple[str, ...], jobs: int) -> tuple[Reason, ...]:
    """Read a new wheel as a Mac without any of the build's libraries would; return what breaks its name.

    new: the members to read whole, because they were just written.
    """
    sizes = [(name, reader.entries[name].size) for name in new]
    for _ in each_in_order(
        lambda name: len(reader.view(name)), sizes, jobs=jobs, bound=2 * max((size for _, size in sizes), default=0)
    ):
        pass  # reading finds damage
    search = SearchOptions(system=False, exclude=tuple(escape(name) for name in plan.excluded))
    verdict = judge_macos(analyze_macho(reader, search, jobs=jobs))
    return tuple(reason for tag in plan.platforms for reason in mac_reasons_against(verdict, tag) or ())
