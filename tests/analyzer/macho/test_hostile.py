"""Mach-O files that are damaged or made to do harm: one kind of error, soon, and nothing else."""

from __future__ import annotations

import struct
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.fixtures import mac_family, mac_odd
from support.macho_bytes import (
    LOAD_DYLIB,
    NO_CMS,
    RPATH,
    SEGMENT_64,
    UUID,
    Cmd,
    Macho,
    Sect,
    arch,
    code_directory,
    defined,
    dylib,
    dylib_use,
    fat,
    linked,
    rpath,
    super_blob,
    undefined,
)
from truewheel.analyzer.macho.reader import read_macho
from truewheel.analyzer.macho.signature import read_signature
from truewheel.analyzer.macho.symbols import exported_names, python_inits, undefined_names
from truewheel.errors import ExitCode, InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Callable

WHERE = "a/_x.abi3.so"


def rich(name: str) -> Macho:
    """Return a small file with everything that is read."""
    macho = linked(name, "@rpath/libx.dylib", rpath("@loader_path/x"), dylib_use("liby", 1), dylib("libz"))
    symbols = [defined("PyInit__x"), defined("f"), undefined("PyModule_Create2")]
    signature = super_blob((0, code_directory("x", 2, team="T", hashes=[bytes(32)])), NO_CMS)
    return replace(macho, symbols=symbols, signature=signature, page=64, pad=16)


FILES = [
    rich("arm64").build(),
    rich("i386").build(),
    rich("ppc64").build(),
    fat([arch(rich("x86_64"), alignment=3), arch(rich("arm64"), alignment=3)]),
    fat([arch(rich("ppc"), alignment=2), arch(b"!<arch>\n" + bytes(60), "arm64", alignment=2)], wide=True),
    mac_odd("weak.so").read_bytes(),
    mac_family("universal2").greet.read_bytes(),
]
NUMBERS = st.sampled_from(
    [0, 1, 2, 3, 4, 7, 8, 12, 16, 24, 28, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
)


def read_all(data: bytes) -> None:
    """Read everything; what is wrong with one table does not keep the next from being read."""
    for item in read_macho(data, WHERE).slices:
        if item.file_type.is_loaded:
            for read in (exported_names, undefined_names, python_inits, read_signature):
                error_of(partial(read, data, item, WHERE))


def error_of(call: Callable[[], object]) -> InvalidBinaryError | None:
    """Return the one error that `call` may end with, or None."""
    try:
        call()
    except InvalidBinaryError as error:
        found = error
    else:
        return None
    assert found.where == WHERE
    assert found.what
    assert found.hint
    return found


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, 4))):
        # Headers and commands of these files stand in their first 3 kB, and the tables of the small ones too.
        offset = draw(st.integers(0, min(len(data), 3000) - 8))
        number = draw(st.one_of(NUMBERS, st.integers(0, 2 * len(data))))
        shape = draw(st.sampled_from(["<B", "<I", ">I", "<Q", ">Q"]))
        struct.pack_into(shape, data, offset, number % (1 << 8 * struct.calcsize(shape)))
    return bytes(data[: draw(st.one_of(st.just(len(data)), st.integers(0, len(data))))])


