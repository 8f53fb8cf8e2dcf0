"""WheelReader -> Analysis: everything that is known of a wheel's machine code.

A native file is known by its first bytes. No file name is trusted, and no RECORD: a loader maps whatever it is told
to, so the first bytes of every member are looked at, those of text files too (some microseconds each). Each native
member is inflated and read once; its content is dropped before the next, but for the symbol tables of libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from truewheel.analyzer.elf.contents import read_members
from truewheel.analyzer.elf.resolve import Member, build_graph
from truewheel.analyzer.elf.unprovided import find_unprovided
from truewheel.analyzer.wheel_places import place_of
from truewheel.archive.layout import installed_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.analyzer.elf.image import Libc
    from truewheel.analyzer.graph import DependencyGraph
    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.archive.layout import InstalledPath
    from truewheel.archive.names import WheelName
    from truewheel.archive.reader import WheelReader

_T = TypeVar("_T")


class Analysis(NamedTuple):
    """What is inside a wheel.

    name: the wheel's file name.
    architecture: of all native members; None when there are none or they differ.
    libc: the C library of all entry files (see `resolve`); None when none tells, or they differ.
    installed: where each native member lands; members that are not installed are left out.
    unprovided: by node, the sorted symbols it wants without a version and that nothing it is loaded with defines;
        Python's own C functions and nodes with an unread library among those they are loaded with are left out.
    ignored: members that look native but are nothing to a loader, each with the reason, in archive order.
    unrecorded: native members that RECORD does not list, in archive order.
    unused_excludes: exclude patterns that fitted nothing.
    included: the nodes that the caller's `include` names ended at.
    """

    name: WheelName
    graph: DependencyGraph
    architecture: str | None
    libc: Libc | None
    installed: Mapping[str, InstalledPath]
    unprovided: Mapping[str, tuple[str, ...]]
    ignored: tuple[tuple[str, str], ...]
    unrecorded: tuple[str, ...]
    unused_excludes: tuple[str, ...]
    included: tuple[str, ...] = ()


def analyze(
    reader: WheelReader, search: SearchOptions | None = None, *, include: tuple[str, ...] = (), jobs: int = 1
) -> Analysis:
    """Read the native members of a wheel and find every library they reach.

    include: sonames or paths of libraries to add although nothing needs them. jobs: threads that inflate.
    Raises InvalidBinaryError for a damaged native member, InvalidWheelError and InvalidArchiveError for a damaged
    wheel, UsageError for an included library that is not found.
    """
    contents = read_members(reader, jobs)
    purelib = reader.wheel.root_is_purelib
    places = {name: installed_path(name, reader.data_dir, root_is_purelib=purelib) for name in contents.images}
    installed = {name: place for name, place in places.items() if place is not None}
    members = [
        Member(name, image, reader.entries[name].size, place_of(installed.get(name)))
        for name, image in contents.images.items()
    ]
    found = build_graph(members, search, include=include)
    unprovided = find_unprovided(found.graph, found.libc, found.c_library, contents.defined)
    unrecorded = frozenset(reader.unrecorded)
    return Analysis(
        name=reader.name,
        graph=found.graph,
        architecture=_only({image.architecture for image in contents.images.values()}),
        libc=_only({libc for libc in found.libc.values() if libc is not None}),
        installed=installed,
        unprovided=unprovided,
        ignored=contents.ignored,
        unrecorded=tuple(name for name in contents.images if name in unrecorded),
        unused_excludes=found.unused_excludes,
        included=found.included,
    )


def _only(values: set[_T]) -> _T | None:
    return values.pop() if len(values) == 1 else None
