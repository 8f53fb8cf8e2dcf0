"""The hash tables by which a loader finds symbols: DT_GNU_HASH and DT_HASH.

Follows the gABI, "Hash Table", for DT_HASH. DT_GNU_HASH has no specification; binutils and glibc define it: the symbols
from `first` on stand in the table, grouped by bucket, and a bit filter tells most absent names at once.
"""

from __future__ import annotations

from itertools import chain, repeat
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.layout import Tag
from truewheel.analyzer.elf.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.elf.layout import Dynamic, ElfFile

_CHUNK = 1 << 14


class GnuHash(NamedTuple):
    """The table of DT_GNU_HASH; the fields named `..._at` are file offsets.

    first: the index of the first symbol in the table. end: where the table's segment ends in the file.
    """

    elf: ElfFile
    first: int
    filter_at: int
    filter_words: int
    filter_shift: int
    buckets_at: int
    buckets: int
    chains_at: int
    end: int

    def first_hashed(self) -> int | None:
        """Return the index below which no symbol is in the table; None when an empty table does not tell.

        GNU ld writes 1 into an empty table, whatever the number of symbols; other linkers write that number.
        """
        if self.first > 1 or bytes(self.elf.data[self.buckets_at : self.chains_at]).strip(b"\0"):
            return self.first
        return None

    def symbol_count(self) -> int | None:
        """Return how many symbols the file has; None when an empty table does not tell."""
        last = max(map(max, self._chunks(self.buckets_at, self.chains_at)), default=0)
        if last == 0:
            return self.first_hashed()
        start = self._chain_at(last)
        # The last chain ends where the lowest bit is set.
        for value in chain.from_iterable(self._chunks(start, self.end)):
            last += 1
            if value & 1:
                return last
        raise self.elf.invalid("a chain of DT_GNU_HASH has no end", self.chains_at)

    def _chunks(self, start: int, end: int) -> Iterator[tuple[int, ...]]:
        """Yield the whole 32-bit numbers from file offset `start` up to `end`, many at a time."""
        for at in range(start, end - 3, _CHUNK):
            content = self.elf.data[at : min(at + _CHUNK, end - (end - start) % 4)]
            yield Struct(f"{self.elf.form.prefix}{len(content) // 4}I").unpack(content)

    def candidates(self, name: bytes) -> Iterator[int]:
        """Yield the index of each symbol in the bucket of `name` that may have this name; 0 for the others there."""
        data, form = self.elf.data, self.elf.form
        value = 5381
        for byte in name:
            value = (value * 33 + byte) & 0xFFFF_FFFF
        if self.filter_words:
            word_at = self.filter_at + value // form.bits % self.filter_words * form.word.size
            (word,) = form.word.unpack_from(data, word_at)
            if not word >> value % form.bits & word >> (value >> self.filter_shift) % form.bits & 1:
                return
        if not self.buckets:
            return
        (index,) = form.number.unpack_from(data, self.buckets_at + value % self.buckets * 4)
        if index == 0:
            return
        start = self._chain_at(index)
        wanted = value | 1
        while start + 4 <= self.end:
            (found,) = form.number.unpack_from(data, start)
            yield index if found | 1 == wanted else 0
            if found & 1:
                return
            index += 1
            start += 4
        raise self.elf.invalid("a chain of DT_GNU_HASH has no end", self.chains_at)

    def _chain_at(self, index: int) -> int:
        start = self.chains_at + (index - self.first) * 4
        if index < self.first or start + 4 > self.end:
            raise self.elf.invalid("a bucket of DT_GNU_HASH leads outside the table", self.buckets_at)
        return start


class SysvHash(NamedTuple):
    """The table of DT_HASH; the fields named `..._at` are file offsets. It holds every symbol."""

    elf: ElfFile
    entry: Struct
    buckets_at: int
    buckets: int
    chains_at: int
    chains: int

    def symbol_count(self) -> int:
        """Return how many symbols the file has."""
        return self.chains

    def candidates(self, name: bytes) -> Iterator[int]:
        """Yield the index of each symbol in the bucket of `name`."""
        if not self.buckets:
            return
        value = 0
        for byte in name:
            value = (value << 4) + byte
            value = (value ^ (value >> 24 & 0xF0)) & 0x0FFF_FFFF
        size = self.entry.size
        at = self.buckets_at + value % self.buckets * size
        for _ in repeat(None, self.chains):
            (index,) = self.entry.unpack_from(self.elf.data, at)
            if index == 0:
                return
            if index >= self.chains:
                break
            yield index
            at = self.chains_at + index * size
        raise self.elf.invalid("a chain of DT_HASH leads outside the table, or back into itself", at)


def open_gnu_hash(elf: ElfFile, dynamic: Dynamic) -> GnuHash | None:
    """Return the table of DT_GNU_HASH, or None; InvalidBinaryError when it lies outside its segment."""
    address = dynamic.values.get(Tag.GNU_HASH)
    if address is None:
        return None
    start, end = elf.mapped(address, "DT_GNU_HASH")
    form = elf.form
    filter_at = start + form.gnu_hash.size
    if filter_at > end:
        raise elf.invalid("DT_GNU_HASH is cut short", start)
    buckets, first, filter_words, shift = form.gnu_hash.unpack_from(elf.data, start)
    buckets_at = filter_at + filter_words * form.word.size
    chains_at = buckets_at + buckets * 4
    if chains_at > end:
        raise elf.invalid("DT_GNU_HASH reaches past the end of its segment", start)
    return GnuHash(elf, first, filter_at, filter_words, shift & 31, buckets_at, buckets, chains_at, end)


def open_sysv_hash(elf: ElfFile, dynamic: Dynamic) -> SysvHash | None:
    """Return the table of DT_HASH, or None; InvalidBinaryError when it lies outside its segment."""
    address = dynamic.values.get(Tag.HASH)
    if address is None:
        return None
    start, end = elf.mapped(address, "DT_HASH")
    # Against the gABI, entries have 64 bits on s390x; but linkers that did not know it wrote 32 bits there too.
    for entry in (elf.form.word, elf.form.number) if elf.machine == Machine.S390 else (elf.form.number,):
        buckets_at = start + 2 * entry.size
        if buckets_at > end:
            break
        (buckets,), (chains,) = entry.unpack_from(elf.data, start), entry.unpack_from(elf.data, start + entry.size)
        chains_at = buckets_at + buckets * entry.size
        if chains_at + chains * entry.size <= end:
            return SysvHash(elf, entry, buckets_at, buckets, chains_at, chains)
    raise elf.invalid("DT_HASH reaches past the end of its segment", start)
