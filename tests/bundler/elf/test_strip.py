from __future__ import annotations

import contextlib
import platform
import struct
import subprocess
import sys
from io import BytesIO
from typing import TYPE_CHECKING

import lief
import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from support.elf_parts import Parts, strings, with_sections
from support.fixtures import FIXTURES, GLIBC_PLATFORMS, MUSL_PLATFORMS, family, odd
from truewheel.bundler.elf.edit import apply_edit
from truewheel.bundler.elf.strip import strip
from truewheel.bundler.elf.verify import verify_edit
from truewheel.bundler.plan import ElfEdit
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.fixtures import Platform

DEAD = {
    ".comment": b"a compiler\0",
    ".debug_info": bytes(range(256)) * 40,
    ".gnu_debuglink": b"libtone.debug\0\0\0\0\0\0\0",
    ".symtab": bytes(48),
    ".strtab": b"\0static_name\0",
}
EDIT = ElfEdit(
    "libtone.so.2", "libtone.so.2", soname="libtone-0123abcd.so.2", rpath="$ORIGIN/../a/longer/path/than/before"
)
PLATFORMS = (*GLIBC_PLATFORMS, *MUSL_PLATFORMS)
ODD = sorted(path for path in (FIXTURES / "elf" / "odd").rglob("*") if path.is_file())


