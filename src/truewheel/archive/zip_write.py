"""Writing a ZIP archive: headers, members copied as they stand, and the records at the end.

Follows the .ZIP File Format Specification (APPNOTE) 6.3 and the stricter rules of the package index for uploads: sizes
stand in the local headers, there are no data descriptors, no gaps and no comments, and ZIP64 only where a number does
not fit.
"""

from __future__ import annotations

import errno
import os
import sys
from functools import partial
from struct import pack
from typing import TYPE_CHECKING, BinaryIO

from truewheel.archive.zip_extra import without_zip64
from truewheel.archive.zip_format import (
    CENTRAL,
    CENTRAL_SIGNATURE,
    END,
    END64,
    END64_SIGNATURE,
    END_SIGNATURE,
    EXTRA_ZIP64,
    FLAG_DESCRIPTOR,
    FULL16,
    FULL32,
    LOCAL,
    LOCAL_SIGNATURE,
    LOCATOR64,
    LOCATOR64_SIGNATURE,
)
from truewheel.threads import Behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from mmap import mmap
    from types import TracebackType

    from typing_extensions import Self

    from truewheel.archive.reader import WheelReader
    from truewheel.archive.zip_format import (
        Entry,
    )

    Bytes = bytes | bytearray | memoryview | mmap

VERSION = 20
"""Version 2.0 of the format: folders and deflate."""
VERSION64 = 45
"""Version 4.5: ZIP64."""
_SMALL = 1 << 17
"""Ranges below this size are gathered in the output's buffer instead of being copied by the kernel."""
_HOPELESS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors that another way of copying would only meet again."""
_PLAIN_COPY = 1 << 20
_PIECE = 1 << 22
"""How much the kernel copies at a time, to bring it to the disk while it copies more."""
_LARGE = 1 << 22
"""Ranges from this size on are copied by a thread, which keeps up to _WAITING bytes of what is to be written after."""
_WAITING = 1 << 23
_AT_ONCE = 1 << 26


class ArchiveWriter:
    """An archive that is being written to a file, one member after the other. A context manager.

    What is to be written may be written later, in order, until `finish` returns.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Write to `file`, which is open for writing, buffered and empty."""
        self._file = file
        self._position = 0
        self._count = 0
        self._directory: list[bytes] = []
        self._behind: Behind | None = None
        """Who writes, from the first large copy on."""

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the file alone from now on."""
        if self._behind is not None:
            self._behind.__exit__(kind, error, traceback)

    def copy(self, source: WheelReader, entries: Iterable[Entry]) -> None:
        """Add members of another archive as they stand: compressed bytes, times, modes and extra fields.

        Members that lie next to each other are copied in one piece. A local header is written anew where the old one
        leaves the sizes to a data descriptor or to a ZIP64 field that is not needed, or has another name.
        """
        start = end = 0
        for entry in entries:
            if entry.header_offset != end or not entry.is_plain:
                self._copy_range(source, start, end)
                start = end = entry.header_offset
            if entry.is_plain:
                self._list(entry, self._position + entry.header_offset - start)
                end = entry.end_offset
                continue
            local_extra = bytes(source.bytes_at(_end_of_name(source, entry), entry.data_offset))
            start, end = entry.data_offset, entry.data_offset + entry.compressed_size
            self._begin(entry._replace(flags=entry.flags & ~FLAG_DESCRIPTOR), without_zip64(local_extra))
            self._copy_range(source, start, end)
            start = end = -1
        self._copy_range(source, start, end)

    def add(self, entry: Entry, data: Bytes) -> None:
        """Add a new member; the offsets of `entry` are not looked at."""
        self._begin(entry, b"")
        self._write(data)

    def finish(self) -> None:
        """Write the central directory and the end of the archive."""
        start = self._position
        self._write(b"".join(self._directory))
        self._write(end_records(self._count, start, self._position - start))
        if self._behind is not None:
            self._behind.wait()
        self._file.flush()

    def _begin(self, entry: Entry, local_extra: bytes) -> None:
        self._list(entry, self._position)
        self._write(local_header(entry, local_extra))

    def _list(self, entry: Entry, offset: int) -> None:
        self._count += 1
        self._directory.append(central_header(entry, offset))

    def _write(self, data: Bytes) -> None:
        self._position += len(data)
        if self._behind is None:
            self._file.write(data)
        else:
            self._behind.do(partial(self._file.write, data), len(data))

    def _copy_range(self, source: WheelReader, start: int, end: int) -> None:
        if end - start < _SMALL:
            self._write(source.bytes_at(start, end))
            return
        self._position += end - start
        if self._behind is None and end - start >= _LARGE:
            self._behind = Behind(_WAITING)
        if self._behind is None:
            self._copy_now(source, start, end)
        else:  # in several pieces of work, so that a program that is asked to end does not have to copy the rest
            for first in range(start, end, _AT_ONCE):
                self._behind.do(partial(self._copy_now, source, first, min(end, first + _AT_ONCE)), 0)

    def _copy_now(self, source: WheelReader, start: int, end: int) -> None:
        self._file.flush()
        copied = copy_range(source.fileno(), self._file.fileno(), start, end)
        for position in range(start + copied, end, _PLAIN_COPY):
            self._file.write(source.bytes_at(position, min(end, position + _PLAIN_COPY)))


