from __future__ import annotations

import contextlib
import struct
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.elf_parts import Parts
from support.fixtures import FIXTURES, GLIBC_PLATFORMS, MUSL_PLATFORMS, family, odd
from truewheel.bundler.elf.edit import apply_edit
from truewheel.bundler.elf.strip import strip
from truewheel.bundler.elf.verify import verify_edit
from truewheel.bundler.plan import ElfEdit
from truewheel.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.fixtures import Platform

NAME = "hello.libs/libgreet-0123abcd.so.1"
PATH = "$ORIGIN:$ORIGIN/../deeper/hello.libs"
EDIT = ElfEdit(
    NAME,
    "/usr/lib/libgreet.so.1",
    soname="libgreet-0123abcd.so.1",
    replace_needed=(("libtone.so.2", "libtone-4567cdef.so.2"),),
    rpath=PATH,
)
DAMAGED: tuple[Platform, ...] = ("x86_64", "aarch64", "s390x", "armv7l")
EVERY: tuple[Platform, ...] = (*GLIBC_PLATFORMS, *MUSL_PLATFORMS)
ODD = sorted(path for path in (FIXTURES / "elf" / "odd").rglob("*") if path.is_file())
NOT_EDITABLE = {"sectionless.so", "static"}


def edited(source: bytes, edit: ElfEdit, folder: Path) -> Path:
    path = folder / "edited.so"
    path.write_bytes(source)
    apply_edit(edit, path)
    return path


@pytest.mark.parametrize("name", EVERY)
def test_what_patchelf_did_is_accepted(tmp_path: Path, name: Platform) -> None:
    before = family(name).greet.read_bytes()
    verify_edit(EDIT, before, edited(before, EDIT, tmp_path))


@pytest.mark.parametrize("path", [path for path in ODD if path.name not in NOT_EDITABLE], ids=lambda path: path.name)
def test_odd_files_are_accepted_after_a_first_and_a_second_edit(tmp_path: Path, path: Path) -> None:
    first = ElfEdit(NAME, NAME, rpath=PATH)
    second = ElfEdit(NAME, NAME, rpath="$ORIGIN/and/another/even/longer/path/for/the/second/run:$ORIGIN/x")
    before = strip(path.read_bytes())
    result = edited(before, first, tmp_path)
    verify_edit(first, before, result)
    between = result.read_bytes()
    apply_edit(second, result)
    verify_edit(second, between, result)


def test_a_removed_path_and_a_removed_need_are_accepted(tmp_path: Path) -> None:
    before = odd("runpath.so").read_bytes()
    edit = ElfEdit(NAME, NAME, rpath="")
    verify_edit(edit, before, edited(before, edit, tmp_path))
    before = odd("needs-libpython.so").read_bytes()
    edit = ElfEdit(NAME, NAME, remove_needed=("libpython3.13t.so.1.0",))
    verify_edit(edit, before, edited(before, edit, tmp_path))


@pytest.mark.parametrize("header", ["as it was", "absent"])
def test_a_cleared_stack_is_accepted(tmp_path: Path, header: str) -> None:
    parts = Parts(bytearray(odd("execstack.so").read_bytes()))
    if header == "absent":
        parts.set_program_field(parts.segments("PT_GNU_STACK")[0], "p_type", 0x70001234)
    before = bytes(parts.data)
    edit = ElfEdit(NAME, NAME, clear_executable_stack=True)
    verify_edit(edit, before, edited(before, edit, tmp_path))


def _header(place_64: int, place_32: int) -> Callable[[Parts], None]:
    return lambda parts: parts.flip(place_64 if parts.word == "Q" else place_32)


def _load(field: str, change: Callable[[int], int], which: int = -1) -> Callable[[Parts], None]:
    def damage(parts: Parts) -> None:
        number = parts.segments("PT_LOAD")[which]
        parts.set_program_field(number, field, change(parts.elf.get_segment(number)[field]))

    return damage


def _segment(kind: str, field: str, value: int) -> Callable[[Parts], None]:
    return lambda parts: parts.set_program_field(parts.segments(kind)[0], field, value)


def _byte(section: str, skip: int = 0) -> Callable[[Parts], None]:
    return lambda parts: parts.flip(parts.section(section)["sh_offset"] + skip)


