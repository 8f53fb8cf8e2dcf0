"""Whether a target takes a wheel, held against packaging, against pip's own answer, and what the field found."""

from __future__ import annotations

import random
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import packaging
import pytest
from packaging import _manylinux, _musllinux, tags
from packaging.version import Version

from support import cache
from support.old_pips import fetch
from truewheel.archive.names import WheelName
from truewheel.retagger.accepts import accepts, satisfies, supported_tags, targets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truewheel.retagger.accepts import Acceptance

NUMPY = "numpy-1.9.0-cp27-none-{}.whl"
NEWEST = "26.3"
"""The newest pip, and the packaging that it carries."""
OF_2014 = ("macosx_10_6_intel", "macosx_10_9_intel", "macosx_10_9_x86_64")


def ask(name: str, target: str, requires_python: str = "") -> Acceptance:
    (chosen,) = targets([target])
    return accepts(WheelName.parse(name), chosen, requires_python)


@pytest.mark.parametrize(
    ("target", "accepted"),
    [
        ("macos-10.9 cp27 python.org", "Y--"),
        ("macos-10.9 cp27 apple", "-Y-"),
        ("macos-10.9 cp27 homebrew", "--Y"),
        ("macos-10.9 cp27 macports", "--Y"),
        ("macos-10.8 cp27 homebrew", "---"),
        ("macos-10.9 cp27 conda", "---"),
        ("macos-10.10 cp27 python.org", "Y--"),
        ("macos-10.10 cp27 apple", "---"),
    ],
)
def test_the_three_names_of_numpy_1_9_0_under_pip_1_5_6(target: str, accepted: str) -> None:
    found = [ask(NUMPY.format(tag), f"{target} pip-1.5.6").accepted for tag in OF_2014]
    assert found == [letter == "Y" for letter in accepted]


@pytest.mark.parametrize("build", ["python.org", "apple", "homebrew"])
def test_pip_6_needs_only_the_first_of_them(build: str) -> None:
    for version in ("10.9", "10.10"):
        assert ask(NUMPY.format(OF_2014[0]), f"macos-{version} cp27 {build} pip-6.0").accepted
    assert ask(NUMPY.format(OF_2014[0]), "macos-10.8 cp27 homebrew pip-6.0").accepted


@pytest.mark.parametrize(("pip", "accepted"), [("6.0", False), ("7.1", False), ("8.0", True)])
def test_a_thin_name_is_for_no_intel_python_before_pip_8(pip: str, *, accepted: bool) -> None:
    assert ask(NUMPY.format("macosx_10_6_x86_64"), f"macos-10.9 cp27 python.org pip-{pip}").accepted is accepted


def test_the_newer_names_change_only_the_rank_today() -> None:
    wide, newest = (
        ask(f"numpy-1.9.0-cp310-cp310-{tag}.whl", "macos-10.9 cp310 pip-26.3") for tag in (OF_2014[0], OF_2014[2])
    )
    assert (newest.rank, wide.rank) == (0, 19)
    assert not any(ask(f"x-1-cp312-none-{tag}.whl", "macos-14 arm64 cp312").accepted for tag in OF_2014)


# ---- packaging


def glibc(version: tuple[int, int], architecture: str, patch: pytest.MonkeyPatch) -> list[str]:
    """Return packaging's platforms on a Linux with glibc."""
    patch.setattr(_manylinux, "_get_glibc_version", lambda: _manylinux._GLibCVersion(*version))  # noqa: SLF001
    patch.setattr(_musllinux, "_get_musl_version", lambda _: None)
    return linux(architecture, patch)


def musl(version: tuple[int, int], architecture: str, patch: pytest.MonkeyPatch) -> list[str]:
    """Return packaging's platforms on a Linux with musl."""
    patch.setattr(_manylinux, "_get_glibc_version", lambda: _manylinux._GLibCVersion(-1, -1))  # noqa: SLF001
    patch.setattr(_musllinux, "_get_musl_version", lambda _: _musllinux._MuslVersion(*version))  # noqa: SLF001
    return linux(architecture, patch)


