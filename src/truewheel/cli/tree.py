"""The libraries of a wheel as a tree: aligned, each told once, and no longer than a screen unless all is asked for."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from truewheel.cli.format import human_size, plural, shortened, wrapped
from truewheel.cli.output import style
from truewheel.report.model import Fate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.report.model import FileGroup, LibraryLine, WheelReport

_COLOURS = {Fate.BUNDLE: "yellow", Fate.IN_WHEEL: "green", Fate.MISSING: "red", Fate.LEFT_OUT: "cyan"}
_SCREEN = 40
"""How many libraries of one group are drawn before `-v` is asked for."""
_GROUPS = 12
"""How many groups are."""
_LINES, _LINES_ABOVE = 6, 2
"""How many lines the names of the system's libraries may take, and those of libraries that stand above already."""
_FATE_AND_SIZE = 20
_WIDEST_NAME = 46


def tree(one: WheelReport, width: int | None) -> Iterator[str]:
    """Yield the libraries below each file, `width` columns wide; without a width, every one with its whole path."""
    shown = [group for group in one.groups if group.lines]
    if not shown and not one.system:
        return
    yield ""
    yield "libraries"
    column = _column(shown, width)
    drawn = shown if width is None or len(shown) <= _GROUPS + 1 else shown[:_GROUPS]
    for group in drawn:
        yield from _group(group, column, width)
    if hidden := sum(len(group.members) for group in shown[len(drawn) :]):
        yield f"  and {hidden} more files with libraries (-v lists them)"
    if one.system:
        first, *rest = wrapped(f"from the system: {', '.join(one.system)}", 4, width, most=_LINES)
        yield f"  {first}"
        yield from (f"    {line}" for line in rest)
    yield ""


def _column(groups: list[FileGroup], width: int | None) -> int:
    """Return where the dots end: behind most names, but not so far that no room is left for the rest."""
    widest = max((_end(line) for group in groups for line in group.lines), default=0)
    return widest if width is None else min(widest, _WIDEST_NAME * width // 100)


def _end(line: LibraryLine) -> int:
    return 2 + 2 * line.depth + len(line.name)


def _group(group: FileGroup, column: int, width: int | None) -> Iterator[str]:
    names = group.members if width is None else group.members[:1]
    yield from (f"  {name}" for name in names)
    if more := len(group.members) - len(names):
        yield f"  and {more} more that {'needs' if more == 1 else 'need'} the same (-v lists them)"
    lines = list(group.lines) if width is None else _worth_drawing(group)
    yield from (_library(line, column, width) for line in lines)
    if width is None:
        return
    if again := [line.name for line in group.lines if line.repeated and line.depth == 1]:
        first, *rest = wrapped(f"and from above: {', '.join(again)}", 6, width, most=_LINES_ABOVE)
        yield f"    {first}"
        yield from (f"      {line}" for line in rest)
    if hidden := sum(1 for line in group.lines if not line.repeated) - len(lines):
        yield f"    and {plural(hidden, 'library')} that these need in turn (-v lists them)"


def _worth_drawing(group: FileGroup) -> list[LibraryLine]:
    """Return the lines that tell something new; of too many, those nearest to the file, and all that are missing."""
    fresh = [line for line in group.lines if not line.repeated]
    nearest = sorted(range(len(fresh)), key=lambda place: (fresh[place].fate is not Fate.MISSING, fresh[place].depth))
    return [fresh[place] for place in sorted(nearest[:_SCREEN])]


def _library(line: LibraryLine, column: int, width: int | None) -> str:
    start = f"  {'  ' * line.depth}{line.name} "
    dots = "." * max(3, column + 4 - len(start))
    fate = style(f"{line.fate.value:8}", fg=_COLOURS.get(line.fate))
    size = f"{human_size(line.size):>9}" if line.size else " " * 9
    note = f"({line.note})" if line.note else ""
    if width is None:
        place = "see above" if line.repeated else line.place
    else:
        room = width - len(start) - len(dots) - _FATE_AND_SIZE - (len(note) + 1 if note else 0)
        place = shortened(_folder(line), max(room, 12))
    return f"{start}{dots} {fate} {size}  {' '.join(filter(None, [place, note]))}".rstrip()


def _folder(line: LibraryLine) -> str:
    """Return the folder the library lies in; its name was told already."""
    return str(PurePosixPath(line.place).parent) if line.place else ""
