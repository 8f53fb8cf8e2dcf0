"""Wheels of the package hello for macOS, made of fixtures for one test, repaired, and installed somewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

from support.fixtures import mac_family
from support.hello import PACKAGE, hello_wheel
from truewheel.analyzer.search_options import SearchOptions
from truewheel.bundler.bundle_options import BundleOptions
from truewheel.repair import repair
from truewheel.repair.options import RepairOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from truewheel.repair import Repaired

MODULE = "hello/_hello.abi3.so"
TAG = "cp310-abi3-macosx_10_9_x86_64"
_SEARCH = ("exclude", "executable_path", "sysroot", "library_path", "fallback_path")
_BUNDLE = ("strip", "no_mangle", "lib_sdir", "keep_runtime", "clear_executable_stack")


def mac_wheel(
    directory: Path,
    module: Path | bytes,
    more: Mapping[str, Path | bytes] | None = None,
    *,
    tag: str = TAG,
    modes: Mapping[str, int] | None = None,
) -> Path:
    """Write a wheel of the package hello around an extension module named _hello; return its path."""
    files: dict[str, Path | bytes] = {"hello/__init__.py": PACKAGE, MODULE: module, **(more or {})}
    return hello_wheel(directory, files, tag=tag, modes=modes)


def libraries(directory: Path, files: Iterable[Path] = ()) -> Path:
    """Copy libraries into a folder that a test may remove; the family for x86_64 unless others are named."""
    family = mac_family("x86_64")
    directory.mkdir(parents=True)
    for path in files or (family.greet, family.tone):
        shutil.copy(path, directory)
    return directory


def options(*lib_paths: Path, **choices: Any) -> RepairOptions:  # noqa: ANN401 -- the options of a repair
    """Return the options of a repair that looks at nothing of this machine but `lib_paths`, unless told."""
    choices.setdefault("sbom", False)
    search = {key: choices.pop(key) for key in _SEARCH if key in choices}
    bundle = {key: choices.pop(key) for key in _BUNDLE if key in choices}
    system = choices.pop("system", bool(lib_paths))
    return RepairOptions(
        search=SearchOptions(lib_paths=lib_paths, system=system, **search), bundle=BundleOptions(**bundle), **choices
    )


def repaired(wheel: Path, *lib_paths: Path, **choices: Any) -> Repaired:  # noqa: ANN401 -- the options of a repair
    """Repair a wheel into the folder `repaired` beside it."""
    return repair(wheel, wheel.parent / "repaired", options(*lib_paths, **choices))


def contents(wheel: Path) -> dict[str, bytes]:
    """Return every member of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def bundled(wheel: Path) -> list[str]:
    """Return the members in folders of bundled libraries."""
    return [name for name in contents(wheel) if ".dylibs/" in name]


def unpacked(wheel: Path, directory: Path) -> Path:
    """Unpack a wheel as an installer puts the root of the archive, and return the folder."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)
    return directory


def installed(wheel: Path, prefix: Path) -> tuple[Path, Path]:
    """Install a wheel with pip into a prefix laid out as a venv; return its site-packages and its folder of programs.

    pip installs no wheel for another system but with `--target`, so it gets the wheel under a name for any.
    """
    name, version, _ = wheel.name.split("-", 2)
    prefix.mkdir(parents=True)
    renamed = prefix / f"{name}-{version}-py3-none-any.whl"
    shutil.copy(wheel, renamed)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    command += ["--disable-pip-version-check", "--root-user-action=ignore", "--no-warn-script-location"]
    command += ["--ignore-installed", "--prefix", str(prefix), str(renamed)]
    subprocess.run(command, check=True, capture_output=True)
    (site,) = {path.parent for path in prefix.rglob("*.dist-info")}
    (scripts,) = {path for path in prefix.rglob("bin") if path.is_dir()} or {prefix / "bin"}
    return site, scripts


def installed_for_mac(wheel: Path, folder: Path, system: str = "macosx_14_0_x86_64") -> Path:
    """Install a wheel with pip's `--target` as for a Mac of that system; return the folder."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    command += ["--disable-pip-version-check", "--root-user-action=ignore", "--only-binary", ":all:"]
    command += ["--platform", system, "--python-version", "3.12", "--target", str(folder), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return folder
