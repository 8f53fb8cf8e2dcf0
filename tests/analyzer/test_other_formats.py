"""Machine code in other systems' formats is told by its first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.wheels import build_wheel
from truewheel.analyzer.other_formats import is_elf, is_macho, is_windows
from truewheel.archive.reader import WheelReader

if TYPE_CHECKING:
    from pathlib import Path

HEADS = {
    "elf": b"\x7fELF\2\1\1\0",
    "thin": b"\xcf\xfa\xed\xfe\x07\0\0\1",
    "thin32": b"\xce\xfa\xed\xfe\x07\0\0\0",
    "ppc": b"\xfe\xed\xfa\xce\0\0\0\x12",
    "fat": b"\xca\xfe\xba\xbe\0\0\0\2",
    "java": b"\xca\xfe\xba\xbe\0\0\0\x41",
    "text": b"import x",
}


def test_each_format_has_its_magic() -> None:
    assert [name for name, head in HEADS.items() if is_elf(head)] == ["elf"]
    assert [name for name, head in HEADS.items() if is_macho(head)] == ["thin", "thin32", "ppc", "fat"]


@pytest.mark.parametrize(
    ("content", "windows"),
    [
        (b"MZ".ljust(0x3C, b"\0") + b"\x80\0\0\0".ljust(0x44, b"\0") + b"PE\0\0", True),
        (b"MZ".ljust(0x3C, b"\0") + b"\x80\0\0\0".ljust(0x44, b"\0") + b"NE\0\0", False),
        (b"MZ".ljust(0x3C, b"\0") + b"\xff\xff\xff\xff", False),
        (b"MZ is short", False),
        (b"import x", False),
    ],
)
def test_a_file_of_windows_has_a_header_where_its_first_bytes_say(
    content: bytes, *, windows: bool, tmp_path: Path
) -> None:
    with WheelReader.open(build_wheel(tmp_path, {"x": content})) as reader:
        assert is_windows(reader, "x", content[:8]) is windows
