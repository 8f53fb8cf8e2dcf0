"""What a user names as a file may be a pipe, a socket or a device: none of them keeps a run waiting for ever."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from truewheel.errors import InvalidInputError
from truewheel.given_files import open_file, read_given

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes with the paths of files")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # the path of a socket has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    return tmp_path / "socket"


def test_a_file_is_opened_and_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with open_file(path) as file:
        assert file.read() == b"content"
    assert read_given(path) == b"content"


def test_what_is_no_file_is_not_opened_as_one(pipe: Path, listening: Path, tmp_path: Path) -> None:
    for path, kind in ((pipe, "a named pipe"), (listening, "a socket"), (Path("/dev/null"), "a device")):
        with pytest.raises(InvalidInputError, match=f"is {kind}, not a file"):
            open_file(path)
    with pytest.raises(InvalidInputError, match="is a folder, not a file"):
        open_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "absent")


def test_a_file_that_became_a_pipe_is_not_waited_for(
    pipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    status = file.stat()
    monkeypatch.setattr(Path, "stat", lambda _: status)
    with pytest.raises(InvalidInputError, match="is a named pipe, not a file"):
        open_file(pipe)


def test_a_pipe_that_nobody_writes_to_is_empty(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truewheel.given_files._PATIENCE", 0.01)
    assert read_given(pipe) == b""


@pytest.mark.parametrize("pause", [0.0, 0.2])
def test_all_that_somebody_writes_to_a_pipe_is_read(pipe: Path, pause: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truewheel.given_files._PATIENCE", 0.05 if pause else 5)
    content = bytes(range(256)) * 1024
    opened = threading.Event()

    def write() -> None:
        descriptor = os.open(pipe, os.O_RDWR)  # which waits for no reader
        opened.set()
        time.sleep(pause)
        for start in range(0, len(content), 1024):
            os.write(descriptor, content[start : start + 1024])
        os.close(descriptor)

    writer = threading.Thread(target=write)
    writer.start()
    opened.wait()
    try:
        assert read_given(pipe) == content
    finally:
        writer.join()


def test_what_a_shell_puts_in_place_of_a_process_is_read() -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"a line\n")
    os.close(theirs)
    try:
        assert read_given(Path(f"/dev/fd/{ours}")) == b"a line\n"
    finally:
        os.close(ours)


def test_other_things_are_read_as_far_as_they_end(listening: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_given(Path("/dev/null")) == b""
    monkeypatch.setattr("truewheel.given_files._MOST", 1 << 20)
    with pytest.raises(OSError, match="it is no file, and has more than 1 MiB"):
        read_given(Path("/dev/zero"))
    with pytest.raises(OSError, match="No such device or address"):
        read_given(listening)
    with pytest.raises(IsADirectoryError):
        read_given(Path())
