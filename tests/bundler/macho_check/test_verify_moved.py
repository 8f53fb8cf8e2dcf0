"""What the second reading sees when libraries have gone from a slice, or everything behind its header has moved."""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import lief
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fixtures import mac_family, mac_odd
from support.macho_bytes import linked
from support.signature_oracle import commands
from truewheel.analyzer.macho.image import Signature, SignatureKind
from truewheel.bundler.macho.codesign import resign
from truewheel.bundler.macho.edit import edit_macho
from truewheel.bundler.macho_check.moved import moved_differences
from truewheel.bundler.macho_check.second_reading import read_file
from truewheel.bundler.macho_check.verify import verify_macho_edit
from truewheel.bundler.plan import MachoEdit, SliceEdit
from truewheel.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ARM64 = ["rich-arm64.dylib", "rich-chained-arm64.dylib"]
X86_64 = ["rich.dylib", "rich-chained.dylib", "rich-zig.dylib"]
LONG = "/" + "y" * 9000


class Moved(NamedTuple):
    """A file before and after its header grew by `amount`, and what was asked for."""

    edit: MachoEdit
    before: bytes
    after: bytes
    amount: int

    @property
    def is_arm(self) -> bool:
        return self.edit.slices[0].architecture == "arm64"

    def verify(self, after: bytes) -> None:
        verify_macho_edit(self.edit, self.before, after, "x")

    def with_changes(self, change: Callable[[bytearray], None]) -> str:
        """Change the result, sign it again as if nothing had happened, and return what is said of it."""
        content = bytearray(self.after)
        change(content)
        signed = bytes(content)
        if self.is_arm:
            old = Signature(SignatureKind.AD_HOC, identifier=identifier(self.after))
            signed = resign(signed, old, fallback_identifier="x")
        with pytest.raises(ToolError) as caught:
            self.verify(signed)
        return caught.value.what


def identifier(content: bytes) -> str:
    parsed = at_command(content, 0x1D)
    (start,) = struct.unpack_from("<I", content, parsed + 8)
    (blob,) = struct.unpack_from(">I", content, start + 16)
    (name,) = struct.unpack_from(">I", content, start + blob + 20)
    return content[start + blob + name :].partition(b"\0")[0].decode()


def at_command(content: bytes, *numbers: int) -> int:
    return next(at for number, at, _ in commands(content) if number in numbers)


@cache
def moved(path: Path) -> Moved:
    content = path.read_bytes()
    architecture = "arm64" if content[4] == 0x0C else "x86_64"
    edit = MachoEdit("x", "x", (SliceEdit(architecture, add_rpaths=(LONG,)),))
    after = edit_macho(content, edit).content
    sizes = [struct.unpack_from("<Q", each, text_of(each) + 48)[0] for each in (content, after)]
    return Moved(edit, content, after, sizes[1] - sizes[0])


def text_of(content: bytes) -> int:
    return next(at for _, at, _ in commands(content) if content[at + 8 :].startswith(b"__TEXT\0"))


def section(content: bytes, name: bytes) -> tuple[int, int]:
    """Return offset and size of a section of `__TEXT` or `__DATA`."""
    at = content.index(name.ljust(16, b"\0") + b"__")
    size, offset = struct.unpack_from("<QI", content, at + 40)
    return offset, size


@pytest.mark.parametrize("path", [mac_odd(name) for name in ARM64 + X86_64], ids=lambda path: path.name)
def test_what_has_moved_is_accepted(path: Path) -> None:
    item = moved(path)

    assert item.amount >= 0x3000
    item.verify(item.after)


@pytest.mark.parametrize("name", ["hello", "_hello.abi3.so", "libgreet.1.dylib"])
@pytest.mark.parametrize("folder", ["arm64", "x86_64"])
def test_programs_and_modules_may_move_too(folder: str, name: str) -> None:
    item = moved(mac_family("arm64" if folder == "arm64" else "x86_64").folder / name)

    item.verify(item.after)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ARM64 + X86_64), st.data())
def test_any_flipped_bit_before_linkedit_is_found(name: str, data: st.DataObject) -> None:
    item = moved(mac_odd(name))
    linkedit = next(at for _, at, _ in commands(item.after) if item.after[at + 8 :].startswith(b"__LINKEDIT"))
    (end,) = struct.unpack_from("<Q", item.after, linkedit + 40)
    last = commands(item.after)[-1]
    at = data.draw(st.integers(last[1] + last[2], end - 1), "place")
    bit = 1 << data.draw(st.integers(0, 7), "bit")

    def flip(content: bytearray) -> None:
        content[at] ^= bit

    assert item.with_changes(flip)


def add(shape: str, at: int, amount: int) -> Callable[[bytearray], None]:
    """Return what subtracts from one number: as if it had not moved."""

    def change(content: bytearray) -> None:
        (value,) = struct.unpack_from(shape, content, at)
        struct.pack_into(shape, content, at, value + amount)

    return change


@pytest.mark.parametrize("name", ["rich.dylib", "rich-arm64.dylib"])
def test_a_pointer_that_stayed_is_told(name: str) -> None:
    item = moved(mac_odd(name))
    parsed: Any = lief.MachO.parse(str(mac_odd(name)))
    place = parsed.at(0).virtual_address_to_offset(parsed.at(0).relocations[0].address) + item.amount

    assert "has not moved as it should have" in item.with_changes(add("<Q", place, -item.amount))


