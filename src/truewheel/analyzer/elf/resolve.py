"""The dependency graph of a wheel, found by loading each of its entry files the way the loader would.

An entry is a file that something opens by itself: a Python extension module, a program, a library that no other file
of the wheel needs, a library the user includes. From each entry the needed files are met breadth first, as both glibc
and musl load them, because a name that is loaded already is not searched for again.

Several entries can meet one file in different company, so one edge can have several results. The worst is kept:
nothing found, before found in the wheel without a path, before found only because it was loaded already, before found
by a rule; among equals the first entry's. So what is wrong for one entry is never hidden by what is right for another.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.image import ImageKind, Libc
from truewheel.analyzer.elf.ld_so_conf import loader_name
from truewheel.analyzer.elf.search import File, Search
from truewheel.analyzer.elf.system_names import libc_of_file_name, own_libc
from truewheel.analyzer.graph import DependencyGraph, Edge, Node, SearchRule
from truewheel.analyzer.lookups import worse
from truewheel.analyzer.search_options import SearchOptions
from truewheel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truewheel.analyzer.elf.image import Image
    from truewheel.analyzer.elf.search import Found, Scope
    from truewheel.analyzer.graph import Lookup


class Member(NamedTuple):
    """One native file of the wheel. place: `wheel:` and its installed path; None when it is not installed."""

    name: str
    image: Image
    size: int
    place: str | None


class Resolution(NamedTuple):
    """The graph, and what was learnt on the way.

    libc: for each entry file of the wheel (or included one), the C library it is loaded with; None when nothing tells.
    c_library: for each architecture, the files of the host (or sysroot) that make up the C library of a Python
        process; none when it is not there, or when the entries do not agree on one.
    included: the nodes that the caller's `include` names ended at, in the caller's order.
    unused_excludes: patterns that fitted no name and no path.
    """

    graph: DependencyGraph
    libc: Mapping[str, Libc | None]
    c_library: Mapping[str, tuple[str, ...]]
    included: tuple[str, ...]
    unused_excludes: tuple[str, ...]


class _Walk(NamedTuple):
    """One entry and what it loads: the files in load order, each with the lookups of its needed names."""

    libc: Libc | None
    steps: tuple[tuple[File, tuple[Lookup, ...]], ...]


@dataclass(slots=True, eq=False)
class _Findings:
    """What all walks so far have found, by file name."""

    files: dict[str, File] = field(default_factory=dict)
    lookups: dict[str, tuple[Lookup, ...]] = field(default_factory=dict)
    libc: dict[str, Libc | None] = field(default_factory=dict)

    def add(self, walk: _Walk) -> None:
        for file, lookups in walk.steps:
            self.files.setdefault(file.name, file)
            known = self.lookups.get(file.name)
            if known is None:
                self.lookups[file.name] = lookups
            elif known != lookups:
                self.lookups[file.name] = tuple(map(worse, known, lookups))


def build_graph(
    members: Sequence[Member], options: SearchOptions | None = None, *, include: tuple[str, ...] = ()
) -> Resolution:
    """Return the graph of the wheel that has these members, in archive order.

    include: sonames, or paths on the host, of libraries that are wanted although nothing needs them.
    Raises UsageError when an included library cannot be found.
    """
    files = [File(each.name, each.image, each.size, in_wheel=True, place=each.place) for each in members]
    search = Search(files, options or SearchOptions())
    findings = _Findings({file.name: file for file in files})
    _load_members(search, files, findings)
    included = tuple(_load_extra(search, files, findings, each) for each in include)
    graph = _graph(findings, [file.name for file in files], included)
    unused = search.unused_excludes
    return Resolution(graph, findings.libc, _c_library(search, findings), included, unused)


def _load_members(search: Search, files: list[File], findings: _Findings) -> None:
    """Load the entries: modules and programs, then what no file needs by name, then what is left (needed in rings)."""
    wanted = {posixpath.basename(each.name) for file in files for each in file.image.needed}
    alike: dict[tuple[object, ...], _Walk] = {}
    entries = [file for file in files if _opened_by_itself(file)]
    others = [file for file in files if not _opened_by_itself(file)]
    for turn in (entries, [file for file in others if not _names(file) & wanted], others):
        for file in turn:
            if turn is entries or file.name not in findings.lookups:
                walk = _load(search, file, file.place, alike)
                findings.add(walk)
                findings.libc[file.name] = walk.libc


def _opened_by_itself(file: File) -> bool:
    return bool(file.image.python_inits) or file.image.kind is ImageKind.EXECUTABLE


def _names(file: File) -> set[str]:
    names = {posixpath.basename(file.place or file.name)}
    return names if file.image.soname is None else names | {file.image.soname}


def _load(search: Search, entry: File, place: str | None, alike: dict[tuple[object, ...], _Walk]) -> _Walk:
    """Load one entry, deciding its C library: by itself, by what it loads, by its file name.

    alike: walks of earlier entries. Modules of one directory often need the same names; then only the first is walked.
    """
    libc = own_libc(entry.image)
    by_name = libc_of_file_name(entry.name)
    scope = search.scope(entry, place, None, libc)
    key = (scope, libc, by_name, tuple((each.name, each.kind) for each in entry.image.needed))
    known = alike.get(key) if entry.image.soname is None else None
    if known is not None:
        return _Walk(known.libc, ((entry, known.steps[0][1]),))
    walk = _walk(search, entry, scope)
    if libc is None:
        told = (own_libc(file.image) for file, _ in walk.steps)
        libc = next((each for each in told if each is not None), by_name)
        if libc is Libc.MUSL:
            walk = _walk(search, entry, search.scope(entry, place, None, libc))
        walk = _Walk(libc, walk.steps)
    alike[key] = walk
    return walk


@dataclass(slots=True, eq=False)
class _Loaded:
    """What is loaded so far, and the names it is known by.

    glibc knows a file by its soname and by every name that led to it, musl only by the first name that did.
    """

    by_name_only: bool
    names: dict[str, File] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    def add(self, file: File, asked: str | None) -> bool:
        """Remember a file, found under the name `asked`; return whether it was not loaded before."""
        is_new = file.name not in self.files
        self.files.add(file.name)
        if asked is not None and (is_new or not self.by_name_only):
            self.names[asked] = file
        if file.image.soname is not None and not self.by_name_only:
            self.names.setdefault(file.image.soname, file)
        return is_new


def _walk(search: Search, entry: File, scope: Scope) -> _Walk:
    """Load `entry` and, breadth first, all that it needs."""
    loaded = _Loaded(by_name_only=scope.libc is Libc.MUSL)
    loaded.add(entry, None)
    pathless: set[str] = set()
    steps: list[tuple[File, tuple[Lookup, ...]]] = []
    queue = [(entry, scope)]
    for file, its_scope in queue:
        lookups: list[Lookup] = []
        for dependency in file.image.needed:
            found = search.find(its_scope, dependency.name)
            held = loaded.names.get(dependency.name)
            if held is not None:
                lookups.append(_of_held(search, found, held, pathless))
                continue
            lookups.append(found.lookup)
            if found.file is not None and loaded.add(found.file, dependency.name):
                if found.lookup.rule is SearchRule.IN_WHEEL:
                    pathless.add(found.file.name)
                queue.append((found.file, search.scope(found.file, found.place, its_scope, scope.libc)))
        steps.append((file, tuple(lookups)))
    return _Walk(scope.libc, tuple(steps))


def _of_held(search: Search, own: Found, held: File, pathless: set[str]) -> Lookup:
    """Return the lookup of a name that is loaded already: by its own rule where that leads to the same file."""
    lookup = own.lookup
    if lookup.found is None and lookup.rule is not None:
        return lookup
    if own.file is held and (lookup.rule is not SearchRule.IN_WHEEL or held.name in pathless):
        return lookup
    return search.loaded(own, held)


def _load_extra(search: Search, members: list[File], findings: _Findings, wanted: str) -> str:
    """Load a library that the user includes; return its node."""
    image = members[0].image if members else None
    libc = next(iter(findings.libc.values()), None)
    found = search.find_extra(str(Path(wanted).absolute()) if "/" in wanted else wanted, image, libc)
    if found.file is None:
        tried = ", ".join(f"{each.place} ({each.outcome.value})" for each in found.lookup.attempts)
        rule = f"it is {found.lookup.rule.value}" if found.lookup.rule else f"tried {tried or 'nothing'}"
        raise UsageError("the included library was not found", where=wanted, hint=rule)
    if found.file.name not in findings.lookups:
        walk = _load(search, found.file, found.place, {})
        findings.add(walk)
        findings.libc[found.file.name] = walk.libc
    return found.file.name


def _c_library(search: Search, findings: _Findings) -> dict[str, tuple[str, ...]]:
    images = {findings.files[name].image.architecture: findings.files[name].image for name in findings.libc}
    result: dict[str, tuple[str, ...]] = {}
    for architecture, image in images.items():
        same = [name for name in findings.libc if findings.files[name].image.architecture == architecture]
        told = {libc for name in same if (libc := findings.libc[name]) is not None}
        result[architecture] = ()
        if len(told) == 1:
            libc = told.pop()
            result[architecture] = search.c_library(image, libc, loader_name(libc, architecture))
    return result


def _graph(findings: _Findings, members: list[str], included: tuple[str, ...]) -> DependencyGraph:
    """Keep what the members and the included libraries reach over the kept edges."""
    edges: dict[str, tuple[Edge, ...]] = {}
    queue = list(dict.fromkeys((*members, *included)))
    nodes = {name: _node(findings.files[name]) for name in queue}
    for name in queue:
        needed, lookups = findings.files[name].image.needed, findings.lookups[name]
        edges[name] = tuple(Edge(name, each, lookup) for each, lookup in zip(needed, lookups, strict=True))
        for lookup in lookups:
            if lookup.found is not None and lookup.found not in nodes:
                nodes[lookup.found] = _node(findings.files[lookup.found])
                queue.append(lookup.found)
    return DependencyGraph(nodes, edges)


def _node(file: File) -> Node:
    return Node(file.name, file.in_wheel, file.image, file.size)
