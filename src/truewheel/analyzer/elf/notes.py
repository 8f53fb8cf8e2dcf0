"""The notes of an ELF file: build id, oldest kernel, processor level.

Follows the gABI's "Note Section", the Linux Standard Base for NT_GNU_ABI_TAG, the Linux gABI extensions for
NT_GNU_PROPERTY_TYPE_0 and the x86-64 psABI for GNU_PROPERTY_X86_ISA_1_NEEDED.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.layout import SegmentType
from truewheel.analyzer.elf.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.elf.layout import ElfFile, Segment

_OWNER = b"GNU\0"
_X86_ISA_NEEDED = 0xC000_8002
_LINUX = 0
_NOTE_SEGMENTS = frozenset({SegmentType.NOTE, SegmentType.GNU_PROPERTY})
_WIDE_ALIGN = 8

# Files have fewer than ten; a bound keeps a made-up one from taking minutes.
_MOST_NOTES = 4096


class NoteType(IntEnum):
    """`n_type` of the owner GNU."""

    ABI_TAG = 1
    BUILD_ID = 3
    PROPERTY = 5


class Notes(NamedTuple):
    """What the notes say; the fields are those of `Image`."""

    isa_level: int = 1
    minimum_kernel: tuple[int, int, int] | None = None
    build_id: str | None = None


def read_notes(elf: ElfFile) -> Notes:
    """Read the notes of all PT_NOTE and PT_GNU_PROPERTY segments.

    A note that reaches past its segment ends the notes of that segment, as it does for glibc: old versions of
    patchelf move the section of a note away and leave something else where its segment points.

    Raises InvalidBinaryError when a segment reaches past the end of the file, or there are too many notes.
    """
    isa_level = 1
    minimum_kernel = None
    build_id = None
    for kind, content in _gnu_notes(elf):
        if kind == NoteType.BUILD_ID:
            build_id = content.hex() or build_id
        elif kind == NoteType.ABI_TAG:
            minimum_kernel = _minimum_kernel(elf, content) or minimum_kernel
        elif kind == NoteType.PROPERTY and elf.machine in (Machine.X86_64, Machine.I386):
            isa_level = max(isa_level, _isa_level(elf, content))
    return Notes(isa_level, minimum_kernel, build_id)


def _gnu_notes(elf: ElfFile) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of every note of the owner GNU, in file order."""
    left = _MOST_NOTES
    seen = set()
    for segment in elf.segments:
        # The property segment is most often one of the note segments too.
        if segment.type not in _NOTE_SEGMENTS or segment[2:] in seen:
            continue
        seen.add(segment[2:])
        if segment.offset + segment.size > elf.size:
            raise elf.invalid("a note segment reaches past the end of the file", segment.offset)
        for owner, kind, content in _notes(elf, segment):
            left -= 1
            if left < 0:
                raise elf.invalid(f"more than {_MOST_NOTES} notes", segment.offset)
            if owner == _OWNER:
                yield kind, content


def _notes(elf: ElfFile, segment: Segment) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield owner, type and content of each note of the segment."""
    align = _WIDE_ALIGN if segment.align == _WIDE_ALIGN else 4
    form = elf.form.note
    start = segment.offset
    end = start + segment.size
    while start + form.size <= end:
        owner_size, size, kind = form.unpack_from(elf.data, start)
        # Padding counts from the segment's start, which itself lies at a multiple of `align`.
        content = segment.offset + _padded(start - segment.offset + form.size + owner_size, align)
        if content + size > end:
            return
        yield (
            bytes(elf.data[start + form.size : start + form.size + owner_size]),
            kind,
            bytes(elf.data[content : content + size]),
        )
        start = segment.offset + _padded(content - segment.offset + size, align)


def _padded(size: int, align: int) -> int:
    return (size + align - 1) & -align


def _minimum_kernel(elf: ElfFile, content: bytes) -> tuple[int, int, int] | None:
    """Return the kernel's version; None for another system's tag."""
    form = Struct(elf.form.prefix + "IIII")
    if len(content) < form.size:
        return None
    system, major, minor, patch = form.unpack_from(content)
    return (major, minor, patch) if system == _LINUX else None


def _isa_level(elf: ElfFile, content: bytes) -> int:
    """Return the highest x86-64 level that the properties in `content` need."""
    head, number = Struct(elf.form.prefix + "II"), elf.form.number
    level = 1
    start = 0
    while start + head.size <= len(content):
        kind, size = head.unpack_from(content, start)
        start += head.size
        if kind == _X86_ISA_NEEDED and size == number.size and start + size <= len(content):
            # Bit 0 is the baseline, bit 1 x86-64-v2, and so on to bit 3; higher bits have no level yet.
            level = max(level, (number.unpack_from(content, start)[0] & 0b1111).bit_length())
        start = _padded(start + size, elf.form.word.size)
    return level
