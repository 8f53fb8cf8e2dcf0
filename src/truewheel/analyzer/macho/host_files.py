"""The libraries of the host that a macOS wheel may need."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.graph import Outcome
from truewheel.analyzer.host_files import HostFiles
from truewheel.analyzer.macho.reader import is_macho, read_macho

if TYPE_CHECKING:
    from mmap import mmap

    from truewheel.analyzer.macho.image import MachoFile

_HEAD = 8


class HostMacho(NamedTuple):
    """One Mach-O file of the host. path: absolute, with every symbolic link resolved. size: bytes."""

    path: str
    file: MachoFile
    size: int


def host_macho_files(sysroot: str) -> HostFiles[HostMacho]:
    """Return what reads the Mach-O files under a sysroot."""
    return HostFiles(sysroot, _read, otherwise=Outcome.NOT_MACHO)


def _read(data: mmap, path: str) -> HostMacho | None:
    if len(data) < _HEAD or not is_macho(data[:_HEAD]):
        return None
    return HostMacho(path, read_macho(data, path), len(data))
