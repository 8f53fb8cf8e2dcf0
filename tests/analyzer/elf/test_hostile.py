"""Files that are damaged or made to do harm: one kind of error, soon, and nothing else."""

from __future__ import annotations

import struct
import time
from functools import partial
from typing import TYPE_CHECKING, Literal

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.elf_bytes import BASE, NEEDED, SONAME, STRSZ, STRTAB, Elf, Sym, Ver
from support.fixtures import family, odd
from truewheel.analyzer.elf.reader import read_image
from truewheel.analyzer.elf.symbols import provided, read_symbols
from truewheel.errors import ExitCode, InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Callable

LOAD_SIZE = 64 + 32
"""Where p_filesz of the first segment stands in a 64-bit file."""

FILES = [
    family("x86_64").extension.read_bytes(),
    family("i686").extension.read_bytes(),
    family("s390x").greet.read_bytes(),
    family("ppc64").tone.read_bytes(),
    odd("versioned.so").read_bytes(),
    odd("isa-v3.so").read_bytes(),
    odd("executable").read_bytes(),
    Elf(
        named=[(NEEDED, "libc.so.6")],
        needs=[("libc.so.6", [Ver("GLIBC_2.5", 3)])],
        defines=[Ver("V", 2)],
        symbols=[Sym("a", defined=False, version=3), *(Sym(f"f{number}", version=2) for number in range(9))],
        hashes=("sysv",),
    )
    .build()
    .data,
]
# Numbers at which counts, sizes and offsets go wrong.
NUMBERS = st.sampled_from([0, 1, 2, 7, 8, 16, 24, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, 4))):
        # All structures of these files stand in their first 4 kB, and most in the first.
        offset = draw(st.integers(0, min(len(data), 4096) - 4))
        number = draw(st.one_of(NUMBERS, st.integers(0, 2 * len(data))))
        size, order = draw(st.sampled_from([("B", "<"), ("H", "<"), ("I", "<"), ("H", ">"), ("I", ">")]))
        bits = struct.calcsize(size) * 8
        struct.pack_into(order + size, data, offset, number % (1 << bits))
    return bytes(data[: draw(st.one_of(st.just(len(data)), st.integers(0, len(data))))])


