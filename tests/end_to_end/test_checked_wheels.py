"""What a check says of published wheels. What is expected was read from them with other programs, or is here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import lief
import pytest

from support.checks import findings
from support.published import Published
from truewheel.check import CheckOptions
from truewheel.check.fix import fix_wheel

if TYPE_CHECKING:
    from truewheel.check import Finding

pytestmark = pytest.mark.slow

OLD_MAC, NEW_MAC = "macosx_10_9_x86_64", "macosx_12_0_arm64"
FIVE = "macosx_10_6_intel.macosx_10_9_intel.macosx_10_9_x86_64.macosx_10_10_intel.macosx_10_10_x86_64"


class Case(NamedTuple):
    """A wheel. rules: all that find something in it. lines: beginnings of what they say."""

    wheel: Published
    rules: tuple[str, ...]
    lines: tuple[str, ...] = ()


def numpy_1_9(python: str, abi: str) -> Case:
    tags = ", ".join(f"cp{python}-{abi}-{platform}" for platform in ("macosx_10_9_intel", "macosx_10_9_x86_64"))
    libraries = ("libgcc_s.1", "libgfortran.3", "libquadmath.0")
    untrue = (f"macosx_10_6_intel is not true: numpy/.dylibs/{name}.dylib needs macOS 10.9" for name in libraries)
    lines = (f"the file name says {tags}, WHEEL does not", *untrue)
    return Case(Published("numpy==1.9.0", OLD_MAC, python, abi), ("wheel-tags", "untrue-tag"), lines)


CASES = (
    numpy_1_9("27", "none"),
    numpy_1_9("33", "cp33m"),
    numpy_1_9("34", "cp34m"),
    Case(Published("numpy==1.11.0", OLD_MAC, "35", "cp35m"), ("tag-order",)),
    Case(
        Published("numpy==1.17.3", "macosx_10_6_intel", "35", "cp35m"),
        ("untrue-tag", "lost-library"),
        (
            "macosx_10_6_intel is not true: numpy/core/_dummy.cpython-35m-darwin.so needs macOS 10.9",
            "the i386 slice of numpy/linalg/",
        ),
    ),
    Case(
        Published("numpy==1.21.0", "macosx_11_0_universal2", "39", "cp39"),
        ("wheel-tags", "search-path", "repeated-rpath"),
        (
            "the file name says cp39-cp39-macosx_10_9_universal2, WHEEL does not",
            "WHEEL says cp39-cp39-macosx_11_0_arm64, the file name does not",
        ),
    ),
    Case(Published("scipy==0.17.0", OLD_MAC, "27", "none"), ("tag-order",)),
    Case(
        Published("scipy==1.8.0", NEW_MAC, "39", "cp39"),
        ("wheel-tags", "search-path", "repeated-rpath"),
        ("the file name says cp39-cp39-macosx_12_0_arm64", "WHEEL says cp39-cp39-macosx_11_0_arm64"),
    ),
    Case(
        Published("matplotlib==1.5.1", OLD_MAC, "27", "none"),
        ("tag-order", "untrue-tag", "missing-library"),
        (
            "macosx_10_6_intel is not true: matplotlib/.dylibs/libpng16.16.dylib needs macOS 10.9",
            "matplotlib/backends/_tkagg.so needs /Library/Frameworks/Tcl.framework/Versions/8.5/Tcl, ",
        ),
    ),
    Case(
        Published("psycopg2-binary==2.8.2", OLD_MAC, "27", "cp27m"),
        ("tag-order", "untrue-tag", "lost-library"),
        (
            "none of its platform tags is true: psycopg2/.dylibs/libpq.5.10.dylib needs macOS 10.12 in its ",
            "the i386 slice of psycopg2/_psycopg.so needs no library of the wheel",
        ),
    ),
    Case(
        Published("psycopg2-binary==2.9", "macosx_10_15_x86_64", "39", "cp39"),
        ("tag-order", "untrue-tag"),
        (
            "none of its platform tags is true: psycopg2/.dylibs/libpq.5.13.dylib needs macOS 10.15 in its ",
            "macosx_10_9_intel, macosx_10_10_intel are not true: psycopg2/_psycopg.cpython-39-darwin.so has no i386 ",
        ),
    ),
    Case(
        Published("PyQt5==5.14.2", "macosx_10_13_x86_64", "37", "abi3"),
        ("project-name", "wheel-headers", "wheel-tag-lines", "wheel-build", "untrue-tag", "missing-library"),
        (
            "line 3: 'Root-Is_Purelib' is misspelt, so installers do not see it",
            "macosx_10_6_intel is not true: PyQt5/QtCore.abi3.so has no i386 slice, only x86_64; needs macOS 10.13",
        ),
    ),
    Case(
        Published("pyzmq==14.1.0", OLD_MAC, "27", "none"),
        ("wheel-tags",),
        ("the file name says cp27-none-macosx_10_9_intel, WHEEL does not",),
    ),
    Case(
        Published("ninja==1.11.1.1", NEW_MAC),
        ("wheel-headers", "wheel-tags"),
        ("line 4 is no header, so installers do not see what follows: Tag", "there is no Tag line that installers see"),
    ),
    Case(
        Published("ziglang==0.10.0", NEW_MAC),
        ("untrue-tag",),
        ("macosx_11_0_arm64 is not true: ziglang/zig needs macOS 11.7 in its arm64 slice",),
    ),
    Case(
        Published("ziglang==0.10.0", "manylinux2014_x86_64"),
        ("tag-order", "wheel-tag-lines"),
        ("line 4: 'py3-none-manylinux_2_12_x86_64.manylinux2010_x86_64' stands for several tags",),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(filter(None, case.wheel)))
def test_what_is_said_of_a_published_wheel(case: Case, tmp_path: Path) -> None:
    path = case.wheel.fetched()
    found = findings(path, jobs=2)
    assert tuple(dict.fromkeys(finding.rule for finding in found)) == case.rules
    for line in case.lines:
        assert any(finding.message.startswith(line) for finding in found), line
    hold_against_lief(path, [finding for finding in found if finding.rule in {"untrue-tag", "repeated-rpath"}])
    mended = fix_wheel(path, tmp_path, CheckOptions(jobs=2))
    left = {finding.rule for finding in mended.left}
    assert left == {finding.rule for finding in found if not finding.fixable}


def hold_against_lief(wheel: Path, found: list[Finding]) -> None:
    """Hold what is said of minimum systems, slices and search paths of members against LIEF's reading of them."""
    with zipfile.ZipFile(wheel) as archive:
        for finding in found:
            binary = lief.MachO.parse(list(archive.read(finding.member)))
            assert binary is not None
            slices = {architecture(item): item for item in binary}
            for version, name in re.findall(r"needs macOS ([\d.]+) in its (\w+) slice", finding.message):
                assert minimum(slices[name])[:2] == tuple(map(int, version.split(".")))[:2]
            for lacking in re.findall(r"has no (\w+) slice", finding.message):
                assert lacking not in slices
            for rpath in re.findall(r"the LC_RPATH (\S+) stands twice", finding.message):
                assert any([item.path for item in each.rpaths].count(rpath) > 1 for each in slices.values())


