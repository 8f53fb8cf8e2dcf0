"""Platform tags that no installer ever looks for, and what was probably meant.

Follows the PyPA platform compatibility tags specification with PEP 600, 656, 730 and 738, and what `packaging` makes of
them. A tag of a system that nothing is known of is let through.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_FORM = re.compile(r"any|win(?:32|dows|64|_.*)|(?:linux|manylinux|musllinux|macosx|ios|android)(?:\d|_|\Z).*")
_VERSIONED = re.compile(r"(macosx|manylinux|musllinux)_(\d+)(?:_(\d+))?(?:_([a-z].*))?")
_OLD_NAME = re.compile(r"manylinux(\d+)(?:_(.+))?")
_ANDROID = re.compile(r"android_\d+_(?:armeabi_v7a|arm64_v8a|x86|x86_64)")
_WINDOWS = frozenset({"win32", "win_amd64", "win_arm64", "win_arm32", "win_ia64"})

_LINUX_SPELLING = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "i386": "i686", "x86": "i686"}
_MAC_SPELLING = {"fat32": "fat3", "aarch64": "arm64", "amd64": "x86_64", "i686": "i386", "arm64e": "arm64"}
"""What other programs call a processor. `fat32` is how installers from pip 8.0 to 26.2 misspelt `fat3`."""
_OLD_NAMES = {"1": (2, 5), "2010": (2, 12), "2014": (2, 17)}
_OLDEST = {"x86_64": (2, 5), "i686": (2, 5)}
_OLDEST_ELSEWHERE = (2, 17)
"""The oldest glibc that an installer looks for (packaging's `_manylinux.py`)."""

_NEVER = "is a tag that no installer looks for"


class Complaint(NamedTuple):
    """Why no installer looks for a tag, a phrase about it, and what to write instead."""

    what: str
    hint: str = ""


def is_platform(tag: str) -> bool:
    """Whether a tag has the form of a platform tag of a system that is known here."""
    return _FORM.fullmatch(tag) is not None


def about_platform(tag: str) -> Complaint | None:
    """Return what is wrong with a platform tag; None when an installer may look for it."""
    if not is_platform(tag):
        return None if "_" in tag else Complaint(_NEVER, "such as any, win_amd64, manylinux_2_28_x86_64")
    system = re.match("[a-z]+", tag)
    return _SYSTEMS[system[0] if system else ""](tag)


def _any(_: str) -> Complaint | None:
    return None


def _windows(tag: str) -> Complaint | None:
    return None if tag in _WINDOWS else Complaint(_NEVER, f"one of {', '.join(sorted(_WINDOWS))}")


def _android(tag: str) -> Complaint | None:
    return None if _ANDROID.fullmatch(tag) else Complaint("is no Android tag", "such as android_24_arm64_v8a")


def _ios(tag: str) -> Complaint | None:
    from truewheel.retagger.macos_tags import parse_ios_tag

    return None if parse_ios_tag(tag) else Complaint("is no iOS tag", "such as ios_13_0_arm64_iphoneos")


def _macos(tag: str) -> Complaint | None:
    from truewheel.platforms.macos.facts import mac_facts
    from truewheel.retagger.macos_tags import MacTag, coverage, parse_mac_tag

    match = _VERSIONED.fullmatch(tag)
    if match is None or not match[4]:
        return Complaint("is no macOS tag", "such as macosx_11_0_arm64")
    families = mac_facts().families
    family = families.get(_MAC_SPELLING.get(match[4], match[4]))
    if family is None:
        return Complaint("names no architecture of a Mac", f"it ends in one of {', '.join(families)}")
    named = parse_mac_tag(tag)
    if named is not None and coverage((named,)):
        return None
    right = MacTag(max((int(match[2]), int(match[3] or 0)), family.oldest), family.name)
    if not coverage((right,)):  # a minor version of macOS 11 or later, or 10.17
        first = mac_facts().first_without_minor
        right = right._replace(version=(max(right.version[0], first), 0))
    return Complaint(_NEVER, f"such as {right}")


def _linux(tag: str) -> Complaint | None:
    architecture = tag.partition("_")[2]
    right = _LINUX_SPELLING.get(architecture, architecture or "x86_64")
    return None if right == architecture else Complaint(_NEVER, f"such as linux_{right}")


def _promise(tag: str) -> Complaint | None:
    """Judge a `manylinux_X_Y` or `musllinux_X_Y` tag, or an older name."""
    old = _OLD_NAME.fullmatch(tag)
    if old is not None:
        return _old_name(tag, old[1], old[2] or "")
    match = _VERSIONED.fullmatch(tag)
    if match is None or not match[3]:
        return Complaint("is no tag of a Linux system", "such as manylinux_2_28_x86_64 or musllinux_1_2_x86_64")
    if not match[4]:
        return Complaint("names no architecture", f"such as {tag}_x86_64")
    family, architecture, version = match[1], match[4], (int(match[2]), int(match[3]))
    if not _has_promises(architecture):
        right = _LINUX_SPELLING.get(architecture)
        hint = "{}_{}_{}_{}".format(family, *version, right) if right else ""
        return Complaint(f"is for {architecture}, for which no installer looks", hint)
    oldest = _OLDEST.get(architecture, _OLDEST_ELSEWHERE)
    if family == "manylinux" and version < oldest:
        return Complaint(_NEVER, "the oldest is manylinux_{}_{}_{}".format(*oldest, architecture))
    return None


def _old_name(tag: str, number: str, architecture: str) -> Complaint | None:
    from truewheel.retagger.tags import parse_platform

    if parse_platform(tag) is not None:
        return None
    if not architecture:
        return Complaint("names no architecture", f"such as {tag}_x86_64")
    right = _LINUX_SPELLING.get(architecture, architecture)
    version = max(_OLD_NAMES.get(number, (2, 28)), _OLDEST.get(right, _OLDEST_ELSEWHERE))
    return Complaint(_NEVER, "such as manylinux_{}_{}_{}".format(*version, right))


def _has_promises(architecture: str) -> bool:
    """Whether there are `manylinux` or `musllinux` tags of an architecture."""
    if architecture in {"x86_64", "aarch64", "i686"}:  # most wheels: no facts need to be read for them
        return True
    from truewheel.platforms.linux.policies import architectures

    return architecture in architectures()


_SYSTEMS: dict[str, Callable[[str], Complaint | None]] = {
    "any": _any,
    "win": _windows,
    "windows": _windows,
    "android": _android,
    "ios": _ios,
    "macosx": _macos,
    "linux": _linux,
    "manylinux": _promise,
    "musllinux": _promise,
}
