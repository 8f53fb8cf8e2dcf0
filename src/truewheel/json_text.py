"""JSON that others wrote or edited, read strictly: what is read is what everybody reads.

Follows RFC 8259 where that lets readers choose: a name that stands twice in one object, and numbers that JSON does not
have (`NaN`), are refused, and so is what is nested deeper than can be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_json(content: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return the values of a JSON document; raise ValueError for what is none."""
    from json import loads

    try:
        return loads(content, object_pairs_hook=_apart, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _apart(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of an object by name."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for number, name in enumerate(names) if name in names[:number])
        raise ValueError(f"{twice!r} stands twice in one object")
    return members


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")