def mapped(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the offset and the content of each segment, and of the headers."""
    elf = ELFFile(BytesIO(data))
    for segment in elf.iter_segments():
        yield segment["p_offset"], data[segment["p_offset"] :][: segment["p_filesz"]]
    yield elf["e_phoff"], data[elf["e_phoff"] :][: elf["e_phnum"] * elf["e_phentsize"]]


def section_names(data: bytes) -> list[str]:
    return [section.name for section in ELFFile(BytesIO(data)).iter_sections()]


def without_table_fields(data: bytes) -> bytes:
    """Return the ELF header without the three fields that say where sections are."""
    parts = Parts(bytearray(data))
    place, counts, size = (40, 60, 8) if parts.word == "Q" else (32, 48, 4)
    parts.data[place : place + size] = bytes(size)
    parts.data[counts : counts + 4] = bytes(4)
    return bytes(parts.data[: counts + 4])


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("first", [False, True], ids=["behind", "before"])
def test_only_mapped_sections_remain(name: Platform, *, first: bool) -> None:
    original = family(name).tone.read_bytes()
    data = with_sections(original, DEAD, first=first)
    stripped = strip(data)
    kept = [item.name for item in ELFFile(BytesIO(original)).iter_sections() if item["sh_flags"] & 2]
    attributes = [item for item in section_names(original) if item.endswith(".attributes")]
    assert [item for item in section_names(stripped) if item] == [*kept, *attributes, ".shstrtab"]
    assert len(stripped) < len(data) - 10_000
    assert b"a compiler" not in stripped
    assert b"static_name" not in stripped


@pytest.mark.parametrize("path", [*(family(name).greet for name in PLATFORMS), *ODD], ids=lambda path: path.name)
def test_no_mapped_byte_changes_or_moves(path: Path) -> None:
    data = path.read_bytes()
    stripped = strip(data)
    assert without_table_fields(stripped) == without_table_fields(data)
    for offset, content in mapped(data):
        start = 64 if offset == 0 else 0
        assert stripped[offset : offset + len(content)][start:] == content[start:]


@pytest.mark.parametrize("path", [*(family(name).greet for name in PLATFORMS), *ODD], ids=lambda path: path.name)
def test_stripping_twice_changes_nothing(path: Path) -> None:
    once = strip(path.read_bytes())
    assert strip(once) == once


@pytest.mark.parametrize("name", PLATFORMS)
def test_sections_agree_with_what_they_name(name: Platform) -> None:
    data = with_sections(family(name).greet.read_bytes(), DEAD, first=True)
    before, after = ELFFile(BytesIO(data)), ELFFile(BytesIO(strip(data)))
    for number, section in enumerate(before.iter_sections()):
        if section["sh_flags"] & 2:
            same = after.get_section(number)
            fields = ("sh_type", "sh_addr", "sh_offset", "sh_size", "sh_link", "sh_info", "sh_entsize", "sh_addralign")
            assert [same[field] for field in fields] == [section[field] for field in fields]
            assert same.name == section.name


@pytest.mark.parametrize("name", PLATFORMS)
def test_an_independent_parser_sees_the_same_file(name: Platform) -> None:
    data = with_sections(family(name).greet.read_bytes(), DEAD)
    before, after = lief.ELF.parse(list(data)), lief.ELF.parse(list(strip(data)))
    assert before is not None
    assert after is not None
    assert [str(item) for item in after.dynamic_entries] == [str(item) for item in before.dynamic_entries]
    assert [str(item) for item in after.dynamic_symbols] == [str(item) for item in before.dynamic_symbols]


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("first", [False, True], ids=["behind", "before"])
def test_patchelf_edits_a_stripped_file(tmp_path: Path, name: Platform, *, first: bool) -> None:
    content = strip(with_sections(family(name).tone.read_bytes(), DEAD, first=first))
    path = tmp_path / "libtone.so.2"
    path.write_bytes(content)
    apply_edit(EDIT, path)
    verify_edit(EDIT, content, path)
    assert strings(path.read_bytes())["soname"] == ["libtone-0123abcd.so.2"]


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_file_that_patchelf_edited_can_be_stripped(tmp_path: Path, name: Platform) -> None:
    path = tmp_path / "libtone.so.2"
    path.write_bytes(with_sections(family(name).tone.read_bytes(), DEAD))
    apply_edit(EDIT, path)
    edited = path.read_bytes()
    stripped = strip(edited)
    path.write_bytes(stripped)
    verify_edit(ElfEdit("x", "x"), edited, path)
    assert b"static_name" not in stripped
    assert strip(stripped) == stripped
    apply_edit(ElfEdit("x", "x", rpath="$ORIGIN/once/more/with/a/path/that/does/not/fit/anywhere"), path)
    verify_edit(ElfEdit("x", "x", rpath="$ORIGIN/once/more/with/a/path/that/does/not/fit/anywhere"), stripped, path)


@pytest.mark.parametrize("edited", [False, True], ids=["stripped", "stripped and edited"])
def test_the_loader_takes_a_stripped_library(tmp_path: Path, *, edited: bool) -> None:
    name: Platform = "aarch64" if platform.machine() == "aarch64" else "x86_64"
    path = tmp_path / "libtone.so.2"
    path.write_bytes(strip(with_sections(family(name).tone.read_bytes(), DEAD, first=True)))
    if edited:
        apply_edit(EDIT, path)
    script = "import ctypes, sys; f = ctypes.CDLL(sys.argv[1]).tone_name; f.restype = ctypes.c_char_p; print(f())"
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "b'libtone 2'\n"), done.stderr


def test_sections_that_tell_the_calling_convention_stay() -> None:
    data = with_sections(
        family("armv7l").tone.read_bytes(), {".debug_x": b"d" * 99, ".ARM.attributes": b"A-attributes"}
    )
    stripped = strip(data)
    found = [item for item in ELFFile(BytesIO(stripped)).iter_sections() if item.name == ".ARM.attributes"]
    assert b"A-attributes" in [item.data() for item in found]
    assert b"d" * 99 not in stripped


def test_a_file_with_nothing_to_drop_is_not_touched() -> None:
    data = strip(family("x86_64").tone.read_bytes())
    assert strip(data + b"appended, and no section") == data + b"appended, and no section"


def test_a_file_without_section_headers_loses_what_is_behind_its_segments() -> None:
    data = odd("sectionless.so").read_bytes()
    end = max(offset + len(content) for offset, content in mapped(data))
    stripped = strip(data + b"junk" * 100)
    assert stripped == data[:end]


def test_objects_are_not_touched() -> None:
    data = bytearray(family("x86_64").tone.read_bytes())
    struct.pack_into("<H", data, 16, 1)
    assert strip(data) == data


@pytest.mark.parametrize(
    ("place", "form", "value", "words"),
    [
        (0, "<I", 0, "not an ELF file"),
        (4, "<B", 7, "cannot be stripped"),
        (5, "<B", 0, "cannot be stripped"),
        (40, "<Q", 1 << 60, "cannot be stripped"),
        (40, "<Q", 2700, "outside the file"),
        (32, "<Q", 2900, "program headers lie outside the file"),
        (54, "<H", 55, "program headers have an unknown size"),
        (58, "<H", 63, "section headers have an unknown size"),
        (62, "<H", 999, "the section names lie in no section"),
        (64 + 56 + 32, "<Q", 1 << 40, "a segment lies outside the file"),
    ],
)
def test_damage_is_named(place: int, form: str, value: int, words: str) -> None:
    data = bytearray(family("x86_64").tone.read_bytes())
    struct.pack_into(form, data, place, value)
    with pytest.raises(InvalidBinaryError, match=words):
        strip(bytes(data), "hello/libtone.so.2")


@settings(max_examples=150)
@given(st.data())
def test_hostile_bytes_never_end_in_another_error(data: st.DataObject) -> None:
    content = bytearray(family("s390x").tone.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidBinaryError):
        strip(bytes(content[: data.draw(st.integers(0, len(content)))]))
