"""Files that a user names: opened without waiting for ever for what is no file.

Opening a named pipe waits until somebody writes to it (POSIX, open). A wheel has to be a file; a list of wheels or a
description may come out of a pipe, as shells' process substitution gives it, as long as somebody writes to that.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from truewheel.errors import InvalidInputError

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

_PATIENCE = 1.0
"""For how many seconds a pipe that nobody has opened for writing yet is waited for."""
_MOST = 64 << 20
"""How many bytes are taken of what is no file, and may have no end."""

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
    _require_file(path, path.stat().st_mode)
    with ExitStack() as stack:
        file = stack.enter_context(open(path, "rb", buffering=0, opener=_at_once))
        _require_file(path, os.fstat(file.fileno()).st_mode)  # something else may have taken its place in between
        stack.pop_all()
    return file


def _require_file(path: Path, mode: int) -> None:
    if kind := no_file(mode):
        raise InvalidInputError(f"is {kind}, not a file", where=str(path))


def read_given(path: Path) -> bytes:
    """Return all bytes of a file, or of a pipe or device that ends; raise OSError for what cannot be read."""
    if sys.platform == "win32":  # where no path of the user's own is a pipe
        return path.read_bytes()
    with open(path, "rb", opener=_at_once) as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISREG(mode):
            return file.read()
        if stat.S_ISFIFO(mode):
            from select import select

            select([file], [], [], _PATIENCE)
        os.set_blocking(file.fileno(), True)  # a pipe that nobody writes to is at its end
        content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise OSError(errno.EFBIG, f"it is no file, and has more than {_MOST >> 20} MiB")
    return content


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for somebody to write."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
