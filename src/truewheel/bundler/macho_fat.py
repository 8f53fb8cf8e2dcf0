"""Writes a fat Mach-O file again when its slices have other sizes.

Follows `mach-o/fat.h`: a table says where each slice lies, in 32-bit numbers under one magic, in 64-bit ones under
another.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from truewheel.analyzer.macho_fat import FAT_HEADER_SIZE, fat_header_size, read_fat
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truewheel.analyzer.macho_commands import Buffer

_SHAPES = {False: "5I", True: "2I2QI4x"}  # cputype, cpusubtype, offset, size, align; by the width of offsets
_PREFIXES = {"big": ">", "little": "<"}
_LARGEST = {False: (1 << 32) - 1, True: (1 << 64) - 1}


def laid_out_again(data: Buffer, contents: Sequence[Buffer], where: str) -> bytes:
    """Return the fat file `data` with other contents of its slices, given in the order of its table.

    The table keeps its width, its order and each slice's alignment; slices lie in the order in which they lay.
    Raises InvalidBinaryError for a damaged table, RefusedError when the file would be too large for its table, or has
    bytes that belong to no slice.
    """
    magic = bytes(data[:FAT_HEADER_SIZE])
    fat = read_fat(bytes(data[: fat_header_size(magic)]), len(data), where)
    if any(bytes(data[max(item.offset + item.size for item in fat.items) :])):
        raise RefusedError("the file has content behind its last slice, which an edit would lose", where=where)
    shape = Struct(_PREFIXES[fat.byte_order] + _SHAPES[fat.wide])
    placed = list(fat.items)
    parts: list[Buffer] = [b""]
    end = FAT_HEADER_SIZE + len(placed) * shape.size
    for number in sorted(range(len(placed)), key=lambda each: fat.items[each].offset):
        item, content = fat.items[number], contents[number]
        padding = -end % (1 << item.alignment)
        parts += (bytes(padding), content)
        placed[number] = item._replace(offset=end + padding, size=len(content))
        end += padding + len(content)
    if end > _LARGEST[fat.wide]:
        raise RefusedError(
            "the file would be larger than 4 GiB, more than its table of slices can say",
            where=where,
            hint="leave out debug information, or make a wheel for each architecture",
        )
    parts[0] = magic + b"".join(shape.pack(*item) for item in placed)
    return b"".join(parts)