def architecture(item: lief.MachO.Binary) -> str:
    names = {"X86_64": "x86_64", "X86": "i386", "ARM64": "arm64"}
    return names[item.header.cpu_type.name]


def minimum(item: lief.MachO.Binary) -> tuple[int, ...]:
    built, stated = item.build_version, item.version_min
    return tuple(built.minos if built else stated.version if stated else ())


ABI3 = (
    Published("cryptography==42.0.5", "manylinux_2_28_x86_64", "39", "abi3"),
    Published("cryptography==42.0.5", "macosx_10_12_universal2", "39", "abi3"),
    Published("psutil==5.9.8", "manylinux2014_x86_64", "36", "abi3"),
    Published("psutil==5.9.8", "macosx_11_0_arm64", "38", "abi3"),
    Published("pynacl==1.5.0", "manylinux_2_17_x86_64", "36", "abi3"),
    Published("opencv-python-headless==4.9.0.80", "manylinux2014_x86_64", "37", "abi3"),
    Published("opencv-python-headless==4.9.0.80", "macosx_11_0_arm64", "37", "abi3"),
    Published("bcrypt==4.1.2", "manylinux_2_28_x86_64", "39", "abi3"),
)


@pytest.mark.parametrize("oldest", ["", "cp32"])
@pytest.mark.parametrize("published", ABI3, ids=lambda wheel: "-".join(filter(None, wheel)))
def test_wheels_for_the_stable_abi_against_abi3audit(published: Published, oldest: str, tmp_path: Path) -> None:
    path = published.fetched()
    if oldest:  # a name that promises more than most wheels keep
        python = path.name.split("-")[-3]
        path = Path(shutil.copy(path, tmp_path / path.name.replace(f"-{python}-abi3", f"-{oldest}-abi3")))
    audited = abi3audit(path)
    told: dict[str, set[str]] = {}
    hidden: dict[str, int] = {}
    for finding in findings(path, "stable-abi"):
        file = finding.member.rpartition("/")[2]
        names = finding.message.partition(" needs ")[2].partition(", which")[0]
        told.setdefault(file, set()).update(re.findall(r"\b_?Py\w+", names))
        hidden[file] = hidden.get(file, 0) + sum(map(int, re.findall(r" and (\d+) more", finding.message)))
    assert told.keys() == audited.keys()
    for file, some in told.items():
        assert some <= audited[file]
        assert len(some) + hidden[file] == len(audited[file])


PSUTILS_OWN = {"PyErr_SetFromOSErrnoWithSyscall"}
"""What psutil defines itself. abi3audit complains of every name that begins like Python's, defined or wanted."""


def abi3audit(path: Path) -> dict[str, set[str]]:
    """Return the names that abi3audit complains of, by file; files without any are left out."""
    command = [sys.executable, "-m", "abi3audit", "--report", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (spec,) = json.loads(done.stdout)["specs"].values()
    results = {item["name"]: item["result"] for item in spec["wheel"]}
    named = {name: {*each["non_abi3_symbols"], *each["future_abi3_objects"]} for name, each in results.items()}
    return {name: found - PSUTILS_OWN for name, found in named.items() if found - PSUTILS_OWN}
