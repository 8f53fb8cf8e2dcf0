"""What the names of modules say about Python and ABI tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.hello import hello_wheel
from truewheel.archive.reader import WheelReader
from truewheel.platforms.verdict import Rule, sentences
from truewheel.retagger.names_truth import python_reasons_against, says_anything

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = {
    "311": ".cpython-311-x86_64-linux-gnu.so",
    "312": ".cpython-312-darwin.so",
    "313": ".cpython-313-x86_64-linux-musl.so",
    "313t": ".cpython-313t-x86_64-linux-gnu.so",
    "36m": ".cpython-36m-x86_64-linux-gnu.so",
    "34m": ".cpython-34m.so",
    "win311": ".cp311-win_amd64.pyd",
    "win313t": ".cp313t-win_amd64.pyd",
    "abi3": ".abi3.so",
    "abi3t": ".abi3t.so",
    "abi3-linux": ".abi3-x86_64-linux-gnu.so",
    "abi3-mac": ".abi3-darwin.so",
    "abi3t-linux": ".abi3t-aarch64-linux-gnu.so",
    "pypy": ".pypy311-pp73-x86_64-linux-gnu.so",
    "oldpypy": ".pypy3-71-x86_64-linux-gnu.so",
    "graal": ".graalpy242-311-native-x86_64-linux.so",
    "plain": ".so",
    "pyd": ".pyd",
    "odd": ".part.so",
}


def against(directory: Path, tag: str, *names: str) -> tuple[str, ...]:
    """Return what is said against a tag of a wheel with modules of these endings."""
    files: dict[str, Path | bytes] = {f"hello/{name}": b"" for name in names}
    with WheelReader.open(hello_wheel(directory, files)) as reader:
        reasons = python_reasons_against(reader, *tag.split("-"))
        assert {reason.rule for reason in reasons} <= {Rule.PYTHON}
        return sentences(reasons)


@pytest.mark.parametrize(
    ("endings", "tag", "true"),
    [
        ("311", "cp311-cp311", True),
        ("311", "cp312-cp312", False),
        ("311", "cp311-none", True),
        ("311", "cp311-abi3", False),
        ("311", "py3-none", False),
        ("311", "py311-none", False),
        ("311", "pp311-pypy311_pp73", False),
        ("win311", "cp311-cp311", True),
        ("win311", "cp312-cp312", False),
        ("win313t", "cp313-cp313t", True),
        ("win313t", "cp313-cp313", False),
        ("313", "cp313-cp313", True),
        ("313", "cp313-cp313t", False),
        ("313t", "cp313-cp313t", True),
        ("313", "cp313-none", False),
        ("313 313t", "cp313-none", True),
        ("36m", "cp36-cp36m", True),
        ("36m", "cp36-cp36", False),
        ("36m", "cp36-none", True),
        ("34m", "cp34-cp34m", True),
        ("311 312", "cp312-cp312", True),
        ("311 312", "cp313-cp313", False),
        ("abi3", "cp39-abi3", True),
        # CPython 3.15 and later know these too.
        ("abi3-linux", "cp315-abi3", True),
        ("abi3-linux", "cp314-abi3", False),
        ("abi3-linux", "cp316-cp316", True),
        ("abi3-linux", "cp314-cp314", False),
        ("abi3-linux", "cp315-cp315t", False),
        ("abi3-linux abi3", "cp39-abi3", True),
        ("abi3-mac", "cp315-abi3", True),
        ("abi3-mac", "cp39-abi3", False),
        ("abi3t-linux", "cp315-abi3t", True),
        ("abi3t-linux", "cp315-abi3", True),
        ("abi3t-linux", "cp314-cp314t", False),
        ("abi3", "cp27-none", False),
        ("abi3", "cp313-cp313t", False),
        ("abi3", "cp312-cp312", True),
        ("abi3", "pp311-pypy311_pp73", False),
        ("abi3", "py3-none", False),
        ("abi3t", "cp315-abi3t", True),
        ("abi3t", "cp315-abi3", True),
        ("abi3t", "cp314-abi3", False),
        ("abi3", "cp315-abi3t", False),
        ("abi3 abi3t", "cp315-abi3t", True),
        ("pypy", "pp311-pypy311_pp73", True),
        ("pypy", "pp310-pypy310_pp73", False),
        ("pypy", "cp311-cp311", False),
        ("oldpypy", "pp36-pypy36_pp73", True),
        ("oldpypy", "pp27-pypy_73", False),
        ("graal", "graalpy311-graalpy242_311_native", True),
        ("graal", "graalpy312-graalpy242_312_native", False),
        ("311 pypy", "py311-none", True),
        ("plain", "cp27-none", True),
        ("plain", "cp312-cp312", True),
        ("pyd", "cp312-cp312", True),
        ("odd", "cp312-cp312", True),
        ("plain 311", "cp312-cp312", True),
        ("311", "jy27-none", True),
        ("311", "cp3-none", False),
        ("311", "py-none", True),
    ],
)
def test_a_tag_is_true_when_its_interpreters_import_each_module(
    endings: str, tag: str, *, true: bool, tmp_path: Path
) -> None:
    names = [f"_x{ENDINGS[ending]}" for ending in endings.split()]
    assert (against(tmp_path, tag, *names) == ()) is true


@pytest.mark.parametrize(
    ("name", "tag", "true"),
    [
        # Windows writes no flag m: EXT_SUFFIX of its CPython 3.7 is `.cp37-win_amd64.pyd`.
        ("_x.cp37-win_amd64.pyd", "cp37-cp37m", True),
        ("_x.cp36-win32.pyd", "cp36-cp36m", True),
        ("_x.cp36-win32.pyd", "cp37-cp37m", False),
        ("_x.cp313-win_amd64.pyd", "cp313-cp313t", False),
        # Its builds for debugging look for _x_d.cp37-win_amd64.pyd alone; others take that for a module named _x_d.
        ("_x_d.cp37-win_amd64.pyd", "cp37-cp37dm", True),
        ("_x_d.cp313t-win_amd64.pyd", "cp313-cp313td", True),
        ("_x_d.cp37-win_amd64.pyd", "cp37-cp37m", True),
        ("_x_d.cp313-win_amd64.pyd", "cp313-cp313td", False),
        ("_x.cp37-win_amd64.pyd", "cp37-cp37dm", False),
        ("_x_d.cpython-37m-x86_64-linux-gnu.so", "cp37-cp37dm", False),
    ],
)
def test_names_of_windows_modules_leave_flags_open(name: str, tag: str, *, true: bool, tmp_path: Path) -> None:
    assert (against(tmp_path, tag, name) == ()) is true


def test_every_module_needs_a_file_of_its_own(tmp_path: Path) -> None:
    names = (f"_x{ENDINGS['311']}", f"_x{ENDINGS['312']}", f"_y{ENDINGS['311']}", "data.so.1", "x.py")
    assert against(tmp_path, "cp312-cp312", *names) == (
        "hello/_y.cpython-311-x86_64-linux-gnu.so is for CPython 3.11 alone, not for CPython 3.12",
    )


@pytest.mark.parametrize(
    ("ending", "tag", "detail"),
    [
        ("313", "cp313-cp313t", "is for CPython 3.13 alone, not for CPython 3.13 without the GIL"),
        ("abi3", "py3-none", "is for the stable ABI of CPython with the GIL alone, not for PyPy 3"),
        (
            "abi3-linux",
            "cp312-abi3",
            "is for the stable ABI of CPython 3.15 and later with the GIL alone, not for CPython 3.12",
        ),
        ("abi3t", "cp312-abi3", "is for the stable ABI of CPython 3.15 and later alone, not for CPython 3.12"),
        ("pypy", "cp311-cp311", "is for PyPy 3.11 alone, not for CPython 3.11"),
        ("graal", "cp311-cp311", "is for GraalPy 3.11 alone, not for CPython 3.11"),
        ("311", "cp311-abi3", "is for CPython 3.11 alone, not for CPython 3.12"),
        ("311", "cp311-cp311m", "is for CPython 3.11 alone, not for CPython 3.11 with the ABI flag m"),
        (
            "36m",
            "cp36-cp36dm",
            "is for CPython 3.6 with the ABI flag m alone, not for CPython 3.6 with the ABI flags dm",
        ),
    ],
)
def test_the_reason_names_both_sides(ending: str, tag: str, detail: str, tmp_path: Path) -> None:
    name = f"_x{ENDINGS[ending]}"
    assert against(tmp_path, tag, name) == (f"hello/{name} {detail}",)


@pytest.mark.parametrize(("ending", "says"), [("plain", False), ("odd", False), ("311", True), ("abi3", True)])
def test_whether_names_say_anything(ending: str, *, says: bool, tmp_path: Path) -> None:
    with WheelReader.open(hello_wheel(tmp_path, {f"hello/_x{ENDINGS[ending]}": b""})) as reader:
        assert says_anything(reader) is says
