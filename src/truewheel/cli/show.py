"""`truewheel show`: one screen per wheel that a person understands, or the whole report as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from truewheel.analyzer.analyze import analyze
from truewheel.archive.reader import WheelReader
from truewheel.cli.each import for_each, search_from
from truewheel.cli.format import human_size, plural
from truewheel.platforms.judge import judge
from truewheel.platforms.verdict import sentences
from truewheel.report import Fate, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from truewheel.errors import ExitCode
    from truewheel.platforms.verdict import Reason
    from truewheel.report import FileGroup, LibraryLine, WheelReport

SCHEMA = "truewheel.show/1"
_COLOURS = {Fate.BUNDLE: "yellow", Fate.IN_WHEEL: "green", Fate.MISSING: "red", Fate.LEFT_OUT: "cyan"}
_FEW = 6
"""How many reasons, libraries of a group or warnings are listed before `-v` is asked for."""


def show_wheels(options: Mapping[str, Any]) -> ExitCode:
    """Show every wheel that the command names."""
    search = search_from(options)
    reports: list[WheelReport] = []

    def look(wheel: Path) -> WheelReport:
        with WheelReader.open(wheel) as reader:
            analysis = analyze(reader, search, jobs=options["jobs"])
            return report(wheel.name, wheel.stat().st_size, analysis, judge(analysis))

    def present(one: WheelReport) -> None:
        if not options["as_json"]:
            if reports:
                click.echo()
            for line in _screen(one, everything=bool(options["verbose"])):
                click.echo(line)
        reports.append(one)

    failures, code = for_each(options["wheels"], look, present)
    if options["as_json"]:
        wheels = [one.to_json() for one in reports]
        click.echo(json.dumps({"schema": SCHEMA, "wheels": wheels, "failed": failures}, indent=2))
    return code


def _screen(one: WheelReport, *, everything: bool) -> Iterator[str]:
    kind = ", ".join(filter(None, [one.architecture, one.libc])) or "no native code"
    files = plural(one.native_files, "native file")
    yield click.style(one.file, bold=True) + f"  {human_size(one.size)}, {files}, {kind}"
    yield ""
    yield from _labels(one)
    yield from _libraries(one, everything=everything)
    yield from _floor(one, everything=everything)
    yield from _few(
        [_row("" if number else "note", text) for number, text in enumerate(one.warnings)], everything=everything
    )
    yield _row("data", f"policies of {one.policy_data}")


def _few(lines: Sequence[str], *, everything: bool) -> Iterator[str]:
    """Yield the lines, or the first of them and how many there are more."""
    if everything or len(lines) <= _FEW + 1:
        yield from lines
        return
    yield from lines[:_FEW]
    yield _row("", f"and {len(lines) - _FEW} more (-v lists them)")


def _row(name: str, text: str) -> str:
    return f"{name:9} {text}".rstrip()


def _labels(one: WheelReport) -> Iterator[str]:
    for number, truth in enumerate(one.tags):
        yield _row("label" if number == 0 else "", f"{truth.tag}  {_truth_text(truth.true, truth.reasons)}")
    if not one.native_files:
        yield _row("", "no native file is inside: nothing ties this wheel to a platform")
        return
    if one.as_it_is is None:
        yield _row("as it is", "keeps the promise of no platform tag")
    elif one.as_it_is not in {truth.tag for truth in one.tags}:
        yield _row("as it is", f"keeps {one.as_it_is}")
    if one.could_be:
        how = ""
        if bundled := one.bundled:
            size = human_size(sum(line.size for line in bundled))
            how = f"  once `truewheel repair` has bundled {plural(len(bundled), 'library')} ({size})"
        yield _row("could be", click.style(".".join(one.could_be), bold=True) + how)
    else:
        yield _row("could be", click.style("nothing but linux", fg="red") + ", because")
        for reason in one.refusals:
            yield _row("", f"  {reason}")


def _truth_text(true: bool | None, reasons: tuple[Reason, ...]) -> str:  # noqa: FBT001
    if true is None:
        return "promises nothing about the system"
    if true:
        return click.style("true", fg="green")
    first = next((reason for reason in reasons if not reason.mendable), reasons[0])
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return click.style("not true", fg="red") + f": {first.file} {first.detail}{more}"


def _libraries(one: WheelReport, *, everything: bool) -> Iterator[str]:
    shown = [group for group in one.groups if group.lines]
    if not shown and not one.system:
        return
    yield ""
    yield "libraries"
    for group in shown:
        yield from _group(group, everything=everything)
    if one.system:
        yield f"  from the system: {', '.join(one.system)}"
    yield ""


def _group(group: FileGroup, *, everything: bool) -> Iterator[str]:
    names = group.members if everything else group.members[:1]
    for name in names:
        yield f"  {name}"
    if len(group.members) > len(names):
        yield f"  and {len(group.members) - len(names)} more that need the same (-v lists them)"
    lines = group.lines if everything else _folded(group.lines)
    width = max(2 * line.depth + len(line.name) for line in lines) + 4
    for line in lines:
        yield _library(line, width)


def _folded(lines: tuple[LibraryLine, ...]) -> tuple[LibraryLine, ...]:
    """Return the lines that tell something new: a library that was shown already is left out below the top."""
    return tuple(line for line in lines if not line.repeated or line.depth == 1)


def _library(line: LibraryLine, width: int) -> str:
    start = f"  {'  ' * line.depth}{line.name} "
    dots = "." * max(3, width + 4 - len(start))
    fate = click.style(f"{line.fate.value:8}", fg=_COLOURS.get(line.fate))
    size = f"{human_size(line.size):>9}" if line.size else " " * 9
    place = "see above" if line.repeated else line.place
    note = f"({line.note})" if line.note else ""
    return f"{start}{dots} {fate} {size}  {place} {note}".rstrip()


def _floor(one: WheelReport, *, everything: bool) -> Iterator[str]:
    if not one.could_be or not one.floor_reasons:
        return
    lines = sentences(one.floor_reasons)
    yield _row("floor", f"nothing more portable, because of {plural(len(lines), 'fact')}")
    yield from _few([f"          {line}" for line in lines], everything=everything)
    if one.own_floor and one.own_floor not in one.could_be:
        yield _row("", f"the wheel's own files alone would allow {one.own_floor}")
