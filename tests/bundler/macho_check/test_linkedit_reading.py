from __future__ import annotations

import struct

import pytest

from truewheel.bundler.macho_check.linkedit_reading import (
    Bind,
    binds,
    chain,
    chained,
    counts_from_header,
    exports,
    rebases,
    uleb,
)
from truewheel.bundler.macho_check.second_reading import ReadingError

# Bind opcodes, written as loader.h numbers them.


def test_a_bind_says_all_that_was_set_before_it() -> None:
    table = bytes([0x11]) + b"\x40_a\0" + bytes([0x51, 0x72, 0x90, 0x01, 0x90])
    [first] = binds(table)

    assert first == Bind(1, (0, b"_a"), 1, 0, (2, 0x90), 6, (0x90, 0))


def test_libraries_by_all_three_opcodes() -> None:
    table = b"\x11\x90\x20\x85\x01\x90\x3e\x90\x30\x90\x3f\x90"

    assert [item.library for item in binds(table)] == [1, 133, -2, 0, -1]


def test_steps_and_actions() -> None:
    table = bytes([0x71, 8, 0x80, 16, 0x90, 0xA0, 4, 0xB2, 0xC0, 3, 8, 0xD0, 7, 0xD1, 0x00])

    assert [(item.place, item.action) for item in binds(table)] == [
        ((1, 24), (0x90, 0)),
        ((1, 24), (0xA0, 0, 4)),
        ((1, 24), (0xB0, 2)),
        ((1, 24), (0xC0, 0, 3, 8)),
        ((1, 24), (0xD0, 0, 7)),
        ((1, 24), (0xD0, 1)),
    ]


def test_flags_and_addends_belong_to_the_bind() -> None:
    [item] = binds(b"\x49_w\0\x60\x7f\x90")

    assert (item.symbol, item.addend) == ((9, b"_w"), 0x7F)


@pytest.mark.parametrize("table", [b"\x20", b"\x20\x80", b"\x40_a", b"\x60" + b"\xff" * 11])
def test_damaged_binds_are_told(table: bytes) -> None:
    with pytest.raises(ReadingError):
        list(binds(table))


# Rebase opcodes


def test_rebases_by_all_opcodes() -> None:
    table = bytes([0x11, 0x21, 16, 0x52, 0x42, 0x51, 0x30, 8, 0x60, 2, 0x70, 8, 0x80, 2, 8, 0x51, 0x00, 0x51])

    assert list(rebases(table)) == [
        (1, place) for place in (16, 24, 48, 64, 72, 80, 96, 112, 128)
    ]  # fmt: skip


def test_a_table_may_end_without_the_last_opcode() -> None:
    assert list(rebases(bytes([0x22, 0, 0x51]))) == [(2, 0)]


def test_too_many_rebases_are_told() -> None:
    with pytest.raises(ReadingError, match="more pointers"):
        list(rebases(b"\x60" + b"\xff" * 8 + b"\x7f"))


# The exports trie


def node(symbol: bytes, *children: tuple[bytes, int]) -> bytes:
    edges = b"".join(text + b"\0" + bytes([place]) for text, place in children)
    return bytes([len(symbol)]) + symbol + bytes([len(children)]) + edges


def test_exports_by_name() -> None:
    leaves = [node(b"\0\x10"), node(b"\x08\x02_x\0"), node(b"\x10\x20\x30"), node(b"\x02\x05")]
    root = node(b"", (b"_", 5))
    first = len(root) + len(node(b"", *((letter, 0) for letter in (b"a", b"b", b"c", b"d"))))
    places = [first + len(b"".join(leaves[:number])) for number in range(4)]
    data = root + node(b"", *zip((b"a", b"b", b"c", b"d"), places, strict=True)) + b"".join(leaves)

    assert exports(data) == {
        b"_a": (0, 0x10),
        b"_b": (8, 2, b"_x"),
        b"_c": (0x10, 0x20, 0x30),
        b"_d": (2, 5),
    }


