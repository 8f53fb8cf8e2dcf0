"""Why a plan gives a wheel the name it gives: the facts that decided it, as sentences for whoever reviews the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.archive.names import WheelName
from truewheel.platforms.verdict import sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.repair.planned import Planned


def evidence_of(planned: Planned) -> tuple[str, ...]:
    """Return what keeps the wheel from an older label, or, for macOS, what sets each architecture's oldest system."""
    return (*_linux(planned), *_macos(planned))


def _linux(planned: Planned) -> Iterator[str]:
    from truewheel.report.linux import out_of_reach

    tag, reasons = out_of_reach(planned.linux, WheelName.parse(planned.plan.input_name).platform)
    yield from (f"{tag} is out of reach: {line}" for line in sentences(reasons))


def _macos(planned: Planned) -> Iterator[str]:
    if planned.macos is None:
        return
    from truewheel.report.macos import minimums

    for line in minimums(planned.macos):
        yield f"{line.architecture} needs {planned.macos.platform} {line.version}: {', '.join(line.files)}"
