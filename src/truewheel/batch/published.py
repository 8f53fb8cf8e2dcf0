"""A wheel that was published, as a release tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Published(NamedTuple):
    """One wheel of a release: the name and digest of the wheel that it was made of, and where it is now.

    A wheel that was made of two is told twice. old_sha256: None where nobody asks for it.
    """

    old_name: str
    old_sha256: str | None
    path: Path
