"""Unfinished files: their names, and how to know one that a killed run left from one that is being written.

Whoever writes such a file holds a lock on it (flock), which ends with the process. A lock says nothing to another
machine on a network folder, so the name tells which start of which machine the file is of: one that is of this start,
and that nobody holds, is nobody's. Where a system does not tell its starts apart, nothing is ever taken for left over.
"""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import count
from pathlib import Path

from truewheel.archive.locks import lock

_START = Path("/proc/sys/kernel/random/boot_id")
"""Another text at each start of the kernel, the same in all its containers (random(4))."""
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def create_unfinished(directory: Path, mode: int) -> tuple[Path, int]:
    """Make a new file with a name of its own; return its path and a descriptor, which holds the lock. Raises OSError.

    mode: the permission bits, from which the process's umask is taken away.
    """
    stem = f"{_stem()}{os.getpid()}"
    for number in count():
        path = directory / f"{stem}-{number}.part"
        with suppress(FileExistsError):
            descriptor = os.open(path, _FLAGS, mode)
            if _hold(descriptor) is not False:
                return path, descriptor
            os.close(descriptor)
    raise AssertionError


def remove_leftovers(directory: Path) -> None:
    """Remove the unfinished files that killed runs left in a folder; whatever is not surely such a one stays."""
    if not _start():
        return
    stem = _stem()
    with suppress(OSError):
        for path in sorted(directory.iterdir()):
            if path.name.startswith(stem) and path.suffix == ".part":
                _remove(path)


def _remove(path: Path) -> None:
    """Remove a file unless somebody holds it."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            if _hold(descriptor):
                path.unlink()
        finally:
            os.close(descriptor)


def _hold(descriptor: int) -> bool | None:
    """Lock an open file that still has its name; return whether that is so, None where there are no locks."""
    return lock(descriptor) and os.fstat(descriptor).st_nlink > 0


def _stem() -> str:
    start = _start()
    return f".truewheel-{start}-" if start else ".truewheel-"


def _start() -> str:
    """Return what tells this start of this machine from all others; nothing where that is not known."""
    try:
        return _START.read_bytes().decode().strip().replace("-", "")[:16]
    except (OSError, ValueError):
        return ""
