"""`truewheel why` on each kind of subject, as a user sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.cli import truewheel
from support.fixtures import family, unrepaired_wheel
from support.wheels import build_wheel

if TYPE_CHECKING:
    from pathlib import Path

HELLO = unrepaired_wheel("x86_64")
FAMILY = family("x86_64")
WITH = ("--lib-path", str(FAMILY.folder), str(HELLO))


def answer(*arguments: str | Path) -> list[str]:
    outcome = truewheel("why", *arguments)
    assert (outcome.code, outcome.errors) == (0, "")
    return outcome.output.splitlines()


def test_a_library_that_comes_along() -> None:
    assert answer(*WITH, "libtone.so.2") == [
        "libtone.so.2 is needed by 1 file and comes along: not every system of manylinux_2_5_x86_64 has it",
        f"  {FAMILY.tone} comes by",
        f"    hello/_hello.abi3.so needs libgreet.so.1 -> {FAMILY.greet} (--lib-path)",
        f"    {FAMILY.greet} needs libtone.so.2 -> {FAMILY.tone} (--lib-path)",
        "  it is needed by 1 file",
        f"    {FAMILY.greet}",
    ]


def test_a_library_of_the_system() -> None:
    assert answer(*WITH, "libc.so.6")[0].endswith("and stays outside: every system of manylinux_2_5_x86_64 has it")


def test_a_missing_library() -> None:
    lines = answer(HELLO, "libgreet.so.1")
    assert lines[0] == "libgreet.so.1 is needed by 1 file and was not found"
    assert "  it was searched for in" in lines
    assert any(line.endswith("/libgreet.so.1: absent (the loader's default directories)") for line in lines)
    assert lines[-1] == "  say where it lies with --lib-path DIR, or leave it out with --exclude NAME"


def test_an_excluded_library() -> None:
    line = answer("--exclude", "libgreet*", *WITH, "libgreet.so.1")[0]
    assert line == "libgreet.so.1 is needed by 1 file and stays outside: excluded by the caller"


def test_a_library_in_the_wheel(tmp_path: Path) -> None:
    made = truewheel("repair", "-w", tmp_path, *WITH).output.strip()
    assert answer(made, "libgreet-*")[0] == "libgreet-* is needed by 1 file and is in the wheel already"


def test_a_symbol_version() -> None:
    lines = answer(*WITH, "GLIBC_2.2.5")
    assert lines[0].startswith("GLIBC_2.2.5 is needed by ")
    assert "  hello/_hello.abi3.so needs GLIBC_2.2.5 of libc.so.6" in lines
    assert "    symbols: snprintf" in lines


def test_a_symbol() -> None:
    lines = answer(*WITH, "greet_text")
    assert lines == ["greet_text is needed by 1 file", "  hello/_hello.abi3.so needs greet_text"]


def test_a_tag_that_is_forbidden() -> None:
    lines = answer(HELLO, "manylinux_2_17")
    assert lines[0] == "manylinux_2_17_x86_64 is forbidden by 1 fact"
    assert lines[1] == "  hello/_hello.abi3.so needs libgreet.so.1, which was not found"


def test_without_a_subject() -> None:
    assert answer(*WITH)[0] == "manylinux_2_5_x86_64 is true once the wheel is repaired"


def test_json_is_one_document() -> None:
    document = json.loads(truewheel("why", "--json", *WITH, "greet_text").output)
    assert document["schema"] == "truewheel.why/1"
    assert document["subject"] == "greet_text"


@pytest.mark.parametrize(
    ("subject", "hint"),
    [("libgret.so.1", "did you mean libgreet.so.1?"), ("GLIBC_2.2.6", "did you mean GLIBC_2.2.5?"), ("zzz", "name a")],
)
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_subject_that_nothing_needs(subject: str, hint: str, form: tuple[str, ...]) -> None:
    outcome = truewheel("why", *form, *WITH, subject)
    assert (outcome.code, outcome.output) == (2, "")
    (line,) = outcome.errors.splitlines()
    assert f"nothing in {HELLO.name} needs '{subject}' ({hint}" in line


def test_a_wheel_without_native_files(tmp_path: Path) -> None:
    outcome = truewheel("why", build_wheel(tmp_path, {"foo.py": b""}))
    assert outcome.code == 2
    assert "the wheel has no native file" in outcome.errors
