"""The folder for files that are being edited: where it lies, who may enter it, and that it goes."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import pytest

from truewheel.errors import OutputError
from truewheel.repair import scratch
from truewheel.repair.scratch import scratch_folder


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    return monkeypatch


@pytest.mark.parametrize("name", [None, "TMPDIR", "TEMP", "TMP"])
def test_it_lies_where_temporary_files_lie(bare: pytest.MonkeyPatch, tmp_path: Path, name: str | None) -> None:
    if name is not None:
        bare.setenv(name, str(tmp_path))
    with scratch_folder() as folder:
        assert folder.parent == Path(tempfile.gettempdir())
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_place_that_is_not_there_is_passed(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("TMPDIR", str(tmp_path / "missing"))
    with scratch_folder() as folder:
        assert folder.parent == Path(tempfile.gettempdir())


def test_a_relative_place_is_seen_from_the_working_directory(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.chdir(tmp_path)
    bare.setenv("TMPDIR", ".")
    with scratch_folder() as folder:
        assert folder.parent == tmp_path


def test_two_are_never_the_same() -> None:
    with scratch_folder() as one, scratch_folder() as other:
        assert one != other


def test_all_that_is_left_in_it_goes(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("TMPDIR", str(tmp_path))
    with scratch_folder() as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_bytes(b"x")
    assert list(tmp_path.iterdir()) == []


def test_no_place_at_all_is_an_output_error(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setattr(scratch, "_PLACES", (str(tmp_path / "missing"),))
    with pytest.raises(OutputError, match="cannot be written"), scratch_folder():
        pytest.fail("there is no place")


def test_it_goes_when_the_work_fails(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(KeyboardInterrupt), scratch_folder():
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
