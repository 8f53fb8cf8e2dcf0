"""Bringing a finished file into a directory so that either nothing or all of it is there.

A file is written under a temporary name beside its place, made durable, and then renamed. The temporary name does not
end in `.whl`, so that nothing takes a half-written file for a wheel.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from truewheel.archive.leftovers import create_unfinished
from truewheel.archive.names import SUFFIX
from truewheel.archive.zip_write import copy_range
from truewheel.errors import OutputError, UsageError
from truewheel.given_files import open_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

    from truewheel.archive.reader import WheelReader

_CHUNK = 1 << 20
_BUFFER = 1 << 18
_HINTS = {
    errno.ENOSPC: "free some space there, or choose another directory",
    errno.EDQUOT: "the disk quota is used up; free some space, or choose another directory",
    errno.EACCES: "choose a directory that can be written to",
    errno.EPERM: "choose a directory that can be written to",
    errno.EROFS: "choose a directory that can be written to",
    errno.EFBIG: "the file system or a limit does not allow files of that size",
}


class StagedFile:
    """A complete file under a temporary name. A context manager: it is deleted unless it was published.

    path: where it is now. directory: where it will be published.
    """

    def __init__(self, path: Path, directory: Path, made: tuple[Path, ...]) -> None:
        """Take over the file at `path`; `made` are the directories that were made for it, outermost first."""
        self.path = path
        self.directory = directory
        self._made = made
        self._published = False
        self._unsynced: int | None = None
        """A descriptor of the file while it may not be on the disk yet."""
        self._held: int | None = None
        """A descriptor that keeps others from taking the file for one that nobody wants."""

    def __enter__(self) -> Self:
        """Return the staged file itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Delete the file unless it was published."""
        self.discard()

    def discard(self) -> None:
        """Delete the file, and the directories that were made for it, unless it was published."""
        if self._unsynced is not None:
            os.close(self._unsynced)
            self._unsynced = None
        if not self._published:
            self.path.unlink(missing_ok=True)
            remove_directories(self._made)
        self._let_go()

    def hold(self, descriptor: int) -> None:
        """Keep the lock of an open descriptor of the file, which stays the caller's, until the file has its name."""
        if sys.platform != "win32":  # which does not rename files that are open
            self._held = os.dup(descriptor)

    def _let_go(self) -> None:
        descriptor, self._held = self._held, None
        if descriptor is not None:
            os.close(descriptor)

    def written(self, descriptor: int) -> None:
        """Be told that the file is complete; `descriptor` is an open one of it, which stays the caller's."""
        self._unsynced = os.dup(descriptor)

    def sync(self) -> None:
        """Return when the file is on the disk; raise OutputError when it cannot be brought there.

        Whatever makes something of the file does this first, so a caller need not, unless it has other work meanwhile.
        """
        descriptor, self._unsynced = self._unsynced, None
        if descriptor is None:
            return
        try:
            with writing(self.directory):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def keep(self) -> Path:
        """Leave the file where it is, and what becomes of it to the caller; return its path."""
        self.sync()
        self._published = True
        self._let_go()
        return self.path

    def replace(self, name: str) -> Path:
        """Give the file a name that need not be a wheel's, in place of what has that name; return its path.

        Raises OutputError when it cannot be renamed.
        """
        target = self.directory / name
        self.sync()
        with writing(target):
            self.path.replace(target)
            self._published = True
            self._let_go()
            sync_directory(self.directory)
        return target

    def publish(self, name: str, *, force: bool = False) -> Path:
        """Give the file its name in the directory and return its path.

        A file with that name and the same bytes is left alone; one with other bytes is replaced only with `force`.

        Raises OutputError when it is not replaced or the file cannot be renamed, UsageError for a name that is not a
        wheel's file name.
        """
        if name != Path(name).name or not name.endswith(SUFFIX):
            raise UsageError("is not the file name of a wheel", where=name)
        target = self.directory / name
        self.sync()
        with writing(target):
            if same_bytes(self.path, target):
                self.path.unlink()
            elif force:
                self.path.replace(target)
            else:
                self._publish_new(target)
            self._published = True
            self._let_go()
            sync_directory(self.directory)
        return target

    def _publish_new(self, target: Path) -> None:
        """Rename where nothing is; leave the same bytes alone that somebody else brings there at this moment."""
        try:
            rename_new(self.path, target)
        except OutputError:
            if not same_bytes(self.path, target):
                raise
            self.path.unlink()


