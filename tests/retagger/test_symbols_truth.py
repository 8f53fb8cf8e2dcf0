"""Python and ABI tags that the symbols of machine code contradict are refused; the names of modules do not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from support.hello import hello_wheel
from support.macho_bytes import BUNDLE, Macho, build_version, defined, undefined
from support.pe_bytes import Pe
from support.retags import planned, retag, tags_of
from truewheel.errors import RefusedError
from truewheel.retagger import symbols_truth

if TYPE_CHECKING:
    from pathlib import Path


def module(*names: str) -> bytes:
    """Return a module for macOS that wants these names of Python."""
    symbols = [*map(undefined, names), defined("PyInit_foo")]
    return Macho("arm64", BUNDLE, commands=[build_version(1, "11.0")], symbols=symbols).build()


def mac(directory: Path, python: str, *names: str, ending: str = "abi3.so") -> Path:
    return hello_wheel(directory, {f"hello/_m.{ending}": module(*names)}, tag=f"{python}-macosx_11_0_arm64")


def test_the_stable_abi_of_an_older_python_is_refused_with_the_symbol(tmp_path: Path) -> None:
    wheel = mac(tmp_path, "cp310-abi3", "PyType_GetModule", "PyList_New")
    with pytest.raises(RefusedError, match="cannot truly be called cp39-abi3 ") as caught:
        retag(wheel, python_tag="cp39")
    reason = "hello/_m.abi3.so needs PyType_GetModule (3.10), which the stable ABI of Python 3.9 does not have"
    assert caught.value.reasons == (reason,)
    forced = planned(wheel, python_tag=("cp39",), force=True)
    assert [ground.basis for ground in forced.grounds] == ["forced"]


def test_the_stable_abi_of_an_older_python_is_proved(tmp_path: Path) -> None:
    wheel = mac(tmp_path, "cp310-abi3", "PyList_New")
    assert tags_of(retag(wheel, python_tag="cp39").path) == "cp39-abi3-macosx_11_0_arm64"
    (ground,) = planned(wheel, python_tag=("cp39",)).grounds
    assert (ground.tag, ground.basis) == ("cp39-abi3", "proved")


def test_a_private_name_is_not_in_the_stable_abi(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        retag(mac(tmp_path, "cp310-cp310", "_PyLong_New", ending="so"), abi_tag="abi3")
    assert "needs _PyLong_New, which the stable ABI does not have" in caught.value.reasons[0]


def test_a_newer_python_needs_no_look_at_symbols(tmp_path: Path) -> None:
    wheel = mac(tmp_path, "cp310-abi3", "PyNothing")
    with patch.object(symbols_truth, "python_uses", side_effect=AssertionError("symbols were read")):
        assert tags_of(retag(wheel, python_tag="cp312").path) == "cp312-abi3-macosx_11_0_arm64"


def test_the_other_unicode_build_of_python_2_is_refused(tmp_path: Path) -> None:
    wheel = mac(tmp_path, "cp27-cp27m", "PyUnicodeUCS2_Decode", ending="so")
    with pytest.raises(RefusedError, match="cannot truly be called cp27-cp27mu ") as caught:
        retag(wheel, abi_tag="cp27mu")
    reason = "hello/_m.so needs a Python with UCS-2 strings, which the ABI tag cp27mu does not promise"
    assert caught.value.reasons == (reason,)


def test_the_unicode_build_of_python_2_is_proved(tmp_path: Path) -> None:
    wheel = mac(tmp_path, "cp27-none", "PyUnicodeUCS2_Decode", ending="so")
    assert tags_of(retag(wheel, abi_tag="cp27m").path) == "cp27-cp27m-macosx_11_0_arm64"


def windows(directory: Path, tag: str, *modules: Pe, ending: str = "pyd") -> Path:
    files = {f"hello/_m{number or ''}.{ending}": pe.build() for number, pe in enumerate(modules)}
    return hello_wheel(directory, files, tag=f"{tag}-win_amd64")


def test_windows_files_without_python_tell_nothing(tmp_path: Path) -> None:
    plan = planned(windows(tmp_path, "cp310-cp310", Pe()), python_tag=("cp39",), abi_tag=("cp39",))
    assert plan.notices == ("cp39-cp39 was taken as given: nothing here tells whether it is true",)


def test_the_stable_abi_of_windows_is_judged_by_names_and_by_the_library(tmp_path: Path) -> None:
    old = Pe({"python3.dll": ["PyList_New"], "other.dll": ["PyNothing"]})
    assert tags_of(retag(windows(tmp_path, "cp310-abi3", old), python_tag="cp39").path) == "cp39-abi3-win_amd64"
    new = Pe({"python3.dll": ["PyType_GetModule"], "python312.dll": ["_PyLong_AsByteArray"]})
    with pytest.raises(RefusedError) as caught:
        retag(windows(tmp_path, "cp310-abi3", new), python_tag="cp39")
    assert caught.value.reasons == (
        "hello/_m.pyd is linked to python312.dll, the library of CPython 3.12, so cp39-abi3 is not true",
        "hello/_m.pyd needs _PyLong_AsByteArray, which the stable ABI does not have, so cp39-abi3 is not true",
        "hello/_m.pyd needs PyType_GetModule (3.10), which the stable ABI of Python 3.9 does not have",
    )


def test_a_module_of_windows_is_for_the_python_whose_library_it_is_linked_to(tmp_path: Path) -> None:
    wheel = windows(tmp_path, "cp312-cp312", Pe({"python311.dll": ["PyList_New"]}))
    with pytest.raises(RefusedError) as caught:
        retag(wheel, python_tag="cp313", abi_tag="cp313")
    assert caught.value.reasons == ("hello/_m.pyd is linked to python311.dll, the library of CPython 3.11",)
    plan = planned(wheel, python_tag=("cp311",), abi_tag=("cp311",))
    assert [(ground.tag, ground.basis) for ground in plan.grounds if "cp311" in ground.tag] == [
        ("cp311-cp311", "proved")
    ]


def test_python_2_of_windows_has_narrow_characters(tmp_path: Path) -> None:
    wheel = windows(tmp_path, "cp26-cp26m", Pe({"python27.dll": ["PyUnicodeUCS4_AsUTF8String"]}))
    with pytest.raises(RefusedError, match="cp27-cp27m"):
        retag(wheel, python_tag="cp27", abi_tag="cp27m")


def test_no_abi_tag_need_say_so_on_windows(tmp_path: Path) -> None:
    wheel = windows(tmp_path, "cp27-cp27m", Pe({"python27.dll": ["PyUnicodeUCS2_AsUTF8String"]}))
    assert tags_of(retag(wheel, abi_tag="none").path) == "cp27-none-win_amd64"
    with pytest.raises(RefusedError, match="cp27-cp27mu"):
        retag(wheel, abi_tag="cp27mu")
    wide = windows(tmp_path, "cp27-cp27m", Pe({"python27.dll": ["PyUnicodeUCS4_AsUTF8String"]}))
    with pytest.raises(RefusedError, match="cp27-none"):
        retag(wide, abi_tag="none")


def test_a_wheel_for_macs_must_name_its_unicode_build(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="cp27-none"):
        retag(mac(tmp_path, "cp27-cp27m", "PyUnicodeUCS2_Decode", ending="so"), abi_tag="none")
