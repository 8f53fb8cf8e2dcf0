"""The dependency graph of a whole wheel.

Nodes are files, each read once; edges say who needs whom, under which name, and how the loader found it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truewheel.analyzer.elf.image import Dependency, Image


class SearchRule(Enum):
    """Which rule of the loader's search named a place. The values read well in a sentence."""

    PATH = "the name itself"
    LOADED = "already loaded under that name"
    LIB_PATH = "--lib-path"
    RPATH = "DT_RPATH"
    RUNPATH = "DT_RUNPATH"
    ENVIRONMENT = "LD_LIBRARY_PATH"
    CONFIGURED = "the loader's configuration"
    DEFAULT = "the loader's default directories"
    CONDA = "the conda prefix"
    IN_WHEEL = "in the wheel, but no path leads there"
    """A member of the wheel has that soname; at run time the loader finds it only if it is loaded already."""
    LOADER = "the loader itself"
    INTERPRETER = "provided by the Python interpreter"
    """libpython: the process that imports an extension module has it already, or must not have a second one."""
    EXCLUDED = "excluded by the caller"
    LOADER_PATH = "@loader_path"
    EXECUTABLE_PATH = "@executable_path"
    LC_RPATH = "LC_RPATH"
    DYLD_ENVIRONMENT = "DYLD_LIBRARY_PATH"
    DYLD_FALLBACK = "DYLD_FALLBACK_LIBRARY_PATH"
    DYLD_FRAMEWORK = "DYLD_FRAMEWORK_PATH"
    DYLD_FRAMEWORK_FALLBACK = "DYLD_FALLBACK_FRAMEWORK_PATH"
    BARE_NAME = "a name relative to the working directory"
    PACKAGE_MANAGER = "the folders of Homebrew and MacPorts"
    SYSTEM = "part of the system"
    """macOS keeps these in one cache; there may be no file."""


class Outcome(Enum):
    """What was found at a place that the loader tried."""

    FOUND = "found"
    ABSENT = "absent"
    NOT_NATIVE = "not an ELF file"
    OTHER_ARCHITECTURE = "of another architecture"
    NOT_MACHO = "not a Mach-O library"
    OTHER_PLATFORM = "for another platform"


class Attempt(NamedTuple):
    """One place that was tried."""

    place: str
    """A path, or `wheel:` and an installed path for a place inside the wheel."""
    rule: SearchRule
    outcome: Outcome


class Lookup(NamedTuple):
    """The search for one name: the node it ended at, or None, and everything that was tried, in order.

    A rule without a found node means that no file was looked for (the loader itself, libpython, an excluded name).
    """

    found: str | None
    rule: SearchRule | None
    attempts: tuple[Attempt, ...] = ()


class Edge(NamedTuple):
    """`needer` names `dependency`; the loader ends its search at `lookup.found`."""

    needer: str
    dependency: Dependency
    lookup: Lookup


class Node(NamedTuple):
    """One native file.

    name: the member's name for a file of the wheel, else the absolute path with every symbolic link resolved.
    size: bytes, uncompressed.
    """

    name: str
    in_wheel: bool
    image: Image
    size: int


class AnyNode(Protocol):
    """What the graph itself asks of a node."""

    @property
    def name(self) -> str:
        """A field of every node."""

    @property
    def in_wheel(self) -> bool:
        """A field of every node."""

    @property
    def size(self) -> int:
        """A field of every node."""


class Named(Protocol):
    """A dependency of any format."""

    @property
    def name(self) -> str:
        """A field of every dependency."""


class AnyEdge(Protocol):
    """What the graph itself asks of an edge."""

    @property
    def needer(self) -> str:
        """A field of every edge."""

    @property
    def dependency(self) -> Named:
        """A field of every edge."""

    @property
    def lookup(self) -> Lookup:
        """A field of every edge."""


NodeT_co = TypeVar("NodeT_co", bound=AnyNode, covariant=True)
EdgeT_co = TypeVar("EdgeT_co", bound=AnyEdge, covariant=True)


class Graph(Generic[NodeT_co, EdgeT_co]):
    """All native files of a wheel and every library they reach.

    nodes: by name; members of the wheel first, in archive order, then libraries in the order they were met.
    edges: by needer; a node's edges stand in the order of its needed entries.
    """

    __slots__ = ("edges", "nodes")

    def __init__(self, nodes: Mapping[str, NodeT_co], edges: Mapping[str, tuple[EdgeT_co, ...]]) -> None:
        """Keep the nodes and the edges."""
        self.nodes = nodes
        self.edges = edges

    def members(self) -> Iterator[NodeT_co]:
        """Yield the nodes that are members of the wheel."""
        return (node for node in self.nodes.values() if node.in_wheel)

    def externals(self) -> Iterator[NodeT_co]:
        """Yield the nodes that lie outside the wheel."""
        return (node for node in self.nodes.values() if not node.in_wheel)

    def all_edges(self) -> Iterator[EdgeT_co]:
        """Yield every edge, by needer in node order."""
        return (edge for edges in self.edges.values() for edge in edges)

    def missing(self) -> Iterator[EdgeT_co]:
        """Yield the edges whose search found nothing, except those that were not searched for."""
        return (edge for edge in self.all_edges() if edge.lookup.found is None and edge.lookup.rule is None)

    def chain(self, target: str) -> tuple[EdgeT_co, ...]:
        """Return a shortest path of edges from a member of the wheel to the node or needed name `target`.

        Empty when `target` is itself a member or is not reached.
        """
        queue: list[tuple[str, tuple[EdgeT_co, ...]]] = [(node.name, ()) for node in self.members()]
        seen = {name for name, _ in queue}
        for name, path in queue:
            for edge in self.edges.get(name, ()):
                here = (*path, edge)
                if target in (edge.lookup.found, edge.dependency.name):
                    return here
                found = edge.lookup.found
                if found is not None and found not in seen:
                    seen.add(found)
                    queue.append((found, here))
        return ()


class DependencyGraph(Graph[Node, Edge]):
    """The graph of ELF files."""

    __slots__ = ()
