"""Strips ELF files: drops all that no loader maps (symbol table, debug sections, comments), and moves nothing.

Follows the ELF chapters of the System V ABI (gABI). Every byte that a program header covers keeps its value and its
offset; behind the last one stands a new, small section header table for the sections that remain, because patchelf
and binutils want one. Works for every machine, class and byte order, without a program for the target.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from mmap import mmap

_ET_EXEC, _ET_DYN = 2, 3
_PN_XNUM = 0xFFFF  # the number of program headers stands in the first section header
_SHN_LORESERVE, _SHN_XINDEX = 0xFF00, 0xFFFF
_SHT_NULL, _SHT_STRTAB, _SHT_RELA, _SHT_NOBITS, _SHT_REL = 0, 3, 4, 8, 9
_SHT_GNU_ATTRIBUTES, _SHT_PROCESSOR_ATTRIBUTES = 0x6FFFFFF5, 0x70000003
_EM_ARM, _EM_RISCV = 40, 243
_SHF_ALLOC, _SHF_INFO_LINK = 0x2, 0x40


@dataclass(frozen=True, slots=True)
class _Format:
    """The three structures of one class and byte order; `program_fields`: where offset and file size stand."""

    header: struct.Struct
    program: struct.Struct
    section: struct.Struct
    program_fields: tuple[int, int]


def _format(order: str, word: str) -> _Format:
    return _Format(
        header=struct.Struct(f"{order}16sHHI{word * 3}IHHHHHH"),
        program=struct.Struct(f"{order}II{word * 6}" if word == "Q" else f"{order}{word * 8}"),
        section=struct.Struct(f"{order}II{word * 4}II{word * 2}"),
        program_fields=(2, 5) if word == "Q" else (1, 4),
    )


@dataclass(frozen=True, slots=True)
class _Section:
    """One section header, fields in the order of the file; `label` is the section's name, not a field."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int
    label: bytes = b""

    def fields(self) -> tuple[int, ...]:
        return (
            *(self.name, self.kind, self.flags, self.address, self.offset, self.size),
            *(self.link, self.info, self.alignment, self.entry_size),
        )


_NO_SECTION = _Section(0, _SHT_NULL, 0, 0, 0, 0, 0, 0, 0, 0)


def strip(data: bytes | bytearray | memoryview | mmap, where: str = "") -> bytes:
    """Return the file without what no loader maps; its bytes as they are when there is nothing to drop.

    Only executables and shared libraries are changed. Data appended behind the last section goes too.
    Raises InvalidBinaryError when a header is damaged or points outside the file.
    """
    with memoryview(data) as view:
        try:
            return _strip(view)
        except (struct.error, ValueError, LookupError, OverflowError) as error:
            raise InvalidBinaryError(f"cannot be stripped: {error}", where=where) from None


def _strip(view: memoryview) -> bytes:
    if bytes(view[:4]) != b"\x7fELF":
        raise ValueError("not an ELF file")
    form = _format({1: "<", 2: ">"}[view[5]], {1: "I", 2: "Q"}[view[4]])
    header = list(form.header.unpack_from(view))
    _, kind, machine, _, _, program_at, section_at, _, _, program_size, *counts = header
    program_count, section_size, count, names = counts
    if kind not in (_ET_EXEC, _ET_DYN) or not program_at:
        return bytes(view)
    _require(program_size == form.program.size, "program headers have an unknown size")
    sections: list[_Section] = []
    if section_at:
        _require(section_size == form.section.size, "section headers have an unknown size")
        _require(section_at + section_size <= len(view), "the section headers lie outside the file")
        first = _Section(*form.section.unpack_from(view, section_at))
        count = count or first.size
        names = first.link if names == _SHN_XINDEX else names
        program_count = first.info if program_count == _PN_XNUM else program_count
        sections = _sections(view, form, section_at, count, names)
    programs = (form.header.size, (program_at, program_at + program_count * form.program.size))
    covered = _covered(view, form, programs)
    kept = {index for index, section in enumerate(sections) if _is_kept(section, machine, covered)}
    if sections and all(index in kept or index == names or not section.kind for index, section in enumerate(sections)):
        return bytes(view)
    body = list(_body(view, covered))
    if kept:
        tail, table_at, entries = _tail(view, form, sections, kept, covered)
        body.append(tail)
        header[6], header[12], header[13] = table_at, entries, entries - 1
    else:
        header[6] = header[12] = header[13] = 0
    body[0] = form.header.pack(*header) + bytes(body[0][form.header.size :])
    return b"".join(body)


def _require(condition: object, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)


