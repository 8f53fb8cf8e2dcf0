from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truewheel.bundler.macho.fixups import check_binds, move_chained, move_rebased
from truewheel.bundler.macho.move import Move, Segment
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE, AMOUNT = 0x100000000, 0x4000
MOVE = Move(BASE, AMOUNT)
SIZE = 0x4000
TEXT = Segment("__TEXT", BASE, 0x1000, 0, 0x1000, ())
DATA = Segment("__DATA", BASE + 0x1000, SIZE, 0x1000, SIZE, ())
SEGMENTS = (TEXT, DATA)


def uleb(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F)
    return bytes([*(group | 0x80 for group in groups[:-1]), groups[-1]])


def content(values: dict[int, int]) -> bytearray:
    """Return a file whose second segment has these pointers at these offsets."""
    data = bytearray(0x1000 + SIZE)
    for at, value in values.items():
        struct.pack_into("<Q", data, 0x1000 + at, value)
    return data


def rebased(table: bytes, values: dict[int, int]) -> dict[int, int]:
    """Return the pointers after the table's have moved; every other byte must be the same."""
    data, after = content(values), content(values)
    move_rebased(after, table, SEGMENTS, MOVE)
    found = {at: struct.unpack_from("<Q", after, 0x1000 + at)[0] for at in values}
    assert after == content({**values, **found})
    assert len(after) == len(data)
    return found


PLACE = b"\x11\x21"  # pointers, in segment 1


@pytest.mark.parametrize(
    ("table", "places"),
    [
        (PLACE + b"\x10\x51", [16]),
        (PLACE + b"\x00\x53", [0, 8, 16]),
        (PLACE + b"\x00\x60\x83\x00", [0, 8, 16]),
        (PLACE + b"\x00\x70\x10\x51", [0, 24]),
        (PLACE + b"\x00\x80\x03\x08", [0, 16, 32]),
        (PLACE + b"\x00\x51\x30\x18\x51", [0, 32]),
        (PLACE + b"\x00\x51\x43\x51", [0, 32]),
        (PLACE + b"\x10\x51\x30" + uleb((1 << 64) - 24) + b"\x51", [16, 0]),
        (PLACE + b"\x20\x70" + uleb((1 << 64) - 40) + b"\x51", [32, 0]),
        (PLACE + b"\x00\x51\x00\xff\xff", [0]),
        (PLACE + b"\x00\x50\x51", [0]),
        (b"", []),
    ],
)
def test_each_opcode_leads_to_its_pointers(table: bytes, places: list[int]) -> None:
    values = {at: BASE + 0x2000 + at for at in range(0, 48, 8)}
    assert rebased(table, values) == {at: value + AMOUNT if at in places else value for at, value in values.items()}


