"""Reads a Mach-O file with macholib, to check edits by other code than planned and made them.

macholib reads the content of every section into memory, so it is handed a file in which nothing but headers and load
commands can be read. Commands that it does not know are kept as raw bytes. Follows `mach-o/loader.h`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LOADED = frozenset({0xC, 0x80000018, 0x8000001F, 0x20, 0x80000023})
"""The commands that name a library to load: plain, weak, re-exported, lazy, upward."""

OWN_NAME, RPATH, SIGNATURE = 0xD, 0x8000001C, 0x1D
SEGMENTS = frozenset({0x1, 0x19})
EXECUTABLE, DYLIB, BUNDLE = 2, 6, 8

_CHUNK = 1 << 20
_FAT_HEADER, _LARGEST_ARCH = 8, 32
_BYTE_ORDERS = {
    b"\xfe\xed\xfa\xce": ">",
    b"\xce\xfa\xed\xfe": "<",
    b"\xfe\xed\xfa\xcf": ">",
    b"\xcf\xfa\xed\xfe": "<",
}
_MOST_SLICES, _MOST_COMMANDS, _MOST_COMMAND_BYTES = 64, 10_000, 1 << 20
_FAMILY, _ARM = 0x00FFFFFF, 12
_WIDE = 0x01000000
_ARCHITECTURES = {
    (7, None): "i386",
    (0x01000007, 8): "x86_64h",
    (0x01000007, None): "x86_64",
    (0x0100000C, 2): "arm64e",
    (0x0100000C, None): "arm64",
    (18, None): "ppc",
    (0x01000012, None): "ppc64",
}
_TYPE = 0xFF
_ZERO_FILL = frozenset({0x1, 0xC, 0x12})


class ReadingError(Exception):
    """What was read cannot be true of a file that a loader takes."""


class Section(NamedTuple):
    """One section. fixed: what no edit changes, as name and alignment. relocations: where they lie in the file."""

    name: bytes
    address: int
    size: int
    offset: int
    flags: int
    relocations: int
    fixed: tuple[object, ...]

    @property
    def has_content(self) -> bool:
        """Whether bytes of the file belong to the section."""
        return bool(self.size and self.offset) and self.flags & _TYPE not in _ZERO_FILL


class Segment(NamedTuple):
    """One segment. fixed: what no edit changes, as name and protection."""

    name: bytes
    address: int
    memory: int
    offset: int
    size: int
    fixed: tuple[object, ...]
    sections: tuple[Section, ...]

    @property
    def end(self) -> int:
        """Where the segment ends in the file."""
        return self.offset + self.size


class CommandReading(NamedTuple):
    """One load command.

    raw: all its bytes. text: the name or path it holds, None for other kinds; start: where the string stands in it.
    """

    number: int
    raw: bytes
    text: str | None = None
    start: int = 0
    segment: Segment | None = None


class SliceReading(NamedTuple):
    """One slice. data: all its bytes. offset, alignment: from the fat header; 0 in a thin file.

    order: `<` or `>`, as the struct module spells byte orders. header: its fields but for the count and the size of
    the commands: CPU type and subtype, file type, flags. commands_end: where load commands end.
    """

    data: memoryview
    offset: int
    alignment: int
    order: str
    header: tuple[int, int, int, int]
    commands: tuple[CommandReading, ...]
    commands_end: int

    @property
    def architecture(self) -> str:
        """The architecture, as `lipo` spells it."""
        cpu, subtype = self.header[0], self.header[1] & _FAMILY
        return _ARCHITECTURES.get((cpu, subtype)) or _ARCHITECTURES.get((cpu, None), f"unknown ({cpu})")

    @property
    def is_wide(self) -> bool:
        """Whether the slice is a 64-bit one."""
        return bool(self.header[0] & _WIDE)

    @property
    def is_arm(self) -> bool:
        """Whether the slice is for arm64 or a relative of it."""
        return self.header[0] & _FAMILY == _ARM

    @property
    def file_type(self) -> int:
        """The kind of file: EXECUTABLE, DYLIB, BUNDLE or another."""
        return self.header[2]

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments, in the order of the file."""
        return tuple(item.segment for item in self.commands if item.segment is not None)

    def segment(self, name: bytes) -> Segment:
        """Return the segment of a name; raise ReadingError when there is not one."""
        found = [segment for segment in self.segments if segment.name == name]
        if len(found) != 1:
            raise ReadingError(f"there is not one {name.decode()} segment but {len(found)}")
        return found[0]

    def texts(self, numbers: frozenset[int]) -> tuple[str, ...]:
        """Return the strings of all commands of some kinds, in the order of the file."""
        return tuple(item.text for item in self.commands if item.number in numbers and item.text is not None)

    def numbers(self, command: CommandReading, shape: str, at: int = 8) -> tuple[int, ...]:
        """Return fields of a command; raise ReadingError when it is too short."""
        form = struct.Struct(self.order + shape)
        if at + form.size > len(command.raw):
            raise ReadingError(f"load command {command.number:#x} is too short")
        return form.unpack_from(command.raw, at)

    @property
    def signature(self) -> tuple[int, int] | None:
        """Offset and size of the code signature; None without. Raise ReadingError when there are two."""
        found = [item for item in self.commands if item.number == SIGNATURE]
        if len(found) > 1:
            raise ReadingError("there are two code signatures")
        if not found:
            return None
        offset, size = self.numbers(found[0], "II")
        return offset, size


