"""Published wheels for macOS, fetched by slow tests once and kept."""

from __future__ import annotations

import sys
import zipfile
from typing import TYPE_CHECKING

from support.cache import kept
from support.mac_names import is_macho, names, relinked
from support.programs import run
from support.wheels import build_wheel

if TYPE_CHECKING:
    from pathlib import Path

NEWEST = "macosx_14_0"
"""The system that a wheel is fetched for; pip also takes wheels for older ones."""

BEFORE = "/opt/lib"
"""Where the libraries of an unrepaired wheel lay on the machine that built it."""


def fetched(requirement: str, architecture: str = "x86_64", *, python: str = "") -> Path:
    """Return a wheel for macOS of one version of a project, e.g. `pillow==12.0.0`.

    python: `3.12` for instance; the version of this interpreter unless said otherwise.
    """
    version = python or ".".join(map(str, sys.version_info[:2]))
    platform = f"{NEWEST}_{architecture}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--platform", platform, "--python-version", version, requirement]
    name = f"mac-{requirement.partition('==')[0]}"
    folder = kept(name, (requirement, platform, version), lambda into: _download(command, into))
    (wheel,) = folder.glob("*.whl")
    return wheel


def _download(command: list[str], into: Path) -> None:
    run([*command, "--dest", into])


def unpacked(wheel: Path, folder: Path) -> Path:
    """Unpack a wheel as it lies, and return the folder."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def unrepaired(wheel: Path, directory: Path) -> tuple[Path, Path]:
    """Write a wheel as it was before its repair, and the libraries that it lost; return both paths.

    The libraries of its `.dylibs` folder go to one outside, and every file names them as Homebrew would, by a path of
    the build machine. LIEF writes these names, so the code under test is not its own oracle. They are shorter than
    those of the finished wheel, so no header has to grow for them.
    """
    libraries = directory / "libraries"
    libraries.mkdir(parents=True)
    rest: dict[str, bytes] = {}
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith(("/", "/RECORD"))}
    for name, content in files.items():
        leaf = name.rpartition("/")[2]
        before = _named_as_before(content, leaf) if is_macho(content) else content
        if "/.dylibs/" in name:
            (libraries / leaf).write_bytes(before)
        else:
            rest[name] = before
    (dist_info,) = {name.partition("/")[0] for name in rest if ".dist-info/" in name}
    return build_wheel(directory, rest, filename=wheel.name, dist_info=dist_info), libraries


def _named_as_before(content: bytes, leaf: str) -> bytes:
    """Return a file with `/opt/lib/libx.dylib` for every name of a library of the wheel, its own too."""
    ((_, found),) = names(content).items()
    own = [found.install_name] if found.install_name else []
    named = {name: f"{BEFORE}/{name.rpartition('/')[2]}" for name in found.needed if name.startswith("@")}
    named |= dict.fromkeys(own, f"{BEFORE}/{leaf}")
    return relinked(content, named=named) if named else content
