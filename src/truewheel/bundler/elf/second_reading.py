"""Reads an ELF file as a loader does, with pyelftools, to check edits by other code than planned and made them.

Only program headers and what the dynamic segment points at are read, because nothing else exists at run time.
Follows the gABI and the Linux Standard Base for symbol versions and `.gnu.hash`.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import count, islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from elftools.construct import Struct
    from elftools.elf.structs import ELFStructs

STRING_TAGS = frozenset(
    f"DT_{name}" for name in ("NEEDED", "SONAME", "RPATH", "RUNPATH", "AUXILIARY", "FILTER", "AUDIT", "DEPAUDIT")
)
RELOCATION_TABLES = (
    ("DT_RELA", "DT_RELASZ"),
    ("DT_REL", "DT_RELSZ"),
    ("DT_JMPREL", "DT_PLTRELSZ"),
    ("DT_RELR", "DT_RELRSZ"),
)
_PLT_RELA = 7  # DT_PLTREL: the PLT's relocations carry addends
_CLASS_32, _CLASS_64 = 1, 2
_SHF_ALLOC = 2
_MOST_ENTRIES = 10_000  # of the dynamic segment; real files have tens
_MOST_LIBRARIES = 1_000  # with symbol versions, or versions of one's own; libc.so.6 has 40
_MOST_SEGMENTS = 200
_REMEMBERED = 2048  # entries of tables; a file has about a hundred


class ReadingError(Exception):
    """What was read cannot be true of a file that a loader takes."""


class Segment(NamedTuple):
    """One program header; `kind` as pyelftools spells it (`PT_LOAD`), a number in text when it knows no name."""

    kind: str
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    alignment: int

    @property
    def end(self) -> int:
        """The address behind the segment in memory."""
        return self.address + self.memory_size

    @property
    def file_end(self) -> int:
        """The address behind the part that comes from the file."""
        return self.address + self.file_size


class VersionSet(NamedTuple):
    """One group of `.gnu.version_r` (library: the file it is needed of) or `.gnu.version_d` (library: empty).

    versions: tuples of the name and the numbers that stand with it.
    """

    library: str
    versions: tuple[tuple[str, int, int, int], ...]


_VersionReader = Callable[[int], "tuple[VersionSet, int, int]"]
"""From the address of an entry to what it says, the distance to the next entry, and the address behind its parts."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One file.

    order: `<` or `>`, as the struct module spells byte orders.
    identity: everything in the ELF header that tells a loader what the file is; names and values.
    headers: ranges of file offsets where ELF, program and section headers lie.
    dynamic: tags, as pyelftools spells them, with all their values in order.
    """

    data: memoryview
    structures: ELFStructs
    is_64_bit: bool
    order: str
    identity: Mapping[str, object]
    headers: tuple[tuple[int, int], ...]
    segments: tuple[Segment, ...]
    dynamic: Mapping[str, tuple[int, ...]]

    @cached_property
    def loads(self) -> tuple[Segment, ...]:
        """Return the segments that are mapped."""
        return self.of_kind("PT_LOAD")

    def of_kind(self, kind: str) -> tuple[Segment, ...]:
        """Return the segments of one kind."""
        return tuple(segment for segment in self.segments if segment.kind == kind)

    def sections(self) -> Iterator[tuple[int, int]]:
        """Yield the address ranges of mapped sections with content; none for a file without section headers."""
        start, end = self.headers[2]
        structure = self.structures.Elf_Shdr
        number = -(-(end - start) // structure.sizeof())
        for section in islice(_entries(structure, self.data[start:end]), number):
            if section["sh_flags"] & _SHF_ALLOC and section["sh_type"] != "SHT_NOBITS":
                yield section["sh_addr"], section["sh_addr"] + section["sh_size"]

    def is_placed(self, segment: Segment) -> bool:
        """Tell whether the segment's address and offset lead to the same mapped bytes."""
        return any(
            load.address <= segment.address
            and segment.file_end <= load.file_end
            and segment.address - load.address == segment.offset - load.offset
            for load in self.loads
        )

    def values(self, tag: str) -> tuple[int, ...]:
        """Return the values of all entries with the tag."""
        return self.dynamic.get(tag, ())

    def value(self, tag: str) -> int | None:
        """Return the value of a tag that stands once."""
        values = self.dynamic.get(tag)
        return values[0] if values else None

    def offset(self, address: int, size: int) -> int:
        """Return where in the file the mapped bytes at `address` lie; raise ReadingError when they do not."""
        for load in self.loads:
            if load.address <= address and address + size <= load.file_end:
                return load.offset + address - load.address
        raise ReadingError(f"{size} bytes at address {address:#x} are not mapped from the file")

    def at(self, address: int, size: int) -> memoryview:
        """Return mapped bytes."""
        start = self.offset(address, size)
        return self.data[start : start + size]

    def string(self, offset: int) -> str:
        """Return the dynamic string that begins at `offset` of the string table."""
        table, size = self.value("DT_STRTAB"), self.value("DT_STRSZ")
        if table is None or size is None or not 0 <= offset < size:
            raise ReadingError(f"string {offset} lies outside the string table")
        start = self.offset(table, size)
        text = bytes(self.data[start + offset : start + min(size, offset + 256)])
        if b"\0" not in text:
            text = bytes(self.data[start + offset : start + size])
        if b"\0" not in text:
            raise ReadingError(f"string {offset} does not end")
        return text[: text.index(b"\0")].decode("utf-8", "surrogateescape")

    def strings(self, tag: str) -> tuple[str, ...]:
        """Return the strings of all entries with the tag."""
        return tuple(self.string(value) for value in self.dynamic.get(tag, ()))

    @cached_property
    def version_needs(self) -> tuple[tuple[VersionSet, ...], int]:
        """Return the versions that the file needs of others, and the size of their table in bytes."""
        return self._versions("DT_VERNEED", self._needed_version)

    @cached_property
    def version_definitions(self) -> tuple[tuple[VersionSet, ...], int]:
        """Return the versions that the file defines, and the size of their table in bytes."""
        return self._versions("DT_VERDEF", self._defined_version)

    def _versions(self, tag: str, read: _VersionReader) -> tuple[tuple[VersionSet, ...], int]:
        """Follow the entries to the last, as loaders do; they do not look at the number that another tag gives."""
        sets: list[VersionSet] = []
        start = at = end = self.value(tag) or 0
        step = at
        while step:
            found, step, stop = read(at)
            sets.append(found)
            if len(sets) > _MOST_LIBRARIES:
                raise ReadingError(f"the table of {tag} does not end")
            end = max(end, stop)
            at += step
        return tuple(sets), end - start

    def _needed_version(self, at: int) -> tuple[VersionSet, int, int]:
        head = _parse(self.structures.Elf_Verneed, self.at(at, 16))
        place, stop = at + head["vn_aux"], at + 16
        versions: list[tuple[str, int, int, int]] = []
        for _ in range(min(head["vn_cnt"], _MOST_LIBRARIES)):
            item = _parse(self.structures.Elf_Vernaux, self.at(place, 16))
            versions.append((self.string(item["vna_name"]), item["vna_hash"], item["vna_flags"], item["vna_other"]))
            stop = place + 16
            place += item["vna_next"]
        return VersionSet(self.string(head["vn_file"]), tuple(versions)), head["vn_next"], stop

    def _defined_version(self, at: int) -> tuple[VersionSet, int, int]:
        head = _parse(self.structures.Elf_Verdef, self.at(at, 20))
        place, stop = at + head["vd_aux"], at + 20
        versions: list[tuple[str, int, int, int]] = []
        for _ in range(min(head["vd_cnt"], _MOST_LIBRARIES)):
            item = _parse(self.structures.Elf_Verdaux, self.at(place, 8))
            versions.append((self.string(item["vda_name"]), head["vd_hash"], head["vd_flags"], head["vd_ndx"]))
            stop = place + 8
            place += item["vda_next"]
        return VersionSet("", tuple(versions)), head["vd_next"], stop

    def hash_sizes(self) -> dict[str, int]:
        """Return the sizes of `.hash` and `.gnu.hash` in bytes, as far as the file has them."""
        sizes = {}
        if (at := self.value("DT_HASH")) is not None:
            width, buckets, chains = self._sysv_hash(at)
            sizes["DT_HASH"] = width * (2 + buckets + chains)
        if (at := self.value("DT_GNU_HASH")) is not None:
            sizes["DT_GNU_HASH"] = self._gnu_hash(at)[1]
        return sizes

    @cached_property
    def symbol_count(self) -> int:
        """Return the number of dynamic symbols, as far as a loader can know of them.

        An empty `.gnu.hash` does not tell; without `.hash`, only symbols with a relocation are then certain.
        """
        count, is_empty = 0, True
        if (at := self.value("DT_GNU_HASH")) is not None:
            count, _, is_empty = self._gnu_hash(at)
        if is_empty and (at := self.value("DT_HASH")) is not None:
            return self._sysv_hash(at)[2]
        return max(count, 1 + max(self._relocated_symbols(), default=-1)) if is_empty else count

    def _sysv_hash(self, at: int) -> tuple[int, int, int]:
        """Return the width of an entry, the number of buckets and of symbols. s390x has 8-byte entries, or 4-byte."""
        buckets, chains = struct.unpack(f"{self.order}II", self.at(at, 8))
        if buckets == 0 and self.order == ">" and self.is_64_bit:
            buckets, chains = struct.unpack(">QQ", self.at(at, 16))
            return 8, buckets, chains
        return 4, buckets, chains

    def _gnu_hash(self, at: int) -> tuple[int, int, bool]:
        """Return the number of symbols, the size of the table, and whether it holds no symbol."""
        buckets, first, blooms, _ = struct.unpack(f"{self.order}IIII", self.at(at, 16))
        start = at + 16 + blooms * (8 if self.is_64_bit else 4)
        last = max(struct.unpack(f"{self.order}{buckets}I", self.at(start, 4 * buckets)), default=0)
        start += 4 * buckets
        if last < first:
            return first, start - at, True
        while not struct.unpack(f"{self.order}I", self.at(start + 4 * (last - first), 4))[0] & 1:
            last += 1
        return last + 1, start + 4 * (last + 1 - first) - at, False

    def _relocated_symbols(self) -> Iterator[int]:
        word = "Q" if self.is_64_bit else "I"
        for tag, size_tag in RELOCATION_TABLES[:3]:
            start, size = self.value(tag), self.value(size_tag)
            if start is not None and size:
                with_addend = tag == "DT_RELA" or (tag == "DT_JMPREL" and self.value("DT_PLTREL") == _PLT_RELA)
                entry = struct.Struct(f"{self.order}{word * (3 if with_addend else 2)}")
                table = self.at(start, size - size % entry.size)
                yield from (fields[1] >> (32 if word == "Q" else 8) for fields in entry.iter_unpack(table))


