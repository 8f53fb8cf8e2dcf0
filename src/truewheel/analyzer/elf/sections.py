"""The one thing that only section headers tell: whether a file is the debug information split from another.

Follows the gABI, "Sections". Such a file (`objcopy --only-keep-debug`, `eu-strip -f`) keeps the program headers of the
file it was split from, but not the bytes they speak of; its sections say so by their type SHT_NOBITS.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from truewheel.analyzer.elf.layout import SegmentType

if TYPE_CHECKING:
    from truewheel.analyzer.elf.layout import ElfFile

# sh_type, sh_flags, sh_addr
_SHAPES = {32: "4xIII24x", 64: "4xIQQ40x"}
_NOBITS = 8
_CODE = 4


def is_split_debug(elf: ElfFile) -> bool:
    """Whether the file has no content for its code or its dynamic section; False without section headers."""
    if not elf.section_headers:
        return False
    _, _, _, start, _, _, _, size, count = elf.form.header.unpack_from(elf.data)
    shape = Struct(elf.form.prefix + _SHAPES[elf.form.bits])
    if size != shape.size:
        return False
    dynamic = next((item.address for item in elf.segments if item.type == SegmentType.DYNAMIC), None)
    for kind, flags, address in shape.iter_unpack(bytes(elf.data[start : start + count * size])):
        if kind == _NOBITS and (flags & _CODE or address == dynamic):
            return True
    return False
