"""The names that a slice gives to others and wants of them, from its symbol table.

Follows Apple's `mach-o/nlist.h`. Compilers put an underscore before every name of C; it is taken away here, so that
names are those of the source, as in other formats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.commands import DAMAGED, Command, load_commands
from truewheel.analyzer.python_init_names import PREFIXES, names_for
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from struct import Struct

    from truewheel.analyzer.macho.commands import Buffer
    from truewheel.analyzer.macho.image import Slice

_UNDERSCORE = b"_"
_SMALL = 1 << 16
_PYTHON_PREFIXES = (b"Py", b"_Py")

# The parts of `n_type`.
_DEBUG, _PRIVATE, _KIND, _EXTERNAL = 0xE0, 0x10, 0x0E, 0x01
_UNDEFINED_KINDS = frozenset({0x0, 0xC})
_DEFINED_KINDS = frozenset({0x2, 0xE, 0xA})
"""Absolute, in a section, or another name for a symbol of another file."""
_EXPORTED = frozenset(
    number
    for number in range(0x100)
    if number & (_DEBUG | _PRIVATE | _EXTERNAL) == _EXTERNAL and number & _KIND in _DEFINED_KINDS
)
_UNDEFINED = frozenset(
    number
    for number in range(0x100)
    if number & (_DEBUG | _EXTERNAL) == _EXTERNAL and number & _KIND in _UNDEFINED_KINDS
)


class _Table(NamedTuple):
    """The bytes of the symbols, what shape each has, and the bytes of the names."""

    symbols: bytes
    symbol: Struct
    strings: bytes


def exported_names(data: Buffer, item: Slice, where: str) -> frozenset[str]:
    """Return the names that one slice of the file in `data` defines for others; none without a symbol table.

    Names of libraries that it re-exports are not among them. Raises InvalidBinaryError naming `where` when the table or
    a name lies outside of the file.
    """
    return _texts(_names(_open(data, item, where), _EXPORTED, where))


def undefined_names(data: Buffer, item: Slice, where: str) -> frozenset[str]:
    """Return the names that one slice wants of other files; raises as `exported_names` does."""
    return _texts(_names(_open(data, item, where), _UNDEFINED, where))


def python_inits(data: Buffer, item: Slice, where: str) -> tuple[str, ...]:
    """Return the exported functions by which Python initializes an extension module, sorted.

    Python looks for the one with the file's name up to the first dot, so the base name of `where` counts. A file that
    wants Python's functions of others may have more, for modules that it brings along; Python itself is full of them,
    and is no extension module. Raises as `exported_names` does.
    """
    table = _open(data, item, where)
    wanted = names_for(where)
    # A search through the names is much quicker than a walk over all symbols, and tells of most libraries.
    if not any(_UNDERSCORE + name in table.strings for name in (*PREFIXES, *wanted)):
        return ()
    exported = _names(table, _EXPORTED, where)
    inits = exported & wanted
    more = {name for name in exported if name.startswith(PREFIXES)} - inits
    if more and any(name.startswith(_PYTHON_PREFIXES) for name in _names(table, _UNDEFINED, where)):
        inits |= more
    return tuple(sorted(_texts(inits)))


def _open(data: Buffer, item: Slice, where: str) -> _Table:
    commands = load_commands(data, item.offset, where)
    shape = commands.header.form.symbol
    command = next((each for each in commands.items if each.command == Command.SYMTAB), None)
    if command is None:
        return _Table(b"", shape, b"")
    offset, count, strings, size = commands.numbers(command, 4)
    if max(offset + count * shape.size, strings + size) > item.size:
        raise commands.invalid("the symbol table reaches past the end of the file", command)
    start = item.offset
    return _Table(
        bytes(data[start + offset : start + offset + count * shape.size]),
        shape,
        bytes(data[start + strings : start + strings + size]),
    )


def _names(table: _Table, types: AbstractSet[int], where: str) -> frozenset[bytes]:
    """Return the names of all symbols whose `n_type` is among `types`, without underscore."""
    strings = table.strings
    # Names may share their tails, but not without measure: a file cannot make us build more text than this.
    budget = 2 * len(strings) + _SMALL
    found = set()
    for offset, kind, _, _, _ in table.symbol.iter_unpack(table.symbols):
        if kind in types:
            end = strings.find(b"\0", offset)
            budget -= end - offset
            if end < 0:
                raise InvalidBinaryError("a symbol's name lies outside of its table", where=where, hint=DAMAGED)
            if budget < 0:
                raise InvalidBinaryError("the symbols' names overlap beyond reason", where=where, hint=DAMAGED)
            found.add(strings[offset + strings.startswith(_UNDERSCORE, offset) : end])
    return frozenset(found)


def _texts(names: AbstractSet[bytes]) -> frozenset[str]:
    return frozenset(name.decode("utf-8", "backslashreplace") for name in names)
