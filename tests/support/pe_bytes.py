"""PE files (of Windows) made of a few facts: which DLLs they name, what they want of them, and what they give."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AMD64, I386, ARM64, ITANIUM = 0x8664, 0x014C, 0xAA64, 0x0200
SECTION = 0x1000
"""The address of the one section; it stands at the same place in the file."""
HEADERS = 0x400


@dataclass(frozen=True, slots=True)
class Pe:
    """One file. A number among the names of a DLL is something that is wanted by number.

    absolute: whether the table of delayed imports has addresses with the base in them, as old compilers write it.
    """

    imports: Mapping[str, Sequence[str | int]] = field(default_factory=dict)
    delayed: Mapping[str, Sequence[str | int]] = field(default_factory=dict)
    exports: Sequence[str] = ()
    machine: int = AMD64
    dot_net: bool = False
    absolute: bool = False

    @property
    def wide(self) -> bool:
        """Whether it is of 64 bits."""
        return self.machine != I386

    @property
    def base(self) -> int:
        """The address that it wants to be loaded at."""
        return 0x180000000 if self.wide else 0x10000000

    def build(self) -> bytes:
        """Return the file."""
        body = _Body(self.wide)
        directories = [(0, 0)] * 16
        if self.exports:
            directories[0] = self._exports(body)
        if self.imports:
            directories[1] = self._imports(body)
        if self.delayed:
            directories[13] = self._delayed(body)
        if self.dot_net:
            directories[14] = (SECTION, 72)
        content = bytes(body.content) + bytes(-len(body.content) % 0x200)
        return self._headers(directories, len(content)).ljust(HEADERS, b"\0") + content

    def _headers(self, directories: list[tuple[int, int]], size: int) -> bytes:
        numbers = (SECTION, 0x200, 6, 0, 0, 0, 6, 0, 0, SECTION + size + 0x1000, HEADERS, 0, 3, 0)
        start = struct.pack("<H2B5I", 0x20B if self.wide else 0x10B, 14, 0, 0, size, 0, 0, SECTION)
        start += struct.pack("<Q", self.base) if self.wide else struct.pack("<2I", SECTION, self.base)
        start += struct.pack("<2I6H4I2H", *numbers)
        start += struct.pack("<4Q" if self.wide else "<4I", 1 << 20, 1 << 12, 1 << 20, 1 << 12)
        optional = start + struct.pack("<2I", 0, 16) + b"".join(struct.pack("<2I", *each) for each in directories)
        coff = struct.pack("<2H3I2H", self.machine, 1, 0, 0, 0, len(optional), 0x2022)
        section = struct.pack("<8s6I2HI", b".rdata", size, SECTION, size, HEADERS, 0, 0, 0, 0, 0x40000040)
        return b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80) + bytes(0x40) + b"PE\0\0" + coff + optional + section

    def _imports(self, body: _Body) -> tuple[int, int]:
        entries = [
            struct.pack("<5I", body.lookups(names), 0, 0, body.text(dll), body.lookups(names))
            for dll, names in self.imports.items()
        ]
        return body.add(b"".join([*entries, bytes(20)])), 20 * (len(entries) + 1)

    def _delayed(self, body: _Body) -> tuple[int, int]:
        base = self.base if self.absolute else 0
        entries = []
        for dll, names in self.delayed.items():
            name, lookup = body.text(dll) + base, body.lookups(names, base) + base
            entries.append(struct.pack("<8I", int(not self.absolute), name, 0, lookup, lookup, 0, 0, 0))
        return body.add(b"".join([*entries, bytes(32)])), 32 * (len(entries) + 1)

    def _exports(self, body: _Body) -> tuple[int, int]:
        count = len(self.exports)
        names = body.add(struct.pack(f"<{count}I", *(body.text(name) for name in sorted(self.exports))))
        ordinals = body.add(struct.pack(f"<{count}H", *range(count)))
        functions = body.add(struct.pack(f"<{count}I", *[SECTION] * count))
        module = body.text("x.pyd")
        return body.add(struct.pack("<2I2H7I", 0, 0, 0, 0, module, 1, count, count, functions, names, ordinals)), 40


class _Body:
    """The content of the section, as it grows."""

    def __init__(self, wide: bool) -> None:  # noqa: FBT001 - a form
        self.wide = wide
        self.content = bytearray(72)

    def add(self, data: bytes) -> int:
        """Put `data` behind what is there, and return its address."""
        self.content += bytes(-len(self.content) % 8)
        address = SECTION + len(self.content)
        self.content += data
        return address

    def text(self, text: str) -> int:
        return self.add(text.encode() + b"\0")

    def lookups(self, names: Sequence[str | int], base: int = 0) -> int:
        entries = [
            name | 1 << (63 if self.wide else 31)
            if isinstance(name, int)
            else self.add(b"\0\0" + name.encode() + b"\0") + base
            for name in names
        ]
        return self.add(struct.pack(f"<{len(entries) + 1}{'Q' if self.wide else 'I'}", *entries, 0))
