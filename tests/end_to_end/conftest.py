"""The repair under test, run as its user runs it: in its own process, from the command line."""

from __future__ import annotations

import functools
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def repairer() -> list[str]:
    """The program; TRUEWHEEL_TEST_REPAIRER names another one, to tell its faults from those of these tests."""
    return shlex.split(os.environ.get("TRUEWHEEL_TEST_REPAIRER", "")) or [sys.executable, "-m", "truewheel"]


@pytest.fixture(scope="session")
def repair(repairer: list[str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`repair(wheel, *options) -> Path` of the repaired wheel; one repair serves every test that asks for the same."""

    @functools.cache
    def repair_once(wheel: Path, *options: str | Path) -> Path:
        folder = tmp_path_factory.mktemp("repaired")
        command = [*repairer, "repair", "-w", folder, *options, wheel]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        (repaired,) = folder.glob("*.whl")
        return repaired

    return repair_once
