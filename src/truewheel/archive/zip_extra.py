"""Extra fields of ZIP headers: the ZIP64 sizes, and a check of everything else that could change what a member is.

Follows the .ZIP File Format Specification, 4.5.3 (ZIP64) and 4.6.9 (Info-ZIP Unicode path).
"""

from __future__ import annotations

from struct import unpack, unpack_from
from typing import TYPE_CHECKING, NamedTuple

from truewheel.archive.zip_format import EXTRA_UNICODE_PATH, EXTRA_ZIP64, FULL32
from truewheel.errors import InvalidArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIELD_HEADER = 4
_UNICODE_PATH_HEADER = 5


class Sizes(NamedTuple):
    """The numbers of a header that ZIP64 can widen."""

    compressed: int
    size: int
    offset: int


def read_central_extra(extra: bytes, sizes: Sizes, raw_name: bytes, where: str) -> tuple[Sizes, bytes]:
    """Return the real sizes and the extra field without its ZIP64 part, of a central directory entry."""
    zip64, rest = _split(extra, raw_name, where)
    full = [value == FULL32 for value in (sizes.size, sizes.compressed, sizes.offset)]
    if zip64 is None:
        if any(full):
            raise InvalidArchiveError("a size or offset stands in a ZIP64 field that is not there", where=where)
        return sizes, rest
    size, compressed, offset = _widened(zip64, (sizes.size, sizes.compressed, sizes.offset), where)
    return Sizes(compressed, size, offset), rest


def read_local_extra(extra: bytes, compressed: int, size: int, raw_name: bytes, where: str) -> tuple[int, int]:
    """Return the real compressed and full size of a local header."""
    zip64, _ = _split(extra, raw_name, where)
    if zip64 is None:
        return compressed, size
    size, compressed = _widened(zip64, (size, compressed), where)
    return compressed, size


def without_zip64(extra: bytes) -> bytes:
    """Return a well-formed extra field without its ZIP64 part."""
    return b"".join(whole for kind, whole in _fields(extra, "") if kind != EXTRA_ZIP64)


def _split(extra: bytes, raw_name: bytes, where: str) -> tuple[bytes | None, bytes]:
    """Return the content of the ZIP64 field, or None, and all other fields as they stand."""
    zip64: bytes | None = None
    rest: list[bytes] = []
    for kind, whole in _fields(extra, where):
        if kind == EXTRA_ZIP64:
            if zip64 is not None:
                raise InvalidArchiveError("there are two ZIP64 fields", where=where)
            zip64 = whole[_FIELD_HEADER:]
            continue
        if kind == EXTRA_UNICODE_PATH and whole[_FIELD_HEADER + _UNICODE_PATH_HEADER :] != raw_name:
            raise InvalidArchiveError("an extra field gives the member another name", where=where)
        rest.append(whole)
    return zip64, b"".join(rest)


def _fields(extra: bytes, where: str) -> Iterator[tuple[int, bytes]]:
    """Yield the kind of each field and the whole field with its header."""
    position = 0
    while position < len(extra):
        end = position + _FIELD_HEADER
        if end <= len(extra):
            kind, length = unpack_from("<2H", extra, position)
            end += length
        if end > len(extra):
            raise InvalidArchiveError("the extra field is cut", where=where)
        yield kind, extra[position:end]
        position = end


def _widened(zip64: bytes, short: tuple[int, ...], where: str) -> tuple[int, ...]:
    """Return `short` with every full value replaced.

    The field holds the replaced values only, in order; some programs write all values before the last one too. Those
    that are not full must then agree, so that there is one reading.
    """
    full = [value == FULL32 for value in short]
    if len(zip64) % 8 == 0:
        values = unpack(f"<{len(zip64) // 8}Q", zip64)
        if len(values) == sum(full):
            given = iter(values)
            return tuple(next(given) if is_full else value for is_full, value in zip(full, short, strict=True))
        agree = all(value in (FULL32, wide) for value, wide in zip(short, values, strict=False))
        if sum(full) < len(values) <= len(short) and agree and not any(full[len(values) :]):
            return (*values, *short[len(values) :])
    raise InvalidArchiveError("the ZIP64 field does not agree with the header", where=where)
