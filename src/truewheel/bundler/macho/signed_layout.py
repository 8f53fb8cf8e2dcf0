"""Reads from a slice's load commands what its signature depends on: where it may lie, and what it must state.

Follows `mach-o/loader.h`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.commands import FILE_PARTS, WIDE, Command, load_commands
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truewheel.analyzer.macho.commands import Commands, Form, LoadCommand

_MH_EXECUTE = 2
_CPU_ARM = 12
_CPU_CLASS_BITS = 0xFF000000  # which width of registers and pointers, beside the family
_ARM_PAGE, _OTHER_PAGE = 1 << 14, 1 << 12
_NO_CONTENT = frozenset({0x1, 0xC, 0x12})  # S_ZEROFILL, S_GB_ZEROFILL, S_THREAD_LOCAL_ZEROFILL
_SECTION_TYPE = 0xFF
_SIZES = {32: "I", WIDE: "Q"}
_VMSIZE, _FILESIZE = {32: 28, WIDE: 32}, {32: 36, WIDE: 48}  # places in segment_command, by class
_MINIMUM_OS: Mapping[int, int] = {
    Command.BUILD_VERSION: 1,
    Command.VERSION_MIN_MACOSX: 0,
    Command.VERSION_MIN_IPHONEOS: 0,
    Command.VERSION_MIN_TVOS: 0,
    Command.VERSION_MIN_WATCHOS: 0,
}
"""Which number of the command is the minimum system; the one behind it is the SDK."""


class OldSignature(NamedTuple):
    """command: where LC_CODE_SIGNATURE stands. offset: where the signature itself lies."""

    command: int
    offset: int


class Linkedit(NamedTuple):
    """The last segment. vmsize_field, filesize_field: where these fields of its command stand in the slice."""

    offset: int
    size: int
    vmsize_field: int
    filesize_field: int
    address_room: int
    """How far the segment may grow in memory before it meets another one."""


class Layout(NamedTuple):
    """What a signature depends on; all offsets count from the start of the slice.

    first_content: where the first bytes behind the load commands lie that something needs.
    last_segment_end: the end, in the file, of the last segment but __LINKEDIT. linked_data_end: the end of the last
    table that a load command points at, other than the signature. text: offset and size of __TEXT in the file.
    minimum_os, sdk: as load commands pack versions; 0 when nothing tells.
    """

    content: memoryview
    commands: Commands
    first_content: int
    last_segment_end: int
    linked_data_end: int
    linkedit: Linkedit
    text: tuple[int, int]
    signature: OldSignature | None
    info_plist: bytes
    minimum_os: int
    sdk: int

    @property
    def form(self) -> Form:
        """The shapes of the slice's structures."""
        return self.commands.header.form

    @property
    def is_arm(self) -> bool:
        """Whether the slice is for arm64 or a relative of it."""
        return self.commands.header.cpu_type & ~_CPU_CLASS_BITS == _CPU_ARM

    @property
    def is_program(self) -> bool:
        """Whether the slice is a program, not a library."""
        return self.commands.header.file_type == _MH_EXECUTE

    @property
    def memory_page(self) -> int:
        """The bytes that segments are rounded to in memory."""
        return _ARM_PAGE if self.is_arm else _OTHER_PAGE

    @property
    def segment_number(self) -> str:
        """The `struct` format of a size in a segment command."""
        return self.form.prefix + _SIZES[self.form.bits]


class _Segment(NamedTuple):
    command: LoadCommand
    name: bytes
    address: int
    memory: int
    offset: int
    size: int
    sections: tuple[tuple[bytes, int, int, int], ...]
    """Name, size, offset and type of each."""