def test_a_pointer_to_the_header_stays() -> None:
    values = {0: BASE, 8: BASE + 1, 16: (1 << 64) - 1}
    assert rebased(PLACE + b"\x00\x53", values) == {0: BASE, 8: BASE + AMOUNT + 1, 16: AMOUNT - 1}


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    """Return a table of rebase opcodes as a linker might write it, and the places it means."""
    places = sorted(draw(st.sets(st.integers(0, SIZE // 8 - 1), max_size=60)))
    table, at, index = bytearray(PLACE + b"\0"), 0, 0
    while index < len(places):
        gap = places[index] * 8 - at
        table += b"\x30" + uleb(gap) if draw(st.booleans()) or gap > 15 * 8 else bytes([0x40 | gap // 8])
        run = 1
        while index + run < len(places) and places[index + run] == places[index] + run:
            run += 1
        table += bytes([0x50 | run]) if run < 16 and draw(st.booleans()) else b"\x60" + uleb(run)
        at = (places[index] + run) * 8
        index += run
    return bytes(table), [place * 8 for place in places]


@given(tables())
def test_a_table_of_any_shape_moves_its_pointers_once(case: tuple[bytes, list[int]]) -> None:
    table, places = case
    values = {at: BASE + 0x1000 + at for at in range(0, SIZE, 8)}
    assert rebased(table, values) == {at: value + AMOUNT * (at in places) for at, value in values.items()}


MANY = "there are more pointers than the file has room for"


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (b"\x12\x21\x00\x51", "code has addresses written into it"),
        (b"\x13\x21\x00\x51", "code has addresses written into it"),
        (b"\x11\x20\x00\x51", "pointers that dyld changes lie in __TEXT, or in no segment"),
        (b"\x11\x22\x00\x51", "pointers that dyld changes lie in __TEXT, or in no segment"),
        (b"\x11\x51", "pointers that dyld changes lie in __TEXT, or in no segment"),
        (PLACE + uleb(SIZE - 7) + b"\x51", "pointers that dyld changes lie outside of __DATA"),
        (PLACE + b"\x00\x60" + uleb(SIZE // 8 + 1), "pointers that dyld changes lie outside of __DATA"),
        (PLACE + b"\x00\x80\x02" + uleb((1 << 64) - 8), "pointers that dyld changes lie outside of __DATA"),
        (PLACE + b"\x00\x60" + uleb(SIZE // 8) + PLACE + b"\x00\x60" + uleb(SIZE // 8), MANY),
        (PLACE + b"\x00\x90", "an unknown opcode for pointers, 0x90"),
        (PLACE, "a number in a table has no end"),
        (PLACE + b"\xff" * 12, "a number in a table has no end"),
    ],
)  # fmt: skip
def test_a_table_that_leads_elsewhere_is_refused(table: bytes, reason: str) -> None:
    with pytest.raises(RefusedError, match=f"cannot be moved: {reason}$"):
        rebased(table, {})


def test_binds_outside_of_text_are_fine() -> None:
    table = b"\x11\x51\x40_strlen\0\x71\x10\x90\x20\x12\x60\x7f\x80\x08\xa0\x08\xb1\xc0\x02\x08\x3e\x00\x00"
    check_binds(table, SEGMENTS)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (b"\x70\x10\x90", "pointers that dyld changes lie in __TEXT, or in no segment"),
        (b"\x72\x10\x90", "pointers that dyld changes lie in __TEXT, or in no segment"),
        (b"\xd0\x01", "an unknown opcode for pointers, 0xd0"),
        (b"\x71", "a number in a table has no end"),
    ],
)
def test_binds_that_lead_elsewhere_are_refused(table: bytes, reason: str) -> None:
    with pytest.raises(RefusedError, match=f"cannot be moved: {reason}$"):
        check_binds(table, SEGMENTS)
    check_binds(b"\x40_name without an end", SEGMENTS)


TABLE_AT = 0x100


def chained(
    kind: int, values: dict[int, int], starts: Sequence[int] = (0,), *, page: int = 0x1000, segment: int = 1
) -> bytearray:
    """Return a file with chained fixups for one segment, their table in __TEXT for want of a better place."""
    data = content(values)
    offsets = [0, 0]
    offsets[segment] = 12
    table = struct.pack("<7I", 0, 28, 0, 0, 0, 1, 0) + struct.pack("<3I", 2, *offsets)
    table += struct.pack("<IHHQIH", 22 + 2 * len(starts), page, kind, 0x1000, 0, len(starts))
    table += struct.pack(f"<{len(starts)}H", *starts)
    data[TABLE_AT : TABLE_AT + len(table)] = table
    return data


def chain_moved(data: bytearray, size: int = 0x100) -> dict[int, int]:
    move_chained(data, TABLE_AT, size, SEGMENTS, MOVE)
    return {at: struct.unpack_from("<Q", data, 0x1000 + at)[0] for at in range(0, SIZE - 4, 4)}


BIND = 1 << 63


@pytest.mark.parametrize(
    ("kind", "unit", "before", "after"),
    [
        # DYLD_CHAINED_PTR_64: an address, with a tag in its top byte
        (2, 4, BASE + 0x2000 | 0xAB << 36, BASE + 0x6000 | 0xAB << 36),
        (2, 4, BASE, BASE),
        (2, 4, BIND | 5, BIND | 5),
        # DYLD_CHAINED_PTR_64_OFFSET: a distance from the header
        (6, 4, 0x2000 | 0xAB << 36, 0x6000 | 0xAB << 36),
        (6, 4, 0, 0),
        (6, 4, BIND | 5 | 7 << 24, BIND | 5 | 7 << 24),
        # DYLD_CHAINED_PTR_ARM64E: an address without a signature, a distance with one
        (1, 8, BASE + 0x2000 | 0xAB << 43, BASE + 0x6000 | 0xAB << 43),
        (1, 8, BIND | 0x2000 | 0xBEEF << 32, BIND | 0x6000 | 0xBEEF << 32),
        (1, 8, BIND | 1 << 62 | 3, BIND | 1 << 62 | 3),
        (1, 8, 1 << 62 | 3, 1 << 62 | 3),
        # DYLD_CHAINED_PTR_ARM64E_USERLAND, and _USERLAND24: distances
        (9, 8, 0x2000 | 0xAB << 43, 0x6000 | 0xAB << 43),
        (12, 8, BIND | 0x2000 | 0xBEEF << 32, BIND | 0x6000 | 0xBEEF << 32),
        (12, 8, 0, 0),
    ],
)
def test_each_form_of_chained_pointer_moves_and_keeps_its_other_bits(
    kind: int, unit: int, before: int, after: int
) -> None:
    step = 16 // unit << 51
    values = {8: before | step, 24: before}
    found = chain_moved(chained(kind, values, [8]))
    assert {at: value for at, value in found.items() if at in values} == {8: after | step, 24: after}


def test_a_chain_for_each_page() -> None:
    values = {0: 0x10, 0x2008: 0x20, 0x3010: 0x30, 0x1000: 0x40}
    data = chained(6, values, [0, 0xFFFF, 8, 16])
    found = chain_moved(data)
    assert [found[at] for at in values] == [0x4010, 0x4020, 0x4030, 0x40]
    # the segment itself lies further from the header
    assert struct.unpack_from("<Q", data, TABLE_AT + 28 + 12 + 8)[0] == 0x5000


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (chained(3, {}), "chained fixups of form 3"),
        (chained(6, {}, segment=0), "pointers that dyld changes lie in __TEXT, or in no segment"),
        (chained(6, {}, [0x8001]), "a page with more than one chain"),
        (chained(6, {}, [0x1000]), "pointers that dyld changes lie outside of __DATA"),
        (chained(6, {8: 0xFFF << 51}, [8]), "pointers that dyld changes lie outside of __DATA"),
        (chained(6, {}, [0] * 5), "pointers that dyld changes lie outside of __DATA"),
        (chained(6, {0: (1 << 36) - 1}), "a pointer would lead too far for its form"),
    ],
)
def test_chains_that_are_not_understood_are_refused(data: bytearray, reason: str) -> None:
    with pytest.raises(RefusedError, match=f"cannot be moved: {reason}$"):
        chain_moved(data)


def test_another_version_of_chained_fixups_is_refused() -> None:
    data = chained(6, {})
    struct.pack_into("<I", data, TABLE_AT, 1)
    with pytest.raises(RefusedError, match="chained fixups of version 1 for 2 segments"):
        chain_moved(data)
    data = chained(6, {})
    struct.pack_into("<I", data, TABLE_AT + 28, 3)
    with pytest.raises(RefusedError, match="chained fixups of version 0 for 3 segments"):
        chain_moved(data)
