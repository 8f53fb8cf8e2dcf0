from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truewheel.bundler.macho.binds import (
    Part,
    numbering_after,
    renumber_imports,
    renumber_opcodes,
    renumber_reexports,
)
from truewheel.errors import InvalidBinaryError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHOUT_TWO = numbering_after(200, frozenset({2}), {}, "m.so")


def renumbered(stream: bytes, *, lazy: bool = False) -> bytes:
    """Return the opcodes after library 2 of 200 went; what stands around them must stay."""
    content = bytearray(b"\x12" + stream + b"\x12")
    renumber_opcodes(content, Part(1, 1 + len(stream)), WITHOUT_TWO, lazy=lazy)
    assert (content[0], content[-1]) == (0x12, 0x12)
    return bytes(content[1:-1])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\x10", b"\x10"),  # this file itself
        (b"\x11", b"\x11"),
        (b"\x12", b"\x3e"),  # any library
        (b"\x13", b"\x12"),
        (b"\x1f", b"\x1e"),
        (b"\x3e\x3f\x3d\x30", b"\x3e\x3f\x3d\x30"),
        (b"\x20\x02", b"\x3e\x3e"),
        (b"\x20\x82\x80\x00", b"\x3e\x3e\x3e\x3e"),
        (b"\x20\x01", b"\x20\x01"),
        (b"\x20\x03", b"\x20\x02"),
        (b"\x20\x80\x01", b"\x20\xff\x00"),  # 128 becomes 127, which one byte could hold
        (b"\x20\xc8\x01", b"\x20\xc7\x01"),
        (b"\x40_\x12\x13\x00\x13", b"\x40_\x12\x13\x00\x12"),  # a name is no opcode
        (
            b"\x51\x60\x92\x13\x72\x92\x13\x80\x92\x13\x90\xa0\x13\xb3\xc0\x13\x13\x13",
            b"\x51\x60\x92\x13\x72\x92\x13\x80\x92\x13\x90\xa0\x13\xb3\xc0\x13\x13\x12",
        ),
        (b"\xd0\x13\xd1\x13", b"\xd0\x13\xd1\x12"),
        (b"\x13\x00\x13", b"\x12\x00\x13"),  # what follows the end is only padding
        (b"", b""),
    ],
)
def test_the_number_changes_and_nothing_else(before: bytes, after: bytes) -> None:
    assert renumbered(before) == after


def test_lazy_binds_go_on_after_the_end_of_one() -> None:
    assert renumbered(b"\x72\x00\x13\x40_f\0\x90\x00\x72\x08\x12\x40_g\0\x90\x00\x00", lazy=True) == (
        b"\x72\x00\x12\x40_f\0\x90\x00\x72\x08\x3e\x40_g\0\x90\x00\x00"
    )


@pytest.mark.parametrize(
    ("stream", "what"),
    [
        (b"\x20\xc9\x01", "a symbol of library 201, of 200"),
        (b"\x20\x83", "a number without an end"),
        (b"\x20", "a number without an end"),
        (b"\x20" + b"\x80" * 10 + b"\x01", "a number without an end"),
        (b"\x40_name", "a name without an end"),
        (b"\x72", "a number without an end"),
        (b"\xc0\x01", "a number without an end"),
        (b"\xe0", "the bind opcode 0xe0, which is unknown"),
        (b"\xd2", "the bind opcode 0xd2, which is unknown"),
    ],
)
def test_damaged_opcodes_are_an_error(stream: bytes, what: str) -> None:
    with pytest.raises(InvalidBinaryError) as caught:
        renumbered(stream)
    assert caught.value.what.startswith(what)
    assert caught.value.where == "m.so"


class Step(NamedTuple):
    """One opcode of a stream, and the library that it names, if it does."""

    encoded: bytes
    library: int | None = None


def uleb(value: int, padding: int = 0) -> bytes:
    groups = []
    while value >= 0x80:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    if padding:
        groups[-1] |= 0x80
        groups += [0x80] * (padding - 1) + [0]
    return bytes(groups)


def number_at(stream: bytes, at: int) -> tuple[int, int]:
    """Return an unsigned LEB128 number and where it ends."""
    end = next(index for index in range(at, len(stream)) if stream[index] < 0x80) + 1
    return sum((byte & 0x7F) << 7 * index for index, byte in enumerate(stream[at:end])), end


