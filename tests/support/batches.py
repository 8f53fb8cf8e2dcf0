"""Wheels in numbers, small, and the plans of a batch of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from support.wheels import build_wheel
from truewheel.archive.reader import WheelReader
from truewheel.batch.kinds import Settings
from truewheel.batch.plan import BatchPlan
from truewheel.batch.planned import PlannedWheel
from truewheel.repair import plan_repair
from truewheel.repair.options import RepairOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truewheel.bundler.plan import RepairPlan

SETTINGS = Settings(Path("/"))


def pure_wheel(folder: Path, name: str, *, tag: str = "py3-none-any", content: bytes = b"") -> Path:
    """Write a wheel without machine code; a repair copies it."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"{name}.py": content}
    return build_wheel(folder, files, filename=f"{name}-1.0-{tag}.whl", dist_info=f"{name}-1.0.dist-info")


def planned(wheel: Path) -> PlannedWheel[RepairPlan]:
    """Return the plan to repair one wheel."""
    with WheelReader.open(wheel) as reader:
        return PlannedWheel(wheel, plan_repair(reader, RepairOptions()))


def batch(wheels: Iterable[Path]) -> BatchPlan:
    """Return the plan to repair wheels."""
    return BatchPlan(tuple(planned(wheel) for wheel in wheels))
