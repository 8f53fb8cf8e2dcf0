"""The build attributes of 32-bit ARM: what they say, held against pyelftools, and that none is believed blindly."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from support.arm_bytes import attributes, file_scope, subsection, vendor, with_attributes
from support.elf_bytes import Elf
from support.fixtures import family, odd
from truewheel.analyzer.elf.arm_attributes import ArmAttributes
from truewheel.analyzer.elf.reader import read_image

if TYPE_CHECKING:
    from pathlib import Path

HARD, SOFT, UNSTATED = 0x0500_0400, 0x0500_0200, 0x0500_0000
NAMES = {"TAG_CPU_ARCH": 0, "TAG_FP_ARCH": 1, "TAG_ABI_VFP_ARGS": 2}


def oracle(data: bytes) -> ArmAttributes:
    """Return what pyelftools reads."""
    section: Any = ELFFile(BytesIO(data)).get_section_by_name(".ARM.attributes")
    values = [0, 0, 0]
    for part in section.iter_subsections("aeabi"):
        for scope in part.iter_subsubsections("TAG_FILE"):
            for item in scope.iter_attributes():
                if item.tag in NAMES:
                    values[NAMES[item.tag]] = item.value
    return ArmAttributes(*values)


@pytest.mark.parametrize(
    "path",
    [*sorted(family("armv7l").folder.glob("*.so*")), odd("soft-float-arm.so")],
    ids=lambda path: path.name,
)
def test_real_files_against_pyelftools(path: Path) -> None:
    found = read_image(path.read_bytes(), "x").arm
    assert found is not None
    assert found == oracle(path.read_bytes())
    assert found.cpu_arch == 10


@given(
    st.dictionaries(
        st.sampled_from([4, 5, 6, 7, 8, 9, 10, 12, 18, 26, 28, 34, 36, 42, 44, 64, 66, 68, 70]), st.integers(0, 300)
    )
)
def test_any_attributes_against_pyelftools(values: dict[int, int]) -> None:
    pairs = [(tag, f"name {value}" if tag in {4, 5} else value) for tag, value in values.items()]
    data = with_attributes(attributes(file_scope(pairs)))
    assert read_image(data, "x").arm == (oracle(data) if values.keys() - {4, 5} else None)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (attributes(file_scope([(6, 9), (28, 1)])), ArmAttributes(9, 0, 1)),
        (attributes(file_scope([(6, 6), (10, 2)]), order="<"), ArmAttributes(6, 2, 0)),
        (attributes(file_scope([(32, (1, "gnu")), (65, "\x06\x0a"), (67, "2.09"), (6, 10)])), ArmAttributes(10, 0, 0)),
        (attributes(file_scope([(5, "Cortex-A7"), (6, 300)])), ArmAttributes(300, 0, 0)),
        # Of one section or one symbol only, or of another vendor: not about the file.
        (attributes(subsection(2, b"\x01\0" + b"\x06\x0e") + file_scope([(6, 6)])), ArmAttributes(6, 0, 0)),
        (b"A" + vendor("gnu", file_scope([(6, 14)])) + vendor("aeabi", file_scope([(6, 6)])), ArmAttributes(6, 0, 0)),
    ],
)
def test_what_counts(content: bytes, found: ArmAttributes) -> None:
    assert read_image(with_attributes(content), "x").arm == found


GOOD = attributes(file_scope([(5, "7-A"), (6, 10), (28, 1)]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"A",
        b"B" + GOOD[1:],
        GOOD[:-1],
        b"A" + struct.pack("<I", 0) + GOOD[5:],
        b"A" + struct.pack("<I", 3) + GOOD[5:],
        b"A" + struct.pack("<I", 2**32 - 1) + GOOD[5:],
        b"A\xff",
        b"A" + struct.pack("<I", 9) + b"aeabi",
        b"A" + vendor("aeabi", b"\x01" + struct.pack("<I", 0)),
        b"A" + vendor("aeabi", b"\x01\xff\xff"),
        attributes(subsection(1, b"\x05no end")),
        attributes(subsection(1, b"\x06" + b"\xff" * 20)),
        attributes(subsection(1, b"\x86")),
        attributes(subsection(1, b"")),
        attributes(file_scope([(6, 10)])) + bytes(1 << 16),
    ],
)
def test_what_makes_no_sense_says_nothing_and_harms_nobody(content: bytes) -> None:
    image = read_image(with_attributes(content), "x")
    assert (image.arm, image.architecture) == (None, "armv7l")


def test_a_section_outside_the_file_says_nothing() -> None:
    data = bytearray(with_attributes(GOOD))
    start = struct.unpack_from("<I", data, 32)[0]
    struct.pack_into("<I", data, start + 40 + 16, len(data) - 4)
    assert read_image(bytes(data), "x").arm is None


@given(st.binary(max_size=60))
def test_no_bytes_end_in_a_traceback(content: bytes) -> None:
    read_image(with_attributes(content), "x")
    read_image(with_attributes(b"A" + vendor("aeabi", subsection(1, content))), "x")


@pytest.mark.parametrize(
    ("flags", "vfp_args", "architecture"),
    [
        (HARD, None, "armv7l"),
        (HARD, 1, "armv7l"),
        (UNSTATED, 1, "armv7l"),
        (UNSTATED, 3, "armv7l"),
        (UNSTATED, 0, "unsupported (arm soft float)"),
        (UNSTATED, 2, "unsupported (arm, float convention not stated)"),
        (UNSTATED, None, "unsupported (arm, float convention not stated)"),
        (SOFT, 0, "unsupported (arm soft float)"),
        (SOFT, 1, "unsupported (arm soft float)"),
        # Linkers mark everything that is not hard as soft; what passes no floating point number fits both.
        (SOFT, 3, "armv7l"),
    ],
)
def test_the_float_convention(flags: int, vfp_args: int | None, architecture: str) -> None:
    content = None if vfp_args is None else attributes(file_scope([(6, 6), (28, vfp_args)]))
    assert read_image(with_attributes(content, flags=flags), "x").architecture == architecture


def test_no_other_processor_has_them() -> None:
    assert read_image(Elf().build().data, "x").arm is None
    assert read_image(family("aarch64").tone.read_bytes(), "x").arm is None
