"""Inspecting a wheel: is its label true, what could it be, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truewheel.archive.reader import WheelReader
from truewheel.platforms.systems import System, systems_of

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.report.model import WheelReport


_BOTH = "the wheel holds machine code for Linux and for macOS; build one wheel for each system"


def inspect_wheel(wheel: Path, search: SearchOptions | None = None, *, jobs: int = 1) -> WheelReport:
    """Return the report of the wheel at a path; nothing is written.

    search: where libraries are looked for. jobs: how many threads work at once.

    Raises InvalidInputError for a wheel that cannot be read, UsageError for an exclude pattern that fits nothing.
    """
    with WheelReader.open(wheel) as reader:
        systems = systems_of(reader.name.platform)
        if not systems & {System.MACOS, System.IOS}:
            from truewheel.report.linux import inspect_linux

            report = inspect_linux(reader, search, jobs)
            if report.native_files or System.ANY not in systems:
                both = System.ANY in systems and any("Mach-O" in reason for _, reason in report.ignored)
                return replace(report, could_be=(), refusals=(_BOTH,)) if both else report
        from truewheel.report.macos import inspect_macos

        return inspect_macos(reader, search, jobs)
