"""Which libraries would come along under which policy, and what stands in the way of finding them.

The walk starts at the members of the wheel and at the libraries that the caller added, and stops at what a policy
leaves to the system. Because a newer policy allows at least as much, a library that comes along under one policy
comes along under every older one; one number per file says up to where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.elf.image import DependencyKind, ImageKind
from truewheel.analyzer.elf.system_names import is_c_library
from truewheel.analyzer.graph import SearchRule
from truewheel.platforms.linux.finding import Finding
from truewheel.platforms.linux.policies import locate
from truewheel.platforms.verdict import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from truewheel.analyzer.graph import DependencyGraph, Edge, Node
    from truewheel.platforms.linux.policies import PolicyFacts
    from truewheel.platforms.verdict import Policy

_NOT_FOLLOWED = frozenset({SearchRule.LOADER, SearchRule.INTERPRETER, SearchRule.EXCLUDED})


def libraries_to_bundle(graph: DependencyGraph, policy: Policy, included: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names of the nodes outside the wheel that must come along so that it keeps `policy`.

    included: nodes that come along on the caller's wish, with all they need, even if a policy allows them.
    """
    facts, position = locate(policy)
    until = needed_until(graph, facts, included)
    return tuple(node.name for node in graph.externals() if until.get(node.name, 0) > position)


def needed_until(graph: DependencyGraph, facts: PolicyFacts, included: Collection[str] = ()) -> dict[str, int]:
    """Return, by node name in graph order, the first policy under which the file is not part of the wheel any more.

    Members and wished libraries always are part of it; libraries that every policy allows are left out.
    """
    wished = set(graph.nodes).difference(edge.lookup.found for edge in graph.all_edges()).union(included)
    until = {node.name: facts.never for node in graph.nodes.values() if node.in_wheel or node.name in wished}
    queue = list(until)
    for name in queue:
        for edge in graph.edges.get(name, ()):
            found = edge.lookup.found
            if found is None or edge.lookup.rule in _NOT_FOLLOWED or graph.nodes[found].in_wheel:
                continue
            limit = min(until[name], facts.allowed_from(edge.dependency.name))
            if limit > until.get(found, 0):
                until[found] = limit
                queue.append(found)
    return {name: until[name] for name in graph.nodes if name in until}


def system_from(graph: DependencyGraph, node: Node, facts: PolicyFacts) -> Mapping[str, int]:
    """Return, by needed name, the first policy under which the system serves it to this file.

    `never` for a name that a file of the wheel serves. A name that is in the wheel without a path that leads there is
    served by the system once a policy allows it.
    """
    result: dict[str, int] = {}
    for edge in graph.edges.get(node.name, ()):
        found = edge.lookup.found
        inside = found is not None and graph.nodes[found].in_wheel and edge.lookup.rule is not SearchRule.IN_WHEEL
        result[edge.dependency.name] = facts.never if inside else facts.allowed_from(edge.dependency.name)
    return result


def library_findings(graph: DependencyGraph, node: Node, facts: PolicyFacts) -> Iterator[Finding]:
    """Yield what stands against policies because of the libraries that the file needs."""
    for edge in graph.edges.get(node.name, ()):
        name = edge.dependency.name
        if edge.lookup.rule is SearchRule.INTERPRETER:
            detail = f"needs {name}, which the Python that imports it need not have"
            mendable = node.image.kind is ImageKind.SHARED_LIBRARY
            yield Finding(0, facts.never, Reason(Rule.LIBPYTHON, node.name, detail, name, mendable=mendable))
        elif (stop := facts.allowed_from(name)) and edge.lookup.rule not in _NOT_FOLLOWED:
            for rule, detail, mendable in _judge_edge(graph, edge, facts):
                oldest = facts.name_at(stop)
                reason = Reason(rule, node.name, detail, name, mendable=mendable, oldest=oldest)
                yield Finding(0, stop, reason)


def _judge_edge(graph: DependencyGraph, edge: Edge, facts: PolicyFacts) -> Iterator[tuple[Rule, str, bool]]:
    """Yield the rule that an edge breaks where its name is not allowed, a sentence, and whether repair mends it."""
    name, found = edge.dependency.name, edge.lookup.found
    if found is None:
        if edge.dependency.kind is not DependencyKind.AUXILIARY:
            yield Rule.MISSING_LIBRARY, f"needs {name}, which was not found", False
    elif graph.nodes[found].in_wheel:
        if edge.lookup.rule is SearchRule.IN_WHEEL:
            yield Rule.NO_PATH, f"needs {name}, which is in the wheel at {found} where no path leads", True
    elif is_c_library(name) or is_c_library(graph.nodes[found].image.soname or ""):
        yield Rule.LIBRARY, f"needs {name}, a part of the C library that cannot come along", False
    else:
        own = next((policy.name for policy in facts.policies if policy.own), "")
        lacking = f"{own} does not have" if own else "not every system has"
        yield Rule.LIBRARY, f"needs {name}, which {lacking}", True
