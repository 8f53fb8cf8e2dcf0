"""Builds Mach-O files out of bytes: tiny, valid unless asked otherwise, for structures that no linker at hand writes.

`Macho(...).build()` gives a thin file, `fat([...])` a fat one. Nothing here shares code with the package under test;
numbers are those of `mach-o/loader.h`, `mach-o/fat.h`, `mach-o/nlist.h` and, for signatures, `cs_blobs.h`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

ARCHES = {
    # cputype, cpusubtype, bits, byte order
    "i386": (7, 3, 32, "<"),
    "x86_64": (0x1000007, 3, 64, "<"),
    "x86_64h": (0x1000007, 8, 64, "<"),
    "armv7": (12, 9, 32, "<"),
    "arm64": (0x100000C, 0, 64, "<"),
    "arm64e": (0x100000C, 0x80000002, 64, "<"),
    "ppc": (18, 0, 32, ">"),
    "ppc64": (0x1000012, 0, 64, ">"),
}
OBJECT, EXECUTE, CORE, DYLIB, DYLINKER, BUNDLE, DYLIB_STUB, DSYM, KEXT = 1, 2, 4, 6, 7, 8, 9, 10, 11

SEGMENT, SYMTAB, UNIXTHREAD, DYSYMTAB, LOAD_DYLIB, ID_DYLIB, LOAD_DYLINKER = 1, 2, 5, 0xB, 0xC, 0xD, 0xE
SEGMENT_64, UUID, CODE_SIGNATURE, SEGMENT_SPLIT_INFO, LAZY_LOAD_DYLIB, DYLD_INFO = 0x19, 0x1B, 0x1D, 0x1E, 0x20, 0x22
VERSION_MIN_MACOSX, VERSION_MIN_IPHONEOS, VERSION_MIN_TVOS, VERSION_MIN_WATCHOS = 0x24, 0x25, 0x2F, 0x30
FUNCTION_STARTS, DATA_IN_CODE, SOURCE_VERSION, BUILD_VERSION = 0x26, 0x29, 0x2A, 0x32
LOAD_WEAK_DYLIB, RPATH, REEXPORT_DYLIB, LOAD_UPWARD_DYLIB = 0x80000018, 0x8000001C, 0x8000001F, 0x80000023
DYLD_INFO_ONLY, MAIN, DYLD_EXPORTS_TRIE, DYLD_CHAINED_FIXUPS = 0x80000022, 0x80000028, 0x80000033, 0x80000034

ZEROFILL = 1
"""A section's type without bytes in the file."""


class Cmd(NamedTuple):
    """A load command: its number, the `struct` format of what follows `cmdsize`, the values, then `tail`.

    size: a `cmdsize` to write instead of the true one.
    """

    number: int
    shape: str = ""
    values: tuple[int, ...] = ()
    tail: bytes = b""
    size: int | None = None


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def version(text: str) -> int:
    """Return `13.2.1` as the number of a load command."""
    major, minor, patch = [*map(int, text.split(".")), 0, 0][:3]
    return major << 16 | minor << 8 | patch


def dylib(name: str | bytes, number: int = LOAD_DYLIB, *, current: str = "1.0", compatibility: str = "1.0") -> Cmd:
    """Name a library; with ID_DYLIB, the library itself."""
    return Cmd(number, "4I", (24, 2, version(current), version(compatibility)), _bytes(name) + b"\0")


def dylib_use(name: str | bytes, flags: int, number: int = LOAD_DYLIB) -> Cmd:
    """Name a library by the newer command, whose flags tell the kind: 1 weak, 2 re-export, 4 upward, 8 delayed."""
    return Cmd(number, "5I", (28, 0x1A741800, version("1.0"), version("1.0"), flags), _bytes(name) + b"\0")


def text(number: int, content: str | bytes) -> Cmd:
    """Make a command that holds one string: RPATH, LOAD_DYLINKER ..."""
    return Cmd(number, "I", (12,), _bytes(content) + b"\0")


def rpath(path: str | bytes) -> Cmd:
    return text(RPATH, path)


