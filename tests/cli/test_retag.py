"""`truewheel retag` as its users start it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from support.cli import process, truewheel
from support.hello import hello_wheel
from support.retags import LINUX_TAG, linux_wheel, mac_wheel, pure_wheel, require_sound

if TYPE_CHECKING:
    from pathlib import Path


def test_the_full_path_is_printed_and_what_was_done_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = linux_wheel(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = truewheel("retag", "--build", "1", wheel.name)
    new = tmp_path / f"hello-1.0-1-{LINUX_TAG}.whl"
    assert (done.code, done.output) == (0, f"{new}\n")
    assert done.errors == f"{wheel.name} -> {new.name}\n"
    require_sound(new)


@pytest.mark.parametrize("spelling", ["--platform-tag=-manylinux2014_x86_64", "--platform-tag -manylinux2014_x86_64"])
def test_a_value_may_begin_with_a_dash(spelling: str, tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, "cp310-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64")
    done = truewheel("retag", *spelling.split(), wheel)
    assert done.output == f"{tmp_path / f'hello-1.0-{LINUX_TAG}.whl'}\n"


def test_all_operations_of_one_run_work_together(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, "cp310-cp310-macosx_10_9_universal2", x86_64="10.9", arm64="11.0")
    done = truewheel(
        *("retag", "--python-tag", "cp39", "--python-tag", "+cp311", "--abi-tag", "abi3", "--platform-tag", "auto"),
        *("--for", "pip>=6", "--build", "3", "-w", tmp_path / "out", wheel),
    )
    name = (
        "hello-1.0-3-cp311.cp39-abi3-"
        "macosx_10_9_universal2.macosx_10_9_x86_64.macosx_11_0_arm64.macosx_11_0_universal2.whl"
    )
    assert done.output == f"{tmp_path / 'out' / name}\n"
    require_sound(tmp_path / "out" / name)


def test_a_refusal_has_its_reasons_and_exit_code(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    done = truewheel("retag", "--platform-tag", "win_amd64", wheel)
    assert (done.code, done.output) == (1, "")
    hint = "the widest label that is true is manylinux1_x86_64.manylinux_2_5_x86_64"
    assert done.errors.splitlines() == [
        f"error: {wheel.name}: cannot truly be called win_amd64 ({hint}; --force writes it all the same)",
        "  the wheel holds machine code of Linux, not of Windows",
    ]


def test_force_is_told(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    done = truewheel("retag", "--platform-tag", "win_amd64", "--force", wheel)
    assert done.code == 0
    assert (
        "  note: win_amd64 is not true: the wheel holds machine code of Linux, not of Windows (forced)" in done.errors
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing is asked for"),
        (("--abi-tag", "universal2"), "--abi-tag: universal2 is the last part of a platform tag"),
        (("--platform-tag", "+a.-b"), "--platform-tag +a.-b: a sign stands before a tag that is not the first"),
        (("--platform-tag", "macosx_13_arm64"), "such as macosx_13_0_arm64"),
        (("--build", "1", "--no-build"), "--no-build: contradicts `--build`"),
        (("--build", "x"), "'x' is no build tag"),
        (("--build", "1", "--in-place", "-w", "x"), "--in-place: contradicts `-w`"),
        (("--build", "1", "--in-place", "--keep"), "--in-place: contradicts `--keep`"),
        (("--for", "nobody"), "there is no profile 'nobody'"),
        (("--trust", "wheel"), "--trust: says what `--normalize` believes"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = truewheel("retag", *arguments, pure_wheel(tmp_path))
    assert done.code == 2
    assert said in done.errors
    assert done.output == ""


def test_the_build_tag_is_taken_away(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    made = truewheel("retag", "--build", "1", "--remove", wheel).output.strip()
    assert truewheel("retag", "--no-build", "--in-place", made).output == f"{wheel}\n"
    assert [path.name for path in tmp_path.iterdir()] == [wheel.name]


def test_a_second_run_says_that_there_is_nothing_to_do(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    arguments = ("retag", "--build", "1", wheel)
    path = truewheel(*arguments).output
    again = truewheel(*arguments)
    name = f"hello-1.0-1-{LINUX_TAG}.whl"
    assert (again.output, again.errors) == (path, f"{wheel.name}: nothing to do; {name} is there already\n")
    itself = truewheel("retag", "--build", "1", tmp_path / name)
    assert (itself.output, itself.errors) == (path, f"{name}: nothing to do\n")
    copied = truewheel("retag", "--build", "1", "-w", tmp_path / "out", tmp_path / name)
    assert copied.errors == f"{name}: nothing to do; the same bytes are in the output folder\n"


def test_a_mended_wheel_file_is_told(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, wheel_tags=("cp27-none-any",))
    done = truewheel("retag", "--normalize", "--in-place", wheel)
    assert done.errors.splitlines() == [
        f"{wheel.name}: the WHEEL file is mended",
        "  note: the WHEEL file and the file name disagree about the tags; the file name is believed",
    ]


def test_a_dry_run_writes_nothing_and_tells_the_grounds(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    wish = "+manylinux_2_28_x86_64.manylinux_2_12_x86_64.linux_x86_64"
    done = truewheel("retag", "-n", "-v", "--platform-tag", wish, wheel)
    tags = "linux_x86_64.manylinux_2_12_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64"
    assert done.output.splitlines() == [
        f"{wheel.name} -> hello-1.0-cp310-abi3-{tags}.whl",
        "  linux_x86_64: unjudged",
        "  manylinux_2_12_x86_64: proved: no file needs more than manylinux_2_5_x86_64",
        "  manylinux_2_17_x86_64: proved: no file needs more than manylinux_2_5_x86_64",
        "  manylinux_2_28_x86_64: proved: no file needs more than manylinux_2_5_x86_64",
    ]
    assert truewheel("retag", "-n", "--platform-tag", "+manylinux_2_17_x86_64", wheel).output == (
        f"{wheel.name}: nothing to do\n"
    )
    assert list(tmp_path.iterdir()) == [wheel]


def test_two_wheels_with_one_new_name_are_told_apart(tmp_path: Path) -> None:
    one = linux_wheel(tmp_path, "cp310-abi3-manylinux_2_17_x86_64")
    two = linux_wheel(tmp_path, "cp310-abi3-manylinux_2_28_x86_64")
    done = truewheel("retag", "--platform-tag", "manylinux_2_35_x86_64", "--overwrite", "--remove", one, two)
    assert done.code == 4
    assert "as another of the given wheels is" in done.errors
    assert set(tmp_path.iterdir()) == {one, two}


def test_wheels_of_one_name_go_to_their_own_folders(tmp_path: Path) -> None:
    one, two = (linux_wheel(tmp_path / folder) for folder in "ab")
    done = truewheel("retag", "--build", "1", one, two)
    assert [line.rpartition("/")[0] for line in done.output.splitlines()] == [str(tmp_path / "a"), str(tmp_path / "b")]


def test_one_bad_wheel_does_not_stop_the_others(tmp_path: Path) -> None:
    bad = tmp_path / "bad-1.0-py3-none-any.whl"
    bad.write_bytes(b"PK")
    good = pure_wheel(tmp_path)
    done = truewheel("retag", "--build", "1", bad, good, tmp_path / "gone.whl")
    assert done.code == 4
    assert done.output == f"{tmp_path}/hello-1.0-1-py3-none-any.whl\n"


def test_profiles_of_your_own(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('[profiles.fleet]\nnames = ["manylinux_2_12_x86_64"]\n')
    done = truewheel("retag", "--for", "fleet", "--profiles", file, linux_wheel(tmp_path))
    assert done.output.endswith("hello-1.0-cp310-abi3-manylinux_2_12_x86_64.manylinux_2_17_x86_64.whl\n")


def loaded(*arguments: str | Path) -> set[str]:
    """Return the modules that a run of the program loads, and that no other part of the process (coverage) does."""
    runs = [process(*each, PYTHONPROFILEIMPORTTIME="1") for each in (arguments, ("--version",))]
    assert [run.code for run in runs] == [0, 0]
    ours, always = ({line.rpartition("|")[2].strip() for line in run.errors.splitlines()} for run in runs)
    return ours - always


def test_an_easy_retag_loads_nothing_that_judges(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    ours = (f"truewheel.{part}" for part in ("analyzer", "bundler", "platforms.linux", "platforms.macos"))
    theirs = ("json", "tomllib", "packaging", "click", "dataclasses", "inspect", "shutil", "csv", "email", "ctypes")
    heavy = (*ours, *theirs)
    for arguments in (("--build", "1"), ("--platform-tag", "manylinux_2_28_x86_64")):
        modules = loaded("retag", *arguments, "--overwrite", wheel)
        assert "truewheel.retagger.retag" in modules
        assert [name for name in sorted(modules) if name.startswith(heavy)] == []


def test_a_wheel_is_found_by_its_inside_not_by_its_spelling(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {}, tag="py3-none-any")
    other = shutil.copy(wheel, tmp_path / "Hello-1.0-py3-none-any.whl")
    done = truewheel("retag", "--platform-tag", "win_amd64", other)
    assert done.output == f"{tmp_path}/Hello-1.0-py3-none-win_amd64.whl\n"
