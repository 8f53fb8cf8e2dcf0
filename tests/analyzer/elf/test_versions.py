"""Version tables that lie."""

from __future__ import annotations

import struct

import pytest

from support.elf_bytes import BASE, VERDEF, VERNEED, Elf, Sym, Ver
from truewheel.analyzer.elf.image import SymbolNeed
from truewheel.analyzer.elf.reader import read_image
from truewheel.errors import InvalidBinaryError

NEED, PART = 16, 16


def test_keeps_needs_in_file_order_and_twice() -> None:
    needs = [("b.so", [Ver("V2", 2), Ver("V1", 3)]), ("a.so", [Ver("V1", 4)]), ("b.so", [Ver("V2", 5, flags=2)])]
    assert read_image(Elf(needs=needs).build().data, "x").symbol_needs == (
        SymbolNeed("b.so", "V2"),
        SymbolNeed("b.so", "V1"),
        SymbolNeed("a.so", "V1"),
        SymbolNeed("b.so", "V2", weak=True),
    )


def test_an_index_that_means_global_gives_no_version() -> None:
    elf = Elf(needs=[("a.so", [Ver("V", 1)])], symbols=[Sym("f", defined=False, version=1)])
    assert read_image(elf.build().data, "x").unversioned_imports == ("f",)


def test_skips_a_library_or_definition_that_counts_no_version() -> None:
    built = Elf(needs=[("a.so", [Ver("V", 2)])], defines=[Ver("D", 3)]).build()
    without_need = built.patched(built.at["verneed"] + 2, b"\0\0")
    assert read_image(without_need, "x").symbol_needs == ()
    without_definition = built.patched(built.at["verdef"] + 6, b"\0\0")
    assert read_image(without_definition, "x").defined_versions == ()


@pytest.mark.parametrize(
    ("table", "offset", "value", "message"),
    [
        ("verneed", 12, 0x7FFF_FFFF, "a symbol version reaches past the end of its segment"),
        ("verneed", 12, 1, "symbol versions overlap"),
        ("verneed", 8, 0x7FFF_FFFF, "a symbol version reaches past the end of its segment"),
        ("verneed", NEED + 12, 0xFFFF_FFFF, "a symbol version reaches past the end of its segment"),
        ("verneed", NEED + 12, 4, "symbol versions overlap"),
        ("verneed", NEED + 8, 0x7FFF_FFFF, "a name lies outside its string table"),
        ("verneed", 4, 0x7FFF_FFFF, "a name lies outside its string table"),
        ("verdef", 16, 1, "symbol versions overlap"),
        ("verdef", 12, 0x7FFF_FFFF, "a defined version's name reaches past the end of its segment"),
    ],
)
def test_refuses_tables_that_lie(table: str, offset: int, value: int, message: str) -> None:
    built = Elf(needs=[("a.so", [Ver("V", 2), Ver("W", 4)]), ("b.so", [Ver("V", 5)])], defines=[Ver("D", 3)]).build()
    data = built.patched(built.at[table] + offset, struct.pack("<I", value))
    with pytest.raises(InvalidBinaryError, match=message) as caught:
        read_image(data, "a/b.so")
    assert caught.value.where == "a/b.so"
    assert "at file offset 0x" in caught.value.what


@pytest.mark.parametrize("tag", [VERNEED, VERDEF])
def test_refuses_tables_that_lie_nowhere(tag: int) -> None:
    with pytest.raises(InvalidBinaryError, match="versions lies at address 0x7, which no segment fills"):
        read_image(Elf(numbers=[(tag, 7)]).build().data, "x")


def test_refuses_libraries_that_share_one_long_chain() -> None:
    # 400 libraries, each pointing at the same 400 versions: 160,000 needs from 13 kB.
    libraries, versions = 400, 400
    table = b""
    for number in range(libraries):
        parts = (libraries - number) * NEED
        table += struct.pack("<HHIII", 1, 1, 1, parts, NEED if number < libraries - 1 else 0)
    for number in range(versions):
        table += struct.pack("<IHHII", 0, 0, 2, 1, PART if number < versions - 1 else 0)
    with pytest.raises(InvalidBinaryError, match="more entries than versions can be told apart"):
        read_image(with_table(VERNEED, table), "x")


def test_refuses_a_chain_longer_than_all_indices() -> None:
    table = struct.pack("<HHHHIII", 1, 0, 2, 0, 0, 0, 20) * 40_000
    with pytest.raises(InvalidBinaryError, match="a chain of symbol versions has more entries"):
        read_image(with_table(VERDEF, table), "x")


def with_table(tag: int, table: bytes) -> bytes:
    """Return a file whose notes, which stand first, are a version table."""
    start = Elf(notes=[(0, 4, table)], named=[(14, "x")], numbers=[(tag, 0)]).build().at["note0"]
    return Elf(notes=[(0, 4, table)], named=[(14, "x")], numbers=[(tag, BASE + start)]).build().data