def build_version(platform: int, minimum: str, sdk: str = "14.0", tools: Sequence[tuple[int, int]] = ()) -> Cmd:
    numbers = [number for tool in tools for number in tool]
    values = (platform, version(minimum), version(sdk), len(tools), *numbers)
    return Cmd(BUILD_VERSION, f"{len(values)}I", values)


def version_min(number: int, minimum: str, sdk: str = "10.15") -> Cmd:
    return Cmd(number, "2I", (version(minimum), version(sdk)))


def uuid(content: bytes) -> Cmd:
    return Cmd(UUID, tail=content)


def source_version() -> Cmd:
    return Cmd(SOURCE_VERSION, "Q", (0,))


class Sect(NamedTuple):
    """A section. flags: its type and attributes. offset: a file offset to write instead of the true one."""

    name: str = "__text"
    content: bytes = b"\xc3" * 16
    segment: str = "__TEXT"
    flags: int = 0
    align: int = 2
    offset: int | None = None


class Sym(NamedTuple):
    """A symbol, its name as in the file (`_main`). type: `n_type`; section: `n_sect`, 0 for an undefined one."""

    name: str | bytes
    type: int = 0x0F
    section: int = 1
    description: int = 0
    value: int = 0


def defined(name: str) -> Sym:
    """Return a symbol that other files see."""
    return Sym("_" + name)


def undefined(name: str) -> Sym:
    """Return a symbol that the file wants of others."""
    return Sym("_" + name, type=0x01, section=0, description=0x100)


@dataclass(slots=True)
class Macho:
    """What to build: a thin file, its segments page by page, `__LINKEDIT` with tables and signature last.

    commands: as they shall stand after the segments. sections: by segment in order of first mention; none leaves
        `__TEXT` without any. pad: free bytes between the commands and the first section.
    symbols: a real LC_SYMTAB and LC_DYSYMTAB; None leaves both out. linkedit: data of further commands of the kind
        `linkedit_data_command`. signature: its bytes, a SuperBlob; None for no LC_CODE_SIGNATURE.
    file_type OBJECT gives one nameless segment and no `__LINKEDIT`; EXECUTE a `__PAGEZERO` before all.
    """

    arch: str = "arm64"
    file_type: int = DYLIB
    flags: int = 0x85
    commands: list[Cmd] = field(default_factory=list)
    sections: list[Sect] = field(default_factory=lambda: [Sect()])
    pad: int = 64
    symbols: list[Sym] | None = None
    linkedit: list[tuple[int, bytes]] = field(default_factory=list)
    signature: bytes | None = None
    page: int = 0x1000
    command_count: int | None = None
    """`ncmds` to write instead of the true one."""
    command_size: int | None = None
    """`sizeofcmds` to write instead of the true one."""

    def build(self) -> bytes:
        """Return the file's bytes."""
        return _Builder(self).build()


def linked(arch: str = "arm64", name: str | None = "@rpath/libx.dylib", *more: Cmd, minimum: str = "11.0") -> Macho:
    """Return an everyday library of macOS: identity, platform, libSystem, then `more`."""
    identity = [dylib(name, ID_DYLIB)] if name else []
    commands = [*identity, uuid(bytes(range(16))), build_version(1, minimum)]
    return Macho(arch, DYLIB if name else BUNDLE, commands=[*commands, dylib("/usr/lib/libSystem.B.dylib"), *more])


class _Segment(NamedTuple):
    name: str
    address: int
    size: int
    offset: int
    length: int
    sections: list[tuple[Sect, int, int]]
    """With address and file offset."""


