from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import lief
import pytest

from support.fixtures import mac_family, mac_odd
from support.macho_bytes import BUNDLE, SYMTAB, Cmd, Macho, Sym, defined, fat, linked, undefined
from truewheel.analyzer.macho.reader import read_macho
from truewheel.analyzer.macho.symbols import exported_names, python_inits, undefined_names
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from pathlib import Path

EVERY_KIND = [
    defined("outer"),
    undefined("wanted"),
    Sym("_weak_wanted", type=0x01, section=0, description=0x40),
    Sym("_prebound", type=0x0D, section=0),
    Sym("_absolute", type=0x03, section=0),
    Sym("_alias", type=0x0B, section=0),
    Sym("_local", type=0x0E),
    Sym("_private", type=0x1F),
    Sym("_debug", type=0x24),
    Sym("_debug_external", type=0xEF),
    Sym("dyld_stub_binder", type=0x01, section=0),
    Sym("___cxx", type=0x0F),
    Sym(b"_\xff", type=0x0F),
]


def bundle(*symbols: Sym, arch: str = "arm64") -> bytes:
    return replace(linked(arch, None), symbols=list(symbols)).build()


@pytest.mark.parametrize("arch", ["arm64", "i386", "ppc", "ppc64"])
def test_names_that_are_given_and_wanted(arch: str) -> None:
    data = bundle(*EVERY_KIND, arch=arch)
    (item,) = read_macho(data, "x").slices
    assert exported_names(data, item, "x") == {"outer", "absolute", "alias", "__cxx", "\\xff"}
    assert undefined_names(data, item, "x") == {"wanted", "weak_wanted", "prebound", "dyld_stub_binder"}


def test_each_slice_has_its_own_table() -> None:
    slices = [replace(linked(arch), symbols=[defined(f"in_{arch}")]) for arch in ("x86_64", "arm64", "ppc")]
    data = fat(slices)
    found = [exported_names(data, item, "x") for item in read_macho(data, "x").slices]
    assert found == [{"in_x86_64"}, {"in_arm64"}, {"in_ppc"}]


def test_a_slice_without_a_table_has_no_names() -> None:
    data = linked().build()
    (item,) = read_macho(data, "x").slices
    assert exported_names(data, item, "x") == undefined_names(data, item, "x") == frozenset()
    assert python_inits(data, item, "x") == ()


def inits(where: str, *symbols: Sym) -> tuple[str, ...]:
    data = bundle(*symbols)
    return python_inits(data, read_macho(data, where).slices[0], where)


PYTHON = undefined("PyModule_Create2")


def test_the_init_function_with_the_file_name_needs_no_further_proof() -> None:
    assert inits("a/_x.cpython-312-darwin.so", defined("PyInit__x"), defined("f")) == ("PyInit__x",)
    assert inits("_x.so", defined("init_x"), defined("initialize")) == ("init_x",)
    assert inits("_x.pypy.so", defined("_cffi_pypyinit__x")) == ("_cffi_pypyinit__x",)
    assert inits("_x.so", defined("PyModExport__x")) == ("PyModExport__x",)
    # The examples of PEP 489.
    assert inits("lančmít.so", defined("PyInitU_lanmt_2sa6t")) == ("PyInitU_lanmt_2sa6t",)
    assert inits("スパム.so", defined("PyInitU_zck5b2b")) == ("PyInitU_zck5b2b",)


def test_others_count_in_files_that_want_functions_of_python() -> None:
    more = (defined("PyInit_one"), defined("PyInit_two"), defined("initthree"))
    assert inits("all.so", *more, PYTHON) == ("PyInit_one", "PyInit_two")
    assert inits("libpython3.12.dylib", *more) == ()
    assert inits("one.so", *more) == ("PyInit_one",)


def test_init_functions_that_are_wanted_or_hidden_are_none() -> None:
    assert inits("x.so", undefined("PyInit_x"), PYTHON) == ()
    assert inits("x.so", Sym("_PyInit_x", type=0x1F), PYTHON) == ()
    assert inits(".so", defined("f"), PYTHON) == ()


@pytest.mark.parametrize(
    "path",
    [mac_family("universal2").extension, mac_family("arm64").greet, mac_odd("rich.dylib"), mac_odd("weak.so")],
    ids=lambda path: path.name,
)
def test_fixtures_are_read_as_lief_reads_them(path: Path) -> None:
    data = path.read_bytes()
    binaries: Any = lief.MachO.parse(str(path))
    for number, item in enumerate(read_macho(data, path.name).slices):
        symbols = [each for each in binaries.at(number).symbols if each.origin == lief.MachO.Symbol.ORIGIN.SYMTAB]
        public = [each for each in symbols if each.raw_type & 0xE1 == 1 and not each.raw_type & 0x10]
        given = {each.name.removeprefix("_") for each in public if each.raw_type & 0x0E}
        assert exported_names(data, item, path.name) == given
        assert undefined_names(data, item, path.name) == {
            each.name.removeprefix("_") for each in public if not each.raw_type & 0x0E
        }
        assert python_inits(data, item, path.name) == (("PyInit__hello",) if "PyInit__hello" in given else ())


def damaged(*numbers: int) -> None:
    data = Macho(file_type=BUNDLE, commands=[Cmd(SYMTAB, "4I", numbers)]).build()
    exported_names(data, read_macho(data, "x").slices[0], "a/b")


@pytest.mark.parametrize(
    "numbers", [(0, 0xFFFFFFFF, 0, 4), (0xFFFFFFFF, 1, 0, 4), (0, 1, 0xFFFFFFFF, 1), (0, 1, 0, 0xFFFFFFFF)]
)
def test_a_table_outside_of_the_slice_is_damage(numbers: tuple[int, ...]) -> None:
    with pytest.raises(InvalidBinaryError, match="the symbol table reaches past the end of the file"):
        damaged(*numbers)


def test_a_name_outside_of_its_table_is_damage() -> None:
    data = bytearray(bundle(defined("f")))
    at = data.rindex(b" \0_f\0") - 16
    for offset in (5, 0xFFFFFFFF):
        data[at : at + 4] = offset.to_bytes(4, "little")
        with pytest.raises(InvalidBinaryError, match="a symbol's name lies outside of its table"):
            exported_names(data, read_macho(data, "x").slices[0], "x")


def test_names_that_overlap_without_measure_are_damage() -> None:
    # A thousand symbols share one name of 80 kB: that much text fits in no table of this size.
    data = bytearray(bundle(*[defined("")] * 1000, defined("n" * 80_000)))
    (item,) = read_macho(data, "x").slices
    long = data.rindex(b"_" + b"n" * 80_000)
    start = data.rindex(b" \0_\0_\0", 0, long)
    for number in range(1000):
        at = start - 1001 * 16 + number * 16
        data[at : at + 4] = (long - start).to_bytes(4, "little")
    with pytest.raises(InvalidBinaryError, match="the symbols' names overlap beyond reason"):
        exported_names(data, item, "x")
