"""Which rpm package owns a file: one question to the rpm program, which knows every format of its database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from truewheel.bundler.packages.installed import Package, by_spelling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from truewheel.bundler.packages.installed import System

_SECONDS = 60.0
_FIELDS = ("NAME", "EPOCH", "VERSION", "RELEASE", "ARCH", "LICENSE", "SOURCERPM")
_QUERY = "P" + "".join(f"\\t%{{{field}}}" for field in _FIELDS) + "\\n[F\\t%{FILEFLAGS}\\t%{FILENAMES}\\n]"
_DATABASES = ("usr/lib/sysimage/rpm", "var/lib/rpm")
_DATABASE_FILES = ("rpmdb.sqlite", "Packages.db", "Packages")
_IS_LICENCE = 1 << 7  # RPMFILE_LICENSE
_ABSENT = "(none)"


def rpm_owners(system: System, wanted: Mapping[str, str]) -> dict[str, Package]:
    """Return the owners of the paths (keys of `wanted`, as the system spells them in its values)."""
    spelled = by_spelling(wanted)
    found: dict[str, Package] = {}
    for fields, files in _packages(_ask(system, sorted(spelled))):
        owned = [path for _, name in files for path in spelled.get(name, ())]
        if owned:
            licences = system.documents(name for flags, name in files if flags & _IS_LICENCE)
            found.update(dict.fromkeys(owned, _package(system, fields, licences)))
    return found


def _ask(system: System, names: Sequence[str]) -> str:
    """Run rpm; return nothing when the system has no rpm database, or this machine no rpm."""
    import shutil
    import subprocess

    folders = [system.place(folder) for folder in _DATABASES]
    folder = next((place for place in folders if any((place / name).is_file() for name in _DATABASE_FILES)), None)
    program = shutil.which("rpm")
    if folder is None or program is None:
        return ""
    command = [program, "--dbpath", str(folder), "-q", "--queryformat", _QUERY, "-f", *names]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "surrogateescape")


def _packages(text: str) -> Iterator[tuple[dict[str, str], list[tuple[int, str]]]]:
    """Yield the fields of each package and its files with their flags; other lines name files without an owner."""
    fields: dict[str, str] = {}
    files: list[tuple[int, str]] = []
    for line in text.splitlines():
        kind, *values = line.split("\t")
        if kind == "P" and len(values) == len(_FIELDS):
            if fields:
                yield fields, files
            fields, files = dict(zip(_FIELDS, values, strict=True)), []
        elif kind == "F" and len(values) > 1 and values[0].isdecimal():
            files.append((int(values[0]), values[1]))
    if fields:
        yield fields, files


def _package(system: System, fields: Mapping[str, str], licences: tuple[str, ...]) -> Package:
    known = {name: "" if value == _ABSENT else value for name, value in fields.items()}
    epoch = f"{known['EPOCH']}:" if known["EPOCH"] else ""
    source = known["SOURCERPM"].removesuffix(".rpm").removesuffix(".src").removesuffix(".nosrc").rsplit("-", 2)
    return Package(
        kind="rpm",
        name=known["NAME"],
        version=f"{epoch}{known['VERSION']}-{known['RELEASE']}",
        architecture=known["ARCH"],
        namespace=system.vendor,
        distro=system.distro,
        licence=known["LICENSE"],
        licence_files=licences,
        source=f"{source[0]}@{source[1]}-{source[2]}" if len(source) == len(("name", "version", "release")) else "",
    )
