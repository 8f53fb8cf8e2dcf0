"""The journal of a batch survives what a crash leaves of it, and is nobody else's."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from support.batches import SETTINGS, batch, pure_wheel
from truewheel.batch.apply import apply_batch, finish_interrupted
from truewheel.batch.files import copy_file, write_file
from truewheel.batch.journal import Ready, folder_of, interrupted, is_committed, open_journal
from truewheel.errors import InvalidInputError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "ab" * 32
READY = Ready(0, "0.part", "cd" * 32, 7, ("a note",))


def lines(directory: Path) -> list[str]:
    return (folder_of(directory, DIGEST) / "journal.jsonl").read_text().splitlines()


def test_what_was_noted_is_read_again(tmp_path: Path) -> None:
    with open_journal(tmp_path, DIGEST) as journal:
        journal.note(READY)
    with open_journal(tmp_path, DIGEST) as journal:
        assert journal.ready == {0: READY}
        assert not journal.committed
        journal.commit({})
    assert is_committed(tmp_path, DIGEST)
    with open_journal(tmp_path, DIGEST) as journal:
        assert journal.committed
        journal.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [1, 10, 40])
def test_a_last_line_that_was_cut_short_is_ignored(cut: int, tmp_path: Path) -> None:
    with open_journal(tmp_path, DIGEST) as journal:
        journal.note(READY)
        journal.commit({})
    path = folder_of(tmp_path, DIGEST) / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    with open_journal(tmp_path, DIGEST) as journal:
        assert journal.committed is (cut == 1)
        journal.note(READY._replace(number=1))
    with open_journal(tmp_path, DIGEST) as journal:
        assert 1 in journal.ready


@pytest.mark.parametrize("content", [b"", b'{"sche', b'{"schema": "other"}\n{"commit": true}\n', b"\xff\n"])
def test_a_journal_of_something_else_tells_nothing(content: bytes, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, DIGEST)
    folder.mkdir()
    (folder / "journal.jsonl").write_bytes(content)
    assert not is_committed(tmp_path, DIGEST)
    assert list(interrupted(tmp_path)) == []
    with open_journal(tmp_path, DIGEST) as journal:
        assert not journal.committed
    assert len(lines(tmp_path)) == 1


def test_a_plan_that_is_committed_can_be_finished_by_anybody(tmp_path: Path) -> None:
    plan, out = batch([pure_wheel(tmp_path, "a")]), tmp_path / "out"

    def die(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_batch(plan, out, SETTINGS, then=die)
    (made,) = finish_interrupted(out, SETTINGS)
    assert made.path == out / "a-1.0-py3-none-any.whl"
    assert finish_interrupted(out, SETTINGS) == ()
    assert len(list(out.iterdir())) == 1


def test_a_plan_of_another_version_is_left_to_whoever_made_it(tmp_path: Path) -> None:
    with open_journal(tmp_path, DIGEST) as journal:
        journal.commit({"schema": "truewheel.batch-plan/0"})
    with pytest.raises(InvalidInputError, match="the plan has schema"):
        finish_interrupted(tmp_path, SETTINGS)
    assert is_committed(tmp_path, DIGEST)


def test_an_end_that_was_reached_is_cleared_away(tmp_path: Path) -> None:
    with open_journal(tmp_path, DIGEST) as journal:
        journal.commit({})
    (folder_of(tmp_path, DIGEST) / "plan.json").unlink()
    folder_of(tmp_path, "00" * 32).mkdir()
    assert list(interrupted(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_another_batch_under_a_wrong_name_is_left_alone(tmp_path: Path) -> None:
    with open_journal(tmp_path, DIGEST) as journal:
        journal.commit({})
    folder_of(tmp_path, DIGEST).rename(tmp_path / ".truewheel-batch-other")
    assert list(interrupted(tmp_path)) == []
    assert (tmp_path / ".truewheel-batch-other").exists()


def test_file_systems_without_locks_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(fcntl, "flock", refuse)
    with open_journal(tmp_path, DIGEST) as journal:
        journal.note(READY)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError), open_journal(tmp_path / "file", DIGEST):
        pass


def test_a_small_file_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_file(tmp_path / "deep" / "x.json", b"one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_file(path, b"two")
    assert path.read_bytes() == b"one"
    assert [each.name for each in path.parent.iterdir()] == ["x.json"]


def test_a_copy_takes_no_other_file_s_place(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    with pytest.raises(OutputError, match="exists already with other content"):
        copy_file(one, other, force=False)
    assert copy_file(one, other, force=True).read_bytes() == b"1"
    assert copy_file(one, other, force=False).read_bytes() == b"1"
