"""What generations of pip and uv look for, held against real releases: recorded answers, and the programs."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support import cache, real_uv
from support.old_pips import PRETENDED, RELEASES, ask, fetch, host_of, summary
from truewheel.retagger.acceptance.installers import installers
from truewheel.retagger.acceptance.letters import parse_as_written
from truewheel.retagger.accepts import accepts, supported_tags, targets

if TYPE_CHECKING:
    from truewheel.retagger.accepts import Target

RECORDED = json.loads(Path(__file__).with_name("pips.json").read_text("utf-8"))
_MAJOR = ("1.5.6", "6.0", "7.1", "8.0", "8.1", "18.1", "19.0", "19.3", "20.0", "20.3", "21.0.1", "21.2")
GENERATIONS = (*_MAJOR, "24.1", "24.3", "25.1", "26.1", "26.3")


def target_of(text: str, release: str) -> Target:
    (target,) = targets([f"{text} pip-{release}"])
    return target


@pytest.mark.parametrize("release", RELEASES)
def test_pip_looks_for_what_was_recorded_of_it(release: str) -> None:
    compared = 0
    for text, recorded in RECORDED[release].items():
        target = target_of(text, release)
        if target.installer.runs_on(target.interpreter.version):
            assert summary(list(supported_tags(target))) == recorded, text
            compared += 1
    assert compared >= 6


def test_every_generation_of_pip_is_recorded() -> None:
    recorded = {target_of("windows cp312", release).installer for release in RELEASES}
    assert recorded == {installer for installer in installers() if installer.program == "pip"}


def kinds(text: str, release: str) -> set[str]:
    """Return the kinds of platform tags that a pip looks for: names without minor versions."""
    found = set()
    for tag in supported_tags(target_of(text, release)):
        platform = re.sub(r"(macosx_\d+|ios_\d+|android)_\d+", r"\1", tag.rpartition("-")[2])
        platform = re.sub(r"ios_\d+", "ios", platform)
        found.add(re.sub(r"(many|musl)linux_\d+_\d+", r"\1linux_X_Y", platform))
    return found


_FAMILIES = ("x86_64", "intel", "fat64", "fat32", "universal2", "universal")
_NEWER_MACS = {f"macosx_{major}_{family}" for major in (11, 12) for family in _FAMILIES}
STEPS: dict[str, dict[tuple[str, str], tuple[set[str], set[str]]]] = {
    "macos-10.9 cp27 homebrew": {
        ("1.5.6", "6.0"): ({f"macosx_10_{name}" for name in ("intel", "fat3", "fat64", "universal")}, set()),
        ("7.1", "8.0"): ({"macosx_10_fat32"}, {"macosx_10_fat3"}),
        ("20.0", "20.3"): ({"macosx_10_universal2"}, set()),
    },
    "macos-10.9 cp310 homebrew": {("26.1", "26.3"): ({"macosx_10_fat3"}, {"macosx_10_fat32"})},
    # built before macOS 11, so that it is told that the system is 10.16
    "macos-12 rosetta cp38 python.org": {
        ("20.0", "20.3"): ({"macosx_10_universal2"}, set()),
        ("21.2", "24.1"): (_NEWER_MACS, set()),
    },
    "macos-12 cp39": {
        ("20.0", "20.3"): (
            {"macosx_11_arm64", "macosx_11_universal2", "macosx_12_universal2"},
            {"macosx_12_universal"},
        ),
        ("20.3", "21.0.1"): ({"macosx_10_universal2"}, set()),
    },
    "glibc-2.35 cp27mu": {
        ("8.0", "8.1"): ({"manylinux1_x86_64"}, set()),
        ("18.1", "19.0"): ({"manylinux2010_x86_64"}, set()),
        ("19.0", "19.3"): ({"manylinux2014_x86_64"}, set()),
        ("20.0", "20.3"): ({"manylinux_X_Y_x86_64"}, set()),
    },
    "glibc-2.35 aarch64 cp37": {
        ("19.0", "19.3"): ({"manylinux2014_aarch64"}, set()),
        ("20.0", "20.3"): ({"manylinux_X_Y_aarch64"}, set()),
    },
    "glibc-2.38 riscv64 cp310": {
        ("21.2", "24.1"): ({"manylinux2014_riscv64", "manylinux_X_Y_riscv64"}, set()),
    },
    "musl-1.2 cp39": {("21.0.1", "21.2"): ({"musllinux_X_Y_x86_64"}, set())},
    "ios-17.0 cp313": {("24.1", "24.3"): ({"ios_arm64_iphoneos"}, set())},
    "android-24 cp313": {("24.3", "25.1"): ({"android_arm64_v8a"}, set())},
    "windows cp39": {},
    "windows cp27": {},
}
"""By target, what each generation looks for that the one before it does not, and what it no longer looks for."""


@pytest.mark.parametrize("text", STEPS)
def test_generations_differ_in_these_platforms_and_no_others(text: str) -> None:
    found = {}
    for older, newer in pairwise(GENERATIONS):
        both = [target_of(text, release) for release in (older, newer)]
        if all(target.installer.runs_on(target.interpreter.version) for target in both):
            before, after = kinds(text, older), kinds(text, newer)
            if before != after:
                found[older, newer] = (after - before, before - after)
    assert found == STEPS[text]


@pytest.mark.parametrize(
    ("text", "tag", "first", "last"),
    [
        ("glibc-2.17 cp35", "cp34-abi3-linux_x86_64", "9.0", "20.3"),  # 21.0 does not run on Python 3.5
        ("windows cp35", "cp35-abi3-win_amd64", "20.0", "20.3"),
        ("windows cp34", "cp34-cp34m-win_amd64", "8.0", "19.0"),
        ("windows cp34", "cp34-none-win_amd64", "1.5.6", "19.0"),
        ("glibc-2.17 cp27mu", "cp27-cp27mu-linux_x86_64", "8.0", "20.3"),
        ("glibc-2.17 cp27mu", "cp27-none-linux_x86_64", "1.5.6", "20.3"),
        ("glibc-2.17 cp27mu", "py2-none-linux_x86_64", "6.1", "20.3"),
        ("glibc-2.17 cp27mu", "py27-none-linux_x86_64", "20.0", "20.3"),
        ("macos-10.9 cp27 homebrew", "py2-none-macosx_10_9_x86_64", "8.1", "20.3"),
        ("glibc-2.17 cp27mu", "cp2-none-any", "1.5.6", "19.3"),
        ("glibc-2.17 cp27mu", "cp26-none-any", "1.5.6", "8.0"),
        ("glibc-2.17 cp315t", "cp315-abi3t-linux_x86_64", "26.1", "26.3"),
        ("glibc-2.17 cp313t", "cp313-cp313t-linux_x86_64", "24.1", "26.3"),
        ("glibc-2.17 cp313t", "cp313-abi3-linux_x86_64", "20.3", "21.2"),  # takes it for one with a lock
    ],
)
def test_generations_that_look_for_a_tag(text: str, tag: str, first: str, last: str) -> None:
    releases = [*GENERATIONS, "6.1", "9.0"]
    releases.sort(key=lambda release: [int(part) for part in release.split(".")])
    name = parse_as_written(f"x-1-{tag}.whl")
    found = [release for release in releases if accepts(name, target_of(text, release)).accepted]
    assert found == releases[releases.index(first) : releases.index(last) + 1]


_LINUX = ("linux", "linux_2_28", "linux2014", "linux_2_5")


@pytest.mark.parametrize(("release", "order"), [("26.2", "2_28 2014 2_5 linux"), ("26.3", "linux 2_28 2014 2_5")])
def test_linux_ranks_first_since_26_3(release: str, order: str) -> None:
    target = target_of("glibc-2.28 cp312", release)
    tags = list(supported_tags(target))
    places = {name: tags.index(f"py3-none-{'many' * (name != 'linux')}{name}_x86_64") for name in _LINUX}
    found = sorted(places, key=lambda name: places[name])
    assert [name.removeprefix("linux").strip("_") or "linux" for name in found] == order.split()


@pytest.mark.parametrize(("installer", "takes"), [("pip-19.3", 0), ("pip-20.0", 1), ("pip-26.0", 1), ("uv", 0)])
def test_capital_letters_in_a_tag(installer: str, takes: int) -> None:
    (target,) = targets([f"windows {'cp38' if installer == 'pip-19.3' else 'cp39'} {installer}"])
    answer = accepts(parse_as_written("x-1-py3-none-ANY.whl"), target)
    assert answer.accepted is bool(takes)
    assert takes or "letter by letter" in answer.reason


def _real(folder: Path) -> None:
    for release in RELEASES:
        fetch(release, folder)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("release", RELEASES)
def test_pip_itself_looks_for_the_same(release: str) -> None:
    (wheel,) = cache.kept("pips", RELEASES, _real).glob(f"pip-{release}-*.whl")
    compared = 0
    for text, tags in zip(PRETENDED, ask(host_of(release), wheel, PRETENDED.values()), strict=True):
        target = target_of(text, release)
        if target.installer.runs_on(target.interpreter.version):
            assert list(supported_tags(target)) == tags, text
            compared += 1
        assert summary(tags) == RECORDED[release][text]
    assert compared >= 6


def _glibc(minor: int) -> dict[str, Any]:
    return {"name": "manylinux", "major": 2, "minor": minor}


def _musl(minor: int) -> dict[str, Any]:
    return {"name": "musllinux", "major": 1, "minor": minor}


def _mac(major: int, minor: int) -> dict[str, Any]:
    return {"name": "macos", "major": major, "minor": minor}


UVS: dict[str, dict[str, Any]] = {
    f"{text} uv": {
        "version": version,
        "name": name,
        "free_threaded": "t" in text.split()[-1][2:],
        "os": os,
        "arch": arch,
    }
    for text, version, name, os, arch in (
        ("glibc-2.39 riscv64 cp312", (3, 12), "cpython", _glibc(39), "riscv64"),
        ("glibc-2.39 loongarch64 cp312", (3, 12), "cpython", _glibc(39), "loongarch64"),
        ("glibc-2.39 ppc64le cp312", (3, 12), "cpython", _glibc(39), "powerpc64le"),
        ("glibc-2.17 armv7l cp312", (3, 12), "cpython", _glibc(17), "armv7l"),
        ("glibc-2.12 i686 cp38", (3, 8), "cpython", _glibc(12), "i686"),
        ("glibc-2.39 cp315t", (3, 15), "cpython", _glibc(39), "x86_64"),
        ("glibc-2.39 cp315", (3, 15), "cpython", _glibc(39), "x86_64"),
        ("glibc-2.39 cp37", (3, 7), "cpython", _glibc(39), "x86_64"),
        ("glibc-2.39 pp311", (3, 11), "pypy", _glibc(39), "x86_64"),
        ("glibc-2.39 graalpy311", (3, 11), "graalpy", _glibc(39), "x86_64"),
        ("musl-1.1 aarch64 cp39", (3, 9), "cpython", _musl(1), "aarch64"),
        ("macos-26 cp314", (3, 14), "cpython", _mac(26, 1), "arm64"),
        ("macos-11 x86_64 cp39", (3, 9), "cpython", _mac(11, 0), "x86_64"),
        ("macos-10.15 x86_64 cp39", (3, 9), "cpython", _mac(10, 15), "x86_64"),
    )
}
"""By the text of a target, the interpreter that uv is shown."""

_PYTHONS = (
    *("cp315-cp315t", "cp315-abi3t", "cp315-abi3.abi3t", "cp310-abi3t", "cp315-abi3", "cp39-abi3", "cp32-abi3"),
    *("cp31-abi3", "cp37-cp37m", "cp37-cp37", "cp314-cp314", "cp315-none", "cp314-none", "pp311-pypy311_pp73"),
    *("pp311-none", "pp3-none", "graalpy311-graalpy242_311_native", "graalpy311-none", "py315-none", "py311-none"),
    *("py3-none", "py30-none", "py2-none"),
)


def _tags(target: Target) -> list[str]:
    architecture = target.system.architecture
    linux = [f"manylinux_2_{minor}" for minor in (4, 5, 12, 16, 17, 30, 31, 35, 36, 38, 39, 40)]
    linux += [
        "manylinux1",
        "manylinux2010",
        "manylinux2014",
        "linux",
        "musllinux_1_0",
        "musllinux_1_1",
        "musllinux_1_2",
    ]
    families = ("x86_64", "arm64", "intel", "fat3", "fat32", "fat64", "universal", "universal2")
    versions = ("10_3", "10_4", "10_9", "10_15", "10_16", "11_0", "11_1", "16_0", "26_0", "26_1")
    names = [f"macosx_{version}_{family}" for version in versions for family in families]
    if target.system.family.value != "macOS":
        names = [f"{name}_{architecture}" for name in linux]
    some = [f"py3-none-{name}" for name in [*names, "any", "ANY"]]
    platform = "macosx_10_9_universal2" if target.system.family.value == "macOS" else f"linux_{architecture}"
    return [*some, *(f"{python}-{where}" for python in _PYTHONS for where in (platform, "any"))]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("text", UVS)
def test_uv_itself_takes_the_same(text: str, tmp_path: Path) -> None:
    program = cache.kept("uv", real_uv.VERSION, real_uv.fetch) / "uv"
    python = real_uv.interpreter(tmp_path / "python", UVS[text])
    (target,) = targets([text])
    for number, tag in enumerate(_tags(target)):
        real_uv.wheel(tmp_path, number, tag)
        expected = real_uv.takes(program, python, tmp_path, number)
        assert accepts(parse_as_written(f"p{number}-1.0-{tag}.whl"), target).accepted is expected, tag
