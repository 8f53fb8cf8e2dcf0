"""`python -m truewheel` and the installed program are the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import environment, process
from truewheel import __main__, __version__

PROGRAM = "from truewheel.__main__ import program; program()"
"""What the installed program consists of."""


def test_the_module_is_the_program() -> None:
    outcome = process("--version")
    assert (outcome.code, outcome.output, outcome.errors) == (0, f"truewheel {__version__}\n", "")


def test_the_entry_point_exits_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["truewheel", "bogus"])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 2


def test_importing_the_entry_point_runs_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import truewheel.__main__"], env=environment(), capture_output=True, check=True
    )
    assert done.stdout == b""


def _program(*arguments: str, output: int = subprocess.PIPE) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environment(),
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_installed_program_writes_all_it_has_to_say() -> None:
    assert _program("--version") == (0, f"truewheel {__version__}\n", "")
    code, output, errors = _program("bogus")
    assert (code, output) == (2, "")
    assert "bogus" in errors
    assert errors.endswith("\n")


def test_the_installed_program_ends_without_taking_the_interpreter_down() -> None:
    watched = f"import atexit; atexit.register(print, 'taken down'); {PROGRAM}"
    done = subprocess.run(
        [sys.executable, "-c", watched, "--version"], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == f"truewheel {__version__}\n"


def test_output_that_cannot_be_written_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        code, _, errors = _program("--version", output=full.fileno())
    assert code not in {0, 2}
    assert "No space left" in errors


def test_a_reader_that_is_gone_is_no_traceback() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        code, _, errors = _program(output=theirs)
    finally:
        os.close(theirs)
    assert (code, errors) == (141, "")


def test_the_installed_program_runs_without_standard_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(sys, "argv", ["truewheel", "--version"])
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(os, "_exit", ended.append)
    with pytest.raises(SystemExit):
        __main__.program()
    assert ended == [0]


def test_what_cannot_be_flushed_is_left_to_the_ordinary_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        full.write("still in the buffer")
        monkeypatch.setattr(sys, "argv", ["truewheel", "bogus"])
        monkeypatch.setattr(sys, "stdout", full)
        monkeypatch.setattr(os, "_exit", pytest.fail)
        with pytest.raises(SystemExit) as ended:
            __main__.program()
        assert ended.value.code == 2
        monkeypatch.undo()
        with pytest.raises(OSError, match="No space left"):
            full.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
