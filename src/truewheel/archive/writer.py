"""A new wheel made of an old one: unchanged members copied as they stand, changed ones compressed, RECORD rewritten.

Follows the PyPA binary distribution format and the package index's rules for uploads (no data descriptors, gaps or
comments). The same source and changes give the same bytes on every host and with any number of threads: order and
times come from the source and from SOURCE_DATE_EPOCH, never from a clock or a directory.
"""

from __future__ import annotations

import os
import stat
from contextlib import nullcontext
from time import gmtime
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from deflate import crc32

from truewheel.archive.member_names import check_names
from truewheel.archive.members import NewMember, Pending
from truewheel.archive.record import signatures
from truewheel.archive.staging import copy_unchanged, source_mode, temporary_file
from truewheel.archive.verify import verify
from truewheel.archive.zip_format import FLAG_UTF8, Entry
from truewheel.archive.zip_write import VERSION, ArchiveWriter
from truewheel.errors import InvalidArchiveError, UsageError
from truewheel.threads import beside

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from truewheel.archive.compress import Compressed
    from truewheel.archive.reader import WheelReader
    from truewheel.archive.staging import StagedFile

__all__ = ["Changes", "NewMember", "Pending", "StagedWheel", "copy_unchanged", "stage"]

_MADE_BY = 3 << 8 | VERSION
"""`made by` of new members: Unix, which says that the attributes hold a mode."""
_EPOCH_FIRST, _EPOCH_LAST = 315_532_800, 4_354_819_198
"""The first and last second that a DOS time can hold: 1980-01-01 00:00:00 and 2107-12-31 23:59:58, UTC."""
_DOS_YEAR = 1980


class Changes(NamedTuple):
    """What is to be different: members to put (new, or in place of old ones), and names to remove.

    later: makes further members to put, of the dist-info folder; it works while the other new members are compressed.
    folders: folders at the top that get another name, by their old one. `put` has new names, `removed` old ones.
    rehashed: members that stay and whose rows in RECORD are written anew, because the old ones are wrong.
    """

    put: tuple[NewMember, ...] = ()
    removed: frozenset[str] = frozenset()
    later: Callable[[], tuple[NewMember, ...]] = tuple
    folders: Mapping[str, str] = MappingProxyType({})
    rehashed: frozenset[str] = frozenset()

    def renamed(self, name: str) -> str:
        """Return the name that a member of the source has in the new wheel."""
        folder, slash, rest = name.partition("/")
        return f"{self.folders[folder]}/{rest}" if slash and folder in self.folders else name


class StagedWheel:
    """A complete, verified wheel under a temporary name. A context manager: deleted unless it was published.

    path: where it is now. new: the names of the members that were put, in their order. notices: sentences for the user
        about what was left out or added.
    """

    def __init__(self, file: StagedFile, new: tuple[str, ...], notices: tuple[str, ...]) -> None:
        """Take over a staged file."""
        self._file = file
        self.path = file.path
        self.new = new
        self.notices = notices

    def __enter__(self) -> Self:
        """Return the staged wheel itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Delete the file unless it was published."""
        self._file.discard()

    def sync(self) -> None:
        """Return when the wheel is on the disk; see `StagedFile.sync`."""
        self._file.sync()

    def keep(self) -> Path:
        """Leave the wheel under its temporary name to the caller; return its path."""
        return self._file.keep()

    def publish(self, name: str, *, force: bool = False) -> Path:
        """Give the wheel its name and return its path; see `StagedFile.publish`."""
        return self._file.publish(name, force=force)


class _Order(NamedTuple):
    """Which members are copied and which are put, in the order in which they are written; RECORD follows."""

    copied: tuple[Entry, ...]
    put: tuple[NewMember, ...]
    copied_metadata: tuple[Entry, ...]
    put_metadata: tuple[NewMember, ...]

    def names(self) -> list[str]:
        """Return all names in order, without RECORD."""
        entries = [entry.name for entry in self.copied], [entry.name for entry in self.copied_metadata]
        members = [member.name for member in self.put], [member.name for member in self.put_metadata]
        return [*entries[0], *members[0], *entries[1], *members[1]]


