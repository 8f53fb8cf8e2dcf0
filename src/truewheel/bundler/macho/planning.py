"""From a macOS wheel to the machine-code part of a plan: which libraries come along, and which load commands change.

Every name that led to a library outside becomes a path from the file's own place (`@loader_path/...`), because only
that is the same on every Mac. Search paths (LC_RPATH) that lead out of the wheel go, from leaf libraries too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.macho.system_names import is_system
from truewheel.bundler.copies import library_copies
from truewheel.bundler.macho.frameworks import require_plain
from truewheel.bundler.macho.growth import growth
from truewheel.bundler.placement import Cargo, asked_for, place_members, way_between
from truewheel.bundler.plan import DroppedPath, MachoEdit, SliceEdit
from truewheel.errors import RefusedError
from truewheel.platforms.macos.remarks import rpath_stays
from truewheel.platforms.macos.repeated import repeated_rpaths

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.analyzer.macho.graph import MachoEdge, MachoGraph, MachoNode
    from truewheel.analyzer.macho.image import Slice
    from truewheel.archive.layout import InstalledPath, Scheme
    from truewheel.bundler.bundle_options import BundleOptions
    from truewheel.bundler.placement import Placement
    from truewheel.bundler.plan import Launcher, LibraryCopy

FOLDER_SUFFIX = ".dylibs"


class MachoBundle(NamedTuple):
    """The part of a repair plan that concerns Mach-O files."""

    libraries: tuple[LibraryCopy, ...]
    edits: tuple[MachoEdit, ...]
    launchers: tuple[Launcher, ...]
    dropped_paths: tuple[DroppedPath, ...]
    notices: tuple[str, ...] = ()


def plan_macho_bundle(
    analysis: MachoAnalysis, data_dir: str, options: BundleOptions, *, present: Collection[str] = (), jobs: int = 1
) -> MachoBundle:
    """Decide what is bundled and edited so that the wheel needs nothing but the system and the interpreter.

    data_dir: the name of the wheel's data folder. present: the names of all its members; nothing is put over them.
    jobs: threads that read libraries.

    Raises RefusedError when two files would need one name, when a path would have to cross schemes, or when a
    framework's resources would be left behind, and UsageError for a `no_mangle` pattern that matches nothing.
    """
    wanted = frozenset(node.name for node in analysis.graph.externals())
    for name in wanted:
        require_plain(name)
    cargo = _cargo(analysis, data_dir)
    placement = place_members(cargo, wanted, FOLDER_SUFFIX if options.lib_sdir is None else options.lib_sdir)
    for script, executable in placement.moved.items():
        if executable in present:
            raise RefusedError(f"would move to {executable}, where the wheel has another file", where=script)
    draft = _draft(analysis, cargo, placement, options, present, jobs)
    cramped = tuple(draft.cramped())
    if cramped:
        short = frozenset(library for _, libraries in cramped for library in libraries)
        draft = _draft(analysis, cargo._replace(short=short), placement, options, present, jobs)
    dropped = (DroppedPath(node.name, path) for node in analysis.graph.members() for path in draft.stray_paths(node))
    return MachoBundle(
        libraries=tuple({copy.member: copy for copy in draft.copies.values()}.values()),
        edits=draft.edits(options),
        launchers=placement.launchers,
        dropped_paths=tuple(dict.fromkeys(dropped)),
        notices=tuple(dict.fromkeys([*(sentence for sentence, _ in cramped), *draft.repeated()])),
    )


def _draft(
    analysis: MachoAnalysis,
    cargo: Cargo,
    placement: Placement,
    options: BundleOptions,
    present: Collection[str],
    jobs: int,
) -> _Planner:
    """Return what decides every edit, once each library has its name."""
    copies = library_copies(cargo, placement, options.no_mangle, present, jobs=jobs)
    asked = frozenset(asked_for(cargo, [name for _, name in copies]))
    opened = frozenset(scheme for scheme, name in copies if name in asked)
    return _Planner(analysis.graph, placement, copies, frozenset(analysis.entries), opened)


def _cargo(analysis: MachoAnalysis, data_dir: str) -> Cargo:
    """Return what is packed, in words that know nothing of Mach-O."""
    graph = analysis.graph
    return Cargo(
        graph=graph,
        distribution=analysis.name.distribution,
        data_dir=data_dir,
        called={node.name: _leaf(_install_name(node) or node.name) for node in graph.nodes.values()},
        included=analysis.included,
        programs=frozenset(node.name for node in graph.members() if node.file.is_executable),
        pathless={
            name: tuple(edge for edge in edges if edge.lookup.rule is SearchRule.IN_WHEEL)
            for name, edges in graph.edges.items()
        },
        build_ids={node.name: node.file.slices[0].uuid for node in graph.nodes.values()},
    )


def _install_name(node: MachoNode) -> str | None:
    return next((item.install_name for item in node.file.slices if item.install_name), None)


def _leaf(name: str) -> str:
    return PurePosixPath(name).name


@dataclass(frozen=True, slots=True)
class _Planner:
    """What must change in each slice, given where everything goes.

    entries: members that something opens by itself. opened: the schemes with libraries that are opened by name at
    run time, so that no load command leads there.
    """

    graph: MachoGraph
    placement: Placement
    copies: Mapping[tuple[Scheme, str], LibraryCopy]
    entries: frozenset[str]
    opened: frozenset[Scheme]

    def edits(self, options: BundleOptions) -> tuple[MachoEdit, ...]:
        """Return the edit of every file that changes or comes along; raise RefusedError when one copy needs two."""
        edits: dict[str, MachoEdit] = {}
        for node in self.graph.members():
            slices = self.member_slices(node)
            moved = self.placement.moved.get(node.name, node.name)
            if slices or moved != node.name:
                edits[moved] = MachoEdit(moved, node.name, slices, keep_runtime=options.keep_runtime)
        for (scheme, name), copy in self.copies.items():
            slices = self.library_slices(self.graph.nodes[name], scheme, copy)
            edit = MachoEdit(copy.member, copy.source, slices, keep_runtime=options.keep_runtime)
            if edits.setdefault(copy.member, edit).slices != slices:
                raise RefusedError(
                    f"has the same content as {copy.source}, but the libraries it needs are others",
                    where=name,
                    hint="let both find the same libraries, or leave one out with --exclude",
                )
        return tuple(edits.values())

    def cramped(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield a sentence for each file whose header has no room for the new names, and the libraries they name."""
        members = ((node, self.member_slices(node)) for node in self.graph.members())
        copies = ((self.graph.nodes[name], scheme, copy) for (scheme, name), copy in self.copies.items())
        libraries = ((node, self.library_slices(node, scheme, copy)) for node, scheme, copy in copies)
        named = {_leaf(copy.member): name for (_, name), copy in self.copies.items()}
        for node, edits in (*members, *libraries):
            for edit in edits:
                item = node.file.slice_for(edit.architecture)
                found = frozenset(named[leaf] for _, new in edit.rename if (leaf := _leaf(new)) in named)
                if item is not None and found and growth(item, edit) > item.free_bytes:
                    room = f"has room for {item.free_bytes} bytes"
                    yield f"{node.name}: its {edit.architecture} header {room}, so libraries get short names", found

    def member_slices(self, node: MachoNode) -> tuple[SliceEdit, ...]:
        """Return the edits of a member's slices that change."""
        place = self.placement.places.get(node.name)
        if place is None:
            return ()
        edits = (self._member_slice(node, item, place) for item in node.file.slices if item.file_type.is_loaded)
        return tuple(edit for edit in edits if edit.changes_anything)

    def _member_slice(self, node: MachoNode, item: Slice, place: InstalledPath) -> SliceEdit:
        edges = self.graph.edges_of(node.name, item.architecture)
        added = []
        if node.name in self.entries and place.scheme in self.opened:
            added.append(_from_loader(way_between(place, self._library_place(place.scheme), node.name)))
        gone = [path for path in item.rpaths if not self._stays(path, node.name, place)]
        # What stands twice does nothing, and dyld refuses newer files for it: see `repeated_rpaths`.
        twice = [path for path in item.rpaths if path not in gone and item.rpaths.count(path) > 1]
        added += [path for path in dict.fromkeys(twice) if path not in added]
        return SliceEdit(
            architecture=item.architecture,
            rename=self._renames(edges, node.name, place),
            remove=() if node.file.is_executable else _of_interpreter(edges),
            delete_rpaths=tuple(dict.fromkeys([*gone, *twice])),
            add_rpaths=tuple(path for path in added if path in twice or path not in item.rpaths),
            sign=item.lacks_signature,
        )

    def library_slices(self, node: MachoNode, scheme: Scheme, copy: LibraryCopy) -> tuple[SliceEdit, ...]:
        """Return the edits of a bundled library's slices: its own name, the names it needs, no search paths.

        A slice that nothing reaches was not resolved; names that its siblings share with it change there too.
        """
        place = self._library_place(scheme, _leaf(copy.member))
        install_name = f"/DLC/{self.placement.folder}/{_leaf(copy.member)}"
        shared = dict(self._renames(self.graph.edges.get(node.name, ()), node.name, place))
        slices = []
        for item in node.file.slices:
            edges = self.graph.edges_of(node.name, item.architecture)
            names = {use.name for use in item.dependencies}
            unreached = tuple((old, new) for old, new in shared.items() if old in names)
            slices.append(
                SliceEdit(
                    architecture=item.architecture,
                    install_name=None if item.install_name in {None, install_name} else install_name,
                    rename=self._renames(edges, node.name, place) if edges else unreached,
                    remove=_of_interpreter(edges),
                    delete_rpaths=tuple(
                        dict.fromkeys(path for path in item.rpaths if not is_system(f"{path}/library"))
                    ),
                    sign=item.lacks_signature,
                )
            )
        return tuple(edit for edit in slices if edit.changes_anything)

    def stray_paths(self, node: MachoNode) -> tuple[str, ...]:
        """Return the search paths of a member that lead out of the wheel."""
        place = self.placement.places.get(node.name)
        if place is None:
            return ()
        paths = (path for item in node.file.slices for path in item.rpaths)
        return tuple(dict.fromkeys(path for path in paths if not self._stays(path, node.name, place)))

    def repeated(self) -> Iterator[str]:
        """Yield a sentence for each search path that a member names twice and that is to stay."""
        for node in self.graph.members():
            place = self.placement.places.get(node.name)
            for path, is_refused in repeated_rpaths(node.file).items():
                if place is not None and self._stays(path, node.name, place):
                    refused = ", which macOS 15.4 refuses" if is_refused else ""
                    yield f"{node.name} names the search path {path} twice{refused}; one is kept"

    def _stays(self, path: str, member: str, place: InstalledPath) -> bool:
        """Whether a search path stays. The entries of a file that moves lead from where it was."""
        if member in self.placement.moved and path.startswith("@loader_path"):
            return False
        return rpath_stays(path, place)

    def _library_place(self, scheme: Scheme, name: str = "library") -> InstalledPath:
        return self.placement.library_place(scheme, name)

    def _renames(self, edges: Iterable[MachoEdge], needer: str, place: InstalledPath) -> tuple[tuple[str, str], ...]:
        """Return what the load commands must say for dyld to find the very file that was found.

        Two names of one library get two spellings of one path: dyld refuses a newer file that names a path twice.
        """
        edges = tuple(edges)
        taken = {edge.dependency.name for edge in edges}
        pairs: dict[str, str] = {}
        for edge in edges:
            old = edge.dependency.name
            target = self._target(edge, needer, place)
            if target is None or old in pairs:
                continue
            way = way_between(place, target, needer)
            new = _from_loader(f"{way}/{target.path.name}" if way != "." else target.path.name)
            while new in taken and new != old:
                new = new.replace("@loader_path/", "@loader_path/./", 1)
            taken.add(new)
            pairs[old] = new
        return tuple((old, new) for old, new in pairs.items() if old != new)

    def _target(self, edge: MachoEdge, needer: str, place: InstalledPath) -> InstalledPath | None:
        """Return the file that the name must lead to; None when it may stay as it is."""
        found = edge.lookup.found
        if found is None or edge.lookup.rule in {SearchRule.EXCLUDED, SearchRule.INTERPRETER}:
            return None
        copy = self.copies.get((place.scheme, found))
        if copy is not None:
            return self._library_place(place.scheme, _leaf(copy.member))
        leaves = needer in self.placement.moved or needer not in self.placement.places
        if leaves or edge.lookup.rule is SearchRule.IN_WHEEL:
            return self.placement.places.get(found)
        return None


def _of_interpreter(edges: Iterable[MachoEdge]) -> tuple[str, ...]:
    """Return the names of libpython: a module is imported by a process that has it."""
    names = (edge.dependency.name for edge in edges if edge.lookup.rule is SearchRule.INTERPRETER)
    return tuple(dict.fromkeys(names))


def _from_loader(way: str) -> str:
    return "@loader_path" if way == "." else f"@loader_path/{way}"
