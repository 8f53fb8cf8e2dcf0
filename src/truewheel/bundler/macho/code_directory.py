"""The blobs of an ad-hoc code signature, in the shape that Apple's codesign gives them.

A signature is a super blob: a code directory with the hash of every page of the file, an empty set of requirements,
the entitlements if there are any, and an empty wrapper where a certificate's signature would be. All its numbers are
big-endian. Follows `osfmk/kern/cs_blobs.h` of xnu.
"""

from __future__ import annotations

import hashlib
import struct
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

PAGE = 1 << 12
"""The bytes under one hash. Kernels accept 2^12 everywhere, larger pages only where memory has such pages."""

INFO_PLIST, REQUIREMENTS, ENTITLEMENTS, DER_ENTITLEMENTS = 1, 2, 5, 7
"""Slots of the parts of a signature whose hashes stand before those of the pages."""

_CODE_DIRECTORY_SLOT, _ALTERNATE_SLOT, _CMS_SLOT = 0, 0x1000, 0x10000
_SUPER_BLOB_MAGIC, _CODE_DIRECTORY_MAGIC = 0xFADE0CC0, 0xFADE0C02
_NO_REQUIREMENTS = struct.pack(">III", 0xFADE0C01, 12, 0)
_NO_CERTIFICATE = struct.pack(">II", 0xFADE0B01, 8)

_WITH_EXECUTABLE_SEGMENT, _WITH_RUNTIME = 0x20400, 0x20500  # versions of the code directory, by what they add
_HEAD = struct.Struct(">9I4B4I4Q")
_RUNTIME_TAIL = struct.Struct(">II")
_AD_HOC, _HARDENED_RUNTIME = 0x2, 0x10000
_MAIN_BINARY = 1
_MOST_32_BITS = 0xFFFFFFFF


class Algorithm(NamedTuple):
    """A hash that a code directory may use. number: its `hashType`. size: bytes of one hash."""

    number: int
    size: int
    new: Callable[[bytes | memoryview], hashlib._Hash]

    def digest(self, content: bytes | memoryview) -> bytes:
        """Return the hash of some bytes."""
        return self.new(content).digest()


SHA1 = Algorithm(1, 20, partial(hashlib.sha1, usedforsecurity=False))
SHA256 = Algorithm(2, 32, hashlib.sha256)


class Signed(NamedTuple):
    """What a signature states.

    code_limit: how many bytes, from the start of the slice, are hashed.
    text: file offset and size of the segment that may be executed.
    runtime: the version of the hardened runtime, as packed in load commands; None when it is not asked for.
    parts: what the special slots are hashes of, by slot; blobs with their headers, or the bytes of an Info.plist.
    """

    identifier: bytes
    code_limit: int
    text: tuple[int, int]
    is_program: bool
    runtime: int | None
    parts: Mapping[int, bytes]

    @property
    def pages(self) -> int:
        """How many pages are hashed, the last one perhaps a short one."""
        return -(-self.code_limit // PAGE)


def signature(signed: Signed, hashes: Sequence[tuple[Algorithm, bytes]]) -> bytes:
    """Return the whole signature.

    hashes: of all pages, one after the other, for each algorithm; the first is what the oldest systems look at.
    """
    parts = {**signed.parts, REQUIREMENTS: _NO_REQUIREMENTS}
    directories = [_code_directory(signed, parts, algorithm, pages) for algorithm, pages in hashes]
    blobs = {slot: blob for slot, blob in parts.items() if slot != INFO_PLIST}
    blobs[_CODE_DIRECTORY_SLOT] = directories[0]
    blobs.update((_ALTERNATE_SLOT + index, blob) for index, blob in enumerate(directories[1:]))
    blobs[_CMS_SLOT] = _NO_CERTIFICATE
    return _super_blob(sorted(blobs.items()))


def signature_size(signed: Signed, algorithms: Iterable[Algorithm]) -> int:
    """Return how many bytes `signature` will have, which must be known before the first page can be hashed."""
    return len(signature(signed, [(algorithm, bytes(algorithm.size * signed.pages)) for algorithm in algorithms]))


def page_hashes(algorithm: Algorithm, parts: Iterable[bytes | memoryview]) -> bytes:
    """Return the hashes of all pages of the content that the parts make together.

    Nothing is copied but a page that two parts share.
    """
    new, hashes, rest = algorithm.new, [], b""
    for part in parts:
        start = 0
        if rest:
            start = PAGE - len(rest)
            rest += part[:start]
            if len(rest) < PAGE:
                continue
            hashes.append(new(rest).digest())
        end = start + (len(part) - start) // PAGE * PAGE
        hashes += [new(part[at : at + PAGE]).digest() for at in range(start, end, PAGE)]
        rest = bytes(part[end:])
    if rest:
        hashes.append(new(rest).digest())
    return b"".join(hashes)


def _super_blob(blobs: list[tuple[int, bytes]]) -> bytes:
    place = 12 + 8 * len(blobs)
    index = []
    for slot, blob in blobs:
        index.append(struct.pack(">II", slot, place))
        place += len(blob)
    head = struct.pack(">III", _SUPER_BLOB_MAGIC, place, len(blobs))
    return b"".join([head, *index, *(blob for _, blob in blobs)])


def _code_directory(signed: Signed, parts: Mapping[int, bytes], algorithm: Algorithm, pages: bytes) -> bytes:
    tail = b"" if signed.runtime is None else _RUNTIME_TAIL.pack(signed.runtime, 0)
    identifier = signed.identifier + b"\0"
    special = [
        algorithm.digest(parts[slot]) if slot in parts else bytes(algorithm.size) for slot in range(max(parts), 0, -1)
    ]
    identifier_place = _HEAD.size + len(tail)
    pages_place = identifier_place + len(identifier) + len(special) * algorithm.size
    is_large = signed.code_limit > _MOST_32_BITS
    head = _HEAD.pack(
        _CODE_DIRECTORY_MAGIC,
        pages_place + len(pages),
        _WITH_RUNTIME if tail else _WITH_EXECUTABLE_SEGMENT,
        _AD_HOC | _HARDENED_RUNTIME if tail else _AD_HOC,
        pages_place,
        identifier_place,
        len(special),
        signed.pages,
        min(signed.code_limit, _MOST_32_BITS),
        algorithm.size,
        algorithm.number,
        0,  # platform: not a part of the system
        PAGE.bit_length() - 1,
        0,  # spare
        0,  # scatter: the pages are in order
        0,  # team: none without a certificate
        0,  # spare
        signed.code_limit if is_large else 0,
        *signed.text,
        _MAIN_BINARY if signed.is_program else 0,
    )
    return b"".join([head, tail, identifier, *special, pages])
