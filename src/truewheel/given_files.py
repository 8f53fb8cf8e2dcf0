"""Files that a user names: opened without waiting for ever for what is no file.

Opening a named pipe waits until somebody writes to it (POSIX, open). A wheel has to be a file; a list of wheels or a
description may come out of a pipe, as shells' process substitution gives it, as long as somebody writes to that.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import TYPE_CHECKING

from truewheel.errors import InvalidInputError

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

_AT_ONCE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_PATIENCE = 1.0
"""For how many seconds a pipe that nobody has opened for writing yet is waited for."""
_MOST = 64 << 20
"""How many bytes are taken of what is no file, and may have no end."""
_CHUNK = 1 << 16

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def no_file(mode: int) -> str:
    """Return what the mode of a file's status stands for; nothing for a file."""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "something else")


def open_file(path: Path) -> FileIO:
    """Open a file for reading, without a buffer; raise OSError, and InvalidInputError for what is no file."""
    if kind := no_file(path.stat().st_mode):
        raise InvalidInputError(f"is {kind}, not a file", where=str(path))
    # It may be replaced in between, so the opening itself must not wait either.
    file = os.fdopen(os.open(path, _AT_ONCE), "rb", buffering=0)
    if kind := no_file(os.fstat(file.fileno()).st_mode):
        file.close()
        raise InvalidInputError(f"is {kind}, not a file", where=str(path))
    return file


def read_given(path: Path) -> bytes:
    """Return all bytes of a file, or of a pipe or device that ends; raise OSError for what cannot be read."""
    if sys.platform == "win32":  # where no path of the user's own is a pipe
        return path.read_bytes()
    descriptor = os.open(path, _AT_ONCE)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            return file.read()
        if stat.S_ISFIFO(mode):
            from select import select

            select([descriptor], [], [], _PATIENCE)
        first = _first(descriptor)
        os.set_blocking(descriptor, True)
        return _all(descriptor, first)


def _first(descriptor: int) -> bytes | None:
    """Return what can be read at once: nothing at the end, and when nobody writes; None when somebody will."""
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return None


def _all(descriptor: int, first: bytes | None) -> bytes:
    pieces = [] if first is None else [first]
    size = len(first or b"")
    while first != b"" and (piece := os.read(descriptor, _CHUNK)):
        pieces.append(piece)
        size += len(piece)
        if size > _MOST:
            raise OSError(errno.EFBIG, f"it is no file, and has more than {_MOST >> 20} MiB")
    return b"".join(pieces)
