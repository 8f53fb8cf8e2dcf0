"""Which operating system a platform tag names."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truewheel.platforms.own_policy import OwnPolicy


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


def systems_of(tags: Iterable[str], own: OwnPolicy | None = None) -> frozenset[System]:
    """Return every system that platform tags name; only ANY when they name none.

    own: a policy of the user's own; the tags that it gives name Linux.
    """
    given = of_own_policy(own, tags) if own else frozenset()
    systems = frozenset(System.LINUX if tag in given else system_of(tag) for tag in tags)
    return systems - {System.ANY} or frozenset({System.ANY})


def of_own_policy(own: OwnPolicy, tags: Iterable[str]) -> frozenset[str]:
    """Return those of the platform tags that a policy of the user's own gives, and decides about."""
    from truewheel.platforms.linux.policies import own_architecture

    return frozenset(tag for tag in tags if own_architecture(own, tag))
