"""The table of load commands holds against LIEF's and macholib's knowledge of the same structures."""

from __future__ import annotations

from typing import Any

import lief
import pytest
from macholib import mach_o
from macholib.ptypes import sizeof

from support.fixtures import mac_family, mac_odd
from support.macho_bytes import Cmd, Macho, dylib, linked, rpath
from truewheel.analyzer.macho.commands import (
    DYLIB_COMMANDS,
    FILE_PARTS,
    FORMS,
    TEXT_STARTS,
    Command,
    LoadCommand,
    load_commands,
    read_header,
    walk,
)
from truewheel.errors import InvalidBinaryError


def fields(structure: Any) -> dict[str, int]:  # noqa: ANN401 - macholib is not typed
    """Return the offset of each field of a macholib structure in its command, after `cmd` and `cmdsize`."""
    offsets, at = {}, 8
    for name, kind in structure._fields_:
        offsets[name] = at
        at += sizeof(kind)
    return offsets


def parts(command: int) -> dict[int, int]:
    return {part.at: part.length_at for part in FILE_PARTS[command]}


def test_numbers_are_those_that_macholib_knows() -> None:
    names = {f"LC_{item.name}": item.value for item in Command}
    known = {name: value for name, value in vars(mach_o).items() if name in names and isinstance(value, int)}
    assert len(known) > 35
    assert {name: names[name] for name in known} == known


def test_every_field_with_an_offset_is_where_macholib_has_it() -> None:
    symtab, dysymtab = fields(mach_o.symtab_command), fields(mach_o.dysymtab_command)
    info, data = fields(mach_o.dyld_info_command), fields(mach_o.linkedit_data_command)
    assert parts(Command.SYMTAB) == {symtab["symoff"]: symtab["nsyms"], symtab["stroff"]: symtab["strsize"]}
    assert parts(Command.DYSYMTAB) == {
        dysymtab[offset]: dysymtab[count]
        for offset, count in [
            ("tocoff", "ntoc"),
            ("modtaboff", "nmodtab"),
            ("extrefsymoff", "nextrefsyms"),
            ("indirectsymoff", "nindirectsyms"),
            ("extreloff", "nextrel"),
            ("locreloff", "nlocrel"),
        ]
    }
    expected = {
        info[f"{part}_off"]: info[f"{part}_size"] for part in ("rebase", "bind", "weak_bind", "lazy_bind", "export")
    }
    assert parts(Command.DYLD_INFO) == parts(Command.DYLD_INFO_ONLY) == expected
    for command in (Command.CODE_SIGNATURE, Command.FUNCTION_STARTS, Command.DATA_IN_CODE, Command.DYLD_EXPORTS_TRIE):
        assert parts(command) == {data["dataoff"]: data["datasize"]}
    assert [part.at for part in FILE_PARTS[Command.MAIN]] == [fields(mach_o.entry_point_command)["entryoff"]]
    note = fields(mach_o.note_command)
    assert parts(Command.NOTE) == {note["offset"]: note["size"]}


def test_structures_have_the_sizes_of_the_headers() -> None:
    small, wide = FORMS[b"\xce\xfa\xed\xfe"], FORMS[b"\xcf\xfa\xed\xfe"]
    for form, header, segment, section in (
        (small, mach_o.mach_header, mach_o.segment_command, mach_o.section),
        (wide, mach_o.mach_header_64, mach_o.segment_command_64, mach_o.section_64),
    ):
        assert form.header.size == sum(sizeof(kind) for _, kind in header._fields_)
        assert form.segment.size == 8 + sum(sizeof(kind) for _, kind in segment._fields_)
        assert form.section.size == sum(sizeof(kind) for _, kind in section._fields_)
    assert [form.symbol.size for form in (small, wide)] == [12, 16]


@pytest.mark.parametrize("path", [mac_odd("weak.so"), mac_odd("rich.dylib"), mac_family("arm64").greet], ids=str)
def test_the_walk_meets_every_command(path: Any) -> None:  # noqa: ANN401 - a path
    commands = load_commands(path.read_bytes(), 0, "x")
    binary: Any = lief.MachO.parse(str(path))
    expected = [(each.command_offset, each.size) for each in binary.at(0).commands]
    assert [(item.offset, item.size) for item in commands.items] == expected
    assert commands.header.end == len(commands.raw)


def test_offsets_count_from_the_start_of_the_slice() -> None:
    data = linked().build()
    assert load_commands(bytes(100) + data, 100, "x") == load_commands(data, 0, "x")


def test_commands_that_the_buffer_does_not_hold_are_damage() -> None:
    data = linked().build()
    with pytest.raises(InvalidBinaryError, match="the load commands reach past the end of the file"):
        load_commands(data[:200], 0, "x")
    with pytest.raises(InvalidBinaryError, match="no Mach-O header"):
        load_commands(data, len(data), "x")


def test_strings_and_numbers_of_a_command() -> None:
    commands = load_commands(Macho(commands=[dylib("libx", current="1.2.3"), rpath("/y")]).build(), 0, "x")
    library = next(item for item in commands.items if item.command in DYLIB_COMMANDS)
    assert commands.numbers(library, 4) == (24, 2, 0x10203, 0x10000)
    assert commands.text(library) == "libx"
    assert [commands.text(item) for item in commands.items if item.command in TEXT_STARTS] == ["libx", "/y"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (Cmd(Command.RPATH, "I", (8,), b"/x\0"), "the string of load command 0x8000001c lies outside of it"),
        (Cmd(Command.RPATH, "I", (16,), b"/x\0"), "the string of load command 0x8000001c lies outside of it"),
        (Cmd(Command.RPATH, "I", (0xFFFFFFFF,), b"/x\0"), "lies outside of it"),
        (Cmd(Command.RPATH, "I", (12,), b"/xyz"), "the string of load command 0x8000001c has no end"),
        (Cmd(Command.RPATH), "load command 0x8000001c has 8 bytes, too few for its kind"),
        (Cmd(Command.LOAD_DYLIB, "4I", (20, 0, 0, 0), b"name\0"), "the string of load command 0xc lies outside of it"),
    ],
)
def test_a_string_lies_behind_the_fields_of_its_command(command: Cmd, message: str) -> None:
    commands = load_commands(Macho("arm64", commands=[command], symbols=None).build(), 0, "lib/x")
    item = next(item for item in commands.items if item.command == command.number)
    with pytest.raises(InvalidBinaryError, match=message) as caught:
        commands.text(item)
    assert caught.value.where == "lib/x"


def test_a_command_may_be_built_by_hand() -> None:
    header = read_header(linked().build()[:32], "x")
    commands = walk(header._replace(command_count=0, command_size=0), linked().build()[:32], "x")
    assert commands.items == ()
    assert LoadCommand(1, 2, 3).size == 3
