"""Paths of a target system that lies under a directory of the host.

Inside a sysroot an absolute symbolic link means a place inside the sysroot, as it will once that tree is the root
(compare `chroot` and the kernel's `openat2` with RESOLVE_IN_ROOT).
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

_LINK_LIMIT = 40
"""As many symbolic links as Linux follows in one path (path_resolution(7))."""


def placed(sysroot: str, path: str) -> str:
    """Return where the target's absolute `path` lies on the host."""
    return path if sysroot == "/" else sysroot.rstrip("/") + path


def real_path(sysroot: str, path: str) -> str | None:
    """Return `path`, a path on the host, with every symbolic link resolved; None when nothing is there.

    Links of a path under `sysroot` are followed as the target would follow them, and `..` stops at the sysroot.
    """
    root = sysroot.rstrip("/")
    if not root or not path.startswith(root + "/"):
        try:
            return os.path.realpath(path, strict=True)
        except OSError:
            return None
    inside = _follow(root, path[len(root) :])
    return None if inside is None else root + inside


def _follow(root: str, path: str) -> str | None:
    pending = path.split("/")[::-1]
    reached: list[str] = []
    links = 0
    while pending:
        part = pending.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del reached[-1:]
            continue
        try:
            target = str(Path("/".join((root, *reached, part))).readlink())
        except OSError as error:
            if error.errno != errno.EINVAL:
                return None
            reached.append(part)
            continue
        links += 1
        if links > _LINK_LIMIT:
            return None
        if target.startswith("/"):
            reached.clear()
        pending.extend(target.split("/")[::-1])
    return "/" + "/".join(reached)
