"""What a caller may choose about a retag; what has no meaning is refused before a wheel is read."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from truewheel.errors import UsageError
from truewheel.retagger.axes import AUTO, Axis, Kind, parse_operations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truewheel.platforms.own_policy import OwnPolicy
    from truewheel.retagger.axes import Operation

_BUILD = r"[0-9][A-Za-z0-9._]*"
_LOCAL = r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*"


class Trust(Enum):
    """What is believed where a wheel's file name, its WHEEL file and its machine code say different things."""

    FILENAME = "filename"
    WHEEL = "wheel"
    BINARIES = "binaries"


class RetagOptions(NamedTuple):
    """What a caller may choose about a retag.

    python_tag, abi_tag, platform_tag: operations on each axis in order, as `axes.parse_operation` reads them.
    build: the build tag; empty for none, None leaves it.
    profiles: what the wheel is to be named for too, as `profiles.profile` reads them; profile_file: the user's own.
    legacy_aliases: whether `manylinux_X_Y` tags have their older names beside them; None leaves them.
    normalize: sort and expand the tags, and make file name, WHEEL and, with Trust.BINARIES, machine code agree.
    keep_order: new tags are put behind the present ones instead of sorting all of them.
    local_version: the local label of the version, with or without the `+`; empty for none, None leaves it.
    own_policy: a policy of the user's own, which decides about the tags that it gives, and which AUTO then stands for.
    exclude: patterns of libraries that something else than the wheel provides: by name, or name without version.
    force: write tags that the machine code contradicts, and say so in the plan.
    in_place: the new wheel takes the place of the old one. remove: the old one goes once the new one is there.
    overwrite: replace a different wheel that has the new name already.
    jobs: how many threads read machine code.
    """

    python_tag: tuple[str, ...] = ()
    abi_tag: tuple[str, ...] = ()
    platform_tag: tuple[str, ...] = ()
    build: str | None = None
    profiles: tuple[str, ...] = ()
    profile_file: Path | None = None
    legacy_aliases: bool | None = None
    normalize: bool = False
    trust: Trust = Trust.FILENAME
    keep_order: bool = False
    local_version: str | None = None
    own_policy: OwnPolicy | None = None
    exclude: tuple[str, ...] = ()
    force: bool = False
    in_place: bool = False
    remove: bool = False
    overwrite: bool = False
    jobs: int = 1

    def require_sense(self) -> None:
        """Refuse what has no meaning with a UsageError; whoever makes a plan does this first."""
        for axis in Axis:
            for operation in self.operations(axis):
                _require_known(axis, operation, self.own_policy)
        if self.build and not re.fullmatch(_BUILD, self.build):
            hint = "it starts with a digit and has letters, digits, `.` and `_`"
            raise UsageError(f"{self.build!r} is no build tag", where="--build", hint=hint)
        if self.local_version and not re.fullmatch(_LOCAL, self.local_version.removeprefix("+")):
            hint = "such as +cu128; '' drops the one there is"
            raise UsageError(f"{self.local_version!r} is no local version", where="--local-version", hint=hint)
        if self.trust is not Trust.FILENAME and not self.normalize:
            raise UsageError("says what `--normalize` believes", where="--trust", hint="give both")
        if self.jobs < 1:
            raise UsageError("at least one thread must work", where="--jobs")
        if not any(self._wishes()):
            hint = "say which tags, a build tag, a profile, or --normalize"
            raise UsageError("nothing is asked for", hint=hint)

    def _wishes(self) -> Iterator[bool]:
        yield from (bool(getattr(self, f"{axis.value}_tag")) for axis in Axis)
        yield from (self.build is not None, bool(self.profiles), self.legacy_aliases is not None)
        yield from (self.normalize, self.local_version is not None)

    def operations(self, axis: Axis) -> tuple[Operation, ...]:
        """Return the operations on one axis; raise UsageError for a text that is none."""
        texts: tuple[str, ...] = getattr(self, f"{axis.value}_tag")
        return parse_operations(axis, texts)

    def lowered(self) -> tuple[str, ...]:
        """Return the texts of operations that were given with capitals."""
        return tuple(text for axis in Axis for text in getattr(self, f"{axis.value}_tag") if text != text.lower())


def _require_known(axis: Axis, operation: Operation, own: OwnPolicy | None) -> None:
    """Raise UsageError for a tag that no installer looks for; to take one away is no mistake."""
    if operation.kind is Kind.REMOVE:
        return
    from truewheel.retagger.known_tags import complaint

    for tag in operation.tags:
        found = None if tag == AUTO else complaint(axis, tag)
        if own is not None and axis is Axis.PLATFORM and tag in {own.name, *own.tags}:
            hint = f"such as {tag}_{next(iter(own.architectures), 'x86_64')}, or {AUTO}"
            raise UsageError(f"{tag} names no architecture", where=axis.option, hint=hint)
        if found is not None:
            raise UsageError(f"{tag} {found.what}", where=axis.option, hint=found.hint)
