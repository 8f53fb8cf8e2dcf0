"""Fat files: the header that says where the slice of each architecture lies.

Follows Apple's `mach-o/fat.h`. The header is big-endian in every file that Apple's tools write;
the swapped one is read too. Java class files start with the same four bytes; the next four tell them apart.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.commands import DAMAGED, SMALLEST_HEADER
from truewheel.analyzer.macho.machine import architecture
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Mapping

FAT_HEADER_SIZE = 8
"""Bytes of `fat_header`: the magic number and the count of slices."""

# A Java class file has its version where a fat file has its count of slices, and the first version was 45.0.
_FIRST_JAVA = 45
# The kernel places slices on pages; the largest alignment in use is 2^14, and lipo knows up to 2^15.
_MOST_ALIGNMENT = 31


# Bytes of `fat_arch_64`.
_WIDE_ARCH = 32


class _Form(NamedTuple):
    byte_order: str
    number: Struct
    arch: Struct
    """cputype, cpusubtype, offset, size, align"""


_FORMS: Mapping[bytes, _Form] = {
    b"\xca\xfe\xba\xbe": _Form("big", Struct(">I"), Struct(">5I")),
    b"\xbe\xba\xfe\xca": _Form("little", Struct("<I"), Struct("<5I")),
    b"\xca\xfe\xba\xbf": _Form("big", Struct(">I"), Struct(">IIQQI4x")),
    b"\xbf\xba\xfe\xca": _Form("little", Struct("<I"), Struct("<IIQQI4x")),
}


class FatArch(NamedTuple):
    """One slice: `fat_arch`. alignment: the power of two that its offset is a multiple of."""

    cpu_type: int
    cpu_subtype: int
    offset: int
    size: int
    alignment: int


class FatHeader(NamedTuple):
    """wide: whether offsets have 64 bits (`FAT_MAGIC_64`). items: in file order."""

    byte_order: str
    wide: bool
    items: tuple[FatArch, ...]


def is_fat(head: bytes) -> bool:
    """Whether a file that starts with `head` (eight bytes are enough) is a fat file of at least one slice."""
    form = _FORMS.get(head[:4])
    if form is None or len(head) < FAT_HEADER_SIZE:
        return False
    count: int = form.number.unpack_from(head, 4)[0]
    return 0 < count < _FIRST_JAVA


def fat_header_size(head: bytes) -> int:
    """Return how many bytes the header and its table of slices take, from the first eight bytes of a fat file."""
    form = _FORMS[head[:4]]
    count: int = form.number.unpack_from(head, 4)[0]
    return FAT_HEADER_SIZE + count * form.arch.size


def read_fat(head: bytes, size: int, where: str) -> FatHeader:
    """Read the table of slices.

    head: the first `fat_header_size` bytes of a file for which `is_fat` holds. size: of the whole file.

    Raises InvalidBinaryError when a slice lies outside the file, or two overlap.
    """
    form = _FORMS[head[:4]]
    end = fat_header_size(head)
    if len(head) < end:
        raise _invalid("the table of slices reaches past the end of the file", where)
    items = tuple(FatArch(*fields) for fields in form.arch.iter_unpack(head[FAT_HEADER_SIZE:end]))
    for item in sorted(items, key=lambda item: item.offset):
        name = architecture(item.cpu_type, item.cpu_subtype)
        if item.offset < end:
            raise _invalid(f"the {name} slice overlaps the table of slices or another slice", where)
        if item.size < SMALLEST_HEADER:
            raise _invalid(f"the {name} slice has {item.size} bytes, too few for a Mach-O header", where)
        if item.offset + item.size > size:
            raise _invalid(f"the {name} slice reaches past the end of the file", where)
        if item.alignment > _MOST_ALIGNMENT:
            raise _invalid(f"the {name} slice has the impossible alignment 2^{item.alignment}", where)
        end = item.offset + item.size
    return FatHeader(form.byte_order, form.arch.size == _WIDE_ARCH, items)


def _invalid(what: str, where: str) -> InvalidBinaryError:
    return InvalidBinaryError(what, where=where, hint=DAMAGED)
