"""`truewheel accepts` as a user sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.cli import truewheel
from support.wheels import build_wheel, wheel_files

if TYPE_CHECKING:
    from pathlib import Path

    from support.hello import Outcome

NUMPY = "numpy-1.9.0-cp34-cp34m-macosx_10_6_intel.macosx_10_9_intel.macosx_10_9_x86_64.whl"
LINUX = "foo-1.0-cp312-cp312-manylinux_2_39_x86_64.whl"


def by_name(*arguments: str) -> Outcome:
    return truewheel("accepts", "--name", *arguments)


def wheel(folder: Path, filename: str, requires_python: str = "") -> Path:
    metadata = f"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n{requires_python}\nRequires-Python: >=9\n"
    if requires_python:
        metadata = metadata.replace(f"{requires_python}\n", f"{requires_python}\n\n", 1)
    else:
        metadata = "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n"
    files = wheel_files({"foo-1.0.dist-info/METADATA": metadata.encode()})
    return build_wheel(folder, files, filename=filename)


def test_the_table_of_one_wheel() -> None:
    outcome = by_name(NUMPY)
    assert (outcome.code, outcome.errors) == (0, "")
    lines = outcome.output.splitlines()
    assert lines[0] == NUMPY
    assert lines[2].split() == ["pip", "8.0", "and", "later,", "pip", "6.0", "-", "7.1", "pip", "1.4", "-", "1.5"]
    assert lines[-1].startswith("nobody on  macOS 11 - 26 Apple silicon; Linux glibc; Linux musl; Windows")
    assert len(lines) < 24
    assert max(map(len, lines)) <= 100


def test_every_line_fits_and_the_table_fits_on_a_screen() -> None:
    for tag in ("py3-none-any", "cp39-abi3-macosx_10_9_universal2", "py2.py3-none-manylinux_2_28_aarch64.win32"):
        lines = by_name(f"foo-1.0-{tag}.whl").output.splitlines()
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 100


def test_many_columns_are_told_row_by_row() -> None:
    name = "foo-1.0-py2.py3-none-linux_x86_64.manylinux1_x86_64.macosx_10_6_fat3.macosx_10_9_universal2.whl"
    lines = by_name(name).output.splitlines()
    assert any(line.startswith("  pip 26.3 and later") for line in lines)
    assert max(map(len, lines)) <= 100


def test_several_wheels_have_a_table_each() -> None:
    output = by_name(*(f"foo-1.0-py3-none-{tag}.whl" for tag in ("any", "win32", "win_arm64"))).output
    assert [line for line in output.splitlines() if line.endswith(".whl")] == [
        f"foo-1.0-py3-none-{tag}.whl" for tag in ("any", "win32", "win_arm64")
    ]


def test_who_gains_and_who_loses() -> None:
    outcome = by_name("foo-1.0-cp39-cp39-macosx_10_9_x86_64.whl", "foo-1.0-cp39-cp39-macosx_11_0_universal2.whl")
    lines = outcome.output.splitlines()
    assert outcome.code == 0
    assert lines[0] == "from  foo-1.0-cp39-cp39-macosx_10_9_x86_64.whl"
    gains, losses = lines.index("who gains"), lines.index("who loses")
    assert any("Apple silicon" in line for line in lines[gains:losses])
    assert any("macOS 10.9 - 10.15 Intel" in line for line in lines[losses:])


def test_a_name_for_the_same_systems() -> None:
    outcome = by_name(*(f"a-1-cp312-cp312-macosx_10_9_x86_64{more}.whl" for more in ("", ".macosx_10_13_x86_64")))
    assert outcome.output.splitlines()[2:] == ["", "nobody gains", "", "nobody loses"]


def test_a_target_that_refuses() -> None:
    outcome = by_name("--target", "ubuntu-22.04 cp312", LINUX)
    assert (outcome.code, outcome.errors) == (1, "")
    assert outcome.output.splitlines() == [
        f"{LINUX}: refused (ubuntu-22.04 cp312)",
        "  CPython 3.12 on ubuntu-22.04 (glibc 2.35, x86_64) with pip 26.3 and later: manylinux_2_39_x86_64",
        "  (for glibc 2.39 and newer, and the system has 2.35)",
        "  it would take cp312-cp312-manylinux_2_35_x86_64, cp312-abi3-manylinux_2_35_x86_64,",
        "  cp312-none-manylinux_2_35_x86_64",
    ]


def test_targets_that_accept() -> None:
    outcome = by_name("--target", "ubuntu-24.04 cp312", "--target", "cp312 debian-13 pip-26.0", LINUX)
    assert outcome.code == 0
    assert [line for line in outcome.output.splitlines() if "rank" in line] == [
        "  rank 1: it looks for 1 tag before this one",
        "  rank 2: it looks for 2 tags before this one",
    ]
    assert (
        "  rank 0: it looks for no tag before this one"
        in by_name("--target", "windows cp312", "foo-1.0-cp312-cp312-win_amd64.whl").output
    )


def test_one_refusal_of_several_targets_is_a_refusal() -> None:
    assert by_name("--target", "ubuntu-24.04 cp312", "--target", "alpine-3.19 cp312", LINUX).code == 1


def test_requires_python_is_read_from_the_wheel(tmp_path: Path) -> None:
    path = wheel(tmp_path, "foo-1.0-py3-none-any.whl", "Requires-Python: >=3.10")
    outcome = truewheel("accepts", path)
    assert "Requires-Python: >=3.10" in outcome.output.splitlines()
    refused = truewheel("accepts", "--target", "debian-12 cp39", path)
    assert refused.code == 1
    assert "3.9 is not >=3.10, which the wheel's Requires-Python asks for" in refused.output
    assert truewheel("accepts", "--name", "--target", "debian-12 cp39", path).code == 0


def test_a_wheel_without_requires_python(tmp_path: Path) -> None:
    path = wheel(tmp_path, "foo-1.0-py3-none-any.whl")
    assert "Requires-Python" not in truewheel("accepts", path).output


def test_capital_letters_do_not_hide_the_wheel(tmp_path: Path) -> None:
    path = wheel(tmp_path, "foo-1.0-py3-none-ANY.whl")
    assert truewheel("accepts", "--target", "debian-12 cp312 uv", path).code == 1
    assert truewheel("accepts", "--target", "debian-12 cp312 pip", path).code == 0


def test_files_that_are_not_there() -> None:
    outcome = truewheel("accepts", "gone-1.0-py3-none-any.whl")
    assert outcome.code == 3
    assert "there is no such file" in outcome.errors
    both = truewheel("accepts", "gone-1.0-py3-none-any.whl", "gone-1.0-py3-none-win32.whl")
    assert (both.code, both.output) == (3, "")


@pytest.mark.parametrize("name", ["foo.txt", "foo-1.0.whl", "foo-1.0-py3-none.whl"])
def test_a_name_that_is_no_wheels(name: str) -> None:
    outcome = by_name(name)
    assert (outcome.code, outcome.output) == (3, "")
    assert len(outcome.errors.splitlines()) == 1


def test_a_target_that_means_nothing() -> None:
    outcome = by_name("--target", "ubunto-22.04 cp312", LINUX)
    assert (outcome.code, outcome.output) == (2, "")
    assert "did you mean ubuntu-22.04" in outcome.errors


def test_json_with_targets() -> None:
    document = json.loads(by_name("--json", "--target", "ubuntu-22.04 cp312", LINUX, "foo.txt").output)
    ((answer,),) = [one["answers"] for one in document["wheels"]]
    assert document["schema"] == "truewheel.accepts/1"
    assert (answer["target"], answer["accepted"], answer["rank"]) == ("ubuntu-22.04 cp312", False, None)
    assert answer["nearest"][0] == "cp312-cp312-manylinux_2_35_x86_64"
    assert [one["file"] for one in document["failed"]] == ["foo.txt"]
