from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

import lief
import pytest

from support.fixtures import mac_family, mac_odd
from support.mac_python import run_python, runs_mac_code
from support.macho_bytes import (
    BUNDLE,
    DYLD_CHAINED_FIXUPS,
    DYLD_EXPORTS_TRIE,
    DYLD_INFO,
    DYLD_INFO_ONLY,
    LAZY_LOAD_DYLIB,
    LOAD_UPWARD_DYLIB,
    LOAD_WEAK_DYLIB,
    REEXPORT_DYLIB,
    SYMTAB,
    Cmd,
    Macho,
    Sym,
    defined,
    dylib,
    dylib_use,
    text,
)
from truewheel.analyzer.macho.commands import load_commands
from truewheel.bundler.macho.edit import edit_macho
from truewheel.bundler.macho.ordinals import NOTHING, drop_libraries, refuse_to_drop, repeated_libraries
from truewheel.bundler.plan import MachoEdit, SliceEdit
from truewheel.errors import DefectError, InvalidBinaryError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUB_UMBRELLA, SUB_LIBRARY, TWOLEVEL_HINTS = 0x13, 0x15, 0x16
FIRST, SECOND, THIRD = dylib("/opt/a/liba.dylib"), dylib("/opt/b/libb.dylib"), dylib("/opt/c/libc.dylib")
TWO_LEVEL, FLAT = 0x85, 0x4


class Wanted(NamedTuple):
    """One symbol of another library. library: the number that dyld would look it up by."""

    name: str
    library: int


def bindings(content: bytes) -> list[Wanted]:
    """Return what dyld binds, as LIEF reads it; a number that fits in a byte may come out of it unsigned."""
    parsed = lief.MachO.parse(list(content))
    assert parsed is not None
    found = [(item.symbol, item.library_ordinal) for binary in parsed for item in binary.bindings]
    return sorted(Wanted(str(symbol and symbol.name), item - 256 if item > 0xF0 else item) for symbol, item in found)


def symbol_libraries(content: bytes) -> list[Wanted]:
    """Return the undefined symbols with the high byte of their descriptions, as LIEF reads them."""
    parsed = lief.MachO.parse(list(content))
    assert parsed is not None
    found = [item for binary in parsed for item in binary.symbols if item.raw_type == 1]
    return [Wanted(str(item.name), item.description >> 8) for item in found]


def dropped(content: bytes, *ordinals: int, merged: Mapping[int, int] = NOTHING) -> bytes:
    edited = bytearray(content)
    drop_libraries(edited, frozenset(ordinals), "m.so", merged=merged)
    assert len(edited) == len(content)
    return bytes(edited)


def slice_with(
    *tables: tuple[int, bytes],
    names: tuple[Cmd, ...] = (FIRST, SECOND, THIRD),
    symbols: list[Sym] | None = None,
    flags: int = TWO_LEVEL,
) -> bytes:
    return Macho("arm64", BUNDLE, flags, list(names), symbols=symbols, linkedit=list(tables)).build()


def with_dyld_info(kind: int, bind: bytes = b"", lazy: bytes = b"", exports: bytes = b"") -> bytes:
    """Return a slice whose LC_DYLD_INFO tells of three tables, which other commands of made-up numbers brought in."""
    tables = [(0x7F01, bind), (0x7F02, lazy), (0x7F03, exports)]
    content = bytearray(slice_with(*tables, names=(FIRST, SECOND, THIRD, Cmd(kind, "10I", (0,) * 10))))
    at = content.index(struct.pack("<2I", kind, 48))
    for (number, _), field in zip(tables, (16, 32, 40), strict=True):
        place = content.index(struct.pack("<2I", number, 16)) + 8
        content[at + field : at + field + 8] = content[place : place + 8]
    return bytes(content)


