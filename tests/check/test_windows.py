"""Windows files are held against the tags by the DLLs that they want."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.checks import METADATA, findings, messages, rules, wheel
from support.pe_bytes import ARM64, I386, Pe
from truewheel.check import Severity
from truewheel.platforms.windows.facts import windows_facts

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = "python312.dll"


def windows(directory: Path, files: dict[str, Pe], tag: str = "cp312-cp312", requires: tuple[str, ...] = ()) -> Path:
    lines = "".join(f"Requires-Dist: {each}\n" for each in requires)
    metadata = f"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n{lines}".encode()
    contents = {name: pe.build() for name, pe in files.items()}
    return wheel(directory, f"{tag}-win_amd64", {METADATA: metadata, **contents})


def wants(*dlls: str) -> Pe:
    return Pe({name: ["f"] for name in (PYTHON, *dlls)})


def test_a_module_of_the_right_python(tmp_path: Path) -> None:
    system = (
        "KERNEL32.dll",
        "api-ms-win-crt-runtime-l1-1-0.dll",
        "VCRUNTIME140_1.dll",
        "MSVCP140.dll",
        "WS2_32",
        "ole32.DLL",
    )
    assert rules(windows(tmp_path, {"foo/_x.pyd": wants(*system)})) == []


def test_a_module_of_another_python(tmp_path: Path) -> None:
    path = windows(tmp_path, {"foo/_x.pyd": Pe({"python311.dll": ["PyList_New"]})})
    (finding,) = findings(path)
    assert (finding.rule, finding.severity, finding.member) == ("python-library", Severity.ERROR, "foo/_x.pyd")
    assert finding.message == "cp312-cp312: foo/_x.pyd is linked to python311.dll, the library of CPython 3.11"


def test_a_module_of_another_python_beside_one_of_the_right_one_is_a_doubt(tmp_path: Path) -> None:
    path = windows(tmp_path, {"foo/py311/_x.pyd": Pe({"python311.dll": []}), "foo/py312/_x.pyd": Pe({PYTHON: []})})
    (finding,) = findings(path)
    assert (finding.rule, finding.severity) == ("python-library", Severity.WARNING)
    (finding,) = findings(windows(tmp_path, {"foo/_x.pyd": Pe({PYTHON: []})}, tag="py3-none"))
    assert (finding.rule, finding.severity) == ("python-library", Severity.WARNING)


def test_the_stable_abi_is_that_of_its_own_library(tmp_path: Path) -> None:
    good = {"foo/_x.pyd": Pe({"python3.dll": ["PyList_New"]}, exports=("PyInit__x",))}
    assert rules(windows(tmp_path, good, tag="cp38-abi3")) == []
    bad = {"foo/_x.pyd": Pe({PYTHON: ["_PyLong_AsByteArray", "PyList_New"]})}
    assert messages(windows(tmp_path, bad, tag="cp38-abi3")) == [
        "foo/_x.pyd is linked to python312.dll, the library of CPython 3.12, so cp38-abi3 is not true",
        "foo/_x.pyd needs _PyLong_AsByteArray, which the stable ABI does not have, so cp38-abi3 is not true",
    ]


@pytest.mark.parametrize(
    ("exports", "found"), [(("PyInit__x",), ["stable-abi"]), (("PyInit__x", "PyModExport__x"), [])]
)
def test_abi3t_on_windows(exports: tuple[str, ...], found: list[str], tmp_path: Path) -> None:
    module = Pe({"python3t.dll": ["PyModuleDef_Init"]}, exports=exports)
    assert rules(windows(tmp_path, {"foo/_x.pyd": module}, tag="cp315-abi3.abi3t")) == found


def test_a_library_that_is_nowhere(tmp_path: Path) -> None:
    path = windows(
        tmp_path, {"foo/_x.pyd": wants("libssl-3-x64.dll", "A.dll", "B.dll", "C.dll", "D.dll", "E.dll", "KERNEL32.dll")}
    )
    (finding,) = findings(path)
    assert (finding.rule, finding.severity, finding.member) == ("missing-library", Severity.ERROR, "foo/_x.pyd")
    needs = "foo/_x.pyd needs libssl-3-x64.dll, a.dll, b.dll, c.dll, d.dll and 1 more"
    assert finding.message == f"{needs}, neither in the wheel nor part of Windows or Python"


@pytest.mark.parametrize(
    ("exclude", "left"),
    [("libssl*", ["a.dll"]), ("A.DLL", ["libssl-3-x64.dll"]), ("a", ["libssl-3-x64.dll"]), ("*", [])],
)
def test_a_library_that_another_package_provides(exclude: str, left: list[str], tmp_path: Path) -> None:
    path = windows(tmp_path, {"foo/_x.pyd": wants("libssl-3-x64.dll", "A.dll")})
    told = [message.partition(" needs ")[2].partition(",")[0] for message in messages(path, exclude=(exclude,))]
    assert told == left


def test_a_library_anywhere_in_the_wheel_counts_and_is_looked_into(tmp_path: Path) -> None:
    files = {"foo/_x.pyd": wants("Deep.dll"), "foo.libs/deep.DLL": Pe({"gone.dll": ["f"]})}
    (finding,) = findings(windows(tmp_path, files))
    assert (finding.rule, finding.member) == ("missing-library", "foo.libs/deep.DLL")


def test_what_is_loaded_later_or_never_is_not_missing(tmp_path: Path) -> None:
    late = Pe({PYTHON: []}, {"gone.dll": ["f"]})
    assert rules(windows(tmp_path, {"foo/_x.pyd": late, "foo/plugins/sql.dll": Pe({"libpq.dll": []})})) == []


def test_a_command_needs_its_libraries(tmp_path: Path) -> None:
    files = {"foo-1.0.data/scripts/foo.exe": Pe({"gone.dll": []}), "foo/other.dll": Pe({"lost.dll": []})}
    assert [finding.member for finding in findings(windows(tmp_path, files))] == ["foo-1.0.data/scripts/foo.exe"]
    assert rules(windows(tmp_path, {"foo/other.dll": Pe({"lost.dll": []})})) == ["missing-library"]


def test_required_wheels_may_bring_a_library_along(tmp_path: Path) -> None:
    files = {"foo/_x.pyd": wants("c10.dll", "shiboken6.abi3.dll", "libtorch.dll")}
    (finding,) = findings(windows(tmp_path, files, requires=("torch (>=2)", "shiboken6==6.1; python_version > '3'")))
    assert finding.severity is Severity.WARNING
    assert finding.message.endswith("so a wheel that it requires has to bring it along (torch, shiboken6)")
    assert "needs c10.dll, neither" in finding.message
    (finding,) = findings(windows(tmp_path, files, requires=("torch; extra == 'gpu'",)))
    assert finding.severity is Severity.ERROR


def test_two_openmp_runtimes_of_one_kind(tmp_path: Path) -> None:
    files = {
        "foo/_x.pyd": wants("libiomp5md.dll", "libomp140.x86_64.dll", "vcomp140.dll"),
        "foo/libiomp5md.dll": Pe(),
        "foo/more/LIBIOMP5MD.dll": Pe(),
        "foo/libomp140.x86_64.dll": Pe(),
    }
    (finding,) = findings(windows(tmp_path, files))
    assert finding.rule == "repeated-runtime"
    copies = "foo/libiomp5md.dll, foo/libomp140.x86_64.dll"
    assert finding.message == f"one process may hold 2 copies of the LLVM OpenMP runtime: {copies}"


def test_no_repair_is_offered_where_there_is_none(tmp_path: Path) -> None:
    files = {"foo/_x.pyd": Pe(machine=ARM64), "foo/_y.pyd": Pe(machine=I386)}
    fixes = [finding.fix for finding in findings(windows(tmp_path, files), "untrue-tag")]
    assert fixes == 2 * ["name it for the systems and processors of its code, or build it again"]


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = wheel(tmp_path, "cp312-cp312-win_amd64", {"foo/_x.pyd": Pe({PYTHON: []}).build()[:0x300]})
    assert rules(path) == ["damaged-code"]


@pytest.mark.parametrize(
    "name", ["kernel32.dll", "python3t.dll", "libpypy3.11-c.dll", "winspool.drv", "msvcr90.dll", "ext-ms-x"]
)
def test_libraries_that_every_windows_has(name: str) -> None:
    assert windows_facts().has(name)


@pytest.mark.parametrize(
    "name", ["libssl-3-x64.dll", "libgcc_s_seh-1.dll", "libpython3.12.dll", "torch_cpu.dll", "zlib1.dll"]
)
def test_libraries_that_it_does_not_have(name: str) -> None:
    assert not windows_facts().has(name)
