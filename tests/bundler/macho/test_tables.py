from __future__ import annotations

import struct

import pytest

from truewheel.analyzer.macho.commands import load_commands
from truewheel.bundler.macho.linkedit import Place, laid_out
from truewheel.bundler.macho.move import Move, Segment, read_segments
from truewheel.bundler.macho.tables import (
    move_data_in_code,
    move_initializers,
    move_symbols,
    move_unwind_info,
    moved_function_starts,
)
from truewheel.errors import InvalidBinaryError, RefusedError

BASE, AMOUNT = 0x100000000, 0x4000
MOVE = Move(BASE, AMOUNT)


@pytest.mark.parametrize(
    ("kind", "section", "value", "after"),
    [
        (0x0F, 1, BASE + 0x10, BASE + 0x4010),  # a symbol that others see
        (0x0E, 1, BASE + 0x10, BASE + 0x4010),  # one that they do not
        (0x1E, 1, BASE + 0x10, BASE + 0x4010),  # one that only this file's parts saw
        (0x0F, 1, BASE, BASE),  # __mh_execute_header
        (0x03, 0, BASE + 0x10, BASE + 0x10),  # an absolute number
        (0x01, 0, 0, 0),  # an undefined one
        (0x24, 1, BASE + 0x10, BASE + 0x4010),  # N_FUN: where a function starts
        (0x24, 0, 0x10, 0x10),  # N_FUN: how long it is
        (0x2E, 1, BASE + 0x10, BASE + 0x4010),  # N_BNSYM
        (0x4E, 1, 0x10, 0x10),  # N_ENSYM: a size
        (0x26, 2, BASE + 0x10, BASE + 0x4010),  # N_STSYM
        (0x28, 2, BASE + 0x10, BASE + 0x4010),  # N_LCSYM
        (0x66, 3, 0x5F000000, 0x5F000000),  # N_OSO: a time
        (0x20, 0, 0, 0),  # N_GSYM
    ],
)
def test_only_addresses_move_in_a_symbol_table(kind: int, section: int, value: int, after: int) -> None:
    symbol = struct.Struct("<IBBHQ")
    data = bytearray(b"before" + symbol.pack(7, kind, section, 0x100, value) * 2 + b"behind")
    move_symbols(data, 6, 32, MOVE)
    assert data == b"before" + symbol.pack(7, kind, section, 0x100, after) * 2 + b"behind"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (bytes(8), bytes(8)),
        (b"\x10\x20\x30\0\0\0\0\0", b"\x90\x80\x01\x20\x30\0\0\0"),
        (b"\x10\x20\x30\x40\x50\x60\0\0", b"\x90\x80\x01\x20\x30\x40\x50\x60\0"),
        (b"\x90\x20", b"\x90\xa0\x01\0"),
    ],
)
def test_functions_are_counted_from_the_header(before: bytes, after: bytes) -> None:
    assert moved_function_starts(before, MOVE) == after


def test_data_in_code_is_counted_from_the_header() -> None:
    data = bytearray(struct.pack("<IHHIHH", 0x10, 4, 1, 0x20, 8, 2))
    move_data_in_code(data, 0, 16, MOVE)
    assert data == struct.pack("<IHHIHH", 0x4010, 4, 1, 0x4020, 8, 2)


def test_initializers_are_counted_from_the_header() -> None:
    data = bytearray(struct.pack("<4I", 1, 0x10, 0x20, 1))
    move_initializers(data, 4, 8, MOVE)
    assert data == struct.pack("<4I", 1, 0x4010, 0x4020, 1)


