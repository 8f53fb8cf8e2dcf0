"""What dyld reads of an x86_64 Mach-O file, for the test loader in minidyld.py. Shares nothing with truewheel.

Facts: Apple's mach-o/loader.h and mach-o/fixup-chains.h. Offsets and addresses are within the image, that is from its
Mach-O header, unless said otherwise.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CPU = {0x01000007: "x86_64", 0x0100000C: "arm64", 7: "i386", 18: "ppc", 0x01000012: "ppc64"}
DYLIB, BUNDLE, PROGRAM = 6, 8, 2
LOADS = {0x0C: "load", 0x80000018: "weak", 0x8000001F: "reexport", 0x20: "lazy", 0x80000023: "upward"}
SEGMENT, ID_DYLIB, RPATH, MAIN = 0x19, 0x0D, 0x8000001C, 0x80000028
DYLD_INFO, DYLD_INFO_ONLY, EXPORTS_TRIE, CHAINED_FIXUPS = 0x22, 0x80000022, 0x80000033, 0x80000034
INIT_POINTERS, THREAD_REGULAR, THREAD_ZERO, THREAD_VARIABLES, INIT_OFFSETS = 0x09, 0x11, 0x12, 0x13, 0x16
BUILD_VERSION, MACOS = 0x32, 1
OTHER_PLATFORMS = {0x25: 2, 0x2F: 3, 0x30: 4}
"""LC_VERSION_MIN_IPHONEOS and its like, and the platform each stands for."""

SELF, MAIN_PROGRAM, FLAT, WEAK = 0, -1, -2, -3
"""Places to look a symbol up in, beside the libraries, which count from 1."""

BIND_SYMBOL, BIND_ADDEND = 0x40, 0x60
REBASES = {0x20: "u", 0x30: "u", 0x60: "u", 0x70: "u", 0x80: "uu"}
BINDS = {0x20: "u", BIND_SYMBOL: "t", BIND_ADDEND: "s", 0x70: "u", 0x80: "u", 0xA0: "u", 0xC0: "uu"}
"""What follows an opcode."""

_WORD = (1 << 64) - 1


class NotLoadable(Exception):  # noqa: N818 -- the words of dyld
    """dyld would not map this file here; the message is the reason in dyld's words."""


class Segment(NamedTuple):
    """One segment: where it lies in memory and in the slice."""

    name: str
    address: int
    size: int
    offset: int
    file_size: int
    protection: int


class Section(NamedTuple):
    """One section; `type` is the low byte of its flags."""

    type: int
    address: int
    size: int


class Bind(NamedTuple):
    """A pointer at `address` that is to hold a symbol's address."""

    address: int
    symbol: str
    ordinal: int
    addend: int
    weak_import: bool
    lazy: bool = False


class Rebase(NamedTuple):
    """A pointer at `address` that is to hold an address of the image itself; `target` None: add the slide to it."""

    address: int
    target: int | None


class Export(NamedTuple):
    """A symbol that an image offers: an address, or another library's symbol."""

    address: int
    ordinal: int = 0
    name: str = ""


@dataclass
class Parsed:
    """One image before it is mapped."""

    content: bytes
    file_type: int
    segments: list[Segment] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    libraries: list[tuple[str, str]] = field(default_factory=list)
    """(kind, name) in the order in which ordinals count."""
    rpaths: list[str] = field(default_factory=list)
    install_name: str = ""
    entry: int | None = None
    platform: int = MACOS
    info: tuple[int, ...] = ()
    chains: tuple[int, int] = (0, 0)
    trie: tuple[int, int] = (0, 0)

    @property
    def base(self) -> int:
        """The address that the header was linked for."""
        return next(segment.address for segment in self.segments if segment.name == "__TEXT")

    @property
    def size(self) -> int:
        """Bytes of memory from the header to the end."""
        return max(segment.address + segment.size for segment in self.segments) - self.base