def read_layout(content: bytes | bytearray | memoryview, where: str) -> Layout:
    """Read the layout of one whole slice.

    Raises InvalidBinaryError when the load commands contradict the content, RefusedError when the slice has not the
    segments that a signature needs.
    """
    commands = load_commands(content, 0, where)
    view = memoryview(content).cast("B")
    segments = tuple(_segments(commands, len(view)))
    by_name = {segment.name: segment for segment in reversed(segments)}
    if b"__TEXT" not in by_name or b"__LINKEDIT" not in by_name:
        raise RefusedError("the slice cannot be signed: it has no __TEXT or no __LINKEDIT segment", where=where)
    text, linkedit = by_name[b"__TEXT"], by_name[b"__LINKEDIT"]
    others = [segment for segment in segments if segment is not linkedit]
    minimum_os, sdk = _versions(commands)
    starts = [
        start
        for each in segments
        for _, size, start, kind in each.sections
        if size and start and kind not in _NO_CONTENT
    ]
    starts += [segment.offset for segment in segments if segment.offset and segment.size]
    return Layout(
        content=view,
        commands=commands,
        first_content=min(starts, default=len(view)),
        last_segment_end=max(segment.offset + segment.size for segment in others),
        linked_data_end=max(_linked_data_ends(commands, len(view)), default=0),
        linkedit=_linkedit(linkedit, others, commands.header.form.bits),
        text=(text.offset, text.size),
        signature=_old_signature(commands, len(view)),
        info_plist=_info_plist(text, view),
        minimum_os=minimum_os,
        sdk=sdk,
    )


def _segments(commands: Commands, end: int) -> Iterator[_Segment]:
    form = commands.header.form
    for item in commands.items:
        if item.command != form.segment_command:
            continue
        if item.size < form.segment.size:
            raise commands.invalid("a segment command is too short", item)
        _, _, name, address, memory, offset, size, _, _, count, _ = form.segment.unpack_from(commands.raw, item.offset)
        if offset + size > end or item.size < form.segment.size + count * form.section.size:
            raise commands.invalid("a segment does not fit into the slice", item)
        sections = tuple(_sections(commands, item, count))
        yield _Segment(item, name.rstrip(b"\0"), address, memory, offset, size, sections)


def _sections(commands: Commands, item: LoadCommand, count: int) -> Iterator[tuple[bytes, int, int, int]]:
    form = commands.header.form
    for number in range(count):
        at = item.offset + form.segment.size + number * form.section.size
        name, _, _, size, offset, _, _, _, flags, _, _ = form.section.unpack_from(commands.raw, at)
        yield name.rstrip(b"\0"), size, offset, flags & _SECTION_TYPE


def _linkedit(segment: _Segment, others: list[_Segment], bits: int) -> Linkedit:
    above = [other.address for other in others if other.address >= segment.address and other.memory]
    return Linkedit(
        offset=segment.offset,
        size=segment.size,
        vmsize_field=segment.command.offset + _VMSIZE[bits],
        filesize_field=segment.command.offset + _FILESIZE[bits],
        address_room=min(above, default=1 << bits) - segment.address,
    )


def _linked_data_ends(commands: Commands, end: int) -> Iterator[int]:
    """Yield where each table ends that a load command points at, but for the signature."""
    form = commands.header.form
    for item in commands.items:
        if item.command == Command.CODE_SIGNATURE:
            continue
        for part in FILE_PARTS.get(item.command, ()):
            number = form.wide_number if part.wide else form.number
            if not part.length_at or part.length_at + number.size > item.size:
                continue
            (start,) = number.unpack_from(commands.raw, item.offset + part.at)
            (length,) = number.unpack_from(commands.raw, item.offset + part.length_at)
            size = length * part.unit[form.bits == WIDE]
            if size and start + size > end:
                raise commands.invalid(f"what load command {item.command:#x} points at does not lie in the slice", item)
            yield start + size if size else 0


def _old_signature(commands: Commands, end: int) -> OldSignature | None:
    found = [item for item in commands.items if item.command == Command.CODE_SIGNATURE]
    if not found:
        return None
    if len(found) > 1:
        raise commands.invalid("there are two signatures", found[1])
    offset, size = commands.numbers(found[0], 2)
    if offset + size > end:
        raise commands.invalid("the signature does not lie in the slice", found[0])
    return OldSignature(found[0].offset, offset)


def _info_plist(text: _Segment, content: memoryview) -> bytes:
    for name, size, offset, _ in text.sections:
        if name == b"__info_plist" and offset + size <= len(content):
            return bytes(content[offset : offset + size])
    return b""


def _versions(commands: Commands) -> tuple[int, int]:
    """Return the minimum system and the SDK, of the first command that tells."""
    for item in commands.items:
        if item.command in _MINIMUM_OS:
            skipped = _MINIMUM_OS[item.command]
            minimum, sdk = commands.numbers(item, skipped + 2)[skipped:]
            return minimum, sdk
    return 0, 0
