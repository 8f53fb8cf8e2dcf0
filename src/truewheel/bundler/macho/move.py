"""What a Mach-O slice looks like while its content moves behind a larger header, and how numbers in it move along.

Follows `mach-o/loader.h`. All content behind the header moves by one amount, in the file and in memory, so that code
and data keep their distances from each other and only numbers that count from the header, or from address zero,
change. The header itself keeps its address: that of a library is zero, and that of a program must stay above the four
gigabytes that the kernel wants empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.macho.commands import Buffer, Commands

_MOST_LEB_BITS = 63
_SECTION_TYPE = 0xFF
_NO_CONTENT = frozenset({0x1, 0xC, 0x12})  # S_ZEROFILL, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL


class Move(NamedTuple):
    """How far things move. base: the preferred address of the header, which stays."""

    base: int
    amount: int

    def address(self, address: int) -> int:
        """Return where in memory a thing lies after the move; the header is the one thing that stays."""
        return address if address == self.base else address + self.amount

    def distance(self, offset: int) -> int:
        """Return how far behind the header a thing lies after the move."""
        return offset + self.amount if offset else 0


class Section(NamedTuple):
    """A section. kind: its type, without the attributes. relocations: how many entries for a linker it has."""

    segment: str
    name: str
    address: int
    size: int
    offset: int
    alignment: int
    relocations: int
    kind: int

    @property
    def has_content(self) -> bool:
        """Whether the section has bytes in the file."""
        return self.size > 0 and self.kind not in _NO_CONTENT


class Segment(NamedTuple):
    """A segment; `file_size` bytes at `offset` of the slice are its first ones in memory."""

    name: str
    address: int
    memory_size: int
    offset: int
    file_size: int
    sections: tuple[Section, ...]

    @property
    def end(self) -> int:
        """Where the segment ends in the file."""
        return self.offset + self.file_size


def read_segments(commands: Commands) -> tuple[Segment, ...]:
    """Return the segments in the order of their commands, by which other tables count them.

    Raises InvalidBinaryError when a command is too short for what it says.
    """
    form = commands.header.form
    found = []
    for item in commands.items:
        if item.command != form.segment_command:
            continue
        if item.size < form.segment.size:
            raise commands.invalid("a segment command is too short", item)
        _, _, name, address, memory, offset, size, _, _, count, _ = form.segment.unpack_from(commands.raw, item.offset)
        if item.size < form.segment.size + count * form.section.size:
            raise commands.invalid("a segment command is too short for its sections", item)
        sections = tuple(_sections(commands, item.offset + form.segment.size, count))
        found.append(Segment(_name(name), address, memory, offset, size, sections))
    return tuple(found)


def _sections(commands: Commands, at: int, count: int) -> Iterator[Section]:
    form = commands.header.form
    for number in range(count):
        name, segment, address, size, offset, alignment, _, relocations, flags, _, _ = form.section.unpack_from(
            commands.raw, at + number * form.section.size
        )
        kind = flags & _SECTION_TYPE
        yield Section(_name(segment), _name(name), address, size, offset, alignment, relocations, kind)


def _name(name: bytes) -> str:
    return name.rstrip(b"\0").decode("utf-8", "backslashreplace")


def not_understood(what: str) -> RefusedError:
    """Return the refusal to move a slice because of something in it."""
    return RefusedError(f"its content cannot be moved: {what}")


def read_uleb(data: Buffer, at: int, end: int) -> tuple[int, int]:
    """Return the unsigned LEB128 number at `at` and where it ends; raise RefusedError when it has no end."""
    value = shift = 0
    while at < end and shift <= _MOST_LEB_BITS:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that another byte follows
            return value, at
        shift += 7
    raise not_understood("a number in a table has no end")


def uleb(value: int) -> bytes:
    """Return a number as unsigned LEB128, in as few bytes as it takes."""
    found = bytearray()
    while value >= 0x80:  # noqa: PLR2004 - as above
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
