"""Compares the tables in `__LINKEDIT` of a slice before and after libraries went, or everything moved.

What a table means must stay: the same symbols are bound to libraries of the same names, and everything that counts
from the header has moved by one amount. Follows `mach-o/loader.h` and `mach-o/nlist.h`.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from truewheel.bundler.macho_check.linkedit_reading import binds, chained, exports, uleb
from truewheel.bundler.macho_check.second_reading import LOADED, ReadingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from truewheel.bundler.macho_check.second_reading import CommandReading, SliceReading
    from truewheel.bundler.plan import SliceEdit

_FLAT = -2  # BIND_SPECIAL_DYLIB_FLAT_LOOKUP
_FLAT_IN_SYMBOL = 0xFE  # DYNAMIC_LOOKUP_ORDINAL; the program itself is one more
_STABS_WITH_ADDRESSES = frozenset({0x24, 0x26, 0x28, 0x2E})  # N_FUN, N_STSYM, N_LCSYM, N_BNSYM, of mach-o/stab.h
_STAB, _KIND, _IN_SECTION, _UNDEFINED = 0xE0, 0x0E, 0x0E, frozenset({0x0, 0xC})
_ABSOLUTE_EXPORT, _REEXPORT, _EXPORT_KIND = 0x02, 0x08, 0x03


class Names(NamedTuple):
    """The libraries of one slice by number, spelled as they are after the edit. removed: those that went."""

    libraries: tuple[str, ...]
    removed: frozenset[str] = frozenset()

    def __call__(self, number: int) -> object:
        """Return what a number stands for: a name, or a special number."""
        if number <= 0:
            return number
        if number > len(self.libraries):
            raise ReadingError(f"a symbol of library {number}, of {len(self.libraries)}")
        name = self.libraries[number - 1]
        return _FLAT if name in self.removed else name


class View(NamedTuple):
    """How to read a table of one slice.

    symbol: the shape of one in the symbol table. amount: how far everything has moved; 0 for the slice before.
    base: the address of the header.
    """

    names: Names
    symbol: str
    amount: int
    base: int

    def distance(self, offset: int) -> int:
        """Return an offset from the header as it was before the move."""
        return offset - self.amount if offset else 0

    def address(self, address: int) -> int:
        """Return an address as it was before the move; the header has not moved."""
        return address if address == self.base else address - self.amount


class _Table(NamedTuple):
    """Where a command says that a table lies.

    units: bytes of an entry in a 32-bit and in a 64-bit slice. meaning: what must stay; None when all bytes must.
    moves: whether anything in it counts from the header.
    """

    at: int
    length_at: int
    units: tuple[int, int] = (1, 1)
    meaning: Callable[[bytes, View], object] | None = None
    moves: bool = True


def table_differences(
    edit: SliceEdit, before: SliceReading, after: SliceReading, spelled: Callable[[str], str], amount: int
) -> Iterator[str]:
    """Yield every table whose meaning changed.

    spelled: gives a library's name after the edit the spelling that was asked for. amount: how far content moved.
    """
    base = before.segment(b"__TEXT").address
    new = dict(edit.rename)
    gone = frozenset(edit.remove)
    shape = before.order + ("IBBHQ" if before.is_wide else "IBBHI")
    old = View(Names(tuple(new.get(name, name) for name in before.texts(LOADED)), gone), shape, 0, base)
    changed = View(Names(tuple(map(spelled, after.texts(LOADED)))), shape, amount, base)
    theirs = {(command.number, table.at): place for command, table, place in _tables(after)}
    for command, table, (start, end) in _tables(before):
        place = theirs.get((command.number, table.at))
        if place is None:
            continue
        one, other = bytes(before.data[start:end]), bytes(after.data[place[0] : place[1]])
        if table.meaning and (gone or (amount and table.moves)):
            is_same = table.meaning(one, old) == table.meaning(other, changed)
        else:
            is_same = one == other
        if not is_same:
            yield f"the table of load command {command.number:#x} at {start:#x} changed its meaning"
    yield from _overlaps(after)


def readable_tables(item: SliceReading) -> Iterator[tuple[int, int]]:
    """Yield the places of tables whose meaning `table_differences` compares when libraries have gone."""
    yield from (place for _, table, place in _tables(item) if table.meaning and place[1] > place[0])


def _overlaps(item: SliceReading) -> Iterator[str]:
    linkedit = item.segment(b"__LINKEDIT")
    end = item.signature[0] if item.signature else linkedit.end
    places = sorted({place for _, _, place in _tables(item) if place[1] > place[0]})
    if any(stop > start for (_, stop), (start, _) in pairwise(places)):
        yield "tables of the linker lie over each other"
    if any(start < linkedit.offset or stop > end for start, stop in places):
        yield "a table of the linker does not lie in __LINKEDIT"


def _tables(item: SliceReading) -> Iterator[tuple[CommandReading, _Table, tuple[int, int]]]:
    """Yield every table that a load command leads to, other than the signature, with its place."""
    for command in item.commands:
        for table in _TABLES.get(command.number, ()):
            (start,), (length,) = item.numbers(command, "I", table.at), item.numbers(command, "I", table.length_at)
            yield command, table, (start, start + length * table.units[item.is_wide])


def _symbols(data: bytes, view: View) -> object:
    return [_symbol(symbol, view) for symbol in struct.iter_unpack(view.symbol, data)]


def _symbol(symbol: tuple[int, ...], view: View) -> tuple[object, ...]:
    """Return a symbol with the name of its library and the place that it had before the move."""
    name, kind, section, description, value = symbol
    if kind & _STAB:
        is_place = kind in _STABS_WITH_ADDRESSES and section
        return name, kind, section, description, view.address(value) if is_place else value
    if kind & _KIND in _UNDEFINED and kind & 1:
        library = description >> 8
        number = library - 256 if library >= _FLAT_IN_SYMBOL else library
        return name, kind, section, description & 0xFF, view.names(number), value
    return name, kind, section, description, view.address(value) if kind & _KIND == _IN_SECTION else value


def _bound(data: bytes, view: View) -> object:
    return [bind._replace(library=0, start=0) for bind in binds(data)], [
        view.names(bind.library) for bind in binds(data)
    ]


def _bound_late(data: bytes, view: View) -> object:
    found = list(binds(data))
    return [bind._replace(library=0) for bind in found], [view.names(bind.library) for bind in found]


def _exported(data: bytes, view: View) -> object:
    return {name: _export(symbol, view) for name, symbol in exports(data).items()}


def _export(symbol: tuple[object, ...], view: View) -> tuple[object, ...]:
    flags, first, *rest = symbol
    if not isinstance(flags, int) or not isinstance(first, int):
        return symbol
    if flags & _REEXPORT:
        return flags, view.names(first), *rest
    if flags & _EXPORT_KIND == _ABSOLUTE_EXPORT:
        return symbol
    return flags, view.distance(first), *(view.distance(int(str(number))) for number in rest)


def _chained(data: bytes, view: View) -> object:
    found = chained(data)
    imports = [(view.names(library), rest) for library, rest in found.imports]
    return found.rest, imports, [(*start[:2], view.distance(start[2]), *start[3:]) for start in found.starts]


def _function_starts(data: bytes, view: View) -> object:
    first, at = uleb(data) if data else (0, 0)
    return view.distance(first), data[at:].rstrip(b"\0")


def _data_in_code(data: bytes, view: View) -> object:
    return [(view.distance(offset), *rest) for offset, *rest in struct.iter_unpack("<IHH", data)]


def _anything(*_: object) -> object:
    return None


_DYLD_INFO = (
    _Table(8, 12),
    _Table(16, 20, meaning=_bound, moves=False),
    _Table(24, 28),
    _Table(32, 36, meaning=_bound_late, moves=False),
    _Table(40, 44, meaning=_exported),
)
_TABLES: Mapping[int, tuple[_Table, ...]] = {
    0x2: (_Table(8, 12, (12, 16), _symbols), _Table(16, 20)),
    0xB: (
        _Table(32, 36, (8, 8)),
        _Table(40, 44, (52, 56)),
        _Table(48, 52, (4, 4)),
        _Table(56, 60, (4, 4)),
        _Table(64, 68, (8, 8)),
        _Table(72, 76, (8, 8)),
    ),
    0x16: (_Table(8, 12, (4, 4), _anything, moves=False),),
    0x1E: (_Table(8, 12),),
    0x22: _DYLD_INFO,
    0x80000022: _DYLD_INFO,
    0x26: (_Table(8, 12, meaning=_function_starts),),
    0x29: (_Table(8, 12, meaning=_data_in_code),),
    0x2B: (_Table(8, 12),),
    0x2E: (_Table(8, 12),),
    0x80000033: (_Table(8, 12, meaning=_exported),),
    0x80000034: (_Table(8, 12, meaning=_chained),),
}
"""The tables by load command; those without a meaning here must have the same bytes."""
