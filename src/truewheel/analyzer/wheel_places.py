"""Places of a wheel's files, as the searches for libraries spell them: `wheel:` and the installed path.

A wheel's files are compared where they land once installed (`wheel:platlib/pkg/libs/liba.so`), so that a file of the
archive's root meets one of `.data/platlib`.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truewheel.archive.layout import InstalledPath

WHEEL = "wheel:"
"""What the place of a wheel's file starts with."""

_OTHER_SCHEME = 1000
"""Farther than any directory of the same installation scheme."""


def place_of(path: InstalledPath | None) -> str | None:
    """Return the place of an installed file; None for a member that is not installed."""
    return None if path is None else f"{WHEEL}{path.scheme.value}/{path.path}"


def tidy_place(place: str) -> str:
    """Work out `..` in a place of the wheel, which has no symbolic links; other paths are left to the file system.

    A path that leaves its installation scheme keeps its `..` and so is no place of the wheel: how far the schemes lie
    from each other differs from one system to the next.
    """
    if not place.startswith(WHEEL):
        return place
    scheme, _, path = place.partition("/")
    tidy = posixpath.normpath(path) if path else "."
    return scheme if tidy == "." else f"{scheme}/{tidy}"


def distance(origin: str | None, place: str | None) -> int:
    """Return how many directory steps lie between the directory `origin` and that of `place`."""
    start = (origin or "").split("/")
    end = (place or "").split("/")[:-1]
    shared = 0
    for ours, theirs in zip(start, end, strict=False):
        if ours != theirs:
            break
        shared += 1
    return len(start) + len(end) - 2 * shared + (0 if shared else _OTHER_SCHEME)