class FileReading(NamedTuple):
    """One file. fat: the magic of its fat header, empty for a thin file."""

    fat: bytes
    slices: tuple[SliceReading, ...]
    data: memoryview


def same_bytes(one: memoryview, other: memoryview) -> bool:
    """Tell whether two contents are equal, without a copy of either as a whole."""
    if len(one) != len(other):
        return False
    places = range(0, len(one), _CHUNK)
    return all(bytes(one[at : at + _CHUNK]) == bytes(other[at : at + _CHUNK]) for at in places)


def read_file(data: memoryview) -> FileReading:
    """Read headers and load commands of all slices; raise ReadingError when macholib cannot make sense of them."""
    try:
        spans = _slice_spans(data)
        readable = [(0, _FAT_HEADER + _LARGEST_ARCH * len(spans)), *(_command_span(data, span) for span in spans)]
        parsed = _parse(_Headers(data, readable))
        slices = tuple(_slice(data, header, arch) for header, arch in zip(parsed.headers, spans, strict=True))
    except (ValueError, struct.error, OSError, OverflowError, TypeError, KeyError, AttributeError) as error:
        raise ReadingError(f"macholib cannot read it: {error}") from error
    return FileReading(bytes(data[:4]) if parsed.fat else b"", slices, data)


class _Span(NamedTuple):
    """Where a slice lies in the file."""

    offset: int
    size: int
    alignment: int


class _Headers:
    """A file, as macholib wants one, in which only some spans can be read; everything else ends at once."""

    def __init__(self, data: memoryview, spans: Sequence[tuple[int, int]]) -> None:
        self._data, self._spans, self._at = data, spans, 0

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> None:
        self._at = offset + (len(self._data) if whence else 0)

    def read(self, size: int) -> bytes:
        end = max((end for start, end in self._spans if start <= self._at < end), default=self._at)
        found = bytes(self._data[self._at : min(self._at + size, end)])
        self._at += len(found)
        return found


def _slice_spans(data: memoryview) -> tuple[_Span, ...]:
    """Return where the slices lie; a thin file is one."""
    from macholib.mach_o import fat_arch, fat_arch64, fat_header

    shape = {b"\xca\xfe\xba\xbe": fat_arch, b"\xca\xfe\xba\xbf": fat_arch64}.get(bytes(data[:4]))
    if shape is None:
        return (_Span(0, len(data), 0),)
    count = fat_header.from_str(bytes(data[:8])).nfat_arch
    if count > _MOST_SLICES:
        raise ReadingError(f"{count} slices are too many")
    places = (8 + number * shape._size_ for number in range(count))
    arches = [shape.from_str(bytes(data[at : at + shape._size_])) for at in places]
    return tuple(_Span(int(arch.offset), int(arch.size), int(arch.align)) for arch in arches)