def _symbol(field: str) -> Callable[[Parts], None]:
    """Change a field of the last symbol, which is defined."""

    def damage(parts: Parts) -> None:
        table = parts.section(".dynsym")
        size = 24 if parts.word == "Q" else 16
        places = {"name": 0, "info": 4, "shndx": 6, "value": 8} if size == 24 else {"value": 4, "info": 12, "shndx": 14}
        place = table["sh_offset"] + table["sh_size"] - size + places[field]
        if field == "shndx":
            parts.data[place : place + 2] = b"\0\0"
        else:
            parts.flip(place)

    return damage


def _string(text: str) -> Callable[[Parts], None]:
    return lambda parts: parts.flip(parts.string_place(text))


def _tag(tag: str, value: Callable[[int], int], new_tag: int | None = None) -> Callable[[Parts], None]:
    return lambda parts: parts.set_dynamic(tag, value(parts.dynamic(tag)), new_tag=new_tag)


def _cut(parts: Parts) -> None:
    del parts.data[len(parts.data) // 2 :]


def _empty(parts: Parts) -> None:
    parts.data.clear()


def _swap_loads(parts: Parts) -> None:
    first, second = parts.segments("PT_LOAD")[:2]
    size = parts.elf["e_phentsize"]
    one, two = (parts.elf["e_phoff"] + number * size for number in (first, second))
    parts.data[one : one + size], parts.data[two : two + size] = (
        parts.data[two : two + size],
        parts.data[one : one + size],
    )


def _version_file(parts: Parts) -> None:
    """Let the versions be needed of another library."""
    place = parts.section(".gnu.version_r")["sh_offset"] + 4
    struct.pack_into(parts.order + "I", parts.data, place, parts.string_place("libtone-4567cdef.so.2"))
    offset = parts.string_place("libtone-4567cdef.so.2") - parts.section(".dynstr")["sh_offset"]
    struct.pack_into(parts.order + "I", parts.data, place, offset)


DAMAGES: dict[str, tuple[Callable[[Parts], None], str]] = {
    "soname": (_string("libgreet-0123abcd.so.1"), "DT_SONAME is"),
    "needed": (_string("libtone-4567cdef.so.2"), "DT_NEEDED is"),
    "needed order": (lambda parts: parts.set_dynamic("DT_NEEDED", 1), "DT_NEEDED is"),
    "path": (_string(PATH), "DT_RPATH is"),
    "runpath": (_tag("DT_RPATH", int, 29), "DT_RPATH is"),
    "lost tag": (_tag("DT_RPATH", int, 0x6FFFFEF1), "DT_RPATH is"),
    "machine": (_header(18, 18), "e_machine"),
    "flags": (_header(48, 36), "e_flags"),
    "type": (_header(16, 16), "e_type"),
    "entry": (_header(24, 24), "e_entry"),
    "magic": (_header(0, 0), "not an ELF file"),
    "class": (_header(4, 4), "not an ELF file"),
    "symbol value": (_symbol("value"), "the dynamic symbol 'greet_text' changed"),
    "symbol kind": (_symbol("info"), "the dynamic symbol 'greet_text' changed"),
    "symbol undefined": (_symbol("shndx"), "was defined and is not"),
    "symbol name": (_string("greet_text"), "the name of the dynamic symbol 'greet_text' was overwritten"),
    "symbol version": (_byte(".gnu.version", 3), "the table of DT_VERSYM changed"),
    "version name": (_byte(".gnu.version_r", 16), "the symbol versions that are needed changed"),
    "version library": (_version_file, "the symbol versions that are needed changed"),
    "relocation": (_byte(".rela.plt", 4), "the table of DT_JMPREL changed"),
    "hash": (_byte(".gnu.hash", 16), "the table of DT_GNU_HASH changed"),
    "code": (_byte(".text"), "mapped bytes behind address"),
    "constants": (_byte(".rodata", 3), "mapped bytes behind address"),
    "unwinding": (_byte(".eh_frame_hdr"), "mapped bytes behind address"),
    "stack": (_segment("PT_GNU_STACK", "p_flags", 7), "PT_GNU_STACK's flags"),
    "no stack": (_segment("PT_GNU_STACK", "p_type", 0), "PT_GNU_STACK's flags"),
    "relro": (_segment("PT_GNU_RELRO", "p_memsz", 1), "PT_GNU_RELRO changed"),
    "no relro": (_segment("PT_GNU_RELRO", "p_type", 0), "PT_GNU_RELRO changed"),
    "alignment": (_load("p_offset", lambda value: value - 8), "is not aligned"),
    "odd alignment": (_load("p_align", lambda _: 0x3000), "is not aligned"),
    "end": (_load("p_filesz", lambda value: value + 99_999), "ends behind the file"),
    "memory": (_load("p_memsz", lambda _: 1), "is larger in the file than in memory"),
    "rights": (_load("p_flags", lambda _: 7, 1), "the rights of the bytes"),
    "order": (_swap_loads, "overlaps the one before it"),
    "unmapped code": (_load("p_type", lambda _: 0, 1), "are not mapped any more"),
    "dynamic offset": (_segment("PT_DYNAMIC", "p_vaddr", 0x40), "PT_DYNAMIC do not belong together"),
    "two dynamic segments": (_segment("PT_GNU_STACK", "p_type", 2), "not one dynamic segment but 2"),
    "no dynamic segment": (_segment("PT_DYNAMIC", "p_type", 0), "not one dynamic segment but 0"),
    "program headers": (_segment("PT_PHDR", "p_offset", 0), "PT_PHDR does not lead"),
    "pointer": (_tag("DT_PLTGOT", lambda value: value + 8), "DT_PLTGOT"),
    "table pointer": (_tag("DT_SYMTAB", lambda _: 0x7FFF0000), "are not mapped from the file"),
    "no string table": (_tag("DT_STRSZ", lambda _: 1), "lies outside the string table"),
    "table size": (_tag("DT_PLTRELSZ", lambda value: value + 8), "DT_PLTRELSZ"),
    "cut": (_cut, "patchelf did not do what was asked"),
    "empty": (_empty, "patchelf did not do what was asked"),
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("damage", DAMAGES)
def test_every_kind_of_damage_is_caught(tmp_path: Path, name: Platform, damage: str) -> None:
    before = family(name).greet.read_bytes()
    path = edited(before, EDIT, tmp_path)
    parts = Parts(bytearray(path.read_bytes()))
    harm, words = DAMAGES[damage]
    if name == "armv7l":
        harm = {"relocation": _byte(".rel.plt", 4), "unwinding": _byte(".ARM.exidx")}.get(damage, harm)
    harm(parts)
    path.write_bytes(parts.data)
    with pytest.raises(ToolError, match=words) as caught:
        verify_edit(EDIT, before, path)
    assert caught.value.where == NAME


ODD_DAMAGES: dict[str, tuple[str, Callable[[Parts], None], str]] = {
    "init functions": ("bfd.so", _tag("DT_INIT_ARRAYSZ", lambda value: value + 8), "DT_INIT_ARRAYSZ"),
    "init function": ("bfd.so", _byte(".init_array"), "mapped bytes behind address"),
    "data": ("bfd.so", _byte(".data"), "mapped bytes behind address"),
    "note": ("bfd.so", _byte(".note.gnu.build-id", 20), "the notes changed"),
    "property": ("isa-v3.so", _byte(".note.gnu.property", 24), "PT_GNU_PROPERTY's content"),
    "interpreter": ("executable", _byte(".interp", 3), "PT_INTERP's content"),
    "flags": ("bfd.so", _tag("DT_RELACOUNT", lambda value: value + 1), "DT_RELACOUNT"),
    "defined version": ("versioned.so", _byte(".gnu.version_d", 8), "the symbol versions that are defined changed"),
    "sysv hash": ("gold.so", _byte(".gnu.hash", 17), "the table of DT_GNU_HASH changed"),
    "packed relocations": ("relr.so", _byte(".relr.dyn", 1), "the table of DT_RELR changed"),
    "zeros": ("bfd.so", _load("p_memsz", lambda value: value - 8, 3), "the zeros at address"),
}


@pytest.mark.parametrize("damage", ODD_DAMAGES)
def test_damage_to_what_few_files_have_is_caught(tmp_path: Path, damage: str) -> None:
    source, harm, words = ODD_DAMAGES[damage]
    before = odd(source).read_bytes()
    edit = ElfEdit(NAME, NAME, rpath=PATH)
    path = edited(before, edit, tmp_path)
    parts = Parts(bytearray(path.read_bytes()))
    harm(parts)
    path.write_bytes(parts.data)
    with pytest.raises(ToolError, match=words):
        verify_edit(edit, before, path)


def test_an_edit_that_was_not_made_is_caught(tmp_path: Path) -> None:
    before = odd("execstack.so").read_bytes()
    path = tmp_path / "same.so"
    path.write_bytes(before)
    verify_edit(ElfEdit(NAME, NAME), before, path)
    for edit, words in (
        (ElfEdit(NAME, NAME, soname="new.so"), r"DT_SONAME is \[\], not \['new.so'\]"),
        (ElfEdit(NAME, NAME, rpath="$ORIGIN"), r"DT_RPATH is \[\], not \['\$ORIGIN'\]"),
        (ElfEdit(NAME, NAME, remove_needed=("libc.so.6",)), r"DT_NEEDED is \['libgreet.so.1', 'libc.so.6'\], not"),
        (ElfEdit(NAME, NAME, clear_executable_stack=True), "the stack is still executable"),
    ):
        with pytest.raises(ToolError, match=words):
            verify_edit(edit, before, path)


def test_versions_of_a_library_that_is_not_needed_any_more_are_caught(tmp_path: Path) -> None:
    before = family("x86_64").greet.read_bytes()
    edit = ElfEdit(NAME, NAME, remove_needed=("libc.so.6",))
    path = edited(before, edit, tmp_path)
    with pytest.raises(ToolError, match=r"symbol versions are needed of libc\.so\.6, which is not needed any more"):
        verify_edit(edit, before, path)


def test_many_differences_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "other.so"
    path.write_bytes(family("s390x").tone.read_bytes())
    with pytest.raises(ToolError, match=r"; and \d+ more \(try another version of patchelf\)"):
        verify_edit(EDIT, family("x86_64").greet.read_bytes(), path)


def test_a_symbol_name_that_shares_its_bytes_with_the_old_path_is_watched(tmp_path: Path) -> None:
    """patchelf writes over the old path; here it is as long as before, and only the path differs."""
    before = odd("rpath.so").read_bytes()
    edit = ElfEdit(NAME, NAME, rpath="$ORIGIN/x")
    verify_edit(edit, before, edited(before, edit, tmp_path))


def test_an_executable_at_a_fixed_address_may_lose_padding_only(tmp_path: Path) -> None:
    parts = Parts(bytearray(odd("executable").read_bytes()))
    struct.pack_into("<H", parts.data, 16, 2)
    before = bytes(parts.data)
    sections = sorted(
        (item["sh_offset"], item["sh_size"])
        for item in parts.elf.iter_sections()
        if item["sh_flags"] & 2 and item["sh_addr"]
    )
    padding = next(
        start + size
        for (start, size), (following, _) in pairwise(sections)
        if start + size < following and not any(before[start + size : following])
    )
    path = tmp_path / "edited"
    path.write_bytes(before[:padding] + b"Z" + before[padding + 1 :])
    verify_edit(ElfEdit(NAME, NAME), before, path)
    text = parts.section(".text")["sh_offset"]
    path.write_bytes(before[:text] + b"Z" + before[text + 1 :])
    with pytest.raises(ToolError, match="mapped bytes behind address"):
        verify_edit(ElfEdit(NAME, NAME), before, path)


def test_a_file_without_section_headers_has_no_padding(tmp_path: Path) -> None:
    before = odd("sectionless.so").read_bytes()
    path = tmp_path / "same.so"
    path.write_bytes(before)
    verify_edit(ElfEdit(NAME, NAME), before, path)


@settings(max_examples=60)
@given(data=st.data())
def test_hostile_bytes_never_end_in_another_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    before = family("s390x").greet.read_bytes()
    after = bytearray(before)
    for _ in range(data.draw(st.integers(1, 4))):
        after[data.draw(st.integers(0, len(after) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "hostile.so"
    path.write_bytes(after)
    with contextlib.suppress(ToolError):
        verify_edit(ElfEdit(NAME, NAME), before, path)
    path.write_bytes(before)
    with contextlib.suppress(ToolError):
        verify_edit(ElfEdit(NAME, NAME), after, path)
