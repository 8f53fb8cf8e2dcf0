"""Which copies of libraries come along, and what each is called.

A library is known by its content: files with one content share one copy, and two contents never share a name.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from truewheel.analyzer.image import DependencyKind
from truewheel.analyzer.system_names import name_stems
from truewheel.bundler.digests import file_digests
from truewheel.bundler.naming import bundled_name, distinct_name
from truewheel.bundler.placement import asked_for
from truewheel.bundler.plan import LibraryCopy
from truewheel.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from truewheel.analyzer.analyze import Analysis
    from truewheel.analyzer.graph import DependencyGraph, Node
    from truewheel.archive.layout import Scheme
    from truewheel.bundler.placement import Placement


def library_copies(
    analysis: Analysis, placement: Placement, no_mangle: tuple[str, ...], present: Collection[str], *, jobs: int
) -> dict[tuple[Scheme, str], LibraryCopy]:
    """Return the copy that serves each scheme for each library that its members reach.

    no_mangle: patterns of libraries that keep their names. present: the names of the wheel's own members.
    jobs: threads that read libraries.

    Raises RefusedError when a library that keeps its name would take another file's place, UsageError for a pattern
    that fits nothing, and InvalidInputError for a library that cannot be read.
    """
    graph = analysis.graph
    pairs = [(scheme, name) for scheme, names in placement.needs.items() for name in names]
    digests = file_digests({name for _, name in pairs}, jobs)
    kept = _kept_names(analysis, frozenset(digests), no_mangle)
    taken: dict[str, str] = dict.fromkeys(present, "")
    shared: dict[tuple[Scheme, str, str | None], LibraryCopy] = {}
    copies: dict[tuple[Scheme, str], LibraryCopy] = {}
    # What keeps its name comes first: the others can make room, and a file of the same content can share it.
    for scheme, name in sorted(pairs, key=lambda pair: pair[1] not in kept):
        node, digest, keeps = graph.nodes[name], digests[name], kept.get(name)
        copy = shared.get((scheme, digest, keeps))
        if copy is None:
            member = _free_member(placement, scheme, node, digest, keeps, taken)
            taken[member] = digest
            copy = LibraryCopy(name, called(node), member, digest, node.size, node.image.build_id)
            shared[scheme, digest, keeps] = copy
            shared.setdefault((scheme, digest, None), copy)
        copies[scheme, name] = copy
    return {pair: copies[pair] for pair in pairs}


def called(node: Node) -> str:
    """Return what files that need a library call it: its soname, or its file name when it has none."""
    return PurePosixPath(node.image.soname or node.name).name


def _free_member(
    placement: Placement, scheme: Scheme, node: Node, digest: str, kept: str | None, taken: Mapping[str, str]
) -> str:
    """Return the member name for a library that no other content has."""
    names = (kept,) if kept is not None else (bundled_name(called(node), digest), distinct_name(called(node), digest))
    for name in names:
        member = placement.library_member(scheme, name)
        if taken.get(member, digest) == digest:
            return member
    member = placement.library_member(scheme, names[0])
    other = "another library" if taken[member] else "a file of the wheel"
    hint = "let it be renamed: leave it out of --no-mangle" if kept else "choose another folder with --lib-sdir"
    raise RefusedError(f"would be bundled as {member}, and so would {other}", where=node.name, hint=hint)


def _kept_names(analysis: Analysis, libraries: frozenset[str], no_mangle: tuple[str, ...]) -> dict[str, str]:
    """Return the names of the libraries that are not renamed.

    These are what DT_AUXILIARY or DT_FILTER name, which no tool rewrites; what is loaded by name at run time, where
    no DT_NEEDED could be rewritten; and what the user names.
    """
    graph = analysis.graph
    kept: dict[str, str] = {}
    for edge in graph.all_edges():
        found = edge.lookup.found
        if found in libraries and edge.dependency.kind is not DependencyKind.NEEDED:
            kept.setdefault(found, PurePosixPath(edge.dependency.name).name)
    for name in asked_for(analysis, libraries):
        kept.setdefault(name, called(graph.nodes[name]))
    texts = _texts(graph)
    for pattern in no_mangle:
        hits = [name for name, known in texts.items() if any(fnmatchcase(text, pattern) for text in known)]
        # A library that an earlier repair brought in is one of the wheel's own files now, under the name it kept.
        if not any(name in libraries or graph.nodes[name].in_wheel for name in hits):
            raise UsageError(f"no bundled library matches {pattern!r}", where="--no-mangle")
        for name in hits:
            if name in libraries:
                kept.setdefault(name, called(graph.nodes[name]))
    return kept


def _texts(graph: DependencyGraph) -> dict[str, set[str]]:
    """Return by node what a pattern may fit: its name, each name it is needed by, and the paths it is known under."""
    texts = {node.name: {node.name, *name_stems(called(node))} for node in graph.nodes.values()}
    for edge in graph.all_edges():
        if edge.lookup.found is not None:
            texts[edge.lookup.found].update(name_stems(edge.dependency.name))
            texts[edge.lookup.found].update(attempt.place for attempt in edge.lookup.attempts[-1:])
    return texts
