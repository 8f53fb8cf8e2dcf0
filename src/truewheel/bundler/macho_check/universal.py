"""Reads a fat file that was just written by macholib's structures, and compares its slices with their sources.

Shares no code with what wrote it. Follows `mach-o/fat.h`.
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from macholib.mach_o import FAT_MAGIC_64, fat_arch, fat_arch64, fat_header

from truewheel.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    Cpu = tuple[int, int]

_MASK = 0xFFFFFFFF
_HEAD = 4096
"""More bytes than any table of slices has."""
_SWAPPED = (b"\xbe\xba\xfe\xca", b"\xbf\xba\xfe\xca")


def verify_fat(content: bytes | memoryview, slices: Mapping[Cpu, bytes | memoryview], where: str) -> None:
    """Raise ToolError when a fat file does not hold exactly these slices, each at its alignment.

    slices: by CPU type and subtype, as unsigned numbers.
    """
    table, end = _table(memoryview(content), where)
    if sorted(item.cpu for item in table) != sorted(slices):
        raise _wrong("its table is for other processors", where)
    for item in sorted(table, key=lambda item: item.start):
        if item.start < end or item.start % (1 << item.alignment):
            raise _wrong(f"the slice at {item.start:#x} overlaps what is before it, or is not aligned", where)
        if item.content != slices[item.cpu]:
            raise _wrong(f"the slice at {item.start:#x} has other bytes", where)
        end = item.start + len(item.content)
    if end != len(content):
        raise _wrong("it does not end with its last slice", where)


def verify_slice(content: memoryview, cpu: Cpu, found: bytes, where: str) -> None:
    """Raise ToolError when `found` is not the slice of a fat file that is for a processor."""
    if [found] != [item.content for item in _table(content, where)[0] if item.cpu == cpu]:
        raise _wrong("the slice has other bytes than in the fat file", where)


class _Item(NamedTuple):
    cpu: Cpu
    start: int
    alignment: int
    content: memoryview


def _table(content: memoryview, where: str) -> tuple[list[_Item], int]:
    """Return the slices in the order of the table, and where the table ends."""
    file = BytesIO(content[:_HEAD])
    order = "<" if bytes(content[:4]) in _SWAPPED else ">"
    items = []
    try:
        header = fat_header.from_fileobj(file, _endian_=order)
        shape = fat_arch64 if header.magic == FAT_MAGIC_64 else fat_arch
        for _ in range(header.nfat_arch):
            each = shape.from_fileobj(file, _endian_=order)
            start, size = int(each.offset), int(each.size)
            cpu = (each.cputype & _MASK, each.cpusubtype & _MASK)
            items.append(_Item(cpu, start, int(each.align), content[start : start + size]))
    except struct.error:
        raise _wrong("its table is cut short", where) from None
    return items, file.tell()


def _wrong(what: str, where: str) -> ToolError:
    return ToolError(
        f"the file is not what was to be written: {what}",
        where=where,
        hint="nothing was written; please report it, with the files",
    )
