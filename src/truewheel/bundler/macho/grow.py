"""Gives the header of a Mach-O slice another page, when its load commands cannot be made to fit.

Follows `mach-o/loader.h`. Everything behind the header moves by the same amount, in the file and in memory, and every
number that says where something lies moves along; see `macho_move`. Where the old header stood, a copy of it stays
that knows only the segments, at the distance from them that they had: code that asks for its own header, such as
`___dso_handle`, reaches it by its distance and finds there what it found before. What is not understood is refused.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.commands import Command
from truewheel.bundler.macho.exports import moved_exports
from truewheel.bundler.macho.fixups import check_binds, move_chained, move_rebased
from truewheel.bundler.macho.header import raw_commands, size_of
from truewheel.bundler.macho.linkedit import laid_out, tables, tables_of
from truewheel.bundler.macho.movable import COUNTING_SECTIONS, check_movable, page_of
from truewheel.bundler.macho.move import Move, not_understood, read_segments
from truewheel.bundler.macho.tables import (
    move_data_in_code,
    move_initializers,
    move_symbols,
    move_unwind_info,
    moved_function_starts,
)
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from truewheel.analyzer.macho.commands import Buffer, Commands, LoadCommand
    from truewheel.bundler.macho.header import RawCommand
    from truewheel.bundler.macho.linkedit import Laid, Place
    from truewheel.bundler.macho.move import Segment

_UNIT = 16  # what a signature is aligned to
_COUNT_FIELD = 16  # where ncmds stands in the header, and sizeofcmds behind it
_SECTION_ADDRESS, _SECTION_OFFSET = 32, 48  # where these fields stand in section_64
_KEPT_IN_COPY = frozenset(
    {Command.SEGMENT_64, Command.UUID, Command.BUILD_VERSION, Command.VERSION_MIN_MACOSX, Command.SOURCE_VERSION}
)
"""The commands of the old header that its copy keeps: those that lead to no table and name no file."""


class _Slice(NamedTuple):
    """A slice on its way. content: changed in place, everything still at its old offset.

    linkedit: `__LINKEDIT` without the signature, which is last in it. signed: whether there is one.
    """

    content: bytearray
    commands: Commands
    segments: Sequence[Segment]
    linkedit: Segment
    signed: bool
    move: Move


def grown(content: Buffer, commands: Commands, size: int) -> bytes:
    """Return the slice with room for `size` bytes of load commands; its commands are still the old ones.

    A signature is emptied, and LC_CODE_SIGNATURE says where a new one belongs. LC_SEGMENT_SPLIT_INFO is dropped: only
    the builder of the system's own cache of libraries reads it.
    Raises RefusedError when the slice holds anything that is not known to stay right when it moves.
    """
    try:
        return _moved(_slice(content, commands, size))
    except RefusedError as error:
        raise RefusedError(error.what, where=commands.where) from None
    except (struct.error, IndexError, OverflowError) as error:
        raise RefusedError(not_understood(f"a table is damaged: {error}").what, where=commands.where) from None


def _slice(content: Buffer, commands: Commands, size: int) -> _Slice:
    segments = read_segments(commands)
    base = check_movable(commands, segments, len(content))
    unit = page_of(commands, segments)
    amount = -(-(commands.header.form.header.size + size) // unit) * unit
    linkedit = next(segment for segment in segments if segment.name == "__LINKEDIT")
    places = [place for item, _, place in tables(commands) if place.size and item.command != Command.CODE_SIGNATURE]
    if any(place.start < linkedit.offset or place.end > linkedit.end for place in places):
        raise not_understood("a table of the linker does not lie in __LINKEDIT")
    signed = any(item.command == Command.CODE_SIGNATURE for item in commands.items)
    if signed:
        end = max((place.end for place in places), default=linkedit.offset)
        linkedit = linkedit._replace(file_size=end - linkedit.offset)
    return _Slice(bytearray(content), commands, segments, linkedit, signed, Move(base, amount))


def _moved(item: _Slice) -> bytes:
    laid = laid_out(item.content, item.linkedit, tables(item.commands), _move_tables(item))
    if item.signed:
        laid = laid._replace(content=laid.content + bytes(-(item.linkedit.offset + len(laid.content)) % _UNIT))
    _move_sections(item)
    end = item.commands.header.end
    old = raw_commands(item.commands)
    new = tuple(
        _moved_command(item, laid, command, raw)
        for command, raw in zip(item.commands.items, old, strict=True)
        if command.command != Command.SEGMENT_SPLIT_INFO
    )
    copy = tuple(raw for raw in old if raw.command in _KEPT_IN_COPY)
    return b"".join(
        (
            _header(item, new).ljust(item.move.amount, b"\0"),
            _header(item, copy).ljust(end, b"\0"),
            memoryview(item.content)[end : item.linkedit.offset],
            laid.content,
            b"" if item.signed else memoryview(item.content)[item.linkedit.end :],
        )
    )


def _header(item: _Slice, commands: Sequence[RawCommand]) -> bytes:
    """Return the header and other load commands than it had."""
    form = item.commands.header.form
    head = bytearray(item.commands.raw[: form.header.size])
    struct.pack_into(f"{form.prefix}II", head, _COUNT_FIELD, len(commands), size_of(commands))
    return bytes(head) + b"".join(raw.content for raw in commands)


def _move_tables(item: _Slice) -> Mapping[Place, bytes]:
    """Change all tables in `__LINKEDIT` and all that they lead to; return those that may have become longer."""
    new = {}
    for command, part, place in tables(item.commands):
        change = _CHANGES.get((command.command, part.at))
        table = change(item, place) if change and place.size else None
        if table is not None:
            new[place] = table
    return new


def _table(item: _Slice, place: Place) -> bytes:
    return bytes(item.content[place.start : place.end])


def _symbols(item: _Slice, place: Place) -> None:
    move_symbols(item.content, place.start, place.size, item.move)


def _rebases(item: _Slice, place: Place) -> None:
    move_rebased(item.content, _table(item, place), item.segments, item.move)


def _binds(item: _Slice, place: Place) -> None:
    check_binds(_table(item, place), item.segments)


def _fixups(item: _Slice, place: Place) -> None:
    move_chained(item.content, place.start, place.size, item.segments, item.move)


def _data_in_code(item: _Slice, place: Place) -> None:
    move_data_in_code(item.content, place.start, place.size, item.move)


def _exports(item: _Slice, place: Place) -> bytes:
    return moved_exports(_table(item, place), item.move)


def _function_starts(item: _Slice, place: Place) -> bytes:
    return moved_function_starts(_table(item, place), item.move)


_DYLD_INFO = {8: _rebases, 16: _binds, 24: _binds, 32: _binds, 40: _exports}
_CHANGES: Mapping[tuple[int, int], Callable[[_Slice, Place], bytes | None]] = {
    (Command.SYMTAB, 8): _symbols,
    **{(Command.DYLD_INFO, at): change for at, change in _DYLD_INFO.items()},
    **{(Command.DYLD_INFO_ONLY, at): change for at, change in _DYLD_INFO.items()},
    (Command.DYLD_EXPORTS_TRIE, 8): _exports,
    (Command.DYLD_CHAINED_FIXUPS, 8): _fixups,
    (Command.FUNCTION_STARTS, 8): _function_starts,
    (Command.DATA_IN_CODE, 8): _data_in_code,
}
"""What a table asks for, by its command and by the field there that leads to it; in all others nothing moves."""


def _move_sections(item: _Slice) -> None:
    """Change the sections whose content counts from the header."""
    for segment in item.segments:
        for section in segment.sections:
            if not section.has_content:
                continue
            if section.kind in COUNTING_SECTIONS:
                move_initializers(item.content, section.offset, section.size, item.move)
            elif section.name == "__unwind_info":
                move_unwind_info(item.content, section.offset, section.size, item.move)


def _moved_command(item: _Slice, laid: Laid, command: LoadCommand, raw: RawCommand) -> RawCommand:
    """Return a load command with all its places moved."""
    form, amount = item.commands.header.form, item.move.amount
    content = bytearray(raw.content)
    if command.command == form.segment_command:
        _move_segment(item, laid, content)
    elif command.command == Command.MAIN:
        (entry,) = form.wide_number.unpack_from(content, 8)
        form.wide_number.pack_into(content, 8, entry + amount)
    elif command.command == Command.CODE_SIGNATURE:
        form.number.pack_into(content, 8, item.linkedit.offset + amount + len(laid.content))
        form.number.pack_into(content, 12, 0)
        return raw._replace(content=bytes(content))
    for part, place in tables_of(item.commands, command):
        if place.start:
            form.number.pack_into(content, part.at, place.start + amount + laid.shift(place.start))
        if place in laid.sizes:
            form.number.pack_into(content, part.length_at, laid.sizes[place])
    return raw._replace(content=bytes(content))


def _move_segment(item: _Slice, laid: Laid, content: bytearray) -> None:
    """Move a segment and its sections, in the bytes of its command."""
    form, base, amount = item.commands.header.form, *item.move
    fields = list(form.segment.unpack_from(content))
    address, memory, offset, size = fields[3:7]
    if address < base:
        return
    if size and not offset:
        fields[4], fields[6] = memory + amount, size + amount
    else:
        fields[3], fields[5] = address + amount, offset + amount if offset else 0
    if offset == item.linkedit.offset:
        page = page_of(item.commands, ())
        fields[4], fields[6] = max(memory, -(-len(laid.content) // page) * page), len(laid.content)
    form.segment.pack_into(content, 0, *fields)
    for at in range(form.segment.size, form.segment.size + fields[9] * form.section.size, form.section.size):
        # Field by field, so that what is reserved stays.
        (address,) = form.wide_number.unpack_from(content, at + _SECTION_ADDRESS)
        (offset,) = form.number.unpack_from(content, at + _SECTION_OFFSET)
        form.wide_number.pack_into(content, at + _SECTION_ADDRESS, address + amount)
        form.number.pack_into(content, at + _SECTION_OFFSET, offset + amount if offset else 0)