def read(data: memoryview) -> Reading:
    """Read the parts of a file that a loader reads first.

    Raises ReadingError, or an error of pyelftools or of the struct module, when it is no sound ELF file.
    """
    if bytes(data[:4]) != b"\x7fELF" or data[4] not in (_CLASS_32, _CLASS_64) or data[5] not in (1, 2):
        raise ReadingError("not an ELF file")
    little_endian, bits = data[5] == 1, 32 * data[4]
    header = _parse(_structures(little_endian, bits).Elf_Ehdr, data[:64])
    kind = header["e_type"], header["e_machine"], header["e_ident"]["EI_OSABI"]
    structures = _structures(little_endian, bits, kind)
    start, size = header["e_phoff"], header["e_phnum"] * header["e_phentsize"]
    if header["e_phnum"] > _MOST_SEGMENTS:
        raise ReadingError(f"{header['e_phnum']} program headers are too many")
    entries = islice(_entries(structures.Elf_Phdr, data[start : start + size]), header["e_phnum"])
    segments = tuple(map(_segment, entries))
    section_start, section_size = header["e_shoff"], header["e_shnum"] * header["e_shentsize"]
    return Reading(
        data=data,
        structures=structures,
        is_64_bit=data[4] == _CLASS_64,
        order="<" if data[5] == 1 else ">",
        identity={
            **{name: header[name] for name in ("e_type", "e_machine", "e_version", "e_entry", "e_flags")},
            **dict(header["e_ident"]),
        },
        headers=((0, header["e_ehsize"]), (start, start + size), (section_start, section_start + section_size)),
        segments=segments,
        dynamic=_dynamic(structures, data, segments),
    )