def linux(architecture: str, patch: pytest.MonkeyPatch) -> list[str]:
    patch.setattr(sysconfig, "get_platform", lambda: f"linux-{architecture}")
    patch.setattr(_manylinux, "_have_compatible_abi", lambda _, archs: archs[0] != "armv6l")
    return list(tags._linux_platforms(is_32bit=False))  # noqa: SLF001 - there is no public way


def random_platforms(chance: random.Random, patch: pytest.MonkeyPatch) -> tuple[str, list[str]]:
    """Return a system at random, in our words and in packaging's."""
    kind = chance.choice(["glibc", "glibc", "musl", "mac", "mac", "mac", "win", "ios", "android"])
    architectures = ["x86_64", "i686", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64", "loongarch64", "armv6l"]
    if kind == "glibc":
        version, architecture = (2, chance.randint(3, 45)), chance.choice([*architectures, "armv8l"])
        return f"glibc-2.{version[1]} {architecture}", glibc(version, architecture, patch)
    if kind == "musl":
        version, architecture = (1, chance.randint(0, 3)), chance.choice(architectures)
        return f"musl-1.{version[1]} {architecture}", musl(version, architecture, patch)
    if kind == "mac":
        version = chance.choice([(10, chance.randint(0, 16)), (chance.randint(11, 27), chance.randint(0, 6))])
        architecture = chance.choice(["x86_64", "arm64", "i386", "ppc", "ppc64"])
        return "macos-{}.{} {}".format(*version, architecture), list(tags.mac_platforms(version, architecture))
    if kind == "ios":
        version = (chance.randint(10, 27), chance.randint(0, 9))
        architecture = chance.choice(["arm64_iphoneos", "arm64_iphonesimulator", "x86_64_iphonesimulator"])
        return "ios-{}.{} {}".format(*version, architecture), list(tags.ios_platforms(version, architecture))
    if kind == "android":
        level, architecture = chance.randint(10, 40), chance.choice(["arm64_v8a", "armeabi_v7a", "x86_64", "x86"])
        return f"android-{level} {architecture}", list(tags.android_platforms(level, architecture))
    platform = chance.choice(["win32", "win_amd64", "win_arm64"])
    return f"windows {platform}", [platform]


def random_interpreter(chance: random.Random, platforms: list[str]) -> tuple[str, Iterator[tags.Tag]]:
    """Return an interpreter at random, in our words and as packaging's tags, put together as pip does."""
    kind = chance.choice(["cp", "cp", "cp", "cpt", "cpd", "pp", "graalpy"])
    flag = ""
    if kind in ("pp", "graalpy"):
        choices = {
            "pp": [((3, 10), "pypy310_pp73"), ((3, 11), "pypy311_pp73")],
            "graalpy": [((3, 11), "graalpy242_311_native"), ((3, 12), "graalpy250_312_native")],
        }
        version, abi = chance.choice(choices[kind])
        name = f"{kind}3{version[1]}"
        abis = [abi]
        own = tags.generic_tags(name, abis, platforms)
    else:
        flag = kind[2:]
        version = (3, chance.randint(13 if flag == "t" else 10, 16))
        name = f"cp3{version[1]}"
        abis = [f"{name}{flag}", name] if flag == "d" else [f"{name}{flag}"]
        own = tags.cpython_tags(version, abis, platforms)

    def every() -> Iterator[tags.Tag]:
        yield from own
        yield from tags.compatible_tags(version, name, platforms)

    return f"{name}{flag}", every()


@pytest.mark.parametrize("seed", range(240))
def test_as_packaging_does(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Version(packaging.__version__) >= Version(NEWEST)
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    system, platforms = random_platforms(chance, monkeypatch)
    if not platforms:
        platforms = ["nothing"]  # packaging would ask the host
    interpreter, expected = random_interpreter(chance, platforms)
    (target,) = targets([f"{system} {interpreter}"])
    assert target.installer.first == NEWEST
    wanted = [str(tag) for tag in expected if tag.platform != "nothing"]
    assert list(supported_tags(target)) == wanted


def newest_pip(folder: Path) -> None:
    fetch(NEWEST, folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "platform"),
    [
        ("macos-14 cp312", "macosx_14_0_arm64"),
        ("macos-12 rosetta cp312", "macosx_12_0_x86_64"),
        ("macos-10.13 cp311", "macosx_10_13_x86_64"),
        ("windows cp312", "win_amd64"),
        ("glibc-2.28 cp312", "manylinux_2_28_x86_64"),
        ("glibc-2.28 cp313t", "manylinux_2_28_x86_64"),
        ("musl-1.2 pp311", "musllinux_1_2_x86_64"),
        ("glibc-2.17 cp310", "linux_x86_64"),
    ],
)
def test_as_pip_debug_says(target: str, platform: str) -> None:
    (chosen,) = targets([target])
    kind, version, abi = chosen.interpreter
    options = ["--implementation", kind.value, "--python-version", "{}.{}".format(*version), "--abi", abi]
    (pip,) = cache.kept("pip", NEWEST, newest_pip).glob("*.whl")
    command = [sys.executable, str(pip / "pip"), "debug", "--verbose", "--platform", platform, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = done.stdout.partition("Compatible tags:")[2].splitlines()[1:]
    listed = [line.strip() for line in told if line.startswith("  ")]
    known = {tag.rpartition("-")[2] for tag in listed}
    assert len(listed) > 20
    assert listed == [tag for tag in supported_tags(chosen) if tag.rpartition("-")[2] in known]


# ---- reasons


@pytest.mark.parametrize(
    ("tag", "target", "reason", "nearest"),
    [
        (
            "cp312-cp312-manylinux_2_39_x86_64",
            "ubuntu-22.04 cp312",
            "manylinux_2_39_x86_64 (for glibc 2.39 and newer, and the system has 2.35)",
            "cp312-cp312-manylinux_2_35_x86_64",
        ),
        (
            "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
            "ubuntu-22.04 arm64 cp312",
            "manylinux_2_17_x86_64, manylinux2014_x86_64 (for x86_64, not aarch64)",
            "cp312-cp312-manylinux_2_35_aarch64",
        ),
        ("cp312-cp312-musllinux_1_2_x86_64", "debian-12 cp312", "(for Linux with musl)", "cp312-cp312-linux_x86_64"),
        ("cp312-cp312-manylinux_2_17_x86_64", "alpine-3.19 cp312", "(for Linux with glibc)", ""),
        ("py3-none-manylinux_2_17_x86_64", "glibc-2.35 cp38 pip-20.2", "a name that pip 20.0 - 20.2 does not know", ""),
        ("py3-none-musllinux_1_1_x86_64", "musl-1.1 cp38 pip-20.3", "a name that pip 20.3 - 21.0 does not know", ""),
        ("cp312-cp312-macosx_11_2_arm64", "macos-14 cp312", "from macOS 11 on the minor version in a tag is 0", ""),
        ("cp312-cp312-macosx_15_0_arm64", "macos-14 cp312", "for macOS 15.0 and newer", ""),
        ("cp312-cp312-macosx_11_0_arm64", "macos-14 rosetta cp312", "for arm64, not x86_64", ""),
        ("cp312-cp312-macosx_11_0_arm64e", "macos-14 cp312", "of no architecture that an installer knows", ""),
        ("cp312-cp312-macosx_11_0_arm64", "ubuntu-22.04 cp312", "(for macOS)", ""),
        ("cp312-cp312-macosx_10_0_x86_64", "macos-10.15 cp312", "not looked for by pip 26.3 and later here, but", ""),
        (
            "cp27-none-macosx_10_6_intel.macosx_10_9_intel",
            "macos-10.8 cp27 homebrew pip-1.5.6",
            "macosx_10_6_intel, macosx_10_9_intel (the interpreter was built for macosx_10_8_x86_64, and nothing else",
            "cp27-none-macosx_10_8_x86_64",
        ),
        ("cp312-cp312-win32", "windows cp312", "win32 (not looked for, but win_amd64)", "cp312-cp312-win_amd64"),
        ("py3-none-android_21_x86", "android-24 cp313 pip-24.0", "android_21_x86 (not looked for)", ""),
        ("cp311-cp311-any", "windows cp312", "the ABI tag cp311 is none of cp312, abi3, none", ""),
        ("cp310-cp310-win_amd64", "windows cp312", "the ABI tag cp310 is none of cp312, abi3, none", ""),
        ("cp27-cp27m-linux_x86_64", "glibc-2.5 cp27", "the ABI tag cp27m is none of cp27mu, none", ""),
        ("pp310-pypy310_pp73-any", "windows cp312", "the Python tag pp310 is none of", "cp312-none-any"),
        ("cp311-none-any", "windows cp312", "each part of the tag is known, but not together", ""),
        ("cp313.cp314-none-any", "windows cp312", "the Python tag cp313 or cp314 is none of", ""),
        ("cp313-abi3-win_amd64", "windows cp313t", "the ABI tag abi3 is none of cp313t, abi3t, none", ""),
    ],
)
def test_why_a_wheel_is_refused_and_what_would_do(tag: str, target: str, reason: str, nearest: str) -> None:
    answer = ask(f"x-1-{tag}.whl", target)
    assert (answer.accepted, answer.rank, answer.tag) == (False, None, "")
    assert reason in answer.reason
    if nearest:
        assert answer.nearest[0] == nearest
    for other in answer.nearest:
        assert ask(f"x-1-{other}.whl", target).accepted


def test_why_a_wheel_is_accepted() -> None:
    answer = ask("x-1-py3.cp312-none.cp312-linux_x86_64.manylinux_2_17_x86_64.whl", "ubuntu-22.04 cp312 uv")
    assert answer.accepted
    assert answer.tag == "cp312-cp312-manylinux_2_17_x86_64"
    assert answer.reason == f"CPython 3.12 on ubuntu-22.04 (glibc 2.35, x86_64) with uv looks for {answer.tag}"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("windows cp39 pip-26.3", "pip 26.3 and later is not for Python 3.9, but for 3.10 and later"),
        ("windows cp312 pip-1.5.6", "pip 1.4 - 1.5 is not for Python 3.12, but for 2.7 to 3.4"),
        ("windows cp34 pip-20.0", "pip 20.0 - 20.2 is not for Python 3.4, but for 2.7 to 3.9"),
        ("windows cp35 uv", "uv is not for Python 3.5, but for 3.6 and later"),
    ],
)
def test_an_installer_that_does_not_run_takes_nothing(target: str, reason: str) -> None:
    assert ask("x-1-py3-none-any.whl", target).reason == reason


