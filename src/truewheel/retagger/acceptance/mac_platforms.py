"""The platform tags that each generation of installers looks for on macOS, best first.

Follows the PyPA platform compatibility tags specification ("macOS") and what the installers do where they differ from
it: pip up to 1.5.6 takes the interpreter's word, 6.0 to 7.1 expand it, later ones ask the system (`installers.toml`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from truewheel.platforms.macos.facts import mac_facts
from truewheel.retagger.acceptance.facts import facts, span_of
from truewheel.retagger.macos_tags import MacTag
from truewheel.retagger.tags import parse_platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.retagger.acceptance.facts import Version
    from truewheel.retagger.acceptance.installers import Installer
    from truewheel.retagger.acceptance.interpreters import Build
    from truewheel.retagger.acceptance.systems import TargetSystem

_FIRST_YEARLY = (11, 0)
_AS_TOLD = (10, 16)
_LAST_OF_TEN, _FIRST_OF_TEN = 16, 4
"""The minor versions of 10.x that macOS 11 and later look for."""
_MISSPELT = {"fat32": "fat3"}


def mac_platforms(system: TargetSystem, installer: Installer, build: Build | None) -> tuple[str, ...]:
    """Return the tags, best first. build: who built the interpreter; None takes the system's own word."""
    version, architecture = system.version, system.architecture
    if installer.macos != "machine":
        reported = build.platform(version) if build else str(MacTag(version, architecture))
        return (reported,) if installer.macos == "exact" else tuple(_reported(reported, installer))
    if installer.sees_10_16 and build and build.old_sdk and version >= _FIRST_YEARLY:
        version = _AS_TOLD
    return tuple(_machine(version, architecture, installer))


def _reported(platform: str, installer: Installer) -> Iterator[str]:
    """Yield what an interpreter reports, expanded to older versions and to names that include it; oldest first."""
    parts = parse_platform(platform)
    if parts is None or parts.version is None:
        yield platform
        return
    major, newest = parts.version
    names = [parts.architecture, *(name for name in installer.macos_names if _includes(name, parts.architecture))]
    if parts.architecture == "intel":
        names.append("universal")
    for minor in range(newest + 1):
        yield from (str(MacTag((major, minor), name)) for name in names)


def _machine(version: Version, architecture: str, installer: Installer) -> Iterator[str]:
    """Yield the tags for a running system, newest first."""
    major, minor = version
    names = _Names(installer.macos_years, installer.macos_names, installer.universal_for_all)
    if major < _FIRST_YEARLY[0] or installer.macos_11 == "minor":
        for older in range(minor, -1, -1):
            yield from _of_version((major, older), architecture, names)
        return
    for older in range(major, _FIRST_YEARLY[0] - 1, -1):
        yield from _of_version((older, 0), architecture, names)
    for older in range(_LAST_OF_TEN, _FIRST_OF_TEN - 1, -1):
        if architecture == "x86_64":
            yield from _of_version((10, older), architecture, names)
        elif installer.macos_11 == "major-universal2":
            yield str(MacTag((10, older), "universal2"))


class _Names(NamedTuple):
    """What of an installer decides which names it looks for at one version."""

    years: str
    several: tuple[str, ...]
    universal_for_all: bool


@cache
def _of_version(version: Version, architecture: str, names: _Names) -> tuple[str, ...]:
    """Return the tags of one version: of the architecture alone, then of the names that include it."""
    table = facts("installers")["macos_years"].get(names.years)

    def sold(name: str) -> bool:
        return table is None or (name in table and version in span_of(table[name]))

    if names.years == "packaging" and not sold(architecture):
        return ()
    looked_for = [architecture] if sold(architecture) else []
    for name in names.several:
        always = name == "universal" and names.universal_for_all
        if always or (_includes(name, architecture) and any(sold(member) for member in _members(name))):
            looked_for.append(name)
    return tuple(str(MacTag(version, name)) for name in looked_for)


def _includes(name: str, architecture: str) -> bool:
    return name != architecture and architecture in _members(name)


def _members(name: str) -> tuple[str, ...]:
    return mac_facts().families[_MISSPELT.get(name, name)].architectures
