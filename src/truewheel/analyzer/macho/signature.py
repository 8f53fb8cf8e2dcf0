"""Who signed a slice: the blobs of its code signature, without a check of any hash.

Follows `osfmk/kern/cs_blobs.h` of Apple's kernel: a SuperBlob is an index of blobs, the code directory and, by who
signed, requirements, entitlements and a CMS message. All numbers are big-endian in every slice.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from truewheel.analyzer.macho.commands import DAMAGED, Command, load_commands
from truewheel.analyzer.macho.image import Signature, SignatureKind
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.analyzer.macho.commands import Buffer
    from truewheel.analyzer.macho.image import Slice

SUPER_BLOB = 0xFADE0CC0
CODE_DIRECTORY = 0xFADE0C02

_SLOT_CODE_DIRECTORY = 0
_SLOT_ENTITLEMENTS = 5
_SLOT_DER_ENTITLEMENTS = 7
_SLOT_CMS = 0x10000

_BLOB = Struct(">II")
"""magic, length"""
_SUPER_BLOB = Struct(">III")
"""magic, length, count"""
_INDEX = Struct(">II")
"""type, offset"""
_DIRECTORY = Struct(">6I")
"""magic, length, version, flags, hashOffset, identOffset"""
_TEAM_OFFSET = Struct(">48xI")
# Code directories have a team from this version on.
_VERSION_WITH_TEAM = 0x20200
_LINKER_SIGNED = 0x20000
# Real signatures have up to seven blobs.
_MOST_BLOBS = 64


def read_signature(data: Buffer, item: Slice, where: str) -> Signature:
    """Return what the code signature of one slice of the file in `data` says.

    Raises InvalidBinaryError naming `where` when there is a signature that cannot be understood.
    """
    if not item.has_signature:
        return Signature(SignatureKind.NONE)
    commands = load_commands(data, item.offset, where)
    command = next((each for each in commands.items if each.command == Command.CODE_SIGNATURE), None)
    if command is None:
        raise _invalid("is gone since the file was read", where)
    offset, size = commands.numbers(command, 2)
    if offset + size > item.size:
        raise _invalid("reaches past the end of the file", where)
    start = item.offset + offset
    blobs = _blobs(bytes(data[start : start + size]), where)
    directory = blobs.get(_SLOT_CODE_DIRECTORY, b"")
    if len(directory) < _DIRECTORY.size:
        raise _invalid("has no code directory", where)
    magic, _, version, flags, _, identifier = _DIRECTORY.unpack_from(directory)
    if magic != CODE_DIRECTORY:
        raise _invalid("has no code directory", where)
    team = 0
    if version >= _VERSION_WITH_TEAM and len(directory) >= _TEAM_OFFSET.size:
        (team,) = _TEAM_OFFSET.unpack_from(directory)
    return Signature(
        kind=_kind(flags, blobs.get(_SLOT_CMS, b"")),
        identifier=_text(directory, identifier, where),
        team=_text(directory, team, where) if team else "",
        flags=flags,
        entitlements=blobs.get(_SLOT_ENTITLEMENTS, b""),
        der_entitlements=blobs.get(_SLOT_DER_ENTITLEMENTS, b""),
    )


def _kind(flags: int, message: bytes) -> SignatureKind:
    """Tell the kinds apart: a certificate is in the CMS message, which other kinds leave out or empty."""
    if len(message) > _BLOB.size:
        return SignatureKind.IDENTITY
    return SignatureKind.LINKER if flags & _LINKER_SIGNED else SignatureKind.AD_HOC


def _blobs(data: bytes, where: str) -> Mapping[int, bytes]:
    """Return the blobs with their headers, by slot; the first one where two have the same."""
    if len(data) < _SUPER_BLOB.size:
        raise _invalid("is cut short", where)
    magic, length, count = _SUPER_BLOB.unpack_from(data)
    if magic != SUPER_BLOB or length > len(data) or count > _MOST_BLOBS:
        raise _invalid("does not start as signatures do", where)
    if _SUPER_BLOB.size + count * _INDEX.size > length:
        raise _invalid("has an index of blobs that reaches past its end", where)
    blobs: dict[int, bytes] = {}
    for number in range(count):
        slot, offset = _INDEX.unpack_from(data, _SUPER_BLOB.size + number * _INDEX.size)
        if offset + _BLOB.size > length:
            raise _invalid("has a blob that lies outside of it", where)
        _, size = _BLOB.unpack_from(data, offset)
        if size < _BLOB.size or offset + size > length:
            raise _invalid("has a blob that lies outside of it", where)
        blobs.setdefault(slot, data[offset : offset + size])
    return blobs


def _text(directory: bytes, offset: int, where: str) -> str:
    end = directory.find(b"\0", offset)
    if end < 0:
        raise _invalid("has a name that lies outside of its code directory", where)
    return directory[offset:end].decode("utf-8", "backslashreplace")


def _invalid(what: str, where: str) -> InvalidBinaryError:
    return InvalidBinaryError(f"the code signature {what}", where=where, hint=DAMAGED)
