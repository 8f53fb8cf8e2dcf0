"""Where files of the new wheel land: native members, executables that must move, and the folders of libraries.

Every path is computed between the places where files land after installation. Files that land under different schemes
(`platlib`, `data` ...) have no fixed distance from each other, so each scheme that needs libraries gets its own copy.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from truewheel.archive.layout import InstalledPath, Scheme, installed_path, relative
from truewheel.bundler.plan import Launcher
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from truewheel.analyzer.graph import AnyEdge, AnyNode, Graph


class Cargo(NamedTuple):
    """What is packed, whatever the format of the machine code.

    distribution, data_dir: from the wheel. included: nodes that come along on the caller's wish.
    programs: the members that are programs. pathless: by member, its edges to members that no path leads to.
    called: by node, what the files that need it call it. build_ids: by node, where known.
    fixed: libraries that must keep a name that no tool rewrites, and that name.
    short: libraries whose new name is to be as short as it can be.
    """

    graph: Graph[AnyNode, AnyEdge]
    distribution: str
    data_dir: str
    called: Mapping[str, str]
    included: tuple[str, ...] = ()
    programs: frozenset[str] = frozenset()
    pathless: Mapping[str, tuple[AnyEdge, ...]] = MappingProxyType({})
    build_ids: Mapping[str, str | None] = MappingProxyType({})
    fixed: Mapping[str, str] = MappingProxyType({})
    short: frozenset[str] = frozenset()


class Placement(NamedTuple):
    """Where the native members land in the new wheel, and where libraries go.

    folder: the name of the folder of libraries.
    data_base: the folder of the data scheme that the folder of its libraries goes to.
    places: the installed place of every native member, executables that move already at their new place.
    moved: the new member name of each executable that moves.
    needs: for each scheme, the libraries that its members reach, in the order they are met.
    """

    data_dir: str
    folder: str
    data_base: PurePosixPath
    places: Mapping[str, InstalledPath]
    moved: Mapping[str, str]
    needs: Mapping[Scheme, tuple[str, ...]]

    @property
    def launchers(self) -> tuple[Launcher, ...]:
        """The scripts that take the place of moved executables."""
        return tuple(Launcher(script, executable) for script, executable in self.moved.items())

    def library_place(self, scheme: Scheme, name: str) -> InstalledPath:
        """Return where a library that serves the members of `scheme` is installed."""
        base = self.data_base if scheme is Scheme.DATA else PurePosixPath()
        return InstalledPath(scheme, base / self.folder / name)

    def library_member(self, scheme: Scheme, name: str) -> str:
        """Return the archive name of a library that serves the members of `scheme`."""
        path = str(self.library_place(scheme, name).path)
        return path if scheme is Scheme.PLATLIB else f"{self.data_dir}/{scheme.value}/{path}"


def place_members(cargo: Cargo, wanted: frozenset[str], folder_suffix: str) -> Placement:
    """Return where everything goes when the `wanted` libraries come along.

    The root of the wheel is taken as platlib: a wheel with native members is not pure, whatever it says.
    An executable of `.data/scripts` that needs a library moves beside the packages, because only there is the way to
    the library known before installation.

    Raises RefusedError for a file that needs a library and can neither reach one nor be moved.
    """
    places: dict[str, InstalledPath] = {}
    moved: dict[str, str] = {}
    needs: dict[Scheme, dict[str, None]] = {}
    for node in cargo.graph.members():
        place = installed_path(node.name, cargo.data_dir, root_is_purelib=False)
        reached = _reached(cargo.graph, node.name, wanted)
        if _is_stranded(place, cargo, reached, node.name):
            moved[node.name] = f"{cargo.distribution}.scripts/{_movable(cargo, node.name, place).path}"
            place = InstalledPath(Scheme.PLATLIB, PurePosixPath(moved[node.name]))
        if place is not None:
            places[node.name] = place
            needs.setdefault(place.scheme, {}).update(dict.fromkeys(reached))
    for name in asked_for(cargo, wanted):
        needs.setdefault(Scheme.PLATLIB, {}).update(dict.fromkeys((name, *_reached(cargo.graph, name, wanted))))
    return Placement(
        data_dir=cargo.data_dir,
        folder=f"{cargo.distribution}{folder_suffix}",
        data_base=_data_base(cargo.graph, places, wanted),
        places=places,
        moved=moved,
        needs={scheme: tuple(names) for scheme, names in needs.items() if names},
    )


def asked_for(cargo: Cargo, libraries: Collection[str]) -> tuple[str, ...]:
    """Return, in graph order, those of `libraries` that come along on the caller's wish: some file opens them."""
    needed = {edge.lookup.found for edge in cargo.graph.all_edges()}
    return tuple(
        node.name
        for node in cargo.graph.externals()
        if node.name in libraries and (node.name in cargo.included or node.name not in needed)
    )


def way_between(start: InstalledPath, target: InstalledPath, needer: str) -> str:
    """Return the relative path from the folder of the file at `start` to the folder of `target`; `.` for the same.

    Raises RefusedError when they are installed under different schemes.
    """
    way = relative(_parent(start), _parent(target))
    if way is None:
        raise RefusedError(
            f"needs {target.path}, which is installed under another scheme; no search path can lead there",
            where=needer,
            hint="place both files under the same scheme",
        )
    return way


def _parent(place: InstalledPath) -> InstalledPath:
    return InstalledPath(place.scheme, place.path.parent)


def _is_stranded(place: InstalledPath | None, cargo: Cargo, reached: tuple[str, ...], name: str) -> bool:
    """Whether no path can lead from the file's place to the libraries it needs."""
    pathless = cargo.pathless.get(name, ())
    if place is None:
        return bool(reached or pathless)
    if place.scheme is not Scheme.SCRIPTS:
        return False
    scripts = f"{cargo.data_dir}/{Scheme.SCRIPTS.value}/"
    return bool(reached) or not all((edge.lookup.found or "").startswith(scripts) for edge in pathless)


def _movable(cargo: Cargo, name: str, place: InstalledPath | None) -> InstalledPath:
    """Return the place of an executable among the scripts; nothing else can be moved, for want of a launcher."""
    if place is None:
        raise RefusedError("needs a library, but no installer puts this file anywhere", where=name)
    if name not in cargo.programs:
        raise RefusedError(
            "needs a library, and no search path leads from the folder of scripts to it",
            where=name,
            hint="place the file beside the packages; only programs belong to the scripts",
        )
    return place


def _reached(graph: Graph[AnyNode, AnyEdge], member: str, wanted: frozenset[str]) -> tuple[str, ...]:
    """Return the wanted libraries that a member reaches through other wanted libraries, breadth first."""
    queue = [member]
    seen: dict[str, None] = {}
    for name in queue:
        for edge in graph.edges.get(name, ()):
            found = edge.lookup.found
            if found is not None and found in wanted and found not in seen:
                seen[found] = None
                queue.append(found)
    return tuple(seen)


def _data_base(
    graph: Graph[AnyNode, AnyEdge], places: Mapping[str, InstalledPath], wanted: frozenset[str]
) -> PurePosixPath:
    """Return the top folder (`lib`, `share` ...) of the first file of the data scheme that needs a library.

    Installers may treat each of these folders on its own (pip's `--target` leaves some out), so libraries go where
    the file that needs them goes.
    """
    for name, place in places.items():
        if place.scheme is Scheme.DATA and _reached(graph, name, wanted):
            return PurePosixPath(*place.path.parts[:-1][:1])
    return PurePosixPath()
