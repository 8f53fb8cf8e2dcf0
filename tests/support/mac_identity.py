"""Gives a Mach-O file the shape of one that was signed with a certificate; the message in it is made up."""

from __future__ import annotations

import hashlib
import struct
from typing import Final

from support.macho_bytes import REQUIREMENTS, blob, code_directory, super_blob
from support.signature_oracle import commands, without_signature

IDENTIFIER: Final = "org.example.hello"
TEAM: Final = "ABCDE12345"
ENTITLEMENTS: Final = blob(0xFADE7171, b"<plist><dict><key>com.apple.security.cs.allow-jit</key><true/></dict></plist>")
DER_ENTITLEMENTS: Final = blob(0xFADE7172, b"\x70\x03\x02\x01\x01")
RUNTIME: Final = 0x10000
_CMS: Final = (0x10000, blob(0xFADE0B01, b"a message with certificates, which nobody here can check"))
_PAGE: Final = 4096


def signed_with_identity(content: bytes, *, team: str = TEAM, flags: int = RUNTIME, entitled: bool = True) -> bytes:
    """Return a signed thin file for 64 bits with a certificate's signature in the place of its own."""
    end = without_signature(content)
    (command,) = [at for number, at, _ in commands(content) if number == 0x1D]
    start = len(end)
    signed = bytearray(content[:start])
    shape = super_blob(*_blobs(signed, start, team, flags, entitled=entitled))
    size = -(-len(shape) // 16) * 16
    struct.pack_into("<II", signed, command + 8, start, size)
    for number, at, _ in commands(content):
        if number == 0x19 and content[at + 8 : at + 24].rstrip(b"\0") == b"__LINKEDIT":
            offset = struct.unpack_from("<Q", content, at + 40)[0]
            struct.pack_into("<Q", signed, at + 48, start + size - offset)
            struct.pack_into("<Q", signed, at + 32, -(-(start + size - offset) // 0x4000) * 0x4000)
    return bytes(signed) + super_blob(*_blobs(signed, start, team, flags, entitled=entitled)).ljust(size, b"\0")


def _blobs(signed: bytearray, limit: int, team: str, flags: int, *, entitled: bool) -> list[tuple[int, bytes]]:
    pages = [hashlib.sha256(signed[at : min(at + _PAGE, limit)]).digest() for at in range(0, limit, _PAGE)]
    directory = code_directory(IDENTIFIER, flags, team=team, hashes=pages, limit=limit)
    more = [(5, ENTITLEMENTS), (7, DER_ENTITLEMENTS)] if entitled else []
    return [(0, directory), REQUIREMENTS, *more, _CMS]
