"""Whether a wheel holds machine code, by the first bytes of its files: quicker than judging it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.retagger.module_formats import is_web_module

if TYPE_CHECKING:
    from truewheel.archive.reader import WheelReader

_ELF = b"\x7fELF"
_MACHO = frozenset({b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"})
_FAT = frozenset({b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"})
_MOST_SLICES = 20
"""A Java class starts like a fat file, with its version (45 and later) where that one has the number of slices."""


def holds_machine_code(reader: WheelReader) -> bool:
    """Whether any file is an ELF or Mach-O file, a module for WebAssembly, or code for one kind of Windows."""
    windows = []
    for name in reader.files():
        head = reader.head(name, 8)
        if _is_native(head) or is_web_module(name, head):
            return True
        if head[:2] == b"MZ":
            windows.append(name)
    if not windows:
        return False
    from truewheel.retagger.windows_code import windows_code

    return bool(windows_code(reader, windows))


def _is_native(head: bytes) -> bool:
    if head[:4] in _FAT:
        return int.from_bytes(head[4:8], "big") <= _MOST_SLICES
    return head[:4] == _ELF or head[:4] in _MACHO
