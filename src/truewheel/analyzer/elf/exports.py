"""Which of many symbols an ELF file defines, asked of many files.

A library is inflated once and dropped, but the names that others want of it are known only when all files are read.
Its symbol table, strings and hash tables are some percent of it; they are copied to their own offsets in an anonymous
memory map of the file's size, whose untouched pages take no memory. To a reader the map looks like the file.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.layout import SegmentType, Tag, open_elf, read_dynamic
from truewheel.analyzer.elf.symbols import exported, open_symbols

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truewheel.analyzer.elf.hash import GnuHash
    from truewheel.analyzer.elf.layout import Buffer, ElfFile
    from truewheel.analyzer.elf.symbols import SymbolTable

SMALL = 1 << 16
"""Bytes below which a map costs more than it saves."""


class AskedName(NamedTuple):
    """A symbol's name as a symbol table holds it, and its hash in DT_GNU_HASH, worked out once for all files."""

    name: str
    raw: bytes
    gnu_hash: int

    @classmethod
    def of(cls, name: str) -> AskedName:
        """Return the name to ask for."""
        raw = name.encode("utf-8", "surrogateescape")
        value = 5381
        for byte in raw:
            value = (value * 33 + byte) & 0xFFFF_FFFF
        return cls(name, raw, value)


def defined(data: Buffer, names: Iterable[AskedName], where: str) -> frozenset[str]:
    """Return those of `names` that a reference without a version finds in the ELF file in `data`.

    The same answer as that of `elf_symbols.provided`, quicker where few of many names are there. Raises
    InvalidBinaryError naming `where` when the file is damaged.
    """
    elf = open_elf(data, where)
    dynamic = read_dynamic(elf) if elf.loads else None
    table = open_symbols(elf, dynamic) if dynamic else None
    if table is None:
        return frozenset()
    if table.gnu_hash and table.gnu_hash.filter_words:
        names = _filtered(table.gnu_hash, names)
    asked = {each.raw: each.name for each in names}
    return frozenset(asked[raw] for raw in exported(table, asked))


def _filtered(table: GnuHash, names: Iterable[AskedName]) -> list[AskedName]:
    """Leave out the names that the table's bit filter (a Bloom filter of two bits) says are not there."""
    form, count, shift = table.elf.form, table.filter_words, table.filter_shift
    bits = form.bits
    content = bytes(table.elf.data[table.filter_at : table.filter_at + count * form.word.size])
    words = [word for (word,) in form.word.iter_unpack(content)]
    return [
        each
        for each in names
        if words[(value := each.gnu_hash) // bits % count] >> value % bits
        & words[value // bits % count] >> (value >> shift) % bits
        & 1
    ]


def keep_exports(data: Buffer, where: str, limit: int) -> tuple[bytes | mmap.mmap, int] | None:
    """Return a buffer that answers `defined` as `data` does, and how many bytes of memory it takes.

    None when that is more than `limit`, when the file exports nothing, or has no hash table that counts its symbols.
    Raises InvalidBinaryError naming `where` when the file is damaged.
    """
    elf = open_elf(data, where)
    dynamic = read_dynamic(elf)
    table = open_symbols(elf, dynamic) if dynamic else None
    count = _symbol_count(table) if table else None
    if table is None or count is None:
        return None
    if len(data) <= SMALL:
        return (bytes(data), len(data)) if len(data) <= limit else None
    ranges = [(start, end) for start, end in _ranges(elf, table, count) if start < end]
    kept = sum(end - start for start, end in ranges)
    if kept > limit:
        return None
    holes = mmap.mmap(-1, len(data))
    for start, end in ranges:
        holes[start:end] = bytes(data[start:end])
    return holes, kept


def _symbol_count(table: SymbolTable) -> int | None:
    count = table.gnu_hash.symbol_count() if table.gnu_hash else None
    if count is None and table.sysv_hash:
        count = table.sysv_hash.symbol_count()
    return count


def _ranges(elf: ElfFile, table: SymbolTable, count: int) -> Iterator[tuple[int, int]]:
    """Yield the file offsets, from and to, of all that a look-up reads."""
    form, dynamic = elf.form, table.dynamic
    yield 0, form.header.size
    _, _, headers_at, _, _, size, number, _, _ = form.header.unpack_from(elf.data)
    yield headers_at, headers_at + size * number
    for segment in elf.segments:
        if segment.type == SegmentType.DYNAMIC:
            yield _range(elf, segment.address, segment.size)
    yield table.start, min(table.start + count * form.symbol.size, table.end)
    yield dynamic.strings.start, dynamic.strings.end
    if Tag.VERSYM in dynamic.values:
        yield _range(elf, dynamic.values[Tag.VERSYM], 2 * count)
    if table.gnu_hash:
        chains = max(count - table.gnu_hash.first, 0) * form.number.size
        start, _ = elf.mapped(dynamic.values[Tag.GNU_HASH], "DT_GNU_HASH")
        yield start, min(table.gnu_hash.chains_at + chains, table.gnu_hash.end)
    if table.sysv_hash:
        start, _ = elf.mapped(dynamic.values[Tag.HASH], "DT_HASH")
        yield start, table.sysv_hash.chains_at + table.sysv_hash.chains * table.sysv_hash.entry.size


def _range(elf: ElfFile, address: int, size: int) -> tuple[int, int]:
    start, end = elf.mapped(address, "a table of symbols")
    return start, min(start + size, end)
