"""What a caller may choose about a merge."""

from __future__ import annotations

from dataclasses import dataclass

from truewheel.errors import UsageError


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """What a caller may choose about a merge.

    prefer: which wheel's file is taken where files differ that cannot be joined: `arm64` or `x86_64` for all of them,
        `GLOB=arm64` for some.
    allow_one_sided: keep extension modules, programs and data that only one wheel has.
    plat: the platform tags to hold, `auto` for the widest that the machine code allows.
    deployment_target: the oldest macOS that the new wheel must run on, as (major, minor); None leaves it to the files.
    exclude: patterns of libraries that something else than the wheel provides.
    jobs: how many threads work at once.
    """

    prefer: tuple[str, ...] = ()
    allow_one_sided: bool = False
    plat: str = "auto"
    deployment_target: tuple[int, int] | None = None
    exclude: tuple[str, ...] = ()
    force: bool = False
    jobs: int = 1

    def __post_init__(self) -> None:
        """Refuse what has no meaning with a UsageError."""
        if self.jobs < 1:
            raise UsageError("at least one thread must work", where="--jobs")