def test_no_exports() -> None:
    assert exports(b"") == {}
    assert exports(b"\0\0") == {}


@pytest.mark.parametrize("data", [b"\0\x01a\0\x00", b"\0\x01a\0\x40", b"\0\x01a", b"\x05"])
def test_damaged_exports_are_told(data: bytes) -> None:
    with pytest.raises(ReadingError):
        exports(data)


# Chained fixups


def fixups(form: int, imports: bytes, count: int) -> bytes:
    """Build a table for two segments, of which the second has two pages, one of them with pointers."""
    starts = struct.pack("<III", 2, 0, 12) + struct.pack("<IHHQIHHH", 26, 0x1000, 6, 0x4000, 0, 2, 8, 0xFFFF)
    at = 28 + len(starts)
    return struct.pack("<7I", 0, 28, at, at + len(imports), count, form, 0) + starts + imports + b"_a\0"


def test_starts_and_small_imports() -> None:
    numbers = [1 | 1 << 8 | 5 << 9, 0xFE, 0xFD, 0xF0]
    data = fixups(1, struct.pack("<4I", *numbers), 4)
    found = chained(data)

    assert found.imports == ((1, (1 | 5 << 1,)), (-2, (0,)), (-3, (0,)), (0xF0, (0,)))
    assert found.starts == ((1, 6, 0x4000, 0x1000, (8, 0xFFFF)),)
    assert len(found.rest) == len(data)
    assert found.rest.endswith(b"_a\0")
    assert found.rest[-19:-3] == bytes(16)


@pytest.mark.parametrize(
    ("form", "shape", "numbers", "found"),
    [(2, "<Ii", (3, -7), (3, (0, -7))), (3, "<QQ", (0xFFFE | 1 << 32, 9), (-2, (1 << 16, 9)))],
)
def test_imports_with_addends(form: int, shape: str, numbers: tuple[int, ...], found: object) -> None:
    assert chained(fixups(form, struct.pack(shape, *numbers), 1)).imports == (found,)


def test_unknown_imports_are_told() -> None:
    with pytest.raises(ReadingError, match="unknown form 4"):
        chained(fixups(4, b"", 0))


def pointers(*values: int) -> memoryview:
    return memoryview(struct.pack(f"<{len(values)}Q", *values))


@pytest.mark.parametrize(
    ("kind", "step", "bind"),
    [(2, 2, 1 << 63), (6, 2, 1 << 63), (1, 1, 1 << 62), (9, 1, 1 << 62)],
)
def test_a_chain_leaves_out_what_is_bound(kind: int, step: int, bind: int) -> None:
    following = step << 51
    content = pointers(0x1000 | following, 0x7 | bind | following, 0x2000)
    bits = 36 if kind in (2, 6) else 43

    assert list(chain(content, 0, 24, kind)) == [(0, 0x1000 | following, bits), (16, 0x2000, bits)]


def test_signed_pointers_have_a_short_target() -> None:
    assert list(chain(pointers(1 << 63 | 0x1000), 0, 8, 12)) == [(0, 1 << 63 | 0x1000, 32)]


def test_which_targets_count_from_the_header() -> None:
    assert [kind for kind in (1, 2, 6, 7, 9, 12) if counts_from_header(kind, 43)] == [6, 7, 9, 12]
    assert counts_from_header(1, 32)


def test_a_chain_that_leaves_its_page_is_told() -> None:
    with pytest.raises(ReadingError, match="leaves its page"):
        list(chain(pointers(4 << 51, 0), 0, 16, 6))


def test_an_unknown_form_of_pointers_is_told() -> None:
    with pytest.raises(ReadingError, match="unknown form 3"):
        list(chain(pointers(0), 0, 8, 3))


def test_uleb() -> None:
    assert uleb(b"\xe5\x8e\x26\xff") == (624485, 3)
