"""Interpreters, by what they call themselves in tags.

Follows PEP 425 (`cp312`, `pp311`), PEP 3149 (the flags `m` and `u` behind the version), PEP 703 (`t`) and the file
endings of PyPy and GraalPy. Which there are is data.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from truewheel.retagger.acceptance.facts import facts, span_of, version_of

if TYPE_CHECKING:
    from truewheel.retagger.acceptance.facts import Span, Version

_FIRST_WITHOUT_M = (3, 8)
_FIRST_WITHOUT_WIDTH = (3, 3)
_CPYTHON = re.compile(r"(?:cp|cpython-?|python-?)?([23])\.?(\d{1,2})(t?d?m?u?)")
_OTHER = re.compile(r"(pp|pypy-?|gp|graalpy-?)([23])\.?(\d{1,2})")


class Implementation(Enum):
    """Which Python it is; the value begins its tag."""

    CPYTHON = "cp"
    PYPY = "pp"
    GRAALPY = "graalpy"


_NAMES = {Implementation.PYPY: "PyPy ", Implementation.GRAALPY: "GraalPy "}


class Interpreter(NamedTuple):
    """One interpreter. abi: its own ABI tag, such as `cp312`, `cp27mu`, `cp313t` or `pypy311_pp73`."""

    implementation: Implementation
    version: Version
    abi: str

    @property
    def tag(self) -> str:
        """The Python tag, such as `cp312`."""
        return f"{self.implementation.value}{self.version[0]}{self.version[1]}"

    @property
    def flags(self) -> str:
        """What follows the version in the ABI tag of CPython; empty for others."""
        return self.abi.removeprefix(self.tag) if self.implementation is Implementation.CPYTHON else ""

    @property
    def free_threaded(self) -> bool:
        """Whether it has no global lock, so that it cannot load modules of the stable ABI `abi3`."""
        return "t" in self.flags

    @property
    def name(self) -> str:
        """How a person calls it: `3.12`, `3.13t`, `2.7mu`, `PyPy 3.11`."""
        number = "{}.{}".format(*self.version)
        flags = self.flags if self.version < _FIRST_WITHOUT_WIDTH else self.flags.replace("m", "")
        return f"{_NAMES.get(self.implementation, '')}{number}{flags}"


class Build(NamedTuple):
    """Who built an interpreter for macOS.

    reports: the platform that it says to run on, with `{version}` and `{architecture}` for those of the Mac.
    old_sdk: whether it is told that macOS 11 and later were 10.16.
    pythons: which versions are built so.
    until: the newest macOS that comes with it; None when any may have it.
    """

    name: str
    also: tuple[str, ...]
    architecture: str
    reports: str
    old_sdk: bool
    pythons: Span
    until: Version | None

    def platform(self, version: Version) -> str:
        """Return the platform tag that the interpreter reports on a Mac of this version."""
        return self.reports.format(version="{}_{}".format(*version))


@cache
def interpreters() -> tuple[Interpreter, ...]:
    """Return every interpreter that the table of `truewheel accepts` speaks of: by implementation, oldest first."""
    table = facts("interpreters")
    cpython = tuple(_cpython(version_of(text), flags) for text, all_ in table["cpython"].items() for flags in all_)
    pypy = tuple(Interpreter(Implementation.PYPY, version_of(text), abi) for text, abi in table["pypy"].items())
    graal = tuple(Interpreter(Implementation.GRAALPY, version_of(text), abi) for text, abi in table["graalpy"].items())
    return cpython + pypy + graal


@cache
def builds() -> tuple[Build, ...]:
    """Return who builds interpreters for macOS; of several that fit, the first is the usual one."""
    return tuple(
        Build(
            name=item["name"],
            also=tuple(item.get("also", ())),
            architecture=item["architecture"],
            reports=item["reports"],
            old_sdk=item.get("old_sdk", False),
            pythons=span_of(item["pythons"]),
            until=version_of(item["until"]) if "until" in item else None,
        )
        for item in facts("interpreters")["builds"]
    )


def builds_for(interpreter: Interpreter, version: Version, architecture: str) -> tuple[Build, ...]:
    """Return who builds this interpreter for a Mac of this version and architecture; only CPython is told apart."""
    if interpreter.implementation is not Implementation.CPYTHON:
        return ()
    return tuple(
        build
        for build in builds()
        if build.architecture == architecture
        and interpreter.version in build.pythons
        and (build.until is None or version <= build.until)
    )


def parse_interpreter(text: str, *, wide: bool = True) -> Interpreter | None:
    """Return the interpreter of a word such as `cp312`, `3.13t`, `cp27mu`, `pp311` or `graalpy312`; None for others.

    wide: which Python 2.7 is meant when the word has no flags: the one with wide Unicode characters, or the narrow one.
    """
    if match := _CPYTHON.fullmatch(text):
        version = int(match[1]), int(match[2])
        return _cpython(version, match[3] or _usual_flags(version, wide=wide))
    if match := _OTHER.fullmatch(text):
        kind = Implementation.PYPY if match[1].startswith("p") else Implementation.GRAALPY
        wanted = (kind, (int(match[2]), int(match[3])))
        return next((item for item in interpreters() if item[:2] == wanted), None)
    return None


def _usual_flags(version: Version, *, wide: bool) -> str:
    if version >= _FIRST_WITHOUT_M:
        return ""
    return "mu" if wide and version < _FIRST_WITHOUT_WIDTH else "m"


def _cpython(version: Version, flags: str) -> Interpreter:
    return Interpreter(Implementation.CPYTHON, version, "cp{}{}{}".format(*version, flags))
