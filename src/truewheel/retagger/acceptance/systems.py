"""Systems that a wheel may be installed on: by name (`ubuntu-22.04`, `macos-14`) or by what counts (`glibc-2.35`)."""

from __future__ import annotations

import re
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from truewheel.errors import UsageError
from truewheel.retagger.acceptance.facts import EVERY, facts, span_of, version_of

if TYPE_CHECKING:
    from truewheel.retagger.acceptance.facts import Span, Version


class Family(Enum):
    """What decides which platform tags a system has."""

    GLIBC = "glibc"
    MUSL = "musl"
    MACOS = "macOS"
    WINDOWS = "Windows"
    ANDROID = "Android"
    IOS = "iOS"
    PYODIDE = "Pyodide"


class TargetSystem(NamedTuple):
    """One system.

    version: of glibc, musl, macOS, iOS or the Pyodide ABI; for Android the API level and 0; for Windows (0, 0).
    architecture: as a platform tag spells it; of the running process, so `x86_64` under Rosetta. On Windows, the whole
        platform tag; for Pyodide, `wasm32`.
    kind: what tells systems of one family and architecture apart for a person: `Intel`, `Rosetta`, `Apple silicon`.
    name: the word that named it, such as `ubuntu-22.04`; empty when that was the version itself.
    """

    family: Family
    version: Version
    architecture: str
    kind: str = ""
    name: str = ""

    @property
    def pythons(self) -> Span:
        """The Python versions that there are for the system."""
        table = facts("systems")
        if self.family is Family.MACOS:
            return span_of(table["macos"].get(self.kind, {}).get("pythons", ("", "")))
        if self.family is Family.WINDOWS:
            return span_of(table["windows"].get(self.architecture, {}).get("pythons", ("", "")))
        if self.family is Family.PYODIDE:
            return span_of(table["pyodide"]["{}.{}".format(*self.version)]["pythons"])
        if self.family in (Family.ANDROID, Family.IOS):
            return span_of(table[self.family.value.lower()]["pythons"])
        return EVERY

    @property
    def says(self) -> str:
        """What a person is told of it: `ubuntu-22.04 (glibc 2.35, x86_64)`, `macOS 14 (Apple silicon)`."""
        facts_ = f"{self.title} {self.number}".strip()
        inner = self.kind or self.architecture
        return f"{self.name} ({facts_}, {inner})" if self.name else f"{facts_} ({inner})"

    @property
    def title(self) -> str:
        """The family, as the version follows it."""
        return "Android API" if self.family is Family.ANDROID else self.family.value

    @property
    def number(self) -> str:
        """The version as a person writes it: `2.35`, `10.9`, `14`; empty for Windows."""
        if self.family is Family.WINDOWS:
            return ""
        major, minor = self.version
        short = self.family is Family.ANDROID or (self.family is Family.MACOS and not minor)
        return str(major) if short else f"{major}.{minor}"


@cache
def systems() -> tuple[TargetSystem, ...]:
    """Return every system that the table of `truewheel accepts` speaks of, in the order of its rows, oldest first."""
    return (*_macs(), *_linux(), *_others())


def _macs() -> tuple[TargetSystem, ...]:
    return tuple(
        TargetSystem(Family.MACOS, version_of(version), item["architecture"], kind)
        for kind, item in facts("systems")["macos"].items()
        for version in item["versions"]
    )


def _linux() -> tuple[TargetSystem, ...]:
    table, known = facts("systems")["linux"], facts("distributions")
    return tuple(
        TargetSystem(family, version, architecture)
        for family in (Family.GLIBC, Family.MUSL)
        for architecture in table[family.value]
        for version in sorted({version_of(text) for text in known[family.value].values()})
    )


def _others() -> tuple[TargetSystem, ...]:
    table = facts("systems")
    windows = (TargetSystem(Family.WINDOWS, (0, 0), platform) for platform in table["windows"])
    android = (
        TargetSystem(Family.ANDROID, (level, 0), architecture)
        for architecture in table["android"]["architectures"]
        for level in table["android"]["levels"]
    )
    ios = (
        TargetSystem(Family.IOS, version_of(version), architecture)
        for architecture in table["ios"]["architectures"]
        for version in table["ios"]["versions"]
    )
    pyodide = (TargetSystem(Family.PYODIDE, version_of(version), "wasm32") for version in table["pyodide"])
    return (*windows, *android, *ios, *pyodide)


