"""The dependency graph of a macOS wheel, found by loading each of its entry files the way dyld would.

An entry is a file that something opens by itself: a Python extension module, a program, a library that no other file
of the wheel names, a library the user includes. Each slice of an entry is loaded into a process of its own: first all
that a file names, in order, then each of these in turn (`JustInTimeLoader::loadDependents`), because a name that an
image has been loaded under is not searched for again.

Several entries can meet one file in different company, so one edge can have several results. The worst is kept:
nothing found, before found in the wheel without a path, before found only because it was loaded already, before found
by a rule; among equals the first entry's. So what is wrong for one entry is never hidden by what is right for another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.lookups import worse
from truewheel.analyzer.macho.dyld import Process, slice_for
from truewheel.analyzer.macho.graph import MachoEdge, MachoGraph, MachoNode
from truewheel.analyzer.macho.image import FileType
from truewheel.analyzer.macho.search import File, MachoSearch, known_names, loaded_slices
from truewheel.analyzer.macho.system_names import searched_name
from truewheel.analyzer.search_options import SearchOptions
from truewheel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from truewheel.analyzer.graph import Lookup
    from truewheel.analyzer.macho.image import MachoFile, Slice
    from truewheel.analyzer.macho.search import Found, Scope

_EXPANDED = ("@loader_path/", "@executable_path/")
_BEFORE_LOADED = frozenset({SearchRule.LIB_PATH, SearchRule.DYLD_ENVIRONMENT, SearchRule.DYLD_FRAMEWORK})
"""The rules whose places dyld tries before it compares a bare name with what is loaded."""


class MachoMember(NamedTuple):
    """One Mach-O file of the wheel. place: `wheel:` and its installed path; None when it is not installed."""

    name: str
    file: MachoFile
    size: int
    place: str | None


class MachoResolution(NamedTuple):
    """The graph, and what was learnt on the way.

    entries: the members that something opens by itself, in archive order.
    included: the nodes that the caller's `include` names ended at, in the caller's order.
    unused_excludes: patterns that fitted no name and no path.
    """

    graph: MachoGraph
    entries: tuple[str, ...]
    included: tuple[str, ...]
    unused_excludes: tuple[str, ...]


_Step = tuple[File, str, tuple["Lookup", ...]]
"""A file, the architecture of the slice that was mapped, and the lookups of the names in that slice."""


@dataclass(frozen=True, slots=True)
class _Findings:
    """What all walks so far have found. lookups: by file name and architecture of the slice."""

    files: dict[str, File]
    lookups: dict[tuple[str, str], tuple[Lookup, ...]] = field(default_factory=dict)

    def add(self, steps: Sequence[_Step]) -> None:
        for file, architecture, lookups in steps:
            self.files.setdefault(file.name, file)
            key = (file.name, architecture)
            known = self.lookups.get(key)
            if known is None:
                self.lookups[key] = lookups
            elif known is not lookups and known != lookups:
                self.lookups[key] = tuple(map(worse, known, lookups))

    def has(self, file: File, item: Slice) -> bool:
        return (file.name, item.architecture) in self.lookups


def build_macho_graph(
    members: Sequence[MachoMember],
    options: SearchOptions | None = None,
    *,
    modules: Collection[str] = (),
    include: tuple[str, ...] = (),
) -> MachoResolution:
    """Return the graph of the wheel that has these members, in archive order.

    modules: the names of those that are Python extension modules. include: names, or paths on the host, of libraries
    that are wanted although nothing needs them. Raises UsageError when an included library cannot be found.
    """
    options = options or SearchOptions()
    files = [File(each.name, each.file, each.size, in_wheel=True, place=each.place) for each in members]
    search = MachoSearch(files, options)
    loading = _Loading(search, _program_folder(options), _Findings({file.name: file for file in files}))
    entries = _load_members(loading, files, modules)
    included = tuple(_load_extra(loading, files, each) for each in include)
    graph = _graph(loading.findings, [file.name for file in files], included)
    ordered = tuple(file.name for file in files if file.name in entries)
    return MachoResolution(graph, ordered, included, search.unused_excludes)


@dataclass(frozen=True, slots=True)
class _Loading:
    """program: the directory of the program that loads modules; None when unknown.

    alike: the lookups of earlier entries, by scope and needed names. Modules of one directory often need the same
    names; then only the first is walked.
    """

    search: MachoSearch
    program: str | None
    findings: _Findings
    alike: dict[tuple[object, ...], tuple[Lookup, ...]] = field(default_factory=dict)

    def load(self, entry: File, item: Slice) -> None:
        """Load one slice of an entry and all that it needs."""
        process = self.process(entry, item)
        scope = self.search.scope(entry, process, None)
        key = (scope, item.dependencies)
        known = self.alike.get(key) if item.install_name is None else None
        if known is not None:
            self.findings.add([(entry, item.architecture, known)])
            return
        steps = _walk(self.search, entry, scope)
        self.findings.add(steps)
        self.alike[key] = steps[0][2]

    def process(self, entry: File, item: Slice) -> Process:
        """Return the process that maps an entry's slice: its own for a program, else the one the user names."""
        program = entry.origin if item.file_type is FileType.EXECUTABLE else self.program
        return Process(item.architecture, item.platform, program)


def _program_folder(options: SearchOptions) -> str | None:
    path = options.executable_path
    return None if path is None else str(path if path.is_dir() else path.parent)


