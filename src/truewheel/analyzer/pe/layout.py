"""The headers of a PE file, and where in the file an address of the loaded image lies.

Follows Microsoft's "PE Format": MS-DOS stub, COFF file header, optional header with its data directories, and section
table. Addresses (RVA) count from where Windows puts the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from mmap import mmap

    Buffer = bytes | bytearray | memoryview | mmap

DAMAGED = "the file is damaged: build the wheel again"
_POINTER = 0x3C
_SIGNATURE = b"PE\0\0"
_COFF = Struct("<2H3I2H")
_SECTION = Struct("<8s4I")
_SECTION_SIZE = 40
_MAGIC_32, _MAGIC_64 = 0x10B, 0x20B
_SECTOR = 0x200
"""Windows reads a section from the sector that its place in the file lies in."""
_MOST_SECTIONS = 96
"""Windows loads no file with more."""


class Directory(IntEnum):
    """The places of some data directories in the optional header."""

    EXPORT = 0
    IMPORT = 1
    DELAY_IMPORT = 13
    DOT_NET = 14


class _Shape(NamedTuple):
    """Where the optional header has what; the base address reaches up to `base_end`."""

    wide: bool
    base: int
    base_end: int
    number: int
    directories: int


_SHAPES = {
    _MAGIC_32: _Shape(wide=False, base=28, base_end=32, number=92, directories=96),
    _MAGIC_64: _Shape(wide=True, base=24, base_end=32, number=108, directories=112),
}
_HEADERS_SIZE = 60


class Section(NamedTuple):
    """One section. address, size: of the loaded image; offset, length: of the file."""

    address: int
    size: int
    offset: int
    length: int


class Header(NamedTuple):
    """What stands before the sections.

    base: the address that the file wants to be loaded at. size: how many bytes of the file stand before sections.
    directories: by number, address and size; only those that are there.
    sections: where the section table lies in the file, and how many sections it has.
    """

    machine: int
    wide: bool
    base: int
    size: int
    directories: dict[int, tuple[int, int]]
    sections: tuple[int, int]

    @property
    def is_dot_net(self) -> bool:
        """Whether the file is code of .NET, for any machine."""
        return Directory.DOT_NET in self.directories


@dataclass(frozen=True, slots=True)
class Layout:
    """The headers of a file, whose bytes are `data`. where: the file's name for errors."""

    data: Buffer
    where: str
    header: Header
    sections: tuple[Section, ...]

    def invalid(self, problem: str, address: int) -> InvalidBinaryError:
        """Return the error that says what is wrong at an address."""
        return InvalidBinaryError(f"{problem} (at address {address:#x})", where=self.where, hint=DAMAGED)

    def span(self, address: int) -> tuple[int, int]:
        """Return where the byte at an address lies in the file, and where what is behind it ends.

        Raises InvalidBinaryError for an address that no byte of the file is loaded at.
        """
        if 0 <= address < self.header.size:
            return address, self.header.size
        for section in self.sections:
            inside = address - section.address
            if 0 <= inside < section.length:
                return section.offset + inside, section.offset + section.length
        raise self.invalid("an address lies outside of the file", address)

    def read(self, address: int, size: int) -> bytes:
        """Return the bytes at an address; raises InvalidBinaryError unless all are in one section of the file."""
        start, end = self.span(address)
        if start + size > end:
            raise self.invalid("a table reaches past the end of its section", address)
        return bytes(self.data[start : start + size])


def read_layout(data: Buffer, where: str) -> Layout:
    """Read the headers and sections of the PE file in `data`; `where` is its name for errors.

    Raises InvalidBinaryError when the file is cut short or contradicts itself.
    """
    header = read_header(data, where)
    start, count = header.sections
    if count > _MOST_SECTIONS:
        raise InvalidBinaryError(f"there are {count} sections", where=where, hint=DAMAGED)
    table = _part(data, start, count * _SECTION_SIZE, "section table", where)
    return Layout(data, where, header, tuple(_sections(table, len(data))))


def read_header(data: Buffer, where: str) -> Header:
    """Read what stands before the sections of a PE file, of which `data` need be no more; raises as `read_layout`."""
    start = int.from_bytes(_part(data, _POINTER, 4, "MS-DOS header", where), "little")
    signature = _part(data, start, len(_SIGNATURE) + _COFF.size, "COFF header", where)
    if not signature.startswith(_SIGNATURE):
        raise InvalidBinaryError("there is no PE header", where=where, hint=DAMAGED)
    machine, count, _, _, _, size, _ = _COFF.unpack_from(signature, len(_SIGNATURE))
    start += len(signature)
    optional = _part(data, start, size, "optional header", where)
    shape = _SHAPES.get(int.from_bytes(optional[:2], "little"))
    if shape is None or size < shape.directories:
        raise InvalidBinaryError("the optional header is of no known form", where=where, hint=DAMAGED)
    return Header(
        machine=machine,
        wide=shape.wide,
        base=int.from_bytes(optional[shape.base : shape.base_end], "little"),
        size=min(int.from_bytes(optional[_HEADERS_SIZE : _HEADERS_SIZE + 4], "little"), len(data)),
        directories=_directories(optional, shape),
        sections=(start + size, count),
    )


def _part(data: Buffer, start: int, size: int, what: str, where: str) -> bytes:
    found = bytes(data[start : start + size])
    if len(found) < size:
        raise InvalidBinaryError(f"the {what} reaches past the end of the file", where=where, hint=DAMAGED)
    return found


def _directories(optional: bytes, shape: _Shape) -> dict[int, tuple[int, int]]:
    count = int.from_bytes(optional[shape.number : shape.number + 4], "little")
    pairs = Struct("<2I")
    found = {}
    for number in Directory:
        at = shape.directories + number * pairs.size
        if number < count and at + pairs.size <= len(optional):
            address, size = pairs.unpack_from(optional, at)
            if address or size:
                found[int(number)] = (address, size)
    return found


def _sections(table: bytes, size: int) -> list[Section]:
    """Return the sections with what the file of `size` bytes has of each."""
    sections = []
    for at in range(0, len(table), _SECTION_SIZE):
        _, virtual, address, length, offset = _SECTION.unpack_from(table, at)
        offset -= offset % _SECTOR
        length = min(length, size - offset, virtual or length)
        sections.append(Section(address, virtual or length, offset, max(length, 0)))
    return sections
