"""Tags that no installer looks for; `packaging` is the oracle of what installers look for."""

from __future__ import annotations

from itertools import product
from unittest.mock import patch

import pytest
from packaging import _manylinux
from packaging.tags import cpython_tags, generic_tags, ios_platforms, mac_platforms

from truewheel.retagger.axes import Axis
from truewheel.retagger.known_tags import complaint, go_together

MAC_ENDS = "arm64, x86_64, i386, ppc, ppc64, universal2, intel, fat, fat3, fat64, universal"
ABI, PLATFORM, PYTHON = Axis.ABI, Axis.PLATFORM, Axis.PYTHON


@pytest.mark.parametrize(
    ("axis", "tag", "hint"),
    [
        (ABI, "universal2", "such as --platform-tag macosx_11_0_universal2"),
        (ABI, "macosx_11_0_arm64", "--platform-tag macosx_11_0_arm64"),
        (ABI, "any", "--platform-tag any"),
        (ABI, "py3", "--python-tag py3"),
        (ABI, "pp311", "--python-tag pp311"),
        (PYTHON, "x86_64", "such as --platform-tag manylinux_2_28_x86_64"),
        (PYTHON, "abi3", "--abi-tag abi3"),
        (PYTHON, "none", "--abi-tag none"),
        (PYTHON, "cp313t", "--abi-tag cp313t; the Python tag is cp313"),
        (PYTHON, "312", "3.12 is written py312, or cp312 for CPython alone"),
        (PYTHON, "python3", "such as py3, or cp312 for CPython 3.12"),
        (PYTHON, "cp", "such as py3, or cp312 for CPython 3.12"),
        (PLATFORM, "cp312", "--python-tag cp312"),
        (PLATFORM, "pypy311_pp73", "--abi-tag pypy311_pp73"),
        (PLATFORM, "arm64", "such as --platform-tag macosx_11_0_arm64"),
        (PLATFORM, "bogus", "such as any, win_amd64, manylinux_2_28_x86_64"),
        (PLATFORM, "win64", "one of win32, win_amd64, win_arm32, win_arm64, win_ia64"),
        (PLATFORM, "win_x86_64", "one of win32, win_amd64, win_arm32, win_arm64, win_ia64"),
        (PLATFORM, "macosx_13", "such as macosx_11_0_arm64"),
        (PLATFORM, "macosx_13_arm64", "such as macosx_13_0_arm64"),
        (PLATFORM, "macosx_15_2_arm64", "such as macosx_15_0_arm64"),
        (PLATFORM, "macosx_11_1_universal2", "such as macosx_11_0_universal2"),
        (PLATFORM, "macosx_10_9_arm64", "such as macosx_11_0_arm64"),
        (PLATFORM, "macosx_10_0_x86_64", "such as macosx_10_4_x86_64"),
        (PLATFORM, "macosx_10_17_x86_64", "such as macosx_11_0_x86_64"),
        (PLATFORM, "macosx_10_9_fat32", "such as macosx_10_9_fat3"),
        (PLATFORM, "macosx_14_0_aarch64", "such as macosx_14_0_arm64"),
        (PLATFORM, "macosx_14_0_mips", f"it ends in one of {MAC_ENDS}"),
        (PLATFORM, "manylinux2014", "such as manylinux2014_x86_64"),
        (PLATFORM, "manylinux2010_riscv64", "such as manylinux_2_17_riscv64"),
        (PLATFORM, "manylinux1_arm64", "such as manylinux_2_17_aarch64"),
        (PLATFORM, "manylinux2010_i386", "such as manylinux_2_12_i686"),
        (PLATFORM, "manylinux2024_x86_64", "such as manylinux_2_28_x86_64"),
        (PLATFORM, "manylinux_2_28", "such as manylinux_2_28_x86_64"),
        (PLATFORM, "manylinux_2", "such as manylinux_2_28_x86_64 or musllinux_1_2_x86_64"),
        (PLATFORM, "manylinux_2_28_amd64", "manylinux_2_28_x86_64"),
        (PLATFORM, "manylinux_2_4_x86_64", "the oldest is manylinux_2_5_x86_64"),
        (PLATFORM, "manylinux_2_12_aarch64", "the oldest is manylinux_2_17_aarch64"),
        (PLATFORM, "manylinux_99_99_sparc", ""),
        (PLATFORM, "linux_amd64", "such as linux_x86_64"),
        (PLATFORM, "linux_", "such as linux_x86_64"),
        (PLATFORM, "android_24_aarch64", "such as android_24_arm64_v8a"),
        (PLATFORM, "ios_13_arm64", "such as ios_13_0_arm64_iphoneos"),
    ],
)
def test_a_tag_that_no_installer_looks_for_has_a_hint(axis: Axis, tag: str, hint: str) -> None:
    found = complaint(axis, tag)
    assert found is not None
    assert found.hint == hint


