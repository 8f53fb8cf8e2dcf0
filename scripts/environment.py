"""Makes the environments that the other scripts work in. Needs nothing but Python and pip."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
STAMP = "truewheel-stamp"
"""File inside an environment that says for what it was made."""


class SetupError(Exception):
    """An environment cannot be made; the message says what to do."""


def python_of(environment: Path) -> Path:
    """Return the interpreter of an environment."""
    return program_of(environment, "python")


def program_of(environment: Path, name: str) -> Path:
    """Return a program of an environment."""
    return environment / ("Scripts" if os.name == "nt" else "bin") / (name + (".exe" if os.name == "nt" else ""))


def project_environment(name: str, groups: tuple[str, ...] = ()) -> Path:
    """Return an environment with this project (editable) and some dependency groups; make it if it is out of date."""
    version = ".".join(map(str, sys.version_info[:3]))
    environment = BUILD / f"{name}-{sys.implementation.name}-{version}"
    recipe = "\n".join([sys.version, sys.base_prefix, str(ROOT), *groups, (ROOT / "pyproject.toml").read_text("utf-8")])
    stamp = hashlib.sha256(recipe.encode()).hexdigest()
    stamp_file = environment / STAMP
    if stamp_file.is_file() and stamp_file.read_text("utf-8") == stamp:
        return environment
    empty_environment(environment)
    wanted = ["--editable", str(ROOT), *(part for group in groups for part in ("--group", group))]
    install(environment, "pip>=25.1")  # the first that knows dependency groups
    install(environment, *wanted)
    stamp_file.write_text(stamp, "utf-8")
    return environment


def empty_environment(environment: Path) -> None:
    """Make a new environment that holds pip and nothing else, in place of what is there.

    Where Python lacks `ensurepip` (Debian without python3-venv), the pip that runs beside Python fills it.
    """
    try:
        venv.create(environment, clear=True, symlinks=os.name != "nt", with_pip=True)
    except (subprocess.CalledProcessError, ImportError):
        venv.create(environment, clear=True, symlinks=os.name != "nt", with_pip=False)
        try:
            _pip([sys.executable, "-m", "pip", "--python", str(python_of(environment))], "pip")
        except SetupError as error:
            hint = (
                f"{sys.executable} can make no environment: it lacks ensurepip (Debian: python3-venv) and a pip >= 22.3"
            )
            raise SetupError(f"{hint}\n{error}") from error


def install(environment: Path, *arguments: str) -> None:
    """Run `pip install` in an environment; say what it said only when it fails."""
    _pip([str(python_of(environment)), "-m", "pip"], *arguments)


def _pip(pip: list[str], *arguments: str) -> None:
    quiet = ["--disable-pip-version-check", "--no-input", "--quiet"]
    command = [*pip, *quiet, "install", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"pip install {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}".rstrip())
