"""The tables by which dyld binds symbols to numbered libraries, and how a library's number is changed in place.

Follows Apple's `mach-o/loader.h` (bind opcodes and the exports trie) and `mach-o/fixup-chains.h` (imports of chained
fixups). A library's number, or ordinal, is its position among the load commands that name libraries, from 1; zero and
negative numbers are special. Every edit keeps the length of its table, since other tables point into it.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.commands import invalid
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.errors import InvalidBinaryError

FLAT_LOOKUP = -2
"""BIND_SPECIAL_DYLIB_FLAT_LOOKUP: any library of the process, which is what `ld -undefined dynamic_lookup` writes."""

OPCODE, IMMEDIATE = 0xF0, 0x0F
DONE = 0x00
SET_ORDINAL_IMMEDIATE = 0x10
SET_ORDINAL_ULEB = 0x20
SET_FLAT_LOOKUP = 0x30 | FLAT_LOOKUP & IMMEDIATE
SET_SYMBOL = 0x40
THREADED = 0xD0
LEB_OPERANDS = {
    0x30: 0,  # SET_DYLIB_SPECIAL_IMM
    0x50: 0,  # SET_TYPE_IMM
    0x60: 1,  # SET_ADDEND_SLEB
    0x70: 1,  # SET_SEGMENT_AND_OFFSET_ULEB
    0x80: 1,  # ADD_ADDR_ULEB
    0x90: 0,  # DO_BIND
    0xA0: 1,  # DO_BIND_ADD_ADDR_ULEB
    0xB0: 0,  # DO_BIND_ADD_ADDR_IMM_SCALED
    0xC0: 2,  # DO_BIND_ULEB_TIMES_SKIPPING_ULEB
}
"""How many LEB128 numbers follow each opcode that neither ends the stream nor names a library or a symbol."""
THREADED_OPERANDS = {0: 1, 1: 0}
"""The same by the immediate of THREADED: the size of the table of binds, and the start of a chain."""

LONGEST_LEB = 10
"""Bytes of the longest number that dyld reads, 64 bits."""
MORE_FOLLOWS = 0x80
"""The bit of every byte of a number but the last."""

FIXUPS_HEADER = Struct("<7I")
"""`dyld_chained_fixups_header`: fixups_version, starts_offset, imports_offset, symbols_offset, imports_count,
imports_format, symbols_format"""
BYTE_IMPORTS = {1: 4, 2: 8}
"""Bytes of an import by `imports_format`, for those whose lowest 8 bits are the library (DYLD_CHAINED_IMPORT and
DYLD_CHAINED_IMPORT_ADDEND)."""
WORD_IMPORTS, WORD_IMPORT_SIZE = 3, 16
"""DYLD_CHAINED_IMPORT_ADDEND64: the lowest 16 bits are the library."""
LAST_BYTE_ORDINAL, LAST_WORD_ORDINAL = 0xF0, 0xFFF0
"""Greater numbers are negative ones, in 8 and in 16 bits."""

REEXPORT = 0x08
"""EXPORT_SYMBOL_FLAGS_REEXPORT"""


class Part(NamedTuple):
    """The bytes of a slice from `start` to before `end`."""

    start: int
    end: int


class Numbering(NamedTuple):
    """What becomes of the numbers of a slice's libraries.

    after: by old number; FLAT_LOOKUP for a dropped library. The first entry stands for the slice itself.
    where: the file, for errors.
    """

    after: tuple[int, ...]
    where: str

    def new(self, ordinal: int, offset: int) -> int:
        """Return the number that replaces one found at `offset`; raise InvalidBinaryError when no library has it."""
        if ordinal >= len(self.after):
            raise self.invalid(f"a symbol of library {ordinal}, of {len(self.after) - 1}", offset)
        return self.after[ordinal]

    def invalid(self, what: str, offset: int) -> InvalidBinaryError:
        """Return the error that says `what` is wrong at `offset`."""
        return invalid(what, offset, self.where)


def numbering_after(count: int, dropped: frozenset[int], merged: Mapping[int, int], where: str) -> Numbering:
    """Return the numbering of `count` libraries without those whose numbers are `dropped` or keys of `merged`.

    merged: a removed number to the one that stays and stands for it too.
    """
    after = [0]
    kept = 0
    for ordinal in range(1, count + 1):
        stays = ordinal not in dropped and ordinal not in merged
        kept += stays
        after.append(kept if stays else FLAT_LOOKUP)
    for ordinal, other in merged.items():
        after[ordinal] = after[other]
    return Numbering(tuple(after), where)


def renumber_opcodes(content: bytearray, part: Part, numbering: Numbering, *, lazy: bool) -> None:
    """Renumber the libraries in a stream of bind opcodes.

    lazy: the stream of lazy binds, where DONE ends one bind and not the stream.
    Raises InvalidBinaryError for an unknown opcode, an operand without an end, and a library that is not there.
    """
    at, end = part
    while at < end:
        opcode, immediate = content[at] & OPCODE, content[at] & IMMEDIATE
        start = at
        at += 1
        if opcode == DONE:
            if not lazy:
                return
        elif opcode == SET_ORDINAL_IMMEDIATE:
            new = numbering.new(immediate, start)
            content[start] = SET_FLAT_LOOKUP if new == FLAT_LOOKUP else SET_ORDINAL_IMMEDIATE | new
        elif opcode == SET_ORDINAL_ULEB:
            ordinal, at = _uleb(content, at, end, numbering)
            new = numbering.new(ordinal, start)
            if new == FLAT_LOOKUP:
                # The same opcode again changes nothing and keeps what follows in its place.
                content[start:at] = bytes([SET_FLAT_LOOKUP]) * (at - start)
            else:
                content[start + 1 : at] = _padded_uleb(new, at - start - 1)
        elif opcode == SET_SYMBOL:
            at = _after_text(content, at, end, numbering)
        else:
            operands = THREADED_OPERANDS.get(immediate) if opcode == THREADED else LEB_OPERANDS.get(opcode)
            if operands is None:
                raise numbering.invalid(f"the bind opcode {opcode | immediate:#04x}, which is unknown", start)
            for _ in range(operands):
                _, at = _uleb(content, at, end, numbering)


def renumber_imports(content: bytearray, part: Part, numbering: Numbering) -> None:
    """Renumber the libraries in the imports of chained fixups.

    Raises InvalidBinaryError for versions and formats that dyld does not know, and for imports that are out of bounds
    or of a library that is not there.
    """
    start, end = part
    if end - start < FIXUPS_HEADER.size:
        raise numbering.invalid("the header of the chained fixups is cut short", start)
    version, _, offset, _, count, layout, _ = FIXUPS_HEADER.unpack_from(content, start)
    size = WORD_IMPORT_SIZE if layout == WORD_IMPORTS else BYTE_IMPORTS.get(layout)
    if version or size is None:
        raise numbering.invalid(f"chained fixups of version {version} with imports of format {layout}", start)
    if offset < FIXUPS_HEADER.size or offset + count * size > end - start:
        raise numbering.invalid("the imports lie outside of the chained fixups", start)
    imports = Part(start + offset, start + offset + count * size)
    if layout != WORD_IMPORTS:
        _renumber_bytes(content, imports, size, numbering)
        return
    for at in range(imports.start, imports.end, size):
        ordinal = int.from_bytes(content[at : at + 2], "little")
        if ordinal <= LAST_WORD_ORDINAL:
            content[at : at + 2] = (numbering.new(ordinal, at) & 0xFFFF).to_bytes(2, "little")


def _renumber_bytes(content: bytearray, imports: Part, size: int, numbering: Numbering) -> None:
    """Renumber imports whose first byte is the library: all at once, since there may be very many."""
    column = slice(imports.start, imports.end, size)
    before = bytes(content[column])
    table = bytearray(range(256))
    for ordinal in sorted(set(before)):
        if ordinal <= LAST_BYTE_ORDINAL:
            table[ordinal] = numbering.new(ordinal, imports.start + before.index(ordinal) * size) & 0xFF
    content[column] = before.translate(table)


def renumber_reexports(content: bytearray, trie: Part, numbering: Numbering) -> None:
    """Renumber the libraries of symbols that an exports trie passes on from other libraries.

    Raises RefusedError when such a symbol comes from a dropped library, and InvalidBinaryError when the trie is
    damaged. Each of its bytes belongs to one node, which also bounds what a made-up one may cost.
    """
    waiting = [trie.start] if trie.end > trie.start else []
    unread = trie.end - trie.start
    while waiting:
        start = at = waiting.pop()
        size, at = _uleb(content, at, trie.end, numbering)
        children = at + size
        if children >= trie.end:
            raise numbering.invalid("an exported symbol reaches past the end of its table", at)
        if size:
            _renumber_reexport(content, Part(at, children), numbering)
        at = children + 1
        for _ in range(content[children]):
            edge = _after_text(content, at, trie.end, numbering)
            offset, at = _uleb(content, edge, trie.end, numbering)
            if trie.start + offset >= trie.end:
                raise numbering.invalid("a branch of the exported symbols leads outside", edge)
            waiting.append(trie.start + offset)
        unread -= at - start
        if unread < 0:
            raise numbering.invalid("the exported symbols lie over each other", start)


def _renumber_reexport(content: bytearray, symbol: Part, numbering: Numbering) -> None:
    flags, at = _uleb(content, symbol.start, symbol.end, numbering)
    if not flags & REEXPORT:
        return
    ordinal, after = _uleb(content, at, symbol.end, numbering)
    new = numbering.new(ordinal, at)
    if new == FLAT_LOOKUP:
        raise RefusedError(
            "a library cannot be removed, since this file passes on symbols of it as its own", where=numbering.where
        )
    content[at:after] = _padded_uleb(new, after - at)


def _uleb(content: bytearray, at: int, end: int, numbering: Numbering) -> tuple[int, int]:
    """Return the unsigned LEB128 number at `at` and where it ends."""
    value = 0
    for index in range(LONGEST_LEB):
        if at + index >= end:
            break
        byte = content[at + index]
        value |= (byte & ~MORE_FOLLOWS) << 7 * index
        if byte < MORE_FOLLOWS:
            return value, at + index + 1
    raise numbering.invalid("a number without an end", at)


def _padded_uleb(value: int, length: int) -> bytes:
    """Return `value` as LEB128 in `length` bytes; the last ones may add nothing, which every reader takes."""
    groups = [value >> 7 * index & 0x7F for index in range(length)]
    return bytes([*(group | MORE_FOLLOWS for group in groups[:-1]), groups[-1]])


def _after_text(content: bytearray, at: int, end: int, numbering: Numbering) -> int:
    found = content.find(b"\0", at, end)
    if found < 0:
        raise numbering.invalid("a name without an end", at)
    return found + 1
