"""truewheel makes a built Python wheel true: self-contained, and named for exactly what its machine code proves.

The public API:

    from pathlib import Path
    from truewheel import RepairOptions, SearchOptions, inspect_wheel, repair_wheel

    wheel = Path("x-1.0-cp312-cp312-linux_x86_64.whl")
    report = inspect_wheel(wheel, SearchOptions(lib_paths=(Path("/opt/lib"),)))
    done = repair_wheel(wheel, Path("wheelhouse"), RepairOptions(plat="manylinux_2_28"))
    done.path, done.plan.libraries

Every error is a `TruewheelError` with its facts as fields. The names below are imported when they are first used, so
that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from truewheel.version import __version__

if TYPE_CHECKING:
    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.archive.names import WheelName
    from truewheel.batch.apply import Applied, apply_batch
    from truewheel.batch.index import update_index
    from truewheel.batch.kinds import Settings
    from truewheel.batch.plan import BatchPlan
    from truewheel.batch.planned import PlannedWheel
    from truewheel.batch.published import Published
    from truewheel.batch.sums import write_sums
    from truewheel.bundler.bundle_options import BundleOptions
    from truewheel.bundler.plan import RepairPlan
    from truewheel.check import CheckOptions, Finding, check_wheel
    from truewheel.check.fix import Fixed, fix_wheel
    from truewheel.errors import (
        InvalidInputError,
        OutputError,
        RefusedError,
        ToolError,
        TruewheelError,
        UsageError,
    )
    from truewheel.merge import Merged, merge_wheels
    from truewheel.merge.options import MergeOptions
    from truewheel.merge.plan import MergePlan
    from truewheel.platforms.own_policy import OwnPolicy, read_own_policy
    from truewheel.repair import Repaired
    from truewheel.repair import repair as repair_wheel
    from truewheel.repair.options import RepairOptions
    from truewheel.report import inspect_wheel
    from truewheel.report.model import WheelReport
    from truewheel.retagger.accepts import Acceptance, accepts, targets
    from truewheel.retagger.retag import Retagged, retag_wheel
    from truewheel.retagger.retag_options import RetagOptions
    from truewheel.retagger.retag_plan import RetagPlan
    from truewheel.thin import Thinned, ThinOptions, ThinPlan, thin_wheel

__all__ = [
    "Acceptance",
    "Applied",
    "BatchPlan",
    "BundleOptions",
    "CheckOptions",
    "Finding",
    "Fixed",
    "InvalidInputError",
    "MergeOptions",
    "MergePlan",
    "Merged",
    "OutputError",
    "OwnPolicy",
    "PlannedWheel",
    "Published",
    "RefusedError",
    "RepairOptions",
    "RepairPlan",
    "Repaired",
    "RetagOptions",
    "RetagPlan",
    "Retagged",
    "SearchOptions",
    "Settings",
    "ThinOptions",
    "ThinPlan",
    "Thinned",
    "ToolError",
    "TruewheelError",
    "UsageError",
    "WheelName",
    "WheelReport",
    "__version__",
    "accepts",
    "apply_batch",
    "check_wheel",
    "fix_wheel",
    "inspect_wheel",
    "merge_wheels",
    "read_own_policy",
    "repair_wheel",
    "retag_wheel",
    "targets",
    "thin_wheel",
    "update_index",
    "write_sums",
]

_HOMES = {
    "Acceptance": "truewheel.retagger.accepts",
    "Applied": "truewheel.batch.apply",
    "BatchPlan": "truewheel.batch.plan",
    "BundleOptions": "truewheel.bundler.bundle_options",
    "CheckOptions": "truewheel.check",
    "Finding": "truewheel.check",
    "Fixed": "truewheel.check.fix",
    "MergeOptions": "truewheel.merge.options",
    "MergePlan": "truewheel.merge.plan",
    "Merged": "truewheel.merge",
    "OwnPolicy": "truewheel.platforms.own_policy",
    "PlannedWheel": "truewheel.batch.planned",
    "Published": "truewheel.batch.published",
    "RepairOptions": "truewheel.repair.options",
    "RepairPlan": "truewheel.bundler.plan",
    "Repaired": "truewheel.repair",
    "RetagOptions": "truewheel.retagger.retag_options",
    "RetagPlan": "truewheel.retagger.retag_plan",
    "Retagged": "truewheel.retagger.retag",
    "SearchOptions": "truewheel.analyzer.search_options",
    "Settings": "truewheel.batch.kinds",
    "ThinOptions": "truewheel.thin",
    "ThinPlan": "truewheel.thin",
    "Thinned": "truewheel.thin",
    "WheelName": "truewheel.archive.names",
    "WheelReport": "truewheel.report.model",
    "accepts": "truewheel.retagger.accepts",
    "apply_batch": "truewheel.batch.apply",
    "check_wheel": "truewheel.check",
    "fix_wheel": "truewheel.check.fix",
    "inspect_wheel": "truewheel.report",
    "merge_wheels": "truewheel.merge",
    "read_own_policy": "truewheel.platforms.own_policy",
    "retag_wheel": "truewheel.retagger.retag",
    "targets": "truewheel.retagger.accepts",
    "thin_wheel": "truewheel.thin",
    "update_index": "truewheel.batch.index",
    "write_sums": "truewheel.batch.sums",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name == "repair_wheel":
        return import_module("truewheel.repair").repair
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "truewheel.errors")), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return list(__all__)
