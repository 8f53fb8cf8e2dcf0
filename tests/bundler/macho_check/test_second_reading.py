from __future__ import annotations

import struct
import tracemalloc

import pytest

from support.macho_bytes import ARCHES, ID_DYLIB, Cmd, Macho, Sect, arch, dylib, dylib_use, fat, linked, rpath
from support.signature_oracle import commands
from truewheel.bundler.macho_check.second_reading import LOADED, RPATH, ReadingError, read_file, same_bytes


@pytest.mark.parametrize("name", ARCHES)
def test_every_architecture_is_named(name: str) -> None:
    [item] = read_file(memoryview(Macho(name).build())).slices

    assert item.architecture == {"armv7": "unknown (12)"}.get(name, name)
    assert item.is_wide == (ARCHES[name][2] == 64)
    assert item.order == ARCHES[name][3]


def test_names_are_read_from_where_the_command_says() -> None:
    macho = linked("arm64", "@rpath/libme.dylib", dylib_use("/opt/libx.dylib", 1), rpath("@loader_path/é"))
    [item] = read_file(memoryview(macho.build())).slices

    assert item.texts(LOADED) == ("/usr/lib/libSystem.B.dylib", "/opt/libx.dylib")
    assert item.texts(frozenset({RPATH})) == ("@loader_path/é",)


def test_unknown_load_commands_are_kept_as_bytes() -> None:
    [item] = read_file(memoryview(linked("arm64", None, Cmd(0x7F, tail=b"12345678")).build())).slices

    assert item.commands[-1].number == 0x7F
    assert item.commands[-1].raw == struct.pack("<II", 0x7F, 16) + b"12345678"


def test_slices_know_their_place() -> None:
    content = fat([arch(linked("x86_64"), alignment=12), arch(linked("arm64"), alignment=14)], wide=True)
    found = read_file(memoryview(content))

    assert [(item.architecture, item.offset, item.alignment) for item in found.slices] == [
        ("x86_64", 0x1000, 12),
        ("arm64", 0x4000, 14),
    ]
    assert found.fat == b"\xca\xfe\xba\xbf"


def test_the_content_of_sections_is_not_read() -> None:
    content = memoryview(linked("arm64").build())
    large = Macho("arm64", sections=[Sect(content=bytes(8 << 20))]).build()
    read_file(content)  # imports macholib
    tracemalloc.start()
    try:
        read_file(memoryview(large))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def changed(at: int, value: int, number: int | None = None) -> bytes:
    """Return a library with another 32-bit number in its header, or in the first command of a kind."""
    content = bytearray(linked("arm64", "@rpath/libme.dylib", dylib("/opt/libx.dylib")).build())
    start = 0 if number is None else next(place for kind, place, _ in commands(bytes(content)) if kind == number)
    struct.pack_into("<I", content, start + at, value)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "there is no slice at offset 0x0"),
        (b"\xcf\xfa\xed\xfe", "macholib cannot read it"),
        (changed(16, 1 << 20), "1048576 load commands"),
        (changed(20, 1 << 24), "are too many"),
        (changed(16, 2), "macholib cannot read it"),
        (changed(4, 4, 0xC), "macholib cannot read it"),
        (changed(8, 20, 0xC), "the string of load command 0xc lies outside of it"),
        (changed(8, 4000, 0xC), "the string of load command 0xc lies outside of it"),
        (changed(0, ID_DYLIB, 0xC), "already has an id"),
        (changed(64, 99, 0x19), "macholib cannot read it"),
        (b"\xca\xfe\xba\xbe\0\0\0\1" + bytes(8), "macholib cannot read it"),
        (fat([arch(linked("arm64"), offset=1 << 20)]), "there is no slice at offset 0x100000"),
    ],
)
def test_damaged_files_are_told(content: bytes, said: str) -> None:
    with pytest.raises(ReadingError, match=said):
        read_file(memoryview(content))


def test_two_signatures_and_missing_segments_are_told() -> None:
    [item] = read_file(
        memoryview(linked("arm64", None, Cmd(0x1D, "2I", (0, 0)), Cmd(0x1D, "2I", (0, 0))).build())
    ).slices

    with pytest.raises(ReadingError, match="two code signatures"):
        _ = item.signature
    with pytest.raises(ReadingError, match="not one __DATA segment but 0"):
        item.segment(b"__DATA")
    with pytest.raises(ReadingError, match="load command 0x1d is too short"):
        item.numbers(item.commands[-1], "3I")


def test_contents_are_compared_in_pieces() -> None:
    one = bytes(3 << 20)
    other = bytearray(one)

    assert same_bytes(memoryview(one), memoryview(other))
    other[-1] = 1
    assert not same_bytes(memoryview(one), memoryview(other))
    assert not same_bytes(memoryview(one), memoryview(one)[:-1])
