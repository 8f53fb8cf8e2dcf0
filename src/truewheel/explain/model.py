"""The answer to `why` as plain data, and the sentences that are the same for every format of machine code."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from truewheel.analyzer.graph import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.graph import AnyEdge, AnyNode, Graph

SCHEMA = "truewheel.why/1"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact of an explanation, and the facts below it that lead to it or belong to it."""

    text: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known about one subject of one wheel; `headline` answers the question in one sentence."""

    file: str
    subject: str
    headline: str
    findings: tuple[Finding, ...] = ()
    schema: str = SCHEMA


def way(graph: Graph[AnyNode, AnyEdge], name: str) -> tuple[str, ...]:
    """Return one line that names the files from a member of the wheel to the node `name`; none for a member."""
    chain = graph.chain(name)
    return (f"by: {' > '.join([chain[0].needer, *(edge.dependency.name for edge in chain)])}",) if chain else ()


def short(name: str) -> str:
    """Return the name of a node as it reads best: a member's whole name, a library's file name."""
    return PurePosixPath(name).name if name.startswith("/") else name


def names(edge: AnyEdge, subject: str) -> bool:
    """Whether a person who says `subject` means the library at the end of the edge; versions may be left out."""
    found = edge.lookup.found or ""
    return subject in {edge.dependency.name, found} or any(
        fnmatchcase(name, pattern)
        for name in (edge.dependency.name, PurePosixPath(edge.dependency.name).name, PurePosixPath(found).name)
        for pattern in (subject, f"{subject}.*")
    )


def edge_text(edge: AnyEdge) -> str:
    """Return who needs what, and where the search for it ended."""
    how = f" ({edge.lookup.rule.value})" if edge.lookup.rule else ""
    found = edge.lookup.found or ("not searched for" if edge.lookup.rule else "not found")
    return f"{edge.needer} needs {edge.dependency.name} -> {found}{how}"


def attempts(graph: Graph[AnyNode, AnyEdge], library: str) -> Iterator[str]:
    """Yield every place that was tried for a name, once."""
    edges = (edge for edge in graph.all_edges() if edge.dependency.name == library)
    yield from dict.fromkeys(line for edge in edges for line in attempt_lines(edge))


def attempt_lines(edge: AnyEdge) -> Iterator[str]:
    """Yield every place that was tried in vain for one edge, in the order of the search."""
    for attempt in edge.lookup.attempts:
        if attempt.outcome is not Outcome.FOUND:
            yield f"{attempt.place}: {attempt.outcome.value} ({attempt.rule.value})"


def count(number: int, noun: str) -> str:
    """Return a number and its noun."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number} {noun}s"
