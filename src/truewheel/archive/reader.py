"""A wheel opened for reading: its name, its members, and what its dist-info says.

Follows the PyPA binary distribution format. The file is mapped into memory and never unpacked to disk; members are
inflated when they are asked for. The file must not be cut while it is open: reading a mapping beyond its file ends
the process.
"""

from __future__ import annotations

import mmap
from functools import cached_property
from mmap import ACCESS_READ
from types import MappingProxyType
from typing import TYPE_CHECKING

from truewheel.archive.dist_info import find_data_dir, find_dist_info
from truewheel.archive.inflate import inflate, inflate_head, inflate_stream
from truewheel.archive.metadata import WheelMetadata
from truewheel.archive.names import WheelName
from truewheel.archive.record import Record
from truewheel.archive.zip import read_entries
from truewheel.archive.zip_format import STORED
from truewheel.errors import InvalidArchiveError, InvalidInputError, InvalidWheelError
from truewheel.given_files import open_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO

    from typing_extensions import Self

    from truewheel.archive.zip_format import Entry

CHUNK = 1 << 18
_RELEASED = 1 << 20
"""From how many bytes on pages that were read are given back to the system."""


class WheelReader:
    """An open wheel. A context manager; safe to use from several threads.

    path: as given. name: the parsed file name. entries: every member by name, in archive order, folders included.
    dist_info, data_dir: the names of its metadata folder and of its data folder (which it may not have).
    """

    def __init__(
        self, path: Path, name: WheelName, file: BinaryIO, buffer: mmap.mmap, entries: tuple[Entry, ...]
    ) -> None:
        """Keep the parts; `WheelReader.open` makes and checks them."""
        self.path = path
        self.name = name
        self.entries: Mapping[str, Entry] = MappingProxyType({entry.name: entry for entry in entries})
        self.dist_info = find_dist_info(self.entries, name, path.name)
        self.data_dir = find_data_dir(self.entries, self.dist_info, path.name)
        self._file = file
        self._buffer = buffer

    @classmethod
    def open(cls, path: Path, *, name: WheelName | None = None) -> WheelReader:
        """Open the wheel at `path`.

        name: what to take for the file's name, for a wheel that does not bear its name yet.

        Raises InvalidWheelError for a file name or a dist-info folder that is not a wheel's, InvalidArchiveError for
        an archive that is not as strict as a wheel has to be, InvalidInputError for a file that cannot be read.
        """
        name = name or WheelName.parse(path.name)
        try:
            file = open_file(path)
        except OSError as error:
            raise InvalidInputError(f"cannot be opened: {error.strerror}", where=str(path)) from error
        try:
            buffer = _map(file, path)
        except BaseException:
            file.close()
            raise
        try:
            return cls(path, name, file, buffer, read_entries(buffer, path.name))
        except BaseException:
            _close(buffer)
            file.close()
            raise

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file. Views of stored members that are still held keep the mapping, not the reader, alive."""
        _close(self._buffer)
        self._file.close()

    def fileno(self) -> int:
        """Return the descriptor of the open file, for copying from it."""
        return self._file.fileno()

    def size(self) -> int:
        """Return the archive's size in bytes."""
        return len(self._buffer)

    def entry(self, name: str) -> Entry:
        """Return the member `name`; raise InvalidWheelError when there is none."""
        try:
            return self.entries[name]
        except KeyError:
            raise InvalidWheelError(f"has no member {name!r}", where=self.path.name) from None

    def raw(self, name: str) -> memoryview:
        """Return the member's bytes as they stand in the archive, compressed or not, without a copy."""
        entry = self.entry(name)
        return memoryview(self._buffer)[entry.data_offset : entry.data_offset + entry.compressed_size]

    def bytes_at(self, start: int, end: int) -> memoryview:
        """Return bytes of the archive file without a copy."""
        return memoryview(self._buffer)[start:end]

    def head(self, name: str, size: int) -> bytes:
        """Return the member's first `size` bytes (all, if it has fewer) without inflating the rest, and unchecked."""
        return inflate_head(self.raw(name), self.entry(name), size, self.path.name)

    def read(self, name: str) -> bytes:
        """Return the member's content.

        Raises InvalidArchiveError when it is damaged or has another size or CRC-32 than the archive says.
        """
        return bytes(self._content(name))

    def view(self, name: str) -> memoryview:
        """Return the same as `read` without a copy: of the mapping if the member is stored. Read-only."""
        return memoryview(self._content(name)).toreadonly()

    def _content(self, name: str) -> bytes | bytearray | memoryview:
        entry = self.entry(name)
        content = inflate(self.raw(name), entry, self.path.name)
        if entry.method != STORED and entry.compressed_size >= _RELEASED:
            self._release(entry.data_offset, entry.compressed_size)
        return content

    def _release(self, start: int, size: int) -> None:
        """Let the system take back the memory of mapped pages that were read; they are read again when needed."""
        if hasattr(mmap, "MADV_DONTNEED"):
            start -= start % mmap.PAGESIZE
            self._buffer.madvise(mmap.MADV_DONTNEED, start, min(size, self.size() - start))

    def stream(self, name: str, chunk_size: int = CHUNK) -> Iterator[bytes]:
        """Yield the member's content in pieces of at most `chunk_size` bytes, in memory bounded by that size.

        Raises as `read` does, for a wrong CRC-32 after the last piece.
        """
        return inflate_stream(self.raw(name), self.entry(name), chunk_size, self.path.name)

    def files(self) -> tuple[str, ...]:
        """Return the names of all members that are not folders, in archive order."""
        return tuple(name for name in self.entries if name[-1] != "/")

    @cached_property
    def wheel(self) -> WheelMetadata:
        """The WHEEL file; raises InvalidWheelError when it cannot be understood."""
        name = f"{self.dist_info}/WHEEL"
        return WheelMetadata.parse(self.read(name), f"{self.path.name}, {name}")

    @cached_property
    def record(self) -> Record:
        """The RECORD file; raises InvalidWheelError when it cannot be understood."""
        return Record.parse(self.read(self.record_name), self.record_name)

    @property
    def record_name(self) -> str:
        """The name of the RECORD file."""
        return f"{self.dist_info}/RECORD"

    @cached_property
    def unrecorded(self) -> tuple[str, ...]:
        """The files that RECORD should list and does not, in archive order."""
        listed = self.record.paths()
        exempt = {self.record.where, *self.record.signatures}
        return tuple(name for name in self.files() if name not in listed and name not in exempt)

    def permissions(self, name: str) -> int:
        """Return the Unix permission bits of a member; usual ones when the archive was written without."""
        return self.entries[name].mode & 0o777 or 0o644

    def sha256(self) -> str:
        """Return the hex digest of the archive file."""
        from hashlib import sha256

        digest = sha256()
        for start in range(0, self.size(), _RELEASED):
            digest.update(self.bytes_at(start, min(start + _RELEASED, self.size())))
            self._release(start, _RELEASED)
        return digest.hexdigest()


def _map(file: BinaryIO, path: Path) -> mmap.mmap:
    try:
        return mmap.mmap(file.fileno(), 0, access=ACCESS_READ)
    except ValueError as error:
        raise InvalidArchiveError("the file is empty", where=str(path)) from error
    except OSError as error:
        raise InvalidInputError(f"cannot be mapped: {error.strerror}", where=str(path)) from error


def _close(buffer: mmap.mmap) -> None:
    try:
        buffer.close()
    except BufferError:
        return  # a caller still holds a view; the mapping goes when the view does
