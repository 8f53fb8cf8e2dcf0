"""Edits a Mach-O file: the load commands of each slice in one pass, then its signature, then the fat file's table.

Follows `mach-o/loader.h`. A slice without an edit keeps its bytes. No program but this one is run, on any host.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.commands import DYLIB_COMMANDS, load_commands
from truewheel.analyzer.macho.reader import read_macho
from truewheel.analyzer.macho.signature import read_signature
from truewheel.bundler.macho.codesign import COMMAND_SIZE, resign
from truewheel.bundler.macho.header import edited_commands, room, size_of, write_commands
from truewheel.bundler.macho.room import fit, smallest_size
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from truewheel.analyzer.macho.commands import Commands
    from truewheel.analyzer.macho.image import Slice
    from truewheel.bundler.plan import MachoEdit, SliceEdit

_ARM64 = "arm64"
"""What the names of all architectures start with whose code runs only when it is signed."""


class EditedMacho(NamedTuple):
    """A file after its edit.

    notices: sentences for the user, about headers without room. edit: what was done in the end; names and search
    paths differ from what was asked where a header had no room for those.
    """

    content: bytes
    notices: tuple[str, ...]
    edit: MachoEdit


class _EditedSlice(NamedTuple):
    content: bytes
    notices: tuple[str, ...]
    edit: SliceEdit


def edit_macho(content: bytes | memoryview, edit: MachoEdit) -> EditedMacho:
    """Return the file after all edits, each edited slice signed anew where it must or may be.

    Slices of arm64 are always signed; others only if they were. Raises RefusedError when a header has no room for its
    commands and cannot be given any, or when the file has not what the edit speaks of; InvalidBinaryError when it is
    damaged.
    """
    file = read_macho(content, edit.member)
    wanted = {item.architecture: item for item in edit.slices if item.changes_anything}
    missing = sorted(wanted.keys() - set(file.architectures))
    if missing:
        raise RefusedError(f"has no slice for {', '.join(missing)}", where=edit.member, hint="plan again")
    if not wanted:
        return EditedMacho(bytes(content), (), edit)
    done: dict[str, _EditedSlice] = {}
    view = memoryview(content)
    parts: list[bytes | memoryview] = []
    for item in file.slices:
        part = view[item.offset : item.offset + item.size]
        if item.architecture in wanted:
            where = f"{edit.member} ({item.architecture})" if file.fat else edit.member
            found = done[item.architecture] = _edited_slice(part, item, wanted[item.architecture], edit, where)
            parts.append(found.content)
        else:
            parts.append(part)
    notices = tuple(
        f"{edit.member}: {notice} of the {architecture} slice"
        for architecture, found in done.items()
        for notice in found.notices
    )
    slices = tuple(done[item.architecture].edit if item.architecture in done else item for item in edit.slices)
    return EditedMacho(_joined(content, parts, edit, fat=file.fat), notices, edit._replace(slices=slices))


def _joined(content: bytes | memoryview, parts: list[bytes | memoryview], edit: MachoEdit, *, fat: bool) -> bytes:
    if not fat:
        return bytes(parts[0])
    from truewheel.bundler.macho.fat import laid_out_again

    return laid_out_again(content, parts, edit.member)


def _edited_slice(part: memoryview, item: Slice, wanted: SliceEdit, edit: MachoEdit, where: str) -> _EditedSlice:
    old = read_signature(part, replace(item, offset=0), where)
    commands = load_commands(part, 0, where)
    is_arm = item.architecture.startswith(_ARM64) and item.file_type.is_loaded
    reserved = COMMAND_SIZE if is_arm and not item.has_signature else 0
    slice_content, notices, done = _with_commands(part, commands, wanted, reserved)
    if is_arm or item.has_signature:
        slice_content = resign(
            slice_content,
            old,
            fallback_identifier=PurePosixPath(edit.member).stem,
            keep_runtime=edit.keep_runtime,
            where=where,
        )
    return _EditedSlice(bytes(slice_content), notices, done)


def _with_commands(
    part: memoryview, commands: Commands, wanted: SliceEdit, reserved: int
) -> tuple[bytes | bytearray, tuple[str, ...], SliceEdit]:
    """Return the slice with its new commands, before it is signed; `reserved` bytes stay free behind them."""
    content = bytearray(part)
    if wanted.remove:
        from truewheel.bundler.macho.ordinals import drop_libraries

        drop_libraries(content, _ordinals(commands, wanted.remove), commands.where)
    space = room(part, commands) - reserved
    fitting = fit(commands, wanted, space)
    if fitting is None:
        return _grown(content, commands, wanted, reserved)
    write_commands(content, commands, fitting.commands)
    return content, fitting.notices, fitting.edit


def _grown(
    content: bytearray, commands: Commands, wanted: SliceEdit, reserved: int
) -> tuple[bytearray, tuple[str, ...], SliceEdit]:
    """Return the slice with a larger header and its new commands, all as asked."""
    from truewheel.bundler.macho.grow import grown

    new = edited_commands(commands, wanted)
    try:
        content = bytearray(grown(content, commands, size_of(new) + reserved))
    except RefusedError as error:
        raise _no_room(content, commands, wanted, reserved, error) from None
    commands = load_commands(content, 0, commands.where)
    write_commands(content, commands, edited_commands(commands, wanted))
    return content, (_GROWN,), wanted


_GROWN = "all content was moved, of which debug symbols made before know nothing, to make room in the header"


def _ordinals(commands: Commands, names: tuple[str, ...]) -> frozenset[int]:
    """Return the positions, from 1, of the named libraries among those that the slice names."""
    libraries = [item for item in commands.items if item.command in DYLIB_COMMANDS]
    return frozenset(number for number, item in enumerate(libraries, 1) if commands.text(item) in names)


def _no_room(
    content: bytearray, commands: Commands, wanted: SliceEdit, reserved: int, reason: RefusedError
) -> RefusedError:
    missing = smallest_size(commands, wanted) + reserved - room(content, commands)
    return RefusedError(
        f"the header of the {wanted.architecture} slice has no room for its new load commands, {missing} bytes are "
        f"missing, and {reason.what}",
        where=commands.where,
        hint="link with -Wl,-headerpad_max_install_names",
    )
