"""Where files of the new wheel land: native members, executables that must move, and the folders of libraries.

Every path is computed between the places where files land after installation. Files that land under different schemes
(`platlib`, `data` ...) have no fixed distance from each other, so each scheme that needs libraries gets its own copy.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.image import ImageKind
from truewheel.archive.layout import InstalledPath, Scheme, installed_path, relative
from truewheel.bundler.plan import Launcher
from truewheel.errors import RefusedError
from truewheel.platforms.judge import is_allowed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from truewheel.analyzer.analyze import Analysis
    from truewheel.analyzer.graph import DependencyGraph, Edge, Node
    from truewheel.platforms.verdict import Policy


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


def place_members(
    analysis: Analysis, data_dir: str, policy: Policy, wanted: frozenset[str], folder_suffix: str
) -> Placement:
    """Return where everything goes when the `wanted` libraries come along.

    The root of the wheel is taken as platlib: a wheel with native members is not pure, whatever it says.
    An executable of `.data/scripts` that needs a library moves beside the packages, because only there is the way to
    the library known before installation.

    Raises RefusedError for a file that needs a library and can neither reach one nor be moved.
    """
    distribution = analysis.name.distribution
    places: dict[str, InstalledPath] = {}
    moved: dict[str, str] = {}
    needs: dict[Scheme, dict[str, None]] = {}
    for node in analysis.graph.members():
        place = installed_path(node.name, data_dir, root_is_purelib=False)
        reached = _reached(analysis.graph, node.name, wanted)
        if _is_stranded(place, data_dir, reached, pathless_edges(analysis.graph, node.name, policy)):
            moved[node.name] = f"{distribution}.scripts/{_movable(node, place).path}"
            place = InstalledPath(Scheme.PLATLIB, PurePosixPath(moved[node.name]))
        if place is not None:
            places[node.name] = place
            needs.setdefault(place.scheme, {}).update(dict.fromkeys(reached))
    for name in asked_for(analysis, wanted):
        needs.setdefault(Scheme.PLATLIB, {}).update(dict.fromkeys((name, *_reached(analysis.graph, name, wanted))))
    return Placement(
        data_dir=data_dir,
        folder=f"{distribution}{folder_suffix}",
        data_base=_data_base(analysis.graph, places, wanted),
        places=places,
        moved=moved,
        needs={scheme: tuple(names) for scheme, names in needs.items() if names},
    )


def asked_for(analysis: Analysis, libraries: Collection[str]) -> tuple[str, ...]:
    """Return, in graph order, those of `libraries` that come along on the caller's wish: some file opens them."""
    needed = {edge.lookup.found for edge in analysis.graph.all_edges()}
    return tuple(
        node.name
        for node in analysis.graph.externals()
        if node.name in libraries and (node.name in analysis.included or node.name not in needed)
    )


def origin_path(start: InstalledPath, target: InstalledPath, needer: str) -> str:
    """Return the `$ORIGIN` entry that leads from the file at `start` to the folder of `target`.

    Raises RefusedError when they are installed under different schemes, or when a folder between them has a name that
    cannot be spelled in an RPATH.
    """
    way = relative(_parent(start), _parent(target))
    if way is None:
        raise RefusedError(
            f"needs {target.path}, which is installed under another scheme; no RPATH can lead there",
            where=needer,
            hint="place both files under the same scheme",
        )
    if ":" in way or "$" in way:
        raise RefusedError(
            f"needs {target.path}, and no RPATH can name a folder with ':' or '$'",
            where=needer,
            hint="rename the folder",
        )
    return "$ORIGIN" if way == "." else f"$ORIGIN/{way}"


def pathless_edges(graph: DependencyGraph, needer: str, policy: Policy) -> tuple[Edge, ...]:
    """Return the edges to members of the wheel that no path leads to and that the system does not stand in for."""
    return tuple(
        edge
        for edge in graph.edges.get(needer, ())
        if edge.lookup.rule is SearchRule.IN_WHEEL and not is_allowed(policy, edge.dependency.name)
    )


def _parent(place: InstalledPath) -> InstalledPath:
    return InstalledPath(place.scheme, place.path.parent)


def _is_stranded(
    place: InstalledPath | None, data_dir: str, reached: tuple[str, ...], pathless: tuple[Edge, ...]
) -> bool:
    """Whether no path can lead from the file's place to the libraries it needs."""
    if place is None:
        return bool(reached or pathless)
    if place.scheme is not Scheme.SCRIPTS:
        return False
    return bool(reached) or not all(
        (edge.lookup.found or "").startswith(f"{data_dir}/{Scheme.SCRIPTS.value}/") for edge in pathless
    )


def _movable(node: Node, place: InstalledPath | None) -> InstalledPath:
    """Return the place of an executable among the scripts; nothing else can be moved, for want of a launcher."""
    if place is None:
        raise RefusedError("needs a library, but no installer puts this file anywhere", where=node.name)
    if node.image.kind is not ImageKind.EXECUTABLE:
        raise RefusedError(
            "needs a library, and no RPATH leads from the folder of scripts to it",
            where=node.name,
            hint="place the file beside the packages; only programs belong to the scripts",
        )
    return place


def _reached(graph: DependencyGraph, member: str, wanted: frozenset[str]) -> tuple[str, ...]:
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


def _data_base(graph: DependencyGraph, places: Mapping[str, InstalledPath], wanted: frozenset[str]) -> PurePosixPath:
    """Return the top folder (`lib`, `share` ...) of the first file of the data scheme that needs a library.

    Installers may treat each of these folders on its own (pip's `--target` leaves some out), so libraries go where
    the file that needs them goes.
    """
    for name, place in places.items():
        if place.scheme is Scheme.DATA and _reached(graph, name, wanted):
            return PurePosixPath(*place.path.parts[:-1][:1])
    return PurePosixPath()
