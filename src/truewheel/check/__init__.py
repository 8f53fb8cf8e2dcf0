"""Checking a wheel: its file name, WHEEL, RECORD, machine code and the package index's rules against each other."""

from __future__ import annotations

from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING

from truewheel.archive.dist_info import SUFFIX
from truewheel.archive.names import WheelName
from truewheel.archive.reader import WheelReader
from truewheel.archive.zip import read_entries
from truewheel.check.archive_rules import survey
from truewheel.check.findings import CheckOptions, Finding, Severity
from truewheel.check.index_rules import INDEXES
from truewheel.check.registry import chosen
from truewheel.check.subject import Subject
from truewheel.errors import InvalidArchiveError, InvalidWheelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["CheckOptions", "Finding", "Severity", "check_wheel", "examined", "has_errors", "open_subject"]

_DEFAULT = CheckOptions()
_REQUIRED = ("METADATA", "WHEEL", "RECORD")


def check_wheel(path: Path, options: CheckOptions = _DEFAULT) -> tuple[Finding, ...]:
    """Return everything that is wrong with the wheel at `path`, in the order of the rules.

    Raises UsageError for a rule or an index that there is not, InvalidInputError for a file that cannot be read, or
    that is no archive at all.
    """
    with open_subject(path, options) as subject:
        return examined(subject, options)


def examined(subject: Subject, options: CheckOptions) -> tuple[Finding, ...]:
    """Return what the chosen rules find in an open wheel."""
    rules = chosen(options.select, options.ignore)
    return tuple(finding for rule in rules for finding in rule.findings(subject))


def has_errors(findings: tuple[Finding, ...], *, strict: bool = False) -> bool:
    """Whether something is wrong: an error, or, when strict, a warning."""
    wrong = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return any(finding.severity in wrong for finding in findings)


@contextmanager
def open_subject(path: Path, options: CheckOptions = _DEFAULT, *, filename: str = "") -> Iterator[Subject]:
    """Open the wheel at `path` as far as it can be; raises as `check_wheel` does.

    filename: what to take for the file's name, for a wheel that does not bear its name yet.
    """
    chosen(options.select, options.ignore)
    if options.index not in INDEXES:
        raise UsageError(
            f"{options.index} is no index that is known", where="--index", hint=f"one of {', '.join(INDEXES)}"
        )
    subject = Subject(
        path, filename or path.name, options.index, options.jobs, options.own_policy, exclude=options.exclude
    )
    name = subject.name or WheelName("unnamed", "0", "", ("py3",), ("none",), ("any",))
    try:
        subject.reader = WheelReader.open(path, name=name)
    except InvalidArchiveError as error:
        faults = survey(path)
        if not faults and ("not a ZIP archive" in error.what or not path.stat().st_size):
            raise
        subject.archive = faults or (str(error).removeprefix(f"{path.name}, "),)
    except InvalidWheelError as error:
        if subject.name is not None:
            subject.dist_info = ((error.what, error.hint),)
            subject.reader = _under_its_own_name(path, subject.name)
    if subject.reader is None:
        yield subject
        return
    with subject.reader:
        yield subject


def _under_its_own_name(path: Path, name: WheelName) -> WheelReader | None:
    """Open a wheel whose metadata is of another project or version than its file name; None when it has none."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as buffer:
        members = {entry.name for entry in read_entries(buffer, path.name)}
    tops = sorted({member.partition("/")[0] for member in members if f"{SUFFIX}/" in member})
    folders = [top for top in tops if top.endswith(SUFFIX)]
    if len(folders) != 1 or any(f"{folders[0]}/{file}" not in members for file in _REQUIRED):
        return None
    distribution, _, version = folders[0].removesuffix(SUFFIX).rpartition("-")
    try:
        return WheelReader.open(path, name=name._replace(distribution=distribution, version=version))
    except InvalidWheelError:
        return None
