"""The little that only section headers tell: whether a file is split debug information, and where a section lies.

Follows the gABI, "Sections". Split debug information (`objcopy --only-keep-debug`, `eu-strip -f`) keeps the program
headers of the file it was split from, but not the bytes they speak of; its sections say so by their type SHT_NOBITS.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.layout import SegmentType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.elf.layout import ElfFile

_SHAPES = {32: "4xIIIII16x", 64: "4xIQQQQ24x"}
_NOBITS = 8
_CODE = 4


class _Section(NamedTuple):
    """sh_type, sh_flags, sh_addr, sh_offset, sh_size."""

    type: int
    flags: int
    address: int
    offset: int
    size: int


def is_split_debug(elf: ElfFile) -> bool:
    """Whether the file has no content for its code or its dynamic section; False without section headers."""
    dynamic = next((item.address for item in elf.segments if item.type == SegmentType.DYNAMIC), None)
    return any(kind == _NOBITS and (flags & _CODE or address == dynamic) for kind, flags, address, *_ in _sections(elf))


def section_content(elf: ElfFile, kind: int, longest: int) -> bytes | None:
    """Return the first section of a type; None without one, and for one that is longer or lies outside the file."""
    for item in map(_Section._make, _sections(elf)):
        if item.type == kind:
            inside = item.offset + item.size <= elf.size and item.size <= longest
            return bytes(elf.data[item.offset : item.offset + item.size]) if inside else None
    return None


def _sections(elf: ElfFile) -> Iterator[tuple[int, ...]]:
    """Return the fields of every section header; none where the table cannot be read."""
    if not elf.section_headers:
        return iter(())
    _, _, _, start, _, _, _, size, count = elf.form.header.unpack_from(elf.data)
    shape = Struct(elf.form.prefix + _SHAPES[elf.form.bits])
    if size != shape.size:
        return iter(())
    return shape.iter_unpack(bytes(elf.data[start : start + count * size]))
