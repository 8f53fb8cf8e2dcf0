"""A folder for files that are being edited."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.archive.staging import writing

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIABLES = ("TMPDIR", "TEMP", "TMP")
_PLACES = ("/tmp", "/var/tmp", "/usr/tmp", os.curdir)  # noqa: S108 - the folder made there has a name nobody can guess


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder that only this user may enter, and remove it with all that is in it when the block is left.

    It lies where `tempfile` would put it; that module and what it imports take longer to load than patchelf runs.
    Raises OutputError when there is no place for it.
    """
    folder = _made()
    try:
        yield folder
    finally:
        _remove(folder)


def _made() -> Path:
    """Make the folder in the first place that takes it."""
    places = [Path(place).absolute() for place in (*map(os.environ.get, _VARIABLES), *_PLACES) if place]
    name = f"truewheel-{os.urandom(8).hex()}"
    for place in places[:-1]:
        try:
            (place / name).mkdir(mode=0o700)
        except OSError:
            continue
        return place / name
    with writing(places[-1]):
        (places[-1] / name).mkdir(mode=0o700)
    return places[-1] / name


def _remove(folder: Path) -> None:
    try:
        folder.rmdir()  # each file in it goes as soon as it is compressed
    except OSError:
        from shutil import rmtree

        rmtree(folder, ignore_errors=True)