@pytest.mark.parametrize(
    ("requirement", "version", "met"),
    [
        ("", (2, 7), True),
        (">=3.9", (3, 8), False),
        (">=3.9", (3, 9), True),
        (">=3.9.1", (3, 9), True),
        ("<3.13", (3, 13), False),
        ("<3.12.4", (3, 12), True),
        ("!=3.0.*,>=2.7", (3, 0), False),
        ("whatever", (3, 12), True),
    ],
)
def test_requires_python_is_met_when_some_release_meets_it(
    requirement: str,
    version: tuple[int, int],
    met: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert satisfies(version, requirement) is met


@pytest.mark.parametrize(("pip", "accepted"), [("pip-8.1", True), ("pip-9.0", False), ("pip-19.0", False)])
def test_requires_python_counts_since_pip_9(pip: str, *, accepted: bool) -> None:
    answer = ask("x-1-py2.py3-none-any.whl", f"windows cp35 {pip}", ">=3.6")
    assert answer.accepted is accepted
    assert accepted or answer.reason == "3.5 is not >=3.6, which the wheel's Requires-Python asks for"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ubuntu-22.04 cp312", "CPython 3.12 on ubuntu-22.04 (glibc 2.35, x86_64) with pip 26.3 and later"),
        ("cp312 uv arm64 debian-12", "CPython 3.12 on debian-12 (glibc 2.36, aarch64) with uv"),
        ("macos-10.9 x86_64 cp34 pip-1.5.6", "CPython 3.4 of python.org on macOS 10.9 (Intel) with pip 1.4 - 1.5"),
        ("macos-14 3.13t", "CPython 3.13t on macOS 14 (Apple silicon) with pip 26.3 and later"),
        ("macos-14 rosetta cp312", "CPython 3.12 on macOS 14 (Rosetta) with pip 26.3 and later"),
        ("macos-10.5 ppc cp27", "CPython 2.7m on macOS 10.5 (ppc) with pip 20.3 - 21.0"),
        ("alpine-3.12 pypy3.9", "PyPy 3.9 on alpine-3.12 (musl 1.1, x86_64) with pip 25.1 - 26.0"),
        ("windows amd64 cp311", "CPython 3.11 on Windows (win_amd64) with pip 26.3 and later"),
        ("windows x86 python2.7", "CPython 2.7m on Windows (win32) with pip 20.3 - 21.0"),
        ("glibc-2.17 aarch64 cp39", "CPython 3.9 on glibc 2.17 (aarch64) with pip 25.1 - 26.0"),
        ("glibc-2.17 cp27 pip", "CPython 2.7mu on glibc 2.17 (x86_64) with pip 20.3 - 21.0"),
        ("android-24 cp313", "CPython 3.13 on Android API 24 (arm64_v8a) with pip 26.3 and later"),
        ("ios-17.4 simulator cp313", "CPython 3.13 on iOS 17.4 (arm64_iphonesimulator) with pip 26.3 and later"),
        ("pyodide-2024.0 cp312", "CPython 3.12 on Pyodide 2024.0 (wasm32) with pip 26.3 and later"),
        ("pyodide cp313", "CPython 3.13 on Pyodide 2025.0 (wasm32) with pip 26.3 and later"),
        ("cp312 pyodide", "CPython 3.12 on Pyodide 2024.0 (wasm32) with pip 26.3 and later"),
        ("pyodide cp311", "CPython 3.11 on Pyodide 2026.0 (wasm32) with pip 26.3 and later"),
        ("pyodide cp314", "CPython 3.14 on Pyodide 2026.0 (wasm32) with pip 26.3 and later"),
        ("glibc-2.28 graalpy311 uv-0.4", "GraalPy 3.11 on glibc 2.28 (x86_64) with uv"),
        ("glibc-2.28 cp26", "CPython 2.6mu on glibc 2.28 (x86_64) with pip 1.4 - 1.5"),
    ],
)
def test_a_target_is_understood(text: str, says: str) -> None:
    (target,) = targets([text])
    assert target.says == says


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("cp312", "names no system", "a target is a system"),
        ("ubunto-22.04 cp312", "names no system", "did you mean ubuntu-22.04"),
        ("ubuntu-22.04 debian-12 cp312", "names several systems: ubuntu-22.04, debian-12", ""),
        ("ubuntu-22.04", "names no Python", "a target is a system"),
        ("ubuntu-22.04 cp312 cp311", "names several Pythons: cp312, cp311", ""),
        ("ubuntu-22.04 pp399", "names no Python", ""),
        ("ubuntu-22.04 cp312 homebrew", "'homebrew' is nothing that a target is made of", "did you mean homebrew"),
        ("macos-14 cp312 homebru", "'homebru' is nothing that a target is made of", "did you mean homebrew"),
        ("ubuntu-22.04 cp312 sparc", "'sparc' is nothing that a target is made of", ""),
        ("macos cp312", "which version of macos?", "macos-14"),
        ("pyodide-2020 cp312", "there is no Pyodide ABI 2020", "2024.0"),
        ("ubuntu-22.04 cp312 pip-1.3", "pip 1.3 knows no wheels", "the oldest that does is pip 1.4"),
    ],
)
def test_a_target_that_means_nothing(text: str, message: str, hint: str) -> None:
    from truewheel.errors import UsageError

    with pytest.raises(UsageError) as caught:
        targets([text])
    assert message in caught.value.what
    assert hint in caught.value.hint


def test_pyodide_by_pip_and_by_uv() -> None:
    found = [
        [
            ask(f"x-1-py3-none-{tag}_wasm32.whl", f"pyodide-2025.0 cp313 {installer}").accepted
            for installer in ("pip", "uv")
        ]
        for tag in ("pyemscripten_2025_0", "pyodide_2025_0", "emscripten_4_0_9", "pyemscripten_2026_0")
    ]
    assert found == [[True, True], [True, True], [True, False], [False, False]]
