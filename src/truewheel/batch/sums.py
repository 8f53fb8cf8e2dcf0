"""What a release directory says of its own content: SHA256SUMS, and which name each wheel had before.

SHA256SUMS has the format of GNU coreutils, so that `sha256sum -c SHA256SUMS` checks the folder. Both files depend only
on what is in the folder and on what was done, and a second run writes the same bytes.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from truewheel.archive.names import SUFFIX
from truewheel.batch.files import locked, write_file
from truewheel.bundler.digests import file_digests, file_sha256
from truewheel.errors import InvalidInputError
from truewheel.given_files import read_given
from truewheel.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from truewheel.batch.published import Published

SCHEMA = "truewheel.names/1"
SUMS, NAMES = "SHA256SUMS", "names.json"
_LINE = re.compile(r"([0-9a-f]{64}) [ *]([^\\/]+)")


def write_sums(directory: Path, published: Iterable[Published], jobs: int = 1) -> tuple[Path, Path]:
    """Write or update SHA256SUMS and names.json in `directory`; return their paths.

    SHA256SUMS has every wheel of the folder, and keeps the lines of other files that are there. names.json keeps what
    earlier runs told. Another run that does the same is waited for.

    Raises InvalidInputError for files of these names that hold something else, and OutputError.
    """
    with locked(directory):
        sums, names = _sums(directory, jobs), _names(directory, published)
        return write_file(directory / SUMS, sums), write_file(directory / NAMES, names)


def require_sums(directory: Path) -> None:
    """Raise InvalidInputError for files that `write_sums` would not understand."""
    _present_sums(directory)
    _present_names(directory / NAMES)


def _sums(directory: Path, jobs: int) -> bytes:
    wheels = [path for path in directory.iterdir() if path.name.endswith(SUFFIX) and not path.name.startswith(".")]
    digests = file_digests((str(path) for path in wheels if path.is_file()), jobs)
    sums = {**_present_sums(directory), **{path.name: digests[str(path)] for path in wheels if str(path) in digests}}
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()


def _present_sums(directory: Path) -> dict[str, str]:
    """Return the digests that the list has of files that are still there and are no wheels."""
    path = directory / SUMS
    if not path.exists():
        return {}
    sums = {}
    for line in read_given(path).decode("utf-8", "replace").splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            raise InvalidInputError(f"{line!r} is no line of a list of sums", where=str(path), hint="remove the file")
        if not found[2].endswith(SUFFIX) and (directory / found[2]).is_file():
            sums[found[2]] = found[1]
    return sums


def _names(directory: Path, published: Iterable[Published]) -> bytes:
    """Return the map of names: one entry for each wheel that was ever given, by its content and its new name.

    A wheel that stayed what it was is told only when nothing became of that: the result of an earlier run may be given.
    """
    entries = {(item["new"], item["old"], item["old_sha256"]): item for item in _present_names(directory / NAMES)}
    for item in published:
        entry = {
            "old": item.old_name,
            "old_sha256": item.old_sha256,
            "new": item.path.name,
            "new_sha256": file_sha256(str(item.path)),
        }
        entries[entry["new"], entry["old"], entry["old_sha256"]] = entry
    results = {(item["new"], item["new_sha256"]) for item in entries.values() if not _stayed(item)}
    told = [item for item in entries.values() if not (_stayed(item) and (item["new"], item["new_sha256"]) in results)]
    ordered = sorted(told, key=lambda item: (item["new"], item["old"], item["old_sha256"]))
    return (json.dumps({"schema": SCHEMA, "names": ordered}, indent=2) + "\n").encode()


def _stayed(entry: dict[str, Any]) -> bool:
    return (entry["old"], entry["old_sha256"]) == (entry["new"], entry["new_sha256"])


def _present_names(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        data = parse_json(read_given(path))
        known = data["schema"] == SCHEMA and all(
            sorted(item) == ["new", "new_sha256", "old", "old_sha256"] for item in data["names"]
        )
    except (ValueError, TypeError, KeyError):
        known = False
    if not known:
        raise InvalidInputError("is no map of names that truewheel wrote", where=str(path), hint="remove the file")
    names: list[dict[str, Any]] = data["names"]
    return names