_NUMBERED = re.compile(r"(glibc|musl|macos|macosx|osx|ios|android|pyodide)[-=]?(\d+(?:\.\d+)?)?(?:\.\d+)?")
_DEFAULTS = {
    Family.GLIBC: "x86_64",
    Family.MUSL: "x86_64",
    Family.MACOS: "",
    Family.WINDOWS: "win_amd64",
    Family.ANDROID: "arm64_v8a",
    Family.IOS: "arm64_iphoneos",
    Family.PYODIDE: "wasm32",
}
_FAMILIES = {
    **{family.value.lower(): family for family in Family},
    "macosx": Family.MACOS,
    "osx": Family.MACOS,
}
_ARCHITECTURES = {
    Family.WINDOWS: {
        "amd64": "win_amd64",
        "x86_64": "win_amd64",
        "x64": "win_amd64",
        "x86": "win32",
        "i686": "win32",
        "arm64": "win_arm64",
        "aarch64": "win_arm64",
    },
    Family.MACOS: {"aarch64": "arm64", "amd64": "x86_64", "apple-silicon": "arm64", "intel": "x86_64"},
    Family.ANDROID: {"aarch64": "arm64_v8a", "arm64": "arm64_v8a", "armv7l": "armeabi_v7a", "i686": "x86"},
    Family.IOS: {"arm64": "arm64_iphoneos", "simulator": "arm64_iphonesimulator", "x86_64": "x86_64_iphonesimulator"},
    Family.GLIBC: {"amd64": "x86_64", "arm64": "aarch64", "i386": "i686", "x86": "i686", "armhf": "armv7l"},
    Family.MUSL: {"amd64": "x86_64", "arm64": "aarch64", "i386": "i686", "x86": "i686", "armhf": "armv7l"},
}
_KNOWN = {
    Family.GLIBC: frozenset({"x86_64", "i686", "aarch64", "armv7l", "armv8l", "armv6l", "ppc64", "ppc64le", "s390x"})
    | {"riscv64", "loongarch64"},
    Family.MACOS: frozenset({"x86_64", "arm64", "i386", "ppc", "ppc64"}),
    Family.WINDOWS: frozenset({"win32", "win_amd64", "win_arm64"}),
    Family.ANDROID: frozenset({"arm64_v8a", "armeabi_v7a", "x86_64", "x86"}),
    Family.IOS: frozenset({"arm64_iphoneos", "arm64_iphonesimulator", "x86_64_iphonesimulator"}),
    Family.PYODIDE: frozenset({"wasm32"}),
}


def parse_system(word: str) -> TargetSystem | None:
    """Return the system of a word, with its usual architecture; None for a word that names none.

    Raises UsageError for a system that needs a version and has none.
    """
    for family in (Family.GLIBC, Family.MUSL):
        if word in facts("distributions")[family.value]:
            version = version_of(facts("distributions")[family.value][word])
            return TargetSystem(family, version, _DEFAULTS[family], name=word)
    if word in ("windows", "win"):
        return TargetSystem(Family.WINDOWS, (0, 0), _DEFAULTS[Family.WINDOWS])
    match = _NUMBERED.fullmatch(word)
    if not match:
        return None
    family = _FAMILIES[match[1]]
    version = version_of(match[2]) if match[2] else _newest(family, word)
    if family is Family.PYODIDE and "{}.{}".format(*version) not in facts("systems")["pyodide"]:
        raise UsageError(f"there is no Pyodide ABI {match[2]}", hint=", ".join(facts("systems")["pyodide"]))
    if family is Family.MACOS:
        return _mac(version, "arm64" if version >= (11, 0) else "x86_64")
    return TargetSystem(family, version, _DEFAULTS[family])


def pyodide_of(python: Version) -> TargetSystem | None:
    """Return the Pyodide that has a Python; None when no known one does."""
    return next((one for one in systems() if one.family is Family.PYODIDE and python in one.pythons), None)


def with_architecture(system: TargetSystem, word: str) -> TargetSystem | None:
    """Return the system on the architecture that a word names (`arm64`, `rosetta`); None for another word."""
    if system.family is Family.MACOS and word == "rosetta":
        return _mac(system.version, "x86_64", "Rosetta")
    architecture = _ARCHITECTURES.get(system.family, {}).get(word, word)
    if architecture not in _KNOWN.get(system.family, _KNOWN[Family.GLIBC]):
        return None
    if system.family is Family.MACOS:
        return _mac(system.version, architecture)
    return system._replace(architecture=architecture)


def _newest(family: Family, word: str) -> Version:
    if family is Family.PYODIDE:
        return max(version_of(text) for text in facts("systems")["pyodide"])
    raise UsageError(f"which version of {word}?", hint=f"write it behind a dash, as in {word}-{_EXAMPLES[family]}")


_EXAMPLES = {Family.GLIBC: "2.28", Family.MUSL: "1.2", Family.MACOS: "14", Family.IOS: "17.0", Family.ANDROID: "24"}


def _mac(version: Version, architecture: str, kind: str = "") -> TargetSystem:
    if not kind:
        kind = {"x86_64": "Intel", "arm64": "Apple silicon"}.get(architecture, architecture)
    return TargetSystem(Family.MACOS, version, architecture, kind)


def distributions_from(version: Version) -> tuple[str, ...]:
    """Return, of each well-known Linux distribution, the first release that has this glibc or a newer one."""
    table = facts("distributions")
    result = []
    for name in table["known"]:
        releases = [(version_of(glibc), word) for word, glibc in table["glibc"].items() if _is_release(word, name)]
        fitting = [item for item in releases if item[0] >= version]
        if fitting:
            result.append(min(fitting, key=lambda item: (item[0], version_of(item[1].rpartition("-")[2])))[1])
    return tuple(result)


def _is_release(word: str, name: str) -> bool:
    return re.fullmatch(rf"{name}-\d+(\.\d+)?", word) is not None