def libraries_of(stream: bytes) -> Iterator[int]:
    """Yield the library of each bind: the opcodes' meaning as `mach-o/loader.h` tells it, by their high half."""
    operands = {2: 1, 6: 1, 7: 1, 8: 1, 10: 1, 12: 2}
    at, library = 0, 0
    while at < len(stream):
        opcode, immediate = stream[at] >> 4, stream[at] & 15
        at += 1
        number = 0
        for _ in range(operands.get(opcode, 0)):
            number, at = number_at(stream, at)
        if opcode == 4:
            at = stream.index(b"\0", at) + 1
        if opcode in (1, 2, 3):
            library = (immediate, number, -(-immediate % 16))[opcode - 1]
        elif opcode in (9, 10, 11, 12):
            yield library


numbers = st.builds(uleb, st.integers(0, 2**40), st.integers(0, 2))
other_steps = st.one_of(
    st.builds(lambda name: b"\x40" + name.replace(b"\0", b"x") + b"\0", st.binary(max_size=6)),
    st.builds(lambda kind, number: bytes([kind]) + number, st.sampled_from([0x60, 0x75, 0x80, 0xA0]), numbers),
    st.builds(lambda first, second: b"\xc0" + first + second, numbers, numbers),
    st.sampled_from([b"\x51", b"\x90", b"\xb3", b"\x3e", b"\x3f", b"\x30", b"\x90"]),
).map(Step)


def ordinal_steps(count: int) -> st.SearchStrategy[Step]:
    return st.one_of(
        st.builds(lambda library: Step(bytes([0x10 | library]), library), st.integers(0, min(count, 15))),
        st.builds(
            lambda library, padding: Step(b"\x20" + uleb(library, padding), library),
            st.integers(0, count),
            st.integers(0, 3),
        ),
    )


@given(st.data(), st.integers(1, 300))
def test_every_bind_follows_its_library(data: st.DataObject, count: int) -> None:
    dropped = data.draw(st.frozensets(st.integers(1, count), max_size=5))
    steps = data.draw(st.lists(st.one_of(ordinal_steps(count), other_steps), max_size=20))
    before = b"".join(step.encoded for step in steps)
    content = bytearray(before)
    renumber_opcodes(content, Part(0, len(before)), numbering_after(count, dropped, {}, ""), lazy=False)
    assert len(content) == len(before)
    kept = [0, *(library for library in range(1, count + 1) if library not in dropped)]
    wanted = [-2 if library in dropped else library for library in libraries_of(before)]
    assert [library if library < 0 else kept[library] for library in libraries_of(bytes(content))] == wanted
    at = 0
    for step in steps:
        if step.library is None:
            assert content[at : at + len(step.encoded)] == step.encoded
        at += len(step.encoded)


@given(stream=st.binary(max_size=40), lazy=st.booleans())
def test_no_stream_does_worse_than_a_clear_error(*, stream: bytes, lazy: bool) -> None:
    content = bytearray(stream)
    try:
        renumber_opcodes(content, Part(0, len(stream)), numbering_after(3, frozenset({1}), {}, ""), lazy=lazy)
    except InvalidBinaryError:
        return
    assert len(content) == len(stream)


def fixups(layout: int, imports: bytes, count: int, version: int = 0, offset: int = 32) -> bytes:
    """Return chained fixups whose imports lie between other bytes."""
    header = struct.pack("<7I", version, 28, offset, offset + len(imports), count, layout, 0)
    return header + b"\x02\x02\x02\x02" + imports + b"\0_f\0\2"


def import_of(layout: int, library: int, weak: int = 1, name: int = 0x1234) -> bytes:
    """Return one import, laid out as the bit fields of `mach-o/fixup-chains.h` are on little-endian machines."""
    if layout == 1:
        return struct.pack("<I", library & 0xFF | weak << 8 | name << 9)
    if layout == 2:
        return struct.pack("<Ii", library & 0xFF | weak << 8 | name << 9, -2)
    return struct.pack("<QQ", library & 0xFFFF | weak << 16 | name << 32, 2)


@pytest.mark.parametrize("layout", [1, 2, 3])
def test_imports_of_chained_fixups_follow_their_libraries(layout: int) -> None:
    before = [0, 1, 2, 3, 2, 200, -1, -2, -3]
    after = [0, 1, -2, 2, -2, 199, -1, -2, -3]
    content = bytearray(b"\2" * 8 + fixups(layout, b"".join(import_of(layout, item) for item in before), 9))
    renumber_imports(content, Part(8, len(content)), WITHOUT_TWO)
    assert content == b"\2" * 8 + fixups(layout, b"".join(import_of(layout, item) for item in after), 9)


