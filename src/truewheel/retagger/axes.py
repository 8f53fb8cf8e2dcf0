"""Operations on one axis of a wheel's name: replace its tags, add to them, take some away.

The axes are those of the PyPA platform compatibility tags specification: Python, ABI and platform. The spelling is that
of `wheel tags`: `a.b` replaces, `+a.b` adds, `-a.b` removes.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from truewheel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

AUTO = "auto"
"""What stands for the platform tags that the machine code proves."""

_TAG = re.compile(r"[a-z0-9_]+")


class Axis(Enum):
    """One of the three parts of a tag, in the order of a file name."""

    PYTHON = "python"
    ABI = "abi"
    PLATFORM = "platform"

    @property
    def option(self) -> str:
        """The command line's option for it."""
        return f"--{self.value}-tag"


class Kind(Enum):
    """What an operation does; the value is how it is spelled before the tags."""

    REPLACE = ""
    ADD = "+"
    REMOVE = "-"


class Operation(NamedTuple):
    """One operation on one axis. tags: lower case, in the order given; for platforms it may be AUTO alone."""

    kind: Kind
    tags: tuple[str, ...]

    def __str__(self) -> str:
        """Return the operation as the command line spells it."""
        return self.kind.value + ".".join(self.tags)


def parse_operation(axis: Axis, text: str) -> Operation:
    """Return the operation that `text` spells; raise UsageError, with a hint, when it spells none."""
    kind = next((item for item in (Kind.ADD, Kind.REMOVE) if text.startswith(item.value)), Kind.REPLACE)
    body = text.removeprefix(kind.value).lower()
    tags = tuple(dict.fromkeys(body.split(".")))
    where = f"{axis.option} {text}"
    if any(tag.startswith(("+", "-")) for tag in tags):
        hint = f"the sign before the first tag is for all of them; give {axis.option} again for another operation"
        raise UsageError("a sign stands before a tag that is not the first", where=where, hint=hint)
    if "" in tags:
        raise UsageError("a tag is empty", where=where, hint="tags are joined by single dots")
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise UsageError(f"{tag!r} is not a tag", where=where, hint=_spelling(tag))
    if AUTO in tags and (axis is not Axis.PLATFORM or len(tags) > 1 or kind is Kind.REMOVE):
        hint = f"write `{Axis.PLATFORM.option} {AUTO}`, or `+{AUTO}` to add what the machine code proves"
        raise UsageError(f"`{AUTO}` stands alone, and for platforms only", where=where, hint=hint)
    return Operation(kind, tags)


def _spelling(tag: str) -> str:
    if "-" in tag:
        return "a `-` inside a tag is written as `_`; each part of a name has an option of its own"
    return "a tag has lower-case letters, digits and `_`"


def parse_operations(axis: Axis, texts: Iterable[str]) -> tuple[Operation, ...]:
    """Return the operations in the order given; raise UsageError for one that would undo those before it."""
    operations = tuple(parse_operation(axis, text) for text in texts)
    if any(operation.kind is Kind.REPLACE for operation in operations[1:]):
        hint = "join the tags with dots, and add or remove after that"
        raise UsageError("tags are replaced after another operation", where=axis.option, hint=hint)
    return operations


def applied(
    present: Sequence[str], operations: Iterable[Operation], auto: Callable[[], tuple[str, ...]] = tuple
) -> tuple[str, ...]:
    """Return the tags after all operations, each once: those that stay in their order, then new ones as given.

    auto: gives the tags that AUTO stands for.
    """
    tags = dict.fromkeys(present)
    for operation in operations:
        named = auto() if operation.tags == (AUTO,) else operation.tags
        if operation.kind is Kind.REPLACE:
            tags = dict.fromkeys(named)
        elif operation.kind is Kind.ADD:
            tags |= dict.fromkeys(named)
        else:
            tags = {tag: None for tag in tags if tag not in named}
    return tuple(tags)


def named_by(operations: Iterable[Operation], auto: Callable[[], tuple[str, ...]] = tuple) -> frozenset[str]:
    """Return every tag that the operations ask for."""
    wanted = (operation for operation in operations if operation.kind is not Kind.REMOVE)
    return frozenset(tag for operation in wanted for tag in (auto() if operation.tags == (AUTO,) else operation.tags))
