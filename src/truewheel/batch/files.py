"""Files that a batch writes beside its wheels: whole or not at all, and untouched where nothing changes.

The temporary name of each follows from its own name, so that what a killed run left is taken up by the next.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from truewheel.archive.locks import lock
from truewheel.archive.staging import make_directory, remove_directories, same_bytes, sync_directory, writing
from truewheel.errors import OutputError
from truewheel.given_files import no_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def place_of(path: Path) -> Path:
    """Return the one spelling of where a file lies; a link that is the file itself is not followed."""
    return path.parent.resolve() / path.name


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Let other runs that write what a folder says of itself wait for the end of the block; make the folder if need be.

    The folder itself is locked, so nothing stays behind, and a process that dies frees it. Where the system or the file
    system knows no such locks, as on some network folders, nobody waits.
    """
    with writing(directory):
        made = make_directory(directory)
    try:
        with _lock_of(directory):
            yield
    finally:
        remove_directories(made)  # of which those that are still empty go


@contextmanager
def _lock_of(directory: Path) -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    with writing(directory):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        lock(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)


def require_file_or_nothing(path: Path) -> None:
    """Raise OutputError where a pipe or a device is, whose place no file may take."""
    with writing(path):
        kind = no_file(path.stat().st_mode) if path.exists() and not path.is_dir() else ""
    if kind:
        raise OutputError(f"is {kind}, not a file", where=str(path), hint="name a file")


def write_file(path: Path, content: bytes) -> Path:
    """Bring a file into its folder, which is made if need be; one that has this content already is left alone."""
    require_file_or_nothing(path)
    if not (path.is_file() and path.read_bytes() == content):
        with _replacing(path) as file:
            file.write(content)
    return path


def copy_file(source: Path, path: Path, *, force: bool) -> Path:
    """Bring a copy of a file to `path`; raise OutputError when another file is there, unless `force` replaces it."""
    if same_bytes(source, path):
        return path
    if path.exists() and not force:
        raise OutputError("exists already with other content", where=str(path), hint="`--force` replaces it")
    from shutil import copyfileobj

    with source.open("rb") as content, _replacing(path) as file:
        copyfileobj(content, file)
    return path


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when it is complete and on the disk; an OSError is an OutputError."""
    part = path.with_name(f".{path.name}.part")
    with writing(path):
        make_directory(path.parent)
        try:
            with part.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
