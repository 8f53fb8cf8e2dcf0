"""Which distribution package owns a file, read from the package databases themselves.

Known are dpkg (/var/lib/dpkg), apk (/lib/apk/db/installed), conda (<prefix>/conda-meta), Homebrew (its Cellar) and rpm;
rpm's database has had several formats, so the rpm program is asked, once for all files. What no database knows has no
owner: that is no error.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from truewheel.bundler.packages.brew import brew_owners
from truewheel.bundler.packages.conda import conda_owners
from truewheel.bundler.packages.installed import Package, by_spelling, names_in, system_in
from truewheel.bundler.packages.rpm import rpm_owners

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from truewheel.bundler.packages.installed import System

__all__ = ["Package", "owners"]

_MOST = 1 << 19
"""Bytes that are read of a list at a time; few lists are longer."""
_TELLING = len("lib") + 2
"""How many letters of a library's name tell well enough which packages may own it."""


def owners(paths: Sequence[str], root: Path = Path("/")) -> Mapping[str, Package]:
    """Return the package that owns each of `paths`, as far as there is one.

    paths: absolute paths on this machine. Those below `root` are looked up in the databases of the system there.
    root: the folder that stands for `/` of that system.
    """
    found: dict[str, Package] = {}
    system = system_in(root)
    for look in (conda_owners, brew_owners, _dpkg_owners, _apk_owners, rpm_owners):
        wanted = {path: system.inner(path) for path in paths if path not in found}
        if wanted:
            found.update(look(system, wanted))
    return {path: found[path] for path in paths if path in found}


def _dpkg_owners(system: System, wanted: Mapping[str, str]) -> dict[str, Package]:
    """Read dpkg's lists of files, one a package, and its status file."""
    spelled = {name.encode("utf-8", "surrogateescape"): paths for name, paths in by_spelling(wanted).items()}
    folders = {b"%b/" % name.rpartition(b"/")[0] for name in spelled}
    info = system.place("var/lib/dpkg/info")
    owned: dict[str, str] = {}
    for name in _likely_first((name for name in names_in(info) if name.endswith(".list")), wanted):
        content = _content(f"{info}/{name}")
        if any(folder in content for folder in folders):
            for line in filter(spelled.__contains__, content.split(b"\n")):
                owned.update(dict.fromkeys(spelled[line], name.removesuffix(".list")))
            if len(owned) == len(wanted):
                break
    packages = _dpkg_packages(system, frozenset(owned.values())) if owned else {}
    return {path: packages[name] for path, name in owned.items() if name in packages}


def _likely_first(lists: Iterable[str], paths: Iterable[str]) -> list[str]:
    """Return the names of lists with those first that begin like a library: libpq.so.5 is in a package libpq5."""
    beginnings = {path.rpartition("/")[2][:_TELLING] for path in paths}
    return sorted(lists, key=lambda name: (name[:_TELLING] not in beginnings, not name.startswith("lib")))


def _content(path: str) -> bytes:
    """Return what a file holds. There are a thousand of them, so no object is made of each."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        content = piece = os.read(file, _MOST)
        while len(piece) == _MOST:
            piece = os.read(file, _MOST)
            content += piece
    except OSError:
        return b""
    finally:
        os.close(file)
    return content


def _dpkg_packages(system: System, names: frozenset[str]) -> dict[str, Package]:
    """Return packages by the names of their lists of files: `name`, or `name:architecture`."""
    plain = {name.partition(":")[0] for name in names}
    found: dict[str, Package] = {}
    for entry in system.text("var/lib/dpkg/status").split("\n\n"):
        name = entry.partition("\n")[0].removeprefix("Package:").strip()
        if name in plain:
            fields = dict(re.findall(r"^([A-Za-z-]+): *(.*)$", entry, re.MULTILINE))
            for key in (name, f"{name}:{fields.get('Architecture', '')}"):
                if key in names:
                    found[key] = _dpkg_package(system, name, fields)
    return found


def _dpkg_package(system: System, name: str, fields: Mapping[str, str]) -> Package:
    version = fields.get("Version", "")
    source, _, source_version = fields.get("Source", name).partition(" ")
    return Package(
        kind="deb",
        name=name,
        version=version,
        architecture=fields.get("Architecture", ""),
        namespace=system.vendor or "debian",
        distro=system.distro,
        licence_files=system.documents([f"/usr/share/doc/{name}/copyright"]),
        source=f"{source}@{source_version.strip(' ()') or version}",
    )


def _apk_owners(system: System, wanted: Mapping[str, str]) -> dict[str, Package]:
    """Read apk's list of installed packages: paragraphs of lines `letter:value`; F: a folder, R: a file."""
    text = system.text("lib/apk/db/installed") or system.text("usr/lib/apk/db/installed")
    spelled = by_spelling(wanted)
    found: dict[str, Package] = {}
    for entry in text.split("\n\n"):
        fields: dict[str, str] = {}
        owned: list[str] = []
        for line in entry.splitlines():
            key, _, value = line.partition(":")
            if key == "R":
                owned += spelled.get(f"/{PurePosixPath(fields.get('F', ''), value)}", ())
            elif key == "F":
                fields[key] = value
            else:
                fields.setdefault(key, value)
        if owned:
            found.update(dict.fromkeys(owned, _apk_package(system, fields)))
    return found


def _apk_package(system: System, fields: Mapping[str, str]) -> Package:
    name, version = fields.get("P", ""), fields.get("V", "")
    folder = f"/usr/share/licenses/{name}"
    return Package(
        kind="apk",
        name=name,
        version=version,
        architecture=fields.get("A", ""),
        namespace=system.vendor or "alpine",
        distro=system.distro,
        licence=fields.get("L", ""),
        licence_files=system.documents(f"{folder}/{item}" for item in names_in(system.place(folder))),
        source=f"{fields['o']}@{version}" if fields.get("o") else "",
    )
