"""Takes libraries out of a Mach-O slice without damage to what is bound to the others.

With two-level namespaces (Apple's `mach-o/loader.h`, `mach-o/nlist.h`) a symbol is looked up in the library that it was
linked with, named by its position among the load commands. Before a command goes, what was bound to its library must be
looked up in the whole process, as if it had been linked with `-undefined dynamic_lookup`, and the libraries that follow
get new numbers. `MH_NOUNDEFS` stays: the linkers of Apple and LLVM set it beside such lookups too.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.commands import DYLIB_COMMANDS, Command, load_commands
from truewheel.bundler.macho.binds import (
    FLAT_LOOKUP,
    Numbering,
    Part,
    numbering_after,
    renumber_imports,
    renumber_opcodes,
    renumber_reexports,
)
from truewheel.errors import DefectError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from truewheel.analyzer.macho.commands import Commands, Form, LoadCommand

NOTHING: Mapping[int, int] = MappingProxyType({})
TWO_LEVEL = 0x80
"""MH_TWOLEVEL"""
MOST_LIBRARIES = 0xFD
"""MAX_LIBRARY_ORDINAL: a symbol table has no room for greater numbers."""
DYNAMIC_LOOKUP = 0xFE
"""DYNAMIC_LOOKUP_ORDINAL: how a symbol table writes FLAT_LOOKUP."""
UNDEFINED = frozenset({0x01, 0x11, 0x0D, 0x1D})
"""`n_type` of external symbols that another library defines: N_UNDF and N_PBUD, each with and without N_PEXT."""
TYPE_AT, DESCRIPTION_AT = 4, 6
"""Where `n_type` and `n_desc`, whose high byte is the library, stand in a symbol."""
HINT_SIZE = 4

USE_MARKER = 0x1A741800
"""Stands in place of the time stamp when flags follow the fields of a dylib command (`dylib_use_command`)."""
USE_FLAGS = {0x2: Command.REEXPORT_DYLIB, 0x4: Command.LOAD_UPWARD_DYLIB}
TIES = {
    Command.REEXPORT_DYLIB: "this file passes its symbols on as its own (it is re-exported)",
    Command.LOAD_UPWARD_DYLIB: "it needs this file in turn (it is an upward dependency)",
    Command.LAZY_LOAD_DYLIB: "it is loaded on first use (it is a lazy dependency)",
}
"""Why the library of such a command cannot be removed."""

SINGLE = frozenset(
    {
        Command.SYMTAB, Command.DYSYMTAB, Command.TWOLEVEL_HINTS, Command.DYLD_INFO, Command.DYLD_INFO_ONLY,
        Command.DYLD_CHAINED_FIXUPS, Command.DYLD_EXPORTS_TRIE,
    }
)  # fmt: skip
"""The commands that are read here, of which a slice has at most one each."""


class Table(NamedTuple):
    """One table that names libraries by number, and how to renumber it."""

    part: Part
    renumber: Callable[[bytearray, Part, Numbering], None]


def drop_libraries(
    content: bytearray, ordinals: frozenset[int], where: str, *, merged: Mapping[int, int] = NOTHING
) -> None:
    """Make one thin slice ready to lose load commands of libraries, in place and without changing its size.

    ordinals: positions, from 1, of the libraries among the commands that name one (`DYLIB_COMMANDS`). Their symbols
    become flat lookups and the libraries behind them move up. The load commands themselves are left to the caller.
    merged: positions of further libraries that go, to those of libraries that stay, in which their symbols are then
    looked up (see `repeated_libraries`).
    Raises RefusedError for a library that cannot go (see `refuse_to_drop`), InvalidBinaryError for a damaged slice;
    the content is then to be thrown away.
    """
    if not ordinals and not merged:
        return
    commands = load_commands(content, 0, where)
    refuse_to_drop(commands, ordinals | merged.keys())
    count = len(_libraries(commands))
    if not set(merged.values()) <= set(range(1, count + 1)) - ordinals - merged.keys():
        raise DefectError(f"libraries cannot be merged as {dict(merged)}", where=where)
    numbering = numbering_after(count, ordinals, merged, where)
    tables = list(_tables(commands, len(content)))
    by_place = sorted(table.part for table in tables)
    for before, after in pairwise(by_place):
        if after.start < before.end:
            raise numbering.invalid("two tables of the linker lie over each other", after.start)
    for table in tables:
        table.renumber(content, table.part, numbering)


def repeated_libraries(commands: Commands, renamed: Mapping[str, str]) -> dict[int, int]:
    """Return which libraries would be named again once some are `renamed`: positions to that of the one that stays.

    dyld refuses a file that names one library twice in the same words, when it was linked for the SDK of macOS 15 or
    later (`mach_o::Header::validSemanticsLinkedDylibs`); lazy ones do not count. The result is what `drop_libraries`
    takes as `merged`. Libraries that the file named twice before any change are left alone.
    """
    names: dict[str, list[int]] = {}
    new, tied = set(), set()
    for ordinal, item in enumerate(_libraries(commands), 1):
        name = commands.text(item)
        if name in renamed:
            new.add(renamed[name])
        if item.command != Command.LAZY_LOAD_DYLIB:
            names.setdefault(renamed.get(name, name), []).append(ordinal)
        if _tie(commands, item) is not None:
            tied.add(ordinal)
    repeated = {}
    for name, ordinals in names.items():
        stays = next((ordinal for ordinal in ordinals if ordinal in tied), ordinals[0])
        if name in new:
            repeated.update({ordinal: stays for ordinal in ordinals if ordinal != stays})
    return repeated


def refuse_to_drop(commands: Commands, ordinals: frozenset[int]) -> None:
    """Raise RefusedError when a library cannot be removed, as far as the load commands tell.

    Those that are re-exported, upward or lazy stay, and so does the last one: dyld refuses a file that names no library
    (`mach_o::Header::validSemanticsLinkedDylibs`, for SDKs of macOS 12 and later).
    """
    libraries = _libraries(commands)
    if not ordinals <= set(range(1, len(libraries) + 1)):
        raise DefectError(f"libraries {sorted(ordinals)} of {len(libraries)} cannot be removed", where=commands.where)
    reasons = [
        f"{commands.text(item)}: {TIES[tie]}"
        for ordinal, item in enumerate(libraries, 1)
        if ordinal in ordinals and (tie := _tie(commands, item)) is not None
    ]
    reasons += [
        f"{commands.text(item)}: it comes after a lazy dependency, so that its number is not certain"
        for before, item in pairwise(libraries)
        if before.command == Command.LAZY_LOAD_DYLIB != item.command
    ]
    if len(ordinals) == len(libraries):
        reasons.append("no other library would be left, and dyld loads no file without one")
    if len(libraries) > MOST_LIBRARIES:
        reasons.append(f"there are {len(libraries)} libraries, more than the {MOST_LIBRARIES} that a symbol can name")
    reasons += [
        "the file passes symbols on in the way of Mac OS X 10.4 (LC_SUB_LIBRARY or LC_SUB_UMBRELLA)"
        for item in commands.items
        if item.command in {Command.SUB_LIBRARY, Command.SUB_UMBRELLA}
    ][:1]
    if reasons:
        raise RefusedError(
            f"a library cannot be removed from the file: {reasons[0]}",
            where=commands.where,
            hint="link the file without that library, with -undefined dynamic_lookup",
            reasons=tuple(reasons),
        )


def _libraries(commands: Commands) -> list[LoadCommand]:
    return [item for item in commands.items if item.command in DYLIB_COMMANDS]


def _tie(commands: Commands, item: LoadCommand) -> Command | None:
    """Return the kind of a library that cannot be removed, None for one that can."""
    if item.command in TIES:
        return Command(item.command)
    start, marker = commands.numbers(item, 2)
    if marker == USE_MARKER and start > commands.header.form.dylib.size:
        flags = commands.numbers(item, 5)[4]
        return next((kind for bit, kind in USE_FLAGS.items() if flags & bit), None)
    return None


def _tables(commands: Commands, size: int) -> Iterator[Table]:
    """Yield the tables of a slice of `size` bytes."""
    found = _single_commands(commands)
    take = partial(_part, commands, size)
    for kind in (Command.DYLD_INFO, Command.DYLD_INFO_ONLY):
        if kind in found:
            _, _, bind, bind_size, _, _, lazy, lazy_size, exports, exports_size = commands.numbers(found[kind], 10)
            yield from take(bind, bind_size, partial(renumber_opcodes, lazy=False))
            yield from take(lazy, lazy_size, partial(renumber_opcodes, lazy=True))
            yield from take(exports, exports_size, renumber_reexports)
    if Command.DYLD_CHAINED_FIXUPS in found:
        fixups, fixups_size = commands.numbers(found[Command.DYLD_CHAINED_FIXUPS], 2)
        yield from take(fixups, fixups_size, renumber_imports)
    if Command.DYLD_EXPORTS_TRIE in found:
        exports, exports_size = commands.numbers(found[Command.DYLD_EXPORTS_TRIE], 2)
        yield from take(exports, exports_size, renumber_reexports)
    if Command.SYMTAB in found and commands.header.flags & TWO_LEVEL:
        yield from _symbol_tables(commands, size, found)


def _symbol_tables(commands: Commands, size: int, found: Mapping[int, LoadCommand]) -> Iterator[Table]:
    """Yield the hints, which are read together with the symbols, and the symbols."""
    form = commands.header.form
    start, count = commands.numbers(found[Command.SYMTAB], 2)
    symbols = list(_part(commands, size, start, count * form.symbol.size, partial(_renumber_symbols, form=form)))
    if symbols and {Command.TWOLEVEL_HINTS, Command.DYSYMTAB} <= found.keys():
        first = commands.numbers(found[Command.DYSYMTAB], 5)[4]
        hints, hint_count = commands.numbers(found[Command.TWOLEVEL_HINTS], 2)
        behind = symbols[0].part._replace(start=min(start + first * form.symbol.size, symbols[0].part.end))
        forget = partial(_forget_hints, symbols=behind, form=form)
        yield from _part(commands, size, hints, hint_count * HINT_SIZE, forget)
    yield from symbols


def _single_commands(commands: Commands) -> Mapping[int, LoadCommand]:
    """Return the commands of SINGLE by kind; raise InvalidBinaryError for two of one kind."""
    found: dict[int, LoadCommand] = {}
    for item in commands.items:
        if item.command in SINGLE and found.setdefault(item.command, item) is not item:
            raise commands.invalid(f"a second load command {item.command:#x}", item)
    return found


def _part(
    commands: Commands, size: int, start: int, length: int, renumber: Callable[[bytearray, Part, Numbering], None]
) -> Iterator[Table]:
    """Yield one table, none when it is empty; raise InvalidBinaryError when it is not behind the load commands."""
    if not length:
        return
    numbering = Numbering((), commands.where)
    if start < commands.header.end or start + length > size:
        raise numbering.invalid(f"a table of {length} bytes lies outside of the file's content", start)
    yield Table(Part(start, start + length), renumber)


def _renumber_symbols(content: bytearray, part: Part, numbering: Numbering, *, form: Form) -> None:
    for at in _library_bytes(content, part, form):
        if content[at] < DYNAMIC_LOOKUP:
            new = numbering.new(content[at], at)
            content[at] = DYNAMIC_LOOKUP if new == FLAT_LOOKUP else new


def _forget_hints(content: bytearray, part: Part, numbering: Numbering, *, symbols: Part, form: Form) -> None:
    """Clear the hints where to find the symbols of dropped libraries; the hints stand in the order of `symbols`."""
    for at in _library_bytes(content, symbols, form):
        hint = part.start + (at - symbols.start) // form.symbol.size * HINT_SIZE
        if hint < part.end and content[at] < DYNAMIC_LOOKUP and numbering.new(content[at], at) == FLAT_LOOKUP:
            content[hint : hint + HINT_SIZE] = bytes(HINT_SIZE)


def _library_bytes(content: bytearray, part: Part, form: Form) -> Iterator[int]:
    """Yield where the undefined symbols of a table keep the number of their library."""
    size = form.symbol.size
    library_at = DESCRIPTION_AT + (form.byte_order == "little")
    for index, kind in enumerate(bytes(content[part.start + TYPE_AT : part.end : size])):
        if kind in UNDEFINED:
            yield part.start + index * size + library_at
