"""Tables of a Mach-O slice that count from the header, changed in place after everything behind it has moved.

Follows `mach-o/nlist.h`, `mach-o/stab.h` and `mach-o/loader.h` for what the linker leaves, and
`mach-o/compact_unwind_encoding.h` for the section that finds the handlers of exceptions.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from truewheel.bundler.macho.move import not_understood, read_uleb, uleb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truewheel.bundler.macho.move import Move

_SYMBOL = Struct("<IBBHQ")  # n_strx, n_type, n_sect, n_desc, n_value
_STAB, _TYPE, _IN_SECTION = 0xE0, 0x0E, 0x0E
_STABS_OF_ADDRESSES = frozenset({0x24, 0x26, 0x28, 0x2E})  # N_FUN, N_STSYM, N_LCSYM, N_BNSYM

_NUMBER = Struct("<I")
_DATA_IN_CODE = Struct("<IHH")  # offset, length, kind

_UNWIND_HEADER = Struct("<7I")
"""version, then offset and count of: common encodings, personalities, first-level entries"""
_UNWIND_VERSION = 1
_UNWIND_INDEX = Struct("<3I")
"""Distance of the function, offset of the second-level page, offset of the entries of language data."""
_UNWIND_PAGE = Struct("<IHH")  # kind, offset of the entries, their count
_REGULAR_PAGE, _COMPRESSED_PAGE = 2, 3
_PAIR = 8


def move_symbols(content: bytearray, start: int, size: int, move: Move) -> None:
    """Move the addresses of the symbols in a table of `size` bytes.

    Debug entries move only as far as they are known to hold addresses: others hold times and sizes.
    """
    table = bytes(content[start : start + size])
    moved = bytearray(table)
    for at, (_, kind, section, _, value) in zip(range(0, size, _SYMBOL.size), _SYMBOL.iter_unpack(table), strict=True):
        is_place = kind in _STABS_OF_ADDRESSES if kind & _STAB else kind & _TYPE == _IN_SECTION
        if is_place and section:
            moved[at + 8 : at + 16] = move.address(value).to_bytes(8, "little")
    content[start : start + size] = moved


def moved_function_starts(table: bytes, move: Move) -> bytes:
    """Return the table of functions: the first distance counts from the header, each other one from the one before."""
    first, at = read_uleb(table, 0, len(table)) if table else (0, 0)
    if not first:
        return table
    found = uleb(move.distance(first)) + table[at:].rstrip(b"\0") + b"\0"
    return found + bytes(max(len(table) - len(found), 0))


def move_data_in_code(content: bytearray, start: int, size: int, move: Move) -> None:
    """Move the distances in the table of data that stands among code."""
    if size % _DATA_IN_CODE.size:
        raise not_understood("the table of data in code has an odd size")
    for at in range(start, start + size, _DATA_IN_CODE.size):
        _add(content, at, move)


def move_initializers(content: bytearray, start: int, size: int, move: Move) -> None:
    """Move the distances of the functions that run when the file is loaded (`S_INIT_FUNC_OFFSETS`)."""
    if size % _NUMBER.size:
        raise not_understood("the list of initializers has an odd size")
    _add_each(content, range(start, start + size, _NUMBER.size), move)


def _add(content: bytearray, at: int, move: Move) -> None:
    (value,) = _NUMBER.unpack_from(content, at)
    _NUMBER.pack_into(content, at, move.distance(value))


def _add_each(content: bytearray, places: Iterable[int], move: Move) -> None:
    for at in places:
        _add(content, at, move)


def move_unwind_info(content: bytearray, start: int, size: int, move: Move) -> None:
    """Move the distances in a section `__unwind_info`.

    Entries of compressed pages count from the first-level entry that leads to them, and stay. Raises RefusedError for
    a section of another version, or one whose parts lie outside of it.
    """
    section = content[start : start + size]
    version, _, _, personalities, personality_count, index, index_count = _UNWIND_HEADER.unpack_from(section)
    if version != _UNWIND_VERSION:
        raise not_understood(f"__unwind_info of version {version}")
    _add_each(section, _places(section, personalities, personality_count, _NUMBER.size), move)
    places = _places(section, index, index_count, _UNWIND_INDEX.size)
    entries = [_UNWIND_INDEX.unpack_from(section, at) for at in places]
    _add_each(section, places, move)
    for page in sorted({page for _, page, _ in entries if page}):
        kind, offset, count = _UNWIND_PAGE.unpack_from(section, page)
        if kind == _REGULAR_PAGE:
            _add_each(section, _places(section, page + offset, count, _PAIR), move)
        elif kind != _COMPRESSED_PAGE:
            raise not_understood(f"a page of kind {kind} in __unwind_info")
    if entries:
        first, last = entries[0][2], entries[-1][2]
        _add_each(section, _places(section, first, 2 * ((last - first) // _PAIR), _NUMBER.size), move)
    content[start : start + size] = section


def _places(section: bytearray, start: int, count: int, step: int) -> range:
    """Return where the entries of a table in the section stand."""
    if count < 0 or (count and start + count * step > len(section)):
        raise not_understood("a table of __unwind_info lies outside of it")
    return range(start, start + count * step, step)
