from __future__ import annotations

import struct
from io import BytesIO
from typing import Literal

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from support.elf_bytes import DEBUG, NEEDED, SONAME, STRSZ, Elf, Sym, Ver
from support.elf_parts import Parts
from support.fixtures import FIXTURES
from truewheel.bundler.elf.second_reading import ReadingError, VersionSet, read

DYNAMIC_FILES = sorted(
    path for path in (FIXTURES / "elf").rglob("*") if path.is_file() and path.name not in ("static", "sectionless.so")
)
SYMBOLS = [Sym("printf", defined=False, version=2), Sym("one"), Sym("two", version=3), Sym("three")]
FORMATS: list[tuple[Literal[32, 64], Literal["little", "big"]]] = [
    (32, "little"),
    (32, "big"),
    (64, "little"),
    (64, "big"),
]


@pytest.mark.parametrize("path", DYNAMIC_FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_tables_are_as_long_as_their_sections(path: str) -> None:
    data = path_bytes(path)
    elf, reading = ELFFile(BytesIO(data)), read(memoryview(data))
    sizes = {section.name: section["sh_size"] for section in elf.iter_sections()}
    symbols = elf.get_section_by_name(".dynsym")
    assert isinstance(symbols, SymbolTableSection)
    assert reading.symbol_count == symbols.num_symbols()
    assert reading.version_needs[1] == sizes.get(".gnu.version_r", 0)
    assert reading.version_definitions[1] == sizes.get(".gnu.version_d", 0)
    found = reading.hash_sizes()
    for tag, name in (("DT_GNU_HASH", ".gnu.hash"), ("DT_HASH", ".hash")):
        assert found.get(tag, 0) == sizes.get(name, 0)


def path_bytes(path: object) -> bytes:
    return (FIXTURES / str(path)).read_bytes()


@pytest.mark.parametrize(("bits", "order"), FORMATS)
@pytest.mark.parametrize("hashes", [("gnu",), ("sysv",), ("gnu", "sysv")])
def test_every_class_and_byte_order_is_read(
    bits: Literal[32, 64], order: Literal["little", "big"], hashes: tuple[Literal["gnu", "sysv"], ...]
) -> None:
    elf = Elf(bits=bits, byte_order=order, machine=22 if bits == 64 else 40, symbols=SYMBOLS, hashes=hashes)
    elf.named = [(NEEDED, "libc.so.6"), (SONAME, "libone.so.1")]
    elf.needs = [("libc.so.6", [Ver("GLIBC_2.17", 2), Ver("GLIBC_2.34", 4)]), ("libm.so.6", [Ver("GLIBC_2.29", 5)])]
    elf.defines = [Ver("libone.so.1", 1, flags=1), Ver("ONE_1", 3)]
    reading = read(memoryview(elf.build().data))
    assert reading.symbol_count == 5
    assert reading.strings("DT_NEEDED") == ("libc.so.6",)
    assert reading.strings("DT_SONAME") == ("libone.so.1",)
    assert reading.version_needs[0] == (
        VersionSet("libc.so.6", (("GLIBC_2.17", 0, 0, 2), ("GLIBC_2.34", 0, 0, 4))),
        VersionSet("libm.so.6", (("GLIBC_2.29", 0, 0, 5),)),
    )
    assert [item.versions[0][0] for item in reading.version_definitions[0]] == ["libone.so.1", "ONE_1"]


def test_the_wide_hash_table_of_s390x_is_read() -> None:
    elf = Elf(byte_order="big", machine=22, symbols=SYMBOLS, hashes=("sysv",), hash_word=8)
    reading = read(memoryview(elf.build().data))
    assert reading.symbol_count == 5
    assert reading.hash_sizes() == {"DT_HASH": 8 * (2 + 2 + 5)}


@pytest.mark.parametrize(("name", "last"), [("x86_64/libgreet.so.1", 3), ("armv7l/libgreet.so.1", 3)])
def test_without_hash_tables_relocations_tell_of_symbols(name: str, last: int) -> None:
    parts = Parts(bytearray((FIXTURES / "elf" / name).read_bytes()))
    section = parts.section(".rela.plt" if parts.word == "Q" else ".rel.plt")
    entry, shift = (24, 32) if parts.word == "Q" else (8, 8)
    where, size = section["sh_offset"] + struct.calcsize(parts.word), section["sh_size"]
    known = [struct.unpack_from("<" + parts.word, parts.data, where + at)[0] >> shift for at in range(0, size, entry)]
    parts.set_dynamic("DT_GNU_HASH", 0, new_tag=DEBUG)
    parts.set_dynamic("DT_HASH", 0, new_tag=DEBUG)
    assert read(memoryview(bytes(parts.data))).symbol_count == max(known) + 1 <= last + 1


def test_an_empty_table_of_gnu_ld_does_not_tell() -> None:
    elf = Elf(symbols=[Sym("printf", defined=False), Sym("puts", defined=False)], empty_gnu_hash=True)
    assert read(memoryview(elf.build().data)).symbol_count == 1
    elf.hashes = ("gnu", "sysv")
    assert read(memoryview(elf.build().data)).symbol_count == 3


def test_strings_end_inside_their_table() -> None:
    long = "a" * 300
    built = Elf(named=[(SONAME, long)]).build()
    assert read(memoryview(built.data)).strings("DT_SONAME") == (long,)
    size = built.data.index(struct.pack("<Q", STRSZ), built.at["dynamic"]) + 8
    damaged = built.patched(size, struct.pack("<Q", 200))
    with pytest.raises(ReadingError, match="string 1 does not end"):
        read(memoryview(damaged)).strings("DT_SONAME")
    with pytest.raises(ReadingError, match="string 9999 lies outside the string table"):
        read(memoryview(built.data)).string(9999)


def test_versions_without_end_are_refused() -> None:
    many = Elf(symbols=SYMBOLS, needs=[(f"lib{number}", [Ver("A", 2)]) for number in range(1001)]).build()
    with pytest.raises(ReadingError, match="the table of DT_VERNEED does not end"):
        assert read(memoryview(many.data)).version_needs


def test_too_many_program_headers_are_refused() -> None:
    built = Elf().build()
    with pytest.raises(ReadingError, match="999 program headers are too many"):
        read(memoryview(built.patched(56, struct.pack("<H", 999))))


def test_a_dynamic_segment_without_end_is_read_to_its_end() -> None:
    data = Elf(named=[(NEEDED, "libc.so.6")], ended=False).build().data
    with pytest.raises(Exception, match="expected 8, found 0"):
        read(memoryview(data))