@settings(max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(damaged_files())
def test_damage_gives_an_answer_or_the_one_error(data: bytes) -> None:
    calls: list[Callable[[], object]] = [
        lambda: read_image(data, "a/_hello.abi3.so"),
        lambda: read_symbols(data, "a/_hello.abi3.so"),
        lambda: provided(data, ["greet_text", "PyInit__hello", "absent"], "a/_hello.abi3.so"),
    ]
    for call in calls:
        error = error_of(call)
        if error is not None:
            assert error.where == "a/_hello.abi3.so"
            assert error.what
            assert error.hint


def error_of(call: Callable[[], object]) -> InvalidBinaryError | None:
    """Return the one error that `call` may end with, or None."""
    try:
        call()
    except InvalidBinaryError as error:
        return error
    return None


@settings(max_examples=100, deadline=2000)
@given(st.binary(max_size=200))
def test_noise_gives_the_one_error(data: bytes) -> None:
    with pytest.raises(InvalidBinaryError):
        read_image(b"\x7fELF" + data if len(data) % 2 else data, "x")


@pytest.mark.parametrize("platform", ["x86_64", "s390x"])
def test_every_truncation_of_the_loaded_part_is_refused(platform: Literal["x86_64", "s390x"]) -> None:
    data = family(platform).extension.read_bytes()
    with family(platform).extension.open("rb") as file:
        segments = [item.header for item in ELFFile(file).iter_segments("PT_LOAD")]
    loaded = max(item.p_offset + item.p_filesz for item in segments)
    for size in range(0, loaded, 5):
        error = error_of(partial(read_image, data[:size], "x"))
        assert error is not None
        assert error.exit_code is ExitCode.UNREADABLE
    # Behind lie section names and headers only, which no loader reads.
    assert read_image(data[:loaded], "x").imports == read_image(data, "x").imports


@pytest.mark.parametrize(
    ("offset", "content", "message"),
    [
        (0, b"\x7fELG", "no ELF header of a known class, byte order and version"),
        (4, b"\3", "no ELF header of a known class"),
        (5, b"\0", "no ELF header of a known class"),
        (6, b"\2", "no ELF header of a known class"),
        (54, b"\x37\0", "program headers of 55 bytes, not 56"),
        (56, b"\xff\xff", "more than 1024 program headers"),
        (56, b"\xff\0", "the program headers reach past the end of the file"),
        (32, b"\xff" * 8, "the program headers reach past the end of the file"),
        (LOAD_SIZE, b"\xff" * 8, "a segment to load reaches past the end of the file"),
        (LOAD_SIZE - 24, b"\xff" * 8, "a segment to load reaches past the end of the file"),
        (LOAD_SIZE - 16, b"\xff" * 8, "the dynamic section lies at address .* which no segment fills"),
    ],
)
def test_refuses_a_lying_header(offset: int, content: bytes, message: str) -> None:
    built = Elf(named=[(SONAME, "x")]).build()
    with pytest.raises(InvalidBinaryError, match=message):
        read_image(built.patched(offset, content), "x")


@pytest.mark.parametrize(
    ("elf", "message"),
    [
        (Elf(ended=False), "the dynamic section has no end"),
        (Elf(numbers=[(STRTAB, 5)]), "the string table lies at address 0x5"),
        (Elf(numbers=[(STRSZ, 1 << 40)]), "the string table reaches past the end of its segment"),
        (Elf(numbers=[(SONAME, 1 << 40)]), "a name lies outside its string table"),
        (Elf(numbers=[(NEEDED, 1 << 63)]), "a name lies outside its string table"),
        (Elf(named=[(SONAME, "x" * 500)], numbers=[(STRSZ, 400)]), "a name does not end within its string table"),
        (Elf(interpreter="/" * 5000), "the interpreter's path is longer than a path can be"),
    ],
)
def test_refuses_lying_names(elf: Elf, message: str) -> None:
    with pytest.raises(InvalidBinaryError, match=message):
        read_image(elf.build().data, "x")


def test_refuses_a_dynamic_section_without_strings() -> None:
    built = Elf().build()
    with pytest.raises(InvalidBinaryError, match="the dynamic section names no string table"):
        read_image(built.patched(built.at["dynamic"], b"\x20"), "x")


def test_refuses_an_interpreter_beyond_the_end() -> None:
    built = Elf(interpreter="/lib/ld.so").build()
    late = struct.pack("<Q", len(built.data) - 3)
    with pytest.raises(InvalidBinaryError, match="the interpreter's path reaches past the end of the file"):
        read_image(built.patched(64 + 56 + 8, late), "x")


def test_refuses_symbol_names_outside_the_strings() -> None:
    built = Elf(symbols=[Sym("a", defined=False)]).build()
    data = built.patched(built.at["symbols"] + 24, b"\xff\xff\xff")
    for call in (read_image, read_symbols):
        with pytest.raises(InvalidBinaryError, match="a name lies outside its string table, or does not end in it"):
            call(data, "x")


def test_a_later_segment_covers_an_earlier_one() -> None:
    # The second segment maps other bytes to the addresses of the strings.
    built = Elf(named=[(SONAME, "old")], interpreter="\0new").build()
    other = struct.pack("<IIQQQQQQ", 1, 4, built.at["interpreter"], BASE + built.at["strings"], 0, 5, 5, 1)
    assert read_image(built.data, "x").soname == "old"
    assert read_image(built.patched(64 + 56, other), "x").soname == "new"


def soon(call: Callable[[], object]) -> None:
    start = time.process_time()
    with pytest.raises(InvalidBinaryError):
        call()
    assert time.process_time() - start < 2


def test_names_that_overlap_without_measure_cost_little() -> None:
    # A name of 1 MB, asked for from 30,000 places: 30 GB of text, were it built.
    elf = Elf(named=[(NEEDED, "x" * 1_000_000)], numbers=[(NEEDED, number) for number in range(1, 30_001)])
    data = elf.build().data
    soon(lambda: read_image(data, "x"))


def test_symbols_that_overlap_without_measure_cost_little() -> None:
    built = Elf(named=[(SONAME, "x" * 1_000_000)], symbols=[Sym("", defined=False)] * 30_000).build()
    entries = b"".join(struct.pack("<IBBHQQ", number, 0x12, 0, 0, 0, 0) for number in range(1, 30_001))
    data = built.patched(built.at["symbols"] + 24, entries)
    soon(lambda: read_image(data, "x"))
    soon(lambda: read_symbols(data, "x"))


def test_a_sea_of_zeros_costs_little() -> None:
    # Tables that claim all of a large file that compresses to nothing.
    sea = bytes(8 << 20)
    elf = Elf(notes=[(0, 4, sea)], symbols=[Sym("a", defined=False)])
    built = elf.build()
    table = built.at["gnu_hash"]
    data = bytearray(built.data)
    at = built.data.index(struct.pack("<QQ", 0x6FFFFEF5, BASE + table)) + 8
    head = struct.pack("<IIII", 1 << 20, 1, 0, 0)
    data[built.at["note0"] : built.at["note0"] + 16] = head
    struct.pack_into("<Q", data, at, BASE + built.at["note0"])
    start = time.process_time()
    read_image(bytes(data), "x")
    read_symbols(bytes(data), "x")
    assert time.process_time() - start < 2
