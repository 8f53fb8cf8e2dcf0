"""Notes, in the alignments and byte orders that linkers write."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from support.elf_bytes import GNU_PROPERTY, NOTE, Elf, note
from support.fixtures import odd
from truewheel.analyzer.elf.reader import read_image
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from truewheel.analyzer.elf.image import Image

ABI_TAG, BUILD_ID, PROPERTY = 1, 3, 5
ISA_NEEDED, ISA_USED, FEATURES = 0xC0008002, 0xC0010002, 0xC0000002


def properties(*items: tuple[int, int], align: int = 8) -> bytes:
    content = b"".join(struct.pack("<III", kind, 4, value) + bytes(-12 % align) for kind, value in items)
    return note(PROPERTY, content, align=align)


def read(*notes: tuple[int, int, bytes], **elf: int) -> Image:
    return read_image(Elf(notes=list(notes), **elf).build().data, "x")  # type: ignore[arg-type]


@pytest.mark.parametrize(("needed", "level"), [(1, 1), (2, 2), (3, 2), (7, 3), (15, 4), (31, 4), (8, 4), (0, 1)])
@pytest.mark.parametrize("kind", [NOTE, GNU_PROPERTY])
def test_reads_the_processor_level(kind: int, needed: int, level: int) -> None:
    assert read((kind, 8, properties((FEATURES, 3), (ISA_NEEDED, needed)))).isa_level == level


def test_pads_notes_by_the_alignment_of_their_segment() -> None:
    content = note(7, b"\1\2\3\4", align=8) + properties((ISA_NEEDED, 2))
    assert read((NOTE, 8, content)).isa_level == 2


def test_reads_the_processor_level_of_32_bit_files() -> None:
    assert read((NOTE, 4, properties((FEATURES, 3), (ISA_NEEDED, 4), align=4)), bits=32, machine=3).isa_level == 3


def test_ignores_the_level_that_is_only_used() -> None:
    assert read((NOTE, 8, properties((ISA_USED, 15)))).isa_level == 1


def test_ignores_the_number_on_other_processors() -> None:
    assert read((NOTE, 8, properties((ISA_NEEDED, 15))), machine=183).isa_level == 1


def test_ignores_a_property_that_is_cut_short() -> None:
    content = struct.pack("<III", ISA_NEEDED, 400, 15)
    assert read((NOTE, 8, note(PROPERTY, content, align=8))).isa_level == 1


def test_reads_the_level_of_a_real_file() -> None:
    assert read_image(odd("isa-v3.so").read_bytes(), "x").isa_level == 3


def test_reads_the_oldest_kernel() -> None:
    assert read((NOTE, 4, note(ABI_TAG, struct.pack("<IIII", 0, 3, 2, 1)))).minimum_kernel == (3, 2, 1)


@pytest.mark.parametrize("content", [struct.pack("<IIII", 2, 3, 2, 0), b"\0\0\0\0\x03\0\0\0", b""])
def test_ignores_the_kernel_of_other_systems_and_short_tags(content: bytes) -> None:
    assert read((NOTE, 4, note(ABI_TAG, content))).minimum_kernel is None


def test_reads_several_notes_of_one_segment() -> None:
    content = (
        note(BUILD_ID, b"not ours", owner=b"Go\0\0")
        + note(7, b"\1\2\3", owner=b"longer owner\0")
        + note(BUILD_ID, bytes.fromhex("00ffa0"))
        + note(ABI_TAG, struct.pack("<IIII", 0, 2, 6, 32))
        + b"\0\0\0\0"
    )
    image = read((NOTE, 4, content))
    assert (image.build_id, image.minimum_kernel) == ("00ffa0", (2, 6, 32))


def test_reads_big_endian_notes() -> None:
    content = note(ABI_TAG, struct.pack(">IIII", 0, 4, 15, 0), order=">") + note(BUILD_ID, b"\xab", order=">")
    elf = Elf(machine=22, byte_order="big", notes=[(NOTE, 4, content)])
    image = read_image(elf.build().data, "x")
    assert (image.build_id, image.minimum_kernel) == ("ab", (4, 15, 0))


def test_a_note_that_reaches_past_its_segment_ends_the_notes_of_that_segment() -> None:
    """Old versions of patchelf move a note's section and leave its segment; every loader takes such files."""
    cut = struct.pack("<III", 4, 1000, BUILD_ID) + b"GNU\0"
    image = read((NOTE, 4, note(BUILD_ID, b"\1") + cut), (NOTE, 4, note(ABI_TAG, struct.pack("<IIII", 0, 3, 2, 1))))
    assert (image.build_id, image.minimum_kernel) == ("01", (3, 2, 1))


def test_refuses_a_flood_of_notes() -> None:
    with pytest.raises(InvalidBinaryError, match="more than 4096 notes"):
        read((NOTE, 4, bytes(12 * 5000)))


def test_refuses_notes_beyond_the_end() -> None:
    built = Elf(notes=[(NOTE, 4, b"")], stack=None, dynamic=False).build()
    size_of_second_segment = 64 + 56 + 32
    with pytest.raises(InvalidBinaryError, match="a note segment reaches past the end of the file"):
        read_image(built.patched(size_of_second_segment, b"\xff"), "x")