def _sections(view: memoryview, form: _Format, offset: int, count: int, names: int) -> list[_Section]:
    _require(offset + count * form.section.size <= len(view), "the section headers lie outside the file")
    _require(count < _SHN_LORESERVE, "too many sections")
    _require(names < max(count, 1), "the section names lie in no section")
    table = view[offset : offset + count * form.section.size]
    found = [_Section(*fields) for fields in form.section.iter_unpack(table)]
    start, size = (found[names].offset, found[names].size) if names else (0, 0)
    _require(start + size <= len(view), "the section names lie outside the file")
    text = bytes(view[start : start + size])
    return [replace(section, label=text[section.name :].split(b"\0", 1)[0]) for section in found]


def _covered(view: memoryview, form: _Format, known: tuple[int, tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the sorted, disjoint ranges of the file that headers describe; the first begins with the file's."""
    header_size, (start, end) = known
    _require(end <= len(view), "the program headers lie outside the file")
    where, size = form.program_fields
    ranges = [(0, header_size), (start, end)]
    ranges += [
        (fields[where], fields[where] + fields[size])
        for fields in form.program.iter_unpack(view[start:end])
        if fields[size] and fields[0]
    ]
    merged: list[tuple[int, int]] = []
    for begin, stop in sorted(ranges):
        _require(stop <= len(view), "a segment lies outside the file")
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((begin, stop))
    return merged


def _is_covered(section: _Section, covered: Iterable[tuple[int, int]]) -> bool:
    return any(start <= section.offset and section.offset + section.size <= end for start, end in covered)


def _is_attributes(section: _Section, machine: int) -> bool:
    """Tell whether the section describes the calling convention: small, and other tools judge the file by it."""
    return section.kind == _SHT_GNU_ATTRIBUTES or (
        section.kind == _SHT_PROCESSOR_ATTRIBUTES and machine in (_EM_ARM, _EM_RISCV)
    )


def _is_kept(section: _Section, machine: int, covered: Sequence[tuple[int, int]]) -> bool:
    if section.kind == _SHT_NULL:
        return False
    if section.flags & _SHF_ALLOC:
        return section.kind == _SHT_NOBITS or _is_covered(section, covered)
    return _is_attributes(section, machine)


def _body(view: memoryview, covered: Sequence[tuple[int, int]]) -> Iterator[bytes | memoryview]:
    """Yield the file up to the end of its last covered range, with zeros between the ranges."""
    at = 0
    for start, end in covered:
        if start > at:
            yield bytes(start - at)
        yield view[start:end]
        at = end


def _tail(
    view: memoryview,
    form: _Format,
    sections: Sequence[_Section],
    kept: set[int],
    covered: Sequence[tuple[int, int]],
) -> tuple[bytes, int, int]:
    """Return what stands behind the last covered byte, the offset of the section header table, and its entries.

    Allocated sections keep their index, because dynamic symbols name their section by it; an empty header stands
    for a section that was dropped before them.
    """
    end = covered[-1][1]
    allocated = {index for index in kept if sections[index].flags & _SHF_ALLOC}
    table = [
        _relinked(section, allocated) if index in allocated else _NO_SECTION
        for index, section in enumerate(sections[: max(allocated, default=0) + 1])
    ]
    table[0] = replace(sections[0], size=0, link=0)
    tail = bytearray()
    for section in (sections[index] for index in sorted(kept - allocated)):
        place = section.offset
        if not _is_covered(section, covered):
            _require(place + section.size <= len(view), "a section lies outside the file")
            place = end + len(tail)
            tail += view[section.offset : section.offset + section.size]
        table.append(replace(section, offset=place, link=0, info=0))
    text = bytearray(b"\0")
    table.append(replace(_NO_SECTION, kind=_SHT_STRTAB, alignment=1, offset=end + len(tail), label=b".shstrtab"))
    for index, section in enumerate(table):
        if section.label:
            table[index] = replace(section, name=len(text))
            text += section.label + b"\0"
    table[-1] = replace(table[-1], size=len(text))
    tail += text
    tail += bytes(-(end + len(tail)) % 8)
    at = end + len(tail)
    tail += b"".join(form.section.pack(*section.fields()) for section in table)
    return bytes(tail), at, len(table)


def _relinked(section: _Section, allocated: set[int]) -> _Section:
    """Return the section without links to sections that were dropped."""
    info_is_section = section.flags & _SHF_INFO_LINK or section.kind in (_SHT_REL, _SHT_RELA)
    return replace(
        section,
        link=section.link if section.link in allocated else 0,
        info=0 if info_is_section and section.info not in allocated else section.info,
    )