def slice_of(path: Path) -> bytes:
    """Return the x86_64 slice of a file, or raise NotLoadable."""
    content = path.read_bytes()
    if len(content) < 8:
        raise NotLoadable("file too short")
    (magic, count) = struct.unpack_from(">II", content)
    if magic in (0xCAFEBABE, 0xCAFEBABF) and count < 0x20:
        row = ">iiIII" if magic == 0xCAFEBABE else ">iiQQII"
        rows = [struct.unpack_from(row, content, 8 + index * struct.calcsize(row)) for index in range(count)]
        found = {CPU.get(each[0], "unknown"): each for each in rows}
        if "x86_64" not in found:
            raise NotLoadable(
                f"fat file, but missing compatible architecture (have {','.join(found)!r}, need 'x86_64')"
            )
        content = content[found["x86_64"][2] :][: found["x86_64"][3]]
    (magic, cpu) = struct.unpack_from("<Ii", content)
    if magic not in (0xFEEDFACF, 0xFEEDFACE):
        raise NotLoadable("not a mach-o file")
    if CPU.get(cpu) != "x86_64":
        have = CPU.get(cpu, "unknown")
        raise NotLoadable(f"mach-o file, but is an incompatible architecture (have {have!r}, need 'x86_64')")
    return content


def parse(path: Path) -> Parsed:
    """Read the load commands of a file's x86_64 slice."""
    content = slice_of(path)
    file_type, count = struct.unpack_from("<II", content, 12)
    parsed = Parsed(content, file_type)
    offset = 32
    for _ in range(count):
        command, size = struct.unpack_from("<II", content, offset)
        _read_command(parsed, command, content[offset : offset + size])
        offset += size
    if file_type not in (DYLIB, BUNDLE, PROGRAM):
        raise NotLoadable(f"not a loadable file type ({file_type})")
    if parsed.platform != MACOS:
        raise NotLoadable("mach-o, but not built for platform macOS")
    return parsed


def _read_command(parsed: Parsed, command: int, raw: bytes) -> None:
    if command == SEGMENT:
        _read_segment(parsed, raw)
    elif command in LOADS:
        parsed.libraries.append((LOADS[command], _string(raw)))
    elif command == ID_DYLIB:
        parsed.install_name = _string(raw)
    elif command == RPATH:
        parsed.rpaths.append(_string(raw))
    elif command in (DYLD_INFO, DYLD_INFO_ONLY):
        parsed.info = struct.unpack_from("<10I", raw, 8)
        parsed.trie = (parsed.info[8], parsed.info[9])
    elif command in (EXPORTS_TRIE, CHAINED_FIXUPS):
        setattr(parsed, "trie" if command == EXPORTS_TRIE else "chains", struct.unpack_from("<II", raw, 8))
    elif command == MAIN:
        (parsed.entry,) = struct.unpack_from("<Q", raw, 8)
    elif command in (BUILD_VERSION, *OTHER_PLATFORMS):
        parsed.platform = OTHER_PLATFORMS.get(command) or struct.unpack_from("<I", raw, 8)[0]


def _string(raw: bytes) -> str:
    (start,) = struct.unpack_from("<I", raw, 8)
    return raw[start:].split(b"\0")[0].decode()


def _read_segment(parsed: Parsed, raw: bytes) -> None:
    name, address, size, offset, file_size, _, protection, count = struct.unpack_from("<16s4QiiI", raw, 8)
    parsed.segments.append(Segment(name.rstrip(b"\0").decode(), address, size, offset, file_size, protection))
    for index in range(count):
        section_address, section_size, flags = struct.unpack_from("<32xQQ16xI", raw, 72 + index * 80)
        parsed.sections.append(Section(flags & 0xFF, section_address, section_size))


