"""The libraries of a wheel as trees, one for each group of files that need the same; whatever their format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from truewheel.report.model import Fate, FileGroup, LibraryLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from truewheel.analyzer.graph import AnyEdge, AnyNode, Graph


@dataclass(frozen=True, slots=True)
class Forest:
    """A graph, and what is to be said of its edges.

    fate: what becomes of the library at the end of an edge. note: why, in a few words; may be empty.
    """

    graph: Graph[AnyNode, AnyEdge]
    fate: Callable[[AnyEdge], Fate]
    note: Callable[[AnyEdge], str]

    def groups(self) -> Iterator[FileGroup]:
        """Yield the files that nobody in the wheel needs, grouped by what they need themselves."""
        needed = {edge.lookup.found for edge in self.graph.all_edges()}
        tops = [node.name for node in self.graph.members() if node.name not in needed]
        groups: dict[tuple[tuple[str, str | None], ...], list[str]] = {}
        for name in tops or [node.name for node in self.graph.members()]:
            wants = tuple((edge.dependency.name, edge.lookup.found) for edge in self._shown(name))
            groups.setdefault(wants, []).append(name)
        seen: set[str] = set()
        for names in groups.values():
            yield FileGroup(tuple(names), tuple(self._tree(names[0], seen)))

    def system(self) -> tuple[str, ...]:
        """Return the names that the system provides to the wheel and to what would be bundled, sorted."""
        files = {node.name for node in self.graph.members()}
        queue = list(files)
        for name in queue:
            for edge in self.graph.edges.get(name, ()):
                found = edge.lookup.found
                if found is not None and found not in files and self.fate(edge) is Fate.BUNDLE:
                    files.add(found)
                    queue.append(found)
        edges = (edge for name in files for edge in self.graph.edges.get(name, ()))
        return tuple(sorted({edge.dependency.name for edge in edges if self.fate(edge) is Fate.SYSTEM}))

    def _tree(self, top: str, seen: set[str]) -> Iterator[LibraryLine]:
        """Yield the libraries below a file in depth-first order; each one's own needs are shown once per report."""
        stack = [(edge, 1) for edge in reversed(self._shown(top))]
        while stack:
            edge, depth = stack.pop()
            found = edge.lookup.found
            below = self._shown(found) if found else ()
            repeated = found in seen
            size = self.graph.nodes[found].size if found else 0
            name = edge.dependency.name
            yield LibraryLine(depth, name, self.fate(edge), found or "", size, repeated, self.note(edge))
            if found and not repeated:
                seen.add(found)
                stack += [(item, depth + 1) for item in reversed(below)]

    def _shown(self, name: str) -> tuple[AnyEdge, ...]:
        """Return the edges of a file that a person wants to see, each name once: not those that the system provides."""
        edges = (edge for edge in self.graph.edges.get(name, ()) if self.fate(edge) is not Fate.SYSTEM)
        return tuple({(edge.dependency.name, edge.lookup.found): edge for edge in edges}.values())
