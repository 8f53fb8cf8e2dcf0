"""From an analysis and a policy to what comes along, under which names, and which files must change."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.image import DependencyKind, ImageKind
from truewheel.analyzer.elf.ld_so import stays_installed
from truewheel.analyzer.graph import SearchRule
from truewheel.bundler.copies import library_copies
from truewheel.bundler.placement import Cargo, asked_for, place_members, way_between
from truewheel.bundler.plan import DroppedPath, ElfEdit
from truewheel.errors import RefusedError
from truewheel.platforms.linux.judge import is_allowed, libraries_to_bundle

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.graph import DependencyGraph, Edge, Node
    from truewheel.archive.layout import InstalledPath, Scheme
    from truewheel.bundler.bundle_options import BundleOptions
    from truewheel.bundler.placement import Placement
    from truewheel.bundler.plan import Launcher, LibraryCopy
    from truewheel.platforms.verdict import Policy

_FOLDER_SUFFIX = ".libs"


class Bundle(NamedTuple):
    """The part of a repair plan that concerns machine code."""

    libraries: tuple[LibraryCopy, ...]
    edits: tuple[ElfEdit, ...]
    launchers: tuple[Launcher, ...]
    dropped_paths: tuple[DroppedPath, ...]


def plan_bundle(
    analysis: Analysis,
    data_dir: str,
    policy: Policy,
    options: BundleOptions,
    *,
    present: Collection[str] = (),
    jobs: int = 1,
) -> Bundle:
    """Decide what is bundled and edited so that the wheel keeps `policy`.

    data_dir: the name of the wheel's data folder. present: the names of all its members; nothing is put over them.
    jobs: threads that read libraries.

    Raises RefusedError when two files would need one name, when one copy would have to serve for two libraries, or
    when a path would have to cross schemes, and UsageError for a `no_mangle` pattern that matches nothing.
    """
    wanted = frozenset(libraries_to_bundle(analysis.graph, policy, analysis.included))
    pathless = _pathless(analysis.graph, policy)
    cargo = _cargo(analysis, data_dir, pathless)
    placement = place_members(cargo, wanted, _FOLDER_SUFFIX if options.lib_sdir is None else options.lib_sdir)
    for script, executable in placement.moved.items():
        if executable in present:
            raise RefusedError(f"would move to {executable}, where the wheel has another file", where=script)
    copies = library_copies(cargo, placement, options.no_mangle, present, jobs=jobs)
    asked = frozenset(asked_for(cargo, wanted))
    opened = frozenset(scheme for scheme, name in copies if name in asked)
    planner = _EditPlanner(analysis.graph, pathless, placement, copies, opened, options)
    edits: dict[str, ElfEdit] = {}
    dropped: list[DroppedPath] = []
    for node in analysis.graph.members():
        edit, gone = planner.member_edit(node)
        dropped += gone
        if edit.changes_anything or edit.member != edit.source:
            edits[edit.member] = edit
    for (scheme, name), copy in copies.items():
        edit = planner.library_edit(analysis.graph.nodes[name], scheme, copy)
        if edits.setdefault(copy.member, edit) != edit:
            raise RefusedError(
                f"has the same content as {copy.source}, but the libraries it needs are others",
                where=name,
                hint="let both find the same libraries, or leave one out with --exclude",
            )
    return Bundle(
        libraries=tuple({copy.member: copy for copy in copies.values()}.values()),
        edits=tuple(edits.values()),
        launchers=placement.launchers,
        dropped_paths=tuple(dropped),
    )


def _pathless(graph: DependencyGraph, policy: Policy) -> dict[str, tuple[Edge, ...]]:
    """Return, by needer, the edges to members that no path leads to and that the system does not stand in for."""
    return {
        name: tuple(
            edge
            for edge in edges
            if edge.lookup.rule is SearchRule.IN_WHEEL and not is_allowed(policy, edge.dependency.name)
        )
        for name, edges in graph.edges.items()
    }


def _cargo(analysis: Analysis, data_dir: str, pathless: Mapping[str, tuple[Edge, ...]]) -> Cargo:
    """Return what is packed, in words that know nothing of ELF."""
    graph = analysis.graph
    return Cargo(
        graph=graph,
        distribution=analysis.name.distribution,
        data_dir=data_dir,
        called={node.name: PurePosixPath(node.image.soname or node.name).name for node in graph.nodes.values()},
        included=analysis.included,
        programs=frozenset(node.name for node in graph.members() if node.image.kind is ImageKind.EXECUTABLE),
        pathless=pathless,
        build_ids={node.name: node.image.build_id for node in graph.nodes.values()},
        # No tool rewrites what DT_AUXILIARY and DT_FILTER name.
        fixed={
            edge.lookup.found: PurePosixPath(edge.dependency.name).name
            for edge in reversed(tuple(graph.all_edges()))
            if edge.lookup.found is not None and edge.dependency.kind is not DependencyKind.NEEDED
        },
    )


class _EditPlanner(NamedTuple):
    """What must change in each file, given where everything goes.

    opened: the schemes with libraries that some file opens by name at run time.
    """

    graph: DependencyGraph
    pathless: Mapping[str, tuple[Edge, ...]]
    placement: Placement
    copies: Mapping[tuple[Scheme, str], LibraryCopy]
    opened: frozenset[Scheme]
    options: BundleOptions

    def member_edit(self, node: Node) -> tuple[ElfEdit, tuple[DroppedPath, ...]]:
        """Return the edit of a member of the wheel, which may change nothing, and the RPATH entries it loses."""
        place = self.placement.places.get(node.name)
        if place is None:
            return ElfEdit(node.name, node.name), ()
        old = node.image.runpath or node.image.rpath
        moved = node.name in self.placement.moved
        # The entries of a file that moves lead from where it was.
        kept = [] if moved else [entry for entry in old if stays_installed(entry, place)]
        new = _once([*kept, *self._new_paths(node, place)])
        edit = ElfEdit(
            member=self.placement.moved.get(node.name, node.name),
            source=node.name,
            replace_needed=self._renames(node.name, place.scheme),
            remove_needed=self._removals(node),
            rpath=None if new == list(old) else ":".join(new),
            clear_executable_stack=self.options.clear_executable_stack and node.image.executable_stack,
            strip=self.options.strip,
        )
        return edit, tuple(DroppedPath(node.name, entry) for entry in dict.fromkeys(old) if entry not in new)

    def library_edit(self, node: Node, scheme: Scheme, copy: LibraryCopy) -> ElfEdit:
        """Return the edit of a bundled library: its own name, the names it needs, and one path to its neighbours."""
        file_name = PurePosixPath(copy.member).name
        paths = self._new_paths(node, self.placement.library_place(scheme, file_name))
        had_path = bool(node.image.rpath or node.image.runpath)
        return ElfEdit(
            member=copy.member,
            source=copy.source,
            soname=None if file_name == node.image.soname else file_name,
            replace_needed=self._renames(node.name, scheme),
            remove_needed=self._removals(node),
            rpath=":".join(paths) if paths or had_path else None,
            clear_executable_stack=self.options.clear_executable_stack and node.image.executable_stack,
            strip=self.options.strip,
        )

    def _copy(self, edge: Edge, scheme: Scheme) -> LibraryCopy | None:
        return None if edge.lookup.found is None else self.copies.get((scheme, edge.lookup.found))

    def _renames(self, needer: str, scheme: Scheme) -> tuple[tuple[str, str], ...]:
        """Return what DT_NEEDED must say for the loader to find the very file that was found."""
        pairs: dict[str, str] = {}
        for edge in self.graph.edges.get(needer, ()):
            copy = self._copy(edge, scheme)
            if edge.dependency.kind is DependencyKind.NEEDED and copy is not None:
                pairs[edge.dependency.name] = PurePosixPath(copy.member).name
        for edge in self._edges_without_path(needer):
            # Only its soname is that; a loader looks for files.
            if edge.dependency.kind is DependencyKind.NEEDED and edge.lookup.found is not None:
                pairs[edge.dependency.name] = PurePosixPath(edge.lookup.found).name
        return tuple((old, new) for old, new in pairs.items() if old != new)

    def _edges_without_path(self, needer: str) -> tuple[Edge, ...]:
        """Return the edges to members that need a path: those that never had one, and all of a file that moves."""
        pathless = self.pathless.get(needer, ())
        if needer not in self.placement.moved:
            return pathless
        return pathless + tuple(
            edge
            for edge in self.graph.edges.get(needer, ())
            if edge.lookup.found in self.placement.places and edge.lookup.rule is not SearchRule.IN_WHEEL
        )

    def _removals(self, node: Node) -> tuple[str, ...]:
        """Return the names of libpython: a module is imported by a process that has it; a program does need it."""
        if node.image.kind is not ImageKind.SHARED_LIBRARY:
            return ()
        return tuple(
            edge.dependency.name
            for edge in self.graph.edges.get(node.name, ())
            if edge.lookup.rule is SearchRule.INTERPRETER and edge.dependency.kind is DependencyKind.NEEDED
        )

    def _new_paths(self, node: Node, place: InstalledPath) -> tuple[str, ...]:
        """Return the `$ORIGIN` entries that the file at `place` needs to find what it names."""
        edges = self.graph.edges.get(node.name, ())
        targets: list[InstalledPath] = []
        if any(self._copy(edge, place.scheme) for edge in edges) or (
            "dlopen" in node.image.imports and place.scheme in self.opened
        ):
            targets.append(self.placement.library_place(place.scheme, "library"))
        found = [edge.lookup.found or "" for edge in self._edges_without_path(node.name)]
        targets += [self.placement.places[name] for name in found if name in self.placement.places]
        return tuple(dict.fromkeys(origin_path(place, target, node.name) for target in targets))


def origin_path(start: InstalledPath, target: InstalledPath, needer: str) -> str:
    """Return the `$ORIGIN` entry that leads from the file at `start` to the folder of `target`.

    Raises RefusedError when they are installed under different schemes, or when a folder between them has a name that
    cannot be spelled in an RPATH.
    """
    way = way_between(start, target, needer)
    if ":" in way or "$" in way:
        raise RefusedError(
            f"needs {target.path}, and no RPATH can name a folder with ':' or '$'",
            where=needer,
            hint="rename the folder",
        )
    return "$ORIGIN" if way == "." else f"$ORIGIN/{way}"


def _once(entries: list[str]) -> list[str]:
    """Return the RPATH entries without those that mean a folder named before in other words."""
    first: dict[str, str] = {}
    for entry in entries:
        first.setdefault(posixpath.normpath(entry.replace("${ORIGIN}", "$ORIGIN")), entry)
    return list(first.values())
