"""The algebra of macOS platform tags: which are true, which say the widest truth, and the fewest that say it all.

Follows the PyPA platform compatibility tags specification ("macOS") and what installers look for (`mac_platforms` of
packaging). Everything here is about names and numbers; what a wheel needs is found out elsewhere and comes in as
minima: for each architecture that the wheel can be used with, the oldest macOS that all its code agrees to run on.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from truewheel.platforms.macos.facts import mac_facts
from truewheel.retagger.tags import parse_platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truewheel.analyzer.macho.image import Version
    from truewheel.platforms.macos.facts import Family, SystemVersion


class MacTag(NamedTuple):
    """A macOS platform tag taken apart. family: an architecture, or a name for several (`universal2`)."""

    version: SystemVersion
    family: str

    def __str__(self) -> str:
        """Return the tag as it stands in a file name."""
        return "macosx_{}_{}_{}".format(*self.version, self.family)

    @property
    def architectures(self) -> tuple[str, ...]:
        """The architectures that the tag speaks of."""
        return mac_facts().families[self.family].architectures


def parse_mac_tag(text: str) -> MacTag | None:
    """Take a macOS tag apart; None for one of another system, and for one whose architecture no installer knows."""
    platform = parse_platform(text)
    if platform is None or platform.version is None or platform.family != "macosx":
        return None
    return MacTag(platform.version, platform.architecture) if platform.architecture in mac_facts().families else None


class IosTag(NamedTuple):
    """An iOS platform tag taken apart. sdk: `iphoneos` or `iphonesimulator`."""

    version: SystemVersion
    architecture: str
    sdk: str


_IOS = re.compile(r"ios_(0|[1-9][0-9]*)_(0|[1-9][0-9]*)_([a-z0-9_]+)_(iphoneos|iphonesimulator)")


def parse_ios_tag(text: str) -> IosTag | None:
    """Take an iOS tag apart (PEP 730); None for one of another system."""
    match = _IOS.fullmatch(text)
    return IosTag((int(match[1]), int(match[2])), match[3], match[4]) if match else None


def oldest_system(architecture: str, minimum: Version) -> SystemVersion:
    """Return the oldest system that a tag can name for code that needs `minimum`.

    Never older than the first system of the architecture. A tag names no patch, and from macOS 11 on no minor version
    either, so what needs one is promised from the next version that a tag can name: 12.1 becomes 13.0.
    """
    facts = mac_facts()
    major, minor, patch = minimum
    if major >= facts.first_without_minor:
        named = (major + 1, 0) if minor or patch else (major, 0)
    else:
        named = promised((major, minor + bool(patch)))
    return max(named, facts.floors[architecture])


def is_rounded(architecture: str, minimum: Version) -> bool:
    """Whether the oldest system that a tag can name is newer than the code needs."""
    exact = promised(minimum[:2])
    return oldest_system(architecture, minimum) > max(exact, mac_facts().floors[architecture])


def promised(version: SystemVersion) -> SystemVersion:
    """Return the system that a tag's version means: 10.16, and what would come after it, is macOS 11."""
    facts = mac_facts()
    first = (facts.first_without_minor, 0)
    return max(version, first) if version >= facts.same_as_first else version


def untrue_of(tag: MacTag, minima: Mapping[str, Version]) -> tuple[str, ...]:
    """Return the architectures that the tag speaks of and that are not usable from its version on."""
    return tuple(name for name in tag.architectures if name not in minima or minima[name] > promise(tag, name))


def promise(tag: MacTag, architecture: str) -> Version:
    """Return the oldest system that the tag promises to run on in one of its architectures."""
    return (*max(promised(tag.version), mac_facts().floors[architecture]), 0)


def widest(family: str, minima: Mapping[str, Version]) -> MacTag | None:
    """Return the true tag of a family that speaks of the most systems; None when it lacks an architecture."""
    facts = mac_facts()
    item = facts.families[family]
    if any(name not in minima for name in item.architectures):
        return None
    needs = {name: oldest_system(name, minima[name]) for name in item.architectures}
    # An architecture that runs on every system it ever had asks nothing of the version.
    asking = [version for name, version in needs.items() if version > facts.floors[name]]
    return MacTag(max([item.oldest, *asking]), family)


def coverage(tags: Iterable[MacTag]) -> dict[str, SystemVersion]:
    """Return, by architecture, the oldest system whose installers take a wheel with these tags.

    A tag that no installer looks for, such as `macosx_11_2_arm64` or `macosx_10_9_arm64`, adds nothing.
    """
    facts = mac_facts()
    result: dict[str, SystemVersion] = {}
    for tag in tags:
        if not _is_looked_for(tag, facts.families[tag.family]):
            continue
        for name in tag.architectures:
            version = max(promised(tag.version), facts.floors[name])
            result[name] = min(version, result.get(name, version))
    return dict(sorted(result.items()))


def _is_looked_for(tag: MacTag, family: Family) -> bool:
    facts = mac_facts()
    if tag.version < family.oldest:
        return False
    if tag.version[0] < facts.first_without_minor:
        return tag.version <= facts.same_as_first
    return tag.version[1] == 0


def same_systems(one: Iterable[MacTag], two: Iterable[MacTag]) -> bool:
    """Whether installers take a wheel of either name on the very same systems."""
    return coverage(one) == coverage(two)


def smallest_set(minima: Mapping[str, Version]) -> tuple[MacTag, ...]:
    """Return the fewest tags that speak of every architecture from exactly its oldest system on, in name order.

    Where several sets are as small, the one whose names stand for more architectures, because installers that do not
    know one of its names may know the other.
    """
    wanted = coverage(tag for name in minima if (tag := widest(name, minima)))
    families = (item.name for item in mac_facts().families.values() if item.preferred)
    tags = (tag for name in families if (tag := widest(name, minima)))
    exact = sorted(tag for tag in tags if coverage((tag,)).items() <= wanted.items())
    sets = (chosen for count in range(len(wanted) + 1) for chosen in combinations(exact, count))
    fitting = [chosen for chosen in sets if coverage(chosen) == wanted]
    best = min(fitting, key=lambda chosen: (len(chosen), -sum(len(tag.architectures) for tag in chosen), chosen))
    return tuple(sorted(best, key=str))
