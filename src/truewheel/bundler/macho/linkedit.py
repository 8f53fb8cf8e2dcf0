"""Lays the tables of `__LINKEDIT` out again when some of them have become longer.

Follows `mach-o/loader.h`. Tables keep their order, their alignment and whatever stands between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.commands import FILE_PARTS, WIDE
from truewheel.bundler.macho.move import not_understood

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from truewheel.analyzer.macho.commands import Commands, FilePart, LoadCommand
    from truewheel.bundler.macho.move import Segment

_UNIT = 8
"""What dyld wants tables to be aligned to; the signature, which wants more, is placed anew by who signs."""


class Place(NamedTuple):
    """Where a table lies in the slice."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + self.size


class Laid(NamedTuple):
    """The new content of `__LINKEDIT`.

    growth: the tables that became longer, and how many bytes everything behind each moves for it.
    sizes: their new sizes.
    """

    content: bytes
    growth: tuple[tuple[Place, int], ...] = ()
    sizes: Mapping[Place, int] = {}

    def shift(self, offset: int) -> int:
        """Return how far the table that was at `offset` has moved within the segment."""
        return sum(more for place, more in self.growth if place.start < offset)


def tables(commands: Commands) -> Iterator[tuple[LoadCommand, FilePart, Place]]:
    """Yield every field of a load command that leads to a table, and the table; raise InvalidBinaryError."""
    for item in commands.items:
        for part, place in tables_of(commands, item):
            yield item, part, place


def tables_of(commands: Commands, item: LoadCommand) -> Iterator[tuple[FilePart, Place]]:
    """Yield every field of one load command that leads to a table, and the table; raise InvalidBinaryError."""
    form = commands.header.form
    for part in FILE_PARTS.get(item.command, ()):
        if not part.length_at:
            continue
        number = form.wide_number if part.wide else form.number
        if item.size < max(part.at, part.length_at) + number.size:
            raise commands.invalid(f"load command {item.command:#x} is too short", item)
        (start,) = number.unpack_from(commands.raw, item.offset + part.at)
        (length,) = number.unpack_from(commands.raw, item.offset + part.length_at)
        yield part, Place(start, length * part.unit[form.bits == WIDE])


def laid_out(
    content: bytearray,
    linkedit: Segment,
    known: Iterable[tuple[LoadCommand, FilePart, Place]],
    new: Mapping[Place, bytes],
) -> Laid:
    """Return the segment with new contents of some tables.

    known: all tables. Raises RefusedError when a new content would lie over another table.
    """
    others = [place for _, _, place in known if place.size]
    pieces, growth, sizes = [], [], {}
    at = linkedit.offset
    for place, table in sorted(new.items()):
        longer = max(len(table) - place.size, 0)
        if longer and any(other.start < place.end and place.start < other.end for other in others if other != place):
            raise not_understood("two tables of the linker lie over each other")
        more = longer + -longer % _UNIT
        pieces += [bytes(content[at : place.start]), table, bytes(place.size + more - len(table))]
        at = place.end
        if more:
            growth.append((place, more))
            sizes[place] = place.size + more
    pieces.append(bytes(content[at : linkedit.end]))
    return Laid(b"".join(pieces), tuple(growth), sizes)