def copy_range(source: int, target: int, start: int, end: int) -> int:
    """Let the kernel append bytes of one file to another, without passing them through this process.

    source, target: file descriptors; the target's own position advances.

    Returns how many bytes were copied: fewer than asked where the system or the file system cannot do it. Raises
    OSError when the target is full.
    """
    copied = 0
    first = os.lseek(target, 0, os.SEEK_CUR)
    if end - start >= _LARGE:
        _reserve(target, first, end - start)
    for way in _ways():
        try:
            while start + copied < end:
                count = way(source, target, start + copied, min(end - start - copied, _PIECE))
                if count == 0:
                    break
                copied += count
                if count == _PIECE:
                    _begin_to_sync(target, first + copied - count, count)
        except OSError as error:
            if error.errno in _HOPELESS:
                raise
    return copied


def _reserve(target: int, start: int, count: int) -> None:
    """Let the file system find room for bytes that come at once, where it can; raise OSError when there is none.

    It takes less time than to find room for one block after the other (posix_fallocate(3)).
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(target, start, count)
        except OSError as error:
            if error.errno in _HOPELESS:
                raise


def _begin_to_sync(target: int, start: int, count: int) -> None:
    """Let the system bring bytes of a file to the disk, for which somebody will wait soon, and go on.

    Of bytes that are not to be kept in memory, Linux begins to write those that it has not written yet, at once
    (posix_fadvise(2)); it forgets none of them before that.
    """
    if sys.platform == "linux":
        os.posix_fadvise(target, start, count, os.POSIX_FADV_DONTNEED)


def _ways() -> tuple[Callable[[int, int, int, int], int], ...]:
    ways: list[Callable[[int, int, int, int], int]] = []
    if hasattr(os, "copy_file_range"):
        ways.append(lambda source, target, start, count: os.copy_file_range(source, target, count, start))
    if hasattr(os, "sendfile"):
        ways.append(lambda source, target, start, count: os.sendfile(target, source, start, count))
    return tuple(ways)


def local_header(entry: Entry, extra: bytes) -> bytes:
    """Return the local header of `entry`, with the sizes in it.

    A ZIP64 field here always has both sizes, as the specification demands.
    """
    size, compressed, zip64 = entry.size, entry.compressed_size, b""
    needed = entry.version_needed
    if max(size, compressed) >= FULL32:
        zip64 = pack("<2H2Q", EXTRA_ZIP64, 16, size, compressed)
        size = compressed = FULL32
        needed = max(needed, VERSION64)
    name = entry.encoded_name
    extra = zip64 + extra
    fields = (needed, entry.flags, entry.method, entry.dos_time, entry.dos_date, entry.crc32)
    return LOCAL.pack(LOCAL_SIGNATURE, *fields, compressed, size, len(name), len(extra)) + name + extra


def central_header(entry: Entry, offset: int) -> bytes:
    """Return the central directory's record of `entry` at `offset`."""
    (_, flags, method, time, date, crc, compressed, size, _, _, _, made_by, needed, internal, external, extra, _) = (
        entry
    )
    name = entry.encoded_name
    if offset >= FULL32 or size >= FULL32 or compressed >= FULL32:
        wide: tuple[int, ...] = ()
        if size >= FULL32 or compressed >= FULL32:
            wide, size, compressed = (size, compressed), FULL32, FULL32
        if offset >= FULL32:
            wide, offset = (*wide, offset), FULL32
        extra = pack(f"<2H{len(wide)}Q", EXTRA_ZIP64, 8 * len(wide), *wide) + extra
        needed = max(needed, VERSION64)
    return CENTRAL.pack(
        CENTRAL_SIGNATURE, made_by, needed, flags, method, time, date, crc, compressed, size, len(name), len(extra),
        0, 0, internal, external, offset,
    ) + name + extra  # fmt: skip


def end_records(count: int, start: int, size: int) -> bytes:
    """Return the end of an archive whose central directory has `count` entries in `size` bytes from byte `start`."""
    records = b""
    if count >= FULL16 or start >= FULL32 or size >= FULL32:
        fields = (END64.size - 12, VERSION64, VERSION64, 0, 0, count, count, size, start)
        records = END64.pack(END64_SIGNATURE, *fields) + LOCATOR64.pack(LOCATOR64_SIGNATURE, 0, start + size, 1)
    brief = min(count, FULL16)
    return records + END.pack(END_SIGNATURE, 0, 0, brief, brief, min(size, FULL32), min(start, FULL32), 0)


def _end_of_name(source: WheelReader, entry: Entry) -> int:
    """Return where the name in the local header ends, which `entry` may have another one for."""
    start = entry.header_offset + LOCAL.size
    return start + int.from_bytes(source.bytes_at(start - 4, start - 2), "little")
