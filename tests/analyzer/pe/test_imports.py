"""PE files are read as LIEF reads them, and damaged ones end in one kind of error, soon."""

from __future__ import annotations

import struct
import time
from contextlib import suppress
from dataclasses import replace

import lief
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.pe_bytes import AMD64, ARM64, HEADERS, I386, SECTION, Pe
from truewheel.analyzer.pe.exports import exported_names
from truewheel.analyzer.pe.imports import dll_uses
from truewheel.errors import InvalidBinaryError

WHERE = "a/_x.pyd"
IMPORTS: dict[str, list[str | int]] = {
    "KERNEL32.dll": ["ExitProcess", 17],
    "python312.dll": ["PyList_New", "_PyLong_AsByteArray"],
}
RICH = [
    Pe(IMPORTS, {"late.dll": ["f", 3], "later.DLL": []}, ("PyInit__x", "g"), machine, absolute=absolute)
    for machine, absolute in ((AMD64, False), (I386, False), (I386, True), (ARM64, False))
]


@pytest.mark.parametrize("pe", RICH)
def test_the_tables_are_those_that_another_reader_sees(pe: Pe) -> None:
    data = pe.build()
    found, other = dll_uses(data, WHERE), lief.PE.parse(replace(pe, absolute=False).build())
    assert isinstance(other, lief.PE.Binary)
    names = {False: [*other.imports], True: [*other.delay_imports]}
    assert [tuple(use) for use in found] == [
        (table.name, tuple(entry.name for entry in table.entries if not entry.is_ordinal), delayed)
        for delayed, tables in names.items()
        for table in tables
    ]
    assert [use.key for use in found] == ["kernel32.dll", "python312.dll", "late.dll", "later.dll"]
    assert exported_names(data, WHERE) == ("PyInit__x", "g")


def test_a_file_without_tables() -> None:
    assert dll_uses(Pe().build(), WHERE) == ()
    assert exported_names(Pe().build(), WHERE) == ()
    only_numbers = bytearray(Pe(exports=("f",)).build())
    (table,) = struct.unpack_from("<I", only_numbers, 0x98 + 112)
    struct.pack_into("<I", only_numbers, HEADERS + table - SECTION + 24, 0)
    assert exported_names(only_numbers, WHERE) == ()


def test_a_name_without_an_ending_is_of_a_dll() -> None:
    (use,) = dll_uses(Pe({"Python312": []}).build(), WHERE)
    assert (use.name, use.key, use.names) == ("Python312", "python312.dll", ())


def test_a_long_name_is_read_whole() -> None:
    (use,) = dll_uses(Pe({"a.dll": ["x" * 5000]}).build(), WHERE)
    assert use.names == ("x" * 5000,)


def damaged(data: bytes, at: int, new: bytes) -> str:
    with pytest.raises(InvalidBinaryError) as caught:
        dll_uses(data[:at] + new + data[at + len(new) :], WHERE)
    assert caught.value.where == WHERE
    return caught.value.what


def test_headers_that_contradict_themselves() -> None:
    data = Pe(IMPORTS).build()
    assert damaged(data, 0x3C, b"\xff\xff\xff\xff") == "the COFF header reaches past the end of the file"
    assert damaged(data, 0x80, b"NE") == "there is no PE header"
    assert damaged(data, 0x98, b"\x07\x01") == "the optional header is of no known form"
    assert damaged(data, 0x86, b"\xff\xff") == "there are 65535 sections"
    assert damaged(data, 0x94, b"\xff\xff") == "the optional header reaches past the end of the file"
    assert damaged(data[:0x30], 0, b"MZ") == "the MS-DOS header reaches past the end of the file"


def test_addresses_that_lie_nowhere() -> None:
    data = Pe(IMPORTS).build()
    directory = 0x98 + 112 + 8
    assert (
        damaged(data, directory, struct.pack("<I", 0x7FFFFFF0))
        == "an address lies outside of the file (at address 0x7ffffff0)"
    )
    assert "reaches past the end of its section" in damaged(data, directory, struct.pack("<I", SECTION + 0x1F8))
    (start,) = struct.unpack_from("<I", data, directory)
    name = HEADERS + start - SECTION + 12
    assert "lies outside" in damaged(data, name, struct.pack("<I", 0x500000))
    cut = data.rstrip(b"\0") + b"x" * (-len(data.rstrip(b"\0")) % 0x200)
    assert "does not end" in damaged(cut, name, struct.pack("<I", SECTION + len(cut) - HEADERS - 1))


def test_tables_that_overlap_beyond_reason_are_given_up_soon() -> None:
    data = Pe({"a.dll": [], "z" * 20_000: []}).build()
    name = SECTION + data.index(b"zzz") - HEADERS
    nothing = SECTION + 8  # where zeros stand: a table of no names
    entries = struct.pack("<5I", nothing, 0, 0, name, nothing) * 5_000
    whole = bytearray(data + entries)
    for place in (0x98 + 112 + 16 * 8 + 8, 0x98 + 112 + 16 * 8 + 16):
        struct.pack_into("<I", whole, place, len(whole) - HEADERS)
    begun = time.perf_counter()
    table = struct.pack("<I", SECTION + len(data) - HEADERS)
    assert "overlap beyond reason" in damaged(bytes(whole), 0x98 + 112 + 8, table)
    assert time.perf_counter() - begun < 1


@given(st.sampled_from(RICH), st.data())
def test_no_damage_ends_in_another_error(pe: Pe, data: st.DataObject) -> None:
    whole = pe.build()
    at = data.draw(st.integers(0, len(whole) - 4))
    number = data.draw(st.sampled_from([0, 1, 4, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, SECTION, at]))
    changed = whole[:at] + struct.pack("<I", number) + whole[at + 4 :]
    for content in (changed, whole[:at]):
        for read in (dll_uses, exported_names):
            with suppress(InvalidBinaryError):
                read(content, WHERE)
