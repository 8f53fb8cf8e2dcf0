"""The native files of the host, each read once however many files need it."""

from __future__ import annotations

import mmap
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from truewheel.analyzer.graph import Outcome
from truewheel.analyzer.sysroot import real_path
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Callable

Native = TypeVar("Native")


class HostFiles(Generic[Native]):
    """Reads files of one format under a sysroot and remembers them."""

    def __init__(self, sysroot: str, read: Callable[[mmap.mmap, str], Native | None], *, otherwise: Outcome) -> None:
        """Read nothing yet.

        read: makes what is remembered of a file's content and its path, symbolic links resolved; None for a file that
            no loader maps. otherwise: what is said of such a file, and of one that is damaged.
        """
        self._sysroot = sysroot
        self._read = read
        self._otherwise = otherwise
        self._by_place: dict[str, Native | Outcome] = {}
        self._by_path: dict[str, Native | Outcome] = {}

    def look(self, place: str) -> Native | Outcome:
        """Return the file at an absolute path, or why there is none.

        A file that cannot be opened is ABSENT, as it is to a loader. One that starts like a native file but is damaged
        is passed over: a later place may hold a sound one, and if none does, the place is listed as tried.
        """
        known = self._by_place.get(place)
        if known is None:
            known = self._by_place[place] = self._resolve(place)
        return known

    def _resolve(self, place: str) -> Native | Outcome:
        real = real_path(self._sysroot, place) if place.startswith("/") else None
        if real is None:
            return Outcome.ABSENT
        known = self._by_path.get(real)
        if known is None:
            known = self._by_path[real] = self._open(real)
        return known

    def _open(self, path: str) -> Native | Outcome:
        try:
            status = Path(path).stat()
            if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
                return Outcome.ABSENT
            if not status.st_size:
                return self._otherwise
            with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                found = self._read(data, path)
        except OSError:
            return Outcome.ABSENT
        except InvalidBinaryError:
            return self._otherwise
        return self._otherwise if found is None else found
