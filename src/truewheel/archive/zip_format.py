"""The records of a ZIP archive: their layouts, signatures and flag bits, and nothing that reads or writes files.

Follows the .ZIP File Format Specification (APPNOTE) 6.3; numbers in comments are its sections.
"""

from __future__ import annotations

from stat import S_ISLNK
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mmap import mmap

    Buffer = bytes | mmap

STORED = 0
DEFLATED = 8

LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
END_SIGNATURE = b"PK\x05\x06"
END64_SIGNATURE = b"PK\x06\x06"
LOCATOR64_SIGNATURE = b"PK\x06\x07"

LOCAL = Struct("<4s5H3L2H")
"""4.3.7: signature, version needed, flags, method, time, date, crc32, compressed size, size, name and extra length."""
CENTRAL = Struct("<4s6H3L5H2L")
"""4.3.12: signature, made by, then as LOCAL from version needed to extra length, comment length, disk, internal and
external attributes, offset of the local header."""
END = Struct("<4s4H2LH")
"""4.3.16: signature, this disk, disk of the directory, entries here, entries, size, offset, comment length."""
END64 = Struct("<4sQ2H2L4Q")
"""4.3.14: signature, size of the rest, made by, version needed, this disk, disk of the directory, entries here,
entries, size, offset."""
LOCATOR64 = Struct("<4sLQL")
"""4.3.15: signature, disk of END64, its offset, number of disks."""

FLAG_ENCRYPTED = 0x0001
FLAG_DESCRIPTOR = 0x0008
FLAG_STRONG_ENCRYPTION = 0x0040
FLAG_UTF8 = 0x0800
FLAG_MASKED = 0x2000
FLAGS_LEVEL = 0x0006
"""How hard the compressor tried; of no consequence to a reader."""
FLAGS_KNOWN = FLAG_DESCRIPTOR | FLAG_UTF8 | FLAGS_LEVEL

EXTRA_ZIP64 = 0x0001
EXTRA_UNICODE_PATH = 0x7075

FULL16 = 0xFFFF
"""The value of a two-byte field whose real value stands in a ZIP64 record."""
FULL32 = 0xFFFFFFFF
"""The same for four bytes."""


class Entry(NamedTuple):
    """One member of the archive. A named tuple, because a large wheel has tens of thousands of them.

    dos_time, dos_date: as stored, MS-DOS format, no time zone.
    header_offset, data_offset: where the local header and the data start; end_offset: where the member ends, with its
        data descriptor, which is where the next one starts.
    made_by: version and system that wrote the entry. external_attributes: the Unix mode stands in the upper half.
    extra: the central directory's extra field without its ZIP64 part.
    is_plain: whether the local header can be copied as it stands: it has the real sizes in its own fields.
    """

    name: str
    flags: int
    method: int
    dos_time: int
    dos_date: int
    crc32: int
    compressed_size: int
    size: int
    header_offset: int
    data_offset: int
    end_offset: int
    made_by: int
    version_needed: int
    internal_attributes: int
    external_attributes: int
    extra: bytes
    is_plain: bool

    @property
    def mode(self) -> int:
        """The Unix mode with its file type bits, 0 when the archive was written without one."""
        return self.external_attributes >> 16

    @property
    def is_directory(self) -> bool:
        """Whether the entry stands for a folder."""
        return self.name.endswith("/")

    @property
    def is_symlink(self) -> bool:
        """Whether the entry is a symbolic link; its content is then the target."""
        return S_ISLNK(self.mode)

    @property
    def encoded_name(self) -> bytes:
        """The name as the archive spells it."""
        return self.name.encode("utf-8" if self.flags & FLAG_UTF8 or self.name.isascii() else "cp437")
