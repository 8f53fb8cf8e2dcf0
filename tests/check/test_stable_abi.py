"""Wheels for the stable ABI against the names that it has."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from abi3info import DATAS, FUNCTIONS

from support.checks import findings, messages, rules, wheel
from support.elf_bytes import NEEDED, Elf, Sym
from support.fixtures import family, odd
from support.macho_bytes import (
    BUNDLE,
    DYLIB,
    ID_DYLIB,
    SYMTAB,
    Cmd,
    Macho,
    build_version,
    defined,
    dylib,
    fat,
    undefined,
)
from truewheel.retagger.stable_abi import added_in

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "update_stable_abi.py"


def module(*names: str, arch: str = "arm64", inits: Sequence[str] = ("PyInit__foo",)) -> Macho:
    """Return a module that wants these names of Python."""
    symbols = [*map(undefined, names), *map(defined, inits)]
    return Macho(arch, BUNDLE, commands=[build_version(1, "11.0")], symbols=symbols)


def stable(directory: Path, *names: str, tag: str = "cp39-abi3") -> list[str]:
    files = {"foo/_foo.abi3.so": module(*names).build()}
    return messages(wheel(directory, f"{tag}-macosx_11_0_arm64", files), "stable-abi")


def test_names_of_the_stable_abi(tmp_path: Path) -> None:
    assert stable(tmp_path, "PyList_New", "PyExc_ValueError", "_Py_Dealloc", "malloc") == []


def test_names_that_the_stable_abi_does_not_have(tmp_path: Path) -> None:
    (message,) = stable(tmp_path, "PyList_New", "_PyLong_New", "PyUnicode_AsUTF8", "PyAnything")
    needs = "foo/_foo.abi3.so needs PyAnything, PyUnicode_AsUTF8, _PyLong_New"
    assert message == f"{needs}, which the stable ABI does not have, so cp39-abi3 is not true"
    (message,) = stable(tmp_path, *(f"PyAnything{number}" for number in range(6)))
    assert "PyAnything4 and 1 more, which" in message


@pytest.mark.parametrize(("tag", "wrong"), [("cp39-abi3", True), ("cp310-abi3", False), ("cp310.cp39-abi3", True)])
def test_names_that_are_newer_than_the_tag(tmp_path: Path, tag: str, wrong: bool) -> None:  # noqa: FBT001
    files = {"foo/_foo.abi3.so": module("PyType_GetModule", "PyList_New").build()}
    found = findings(wheel(tmp_path, f"{tag}-macosx_11_0_arm64", files), "stable-abi")
    expected = "foo/_foo.abi3.so needs PyType_GetModule (3.10), which the stable ABI of Python 3.9 does not have"
    assert [finding.message for finding in found] == [expected] * wrong
    assert [finding.fix for finding in found] == ["name it cp310, or build with Py_LIMITED_API=0x03090000"] * wrong


def test_every_slice_counts(tmp_path: Path) -> None:
    both = fat([module("PyList_New"), module("PyNothing", arch="x86_64")])
    path = wheel(tmp_path, "cp39-abi3-macosx_11_0_universal2", {"foo/_foo.abi3.so": both})
    assert len(messages(path, "stable-abi")) == 1


def test_names_that_the_wheel_itself_has_are_its_own_affair(tmp_path: Path) -> None:
    library = Macho(
        "arm64", DYLIB, commands=[dylib("libp", ID_DYLIB), build_version(1, "11.0")], symbols=[defined("PySide_init")]
    )
    files = {"foo/_foo.abi3.so": module("PySide_init").build(), "foo/libp.dylib": library.build()}
    assert messages(wheel(tmp_path, "cp39-abi3-macosx_11_0_arm64", files), "stable-abi") == []
    del files["foo/libp.dylib"]
    assert len(messages(wheel(tmp_path, "cp39-abi3-macosx_11_0_arm64", files), "stable-abi")) == 1


def test_elf_files(tmp_path: Path) -> None:
    sound = {"foo/_hello.abi3.so": family("x86_64").extension}
    assert messages(wheel(tmp_path, "cp310-abi3-linux_x86_64", sound), "stable-abi") == []
    path = wheel(tmp_path, "cp310-abi3-linux_x86_64", {**sound, "foo/_pyfpe.abi3.so": odd("pyfpe.so")})
    (message,) = messages(path, "stable-abi")
    assert message.startswith("foo/_pyfpe.abi3.so needs PyFPE_")


def test_other_wheels_may_use_what_they_like(tmp_path: Path) -> None:
    assert stable(tmp_path, "PyNothing", tag="cp39-cp39") == []
    assert stable(tmp_path, "PyNothing", tag="py3-abi3") == []


def test_abi3t_does_not_promise_the_layout_of_a_module_definition(tmp_path: Path) -> None:
    files = {"foo/_foo.abi3t.so": module("PyList_New", "PyModuleDef_Init").build()}
    path = wheel(tmp_path, "cp315-abi3.abi3t-macosx_11_0_arm64", files)
    assert messages(path, "stable-abi") == [
        "foo/_foo.abi3t.so needs PyModuleDef_Init, so it knows the layout of PyModuleDef, which abi3t does not promise"
    ]
    assert "module-name" not in rules(path)
    gil = wheel(tmp_path, "cp315-abi3-macosx_11_0_arm64", files)
    assert messages(gil, "stable-abi") == []


def test_a_module_for_both_kinds_of_interpreters_may_know_the_layout(tmp_path: Path) -> None:
    """With abi3t its `PyModExport_...` is taken; the other way in is for older interpreters."""
    tag = "cp315-abi3.abi3t-macosx_11_0_"
    both = module("PyModuleDef_Init", inits=("PyInit__foo", "PyModExport__foo"))
    path = wheel(tmp_path, f"{tag}arm64", {"foo/_foo.abi3t.so": both.build()})
    assert messages(path, "stable-abi") == []
    fat_file = fat([both, module("PyModuleDef_Init", arch="x86_64")])
    path = wheel(tmp_path, f"{tag}universal2", {"foo/_foo.abi3t.so": fat_file})
    assert len(messages(path, "stable-abi")) == 1
    inits = [Sym("PyModuleDef_Init", defined=False), Sym("PyInit__foo"), Sym("PyModExport__foo")]
    for count, faults in ((2, 1), (3, 0)):
        built = Elf(symbols=inits[:count], named=[(NEEDED, "libc.so.6")]).build().data
        path = wheel(tmp_path / str(count), "cp315-abi3.abi3t-linux_x86_64", {"foo/_foo.abi3t.so": built})
        assert len(messages(path, "stable-abi")) == faults


def test_a_table_of_symbols_that_cannot_be_read(tmp_path: Path) -> None:
    table = Cmd(SYMTAB, "4I", (1 << 20, 1, 1 << 21, 1))
    broken = Macho("arm64", BUNDLE, commands=[build_version(1, "11.0"), table]).build()
    (finding,) = findings(wheel(tmp_path, "cp39-abi3-macosx_11_0_arm64", {"foo/_foo.abi3.so": broken}), "stable-abi")
    assert finding.message.startswith("this cannot be checked: the symbol table reaches past the end")
    assert not finding.fixable


def test_the_data_is_that_of_abi3info() -> None:
    published = {
        item.symbol.name: (item.added.major, item.added.minor) for item in (*FUNCTIONS.values(), *DATAS.values())
    }
    assert dict(added_in()) == published


def test_the_committed_file_is_what_the_script_writes() -> None:
    script = runpy.run_path(str(SCRIPT), run_name="update_stable_abi")
    assert script["generate"]() == script["DATA"].read_text("utf-8")