def test_wide_imports_reach_libraries_that_a_byte_cannot_name() -> None:
    content = bytearray(fixups(3, import_of(3, 300), 1))
    renumber_imports(content, Part(0, len(content)), numbering_after(300, frozenset({1}), {}, ""))
    assert content == fixups(3, import_of(3, 299), 1)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (bytes(27), "the header of the chained fixups is cut short"),
        (fixups(1, b"\1\0\0\0", 1, version=1), "chained fixups of version 1 with imports of format 1"),
        (fixups(4, b"\1\0\0\0", 1), "chained fixups of version 0 with imports of format 4"),
        (fixups(1, b"\1\0\0\0", 9), "the imports lie outside of the chained fixups"),
        (fixups(1, b"\1\0\0\0", 1, offset=8), "the imports lie outside of the chained fixups"),
        (fixups(1, import_of(1, 3) + import_of(1, 201), 2), "a symbol of library 201, of 200, at offset 0x24"),
        (fixups(3, import_of(3, 3) + import_of(3, 201), 2), "a symbol of library 201, of 200, at offset 0x30"),
    ],
)
def test_damaged_fixups_are_an_error(content: bytes, what: str) -> None:
    with pytest.raises(InvalidBinaryError) as caught:
        renumber_imports(bytearray(content), Part(0, len(content)), WITHOUT_TWO)
    assert caught.value.what.startswith(what)


def trie(symbol: bytes) -> bytes:
    """Return the exports `_ab`, described by `symbol`, and `_c`, an ordinary one at 0x202."""
    ends = bytes([len(symbol)]) + symbol + b"\0"
    return b"\0\1_\0\5" + b"\0\2ab\0\x0ec\0" + bytes([14 + len(ends)]) + ends + b"\3\0\x82\4\0"


def exports_after(content: bytes) -> bytes:
    edited = bytearray(b"\2" + content)
    renumber_reexports(edited, Part(1, len(edited)), WITHOUT_TWO)
    return bytes(edited[1:])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\x08\3_x\0", b"\x08\2_x\0"),
        (b"\x08\x80\x01\0", b"\x08\xff\0\0"),
        (b"\x08\1\0", b"\x08\1\0"),
        (b"\0\2", b"\0\2"),  # an address, not a library
        (b"\x10\2\3", b"\x10\2\3"),  # a resolver
    ],
)
def test_symbols_passed_on_follow_their_library(before: bytes, after: bytes) -> None:
    assert exports_after(trie(before)) == trie(after)


def test_an_empty_table_of_exports_has_nothing_to_change() -> None:
    assert exports_after(b"") == b""


def test_a_library_whose_symbols_are_passed_on_stays() -> None:
    with pytest.raises(RefusedError, match=r"m\.so: .*passes on symbols"):
        exports_after(trie(b"\x08\2\0"))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\0\1a\0\0", "the exported symbols lie over each other"),
        (b"\0\1a\0\x05", "a branch of the exported symbols leads outside"),
        (b"\0\2a\0\x08b\0\x08\0\0", "the exported symbols lie over each other"),
        (b"\0\1a", "a name without an end"),
        (b"\0\1a\0", "a number without an end"),
        (b"\5\0", "an exported symbol reaches past the end of its table"),
        (b"\1\x08\0", "a number without an end"),
        (b"\0", "an exported symbol reaches past the end of its table"),
        (b"\4\x08\xc9\1\0\0", "a symbol of library 201"),
    ],
)
def test_damaged_exports_are_an_error(content: bytes, what: str) -> None:
    with pytest.raises(InvalidBinaryError) as caught:
        exports_after(content)
    assert caught.value.what.startswith(what)


def test_a_long_row_of_exports_is_walked_without_recursion() -> None:
    content = b"".join(b"\0\1a\0" + uleb(7 * (number + 1), 3 - len(uleb(7 * (number + 1)))) for number in range(5000))
    content += b"\2\0\1\0"
    assert len(content) == 7 * 5000 + 4
    assert exports_after(content) == content


def test_merged_libraries_take_the_number_of_the_one_that_stays() -> None:
    assert numbering_after(4, frozenset({1}), {2: 4}, "").after == (0, -2, 2, 1, 2)
