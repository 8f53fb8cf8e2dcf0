from __future__ import annotations

import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from support.fixtures import mac_family, mac_odd
from support.macho_bytes import (
    BUNDLE,
    CORE,
    DSYM,
    DYLIB_STUB,
    DYLINKER,
    EXECUTE,
    KEXT,
    OBJECT,
    Macho,
    Sect,
    arch,
    fat,
    linked,
    rpath,
)
from support.wheels import build_wheel
from truewheel.analyzer.macho.contents import read_macho_members
from truewheel.analyzer.macho.reader import read_macho
from truewheel.archive.reader import WheelReader
from truewheel.errors import InvalidArchiveError, InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truewheel.analyzer.macho.contents import MachoContents

LIBRARY = linked().build()
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def contents(folder: Path, files: Mapping[str, bytes], jobs: int = 1, **options: object) -> MachoContents:
    path = build_wheel(folder, files, **options)  # type: ignore[arg-type] # passed on as it came
    with WheelReader.open(path) as reader:
        return read_macho_members(reader, jobs)


@pytest.mark.parametrize("method", METHODS)
def test_members_say_what_the_same_files_say_outside_a_wheel(tmp_path: Path, method: int) -> None:
    files = {
        "foo/_hello.abi3.so": mac_family("universal2").extension.read_bytes(),
        "foo/libnew.dylib": mac_odd("libnew.dylib").read_bytes(),
        "foo/fat64.dylib": mac_odd("fat64.dylib").read_bytes(),
        "foo/one.so": mac_family("arm64").greet.read_bytes(),
        "foo/program": mac_family("x86_64").program.read_bytes(),
    }
    for jobs in (1, 3):
        found = contents(tmp_path, files, jobs, method=method)
        assert list(found.files.items()) == [(name, read_macho(data, name)) for name, data in files.items()]
        assert found.ignored == ()


def test_members_are_told_by_their_bytes_not_their_names(tmp_path: Path) -> None:
    files = {"foo/lib.txt": LIBRARY, "foo/x.dylib": b"#!/bin/sh\n" + b"x" * 90, "foo/x.so": b"\xcf\xfa\xed\xfe"}
    files |= {"foo/A.class": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(90), "foo/empty": b"", "foo/": b""}
    found = contents(tmp_path, files)
    assert (list(found.files), found.ignored) == (["foo/lib.txt"], ())


def test_what_dyld_does_not_map_is_ignored_with_the_reason(tmp_path: Path) -> None:
    archive = b"!<arch>\n" + bytes(60)
    windows = b"MZ" + bytes(58) + (128).to_bytes(4, "little") + bytes(64) + b"PE\0\0" + bytes(60)
    reasons = {
        "foo/link.so": (b"target.so", "a symbolic link, which installers write as a text file"),
        "foo/a.a": (archive, "a static library: no loader maps it"),
        "foo/thin.a": (b"!<thin>\n" + bytes(60), "a static library: no loader maps it"),
        "foo/fat.a": (fat([arch(archive, "x86_64"), arch(archive, "arm64")]), "a static library: no loader maps it"),
        "foo/mixed.a": (fat([arch(archive, "i386"), Macho(file_type=OBJECT)]), "a static library: no loader maps it"),
        "foo/x.o": (Macho(file_type=OBJECT).build(), "an object file: no loader maps it"),
        "foo/x.dSYM/Contents/Resources/DWARF/x": (
            fat([Macho("x86_64", DSYM), Macho("arm64", DSYM)]),
            "debug symbols: no loader maps them",
        ),
        "foo/core": (Macho(file_type=CORE).build(), "a memory image of a crashed program"),
        "foo/dyld": (Macho(file_type=DYLINKER).build(), "a loader itself, which macOS does not take from a wheel"),
        "foo/stub": (Macho(file_type=DYLIB_STUB).build(), "a stub for linkers: no loader maps it"),
        "foo/kext": (Macho(file_type=KEXT).build(), "an extension of the kernel, not for programs"),
        "foo/gpu": (Macho(file_type=14).build(), "a Mach-O file of a kind that no loader maps"),
        "foo/x.so": (b"\x7fELF" + bytes(60), "an ELF file: dyld does not map it"),
        "foo/x.dll": (windows, "a file of Windows: dyld does not map it"),
    }
    files = {name: content for name, (content, _) in reasons.items()}
    files |= {"foo/MZ.txt": b"MZ is not enough", "foo/dos.exe": b"MZ" + b"\xff" * 90, "foo/dos2.exe": b"MZ" + bytes(90)}
    found = contents(tmp_path, files, modes={"foo/link.so": 0o120777})
    assert not found.files
    assert dict(found.ignored) == {name: reason for name, (_, reason) in reasons.items()}
    assert [name for name, _ in found.ignored] == list(reasons)


