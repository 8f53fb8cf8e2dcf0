"""The content of one member: inflated whole, from its start only, or piece by piece, and always checked.

Deflate is RFC 1951. Nothing here allocates more than the member's declared size, which the archive layer has already
compared with what its compressed bytes could hold.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from deflate import DeflateError, crc32, deflate_decompress

from truewheel.archive.zip_format import STORED
from truewheel.errors import InvalidArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.archive.zip_format import Entry

_RAW_DEFLATE = -15
_FIRST_INPUT = 512
_INPUT = 1 << 16


def inflate(raw: memoryview, entry: Entry, where: str) -> bytes | bytearray | memoryview:
    """Return the member's content; `raw` itself when the member is stored.

    Raises InvalidArchiveError when the data is damaged, or has another size or CRC-32 than the entry says.
    """
    content: bytearray | memoryview = raw
    if entry.method != STORED:
        try:
            content = deflate_decompress(raw, max(entry.size, 1))  # for 0 the library would not look at the data
        except DeflateError as error:
            raise _damaged(entry, where, f"does not inflate to {entry.size} bytes") from error
    if len(content) != entry.size:
        raise _damaged(entry, where, f"inflates to {len(content)} bytes, not {entry.size}")
    if crc32(content) != entry.crc32:
        raise _damaged(entry, where, "has another CRC-32 than the archive says")
    return content


def inflate_head(raw: memoryview, entry: Entry, size: int, where: str) -> bytes:
    """Return the first `size` bytes of the member, or all of them when it has fewer. They are not checked."""
    if entry.method == STORED:
        return bytes(raw[:size])
    size = min(size, entry.size)
    head = b""
    position, step = 0, _FIRST_INPUT
    decompressor = zlib.decompressobj(_RAW_DEFLATE)
    try:
        while len(head) < size and not decompressor.eof:
            piece = raw[position : position + step]
            if not piece:
                raise _damaged(entry, where, f"ends after {len(head)} of {entry.size} bytes")
            position, step = position + len(piece), _INPUT
            head += decompressor.decompress(piece, size - len(head))
    except zlib.error as error:
        raise _damaged(entry, where, "cannot be inflated") from error
    return head


def inflate_stream(raw: memoryview, entry: Entry, chunk_size: int, where: str) -> Iterator[bytes]:
    """Yield the member's content in pieces of at most `chunk_size` bytes, in memory bounded by that size.

    The size and the CRC-32 are known to be right only when the iteration ends without InvalidArchiveError.
    """
    pieces = _stored(raw, chunk_size) if entry.method == STORED else _inflated(raw, entry, chunk_size, where)
    checksum, total = 0, 0
    for piece in pieces:
        checksum, total = crc32(piece, checksum), total + len(piece)
        if total > entry.size:
            raise _damaged(entry, where, f"inflates to more than {entry.size} bytes")
        yield piece
    if total != entry.size:
        raise _damaged(entry, where, f"inflates to {total} bytes, not {entry.size}")
    if checksum != entry.crc32:
        raise _damaged(entry, where, "has another CRC-32 than the archive says")


def _stored(raw: memoryview, chunk_size: int) -> Iterator[bytes]:
    return (bytes(raw[start : start + chunk_size]) for start in range(0, len(raw), chunk_size))


def _inflated(raw: memoryview, entry: Entry, chunk_size: int, where: str) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(_RAW_DEFLATE)
    try:
        step = min(_INPUT, max(chunk_size, _FIRST_INPUT))  # what is not used up at once is copied again each time
        for start in range(0, len(raw), step):
            waiting: bytes | memoryview = raw[start : start + step]
            while True:
                piece = decompressor.decompress(waiting, chunk_size)
                if piece:
                    yield piece
                waiting = decompressor.unconsumed_tail
                if decompressor.eof or (not waiting and len(piece) < chunk_size):
                    break
            if decompressor.eof:
                if decompressor.unused_data or start + step < len(raw):
                    raise _damaged(entry, where, "has bytes after the end of its deflate data")
                return
    except zlib.error as error:
        raise _damaged(entry, where, "cannot be inflated") from error
    raise _damaged(entry, where, "ends inside its deflate data")


def _damaged(entry: Entry, where: str, problem: str) -> InvalidArchiveError:
    return InvalidArchiveError(
        f"the member {problem}",
        where=f"{where}, {entry.name!r} at byte {entry.header_offset}",
        hint="the archive is damaged; build or fetch it again",
    )
