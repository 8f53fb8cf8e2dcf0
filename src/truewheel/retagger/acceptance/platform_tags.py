"""The platform tags that each generation of installers looks for on a system, best first.

Follows PEP 600 (manylinux), PEP 656 (musllinux), PEP 730 (iOS), PEP 738 (Android) and PEP 783 (Pyodide), and what the
installers do where they differ from them (`installers.toml`). Everything comes from the arguments: nothing is asked of
the host, and no installed package has a say, so the answer is the same everywhere.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from truewheel.retagger.acceptance.facts import facts
from truewheel.retagger.acceptance.mac_platforms import mac_platforms
from truewheel.retagger.acceptance.systems import Family
from truewheel.retagger.tags import Platform, parse_platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.retagger.acceptance.facts import Version
    from truewheel.retagger.acceptance.installers import Installer
    from truewheel.retagger.acceptance.interpreters import Build
    from truewheel.retagger.acceptance.systems import TargetSystem

_OLDEST = 17
"""The minor version of glibc 2 from which on most architectures have manylinux (PEP 599)."""
_OLDEST_ANDROID = 16
_OLDEST_IOS = 12
_IOS_MINORS = 9
"""Every minor version up to this one is looked for below the running major version."""


@lru_cache(maxsize=4096)
def platform_tags(system: TargetSystem, installer: Installer, build: Build | None = None) -> tuple[str, ...]:
    """Return every platform tag but `any`, best first. build: on macOS, who built the interpreter."""
    family = system.family
    if family is Family.MACOS:
        return mac_platforms(system, installer, build)
    if family in (Family.GLIBC, Family.MUSL):
        return tuple(_linux(system, installer))
    if family is Family.WINDOWS:
        return (system.architecture,)
    return _young(system, installer) if family.value.lower() in installer.systems else ()


def _young(system: TargetSystem, installer: Installer) -> tuple[str, ...]:
    """Return the tags of the systems that only newer installers know."""
    if system.family is Family.ANDROID:
        return tuple(f"android_{level}_{system.architecture}" for level in _down(system.version[0], _OLDEST_ANDROID))
    if system.family is Family.IOS:
        return tuple(f"ios_{major}_{minor}_{system.architecture}" for major, minor in _ios(system.version))
    return tuple(facts("systems")["pyodide"]["{}.{}".format(*system.version)][installer.program])


def _down(newest: int, oldest: int) -> range:
    return range(newest, oldest - 1, -1)


def _linux(system: TargetSystem, installer: Installer) -> Iterator[str]:
    architectures = _architectures(system.architecture, installer)
    plain = [str(Platform("linux", None, architecture)) for architecture in architectures]
    if installer.linux_first:
        yield from plain
    for architecture in architectures:
        if system.family is Family.GLIBC:
            yield from _manylinux(system.version, architecture, installer, architectures)
        elif installer.musllinux:
            major, newest = system.version
            yield from (str(Platform("musllinux", (major, minor), architecture)) for minor in _down(newest, 0))
    if not installer.linux_first:
        yield from plain


def _architectures(architecture: str, installer: Installer) -> tuple[str, ...]:
    """Return the names that a process may go by: a 32-bit one on a 64-bit ARM kernel is `armv8l`, and runs `armv7l`."""
    if architecture != "armv8l":
        return (architecture,)
    return ("armv8l", "armv7l") if installer.free_threaded else ("armv7l",)


def _manylinux(
    glibc: Version, architecture: str, installer: Installer, architectures: tuple[str, ...]
) -> Iterator[str]:
    old = {}
    for name in installer.old_manylinux:
        platform = parse_platform(f"{name}_{architecture}")
        if platform and platform.version and platform.version <= glibc:
            old[platform.version] = f"{name}_{architecture}"
    if installer.manylinux == "names":
        yield from old.values()
        return
    if not set(architectures) & set(installer.manylinux_archs):
        return
    for minor in _down(glibc[1], dict(installer.manylinux_oldest).get(architecture, _OLDEST)):
        version = (glibc[0], minor)
        yield str(Platform("manylinux", version, architecture))
        if name := _old_name(version):
            yield f"{name}_{architecture}"


def _old_name(version: Version) -> str:
    """Return the older name of a version; installers that know versions look for it on every architecture."""
    return {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}.get(version, "")


def _ios(version: Version) -> Iterator[Version]:
    major, newest = version
    if major < _OLDEST_IOS:
        return
    yield from ((major, minor) for minor in _down(newest, 0))
    yield from ((older, minor) for older in _down(major - 1, _OLDEST_IOS) for minor in _down(_IOS_MINORS, 0))
