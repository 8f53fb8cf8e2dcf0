"""Mending what can be mended without new facts: the wheel says the same about itself everywhere, and in the right form.

The file name is what is believed, because installers choose by it; only its spelling is mended. What the machine code
contradicts, or only a build can put right, is left and told. Nothing is published before the new wheel was checked by
the rules whose findings were mended.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from truewheel.archive.members import NewMember
from truewheel.archive.names import WheelName
from truewheel.archive.sboms import with_file_name
from truewheel.archive.staging import copy_as_it_is, copy_unchanged
from truewheel.archive.writer import Changes, stage
from truewheel.check import examined, open_subject
from truewheel.check.findings import CheckOptions
from truewheel.check.names import normalised
from truewheel.check.record import stale_file_names
from truewheel.check.wheel_file import KNOWN_HEADERS, is_purelib, proper_key
from truewheel.errors import DefectError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from truewheel.archive.reader import WheelReader
    from truewheel.check.findings import Finding
    from truewheel.check.subject import Subject

_DEFAULT = CheckOptions()
_SPELLING = frozenset({"project-name", "version-spelling"})
_FOLDERS = _SPELLING | {"dist-info-name"}
_TAGS = frozenset({"wheel-tags", "wheel-tag-lines"})
_PURELIB = frozenset({"root-is-purelib", "wheel-headers"})
_WHEEL = _TAGS | _PURELIB | {"wheel-build"}
_ROWS = frozenset({"record-hash", "record-weak-hash", "record-rows"})
_HEADER_NAME = re.compile(r"(?m)^([!-9;-~]+)(?=[ \t]*:)")


class Fixed(NamedTuple):
    """What was done. path: the mended wheel; the one that was given when there was nothing to mend.

    mended, left: the findings that are no more, and those that are still true. notices: sentences about RECORD.
    """

    path: Path
    changed: bool
    mended: tuple[Finding, ...]
    left: tuple[Finding, ...]
    notices: tuple[str, ...] = ()


class FixPlan(NamedTuple):
    """What mending a wheel would do. findings: all that is wrong. output_name: the file name of the mended wheel.

    input_size: bytes of the wheel. readable: whether it could be opened as a wheel, without which nothing is mended.
    """

    findings: tuple[Finding, ...]
    output_name: str
    input_size: int
    readable: bool
    input_sha256: str | None = None

    @property
    def mended(self) -> tuple[Finding, ...]:
        """The findings that will be no more."""
        return tuple(finding for finding in self.findings if finding.fixable and self.readable)

    @property
    def changes_nothing(self) -> bool:
        """Whether the mended wheel is the wheel, byte for byte."""
        return not self.mended


def fix_wheel(
    path: Path, directory: Path | None = None, options: CheckOptions = _DEFAULT, *, force: bool = False
) -> Fixed:
    """Write a mended copy of the wheel at `path` to `directory`, beside it unless told, and say what is left.

    With nothing that can be mended, be it a file that is no archive, the wheel is copied as it stands when a directory
    was named, and left alone otherwise.
    force: replace another wheel of the same name, be it the given one.

    Raises as `check_wheel` does, and OutputError when the new wheel cannot be written. Nothing is left behind then.
    """
    with open_subject(path, options) as subject:
        return _mend(subject, _planned(subject, options), directory, options, force=force)


def plan_fix(path: Path, options: CheckOptions = _DEFAULT) -> FixPlan:
    """Return what mending the wheel at `path` would do. Nothing is written. Raises as `check_wheel` does."""
    with open_subject(path, options) as subject:
        return _planned(subject, options)


def apply_fix(
    path: Path, plan: FixPlan, directory: Path | None = None, options: CheckOptions = _DEFAULT, *, force: bool = False
) -> Fixed:
    """Do what the plan says, which was made with the same options, as `fix_wheel` does.

    Raises RefusedError when the wheel is not the planned one.
    """
    with open_subject(path, options) as subject:
        if path.stat().st_size != plan.input_size:
            raise RefusedError("changed since it was checked", where=str(path), hint="check it again")
        return _mend(subject, plan, directory, options, force=force)


def _planned(subject: Subject, options: CheckOptions) -> FixPlan:
    findings = examined(subject, options)
    rules = frozenset(finding.rule for finding in findings if finding.fixable)
    readable = subject.reader is not None
    name = mended_name(subject, rules) if readable and rules else subject.path.name
    return FixPlan(findings, name, subject.path.stat().st_size, readable)


def _mend(subject: Subject, plan: FixPlan, directory: Path | None, options: CheckOptions, *, force: bool) -> Fixed:
    path, reader = subject.path, subject.reader
    if reader is None or not plan.mended:
        kept = path
        if directory is not None and reader is not None:
            kept = copy_unchanged(reader, directory, force=force)
        elif directory is not None:
            kept = copy_as_it_is(path, directory, force=force)
        return Fixed(kept, changed=False, mended=(), left=plan.findings)
    rules = frozenset(finding.rule for finding in plan.mended)
    changes = mends(subject, reader, rules, plan.output_name)
    with stage(reader, changes, directory or path.parent, jobs=options.jobs) as staged:
        left = _left(staged.path, plan.output_name, options, path.name)
        mended = staged.publish(plan.output_name, force=force)
        return Fixed(mended, changed=True, mended=plan.mended, left=left, notices=staged.notices)


def _left(staged: Path, name: str, options: CheckOptions, where: str) -> tuple[Finding, ...]:
    """Return what is still wrong with a wheel that was mended; raise DefectError when a mend did not hold."""
    with open_subject(staged, options, filename=name) as subject:
        left = examined(subject, options)
    again = next((finding for finding in left if finding.fixable), None)
    if again is not None:
        what = f"this is a defect of truewheel: a mend did not hold: {again.rule}: {again.message}"
        raise DefectError(what, where=where, hint="please report it, with the wheel")
    return left


def mended_name(subject: Subject, rules: AbstractSet[str]) -> str:
    """Return the file name with its spelling mended by some of the rules."""
    name = subject.name
    if name is None:
        return subject.given.text
    sets = [name.python, name.abi, name.platform]
    if "tag-repeated" in rules:
        sets = [tuple(dict.fromkeys(members)) for members in sets]
    if "tag-order" in rules:
        sets = [tuple(sorted(members)) for members in sets]
    name = name._replace(python=sets[0], abi=sets[1], platform=sets[2])
    if "project-name" in rules:
        name = name._replace(distribution=normalised(name.distribution))
    if "version-spelling" in rules:
        from packaging.version import Version

        name = name._replace(version=str(Version(name.version.replace("_", "-"))))
    return str(name)


def mends(subject: Subject, reader: WheelReader, rules: AbstractSet[str], filename: str) -> Changes:
    """Return the changes that mend what some of the rules found, for a wheel that is to have that file name."""
    name = WheelName.parse(filename)
    changes = Changes(folders=_folders(reader, name) if rules & _FOLDERS and not subject.dist_info else {})
    put = [*_wheel_file(subject, reader, rules, name), *_sboms(subject, reader, filename)]
    return changes._replace(
        put=tuple(member._replace(name=changes.renamed(member.name)) for member in put),
        rehashed=frozenset(_wrong_rows(subject)) if rules & _ROWS else frozenset(),
    )


def _folders(reader: WheelReader, name: WheelName) -> dict[str, str]:
    """Return the new names of the folders that are called after the project and its version."""
    stem = f"{name.distribution}-{name.version}"
    wanted = {reader.dist_info: f"{stem}.dist-info", reader.data_dir: f"{stem}.data"}
    return {old: new for old, new in wanted.items() if old != new}


def _wheel_file(subject: Subject, reader: WheelReader, rules: AbstractSet[str], name: WheelName) -> Iterator[NewMember]:
    """Yield the WHEEL file when one of the rules is about it."""
    metadata = subject.wheel
    if metadata is None or not rules & _WHEEL:
        return
    content = metadata.edited(
        tags=name.tags if rules & _TAGS else None,
        root_is_purelib=_purelib(subject, rules),
        build=name.build if "wheel-build" in rules else None,
    )
    if "wheel-headers" in rules:
        content = _respelled(content)
    member = f"{reader.dist_info}/WHEEL"
    yield NewMember(member, content, mode=reader.permissions(member))


def _purelib(subject: Subject, rules: AbstractSet[str]) -> bool | None:
    """Return what `Root-Is-Purelib` is to say; None when it stays."""
    headers, evidence = subject.wheel_headers, subject.evidence
    if headers is None or evidence is None:
        return None
    stated = any(is_purelib(header.key) for header in (*headers.seen, *headers.hidden))
    if "root-is-purelib" in rules or ("wheel-headers" in rules and not stated):
        return not evidence.proof.native
    return None


def _respelled(content: bytes) -> bytes:
    """Return a WHEEL file without a byte order mark, every header that it may have spelled as in the specification."""
    text = content.decode("utf-8").removeprefix("\ufeff")
    return _HEADER_NAME.sub(lambda match: KNOWN_HEADERS.get(proper_key(match[1]), match[1]), text).encode()


def _sboms(subject: Subject, reader: WheelReader, filename: str) -> Iterator[NewMember]:
    """Yield the bills of materials that know the wheel by another file name than the one that it is to have."""
    stale: dict[str, list[str]] = {}
    for member, old in stale_file_names(subject, filename):
        stale.setdefault(member, []).append(old)
    for member, names in stale.items():
        content = reader.read(member)
        for old in names:
            content = with_file_name(content, old, filename)
        yield NewMember(member, content, mode=reader.permissions(member))


def _wrong_rows(subject: Subject) -> Iterator[str]:
    """Yield the files that are there and whose rows in RECORD are wrong, or are no rows."""
    record, reader = subject.record, subject.reader
    if record is None or reader is None:
        return
    unhashed = {record.where, *record.signatures}
    for row in record.rows:
        if row.columns and row.path in reader.entries and row.path not in unhashed:
            digest = subject.digests.get(row.path)
            stated = row.digest.partition("=")[2].rstrip("=")
            if digest is None or (stated, row.size) != (digest.value, str(digest.size)):
                yield row.path
