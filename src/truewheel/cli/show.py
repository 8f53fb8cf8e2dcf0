"""`truewheel show`: one screen per wheel that a person understands, or the whole report as JSON."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from truewheel.cli.each import for_each, own_policy, pace, search_from
from truewheel.cli.format import human_size, plural, screen_width, wrapped
from truewheel.cli.output import echo, say, say_json, style
from truewheel.cli.tree import tree
from truewheel.platforms.verdict import sentences
from truewheel.report import inspect_wheel
from truewheel.report.model import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from truewheel.errors import ExitCode
    from truewheel.report.model import MinimumLine, TagTruth, WheelReport

_INDENT = 10
_FEW = 6
"""How many sentences of a kind are listed, and how many lines one may take, before `-v` is asked for."""


def show_wheels(options: Mapping[str, Any]) -> ExitCode:
    """Show every wheel that the command names."""
    search = search_from(options)
    width = None if options["verbose"] else screen_width()
    reports: list[WheelReport] = []

    def present(one: WheelReport) -> None:
        if not options["as_json"]:
            if reports:
                echo()
            for line in screen(one, width):
                say(line)
        reports.append(one)

    own = own_policy(options)
    at_once, within = pace(options["wheels"], options["jobs"])

    def look(wheel: Path) -> WheelReport:
        return inspect_wheel(wheel, search, jobs=within, own=own)

    failures, code = for_each(options["wheels"], look, present, at_once=at_once)
    if options["as_json"]:
        wheels = [one.to_json() for one in reports]
        say_json({"schema": SCHEMA, "wheels": wheels, "failed": failures})
    return code


def screen(one: WheelReport, width: int | None) -> Iterator[str]:
    """Yield the lines that tell of one wheel, `width` columns wide; without a width, everything and nothing cut."""
    system = "" if one.libc or not one.native_files else one.operating_system
    kind = ", ".join(filter(None, [one.architecture, one.libc or system]))
    yield style(one.file, bold=True)
    yield ", ".join(filter(None, [human_size(one.size), plural(one.native_files, "native file"), kind]))
    yield ""
    yield from _labels(one, width)
    yield from tree(one, width)
    yield from _floor(one, width)
    yield from _rows("runs on", [_minimum(line, one.operating_system) for line in one.minimums], width)
    yield from _rows("repair", [f"also drops what names the build's machine: {text}" for text in one.tidied], width)
    yield from _rows("note", _notes(one), width)
    if one.policy_data and one.native_files:
        yield _row("data", f"policies of {one.policy_data}")


def _row(name: str, text: str) -> str:
    return f"{name:{_INDENT}}{text}".rstrip()


def _rows(name: str, texts: Sequence[str], width: int | None) -> Iterator[str]:
    """Yield rows of sentences below one name, long ones over several lines; without -v, only a few."""
    shown = texts if width is None or len(texts) <= _FEW + 1 else texts[:_FEW]
    lines = [line for text in shown for line in _hanging(text, width)]
    if len(shown) < len(texts):
        lines.append(f"and {len(texts) - len(shown)} more (-v lists them)")
    for number, line in enumerate(lines):
        yield _row("" if number else name, line)


def _hanging(text: str, width: int | None) -> Iterator[str]:
    first, *rest = wrapped(text, _INDENT + 2, width, most=_FEW)
    yield first
    yield from (f"  {line}" for line in rest)


def _labels(one: WheelReport, width: int | None) -> Iterator[str]:
    told = dict.fromkeys(() if one.could_be else one.refusals, "below")
    for number, truth in enumerate(one.tags):
        yield from _truth("" if number else "label", truth, told, width)
    if not one.native_files:
        yield from _without_native_files(one)
        return
    if one.as_it_is is None:
        yield _row("as it is", "keeps the promise of no platform tag")
    elif one.as_it_is not in {truth.tag for truth in one.tags}:
        yield _row("as it is", f"keeps {one.as_it_is}")
    yield from _future(one, width)


def _truth(name: str, truth: TagTruth, told: dict[str, str], width: int | None) -> Iterator[str]:
    """Yield one tag of the name and whether it is true, with the reasons against it.

    told: the reasons that stand elsewhere on the screen, and whether above or below; those of this tag are added.
    """
    words = {None: "", True: style("true", fg="green"), False: style("not true", fg="red")}[truth.true]
    # What a repair cannot mend is told first: it decides what the wheel can be.
    lines = sentences(sorted(truth.reasons, key=lambda reason: reason.mendable))
    fresh = [line for line in lines if line not in told]
    elsewhere = next((f"for the reasons {told[line]}" for line in lines if line in told), "")
    told.update(dict.fromkeys(fresh, "above"))
    yield _row(name, f"{truth.tag}  {', '.join(filter(None, [words, truth.note, elsewhere]))}")
    yield from _rows("", [f"  {line}" for line in fresh], width)


def _without_native_files(one: WheelReport) -> Iterator[str]:
    if all(truth.tag == "any" for truth in one.tags):
        yield _row("", "no native file is inside: there is nothing to repair")
    elif one.ignored:
        yield _row("", "nothing inside is for a loader of that system: there is nothing to judge")
    elif all(truth.true for truth in one.tags):
        yield _row("could be", "any: no native file is inside")
    else:
        yield _row("", "no file inside can be judged for that system")


def _future(one: WheelReport, width: int | None) -> Iterator[str]:
    """Yield what a repair would make of the wheel, or why it cannot."""
    if not one.could_be:
        but = f"no tag but {one.plain}" if one.plain else "no tag at all"
        yield _row("could be", style(but, fg="red") + ", because")
        yield from _rows("", one.refusals, width)
        if one.missing:
            advice = (
                "say where missing libraries lie with --lib-path DIR, or that they stay outside with --exclude NAME; "
                f"`truewheel why WHEEL {one.missing[0]}` lists where it was looked for"
            )
            yield from _rows("help", [advice], width)
        return
    already = "  (its name already)" if set(one.could_be) == {truth.tag for truth in one.tags} else ""
    yield _row("could be", style(".".join(one.could_be), bold=True) + already)
    if bundled := one.bundled:
        size = human_size(sum(line.size for line in bundled))
        yield _row("", f"once `truewheel repair` has bundled {plural(len(bundled), 'library')} ({size})")


def _floor(one: WheelReport, width: int | None) -> Iterator[str]:
    """Yield why the label is no older one."""
    if not one.floor_reasons:
        return
    lines = [_without_label(line, one) for line in sentences(one.floor_reasons)]
    yield _row("floor", f"{one.next_older} is out of reach because of {plural(len(lines), 'fact')}:")
    yield from _rows("", lines, width)
    if one.own_floor and one.own_floor not in one.could_be:
        yield _row("", f"the wheel's own files alone would allow {one.own_floor}")


def _minimum(line: MinimumLine, system: str) -> str:
    """Say which files keep an architecture from older systems."""
    shown = [PurePosixPath(file).name if file.startswith("/") else file for file in line.files[:2]]
    more = f" and {len(line.files) - len(shown)} more" if len(line.files) > len(shown) else ""
    return f"{line.architecture}: {system} {line.version} and later, because of {', '.join(shown)}{more}"


def _without_label(line: str, one: WheelReport) -> str:
    """Return a sentence without the words that the label itself allows its fact, which goes without saying."""
    for tag in one.could_be:
        line = line.removesuffix(f" (allowed since {tag.removesuffix(f'_{one.architecture}')})")
    return line


def _notes(one: WheelReport) -> list[str]:
    notes = [*one.warnings]
    if one.unrecorded:
        notes.append(f"RECORD does not list {', '.join(one.unrecorded)}: an installer may refuse the wheel")
    by_reason: dict[str, list[str]] = {}
    for name, reason in one.ignored:
        by_reason.setdefault(reason, []).append(name)
    notes += [f"not looked at ({reason}): {', '.join(names)}" for reason, names in by_reason.items()]
    return notes
