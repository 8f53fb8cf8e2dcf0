"""The compilers and linkers that the fixtures are built with, found and run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path


class FixtureError(Exception):
    """A fixture cannot be built."""


def find_zig() -> str:
    """Return the path of the zig compiler inside the ziglang package."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise FixtureError("the ziglang package is missing; install the dependency group `fixtures`")
    return str(Path(spec.origin).with_name("zig"))


def run(arguments: list[str], folder: Path) -> str:
    """Run a program in `folder` and return what it printed; `zig` is the one of the ziglang package."""
    environment = {
        **os.environ,
        "ZIG_GLOBAL_CACHE_DIR": os.environ.get("ZIG_GLOBAL_CACHE_DIR", str(folder / "cache/global")),
        "ZIG_LOCAL_CACHE_DIR": str(folder / "cache/local"),
        "LC_ALL": "C",
        "SOURCE_DATE_EPOCH": "0",
    }
    program = find_zig() if arguments[0] == "zig" else arguments[0]
    command = [program, *arguments[1:]]
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise FixtureError(f"{arguments[0]} is missing; on Debian, CONTRIBUTING.md names its package") from None
    except subprocess.CalledProcessError as error:
        raise FixtureError(f"{' '.join(arguments)}\n{error.stderr}") from error
    return done.stdout


def version_of(tool: str, folder: Path) -> str:
    """Return the version that a tool states of itself; empty when it is not installed."""
    if tool == "zig":
        return run(["zig", "version"], folder).strip()
    if shutil.which(tool) is None:
        return ""
    return run([tool, "--version"], folder).splitlines()[0]
