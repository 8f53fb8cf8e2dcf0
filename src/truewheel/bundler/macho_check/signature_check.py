"""Checks the code signature of one slice of a Mach-O file as a Mac would, page by page.

It shares no code with what reads and writes signatures elsewhere, so that a mistake there is seen here. Follows
`cs_validate_csblob` and `cs_validate_codedirectory` in `bsd/kern/ubc_subr.c` of xnu for the content, `cs_blobs.h` for
the places of fields, and dyld for the place of the signature.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SUPER_BLOB, _CODE_DIRECTORY = 0xFADE0CC0, 0xFADE0C02
_MAGIC_BY_SLOT = {2: 0xFADE0C01, 5: 0xFADE7171, 7: 0xFADE7172, 0x10000: 0xFADE0B01}
_INFO_PLIST, _RESOURCES, _ENTITLEMENTS, _DER_ENTITLEMENTS, _CMS = 1, 3, 5, 7, 0x10000
_DIRECTORY_SLOTS = frozenset({0, *range(0x1000, 0x1005)})
_HASHES = {1: ("sha1", 20), 2: ("sha256", 32), 3: ("sha256", 20), 4: ("sha384", 48)}
_PAGES_ANYWHERE, _PAGES_ON_ARM = frozenset({12}), frozenset({12, 14})
_KNOWS_FAR_LIMIT, _KNOWS_EXECUTABLE_SEGMENT, _KNOWS_RUNTIME = 0x20300, 0x20400, 0x20500
"""Versions of the code directory, by what they add."""
_OUR_SLOTS = {0, 2, _CMS}, {0, 2, _ENTITLEMENTS, _DER_ENTITLEMENTS, 0x1000, _CMS}
"""The least and the most slots of a signature without a certificate, as codesign makes it."""
_MOST_BLOBS, _MOST_SPECIAL = 64, 64
_ALIGNMENT = 16
_AD_HOC, _LINKER_SIGNED, _RUNTIME = 0x2, 0x20000, 0x10000
_EMPTY_WRAPPER = 8
_SHOWN_PAGES = 3


class SignedSlice(NamedTuple):
    """What the load commands say, which a signature must agree with.

    data: the whole slice. place: offset and size of the signature. linkedit_end: where __LINKEDIT ends in the file.
    text: offset and size of __TEXT in the file. info_plist: the content of that section; empty without.
    """

    data: memoryview
    place: tuple[int, int]
    linkedit_end: int
    text: tuple[int, int]
    is_program: bool
    is_arm: bool
    info_plist: bytes = b""


class Stated(NamedTuple):
    """What a signature says of itself.

    hash_types: those of its code directories, in order of their slots. entitlements: as XML and as DER; empty without.
    """

    identifier: bytes
    flags: int
    hash_types: tuple[int, ...]
    has_certificate: bool
    entitlements: tuple[bytes, bytes]

    @property
    def is_linker_signed(self) -> bool:
        """Whether later tools may replace the signature without asking."""
        return bool(self.flags & _LINKER_SIGNED)

    @property
    def is_ad_hoc(self) -> bool:
        """Whether it was made without a certificate, by a tool for signing."""
        return bool(self.flags & _AD_HOC) and not self.is_linker_signed and not self.has_certificate

    @property
    def hardened_runtime(self) -> bool:
        """Whether the hardened runtime is asked for."""
        return bool(self.flags & _RUNTIME)


class SignatureError(Exception):
    """The signature cannot be read."""


def check_signature(item: SignedSlice, *, is_ours: bool = False) -> tuple[Stated, tuple[str, ...]]:
    """Return what the signature states, and all that is wrong with it; raise SignatureError when it is none.

    is_ours: whether it must also say nothing but what is said of a slice without a certificate.
    """
    offset, size = item.place
    if offset + size > len(item.data):
        raise SignatureError("the signature ends behind the slice")
    blobs = _blobs(item.data[offset : offset + size])
    if 0 not in blobs:
        raise SignatureError("the signature has no code directory")
    directories = [_Directory.read(slot, blobs[slot]) for slot in sorted(_DIRECTORY_SLOTS & blobs.keys())]
    found = [*_placement(item), *_parts(blobs)]
    kinds = tuple(directory.hash_type for directory in directories)
    if len(set(kinds)) < len(kinds):
        found.append("two code directories use one kind of hash")
    for directory in directories:
        found += (f"in slot {directory.slot:#x}, {problem}" for problem in _problems(directory, item, blobs))
        if is_ours:
            found += (f"in slot {directory.slot:#x}, {problem}" for problem in _surplus(directory, item))
    if is_ours and not _OUR_SLOTS[0] <= blobs.keys() <= _OUR_SLOTS[1]:
        found.append(f"the signature has the slots {', '.join(f'{slot:#x}' for slot in sorted(blobs))}")
    first = directories[0]
    has_certificate = len(blobs.get(_CMS, b"")) > _EMPTY_WRAPPER
    entitlements = bytes(blobs.get(_ENTITLEMENTS, b"")), bytes(blobs.get(_DER_ENTITLEMENTS, b""))
    return Stated(first.identifier, first.flags, kinds, has_certificate, entitlements), tuple(found)


def _number(blob: memoryview, at: int, width: int = 4) -> int:
    if at + width > len(blob):
        raise SignatureError("the signature is cut off")
    return int.from_bytes(blob[at : at + width], "big")


def _blobs(whole: memoryview) -> dict[int, memoryview]:
    """Return the parts of a signature by slot, each with its own header."""
    if _number(whole, 0) != _SUPER_BLOB:
        raise SignatureError("there is no signature where the load commands say")
    length, count = _number(whole, 4), _number(whole, 8)
    if length > len(whole) or count > _MOST_BLOBS:
        raise SignatureError("the signature does not fit into its place")
    found: dict[int, memoryview] = {}
    spans = [(0, 12 + 8 * count)]
    for number in range(count):
        slot, start = _number(whole, 12 + 8 * number), _number(whole, 16 + 8 * number)
        end = start + _number(whole, start + 4)
        if slot in found or end > length:
            raise SignatureError(f"slot {slot:#x} of the signature stands twice, or ends behind it")
        found[slot] = whole[start:end]
        spans.append((start, end))
    if any(end > start for (_, end), (start, _) in pairwise(sorted(spans))):
        raise SignatureError("parts of the signature overlap")
    return found


def _placement(item: SignedSlice) -> Iterator[str]:
    offset, size = item.place
    if offset % _ALIGNMENT:
        yield f"the signature lies at {offset:#x}, which is no multiple of {_ALIGNMENT}"
    if offset + size > item.linkedit_end:
        yield f"the signature ends at {offset + size:#x}, behind __LINKEDIT, which ends at {item.linkedit_end:#x}"


def _parts(blobs: Mapping[int, memoryview]) -> Iterator[str]:
    for slot, magic in _MAGIC_BY_SLOT.items():
        if slot in blobs and _number(blobs[slot], 0) != magic:
            yield f"slot {slot:#x} of the signature holds something else than belongs there"


@dataclass(frozen=True, slots=True)
class _Directory:
    """One code directory; the fields are those of `struct __CodeDirectory`."""

    blob: memoryview
    slot: int
    version: int
    flags: int
    hash_offset: int
    special_count: int
    page_count: int
    limit: int
    hash_size: int
    hash_type: int
    page_bits: int
    identifier: bytes

    @classmethod
    def read(cls, slot: int, blob: memoryview) -> _Directory:
        if _number(blob, 0) != _CODE_DIRECTORY:
            raise SignatureError(f"there is no code directory in slot {slot:#x}")
        start = _number(blob, 20)
        rest = bytes(blob[start : _number(blob, 16)])
        end = rest.find(b"\0")
        if end < 0:
            raise SignatureError("the identifier has no end")
        version = _number(blob, 8)
        far_limit = _number(blob, 56, 8) if version >= _KNOWS_FAR_LIMIT else 0
        return cls(
            blob=blob,
            slot=slot,
            version=version,
            flags=_number(blob, 12),
            hash_offset=_number(blob, 16),
            special_count=_number(blob, 24),
            page_count=_number(blob, 28),
            limit=far_limit or _number(blob, 32),
            hash_size=blob[36],
            hash_type=blob[37],
            page_bits=blob[39],
            identifier=rest[:end],
        )

    def hash_at(self, number: int) -> bytes:
        """Return one hash: of a page, or of a special slot when `number` is negative."""
        at = self.hash_offset + number * self.hash_size
        return bytes(self.blob[at : at + self.hash_size])

    def digest(self, content: bytes | memoryview) -> bytes:
        name, size = _HASHES[self.hash_type]
        return hashlib.new(name, content, usedforsecurity=False).digest()[:size]


def _problems(directory: _Directory, item: SignedSlice, blobs: Mapping[int, memoryview]) -> Iterator[str]:
    limit, bits = directory.limit, directory.page_bits
    if _HASHES.get(directory.hash_type, ("", 0))[1] != directory.hash_size:
        yield "hashes are of an unknown kind"
    elif bits not in (_PAGES_ON_ARM if item.is_arm else _PAGES_ANYWHERE):
        yield f"pages have 2^{bits} bytes"
    elif limit != item.place[0]:
        yield f"{limit:#x} bytes are signed, not the {item.place[0]:#x} before the signature"
    elif directory.page_count != (limit + (1 << bits) - 1) >> bits:
        yield f"there are hashes for {directory.page_count} pages, but {limit:#x} bytes"
    elif directory.special_count > _MOST_SPECIAL or not _fits(directory):
        yield "hashes do not lie in the code directory"
    else:
        yield from _executable(directory, item)
        yield from _special(directory, item, blobs)
        yield from _pages(directory, item.data)


def _surplus(directory: _Directory, item: SignedSlice) -> Iterator[str]:
    """Yield what a code directory says that nobody told it to say."""
    has_runtime = bool(directory.flags & _RUNTIME)
    if directory.flags & ~_RUNTIME != _AD_HOC:
        yield f"the flags are {directory.flags:#x}"
    if directory.version != (_KNOWS_RUNTIME if has_runtime else _KNOWS_EXECUTABLE_SEGMENT):
        yield f"the version is {directory.version:#x}"
    if directory.blob[38] or any(directory.blob[40:56]):
        yield "fields have values that nobody gave them"
    if tuple(_number(directory.blob, at, 8) for at in (64, 72, 80)) != (*item.text, int(item.is_program)):
        yield "the executable segment is not __TEXT"
    slots = [_RESOURCES] if item.info_plist else [_INFO_PLIST, _RESOURCES]
    if any(slot <= directory.special_count and any(directory.hash_at(-slot)) for slot in slots):
        yield "a file beside the slice has a hash"


def _fits(directory: _Directory) -> bool:
    first = directory.hash_offset - directory.special_count * directory.hash_size
    last = directory.hash_offset + directory.page_count * directory.hash_size
    return first >= _number(directory.blob, 20) + len(directory.identifier) + 1 and last <= len(directory.blob)


def _executable(directory: _Directory, item: SignedSlice) -> Iterator[str]:
    if directory.version < _KNOWS_EXECUTABLE_SEGMENT:
        return
    start, size, flags = (_number(directory.blob, at, 8) for at in (64, 72, 80))
    if start != item.text[0] or size > item.text[1]:
        yield f"the executable segment is said to lie at {start:#x}, {size:#x} bytes"
    if bool(flags & 1) != item.is_program:
        yield "it is said of a library that it is a program, or the reverse"


def _special(directory: _Directory, item: SignedSlice, blobs: Mapping[int, memoryview]) -> Iterator[str]:
    """Check the hashes of what is signed beside the pages. Files beside the slice cannot be looked at."""
    nothing = bytes(directory.hash_size)
    contents = {slot: blob for slot, blob in blobs.items() if 0 < slot <= _MOST_SPECIAL}
    if item.info_plist:
        contents[_INFO_PLIST] = memoryview(item.info_plist)
    for slot in range(1, max([directory.special_count, *contents]) + 1):
        stated = directory.hash_at(-slot) if slot <= directory.special_count else nothing
        if slot not in contents:
            if stated != nothing and slot not in (_INFO_PLIST, _RESOURCES):
                yield f"special slot {slot} has a hash, but no content"
        elif stated != directory.digest(contents[slot]):
            yield f"the hash of special slot {slot} is wrong"


def _pages(directory: _Directory, data: memoryview) -> Iterator[str]:
    size, limit = 1 << directory.page_bits, directory.limit
    name, width = _HASHES[directory.hash_type]
    new = getattr(hashlib, name)
    computed = [new(data[at : min(at + size, limit)]).digest()[:width] for at in range(0, limit, size)]
    stated = bytes(directory.blob[directory.hash_offset :][: len(computed) * width])
    if b"".join(computed) == stated:
        return
    wrong = [number for number, digest in enumerate(computed) if digest != directory.hash_at(number)]
    shown = ", ".join(f"{number * size:#x}" for number in wrong[:_SHOWN_PAGES])
    yield f"the hashes of {len(wrong)} pages are wrong, first at {shown}"
