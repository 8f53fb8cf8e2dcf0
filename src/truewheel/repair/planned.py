"""A repair that was planned, with the verdict that it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truewheel.bundler.plan import RepairPlan
    from truewheel.platforms.macos.verdict import MacVerdict
    from truewheel.platforms.verdict import Verdict


class Planned(NamedTuple):
    """What would be done to a wheel, and what was judged of it as one for Linux or for macOS."""

    plan: RepairPlan
    linux: Sequence[Verdict] = ()
    macos: MacVerdict | None = None
