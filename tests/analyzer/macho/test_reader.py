"""What the reader says of files whose content is known: built here byte by byte, or read by LIEF and macholib too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import lief
import pytest
from macholib.MachO import MachO

from support.fixtures import FIXTURES, mac_family, mac_odd
from support.macho_bytes import (
    ARCHES,
    BUNDLE,
    CORE,
    DSYM,
    DYLIB,
    EXECUTE,
    LAZY_LOAD_DYLIB,
    LOAD_DYLIB,
    LOAD_UPWARD_DYLIB,
    LOAD_WEAK_DYLIB,
    OBJECT,
    REEXPORT_DYLIB,
    VERSION_MIN_IPHONEOS,
    VERSION_MIN_MACOSX,
    VERSION_MIN_TVOS,
    VERSION_MIN_WATCHOS,
    ZEROFILL,
    Cmd,
    Macho,
    Sect,
    arch,
    build_version,
    dylib,
    dylib_use,
    fat,
    linked,
    rpath,
    source_version,
    uuid,
    version_min,
)
from truewheel.analyzer.macho.image import DylibKind, DylibUse, FileType, Slice
from truewheel.analyzer.macho.reader import is_macho, read_macho, read_macho_ranges

if TYPE_CHECKING:
    from pathlib import Path

LIBSYSTEM = DylibUse("/usr/lib/libSystem.B.dylib")
# LIEF knows no fat files with 64-bit offsets.
FILES = sorted(
    path for path in (FIXTURES / "macho").rglob("*") if path.is_file() and path.name not in {"archive.a", "fat64.dylib"}
)


def only(macho: Macho | bytes) -> Slice:
    """Return the one slice of a thin file."""
    (item,) = read_macho(macho if isinstance(macho, bytes) else macho.build(), "x").slices
    return item


def test_an_everyday_library() -> None:
    macho = linked("arm64", "@rpath/libx.dylib", rpath("@loader_path/../lib"), rpath("/opt/x/lib"))
    data = macho.build()
    file = read_macho(data, "libx.dylib")
    assert file.slices == (
        Slice(
            architecture="arm64",
            file_type=FileType.DYLIB,
            bits=64,
            byte_order="little",
            offset=0,
            size=len(data),
            platform="macOS",
            minimum_os=(11, 0, 0),
            sdk=(14, 0, 0),
            install_name="@rpath/libx.dylib",
            dependencies=(LIBSYSTEM,),
            rpaths=("@loader_path/../lib", "/opt/x/lib"),
            uuid="00010203-0405-0607-0809-0A0B0C0D0E0F",
            free_bytes=64,
        ),
    )
    assert (file.fat, file.is_loaded, file.is_executable, file.architectures) == (False, True, False, ("arm64",))


@pytest.mark.parametrize("name", ["i386", "x86_64", "x86_64h", "armv7", "arm64", "arm64e", "ppc", "ppc64"])
def test_architectures_of_both_classes_and_byte_orders(name: str) -> None:
    item = only(linked(name, "@rpath/libx.dylib", rpath("@loader_path")))
    bits = 64 if "64" in name else 32
    assert (item.architecture, item.bits) == (name, bits)
    assert item.byte_order == ("big" if name.startswith("ppc") else "little")
    assert (item.install_name, item.dependencies, item.rpaths) == ("@rpath/libx.dylib", (LIBSYSTEM,), ("@loader_path",))
    assert (item.minimum_os, item.free_bytes, item.platform) == ((11, 0, 0), 64, "macOS")


@pytest.mark.parametrize(
    ("cpu", "subtype", "name"),
    [
        (0x1000007, 0x80000003, "x86_64"),
        (0x1000007, 4, "x86_64"),
        (0x100000C, 1, "arm64"),
        (0x100000C, 0x81000002, "arm64e"),
        (0x100000C, 3, "unknown (0x100000c, 3)"),
        (0x100000D, 0, "unknown (0x100000d, 0)"),
    ],
)
def test_the_subtype_without_its_capabilities_tells_the_architecture(cpu: int, subtype: int, name: str) -> None:
    data = bytearray(linked().build())
    data[4:12] = cpu.to_bytes(4, "little") + subtype.to_bytes(4, "little")
    assert only(bytes(data)).architecture == name


@pytest.mark.parametrize(
    ("number", "file_type"),
    [
        (OBJECT, FileType.OBJECT),
        (EXECUTE, FileType.EXECUTABLE),
        (3, FileType.OTHER),
        (CORE, FileType.CORE),
        (5, FileType.OTHER),
        (DYLIB, FileType.DYLIB),
        (7, FileType.DYLINKER),
        (BUNDLE, FileType.BUNDLE),
        (9, FileType.DYLIB_STUB),
        (DSYM, FileType.DSYM),
        (11, FileType.KEXT),
        (12, FileType.FILESET),
        (0, FileType.OTHER),
        (0xFFFFFFFF, FileType.OTHER),
    ],
)
def test_file_types(number: int, file_type: FileType) -> None:
    item = only(Macho(file_type=number, commands=[rpath("/x")]))
    assert item.file_type is file_type
    assert item.file_type.is_loaded == (number in {EXECUTE, DYLIB, BUNDLE})
    # What dyld does not map is read no further than its header.
    assert item.rpaths == (("/x",) if item.file_type.is_loaded else ())


def test_damage_behind_the_header_of_what_is_not_loaded_harms_nothing() -> None:
    assert only(Macho(file_type=OBJECT, command_size=0xFFFFFFFF, command_count=1 << 30)).file_type is FileType.OBJECT


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (1, "macOS"),
        (2, "iOS"),
        (3, "tvOS"),
        (4, "watchOS"),
        (5, "bridgeOS"),
        (6, "Mac Catalyst"),
        (7, "iOS simulator"),
        (8, "tvOS simulator"),
        (9, "watchOS simulator"),
        (10, "DriverKit"),
        (11, "visionOS"),
        (12, "visionOS simulator"),
        (99, "unknown (99)"),
    ],
)
def test_the_platform_of_a_build_version(number: int, name: str) -> None:
    item = only(Macho(commands=[build_version(number, "12.3.1", "13.1", tools=[(3, 0x2D80000)])]))
    assert (item.platform, item.minimum_os, item.sdk) == (name, (12, 3, 1), (13, 1, 0))


@pytest.mark.parametrize(
    ("architecture", "number", "name"),
    [
        ("x86_64", VERSION_MIN_MACOSX, "macOS"),
        ("arm64", VERSION_MIN_IPHONEOS, "iOS"),
        ("armv7", VERSION_MIN_WATCHOS, "watchOS"),
        ("arm64", VERSION_MIN_TVOS, "tvOS"),
        ("x86_64", VERSION_MIN_IPHONEOS, "iOS simulator"),
        ("i386", VERSION_MIN_WATCHOS, "watchOS simulator"),
    ],
)
def test_the_older_commands_tell_the_platform_too(architecture: str, number: int, name: str) -> None:
    item = only(Macho(architecture, commands=[version_min(number, "10.9", "10.15.6")]))
    assert (item.platform, item.minimum_os, item.sdk) == (name, (10, 9, 0), (10, 15, 6))


def test_without_any_such_command_a_slice_is_of_macos_with_no_minimum() -> None:
    item = only(Macho())
    assert (item.platform, item.minimum_os, item.sdk, item.uuid, item.install_name) == ("macOS", None, None, None, None)


def test_a_library_for_macos_and_catalyst_is_one_of_macos_and_the_newer_command_counts() -> None:
    both = [build_version(6, "14.0"), build_version(1, "10.15")]
    for commands in (both, both[::-1]):
        item = only(Macho(commands=commands))
        assert (item.platform, item.minimum_os) == ("macOS", (10, 15, 0))
    item = only(Macho(commands=[version_min(VERSION_MIN_MACOSX, "10.9"), build_version(1, "11.1")]))
    assert item.minimum_os == (11, 1, 0)
    item = only(Macho(commands=[version_min(VERSION_MIN_MACOSX, "10.9"), build_version(6, "13.1")]))
    assert item.platform == "Mac Catalyst"


def test_every_kind_of_dependency_in_file_order() -> None:
    kinds = [
        (LOAD_WEAK_DYLIB, DylibKind.WEAK, True),
        (LOAD_DYLIB, DylibKind.LOAD, False),
        (REEXPORT_DYLIB, DylibKind.REEXPORT, False),
        (LAZY_LOAD_DYLIB, DylibKind.LAZY, False),
        (LOAD_UPWARD_DYLIB, DylibKind.UPWARD, False),
    ]
    item = only(Macho(commands=[dylib(f"lib{number}", number) for number, _, _ in kinds]))
    assert item.dependencies == tuple(DylibUse(f"lib{number}", kind, weak) for number, kind, weak in kinds)


@pytest.mark.parametrize(
    ("flags", "kind", "weak"),
    [
        (0, DylibKind.LOAD, False),
        (1, DylibKind.WEAK, True),
        (2, DylibKind.REEXPORT, False),
        (3, DylibKind.REEXPORT, True),
        (4, DylibKind.UPWARD, False),
        (5, DylibKind.UPWARD, True),
        (8, DylibKind.LOAD, False),
    ],
)
def test_the_newer_command_has_its_kind_in_flags(flags: int, kind: DylibKind, weak: bool) -> None:  # noqa: FBT001
    assert only(Macho(commands=[dylib_use("@rpath/liby.dylib", flags)])).dependencies == (
        DylibUse("@rpath/liby.dylib", kind, weak),
    )
    item = only(Macho(commands=[dylib_use("@rpath/liby.dylib", flags, LOAD_WEAK_DYLIB)]))
    assert item.dependencies[0].weak


def test_a_time_stamp_that_looks_like_the_newer_command_is_none_when_the_name_stands_where_flags_would() -> None:
    old = Cmd(LOAD_DYLIB, "4I", (24, 0x1A741800, 0, 0), b"\1\0\0\0name\0")
    assert only(Macho(commands=[old])).dependencies == (DylibUse("\1"),)


def test_unknown_commands_are_walked_over() -> None:
    unknown = [Cmd(0x7FFF), Cmd(0x80000099, tail=b"whatever"), Cmd(0x39, "I", (12,), b"arm64-apple-macosx\0")]
    item = only(Macho(commands=[*unknown, dylib("libx"), *unknown]))
    assert item.dependencies == (DylibUse("libx"),)


def test_names_that_are_not_utf8_can_be_shown() -> None:
    item = only(Macho(commands=[rpath(b"/opt/\xff")]))
    assert item.rpaths == ("/opt/\\xff",)


@pytest.mark.parametrize("pad", [0, 16, 48, 4096])
def test_free_bytes_end_at_the_first_content(pad: int) -> None:
    assert only(replace(linked(), pad=pad)).free_bytes == pad


def test_sections_without_bytes_in_the_file_do_not_end_the_free_room() -> None:
    code = Sect("__text", b"\xc3" * 16)
    none = [
        Sect("__bss", bytes(64), "__DATA", ZEROFILL, offset=64),
        Sect("__huge", bytes(64), "__DATA", 0xC, offset=64),
        Sect("__thread_bss", bytes(64), "__DATA", 0x12, offset=64),
        Sect("__empty", b"", "__TEXT", offset=64),
        Sect("__nowhere", b"x", "__DATA", offset=0),
    ]
    item = only(replace(linked(), sections=[*none, code], pad=128))
    assert item.free_bytes >= 128 + 128


def test_without_sections_the_next_segment_ends_the_free_room() -> None:
    macho = replace(linked(), sections=[], linkedit=[(0x26, bytes(8))])
    data = macho.build()
    commands = int.from_bytes(data[20:24], "little")
    assert only(data).free_bytes == 0x1000 - 32 - commands


def test_a_signature_is_noticed() -> None:
    assert only(replace(linked(), signature=bytes(16))).has_signature
    assert not only(linked()).has_signature


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("prefix", ["<", ">"])
def test_fat_files(prefix: str, wide: bool) -> None:  # noqa: FBT001 - a case
    one, two = linked("x86_64", minimum="10.9"), linked("arm64", "@rpath/other.dylib")
    file = read_macho(fat([one, arch(two, alignment=14)], wide=wide, prefix=prefix), "x")
    assert (file.fat, file.architectures) == (True, ("x86_64", "arm64"))
    first, second = file.slices
    assert (first.offset, first.size, first.alignment) == (4096, len(one.build()), 12)
    assert (second.offset, second.size, second.alignment) == (16384, len(two.build()), 14)
    assert (first.minimum_os, second.minimum_os) == ((10, 9, 0), (11, 0, 0))
    assert second.install_name == "@rpath/other.dylib"
    assert file.slice_for("arm64") is second


def test_a_fat_file_of_one_slice_is_fat() -> None:
    assert read_macho(fat([linked("arm64")]), "x").fat


def test_slices_keep_the_order_of_the_table_wherever_they_lie() -> None:
    one, two = linked("x86_64").build(), linked("arm64").build()
    at = 4096
    data = fat([arch(two, "arm64", offset=at + len(one), size=len(two)), arch(one, "x86_64", offset=at, size=len(one))])
    file = read_macho(data[:at] + one + two, "x")
    assert [(item.architecture, item.offset) for item in file.slices] == [("arm64", at + len(one)), ("x86_64", at)]


def test_slices_that_are_static_libraries_or_bitcode_are_told() -> None:
    library = b"!<arch>\n" + bytes(60)
    file = read_macho(fat([arch(library, "ppc"), arch(library, "arm64"), linked("x86_64")]), "x")
    assert [item.file_type for item in file.slices] == [FileType.ARCHIVE, FileType.ARCHIVE, FileType.DYLIB]
    assert [(item.bits, item.byte_order) for item in file.slices] == [(32, "big"), (64, "little"), (64, "little")]
    assert file.is_loaded
    for bitcode in (b"\xde\xc0\x17\x0b", b"BC\xc0\xde"):
        assert read_macho(fat([arch(bitcode + bytes(60), "i386")]), "x").slices[0].file_type is FileType.OTHER


@pytest.mark.parametrize(
    ("head", "known"),
    [
        (b"\xfe\xed\xfa\xce\0\0\0\x12", True),
        (b"\xce\xfa\xed\xfe\x07\0\0\0", True),
        (b"\xfe\xed\xfa\xcf\1\0\0\x12", True),
        (b"\xcf\xfa\xed\xfe\x07\0\0\1", True),
        (b"\xca\xfe\xba\xbe\0\0\0\2", True),
        (b"\xbe\xba\xfe\xca\2\0\0\0", True),
        (b"\xca\xfe\xba\xbf\0\0\0\2", True),
        (b"\xbf\xba\xfe\xca\2\0\0\0", True),
        # Java class files: 45.3 (the first), 52.0 (Java 8), 65.0 (Java 21).
        (b"\xca\xfe\xba\xbe\0\3\0\x2d", False),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", False),
        (b"\xca\xfe\xba\xbe\0\0\0\x41", False),
        (b"\xca\xfe\xba\xbe\0\0\0\0", False),
        (b"\xca\xfe\xba\xbe", False),
        (b"\x7fELF\2\1\1\0", False),
        (b"!<arch>\n", False),
        (b"", False),
    ],
)
def test_magic_numbers(head: bytes, known: bool) -> None:  # noqa: FBT001 - a case
    assert is_macho(head) is known


def test_only_headers_and_load_commands_are_fetched_each_byte_once_in_ascending_order() -> None:
    slices = [linked("ppc"), linked("x86_64"), replace(linked("arm64"), file_type=DSYM)]
    for data in (fat(slices), linked("i386").build(), linked("arm64").build()):
        asked: list[tuple[int, int]] = []

        def fetch(offset: int, length: int, data: bytes = data, asked: list[tuple[int, int]] = asked) -> bytes:
            asked.append((offset, length))
            return data[offset : offset + length]

        assert read_macho_ranges(fetch, len(data), "x") == read_macho(data, "x")
        ends = [offset + length for offset, length in asked]
        assert all(length > 0 for _, length in asked)
        assert all(end <= start for end, (start, _) in zip(ends, asked[1:], strict=False))
        assert sum(length for _, length in asked) < 3000


def test_any_buffer_will_do() -> None:
    data = fat([linked("x86_64"), linked("arm64")])
    assert read_macho(memoryview(data), "x") == read_macho(data, "x") == read_macho(bytearray(data), "x")


def test_all_architectures_of_the_builder_are_what_lief_reads() -> None:
    for name, (cpu, *_) in ARCHES.items():
        binary: Any = lief.MachO.parse(list(linked(name).build()))
        assert int(binary.at(0).header.cpu_type) == cpu


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FIXTURES / "macho")))
def test_fixtures_are_read_as_lief_reads_them(path: Path) -> None:
    binaries: Any = lief.MachO.parse(str(path))
    file = read_macho(path.read_bytes(), path.name)
    assert len(file.slices) == binaries.size
    for number, item in enumerate(file.slices):
        binary = binaries.at(number)
        assert item.offset == binary.fat_offset
        if not item.file_type.is_loaded:
            continue
        libraries = [each for each in binary.libraries if each.command.name != "ID_DYLIB"]
        names = [each.name for each in binary.libraries if each.command.name == "ID_DYLIB"]
        assert [(each.name, each.kind.value) for each in item.dependencies] == [
            (each.name, f"LC_{each.command.name}") for each in libraries
        ]
        assert [item.install_name] == (names or [None])
        assert list(item.rpaths) == [each.path for each in binary.rpaths]
        assert item.has_signature == binary.has_code_signature
        version = binary.build_version.minos if binary.has_build_version else binary.version_min.version
        assert item.minimum_os == tuple(version)
        first = min(each.offset for each in binary.sections if each.offset and each.size)
        assert item.free_bytes == first - 32 - binary.header.sizeof_cmds


@pytest.mark.parametrize(
    "path",
    [mac_family("universal2").greet, mac_family("arm64").extension, mac_odd("weak.so"), mac_odd("fat64.dylib")],
    ids=lambda path: str(path.name),
)
def test_fixtures_are_read_as_macholib_reads_them(path: Path) -> None:
    file = read_macho(path.read_bytes(), path.name)
    for item, header in zip(file.slices, MachO(str(path)).headers, strict=True):
        found = [(command.get_cmd_name(), data) for command, _, data in header.commands]
        named = [
            (name, data.rstrip(b"\0").decode()) for name, data in found if name.startswith(("LC_LOAD_", "LC_REEX"))
        ]
        assert [(each.kind.value, each.name) for each in item.dependencies] == [
            each for each in named if each[0] != "LC_LOAD_DYLINKER"
        ]
        assert (item.offset, item.size) == (header.offset, header.size)
        assert list(item.rpaths) == [data.rstrip(b"\0").decode() for name, data in found if name == "LC_RPATH"]


def test_source_version_and_uuid_are_no_names() -> None:
    item = only(Macho(commands=[source_version(), uuid(b"\xab" * 16)]))
    assert item.uuid == "ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB"
