"""The kinds of plans that a batch may hold, told apart by their schema, and how a wheel is made by each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from truewheel.archive.staging import stage_copy
from truewheel.errors import InvalidInputError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from truewheel.archive.reader import WheelReader
    from truewheel.bundler.plan import RepairPlan
    from truewheel.retagger.retag_plan import RetagPlan
    from truewheel.thin import ThinPlan


class WheelPlan(Protocol):
    """What every plan for one wheel tells, whatever it does."""

    @property
    def input_name(self) -> str:
        """The file name of the wheel."""

    @property
    def input_sha256(self) -> str | None:
        """The hex digest of the whole file; None when the plan does not tell."""

    @property
    def output_name(self) -> str:
        """The file name of the result."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences for the user."""

    @property
    def changes_nothing(self) -> bool:
        """Whether the result is the wheel, byte for byte."""

    def identified(self, reader: WheelReader) -> Self:
        """Return the plan with the digest of its input."""

    def to_json(self) -> dict[str, Any]:
        """Return the plan as values that the json module writes."""


class Settings(NamedTuple):
    """What applying a plan needs beside it.

    sysroot: where the packages of bundled libraries are looked up. jobs: how many threads work at one wheel.
    """

    sysroot: Path
    jobs: int = 1


def plan_from_json(data: object) -> WheelPlan:
    """Return the plan that `to_json` of any kind gave; raise InvalidInputError for anything else."""
    from truewheel.bundler.plan import SCHEMA as REPAIR
    from truewheel.bundler.plan import RepairPlan
    from truewheel.retagger.retag_plan import SCHEMA as RETAG
    from truewheel.retagger.retag_plan import RetagPlan

    schema = data.get("schema") if isinstance(data, dict) else None
    if schema == REPAIR:
        return RepairPlan.from_json(data)
    if schema == RETAG:
        return RetagPlan.from_json(data)
    from truewheel.thin import SCHEMA as THIN
    from truewheel.thin import ThinPlan

    if schema == THIN:
        return ThinPlan.from_json(data)
    raise InvalidInputError(f"no plan for a wheel has the schema {schema!r}", hint="make the plan again")


def stage_planned(
    reader: WheelReader, plan: WheelPlan, directory: Path, settings: Settings
) -> tuple[Path, tuple[str, ...]]:
    """Write what the plan makes of an open wheel to a temporary file in `directory`, verified.

    Return its path and the sentences for the user. Raises RefusedError, ToolError or OutputError; nothing is left then.
    """
    try:
        return _staged(reader, plan, directory, settings)
    except UsageError as error:  # nobody but the plan can have asked for what has no meaning
        raise InvalidInputError(f"the plan has no meaning: {error.what}", where=error.where, hint=error.hint) from error


def _staged(reader: WheelReader, plan: WheelPlan, directory: Path, settings: Settings) -> tuple[Path, tuple[str, ...]]:
    if plan.changes_nothing:
        return stage_copy(reader, directory).keep(), plan.notices
    from truewheel.bundler.plan import RepairPlan
    from truewheel.retagger.retag_plan import RetagPlan

    if isinstance(plan, RepairPlan):
        return _repaired(reader, plan, directory, settings)
    if isinstance(plan, RetagPlan):
        return _retagged(reader, plan, directory)
    from truewheel.thin import ThinPlan

    if isinstance(plan, ThinPlan):
        return _thinned(reader, plan, directory, settings)
    raise TypeError(plan)


def _repaired(
    reader: WheelReader, plan: RepairPlan, directory: Path, settings: Settings
) -> tuple[Path, tuple[str, ...]]:
    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.repair import stage_plan
    from truewheel.repair.options import RepairOptions

    options = RepairOptions(search=SearchOptions(sysroot=settings.sysroot), jobs=settings.jobs)
    with stage_plan(reader, plan, directory, options) as (staged, notices):
        return staged.keep(), notices


def _retagged(reader: WheelReader, plan: RetagPlan, directory: Path) -> tuple[Path, tuple[str, ...]]:
    from truewheel.retagger.retag import stage_retag

    with stage_retag(reader, plan, directory) as staged:
        return staged.keep(), (*plan.notices, *staged.notices)


def _thinned(reader: WheelReader, plan: ThinPlan, directory: Path, settings: Settings) -> tuple[Path, tuple[str, ...]]:
    from truewheel.thin import stage_thin

    with stage_thin(reader, plan, directory, settings.jobs) as staged:
        return staged.keep(), (*plan.notices, *staged.notices)