def stage(source: WheelReader, changes: Changes, directory: Path, *, jobs: int, check: bool = True) -> StagedWheel:
    """Write the wheel `source` with `changes` to a temporary file in `directory`, which is made if need be.

    The file is complete, on the disk and verified when this returns. RECORD is rewritten; its signatures are left out.

    check: False leaves it to the caller to inflate each new member again, and to bring the file to the disk meanwhile
        (`StagedWheel.sync`).

    Raises OutputError when it cannot be written, UsageError for changes that make no sense, InvalidInputError when
    a new member's file cannot be read or the source is damaged. Nothing is left behind then.
    """
    order = _arrange(source, changes)
    with temporary_file(directory, source_mode(source), sync=False) as (file, staged):
        written = _write(source, changes, order, file, jobs)
    try:
        with beside(staged.sync, jobs=2) if check else nullcontext(lambda: None) as synced:
            verify(staged.path, written.names, written.new if check else {})
            synced()
    except BaseException:
        staged.discard()
        raise
    return StagedWheel(staged, tuple(written.new), written.notices)


class _Written(NamedTuple):
    """What an archive has: the names of all members in order, and the CRC-32 and the size of every new one by name.

    notices: as in `RecordRewrite`.
    """

    names: tuple[str, ...]
    new: Mapping[str, tuple[int, int]]
    notices: tuple[str, ...]


def _write(source: WheelReader, changes: Changes, order: _Order, file: BinaryIO, jobs: int) -> _Written:
    """Write the whole archive."""
    stamp = new_stamp(source)
    digests: dict[str, tuple[bytes, int]] = {}
    new: dict[str, tuple[int, int]] = {}
    with ArchiveWriter(file) as archive:

        def put(item: Compressed) -> None:
            archive.add(_entry(item, stamp), item.data)
            digests[item.member.name] = item.sha256, item.size
            new[item.member.name] = item.crc32, item.size

        archive.copy(source, order.copied)
        # What only the rest needs is loaded while the kernel copies.
        from truewheel.archive.compress import compress, compress_all

        with beside(changes.later, jobs=jobs) as later:
            for item in compress_all(order.put, jobs):
                put(item)
                del item  # its bytes, before the next one is waited for
            order = _completed(source, changes, order, later())
        archive.copy(source, order.copied_metadata)
        for item in compress_all(order.put_metadata, jobs):
            put(item)
        put_names = [member.name for member in (*order.put, *order.put_metadata)]
        record, notices = _new_record(source, changes, put_names, digests)
        put(compress(record))
        archive.finish()
    return _Written((*order.names(), record.name), new, notices)


def _new_record(
    source: WheelReader, changes: Changes, put: Sequence[str], digests: Mapping[str, tuple[bytes, int]]
) -> tuple[NewMember, tuple[str, ...]]:
    """Return the new RECORD, and sentences for the user. put: all new members; digests: sha256 and size of each."""
    from truewheel.archive.record_rewrite import rewrite_record

    rewrite = rewrite_record(source, changes.removed, put, changes.rehashed)
    where = source.record.where
    dropped = {changes.renamed(name) for name in rewrite.dropped}
    added = {changes.renamed(name): digest for name, digest in rewrite.digests.items()}
    content = source.record.edited(dropped, {**added, **digests}, changes.renamed if changes.folders else None)
    return NewMember(changes.renamed(where), content, source.permissions(where)), rewrite.notices


def _completed(source: WheelReader, changes: Changes, order: _Order, later: tuple[NewMember, ...]) -> _Order:
    """Return the order with the members that were made while the others were compressed."""
    if not later:
        return order
    for member in later:
        if not member.name.startswith(changes.renamed(f"{source.dist_info}/")):
            raise UsageError(
                f"{member.name!r} comes too late: it is not in the dist-info folder", where=source.path.name
            )
    return _arrange(source, changes._replace(put=(*changes.put, *later)))


