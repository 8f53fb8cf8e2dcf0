"""Wheels to be given other tags, and what such a wheel looks like afterwards, read by zipfile and packaging."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import struct
import zipfile
from typing import TYPE_CHECKING, Any

from packaging.tags import parse_tag
from packaging.utils import parse_wheel_filename

from support.elf_bytes import NEEDED, Elf
from support.fixtures import family
from support.hello import hello_wheel
from support.mac_pairs import code
from support.macho_bytes import arch, fat
from truewheel.retagger.retag import open_wheel, plan_retag, retag_wheel
from truewheel.retagger.retag_options import RetagOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truewheel.retagger.retag import Retagged
    from truewheel.retagger.retag_plan import RetagPlan

MODULE = "hello/_hello.so"
PE = b"MZ" + bytes(58) + struct.pack("<I", 0x80) + bytes(0x40) + b"PE\0\0" + bytes(20)
"""The headers of a Windows library."""
WASM = b"\0asm\x01\0\0\0"
LINUX_TAG = "cp310-abi3-manylinux_2_17_x86_64"


def linux_wheel(directory: Path, tag: str = LINUX_TAG, **more: Any) -> Path:  # noqa: ANN401 -- hello_wheel's
    """Write a wheel with one file for Linux that keeps every promise from manylinux_2_5_x86_64 on."""
    files: dict[str, Path | bytes] = {"hello/__init__.py": b"", MODULE: family("x86_64").tone, **more.pop("files", {})}
    return hello_wheel(directory, files, tag=tag, **more)


def for_android(machine: int = 183) -> bytes:
    """Return a library for Android, whose C library has another name than glibc."""
    return bytes(Elf(machine=machine, named=[(NEEDED, "libc.so")]).build().data)


def pe(machine: int) -> bytes:
    """Return the headers of a Windows library for a machine."""
    optional = struct.pack("<H", 0x20B) + bytes(238)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", machine, 0, 0, 0, 0, len(optional), 0x2000)
    return b"MZ" + bytes(58) + struct.pack("<I", 0x40) + coff + optional


def mac_module(**minima: str) -> bytes:
    """Return a module with a slice for each architecture, which needs nothing but that system."""
    slices = [(name, code(name, minimum=minimum)) for name, minimum in minima.items()]
    return slices[0][1] if len(slices) == 1 else fat([arch(content, name) for name, content in slices])


def mac_wheel(directory: Path, tag: str, **minima: str) -> Path:
    """Write a wheel with one module for macOS."""
    return hello_wheel(directory, {"hello/__init__.py": b"", MODULE: mac_module(**minima)}, tag=tag)


def pure_wheel(directory: Path, tag: str = "py3-none-any", files: Mapping[str, bytes] | None = None) -> Path:
    """Write a wheel without machine code, and `Root-Is-Purelib: true`."""
    lines = "".join(f"Tag: {each}\n" for each in (tag,))
    wheel = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n{lines}".encode()
    return with_wheel_file(hello_wheel(directory, {"hello/__init__.py": b"", **(files or {})}, tag=tag), wheel)


def with_wheel_file(wheel: Path, content: bytes) -> Path:
    """Write the wheel again with another WHEEL file, whose row in RECORD is true."""
    members = read(wheel)
    member = next(name for name in members if name.endswith(".dist-info/WHEEL"))
    record = next(name for name in members if name.endswith(".dist-info/RECORD"))
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    rows = [row for row in members[record].decode().splitlines() if not row.startswith(f"{member},")]
    rows.insert(-1, f"{member},sha256={digest},{len(content)}")
    members |= {member: content, record: "".join(f"{row}\n" for row in rows).encode()}
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10)), data)
    return wheel


def retag(wheel: Path, directory: Path | None = None, **choices: Any) -> Retagged:  # noqa: ANN401 -- the options'
    """Retag a wheel; a lone string stands for a tuple of one."""
    several = ("python_tag", "abi_tag", "platform_tag", "profiles")
    for name in several:
        if isinstance(choices.get(name), str):
            choices[name] = (choices[name],)
    return retag_wheel(wheel, directory, RetagOptions(**choices))


def planned(wheel: Path, **choices: Any) -> RetagPlan:  # noqa: ANN401 -- the options'
    """Plan to retag a wheel."""
    with open_wheel(wheel) as reader:
        return plan_retag(reader, RetagOptions(**choices))


def tags_of(wheel: Path) -> str:
    """Return the compressed tags of a file name."""
    return "-".join(wheel.name.removesuffix(".whl").rsplit("-", 3)[1:])


def read(wheel: Path) -> dict[str, bytes]:
    """Return every member of a wheel; fail when one is damaged."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def raw(wheel: Path) -> dict[str, tuple[bytes, tuple[int, ...], int]]:
    """Return the compressed bytes, the time and the mode of each member."""
    content = wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        found: dict[str, tuple[bytes, tuple[int, ...], int]] = {}
        for info in archive.infolist():
            local = info.header_offset
            start = local + 30 + int.from_bytes(content[local + 26 : local + 28], "little")
            start += int.from_bytes(content[local + 28 : local + 30], "little")
            found[info.filename] = (
                content[start : start + info.compress_size],
                info.date_time,
                info.external_attr >> 16,
            )
        return found


def require_sound(wheel: Path) -> None:
    """Fail unless the name, WHEEL and RECORD of a wheel agree, by packaging, zipfile and hashlib."""
    members = read(wheel)
    _, _, build, tags = parse_wheel_filename(wheel.name)
    (dist_info,) = {name.partition("/")[0] for name in members if ".dist-info/" in name}
    lines = members[f"{dist_info}/WHEEL"].decode().splitlines()
    assert "" not in lines[:-1]
    stated = [line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")]
    assert stated == sorted(set(stated))
    assert {tag for line in stated for tag in parse_tag(line)} == tags
    assert all("." not in line for line in stated)
    builds = [line.removeprefix("Build: ") for line in lines if line.startswith("Build:")]
    assert builds == ([f"{build[0]}{build[1]}"] if build else [])
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(members[f"{dist_info}/RECORD"].decode()))}
    assert rows.keys() == {name for name in members if not name.endswith("/")}
    for name, (digest, size) in rows.items():
        if name != f"{dist_info}/RECORD":
            value = base64.urlsafe_b64encode(hashlib.sha256(members[name]).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={value}", str(len(members[name]))), name
