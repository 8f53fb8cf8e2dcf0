"""Machine code in the formats of other systems, told by its first bytes: a loader passes over what is not its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truewheel.archive.reader import WheelReader

_MACHO = (b"\xfe\xed\xfa", b"\xca\xfe\xba")
_MACHO_SWAPPED = b"\xfa\xed\xfe"
_PE_POINTER = 0x3C
"""Where a file of Windows says where its PE header is."""
_PE_FARTHEST = 1 << 12


def is_elf(head: bytes) -> bool:
    """Whether a file is an ELF file; `head` is its first eight bytes or more."""
    return head.startswith(b"\x7fELF")


def is_macho(head: bytes) -> bool:
    """Whether a file is a Mach-O file; `head` is its first eight bytes or more."""
    if not head.startswith(_MACHO) and head[1:4] != _MACHO_SWAPPED:
        return False
    from truewheel.analyzer.macho import reader as macho

    return macho.is_macho(head)


def is_windows(reader: WheelReader, name: str, head: bytes) -> bool:
    """Whether a member is a program or library of Windows; `head` is its first bytes."""
    if not head.startswith(b"MZ"):
        return False
    pointer = reader.head(name, _PE_POINTER + 4)[_PE_POINTER:]
    at = int.from_bytes(pointer, "little")
    return at < _PE_FARTHEST and reader.head(name, at + 4)[at:] == b"PE\0\0"
