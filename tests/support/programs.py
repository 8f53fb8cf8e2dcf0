"""Programs that slow tests need: found, or the test is skipped; run, or the test fails with what they printed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def need(program: str) -> str:
    """Return the path of a program on PATH or in the folders of system programs."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"needs the program {program}")
    return found


def need_root() -> None:
    """Skip without the right to change the root directory of a process."""
    if os.geteuid() != 0:
        pytest.skip("needs root privileges: another system's files are unpacked and entered with chroot")


def need_zig() -> str:
    """Return the path of the zig compiler inside the ziglang package."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        pytest.skip("needs the ziglang package (dependency group `fixtures`)")
    return str(Path(spec.origin).with_name("zig"))


def run(
    arguments: Sequence[str | Path], *, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program, with `environment` on top of ours, and return what it printed, errors included."""
    done = subprocess.run(
        arguments,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        command = " ".join(str(argument) for argument in arguments)
        pytest.fail(f"{command}\nended with {done.returncode}:\n{done.stdout[-6000:]}", pytrace=False)
    return done.stdout
