"""What `truewheel accepts` tells: answers for targets, the table of a wheel, who gains and loses by another name."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from truewheel.archive.reader import WheelReader
from truewheel.retagger.acceptance.letters import lowered, parse_as_written
from truewheel.retagger.acceptance.matrix import gained, matrix
from truewheel.retagger.acceptance.table import compressed
from truewheel.retagger.acceptance.wording import told
from truewheel.retagger.accepts import accepts, is_understood, satisfies

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.archive.names import WheelName
    from truewheel.retagger.acceptance.matrix import Matrix
    from truewheel.retagger.acceptance.target import Target
    from truewheel.retagger.acceptance.wording import TableTold
    from truewheel.retagger.accepts import Acceptance

SCHEMA = "truewheel.accepts/1"
_REQUIRES_PYTHON = re.compile(rb"^requires-python:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


class Candidate(NamedTuple):
    """A wheel that may be installed. requires_python: of its metadata; empty when it has none or was not looked at."""

    file: str
    name: WheelName
    requires_python: str


class Answer(NamedTuple):
    """What one target does with a wheel. target: as it was named; means: as it was understood."""

    target: str
    means: str
    acceptance: Acceptance


class Comparison(NamedTuple):
    """Who takes the new wheel but not the old one, and who the old one but not the new one; None for nobody."""

    old: str
    new: str
    gains: TableTold | None
    losses: TableTold | None


def candidate(path: Path, *, by_name: bool) -> Candidate:
    """Return a wheel. by_name: look at the file's name alone; the file need not exist.

    Raises InvalidWheelError for a name that is no wheel's, and what `WheelReader.open` raises.
    """
    name = parse_as_written(path.name)
    return Candidate(path.name, name, "" if by_name else _requires_python(path, name))


def _requires_python(path: Path, name: WheelName) -> str:
    with WheelReader.open(path, name=lowered(name)) as reader:
        headers, _, _ = reader.read(f"{reader.dist_info}/METADATA").replace(b"\r\n", b"\n").partition(b"\n\n")
    match = _REQUIRES_PYTHON.search(headers)
    return match[1].decode("utf-8", "replace").strip() if match else ""


def answer(wheel: Candidate, text: str, target: Target) -> Answer:
    """Return what a target does with a wheel."""
    return Answer(text, target.says, accepts(wheel.name, target, wheel.requires_python))


def table_of(wheel: Candidate) -> TableTold:
    """Return who takes a wheel."""
    return _table(wheel.name._replace(distribution="", version="", build=""), wheel.requires_python)


@lru_cache(maxsize=64)
def _table(name: WheelName, requires_python: str) -> TableTold:
    """Return who takes wheels of these tags: a release has many of the same, and a table takes long to make."""
    return told(compressed(_matrix(name, requires_python)))


def compare(old: Candidate, new: Candidate) -> Comparison:
    """Return who gains and who loses when the new wheel stands in the place of the old one."""
    before, after = _matrix(old.name, old.requires_python), _matrix(new.name, new.requires_python)
    return Comparison(old.file, new.file, _some(gained(after, before)), _some(gained(before, after)))


def _matrix(name: WheelName, requires_python: str) -> Matrix:
    return matrix(name, partial(_meets, requires_python), understood=is_understood(requires_python))


def _meets(requires_python: str, version: tuple[int, int]) -> bool:
    return satisfies(version, requires_python)


def _some(whole: Matrix) -> TableTold | None:
    return told(compressed(whole)) if any(cell.taking for cell in whole.values()) else None


def answer_json(one: Answer) -> dict[str, Any]:
    """Return an answer as JSON values."""
    return {
        "target": one.target,
        "means": one.means,
        "accepted": one.acceptance.accepted,
        "rank": one.acceptance.rank,
        "tag": one.acceptance.tag,
        "reason": one.acceptance.reason,
        "nearest": list(one.acceptance.nearest),
    }


def table_json(table: TableTold | None) -> dict[str, Any] | None:
    """Return a table as JSON values."""
    if table is None:
        return None
    rows = [{"systems": list(row.systems), "cells": [list(cell) for cell in row.cells]} for row in table.rows]
    return {"columns": list(table.columns), "rows": rows, "refusing": list(table.refusing), "notes": list(table.notes)}