def _load_members(loading: _Loading, files: list[File], modules: Collection[str]) -> set[str]:
    """Load the entries: modules and programs, then what no file names, then what is left; return their names.

    What is left are rings of libraries, whose first is an entry too, and slices that no entry reaches.
    """
    wanted = {searched_name(each.name) for file in files for item in loaded_slices(file) for each in item.dependencies}
    opened = [file for file in files if file.name in modules or file.content.is_executable]
    names = {file.name for file in opened}
    others = [file for file in files if file.name not in names]
    entries = set(names)
    for file in opened:
        for item in loaded_slices(file):
            loading.load(file, item)
    for turn in ([file for file in others if wanted.isdisjoint(known_names(file))], others):
        for file in turn:
            todo = [item for item in loaded_slices(file) if not loading.findings.has(file, item)]
            if len(todo) == len(loaded_slices(file)):
                entries.add(file.name)
            for item in todo:
                loading.load(file, item)
    return entries


def _walk(search: MachoSearch, entry: File, scope: Scope) -> list[_Step]:
    """Load `entry` and what it needs, in dyld's order: all that a file names, then what each of these names."""
    process = scope.needer.process
    named: dict[str, File] = {}
    pathless: set[str] = set()
    steps: list[_Step] = []
    done: set[str] = set()
    _remember(named, search, entry, process)
    stack = [(entry, scope)]
    while stack:
        file, its_scope = stack.pop()
        item = slice_for(file.content, process)
        if file.name in done or item is None:
            continue
        done.add(file.name)
        lookups: list[Lookup] = []
        met: list[tuple[File, Scope]] = []
        for dependency in item.dependencies:
            found = search.find(its_scope, dependency.name)
            held = _held(named, dependency.name, found.lookup)
            lookup = found.lookup if held is None else _of_held(search, found, held, pathless)
            lookups.append(lookup)
            loaded = held if lookup.rule is SearchRule.LOADED else found.file
            if loaded is None:
                continue
            if lookup.rule is SearchRule.IN_WHEEL:
                pathless.add(loaded.name)
            _remember(named, search, loaded, process)
            if loaded.name not in done:
                met.append((loaded, search.scope(loaded, process, its_scope)))
        steps.append((file, item.architecture, tuple(lookups)))
        stack.extend(reversed(met))
    return steps


def _remember(named: dict[str, File], search: MachoSearch, file: File, process: Process) -> None:
    """Keep what an image is known by: its place and its install name. The first image keeps a name."""
    item = slice_for(file.content, process)
    name = None if item is None else item.install_name
    for each in (file.place, name, name and search.place_of(name)):
        if each:
            named.setdefault(each, file)


def _held(named: dict[str, File], name: str, own: Lookup) -> File | None:
    """Return the loaded image that dyld takes for a name, by the name itself or by a place that it would try."""
    direct = None if name.startswith(_EXPANDED) else named.get(name)
    if direct is not None and name.startswith(("@", "/")):
        return direct
    tried = (each.place for each in own.attempts if each.rule is not SearchRule.IN_WHEEL)
    by_place = next((named[place] for place in tried if place in named), None)
    return by_place or (None if own.rule in _BEFORE_LOADED else direct)


def _of_held(search: MachoSearch, own: Found, held: File, pathless: set[str]) -> Lookup:
    """Return the lookup of a name that is loaded already: by its own rule where that leads to the same file."""
    lookup = own.lookup
    if lookup.found is None and lookup.rule is not None:
        return lookup
    if own.file is held and (lookup.rule is not SearchRule.IN_WHEEL or held.name in pathless):
        return lookup
    return search.loaded(own, held)


def _load_extra(loading: _Loading, members: list[File], wanted: str) -> str:
    """Load a library that the user includes, every slice that the wheel has too; return its node."""
    slices = [(file, item) for file in members for item in loaded_slices(file)]
    processes: dict[Process | None, None] = dict.fromkeys(
        loading.process(file, item)._replace(executable=loading.program) for file, item in slices
    )
    name = str(Path(wanted).absolute()) if "/" in wanted and not wanted.startswith("@") else wanted
    results = [loading.search.find_extra(name, process) for process in processes or {None: None}]
    found = next((each for each in results if each.file is not None), results[0])
    if found.file is None:
        tried = ", ".join(f"{each.place} ({each.outcome.value})" for each in found.lookup.attempts)
        rule = f"it is {found.lookup.rule.value}" if found.lookup.rule else f"tried {tried or 'nothing'}"
        raise UsageError("the included library was not found", where=wanted, hint=rule)
    architectures = {process.architecture for process in processes if process}
    for item in loaded_slices(found.file):
        if (item.architecture in architectures or not processes) and not loading.findings.has(found.file, item):
            loading.load(found.file, item)
    loading.findings.files.setdefault(found.file.name, found.file)
    return found.file.name


def _graph(findings: _Findings, members: list[str], included: tuple[str, ...]) -> MachoGraph:
    """Keep what the members and the included libraries reach over the kept edges."""
    edges: dict[str, tuple[MachoEdge, ...]] = {}
    queue = list(dict.fromkeys((*members, *included)))
    nodes = {name: _node(findings.files[name]) for name in queue}
    for name in queue:
        edges[name] = tuple(_edges(findings, findings.files[name]))
        for edge in edges[name]:
            found = edge.lookup.found
            if found is not None and found not in nodes:
                nodes[found] = _node(findings.files[found])
                queue.append(found)
    return MachoGraph(nodes, edges)


def _edges(findings: _Findings, file: File) -> list[MachoEdge]:
    return [
        MachoEdge(file.name, item.architecture, dependency, lookup)
        for item in file.content.slices
        for dependency, lookup in zip(
            item.dependencies, findings.lookups.get((file.name, item.architecture), ()), strict=False
        )
    ]


def _node(file: File) -> MachoNode:
    return MachoNode(file.name, file.in_wheel, file.content, file.size)
