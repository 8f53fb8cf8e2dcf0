"""Why a plan gives a wheel the name it gives: the facts that decided it, as sentences for whoever reviews the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.platforms.verdict import sentences
from truewheel.report import inspect_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.platforms.own_policy import OwnPolicy


def evidence_of(wheel: Path, search: SearchOptions, jobs: int = 1, own: OwnPolicy | None = None) -> tuple[str, ...]:
    """Return what keeps the wheel from an older label, or, for macOS, what sets each architecture's oldest system."""
    report = inspect_wheel(wheel, search, jobs=jobs, own=own)
    told = [f"{report.next_older} is out of reach: {line}" for line in sentences(report.floor_reasons)]
    told += (
        f"{line.architecture} needs {report.operating_system} {line.version}: {', '.join(line.files)}"
        for line in report.minimums
    )
    return tuple(told)
