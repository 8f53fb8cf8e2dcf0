"""Joins files for several architectures to one fat file, and takes one architecture out of a fat file.

Follows `mach-o/fat.h` and `ar.h`, and lays files out as `lipo` does. The bytes of a slice are never touched, so its
signature stays what it was. A static library of Mach-O objects for one architecture can be a slice too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.commands import FORMS, LARGEST_HEADER, read_header
from truewheel.analyzer.macho.fat import FatArch, fat_header_size, is_fat, read_fat
from truewheel.analyzer.macho.image import FileType
from truewheel.analyzer.macho.machine import architecture
from truewheel.analyzer.macho.reader import STATIC_LIBRARY, is_macho, read_macho
from truewheel.bundler.macho.fat import laid_out, require_no_tail
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = 8
"""Bytes from whose first ones `may_be_sliced` tells what a file is."""

_ARM_FAMILY, _FAMILY = 12, 0xFF
_PAGE, _ARM_PAGE, _NO_PAGE = 12, 14, 3
"""Powers of two: a page of Intel's and of Apple's processors, and what suffices for a file that no loader maps."""
_LIB64 = 0x80000000
"""What programs for Intel's processors have in their subtype, and tables of slices have not; ARM uses it otherwise."""
_UNMAPPED = frozenset({FileType.OBJECT.value, FileType.DSYM.value})
_ENTRY, _SIZE, _END = 60, slice(48, 58), slice(58, 60)
"""`ar_hdr`: its bytes in all, where the size of the content stands, and where `_END_MARK` does."""
_END_MARK = b"`\n"
_LONG_NAME = b"#1/"
_INDEXES = (b"__.SYMDEF", b"/ ", b"// ", b"/SYM64/")


class Piece(NamedTuple):
    """One slice. item: what a table of slices says of it, but for where it lies. content: all its bytes."""

    item: FatArch
    content: memoryview

    @property
    def architecture(self) -> str:
        """The architecture, as `lipo` spells it."""
        return architecture(self.item.cpu_type, self.item.cpu_subtype)

    @property
    def cpu(self) -> tuple[int, int]:
        """CPU type and subtype, as unsigned numbers."""
        return self.item.cpu_type, self.item.cpu_subtype


def may_be_sliced(head: bytes) -> bool:
    """Whether a file that starts with `head` (HEAD bytes) is Mach-O or a static library."""
    return is_macho(head) or head == STATIC_LIBRARY


def pieces(content: memoryview, where: str) -> tuple[Piece, ...]:
    """Return the slices of a file for which `may_be_sliced` holds, in file order.

    None for a static library that is not one architecture's objects. Raises InvalidBinaryError for a damaged file.
    """
    head = bytes(content[:HEAD])
    if head == STATIC_LIBRARY:
        cpu = _cpu_of_library(content)
        return () if cpu is None else (Piece(FatArch(*cpu, 0, len(content), _NO_PAGE), content),)
    read_macho(content, where)
    if is_fat(head):
        table = read_fat(bytes(content[: fat_header_size(head)]), len(content), where)
        return tuple(Piece(item, content[item.offset : item.offset + item.size]) for item in table.items)
    header = read_header(bytes(content[:LARGEST_HEADER]), where)
    page = _ARM_PAGE if header.cpu_type & _FAMILY == _ARM_FAMILY else _PAGE
    alignment = _NO_PAGE if header.file_type in _UNMAPPED else page
    subtype = header.cpu_subtype if header.cpu_type & _FAMILY == _ARM_FAMILY else header.cpu_subtype & ~_LIB64
    return (Piece(FatArch(header.cpu_type, subtype, 0, len(content), alignment), content),)


def contradictions(one: Iterable[Piece], two: Iterable[Piece]) -> tuple[str, ...]:
    """Return the architectures that both have and for which their slices differ."""
    other = {piece.architecture: piece.content for piece in two}
    both = (piece for piece in one if piece.architecture in other)
    return tuple(piece.architecture for piece in both if piece.content != other[piece.architecture])


def joined(first: memoryview, second: memoryview, where: str) -> bytes:
    """Return the file that has the slices of both; where both have one of an architecture, the first one's.

    A file that has them all stays as it is. Slices stand in the order in which `lipo` puts them. Raises RefusedError
    when the file would be too large, InvalidBinaryError for a damaged one.
    """
    one, two = pieces(first, where), pieces(second, where)
    mine, theirs = ({piece.architecture for piece in each} for each in (one, two))
    if theirs <= mine:
        return bytes(first)
    if mine <= theirs and not contradictions(one, two):
        return bytes(second)
    every = sorted([*one, *(piece for piece in two if piece.architecture not in mine)], key=_as_lipo)
    for content in (first, second):
        require_no_tail(content, where)
    wide = any(_is_wide(content) for content in (first, second))
    return laid_out([piece.item for piece in every], [piece.content for piece in every], where, wide=wide)


def thinned(content: memoryview, wanted: str, where: str) -> memoryview:
    """Return the slice of one architecture of a fat file. Raises RefusedError when it has none."""
    for piece in pieces(content, where):
        if piece.architecture == wanted:
            return piece.content
    raise RefusedError(f"has no {wanted} slice", where=where)


def _is_wide(content: memoryview) -> bool:
    head = bytes(content[:HEAD])
    return is_fat(head) and read_fat(bytes(content[: fat_header_size(head)]), len(content), "").wide


def _as_lipo(piece: Piece) -> tuple[bool, int, int, int]:
    """Return a key that sorts slices: those of arm64 last, as old systems want it, else the least aligned first."""
    cpu, subtype, *_, alignment = piece.item
    return cpu & _FAMILY == _ARM_FAMILY, alignment, cpu, subtype


def _cpu_of_library(content: memoryview) -> tuple[int, int] | None:
    """Return the CPU type and subtype of all objects in a static library; None when they are not of one kind."""
    found: set[tuple[int, int] | None] = set(_cpus_of_members(content))
    return found.pop() if len(found) == 1 else None


def _cpus_of_members(content: memoryview) -> Iterator[tuple[int, int] | None]:
    """Yield what each member but the indexes is for; None for what is no Mach-O object, or cannot be read."""
    start = len(STATIC_LIBRARY)
    while start + _ENTRY <= len(content):
        entry = bytes(content[start : start + _ENTRY])
        size = entry[_SIZE].strip()
        long_name = entry[len(_LONG_NAME) : 16].strip() if entry.startswith(_LONG_NAME) else b"0"
        if entry[_END] != _END_MARK or not (size.isdigit() and long_name.isdigit()):
            yield None
            return
        at = start + _ENTRY
        end = at + int(size)
        name = bytes(content[at : at + int(long_name)]) or entry[:16]
        at += int(long_name)
        start = end + end % 2
        if name.startswith(_INDEXES):
            continue
        head = bytes(content[at : min(at + LARGEST_HEADER, end)])
        form = FORMS.get(head[:4])
        if form is None or len(head) < form.header.size:
            yield None
            return
        yield form.header.unpack_from(head)[1:3]
