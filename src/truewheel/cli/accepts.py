"""`truewheel accepts`: who can install a wheel, as a table, answers for targets, or a comparison of two wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from truewheel.cli.each import for_all, for_each
from truewheel.cli.format import plural, screen_width, wrapped
from truewheel.cli.output import echo, say, say_json, style
from truewheel.errors import ExitCode
from truewheel.retagger.acceptance.report import (
    SCHEMA,
    answer,
    answer_json,
    candidate,
    compare,
    table_json,
    table_of,
)
from truewheel.retagger.accepts import targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from truewheel.cli.each import Failures
    from truewheel.retagger.acceptance.report import (
        Answer,
        Candidate,
        Comparison,
    )
    from truewheel.retagger.acceptance.wording import TableTold

Result = TypeVar("Result")

_OLD_AND_NEW = 2
_NARROWEST = 16
"""How many columns of the screen a cell has at least; a table that leaves less is told row by row."""
_GAP = 3


def accept_wheels(options: Mapping[str, Any]) -> ExitCode:
    """Answer what the command asks: about targets, about two wheels, or about everyone."""
    if options["target"]:
        return _answer(options)
    if len(options["wheels"]) == _OLD_AND_NEW:
        return _compare(options)
    return _tell(options)


def _answer(options: Mapping[str, Any]) -> ExitCode:
    chosen = tuple(zip(options["target"], targets(options["target"]), strict=True))
    wheels: list[dict[str, Any]] = []
    refused = False

    def work(path: Path) -> tuple[Candidate, list[Answer]]:
        wheel = _candidate(path, options)
        return wheel, [answer(wheel, text, target) for text, target in chosen]

    def present(found: tuple[Candidate, list[Answer]]) -> None:
        nonlocal refused
        wheel, answers = found
        refused = refused or not all(one.acceptance.accepted for one in answers)
        wheels.append(_wheel_json(wheel, answers, None))
        if not options["as_json"]:
            for one in answers:
                _say_all(_answer_lines(wheel, one))

    failures, code = _each(options, work, present)
    _print_json(options, wheels, None, failures)
    return ExitCode.REFUSED if refused and code is ExitCode.DONE else code


def _compare(options: Mapping[str, Any]) -> ExitCode:
    wheels: list[Candidate] = []
    results: list[Comparison] = []

    def work(paths: tuple[Path, ...]) -> Comparison:
        wheels.extend(_candidate(path, options) for path in paths)
        return compare(*wheels)

    def present(found: Comparison) -> None:
        results.append(found)
        if not options["as_json"]:
            _say_all(_comparison_lines(found))

    failures, code = for_all(options["wheels"], work, present, must_exist=not options["name"])
    comparison = results[0] if results else None
    _print_json(options, [_wheel_json(wheel, [], None) for wheel in wheels], comparison, failures)
    return code


def _tell(options: Mapping[str, Any]) -> ExitCode:
    wheels: list[dict[str, Any]] = []

    def work(path: Path) -> tuple[Candidate, TableTold]:
        wheel = _candidate(path, options)
        return wheel, table_of(wheel)

    def present(found: tuple[Candidate, TableTold]) -> None:
        wheel, table = found
        if not options["as_json"]:
            if wheels:
                echo()
            _say_all(_head(wheel))
            _say_all(_table_lines(table, refusing=True))
        wheels.append(_wheel_json(wheel, [], table))

    failures, code = _each(options, work, present)
    _print_json(options, wheels, None, failures)
    return code


def _candidate(path: Path, options: Mapping[str, Any]) -> Candidate:
    return candidate(path, by_name=options["name"])


def _each(
    options: Mapping[str, Any], work: Callable[[Path], Result], present: Callable[[Result], None]
) -> tuple[Failures, ExitCode]:
    return for_each(options["wheels"], work, present, must_exist=not options["name"])


def _say_all(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


def _head(wheel: Candidate) -> Iterator[str]:
    yield style(wheel.file, bold=True)
    if wheel.requires_python:
        yield f"Requires-Python: {wheel.requires_python}"
    yield ""


def _answer_lines(wheel: Candidate, one: Answer) -> Iterator[str]:
    accepted = one.acceptance.accepted
    word = style("accepted", fg="green") if accepted else style("refused", fg="red")
    yield f"{wheel.file}: {word} ({one.target})"
    for line in wrapped(one.acceptance.reason, 2, screen_width()):
        yield f"  {line}"
    if accepted:
        yield f"  rank {one.acceptance.rank}: it looks for {_before(one.acceptance.rank)} before this one"
    elif one.acceptance.nearest:
        for line in wrapped(f"it would take {', '.join(one.acceptance.nearest)}", 2, screen_width()):
            yield f"  {line}"


def _before(rank: int | None) -> str:
    return plural(rank, "tag") if rank else "no tag"


def _comparison_lines(found: Comparison) -> Iterator[str]:
    yield f"from  {style(found.old, bold=True)}"
    yield f"to    {style(found.new, bold=True)}"
    for word, colour, table in (("gains", "green", found.gains), ("loses", "red", found.losses)):
        yield ""
        if table is None:
            yield f"nobody {word}"
            continue
        yield style(f"who {word}", fg=colour)
        yield from _table_lines(table, refusing=False)


def _table_lines(table: TableTold, *, refusing: bool) -> Iterator[str]:
    """Yield a table: as columns where the screen has room for them, or else row by row."""
    width = screen_width()
    labels = [wrapped(text, 2, width) for text in ("; ".join(row.systems) for row in table.rows)]
    first = max((len(line) for lines in labels for line in lines), default=0)
    first = min(first, width // 3)
    room = (width - first) // max(len(table.columns), 1) - _GAP
    if table.rows:
        lines = _in_columns(table, first, room) if room >= _NARROWEST else _row_by_row(table, width)
        yield from lines
    if refusing and table.refusing:
        yield from _hanging("nobody on", "; ".join(table.refusing), width)
    for note in table.notes:
        yield from _hanging("note", note, width)


def _in_columns(table: TableTold, first: int, room: int) -> Iterator[str]:
    rows = [("", table.columns)]
    rows += [("; ".join(row.systems), tuple(", ".join(cell) or "-" for cell in row.cells)) for row in table.rows]
    for number, (label, cells) in enumerate(rows):
        parts = [wrapped(label, 0, max(first, 20)) or [""], *(wrapped(cell, 0, max(room, 20)) for cell in cells)]
        for line in range(max(map(len, parts))):
            texts = [part[line] if line < len(part) else "" for part in parts]
            widths = [first, *(room for _ in cells)]
            padded = (f"{text:{size}}" for text, size in zip(texts, widths, strict=True))
            text = (" " * _GAP).join(padded).rstrip()
            yield style(text, bold=True) if number == 0 else text


def _row_by_row(table: TableTold, width: int) -> Iterator[str]:
    for row in table.rows:
        yield style("; ".join(row.systems), bold=True)
        for column, cell in zip(table.columns, row.cells, strict=True):
            for line in wrapped(f"{column}: {', '.join(cell) or '-'}", 2, width):
                yield f"  {line}"


def _hanging(name: str, text: str, width: int) -> Iterator[str]:
    first, *rest = wrapped(text, len(name) + 2, width)
    yield ""
    yield f"{name}  {first}"
    yield from (f"{'':{len(name) + 2}}{line}" for line in rest)


def _wheel_json(wheel: Candidate, answers: Sequence[Answer], table: TableTold | None) -> dict[str, Any]:
    return {
        "file": wheel.file,
        "requires_python": wheel.requires_python,
        "answers": [answer_json(one) for one in answers],
        "table": table_json(table),
    }


def _print_json(
    options: Mapping[str, Any],
    wheels: list[dict[str, Any]],
    comparison: Comparison | None,
    failures: Failures,
) -> None:
    if not options["as_json"]:
        return
    change = None
    if comparison:
        tables = {"gains": table_json(comparison.gains), "losses": table_json(comparison.losses)}
        change = {"old": comparison.old, "new": comparison.new, **tables}
    document = {"schema": SCHEMA, "wheels": wheels, "comparison": change, "failed": failures}
    say_json(document)
