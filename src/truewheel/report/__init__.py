"""Inspecting a wheel: is its label true, what could it be, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truewheel.archive.reader import WheelReader
from truewheel.platforms.systems import System, systems_of

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.platforms.own_policy import OwnPolicy
    from truewheel.report.model import WheelReport


def inspect_wheel(
    wheel: Path, search: SearchOptions | None = None, *, jobs: int = 1, own: OwnPolicy | None = None
) -> WheelReport:
    """Return the report of the wheel at a path; nothing is written.

    search: where libraries are looked for. jobs: how many threads work at once. own: a policy of the user's own, by
        which a Linux wheel is judged too, and which a repair would hold.

    Raises InvalidInputError for a wheel that cannot be read, UsageError for an exclude pattern that fits nothing.
    """
    with WheelReader.open(wheel) as reader:
        report = _inspect(reader, search, jobs, own)
        refusal = _refusal(systems_of(reader.name.platform, own), report) if report.native_files else ""
        return replace(report, could_be=(), plain=None, refusals=(refusal,)) if refusal else report


def _inspect(reader: WheelReader, search: SearchOptions | None, jobs: int, own: OwnPolicy | None) -> WheelReport:
    systems = systems_of(reader.name.platform, own)
    if not systems & {System.MACOS, System.IOS}:
        from truewheel.report.linux import inspect_linux

        report = inspect_linux(reader, search, jobs, own)
        if report.native_files or System.ANY not in systems:
            return report
    from truewheel.report.macos import inspect_macos

    return inspect_macos(reader, search, jobs)


def _refusal(systems: frozenset[System], report: WheelReport) -> str:
    """Say why no wheel of such a name is repaired, whatever its files say; nothing for one that may be."""
    if System.OTHER in systems:
        return "the wheel is named for another system too; only Linux and macOS wheels can be repaired"
    if len(systems) > 1:
        return "the wheel is named for more than one system; build one wheel for each"
    if System.ANY in systems and any(reason.startswith("a Mach-O file") for _, reason in report.ignored):
        return "the wheel holds machine code for Linux and for macOS; build one wheel for each system"
    return ""
