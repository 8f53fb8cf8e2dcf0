"""A run that is killed at a step of its choice, and what it leaves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

STEPS = ("fsync", "link", "unlink", "replace", "rename", "mkdir", "rmdir", "open", "write")


class KilledError(BaseException):
    """What a run that is killed does not live to see."""


class Killer:
    """Lets so many calls through that change the disk, and no call after that, as if the process were gone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, lives: int) -> None:
        """Take the place of the functions of `os`."""
        self.lives = lives
        for name in STEPS:
            monkeypatch.setattr(os, name, self._dying(getattr(os, name)))

    def _dying(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: object, **options: object) -> object:
            if self.lives <= 0:
                raise KilledError
            self.lives -= 1
            return function(*arguments, **options)

        return step


def content(folder: Path) -> dict[str, bytes | None]:
    """Return everything below a folder, hidden files too."""
    if not folder.exists():
        return {}
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