@settings(max_examples=500, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(damaged_files())
def test_damage_gives_an_answer_or_the_one_error(data: bytes) -> None:
    error_of(lambda: read_all(data))


@settings(max_examples=100, deadline=2000)
@given(st.sampled_from([data[:4] for data in FILES]), st.binary(max_size=300))
def test_noise_behind_a_magic_number_gives_an_answer_or_the_one_error(magic: bytes, noise: bytes) -> None:
    error_of(lambda: read_all(magic + noise))


@pytest.mark.parametrize("data", FILES[:4])
def test_every_truncation_is_refused(data: bytes) -> None:
    for size in range(0, len(data), 3):
        error = error_of(partial(read_macho, data[:size], WHERE))
        assert error is not None
        assert error.exit_code is ExitCode.UNREADABLE


def refused(data: bytes) -> str:
    started = time.process_time()
    error = error_of(lambda: read_macho(data, WHERE))
    assert error is not None
    assert time.process_time() - started < 2
    return error.what


@pytest.mark.parametrize(
    ("macho", "message"),
    [
        (
            Macho(commands=[Cmd(RPATH, "I", (12,), b"/x\0", size=0)]),
            "load command 0x8000001c has the impossible size 0",
        ),
        (Macho(commands=[Cmd(0x99, size=4)]), "load command 0x99 has the impossible size 4"),
        (Macho(commands=[Cmd(0x99, size=9)]), "load command 0x99 has the impossible size 9"),
        (Macho(commands=[Cmd(0x99, size=1 << 16)]), "load command 0x99 reaches past the end of the load commands"),
        (Macho(commands=[Cmd(0x99, size=0xFFFFFFFC)]), "load command 0x99 reaches past the end of the load commands"),
        (Macho(command_count=0xFFFFFFFF), "4294967295 load commands, of which only 2 are there"),
        (Macho(command_size=0xFFFFFFFF), "load commands of 4294967295 bytes, more than any file has"),
        (Macho(command_size=1 << 17), "the load commands reach past the end of the file"),
        (
            Macho(commands=[Cmd(LOAD_DYLIB, "4I", (1000, 0, 0, 0), b"x\0")]),
            "the string of load command 0xc lies outside",
        ),
        (Macho(commands=[Cmd(LOAD_DYLIB, "4I", (24, 0, 0, 0), b"x" * 8)]), "the string of load command 0xc has no end"),
        (Macho(commands=[Cmd(LOAD_DYLIB, "2I", (24, 0))]), "load command 0xc has 16 bytes, too few for its kind"),
        (Macho(commands=[Cmd(LOAD_DYLIB, "4I", (28, 0x1A741800, 0, 0))]), "load command 0xc has 24 bytes, too few"),
        (Macho(commands=[Cmd(UUID, tail=bytes(8))]), "load command 0x1b has 16 bytes, too few for its kind"),
        (Macho(commands=[Cmd(0x32, "I", (1,))]), "load command 0x32 has 16 bytes, too few for its kind"),
        (Macho(commands=[Cmd(0x24)]), "load command 0x24 has 8 bytes, too few for its kind"),
        (Macho(commands=[Cmd(0x1D)]), "load command 0x1d has 8 bytes, too few for its kind"),
        (Macho(commands=[Cmd(SEGMENT_64, tail=bytes(56))]), "a segment's command is cut short"),
        (Macho(sections=[Sect(offset=200)]), "the load commands reach into the content of a section"),
    ],
)
def test_lies_in_load_commands_are_named(macho: Macho, message: str) -> None:
    assert message in refused(macho.build())


def segment(offset: int, length: int, sections: int) -> Cmd:
    return Cmd(SEGMENT_64, "16x4Q4I", (0, length, offset, length, 5, 5, sections, 0))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (segment(1 << 20, 1, 0), "a segment reaches past the end of the file"),
        (segment(0, 1 << 63, 0), "a segment reaches past the end of the file"),
        (segment((1 << 64) - 1, 1, 0), "a segment reaches past the end of the file"),
        (segment(0, 16, 1), "a segment has 1 sections, for which its command has no room"),
        (segment(0, 16, 0xFFFFFFFF), "a segment has 4294967295 sections, for which its command has no room"),
    ],
)
def test_lies_about_segments_are_named(command: Cmd, message: str) -> None:
    assert message in refused(Macho(commands=[command]).build())


ONE, TWO = linked("x86_64"), linked("arm64")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (fat([ONE, TWO])[:20], "the table of slices reaches past the end of the file"),
        (fat([ONE, TWO], count=44), "overlaps the table of slices or another slice"),
        (fat([ONE, arch(TWO, offset=8000)]), "the arm64 slice overlaps the table of slices or another slice"),
        (fat([arch(ONE, offset=0)]), "the x86_64 slice overlaps the table of slices or another slice"),
        (fat([ONE, arch(TWO, size=1 << 30)]), "the arm64 slice reaches past the end of the file"),
        (fat([arch(ONE, offset=(1 << 64) - 1)], wide=True), "the x86_64 slice reaches past the end of the file"),
        (fat([ONE, arch(TWO, size=27)]), "the arm64 slice has 27 bytes, too few for a Mach-O header"),
        (fat([arch(TWO, alignment=12)])[:24] + b"\0\0\0\x20" + fat([TWO])[28:], "the impossible alignment 2^32"),
        (fat([TWO, TWO]), "two slices are for arm64"),
        (fat([arch(TWO), linked("x86_64"), TWO]), "two slices are for arm64"),
        (fat([arch(TWO.build(), "x86_64")]), "x86_64 slice: its header is for CPU type 0x100000c"),
        (fat([arch(bytes(4096), "arm64")]), "arm64 slice: no Mach-O header"),
        (fat([arch(fat([ONE]), "x86_64")]), "x86_64 slice: no Mach-O header"),
        (fat([ONE, arch(TWO.build()[:200], "arm64")]), "arm64 slice: the load commands reach past the end of the file"),
        (fat([ONE, arch(TWO.build()[:28], "arm64")]), "arm64 slice: the Mach-O header is cut short"),
        (b"\xcf\xfa\xed\xfe", "the Mach-O header is cut short"),
        (b"", "no Mach-O header"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(100), "no Mach-O header"),
        (b"!<arch>\n" + bytes(60), "no Mach-O header"),
    ],
)
def test_lies_in_fat_headers_are_named(data: bytes, message: str) -> None:
    assert message in refused(data)


@pytest.mark.parametrize(
    ("name", "other"), [("arm64", "i386"), ("i386", "x86_64"), ("ppc", "i386"), ("x86_64", "ppc64")]
)
def test_a_header_of_another_shape_than_its_processor_has_is_a_lie(name: str, other: str) -> None:
    data = bytearray(linked(name).build())
    form = ">" if name.startswith("ppc") else "<"
    cpu = {"i386": 7, "x86_64": 0x1000007, "ppc64": 0x1000012}[other]
    struct.pack_into(form + "I", data, 4, cpu)
    assert f"which is not of {other}" in refused(bytes(data))


def test_a_great_many_commands_are_walked_soon() -> None:
    many = Macho(commands=[Cmd(0x99)] * 32_000).build()
    started = time.process_time()
    assert read_macho(many, WHERE).is_loaded
    assert time.process_time() - started < 2
    assert "more than any file has" in refused(Macho(commands=[Cmd(0x99)] * 33_000).build())
