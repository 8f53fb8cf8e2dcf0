"""Builds ELF files out of bytes: tiny, valid unless asked otherwise, for structures that no linker at hand writes.

One segment maps the whole file, at an address that differs from the offset. There are no section headers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection

BASE = 0x40000
"""The address of the file's first byte."""

LOAD, DYNAMIC, INTERP, NOTE, GNU_STACK, GNU_PROPERTY = 1, 2, 3, 4, 0x6474E551, 0x6474E553
NEEDED, HASH, STRTAB, SYMTAB, STRSZ, SYMENT, SONAME, RPATH = 1, 4, 5, 6, 10, 11, 14, 15
DEBUG, TEXTREL, RUNPATH, FLAGS, RELR = 21, 22, 29, 30, 36
GNU_HASH, VERSYM, FLAGS_1, VERDEF, VERNEED = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFB, 0x6FFFFFFC, 0x6FFFFFFE
AUXILIARY, FILTER = 0x7FFFFFFD, 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class Sym:
    """A symbol. binding: 0 local, 1 global, 2 weak; version: its entry in the version symbol table."""

    name: str | bytes
    defined: bool = True
    binding: int = 1
    version: int = 1


@dataclass(frozen=True, slots=True)
class Ver:
    """A version that the file needs or defines. flags: 1 base, 2 weak."""

    name: str
    index: int
    flags: int = 0


@dataclass(slots=True)
class Elf:
    """What to build. Strings are UTF-8; use bytes for others."""

    bits: Literal[32, 64] = 64
    byte_order: Literal["little", "big"] = "little"
    machine: int = 62
    type: int = 3
    flags: int = 0
    os_abi: int = 0
    interpreter: str | bytes | None = None
    named: list[tuple[int, str | bytes]] = field(default_factory=list)
    """Entries of the dynamic section whose value is a string."""
    numbers: list[tuple[int, int]] = field(default_factory=list)
    """Further entries; they stand last, so that they replace those that the builder makes."""
    needs: list[tuple[str, list[Ver]]] = field(default_factory=list)
    defines: list[Ver] = field(default_factory=list)
    symbols: list[Sym] = field(default_factory=list)
    """Undefined ones first, as in a real file."""
    hashes: tuple[Literal["gnu", "sysv"], ...] = ("gnu",)
    hash_word: int = 4
    """Bytes of a number in the `sysv` table."""
    buckets: int = 2
    empty_gnu_hash: bool = False
    """Write the `gnu` table as GNU ld does when it has no symbol to put there."""
    notes: list[tuple[int, int, bytes]] = field(default_factory=list)
    """Segments of notes: segment type, alignment, content."""
    stack: int | None = 6
    """Flags of PT_GNU_STACK; None leaves it out."""
    dynamic: bool = True
    ended: bool = True
    """Whether the dynamic section ends with DT_NULL."""

    def build(self) -> Built:
        """Return the file's bytes and where its tables are."""
        return _Builder(self).build()


@dataclass(frozen=True, slots=True)
class Built:
    """A file, and the offset of each table by name."""

    data: bytes
    at: dict[str, int]

    def patched(self, offset: int, content: bytes) -> bytes:
        """Return the file with `content` written over the bytes at `offset`."""
        return self.data[:offset] + content + self.data[offset + len(content) :]


