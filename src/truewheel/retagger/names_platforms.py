"""What the names of extension modules say about the platform tags of a wheel.

The last part of a module's ending names the platform of the interpreters that import it (PEP 3149, 720, 730, 738, and
SOABI of the builds of CPython, PyPy and GraalPy): `_x.cpython-312-darwin.so`, `_x.cp312-win32.pyd`,
`_x.cpython-312-x86_64-linux-musl.so`. No other interpreter looks for such a file, whatever machine code it is.
A name without such a part (`_x.abi3.so`, `_x.cpython-34m.so`, `_x.so`) says nothing, and neither does an unknown one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from truewheel.platforms.verdict import Reason, Rule
from truewheel.retagger.names_truth import MODULE_SUFFIXES, modules

if TYPE_CHECKING:
    from collections.abc import Iterable

_ENDING = re.compile(r"(?:cpython-|cp|pypy|graalpy|abi3t?-)(.+)")
_OF_LINUX = re.compile(r"(?:.*-)?([a-z0-9_]+)-linux(?:-(gnu|musl|android)[a-z0-9]*)?")
_OF_OTHERS = re.compile(r".*-(darwin|win32|win_[a-z0-9]+|iphoneos|iphonesimulator|emscripten|wasi\w*)")
_CPYTHON = re.compile(r"cpython-3(\d+)[a-z]*-.*")
_FIRST_MUSL = 11
"""CPython 3.11 was the first whose builds for musl call themselves so; older ones say `-linux-gnu`."""
_X32 = "-linux-gnux32"

_ARM = frozenset({"armv6l", "armv7l", "armv8l", "armeabi_v7a"})
_MACHINES = {
    "x86_64": frozenset({"x86_64"}),
    "i386": frozenset({"i686", "x86"}),
    "aarch64": frozenset({"aarch64", "arm64_v8a"}),
    "arm": _ARM,
    "powerpc64": frozenset({"ppc64"}),
    "powerpc64le": frozenset({"ppc64le"}),
    "s390x": frozenset({"s390x"}),
    "riscv64": frozenset({"riscv64"}),
    "loongarch64": frozenset({"loongarch64"}),
}
"""By the first word of a triplet of Linux or Android: how platform tags call the machine."""
_SAME = {"i486": "i386", "i586": "i386", "i686": "i386", "x86": "i386", "ppc64": "powerpc64", "ppc64le": "powerpc64le"}
_KNOWN = frozenset().union(*_MACHINES.values())
_WASM, _WINDOWS = "WebAssembly", "Windows"
_LIBCS = {"gnu": "glibc", "musl": "musl"}
_TITLES = {"darwin": "macOS", "iphoneos": "iOS", "iphonesimulator": "the iOS simulator", "emscripten": _WASM}
_FAMILIES = {
    "linux": ("Linux", ""),
    "manylinux": ("Linux", "glibc"),
    "musllinux": ("Linux", "musl"),
    "macosx": ("macOS", ""),
    "android": ("Android", ""),
    "win": (_WINDOWS, ""),
    "pyemscripten": (_WASM, ""),
    "pyodide": (_WASM, ""),
    "emscripten": (_WASM, ""),
    "wasi": (_WASM, ""),
}
_SDKS = {"iphoneos": "iOS", "iphonesimulator": "the iOS simulator"}
_FAMILY = re.compile(r"(?:many|musl)linux|[a-z]+")


class _Place(NamedTuple):
    """Where a module is imported, or what a platform tag speaks of.

    system: `Linux`, `Windows` ... machines: as platform tags call them; empty where that is left open. libc: `glibc` or
    `musl` where that counts. word: how the name calls the machine.
    """

    system: str
    machines: frozenset[str] = frozenset()
    libc: str = ""
    word: str = ""

    def title(self) -> str:
        """Return the words of a sentence."""
        if self.system == _WINDOWS:
            return self.word
        libc = f" with {self.libc}" if self.libc else ""
        return f"{self.word} {self.system}".lstrip() + libc

    def meets(self, other: _Place) -> bool:
        """Whether both may be one place."""
        same_machine = not self.machines or not other.machines or not self.machines.isdisjoint(other.machines)
        same_libc = not self.libc or not other.libc or self.libc == other.libc
        return self.system == other.system and same_machine and same_libc


Named = tuple[str, tuple[_Place, ...]]
"""A module: one of its files, and where each of them is imported."""


def named_modules(names: Iterable[str]) -> tuple[Named, ...]:
    """Return the modules whose names all say where they are imported."""
    found = []
    for files in modules(names).values():
        places = [_place(name) for name, _ in files]
        known = tuple(place for place in places if place is not None)
        if len(known) == len(places):
            found.append((files[0][0], tuple(dict.fromkeys(known))))
    return tuple(found)


def misnamed(named: Iterable[Named], tag: str) -> tuple[Reason, ...]:
    """Return a reason for each module that, as its name says, is imported nowhere that a platform tag speaks of.

    There is none against `any`, and against tags of systems that are not known here.
    """
    wanted = _of_tag(tag)
    if wanted is None:
        return ()
    return tuple(
        Reason(Rule.PYTHON, file, f"is imported on {_titles(places)} alone, as its name says, not on {wanted.title()}")
        for file, places in named
        if not any(place.meets(wanted) for place in places)
    )


def system_named(tag: str) -> str:
    """Return the system that a platform tag speaks of; empty for `any`, and for one that is not known here."""
    place = _of_tag(tag)
    return place.system if place else ""


def _titles(places: Iterable[_Place]) -> str:
    return " and ".join(dict.fromkeys(place.title() for place in places))


def _place(name: str) -> _Place | None:
    """Return where a module is imported; None when its name does not say, or nothing is known of the place."""
    ending = name.rpartition("/")[2].partition(".")[2]
    stem = next((ending.removesuffix(suffix) for suffix in MODULE_SUFFIXES if ending.endswith(suffix)), "")
    if not _ENDING.fullmatch(stem) or stem.endswith(_X32):
        return None
    if match := _OF_LINUX.fullmatch(stem):
        word = _SAME.get(match[1], match[1])
        machines = _MACHINES.get(word, frozenset())
        if match[2] == "android":
            return _Place("Android", machines, word=match[1])
        return _Place("Linux", machines, _libc(stem, match[2] or ""), match[1])
    match = _OF_OTHERS.fullmatch(stem)
    if match is None:
        return None
    if match[1].startswith("win"):
        return _Place(_WINDOWS, frozenset({match[1]}), word=match[1])
    return _Place(_TITLES.get(match[1], _WASM))


def _libc(stem: str, word: str) -> str:
    """Return the C library that a triplet names, where it counts."""
    version = _CPYTHON.fullmatch(stem)
    strict = version is not None and int(version[1]) >= _FIRST_MUSL
    return _LIBCS.get(word, "") if strict or word == "musl" else ""


def _of_tag(tag: str) -> _Place | None:
    """Return what a platform tag speaks of; None for `any`, and for systems that are not known here."""
    match = _FAMILY.match(tag)
    if match is None or match[0] == "any":
        return None
    if match[0] == "ios":
        sdk = tag.rpartition("_")[2]
        return _Place(_SDKS[sdk]) if sdk in _SDKS else None
    if match[0] not in _FAMILIES:
        return None
    system, libc = _FAMILIES[match[0]]
    if system == _WINDOWS:
        return _Place(system, frozenset({tag}), word=tag)
    known = [machine for machine in _KNOWN if tag.endswith(f"_{machine}")] if system in {"Linux", "Android"} else []
    machine = max(known, key=len, default="")
    return _Place(system, frozenset({machine} - {""}), libc, machine)
