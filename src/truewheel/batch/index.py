"""A static package index: one folder a project, with a page for people and old installers and a document for new ones.

Follows the simple repository API: HTML (PEP 503, with the attributes of PEP 592, 658 and 714) and JSON (PEP 691 and
700), side by side as `index.html` and `index.json`. Any file server, or pip's `--index-url file:///...`, can serve it.
What is there already stays: entries, whether they were yanked, and fields of other tools.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truewheel.archive.reader import WheelReader
from truewheel.batch.files import copy_file, locked, write_file
from truewheel.batch.index_entry import entry_of
from truewheel.batch.index_pages import (
    project_json,
    project_page,
    read_project,
    read_projects,
    root_json,
    root_page,
)
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from truewheel.batch.index_entry import Entry

PAGE, DOCUMENT = "index.html", "index.json"


def update_index(root: Path, wheels: Iterable[Path], *, force: bool = False) -> tuple[Path, ...]:
    """Add wheels to the index in `root`, which is made when it is not there; return the folders of their projects.

    A wheel that lies in `root` or below is linked where it is; another one is copied into its project's folder. Beside
    it goes its METADATA as a file of its own. force: an entry of the same name with another content gives way.

    Another run that does the same is waited for. Raises RefusedError, with every such entry, before anything is
    written; InvalidInputError for pages that cannot be understood; OutputError.
    """
    with locked(root):
        return _update(root, wheels, force=force)


def require_index(root: Path, wheels: Iterable[Path]) -> None:
    """Raise InvalidInputError for an index that wheels of these names cannot be added to; they need not be there."""
    for name in sorted({_project(wheel) for wheel in wheels}):
        read_project(root / name)
    read_projects(root)


def _update(root: Path, wheels: Iterable[Path], *, force: bool) -> tuple[Path, ...]:
    by_project: dict[str, list[Path]] = {}
    for wheel in wheels:
        by_project.setdefault(_project(wheel), []).append(wheel)
    present = {name: read_project(root / name) for name in by_project}
    fresh = {name: [_fresh(root / name, path, root) for path in paths] for name, paths in by_project.items()}
    if not force:
        _require_same([entry for entries, _ in present.values() for entry in entries], fresh)
    for name, found in fresh.items():
        folder = root / name
        former, rest = present[name]
        entries = {entry.filename: entry for entry in former}
        for path, entry, metadata in found:
            _bring(path, entry, metadata, folder, force=force)
            entries[entry.filename] = _kept(entries.get(entry.filename), entry)
        ordered = [entries[filename] for filename in sorted(entries)]
        write_file(folder / DOCUMENT, project_json(name, ordered, rest))
        write_file(folder / PAGE, project_page(name, ordered))
    projects = sorted({*read_projects(root), *by_project})
    write_file(root / DOCUMENT, root_json(projects))
    write_file(root / PAGE, root_page(projects))
    return tuple(root / name for name in sorted(by_project))


def _project(wheel: Path) -> str:
    """Return the normalised name of a wheel's project."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(wheel.name.partition("-")[0])


def _fresh(folder: Path, wheel: Path, root: Path) -> tuple[Path, Entry, bytes]:
    """Return a wheel, its entry in the index, and its METADATA."""
    with WheelReader.open(wheel) as reader:
        metadata = reader.read(f"{reader.dist_info}/METADATA")
    inside = wheel.resolve().is_relative_to(root.resolve())
    return wheel, entry_of(wheel, metadata, folder if inside else None), metadata


def _kept(former: Entry | None, entry: Entry) -> Entry:
    """Return the new entry with what others said of the very same file before."""
    if former is None or former.sha256 not in {None, entry.sha256}:
        return entry
    return replace(entry, yanked=former.yanked, extra=former.extra)


def _require_same(present: Iterable[Entry], fresh: dict[str, list[tuple[Path, Entry, bytes]]]) -> None:
    """Raise RefusedError when the index has other files under the names of new ones."""
    digests = {entry.filename: entry.sha256 for entry in present}
    others = tuple(
        f"{entry.filename} has another content there"
        for found in fresh.values()
        for _, entry, _ in found
        if digests.get(entry.filename) not in {None, entry.sha256}
    )
    if others:
        raise RefusedError(
            "the index has other files of these names, which somebody may have locked by hash",
            reasons=others,
            hint="give the wheels a build tag, or replace them with --force",
        )


def _bring(wheel: Path, entry: Entry, metadata: bytes, folder: Path, *, force: bool) -> None:
    """Put a wheel where its entry says, and its metadata beside it."""
    place = folder / entry.path
    if place.parent == folder and wheel.resolve() != place.resolve():
        copy_file(wheel, place, force=force)
    write_file(place.with_name(f"{place.name}.metadata"), metadata)
