"""The tags that each generation of installers looks for on an interpreter, in blocks of platforms, best first.

Follows PEP 425, PEP 384 (`abi3`), PEP 703 (`t`) and PEP 803 (`abi3t`) the way `packaging.tags` orders them, and pip's
own code before it used packaging (`installers.toml` says how generations differ).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.retagger.acceptance.interpreters import Implementation
from truewheel.retagger.acceptance.systems import Family

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.retagger.acceptance.facts import Version
    from truewheel.retagger.acceptance.installers import Installer
    from truewheel.retagger.acceptance.interpreters import Interpreter

ANY = ("any",)
_FIRST_ABI3 = (3, 2)
_FIRST_WITHOUT_M = (3, 8)
_PYPY_RELEASE = (7, 3)
"""The release of PyPy that pip 8.0 to 19.3 put into its Python tag: `pp373` for every PyPy 3 of 7.3."""


class Block(NamedTuple):
    """Tags that differ in their platform alone, in the order of `platforms`."""

    python: str
    abi: str
    platforms: tuple[str, ...]


def blocks(
    interpreter: Interpreter, installer: Installer, platforms: tuple[str, ...], family: Family
) -> tuple[Block, ...]:
    """Return everything that is looked for, best first. platforms: without `any`, best first."""
    rules = _by_packaging if installer.rules == "packaging" else _by_old_pip
    return tuple(rules(interpreter, installer, platforms, windows=family is Family.WINDOWS))


def _by_packaging(
    interpreter: Interpreter, installer: Installer, platforms: tuple[str, ...], *, windows: bool
) -> Iterator[Block]:
    del windows  # packaging makes no difference
    tag, version = interpreter.tag, interpreter.version
    cpython = interpreter.implementation is Implementation.CPYTHON
    threads = interpreter.free_threaded and installer.free_threaded
    stable = "" if not cpython or version < _FIRST_ABI3 else "abi3"
    if threads:
        stable = "abi3t" if installer.abi3t else ""
    yield from (Block(tag, abi, platforms) for abi in _abis(interpreter, installer))
    if stable:
        yield Block(tag, stable, platforms)
    own_none = cpython or installer.own_none
    if own_none:
        yield Block(tag, "none", platforms)
    if stable:
        major, minor = version
        yield from (Block(f"cp{major}{older}", stable, platforms) for older in range(minor - 1, 1, -1))
    pythons = _pythons(version)
    yield from (Block(python, "none", platforms) for python in pythons)
    if own_none:
        yield Block(tag, "none", ANY)
    yield from (Block(python, "none", ANY) for python in pythons)


def _abis(interpreter: Interpreter, installer: Installer) -> Iterator[str]:
    """Yield the interpreter's own ABI, and what a debug build can load besides it."""
    if interpreter.implementation is not Implementation.CPYTHON:
        if installer.graalpy or interpreter.implementation is not Implementation.GRAALPY:
            yield interpreter.abi
        return
    flags = interpreter.flags if installer.free_threaded else interpreter.flags.replace("t", "")
    yield f"{interpreter.tag}{flags}"
    if "d" in flags and interpreter.version >= _FIRST_WITHOUT_M:
        yield f"{interpreter.tag}{flags.replace('d', '')}"


def _pythons(version: Version) -> tuple[str, ...]:
    """Return `py312`, `py3`, `py311` and so on down to `py30`."""
    major, minor = version
    return (f"py{major}{minor}", f"py{major}", *(f"py{major}{older}" for older in range(minor - 1, -1, -1)))


def _by_old_pip(
    interpreter: Interpreter, installer: Installer, platforms: tuple[str, ...], *, windows: bool
) -> Iterator[Block]:
    prefix, numbers = _old_numbers(interpreter, installer)
    major, tag = numbers[0][0], f"{prefix}{numbers[0]}"
    own, stable = _old_abis(interpreter, installer, windows=windows)
    yield from (Block(tag, abi, platforms) for abi in (*own, *stable, "none"))
    if installer.abi3_older:
        older = [number for number in numbers[1:] if number not in ("30", "31")]
        yield from (Block(f"{prefix}{number}", abi, platforms) for number in older for abi in stable)
    if installer.python_platform:
        yield Block(f"py{major}", "none", platforms[-1:] if installer.python_platform == "last" else platforms)
    yield Block(tag, "none", ANY)
    yield Block(f"{prefix}{major}", "none", ANY)
    if installer.cp_any == "older":
        yield from (Block(f"{prefix}{number}", "none", ANY) for number in numbers[1:])
    yield Block(f"py{numbers[0]}", "none", ANY)
    yield Block(f"py{major}", "none", ANY)
    yield from (Block(f"py{number}", "none", ANY) for number in numbers[1:])


def _old_numbers(interpreter: Interpreter, installer: Installer) -> tuple[str, tuple[str, ...]]:
    """Return how tags begin, and the numbers of this version and of all older ones with the same beginning.

    pip 8.0 to 19.3 count PyPy by its own release instead of the Python's.
    """
    major, minor = interpreter.version
    if interpreter.implementation is Implementation.PYPY and installer.abi != "soabi":
        release, newest = _PYPY_RELEASE
        return "pp", tuple(f"{major}{release}{older}" for older in range(newest, -1, -1))
    return interpreter.implementation.value, tuple(f"{major}{older}" for older in range(minor, -1, -1))


def _old_abis(
    interpreter: Interpreter, installer: Installer, *, windows: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the interpreter's own ABI and the stable ABI, as far as that pip knows them."""
    cpython = interpreter.implementation is Implementation.CPYTHON
    says = cpython and not windows and interpreter.version >= _FIRST_ABI3
    own = interpreter.abi.replace("t", "") if cpython else interpreter.abi
    known = says or installer.abi == "emulated"
    return (own,) if known else (), ("abi3",) if says else ()
