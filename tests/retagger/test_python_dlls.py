"""Which Pythons have the library that a module of Windows is linked to, by the names CPython and PyPy give them."""

from __future__ import annotations

import pytest

from truewheel.analyzer.pe.imports import DllUse
from truewheel.retagger.python_dlls import dll_reasons, python_dll, stable_dlls
from truewheel.retagger.windows_imports import WindowsUses


def module(*dlls: str, member: str = "a/_x.pyd") -> WindowsUses:
    return WindowsUses(member, is_module=True, dlls=tuple(DllUse(name, ()) for name in dlls))


@pytest.mark.parametrize(
    ("dll", "pairs"),
    [
        ("python312.dll", ["cp312-cp312", "cp312-none", "py312-none"]),
        ("PYTHON312.DLL", ["cp312-cp312"]),
        ("python312_d.dll", ["cp312-cp312d"]),
        ("python313t.dll", ["cp313-cp313t", "cp313-none"]),
        ("python27.dll", ["cp27-cp27m", "cp27-none", "py27-none"]),
        ("python3.dll", ["cp312-cp312", "cp32-cp32m", "cp312-none", "py3-none", "cp3-none"]),
        ("python3t.dll", ["cp313-cp313t", "cp315-cp315", "cp315-cp315t", "py3-none"]),
        ("libpypy3.11-c.dll", ["pp311-pypy311_pp73", "pp311-none"]),
        ("libpypy3-c.dll", ["pp36-pypy36_pp73", "pp3-none"]),
        ("libpypy-c.dll", ["pp27-pypy_41"]),
        ("other.dll", ["cp312-cp312", "pp311-pypy311_pp73"]),
    ],
)
def test_pythons_that_have_the_library(dll: str, pairs: list[str]) -> None:
    assert [pair for pair in pairs if dll_reasons([module(dll)], *pair.split("-"))] == []


@pytest.mark.parametrize(
    ("dll", "pairs"),
    [
        ("python312.dll", ["cp311-cp311", "cp312-cp312d", "py3-none", "pp312-pypy312_pp73"]),
        ("python313.dll", ["cp313-cp313t"]),
        ("python313t.dll", ["cp313-cp313", "cp314-cp314t"]),
        ("python312_d.dll", ["cp312-cp312", "cp312-none"]),
        ("python3.dll", ["cp31-cp31m", "cp27-cp27m", "py2-none", "cp313-cp313t", "pp311-none"]),
        ("python3t.dll", ["cp314-cp314"]),
        ("libpypy3.11-c.dll", ["pp310-pypy310_pp73", "cp311-cp311", "py3-none"]),
    ],
)
def test_pythons_that_do_not_have_it(dll: str, pairs: list[str]) -> None:
    for pair in pairs:
        (reason,) = dll_reasons([module(dll)], *pair.split("-"))
        assert reason.detail.startswith(f"is linked to {dll}, the library of ")


def test_unknown_interpreters_and_the_stable_abi_are_not_judged_here() -> None:
    assert dll_reasons([module("python312.dll")], "graalpy312", "graalpy250_312_native") == ()
    assert dll_reasons([module("python312.dll")], "cp311", "abi3") == ()


def test_of_several_files_of_one_module_the_fitting_one_counts() -> None:
    files = [module(f"python{n}.dll", member=f"a/_x.cp{n}-win_amd64.pyd") for n in (311, 312)]
    assert dll_reasons(files, "cp312", "cp312") == ()
    assert [reason.file for reason in dll_reasons(files, "cp313", "cp313")] == ["a/_x.cp311-win_amd64.pyd"]
    dll = WindowsUses("a/boost.dll", is_module=False, dlls=(DllUse("python311.dll", ()),))
    assert dll_reasons([dll], "cp312", "cp312") == ()


@pytest.mark.parametrize(
    ("claims", "allowed"),
    [
        ({"abi3": (3, 8)}, {"python3.dll"}),
        ({"abi3": (3, 15)}, {"python3.dll", "python3t.dll"}),
        ({"abi3t": (3, 15)}, {"python3t.dll"}),
        ({"abi3": (3, 15), "abi3t": (3, 15)}, {"python3t.dll"}),
    ],
)
def test_the_libraries_of_stable_abis(claims: dict[str, tuple[int, int]], allowed: set[str]) -> None:
    assert stable_dlls(claims) == allowed


def test_what_a_library_is_called() -> None:
    titles = [
        getattr(python_dll(name), "title", "") for name in ("python313t_d.dll", "python3.dll", "libpypy3.9-c.dll")
    ]
    assert titles == ["CPython 3.13 without the GIL built for debugging", "the stable ABI of CPython", "PyPy 3.9"]
    assert python_dll("python.dll") is None