@pytest.mark.parametrize("name", ["needs-libpython.so", "needs-framework-python.so"])
def test_what_was_bound_to_python_is_looked_up_everywhere(name: str) -> None:
    before = mac_odd(name).read_bytes()
    assert bindings(before) == [
        ("_PyModule_Create2", 2),
        ("_PyUnicode_FromString", 2),
        ("_greet_text", 1),
        ("dyld_stub_binder", 3),
    ]
    after = dropped(before, 2)
    assert bindings(after) == [
        ("_PyModule_Create2", -2),
        ("_PyUnicode_FromString", -2),
        ("_greet_text", 1),
        ("dyld_stub_binder", 2),
    ]
    assert symbol_libraries(after) == [
        ("_PyModule_Create2", 0xFE),
        ("_PyUnicode_FromString", 0xFE),
        ("_greet_text", 1),
        ("dyld_stub_binder", 2),
    ]


def test_the_header_and_its_flags_stay() -> None:
    before = mac_odd("needs-libpython.so").read_bytes()
    start = load_commands(before, 0, "").header.end
    assert dropped(before, 2)[:start] == before[:start]


@pytest.mark.parametrize("name", ["chained.so", "chained-arm64.so"])
def test_chained_fixups_of_a_linker_follow_too(name: str) -> None:
    before = mac_odd(name).read_bytes()
    libraries = dict(bindings(before))
    assert libraries["_greet_text"] == 1
    after = dropped(before, 1)
    assert dict(bindings(after)) == {**libraries, "_greet_text": -2}
    assert dict(symbol_libraries(after))["_greet_text"] == 0xFE


def test_nothing_to_remove_changes_nothing() -> None:
    assert dropped(b"no Mach-O file") == b"no Mach-O file"


@pytest.mark.parametrize("kind", [DYLD_INFO, DYLD_INFO_ONLY])
def test_all_tables_of_the_dyld_info_are_renumbered(kind: int) -> None:
    before = with_dyld_info(kind, b"\x11\x12\x13\0\x13", b"\x12\0\x13\0", b"\0\1a\0\5\3\x08\3\0\0")
    after = with_dyld_info(kind, b"\x11\x3e\x12\0\x13", b"\x3e\0\x12\0", b"\0\1a\0\5\3\x08\2\0\0")
    assert dropped(before, 2) == after


def test_tables_that_are_not_there_have_nothing_to_change() -> None:
    assert dropped(with_dyld_info(DYLD_INFO_ONLY, b"\x13\0"), 2) == with_dyld_info(DYLD_INFO_ONLY, b"\x12\0")


def test_a_trie_of_its_own_and_chained_fixups_are_renumbered() -> None:
    fixups = struct.pack("<7I", 0, 28, 28, 40, 3, 1, 0)
    before = slice_with(
        (DYLD_CHAINED_FIXUPS, fixups + struct.pack("<3I", 1, 2, 3)), (DYLD_EXPORTS_TRIE, b"\0\1a\0\5\3\x08\3\0\0")
    )
    after = slice_with(
        (DYLD_CHAINED_FIXUPS, fixups + struct.pack("<3I", 1, 0xFE, 2)), (DYLD_EXPORTS_TRIE, b"\0\1a\0\5\3\x08\2\0\0")
    )
    assert dropped(before, 2) == after


SYMBOLS = [
    ("local", 0x0E, 0x200, 0x200),
    ("private_undefined", 0x11, 0x200, 0xFE00),
    ("stab", 0x24, 0x200, 0x200),
    ("passed_on", 0x0B, 0x200, 0x200),  # N_INDR keeps no library there
    ("own", 0x01, 0x0001, 0x0001),
    ("first", 0x01, 0x0101, 0x0101),
    ("second", 0x01, 0x0241, 0xFE41),
    ("third", 0x01, 0x0340, 0x0240),
    ("prebound", 0x0D, 0x0300, 0x0200),
    ("anywhere", 0x01, 0xFE00, 0xFE00),
    ("program", 0x01, 0xFF00, 0xFF00),
]


def symbols(column: int) -> list[Sym]:
    return [Sym(row[0], row[1], 0, (row[2], row[3])[column]) for row in SYMBOLS]


