"""The symbol versions that an ELF file asks for and defines (verneed, verdef).

Follows the Linux Standard Base, "Symbol Versioning".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.image import SymbolNeed
from truewheel.analyzer.elf.layout import Tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from struct import Struct

    from truewheel.analyzer.elf.layout import Dynamic, ElfFile

_WEAK = 2
_BASE = 1
INDEX_MASK = 0x7FFF
"""A version index has 15 bits; the sixteenth hides a symbol from references without a version."""


class Versions(NamedTuple):
    """Both tables.

    by_index: what an entry of the version symbol table means: the version, and the library it is asked of (None for a
    version that the file itself defines).
    """

    needs: tuple[SymbolNeed, ...]
    defined: tuple[str, ...]
    by_index: Mapping[int, tuple[str, str | None]]


def read_versions(elf: ElfFile, dynamic: Dynamic) -> Versions:
    """Read both tables, each entry in file order.

    Raises InvalidBinaryError when an entry lies outside its segment, or there are more than indices to name them.
    """
    needs: list[SymbolNeed] = []
    defined: list[str] = []
    by_index: dict[int, tuple[str, str | None]] = {}
    text = dynamic.strings.text
    address = dynamic.values.get(Tag.VERDEF)
    if address is not None:
        for flags, index, name in _definitions(elf, address):
            if not flags & _BASE:
                defined.append(text(name))
                by_index[index & INDEX_MASK] = (defined[-1], None)
    address = dynamic.values.get(Tag.VERNEED)
    if address is not None:
        library_at, library = -1, ""
        for file, flags, index, name in _needs(elf, address):
            if file != library_at:
                library_at, library = file, text(file)
            version = text(name)
            needs.append(SymbolNeed(library, version, bool(flags & _WEAK)))
            by_index[index & INDEX_MASK] = (version, library)
    # These two mean "local" and "global", whatever the tables say.
    by_index.pop(0, None)
    by_index.pop(1, None)
    return Versions(tuple(needs), tuple(defined), by_index)


def _needs(elf: ElfFile, address: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the library's name, flags, index and the version's name of each need; names are string offsets."""
    what = "the table of needed versions"
    start, end = elf.mapped(address, what)
    form = elf.form.need_part
    left = INDEX_MASK
    for at, (_, count, file, parts, _) in _chain(elf, elf.form.need, start, end):
        if not count:
            continue
        for _, (flags, index, name, _) in _chain(elf, form, at + parts, end):
            left -= 1
            if left < 0:
                raise elf.invalid(f"{what} has more entries than versions can be told apart", start)
            yield file, flags, index, name


def _definitions(elf: ElfFile, address: int) -> Iterator[tuple[int, int, int]]:
    """Yield flags, index and name (a string offset) of each version that the file defines."""
    start, end = elf.mapped(address, "the table of defined versions")
    number = elf.form.number
    for at, (_, flags, index, count, parts, _) in _chain(elf, elf.form.definition, start, end):
        if not count:
            continue
        if at + parts + number.size > end:
            raise elf.invalid("a defined version's name reaches past the end of its segment", at)
        yield flags, index, number.unpack_from(elf.data, at + parts)[0]


def _chain(elf: ElfFile, form: Struct, start: int, end: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield offset and fields of each entry of a chain, whose last field is the distance to the next, 0 at the end.

    A loader follows the chain, not the count that stands beside it, so the chain is what counts here.
    """
    size = form.size
    for _ in range(INDEX_MASK):
        if start + size > end:
            raise elf.invalid("a symbol version reaches past the end of its segment", start)
        fields = form.unpack_from(elf.data, start)
        yield start, fields
        step = fields[-1]
        if step == 0:
            return
        if step < size:
            raise elf.invalid("symbol versions overlap", start)
        start += step
    raise elf.invalid("a chain of symbol versions has more entries than versions can be told apart", start)