class _Builder:
    def __init__(self, macho: Macho) -> None:
        self.macho = macho
        self.cpu, self.subtype, self.bits, self.prefix = ARCHES[macho.arch]
        self.wide = self.bits == 64
        self.header_size = 32 if self.wide else 28
        self.base = (0x100000000 if self.wide else 0x1000) if macho.file_type == EXECUTE else 0

    def pack(self, shape: str, *values: int | bytes) -> bytes:
        return struct.pack(self.prefix + shape, *values)

    def command(self, item: Cmd) -> bytes:
        body = self.pack(item.shape, *item.values) + item.tail
        body += bytes(-len(body) % (8 if self.wide else 4))
        return self.pack("II", item.number, 8 + len(body) if item.size is None else item.size) + body

    def build(self) -> bytes:
        # The commands' own size decides where things lie, so they are written twice: for their size, then for good.
        size = len(self._commands(0)[0])
        commands, content = self._commands(size)
        macho = self.macho
        count = macho.command_count if macho.command_count is not None else self.count
        written = macho.command_size if macho.command_size is not None else size
        magic = 0xFEEDFACF if self.wide else 0xFEEDFACE
        head = self.pack("7I", magic, self.cpu, self.subtype, macho.file_type, count, written, macho.flags)
        head += bytes(self.header_size - len(head)) + commands
        return head + content[len(head) :]

    def _commands(self, size: int) -> tuple[bytes, bytes]:
        """Return all commands, and the file with room for a header and `size` bytes of commands."""
        macho = self.macho
        data = bytearray(self.header_size + size + macho.pad)
        segments = self._segments(data)
        items = [*macho.commands]
        items[len(items) :] = self._linkedit(data, segments)
        packed = [self._segment(item) for item in segments] + [self.command(item) for item in items]
        self.count = len(packed)
        return b"".join(packed), bytes(data)

    def _segments(self, data: bytearray) -> list[_Segment]:
        macho = self.macho
        segments = []
        if macho.file_type == EXECUTE:
            segments.append(_Segment("__PAGEZERO", 0, self.base, 0, 0, []))
        names = list(dict.fromkeys(sect.segment for sect in macho.sections)) or ["__TEXT"]
        for number, name in enumerate([""] if macho.file_type == OBJECT else names):
            start = 0
            if number:
                self._align(data, macho.page)
                start = len(data)
            placed: list[tuple[Sect, int, int]] = []
            for sect in macho.sections:
                if name in ("", sect.segment):
                    self._align(data, 1 << sect.align)
                    bare = sect.flags & 0xFF == ZEROFILL
                    placed.append((sect, self.base + len(data), 0 if bare else len(data)))
                    data += b"" if bare else sect.content
            if macho.file_type != OBJECT:
                self._align(data, macho.page)
            length = len(data) - start
            segments.append(_Segment(name, self.base + start, length, start, length, placed))
        return segments

    def _linkedit(self, data: bytearray, segments: list[_Segment]) -> list[Cmd]:
        """Append what `__LINKEDIT` holds, and the segment itself; return the commands that tell of it."""
        macho = self.macho
        start = len(data)
        commands = []
        for number, content in macho.linkedit:
            self._align(data, 8)
            commands.append(Cmd(number, "2I", (len(data), len(content))))
            data += content
        if macho.symbols is not None:
            commands += self._symbols(data, macho.symbols)
        if macho.signature is not None:
            self._align(data, 16)
            commands.append(Cmd(CODE_SIGNATURE, "2I", (len(data), len(macho.signature))))
            data += macho.signature
        if macho.file_type != OBJECT:
            length = len(data) - start
            size = length + -length % macho.page
            segments.append(_Segment("__LINKEDIT", self.base + start, size, start, length, []))
        return commands

    def _symbols(self, data: bytearray, symbols: list[Sym]) -> list[Cmd]:
        """Append the tables: local symbols, defined ones and undefined ones, in this order, as linkers do."""
        groups: tuple[list[Sym], ...] = ([], [], [])
        for sym in symbols:
            external = sym.type & 0xE1 == 1
            groups[(2 if sym.type & 0x0E == 0 else 1) if external else 0].append(sym)
        strings = bytearray(b" \0")
        self._align(data, 8)
        offset = len(data)
        for sym in [sym for group in groups for sym in group]:
            shape = "IBBHQ" if self.wide else "IBBHI"
            data += self.pack(shape, len(strings), sym.type, sym.section, sym.description, sym.value)
            strings += _bytes(sym.name) + b"\0"
        table = Cmd(SYMTAB, "4I", (offset, len(symbols), len(data), len(strings)))
        data += strings
        local, outer, wanted = map(len, groups)
        values = (0, local, local, outer, local + outer, wanted)
        return [table, Cmd(DYSYMTAB, "18I", (*values, *[0] * 12))]

    def _segment(self, segment: _Segment) -> bytes:
        word = "Q" if self.wide else "I"
        number = SEGMENT_64 if self.wide else SEGMENT
        sections = b""
        for sect, address, offset in segment.sections:
            place = offset if sect.offset is None else sect.offset
            rest = (place, sect.align, 0, 0, sect.flags, 0, 0)
            sections += self.pack(
                f"16s16s2{word}7I", sect.name.encode(), sect.segment.encode(), address, len(sect.content), *rest
            ) + bytes(4 if self.wide else 0)
        protection = {"": 7, "__TEXT": 5, "__LINKEDIT": 1, "__PAGEZERO": 0}.get(segment.name, 3)
        numbers = (segment.address, segment.size, segment.offset, segment.length)
        fields = self.pack(
            f"16s4{word}4I", segment.name.encode(), *numbers, protection, protection, len(segment.sections), 0
        )
        return self.pack("II", number, 8 + len(fields) + len(sections)) + fields + sections

    @staticmethod
    def _align(data: bytearray, unit: int) -> None:
        data += bytes(-len(data) % unit)


