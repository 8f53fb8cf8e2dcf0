from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.macho_bytes import (
    BUNDLE,
    DATA_IN_CODE,
    DYLIB,
    EXECUTE,
    LOAD_WEAK_DYLIB,
    REEXPORT_DYLIB,
    ZEROFILL,
    Cmd,
    Macho,
    Sect,
    dylib,
    dylib_use,
    linked,
    rpath,
    source_version,
    uuid,
)
from truewheel.analyzer.macho.commands import load_commands
from truewheel.bundler.macho.header import edited_commands, room, size_of, write_commands
from truewheel.bundler.macho.room import fit, smallest_size
from truewheel.bundler.plan import SliceEdit
from truewheel.errors import InvalidBinaryError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truewheel.bundler.macho.room import Fit

ARCHES = ["x86_64", "arm64", "i386", "ppc"]
UNKNOWN = Cmd(0x7F, tail=b"nobody knows\0\0\0\0")


def commands_in(data: bytes) -> list[tuple[int, bytes]]:
    """Read the load commands by the plain layout of `mach_header`, without any of our code."""
    prefix = "<" if data[:4] in (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe") else ">"
    start = 32 if data[:4] in (b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf") else 28
    count, size = struct.unpack_from(prefix + "II", data, 16)
    found, at = [], start
    for _ in range(count):
        number, length = struct.unpack_from(prefix + "II", data, at)
        found.append((number, data[at : at + length]))
        at += length
    assert at == start + size
    return found


def edited(data: bytes, edit: SliceEdit) -> bytes:
    """Return the file with the edit's commands, which must fit."""
    commands = load_commands(data, 0, "x")
    new = edited_commands(commands, edit)
    assert size_of(new) <= room(data, commands)
    content = bytearray(data)
    write_commands(content, commands, new)
    return bytes(content)


def names(data: bytes, *kinds: int) -> list[str]:
    """Return the strings of the commands of these kinds, whose offset stands behind their size."""
    found = []
    for number, raw in commands_in(data):
        if number in kinds:
            (start,) = struct.unpack_from("<I", raw, 8)
            found.append(raw[start:].partition(b"\0")[0].decode())
    return found


@pytest.mark.parametrize("arch", ARCHES)
def test_names_and_search_paths_change_in_one_pass(arch: str) -> None:
    data = linked(arch, "@rpath/libx.dylib", dylib("/opt/liba.dylib"), rpath("/build"), rpath("/keep")).build()
    edit = SliceEdit(
        arch,
        install_name="/DLC/x.dylibs/libx-0123abcd.dylib",
        rename=(("/opt/liba.dylib", "@loader_path/liba-0123abcd.dylib"),),
        delete_rpaths=("/build",),
        add_rpaths=("@loader_path/../new",),
    )
    before, after = commands_in(data), commands_in(edited(data, edit))
    prefix, unit = (">" if arch == "ppc" else "<"), (8 if arch in ("x86_64", "arm64") else 4)

    def text(number: int, fields: tuple[int, ...], name: bytes) -> tuple[int, bytes]:
        body = struct.pack(f"{prefix}{len(fields)}I", *fields) + name + b"\0"
        body += bytes(-len(body) % unit)
        return number, struct.pack(f"{prefix}II", number, 8 + len(body)) + body

    versions = (24, 2, 1 << 16, 1 << 16)
    by_number = {
        0xD: text(0xD, versions, b"/DLC/x.dylibs/libx-0123abcd.dylib"),
        0xC: text(0xC, versions, b"@loader_path/liba-0123abcd.dylib"),
    }
    wanted = [
        by_number[item[0]] if item[0] == 0xD or b"/opt/liba.dylib" in item[1] else item
        for item in before
        if not (item[0] == 0x8000001C and b"/build" in item[1])
    ]
    assert after == [*wanted, text(0x8000001C, (12,), b"@loader_path/../new")]


def test_all_that_stands_before_a_name_is_kept() -> None:
    macho = linked("arm64", None, dylib_use("/opt/liba.dylib", 1), dylib("/opt/libb.dylib", LOAD_WEAK_DYLIB))
    edit = SliceEdit("arm64", rename=(("/opt/liba.dylib", "@rpath/a"), ("/opt/libb.dylib", "@rpath/b")))
    *_, use, weak = commands_in(edited(macho.build(), edit))
    assert use == (0xC, struct.pack("<7I", 0xC, 40, 28, 0x1A741800, 1 << 16, 1 << 16, 1) + b"@rpath/a\0\0\0\0")
    assert weak == (0x80000018, struct.pack("<6I", 0x80000018, 40, 24, 2, 1 << 16, 1 << 16) + b"@rpath/b" + bytes(8))


def test_every_command_with_the_name_changes_and_others_stay() -> None:
    macho = linked("x86_64", None, dylib("a"), dylib("a", REEXPORT_DYLIB), UNKNOWN, dylib("ab"))
    after = edited(macho.build(), SliceEdit("x86_64", rename=(("a", "c"),)))
    assert names(after, 0xC, 0x8000001F) == ["/usr/lib/libSystem.B.dylib", "c", "c", "ab"]
    assert (0x7F, struct.pack("<II", 0x7F, 24) + b"nobody knows\0\0\0\0") in commands_in(after)


def test_every_occurrence_of_a_search_path_goes_before_one_is_added_again() -> None:
    macho = linked("arm64", None, rpath("/a"), rpath("/b"), rpath("/a"))
    after = edited(macho.build(), SliceEdit("arm64", delete_rpaths=("/a",), add_rpaths=("/a",)))
    assert names(after, 0x8000001C) == ["/b", "/a"]


def test_a_library_is_removed() -> None:
    after = edited(linked("arm64", None, dylib("a")).build(), SliceEdit("arm64", remove=("a",)))
    assert names(after, 0xC) == ["/usr/lib/libSystem.B.dylib"]


def test_what_is_shorter_leaves_zeros_and_moves_nothing() -> None:
    data = linked("arm64", None, rpath("/a/very/long/build/path")).build()
    after = edited(data, SliceEdit("arm64", delete_rpaths=("/a/very/long/build/path",)))
    assert len(after) == len(data)
    end = 32 + sum(len(raw) for _, raw in commands_in(data))
    shorter = 32 + sum(len(raw) for _, raw in commands_in(after))
    assert shorter == end - 40
    assert after[shorter:end] == bytes(40)
    assert after[end:] == data[end:]


@pytest.mark.parametrize(
    "edit",
    [
        SliceEdit("arm64", rename=(("b", "c"),)),
        SliceEdit("arm64", remove=("b",)),
        SliceEdit("arm64", delete_rpaths=("b",)),
        SliceEdit("arm64", rename=(("/rp", "c"),)),
        SliceEdit("arm64", install_name="c"),
    ],
)
def test_an_edit_of_what_is_not_there_is_refused(edit: SliceEdit) -> None:
    commands = load_commands(linked("arm64", None, dylib("a"), rpath("/rp")).build(), 0, "x.so")
    with pytest.raises(RefusedError, match=r"x\.so: has no load command for (b|/rp|its own name)"):
        edited_commands(commands, edit)


def test_a_name_outside_of_its_command_is_an_error() -> None:
    broken = Cmd(0xC, "4I", (200, 2, 0, 0), b"a\0")
    commands = load_commands(Macho("arm64", commands=[broken]).build(), 0, "x.so")
    with pytest.raises(InvalidBinaryError, match="lies outside of it"):
        edited_commands(commands, SliceEdit("arm64", rename=(("a", "b"),)))


def space(macho: Macho) -> int:
    """Return the bytes that may come behind the commands."""
    data = macho.build()
    commands = load_commands(data, 0, "x")
    return room(data, commands) - commands.header.command_size


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("file_type", [DYLIB, BUNDLE, EXECUTE])
@pytest.mark.parametrize("pad", [0, 8, 48, 4096])
def test_room_ends_at_the_first_section(arch: str, file_type: int, pad: int) -> None:
    assert space(Macho(arch, file_type, pad=pad, commands=[uuid(bytes(16))])) == pad


def test_sections_without_content_do_not_end_the_room() -> None:
    sections = [Sect("__bss", b"", flags=ZEROFILL, offset=1), Sect("__none", b"", offset=1), Sect(content=b"\xc3")]
    assert space(Macho("arm64", sections=sections, pad=32)) == 32


def test_room_ends_before_bytes_that_nothing_describes() -> None:
    macho = Macho("arm64", sections=[Sect("__none", b"\0" * 24 + b"secret", offset=0), Sect()], pad=8)
    assert space(macho) == 32


def test_room_ends_at_a_segment_without_sections() -> None:
    macho = Macho("arm64", sections=[], pad=24, page=4)
    assert space(macho) == 24


def test_room_ends_at_a_table_of_the_linker() -> None:
    tables = [Cmd(0x26, "II", (512, 4)), Cmd(0x29, "II", (1, 0)), Cmd(0x80000028, "QQ", (2, 0))]
    data = Macho("arm64", sections=[], pad=4096, commands=tables).build()
    assert room(data, load_commands(data, 0, "x")) == 512 - 32


def test_room_ends_at_the_relocations_of_a_section() -> None:
    data = bytearray(Macho("arm64", sections=[Sect("__none", b"", offset=0)], pad=64, page=4).build())
    section = data.index(b"__none")
    struct.pack_into("<II", data, section + 56, 280, 1)
    assert room(data, load_commands(data, 0, "x")) == 280 - 32


@pytest.mark.parametrize("count", [0, 1])
def test_a_segment_shorter_than_its_fields_is_an_error(count: int) -> None:
    fields = struct.pack("<16s4Q4I", b"__TEXT", 0, 0, 0, 0, 5, 5, count, 0)
    macho = Macho("arm64", commands=[Cmd(0x19, tail=fields if count else fields[:24])])
    data = macho.build()
    with pytest.raises(InvalidBinaryError, match="a segment command is too short"):
        room(data, load_commands(data, 0, "x"))


HASHED = "-0123abcd.dylib"
DEEP = "@loader_path/../../some.package.dylibs"


def fitted(macho: Macho, edit: SliceEdit) -> Fit | None:
    data = macho.build()
    commands = load_commands(data, 0, "x")
    found = fit(commands, edit, room(data, commands))
    if found is None:
        assert smallest_size(commands, edit) > room(data, commands)
    else:
        assert size_of(found.commands) <= room(data, commands)
    return found


def renames(folder: str, *leaves: str) -> SliceEdit:
    return SliceEdit("arm64", rename=tuple((f"@rpath/{leaf}", f"{folder}/{leaf}") for leaf in leaves))


def crowded(pad: int, leaves: Sequence[str], *more: Cmd) -> Macho:
    macho = linked("arm64", None, *(dylib(f"@rpath/{leaf}") for leaf in leaves), *more)
    macho.pad = pad
    return macho


def test_nothing_is_dropped_when_all_fits() -> None:
    edit = renames(DEEP, f"liba{HASHED}")
    found = fitted(crowded(64, [f"liba{HASHED}"], source_version()), edit)
    assert found is not None
    assert (found.edit, found.notices) == (edit, ())


def test_commands_that_nothing_needs_make_room_one_by_one() -> None:
    leaves = ["libplain.dylib"]
    edit = renames("@loader_path/..", *leaves)  # 8 bytes longer
    extras = (source_version(), Cmd(DATA_IN_CODE, "II", (4096, 0)))
    found = fitted(crowded(0, leaves, *extras), edit)
    assert found is not None
    assert found.notices == ("LC_SOURCE_VERSION was dropped to make room in the header",)
    assert [item.command for item in found.commands][-1] == DATA_IN_CODE
    longer = renames("@loader_path/../of.a.package", *leaves)  # 24 bytes longer
    found = fitted(crowded(0, leaves, *extras), longer)
    assert found is not None
    assert found.notices == (
        "LC_SOURCE_VERSION was dropped to make room in the header",
        "an empty LC_DATA_IN_CODE was dropped to make room in the header",
    )
    assert found.edit == longer


def test_a_table_of_data_in_code_that_says_something_stays() -> None:
    leaves = ["libplain.dylib"]
    assert fitted(crowded(0, leaves, Cmd(DATA_IN_CODE, "II", (4096, 8))), renames("@loader_path/..", *leaves)) is None


def test_names_with_a_hash_share_a_search_path() -> None:
    leaves = [f"lib{name}{HASHED}" for name in "abcd"]
    found = fitted(crowded(56, leaves), renames(DEEP, *leaves))
    assert found is not None
    assert found.edit == SliceEdit(
        "arm64", rename=tuple((f"@rpath/{leaf}", f"@rpath/{leaf}") for leaf in leaves), add_rpaths=(DEEP,)
    )
    assert found.notices == (f"the names of libraries in {DEEP} share one LC_RPATH to make room in the header",)
    assert fitted(crowded(40, leaves), renames(DEEP, *leaves)) is None


def test_the_folder_that_saves_most_is_shared_first() -> None:
    few, many = ["libx-0000aaaa.dylib", "liby-0000aaaa.dylib"], [f"lib{name}{HASHED}" for name in "abcdef"]
    other = "@loader_path/../../another.package.dylibs"
    edit = SliceEdit("arm64", rename=renames(other, *few).rename + renames(DEEP, *many).rename)
    found = fitted(crowded(180, [*few, *many]), edit)
    assert found is not None
    assert found.edit.add_rpaths == (DEEP,)
    found = fitted(crowded(112, [*few, *many]), edit)
    assert found is not None
    assert found.edit.add_rpaths == (DEEP, other)


def test_a_search_path_that_stays_is_not_named_twice() -> None:
    leaves = [f"lib{name}{HASHED}" for name in "ab"]
    found = fitted(crowded(0, leaves, rpath(DEEP)), renames(DEEP, *leaves))
    assert found is not None
    assert found.edit.add_rpaths == ()


def test_two_libraries_never_come_to_have_one_name() -> None:
    leaves = [f"lib{name}{HASHED}" for name in "abcd"]
    other = "@loader_path/./../../some.package.dylibs"
    edit = SliceEdit("arm64", rename=(*renames(DEEP, *leaves).rename, ("@rpath/second", f"{other}/{leaves[0]}")))
    found = fitted(crowded(104, [*leaves, "second"]), edit)
    assert found is not None
    assert found.edit.add_rpaths == (DEEP,)
    assert dict(found.edit.rename)["@rpath/second"] == f"{other}/{leaves[0]}"
    macho = crowded(0, leaves[:2], dylib(f"@rpath/{leaves[0]}"))
    assert fitted(macho, SliceEdit("arm64", rename=((f"@rpath/{leaves[1]}", f"{DEEP}/{leaves[0]}"),))) is None


@pytest.mark.parametrize("folder", ["@executable_path/../lib", "/opt/a/long/folder", "@loader_path.d/some/folder"])
def test_only_folders_from_the_file_itself_are_shared(folder: str) -> None:
    leaves = [f"lib{name}{HASHED}" for name in "abcd"]
    assert fitted(crowded(0, leaves), renames(folder, *leaves)) is None


def test_names_without_a_hash_are_not_shared() -> None:
    leaves = [f"lib{name}-of-this-wheel.dylib" for name in "abcd"]
    assert fitted(crowded(56, leaves), renames(DEEP, *leaves)) is None


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60)


@settings(max_examples=60)
@given(
    libraries=st.lists(TEXT, min_size=1, max_size=5, unique=True),
    paths=st.lists(TEXT, max_size=4),
    data=st.data(),
    arch=st.sampled_from(["arm64", "i386"]),
)
def test_an_edit_is_what_it_does_to_the_lists_of_names(
    libraries: list[str], paths: list[str], data: st.DataObject, arch: str
) -> None:
    macho = linked(arch, None, *map(dylib, libraries), *map(rpath, paths))
    macho.pad = 4096
    renamed = data.draw(st.dictionaries(st.sampled_from(libraries), TEXT))
    deleted = data.draw(st.lists(st.sampled_from(paths), unique=True)) if paths else []
    added = data.draw(st.lists(TEXT, max_size=2))
    edit = SliceEdit(arch, rename=tuple(renamed.items()), delete_rpaths=tuple(deleted), add_rpaths=tuple(added))
    after = edited(macho.build(), edit)
    system = "/usr/lib/libSystem.B.dylib"
    assert names(after, 0xC) == [renamed.get(name, name) for name in [system, *libraries]]
    assert names(after, 0x8000001C) == [path for path in paths if path not in deleted] + added
    unit = 8 if arch == "arm64" else 4
    assert all(len(raw) % unit == 0 for _, raw in commands_in(after))
