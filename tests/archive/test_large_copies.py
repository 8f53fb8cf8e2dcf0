"""Large parts of a wheel: copied by a thread into room that was found beforehand, and brought to the disk meanwhile."""

from __future__ import annotations

import errno
import os
import sys
import threading
from hashlib import shake_128
from typing import TYPE_CHECKING

import pytest

from support.wheels import build_wheel
from truewheel.archive import zip_write
from truewheel.archive.reader import WheelReader
from truewheel.archive.writer import Changes, NewMember, stage
from truewheel.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "foo-1.0-py3-none-any.whl"
NEW = "foo-1.0-1-py3-none-any.whl"
CHANGES = Changes((NewMember("foo-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0\nTag: py3-none-any\nBuild: 1\n"),))
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel with 6 MiB that no compression makes smaller."""
    noise = shake_128(b"noise").digest(6 * MEGABYTE)
    folder = tmp_path_factory.mktemp("large")
    return build_wheel(folder, {"foo/noise.bin": noise, "foo/__init__.py": b""}, filename=NAME)


def written(wheel: Path, folder: Path) -> bytes:
    with WheelReader.open(wheel) as reader, stage(reader, CHANGES, folder, jobs=1) as staged:
        return staged.publish(NEW).read_bytes()


@pytest.fixture
def plainly(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What the new wheel is when nothing is reserved, copied by the kernel, or done by a thread."""
    with monkeypatch.context() as patched:
        patched.setattr(zip_write, "_SMALL", 1 << 40)
        return written(wheel, tmp_path / "plainly")


def test_the_bytes_are_those_of_a_plain_copy(wheel: Path, plainly: bytes, tmp_path: Path) -> None:
    before = threading.active_count()
    assert written(wheel, tmp_path / "out") == plainly
    assert threading.active_count() == before


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system finds no room beforehand")
def test_a_disk_without_room_is_found_before_anything_is_copied(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int, start: int, count: int) -> None:
        assert (start, count >= 6 * MEGABYTE) == (0, True)
        raise OSError(errno.ENOSPC, "No space left on device")

    def never(*_: object) -> int:
        raise AssertionError

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(os, "copy_file_range", never)
    with pytest.raises(OutputError, match="No space left on device") as caught:
        written(wheel, tmp_path / "out")
    assert caught.value.hint == "free some space there, or choose another directory"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("way", ["refused", "absent"])
def test_a_file_system_that_finds_no_room_beforehand_does(
    way: str, wheel: Path, plainly: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    if way == "refused":
        monkeypatch.setattr(os, "posix_fallocate", refused, raising=False)
    else:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    assert written(wheel, tmp_path / "out") == plainly


def test_an_error_of_the_copy_leaves_nothing(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(zip_write, "copy_range", broken)
    before = threading.active_count()
    with pytest.raises(OutputError, match="Input/output error"):
        written(wheel, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert threading.active_count() == before


def test_an_error_beside_the_copy_ends_it_and_leaves_nothing(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "beside the copy")

    monkeypatch.setattr(zip_write.ArchiveWriter, "add", broken)
    before = threading.active_count()
    with pytest.raises(OutputError, match="beside the copy"):
        written(wheel, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert threading.active_count() == before


def test_what_is_left_of_a_copy_is_not_begun_after_an_error(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, failed, copied = threading.Event(), threading.Event(), list[int]()

    def slow(_: int, __: int, start: int, end: int) -> int:
        begun.set()
        failed.wait()
        copied.append(start)
        return end - start

    def broken(*_: object) -> None:
        begun.wait()
        threading.Timer(0.05, failed.set).start()
        raise OSError(errno.EIO, "beside the copy")

    monkeypatch.setattr(zip_write, "_AT_ONCE", MEGABYTE)
    monkeypatch.setattr(zip_write, "copy_range", slow)
    monkeypatch.setattr(zip_write.ArchiveWriter, "add", broken)
    with pytest.raises(OutputError, match="beside the copy"):
        written(wheel, tmp_path / "out")
    assert copied == [0]


@pytest.mark.skipif(sys.platform != "linux", reason="the promise is Linux's")
def test_pieces_are_brought_to_the_disk_while_later_ones_are_copied(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, int]] = []
    copy, begin = os.copy_file_range, os.posix_fadvise

    def copied(source: int, target: int, count: int, offset: int) -> int:
        calls.append(("copy", offset))
        return copy(source, target, count, offset)

    def begun(target: int, start: int, count: int, advice: int) -> None:
        calls.append(("begin", start))
        begin(target, start, count, advice)

    monkeypatch.setattr(os, "copy_file_range", copied)
    monkeypatch.setattr(os, "posix_fadvise", begun)
    monkeypatch.setattr(zip_write, "_PIECE", 2 * MEGABYTE)
    written(wheel, tmp_path / "out")
    assert calls[:4] == [("copy", 0), ("begin", 0), ("copy", 2 * MEGABYTE), ("begin", 2 * MEGABYTE)]
