"""Where things lie in an ELF file: its header, its segments, its dynamic section, its strings.

Follows the System V ABI, edition 4 (gABI), chapters "Object Files" and "Program Loading and Dynamic Linking". Only
program headers are used, as a loader does: a file without section headers is understood all the same.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.strings import Strings
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from mmap import mmap
    from typing import TypeAlias

    Buffer: TypeAlias = bytes | memoryview | mmap

MAGIC = b"\x7fELF"
DAMAGED = "the file is damaged, or is not meant for a loader"

# Real dynamic sections have some dozens of entries; a bound keeps a made-up one from filling the memory.
_DYNAMIC_BYTES = 1 << 20
# Real files have about a dozen.
_MOST_SEGMENTS = 1024
_WIDE = 64


class FileType(IntEnum):
    """`e_type`."""

    EXECUTABLE = 2
    SHARED = 3


class SegmentType(IntEnum):
    """`p_type`."""

    LOAD = 1
    DYNAMIC = 2
    INTERPRETER = 3
    NOTE = 4
    GNU_STACK = 0x6474E551
    GNU_PROPERTY = 0x6474E553


class Tag(IntEnum):
    """`d_tag`, those that a reader of labels cares for."""

    NULL = 0
    NEEDED = 1
    HASH = 4
    STRTAB = 5
    SYMTAB = 6
    RELA = 7
    STRSZ = 10
    SYMENT = 11
    SONAME = 14
    RPATH = 15
    REL = 17
    DEBUG = 21
    TEXTREL = 22
    JMPREL = 23
    RUNPATH = 29
    FLAGS = 30
    RELR = 36
    GNU_HASH = 0x6FFFFEF5
    VERSYM = 0x6FFFFFF0
    FLAGS_1 = 0x6FFFFFFB
    VERDEF = 0x6FFFFFFC
    VERNEED = 0x6FFFFFFE
    AUXILIARY = 0x7FFFFFFD
    FILTER = 0x7FFFFFFF


_DEPENDENCY_TAGS = frozenset({Tag.NEEDED, Tag.AUXILIARY, Tag.FILTER})


class Format(NamedTuple):
    """The shapes of all structures for one class (32 or 64 bits) and one byte order.

    Fields that nobody reads are padding, so that both classes give the same fields in the same order, `segment`
    excepted, where `p_flags` stands second in 64-bit files and second to last in 32-bit ones.
    """

    bits: int
    byte_order: str
    prefix: str
    header: Struct
    """e_type, e_machine, e_phoff, e_shoff, e_flags, e_phentsize, e_phnum, e_shentsize, e_shnum"""
    segment: Struct
    dynamic: Struct
    """d_tag, d_val"""
    symbol: Struct
    """st_name, st_info, st_shndx"""
    word: Struct
    """An address-sized number."""
    need: Struct
    """vn_version, vn_cnt, vn_file, vn_aux, vn_next"""
    need_part: Struct
    """vna_flags, vna_other, vna_name, vna_next"""
    definition: Struct
    """vd_version, vd_flags, vd_ndx, vd_cnt, vd_aux, vd_next"""
    note: Struct
    """n_namesz, n_descsz, n_type"""
    gnu_hash: Struct
    """nbuckets, symoffset, bloom_size, bloom_shift"""
    number: Struct
    """A 32-bit number."""


def _format(bits: int, byte_order: str) -> Format:
    prefix = "<" if byte_order == "little" else ">"
    wide = bits == _WIDE
    return Format(
        bits=bits,
        byte_order=byte_order,
        prefix=prefix,
        header=Struct(prefix + ("16xHH4x8xQQI2xHHHH2x" if wide else "16xHH4x4xIII2xHHHH2x")),
        segment=Struct(prefix + ("IIQQ8xQ8xQ" if wide else "III4xI4xII")),
        dynamic=Struct(prefix + ("QQ" if wide else "II")),
        symbol=Struct(prefix + ("IBxH16x" if wide else "I8xBxH")),
        word=Struct(prefix + ("Q" if wide else "I")),
        need=Struct(prefix + "HHIII"),
        need_part=Struct(prefix + "4xHHII"),
        definition=Struct(prefix + "HHHH4xII"),
        note=Struct(prefix + "III"),
        gnu_hash=Struct(prefix + "IIII"),
        number=Struct(prefix + "I"),
    )


# By class, byte order and version of the file format.
_FORMATS: dict[tuple[int, ...], Format] = {
    (1, 1, 1): _format(32, "little"),
    (1, 2, 1): _format(32, "big"),
    (2, 1, 1): _format(64, "little"),
    (2, 2, 1): _format(64, "big"),
}


class Segment(NamedTuple):
    """One program header; offset and size are of its bytes in the file (`p_offset`, `p_filesz`)."""

    type: int
    flags: int
    offset: int
    address: int
    size: int
    align: int


class ElfFile(NamedTuple):
    """The buffer, its header and its program headers.

    size: bytes of the buffer. loads: the PT_LOAD segments, last one first, because a later one covers an earlier one.
    """

    data: Buffer
    where: str
    size: int
    form: Format
    type: int
    machine: int
    flags: int
    os_abi: int
    segments: tuple[Segment, ...]
    loads: tuple[Segment, ...]
    section_headers: bool

    def invalid(self, what: str, offset: int) -> InvalidBinaryError:
        """Return the error that says `what` is wrong at `offset` bytes from the start of the file."""
        return _invalid(what, offset, self.where)

    def read(self, offset: int, size: int, what: str) -> bytes:
        """Return `size` bytes from `offset`, a copy. `what` names them in the error when the file ends before."""
        if offset + size > self.size:
            raise self.invalid(f"{what} reaches past the end of the file", offset)
        return bytes(self.data[offset : offset + size])

    def mapped(self, address: int, what: str) -> tuple[int, int]:
        """Return the file offset of `address`, and where the bytes of its segment end in the file."""
        for _, _, offset, start, size, _ in self.loads:
            if start <= address < start + size:
                return offset + address - start, offset + size
        raise InvalidBinaryError(
            f"{what} lies at address {address:#x}, which no segment fills", where=self.where, hint=DAMAGED
        )


class Dynamic(NamedTuple):
    """The dynamic section.

    values: the number of each tag; the last one counts where a tag stands twice, as for a loader.
    dependencies: DT_NEEDED, DT_AUXILIARY and DT_FILTER with the offsets of their names, in file order.
    """

    values: Mapping[int, int]
    dependencies: tuple[tuple[int, int], ...]
    strings: Strings

    def text(self, tag: Tag) -> str | None:
        """Return the string that `tag` names; None without that tag."""
        offset = self.values.get(tag)
        return None if offset is None else self.strings.text(offset)


def _invalid(what: str, offset: int, where: str) -> InvalidBinaryError:
    return InvalidBinaryError(f"{what}, at file offset {offset:#x}", where=where, hint=DAMAGED)


def open_elf(data: Buffer, where: str) -> ElfFile:
    """Read the header and the program headers of the ELF file in `data`.

    Raises InvalidBinaryError naming `where` when it is not ELF, or its headers lie outside the file.
    """
    size = len(data)
    ident = bytes(data[:16])
    form = _FORMATS.get(tuple(ident[4:7])) if ident[:4] == MAGIC else None
    if form is None:
        raise _invalid("no ELF header of a known class, byte order and version", 0, where)
    if size < form.header.size:
        raise _invalid("the ELF header is cut short", size, where)
    file_type, machine, phoff, shoff, flags, phentsize, phnum, shentsize, shnum = form.header.unpack_from(data)
    segments: tuple[Segment, ...] = ()
    if file_type in (FileType.EXECUTABLE, FileType.SHARED) and phnum:
        if phentsize != form.segment.size:
            raise _invalid(f"program headers of {phentsize} bytes, not {form.segment.size}", 0, where)
        if phnum > _MOST_SEGMENTS:
            raise _invalid(f"more than {_MOST_SEGMENTS} program headers", 0, where)
        if phoff + phnum * phentsize > size:
            raise _invalid("the program headers reach past the end of the file", phoff, where)
        fields = form.segment.iter_unpack(bytes(data[phoff : phoff + phnum * phentsize]))
        if form.bits == _WIDE:
            segments = tuple(map(Segment._make, fields))
        else:
            segments = tuple(Segment._make((kind, flag, *rest, align)) for kind, *rest, flag, align in fields)
    return ElfFile(
        data=data,
        where=where,
        size=size,
        form=form,
        type=file_type,
        machine=machine,
        flags=flags,
        os_abi=ident[7],
        segments=segments,
        loads=tuple(item for item in reversed(segments) if item.type == SegmentType.LOAD),
        # A first entry that holds the count (e_shnum 0) is for over 65,000 sections; the table is there all the same.
        section_headers=shoff != 0 and shoff + max(shnum, 1) * shentsize <= size,
    )


def check_loads(elf: ElfFile) -> None:
    """Raise InvalidBinaryError when a part that would be loaded is missing from the file."""
    for segment in elf.loads:
        if segment.offset + segment.size > elf.size:
            raise elf.invalid("a segment to load reaches past the end of the file", segment.offset)


def read_dynamic(elf: ElfFile) -> Dynamic | None:
    """Read the dynamic section; None for a file that has none.

    Raises InvalidBinaryError when it has no end, or it or its strings lie outside the file.
    """
    segment = next((item for item in elf.segments if item.type == SegmentType.DYNAMIC), None)
    if segment is None:
        return None
    form = elf.form.dynamic
    # A loader goes by the address; the file offset of this segment is for other tools.
    offset, end = elf.mapped(segment.address, "the dynamic section")
    size = min(segment.size, end - offset, _DYNAMIC_BYTES)
    values: dict[int, int] = {}
    dependencies = []
    for tag, value in form.iter_unpack(bytes(elf.data[offset : offset + size - size % form.size])):
        if tag == 0:
            break
        if tag in _DEPENDENCY_TAGS:
            dependencies.append((tag, value))
        else:
            values[tag] = value
    else:
        raise elf.invalid("the dynamic section has no end", offset)
    return Dynamic(values, tuple(dependencies), _strings(elf, values))


def _strings(elf: ElfFile, values: Mapping[int, int]) -> Strings:
    address, size = values.get(Tag.STRTAB), values.get(Tag.STRSZ)
    if address is None or size is None:
        raise InvalidBinaryError("the dynamic section names no string table", where=elf.where, hint=DAMAGED)
    start, end = elf.mapped(address, "the string table")
    if size > end - start:
        raise elf.invalid("the string table reaches past the end of its segment", start)
    return Strings(elf, start, start + size)