class _Builder:
    def __init__(self, elf: Elf) -> None:
        self.elf = elf
        self.prefix = "<" if elf.byte_order == "little" else ">"
        self.wide = elf.bits == 64
        self.segments = 1 + (elf.interpreter is not None) + elf.dynamic + len(elf.notes) + (elf.stack is not None)
        self.body = bytearray(64 + 56 * self.segments if self.wide else 52 + 32 * self.segments)
        self.strings = bytearray(b"\0")
        self.at: dict[str, int] = {}
        self.headers: list[tuple[int, int, int, int, int]] = []

    def pack(self, shape: str, *values: int) -> bytes:
        return struct.pack(self.prefix + shape, *values)

    def words(self, *values: int) -> bytes:
        return self.pack(f"{len(values)}{'Q' if self.wide else 'I'}", *values)

    def put(self, name: str, content: bytes, align: int = 8) -> int:
        """Append a table; return its address."""
        self.body += bytes(-len(self.body) % align)
        self.at[name] = len(self.body)
        self.body += content
        return BASE + self.at[name]

    def string(self, text: str | bytes) -> int:
        content = text.encode() if isinstance(text, str) else text
        self.strings += content + b"\0"
        return len(self.strings) - len(content) - 1

    def build(self) -> Built:
        elf = self.elf
        if elf.interpreter is not None:
            path = elf.interpreter.encode() if isinstance(elf.interpreter, str) else elf.interpreter
            self.put("interpreter", path + b"\0")
            self.headers.append((INTERP, 4, self.at["interpreter"], len(path) + 1, 1))
        for number, (kind, align, content) in enumerate(elf.notes):
            self.put(f"note{number}", content)
            self.headers.append((kind, 4, self.at[f"note{number}"], len(content), align))
        if elf.stack is not None:
            self.headers.append((GNU_STACK, elf.stack, 0, 0, 16))
        if elf.dynamic:
            self._dynamic()
        header = self._header()
        self.body[: len(header)] = header
        return Built(bytes(self.body), self.at)

    def _dynamic(self) -> None:
        elf = self.elf
        entries = [(tag, self.string(text)) for tag, text in elf.named]
        entries += self._symbols()
        entries += self._versions()
        entries += [(STRTAB, self.put("strings", bytes(self.strings))), (STRSZ, len(self.strings)), *elf.numbers]
        if elf.ended:
            entries.append((0, 0))
        content = b"".join(self.words(*entry) for entry in entries)
        self.put("dynamic", content)
        self.headers.append((DYNAMIC, 6, self.at["dynamic"], len(content), 8))

    def _symbols(self) -> list[tuple[int, int]]:
        elf = self.elf
        if not elf.symbols:
            return []
        symbols = [sym for sym in elf.symbols if not sym.defined]
        first = 1 + len(symbols)
        hashed = [sym for sym in elf.symbols if sym.defined]
        # The table groups symbols by bucket.
        symbols += sorted(hashed, key=lambda sym: gnu_hash(sym.name) % elf.buckets)
        table = bytes(24 if self.wide else 16) + b"".join(map(self._symbol, symbols))
        versions = self.pack(f"{len(symbols) + 1}H", 0, *(sym.version for sym in symbols))
        entries = [(SYMTAB, self.put("symbols", table)), (SYMENT, 24 if self.wide else 16)]
        if elf.needs or elf.defines:
            entries.append((VERSYM, self.put("versym", versions)))
        if "gnu" in elf.hashes:
            entries.append((GNU_HASH, self.put("gnu_hash", self._gnu_table(symbols, first))))
        if "sysv" in elf.hashes:
            entries.append((HASH, self.put("sysv_hash", self._sysv_table(symbols))))
        return entries

    def _symbol(self, sym: Sym) -> bytes:
        name, info, section, value = self.string(sym.name), sym.binding << 4 | 2, 7 if sym.defined else 0, 0x1000
        if self.wide:
            return self.pack("IBBHQQ", name, info, 0, section, value, 8)
        return self.pack("IIIBBH", name, value, 8, info, 0, section)

    def _gnu_table(self, symbols: list[Sym], first: int) -> bytes:
        if self.elf.empty_gnu_hash:
            return self.pack("IIII", 1, 1, 1, 0) + self.words(0) + self.pack("I", 0)
        count, shift, width = self.elf.buckets, 5, self.elf.bits
        bloom, buckets, chains = [0, 0], [0] * count, []
        for index, sym in enumerate(symbols[first - 1 :], first):
            value = gnu_hash(sym.name)
            bloom[value // width % len(bloom)] |= 1 << value % width | 1 << (value >> shift) % width
            buckets[value % count] = buckets[value % count] or index
            last = index == len(symbols) or gnu_hash(symbols[index].name) % count != value % count
            chains.append(value & ~1 | last)
        head = self.pack("IIII", count, first, len(bloom), shift) + self.words(*bloom)
        return head + self.pack(f"{count + len(chains)}I", *buckets, *chains)

    def _sysv_table(self, symbols: list[Sym]) -> bytes:
        count = self.elf.buckets
        buckets, chains = [0] * count, [0] * (len(symbols) + 1)
        for index, sym in enumerate(symbols, 1):
            bucket = sysv_hash(sym.name) % count
            chains[index], buckets[bucket] = buckets[bucket], index
        numbers = [count, len(chains), *buckets, *chains]
        return self.pack(f"{len(numbers)}{'Q' if self.elf.hash_word == 8 else 'I'}", *numbers)

    def _versions(self) -> list[tuple[int, int]]:
        entries = []
        if self.elf.defines:
            table = b""
            for number, version in enumerate(self.elf.defines, 1):
                step = 28 if number < len(self.elf.defines) else 0
                table += self.pack("HHHHIII", 1, version.flags, version.index, 1, 0, 20, step)
                table += self.pack("II", self.string(version.name), 0)
            entries.append((VERDEF, self.put("verdef", table)))
        if self.elf.needs:
            table = b""
            for number, (library, versions) in enumerate(self.elf.needs, 1):
                step = 16 + 16 * len(versions) if number < len(self.elf.needs) else 0
                table += self.pack("HHIII", 1, len(versions), self.string(library), 16, step)
                for position, version in enumerate(versions, 1):
                    step = 16 if position < len(versions) else 0
                    table += self.pack("IHHII", 0, version.flags, version.index, self.string(version.name), step)
            entries.append((VERNEED, self.put("verneed", table)))
        return entries

    def _header(self) -> bytes:
        elf = self.elf
        size = len(self.body)
        headers = [(LOAD, 5, 0, size, 0x1000), *self.headers]
        ident = (
            b"\x7fELF"
            + bytes((2 if self.wide else 1, 1 if elf.byte_order == "little" else 2, 1, elf.os_abi))
            + bytes(8)
        )
        start = 64 if self.wide else 52
        head = ident + self.pack("HHI", elf.type, elf.machine, 1) + self.words(0, start, 0)
        head += self.pack("IHHHHHH", elf.flags, start, 56 if self.wide else 32, len(headers), 0, 0, 0)
        for kind, flags, offset, length, align in headers:
            address = BASE + offset
            if self.wide:
                head += self.pack("IIQQQQQQ", kind, flags, offset, address, address, length, length, align)
            else:
                head += self.pack("IIIIIIII", kind, offset, address, address, length, length, flags, align)
        return head


def note(kind: int, content: bytes, *, align: int = 4, owner: bytes = b"GNU\0", order: str = "<") -> bytes:
    """Return one note, padded to `align`."""
    head = struct.pack(order + "III", len(owner), len(content), kind) + owner
    head += bytes(-len(head) % align)
    return head + content + bytes(-len(content) % align)


def split_debug(data: bytes, emptied: Collection[Literal["code", "data"]] = ("code", "data")) -> bytes:
    """Return what tools that split debug information leave of a 64-bit little-endian library.

    Program and section headers stay, the latter with type SHT_NOBITS for the emptied sections; their content goes.
    """
    result = bytearray(data)
    start, count = int.from_bytes(data[40:48], "little"), int.from_bytes(data[60:62], "little")
    for at in range(start, start + 64 * count, 64):
        flags, address = struct.unpack_from("<QQ", data, at + 8)
        if address and ("code" if flags & 4 else "data") in emptied:
            struct.pack_into("<I", result, at + 4, 8)
    result[512:start] = bytes(start - 512)
    return bytes(result)


def gnu_hash(name: str | bytes) -> int:
    """Return the hash that DT_GNU_HASH uses."""
    value = 5381
    for byte in name.encode() if isinstance(name, str) else name:
        value = value * 33 + byte
    return value % 2**32


def sysv_hash(name: str | bytes) -> int:
    """Return the hash of the gABI."""
    value = 0
    for byte in name.encode() if isinstance(name, str) else name:
        value = (value * 16 + byte) % 2**32
        high = value & 0xF000_0000
        value = (value ^ high >> 24) & ~high
    return value
