"""The load commands of one Mach-O slice: the table of their numbers and structures, and the walk through them.

Follows Apple's `mach-o/loader.h`, whose names the constants keep, and `mach/machine.h`. One table serves the reader,
which wants facts, and the editor, which wants to know every place that holds an offset. A command that the table does
not know is walked over like any other.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from mmap import mmap
    from typing import TypeAlias

    Buffer: TypeAlias = bytes | bytearray | memoryview | mmap

DAMAGED = "the file is damaged, or is not meant for dyld"
WIDE = 64
MOST_COMMAND_BYTES = 1 << 18
"""Real load commands take some kilobytes; a bound keeps made-up ones from costing seconds."""
SMALLEST_HEADER = 28
LARGEST_HEADER = 32


class Command(IntEnum):
    """`load_command.cmd`; those with the top bit must be understood by dyld (LC_REQ_DYLD)."""

    SEGMENT = 0x1
    SYMTAB = 0x2
    SYMSEG = 0x3
    THREAD = 0x4
    UNIXTHREAD = 0x5
    DYSYMTAB = 0xB
    LOAD_DYLIB = 0xC
    ID_DYLIB = 0xD
    LOAD_DYLINKER = 0xE
    ID_DYLINKER = 0xF
    SUB_FRAMEWORK = 0x12
    SUB_UMBRELLA = 0x13
    SUB_CLIENT = 0x14
    SUB_LIBRARY = 0x15
    TWOLEVEL_HINTS = 0x16
    LOAD_WEAK_DYLIB = 0x80000018
    SEGMENT_64 = 0x19
    UUID = 0x1B
    RPATH = 0x8000001C
    CODE_SIGNATURE = 0x1D
    SEGMENT_SPLIT_INFO = 0x1E
    REEXPORT_DYLIB = 0x8000001F
    LAZY_LOAD_DYLIB = 0x20
    ENCRYPTION_INFO = 0x21
    DYLD_INFO = 0x22
    DYLD_INFO_ONLY = 0x80000022
    LOAD_UPWARD_DYLIB = 0x80000023
    VERSION_MIN_MACOSX = 0x24
    VERSION_MIN_IPHONEOS = 0x25
    FUNCTION_STARTS = 0x26
    DYLD_ENVIRONMENT = 0x27
    MAIN = 0x80000028
    DATA_IN_CODE = 0x29
    SOURCE_VERSION = 0x2A
    DYLIB_CODE_SIGN_DRS = 0x2B
    ENCRYPTION_INFO_64 = 0x2C
    LINKER_OPTION = 0x2D
    LINKER_OPTIMIZATION_HINT = 0x2E
    VERSION_MIN_TVOS = 0x2F
    VERSION_MIN_WATCHOS = 0x30
    NOTE = 0x31
    BUILD_VERSION = 0x32
    DYLD_EXPORTS_TRIE = 0x80000033
    DYLD_CHAINED_FIXUPS = 0x80000034
    FILESET_ENTRY = 0x80000035
    ATOM_INFO = 0x36
    FUNCTION_VARIANTS = 0x37
    FUNCTION_VARIANT_FIXUPS = 0x38
    TARGET_TRIPLE = 0x39
    LAZY_LOAD_DYLIB_INFO = 0x3A


DYLIB_COMMANDS = frozenset(
    {
        Command.LOAD_DYLIB, Command.LOAD_WEAK_DYLIB, Command.REEXPORT_DYLIB, Command.LAZY_LOAD_DYLIB,
        Command.LOAD_UPWARD_DYLIB,
    }
)  # fmt: skip
"""The commands that name a library to load."""

TEXT_STARTS: Mapping[int, int] = {
    **dict.fromkeys((*sorted(DYLIB_COMMANDS), Command.ID_DYLIB), 24),
    Command.RPATH: 12,
    Command.LOAD_DYLINKER: 12,
    Command.ID_DYLINKER: 12,
    Command.DYLD_ENVIRONMENT: 12,
    Command.SUB_FRAMEWORK: 12,
    Command.SUB_UMBRELLA: 12,
    Command.SUB_CLIENT: 12,
    Command.SUB_LIBRARY: 12,
    Command.TARGET_TRIPLE: 12,
}
"""The commands that hold one string, whose offset stands in the word after `cmdsize`, and the bytes of the structure
that stand before any string (`lc_str` in loader.h)."""


class FilePart(NamedTuple):
    """A field of a command that is an offset from the start of the slice.

    at: where the field stands in the command. length_at: where the length of the part stands, 0 when nothing tells.
    unit: bytes that one unit of that length counts, in a 32-bit and in a 64-bit slice. wide: 64-bit fields in both.
    """

    at: int
    length_at: int
    unit: tuple[int, int] = (1, 1)
    wide: bool = False


_LINKEDIT_DATA = (FilePart(8, 12),)
_DYLD_INFO = (FilePart(8, 12), FilePart(16, 20), FilePart(24, 28), FilePart(32, 36), FilePart(40, 44))

FILE_PARTS: Mapping[int, tuple[FilePart, ...]] = {
    Command.SYMTAB: (FilePart(8, 12, (12, 16)), FilePart(16, 20)),
    Command.SYMSEG: _LINKEDIT_DATA,
    Command.DYSYMTAB: (
        FilePart(32, 36, (8, 8)),
        FilePart(40, 44, (52, 56)),
        FilePart(48, 52, (4, 4)),
        FilePart(56, 60, (4, 4)),
        FilePart(64, 68, (8, 8)),
        FilePart(72, 76, (8, 8)),
    ),
    Command.TWOLEVEL_HINTS: (FilePart(8, 12, (4, 4)),),
    Command.CODE_SIGNATURE: _LINKEDIT_DATA,
    Command.SEGMENT_SPLIT_INFO: _LINKEDIT_DATA,
    Command.ENCRYPTION_INFO: _LINKEDIT_DATA,
    Command.ENCRYPTION_INFO_64: _LINKEDIT_DATA,
    Command.DYLD_INFO: _DYLD_INFO,
    Command.DYLD_INFO_ONLY: _DYLD_INFO,
    Command.FUNCTION_STARTS: _LINKEDIT_DATA,
    Command.MAIN: (FilePart(8, 0, wide=True),),
    Command.DATA_IN_CODE: _LINKEDIT_DATA,
    Command.DYLIB_CODE_SIGN_DRS: _LINKEDIT_DATA,
    Command.LINKER_OPTIMIZATION_HINT: _LINKEDIT_DATA,
    Command.NOTE: (FilePart(24, 32, wide=True),),
    Command.DYLD_EXPORTS_TRIE: _LINKEDIT_DATA,
    Command.DYLD_CHAINED_FIXUPS: _LINKEDIT_DATA,
    Command.FILESET_ENTRY: (FilePart(16, 0, wide=True),),
    Command.ATOM_INFO: _LINKEDIT_DATA,
    Command.FUNCTION_VARIANTS: _LINKEDIT_DATA,
    Command.FUNCTION_VARIANT_FIXUPS: _LINKEDIT_DATA,
    Command.LAZY_LOAD_DYLIB_INFO: _LINKEDIT_DATA,
}
"""Every file offset that a command holds, except those of segments and their sections, which `Form` describes."""


class Form(NamedTuple):
    """The shapes of all structures for one class (32 or 64 bits) and one byte order.

    Reserved fields are padding. Both classes give the same fields in the same order.
    """

    bits: int
    byte_order: str
    prefix: str
    """What a `struct` format starts with."""
    header: Struct
    """magic, cputype, cpusubtype, filetype, ncmds, sizeofcmds, flags"""
    command: Struct
    """cmd, cmdsize"""
    segment_command: int
    """LC_SEGMENT or LC_SEGMENT_64"""
    segment: Struct
    """cmd, cmdsize, segname, vmaddr, vmsize, fileoff, filesize, maxprot, initprot, nsects, flags"""
    section: Struct
    """sectname, segname, addr, size, offset, align, reloff, nreloc, flags, reserved1, reserved2"""
    dylib: Struct
    """cmd, cmdsize, name, timestamp, current_version, compatibility_version"""
    symbol: Struct
    """n_strx, n_type, n_sect, n_desc, n_value"""
    number: Struct
    """A 32-bit number."""
    wide_number: Struct
    """A 64-bit number."""


def _form(bits: int, byte_order: str) -> Form:
    prefix = "<" if byte_order == "little" else ">"
    wide = bits == WIDE
    return Form(
        bits=bits,
        byte_order=byte_order,
        prefix=prefix,
        header=Struct(prefix + ("7I4x" if wide else "7I")),
        command=Struct(prefix + "II"),
        segment_command=Command.SEGMENT_64 if wide else Command.SEGMENT,
        segment=Struct(prefix + ("II16s4QiiII" if wide else "II16s4IiiII")),
        section=Struct(prefix + ("16s16sQQ7I4x" if wide else "16s16sII7I")),
        dylib=Struct(prefix + "6I"),
        symbol=Struct(prefix + ("IBBHQ" if wide else "IBBHI")),
        number=Struct(prefix + "I"),
        wide_number=Struct(prefix + "Q"),
    )


FORMS: Mapping[bytes, Form] = {
    b"\xfe\xed\xfa\xce": _form(32, "big"),
    b"\xce\xfa\xed\xfe": _form(32, "little"),
    b"\xfe\xed\xfa\xcf": _form(64, "big"),
    b"\xcf\xfa\xed\xfe": _form(64, "little"),
}
"""By the first four bytes of a slice."""


class Header(NamedTuple):
    """`mach_header`. command_count, command_size: `ncmds` and `sizeofcmds`."""

    form: Form
    cpu_type: int
    cpu_subtype: int
    file_type: int
    command_count: int
    command_size: int
    flags: int

    @property
    def end(self) -> int:
        """Where the load commands end, in bytes from the start of the slice."""
        return self.form.header.size + self.command_size


class LoadCommand(NamedTuple):
    """One command: its number (`Command`, or one that nobody knows), and its bytes from the start of the slice."""

    command: int
    offset: int
    size: int


class Commands(NamedTuple):
    """The header and the load commands of one slice.

    raw: a copy of the bytes from the start of the slice to the end of its commands, so that `LoadCommand.offset`
        counts in it. where: for errors, the file and, in a fat file, the slice. items: in file order.
    """

    header: Header
    raw: bytes
    where: str
    items: tuple[LoadCommand, ...]

    def numbers(self, item: LoadCommand, count: int) -> tuple[int, ...]:
        """Return the first `count` 32-bit numbers after `cmdsize`; raise InvalidBinaryError when it has fewer."""
        if item.size < 8 + 4 * count:
            raise self.invalid(f"load command {item.command:#x} has {item.size} bytes, too few for its kind", item)
        read = self.header.form.number.unpack_from
        return tuple(read(self.raw, item.offset + 8 + 4 * number)[0] for number in range(count))

    def text(self, item: LoadCommand) -> str:
        r"""Return the string of a command that `TEXT_STARTS` lists; bytes that are not UTF-8 come out as `\xNN`.

        Raises InvalidBinaryError when the string does not lie in the command behind its fields, or has no end there.
        """
        (start,) = self.numbers(item, 1)
        if not TEXT_STARTS[item.command] <= start < item.size:
            raise self.invalid(f"the string of load command {item.command:#x} lies outside of it", item)
        end = self.raw.find(b"\0", item.offset + start, item.offset + item.size)
        if end < 0:
            raise self.invalid(f"the string of load command {item.command:#x} has no end", item)
        return self.raw[item.offset + start : end].decode("utf-8", "backslashreplace")

    def invalid(self, what: str, item: LoadCommand) -> InvalidBinaryError:
        """Return the error that says `what` is wrong with a command."""
        return invalid(what, item.offset, self.where)


def invalid(what: str, offset: int, where: str) -> InvalidBinaryError:
    """Return the error that says `what` is wrong at `offset` bytes from the start of the slice."""
    return InvalidBinaryError(f"{what}, at offset {offset:#x}", where=where, hint=DAMAGED)


def load_commands(data: Buffer, offset_of_slice: int, where: str) -> Commands:
    """Read the header and walk the load commands of the slice that starts at `offset_of_slice` in `data`.

    Raises InvalidBinaryError naming `where` when there is no Mach-O header, or the commands contradict themselves or
    reach past the end of `data`.
    """
    header = read_header(bytes(data[offset_of_slice : offset_of_slice + LARGEST_HEADER]), where)
    check_size(header, where)
    return walk(header, bytes(data[offset_of_slice : offset_of_slice + header.end]), where)


def read_header(head: bytes, where: str) -> Header:
    """Read `mach_header` from the first bytes of a slice, LARGEST_HEADER of them or all that there are."""
    form = FORMS.get(head[:4])
    if form is None:
        raise invalid("no Mach-O header", 0, where)
    if len(head) < form.header.size:
        raise invalid("the Mach-O header is cut short", len(head), where)
    _, *fields = form.header.unpack_from(head)
    return Header(form, *fields)


def check_size(header: Header, where: str) -> None:
    """Raise InvalidBinaryError when the header promises more load commands than are worth fetching."""
    if header.command_size > MOST_COMMAND_BYTES:
        raise invalid(f"load commands of {header.command_size} bytes, more than any file has", 0, where)


def walk(header: Header, raw: bytes, where: str) -> Commands:
    """Walk the commands in `raw`, which holds the slice up to `header.end`; raise InvalidBinaryError for bad ones."""
    end = header.end
    if len(raw) < end:
        raise invalid("the load commands reach past the end of the file", len(raw), where)
    read, smallest = header.form.command.unpack_from, header.form.command.size
    offset = header.form.header.size
    items = []
    for number in range(header.command_count):
        if offset + smallest > end:
            raise invalid(f"{header.command_count} load commands, of which only {number} are there", offset, where)
        command, size = read(raw, offset)
        if size < smallest or size % 4:
            raise invalid(f"load command {command:#x} has the impossible size {size}", offset, where)
        if offset + size > end:
            raise invalid(f"load command {command:#x} reaches past the end of the load commands", offset, where)
        items.append(LoadCommand(command, offset, size))
        offset += size
    return Commands(header, raw, where, tuple(items))