@pytest.mark.parametrize("arch", ["i386", "x86_64", "arm64", "ppc", "ppc64"])
def test_undefined_symbols_of_every_architecture_follow_their_library(arch: str) -> None:
    before, after = (
        Macho(arch, BUNDLE, commands=[FIRST, SECOND, THIRD], symbols=symbols(column)).build() for column in (0, 1)
    )
    assert dropped(before, 2) == after


def test_without_two_levels_symbols_have_no_library() -> None:
    content = slice_with(symbols=symbols(0), flags=FLAT)
    assert dropped(content, 2) == content


def test_hints_of_removed_libraries_are_forgotten() -> None:
    wanted = [Sym("a", 1, 0, 0x100), Sym("b", 1, 0, 0x200), Sym("c", 1, 0, 0x300), Sym("d", 1, 0, 0x200)]
    flat = [Sym("a", 1, 0, 0x100), Sym("b", 1, 0, 0xFE00), Sym("c", 1, 0, 0x200), Sym("d", 1, 0, 0xFE00)]

    def build(symbols: list[Sym], hints: tuple[int, ...]) -> bytes:
        table = struct.pack("<3I", *hints)
        content = bytearray(slice_with((0x7F01, table), symbols=[defined("own"), *symbols]))
        at = content.index(struct.pack("<2I", 0x7F01, 16))
        start, size = struct.unpack_from("<2I", content, at + 8)
        struct.pack_into("<4I", content, at, TWOLEVEL_HINTS, 16, start, size // 4)
        return bytes(content)

    assert dropped(build(wanted, (0x105, 0x206, 0x307)), 2) == build(flat, (0x105, 0, 0x307))


def test_two_names_of_one_library_become_one() -> None:
    before = mac_odd("two-names.so").read_bytes()
    names = [("_PyModule_Create2", -2), ("_PyUnicode_FromString", -2)]
    assert bindings(before) == [*names, ("_greet_text", 1), ("dyld_stub_binder", 3)]
    commands = load_commands(before, 0, "")
    new = "@loader_path/libg.dylib"
    merged = repeated_libraries(commands, {"/opt/hello/lib/libg.dylib": new, "/opt/hello/lib/libg.1.dylib": new})
    assert merged == {2: 1}
    assert bindings(dropped(before, merged=merged)) == [*names, ("_greet_text", 1), ("dyld_stub_binder", 2)]
    assert bindings(dropped(before, merged={1: 2})) == [*names, ("_greet_text", 1), ("dyld_stub_binder", 2)]
    assert bindings(dropped(before, 2, merged={1: 3})) == [*names, ("_greet_text", 1), ("dyld_stub_binder", 1)]


@pytest.mark.parametrize(
    ("names", "renamed", "repeated"),
    [
        (("/a", "/b", "/c"), {"/a": "/x", "/b": "/y"}, {}),
        (("/a", "/b", "/c"), {"/a": "/c"}, {3: 1}),
        (("/a", "/b", "/c", "/d"), {"/a": "/x", "/b": "/y", "/c": "/x", "/d": "/x"}, {3: 1, 4: 1}),
        (("/a", "/b", "/a"), {"/b": "/x"}, {}),  # as the linker made it
        (("/a", "/b", "/a"), {"/a": "/x"}, {3: 1}),
        (("/a", "/b", "/A"), {"/a": "/b"}, {2: 1}),
    ],
)
def test_names_that_become_the_same_are_found(
    names: tuple[str, ...], renamed: dict[str, str], repeated: dict[int, int]
) -> None:
    content = slice_with(names=tuple(dylib(name) for name in names))
    assert repeated_libraries(load_commands(content, 0, ""), renamed) == repeated


@pytest.mark.parametrize("kind", [REEXPORT_DYLIB, LOAD_UPWARD_DYLIB])
def test_of_two_names_the_one_stays_that_is_more_than_bound_to(kind: int) -> None:
    content = slice_with(names=(dylib("/a"), dylib("/b", kind)))
    assert repeated_libraries(load_commands(content, 0, ""), {"/a": "/b"}) == {1: 2}


def test_lazy_libraries_may_be_named_twice() -> None:
    content = slice_with(names=(dylib("/a"), dylib("/b", LAZY_LOAD_DYLIB)))
    assert repeated_libraries(load_commands(content, 0, ""), {"/a": "/b"}) == {}


@pytest.mark.parametrize("merged", [{1: 1}, {1: 2, 2: 4}, {1: 5}, {1: 0}, {1: 3}])
def test_merging_with_what_does_not_stay_is_a_mistake_of_the_caller(merged: dict[int, int]) -> None:
    with pytest.raises(DefectError, match="cannot be merged"):
        dropped(slice_with(names=(FIRST, SECOND, THIRD, dylib("/d"))), 3, merged=merged)


@pytest.mark.parametrize("ordinals", [{0}, {4}, {1, 4}, {-1}])
def test_a_number_without_a_library_is_a_mistake_of_the_caller(ordinals: set[int]) -> None:
    with pytest.raises(DefectError, match="of 3 cannot be removed"):
        dropped(slice_with(), *ordinals)


@pytest.mark.parametrize(
    ("names", "ordinals", "reason"),
    [
        ((FIRST, dylib("/b", REEXPORT_DYLIB)), {2}, "/b: this file passes its symbols on as its own"),
        ((FIRST, dylib("/b", LOAD_UPWARD_DYLIB)), {2}, "/b: it needs this file in turn"),
        ((FIRST, dylib("/b", LAZY_LOAD_DYLIB)), {2}, "/b: it is loaded on first use"),
        ((FIRST, dylib_use("/b", 2)), {2}, "/b: this file passes its symbols on as its own"),
        ((FIRST, dylib_use("/b", 4)), {2}, "/b: it needs this file in turn"),
        ((FIRST, dylib("/b", LAZY_LOAD_DYLIB), THIRD), {1}, "/opt/c/libc.dylib: it comes after a lazy dependency"),
        ((FIRST,), {1}, "no other library would be left"),
        ((FIRST, SECOND), {1, 2}, "no other library would be left"),
        ((FIRST, SECOND, text(SUB_LIBRARY, "libb")), {1}, "the file passes symbols on in the way of Mac OS X 10.4"),
        ((FIRST, SECOND, text(SUB_UMBRELLA, "b")), {1}, "the file passes symbols on in the way of Mac OS X 10.4"),
        (tuple(dylib(f"/l{number}") for number in range(254)), {1}, "there are 254 libraries, more than the 253"),
    ],
)
def test_a_library_that_is_more_than_bound_to_stays(names: tuple[Cmd, ...], ordinals: set[int], reason: str) -> None:
    content = slice_with(names=names)
    with pytest.raises(RefusedError) as caught:
        refuse_to_drop(load_commands(content, 0, "m.so"), frozenset(ordinals))
    assert caught.value.reasons[0].startswith(reason)
    assert len(caught.value.reasons) == 1
    assert (caught.value.where, reason in caught.value.what) == ("m.so", True)
    with pytest.raises(RefusedError):
        dropped(content, *ordinals)


@pytest.mark.parametrize(
    "name",
    [
        dylib("/b", LOAD_WEAK_DYLIB),
        dylib_use("/b", 1),
        dylib_use("/b", 8),
        Cmd(0xC, "4I", (24, 0x1A741800, 0, 0), b"/b\0"),  # a time stamp that looks like the mark of flags
    ],
)
def test_weak_and_delayed_libraries_may_go(name: Cmd) -> None:
    content = slice_with(names=(FIRST, name, THIRD), symbols=[Sym("b", 1, 0, 0x200), Sym("c", 1, 0, 0x300)])
    after = slice_with(names=(FIRST, name, THIRD), symbols=[Sym("b", 1, 0, 0xFE00), Sym("c", 1, 0, 0x200)])
    assert dropped(content, 2) == after


def test_lazy_libraries_at_the_end_do_not_hinder_the_others() -> None:
    names = (FIRST, SECOND, dylib("/c", LAZY_LOAD_DYLIB), dylib("/d", LAZY_LOAD_DYLIB))
    content = slice_with(names=names, symbols=[Sym("c", 1, 0, 0x300)])
    assert dropped(content, 1) == slice_with(names=names, symbols=[Sym("c", 1, 0, 0x200)])


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (Cmd(DYLD_EXPORTS_TRIE, "2I", (0, 8)), "a table of 8 bytes lies outside of the file's content"),
        (Cmd(DYLD_EXPORTS_TRIE, "2I", (0x1FFE, 8)), "a table of 8 bytes lies outside of the file's content"),
        (Cmd(SYMTAB, "4I", (0x1000, 0xFFFFFFFF, 0, 0)), "a table of 68719476720 bytes lies outside"),
        (Cmd(DYLD_EXPORTS_TRIE), "load command 0x80000033 has 8 bytes, too few"),
        (Cmd(DYLD_INFO_ONLY, "4I", (0, 0, 0, 0)), "load command 0x80000022 has 24 bytes, too few"),
    ],
)
def test_tables_out_of_bounds_are_an_error(more: Cmd, what: str) -> None:
    with pytest.raises(InvalidBinaryError) as caught:
        dropped(slice_with(names=(FIRST, SECOND, more)), 1)
    assert caught.value.what.startswith(what)