@contextmanager
def temporary_file(directory: Path, mode: int, *, sync: bool = True) -> Iterator[tuple[BinaryIO, StagedFile]]:
    """Make `directory` if need be and a new file in it; flush the file to the disk at the end.

    mode: the file's permission bits, from which the process's umask is taken away. sync: False leaves it to the staged
    file to bring the content to the disk.

    The file is deleted when the block is left by an exception; an OSError becomes an OutputError.
    """
    with writing(directory):
        made = make_directory(directory)
        try:
            path, descriptor = create_unfinished(directory, mode)
        except OSError:
            remove_directories(made)
            raise
        staged = StagedFile(path, directory, made)
        staged.hold(descriptor)
        try:
            with os.fdopen(descriptor, "wb", buffering=_BUFFER) as file:
                yield file, staged
                file.flush()
                staged.written(descriptor)
            if sync:
                staged.sync()
        except BaseException:
            staged.discard()
            raise


def copy_unchanged(source: WheelReader, directory: Path, *, force: bool = False) -> Path:
    """Publish a copy of the whole wheel, byte for byte, in `directory` and return its path.

    Nothing is written when it is there already. Raises as `StagedFile.publish` does.
    """
    target = directory / source.path.name
    with suppress(OSError):
        if target.samefile(source.path):
            return target
    with stage_copy(source, directory) as staged:
        return staged.publish(source.path.name, force=force)


def copy_as_it_is(path: Path, directory: Path, *, force: bool = False) -> Path:
    """Do the same as `copy_unchanged` with a file that need not be a wheel that can be read, but for its name."""
    target = directory / path.name
    with suppress(OSError):
        if target.samefile(path):
            return target
    with open_file(path) as source:
        mode = os.fstat(source.fileno()).st_mode & 0o777
        with temporary_file(directory, mode) as (file, staged):
            while piece := source.read(_CHUNK):
                file.write(piece)
    with staged:
        return staged.publish(path.name, force=force)


def stage_copy(source: WheelReader, directory: Path) -> StagedFile:
    """Write a copy of the whole wheel, byte for byte, to a temporary file in `directory`; raise OutputError."""
    with temporary_file(directory, source_mode(source)) as (file, staged):
        copied = copy_range(source.fileno(), file.fileno(), 0, source.size())
        for start in range(copied, source.size(), _CHUNK):
            file.write(source.bytes_at(start, min(start + _CHUNK, source.size())))
    return staged


def source_mode(source: WheelReader) -> int:
    """Return the permission bits of the wheel's file."""
    return os.fstat(source.fileno()).st_mode & 0o777


@contextmanager
def writing(where: Path) -> Iterator[None]:
    """Turn an OSError of the block into an OutputError that names `where` and what helps."""
    try:
        yield
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        raise OutputError(what, where=str(where), hint=_HINTS.get(error.errno or 0, "")) from error


def remove_directories(made: tuple[Path, ...]) -> None:
    """Remove directories that are still empty, innermost first."""
    for path in reversed(made):
        with suppress(OSError):
            path.rmdir()


def make_directory(directory: Path) -> tuple[Path, ...]:
    """Make the directory with its parents and return those that were missing, outermost first."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    return tuple(reversed(missing))


def rename_new(path: Path, target: Path) -> None:
    """Rename without ever replacing a file, even one that another process makes at this moment."""
    try:
        os.link(path, target)
    except FileExistsError as error:
        raise OutputError(
            "exists already with other content",
            where=str(target),
            hint="`--force` replaces it",
        ) from error
    except OSError:  # the file system has no hard links
        if os.path.lexists(target):
            raise OutputError("exists already", where=str(target), hint="`--force` replaces it") from None
        path.replace(target)
    else:
        path.unlink()


def same_bytes(path: Path, target: Path) -> bool:
    """Whether `target` is a file with the same content as the file `path`."""
    if not target.is_file() or target.stat().st_size != path.stat().st_size:
        return False
    with path.open("rb") as one, target.open("rb") as other:
        while piece := one.read(_CHUNK):
            if piece != other.read(_CHUNK):
                return False
    return True


def sync_directory(directory: Path) -> None:
    """Make the rename durable, on systems and file systems that can; the file has its name in any case."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
