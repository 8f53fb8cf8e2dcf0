"""The report of a wheel for macOS or iOS."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.macho.analyze import analyze_macho
from truewheel.analyzer.macho.image import MACOS
from truewheel.analyzer.search_options import require_used_excludes
from truewheel.bundler.macho.frameworks import require_plain
from truewheel.errors import RefusedError
from truewheel.platforms.macos.judge import judge_macos
from truewheel.report.model import Fate, MinimumLine, TagTruth, WheelReport
from truewheel.report.tree import Forest
from truewheel.retagger.macos_evidence import decide_macos_label, mac_reasons_against
from truewheel.retagger.macos_tags import smallest_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from truewheel.analyzer.graph import AnyEdge
    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.analyzer.macho.graph import MachoGraph, MachoNode
    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.archive.reader import WheelReader
    from truewheel.platforms.macos.verdict import ArchitectureTruth, MacVerdict
    from truewheel.retagger.macos_evidence import MacLabel


def inspect_macos(reader: WheelReader, search: SearchOptions | None, jobs: int) -> WheelReport:
    """Return the report of a wheel that is judged as one for macOS or iOS."""
    analysis = analyze_macho(reader, search, jobs=jobs)
    require_used_excludes(analysis)
    report = report_macos(reader.path.name, reader.size(), analysis, judge_macos(analysis))
    halves = tuple(filter(None, map(_half, analysis.graph.externals()))) if report.could_be else ()
    return replace(report, could_be=(), refusals=halves) if halves else report


def _half(node: MachoNode) -> str:
    """Say why a library cannot come along, where it is part of something larger."""
    try:
        require_plain(node.name)
    except RefusedError as error:
        return f"{node.name} {error.what}"
    return ""


def report_macos(file: str, size: int, analysis: MachoAnalysis, verdict: MacVerdict) -> WheelReport:
    """Return the report of an analyzed and judged wheel. `size` is the wheel's own, in bytes."""
    current = analysis.name.platform
    native = sum(1 for _ in analysis.graph.members())
    label, refusals = _label(verdict, current) if native else (None, ())
    ignored = bool(analysis.ignored)
    tags = tuple(_truth(verdict, tag, native=bool(native), ignored=ignored) for tag in current)
    forest = Forest(analysis.graph, fate_in(analysis.graph), partial(_note, analysis.graph))
    return WheelReport(
        file=file,
        size=size,
        operating_system=verdict.platform,
        architecture=", ".join(truth.architecture for truth in verdict.architectures if truth.reachable) or None,
        libc=None,
        native_files=native,
        tags=tags,
        as_it_is=_as_it_is(verdict, tags) if native else None,
        could_be=label.platforms if label else (),
        plain=None,
        groups=tuple(forest.groups()),
        system=forest.system(),
        own_floor=None,
        next_older=None,
        floor_reasons=(),
        refusals=refusals,
        tidied=verdict.tidied,
        warnings=(*verdict.warnings, *(text for truth in verdict.architectures for text in truth.suspects)),
        ignored=analysis.ignored,
        unrecorded=analysis.unrecorded,
        minimums=minimums(verdict),
    )


def _label(verdict: MacVerdict, current: tuple[str, ...]) -> tuple[MacLabel | None, tuple[str, ...]]:
    """Return the label that a repair would give, or every reason why there is none; that of an iOS wheel stays."""
    try:
        label = decide_macos_label(verdict, current=current)
    except RefusedError as error:
        return None, error.reasons or (error.what,)
    return (label, ()) if verdict.platform == MACOS or not label.notices else (None, label.notices)


def _truth(verdict: MacVerdict, tag: str, *, native: bool, ignored: bool) -> TagTruth:
    """Return whether a tag is true of the wheel as it stands. ignored: it has native files that dyld does not map."""
    if not native and ignored and tag != "any":
        return TagTruth(tag, None, note="no file inside is for its loader")
    if not native:
        return TagTruth(tag, true=True, note="" if tag == "any" else "no native file asks for it")
    reasons = mac_reasons_against(verdict, tag)
    if reasons is None:
        mine = verdict.platform == MACOS and tag.startswith("macosx_")
        note = "no installer looks for it" if mine else "names another system than the machine code's"
        return TagTruth(tag, None, note=note)
    return TagTruth(tag, not reasons, reasons)


def _as_it_is(verdict: MacVerdict, tags: Sequence[TagTruth]) -> str | None:
    """Return what the wheel may be called without a repair: its first tag when all are true, else the fewest tags."""
    if all(truth.true for truth in tags):
        return tags[0].tag
    if verdict.platform != MACOS:
        return None
    return ".".join(map(str, smallest_set(verdict.kept_minimums()))) or None


def minimums(verdict: MacVerdict) -> tuple[MinimumLine, ...]:
    """Return the oldest system that each reachable architecture runs on."""
    return tuple(minimum(truth) for truth in verdict.architectures if truth.reachable and truth.floors)


def minimum(truth: ArchitectureTruth) -> MinimumLine:
    """Return the oldest system that an architecture runs on, and the files that set it."""
    newest = truth.floors[0].minimum_os
    files = tuple(floor.file for floor in truth.floors if floor.minimum_os == newest)
    version = ".".join(map(str, newest if newest[2] else newest[:2]))
    return MinimumLine(truth.architecture, version, files)


def fate_in(graph: MachoGraph) -> Callable[[AnyEdge], Fate]:
    """Return what tells the fate of an edge of the graph when the wheel is repaired."""

    def fate(edge: AnyEdge) -> Fate:
        rule, found = edge.lookup.rule, edge.lookup.found
        if rule in {SearchRule.EXCLUDED, SearchRule.INTERPRETER}:
            return Fate.LEFT_OUT
        if rule is SearchRule.SYSTEM:
            return Fate.SYSTEM
        if found is None:
            return Fate.LEFT_OUT if getattr(edge.dependency, "weak", False) else Fate.MISSING
        return Fate.IN_WHEEL if graph.nodes[found].in_wheel else Fate.BUNDLE

    return fate


def _note(graph: MachoGraph, edge: AnyEdge) -> str:
    """Say in a few words how dyld comes to the file, where that is not plain, and for which slices if not for all."""
    return ", ".join((*_notes(edge), *_slices(graph, edge)))


def _slices(graph: MachoGraph, edge: AnyEdge) -> Iterator[str]:
    edges = graph.edges[edge.needer]
    end = (edge.dependency.name, edge.lookup.found)
    named = dict.fromkeys(item.architecture for item in edges if (item.dependency.name, item.lookup.found) == end)
    if len(named) < len({item.architecture for item in edges}):
        yield f"for {', '.join(named)}"


def _notes(edge: AnyEdge) -> Iterator[str]:
    rule = edge.lookup.rule
    if rule in {SearchRule.IN_WHEEL, SearchRule.LOADED, SearchRule.EXCLUDED, SearchRule.INTERPRETER}:
        yield str(rule.value)
    elif edge.lookup.found is None and rule is None:
        if getattr(edge.dependency, "weak", False):
            yield "weak: may be absent"
        else:
            tried = len(edge.lookup.attempts)
            yield f"looked in {tried} {'place' if tried == 1 else 'places'}"
