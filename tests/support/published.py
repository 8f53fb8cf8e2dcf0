"""Wheels of the package index by their exact platforms and Pythons, fetched by slow tests once and kept."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from support.cache import kept
from support.programs import run

if TYPE_CHECKING:
    from pathlib import Path


class Published(NamedTuple):
    """What pip is asked for. python: `27`; abi: empty for whatever fits."""

    requirement: str
    platform: str
    python: str = ""
    abi: str = ""

    def fetched(self) -> Path:
        """Return the wheel."""
        folder = kept(f"wheel-{self.requirement.partition('==')[0]}", tuple(self), self._download)
        (wheel,) = folder.glob("*.whl")
        return wheel

    def _download(self, folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary", ":all:", "--platform", self.platform, self.requirement]
        command += ["--python-version", self.python, "--implementation", "cp"] if self.python else []
        command += ["--abi", self.abi] if self.abi else []
        run([*command, "--dest", folder])
