"""What the machine code of a wheel proves about the Macs it runs on, one architecture at a time.

An architecture is judged by what its own slices reach, not by what all files have in common: real universal2 wheels
hold libraries of one architecture only, each needed by one slice only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from truewheel.platforms.verdict import Reason, Rule

if TYPE_CHECKING:
    from truewheel.analyzer.macho.image import Version


class Floor(NamedTuple):
    """The oldest system that one file agrees to run on, in one architecture.

    minimum_os: the first system of the architecture when the file does not say.
    file: the node's name. needed_by: the file that brings it in, empty for an entry of the wheel.
    """

    file: str
    minimum_os: Version
    in_wheel: bool
    needed_by: str = ""


class Required(NamedTuple):
    """A member that every architecture needs. slices: the architecture and the system of each of its slices."""

    file: str
    slices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ArchitectureTruth:
    """What is true of one architecture.

    architecture: one that a platform tag knows (`arm64`, `x86_64`, `i386`, `ppc`, `ppc64`).
    reasons: what stands against calling the wheel by this architecture at all, in any version: a module or program
        without the slice, a library that is missing or lies outside (mendable), libpython (mendable but in a program),
        a slice for another platform.
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
    platform: the system that all of it was judged for: `macOS`, or `iOS` or `iOS simulator` for a wheel of that name.
    platforms: the systems that any slice of the wheel is built for, sorted.
    required: the members that the wheel cannot do without in any architecture: extension modules and programs.
    warnings: facts that break no promise but that a person should know. tidied: such facts that a repair removes
        (LC_RPATH entries that name the build machine, code for arm64 without a signature).
    """

    architectures: tuple[ArchitectureTruth, ...]
    platform: str = "macOS"
    platforms: tuple[str, ...] = ()
    required: tuple[Required, ...] = ()
    warnings: tuple[str, ...] = ()
    tidied: tuple[str, ...] = ()

    def truth_of(self, architecture: str) -> ArchitectureTruth | None:
        """Return the truth of one architecture, None when no entry has it."""
        return next((item for item in self.architectures if item.architecture == architecture), None)

    def kept_minimums(self) -> dict[str, Version]:
        """Return, by architecture that is usable as the wheel stands, what its most demanding file needs."""
        return {
            item.architecture: item.floors[0].minimum_os for item in self.architectures if item.kept and item.floors
        }

    def against(self, architecture: str) -> tuple[Reason, ...]:
        """Return what stands against an architecture in any version, also against one that no entry has."""
        truth = self.truth_of(architecture)
        return truth.reasons if truth else lacking(self.required, architecture, self.platform)


def lacking(required: tuple[Required, ...], architecture: str, platform: str) -> tuple[Reason, ...]:
    """Return a reason for each required member without a slice for an architecture; for the wheel if it has none."""
    if not required:
        return (Reason(Rule.ARCHITECTURE, "the wheel", f"holds nothing for {architecture}"),)
    return tuple(
        _lack(item, architecture, platform) for item in required if (architecture, platform) not in item.slices
    )


def _lack(item: Required, architecture: str, platform: str) -> Reason:
    others = [system for name, system in item.slices if name == architecture]
    if others:
        return Reason(Rule.PLATFORM, item.file, f"is built for {others[0]}, not for {platform}")
    has = " and ".join(name for name, _ in item.slices)
    return Reason(Rule.ARCHITECTURE, item.file, f"has no {architecture} slice, only {has}")
