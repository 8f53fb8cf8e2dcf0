from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from truewheel.errors import (
    DefectError,
    ExitCode,
    InvalidArchiveError,
    InvalidBinaryError,
    InvalidInputError,
    InvalidWheelError,
    OutputError,
    RefusedError,
    ToolError,
    TruewheelError,
    UsageError,
    foreseen,
)


@pytest.mark.parametrize(
    ("where", "hint", "text"),
    [
        ("", "", "is bad"),
        ("a.so", "", "a.so: is bad"),
        ("", "mend it", "is bad (mend it)"),
        ("a.so", "mend it", "a.so: is bad (mend it)"),
    ],
)
def test_an_error_is_one_line_of_its_facts(where: str, hint: str, text: str) -> None:
    error = TruewheelError("is bad", where=where, hint=hint)
    assert str(error) == text
    assert (error.what, error.where, error.hint) == ("is bad", where, hint)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (RefusedError, 1),
        (OutputError, 1),
        (ToolError, 1),
        (DefectError, 1),
        (UsageError, 2),
        (InvalidInputError, 3),
        (InvalidArchiveError, 3),
        (InvalidWheelError, 3),
        (InvalidBinaryError, 3),
    ],
)
def test_every_kind_has_its_exit_code(kind: type[TruewheelError], code: int) -> None:
    assert kind("x").exit_code == code


def test_the_exit_codes_are_the_documented_ones() -> None:
    names = {code.name: int(code) for code in ExitCode}
    assert names == {"DONE": 0, "REFUSED": 1, "USAGE": 2, "UNREADABLE": 3, "SOME_FAILED": 4}


def test_a_refusal_has_reasons() -> None:
    assert RefusedError("x").reasons == ()
    assert RefusedError("x", reasons=("a", "b")).reasons == ("a", "b")


def test_our_own_errors_stay_themselves() -> None:
    error = UsageError("x")
    assert foreseen(error) is error


@pytest.mark.parametrize("filename", ["/full/disk", b"/full/disk"])
def test_what_the_system_refuses_names_the_file(filename: str | bytes) -> None:
    known = foreseen(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), filename))
    assert isinstance(known, OutputError)
    assert str(known) == "/full/disk: the system refuses: No space left on device"


def test_what_the_system_refuses_without_a_file() -> None:
    assert str(foreseen(OSError(errno.EIO, "Input/output error"))) == "the system refuses: Input/output error"


def test_too_little_memory_is_no_defect() -> None:
    assert str(foreseen(MemoryError())) == "there is not enough memory (try with fewer threads: --jobs 1)"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("x"), "KeyError: 'x' ("),
        (ZeroDivisionError(), "ZeroDivisionError ("),
        (ValueError("first\nsecond"), "ValueError: first ("),
        (OSError("odd"), "OSError: odd ("),
        (RecursionError("deep"), "RecursionError: deep ("),
    ],
)
def test_anything_else_is_a_defect_with_the_way_to_its_traceback(error: Exception, text: str) -> None:
    known = foreseen(error)
    assert isinstance(known, DefectError)
    assert str(known).startswith(f"this is a defect of truewheel: {text}please report it; TRUEWHEEL_DEBUG=1")


def test_a_file_that_is_gone_is_told_as_such() -> None:
    known = foreseen(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "a.whl"))
    assert str(known) == (
        "a.whl: is gone: something else took it away meanwhile (run this again when nothing else works there)"
    )


def test_a_current_folder_that_is_gone_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(FileNotFoundError) as caught:
        Path.cwd()
    assert str(foreseen(caught.value)).startswith("the current folder is gone, from which relative paths are seen (")
