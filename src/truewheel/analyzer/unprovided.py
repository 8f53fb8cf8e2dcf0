"""Symbols that a file wants, without a version, and that nothing it is loaded with defines.

A reference with a version names its library, and that is judged by the version. One without is looked for in the
whole process: first in the program and its libraries, then in the module that Python opens and all that it needs
(dlopen(3), "symbol lookup scope"). So a file that does not name its libraries can still work through those who load it.

Nothing is said of a file when part of its company was not read: a missing, excluded or unreadable library, or a system
whose C library is not on this machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.image import DependencyKind

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
    company = _Company(graph)
    answers = _Answers(defined)
    pending = {name: wanted for name, node in graph.nodes.items() if (wanted := _wanted(node, c_library))}
    scopes = {name: company.of(name) for name in pending}
    judged = {name: scope for name, scope in scopes.items() if scope is not None}
    pending = {name: pending[name] for name in judged}
    for provider, needers in _providers(graph, judged, c_library):
        _take(pending, needers, answers, provider)
    left = {name: wanted for name, wanted in pending.items() if wanted}
    return _in_company(left, judged, entries, company, answers)


def _providers(
    graph: DependencyGraph, judged: Mapping[str, frozenset[str]], c_library: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, list[str]]]:
    """Yield each file that may provide, and who may find it there.

    Whoever provides most of what is wanted comes first, to spare the others the questions: libraries of the wheel that
    many need, large ones before small ones; then the libraries outside; the C library last.
    """
    needers: dict[str, list[str]] = {}
    for name, scope in judged.items():
        for provider in scope - {name}:
            needers.setdefault(provider, []).append(name)
    size = {name: (not graph.nodes[name].in_wheel, -len(needers[name]), -graph.nodes[name].size) for name in needers}
    for provider in sorted(needers, key=lambda name: (size[name], name)):
        yield provider, needers[provider]
    for architecture, files in c_library.items():
        of_it = [name for name in judged if graph.nodes[name].image.architecture == architecture]
        for file in files:
            yield file, [name for name in of_it if file not in judged[name]]


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
        direct = tuple(dict.fromkeys(each.lookup.found for each in self._graph.edges[name] if each.lookup.found))
        known = self._reached.get(direct)
        if known is None:
            queue = list(direct)
            met = set(queue)
            for each in queue:
                for edge in self._graph.edges[each]:
                    if edge.lookup.found is not None and edge.lookup.found not in met:
                        met.add(edge.lookup.found)
                        queue.append(edge.lookup.found)
            known = self._reached[direct] = frozenset(met)
        return known | {name}

    def of(self, name: str) -> frozenset[str] | None:
        """Return the same, or None when a part of it was not read."""
        reached = self.reached(name)
        return reached if reached.isdisjoint(self._unread) else None


def _unread(edge: Edge) -> bool:
    if edge.lookup.found is not None or edge.lookup.rule in _READ_WITHOUT_NODE:
        return False
    return edge.lookup.rule is not None or edge.dependency.kind is not DependencyKind.AUXILIARY
