"""Whether a wheel holds machine code, by the first bytes of its files: quicker than judging it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truewheel.archive.reader import WheelReader

_ELF = b"\x7fELF"
_MACHO = frozenset({b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"})
_FAT = frozenset({b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"})
_MOST_SLICES = 20
"""A Java class starts like a fat file, with its version (45 and later) where that one has the number of slices."""


def holds_machine_code(reader: WheelReader) -> bool:
    """Whether any file is an ELF, Mach-O or Windows program or library."""
    return any(_is_native(reader, name) for name in reader.files())


def _is_native(reader: WheelReader, name: str) -> bool:
    head = reader.head(name, 8)
    if head[:4] == _ELF or head[:4] in _MACHO:
        return True
    if head[:4] in _FAT:
        return int.from_bytes(head[4:8], "big") <= _MOST_SLICES
    return head[:2] == b"MZ" and is_pe(reader, name)


def is_pe(reader: WheelReader, name: str) -> bool:
    """Whether a member is a Windows program or library: `MZ`, and `PE` where its header says."""
    head = reader.head(name, 0x400) if reader.head(name, 2) == b"MZ" else b""
    start = int.from_bytes(head[0x3C:0x40], "little")
    return head[start : start + 4] == b"PE\0\0"
