"""The end of a ZIP archive: where its central directory lies and how many entries it has.

Follows the .ZIP File Format Specification, 4.3.14 to 4.3.16. The end record must be the last bytes of the file: an
archive comment is refused, since nothing in the wheel format uses one, and bytes after the record, a second record
inside a comment, or records that disagree are how one file is made to look different to two programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.archive.zip_format import (
    CENTRAL,
    END,
    END64,
    END64_SIGNATURE,
    END_SIGNATURE,
    FULL16,
    FULL32,
    LOCATOR64,
    LOCATOR64_SIGNATURE,
)
from truewheel.errors import InvalidArchiveError

if TYPE_CHECKING:
    from truewheel.archive.zip_format import Buffer

_COMMENT_LIMIT = 0xFFFF
_END64_REST = END64.size - 12
"""The size field does not count itself and the signature."""


class Directory(NamedTuple):
    """Where the central directory starts and ends, and the number of its entries."""

    start: int
    end: int
    entries: int


def find_directory(buffer: Buffer, where: str) -> Directory:
    """Return the extent of the central directory; raise InvalidArchiveError when the end records are not sound."""
    position = len(buffer) - END.size
    if position < 0 or buffer[position : position + 4] != END_SIGNATURE:
        raise _no_end(buffer, where)
    _, disk, first_disk, here, count, size, start, comment = END.unpack_from(buffer, position)
    place = f"{where}, end record at byte {position}"
    if comment:
        raise InvalidArchiveError("the end record announces a comment that is not there", where=place)
    if disk not in (0, FULL16) or first_disk not in (0, FULL16) or here != count:
        raise InvalidArchiveError("the archive spans several disks", where=place)
    end = position
    locator = position - LOCATOR64.size
    if locator >= 0 and buffer[locator : locator + 4] == LOCATOR64_SIGNATURE:
        end, (start, size, count) = _read64(buffer, locator, (start, size, count), where)
    elif FULL16 in (disk, first_disk):
        raise InvalidArchiveError("the archive spans several disks", where=place)
    if start + size != end:
        problem = "overlaps" if start + size > end else "does not reach"
        raise InvalidArchiveError(
            f"the central directory (bytes {start} to {start + size}) {problem} the records after it",
            where=f"{where}, byte {end}",
            hint="bytes were put before or inside the archive, or it was cut",
        )
    if count * CENTRAL.size > size:
        raise InvalidArchiveError(f"{count} entries do not fit into a directory of {size} bytes", where=place)
    return Directory(start, end, count)


def _read64(buffer: Buffer, locator: int, short: tuple[int, int, int], where: str) -> tuple[int, tuple[int, int, int]]:
    """Return where the ZIP64 end record lies and its start, size and count of the directory.

    short: the same three from the end record, which must agree or be full.
    """
    place = f"{where}, ZIP64 locator at byte {locator}"
    _, disk, position, disks = LOCATOR64.unpack_from(buffer, locator)
    if disk or disks > 1:
        raise InvalidArchiveError("the archive spans several disks", where=place)
    if position + END64.size != locator or buffer[position : position + 4] != END64_SIGNATURE:
        raise InvalidArchiveError("the ZIP64 end record does not stand right before its locator", where=place)
    place = f"{where}, ZIP64 end record at byte {position}"
    _, rest, _, _, disk, first_disk, here, count, size, start = END64.unpack_from(buffer, position)
    if rest != _END64_REST:
        raise InvalidArchiveError(f"the ZIP64 end record is {rest} bytes long, not {_END64_REST}", where=place)
    if disk or first_disk or here != count:
        raise InvalidArchiveError("the archive spans several disks", where=place)
    for value, brief, full in zip((start, size, count), short, (FULL32, FULL32, FULL16), strict=True):
        if brief not in (full, value):
            raise InvalidArchiveError("the end record and the ZIP64 end record disagree", where=place)
    return position, (start, size, count)


def _no_end(buffer: Buffer, where: str) -> InvalidArchiveError:
    """Return the error for a file whose last bytes are no end record, as precise as can be."""
    found = buffer.rfind(END_SIGNATURE, max(0, len(buffer) - END.size - _COMMENT_LIMIT))
    if found < 0 or found + END.size > len(buffer):
        return InvalidArchiveError("the file is not a ZIP archive, or its end is missing", where=where)
    after = found + END.size
    comment = END.unpack_from(buffer, found)[-1]
    if after + comment == len(buffer):
        return InvalidArchiveError(
            f"the archive has a comment of {comment} bytes; a wheel has none",
            where=f"{where}, end record at byte {found}",
            hint="`zip -z` with empty input removes it",
        )
    return InvalidArchiveError(
        f"{len(buffer) - after} bytes follow the end of the archive", where=f"{where}, byte {after}"
    )
