"""From an analysis and a policy to what comes along, under which names, and which files must change."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.image import DependencyKind, ImageKind
from truewheel.analyzer.ld_so import stays_installed
from truewheel.analyzer.system_names import name_stems
from truewheel.bundler.naming import bundled_name, distinct_name
from truewheel.bundler.placement import origin_path, pathless_edges, place_members
from truewheel.bundler.plan import DroppedPath, ElfEdit, LibraryCopy
from truewheel.errors import RefusedError, UsageError
from truewheel.platforms.judge import libraries_to_bundle
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from truewheel.analyzer.analyze import Analysis
    from truewheel.analyzer.graph import DependencyGraph, Edge, Node
    from truewheel.archive.layout import InstalledPath, Scheme
    from truewheel.bundler.placement import Placement
    from truewheel.bundler.plan import Launcher
    from truewheel.platforms.verdict import Policy


@dataclass(frozen=True, slots=True)
class BundleOptions:
    """What the user may choose about bundling.

    no_mangle: patterns of libraries that keep their names; matched like `--exclude`.
    lib_sdir: the suffix of the folder of libraries, after the distribution's name.
    """

    strip: bool = False
    no_mangle: tuple[str, ...] = ()
    lib_sdir: str = ".libs"
    clear_executable_stack: bool = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """The part of a repair plan that concerns machine code."""

    libraries: tuple[LibraryCopy, ...]
    edits: tuple[ElfEdit, ...]
    launchers: tuple[Launcher, ...]
    dropped_paths: tuple[DroppedPath, ...]


def plan_bundle(analysis: Analysis, data_dir: str, policy: Policy, options: BundleOptions, *, jobs: int = 1) -> Bundle:
    """Decide what is bundled and edited so that the wheel keeps `policy`.

    data_dir: the name of the wheel's data folder.

    Raises RefusedError when two libraries would need one name or a path would have to cross schemes, and UsageError
    for a `no_mangle` pattern that matches nothing.
    """
    wanted = frozenset(libraries_to_bundle(analysis.graph, policy))
    placement = place_members(analysis, data_dir, policy, wanted, options.lib_sdir)
    copies = _copies(analysis.graph, placement, options, jobs)
    planner = _EditPlanner(analysis.graph, policy, placement, copies, options)
    edits: list[ElfEdit] = []
    dropped: list[DroppedPath] = []
    for node in analysis.graph.members():
        edit, gone = planner.member_edit(node)
        dropped += gone
        if edit.changes_anything or edit.member != edit.source:
            edits.append(edit)
    edits += [planner.library_edit(analysis.graph.nodes[name], scheme, copy) for (scheme, name), copy in copies.items()]
    return Bundle(
        libraries=tuple({copy.member: copy for copy in copies.values()}.values()),
        edits=tuple({edit.member: edit for edit in edits}.values()),
        launchers=placement.launchers,
        dropped_paths=tuple(dropped),
    )


def _kept_names(graph: DependencyGraph, libraries: tuple[str, ...], options: BundleOptions) -> frozenset[str]:
    """Return the libraries that keep their names.

    These are what the user names, what is loaded by name at run time (nobody's DT_NEEDED could be rewritten), and
    what DT_AUXILIARY or DT_FILTER name, which no tool rewrites.
    """
    needed = {edge.lookup.found for edge in graph.all_edges() if edge.dependency.kind is DependencyKind.NEEDED}
    other = {edge.lookup.found for edge in graph.all_edges() if edge.dependency.kind is not DependencyKind.NEEDED}
    kept = {name for name in libraries if name not in needed or name in other}
    for pattern in options.no_mangle:
        hits = {
            name
            for name in libraries
            if any(fnmatchcase(text, pattern) for text in (*name_stems(_called(graph.nodes[name])), name))
        }
        if not hits:
            raise UsageError(f"no bundled library matches {pattern!r}", where="--no-mangle")
        kept |= hits
    return frozenset(kept)


def _called(node: Node) -> str:
    return node.image.soname or PurePosixPath(node.name).name


def _copies(
    graph: DependencyGraph, placement: Placement, options: BundleOptions, jobs: int
) -> dict[tuple[Scheme, str], LibraryCopy]:
    """Return the copy of each library for each scheme that needs it. Files with one content share one copy."""
    digests = _digests({name for names in placement.needs.values() for name in names}, jobs)
    kept = _kept_names(graph, tuple(digests), options)
    copies: dict[tuple[Scheme, str], LibraryCopy] = {}
    taken: dict[str, str] = {}
    for scheme, names in placement.needs.items():
        for name in names:
            node, digest = graph.nodes[name], digests[name]
            called = _called(node)
            member = placement.library_member(scheme, called if name in kept else bundled_name(called, digest))
            if taken.get(member, digest) != digest:
                if name in kept:
                    raise RefusedError(
                        f"two different libraries would both be bundled as {called}",
                        where=name,
                        hint="let one of them be renamed",
                    )
                member = placement.library_member(scheme, distinct_name(called, digest))
            taken[member] = digest
            copies[scheme, name] = LibraryCopy(name, called, member, digest, node.size, node.image.build_id)
    return copies


def _digests(paths: AbstractSet[str], jobs: int) -> dict[str, str]:
    """Return the SHA-256 of each file, in hex."""
    ordered = sorted(paths)
    return dict(
        zip(ordered, each_in_order(_digest, ((path, 1) for path in ordered), jobs=jobs, bound=jobs), strict=True)
    )


def _digest(path: str) -> str:
    digest = sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _EditPlanner:
    """What must change in each file, given where everything goes."""

    graph: DependencyGraph
    policy: Policy
    placement: Placement
    copies: Mapping[tuple[Scheme, str], LibraryCopy]
    options: BundleOptions

    def member_edit(self, node: Node) -> tuple[ElfEdit, tuple[DroppedPath, ...]]:
        """Return the edit of a member of the wheel, which may change nothing, and the RPATH entries it loses."""
        place = self.placement.places.get(node.name)
        if place is None:
            return ElfEdit(node.name, node.name), ()
        old = node.image.runpath or node.image.rpath
        kept = [entry for entry in old if stays_installed(entry, place)]
        new = list(dict.fromkeys([*kept, *self._new_paths(node, place)]))
        edit = ElfEdit(
            member=self.placement.moved.get(node.name, node.name),
            source=node.name,
            replace_needed=self._renames(node.name, place.scheme),
            remove_needed=self._removals(node),
            rpath=None if new == list(old) else ":".join(new),
            clear_executable_stack=self.options.clear_executable_stack and node.image.executable_stack,
            strip=self.options.strip,
        )
        return edit, tuple(DroppedPath(node.name, entry) for entry in old if entry not in kept)

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
        pairs = (
            (edge.dependency.name, PurePosixPath(copy.member).name)
            for edge in self.graph.edges.get(needer, ())
            if edge.dependency.kind is DependencyKind.NEEDED and (copy := self._copy(edge, scheme)) is not None
        )
        return tuple(dict.fromkeys((old, new) for old, new in pairs if old != new))

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
        if any(self._copy(edge, place.scheme) for edge in edges) or self._opens_includes(node, place.scheme):
            targets.append(self.placement.library_place(place.scheme, "library"))
        for edge in pathless_edges(self.graph, node.name, self.policy):
            target = self.placement.places.get(edge.lookup.found or "")
            if target is not None:
                targets.append(target)
        return tuple(dict.fromkeys(origin_path(place, target, node.name) for target in targets))

    def _opens_includes(self, node: Node, scheme: Scheme) -> bool:
        """Whether the file may open a library by name at run time and a library came along for that purpose."""
        needed = {edge.lookup.found for edge in self.graph.all_edges()}
        return "dlopen" in node.image.imports and any(
            name not in needed for wanted_scheme, name in self.copies if wanted_scheme is scheme
        )
