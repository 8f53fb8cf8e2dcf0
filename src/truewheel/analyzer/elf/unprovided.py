"""Symbols that a file wants, without a version, and that nothing it is loaded with defines.

A reference with a version names its library, and that is judged by the version. One without is looked for in the
whole process: first in the program and its libraries, then in the module that Python opens and all that it needs
(dlopen(3), "symbol lookup scope"). So a file that does not name its libraries can still work through those who load it.

Nothing is said of a file when part of its company was not read: a missing, excluded or unreadable library, or a system
whose C library is not on the host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.elf.image import DependencyKind
from truewheel.analyzer.graph import SearchRule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from truewheel.analyzer.graph import DependencyGraph, Edge, Node

_PYTHON_API = ("Py", "_Py")
"""What the names of Python's and PyPy's own C functions start with; the interpreter defines them."""
_READ_WITHOUT_NODE = (SearchRule.LOADER, SearchRule.INTERPRETER)


def find_unprovided(
    graph: DependencyGraph,
    entries: Collection[str],
    c_library: Mapping[str, tuple[str, ...]],
    defined: Callable[[str, frozenset[str]], frozenset[str]],
) -> dict[str, tuple[str, ...]]:
    """Return the names that are never provided, sorted, by the node that wants them; only nodes that miss some.

    entries: the nodes that are opened by themselves; the others are judged in the company of each entry that
        loads them.
    c_library: for each architecture the files of the C library that every Python process has loaded; none: unknown.
    defined: tells which of some names the file of that path or member name defines.
    """
    answers = _Answers(defined)
    pending = {name: wanted for name, node in graph.nodes.items() if (wanted := _wanted(node, c_library))}
    # Nearly all is defined by a directly needed library. Large ones first: they spare the others most questions.
    direct = {name: frozenset(_found(graph.edges[name])) - {name} for name in pending}
    for provider, needers in _by_provider(graph, direct):
        _take(pending, needers, answers, provider)
    for architecture, files in c_library.items():
        for file in files:
            of_it = (name for name in pending if graph.nodes[name].image.architecture == architecture)
            _take(pending, of_it, answers, file)
    company = _Company(graph)
    judged = {name: scope for name in pending if pending[name] and (scope := company.of(name)) is not None}
    for provider, needers in _by_provider(graph, {name: judged[name] - direct[name] - {name} for name in judged}):
        _take(pending, needers, answers, provider)
    left = {name: pending[name] for name in judged if pending[name]}
    return _in_company(left, judged, entries, company, answers)


def _by_provider(graph: DependencyGraph, providers: Mapping[str, frozenset[str]]) -> list[tuple[str, list[str]]]:
    """Return each file that may provide with those who may find it there: the wheel's first, and large ones first."""
    needers: dict[str, list[str]] = {}
    for name, its_providers in providers.items():
        for provider in its_providers:
            needers.setdefault(provider, []).append(name)
    order = sorted(needers, key=lambda name: (not graph.nodes[name].in_wheel, -graph.nodes[name].size, name))
    return [(provider, needers[provider]) for provider in order]


def _wanted(node: Node, c_library: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    if not c_library.get(node.image.architecture):
        return frozenset()
    return frozenset(name for name in node.image.unversioned_imports if not name.startswith(_PYTHON_API))


def _take(pending: dict[str, frozenset[str]], needers: Iterable[str], answers: _Answers, provider: str) -> None:
    """Remove from what the needers still want all that the provider defines."""
    asking = [name for name in needers if pending[name]]
    found = answers.ask(provider, frozenset().union(*(pending[name] for name in asking)))
    if found:
        for name in asking:
            pending[name] -= found


def _in_company(
    left: Mapping[str, frozenset[str]],
    judged: Mapping[str, frozenset[str]],
    entries: Collection[str],
    company: _Company,
    answers: _Answers,
) -> dict[str, tuple[str, ...]]:
    """Judge what is left of files that others load by all that those load; the worst case counts."""
    result: dict[str, tuple[str, ...]] = {}
    loading = {entry: scope for entry in entries if (scope := company.of(entry)) is not None} if left else {}
    unread = [entry for entry in entries if entry not in loading] if left else []
    for name, wanted in left.items():
        if any(name in company.reached(entry) for entry in unread):
            continue
        missing = frozenset(wanted) if name in entries else frozenset()
        for entry, scope in loading.items():
            if entry == name or name not in scope:
                continue
            here = wanted
            for provider in scope - judged[name]:
                here -= answers.ask(provider, here) if here else frozenset()
            missing |= here
        if missing:
            result[name] = tuple(sorted(missing))
    return result


class _Answers:
    """Asks each file about each name once."""

    def __init__(self, defined: Callable[[str, frozenset[str]], frozenset[str]]) -> None:
        self._defined = defined
        self._asked: dict[str, frozenset[str]] = {}
        self._found: dict[str, frozenset[str]] = {}

    def ask(self, provider: str, names: frozenset[str]) -> frozenset[str]:
        asked = self._asked.get(provider, frozenset())
        new = names - asked
        if new:
            self._asked[provider] = asked | new
            self._found[provider] = self._found.get(provider, frozenset()) | self._defined(provider, new)
        return self._found.get(provider, frozenset()) & names


class _Company:
    """Tells what is loaded with a file."""

    def __init__(self, graph: DependencyGraph) -> None:
        self._graph = graph
        self._reached: dict[tuple[str, ...], frozenset[str]] = {}
        self._unread = {name for name, edges in graph.edges.items() if any(map(_unread, edges))}

    def reached(self, name: str) -> frozenset[str]:
        """Return the file and all that it needs, directly or not."""
        direct = tuple(_found(self._graph.edges[name]))
        known = self._reached.get(direct)
        if known is None:
            queue = list(direct)
            met = set(queue)
            for each in queue:
                new = [found for found in _found(self._graph.edges[each]) if found not in met]
                met.update(new)
                queue.extend(new)
            known = self._reached[direct] = frozenset(met)
        return known | {name}

    def of(self, name: str) -> frozenset[str] | None:
        """Return the same, or None when a part of it was not read."""
        reached = self.reached(name)
        return reached if reached.isdisjoint(self._unread) else None


def _found(edges: Iterable[Edge]) -> Iterator[str]:
    """Yield the files that edges lead to, each once."""
    return iter(dict.fromkeys(edge.lookup.found for edge in edges if edge.lookup.found is not None))


def _unread(edge: Edge) -> bool:
    if edge.lookup.found is not None or edge.lookup.rule in _READ_WITHOUT_NODE:
        return False
    return edge.lookup.rule is not None or edge.dependency.kind is not DependencyKind.AUXILIARY
