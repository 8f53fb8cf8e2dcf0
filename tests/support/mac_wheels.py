"""Published wheels for macOS, fetched by slow tests once and kept."""

from __future__ import annotations

import sys
import zipfile
from typing import TYPE_CHECKING

from support.cache import kept
from support.programs import run

if TYPE_CHECKING:
    from pathlib import Path

NEWEST = "macosx_14_0"
"""The system that a wheel is fetched for; pip also takes wheels for older ones."""


def fetched(requirement: str, architecture: str = "x86_64", *, python: str = "") -> Path:
    """Return a wheel for macOS of one version of a project, e.g. `pillow==12.0.0`.

    python: `3.12` for instance; the version of this interpreter unless said otherwise.
    """
    version = python or ".".join(map(str, sys.version_info[:2]))
    platform = f"{NEWEST}_{architecture}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--platform", platform, "--python-version", version, requirement]
    name = f"mac-{requirement.partition('==')[0]}"
    folder = kept(name, (requirement, platform, version), lambda into: _download(command, into))
    (wheel,) = folder.glob("*.whl")
    return wheel


def _download(command: list[str], into: Path) -> None:
    run([*command, "--dest", into])


def unpacked(wheel: Path, folder: Path) -> Path:
    """Unpack a wheel as it lies, and return the folder."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder
