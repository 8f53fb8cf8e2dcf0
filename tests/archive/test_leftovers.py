"""What a killed run left unfinished goes with the next run; what somebody is writing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.batches import pure_wheel
from support.cli import environment, truewheel
from truewheel.archive import leftovers
from truewheel.archive.leftovers import create_unfinished, remove_leftovers
from truewheel.archive.staging import temporary_file

WRITER = """
import sys, time
from pathlib import Path
from truewheel.archive.staging import temporary_file
with temporary_file(Path(sys.argv[1]), 0o644) as (file, staged):
    file.write(b"half")
    file.flush()
    print("ready", flush=True)
    time.sleep(60)
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the starts of a machine apart")


def parts(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".part"))


def test_a_file_goes_when_its_writer_is_killed_and_stays_before(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    (name,) = parts(tmp_path)
    assert name.startswith(".truewheel-")
    remove_leftovers(tmp_path)
    assert parts(tmp_path) == [name]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert parts(tmp_path) == [name]
    remove_leftovers(tmp_path)
    assert parts(tmp_path) == []


def test_a_file_stays_until_it_has_its_name(tmp_path: Path) -> None:
    with temporary_file(tmp_path, 0o644) as (file, staged):
        file.write(b"whole")
    remove_leftovers(tmp_path)
    assert parts(tmp_path) == [staged.path.name]
    assert staged.publish("a-1.0-py3-none-any.whl").read_bytes() == b"whole"


def test_what_is_kept_or_renamed_is_held_no_more(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for end in ("keep", "replace", "publish", "discard"):
        with temporary_file(tmp_path / end, 0o644) as (_, staged):
            pass
        getattr(staged, end)(*{"replace": ["a"], "publish": ["a.whl"]}.get(end, []))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("name", [".truewheel-0123456789abcdef-1-0.part", ".truewheel-1-0.part", ".other.part"])
def test_files_of_others_stay(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert parts(tmp_path) == [name]


def test_nothing_goes_where_starts_are_not_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_START", tmp_path / "none")
    path, descriptor = create_unfinished(tmp_path, 0o644)
    os.close(descriptor)
    assert path.name == f".truewheel-{os.getpid()}-0.part"
    remove_leftovers(tmp_path)
    assert path.exists()


def test_a_name_that_is_taken_or_being_removed_is_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True])
    monkeypatch.setattr(leftovers, "_hold", lambda _: next(answers))
    path, descriptor = create_unfinished(tmp_path, 0o644)
    os.close(descriptor)
    assert path.name.endswith("-1.part")


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    remove_leftovers(tmp_path / "none")


def test_without_locks_everything_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    path, descriptor = create_unfinished(tmp_path, 0o644)
    os.close(descriptor)
    remove_leftovers(tmp_path)
    assert path.exists()


@pytest.mark.parametrize(
    "command",
    [("repair", "-w", "."), ("retag", "--build=1"), ("check", "--fix"), ("repair", "-w", ".", "--all-or-nothing")],
)
def test_the_next_run_removes_them(command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wheel = pure_wheel(tmp_path, "a")
    _, descriptor = create_unfinished(tmp_path, 0o644)
    os.close(descriptor)
    assert len(parts(tmp_path)) == 1
    truewheel(*command, wheel)
    assert parts(tmp_path) == []
