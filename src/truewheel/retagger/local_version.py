"""Another local label of a wheel's version: what it renames, and what it changes inside.

Follows the PyPA version specifiers specification (PEP 440, "Local version identifiers") and the binary distribution
format: the version stands in the file name, in the names of the dist-info and data folders, in METADATA, in RECORD's
paths, and in the package URLs of bills of materials.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truewheel.archive.members import NewMember
from truewheel.archive.names import is_version
from truewheel.archive.sboms import sboms, with_file_name
from truewheel.errors import InvalidWheelError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.archive.reader import WheelReader

_VERSION = re.compile(rb"^(Version[ \t]*:[ \t]*)([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


def relabelled(version: str, label: str) -> str:
    """Return a version with another local label, normalised; with an empty one, without any."""
    public = version.partition("+")[0]
    if not label:
        return public
    from packaging.version import Version

    return f"{public}+{Version(f'0+{label}').local}"


def require_one_version(reader: WheelReader) -> None:
    """Raise RefusedError for a wheel whose METADATA is of another version than its name: both would go on differing.

    Raises InvalidWheelError when METADATA has no version.
    """
    member = _metadata(reader)
    stated = _version_line(reader.read(member), member)[2].decode("utf-8", "replace").strip()
    if is_version(stated, reader.name):
        return
    what = f"METADATA is of version {stated}, the file name of {reader.name.version}"
    raise RefusedError(what, where=reader.path.name, hint="`truewheel check` says what else disagrees; build it again")


def _metadata(reader: WheelReader) -> str:
    return f"{reader.dist_info}/METADATA"


def renamed_folders(reader: WheelReader, version: str) -> dict[str, str]:
    """Return the new names of the wheel's dist-info and data folders, by the old ones. The name keeps its spelling."""
    found = {}
    for folder in (reader.dist_info, reader.data_dir):
        stem, dot, suffix = folder.rpartition(".")
        found[folder] = f"{stem.rpartition('-')[0]}-{version}{dot}{suffix}"
    return found


def relabelled_members(reader: WheelReader, output_name: str, version: str) -> Iterator[NewMember]:
    """Yield METADATA, and the bills of materials that name the wheel, for another version and file name.

    Raises InvalidWheelError when METADATA has no version.
    """
    new = renamed_folders(reader, version)[reader.dist_info]
    member = _metadata(reader)
    yield _renamed(reader, member, f"{new}/METADATA", _with_version(reader.read(member), member, version))
    for bill in sboms(reader):
        content = reader.read(bill)
        changed = _with_purl(with_file_name(content, str(reader.name), output_name), reader, version)
        if changed != content:
            yield _renamed(reader, bill, new + bill.removeprefix(reader.dist_info), changed)


def _renamed(reader: WheelReader, old: str, new: str, content: bytes) -> NewMember:
    return NewMember(new, content, mode=reader.permissions(old))


def _with_version(metadata: bytes, where: str, version: str) -> bytes:
    match = _version_line(metadata, where)
    public = match[2].partition(b"+")[0].rstrip()
    label = version.partition("+")[2]
    text = match[1] + public + (f"+{label}".encode() if label else b"")
    return metadata[: match.start()] + text + metadata[match.end() :]


def _version_line(metadata: bytes, where: str) -> re.Match[bytes]:
    end = _END_OF_HEADERS.search(metadata)
    match = _VERSION.search(metadata, 0, end.start() if end else len(metadata))
    if match is None:
        raise InvalidWheelError("has no version", where=where)
    return match


def _with_purl(content: bytes, reader: WheelReader, version: str) -> bytes:
    """Return a bill of materials in which the wheel's package URL has the new version."""
    from urllib.parse import quote

    old = reader.name.version
    name = re.escape(reader.name.distribution).replace("_", "[-_.]+")
    pattern = re.compile(rf"(pkg:pypi/{name}@)({re.escape(old)}|{re.escape(quote(old))})(?![\w.+%!-])", re.IGNORECASE)
    text = content.decode("utf-8", "surrogateescape")
    return pattern.sub(lambda match: match[1] + quote(version), text).encode("utf-8", "surrogateescape")
