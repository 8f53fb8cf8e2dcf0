"""Writes fat Mach-O files: anew from slices, or again when the slices have other sizes.

Follows `mach-o/fat.h`: a table says where each slice lies, in 32-bit numbers under one magic, in 64-bit ones under
another.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from truewheel.analyzer.macho.commands import DAMAGED
from truewheel.analyzer.macho.fat import FAT_HEADER_SIZE, fat_header_size, is_fat, read_fat
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truewheel.analyzer.macho.commands import Buffer
    from truewheel.analyzer.macho.fat import FatArch

_SHAPES = {False: "5I", True: "2I2QI4x"}  # cputype, cpusubtype, offset, size, align; by the width of offsets
_NARROW = 20  # bytes of the narrow shape
_MAGIC = Struct(">2I")  # magic, and how many slices
_MAGICS = {False: 0xCAFEBABE, True: 0xCAFEBABF}
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
    require_no_tail(data, where)
    if any(item.offset % (1 << item.alignment) for item in fat.items):
        raise RefusedError("a slice does not lie where its alignment says", where=where, hint=DAMAGED)
    return _laid_out(magic, Struct(_PREFIXES[fat.byte_order] + _SHAPES[fat.wide]), fat.items, contents, where)


def laid_out(table: Sequence[FatArch], contents: Sequence[Buffer], where: str, *, wide: bool = False) -> bytes:
    """Return a fat file of slices, in the order given, each at its alignment; the offsets and sizes of `table` are new.

    wide: whether its table of slices has numbers of 64 bits. Raises RefusedError when the file would be too large for
    32 bits and is not wide.
    """
    magic = _MAGIC.pack(_MAGICS[wide], len(table))
    # Slices that have no place yet lie in the order of the table.
    placed = [item._replace(offset=number) for number, item in enumerate(table)]
    return _laid_out(magic, Struct(_PREFIXES["big"] + _SHAPES[wide]), placed, contents, where)


def require_no_tail(data: Buffer, where: str) -> None:
    """Raise RefusedError when a file is fat and has content that belongs to no slice."""
    head = bytes(data[:FAT_HEADER_SIZE])
    if not is_fat(head):
        return
    items = read_fat(bytes(data[: fat_header_size(head)]), len(data), where).items
    if any(bytes(data[max(item.offset + item.size for item in items) :])):
        raise RefusedError("the file has content behind its last slice, which an edit would lose", where=where)


def _laid_out(magic: bytes, shape: Struct, items: Sequence[FatArch], contents: Sequence[Buffer], where: str) -> bytes:
    """Return the file whose first eight bytes are `magic`; slices lie in the order of the offsets in `items`."""
    placed = list(items)
    parts: list[Buffer] = [b""]
    end = FAT_HEADER_SIZE + len(placed) * shape.size
    for number in sorted(range(len(placed)), key=lambda each: items[each].offset):
        item, content = items[number], contents[number]
        padding = -end % (1 << item.alignment)
        parts += (bytes(padding), content)
        placed[number] = item._replace(offset=end + padding, size=len(content))
        end += padding + len(content)
    if end > _LARGEST[shape.size > _NARROW]:
        raise RefusedError(
            "the file would be larger than 4 GiB, more than its table of slices can say",
            where=where,
            hint="leave out debug information, or make a wheel for each architecture",
        )
    parts[0] = magic + b"".join(shape.pack(*item) for item in placed)
    return b"".join(parts)