def _uleb(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def _sleb(data: bytes, at: int) -> tuple[int, int]:
    start = at
    value, at = _uleb(data, at)
    bits = 7 * (at - start)
    return (value - (1 << bits) if data[at - 1] & 0x40 else value), at


def text_at(data: bytes, at: int) -> tuple[str, int]:
    """Return the text that ends at the next zero byte, and what offset follows it."""
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 1


def exports(parsed: Parsed) -> dict[str, Export]:
    """Return what the exports trie offers, by symbol."""
    offset, size = parsed.trie
    trie = parsed.content[offset : offset + size]
    found: dict[str, Export] = {}
    pending = [(0, "")] if trie else []
    while pending:
        at, prefix = pending.pop()
        length, at = _uleb(trie, at)
        children = at + length
        if length:
            flags, at = _uleb(trie, at)
            value, at = _uleb(trie, at)
            if flags & 8:  # from another library, whose ordinal is the value
                found[prefix] = Export(0, value, text_at(trie, at)[0] or prefix)
            elif flags & 3 == 2:  # an absolute value
                found[prefix] = Export(value - parsed.base)
            else:
                found[prefix] = Export(value)
        count, at = trie[children], children + 1
        for _ in range(count):
            edge, at = text_at(trie, at)
            child, at = _uleb(trie, at)
            pending.append((child, prefix + edge))
    return found


class Operation(NamedTuple):
    """One step of a rebase or bind program: the opcode, the number in its low half, and what follows it."""

    opcode: int
    low: int
    first: int
    second: int
    text: str


def _operations(data: bytes, operands: dict[int, str]) -> Iterator[Operation]:
    """Yield the steps; `operands` says what follows an opcode: (u)nsigned or (s)igned numbers, or a (t)ext."""
    at = 0
    while at < len(data):
        opcode, low = data[at] & 0xF0, data[at] & 0x0F
        at += 1
        numbers, text = [0, 0], ""
        for index, kind in enumerate(operands.get(opcode, "")):
            if kind == "t":
                text, at = text_at(data, at)
            else:
                numbers[index], at = (_uleb if kind == "u" else _sleb)(data, at)
        yield Operation(opcode, low, numbers[0], numbers[1], text)


def rebases(parsed: Parsed) -> Iterator[Rebase]:
    """Yield the pointers that the opcodes of LC_DYLD_INFO say are to move with the image."""
    if not parsed.info:
        return
    starts = [segment.address - parsed.base for segment in parsed.segments]
    address = 0
    for opcode, low, first, second, _ in _operations(parsed.content[parsed.info[0] :][: parsed.info[1]], REBASES):
        if opcode == 0x00:
            return
        if opcode == 0x20:
            address = starts[low] + first
        elif opcode in (0x30, 0x40):
            address += first + (low * 8 if opcode == 0x40 else 0)
        elif opcode != 0x10:  # the type, which is always a pointer
            count, skip = {0x50: (low, 0), 0x60: (first, 0), 0x70: (1, first), 0x80: (first, second)}[opcode]
            for _ in range(count):
                yield Rebase(address & _WORD, None)
                address += 8 + skip


def binds(parsed: Parsed) -> Iterator[Bind]:
    """Yield the pointers that the opcodes of LC_DYLD_INFO bind: the regular, then the lazy, then the weak ones."""
    if not parsed.info:
        return
    for index in (2, 6, 4):
        for bind in _bind_opcodes(parsed, parsed.content[parsed.info[index] :][: parsed.info[index + 1]]):
            yield bind._replace(lazy=index == 6, ordinal=WEAK if index == 4 else bind.ordinal)


def _bind_opcodes(parsed: Parsed, data: bytes) -> Iterator[Bind]:
    starts = [segment.address - parsed.base for segment in parsed.segments]
    address, bind = 0, Bind(0, "", 0, 0, weak_import=False)
    for opcode, low, first, second, text in _operations(data, BINDS):
        if opcode in (0x10, 0x20, 0x30):
            bind = bind._replace(ordinal={0x10: low, 0x20: first, 0x30: low - 16 if low else 0}[opcode])
        elif opcode == BIND_SYMBOL:
            bind = bind._replace(symbol=text, weak_import=bool(low & 1))
        elif opcode == BIND_ADDEND:
            bind = bind._replace(addend=first)
        elif opcode in (0x70, 0x80):
            address = first + (starts[low] if opcode == 0x70 else address)
        elif opcode not in (0x00, 0x50):  # the end of one lazy pointer, and the type, which is always a pointer
            steps = {0x90: (1, 0), 0xA0: (1, first), 0xB0: (1, low * 8), 0xC0: (first, second)}
            if opcode not in steps:
                raise NotLoadable(f"unknown bind opcode {opcode:#x}")
            count, skip = steps[opcode]
            for _ in range(count):
                yield bind._replace(address=address & _WORD)
                address += 8 + skip
