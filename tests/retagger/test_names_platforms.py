"""What the names of modules say about platform tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.checks import findings
from support.fixtures import family
from support.hello import hello_wheel
from support.retags import planned, retag
from truewheel.errors import RefusedError
from truewheel.platforms.verdict import Rule
from truewheel.retagger.names_platforms import misnamed, named_modules

if TYPE_CHECKING:
    from pathlib import Path

FITTING = """
cpython-312-darwin.so macosx_11_0_arm64 macosx_10_9_intel
cpython-36m-darwin.so macosx_10_9_x86_64
cpython-312-x86_64-linux-gnu.so manylinux_2_17_x86_64 manylinux1_x86_64 linux_x86_64
cpython-312-x86_64-linux-musl.so musllinux_1_2_x86_64 linux_x86_64
cpython-310-x86_64-linux-gnu.so manylinux_2_17_x86_64 musllinux_1_1_x86_64
cpython-37m-x86_64-linux-gnu.so musllinux_1_1_x86_64
cpython-311-i386-linux-gnu.so manylinux_2_5_i686
cpython-312-i386-linux-musl.so musllinux_1_1_i686
cpython-311-arm-linux-gnueabihf.so manylinux_2_17_armv7l linux_armv6l linux_armv7l linux_armv8l
cpython-311-arm-linux-musleabihf.so musllinux_1_2_armv7l
cpython-312-aarch64-linux-gnu.so manylinux2014_aarch64
cpython-312-powerpc64le-linux-gnu.so manylinux_2_17_ppc64le
cpython-312-powerpc64-linux-gnu.so manylinux_2_17_ppc64
cpython-312-s390x-linux-gnu.so manylinux_2_17_s390x
cpython-312-riscv64-linux-musl.so musllinux_1_2_riscv64
cpython-312-loongarch64-linux-gnu.so manylinux_2_36_loongarch64
cpython-312-mips64el-linux-gnuabi64.so linux_mips64 manylinux_2_17_x86_64
cpython-312-x86_64-linux-gnux32.so linux_x86_64
cpython-314-aarch64-linux-android.so android_24_arm64_v8a
cpython-314-x86_64-linux-android.so android_24_x86_64
cpython-314-arm-linux-androideabi.so android_24_armeabi_v7a
cpython-313-iphoneos.so ios_13_0_arm64_iphoneos
cpython-313-iphonesimulator.so ios_13_0_x86_64_iphonesimulator
cpython-313-wasm32-emscripten.so pyodide_2025_0_wasm32 pyemscripten_2026_0_wasm32 emscripten_4_0_9_wasm32
cp312-win32.pyd win32
cp312-win_amd64.pyd win_amd64
cp313t-win_arm64.pyd win_arm64
cp312-mingw_x86_64_ucrt.pyd win_amd64 mingw_x86_64_ucrt
pypy311-pp73-x86_64-linux-gnu.so manylinux_2_17_x86_64 musllinux_1_2_x86_64
pypy39-pp73-x86-linux-gnu.so manylinux_2_17_i686
pypy311-pp73-darwin.so macosx_11_0_arm64
pypy311-pp73-win_amd64.pyd win_amd64
graalpy242-311-native-x86_64-linux.so manylinux_2_17_x86_64
graalpy242-311-native-aarch64-darwin.so macosx_11_0_arm64
cpython-34m.so manylinux1_x86_64 macosx_10_6_intel win32
cpython-312-x86_64-linux-gnu.so any freebsd_14_amd64 conda_main_x86_64
abi3.so win32 macosx_11_0_arm64 manylinux_2_17_x86_64
so win32 macosx_11_0_arm64
pyd manylinux_2_17_x86_64
"""
NOT_FITTING = """
cpython-312-darwin.so manylinux_2_17_x86_64 linux_x86_64 musllinux_1_2_x86_64 ios_13_0_arm64_iphoneos win32
cpython-312-x86_64-linux-gnu.so macosx_11_0_x86_64 musllinux_1_2_x86_64 manylinux_2_17_aarch64 linux_i686
cpython-311-x86_64-linux-musl.so manylinux_2_17_x86_64 android_24_x86_64
cpython-310-x86_64-linux-musl.so manylinux_2_17_x86_64
cpython-310-x86_64-linux-gnu.so musllinux_1_1_i686
cpython-311-arm-linux-gnueabihf.so manylinux_2_17_aarch64 linux_x86_64
cpython-314-aarch64-linux-android.so manylinux_2_17_aarch64 android_24_x86_64
cpython-313-iphoneos.so ios_13_0_arm64_iphonesimulator macosx_11_0_arm64
cpython-313-wasm32-emscripten.so manylinux_2_17_x86_64
cp312-win32.pyd win_amd64 win_arm64 macosx_11_0_arm64
pypy311-pp73-darwin.so manylinux_2_17_x86_64
graalpy242-311-native-x86_64-linux.so macosx_11_0_x86_64 manylinux_2_17_aarch64
"""


def cases(table: str) -> list[tuple[str, str]]:
    return [(ending, tag) for line in table.split("\n") if line for ending, *tags in [line.split()] for tag in tags]


@pytest.mark.parametrize(("ending", "tag"), cases(FITTING))
def test_a_module_is_imported_where_its_name_says_or_says_nothing(ending: str, tag: str) -> None:
    assert misnamed(named_modules([f"hello/_x.{ending}"]), tag) == ()


@pytest.mark.parametrize(("ending", "tag"), cases(NOT_FITTING))
def test_a_module_is_imported_nowhere_else(ending: str, tag: str) -> None:
    (reason,) = misnamed(named_modules([f"hello/_x.{ending}"]), tag)
    assert (reason.rule, reason.file) == (Rule.PYTHON, f"hello/_x.{ending}")


def test_a_module_may_have_a_file_for_each_system() -> None:
    names = ["hello/_x.cpython-312-darwin.so", "hello/_x.cp312-win_amd64.pyd", "hello/_y.cpython-312-darwin.so"]
    assert misnamed(named_modules(names), "macosx_11_0_arm64") == ()
    assert [reason.file for reason in misnamed(named_modules(names), "win_amd64")] == [names[2]]
    assert misnamed(named_modules(["hello/_x.cpython-312-darwin.so", "hello/_x.so"]), "win32") == ()


@pytest.mark.parametrize(
    ("ending", "tag", "detail"),
    [
        (
            "cpython-312-darwin.so",
            "manylinux_2_17_x86_64",
            "macOS alone, as its name says, not on x86_64 Linux with glibc",
        ),
        ("cp312-win32.pyd", "win_amd64", "win32 alone, as its name says, not on win_amd64"),
        (
            "cpython-314-aarch64-linux-android.so",
            "linux_armv7l",
            "aarch64 Android alone, as its name says, not on armv7l Linux",
        ),
    ],
)
def test_the_reason_names_both_places(ending: str, tag: str, detail: str) -> None:
    (reason,) = misnamed(named_modules([f"_x.{ending}"]), tag)
    assert reason.detail == f"is imported on {detail}"


def test_check_and_retag_say_the_same(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {"hello/_x.cpython-312-x86_64-linux-musl.so": family("x86_64").tone}
    wheel = hello_wheel(tmp_path, files, tag="cp312-cp312-manylinux_2_17_x86_64")
    said = (
        "hello/_x.cpython-312-x86_64-linux-musl.so is imported on x86_64 Linux with musl alone, as its name says, "
        "not on x86_64 Linux with glibc"
    )
    (finding,) = findings(wheel, "untrue-tag")
    assert finding.message == f"manylinux_2_17_x86_64 is not true: {said}"
    with pytest.raises(RefusedError) as caught:
        retag(wheel, platform_tag="manylinux_2_12_x86_64")
    assert caught.value.reasons == (said,)
    with pytest.raises(RefusedError, match="proves no platform tag") as caught:
        planned(wheel, platform_tag=("auto",))
    assert caught.value.reasons == (said,)
