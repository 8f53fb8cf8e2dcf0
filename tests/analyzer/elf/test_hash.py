"""Hash tables that lie, and odd ones that do not."""

from __future__ import annotations

import struct
from typing import Literal

import pytest

from support.elf_bytes import BASE, GNU_HASH, HASH, NEEDED, Elf, Sym
from truewheel.analyzer.elf.reader import read_image
from truewheel.analyzer.elf.symbols import provided, read_symbols
from truewheel.errors import InvalidBinaryError

Hash = Literal["gnu", "sysv"]

each_hash = pytest.mark.parametrize("hashes", [("gnu",), ("sysv",), ("gnu", "sysv"), ()], ids=str)


def patch_gnu(offset: int, value: int, **elf: int) -> bytes:
    symbols = [Sym("a", defined=False), *(Sym(f"f{number}") for number in range(4))]
    built = Elf(symbols=symbols, **elf).build()  # type: ignore[arg-type]
    return built.patched(built.at["gnu_hash"] + offset, struct.pack("<I", value))


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (0, 0xFFFF_FFFF, "DT_GNU_HASH reaches past the end"),
        (8, 0xFFFF_FFFF, "DT_GNU_HASH reaches past the end"),
        (4, 1000, "a bucket of DT_GNU_HASH leads outside the table"),
        (32, 0x7FFF_FFFF, "a bucket of DT_GNU_HASH leads outside the table"),
    ],
)
def test_refuses_a_lying_gnu_hash_table(offset: int, value: int, message: str) -> None:
    with pytest.raises(InvalidBinaryError, match=message):
        read_symbols(patch_gnu(offset, value), "x")


def test_refuses_more_symbols_than_the_file_holds() -> None:
    with pytest.raises(InvalidBinaryError, match="the symbol table reaches past the end of its segment"):
        read_image(patch_gnu(4, 1000), "x")
    with pytest.raises(InvalidBinaryError, match="more than 2097152 symbols"):
        read_image(patch_gnu(4, 0xFFFF_FFFF), "x")


def test_a_table_without_buckets_or_filter_finds_by_what_is_left() -> None:
    assert provided(patch_gnu(0, 0), ["f1"], "x") == frozenset()
    built = Elf(symbols=[Sym("f1")], buckets=1).build()
    head = built.at["gnu_hash"]
    without_filter = built.patched(head + 8, bytes(8) + built.data[head + 32 : head + 40])
    assert provided(without_filter, ["f1", "f2"], "x") == {"f1"}


def test_refuses_a_chain_without_end() -> None:
    # One bucket, first symbol 1, no filter; then bucket and chain, and nothing but zeros up to the end of the file.
    table = [(1 | 1 << 32, 0), (1 | 2 << 32, 0)]
    built = Elf(symbols=[Sym("f1")], numbers=[(GNU_HASH, 0), *table]).build()
    start = built.data.index(struct.pack("<4Q", *table[0], *table[1]))
    data = Elf(symbols=[Sym("f1")], numbers=[(GNU_HASH, BASE + start), *table]).build().data
    with pytest.raises(InvalidBinaryError, match="a chain of DT_GNU_HASH has no end"):
        read_symbols(data, "x")
    with pytest.raises(InvalidBinaryError, match="a chain of DT_GNU_HASH has no end"):
        provided(data, ["f1"], "x")


def test_refuses_a_table_that_starts_at_the_end_of_the_file() -> None:
    for tag, message in ((GNU_HASH, "DT_GNU_HASH is cut short"), (HASH, "DT_HASH reaches past the end")):
        hashes: tuple[Hash, ...] = ("gnu",) if tag == GNU_HASH else ("sysv",)
        size = len(Elf(symbols=[Sym("a")], hashes=hashes, numbers=[(tag, 0)]).build().data)
        data = Elf(symbols=[Sym("a")], hashes=hashes, numbers=[(tag, BASE + size - 4)]).build().data
        with pytest.raises(InvalidBinaryError, match=message):
            read_symbols(data, "x")


def test_gives_up_on_chains_that_never_end_in_a_match() -> None:
    # All symbols of one bucket: an honest file of this size has short chains.
    symbols = [Sym(f"f{number}") for number in range(800)]
    data = Elf(symbols=symbols, buckets=1, hashes=("sysv",)).build().data
    with pytest.raises(InvalidBinaryError, match="long beyond reason"):
        provided(data, [f"f{number}" for number in range(800)], "x")


@each_hash
def test_answers_about_many_more_names_than_the_file_has(hashes: tuple[Hash, ...]) -> None:
    data = Elf(symbols=[Sym("a"), Sym("b")], hashes=hashes).build().data
    assert provided(data, [f"a{number}" for number in range(50_000)] + ["b"], "x") == {"b"}


def test_refuses_a_hash_table_that_leads_past_the_symbols() -> None:
    # A chain table as long as the rest of the file: its indices are lawful, the symbols are not there.
    built = Elf(symbols=[Sym("a")], hashes=("sysv",), buckets=1, named=[(NEEDED, "x" * 4000)]).build()
    start = built.at["sysv_hash"]
    data = built.patched(start + 4, struct.pack("<II", 900, 800))
    with pytest.raises(InvalidBinaryError, match="a hash table leads past the end of the symbol table's segment"):
        provided(data, ["a"], "x")


@pytest.mark.parametrize("value", [0xFFFF_FFFF, 0x1000_0000])
@pytest.mark.parametrize("offset", [0, 4])
def test_refuses_a_lying_sysv_hash_table(offset: int, value: int) -> None:
    built = Elf(symbols=[Sym("a")], hashes=("sysv",)).build()
    data = built.patched(built.at["sysv_hash"] + offset, struct.pack("<I", value))
    with pytest.raises(InvalidBinaryError, match="DT_HASH reaches past the end of its segment"):
        read_symbols(data, "x")


def test_refuses_a_sysv_chain_that_runs_in_a_circle() -> None:
    built = Elf(symbols=[Sym("a"), Sym("b")], hashes=("sysv",), buckets=1).build()
    chains = built.at["sysv_hash"] + 8 + 4
    data = built.patched(chains, struct.pack("<III", 0, 2, 1))
    with pytest.raises(InvalidBinaryError, match="back into itself"):
        provided(data, ["absent"], "x")
    with pytest.raises(InvalidBinaryError, match="leads outside the table"):
        provided(built.patched(chains, struct.pack("<III", 0, 99, 99)), ["absent"], "x")


def test_a_sysv_table_without_buckets_finds_nothing() -> None:
    built = Elf(symbols=[Sym("a")], hashes=("sysv",)).build()
    assert provided(built.patched(built.at["sysv_hash"], bytes(4)), ["a"], "x") == frozenset()


def test_does_not_look_at_the_second_hash_table_beside_a_good_first() -> None:
    data = Elf(symbols=[Sym("a", defined=False), Sym("b")], numbers=[(HASH, 0x10)]).build().data
    assert provided(data, ["b"], "x") == {"b"}
