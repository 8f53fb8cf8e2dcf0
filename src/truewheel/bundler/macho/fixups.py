"""The pointers that dyld adds the load address to, changed where they stand after everything behind the header moved.

Follows `mach-o/loader.h` (rebase and bind opcodes) and `mach-o/fixup-chains.h` (chained fixups, which are written
into the pointers themselves). Segments keep their numbers and what they hold its place in them, so that tables that
count from the start of a segment stay as they are; only a table that leads into `__TEXT` itself would not.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from truewheel.bundler.macho.move import not_understood, read_uleb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from truewheel.bundler.macho.move import Move, Segment

_OPCODE, _IMMEDIATE = 0xF0, 0x0F
_POINTER = Struct("<Q")
_SIZE = _POINTER.size
_MASK = (1 << 64) - 1
_NO_PLACE = "pointers that dyld changes lie in __TEXT, or in no segment"

# Rebase opcodes. Those that lead on, and those that say how many pointers there are.
_DONE, _SET_TYPE, _SET_PLACE, _ADD, _ADD_SCALED = 0x00, 0x10, 0x20, 0x30, 0x40
_TIMES, _ULEB_TIMES, _THEN_ADD, _ULEB_TIMES_SKIPPING = 0x50, 0x60, 0x70, 0x80
_REBASE_NUMBERS: Mapping[int, int] = {
    _DONE: 0, _SET_TYPE: 0, _SET_PLACE: 1, _ADD: 1, _ADD_SCALED: 0,
    _TIMES: 0, _ULEB_TIMES: 1, _THEN_ADD: 1, _ULEB_TIMES_SKIPPING: 2,
}  # fmt: skip
"""How many numbers follow each."""
_TYPE_POINTER = 1

# Bind opcodes, by how many numbers follow; a name follows the symbol's.
_BIND_SYMBOL, _BIND_PLACE = 0x40, 0x70
_BIND_NUMBERS: Mapping[int, int] = {
    0x00: 0, 0x10: 0, 0x20: 1, 0x30: 0, 0x40: 0, 0x50: 0, 0x60: 1, 0x70: 1, 0x80: 1, 0x90: 0, 0xA0: 1, 0xB0: 0, 0xC0: 2,
}  # fmt: skip


def move_rebased(content: bytearray, table: bytes, segments: Sequence[Segment], move: Move) -> None:
    """Move every pointer that a table of rebase opcodes leads to.

    segments: those of `content`, their content still at the offsets that they say. Raises RefusedError when the table
    is damaged or leads to anything but pointers outside of `__TEXT`.
    """
    left = len(content) // _SIZE
    for start, count, step in _places(table, segments):
        left -= count
        if left < 0:
            raise not_understood("there are more pointers than the file has room for")
        for at in range(start, start + count * step, step):
            (value,) = _POINTER.unpack_from(content, at)
            _POINTER.pack_into(content, at, move.address(value) & _MASK)


def _places(table: bytes, segments: Sequence[Segment]) -> Iterator[tuple[int, int, int]]:
    """Yield runs of pointers: the offset of the first in the file, their number, and the bytes from one to the next."""
    at, number, place = 0, -1, 0
    while at < len(table):
        opcode, immediate = table[at] & _OPCODE, table[at] & _IMMEDIATE
        numbers, at = _numbers(table, at + 1, _REBASE_NUMBERS.get(opcode))
        if opcode == _DONE:
            return
        if opcode == _SET_TYPE and immediate != _TYPE_POINTER:
            raise not_understood("code has addresses written into it")
        if opcode == _SET_PLACE:
            number, place = immediate, numbers[0]
        elif opcode in (_ADD, _ADD_SCALED):
            place += numbers[0] if numbers else immediate * _SIZE
        elif opcode >= _TIMES:
            count, step = _repeated(opcode, immediate, numbers)
            yield _run(segments, number, place, count, step), count, step
            place += count * step
        place &= _MASK


def _repeated(opcode: int, immediate: int, numbers: Sequence[int]) -> tuple[int, int]:
    """Return how many pointers an opcode is for, and the bytes from one to the next."""
    if opcode == _TIMES:
        return immediate, _SIZE
    if opcode == _ULEB_TIMES:
        return numbers[0], _SIZE
    if opcode == _THEN_ADD:
        return 1, _SIZE + numbers[0] & _MASK
    return numbers[0], _SIZE + numbers[1] & _MASK


def _numbers(table: bytes, at: int, count: int | None) -> tuple[list[int], int]:
    """Return the numbers behind an opcode and where they end; None for the count of an unknown opcode."""
    if count is None:
        raise not_understood(f"an unknown opcode for pointers, {table[at - 1]:#x}")
    found = []
    for _ in range(count):
        number, at = read_uleb(table, at, len(table))
        found.append(number)
    return found, at


def _run(segments: Sequence[Segment], number: int, place: int, count: int, step: int) -> int:
    """Return where in the file a run of pointers starts; `place` counts from the start of the segment."""
    segment = segments[number] if 0 <= number < len(segments) else None
    if segment is None or not segment.offset:
        raise not_understood(_NO_PLACE)
    if count and (not step or place + (count - 1) * step + _SIZE > segment.file_size):
        raise not_understood(f"pointers that dyld changes lie outside of {segment.name}")
    return segment.offset + place


def check_binds(table: bytes, segments: Sequence[Segment]) -> None:
    """Raise RefusedError when a table of bind opcodes leads into `__TEXT`, or cannot be read."""
    at = 0
    while at < len(table):
        opcode, immediate = table[at] & _OPCODE, table[at] & _IMMEDIATE
        _, after = _numbers(table, at + 1, _BIND_NUMBERS.get(opcode))
        if opcode == _BIND_SYMBOL:
            after = table.find(b"\0", after) + 1 or len(table)
        if opcode == _BIND_PLACE and (immediate >= len(segments) or not segments[immediate].offset):
            raise not_understood(_NO_PLACE)
        at = after


_FIXUPS = Struct("<7I")
"""fixups_version, starts_offset, imports_offset, symbols_offset, imports_count, imports_format, symbols_format"""
_COUNT = Struct("<I")
_STARTS = Struct("<IHHQIH")
"""size, page_size, pointer_format, segment_offset, max_valid_pointer, page_count"""
_PAGE_START = Struct("<H")
_NO_PAGE, _MANY_STARTS = 0xFFFF, 0x8000
_SEGMENT_OFFSET = 8


def _wide(value: int, target: int) -> int:
    return value & ~((1 << 36) - 1) | _within(target, 36)


def _within(target: int, bits: int) -> int:
    if target >> bits:
        raise not_understood("a pointer would lead too far for its form")
    return target


def _moved_plain(value: int, move: Move) -> int:
    """DYLD_CHAINED_PTR_64: the target is an address."""
    return value if value >> 63 else _wide(value, move.address(value & (1 << 36) - 1))


def _moved_offset(value: int, move: Move) -> int:
    """DYLD_CHAINED_PTR_64_OFFSET: the target counts from the header."""
    return value if value >> 63 else _wide(value, move.distance(value & (1 << 36) - 1))


def _moved_signed(value: int, move: Move, target: Callable[[int], int]) -> int:
    """Return an ARM64E pointer: with a signature, the target counts from the header; without one, `target` tells."""
    if value >> 62 & 1:
        return value
    if value >> 63:
        return value & ~((1 << 32) - 1) | _within(move.distance(value & (1 << 32) - 1), 32)
    return value & ~((1 << 43) - 1) | _within(target(value & (1 << 43) - 1), 43)


def _moved_arm64e(value: int, move: Move) -> int:
    return _moved_signed(value, move, move.address)


def _moved_userland(value: int, move: Move) -> int:
    return _moved_signed(value, move, move.distance)


_FORMATS: Mapping[int, tuple[Callable[[int, Move], int], int, int]] = {
    1: (_moved_arm64e, 0x7FF, 8),
    2: (_moved_plain, 0xFFF, 4),
    6: (_moved_offset, 0xFFF, 4),
    9: (_moved_userland, 0x7FF, 8),
    12: (_moved_userland, 0x7FF, 8),
}
"""By `pointer_format`: how a pointer moves, the bits (from 51 on) that lead to the next, and the unit they count."""
_NEXT_AT = 51


def move_chained(content: bytearray, start: int, size: int, segments: Sequence[Segment], move: Move) -> None:
    """Move every pointer in the chains of chained fixups, and what the table at `start` says of the segments.

    segments: as for `move_rebased`. Raises RefusedError for forms of pointers that are not known here, and for chains
    in `__TEXT` or outside of their segment.
    """
    table = memoryview(bytes(content[start : start + size]))
    version, starts, *_ = _FIXUPS.unpack_from(table)
    (count,) = _COUNT.unpack_from(table, starts)
    if version or count > len(segments):
        raise not_understood(f"chained fixups of version {version} for {count} segments")
    for number in range(count):
        (offset,) = _COUNT.unpack_from(table, starts + 4 + 4 * number)
        if not offset:
            continue
        at = starts + offset
        _, page_size, kind, distance, _, pages = _STARTS.unpack_from(table, at)
        segment = segments[number]
        if not segment.offset:
            raise not_understood(_NO_PLACE)
        if kind not in _FORMATS:
            raise not_understood(f"chained fixups of form {kind}")
        _POINTER.pack_into(content, start + at + _SEGMENT_OFFSET, move.distance(distance))
        for page in range(pages):
            (first,) = _PAGE_START.unpack_from(table, at + _STARTS.size + 2 * page)
            if first != _NO_PAGE:
                _move_chain(content, segment, (page * page_size, first, page_size), kind, move)


def _move_chain(content: bytearray, segment: Segment, page: tuple[int, int, int], kind: int, move: Move) -> None:
    """Move the pointers of one page. page: where it starts in the segment, its first pointer, and its size."""
    moved, mask, unit = _FORMATS[kind]
    start, at, size = page
    if at & _MANY_STARTS:
        raise not_understood("a page with more than one chain")
    while True:
        if at >= size or start + at + _SIZE > segment.file_size:
            raise not_understood(f"pointers that dyld changes lie outside of {segment.name}")
        place = segment.offset + start + at
        (value,) = _POINTER.unpack_from(content, place)
        _POINTER.pack_into(content, place, moved(value, move))
        step = (value >> _NEXT_AT & mask) * unit
        if not step:
            return
        at += step
