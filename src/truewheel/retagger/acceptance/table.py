"""The table of who takes a wheel, compressed to what differs: neighbours that agree are told together.

Two cells agree when they say the same of every interpreter that both have: a pip that never met Python 3.14 has no say
about it.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from truewheel.retagger.acceptance.installers import installers
from truewheel.retagger.acceptance.matrix import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from truewheel.retagger.acceptance.installers import Installer
    from truewheel.retagger.acceptance.matrix import Cell
    from truewheel.retagger.acceptance.systems import TargetSystem


class Column(NamedTuple):
    """Generations of installers that are told together, newest first."""

    installers: tuple[Installer, ...]


class Row(NamedTuple):
    """Systems that are told together, and a cell for each column."""

    systems: tuple[TargetSystem, ...]
    cells: tuple[Cell, ...]


class Table(NamedTuple):
    """What is left once neighbours that agree are told together. refusing: systems on which nobody takes the wheel."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    refusing: tuple[TargetSystem, ...]


def compressed(whole: Mapping[tuple[TargetSystem, Installer], Cell]) -> Table:
    """Return a table with as few rows and columns as tell the same."""
    order = tuple(dict.fromkeys(system for system, _ in whole))
    taking = tuple(system for system in order if any(whole.get((system, i), EMPTY).taking for i in installers()))
    columns = _columns(whole, taking)
    rows = [Row((system,), tuple(_cell(whole, system, column) for column in columns)) for system in taking]
    refusing = tuple(system for system in order if system not in set(taking))
    return Table(tuple(Column(column) for column in columns), tuple(_merged(rows)), refusing)


def _cell(
    whole: Mapping[tuple[TargetSystem, Installer], Cell], system: TargetSystem, column: Iterable[Installer]
) -> Cell:
    result = EMPTY
    for installer in column:
        result = result.joined(whole.get((system, installer), EMPTY))
    return result


def _columns(
    whole: Mapping[tuple[TargetSystem, Installer], Cell], order: Sequence[TargetSystem]
) -> list[tuple[Installer, ...]]:
    """Return generations in groups of neighbours that agree on every system."""
    groups: list[tuple[Installer, ...]] = []
    for installer in installers():
        cells = [whole.get((system, installer), EMPTY) for system in order]
        if not any(cell.there for cell in cells):
            continue
        if groups and all(
            _cell(whole, system, groups[-1]).agrees(cell) for system, cell in zip(order, cells, strict=True)
        ):
            groups[-1] += (installer,)
        else:
            groups.append((installer,))
    return groups


def _merged(rows: Sequence[Row]) -> list[Row]:
    """Return rows in which neighbours of one architecture, and then whatever architectures, that agree are one."""
    ranges: list[Row] = []
    for _, group in groupby(rows, key=lambda row: row.systems[0]._replace(version=(0, 0), name="")):
        runs: list[Row] = []
        for row in group:
            if runs and _agree(runs[-1], row):
                runs[-1] = _union(runs[-1], row)
            else:
                runs.append(row)
        ranges += runs
    merged: list[Row] = []
    for row in ranges:
        place = next((number for number, other in enumerate(merged) if _agree(other, row)), None)
        if place is None:
            merged.append(row)
        else:
            merged[place] = _union(merged[place], row)
    return merged


def _agree(one: Row, two: Row) -> bool:
    return all(first.agrees(second) for first, second in zip(one.cells, two.cells, strict=True))


def _union(one: Row, two: Row) -> Row:
    cells = tuple(first.joined(second) for first, second in zip(one.cells, two.cells, strict=True))
    return Row(one.systems + two.systems, cells)
