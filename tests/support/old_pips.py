"""Real releases of pip, asked what they look for on systems that are only pretended.

The probe runs in any Python from 2.7 on, with a pip's wheel on its path. What pip asks of Python and the system
(`sysconfig`, `platform.mac_ver`, the C library, file suffixes) is answered from a request; all else is pip's own code.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_DOWNLOAD = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")
PROBE = Path(__file__).with_name("pip_probe.py")


def ask(python: str, pip: Path, requests: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Return, for each request, the tags that this pip supports, best first. pip: its wheel."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [python, str(PROBE), str(pip)],
        input=json.dumps(list(requests)),
        env={**clean, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer: list[list[str]] = json.loads(done.stdout)
    return answer


def summary(tags: Sequence[str]) -> str:
    """Return how many tags these are, a digest of all in their order, and the first."""
    digest = hashlib.sha256("\n".join(tags).encode()).hexdigest()
    return f"{len(tags)} {digest[:16]} {tags[0]}"


def fetch(version: str, folder: Path) -> Path:
    """Download the wheel of one release of pip from the package index, whatever Python it is for."""
    for python in ("3.12", "3.6", "2.7"):
        done = subprocess.run(
            [*_DOWNLOAD, "--python-version", python, "--dest", str(folder), f"pip=={version}"],
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            return next(folder.glob(f"pip-{version}*.whl"))
    raise AssertionError(f"pip {version} cannot be downloaded")


_ELF = {
    "x86_64": (2, 62, 0),
    "i686": (1, 3, 0),
    "aarch64": (2, 183, 0),
    "armv7l": (1, 40, 0x05000400),
    "ppc64": (2, 21, 0),
    "ppc64le": (2, 21, 0),
    "s390x": (2, 22, 0),
    "riscv64": (2, 243, 0),
    "loongarch64": (2, 258, 0),
}
"""Class, machine and flags of a Python for each architecture; arm with hard floats."""


def python_facts(version: tuple[int, int], flags: str, where: str) -> dict[str, Any]:
    """Return what a CPython says of itself. flags: behind its version in the ABI tag; where: `linux`, `mac`, `win`."""
    number = "{}{}".format(*version)
    three = version >= (3, 2)
    machine = {"mac": "darwin", "linux": "x86_64-linux-gnu"}.get(where, where)
    config: dict[str, Any] = {"py_version_nodot": number, "Py_GIL_DISABLED": int("t" in flags)}
    suffixes = [".pyd"]
    if where == "win":
        if version >= (3, 5):
            suffixes = [f".cp{number}{flags.replace('m', '')}-win_amd64.pyd", ".pyd"]
    else:
        config |= {"Py_DEBUG": int("d" in flags), "WITH_PYMALLOC": 1}
        suffixes = [".so", "module.so"]
        if three:
            # From 3.5 on, on Linux, the machine's name follows.
            config["SOABI"] = f"cpython-{number}{flags}" + (f"-{machine}" if version >= (3, 5) else "")
            suffixes = [f".{config['SOABI']}.so", ".abi3.so", ".so"]
        if version < (3, 3):
            config["Py_UNICODE_SIZE"] = 4 if "u" in flags else 2
    config["EXT_SUFFIX"] = suffixes[0]
    return {
        "version": list(version),
        "implementation": "cpython",
        "config": config,
        "suffixes": suffixes,
        "wide": "u" in flags or version >= (3, 3),
    }


def pypy_facts(version: tuple[int, int], abi: str) -> dict[str, Any]:
    """Return what a PyPy 7.3 for Linux says of itself. abi: as its files are named, `pypy36-pp73`."""
    suffix = f".{abi}-x86_64-linux-gnu.so"
    config = {"py_version_nodot": "{}{}".format(*version), "SOABI": abi, "EXT_SUFFIX": suffix}
    return {
        "version": list(version),
        "implementation": "pypy",
        "config": config,
        "suffixes": [suffix],
        "wide": True,
    }


def on_mac(version: str, machine: str, built_for: str, *, told: str = "") -> dict[str, Any]:
    """Return what a Mac says. built_for: of the interpreter; told: the version an old interpreter is told instead."""
    return {
        "system": "Darwin",
        "sys_platform": "darwin",
        "platform": built_for,
        "mac": [f"{told or version}.1", machine, f"{version}.1"],
    }


def on_linux(architecture: str, *, glibc: str = "", musl: tuple[int, int] | None = None) -> dict[str, Any]:
    """Return what a Linux says."""
    return {
        "system": "Linux",
        "sys_platform": "linux",
        "platform": f"linux-{architecture}",
        "glibc": glibc,
        "musl": list(musl) if musl else None,
        "elf": list(_ELF[architecture]),
    }


def on_windows(platform: str) -> dict[str, Any]:
    """Return what a Windows says. platform: as `sysconfig.get_platform()` spells it."""
    return {"system": "Windows", "sys_platform": "win32", "platform": platform}


RELEASES = (
    *("1.5.6", "6.0", "6.1.1", "7.1.2", "8.0.3", "8.1.2", "9.0.3", "18.1", "19.0.3", "19.2.3", "19.3.1"),
    *("20.0.2", "20.2.4", "20.3.4", "21.0", "21.0.1", "21.1", "21.2", "21.3.1", "22.0", "24.0"),
    *("24.1", "24.2", "24.3", "25.0", "25.1", "25.3", "26.0", "26.1", "26.2", "26.3"),
)
"""Releases from both ends of every generation that `installers.toml` tells apart."""

_MAC = "macosx-10.9-universal2"
PRETENDED: dict[str, dict[str, Any]] = {
    "macos-10.9 cp34 python.org": python_facts((3, 4), "m", "mac") | on_mac("10.9", "x86_64", "macosx-10.6-intel"),
    "macos-10.9 cp27 apple": python_facts((2, 7), "m", "mac") | on_mac("10.9", "x86_64", "macosx-10.9-intel"),
    "macos-10.9 cp27 homebrew": python_facts((2, 7), "m", "mac") | on_mac("10.9", "x86_64", "macosx-10.9-x86_64"),
    "macos-10.8 cp27 homebrew": python_facts((2, 7), "m", "mac") | on_mac("10.8", "x86_64", "macosx-10.8-x86_64"),
    "macos-10.9 cp27 conda": python_facts((2, 7), "m", "mac") | on_mac("10.9", "x86_64", "macosx-10.5-x86_64"),
    "macos-10.6 i386 cp27": python_facts((2, 7), "m", "mac") | on_mac("10.6", "i386", "macosx-10.6-i386"),
    "macos-10.5 ppc cp27": python_facts((2, 7), "m", "mac") | on_mac("10.5", "ppc", "macosx-10.5-ppc"),
    "macos-10.5 ppc64 cp27": python_facts((2, 7), "m", "mac") | on_mac("10.5", "ppc64", "macosx-10.5-ppc64"),
    "macos-12 x86_64 cp37": python_facts((3, 7), "m", "mac")
    | on_mac("12.0", "x86_64", "macosx-10.6-intel", told="10.16"),
    "macos-12 rosetta cp39 homebrew": python_facts((3, 9), "", "mac") | on_mac("12.0", "x86_64", "macosx-12.0-x86_64"),
    "macos-14 cp39": python_facts((3, 9), "", "mac") | on_mac("14.0", "arm64", _MAC),
    "macos-12.3 cp39": python_facts((3, 9), "", "mac") | on_mac("12.3", "arm64", _MAC),
    "macos-26 cp314t": python_facts((3, 14), "t", "mac") | on_mac("26.0", "arm64", "macosx-10.15-universal2"),
    "glibc-2.35 cp312": python_facts((3, 12), "", "linux") | on_linux("x86_64", glibc="2.35"),
    "glibc-2.5 cp27mu": python_facts((2, 7), "mu", "linux") | on_linux("x86_64", glibc="2.5"),
    "glibc-2.12 cp27m i686": python_facts((2, 7), "m", "linux") | on_linux("i686", glibc="2.12"),
    "glibc-2.17 cp33": python_facts((3, 3), "m", "linux") | on_linux("x86_64", glibc="2.17"),
    "glibc-2.17 cp39 aarch64": python_facts((3, 9), "", "linux") | on_linux("aarch64", glibc="2.17"),
    "glibc-2.28 cp37 armv7l": python_facts((3, 7), "m", "linux") | on_linux("armv7l", glibc="2.28"),
    "glibc-2.38 cp313t riscv64": python_facts((3, 13), "t", "linux") | on_linux("riscv64", glibc="2.38"),
    "glibc-2.38 cp315t": python_facts((3, 15), "t", "linux") | on_linux("x86_64", glibc="2.38"),
    "glibc-2.38 cp38d": python_facts((3, 8), "d", "linux") | on_linux("x86_64", glibc="2.38"),
    "glibc-2.17 pp36": pypy_facts((3, 6), "pypy36-pp73") | on_linux("x86_64", glibc="2.17"),
    "musl-1.2 cp312": python_facts((3, 12), "", "linux") | on_linux("x86_64", musl=(1, 2)),
    "musl-1.1 cp36 i686": python_facts((3, 6), "m", "linux") | on_linux("i686", musl=(1, 1)),
    "windows cp27m": python_facts((2, 7), "m", "win") | on_windows("win-amd64"),
    "windows x86 cp34": python_facts((3, 4), "m", "win") | on_windows("win32"),
    "windows cp38": python_facts((3, 8), "", "win") | on_windows("win-amd64"),
    "windows arm64 cp313t": python_facts((3, 13), "t", "win") | on_windows("win-arm64"),
}
"""By the text of a target, what Python and the system would say there."""


def host_of(release: str) -> str:
    """Return a Python that runs a release of pip; raise AssertionError when none is installed."""
    numbers = tuple(map(int, release.split(".")))
    wanted = [line for first, line in _HOSTS if numbers >= first][-1]
    for version in wanted:
        found = [*sorted(_PYENV.glob(f"{version}.*/bin/python")), shutil.which(f"python{version}")]
        if programs := [str(program) for program in found if program]:
            return programs[0]
    raise AssertionError(f"pip {release} needs one of Python {', '.join(wanted)}")


_PYENV = Path.home() / ".pyenv" / "versions"
_HOSTS: tuple[tuple[tuple[int, ...], tuple[str, ...]], ...] = (
    ((0,), ("2.7",)),
    ((18,), ("3.6", "3.7")),
    ((20,), ("2.7",)),
    ((21,), ("3.6", "3.7", "3.8")),
    ((22,), ("3.8", "3.7", "3.9")),
    ((24, 1), ("3.11", "3.12", "3.10", "3.13")),
)
"""From which release on which Pythons can run it."""
