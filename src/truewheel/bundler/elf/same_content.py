"""Compares the symbols and the mapped bytes of an edited ELF file with those before the edit.

Tables that the dynamic segment points at may move, and so may notes; each is compared at its new address. All other
bytes must be mapped at the address and with the rights that they had.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal

from truewheel.bundler.elf.second_reading import RELOCATION_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truewheel.bundler.elf.second_reading import Reading, Segment

_STT_SECTION = 3
_SHN_LORESERVE = 0xFF00
_CHUNK = 1 << 16
_STRIDE = 256


def symbol_differences(before: Reading, after: Reading) -> Iterator[str]:
    """Yield what changed in the dynamic symbols: in their number, names, values or versions.

    The number of a symbol's section may change, since patchelf sorts sections and loaders do not look at it; so may
    the value of a symbol that stands for a section.
    """
    if before.value("DT_SYMTAB") is None:
        return
    form = struct.Struct(before.order + ("IBBHQQ" if before.is_64_bit else "IIIBBH"))
    place_of_section = 6 if before.is_64_bit else 14
    old, new = (_table(reading, "DT_SYMTAB", before.symbol_count * form.size) for reading in (before, after))
    if old != new:
        columns = [table[place_of_section + part :: form.size] for table in (old, new) for part in (0, 1)]
        for high, low, new_high, new_low in set(zip(*columns, strict=True)):
            sections = [int.from_bytes(pair, _byte_order(before)) for pair in ((high, low), (new_high, new_low))]
            if sections[0] != sections[1] and (0 in sections or max(sections) >= _SHN_LORESERVE):
                yield "a dynamic symbol was defined and is not, or the reverse"
        if _without_column(old, place_of_section, form.size) != _without_column(new, place_of_section, form.size):
            yield from _changed_symbols(before, form, old, new)
    yield from _changed_names(before, after, form, old)


def _byte_order(reading: Reading) -> Literal["little", "big"]:
    return "little" if reading.order == "<" else "big"


def _without_column(table: bytes, place: int, step: int) -> bytearray:
    masked = bytearray(table)
    for part in (place, place + 1):
        masked[part::step] = bytes(len(table) // step)
    return masked


def _changed_symbols(before: Reading, form: struct.Struct, old: bytes, new: bytes) -> Iterator[str]:
    name, info, section, value = (0, 1, 3, 4) if before.is_64_bit else (0, 3, 5, 1)
    for was, became in zip(form.iter_unpack(old), form.iter_unpack(new), strict=True):
        movable = {section, value} if was[info] & 0xF == _STT_SECTION else {section}
        if any(
            left != right for field, (left, right) in enumerate(zip(was, became, strict=True)) if field not in movable
        ):
            yield f"the dynamic symbol {before.string(was[name])!r} changed"
            return


def _changed_names(before: Reading, after: Reading, form: struct.Struct, symbols: bytes) -> Iterator[str]:
    """Compare the names of symbols that lie where the string table changed: patchelf blots out strings it dropped."""
    size, new_size = before.value("DT_STRSZ") or 0, after.value("DT_STRSZ") or 0
    if new_size < size:
        yield f"the dynamic string table shrank from {size} to {new_size} bytes"
        return
    spans = list(_changed_strings(_table(before, "DT_STRTAB", size), _table(after, "DT_STRTAB", size)))
    offsets = {fields[0] for fields in form.iter_unpack(symbols)} if spans else set()
    for start, end in spans:
        for offset in sorted(offset for offset in offsets if start <= offset < end):
            if before.string(offset) != after.string(offset):
                yield f"the name of the dynamic symbol {before.string(offset)!r} was overwritten"
                return


def _changed_strings(old: bytes, new: bytes) -> Iterator[tuple[int, int]]:
    """Yield where in a string table the strings begin that a changed byte may belong to."""
    for start in range(0, len(old), _STRIDE):
        end = start + _STRIDE
        if old[start:end] != new[start:end]:
            yield old.rfind(b"\0", 0, start) + 1, end


def _table(reading: Reading, tag: str, size: int) -> bytes:
    start = reading.value(tag)
    return bytes(reading.at(start, size)) if start is not None and size else b""


def content_differences(before: Reading, after: Reading) -> Iterator[str]:
    """Yield what changed in the tables that may have moved, and in all other mapped bytes."""
    tables = dict(_table_sizes(before))
    for tag in sorted(tables.keys() - {"DT_STRTAB", "DT_SYMTAB", "DT_VERNEED"}):
        if _table(before, tag, tables[tag]) != _table(after, tag, tables[tag]):
            yield f"the table of {tag} changed"
    hidden = sorted([*_movable(before, tables), *_free(before, after)])
    for load in before.loads:
        for span in _gaps(load.address, load.file_end, hidden):
            yield from _compared(before, after, load, span)
        yield from _zeros(after, load)


def _table_sizes(reading: Reading) -> Iterator[tuple[str, int]]:
    """Yield the size in bytes of each table that the dynamic segment points at and patchelf may move."""
    count = reading.symbol_count
    yield "DT_STRTAB", reading.value("DT_STRSZ") or 0
    yield "DT_SYMTAB", count * (24 if reading.is_64_bit else 16)
    yield "DT_VERSYM", count * 2
    yield "DT_VERNEED", reading.version_needs[1]
    yield "DT_VERDEF", reading.version_definitions[1]
    yield from reading.hash_sizes().items()
    for tag, size_tag in RELOCATION_TABLES:
        yield tag, reading.value(size_tag) or 0


def _movable(reading: Reading, tables: dict[str, int]) -> Iterator[tuple[int, int]]:
    """Yield the address ranges whose old place may be overwritten."""
    for tag, size in tables.items():
        start = reading.value(tag)
        if start is not None:
            yield start, start + size
    for kind in ("PT_DYNAMIC", "PT_NOTE", "PT_INTERP", "PT_GNU_PROPERTY"):
        for segment in reading.of_kind(kind):
            yield segment.address, segment.file_end
    yield from _mapped_headers(reading)


def _mapped_headers(reading: Reading) -> Iterator[tuple[int, int]]:
    """Yield the address ranges of the ELF header and the header tables, as far as they are mapped."""
    for start, end in reading.headers:
        for load in reading.loads:
            if load.offset <= start and end <= load.offset + load.file_size:
                yield start - load.offset + load.address, end - load.offset + load.address


def _free(before: Reading, after: Reading) -> Iterator[tuple[int, int]]:
    """Yield what may be overwritten because it lies between sections: padding, and what is left of moved tables.

    Longer header tables take such places; in an executable at a fixed address all tables that move do.
    """
    sections = sorted(before.sections())
    if not sections:
        return
    if before.identity["e_type"] == "ET_EXEC":
        spans = [(load.address, load.file_end) for load in before.loads]
    else:
        spans = list(_mapped_headers(after))
    for start, end in spans:
        yield from _gaps(start, end, sections)


def _gaps(start: int, end: int, hidden: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the parts of a range that are not in the sorted ranges `hidden`."""
    for low, high in hidden:
        if low >= end:
            break
        if start < low:
            yield start, low
        start = max(start, high)
    if start < end:
        yield start, end


