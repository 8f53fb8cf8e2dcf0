"""An installed system as package databases see it: its release, its paths, its documents.

The system may lie in a folder (a sysroot); then its own absolute paths and links begin there. Follows os-release(5).
"""

from __future__ import annotations

import os
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_MERGED = re.compile(r"/usr/(?:bin|sbin|lib|lib32|lib64|libx32|libo32)/")
_LARGEST_TEXT = 4 << 20
_MOST_STEPS = 1000  # parts of a path with all its links; the kernel itself follows 40 links


class Package(NamedTuple):
    """One installed package.

    kind: the package manager, as package URLs spell it: `deb`, `rpm`, `apk`, `conda` or `brew`.
    version: with its epoch and release, as the manager prints it.
    namespace: the vendor (`debian`, `fedora` ...), for conda the channel; may be empty.
    distro: the system and its release, `debian-12`; empty for conda.
    build: conda's build string; else empty.
    licence: what the database says, e.g. `MIT`; empty when it says nothing.
    licence_files: absolute paths on this machine, links resolved, sorted.
    source: what it was built from, `name@version`; empty when unknown.
    """

    kind: str
    name: str
    version: str
    architecture: str = ""
    namespace: str = ""
    distro: str = ""
    build: str = ""
    licence: str = ""
    licence_files: tuple[str, ...] = ()
    source: str = ""


class System(NamedTuple):
    """The system in the folder `root`. vendor: `debian`; distro: `debian-12`; both empty when it does not say."""

    root: Path
    vendor: str
    distro: str

    def inner(self, path: str) -> str:
        """Return a path of this machine as the system itself spells it."""
        try:
            return f"/{PurePosixPath(path).relative_to(self.root.as_posix()).as_posix()}"
        except ValueError:
            return path

    def place(self, path: str) -> Path:
        """Return where one of the system's own paths lies on this machine."""
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str:
        """Return the content of one of the system's text files; nothing when it cannot be read."""
        try:
            return self.place(path).read_text("utf-8", "replace")
        except OSError:
            return ""

    def documents(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return where those of the system's files lie that exist, links followed inside the system."""
        found = set()
        for path in paths:
            place = self._resolve(PurePosixPath(path))
            if place is not None and place.is_file() and place.stat().st_size <= _LARGEST_TEXT:
                found.add(str(place))
        return tuple(sorted(found))

    def _resolve(self, path: PurePosixPath) -> Path | None:
        """Follow links as the system itself would: absolute ones start at its root, and `..` does not leave it."""
        done: list[str] = []
        todo = [part for part in reversed(path.parts) if part != "/"]
        for _ in range(_MOST_STEPS):
            if not todo:
                return self.root.joinpath(*done)
            part = todo.pop()
            place = self.root.joinpath(*done, part)
            if part == "..":
                del done[-1:]
            elif place.is_symlink():
                target = place.readlink()
                if target.is_absolute():
                    done.clear()
                todo += [item for item in reversed(target.parts) if item != "/"]
            else:
                done.append(part)
        return None


def system_in(root: Path) -> System:
    """Return the system whose `/` is the folder `root`."""
    fields: dict[str, str] = {}
    bare = System(root, "", "")
    for line in (bare.text("etc/os-release") or bare.text("usr/lib/os-release")).splitlines():
        key, separator, value = line.partition("=")
        if separator:
            fields[key.strip()] = value.strip().strip("\"'")
    vendor = re.sub(r"[^a-z0-9._-]", "", fields.get("ID", "").lower())
    release = fields.get("VERSION_ID") or fields.get("VERSION_CODENAME", "")
    return System(root, vendor, f"{vendor}-{release}" if vendor and release else vendor)


def by_spelling(wanted: Mapping[str, str]) -> dict[str, list[str]]:
    """Return which of the paths (keys) each spelling in a database may mean; the values are the paths as asked.

    Where `/lib` is a link to `/usr/lib`, a package may record either, and a search may have come by either.
    """
    spelled: dict[str, list[str]] = {}
    for path, inner in wanted.items():
        other = inner.removeprefix("/usr") if _MERGED.match(inner) else f"/usr{inner}"
        names = (inner, other) if _MERGED.match(inner) or _MERGED.match(other) else (inner,)
        for name in names:
            spelled.setdefault(name, []).append(path)
    return spelled


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none when it cannot be read."""
    try:
        return sorted(entry.name for entry in os.scandir(folder))
    except OSError:
        return []