def _arrange(source: WheelReader, changes: Changes) -> _Order:
    """Return what is written in which order; raise UsageError when the changes contradict themselves or the source."""
    _check(source, changes)
    metadata = changes.renamed(f"{source.dist_info}/")
    gone = {source.record_name, *signatures(source.record_name), *changes.removed}
    put = [member for member in changes.put if not _is_unchanged(source, member)]
    kept = [entry for entry in source.entries.values() if entry.name not in gone]
    if changes.folders:
        kept = [_renamed(entry, changes.renamed(entry.name)) for entry in kept]
    new = {member.name for member in put}
    kept = [entry for entry in kept if entry.name not in new]
    order = _Order(
        copied=tuple(entry for entry in kept if not entry.name.startswith(metadata)),
        put=tuple(sorted((member for member in put if not member.name.startswith(metadata)), key=_by_size)),
        copied_metadata=tuple(entry for entry in kept if entry.name.startswith(metadata)),
        put_metadata=tuple(
            sorted((member for member in put if member.name.startswith(metadata)), key=lambda member: member.name)
        ),
    )
    if not changes.folders and new <= source.entries.keys():
        return order  # the names are the source's, which were checked when it was opened
    names = order.names()
    try:
        check_names(names, lambda index: f"{source.path.name}, {names[index]!r}")
    except InvalidArchiveError as error:
        raise UsageError(error.what, where=error.where) from error
    return order


def _renamed(entry: Entry, name: str) -> Entry:
    """Return the entry under another name, to be copied with a header of its own."""
    return entry if entry.name == name else entry._replace(name=name, is_plain=False)


def _by_size(member: NewMember) -> tuple[int, str]:
    return -member.size(), member.name


def _check(source: WheelReader, changes: Changes) -> None:
    where = source.path.name
    names = [member.name for member in changes.put]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"{twice!r} is to be written twice", where=where)
    for name in (*names, *sorted(changes.removed)):
        if name == source.record_name or name.endswith("/"):
            raise UsageError(f"{name!r} cannot be changed: RECORD is written here, and folders are not", where=where)
    for name in sorted(changes.removed):
        if name not in source.entries or name in names:
            raise UsageError(f"{name!r} is to be removed but is not there, or is to be written too", where=where)


def _is_unchanged(source: WheelReader, member: NewMember) -> bool:
    """Whether the source has exactly this member, so that it can be copied; what is yet to be made is taken as new."""
    entry = source.entries.get(member.name)
    if isinstance(member.content, Pending):
        return False
    if entry is None or entry.size != member.size() or not stat.S_ISREG(entry.mode or stat.S_IFREG):
        return False
    if (entry.mode or 0o644) & 0o777 != member.mode & 0o777:
        return False
    content = member.bytes()
    if crc32(content) != entry.crc32:
        return False
    from hashlib import sha256

    return sha256(content).digest() == sha256(source.view(member.name)).digest()


def _entry(item: Compressed, stamp: tuple[int, int]) -> Entry:
    """Return the directory entry of a new member. Its offsets are not known yet."""
    name = item.member.name
    time, date = stamp
    return Entry(
        name=name,
        flags=0 if name.isascii() else FLAG_UTF8,
        method=item.method,
        dos_time=time,
        dos_date=date,
        crc32=item.crc32,
        compressed_size=len(item.data),
        size=item.size,
        header_offset=0,
        data_offset=0,
        end_offset=0,
        made_by=_MADE_BY,
        version_needed=VERSION,
        internal_attributes=0,
        external_attributes=(stat.S_IFREG | item.member.mode & 0o7777) << 16,
        extra=b"",
        is_plain=True,
    )


def new_stamp(source: WheelReader) -> tuple[int, int]:
    """Return the DOS time and date of new members: SOURCE_DATE_EPOCH if it is a number, else the WHEEL file's own."""
    try:
        seconds = int(os.environ["SOURCE_DATE_EPOCH"])
    except (KeyError, ValueError):
        entry = source.entries[f"{source.dist_info}/WHEEL"]
        return entry.dos_time, entry.dos_date
    year, month, day, hour, minute, second, *_ = gmtime(max(_EPOCH_FIRST, min(seconds, _EPOCH_LAST)))
    return hour << 11 | minute << 5 | second // 2, (year - _DOS_YEAR) << 9 | month << 5 | day
