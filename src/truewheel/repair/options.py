"""What a caller may choose about a repair."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from truewheel.analyzer.search_options import SearchOptions
from truewheel.bundler.bundle_options import BundleOptions
from truewheel.errors import UsageError

if TYPE_CHECKING:
    from truewheel.platforms.own_policy import OwnPolicy


@dataclass(frozen=True, slots=True)
class RepairOptions:
    """What a caller may choose about a repair.

    plat: the platform tag to hold, `auto` for the most portable one that the machine code allows.
    only_plat: name the wheel by that tag alone, not also by older ones that are true.
    include: libraries that come along although no file names them, by path or by name.
    require_archs: architectures (or `universal2`, `intel`) that every extension module of a macOS wheel must have.
    deployment_target: the oldest macOS that a macOS wheel must run on, as (major, minor); None leaves it to the files.
    sbom: whether to add a bill of materials and the licence texts of what was bundled.
    own_policy: a policy of the user's own, which `plat` may ask for by name, and which `auto` then stands for.
    jobs: how many threads work at once.
    """

    plat: str = "auto"
    only_plat: bool = False
    search: SearchOptions = field(default_factory=SearchOptions)
    include: tuple[str, ...] = ()
    bundle: BundleOptions = field(default_factory=BundleOptions)
    require_archs: tuple[str, ...] = ()
    deployment_target: tuple[int, int] | None = None
    sbom: bool = True
    own_policy: OwnPolicy | None = None
    force: bool = False
    jobs: int = 1

    def __post_init__(self) -> None:
        """Refuse what has no meaning with a UsageError."""
        if self.jobs < 1:
            raise UsageError("at least one thread must work", where="--jobs")
