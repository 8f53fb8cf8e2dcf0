"""Reads the tables that dyld reads in `__LINKEDIT`, to compare them before and after an edit.

Written apart from what edits these tables, so that a mistake there is seen here. Follows `mach-o/loader.h` for rebase
and bind opcodes and the exports trie, and `mach-o/fixup-chains.h` for chained fixups.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.bundler.macho_check.second_reading import ReadingError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MORE, _LOW_BITS, _MOST_SHIFT = 0x80, 7, 63
_OPCODE, _IMMEDIATE = 0xF0, 0x0F
_ORDINAL, _LARGE_ORDINAL, _SPECIAL, _SYMBOL, _KIND, _ADDEND, _PLACE, _STEP = range(0x10, 0x90, 0x10)
_DO_BIND, _THREADED = 0x90, 0xD0
_NUMBERS_AFTER = {_LARGE_ORDINAL: 1, _ADDEND: 1, _PLACE: 1, _STEP: 1, 0xA0: 1, 0xC0: 2}
_REEXPORT, _RESOLVER = 0x08, 0x10
_IMPORT_SHAPES = {1: ("<I", 8), 2: ("<Ii", 8), 3: ("<QQ", 16)}
_POINTER, _WORD, _MOST_BYTES = 8, (1 << 64) - 1, 1 << 32
_SIGNED_TARGET = 32
_REBASE_DONE, _REBASE_PLACE, _REBASE_ADD, _REBASE_ADD_POINTERS = 0x00, 0x20, 0x30, 0x40
_REBASE_TIMES, _REBASE_THEN_ADD = 0x50, 0x70
_REBASE_NUMBERS = {_REBASE_PLACE: 1, _REBASE_ADD: 1, 0x60: 1, _REBASE_THEN_ADD: 1, 0x80: 2}
_PLAIN_FORMATS, _ARM64E_FORMATS = frozenset({2, 6}), frozenset({1, 7, 9, 12})
_OFFSET_FORMATS = frozenset({6, 7, 9, 12})
"""Forms whose targets count from the header; those of the others are addresses."""


class Bind(NamedTuple):
    """What one opcode binds. library: the number of a library from 1 on; special ones are 0 and below.

    place: the segment, and the offset that was set for it. start: where in the table its place was set, which stubs of
    lazy symbols refer to. action: the opcode with its numbers, which says how often and how far apart.
    """

    library: int
    symbol: tuple[int, bytes]
    kind: int
    addend: int
    place: tuple[int, int]
    start: int
    action: tuple[int, ...]


class _Stream:
    """A table that is read from its start to its end."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def byte(self) -> int:
        if self.at >= len(self.data):
            raise ReadingError("a table of the linker is cut off")
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        value = shift = 0
        while shift <= _MOST_SHIFT:
            byte = self.byte()
            value |= (byte & ~_MORE) << shift
            shift += _LOW_BITS
            if byte < _MORE:
                return value
        raise ReadingError("a table of the linker has a number without an end")

    def text(self) -> bytes:
        start, end = self.at, self.data.find(b"\0", self.at)
        if end < 0:
            raise ReadingError("a table of the linker has a name without an end")
        self.at = end + 1
        return self.data[start:end]


def binds(data: bytes) -> Iterator[Bind]:
    """Yield what a table of bind opcodes binds, in its order."""
    stream = _Stream(data)
    state = Bind(0, (0, b""), 0, 0, (0, 0), 0, ())
    while stream.at < len(data):
        start = stream.at
        byte = stream.byte()
        code, low = byte & _OPCODE, byte & _IMMEDIATE
        name = stream.text() if code == _SYMBOL else b""
        count = int(not low) if code == _THREADED else _NUMBERS_AFTER.get(code, 0)
        numbers = tuple(stream.number() for _ in range(count))
        if code >= _DO_BIND:
            yield state._replace(action=(code, low, *numbers))
        elif code in (_ORDINAL, _LARGE_ORDINAL, _SPECIAL):
            special = low - 16 if low else 0  # four bits, filled up with ones to a negative number
            state = state._replace(library=special if code == _SPECIAL else (*numbers, low)[0])
        elif code == _SYMBOL:
            state = state._replace(symbol=(low, name))
        elif code == _KIND:
            state = state._replace(kind=low)
        elif code == _ADDEND:
            state = state._replace(addend=numbers[0])
        elif code == _PLACE:
            state = state._replace(place=(low, numbers[0]), start=start)
        elif code == _STEP:
            state = state._replace(place=(state.place[0], state.place[1] + numbers[0]))


