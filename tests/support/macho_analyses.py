"""Analyses of macOS wheels built by hand, so that judgements and labels are tested without any file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from truewheel.analyzer.graph import Attempt, Lookup, Outcome, SearchRule
from truewheel.analyzer.macho.analysis import MachoAnalysis
from truewheel.analyzer.macho.graph import MachoEdge, MachoGraph, MachoNode
from truewheel.analyzer.macho.image import MACOS, DylibKind, DylibUse, FileType, MachoFile, Slice
from truewheel.archive.layout import InstalledPath, Scheme
from truewheel.archive.names import WheelName

if TYPE_CHECKING:
    from truewheel.analyzer.macho.image import Version

WHEEL = "demo-1.0-cp310-abi3-macosx_10_9_universal2.whl"


def version(text: str) -> Version:
    """Return `10.9` as (10, 9, 0)."""
    parts = [int(part) for part in text.split(".")]
    major, minor, patch = (*parts, 0, 0)[:3]
    return major, minor, patch


def macho(
    minima: dict[str, str | None],
    file_type: FileType = FileType.BUNDLE,
    platform: str = MACOS,
    rpaths: tuple[str, ...] = (),
) -> MachoFile:
    """Return a file with a slice for each architecture; each value is the slice's minimum system."""
    slices = tuple(
        Slice(
            architecture=name,
            file_type=file_type,
            bits=64,
            byte_order="little",
            offset=0,
            size=1000,
            platform=platform,
            minimum_os=None if minimum is None else version(minimum),
            rpaths=rpaths,
            free_bytes=1000,
            has_signature=True,
        )
        for name, minimum in minima.items()
    )
    return MachoFile(slices, fat=len(slices) > 1)


@dataclass
class BuiltMac:
    """A macOS wheel in the making: add files, then say which slice needs what."""

    nodes: dict[str, MachoNode] = field(default_factory=dict)
    edges: dict[str, tuple[MachoEdge, ...]] = field(default_factory=dict)
    entries: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)

    def module(self, name: str, minima: dict[str, str | None], *, platform: str = MACOS) -> BuiltMac:
        """Add an extension module."""
        self.modules.append(name)
        return self.entry(name, macho(minima, platform=platform))

    def entry(self, name: str, file: MachoFile) -> BuiltMac:
        """Add a member that something opens by itself."""
        self.entries.append(name)
        return self.file(name, file)

    def library(self, name: str, minima: dict[str, str | None], *, platform: str = MACOS) -> BuiltMac:
        """Add a library; outside the wheel when its name is an absolute path."""
        return self.file(name, macho(minima, FileType.DYLIB, platform))

    def file(self, name: str, file: MachoFile) -> BuiltMac:
        """Add a node."""
        self.nodes[name] = MachoNode(name, not name.startswith("/"), file, size=1000)
        return self

    def need(
        self,
        needer: str,
        found: str | None,
        *architectures: str,
        name: str = "",
        rule: SearchRule | None = SearchRule.LOADER_PATH,
        weak: bool = False,
        seen: tuple[Attempt, ...] = (),
    ) -> BuiltMac:
        """Let slices of a file (all, unless named) need a library; the name is that of the found file unless said."""
        use = DylibUse(name or (found or "").rpartition("/")[2], DylibKind.WEAK if weak else DylibKind.LOAD, weak)
        slices = architectures or self.nodes[needer].file.architectures
        lookup = Lookup(found, rule, seen)
        added = tuple(MachoEdge(needer, architecture, use, lookup) for architecture in slices)
        self.edges[needer] = (*self.edges.get(needer, ()), *added)
        return self

    def system(self, needer: str, name: str = "/usr/lib/libSystem.B.dylib", *architectures: str) -> BuiltMac:
        """Let slices of a file need a part of the system."""
        return self.need(needer, None, *architectures, name=name, rule=SearchRule.SYSTEM)

    def missing(self, needer: str, name: str, *architectures: str, weak: bool = False) -> BuiltMac:
        """Let slices of a file need what is nowhere."""
        return self.need(needer, None, *architectures, name=name, rule=None, weak=weak)

    def misfit(self, needer: str, name: str, place: str, outcome: Outcome, *architectures: str) -> BuiltMac:
        """Let slices of a file need a library of which only an unusable one was seen."""
        seen = (Attempt("/nowhere", SearchRule.PATH, Outcome.ABSENT), Attempt(place, SearchRule.LC_RPATH, outcome))
        return self.need(needer, None, *architectures, name=name, rule=None, seen=seen)

    def analysis(self, wheel: str = WHEEL, *, included: tuple[str, ...] = ()) -> MachoAnalysis:
        """Return the analysis of a wheel whose members lie in platlib."""
        members = [name for name, node in self.nodes.items() if node.in_wheel]
        return MachoAnalysis(
            name=WheelName.parse(wheel),
            graph=MachoGraph(nodes=self.nodes, edges=self.edges),
            entries=tuple(self.entries),
            modules=tuple(self.modules),
            installed={name: InstalledPath(Scheme.PLATLIB, PurePosixPath(name)) for name in members},
            included=included,
        )
