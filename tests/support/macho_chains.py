"""Chained fix-ups (LC_DYLD_CHAINED_FIXUPS) of an x86_64 image, for the test loader. Facts: Apple's fixup-chains.h."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from support.macho_fixups import Bind, NotLoadable, Rebase, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.macho_fixups import Parsed


def fixups(parsed: Parsed) -> Iterator[Bind | Rebase]:
    """Yield what LC_DYLD_CHAINED_FIXUPS says is to be fixed up."""
    offset, size = parsed.chains
    if not size:
        return
    data = parsed.content[offset : offset + size]
    _, starts_at, imports_at, symbols_at, count, imports_format, symbols_format = struct.unpack_from("<7I", data)
    if symbols_format:
        raise NotLoadable("compressed symbol names")
    imports = [_import(data, imports_at, imports_format, index) for index in range(count)]
    (segments,) = struct.unpack_from("<I", data, starts_at)
    for index in range(segments):
        (relative,) = struct.unpack_from("<I", data, starts_at + 4 + 4 * index)
        if relative:
            for address, raw in _chain(parsed, data, starts_at + relative):
                yield _fixup(parsed, data, symbols_at, imports, (address, *raw))


def _import(data: bytes, start: int, layout: int, index: int) -> tuple[int, bool, int, int]:
    """Return (ordinal, weak import, offset of the name, addend)."""
    if layout in (1, 2):
        (word,) = struct.unpack_from("<I", data, start + index * 4 * layout)
        addend = struct.unpack_from("<i", data, start + index * 8 + 4)[0] if layout == 2 else 0
        ordinal = word & 0xFF
        return (ordinal - 256 if ordinal > 0xF0 else ordinal), bool(word >> 8 & 1), word >> 9, addend
    if layout != 3:
        raise NotLoadable(f"unknown format of imports {layout}")
    word, addend = struct.unpack_from("<Qq", data, start + index * 16)
    ordinal = word & 0xFFFF
    return (ordinal - 65536 if ordinal > 0xFFF0 else ordinal), bool(word >> 16 & 1), word >> 32, addend


def _chain(parsed: Parsed, data: bytes, start: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield the address of each link of a segment's chains, its content and the format of it."""
    _, page_size, layout, segment_offset, _, pages = struct.unpack_from("<IHHQIH", data, start)
    if layout not in (2, 6):
        raise NotLoadable(f"unknown format of chained pointers {layout}")
    segment = next(each for each in parsed.segments if each.address - parsed.base == segment_offset)
    for page in range(pages):
        (first,) = struct.unpack_from("<H", data, start + 22 + 2 * page)
        if first == 0xFFFF:
            continue
        within = page * page_size + first
        while True:
            (raw,) = struct.unpack_from("<Q", parsed.content, segment.offset + within)
            yield segment_offset + within, (raw, layout)
            step = (raw >> 51 & 0xFFF) * 4
            if not step:
                break
            within += step


def _fixup(
    parsed: Parsed, data: bytes, symbols: int, imports: list[tuple[int, bool, int, int]], link: tuple[int, int, int]
) -> Bind | Rebase:
    address, raw, layout = link
    if raw >> 63:
        ordinal, weak, name, addend = imports[raw & 0xFFFFFF]
        return Bind(address, text_at(data, symbols + name)[0], ordinal, addend + (raw >> 24 & 0xFF), weak)
    target, high = raw & (1 << 36) - 1, raw >> 36 & 0xFF
    return Rebase(address, (target - (parsed.base if layout == 2 else 0)) | high << 56)
