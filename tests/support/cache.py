"""Where slow tests keep what takes seconds or minutes to make: other systems' files and built wheels.

The folder is named by TRUEWHEEL_TEST_CACHE; by default it is `truewheel-tests` in the user's cache. Deleting it costs
only time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def folder() -> Path:
    """Return the cache folder; it need not exist yet."""
    chosen = os.environ.get("TRUEWHEEL_TEST_CACHE")
    if chosen:
        return Path(chosen).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "truewheel-tests"


def kept(name: str, recipe: object, make: Callable[[Path], None]) -> Path:
    """Return the folder that `make` fills once; another recipe (compared by its repr) makes another folder.

    A half-made folder never gets the final name, and of two test processes the second waits for the first.
    """
    key = hashlib.sha256(repr(recipe).encode()).hexdigest()[:8]
    final = folder() / f"{name}-{key}"
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    unfinished = final.with_name(final.name + ".unfinished")
    with final.with_name(final.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.is_dir():
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(final)
    return final