class Arch(NamedTuple):
    """One slice of a fat file. offset, size: values to write instead of the true ones."""

    content: bytes
    cpu: int
    subtype: int
    alignment: int = 12
    offset: int | None = None
    size: int | None = None


def arch(content: Macho | bytes, name: str = "", alignment: int = 12, **written: int) -> Arch:
    """Return a slice of a fat file; `name` tells the architecture of bytes."""
    if isinstance(content, Macho):
        name, content = name or content.arch, content.build()
    return Arch(content, *ARCHES[name][:2], alignment, **written)


def fat(slices: Sequence[Macho | Arch], *, wide: bool = False, prefix: str = ">", count: int | None = None) -> bytes:
    """Return a fat file. wide: with 64-bit offsets. count: `nfat_arch` to write instead of the true one."""
    items = [arch(item) if isinstance(item, Macho) else item for item in slices]
    data = bytearray(8 + (32 if wide else 20) * len(items))
    number = len(items) if count is None else count
    head = struct.pack(prefix + "II", 0xCAFEBABF if wide else 0xCAFEBABE, number)
    for item in items:
        data += bytes(-len(data) % (1 << item.alignment))
        place = len(data) if item.offset is None else item.offset
        size = len(item.content) if item.size is None else item.size
        shape = "IIQQI4x" if wide else "5I"
        head += struct.pack(prefix + shape, item.cpu, item.subtype, place, size, item.alignment)
        data += item.content
    return head + bytes(data[len(head) :])


AD_HOC, LINKER_SIGNED, RUNTIME = 0x2, 0x20000, 0x10000


def blob(magic: int, payload: bytes = b"") -> bytes:
    """Return a blob of a signature."""
    return struct.pack(">II", magic, 8 + len(payload)) + payload


def code_directory(
    identifier: str, flags: int, *, team: str = "", hashes: Sequence[bytes] = (), limit: int = 0, pages: int = 12
) -> bytes:
    """Return a code directory, version 0x20400, with the page hashes given (SHA-256)."""
    name = identifier.encode() + b"\0"
    group = team.encode() + b"\0" if team else b""
    ident_offset = 88
    team_offset = ident_offset + len(name) if team else 0
    hash_offset = ident_offset + len(name) + len(group)
    numbers = (0x20400, flags, hash_offset, ident_offset, 0, len(hashes), limit)
    fields = struct.pack(">7I4BI", *numbers, 32, 2, 0, pages, 0)
    fields += struct.pack(">IIIQQQQ", 0, team_offset, 0, 0, 0, 0, 0)
    return blob(0xFADE0C02, fields + name + group + b"".join(hashes))


def super_blob(*blobs: tuple[int, bytes]) -> bytes:
    """Return a signature of blobs with their slots: 0 code directory, 2 requirements, 5 entitlements, 0x10000 CMS."""
    offset = 12 + 8 * len(blobs)
    index, content = b"", b""
    for slot, data in blobs:
        index += struct.pack(">II", slot, offset + len(content))
        content += data
    return blob(0xFADE0CC0, struct.pack(">I", len(blobs)) + index + content)


REQUIREMENTS = (2, blob(0xFADE0C01, bytes(4)))
NO_CMS = (0x10000, blob(0xFADE0B01))
