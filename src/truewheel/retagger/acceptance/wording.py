"""The table of who takes a wheel in words: ranges of systems, of installers and of Pythons."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from truewheel.retagger.acceptance.installers import between, installers
from truewheel.retagger.acceptance.interpreters import Implementation, interpreters
from truewheel.retagger.acceptance.matrix import pythons
from truewheel.retagger.acceptance.systems import Family, distributions_from, systems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from truewheel.retagger.acceptance.installers import Installer
    from truewheel.retagger.acceptance.interpreters import Interpreter
    from truewheel.retagger.acceptance.matrix import Cell
    from truewheel.retagger.acceptance.systems import TargetSystem
    from truewheel.retagger.acceptance.table import Table

_TITLES = {Family.GLIBC: "Linux glibc", Family.MUSL: "Linux musl", Family.ANDROID: "Android API"}
_OPEN = frozenset({Family.GLIBC, Family.MUSL, Family.ANDROID, Family.IOS})
"""Families whose newest known version says nothing of the last one: there, a range has no end."""
_SHORT = 40
"""How long a list of refusing systems may be before it is told in general."""


class RowTold(NamedTuple):
    """One row. systems: ranges of systems; cells: for each column, ranges of the Pythons that take the wheel there."""

    systems: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


class TableTold(NamedTuple):
    """The table in words.

    columns: what each column's installers are called. refusing: where nobody takes the wheel. notes: which well-known
    distributions have the glibc of a row.
    """

    columns: tuple[str, ...]
    rows: tuple[RowTold, ...]
    refusing: tuple[str, ...]
    notes: tuple[str, ...]


def told(table: Table) -> TableTold:
    """Return a table in words."""
    rows = tuple(
        RowTold(_systems(row.systems), tuple(tuple(_pythons(cell)) for cell in row.cells)) for row in table.rows
    )
    columns = tuple(_installers(column.installers) for column in table.columns)
    return TableTold(columns, rows, _refusing(table), tuple(_notes(table)))


def _refusing(table: Table) -> tuple[str, ...]:
    """Return where nobody takes the wheel; of a family that the rows speak of too, the long lists are left to them."""
    spoken = {system.family for row in table.rows for system in row.systems}
    texts = []
    for family, group in groupby(table.refusing, key=lambda system: system.family):
        exact = _family(family, list(group))
        short = family not in spoken or len(exact) <= _SHORT
        texts.append(exact if short else f"{_TITLES.get(family, family.value)} otherwise")
    return tuple(texts) if table.rows else ("every system",)


def _systems(some: Sequence[TargetSystem]) -> tuple[str, ...]:
    """Return what systems are called, whole families by their name alone."""
    if len(some) == len(systems()):
        return ("every system",)
    by_family: dict[Family, list[TargetSystem]] = {}
    for system in some:
        by_family.setdefault(system.family, []).append(system)
    return tuple(_family(family, members) for family, members in by_family.items())


def _family(family: Family, members: Sequence[TargetSystem]) -> str:
    title = _TITLES.get(family, family.value)
    whole = [system for system in systems() if system.family is family]
    if len(members) == len(whole):
        return title.removesuffix(" API")
    if family is Family.WINDOWS:
        return f"{title} {_joined([system.architecture.removeprefix('win_') for system in members])}"
    ranges: dict[str, list[str]] = {}
    for kind, group in groupby(sorted(members, key=_place), key=_kind):
        known = [system for system in whole if _kind(system) == kind]
        ranges.setdefault(_ranges(list(group), known), []).append(kind)
    if family is Family.PYODIDE:
        return f"{title} {next(iter(ranges))}"
    return f"{title} {', '.join(f'{text} {_joined(kinds)}' for text, kinds in ranges.items())}"


def _place(system: TargetSystem) -> int:
    return systems().index(system)


def _kind(system: TargetSystem) -> str:
    return system.kind or system.architecture


def _ranges(some: Sequence[TargetSystem], known: Sequence[TargetSystem]) -> str:
    """Return versions of one kind as ranges: `10.6 - 10.8, 10.10 - 26`."""
    runs: list[list[int]] = []
    for place in (known.index(system) for system in some):
        if runs and place == runs[-1][1] + 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    texts = []
    for first, last in runs:
        start, end = known[first].number, known[last].number
        if last == len(known) - 1 and known[0].family in _OPEN:
            texts.append(f"{start} and later")
        else:
            texts.append(start if first == last else f"{start} - {end}")
    return ", ".join(texts)


def _installers(some: Sequence[Installer]) -> str:
    if len(some) == len(installers()):
        return "every installer"
    pips = [installer for installer in some if installer.program == "pip"]
    names = [between(pips[-1], pips[0])] if pips else []
    return ", ".join([*names, *dict.fromkeys(item.program for item in some if item.program != "pip")])


def _pythons(cell: Cell) -> Iterator[str]:
    """Yield ranges of the interpreters that take the wheel; who built them only where that makes a difference."""
    there, taking = _by_interpreter(cell.there), _by_interpreter(cell.taking)
    taken: dict[tuple[str, str], list[Interpreter]] = {}
    for interpreter, built in _without_doubles(taking, there).items():
        who = "" if built == there[interpreter] else _joined(list(dict.fromkeys(name for name in built if name)))
        taken.setdefault((_series(interpreter), who), []).append(interpreter)
    for (series, who), members in taken.items():
        known = [interpreter for interpreter in interpreters() if _series(interpreter) == series]
        for run in _runs(members, known):
            yield f"{_range(run, there, taking)}{f' ({who})' if who else ''}"


def _without_doubles(
    taking: dict[Interpreter, list[str]], there: dict[Interpreter, list[str]]
) -> dict[Interpreter, list[str]]:
    """Leave the Python with wide characters out where the narrow one of the same version does the same."""
    whole = {item for item, built in taking.items() if built == there[item]}
    narrow = {item.version for item in whole if item.flags == "m"}
    return {
        item: built
        for item, built in taking.items()
        if not ("u" in item.flags and item in whole and item.version in narrow)
    }


def _by_interpreter(bits: int) -> dict[Interpreter, list[str]]:
    """Return the interpreters of bits, oldest first, with the names of who built them."""
    result: dict[Interpreter, list[str]] = {}
    for place, python in enumerate(pythons()):
        if bits >> place & 1:
            result.setdefault(python.interpreter, []).append(python.build.name if python.build else "")
    return dict(sorted(result.items(), key=lambda item: interpreters().index(item[0])))


def _series(interpreter: Interpreter) -> str:
    """Return what interpreters of one range have in common."""
    if interpreter.implementation is not Implementation.CPYTHON:
        return str(interpreter.implementation.value)
    return f"{interpreter.version[0]}{interpreter.flags.replace('m', '')}"


def _runs(members: Sequence[Interpreter], known: Sequence[Interpreter]) -> Iterator[list[Interpreter]]:
    run: list[Interpreter] = []
    for interpreter in members:
        if run and known.index(interpreter) != known.index(run[-1]) + 1:
            yield run
            run = []
        run.append(interpreter)
    yield run


def _range(run: Sequence[Interpreter], there: Collection[Interpreter], taking: Collection[Interpreter]) -> str:
    """Return a range of interpreters; the flags of Python 2.7 only where they make a difference."""
    first, last = run[0], run[-1]
    kinds = [[item for item in some if item.tag == first.tag] for some in (there, taking)]
    start = first.name.rstrip("mu") if kinds[0] == kinds[1] else first.name
    end = last.name.removeprefix("PyPy ").removeprefix("GraalPy ")
    return start if first == last else f"{start} - {end}"


def _joined(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _notes(table: Table) -> Iterator[str]:
    """Yield, for each glibc that a row begins with, the first well-known distributions that have it."""
    first = dict.fromkeys(
        min(system.version for system in row.systems if system.family is Family.GLIBC)
        for row in table.rows
        if any(system.family is Family.GLIBC for system in row.systems)
    )
    oldest = min(system.version for system in systems() if system.family is Family.GLIBC)
    for version in sorted(first):
        if version != oldest:
            yield f"glibc {version[0]}.{version[1]} and later: {', '.join(distributions_from(version))} ..."
