"""The Mach-O files of the host, each read once however many files need it."""

from __future__ import annotations

import mmap
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.graph import Outcome
from truewheel.analyzer.macho.reader import is_macho, read_macho
from truewheel.analyzer.sysroot import real_path
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from truewheel.analyzer.macho.image import MachoFile

_HEAD = 8


class HostMacho(NamedTuple):
    """One Mach-O file of the host. path: absolute, with every symbolic link resolved. size: bytes."""

    path: str
    file: MachoFile
    size: int


class HostMachos:
    """Reads Mach-O files under a sysroot and remembers them."""

    def __init__(self, sysroot: str) -> None:
        """Read nothing yet."""
        self._sysroot = sysroot
        self._by_place: dict[str, HostMacho | Outcome] = {}
        self._by_path: dict[str, HostMacho | Outcome] = {}

    def look(self, place: str) -> HostMacho | Outcome:
        """Return the file at an absolute path, or why there is none.

        A file that cannot be opened is ABSENT, as it is to dyld. One that starts like Mach-O but is damaged is
        NOT_MACHO: a later place may hold a sound one, and if none does, the place is listed as tried.
        """
        known = self._by_place.get(place)
        if known is None:
            known = self._by_place[place] = self._resolve(place)
        return known

    def _resolve(self, place: str) -> HostMacho | Outcome:
        real = real_path(self._sysroot, place) if place.startswith("/") else None
        if real is None:
            return Outcome.ABSENT
        known = self._by_path.get(real)
        if known is None:
            known = self._by_path[real] = _read(real)
        return known


def _read(path: str) -> HostMacho | Outcome:
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            return Outcome.ABSENT
        if status.st_size < _HEAD:
            return Outcome.NOT_MACHO
        with Path(path).open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if not is_macho(data[:_HEAD]):
                return Outcome.NOT_MACHO
            file = read_macho(data, path)
    except OSError:
        return Outcome.ABSENT
    except InvalidBinaryError:
        return Outcome.NOT_MACHO
    return HostMacho(path, file, status.st_size)
