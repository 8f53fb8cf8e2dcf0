"""The libraries of the host, each read once however many files need it."""

from __future__ import annotations

import mmap
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.image import ImageKind
from truewheel.analyzer.elf.reader import is_elf, read_image
from truewheel.analyzer.graph import Outcome
from truewheel.analyzer.sysroot import real_path
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from truewheel.analyzer.elf.image import Image


class HostFile(NamedTuple):
    """One library of the host. path: absolute, with every symbolic link resolved. size: bytes."""

    path: str
    image: Image
    size: int


class HostFiles:
    """Reads libraries under a sysroot and remembers them."""

    def __init__(self, sysroot: str) -> None:
        """Read nothing yet."""
        self._sysroot = sysroot
        self._by_place: dict[str, HostFile | Outcome] = {}
        self._by_path: dict[str, HostFile | Outcome] = {}

    def look(self, place: str) -> HostFile | Outcome:
        """Return the library at an absolute path, or why there is none.

        A file that cannot be opened is ABSENT, as it is to a loader. One that starts like ELF but is damaged is
        NOT_NATIVE: a later place may hold a sound one, and if none does, the place is listed as tried.
        """
        known = self._by_place.get(place)
        if known is None:
            known = self._by_place[place] = self._resolve(place)
        return known

    def _resolve(self, place: str) -> HostFile | Outcome:
        real = real_path(self._sysroot, place) if place.startswith("/") else None
        if real is None:
            return Outcome.ABSENT
        known = self._by_path.get(real)
        if known is None:
            known = self._by_path[real] = _read(real)
        return known


def _read(path: str) -> HostFile | Outcome:
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            return Outcome.ABSENT
        if not status.st_size:
            return Outcome.NOT_NATIVE
        with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if not is_elf(data[:64]):
                return Outcome.NOT_NATIVE
            image = read_image(data, path)
    except OSError:
        return Outcome.ABSENT
    except InvalidBinaryError:
        return Outcome.NOT_NATIVE
    return Outcome.NOT_NATIVE if image.kind is ImageKind.OBJECT else HostFile(path, image, status.st_size)
