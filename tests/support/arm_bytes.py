"""Build attributes of 32-bit ARM out of bytes, and files that have them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from support.elf_bytes import Elf

if TYPE_CHECKING:
    from collections.abc import Iterable

    Value = int | str | tuple[int, str]


def uleb(number: int) -> bytes:
    """Return a number as ULEB128."""
    result = b""
    while number >= 0x80:
        result += bytes([number & 0x7F | 0x80])
        number >>= 7
    return result + bytes([number])


def subsection(scope: int, content: bytes, order: str = "<") -> bytes:
    """Return attributes of a file (1), of sections (2) or of symbols (3)."""
    return bytes([scope]) + struct.pack(order + "I", 5 + len(content)) + content


def file_scope(pairs: Iterable[tuple[int, Value]], order: str = "<") -> bytes:
    """Return attributes of the whole file."""
    content = b""
    for tag, value in pairs:
        number, text = value if isinstance(value, tuple) else (value, None)
        content += uleb(tag)
        content += uleb(number) if isinstance(number, int) else number.encode() + b"\0"
        content += b"" if text is None else text.encode() + b"\0"
    return subsection(1, content, order)


def vendor(name: str, content: bytes, order: str = "<") -> bytes:
    """Return what one vendor says."""
    whole = name.encode() + b"\0" + content
    return struct.pack(order + "I", 4 + len(whole)) + whole


def attributes(content: bytes, order: str = "<") -> bytes:
    """Return the section with what the ABI's own vendor says."""
    return b"A" + vendor("aeabi", content, order)


def with_attributes(content: bytes | None, flags: int = 0x0500_0400) -> bytes:
    """Return a library for 32-bit ARM with such a section; None leaves it out."""
    data = bytearray(Elf(bits=32, machine=40, flags=flags).build().data)
    if content is None:
        return bytes(data)
    at, names = len(data), b"\0.ARM.attributes\0.shstrtab\0"
    data += content + names
    data += bytes(-len(data) % 4)
    start = len(data)
    data += bytes(40)
    data += struct.pack("<10I", 1, 0x7000_0003, 0, 0, at, len(content), 0, 0, 1, 0)
    data += struct.pack("<10I", 17, 3, 0, 0, at + len(content), len(names), 0, 0, 1, 0)
    struct.pack_into("<I", data, 32, start)
    struct.pack_into("<HHH", data, 46, 40, 3, 2)
    return bytes(data)