def _compared(before: Reading, after: Reading, load: Segment, span: tuple[int, int]) -> Iterator[str]:
    start, end = span
    mapped = 0
    for other in after.loads:
        low, high = max(start, other.address), min(end, other.file_end)
        if low < high:
            mapped += high - low
            if other.flags != load.flags:
                yield f"the rights of the bytes at address {low:#x} changed"
            old_at, new_at = load.offset + low - load.address, other.offset + low - other.address
            for skip in range(0, high - low, _CHUNK):
                size = min(_CHUNK, high - low - skip)
                old, new = before.data[old_at + skip :][:size], after.data[new_at + skip :][:size]
                if bytes(old) != bytes(new):
                    yield f"mapped bytes behind address {low + skip:#x} changed"
                    break
    if mapped < end - start:
        yield f"the bytes at address {start:#x} are not mapped any more"


def _zeros(after: Reading, load: Segment) -> Iterator[str]:
    """Check the memory that a loader fills with zeros."""
    start, end = load.file_end, load.end
    mapped = 0
    for other in after.loads:
        mapped += max(0, min(end, other.end) - max(start, other.address))
        low, high = max(start, other.address), min(end, other.file_end)
        if low < high and any(after.at(low, high - low)):
            yield f"the zeros at address {low:#x} are zeros no more"
    if start < end and mapped < end - start:
        yield f"the zeros at address {start:#x} are not mapped any more"
