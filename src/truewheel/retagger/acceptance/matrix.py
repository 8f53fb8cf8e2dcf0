"""Who takes a wheel: every interpreter on every system with every installer, as a table of bits.

One row for each system, one column for each generation of installers, and in each cell one bit for each interpreter.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from truewheel.retagger.acceptance.installers import Installer, installers
from truewheel.retagger.acceptance.interpreters import Implementation, builds, interpreters
from truewheel.retagger.acceptance.letters import lowered
from truewheel.retagger.acceptance.platform_tags import platform_tags
from truewheel.retagger.acceptance.python_tags import ANY, blocks
from truewheel.retagger.acceptance.systems import Family, TargetSystem, systems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from truewheel.archive.names import WheelName
    from truewheel.retagger.acceptance.facts import Version
    from truewheel.retagger.acceptance.interpreters import Build, Interpreter


class Python(NamedTuple):
    """One column of bits: an interpreter, and on macOS who built it."""

    interpreter: Interpreter
    build: Build | None


class Cell(NamedTuple):
    """Bits by interpreter: which there are, and which of them take the wheel."""

    there: int
    taking: int

    def agrees(self, other: Cell) -> bool:
        """Whether both say the same of every interpreter that both have."""
        return not (self.taking ^ other.taking) & self.there & other.there

    def joined(self, other: Cell) -> Cell:
        """Return what both say together."""
        return Cell(self.there | other.there, self.taking | other.taking)


EMPTY = Cell(0, 0)
Matrix = dict[tuple[TargetSystem, Installer], Cell]


@cache
def pythons() -> tuple[Python, ...]:
    """Return what each bit stands for: every interpreter without a build, then with each build there is."""
    plain = tuple(Python(interpreter, None) for interpreter in interpreters())
    built = (
        Python(interpreter, build)
        for interpreter in interpreters()
        for build in builds()
        if interpreter.implementation is Implementation.CPYTHON and interpreter.version in build.pythons
    )
    return plain + tuple(built)


def matrix(name: WheelName, allowed: Callable[[Version], bool], *, understood: bool = True) -> Matrix:
    """Return who takes a wheel of this name.

    name: with its tags as they are written. allowed: whether a Python meets the wheel's Requires-Python.
    understood: whether that is a version specifier.
    """
    return dict(_cells(name, allowed, understood=understood))


def anyone(name: WheelName) -> bool:
    """Whether anybody takes a wheel of this name, whatever its Requires-Python."""
    return any(cell.taking for _, cell in _cells(name, lambda _: True, understood=True))


def _cells(
    name: WheelName, allowed: Callable[[Version], bool], *, understood: bool
) -> Iterator[tuple[tuple[TargetSystem, Installer], Cell]]:
    """Yield what each system and installer does, the newest installer first."""
    permitted = _bits([allowed(python.interpreter.version) for python in pythons()])
    for installer in installers():
        wanted = name if installer.exact_case else lowered(name)
        used = _bits([_together(python, installer) for python in pythons()])
        pairs = {windows: _pairs(wanted, installer, windows=windows) for windows in (False, True)}
        for system in systems():
            present = _there(system) & used
            if present:
                taking = _taking(wanted, system, installer, pairs[system.family is Family.WINDOWS])
                taking &= permitted if installer.requires_python else present
                refused = installer.strict_metadata and not understood
                yield (system, installer), Cell(present, 0 if refused else taking & present)


def gained(new: Matrix, old: Matrix) -> Matrix:
    """Return, of every target, whether it takes the new wheel and did not take the old one."""
    return {place: Cell(cell.there, cell.taking & ~old[place].taking) for place, cell in new.items()}


def _bits(chosen: Iterable[bool]) -> int:
    """Return the bits of the interpreters that are chosen, one answer for each."""
    return sum(1 << place for place, yes in enumerate(chosen) if yes)


@cache
def _there(system: TargetSystem) -> int:
    """Return the bits of the interpreters that there are for a system."""
    return _bits([_is_there(python, system) for python in pythons()])


def _is_there(python: Python, system: TargetSystem) -> bool:
    """Whether there is such an interpreter for a system."""
    interpreter, build = python
    cpython = interpreter.implementation is Implementation.CPYTHON
    built = build is not None
    if interpreter.version not in system.pythons or built != (cpython and system.family is Family.MACOS):
        return False
    narrow = "u" not in interpreter.flags
    if build is not None:
        fits = build.architecture == system.architecture and narrow
        return fits and (build.until is None or system.version <= build.until)
    if system.family in (Family.GLIBC, Family.MUSL):
        return True
    if system.family in (Family.WINDOWS, Family.MACOS):
        return narrow
    return cpython and not interpreter.free_threaded


def _together(python: Python, installer: Installer) -> bool:
    """Whether the installer's releases and the interpreter were used together."""
    interpreter = python.interpreter
    if interpreter.implementation is not Implementation.CPYTHON and installer.rules != "packaging":
        return False
    if interpreter.free_threaded and not installer.free_threaded:
        return False
    return installer.met(interpreter.version)


class _Pairs(NamedTuple):
    """Bits of the interpreters whose Python and ABI tags match: for `any`, every platform, and the last one alone."""

    anywhere: int
    every: int
    last: int


_MARKS = ("first", "last")
"""Stand-ins for platform tags, to learn of which ones a block speaks."""


def _pairs(name: WheelName, installer: Installer, *, windows: bool) -> _Pairs:
    family = Family.WINDOWS if windows else Family.GLIBC
    found: dict[tuple[str, ...], int] = {}
    by_interpreter: dict[Interpreter, int] = {}
    for place, python in enumerate(pythons()):
        by_interpreter[python.interpreter] = by_interpreter.get(python.interpreter, 0) | 1 << place
    for interpreter, bits in by_interpreter.items():
        for block in blocks(interpreter, installer, _MARKS, family):
            if block.python in name.python and block.abi in name.abi:
                found[block.platforms] = found.get(block.platforms, 0) | bits
    return _Pairs(found.get(ANY, 0), found.get(_MARKS, 0), found.get(_MARKS[-1:], 0))


_BEGINS = {
    Family.GLIBC: ("linux_", "manylinux"),
    Family.MUSL: ("linux_", "musllinux"),
    Family.MACOS: ("macosx_",),
    Family.WINDOWS: ("win",),
    Family.ANDROID: ("android_",),
    Family.IOS: ("ios_",),
    Family.PYODIDE: ("pyemscripten_", "pyodide_", "emscripten_"),
}
"""How the platform tags of a family begin; a wheel without one need not be compared with all of them."""


def _taking(name: WheelName, system: TargetSystem, installer: Installer, pairs: _Pairs) -> int:
    """Return the bits of the interpreters that take the wheel, of those that there may be."""
    result = pairs.anywhere if ANY[0] in name.platform else 0
    begins = _BEGINS[system.family]
    if not (pairs.every or pairs.last) or not any(platform.startswith(begins) for platform in name.platform):
        return result
    wanted = set(name.platform)
    mac = system.architecture if system.family is Family.MACOS else ""
    for build, bits in _by_build().items():
        if build is None or build.architecture == mac:
            platforms = platform_tags(system, installer, build)
            result |= pairs.every & bits if not wanted.isdisjoint(platforms) else 0
            result |= pairs.last & bits if not wanted.isdisjoint(platforms[-1:]) else 0
    return result


@cache
def _by_build() -> dict[Build | None, int]:
    """Return the bits of the interpreters of each build."""
    chosen = dict.fromkeys((None, *builds()))
    return {build: _bits([python.build == build for python in pythons()]) for build in chosen}