@pytest.mark.parametrize(
    ("axis", "tags"),
    [
        (PYTHON, "py2 py3 py39 cp27 cp312 pp311 graalpy311 jy27 ip27 pyston38"),
        (ABI, "none abi3 abi3t cp27mu cp312 cp313t pypy311_pp73 graalpy242_311_native"),
        (PLATFORM, "any win32 win_amd64 win_arm64 linux_x86_64 linux_armv6l linux_riscv64 freebsd_14_amd64"),
        (PLATFORM, "manylinux1_x86_64 manylinux2014_s390x manylinux_2_17_aarch64 manylinux_2_5_i686"),
        (PLATFORM, "manylinux_2_36_loongarch64 musllinux_1_1_x86_64 musllinux_1_2_ppc64le"),
        (PLATFORM, "android_24_arm64_v8a ios_13_0_arm64_iphonesimulator pyemscripten_2026_0_wasm32"),
    ],
)
def test_a_tag_that_an_installer_may_look_for_is_let_through(axis: Axis, tags: str) -> None:
    assert [(tag, complaint(axis, tag)) for tag in tags.split() if complaint(axis, tag)] == []


def looked_for() -> set[str]:
    """Return every macOS tag that `packaging` looks for on some Mac with an Intel or an Apple processor."""
    intel = [*((10, minor) for minor in range(4, 17)), *((major, 0) for major in range(11, 27))]
    machines = [*((version, "x86_64") for version in intel), *(((major, 0), "arm64") for major in range(11, 27))]
    return {tag for version, architecture in machines for tag in mac_platforms(version, architecture)}


def test_macos_tags_are_those_that_packaging_looks_for() -> None:
    looked = looked_for()
    versions = [*((10, minor) for minor in range(20)), *product(range(11, 27), range(3))]
    for (major, minor), family in product(versions, ("x86_64", "arm64", "universal2", "intel")):
        tag = f"macosx_{major}_{minor}_{family}"
        assert (complaint(PLATFORM, tag) is None) == (tag in looked), tag


@pytest.mark.parametrize(
    "architecture", ["x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x", "riscv64", "loongarch64"]
)
def test_names_of_manylinux_are_those_that_packaging_looks_for(architecture: str) -> None:
    with patch.multiple(_manylinux, _have_compatible_abi=lambda *_: True, _get_glibc_version=lambda: (2, 40)):
        looked = set(_manylinux.platform_tags([architecture]))
    names = ["manylinux1", "manylinux2010", "manylinux2014", *(f"manylinux_2_{minor}" for minor in range(41))]
    for tag in (f"{name}_{architecture}" for name in names):
        assert (complaint(PLATFORM, tag) is None) == (tag in looked), tag


def test_ios_tags_are_those_of_packaging() -> None:
    assert [tag for tag in ios_platforms((17, 0), "arm64-iphoneos") if complaint(PLATFORM, tag)] == []


@pytest.mark.parametrize("version", [(2, 7), (3, 1), (3, 6), (3, 12), (3, 14), (3, 15)])
@pytest.mark.parametrize("flags", ["", "t", "m"])
def test_pairs_that_packaging_makes_go_together(version: tuple[int, int], flags: str) -> None:
    own = "cp{}{}{}".format(*version, flags)
    tags = [*cpython_tags(version, [own], ["any"]), *generic_tags("pp311", ["pypy311_pp73"], ["any"])]
    assert [tag for tag in tags if not go_together(tag.interpreter, tag.abi)] == []


@pytest.mark.parametrize(
    ("python", "abi"),
    [
        ("cp312", "cp311"),
        ("cp31", "cp311"),
        ("py3", "cp312"),
        ("py3", "abi3"),
        ("py312", "pypy311_pp73"),
        ("cp27", "abi3"),
        ("cp31", "abi3"),
        ("cp31", "abi3t"),
        ("pp311", "cp311"),
        ("pp311", "abi3"),
    ],
)
def test_pairs_that_nobody_looks_for_do_not_go_together(python: str, abi: str) -> None:
    assert not go_together(python, abi)


def test_nothing_is_said_of_unknown_interpreters() -> None:
    assert go_together("graalpy311", "graalpy242_311_native")
    assert go_together("pyston38", "pyston_23")
