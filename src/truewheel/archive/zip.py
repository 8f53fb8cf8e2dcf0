"""Strict reading of the structure of a ZIP archive: its central directory, checked against every local header.

Follows the .ZIP File Format Specification (APPNOTE) 6.3 and the stricter rules of the package index for uploads. The
members must fill the file from its first byte to the central directory without a gap or an overlap, and both headers
of a member must say the same, so that every program sees the same files in the archive. What a wheel has no use for
(encryption, other methods, comments, several disks) is refused. Times, the version needed and extra fields that are
not understood may differ between the two headers: nothing follows from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from truewheel.archive.member_names import check_names, decode_name
from truewheel.archive.zip_end import find_directory
from truewheel.archive.zip_extra import Sizes, read_central_extra
from truewheel.archive.zip_format import (
    CENTRAL,
    CENTRAL_SIGNATURE,
    DEFLATED,
    FLAG_DESCRIPTOR,
    FLAG_ENCRYPTED,
    FLAG_MASKED,
    FLAG_STRONG_ENCRYPTION,
    FLAGS_KNOWN,
    FULL32,
    LOCAL,
    LOCAL_SIGNATURE,
    STORED,
    Entry,
)
from truewheel.archive.zip_local import descriptor_is_sound, read_local
from truewheel.errors import InvalidArchiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truewheel.archive.zip_end import Directory
    from truewheel.archive.zip_format import Buffer

__all__ = ["Entry", "read_entries"]

DEFLATE_LIMIT = 1032
"""Deflate cannot make more than this many bytes of one: two bits stand for at most 258 bytes."""
RATIO_LIMIT = 50
RATIO_FREE = 64 << 20
"""The package index refuses archives that unpack to more than 50 times their size and to over 64 MiB."""


def read_entries(buffer: Buffer, where: str, *, known: Sequence[str] | None = None) -> tuple[Entry, ...]:
    """Return every member of the archive in `buffer`, in the order of the central directory.

    where: the file's name, for messages. known: names that were checked before; when the archive has exactly these,
        they are not checked again.

    Raises InvalidArchiveError, which names the entry and its offset, for anything that is not as it must be.
    """
    directory = find_directory(buffer, where)
    entries = _read_directory(buffer, directory, where)
    names = [entry.name for entry in entries]
    if known is None or names != list(known):
        check_names(names, lambda index: _place(where, entries[index]))
    _check_ratio(entries, len(buffer), where)
    return tuple(entries)


def _read_directory(buffer: Buffer, directory: Directory, where: str) -> list[Entry]:
    """Read the central directory and, next to each entry, its local header.

    This loop decides how long opening a wheel takes, so it does for the common member only what is needed: when the
    local header is what the central one implies, byte for byte, nothing in it is looked at separately.
    """
    central = bytes(buffer[directory.start : directory.end])
    entries: list[Entry] = []
    unread: list[tuple[int, int, bytes]] = []
    position, expected, in_place = 0, 0, True
    unpack, new, central_size, local_size = CENTRAL.unpack_from, tuple.__new__, CENTRAL.size, LOCAL.size
    last = len(central) - central_size
    for index in range(directory.entries):
        if position > last:
            _refuse(f"entry {index} lies outside of the central directory", where, directory.start + position)
        (signature, made_by, needed, flags, method, time, date, crc, compressed, size, name_length, extra_length,
         comment, disk, internal, external, offset) = unpack(central, position)  # fmt: skip
        start = position + central_size
        raw = central[start : start + name_length]
        if signature != CENTRAL_SIGNATURE or comment or disk:
            _refuse_entry(signature, raw, comment, f"{where}, entry at byte {directory.start + position}")
        name = raw.decode("ascii") if raw.isascii() else decode_name(raw, flags, f"{where}, entry {index}")
        data = offset + local_size + name_length
        entry = new(Entry, (name, flags, method, time, date, crc, compressed, size, offset, data, data + compressed,
                            made_by, needed, internal, external, b"", True))  # fmt: skip
        if extra_length or flags & FLAG_DESCRIPTOR or FULL32 in (compressed, size) or (
            buffer[offset:data] != LOCAL_SIGNATURE + central[position + 6 : position + 32] + raw
        ):  # fmt: skip
            extra = central[start + name_length : start + name_length + extra_length]
            entry = _widened(entry, raw, extra, _place(where, entry))
            compressed, size = entry.compressed_size, entry.size
            unread.append((entry.header_offset, index, raw))
        position = start + name_length + extra_length
        if flags & ~FLAGS_KNOWN or (size and name[-1:] == "/") or (
            size != compressed if method == STORED else method != DEFLATED or size > compressed * DEFLATE_LIMIT
        ):  # fmt: skip
            _check_content(entry, where)
        in_place = in_place and offset == expected
        expected = data + compressed
        entries.append(entry)
    if position != len(central):
        _refuse(f"{len(central) - position} bytes follow the last entry", where, directory.start + position)
    _read_local_headers(buffer, entries, sorted(unread), directory.start, where)
    if unread or not in_place or expected != directory.start:
        _settle(buffer, entries, directory.start, where)
    return entries


def _widened(entry: Entry, raw: bytes, extra: bytes, place: str) -> Entry:
    """Return the entry with the sizes and the offset that a ZIP64 field may hold."""
    if len(raw) + LOCAL.size != entry.data_offset - entry.header_offset:
        raise InvalidArchiveError("the entry is longer than the central directory", where=place)
    short = Sizes(entry.compressed_size, entry.size, entry.header_offset)
    (compressed, size, offset), rest = read_central_extra(extra, short, raw, place)
    return entry._replace(compressed_size=compressed, size=size, header_offset=offset, extra=rest, is_plain=False)


def _read_local_headers(
    buffer: Buffer, entries: list[Entry], unread: list[tuple[int, int, bytes]], limit: int, where: str
) -> None:
    """Complete the entries whose local headers are not what their central ones imply.

    unread: offset, index and raw name of each, in the order of the file. A header that starts inside the member before
        it is refused at once, so that no byte is read more than once however the archive is made.
    """
    end = 0
    for offset, index, raw in unread:
        entry = entries[index]
        if offset < end:
            raise InvalidArchiveError("the member starts inside another one", where=_place(where, entry))
        data, is_plain = read_local(buffer, entry, raw, limit, f"{where}, {entry.name!r}")
        end = data + entry.compressed_size
        entries[index] = entry._replace(data_offset=data, end_offset=end, is_plain=is_plain)


def _settle(buffer: Buffer, entries: list[Entry], end: int, where: str) -> None:
    """Check that the members lie one after the other from the first byte to `end`, and read their descriptors.

    The central directory may list them in another order than they lie in.
    """
    order = sorted(range(len(entries)), key=lambda index: entries[index].header_offset)
    starts = [entries[index].header_offset for index in order]
    if starts[:1] != [0] and (entries or end):
        _refuse(f"{starts[0] if starts else end} bytes stand before the first member", where, 0)
    for index, next_start in zip(order, [*starts[1:], end], strict=True):
        entry = entries[index]
        if entry.end_offset > next_start:
            raise InvalidArchiveError(
                f"the member reaches to byte {entry.end_offset} and overlaps what follows at byte {next_start}",
                where=_place(where, entry),
            )
        if entry.flags & FLAG_DESCRIPTOR:
            if not descriptor_is_sound(buffer, entry, next_start):
                raise InvalidArchiveError(
                    f"bytes {entry.end_offset} to {next_start} are not the member's data descriptor",
                    where=_place(where, entry),
                )
            entries[index] = entry._replace(end_offset=next_start)
        elif entry.end_offset < next_start:
            gap = next_start - entry.end_offset
            raise InvalidArchiveError(
                f"{gap} bytes after the member, from byte {entry.end_offset}, belong to nothing",
                where=_place(where, entry),
            )


def _check_content(entry: Entry, where: str) -> None:
    """Refuse a member that is encrypted, compressed in an unknown way, or has an impossible size."""
    place = _place(where, entry)
    if entry.flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED):
        raise InvalidArchiveError("the member is encrypted", where=place)
    if entry.flags & ~FLAGS_KNOWN:
        raise InvalidArchiveError(f"the member has unknown flags {entry.flags:#06x}", where=place)
    if entry.method not in (STORED, DEFLATED):
        raise InvalidArchiveError(
            f"the compression method {entry.method} is not allowed in a wheel",
            where=place,
            hint="wheels hold stored and deflated members only",
        )
    if entry.method == STORED and entry.size != entry.compressed_size:
        raise InvalidArchiveError(
            f"the member is stored but has two sizes, {entry.compressed_size} and {entry.size}", where=place
        )
    if entry.size and entry.is_directory:
        raise InvalidArchiveError(f"the folder has {entry.size} bytes of content", where=place)
    if entry.size > entry.compressed_size * DEFLATE_LIMIT:
        raise InvalidArchiveError(
            f"{entry.compressed_size} compressed bytes cannot hold {entry.size} bytes", where=place
        )


def _check_ratio(entries: Sequence[Entry], archive_size: int, where: str) -> None:
    total = sum(entry.size for entry in entries)
    if total > RATIO_FREE and total > RATIO_LIMIT * archive_size:
        largest = max(entries, key=lambda entry: entry.size)
        raise InvalidArchiveError(
            f"the archive unpacks to {total} bytes, more than {RATIO_LIMIT} times its size",
            where=_place(where, largest),
            hint="the package index refuses such files",
        )


def _refuse_entry(signature: bytes, raw_name: bytes, comment: int, place: str) -> NoReturn:
    place = f"{place} {raw_name!r}"
    if signature != CENTRAL_SIGNATURE:
        raise InvalidArchiveError("there is no entry of the central directory", where=place)
    if comment:
        raise InvalidArchiveError(f"the entry has a comment of {comment} bytes; a wheel has none", where=place)
    raise InvalidArchiveError("the archive spans several disks", where=place)


def _refuse(problem: str, where: str, offset: int) -> NoReturn:
    raise InvalidArchiveError(problem, where=f"{where}, byte {offset}")


def _place(where: str, entry: Entry) -> str:
    return f"{where}, {entry.name!r} at byte {entry.header_offset}"
