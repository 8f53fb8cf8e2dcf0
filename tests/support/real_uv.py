"""The real uv, asked about wheels on interpreters that are only pretended.

uv starts an interpreter to learn what it is; here, that is a program that prints what a request says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION = "0.13.8"
_DOWNLOAD = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")


def fetch(folder: Path) -> None:
    """Put the program `uv` into a folder, from its wheel on the package index."""
    subprocess.run(
        [*_DOWNLOAD, "--dest", str(folder), f"uv=={VERSION}"],
        capture_output=True,
        check=True,
    )
    (wheel,) = folder.glob("uv-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [name for name in archive.namelist() if name.endswith("/scripts/uv")]
        program = folder / "uv"
        program.write_bytes(archive.read(member))
    program.chmod(0o755)
    wheel.unlink()


def interpreter(folder: Path, request: Mapping[str, Any]) -> Path:
    """Write a program that uv takes for the interpreter of a request; return its path.

    request: `version` as a pair, `name` (`cpython`, `pypy`), `free_threaded`, `os` (as uv's own JSON has it), `arch`.
    """
    version = "{}.{}.0".format(*request["version"])
    told = {
        "result": "success",
        "markers": {
            "implementation_name": request["name"],
            "implementation_version": {"pypy": "7.3.20", "graalpy": "24.2.1"}.get(request["name"], version),
            "os_name": "posix",
            "platform_machine": request["arch"],
            "platform_python_implementation": "CPython",
            "platform_release": "1",
            "platform_system": "Linux",
            "platform_version": "1",
            "python_full_version": version,
            "python_version": version.removesuffix(".0"),
            "sys_platform": "linux",
        },
        **dict.fromkeys(("sys_base_prefix", "sys_base_exec_prefix", "sys_prefix", "stdlib"), str(folder)),
        **dict.fromkeys(("sys_base_executable", "sys_executable"), str(folder / "python3")),
        "sys_path": [],
        "site_packages": [str(folder / "site")],
        "extension_suffixes": [".so"],
        "standalone": False,
        "scheme": dict.fromkeys(("platlib", "purelib", "include", "scripts", "data"), str(folder / "site")),
        "virtualenv": dict.fromkeys(("platlib", "purelib", "include", "scripts", "data"), "site"),
        "os": request["os"],
        "arch": request["arch"],
        "manylinux_compatible": True,
        "gil_disabled": request["free_threaded"],
        "debug_enabled": False,
        "pointer_size": "64",
        "cpu_info": {"detected": {"kind": "flags", "flags": ""}},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site").mkdir(exist_ok=True)
    program = folder / "python3"
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(told)!r})\n", "utf-8")
    program.chmod(0o755)
    return program


def wheel(folder: Path, number: int, tag: str) -> None:
    """Write an empty wheel of a project of its own, by this tag."""
    stem = f"p{number}-1.0"
    with zipfile.ZipFile(folder / f"{stem}-{tag}.whl", "w") as archive:
        archive.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: p{number}\nVersion: 1.0\n")
        archive.writestr(f"{stem}.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{stem}.dist-info/RECORD", "")


def takes(uv: Path, python: Path, wheels: Path, number: int) -> bool:
    """Whether uv would install one of these wheels into an interpreter."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PYTHON"))}
    command: list[str | Path] = [
        uv,
        "pip",
        "install",
        "--dry-run",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-cache",
        "--no-config",
    ]
    command += ["--find-links", wheels, "--python", python, "--target", wheels / "target", f"p{number}"]
    return subprocess.run(command, env=clean, capture_output=True, check=False).returncode == 0
