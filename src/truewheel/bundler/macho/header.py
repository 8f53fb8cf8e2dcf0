"""The load commands of one slice, rewritten: names, search paths, and where the room for them ends.

Follows `mach-o/loader.h`. All commands of a slice change in one pass: search paths go first, then names change, then
search paths are added, so that what goes makes room for what comes. Commands that nobody asked for stay byte for byte.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.commands import (
    DYLIB_COMMANDS,
    FILE_PARTS,
    TEXT_STARTS,
    WIDE,
    Command,
)
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truewheel.analyzer.macho.commands import Buffer, Commands, Form, LoadCommand
    from truewheel.bundler.plan import SliceEdit

_COUNT_FIELD = 16  # where ncmds stands in the header, and sizeofcmds behind it
_SECTION_TYPE = 0xFF
_NO_CONTENT = frozenset({0x1, 0xC, 0x12})  # S_ZEROFILL, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL


class RawCommand(NamedTuple):
    """One load command and all its bytes."""

    command: int
    content: bytes


def raw_commands(commands: Commands) -> tuple[RawCommand, ...]:
    """Return the load commands with their bytes, in file order."""
    raw = commands.raw
    return tuple(RawCommand(item.command, raw[item.offset : item.offset + item.size]) for item in commands.items)


def edited_commands(commands: Commands, edit: SliceEdit) -> tuple[RawCommand, ...]:
    """Return the load commands as the edit wants them.

    Raises RefusedError when the slice has no command that the edit speaks of, InvalidBinaryError for a damaged one.
    """
    form, renamed = commands.header.form, dict(edit.rename)
    libraries, paths, has_name = {*renamed, *edit.remove}, set(edit.delete_rpaths), edit.install_name is None
    kept = []
    for item, old in zip(commands.items, raw_commands(commands), strict=True):
        new = old
        if item.command == Command.RPATH:
            path = commands.text(item)
            paths.discard(path)
            if path in edit.delete_rpaths:
                continue
        elif item.command in DYLIB_COMMANDS:
            name = commands.text(item)
            libraries.discard(name)
            if name in edit.remove:
                continue
            new = _with_text(form, old, renamed[name]) if name in renamed else old
        elif item.command == Command.ID_DYLIB and edit.install_name is not None:
            commands.text(item)  # a damaged name is not edited
            has_name = True
            new = _with_text(form, old, edit.install_name)
        kept.append(new)
    missing = [*sorted(libraries), *sorted(paths), *([] if has_name else ["its own name"])]
    if missing:
        raise RefusedError(f"has no load command for {', '.join(missing)}", where=commands.where, hint="plan again")
    return (*kept, *(rpath_command(form, path) for path in edit.add_rpaths))


def rpath_command(form: Form, path: str) -> RawCommand:
    """Return a new LC_RPATH."""
    start = TEXT_STARTS[Command.RPATH]
    return _with_text(form, RawCommand(Command.RPATH, struct.pack(f"{form.prefix}3I", Command.RPATH, 0, start)), path)


def _with_text(form: Form, old: RawCommand, text: str) -> RawCommand:
    """Return the command with another string; what stands before the old one stays, however much that is."""
    (start,) = form.number.unpack_from(old.content, 8)
    unit = 8 if form.bits == WIDE else 4
    content = bytearray(old.content[:start] + text.encode("utf-8") + b"\0")
    content += bytes(-len(content) % unit)
    form.number.pack_into(content, 4, len(content))
    return RawCommand(old.command, bytes(content))


def size_of(commands: Sequence[RawCommand]) -> int:
    """Return the bytes that load commands take."""
    return sum(len(item.content) for item in commands)


def room(content: Buffer, commands: Commands) -> int:
    """Return the bytes that load commands may take in this slice: up to the first byte that something may need.

    Room ends at the first content of a section or segment, and before any byte that is not zero: what nothing
    describes may still be read by somebody.
    """
    start, end = commands.header.end, min(_content_starts(commands), default=len(content))
    spare = bytes(content[start : max(start, end)])
    return commands.header.command_size + len(spare) - len(spare.lstrip(b"\0"))


def _content_starts(commands: Commands) -> Iterator[int]:
    """Yield where in the slice every part of it starts that a load command speaks of, other than the header."""
    form = commands.header.form
    for item in commands.items:
        if item.command == form.segment_command:
            yield from _segment_starts(commands, item)
        for part in FILE_PARTS.get(item.command, ()):
            number = form.wide_number if part.wide else form.number
            if part.length_at and part.length_at + number.size <= item.size:
                (start,) = number.unpack_from(commands.raw, item.offset + part.at)
                (length,) = number.unpack_from(commands.raw, item.offset + part.length_at)
                if length:
                    yield start


def _segment_starts(commands: Commands, item: LoadCommand) -> Iterator[int]:
    form = commands.header.form
    if item.size < form.segment.size:
        raise commands.invalid("a segment command is too short", item)
    _, _, _, _, _, offset, size, _, _, count, _ = form.segment.unpack_from(commands.raw, item.offset)
    if item.size < form.segment.size + count * form.section.size:
        raise commands.invalid("a segment command is too short for its sections", item)
    if offset and size:
        yield offset
    for number in range(count):
        at = item.offset + form.segment.size + number * form.section.size
        _, _, _, length, start, _, relocations, relocation_count, flags, _, _ = form.section.unpack_from(
            commands.raw, at
        )
        if start and length and flags & _SECTION_TYPE not in _NO_CONTENT:
            yield start
        if relocation_count:
            yield relocations


def write_commands(content: bytearray, commands: Commands, new: Sequence[RawCommand]) -> None:
    """Put `new` in the place of the slice's load commands; there must be `room` for them.

    Bytes of old commands that are not needed any more become zero; nothing else changes.
    """
    header = commands.header
    start, size = header.form.header.size, size_of(new)
    packed = b"".join(item.content for item in new)
    packed += bytes(max(header.command_size - size, 0))
    content[start : start + len(packed)] = packed
    struct.pack_into(f"{header.form.prefix}II", content, _COUNT_FIELD, len(new), size)
