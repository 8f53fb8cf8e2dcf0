"""Local headers and data descriptors of a ZIP archive, where they need a closer look than one comparison.

Follows the .ZIP File Format Specification, 4.3.7 (local file header) and 4.3.9 (data descriptor).
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING, NamedTuple

from truewheel.archive.zip_extra import read_local_extra, without_zip64
from truewheel.archive.zip_format import DESCRIPTOR_SIGNATURE, FLAG_DESCRIPTOR, LOCAL, LOCAL_SIGNATURE
from truewheel.errors import InvalidArchiveError

if TYPE_CHECKING:
    from truewheel.archive.zip_format import Buffer, Entry

_SHORT, _WIDE = "<3L", "<L2Q"


class LocalHeader(NamedTuple):
    """Where a member's data starts, and whether its local header can be copied as it stands."""

    data_offset: int
    is_plain: bool


def read_local(buffer: Buffer, entry: Entry, raw_name: bytes, limit: int, where: str) -> LocalHeader:
    """Check the local header of `entry`, of which only what the central directory says is known.

    limit: where the members end. Raises InvalidArchiveError when the two headers disagree.
    """
    offset = entry.header_offset
    where = f"{where}, local header at byte {offset}"
    if offset + LOCAL.size > limit or buffer[offset : offset + 4] != LOCAL_SIGNATURE:
        raise InvalidArchiveError("there is no local header", where=where)
    fields = LOCAL.unpack_from(buffer, offset)
    _, _, flags, method, time, date, crc, short_compressed, short_size, name_length, extra_length = fields
    end_of_name = offset + LOCAL.size + name_length
    data = end_of_name + extra_length
    if data > limit:
        raise InvalidArchiveError("the local header is longer than the archive", where=where)
    if buffer[offset + LOCAL.size : end_of_name] != raw_name:
        raise InvalidArchiveError("the local header has another name than the central directory", where=where)
    extra = buffer[end_of_name:data]
    compressed, size = read_local_extra(extra, short_compressed, short_size, raw_name, where)
    for field, local, central in (
        ("flags", flags, entry.flags),
        ("method", method, entry.method),
        ("CRC-32", crc, entry.crc32),
        ("compressed size", compressed, entry.compressed_size),
        ("size", size, entry.size),
    ):
        is_deferred = flags & FLAG_DESCRIPTOR and local == 0 and field not in ("flags", "method")
        if local != central and not is_deferred:
            raise InvalidArchiveError(f"{field} is {local} here but {central} in the central directory", where=where)
    has_zip64 = without_zip64(extra) != extra
    same_times = (time, date) == (entry.dos_time, entry.dos_date)
    return LocalHeader(data, same_times and not has_zip64 and not flags & FLAG_DESCRIPTOR)


def descriptor_is_sound(buffer: Buffer, entry: Entry, end: int) -> bool:
    """Whether the bytes from the end of the member's data to `end` are exactly its data descriptor.

    It may have a signature or none, and sizes of four or eight bytes: the four forms differ in length.
    """
    start = entry.data_offset + entry.compressed_size
    forms = (
        prefix + pack(layout, entry.crc32, entry.compressed_size, entry.size)
        for layout in ((_SHORT, _WIDE) if max(entry.compressed_size, entry.size) < 1 << 32 else (_WIDE,))
        for prefix in (b"", DESCRIPTOR_SIGNATURE)
    )
    return any(end - start == len(form) and buffer[start:end] == form for form in forms)
