"""What a new wheel's RECORD must correct besides the rows of changed files.

Follows the PyPA "recording installed projects" specification: a row for every file, a file for every row, and no rows
for RECORD's signatures, which sign a RECORD that is no more.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from truewheel.archive.reader import WheelReader


class RecordRewrite(NamedTuple):
    """dropped: paths that lose their rows. digests: sha256 and size of kept files that gain one.

    notices: sentences for the user.
    """

    dropped: frozenset[str]
    digests: Mapping[str, tuple[bytes, int]]
    notices: tuple[str, ...]


def rewrite_record(
    source: WheelReader, removed: Collection[str], put: Collection[str], rehashed: Collection[str] = ()
) -> RecordRewrite:
    """Return what to correct in the RECORD of `source` when `removed` go and `put` are written.

    rehashed: files that stay and get new rows, whatever the old ones say.
    """
    record = source.record
    notices = [
        f"{name} was left out: it signs the RECORD of the wheel before this change"
        for name in record.signatures
        if name in source.entries
    ]
    files = {*source.files(), *put}.difference(removed)
    dropped = {*removed}
    twice: set[str] = set()
    seen: set[str] = set()
    paths = record.paths()
    doubtful = len(paths) < len(record.rows) or not paths <= files  # else no row needs a look
    for row in record.rows if doubtful else ():
        if row.columns and row.path not in files and row.path not in dropped:
            notices.append(f"RECORD listed {row.path}, which is not in the wheel; the row was left out")
            dropped.add(row.path)
        elif row.path in seen and row.path in files:
            twice.add(row.path)
        seen.add(row.path)
    digests: dict[str, tuple[bytes, int]] = {}
    for name in source.unrecorded:
        if name in files and name not in put:
            notices.append(f"RECORD did not list {name}; a row was added")
            digests[name] = _digest(source, name)
    for name in sorted(twice - {record.where, *record.signatures}):
        notices.append(f"RECORD listed {name} more than once; one row was kept")
        if name not in put:
            digests[name] = _digest(source, name)
    for name in sorted({*rehashed} & files - {*put}):
        notices.append(f"the row of {name} in RECORD was written anew")
        digests.setdefault(name, _digest(source, name))
    return RecordRewrite(frozenset(dropped), digests, tuple(notices))


def _digest(source: WheelReader, name: str) -> tuple[bytes, int]:
    state, size = sha256(), 0
    for piece in source.stream(name):
        state.update(piece)
        size += len(piece)
    return state.digest(), size
