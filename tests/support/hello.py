"""Wheels of the package hello, made of fixtures for one test, and what happens when Python imports them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.wheels import build_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DIST_INFO = "hello-1.0.dist-info"
PACKAGE = b"from hello._hello import greet\n"


def hello_wheel(
    directory: Path,
    files: Mapping[str, Path | bytes],
    *,
    tag: str = "cp310-abi3-linux_x86_64",
    wheel_tags: tuple[str, ...] = (),
    modes: Mapping[str, int] | None = None,
) -> Path:
    """Write hello-1.0-TAG.whl of `files` (fixtures or contents by member name) into `directory`; return its path.

    wheel_tags: what the WHEEL file says instead of `tag`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"Tag: {each}\n" for each in wheel_tags or (tag,))
    contents = {name: file if isinstance(file, bytes) else file.read_bytes() for name, file in files.items()}
    contents[f"{DIST_INFO}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\n{lines}".encode()
    return build_wheel(directory, contents, filename=f"hello-1.0-{tag}.whl", dist_info=DIST_INFO, modes=modes)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program did."""

    code: int
    output: str
    errors: str


def installed(wheel: Path, directory: Path) -> Path:
    """Install a wheel with pip's own rules for `--target`, and return that folder."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    command += ["--disable-pip-version-check", "--root-user-action=ignore", "--target", str(directory), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return directory


def run_python(site: Path, code: str) -> Outcome:
    """Run Python code with the packages of one folder and no library path."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LD_", "PYTHON", "COV"))}
    return run([sys.executable, "-c", code], {**clean, "PYTHONPATH": str(site)})


def run(command: list[str], environment: Mapping[str, str]) -> Outcome:
    """Run a program to its end."""
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)
