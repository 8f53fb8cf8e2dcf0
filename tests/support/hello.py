"""Unrepaired wheels of the small package hello, for any platform of fixtures/elf and for other extension modules."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING, Final

from support.fixtures import unrepaired_wheel

if TYPE_CHECKING:
    from pathlib import Path

SAY: Final = "import hello; print(hello.greet())"
SAID: Final = "hello from libgreet 1, libtone 2\n"
MISSING: Final = "libgreet.so.1"


def wheel(extension: Path, platform: str, folder: Path) -> Path:
    """Write a wheel for the platform `linux_<platform>` around an extension module named _hello; return its path."""
    tag = f"cp310-abi3-linux_{platform}"
    with zipfile.ZipFile(unrepaired_wheel("x86_64")) as model:
        members = {name: model.read(name) for name in model.namelist() if not name.endswith("/RECORD")}
    members["hello/_hello.abi3.so"] = extension.read_bytes()
    name = "hello-1.0.dist-info/WHEEL"
    members[name] = members[name].replace(b"cp310-abi3-linux_x86_64", tag.encode())
    rows = [f"{name},sha256={digest(content)},{len(content)}" for name, content in members.items()]
    members["hello-1.0.dist-info/RECORD"] = "\n".join([*rows, "hello-1.0.dist-info/RECORD,,", ""]).encode()
    path = folder / f"hello-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def digest(content: bytes) -> str:
    """Return the hash as RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