def test_unwind_information_that_stayed_is_told() -> None:
    item = moved(mac_odd("rich.dylib"))
    offset, _ = section(item.after, b"__unwind_info")
    (index,) = struct.unpack_from("<I", item.after, offset + 20)

    assert "__unwind_info has not moved" in item.with_changes(add("<I", offset + index, -item.amount))


def test_an_entry_point_that_stayed_is_told() -> None:
    item = moved(mac_family("x86_64").program)
    at = at_command(item.after, 0x80000028)

    assert "load command 0x80000028 is not there" in item.with_changes(add("<Q", at + 8, -item.amount))


def test_a_segment_that_stayed_is_told() -> None:
    item = moved(mac_odd("rich.dylib"))
    at = next(at for _, at, _ in commands(item.after) if item.after[at + 8 :].startswith(b"__DATA\0"))

    assert "load command 0x19 is not there" in item.with_changes(add("<Q", at + 24, -item.amount))


def test_a_symbol_that_stayed_is_told() -> None:
    item = moved(mac_odd("rich.dylib"))
    start, count = struct.unpack_from("<II", item.after, at_command(item.after, 2) + 8)
    place = next(at for at in range(start, start + 16 * count, 16) if item.after[at + 4] == 0x0F and item.after[at + 5])

    assert "the table of load command 0x2" in item.with_changes(add("<Q", place + 8, -item.amount))


@pytest.mark.parametrize("number", [0x26, 0x80000022, 0x80000034, 0x80000033])
def test_another_table_is_told(number: int) -> None:
    item = moved(mac_odd("rich.dylib" if number in (0x26, 0x80000022) else "rich-chained.dylib"))
    field = 40 if number == 0x80000022 else 8
    start, size = struct.unpack_from("<II", item.after, at_command(item.after, number) + field)
    assert size

    def change(content: bytearray) -> None:
        content[start] ^= 0x01

    assert item.with_changes(change)


def test_tables_over_each_other_are_told() -> None:
    item = moved(mac_odd("rich.dylib"))
    (strings,) = struct.unpack_from("<I", item.after, at_command(item.after, 2) + 16)
    field = at_command(item.after, 0xB) + 56
    (indirect,) = struct.unpack_from("<I", item.after, field)

    assert "lie over each other" in item.with_changes(add("<I", field, strings - 4 - indirect))
    assert "does not lie in __LINKEDIT" in item.with_changes(add("<I", field, -indirect))


def test_the_copy_of_the_old_header_may_not_be_anything_else() -> None:
    item = moved(mac_odd("rich.dylib"))

    assert "something else than the old header" in item.with_changes(add("<I", item.amount + 12, 1))
    assert "something else than the old header" in item.with_changes(add("<I", item.amount + 16, 1))
    assert "something else than the old header" in item.with_changes(add("<I", item.amount + 16, 1 << 31))


def test_slices_of_32_bits_cannot_be_checked() -> None:
    [item] = read_file(memoryview(linked("i386").build())).slices

    assert [*moved_differences(item, item, 0x1000)] == [
        "everything has moved, which cannot be checked for such a slice"
    ]


# Libraries that have gone


def without(name: str, library: str) -> Moved:
    content = mac_odd(name).read_bytes()
    edit = MachoEdit("x", "x", (SliceEdit("x86_64", remove=(library,)),))
    return Moved(edit, content, edit_macho(content, edit).content, 0)


def library_of(content: bytes, part: bytes) -> str:
    """Return the first library with `part` in its name."""
    for number, at, size in commands(content):
        if number in (0xC, 0x80000018) and part in content[at : at + size]:
            return content[at + 24 : at + size].partition(b"\0")[0].decode()
    raise AssertionError(part)


def removed() -> Moved:
    return without("needs-libpython.so", library_of(mac_odd("needs-libpython.so").read_bytes(), b"python"))


def test_a_library_that_went_is_accepted() -> None:
    item = removed()

    item.verify(item.after)


def test_symbols_of_the_wrong_library_are_told() -> None:
    item = removed()
    start, count = struct.unpack_from("<II", item.after, at_command(item.after, 2) + 8)
    place = next(
        at for at in range(start, start + 16 * count, 16) if item.after[at + 4] == 0x01 and item.after[at + 7] < 0xFD
    )

    assert "the table of load command 0x2" in item.with_changes(add("<B", place + 7, -1))


def test_binds_to_a_library_that_is_not_there_are_told() -> None:
    item = removed()
    start, size = struct.unpack_from("<II", item.after, at_command(item.after, 0x80000022, 0x22) + 16)
    table = item.after[start : start + size]
    at = next(at for at, byte in enumerate(table) if byte & 0xF0 == 0x10 or byte == 0x3E)

    def change(content: bytearray) -> None:
        content[start + at] = 0x1F

    assert "a symbol of library 15" in item.with_changes(change)


def test_content_beside_the_tables_may_not_change() -> None:
    item = removed()
    offset, _ = section(item.after, b"__text")

    def change(content: bytearray) -> None:
        content[offset] ^= 1

    assert "the content changed between" in item.with_changes(change)