def unwind_info(amount: int) -> bytes:
    """Return a section with one page of each kind, and all distances from the header larger by `amount`."""

    def at(*distances: int) -> list[int]:
        return [distance + amount for distance in distances]

    encodings, personality = struct.pack("<2I", 0x01000000, 0x51000000), struct.pack("<I", *at(0x9000))
    head = struct.pack("<7I", 1, 28, 2, 36, 1, 40, 3)
    languages = struct.pack("<4I", *at(0x1000, 0x8000, 0x1100, 0x8010))  # 76 to 92
    regular = struct.pack("<IHH", 2, 8, 2) + struct.pack("<4I", *at(0x1000), 0x01000001, *at(0x1080), 0x01000002)
    compressed = struct.pack("<IHHHH", 3, 12, 2, 20, 0) + struct.pack("<2I", 0x00000000, 0x01000010)
    index = struct.pack("<9I", *at(0x1000), 92, 76, *at(0x1100), 116, 84, *at(0x1200), 0, 92)
    return head + encodings + personality + index + languages + regular + compressed


def test_distances_in_unwind_info_move_and_encodings_stay() -> None:
    data = bytearray(b"code" + unwind_info(0) + b"more")
    move_unwind_info(data, 4, len(data) - 8, MOVE)
    assert data == b"code" + unwind_info(AMOUNT) + b"more"


def test_unwind_info_of_no_function_stays() -> None:
    empty = struct.pack("<7I", 1, 28, 0, 28, 0, 28, 0)
    data = bytearray(empty)
    move_unwind_info(data, 0, 28, MOVE)
    assert data == empty


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (0, 2, "__unwind_info of version 2"),
        (12, 4096, "a table of __unwind_info lies outside of it"),
        (24, 4096, "a table of __unwind_info lies outside of it"),
        (92, 4, "a page of kind 4 in __unwind_info"),
        (96, 0xFFFF0008, "a table of __unwind_info lies outside of it"),
        (48, 100, "a table of __unwind_info lies outside of it"),
    ],
)
def test_damaged_unwind_info_is_refused(at: int, value: int, reason: str) -> None:
    data = bytearray(unwind_info(0))
    struct.pack_into("<I", data, at, value)
    with pytest.raises(RefusedError, match=f"cannot be moved: {reason}$"):
        move_unwind_info(data, 0, len(data), MOVE)


LINKEDIT = Segment("__LINKEDIT", 0x4000, 0x1000, 16, 48, ())


def test_a_longer_table_pushes_what_lies_behind_it() -> None:
    data = bytearray(b"." * 16 + b"aaaaaaaa" + b"bbbbbbbb" + b"cccccccc" + bytes(24) + b"tail")
    laid = laid_out(data, LINKEDIT, [], {Place(24, 8): b"BBBBBBBBB", Place(32, 8): b"CC"})
    assert laid.content == b"aaaaaaaa" + b"BBBBBBBBB" + bytes(7) + b"CC" + bytes(6) + bytes(24)
    assert [laid.shift(offset) for offset in (16, 24, 32, 40)] == [0, 0, 8, 8]
    assert laid.sizes == {Place(24, 8): 16}


def test_a_table_that_shares_bytes_does_not_grow() -> None:
    data = bytearray(64)
    from truewheel.analyzer.macho.commands import FilePart, LoadCommand

    other = (LoadCommand(0x26, 0, 16), FilePart(8, 12), Place(28, 8))
    assert laid_out(data, LINKEDIT, [other], {Place(24, 8): bytes(8)}).growth == ()
    with pytest.raises(RefusedError, match="two tables of the linker lie over each other"):
        laid_out(data, LINKEDIT, [other], {Place(24, 8): bytes(9)})


@pytest.mark.parametrize("size", [16, 72])
def test_a_segment_command_cut_short_is_an_error(size: int) -> None:
    command = struct.pack("<II16s4Q4I", 0x19, size, b"__TEXT", 0, 0, 0, 0, 5, 5, 1, 0)[:size]
    header = struct.pack("<7I4x", 0xFEEDFACF, 0x1000007, 3, 6, 1, size, 0)
    with pytest.raises(InvalidBinaryError, match="a segment command is too short"):
        read_segments(load_commands(header + command, 0, "x"))
