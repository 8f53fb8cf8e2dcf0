"""What a merge will do, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SCHEMA = "truewheel.merge-plan/1"


@dataclass(frozen=True, slots=True)
class MergeInput:
    """One of the two wheels. name: its file name. sha256: hex digest of the whole file."""

    name: str
    architecture: str
    sha256: str


@dataclass(frozen=True, slots=True)
class MergeChoice:
    """One member, and the architecture whose wheel it is about."""

    member: str
    architecture: str


@dataclass(frozen=True, slots=True)
class MergedSbom:
    """A bill of materials that differs from the other wheel's: it is kept as `new_member`."""

    member: str
    architecture: str
    new_member: str


@dataclass(frozen=True, slots=True)
class MergePlan:
    """A whole merge, before anything is written. Members stand in the order of the first wheel, then of the second.

    inputs: the wheel for x86_64, then the one for arm64.
    output_name: the new file name. platforms: its platform tags, sorted.
    joined: members that become one fat file.
    preferred: members that differ, and whose file (or, in a joined one, whose slice) is taken by the caller's rules.
    one_sided: members that only one wheel has and that are kept.
    uncounted: those of them that are modules or programs, which the label does not count for the other architecture.
    left_out: members that only one wheel has and that the caller's rules leave out.
    sboms: bills of materials that are kept beside the other wheel's.
    notices: sentences for the user.
    """

    inputs: tuple[MergeInput, MergeInput]
    output_name: str
    platforms: tuple[str, ...]
    joined: tuple[str, ...] = ()
    preferred: tuple[MergeChoice, ...] = ()
    one_sided: tuple[MergeChoice, ...] = ()
    uncounted: tuple[str, ...] = ()
    left_out: tuple[MergeChoice, ...] = ()
    sboms: tuple[MergedSbom, ...] = ()
    notices: tuple[str, ...] = ()
    schema: str = SCHEMA

    def to_json(self) -> dict[str, Any]:
        """Return the plan as values that the json module writes."""
        return asdict(self)
