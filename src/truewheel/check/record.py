"""Rules about RECORD, hash by hash, and about the other files that repeat what the wheel is: signatures and SBOMs.

Follows the PyPA "recording installed projects" specification (RECORD), PEP 815 (its signatures) and PEP 770 (SBOMs).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truewheel.archive.record import ALGORITHMS, SIGNATURES
from truewheel.check.findings import Found, Rule, Severity
from truewheel.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.archive.record import Row
    from truewheel.check.subject import Subject

_COLUMNS = 3
_ADD = "write its row anew"
_FILE_NAME = re.compile(rb"[?&]file_name=([^&\"\\\s]+\.whl)")


def _readable(subject: Subject) -> Iterator[Found]:
    """Yield why RECORD cannot be read."""
    if subject.reader is None:
        return
    try:
        _ = subject.reader.record
    except InvalidInputError as error:
        yield Found(error.what, "build the wheel again", f"{subject.reader.dist_info}/RECORD")


def _rows(subject: Subject) -> Iterator[Row]:
    """Yield the rows that have any column."""
    yield from (row for row in (subject.record.rows if subject.record else ()) if row.columns)


def _unhashed(subject: Subject) -> frozenset[str]:
    """Return the paths whose rows have no hash."""
    record = subject.record
    return frozenset((record.where, *record.signatures)) if record else frozenset()


def _form(subject: Subject) -> Iterator[Found]:
    """Yield rows that are no rows, and paths that are listed again."""
    if subject.record is None:
        return
    where = subject.record.where
    seen: set[str] = set()
    for row in subject.record.rows:
        if not row.columns:
            yield Found(f"line {row.line} is empty", "take it out", where, fixable=True)
        elif row.columns != _COLUMNS:
            yield Found(f"line {row.line} has {row.columns} columns, not {_COLUMNS}", _ADD, row.path, fixable=True)
        elif row.path in seen:
            yield Found(f"line {row.line} lists it again", "keep one row", row.path, fixable=True)
        seen.add(row.path)
    if where not in seen:
        yield Found("RECORD does not list itself", _ADD, where, fixable=True)


def _unlisted(subject: Subject) -> Iterator[Found]:
    """Yield files without a row."""
    if subject.reader is None or subject.record is None:
        return
    for name in subject.reader.unrecorded:
        yield Found("RECORD does not list it", "add its row", name, fixable=True)


def _absent(subject: Subject) -> Iterator[Found]:
    """Yield rows without a file."""
    if subject.reader is None:
        return
    for path in dict.fromkeys(row.path for row in _rows(subject)):
        if path not in subject.reader.entries and path not in _unhashed(subject):
            yield Found("RECORD lists it, but it is not in the wheel", "take its row out", path, fixable=True)


def _hashes(subject: Subject) -> Iterator[Found]:
    """Yield files whose content is not what RECORD says."""
    done: set[str] = set()
    for row in _rows(subject):
        digest = subject.digests.get(row.path)
        if digest is None or row.path in done or row.columns != _COLUMNS:
            continue
        done.add(row.path)
        algorithm, _, value = row.digest.partition("=")
        if digest.problem:
            problem = digest.problem.replace("the member ", "it ", 1)
            yield Found(f"cannot be unpacked: {problem}", "build the wheel again", row.path)
        elif digest.value != value.rstrip("="):
            problem = f"RECORD has {algorithm} {value}, the file has {digest.value}"
            yield Found(problem, "write its row anew, if the file is as it should be", row.path, fixable=True)
        elif row.size != str(digest.size):
            size = f"size {row.size}" if row.size else "no size"
            yield Found(f"RECORD has {size}, the file has {digest.size} bytes", _ADD, row.path, fixable=True)


def _weak(subject: Subject) -> Iterator[Found]:
    """Yield rows without a hash, or with one that the specification does not allow."""
    if subject.reader is None:
        return
    for row in _rows(subject):
        if row.path in _unhashed(subject) or row.path not in subject.reader.entries or row.columns != _COLUMNS:
            continue
        algorithm = row.digest.partition("=")[0]
        if algorithm not in ALGORITHMS:
            has = f"has the weak hash {algorithm}" if algorithm else "has no hash"
            yield Found(f"its row {has}; sha256 or better is demanded", _ADD, row.path, fixable=True)


def _signatures(subject: Subject) -> Iterator[Found]:
    """Yield signatures of RECORD, which sign nothing that anybody checks, and rows for them."""
    if subject.reader is None or subject.record is None:
        return
    listed = subject.record.paths()
    for suffix in SIGNATURES:
        name = f"{subject.record.where}{suffix}"
        if name in subject.reader.entries:
            problem = "RECORD has a signature; these are deprecated, nobody checks them, and any change makes it wrong"
            yield Found(problem, "leave it out", name, fixable=True, severity=Severity.WARNING)
        if name in listed:
            yield Found("RECORD lists its own signature, which it cannot know", "take the row out", name, fixable=True)


def _sboms(subject: Subject) -> Iterator[Found]:
    """Yield lists of components that know the wheel by another file name."""
    for member, old in stale_file_names(subject, subject.given.text):
        problem = f"it calls the wheel {old}, which is not its name"
        yield Found(problem, f"write {subject.given.text}", member, fixable=True)


def stale_file_names(subject: Subject, name: str) -> Iterator[tuple[str, str]]:
    """Yield each SBOM with a file name of this project's wheel that is not `name`, and that file name."""
    from urllib.parse import unquote

    from truewheel.check.names import normalised

    reader = subject.reader
    if reader is None or subject.name is None:
        return
    own = f"{normalised(subject.name.distribution)}-{subject.name.version}-"
    for member in reader.files():
        if not member.startswith(f"{reader.dist_info}/sboms/"):
            continue
        content = subject.text(member.removeprefix(f"{reader.dist_info}/")) or b""
        for found in dict.fromkeys(_FILE_NAME.findall(content)):
            stated = unquote(found.decode("utf-8", "replace"))
            if stated != name and stated.lower().startswith(own.lower()):
                yield member, stated


RULES = (
    Rule("record", Severity.ERROR, "RECORD cannot be read", _readable),
    Rule("record-rows", Severity.ERROR, "RECORD has lines that are no rows, or lists a path twice", _form),
    Rule("record-unlisted", Severity.ERROR, "RECORD does not list a file", _unlisted),
    Rule("record-absent", Severity.ERROR, "RECORD lists a file that is not there", _absent),
    Rule("record-hash", Severity.ERROR, "a file is not what RECORD says", _hashes),
    Rule("record-weak-hash", Severity.ERROR, "a row of RECORD has no hash, or a weak one", _weak),
    Rule("record-signature", Severity.ERROR, "RECORD has a signature, or lists one", _signatures),
    Rule("sbom-file-name", Severity.WARNING, "a bill of materials knows the wheel by another file name", _sboms),
)
