"""From an analysis to what a wheel may be called on Macs: each architecture by what its own slices reach.

An iOS wheel (PEP 730) is judged in the same way for the system that its name speaks of, but nothing is mended there:
Python on iOS comes with the app, and so do its libraries.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truewheel.analyzer.graph import Outcome, SearchRule
from truewheel.analyzer.macho.image import MACOS, FileType
from truewheel.analyzer.macho.system_names import SWIFT_SINCE, is_swift
from truewheel.analyzer.wheel_places import WHEEL
from truewheel.platforms.macos.facts import mac_facts
from truewheel.platforms.macos.reach import (
    NEWER_INTEL,
    Target,
    assumed_system,
    comes_along,
    optional_entries,
    reached,
    required_entries,
)
from truewheel.platforms.macos.remarks import mac_remarks, stray_rpaths, suspects
from truewheel.platforms.macos.verdict import ArchitectureTruth, Floor, MacVerdict, Required, lacking
from truewheel.platforms.verdict import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from truewheel.analyzer.graph import Lookup
    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.analyzer.macho.graph import MachoEdge, MachoNode

_IOS = "ios_"


def judge_macos(analysis: MachoAnalysis) -> MacVerdict:
    """Return what the wheel may be called, with every reason for it and against it."""
    platform = _judged_platform(analysis)
    required = tuple(
        Required(node.name, tuple((item.architecture, item.platform) for item in node.file.slices))
        for node in required_entries(analysis)
    )
    reach = {target: reached(analysis, target) for target in _targets(analysis, platform)}
    return MacVerdict(
        architectures=tuple(
            _with_newer_slices(analysis, target, _truth(analysis, target, files, required))
            for target, files in reach.items()
        ),
        platform=platform,
        platforms=_platforms(analysis),
        required=required,
        warnings=tuple(mac_remarks(analysis, reach)),
        tidied=tuple(stray_rpaths(analysis)),
    )


def _judged_platform(analysis: MachoAnalysis) -> str:
    """Return the system that the wheel's name speaks of; where it names none, what its files are built for."""
    tags = analysis.name.platform
    if any(tag.startswith("macosx_") for tag in tags):
        return MACOS
    sdks = mac_facts().ios_sdks
    named = [sdks[sdk] for tag in tags if tag.startswith(_IOS) and (sdk := tag.rpartition("_")[2]) in sdks]
    found = _platforms(analysis)
    return next(iter([*named, *([MACOS] if MACOS in found else found)]), MACOS)


def _platforms(analysis: MachoAnalysis) -> tuple[str, ...]:
    """Return the systems that any loaded slice of the wheel is built for, sorted."""
    slices = (item for node in analysis.graph.members() for item in node.file.slices if item.file_type.is_loaded)
    return tuple(sorted({item.platform for item in slices}))


def _targets(analysis: MachoAnalysis, platform: str) -> tuple[Target, ...]:
    """Return the architectures that a tag knows and that some entry has, in the order of the facts."""
    entries = (*required_entries(analysis), *optional_entries(analysis))
    has = {name for node in entries for name in node.file.architectures}
    return tuple(Target(name, platform) for name in mac_facts().floors if name in has)


def _with_newer_slices(analysis: MachoAnalysis, target: Target, truth: ArchitectureTruth) -> ArchitectureTruth:
    """Return the truth of an architecture that holds on those of its machines too that map other slices."""
    newer, common = NEWER_INTEL
    if target.architecture != common or not any(node.file.slice_for(newer) for node in analysis.graph.members()):
        return truth
    other_target = target._replace(architecture=newer)
    other = _truth(analysis, other_target, reached(analysis, other_target), ())
    floors: dict[str, Floor] = {}
    for floor in sorted((*truth.floors, *other.floors), key=lambda floor: floor.minimum_os, reverse=True):
        floors.setdefault(floor.file, floor)
    reasons = tuple(dict.fromkeys((*truth.reasons, *other.reasons)))
    return replace(truth, reasons=reasons, floors=tuple(floors.values()))


