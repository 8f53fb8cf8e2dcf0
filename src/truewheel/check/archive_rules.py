"""Rules about the archive itself: what installers unpack differently, and what is no file.

Follows the .ZIP File Format Specification and the binary distribution format. A wheel is read strictly (`archive.zip`),
and that reading ends at the first fault; where it fails, a tolerant one tells the other faults of the same archive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.check.findings import Found, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from zipfile import ZipInfo

    from truewheel.check.subject import Subject

_FIX = "build the wheel again with a tool that writes plain archives"
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 1


def _archive(subject: Subject) -> Iterator[Found]:
    """Yield why the archive is not read further."""
    for problem in subject.archive:
        yield Found(problem, _FIX)


def _symlinks(subject: Subject) -> Iterator[Found]:
    """Yield symbolic links, which installers write as text files."""
    for entry in subject.reader.entries.values() if subject.reader else ():
        if entry.is_symlink:
            problem = "is a symbolic link, which installers write as a text file that holds its target"
            yield Found(problem, "put a copy of the target in its place", entry.name)


def survey(path: Path) -> tuple[str, ...]:
    """Return the faults of an archive that cannot be read strictly, as far as they can be told; none for no archive.

    zipfile reads it, as installers do.
    """
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as archive:
            entries = archive.infolist()
            comment = archive.comment
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        return ()
    faults = [f"the archive has a comment of {len(comment)} bytes; a wheel has none"] if comment else []
    return (*faults, *_of_names(entries), *(fault for entry in entries for fault in _of_entry(entry)))


def _of_names(entries: list[ZipInfo]) -> Iterator[str]:
    from truewheel.archive.member_names import name_problem

    seen: dict[str, str] = {}
    for entry in entries:
        name = entry.orig_filename
        if problem := name_problem(name):
            yield f"{name!r}: {problem}"
        other = seen.setdefault(name.casefold(), name)
        if other is not name:
            same = "the same name as" if other == name else f"a name that differs only in case from {other!r},"
            yield f"{name!r} has {same} an earlier member; installers keep different ones"


def _of_entry(entry: ZipInfo) -> Iterator[str]:
    name = entry.orig_filename
    if entry.flag_bits & _ENCRYPTED:
        yield f"{name!r} is encrypted"
    if entry.compress_type not in (_STORED, _DEFLATED):
        yield f"{name!r} is compressed by method {entry.compress_type}, which not every installer can undo"
    if entry.comment:
        yield f"{name!r} has a comment of {len(entry.comment)} bytes; in a wheel nothing has"


RULES = (
    Rule("archive", Severity.ERROR, "the archive cannot be read as strictly as a wheel has to be", _archive),
    Rule("symlink", Severity.WARNING, "a member is a symbolic link", _symlinks),
)
