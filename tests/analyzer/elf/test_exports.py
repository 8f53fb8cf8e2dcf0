from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.elf_bytes import Elf, Sym, gnu_hash
from support.fixtures import FIXTURES, family, odd
from truewheel.analyzer.elf import exports as elf_exports
from truewheel.analyzer.elf.exports import AskedName, defined, keep_exports
from truewheel.analyzer.elf.symbols import provided, read_symbols

if TYPE_CHECKING:
    from pathlib import Path

_ALL = sorted(FIXTURES.glob("elf/**/*.so*"))
_PLENTY = 1 << 30


@pytest.mark.parametrize("path", _ALL, ids=lambda path: str(path.relative_to(FIXTURES / "elf")))
def test_what_is_kept_answers_like_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elf_exports, "SMALL", 0)
    data = path.read_bytes()
    names = {symbol.name for symbol in read_symbols(data, path.name)} | {"no_such_name"}
    kept = keep_exports(data, path.name, _PLENTY)
    if kept is None:
        assert provided(data, names, path.name) == frozenset()
        return
    buffer, size = kept
    assert isinstance(buffer, mmap.mmap)
    assert len(buffer) == len(data)
    assert size < len(data)
    expected = provided(data, names, path.name)
    asked = [AskedName.of(name) for name in names]
    assert provided(buffer, names, path.name) == expected
    assert defined(buffer, asked, path.name) == expected
    assert defined(data, asked, path.name) == expected


@pytest.mark.parametrize("hashes", [("gnu",), ("sysv",), ("gnu", "sysv")])
def test_only_tables_take_memory(monkeypatch: pytest.MonkeyPatch, hashes: tuple[Literal["gnu", "sysv"], ...]) -> None:
    monkeypatch.setattr(elf_exports, "SMALL", 0)
    built = Elf(symbols=[Sym("used", defined=False), Sym("given")], hashes=hashes).build()
    data = built.data + b"\xcc" * (1 << 20)
    kept = keep_exports(data, "x", _PLENTY)
    assert kept is not None
    buffer, size = kept
    assert size < 4096
    assert bytes(buffer[len(built.data) :]).count(0) == 1 << 20
    assert provided(buffer, ["given", "used"], "x") == {"given"}


def test_small_files_are_kept_whole() -> None:
    data = family("x86_64").tone.read_bytes()
    assert keep_exports(data, "x", _PLENTY) == (data, len(data))
    assert keep_exports(memoryview(data), "x", _PLENTY) == (data, len(data))
    assert keep_exports(data, "x", len(data) - 1) is None


def test_nothing_is_kept_beyond_the_limit_or_without_symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    assert keep_exports(odd("static").read_bytes(), "x", _PLENTY) is None
    assert keep_exports(Elf(symbols=[Sym("given")], hashes=()).build().data, "x", _PLENTY) is None
    monkeypatch.setattr(elf_exports, "SMALL", 0)
    assert keep_exports(family("x86_64").tone.read_bytes(), "x", 10) is None


@given(st.text(max_size=40))
def test_the_hash_of_a_name_is_the_linkers(name: str) -> None:
    assert AskedName.of(name).gnu_hash == gnu_hash(name)


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("hashes", [("gnu",), ("sysv",), ()])
def test_only_defined_names_are_found(
    order: Literal["little", "big"], bits: Literal[32, 64], hashes: tuple[Literal["gnu", "sysv"], ...]
) -> None:
    given_names = [f"given_{number}" for number in range(50)]
    symbols = [Sym("used", defined=False), *(Sym(name) for name in given_names), Sym("local", binding=0)]
    data = Elf(symbols=symbols, byte_order=order, bits=bits, hashes=hashes).build().data
    asked = [AskedName.of(name) for name in (*given_names, "used", "given_50", "other")]
    assert defined(data, asked, "x") == frozenset(given_names)


def test_a_file_without_symbols_defines_nothing() -> None:
    assert defined(odd("static").read_bytes(), [AskedName.of("main")], "x") == frozenset()
    assert defined(Elf(type=1).build().data, [AskedName.of("main")], "x") == frozenset()