def rebases(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield segment and offset of every pointer of 64 bits that a table of rebase opcodes leads to."""
    stream, segment, place = _Stream(data), 0, 0
    while stream.at < len(data):
        byte = stream.byte()
        code, low = byte & _OPCODE, byte & _IMMEDIATE
        numbers = [stream.number() for _ in range(_REBASE_NUMBERS.get(code, 0))]
        count, step = 0, _POINTER
        if code == _REBASE_DONE:
            return
        if code == _REBASE_PLACE:
            segment, place = low, numbers[0]
        elif code == _REBASE_ADD:
            place += numbers[0]
        elif code == _REBASE_ADD_POINTERS:
            place += low * _POINTER
        elif code == _REBASE_TIMES:
            count = low
        elif code in _REBASE_NUMBERS:
            count = 1 if code == _REBASE_THEN_ADD else numbers[0]
            step += numbers[-1] if code >= _REBASE_THEN_ADD else 0
        if count * _POINTER > _MOST_BYTES:
            raise ReadingError("more pointers are rebased than a file can have")
        for _ in range(count):
            yield segment, place & _WORD
            place += step


def exports(data: bytes) -> dict[bytes, tuple[object, ...]]:
    """Return what an exports trie says of every symbol: flags, then numbers, or the number and name re-exported."""
    found: dict[bytes, tuple[object, ...]] = {}
    waiting, seen = [(0, b"")] if data else [], set()
    while waiting:
        at, name = waiting.pop()
        if at in seen or at >= len(data):
            raise ReadingError("the exported symbols do not form a tree")
        seen.add(at)
        stream = _Stream(data, at)
        size = stream.number()
        children = stream.at + size
        if size:
            found[name] = _export(stream)
        stream.at = children
        for _ in range(stream.byte()):
            part = stream.text()
            waiting.append((stream.number(), name + part))
    return found


def _export(stream: _Stream) -> tuple[object, ...]:
    flags = stream.number()
    if flags & _REEXPORT:
        return flags, stream.number(), stream.text()
    return (flags, *(stream.number() for _ in range(2 if flags & _RESOLVER else 1)))


def uleb(data: bytes) -> tuple[int, int]:
    """Return the first ULEB128 number and where it ends."""
    stream = _Stream(data)
    return stream.number(), stream.at


class Chained(NamedTuple):
    """Chained fixups. rest: the table with zeros where the other fields come from.

    imports: library, as the table numbers it, and the other bits, of every symbol. starts: segment, form of its
    pointers, distance of the segment from the header, bytes of a page, and the place of each page's first pointer.
    """

    rest: bytes
    imports: tuple[tuple[int, tuple[int, ...]], ...]
    starts: tuple[tuple[int, int, int, int, tuple[int, ...]], ...]


def chained(data: bytes) -> Chained:
    """Read the table that LC_DYLD_CHAINED_FIXUPS leads to; raise ReadingError, or an error of struct."""
    _, start, imports_at, _, count, form, _ = struct.unpack_from("<7I", data)
    rest = bytearray(data)
    starts = []
    for segment in range(*struct.unpack_from("<I", data, start)):
        (place,) = struct.unpack_from("<I", data, start + 4 + 4 * segment)
        if not place:
            continue
        place += start
        page, kind, distance, _, pages = struct.unpack_from("<HHQIH", data, place + 4)
        rest[place + 8 : place + 16] = bytes(8)
        firsts = struct.unpack_from(f"<{pages}H", data, place + 22)
        starts.append((segment, kind, distance, page, firsts))
    if form not in _IMPORT_SHAPES:
        raise ReadingError(f"imports of an unknown form {form}")
    shape, bits = _IMPORT_SHAPES[form]
    size = struct.calcsize(shape)
    imports = []
    for at in range(imports_at, imports_at + count * size, size):
        first, *others = struct.unpack_from(shape, data, at)
        library, special = first & (1 << bits) - 1, (1 << bits) - 16
        imports.append((library - (1 << bits) if library > special else library, (first >> bits, *others)))
        rest[at : at + size] = bytes(size)
    return Chained(bytes(rest), tuple(imports), tuple(starts))


def chain(content: memoryview, at: int, end: int, kind: int) -> Iterator[tuple[int, int, int]]:
    """Yield the pointers of one chain that are rebased: place, value, and how many low bits are the target.

    at: where the first pointer stands; end: where their page ends.
    """
    if kind not in _PLAIN_FORMATS and kind not in _ARM64E_FORMATS:
        raise ReadingError(f"pointers of an unknown form {kind}")
    is_arm64e = kind in _ARM64E_FORMATS
    steps = 1
    while steps:
        if at + _POINTER > end:
            raise ReadingError("a chain of pointers leaves its page")
        value = int.from_bytes(content[at : at + _POINTER], "little")
        is_signed, is_bind = value >> 63, value >> 62 & 1 if is_arm64e else value >> 63
        if not is_bind:
            yield at, value, (32 if is_signed else 43) if is_arm64e else 36
        steps = value >> 51 & (0x7FF if is_arm64e else 0xFFF)
        at += steps * (8 if is_arm64e else 4)


def counts_from_header(kind: int, bits: int) -> bool:
    """Tell whether a pointer's target counts from the header, and is no address."""
    return kind in _OFFSET_FORMATS or bits == _SIGNED_TARGET
