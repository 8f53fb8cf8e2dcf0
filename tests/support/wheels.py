"""Wheels and ZIP archives made for tests: sound ones with zipfile, hostile ones byte by byte."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass, field
from struct import pack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from typing_extensions import Buffer

WHEEL_NAME = "foo-1.0-py3-none-any.whl"
STAMP = (2024, 5, 6, 7, 8, 10)


def record_row(name: str, content: bytes) -> str:
    """Return the RECORD row of a file, without its line ending."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}"


def record_faults(wheel: Path) -> list[str]:
    """Return the rows of RECORD that are not true, and those that it lacks, as zipfile and csv see them."""
    with zipfile.ZipFile(wheel) as archive:
        files = [name for name in archive.namelist() if not name.endswith("/")]
        (record,) = (name for name in files if name.endswith(".dist-info/RECORD"))
        rows = csv.reader(io.StringIO(archive.read(record).decode()))
        true = {record_row(name, archive.read(name)) for name in files if name != record} | {f"{record},,"}
    return sorted(true.symmetric_difference(",".join(row) for row in rows))


def wheel_files(files: Mapping[str, bytes], *, dist_info: str = "foo-1.0.dist-info") -> dict[str, bytes]:
    """Return `files` followed by a dist-info with METADATA, WHEEL and RECORD, each unless it is in `files` already."""
    name, _, version = dist_info.removesuffix(".dist-info").rpartition("-")
    defaults = {
        f"{dist_info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{dist_info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n\n",
    }
    whole = {**files, **{name: content for name, content in defaults.items() if name not in files}}
    record = f"{dist_info}/RECORD"
    if record not in whole:
        rows = [record_row(name, content) for name, content in whole.items() if not name.endswith("/")]
        whole[record] = "".join(f"{row}\n" for row in (*rows, f"{record},,")).encode()
    return whole


def build_wheel(
    directory: Path,
    files: Mapping[str, bytes],
    *,
    filename: str = WHEEL_NAME,
    dist_info: str = "foo-1.0.dist-info",
    modes: Mapping[str, int] | None = None,
    method: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """Write a wheel of `files` with zipfile and return its path. `modes` are whole Unix modes, by name."""
    path = directory / filename
    with zipfile.ZipFile(path, "w") as archive:
        write_files(archive, wheel_files(files, dist_info=dist_info), modes=modes, method=method)
    return path


def write_files(
    archive: zipfile.ZipFile,
    files: Mapping[str, bytes],
    *,
    modes: Mapping[str, int] | None = None,
    method: int = zipfile.ZIP_DEFLATED,
) -> None:
    """Write `files` to an open archive, all with the time STAMP."""
    for name, content in files.items():
        info = zipfile.ZipInfo(name, STAMP)
        default = 0o040755 if name.endswith("/") else 0o100644
        info.external_attr = (modes or {}).get(name, default) << 16
        info.compress_type = zipfile.ZIP_STORED if name.endswith("/") else method
        archive.writestr(info, content)


class Unseekable(io.RawIOBase):
    """A stream that cannot seek back: zipfile then writes data descriptors."""

    def __init__(self) -> None:
        """Start with nothing written."""
        super().__init__()
        self.written = bytearray()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Buffer) -> int:
        """Keep the data."""
        content = memoryview(data)
        self.written += content
        return len(content)


def descriptor_zip(files: Mapping[str, bytes], *, force_zip64: bool = False) -> bytes:
    """Return an archive whose members have data descriptors with signatures, as zipfile writes to a pipe."""
    stream = Unseekable()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            with archive.open(zipfile.ZipInfo(name, STAMP), "w", force_zip64=force_zip64) as member:
                member.write(content)
    return bytes(stream.written)


@dataclass(frozen=True)
class RawMember:
    """One member, with every field of both headers open to lies.

    local, central: values that replace true ones, by the names of the fields in `_header`.
    before: bytes put before the local header; after: bytes put after the data (such as a data descriptor).
    """

    name: bytes = b"a.txt"
    content: bytes = b"hello"
    method: int = 0
    flags: int = 0
    raw: bytes | None = None
    mode: int = 0o100644
    local: Mapping[str, Any] = field(default_factory=dict)
    central: Mapping[str, Any] = field(default_factory=dict)
    local_extra: bytes = b""
    extra: bytes = b""
    comment: bytes = b""
    before: bytes = b""
    after: bytes = b""

    def data(self) -> bytes:
        """Return the bytes between the headers."""
        if self.raw is not None:
            return self.raw
        return raw_deflate(self.content) if self.method == zipfile.ZIP_DEFLATED else self.content

    def _header(self) -> dict[str, Any]:
        return {
            "needed": 20,
            "flags": self.flags,
            "method": self.method,
            "time": 0x6C20,
            "date": 0x58A6,
            "crc": zlib.crc32(self.content),
            "compressed": len(self.data()),
            "size": len(self.content),
            "name": self.name,
        }

    def local_header(self) -> bytes:
        """Return the local header."""
        values = {**self._header(), **self.local}
        name: bytes = values.pop("name")
        return (
            pack("<4s5H3L2H", b"PK\3\4", *values.values(), len(name), len(self.local_extra)) + name + self.local_extra
        )

    def central_header(self, offset: int) -> bytes:
        """Return the record of the central directory."""
        rest = {"disk": 0, "offset": offset, "signature": b"PK\1\2", "extra_length": len(self.extra)}
        values = {**self._header(), **rest, **self.central}
        disk, offset, signature, extra_length = (values.pop(key) for key in rest)
        name: bytes = values.pop("name")
        lengths = (len(name), extra_length, len(self.comment))
        head = pack("<4sH5H3L3H", signature, 3 << 8 | 20, *values.values(), *lengths)
        return head + pack("<2H2L", disk, 0, self.mode << 16, offset) + name + self.extra + self.comment


def raw_zip(*members: RawMember, before_end: bytes = b"", end: Mapping[str, int] | None = None) -> bytes:
    """Return an archive of these members, with true end records unless `end` says otherwise.

    before_end: bytes between the central directory and the end record. end: replaces `disk`, `first_disk`, `here`,
    `count`, `size`, `offset` and `comment` of the end record.
    """
    body, offsets = b"", []
    for member in members:
        body += member.before
        offsets.append(len(body))
        body += member.local_header() + member.data() + member.after
    directory = b"".join(member.central_header(offset) for member, offset in zip(members, offsets, strict=True))
    true = {
        "disk": 0,
        "first_disk": 0,
        "here": len(members),
        "count": len(members),
        "size": len(directory),
        "offset": len(body),
        "comment": 0,
    }
    values = {**true, **(end or {})}
    return body + directory + before_end + pack("<4s4H2LH", b"PK\5\6", *values.values())


def raw_deflate(content: bytes, level: int = 6) -> bytes:
    """Return one raw deflate stream."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    return compressor.compress(content) + compressor.flush()
