"""What the machine code of a wheel proves about the Macs it runs on, one architecture at a time.

An architecture is judged by what its own slices reach, not by what all files have in common: real universal2 wheels
hold libraries of one architecture only, each needed by one slice only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from truewheel.analyzer.macho_image import Version
    from truewheel.platforms.verdict import Reason


class Floor(NamedTuple):
    """The oldest system that one file agrees to run on, in one architecture.

    file: the node's name. needed_by: the file that brings it in, empty for an entry of the wheel.
    """

    file: str
    minimum_os: Version
    in_wheel: bool
    needed_by: str = ""


@dataclass(frozen=True, slots=True)
class ArchitectureTruth:
    """What is true of one architecture.

    architecture: one that a platform tag knows (`arm64`, `x86_64`, `i386`, `ppc`, `ppc64`).
    reasons: what stands against calling the wheel by this architecture at all, in any version: an entry without the
        slice, a library that is missing or lies outside (mendable), libpython (mendable), a slice for another platform.
    floors: every file that the architecture reaches, newest minimum first; those outside the wheel are counted too,
        because a repair brings them in.
    suspects: sentences about slices that lost a dependency which their siblings have.
    """

    architecture: str
    reasons: tuple[Reason, ...] = ()
    floors: tuple[Floor, ...] = ()
    suspects: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether the architecture can be used as the wheel stands."""
        return not self.reasons

    @property
    def reachable(self) -> bool:
        """Whether it can be used once the wheel is repaired."""
        return all(reason.mendable for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class MacVerdict:
    """What the wheel may be called.

    architectures: one truth for each architecture that some entry has, in the order `arm64`, `x86_64`, then the rest.
    platforms: the platforms of all slices that are reached (`macOS`, `iOS`, `iOS simulator` ...), sorted.
    warnings: facts that break no promise but that a person should know. tidied: such facts that a repair removes
        (LC_RPATH entries that name the build machine).
    """

    architectures: tuple[ArchitectureTruth, ...]
    platforms: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    tidied: tuple[str, ...] = ()

    def truth_of(self, architecture: str) -> ArchitectureTruth | None:
        """Return the truth of one architecture, None when no entry has it."""
        return next((item for item in self.architectures if item.architecture == architecture), None)
