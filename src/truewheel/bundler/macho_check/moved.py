"""Compares a slice with itself after everything behind its header has moved to make room there.

All content keeps its distances, so code is the same, and what counts from the header or from address zero has grown by
one amount: pointers that dyld rebases, unwind information, initializers. Written apart from what moves content.
Follows `mach-o/loader.h` and `mach-o/compact_unwind_encoding.h`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from truewheel.bundler.macho_check.linkedit_reading import chain, chained, counts_from_header, rebases
from truewheel.bundler.macho_check.second_reading import ReadingError, same_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.bundler.macho_check.second_reading import CommandReading, Section, Segment, SliceReading

_DYLD_INFO, _CHAINED, _MAIN = frozenset({0x22, 0x80000022}), 0x80000034, 0x80000028
_INITIALIZERS, _UNWIND = 0x16, b"__unwind_info"
_WORD = (1 << 64) - 1
_NO_CHAIN, _MANY_CHAINS = 0xFFFF, 0x8000
_REGULAR_PAGE = 2
_MOST_PLACES = 1 << 26

_PLACES = {
    0x2: (8, 16),
    0xB: (32, 40, 48, 56, 64, 72),
    **dict.fromkeys((0x22, 0x80000022), (8, 16, 24, 32, 40, 44)),
    **dict.fromkeys((0x26, 0x80000033), (8, 12)),
    **dict.fromkeys((0x1E, 0x29, 0x2B, 0x80000034), (8,)),
}
"""By load command, the fields that say where its tables lie, and the sizes of tables that may become longer."""


def moved_by(before: SliceReading, after: SliceReading) -> int:
    """Return how far the content has moved: by how much the segment with the header has grown."""
    return after.segment(b"__TEXT").size - before.segment(b"__TEXT").size


def is_moved(old: CommandReading, new: CommandReading, before: SliceReading, amount: int) -> bool:
    """Tell whether a load command is the same but for the places in it, which have moved.

    Where the tables of `__LINKEDIT` lie is not compared here: their content is, elsewhere.
    """
    if old.segment is not None and new.segment is not None:
        return new.segment == _moved_segment(old.segment, new.segment, before, amount)
    if old.number == _MAIN:
        return before.numbers(new, "Q")[0] == before.numbers(old, "Q")[0] + amount and new.raw[16:] == old.raw[16:]
    return _masked(new) == _masked(old)


def _masked(command: CommandReading) -> bytes:
    raw = bytearray(command.raw)
    for at in _PLACES.get(command.number, ()):
        raw[at : at + 4] = bytes(4)
    return bytes(raw)


def _moved_segment(old: Segment, new: Segment, before: SliceReading, amount: int) -> Segment:
    """Return what a segment must have become. The last one may end elsewhere: its tables and its signature change."""
    text = before.segment(b"__TEXT")
    if old.address < text.address:
        return old
    sections = tuple(
        each._replace(address=each.address + amount, offset=each.offset + amount if each.offset else 0)
        for each in old.sections
    )
    if old.address == text.address:
        return old._replace(memory=old.memory + amount, size=old.size + amount, sections=sections)
    offset = old.offset + amount if old.offset else 0
    moved = old._replace(address=old.address + amount, offset=offset, sections=sections)
    return moved._replace(memory=new.memory, size=new.size) if old.name == b"__LINKEDIT" else moved


def moved_differences(before: SliceReading, after: SliceReading, amount: int) -> Iterator[str]:
    """Yield what has not moved as it should have in all segments but `__LINKEDIT`."""
    if not before.is_wide or before.order != "<":
        yield "everything has moved, which cannot be checked for such a slice"
        return
    places, end = _pointers(before), before.commands_end
    for segment in sorted(before.segments, key=lambda each: each.offset):
        if segment.size:
            gap = before.data[end : segment.offset], after.data[end + amount : segment.offset + amount]
            if not same_bytes(*gap):
                yield f"what stands before {segment.name.decode('utf-8', 'replace')} changed"
            if segment.name != b"__LINKEDIT":
                yield from _segment(before, after, (max(segment.offset, end), segment), places, amount)
            end = max(end, segment.end)
    left = after.data[after.commands_end : amount + before.commands_end]
    copy = max(amount - after.commands_end, 0)
    if any(left[:copy]) or not _is_old_header(bytes(left[copy:]), before):
        yield "something else than the old header stands behind the new one"


def _is_old_header(data: bytes, before: SliceReading) -> bool:
    """Tell whether the bytes are zero, or the header with some of the load commands that it had before."""
    if not any(data):
        return True
    count, size = struct.unpack_from("<II", data, 16)
    old = [item.raw for item in before.commands]
    at = start = before.commands_end - sum(map(len, old))
    for _ in range(count):
        while old and not data.startswith(old[0], at):
            del old[0]
        if not old:
            return False
        at += len(old.pop(0))
    is_same = bytes(before.data[:16]) == data[:16] and bytes(before.data[24:start]) == data[24:start]
    return is_same and at == start + size and not any(data[at:])


def _segment(
    before: SliceReading, after: SliceReading, span: tuple[int, Segment], places: dict[int, int], amount: int
) -> Iterator[str]:
    start, segment = span
    special = sorted((each.offset, each) for each in segment.sections if each.has_content and _counts_from_header(each))
    for _, each in special:
        if not same_bytes(before.data[start : each.offset], after.data[start + amount : each.offset + amount]):
            yield f"the content before the section {each.name.decode('utf-8', 'replace')} changed"
        start = each.offset + each.size
        one, other = before.data[each.offset : start], after.data[each.offset + amount : start + amount]
        if _moved_section(each, bytes(one), amount) != bytes(other):
            yield f"the section {each.name.decode('utf-8', 'replace')} has not moved as it should have"
    inside = {at: value for at, value in places.items() if start <= at < segment.end}
    wanted: memoryview = before.data[start : segment.end]
    if inside:
        copy = bytearray(wanted)
        for at, value in inside.items():
            struct.pack_into("<Q", copy, at - start, value + amount & _WORD)
        wanted = memoryview(copy)
    if not same_bytes(wanted, after.data[start + amount : segment.end + amount]):
        yield f"the content of {segment.name.decode('utf-8', 'replace')} has not moved as it should have"


def _counts_from_header(section: Section) -> bool:
    return section.flags & 0xFF == _INITIALIZERS or section.name == _UNWIND


def _moved_section(section: Section, data: bytes, amount: int) -> bytes:
    numbers = list(struct.unpack(f"<{len(data) // 4}I", data[: len(data) & ~3]))
    places = set(range(len(numbers)))
    if section.name == _UNWIND:
        places = set(_unwind_places(data, numbers))
    moved = [number + amount if at in places and number else number for at, number in enumerate(numbers)]
    return struct.pack(f"<{len(moved)}I", *moved) + data[len(data) & ~3 :]


def _unwind_places(data: bytes, numbers: list[int]) -> Iterator[int]:
    """Yield which 32-bit numbers of `__unwind_info` count from the header."""
    _, _, _, personalities, personality_count, index, index_count = numbers[:7]
    yield from range(personalities // 4, personalities // 4 + personality_count)
    entries = range(index // 4, index // 4 + 3 * index_count, 3)
    yield from entries
    if index_count:
        yield from range(numbers[entries[0] + 2] // 4, numbers[entries[-1] + 2] // 4)
    for page in {numbers[at + 1] for at in entries} - {0}:
        kind, offset, count = struct.unpack_from("<IHH", data, page)
        if kind == _REGULAR_PAGE:
            yield from range((page + offset) // 4, (page + offset) // 4 + 2 * count, 2)


def _pointers(item: SliceReading) -> dict[int, int]:
    """Return where pointers stand that dyld adds the load address to, and their values; not those to the header."""
    base = item.segment(b"__TEXT").address
    found: dict[int, int] = {}
    for command in item.commands:
        if command.number in _DYLD_INFO:
            start, size = item.numbers(command, "II")
            for number, place in rebases(bytes(item.data[start : start + size])):
                at = item.segments[number].offset + place
                (found[at],) = struct.unpack_from("<Q", item.data, at)
                if len(found) > _MOST_PLACES:
                    raise ReadingError("more pointers are rebased than a file can have")
        elif command.number == _CHAINED:
            start, size = item.numbers(command, "II")
            found.update(_chained_pointers(item, start, size, base))
    return {at: value for at, value in found.items() if value != base}


def _chained_pointers(item: SliceReading, start: int, size: int, base: int) -> Iterator[tuple[int, int]]:
    for number, kind, _, page, firsts in chained(bytes(item.data[start : start + size])).starts:
        segment = item.segments[number]
        for index, first in enumerate(firsts):
            if first == _NO_CHAIN:
                continue
            if first & _MANY_CHAINS:
                raise ReadingError("a page has more than one chain of pointers")
            at = segment.offset + index * page
            for place, value, bits in chain(item.data, at + first, at + page, kind):
                target = value & (1 << bits) - 1
                if target != (0 if counts_from_header(kind, bits) else base):
                    yield place, value
