"""The string table of an ELF file, from which every name comes.

Follows the gABI, "String Table".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truewheel.analyzer.elf.layout import ElfFile

# Most names are shorter than this, so that one read is enough.
_NAME_BYTES = 96


class Strings:
    r"""A table of strings, each read on demand and ended by a zero byte.

    Bytes that are not UTF-8 come out as `\xNN`: a name can then be shown anywhere, and finds no file.
    """

    __slots__ = ("_budget", "_elf", "end", "start")

    def __init__(self, elf: ElfFile, start: int, end: int) -> None:
        """Take the table from file offset `start` up to `end`."""
        self._elf = elf
        self.start = start
        self.end = end
        # Names may share their tails, but not without measure: a file cannot make us build more text than this.
        self._budget = 2 * (end - start) + (1 << 16)

    def raw(self, offset: int) -> bytes:
        """Return the bytes of the string at `offset` bytes from the table's start."""
        start = self.start + offset
        end = self.end
        if start >= end:
            raise self._elf.invalid("a name lies outside its string table", start)
        size = _NAME_BYTES
        while True:
            stop = min(start + size, end)
            name, zero, _ = bytes(self._elf.data[start:stop]).partition(b"\0")
            if zero:
                break
            if stop == end:
                raise self._elf.invalid("a name does not end within its string table", start)
            size *= 8
        self._budget -= len(name)
        if self._budget < 0:
            raise self._elf.invalid("the names overlap beyond reason", self.start)
        return name

    def texts(self, offsets: Sequence[int]) -> list[str]:
        """Return the strings at all `offsets`; faster than one by one."""
        table = bytes(self._elf.data[self.start : self.end])
        texts = []
        for start in offsets:
            end = table.find(b"\0", start)
            if end < 0:
                raise self._elf.invalid("a name lies outside its string table, or does not end in it", self.start)
            self._budget -= end - start
            if self._budget < 0:
                raise self._elf.invalid("the names overlap beyond reason", self.start)
            texts.append(table[start:end].decode("utf-8", "backslashreplace"))
        return texts

    def find(self, prefix: bytes) -> Iterator[int]:
        """Yield the offset of every place in the table where `prefix` stands."""
        data, start, end = self._elf.data, self.start, self.end
        if isinstance(data, memoryview):
            data, start, end = bytes(data[start:end]), 0, end - start
        at = data.find(prefix, start, end)
        while at >= 0:
            yield at - start
            at = data.find(prefix, at + 1, end)

    def is_at(self, offset: int, name: bytes) -> bool:
        """Whether the string at `offset` is `name`."""
        start = self.start + offset
        end = start + len(name) + 1
        return end <= self.end and bytes(self._elf.data[start:end]) == name + b"\0"

    def text(self, offset: int) -> str:
        """Return the string at `offset` bytes from the table's start."""
        return self.raw(offset).decode("utf-8", "backslashreplace")
