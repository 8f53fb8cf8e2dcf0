"""Which files one architecture of a macOS wheel reaches, and who brings each of them in.

The walk starts at what somebody opens by itself and follows the names of one slice only, as dyld does. A file that
another architecture alone needs is never met, so it says nothing about this one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.macho.dyld import Process, slice_for
from truewheel.analyzer.macho.image import MACOS
from truewheel.platforms.macos.facts import mac_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.analyzer.macho.graph import MachoEdge, MachoNode
    from truewheel.analyzer.macho.image import Slice, Version

_LEFT_ALONE = frozenset({SearchRule.SYSTEM, SearchRule.INTERPRETER, SearchRule.EXCLUDED, SearchRule.LOADER})
"""Rules of names that never bring a file along."""

_TAG = re.compile(r"macosx_([0-9]{1,3})_([0-9]{1,3})_([a-z0-9_]+)")
NEWER_INTEL = ("x86_64h", "x86_64")
"""The slices that Macs with Intel processors since 2013 map, best first; no tag tells them from older ones."""


class Target(NamedTuple):
    """One architecture of one system: what a tag speaks of, or a part of its machines that maps other slices."""

    architecture: str
    platform: str

    def slice_of(self, node: MachoNode) -> Slice | None:
        """Return the slice that the target maps and that is built for it, or None."""
        item = slice_for(node.file, Process(self.architecture))
        return item if item is not None and item.platform == self.platform else None

    def edges_of(self, analysis: MachoAnalysis, name: str) -> tuple[MachoEdge, ...]:
        """Return what a file needs in the slice that the target maps."""
        item = slice_for(analysis.graph.nodes[name].file, Process(self.architecture))
        return () if item is None else analysis.graph.edges_of(name, item.architecture)


def first_system(target: Target) -> Version:
    """Return the oldest system that a file of the target can run on, whatever it says."""
    facts = mac_facts()
    return (*(facts.floors[tagged(target.architecture)] if target.platform == MACOS else facts.ios_oldest), 0)


def assumed_system(analysis: MachoAnalysis, target: Target) -> Version:
    """Return the system taken for a file that does not say which it needs: no older one than the wheel's name says."""
    first = first_system(target)
    named = [
        (int(match[1]), int(match[2]), 0)
        for tag in analysis.name.platform
        if target.platform == MACOS
        and (match := _TAG.fullmatch(tag))
        and (family := mac_facts().families.get(match[3]))
        and tagged(target.architecture) in family.architectures
    ]
    return max(first, min(named, default=first))


def tagged(architecture: str) -> str:
    """Return the architecture by which a tag speaks of the machines that map slices for `architecture`."""
    return NEWER_INTEL[1] if architecture == NEWER_INTEL[0] else architecture


def comes_along(edge: MachoEdge) -> bool:
    """Whether the library that an edge names is, or would be, part of the wheel."""
    return edge.lookup.rule not in _LEFT_ALONE


def required_entries(analysis: MachoAnalysis) -> Iterator[MachoNode]:
    """Yield the entries that the wheel cannot do without: extension modules and programs."""
    modules = frozenset(analysis.modules)
    for name in analysis.entries:
        node = analysis.graph.nodes[name]
        if name in modules or node.file.is_executable:
            yield node


def optional_entries(analysis: MachoAnalysis) -> Iterator[MachoNode]:
    """Yield the entries that somebody may open by name, and the libraries that the caller added."""
    required = {node.name for node in required_entries(analysis)}
    for name in (*analysis.entries, *analysis.included):
        if name not in required:
            yield analysis.graph.nodes[name]


def reached(analysis: MachoAnalysis, target: Target) -> dict[str, str]:
    """Return every file that the target's slices reach, each with the file that brings it in, nearest first.

    An entry is brought in by nobody (an empty name), and only counts when it is built for the target.
    """
    entries = (*required_entries(analysis), *optional_entries(analysis))
    result = {node.name: "" for node in entries if target.slice_of(node)}
    queue = list(result)
    for name in queue:
        for edge in target.edges_of(analysis, name):
            found = edge.lookup.found
            if found is not None and found not in result and comes_along(edge):
                result[found] = name
                queue.append(found)
    return result
