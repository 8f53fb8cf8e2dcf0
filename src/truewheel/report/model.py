"""What a person wants to know about one wheel, as plain data: is its label true, what could it be, and why.

The report draws no line and formats no number; the command line does that, and programs read it as JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from truewheel.platforms.verdict import Reason

SCHEMA = "truewheel.show/1"


class Fate(Enum):
    """What becomes of a needed library when the wheel is repaired."""

    BUNDLE = "bundle"
    SYSTEM = "system"
    IN_WHEEL = "in wheel"
    MISSING = "missing"
    LEFT_OUT = "left out"


class LibraryLine(NamedTuple):
    """One library in the tree below a file, `depth` steps away from it.

    place: the member or path where the library lies; empty when there is none.
    size: bytes; 0 when there is no file.
    repeated: True when the library stands with its own needs further up in the same report.
    note: why it is where it is, in a few words; may be empty.
    """

    depth: int
    name: str
    fate: Fate
    place: str
    size: int
    repeated: bool = False
    note: str = ""


class FileGroup(NamedTuple):
    """Files of the wheel that need the same libraries, and the tree of these; system libraries are left out."""

    members: tuple[str, ...]
    lines: tuple[LibraryLine, ...]


class TagTruth(NamedTuple):
    """One platform tag of the name.

    true: None for a tag that cannot be judged. note: why it cannot, or what there is to say of it; may be empty.
    """

    tag: str
    true: bool | None
    reasons: tuple[Reason, ...] = ()
    note: str = ""


class MinimumLine(NamedTuple):
    """The oldest macOS that one architecture of a wheel runs on, and the files that set it, as `major.minor`."""

    architecture: str
    version: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WheelReport:
    """Everything `truewheel show` tells of one wheel.

    operating_system: what it was judged for: `Linux`, `macOS`, `iOS` ...
    architecture: of all native files; for macOS all that the wheel is usable on, joined by `, `. libc: on Linux.
    as_it_is: the most portable platform tag that the wheel keeps without a repair, or None.
    could_be: the platform tags that a repair would give it; empty when none can be.
    plain: the tag that promises nothing, which `repair --plat linux` would give; None when not even that can be.
    next_older: the policy one step more portable than the repaired wheel's; None when there is none.
    floor_reasons: what stands against that policy and cannot be mended.
    own_floor: the tag that the wheel's own files allow, whatever is bundled.
    refusals: why no label can be given.
    tidied: facts of the build that a repair removes. warnings: facts that break no promise.
    ignored: members that look native but are nothing to a loader, each with the reason.
    unrecorded: native members that RECORD does not list.
    minimums: for macOS, the oldest system of each architecture.
    """

    file: str
    size: int
    architecture: str | None
    libc: str | None
    native_files: int
    tags: tuple[TagTruth, ...]
    as_it_is: str | None
    could_be: tuple[str, ...]
    plain: str | None
    groups: tuple[FileGroup, ...]
    system: tuple[str, ...]
    own_floor: str | None
    next_older: str | None
    floor_reasons: tuple[Reason, ...]
    refusals: tuple[str, ...]
    tidied: tuple[str, ...]
    warnings: tuple[str, ...]
    ignored: tuple[tuple[str, str], ...]
    unrecorded: tuple[str, ...]
    minimums: tuple[MinimumLine, ...] = ()
    policy_data: str = ""
    operating_system: str = "Linux"

    @property
    def bundled(self) -> tuple[LibraryLine, ...]:
        """Every library that a repair would bundle, once."""
        lines = (line for group in self.groups for line in group.lines)
        return tuple({line.place: line for line in lines if line.fate is Fate.BUNDLE and not line.repeated}.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """The name of every library that was not found, once."""
        lines = (line for group in self.groups for line in group.lines)
        return tuple(dict.fromkeys(line.name for line in lines if line.fate is Fate.MISSING))

    def to_json(self) -> dict[str, Any]:
        """Return the report as values that the json module writes."""
        values: dict[str, Any] = _plain(asdict(self))
        return values


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return a value with enum members replaced by their values and facts by tables, for JSON."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