def _truth(
    analysis: MachoAnalysis, target: Target, files: Mapping[str, str], required: tuple[Required, ...]
) -> ArchitectureTruth:
    reasons = list(lacking(required, target.architecture, target.platform)) if required or not files else []
    for name, needer in files.items():
        node = analysis.graph.nodes[name]
        if target.slice_of(node) is None:
            reasons.append(_unusable(node, target, needer))
        if node.in_wheel and (item := target.slice_of(node)) is not None and item.lacks_signature:
            reasons.append(Reason(Rule.UNSIGNED, name, "has arm64 code without a signature", mendable=True))
        for edge in target.edges_of(analysis, name):
            reasons += _of_edge(analysis, node, edge, target)
    return ArchitectureTruth(
        architecture=target.architecture,
        reasons=tuple(dict.fromkeys(reasons)),
        floors=_floors(analysis, target, files),
        suspects=tuple(suspects(analysis, target)),
    )


def _unusable(node: MachoNode, target: Target, needer: str) -> Reason:
    """Return the reason of a library that is needed but is not built for the target."""
    item = node.file.slice_for(target.architecture)
    if item is not None:
        return Reason(Rule.PLATFORM, node.name, f"is built for {item.platform}, and {needer} needs it")
    return Reason(Rule.ARCHITECTURE, node.name, f"has no {target.architecture} slice, and {needer} needs it")


def _of_edge(analysis: MachoAnalysis, node: MachoNode, edge: MachoEdge, target: Target) -> Iterator[Reason]:
    """Yield what stands against a slice because of one library that it names."""
    name, found, rule = edge.dependency.name, edge.lookup.found, edge.lookup.rule
    mac = target.platform == MACOS
    if rule is SearchRule.INTERPRETER:
        if mac:
            item = target.slice_of(node)
            mendable = item is not None and item.file_type is not FileType.EXECUTABLE
            detail = (
                f"needs {name}, which the Python that imports it need not have"
                if mendable
                else f"is a program that needs {name}, and Python is never bundled"
            )
            yield Reason(Rule.LIBPYTHON, node.name, detail, name, mendable=mendable)
    elif not comes_along(edge):
        return
    elif found is None:
        if not edge.dependency.weak:
            yield _missing(node, name, edge.lookup)
    elif not analysis.graph.nodes[found].in_wheel:
        every = "Mac" if mac else "device"
        yield Reason(Rule.LIBRARY, node.name, f"needs {name}, which not every {every} has", name, mendable=mac)
    elif rule is SearchRule.IN_WHEEL:
        detail = f"needs {name}, which is in the wheel at {found} where no path leads"
        yield Reason(Rule.NO_PATH, node.name, detail, name, mendable=mac)


def _missing(node: MachoNode, name: str, lookup: Lookup) -> Reason:
    """Return the reason of a library that was not found; it says where one lies that cannot be used."""
    for outcome, rule in ((Outcome.OTHER_PLATFORM, Rule.PLATFORM), (Outcome.OTHER_ARCHITECTURE, Rule.MISSING_LIBRARY)):
        place = next((item.place for item in lookup.attempts if item.outcome is outcome), None)
        if place is not None:
            # A place of the wheel is told without the scheme that it is installed by.
            shown = place.partition("/")[2] if place.startswith(WHEEL) else place
            detail = f"needs {name}, but {shown} is {outcome.value}"
            return Reason(rule, node.name, detail, name)
    return Reason(Rule.MISSING_LIBRARY, node.name, f"needs {name}, which was not found", name)


def _floors(analysis: MachoAnalysis, target: Target, files: Mapping[str, str]) -> tuple[Floor, ...]:
    """Return the oldest system of each reached file, newest first."""
    floors = []
    for name, needer in files.items():
        node = analysis.graph.nodes[name]
        item = target.slice_of(node)
        if item is not None:
            minimum = item.minimum_os or assumed_system(analysis, target)
            if target.platform == MACOS and _needs_swift(target.edges_of(analysis, name)):
                minimum = max(minimum, SWIFT_SINCE)
            floors.append(Floor(name, minimum, node.in_wheel, needer))
    return tuple(sorted(floors, key=lambda floor: floor.minimum_os, reverse=True))


def _needs_swift(edges: Iterable[MachoEdge]) -> bool:
    """Whether a file takes Swift's own libraries from the system, which older ones do not have."""
    return any(
        edge.lookup.rule is SearchRule.SYSTEM and is_swift(edge.dependency.name) and not edge.dependency.weak
        for edge in edges
    )