def test_one_slice_that_dyld_maps_is_enough(tmp_path: Path) -> None:
    mixed = fat([arch(b"!<arch>\n" + bytes(60), "x86_64"), linked("arm64")])
    found = contents(tmp_path, {"foo/mixed": mixed, "foo/run": Macho(file_type=EXECUTE).build()})
    assert list(found.files) == ["foo/mixed", "foo/run"]
    assert [item.file_type.is_loaded for item in found.files["foo/mixed"].slices] == [False, True]


@pytest.mark.parametrize("method", METHODS)
def test_load_commands_may_be_long_and_lie_far_apart(tmp_path: Path, method: int) -> None:
    long = linked("x86_64", None, *[rpath(f"/opt/{number:04}/lib") for number in range(3000)])
    large = replace(long, sections=[Sect(content=bytes(700_000))])
    data = fat([large, replace(long, arch="arm64"), replace(large, arch="ppc")])
    for content in (data, long.build(), fat([linked("i386"), linked("x86_64")])):
        found = contents(tmp_path, {"foo/x.so": content}, method=method)
        assert found.files == {"foo/x.so": read_macho(content, "x")}


def test_the_first_damaged_member_is_named(tmp_path: Path) -> None:
    bad, bad_fat = LIBRARY[:500], fat([linked("x86_64"), arch(LIBRARY[:500], "arm64")])
    for files in (
        {"foo/a": LIBRARY, "foo/b": bad, "foo/c": bad_fat, "foo/d": bad_fat},
        {"foo/a": LIBRARY, "foo/b": bad_fat, "foo/c": bad, "foo/d": bad_fat},
    ):
        for jobs in (1, 4):
            with pytest.raises(InvalidBinaryError) as caught:
                contents(tmp_path, files, jobs)
            assert caught.value.where == "foo/b"


def test_a_member_that_does_not_inflate_is_an_error_of_the_archive(tmp_path: Path) -> None:
    large = replace(linked("x86_64"), sections=[Sect(content=bytes(range(256)) * 4096)])
    path = build_wheel(tmp_path, {"foo/x.so": fat([large, linked("arm64")])})
    with WheelReader.open(path) as reader:
        entry = reader.entry("foo/x.so")
        at = entry.data_offset + entry.compressed_size // 2
    data = bytearray(path.read_bytes())
    data[at : at + 200] = b"\xff" * 200
    path.write_bytes(data)
    with WheelReader.open(path) as reader, pytest.raises(InvalidArchiveError):
        read_macho_members(reader)


def test_little_is_inflated_of_a_large_thin_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = replace(linked("x86_64"), file_type=BUNDLE, sections=[Sect(content=bytes(5 << 20))])
    path = build_wheel(tmp_path, {"foo/x.so": large.build()})
    asked: list[int] = []
    head = WheelReader.head

    def counted(reader: WheelReader, name: str, size: int) -> bytes:
        asked.append(size)
        return head(reader, name, size)

    monkeypatch.setattr(WheelReader, "head", counted)
    monkeypatch.delattr(WheelReader, "stream")
    monkeypatch.delattr(WheelReader, "view")
    with WheelReader.open(path) as reader:
        assert list(read_macho_members(reader).files) == ["foo/x.so"]
    assert max(asked) <= 1 << 14
