"""WheelReader -> MachoAnalysis: everything that is known of a macOS wheel's machine code.

A native file is known by its first bytes. Of each, the headers and load commands are inflated and read once; symbols,
which lie at the end of a file, are asked for only where nothing else tells whether it is a Python module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.macho.analysis import MachoAnalysis
from truewheel.analyzer.macho.contents import read_macho_members
from truewheel.analyzer.macho.image import FileType
from truewheel.analyzer.macho.resolve import MachoMember, build_macho_graph
from truewheel.analyzer.wheel_places import place_of
from truewheel.archive.layout import Scheme, installed_path

if TYPE_CHECKING:
    from truewheel.analyzer.macho.image import MachoFile
    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.archive.layout import InstalledPath
    from truewheel.archive.reader import WheelReader

_MODULE_SUFFIX = ".so"
_IMPORTED_FROM = (Scheme.PLATLIB, Scheme.PURELIB)


def analyze_macho(
    reader: WheelReader, search: SearchOptions | None = None, *, include: tuple[str, ...] = (), jobs: int = 1
) -> MachoAnalysis:
    """Read the Mach-O members of a wheel and find every library they reach, slice by slice.

    include: names or paths of libraries to add although nothing needs them. jobs: threads that inflate.
    Raises InvalidBinaryError for a damaged native member, InvalidWheelError and InvalidArchiveError for a damaged
    wheel, UsageError for an included library that is not found.
    """
    contents = read_macho_members(reader, jobs)
    purelib = reader.wheel.root_is_purelib
    places = {name: installed_path(name, reader.data_dir, root_is_purelib=purelib) for name in contents.files}
    installed = {name: place for name, place in places.items() if place is not None}
    modules = tuple(name for name, place in installed.items() if _is_module(reader, name, contents.files[name], place))
    members = [
        MachoMember(name, file, reader.entries[name].size, place_of(installed.get(name)))
        for name, file in contents.files.items()
    ]
    found = build_macho_graph(members, search, modules=frozenset(modules), include=include)
    unrecorded = frozenset(reader.unrecorded)
    return MachoAnalysis(
        name=reader.name,
        graph=found.graph,
        entries=found.entries,
        modules=modules,
        installed=installed,
        ignored=contents.ignored,
        unrecorded=tuple(name for name in contents.files if name in unrecorded),
        unused_excludes=found.unused_excludes,
        included=found.included,
    )


def _is_module(reader: WheelReader, name: str, file: MachoFile, place: InstalledPath) -> bool:
    """Whether a member is a Python extension module: importable by its name, and a bundle or one with an init function.

    Linkers write modules as bundles; zig and the tools of iOS wheels write them as libraries.
    """
    stem, dot, _ = place.path.name.partition(".")
    if place.scheme not in _IMPORTED_FROM or place.path.suffix != _MODULE_SUFFIX or not (dot and stem.isidentifier()):
        return False
    if any(item.file_type is FileType.BUNDLE for item in file.slices):
        return True
    if not any(item.file_type is FileType.DYLIB for item in file.slices):
        return False
    from truewheel.analyzer.macho.symbols import python_inits

    data = reader.view(name)
    return any(python_inits(data, item, name) for item in file.slices if item.file_type is FileType.DYLIB)
