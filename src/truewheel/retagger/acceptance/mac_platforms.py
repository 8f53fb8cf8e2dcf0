"""The platform tags that each generation of installers looks for on macOS, best first.

Follows the PyPA platform compatibility tags specification ("macOS") and what the installers do where they differ from
it: pip up to 1.5.6 takes the interpreter's word, 6.0 to 7.1 expand it, later ones ask the system (`installers.toml`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.platforms.macos_facts import mac_facts
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
    return tuple(str(tag) for tag in _machine(version, architecture, installer))


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


def _machine(version: Version, architecture: str, installer: Installer) -> Iterator[MacTag]:
    major, minor = version
    if major < _FIRST_YEARLY[0] or installer.macos_11 == "minor":
        for older in range(minor, -1, -1):
            yield from _of_version((major, older), architecture, installer)
        return
    for older in range(major, _FIRST_YEARLY[0] - 1, -1):
        yield from _of_version((older, 0), architecture, installer)
    for older in range(_LAST_OF_TEN, _FIRST_OF_TEN - 1, -1):
        if architecture == "x86_64":
            yield from _of_version((10, older), architecture, installer)
        elif installer.macos_11 == "major-universal2":
            yield MacTag((10, older), "universal2")


def _of_version(version: Version, architecture: str, installer: Installer) -> Iterator[MacTag]:
    """Yield the tags of one version: of the architecture alone, then of the names that include it."""
    years = facts("installers")["macos_years"].get(installer.macos_years)

    def sold(name: str) -> bool:
        return years is None or (name in years and version in span_of(years[name]))

    if installer.macos_years == "packaging" and not sold(architecture):
        return
    if sold(architecture):
        yield MacTag(version, architecture)
    for name in installer.macos_names:
        always = name == "universal" and installer.universal_for_all
        if always or (_includes(name, architecture) and any(sold(member) for member in _members(name))):
            yield MacTag(version, name)


def _includes(name: str, architecture: str) -> bool:
    return name != architecture and architecture in _members(name)


def _members(name: str) -> tuple[str, ...]:
    return mac_facts().families[_MISSPELT.get(name, name)].architectures