@cache
def _structures(little_endian: bool, bits: int, kind: tuple[str, str, str] | None = None) -> ELFStructs:  # noqa: FBT001 - as pyelftools has it
    """Return pyelftools' structures, which take long to make; without a kind, those that read the ELF header."""
    from elftools.elf.structs import ELFStructs

    structures: ELFStructs = ELFStructs(little_endian=little_endian, elfclass=bits)
    structures.create_basic_structs()
    if kind is not None:
        structures.create_advanced_structs(*kind)
    return structures


def _dynamic(structures: ELFStructs, data: memoryview, segments: tuple[Segment, ...]) -> dict[str, tuple[int, ...]]:
    found = [segment for segment in segments if segment.kind == "PT_DYNAMIC"]
    if len(found) != 1:
        raise ReadingError(f"there is not one dynamic segment but {len(found)}")
    table = data[found[0].offset : found[0].offset + found[0].file_size]
    tags: defaultdict[str, list[int]] = defaultdict(list)
    for entry in islice(_entries(structures.Elf_Dyn, table), _MOST_ENTRIES):
        if entry["d_tag"] == "DT_NULL":
            break
        tags[str(entry["d_tag"])].append(entry["d_val"])
    return {tag: tuple(values) for tag, values in tags.items()}


def _segment(header: Mapping[str, Any]) -> Segment:
    return Segment(
        kind=str(header["p_type"]),
        flags=header["p_flags"],
        offset=header["p_offset"],
        address=header["p_vaddr"],
        file_size=header["p_filesz"],
        memory_size=header["p_memsz"],
        alignment=header["p_align"],
    )


def _entries(structure: Struct, table: memoryview) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of a table that follow one another; behind its end, raise pyelftools' error."""
    size = structure.sizeof()
    for at in count(0, size):
        yield _parse(structure, table[at : at + size])


def _parse(structure: Struct, data: memoryview) -> Mapping[str, Any]:
    return _parsed(structure, bytes(data))


@lru_cache(_REMEMBERED)
def _parsed(structure: Struct, data: bytes) -> Mapping[str, Any]:
    """Return what pyelftools reads in the bytes; most entries of an edited file are those of the file before."""
    parsed: Mapping[str, Any] = structure.parse(data)
    return parsed
