"""The dependency graph of a macOS wheel: nodes are files, edges belong to one architecture of a file.

One file may need other libraries in one slice than in another, and dyld searches for each slice on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.graph import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.graph import Lookup
    from truewheel.analyzer.macho.image import DylibUse, MachoFile


class MachoNode(NamedTuple):
    """One Mach-O file that dyld may map.

    name: the member's name for a file of the wheel, else the absolute path with every symbolic link resolved.
    size: bytes, uncompressed.
    """

    name: str
    in_wheel: bool
    file: MachoFile
    size: int


class MachoEdge(NamedTuple):
    """The slice `architecture` of `needer` names `dependency`; dyld ends its search at `lookup.found`."""

    needer: str
    architecture: str
    dependency: DylibUse
    lookup: Lookup


class MachoGraph(Graph[MachoNode, MachoEdge]):
    """The graph of Mach-O files. A file's edges stand by slice, then in the order of the slice."""

    __slots__ = ()

    def edges_of(self, needer: str, architecture: str) -> tuple[MachoEdge, ...]:
        """Return the edges of one slice."""
        return tuple(edge for edge in self.edges.get(needer, ()) if edge.architecture == architecture)

    def missing(self) -> Iterator[MachoEdge]:
        """Yield the edges whose search found nothing though the file does not load without."""
        return (edge for edge in super().missing() if not edge.dependency.weak)
