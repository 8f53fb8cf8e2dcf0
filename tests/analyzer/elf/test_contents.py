from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from support.elf_bytes import NEEDED, SONAME, Elf, Sym
from support.fixtures import family, odd
from support.wheels import build_wheel
from truewheel.analyzer.elf import contents
from truewheel.analyzer.elf.contents import read_members
from truewheel.archive.reader import WheelReader
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truewheel.analyzer.elf.contents import Contents

_TONE = family("x86_64").tone.read_bytes()


def _read(folder: Path, files: Mapping[str, bytes], jobs: int = 1, **options: object) -> Contents:
    path = build_wheel(folder, files, **options)  # type: ignore[arg-type] # passed on as it came
    with WheelReader.open(path) as reader:
        return read_members(reader, jobs)


def test_native_members_are_told_by_their_bytes_not_their_names(tmp_path: Path) -> None:
    files = {"foo/lib.txt": _TONE, "foo/data.py": _TONE, "foo/not.so": b"#!/bin/sh\n" + b"x" * 100, "foo/z": _TONE}
    assert list(_read(tmp_path, files).images) == ["foo/lib.txt", "foo/data.py", "foo/z"]


def test_members_come_in_archive_order_whatever_their_size(tmp_path: Path) -> None:
    files = {f"foo/{name}": _TONE + b"\0" * size for name, size in (("c", 5), ("a", 500), ("b", 0))}
    for jobs in (1, 2, 5):
        assert list(_read(tmp_path, files, jobs).images) == ["foo/c", "foo/a", "foo/b"]


def test_files_too_small_for_an_elf_header_are_not_native(tmp_path: Path) -> None:
    found = _read(tmp_path, {"foo/stub": b"\x7fELF", "foo/empty": b"", "foo/": b""})
    assert (found.images, found.ignored) == ({}, ())


def test_what_no_loader_maps_is_ignored_with_the_reason(tmp_path: Path) -> None:
    files = {
        "foo/libs.a": b"!<arch>\n" + b"x" * 100,
        "foo/thin.a": b"!<thin>\n" + b"x" * 100,
        "foo/big.o": Elf(type=1, byte_order="big", machine=22).build().data,
        "foo/little.o": Elf(type=1).build().data,
        "foo/core": Elf(type=4).build().data,
        "foo/gpu.co": Elf(machine=224).build().data,
        "foo/link.so": b"target.so" + b"x" * 20,
    }
    found = _read(tmp_path, files, modes={"foo/link.so": 0o120777})
    assert not found.images
    assert [name for name, _ in found.ignored] == list(files)
    reasons = dict(found.ignored)
    assert "static library" in reasons["foo/libs.a"] == reasons["foo/thin.a"]
    assert "object file" in reasons["foo/big.o"] == reasons["foo/little.o"]
    assert "crashed" in reasons["foo/core"]
    assert "amdgpu" in reasons["foo/gpu.co"]
    assert "symbolic link" in reasons["foo/link.so"]


def test_debug_information_split_from_a_library_is_ignored(tmp_path: Path) -> None:
    found = _read(tmp_path, {"foo/lib.debug": Elf(dynamic=False).build().data, "foo/none": _without_segments()})
    assert [name for name, _ in found.ignored] == ["foo/none"]


def _without_segments() -> bytes:
    data = bytearray(_TONE)
    data[32:40] = bytes(8)  # e_phoff
    data[56:58] = bytes(2)  # e_phnum
    return bytes(data)


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_first_damaged_member_is_named(tmp_path: Path, jobs: int) -> None:
    files = {"foo/good.so": _TONE, "foo/first.so": _TONE[:200], "foo/second.so": _TONE[:300]}
    with pytest.raises(InvalidBinaryError) as caught:
        _read(tmp_path, files, jobs)
    assert caught.value.where == "foo/first.so"


def test_each_native_member_is_inflated_once_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inflated: list[str] = []
    inner = WheelReader.view

    def view(self: WheelReader, name: str) -> memoryview:
        inflated.append(name)
        return inner(self, name)

    monkeypatch.setattr(WheelReader, "view", view)
    files = {
        "foo/a.so": _TONE,
        "foo/b.so": _TONE + b"\0" * 9,
        "foo/text": b"x" * 1000,
        "foo/x.o": Elf(type=1).build().data,
    }
    _read(tmp_path, files)
    assert inflated == ["foo/b.so", "foo/a.so"]


@pytest.mark.parametrize("limit", [0, 1 << 20])
def test_a_member_is_asked_for_its_symbols_kept_or_inflated_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(contents, "_KEPT_LIMIT", limit)
    module = Elf(symbols=[Sym("PyInit_mod"), Sym("extra")], named=[(NEEDED, "libx.so")]).build().data
    library = Elf(symbols=[Sym("used", defined=False), Sym("given")], named=[(SONAME, "libx.so")]).build().data
    path = build_wheel(tmp_path, {"foo/mod.so": module, "foo/libx.so": library})
    with WheelReader.open(path) as reader:
        found = read_members(reader)
        assert set(found.kept) == (set() if limit == 0 else {"foo/libx.so"})
        assert found.defined("foo/libx.so", frozenset({"given", "used", "no"})) == {"given"}
        assert found.defined("foo/mod.so", frozenset({"extra"})) == {"extra"}


def test_a_library_of_this_machine_is_asked_by_its_path(tmp_path: Path) -> None:
    with WheelReader.open(build_wheel(tmp_path, {})) as reader:
        found = read_members(reader)
        library = odd("versioned.so")
        assert found.defined(str(library), frozenset({"no_such_name"})) == frozenset()


def test_stored_members_are_read_too(tmp_path: Path) -> None:
    found = _read(tmp_path, {"foo/a.so": _TONE}, method=zipfile.ZIP_STORED)
    assert found.images["foo/a.so"].soname == "libtone.so.2"