def _command_span(data: memoryview, span: _Span) -> tuple[int, int]:
    """Return where the header and the load commands of a slice lie in the file."""
    head = bytes(data[span.offset : span.offset + 28])
    order = _BYTE_ORDERS.get(head[:4])
    if order is None or span.offset + span.size > len(data):
        raise ReadingError(f"there is no slice at offset {span.offset:#x}")
    count, size = struct.unpack_from(f"{order}II", head, 16)
    if count > _MOST_COMMANDS or size > min(_MOST_COMMAND_BYTES, span.size):
        raise ReadingError(f"{count} load commands of {size} bytes are too many")
    return span.offset, span.offset + 32 + size


def _parse(headers: _Headers) -> Any:  # noqa: ANN401 - macholib is not typed
    """Have macholib read a file that is not on the disk."""
    from macholib.MachO import MachO

    parsed = MachO.__new__(MachO)
    parsed.filename, parsed.fat, parsed.headers, parsed.allow_unknown_load_commands = "", None, [], True
    parsed.load(headers)
    return parsed


def _slice(data: memoryview, parsed: Any, span: _Span) -> SliceReading:  # noqa: ANN401 - macholib is not typed
    content = data[span.offset : span.offset + span.size]
    head, order = parsed.header, parsed.endian
    commands, at = [], type(head)._size_
    for load, fields, rest in parsed.commands:
        raw = bytes(content[at : at + load.cmdsize])
        at += load.cmdsize
        commands.append(_command(int(load.cmd), raw, fields, rest))
    return SliceReading(
        data=content,
        offset=span.offset,
        alignment=span.alignment,
        order=order,
        header=(int(head.cputype), int(head.cpusubtype), int(head.filetype), int(head.flags)),
        commands=tuple(commands),
        commands_end=at,
    )


def _command(number: int, raw: bytes, fields: Any, rest: Any) -> CommandReading:  # noqa: ANN401 - as above
    if number in SEGMENTS:
        return CommandReading(number, raw, segment=_segment(fields, rest))
    if number not in LOADED and number not in (OWN_NAME, RPATH):
        return CommandReading(number, raw)
    start = int(fields.path if number == RPATH else fields.name)
    skipped = start - (len(raw) - len(rest))
    end = rest.find(b"\0", max(skipped, 0))
    if skipped < 0 or end < 0:
        raise ReadingError(f"the string of load command {number:#x} lies outside of it")
    return CommandReading(number, raw, rest[skipped:end].decode("utf-8", "backslashreplace"), start)


def _segment(fields: Any, sections: Any) -> Segment:  # noqa: ANN401 - as above
    return Segment(
        name=bytes(fields.segname).rstrip(b"\0"),
        address=int(fields.vmaddr),
        memory=int(fields.vmsize),
        offset=int(fields.fileoff),
        size=int(fields.filesize),
        fixed=tuple(map(int, (fields.maxprot, fields.initprot, fields.nsects, fields.flags))),
        sections=tuple(map(_section, sections)),
    )


def _section(fields: Any) -> Section:  # noqa: ANN401 - as above
    numbers = (fields.align, fields.nreloc, fields.flags, fields.reserved1, fields.reserved2)
    return Section(
        name=bytes(fields.sectname).rstrip(b"\0"),
        address=int(fields.addr),
        size=int(fields.size),
        offset=int(fields.offset),
        flags=int(fields.flags),
        relocations=int(fields.reloff),
        fixed=(bytes(fields.segname), *map(int, numbers), int(getattr(fields, "reserved3", 0))),
    )
