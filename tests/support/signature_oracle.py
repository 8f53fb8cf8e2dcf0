"""Reads a code signature by the layout of `cs_blobs.h`, and hashes pages; shares nothing with the package."""

from __future__ import annotations

import hashlib
import struct
from typing import NamedTuple

HASHES = {1: "sha1", 2: "sha256"}


class Directory(NamedTuple):
    """One code directory. head: its fields in order, from `version` to `codeLimit`; then the four small ones."""

    version: int
    flags: int
    limit: int
    kind: int
    page_size: int
    identifier: str
    special: tuple[bytes, ...]
    """Hashes of the special slots, from slot 1 on."""
    pages: tuple[bytes, ...]
    far_limit: int
    executable: tuple[int, int, int]
    """Start, size and flags of the executable segment."""
    runtime: int | None


class Read(NamedTuple):
    """One slice and its signature. place: offset and size from LC_CODE_SIGNATURE. slots: every blob, by slot."""

    content: bytes
    place: tuple[int, int]
    slots: dict[int, bytes]
    linkedit: tuple[int, int, int]
    """Size in memory, file offset, size in the file."""
    length: int
    """What the signature says of its own length."""
    slots_at: dict[int, int]
    """Where each blob starts, from the start of the signature."""

    def directory(self, slot: int = 0) -> Directory:
        blob = self.slots[slot]
        fields = struct.unpack_from(">9I4B3II4Q", blob)
        _, length, version, flags, hashes, name, special, pages, limit, size, kind, _, bits, *_ = fields
        assert length == len(blob)
        assert size == hashlib.new(HASHES[kind]).digest_size
        return Directory(
            version=version,
            flags=flags,
            limit=limit,
            kind=kind,
            page_size=1 << bits,
            identifier=blob[name : blob.index(b"\0", name)].decode(),
            special=tuple(blob[hashes - number * size :][:size] for number in range(1, special + 1)),
            pages=tuple(blob[hashes + number * size :][:size] for number in range(pages)),
            far_limit=fields[17],
            executable=(fields[18], fields[19], fields[20]),
            runtime=struct.unpack_from(">I", blob, 88)[0] if version >= 0x20500 else None,
        )

    def hashes(self, slot: int = 0) -> tuple[bytes, ...]:
        """Return the hashes that the pages of the slice have, by the algorithm of the directory in `slot`."""
        directory = self.directory(slot)
        places = range(0, self.place[0], directory.page_size)
        name = HASHES[directory.kind]
        ends = [min(at + directory.page_size, self.place[0]) for at in places]
        return tuple(hashlib.new(name, self.content[at:end]).digest() for at, end in zip(places, ends, strict=True))


def commands(content: bytes) -> list[tuple[int, int, int]]:
    """Return number, offset and size of each load command of a little-endian slice."""
    wide = content[:4] == b"\xcf\xfa\xed\xfe"
    assert wide or content[:4] == b"\xce\xfa\xed\xfe"
    at, found = (32 if wide else 28), []
    for _ in range(struct.unpack_from("<I", content, 16)[0]):
        number, size = struct.unpack_from("<II", content, at)
        found.append((number, at, size))
        at += size
    return found


def read_signed(content: bytes) -> Read:
    """Read a signed, little-endian slice, or fail."""
    [signature] = [at for number, at, _ in commands(content) if number == 0x1D]
    place = struct.unpack_from("<II", content, signature + 8)
    blob = content[place[0] : place[0] + place[1]]
    magic, length, count = struct.unpack_from(">III", blob)
    assert magic == 0xFADE0CC0
    assert length <= len(blob)
    index = [struct.unpack_from(">II", blob, 12 + 8 * number) for number in range(count)]
    slots = {slot: blob[at : at + struct.unpack_from(">I", blob, at + 4)[0]] for slot, at in index}
    assert 12 + 8 * count + sum(map(len, slots.values())) <= length
    return Read(content, place, slots, linkedit(content), length, dict(index))


def linkedit(content: bytes) -> tuple[int, int, int]:
    """Return size in memory, file offset and size in the file of `__LINKEDIT`."""
    for number, at, _ in commands(content):
        if number in (0x1, 0x19) and content[at + 8 : at + 24].rstrip(b"\0") == b"__LINKEDIT":
            shape, start = ("<3Q", at + 32) if number == 0x19 else ("<3I", at + 28)
            memory, offset, size = struct.unpack_from(shape, content, start)
            return memory, offset, size
    raise AssertionError("there is no __LINKEDIT")


def without_signature(content: bytes) -> bytes:
    """Return a signed slice as if it had never been signed."""
    found = commands(content)
    at, size = next((at, size) for number, at, size in found if number == 0x1D)
    end = found[-1][1] + found[-1][2]
    (start,) = struct.unpack_from("<I", content, at + 8)
    stripped = bytearray(content[:start])
    stripped[at:end] = content[at + size : end] + bytes(size)
    count, total = struct.unpack_from("<II", content, 16)
    struct.pack_into("<II", stripped, 16, count - 1, total - size)
    for kind, place, _ in commands(bytes(stripped)):
        if kind in (0x1, 0x19) and stripped[place + 8 : place + 24].rstrip(b"\0") == b"__LINKEDIT":
            shape, field = ("<QQ", place + 40) if kind == 0x19 else ("<II", place + 32)
            offset, _ = struct.unpack_from(shape, stripped, field)
            struct.pack_into(shape, stripped, field, offset, start - offset)
    return bytes(stripped)
