"""Which operating system a platform tag names."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class System(Enum):
    """An operating system, or that a tag names none."""

    LINUX = "Linux"
    MACOS = "macOS"
    IOS = "iOS"
    OTHER = "another system"
    ANY = "any system"


_PREFIXES = {
    "linux_": System.LINUX,
    "manylinux": System.LINUX,
    "musllinux": System.LINUX,
    "macosx_": System.MACOS,
    "ios_": System.IOS,
}


def system_of(tag: str) -> System:
    """Return the system that a platform tag names."""
    if tag == "any":
        return System.ANY
    return next((system for prefix, system in _PREFIXES.items() if tag.startswith(prefix)), System.OTHER)


def systems_of(tags: Iterable[str]) -> frozenset[System]:
    """Return every system that platform tags name; only ANY when they name none."""
    return frozenset(system_of(tag) for tag in tags) - {System.ANY} or frozenset({System.ANY})
