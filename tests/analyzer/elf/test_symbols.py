"""Symbol tables, with pyelftools as the second opinion on real files."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal

import pytest

from support import elf_oracle
from support.elf_bytes import BASE, DYNAMIC, GNU_HASH, NEEDED, STRSZ, STRTAB, SYMENT, Elf, Sym, Ver, split_debug
from support.fixtures import FIXTURES, family, odd
from truewheel.analyzer.elf.image import Symbol
from truewheel.analyzer.elf.reader import read_image
from truewheel.analyzer.elf.symbols import provided, read_symbols
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from pathlib import Path

Hash = Literal["gnu", "sysv"]
ALL = sorted(
    path for path in (FIXTURES / "elf").rglob("*") if path.is_file() and path.name not in ("sectionless.so", "static")
)
HIDDEN = 0x8000

each_hash = pytest.mark.parametrize("hashes", [("gnu",), ("sysv",), ("gnu", "sysv"), ()], ids=str)
each_shape = pytest.mark.parametrize(
    ("bits", "order"), [(64, "little"), (64, "big"), (32, "little"), (32, "big")], ids=str
)


def by_name(path: Path) -> str:
    return str(path.relative_to(FIXTURES / "elf"))


@pytest.mark.parametrize("path", ALL, ids=by_name)
def test_agrees_with_pyelftools(path: Path) -> None:
    found = read_symbols(path.read_bytes(), str(path))
    assert [(item.name, item.defined, item.weak, item.version, item.library) for item in found] == elf_oracle.symbols(
        path
    )


@pytest.mark.parametrize("path", ALL, ids=by_name)
def test_imports_agree_with_pyelftools(path: Path) -> None:
    wanted = [item for item in elf_oracle.symbols(path) if not item[1] and not item[2]]
    image = read_image(path.read_bytes(), str(path))
    assert image.imports == {name for name, *_ in wanted}
    assert image.unversioned_imports == tuple(sorted({name for name, *_, version, _ in wanted if version is None}))


@pytest.mark.parametrize("path", ALL, ids=by_name)
def test_provided_agrees_with_pyelftools(path: Path) -> None:
    symbols = elf_oracle.symbols(path)
    defined = {name for name, is_defined, *_ in symbols if is_defined}
    asked = [name for name, *_ in symbols] + ["absent", "", "greet_text_3"]
    assert provided(path.read_bytes(), asked, str(path)) == defined


def test_reads_a_file_without_section_headers() -> None:
    assert read_symbols(odd("sectionless.so").read_bytes(), "x") == read_symbols(
        family("x86_64").extension.read_bytes(), "x"
    )


def test_a_static_program_has_no_symbols() -> None:
    data = odd("static").read_bytes()
    assert read_symbols(data, "static") == ()
    assert provided(data, ["main"], "static") == frozenset()


def test_a_library_without_a_symbol_table_has_none() -> None:
    data = Elf(named=[(NEEDED, "libc.so.6")]).build().data
    assert read_symbols(data, "x") == ()
    assert provided(data, ["free"], "x") == frozenset()


def test_a_file_that_is_not_read_has_no_symbols() -> None:
    symbols = [Sym("a")]
    assert read_symbols(Elf(symbols=symbols, type=1).build().data, "x.o") == ()
    assert read_symbols(Elf(symbols=symbols, machine=190).build().data, "x.cubin") == ()
    assert provided(Elf(symbols=symbols, machine=190).build().data, ["a"], "x.cubin") == frozenset()
    assert read_symbols(split_debug(family("x86_64").tone.read_bytes()), "x.debug") == ()


@each_hash
@each_shape
def test_reads_every_kind_of_table(
    bits: Literal[32, 64], order: Literal["little", "big"], hashes: tuple[Hash, ...]
) -> None:
    names = [f"f{number}" for number in range(40)]
    data = (
        Elf(
            bits=bits,
            byte_order=order,
            hashes=hashes,
            buckets=7,
            needs=[("libc.so.6", [Ver("GLIBC_2.5", 3)])],
            defines=[Ver("x.so", 1, flags=1), Ver("X_1", 2)],
            symbols=[
                Sym("free", defined=False, version=3),
                Sym("maybe", defined=False, binding=2),
                *(Sym(name, version=2) for name in names),
                Sym("local", binding=0),
            ],
        )
        .build()
        .data
    )
    symbols = read_symbols(data, "x")
    assert symbols[:2] == (
        Symbol("free", defined=False, weak=False, version="GLIBC_2.5", library="libc.so.6"),
        Symbol("maybe", defined=False, weak=True),
    )
    assert set(symbols[2:]) == {Symbol(name, defined=True, weak=False, version="X_1") for name in names}
    assert provided(data, [*names, "free", "local", "f40"], "x") == set(names)
    assert read_image(data, "x").imports == {"free"}


def test_counts_by_the_other_table_when_the_first_is_empty() -> None:
    symbols = [Sym(name, defined=False) for name in ("a", "b", "c")]
    data = Elf(symbols=symbols, hashes=("gnu", "sysv"), empty_gnu_hash=True).build().data
    assert read_image(data, "x").imports == {"a", "b", "c"}


def test_counts_up_to_the_next_table_when_no_table_counts() -> None:
    symbols = [Sym(name, defined=False) for name in ("a", "b", "c")]
    data = Elf(symbols=symbols, empty_gnu_hash=True).build().data
    assert read_image(data, "x").imports == {"a", "b", "c"}
    assert [item.name for item in read_symbols(data, "x")] == ["a", "b", "c"]


def test_believes_the_count_of_a_hash_table() -> None:
    built = Elf(symbols=[Sym(name, defined=False) for name in "abcd"], hashes=("sysv",)).build()
    data = built.patched(built.at["sysv_hash"] + 4, struct.pack("<I", 3))
    assert [item.name for item in read_symbols(data, "x")] == ["a", "b"]


def test_counts_up_to_the_end_of_the_segment_when_no_table_follows() -> None:
    symbols = [Sym(name, defined=False) for name in "ab"]
    elf = Elf(notes=[(0, 4, b"\0x\0y\0z\0")], symbols=symbols, hashes=())
    elf.numbers = [(STRTAB, BASE + elf.build().at["note0"]), (STRSZ, 5)]
    # Names 1 and 3 are those of `a` and `b`; what follows the table is no symbol.
    assert read_image(elf.build().data, "x").imports == {"x", "y"}


def test_counts_up_to_the_first_entry_that_is_no_symbol() -> None:
    built = Elf(symbols=[Sym(name, defined=False) for name in "abcd"], hashes=()).build()
    third = built.at["symbols"] + 3 * 24
    assert read_image(built.patched(third, b"XXXX"), "x").imports == {"a", "b"}
    assert read_image(built.patched(third + 4, b"\x52"), "x").imports == {"a", "b"}
    assert read_image(built.patched(third + 4, b"\x1f"), "x").imports == {"a", "b"}


def test_counts_by_a_table_of_a_linker_that_writes_the_number() -> None:
    built = Elf(symbols=[Sym(name, defined=False) for name in ("a", "b")], empty_gnu_hash=True).build()
    data = built.patched(built.at["gnu_hash"] + 4, struct.pack("<I", 3))
    assert [item.name for item in read_symbols(data, "x")] == ["a", "b"]


def test_finds_hashed_imports_of_programs() -> None:
    built = Elf(type=2, symbols=[Sym("a", defined=False), Sym("free"), Sym("own")], buckets=1).build()
    names = [item.name for item in read_symbols(built.data, "x")]
    section_of_free = built.at["symbols"] + (1 + names.index("free")) * 24 + 6
    image = read_image(built.patched(section_of_free, b"\0\0"), "x")
    assert image.imports == {"a", "free"}


def test_reads_wide_and_narrow_hash_tables_of_s390x() -> None:
    for word in (4, 8):
        elf = Elf(machine=22, byte_order="big", hashes=("sysv",), hash_word=word, symbols=[Sym("a"), Sym("b")])
        data = elf.build().data
        assert provided(data, ["a", "b", "c"], "x") == {"a", "b"}
        assert len(read_symbols(data, "x")) == 2


def test_a_version_that_no_table_names_is_none() -> None:
    elf = Elf(needs=[("libc.so.6", [Ver("V", 2)])], symbols=[Sym("a", defined=False, version=9)])
    data = elf.build().data
    assert read_symbols(data, "x") == (Symbol("a", defined=False, weak=False),)
    assert read_image(data, "x").unversioned_imports == ("a",)


@each_hash
def test_old_hidden_definitions_are_found_and_later_ones_are_not(hashes: tuple[Hash, ...]) -> None:
    elf = Elf(
        hashes=hashes,
        defines=[Ver("V1", 2), Ver("V2", 3)],
        symbols=[Sym("first", version=HIDDEN | 2), Sym("later", version=HIDDEN | 3), Sym("newest", version=3)],
    )
    assert provided(elf.build().data, ["first", "later", "newest"], "x") == {"first", "newest"}


def test_shows_and_keeps_apart_names_that_are_not_utf8() -> None:
    data = Elf(symbols=[Sym(b"\xff", defined=False), Sym("é")]).build().data
    assert read_image(data, "x").imports == {"\\xff"}
    assert provided(data, ["é", "\\xff"], "x") == {"é"}


@pytest.mark.parametrize(
    ("where", "exported", "imported", "expected"),
    [
        ("a/m.so", ["PyInit_m", "PyInit_other"], [], ["PyInit_m"]),
        ("a/m.so", ["PyInit_m", "PyInit_other"], ["PyModule_Create2"], ["PyInit_m", "PyInit_other"]),
        ("a/m.cpython-311-x86_64-linux-gnu.so", ["PyInit_m"], [], ["PyInit_m"]),
        ("a/m.so", ["PyModExport_m"], [], ["PyModExport_m"]),
        ("a/m.so", ["_cffi_pypyinit_m"], [], ["_cffi_pypyinit_m"]),
        ("a/m.so", ["initm", "initn"], ["_PyObject_New"], ["initm"]),
        ("a/libm.so", ["PyInit_m", "PyInitialize"], [], []),
        ("a/x.so", ["PyInitialize", "APyInit_x"], ["PyModule_Create2"], []),
        ("münchen.so", ["PyInitU_mnchen_3ya"], [], ["PyInitU_mnchen_3ya"]),
        ("münchen.so", ["PyInitU_mnchen_3ya", "PyInitU_x"], ["Py_None"], ["PyInitU_mnchen_3ya", "PyInitU_x"]),
        ("", ["init"], [], []),
    ],
)
def test_finds_the_init_functions_of_python(
    where: str, exported: list[str], imported: list[str], expected: list[str]
) -> None:
    symbols = [*(Sym(name, defined=False) for name in imported), *(Sym(name) for name in exported)]
    data = Elf(symbols=symbols).build().data
    assert read_image(data, where).python_inits == tuple(expected)
    assert read_image(memoryview(data), where).python_inits == tuple(expected)


def test_an_imported_init_function_does_not_count() -> None:
    data = Elf(symbols=[Sym("PyInit_m", defined=False)]).build().data
    assert read_image(data, "m.so").python_inits == ()


def test_refuses_a_flood_of_init_functions() -> None:
    symbols = [Sym("Py_None", defined=False), Sym(b"PyInit\0" * 5000)]
    with pytest.raises(InvalidBinaryError, match="more than 4096 names of init functions"):
        read_image(Elf(symbols=symbols).build().data, "m.so")


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([(SYMENT, 23)], "symbols of 23 bytes, not 24"),
        ([(6, 0x10)], "the symbol table lies at address 0x10, which no segment fills"),
        ([(GNU_HASH, 0x10)], "DT_GNU_HASH lies at address 0x10"),
    ],
)
def test_refuses_tables_that_lie_nowhere(numbers: list[tuple[int, int]], message: str) -> None:
    data = Elf(symbols=[Sym("a")], numbers=numbers).build().data
    with pytest.raises(InvalidBinaryError, match=message):
        read_symbols(data, "x")


def test_refuses_versions_that_do_not_reach_all_symbols() -> None:
    built = Elf(
        symbols=[Sym(f"f{number}", defined=False) for number in range(2000)], needs=[("libc.so.6", [Ver("V", 2)])]
    ).build()
    at = built.data.index(struct.pack("<QQ", 0x6FFFFFF0, 0x40000 + built.at["versym"])) + 8
    late = struct.pack("<Q", 0x40000 + len(built.data) - 8)
    with pytest.raises(InvalidBinaryError, match="the version symbol table reaches past the end"):
        read_image(built.patched(at, late), "x")


def test_the_builder_marks_its_dynamic_segment() -> None:
    # A guard: were the builder to write no dynamic section, most tests above would pass on empty answers.
    data = Elf(symbols=[Sym("a")]).build().data
    assert struct.pack("<I", DYNAMIC) in data[64 : 64 + 3 * 56 : 1]
    assert read_symbols(data, "x") == (Symbol("a", defined=True, weak=False),)
