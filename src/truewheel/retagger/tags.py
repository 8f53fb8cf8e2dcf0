"""The algebra of tag sets: parse, expand, compress, order, compare, and the older names of the same promise.

Follows the PyPA platform compatibility tags specification (PEP 425), PEP 600 (`manylinux_X_Y` and what `manylinux1`,
`manylinux2010` and `manylinux2014` stand for) and PEP 656 (`musllinux_X_Y`). Everything here is about names; whether a
name is true of a wheel is judged elsewhere.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from truewheel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_PART = re.compile(r"[a-z0-9_]+")
_NUMBER = r"(0|[1-9]\d*)"
_VERSIONED = re.compile(rf"(manylinux|musllinux|macosx)_{_NUMBER}_{_NUMBER}_([a-z0-9_]+)")
_LEGACY = re.compile(r"(manylinux(?:1|2010|2014))_([a-z0-9_]+)")
_PLAIN = re.compile(r"linux_([a-z0-9_]+)")

_X86 = frozenset({"x86_64", "i686"})
_LEGACY_NAMES = {
    "manylinux1": ((2, 5), _X86),
    "manylinux2010": ((2, 12), _X86),
    "manylinux2014": ((2, 17), _X86 | {"aarch64", "armv7l", "ppc64", "ppc64le", "s390x"}),
}
"""What each older name stands for, and the architectures it exists for (PEP 600, "Legacy manylinux tags")."""
_LOOKED_FOR_TOO = {"manylinux2014": frozenset({"riscv64", "loongarch64"})}
"""Architectures for which installers look for an older name too, though no PEP gave them one (packaging's
`_manylinux.py`, which makes the older names of every architecture)."""


class Tag(NamedTuple):
    """One tag: which Python, which ABI, which platform."""

    python: str
    abi: str
    platform: str

    def __str__(self) -> str:
        """Return the tag as it stands in a WHEEL file."""
        return "-".join(self)


class Platform(NamedTuple):
    """A platform tag taken apart.

    family: `manylinux`, `musllinux`, `linux` or `macosx`.
    version: what the system must at least have (glibc, musl, macOS); None for `linux`, which says nothing of it.
    """

    family: str
    version: tuple[int, int] | None
    architecture: str

    def __str__(self) -> str:
        """Return the tag, by its newest name."""
        version = "" if self.version is None else "_{}_{}".format(*self.version)
        return f"{self.family}{version}_{self.architecture}"


def parse_platform(tag: str) -> Platform | None:
    """Take a platform tag apart; None for one of another system, and for one that no specification knows."""
    if match := _VERSIONED.fullmatch(tag):
        return Platform(match[1], (int(match[2]), int(match[3])), match[4])
    if match := _LEGACY.fullmatch(tag):
        version, architectures = _LEGACY_NAMES[match[1]]
        known = architectures | _LOOKED_FOR_TOO.get(match[1], frozenset())
        return Platform("manylinux", version, match[2]) if match[2] in known else None
    if match := _PLAIN.fullmatch(tag):
        return Platform("linux", None, match[1])
    return None


def spellings(tag: str) -> tuple[str, ...]:
    """Return every name of the same promise, sorted; only the tag itself when it has one name."""
    platform = parse_platform(tag)
    if platform is None:
        return (tag,)
    older = (
        f"{name}_{platform.architecture}"
        for name, (version, architectures) in _LEGACY_NAMES.items()
        if platform.family == "manylinux" and platform.version == version and platform.architecture in architectures
    )
    return tuple(sorted({str(platform), *older}))


def implies(tag: str, other: str) -> bool:
    """Whether a wheel of which `tag` is true is also truly called `other`.

    So it is for the same promise, and for a newer version of the same family and architecture, because every system
    that meets the newer promise meets the older one.
    """
    if tag == other:
        return True
    one, two = parse_platform(tag), parse_platform(other)
    if one is None or two is None or one.version is None or two.version is None:
        return False
    return (one.family, one.architecture) == (two.family, two.architecture) and one.version <= two.version


def ordered(platforms: Iterable[str]) -> tuple[str, ...]:
    """Return platform tags in the order of a file name, which is plain string order, each once."""
    return tuple(sorted(set(platforms)))


def expand(text: str) -> frozenset[Tag]:
    """Return the single tags that a compressed set such as `py2.py3-none-any` stands for; raise UsageError."""
    parts = [part.split(".") for part in text.split("-")]
    if len(parts) != len(Tag._fields) or not all(_PART.fullmatch(item) for part in parts for item in part):
        raise UsageError(
            f"{text!r} is not a set of tags",
            hint="it has the form python-abi-platform, with lower-case letters, digits and '_', joined by '.'",
        )
    return frozenset(Tag(*item) for item in product(*parts))


def compress(tags: Iterable[Tag]) -> tuple[str, ...]:
    """Return compressed sets that together stand for exactly these tags, sorted.

    One set when the tags are a full product, which is what a file name can say; else one for each part of it.
    """
    platforms: dict[tuple[str, str], set[str]] = {}
    for tag in tags:
        platforms.setdefault((tag.python, tag.abi), set()).add(tag.platform)
    pythons: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for (python, abi), members in platforms.items():
        pythons.setdefault((abi, ordered(members)), set()).add(python)
    abis: dict[tuple[tuple[str, ...], tuple[str, ...]], set[str]] = {}
    for (abi, names), interpreters in pythons.items():
        abis.setdefault((ordered(interpreters), names), set()).add(abi)
    joined = ((interpreters, ordered(group), names) for (interpreters, names), group in abis.items())
    return tuple(sorted("-".join(".".join(part) for part in parts) for parts in joined))
