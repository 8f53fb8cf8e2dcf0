"""`python -m truewheel` and the installed program are the same."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.cli import environment, process
from truewheel import __main__, __version__


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
