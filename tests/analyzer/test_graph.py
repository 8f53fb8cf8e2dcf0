from __future__ import annotations

import pytest

from support.images import image
from truewheel.analyzer.elf.image import Dependency
from truewheel.analyzer.graph import DependencyGraph, Edge, Lookup, Node, SearchRule


def _edge(needer: str, needed: str, found: str | None, rule: SearchRule | None = SearchRule.DEFAULT) -> Edge:
    return Edge(needer, Dependency(needed), Lookup(found, rule if found else None))


@pytest.fixture
def graph() -> DependencyGraph:
    """mod -> /a -> /b -> /c and lost; other -> /c and the loader; /c -> /a."""
    names = ("mod", "other", "/a", "/b", "/c")
    nodes = {name: Node(name, not name.startswith("/"), image(), 1) for name in names}
    loader = Edge("other", Dependency("ld-linux.so.2"), Lookup(None, SearchRule.LOADER))
    edges = {
        "mod": (_edge("mod", "liba", "/a"),),
        "other": (_edge("other", "libc", "/c"), loader),
        "/a": (_edge("/a", "libb", "/b"),),
        "/b": (_edge("/b", "libc", "/c"), _edge("/b", "liblost", None)),
        "/c": (_edge("/c", "liba", "/a"),),
    }
    return DependencyGraph(nodes, edges)


def _steps(path: tuple[Edge, ...]) -> list[tuple[str, str]]:
    return [(edge.needer, edge.dependency.name) for edge in path]


def test_members_and_externals_are_told_apart(graph: DependencyGraph) -> None:
    assert [node.name for node in graph.members()] == ["mod", "other"]
    assert [node.name for node in graph.externals()] == ["/a", "/b", "/c"]


def test_all_edges_come_in_the_order_of_needers(graph: DependencyGraph) -> None:
    assert [edge.needer for edge in graph.all_edges()] == ["mod", "other", "other", "/a", "/b", "/b", "/c"]


def test_missing_leaves_out_what_was_not_searched_for(graph: DependencyGraph) -> None:
    assert [edge.dependency.name for edge in graph.missing()] == ["liblost"]


def test_a_chain_is_a_shortest_path_from_a_member(graph: DependencyGraph) -> None:
    assert _steps(graph.chain("/c")) == [("other", "libc")]
    assert _steps(graph.chain("/b")) == [("mod", "liba"), ("/a", "libb")]


def test_a_chain_leads_to_a_name_that_was_not_found(graph: DependencyGraph) -> None:
    assert _steps(graph.chain("liblost"))[-1] == ("/b", "liblost")
    assert _steps(graph.chain("ld-linux.so.2")) == [("other", "ld-linux.so.2")]


def test_there_is_no_chain_to_a_member_or_a_stranger(graph: DependencyGraph) -> None:
    assert graph.chain("mod") == ()
    assert graph.chain("/strange") == ()