def test_tables_over_each_other_are_an_error() -> None:
    content = bytearray(slice_with((DYLD_EXPORTS_TRIE, b"\0\0"), (DYLD_CHAINED_FIXUPS, bytes(28))))
    at = content.index(struct.pack("<2I", DYLD_CHAINED_FIXUPS, 16))
    struct.pack_into("<I", content, at + 8, struct.unpack_from("<I", content, at - 8)[0] + 1)
    with pytest.raises(InvalidBinaryError, match="two tables of the linker lie over each other"):
        dropped(bytes(content), 1)


def test_two_tables_of_one_kind_are_an_error() -> None:
    content = slice_with((DYLD_EXPORTS_TRIE, b"\0\0"), (DYLD_EXPORTS_TRIE, b"\0\0"))
    with pytest.raises(InvalidBinaryError, match="a second load command 0x80000033"):
        dropped(content, 1)


def test_a_symbol_of_a_library_that_is_not_there_is_an_error() -> None:
    with pytest.raises(InvalidBinaryError, match="a symbol of library 4, of 3"):
        dropped(slice_with(symbols=[Sym("d", 1, 0, 0x400)]), 1)


@runs_mac_code
@pytest.mark.parametrize(
    ("name", "python"),
    [
        ("needs-libpython.so", "@rpath/libpython3.11.dylib"),
        ("needs-framework-python.so", "/Library/Frameworks/Python.framework/Versions/3.11/Python"),
    ],
)
def test_a_module_finds_python_in_the_process_that_imports_it(tmp_path: Path, name: str, python: str) -> None:
    module, family = tmp_path / "_hello.abi3.so", mac_family("x86_64")
    greet = (("/opt/hello/lib/libgreet.1.dylib", "@loader_path/libgreet.1.dylib"),)
    tone = (("@rpath/libtone.2.dylib", "@loader_path/libtone.2.dylib"),)
    content = mac_odd(name).read_bytes()
    for path, source, edit in (
        (module, content, SliceEdit("x86_64", rename=greet)),
        (tmp_path / "libgreet.1.dylib", family.greet.read_bytes(), SliceEdit("x86_64", rename=tone)),
        (tmp_path / "libtone.2.dylib", family.tone.read_bytes(), SliceEdit("x86_64")),
    ):
        path.write_bytes(edit_macho(source, MachoEdit(path.name, path.name, (edit,))).content)
    code = "import _hello; print(_hello.greet())"
    unrepaired = run_python(tmp_path, code)
    assert unrepaired.code
    assert f"Library not loaded: {python}" in unrepaired.errors
    edit = SliceEdit("x86_64", rename=greet, remove=(python,))
    module.write_bytes(edit_macho(content, MachoEdit(module.name, module.name, (edit,))).content)
    repaired = run_python(tmp_path, code)
    assert (repaired.code, repaired.output) == (0, "hello from libgreet 1, libtone 2\n"), repaired.errors
