"""The second look at a wheel that was just written, before it may have its name."""

from __future__ import annotations

from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING

from truewheel.archive.inflate import inflate
from truewheel.archive.zip import read_entries
from truewheel.errors import InvalidArchiveError, OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from truewheel.archive.zip_format import Entry


def verify(path: Path, names: Sequence[str], new: Mapping[str, tuple[int, int]]) -> None:
    """Read the archive at `path` as strictly as any input, and inflate every new member.

    names: all members, in the order they were written. new: CRC-32 and size of each new one. Members that were copied
        are the source's bytes; only their headers are read again.

    Raises OutputError when the file is not what was to be written.
    """
    try:
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as buffer:
            entries = read_entries(buffer, path.name, known=names)
            if [entry.name for entry in entries] != list(names):
                raise OutputError("the written wheel does not have the members it should have", where=str(path))
            for entry in entries:
                if entry.name in new:
                    _verify_member(buffer, entry, new[entry.name], path)
    except (InvalidArchiveError, OSError, ValueError) as error:
        raise OutputError(
            f"the written wheel cannot be read again: {error}",
            where=str(path),
            hint="check the disk; if it is sound, report this as a defect of truewheel",
        ) from error


def _verify_member(buffer: mmap, entry: Entry, expected: tuple[int, int], path: Path) -> None:
    with memoryview(buffer)[entry.data_offset : entry.data_offset + entry.compressed_size] as raw:
        content = inflate(raw, entry, path.name)
        if (entry.crc32, len(content)) != expected:
            raise OutputError(f"the member {entry.name!r} was not written as it should be", where=str(path))
        del content
