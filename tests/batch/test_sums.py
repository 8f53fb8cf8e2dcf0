"""SHA256SUMS as coreutils reads it, and the map of names."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.batches import pure_wheel
from truewheel.batch.published import Published
from truewheel.batch.sums import write_sums
from truewheel.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path

OLD = "0" * 64


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_wheel_of_the_folder_is_listed_by_name(tmp_path: Path) -> None:
    z, a = pure_wheel(tmp_path, "z"), pure_wheel(tmp_path, "a")
    (tmp_path / ".hidden.whl").touch()
    (tmp_path / "folder.whl").mkdir()
    write_sums(tmp_path, [Published("old.whl", OLD, z)], 2)
    assert (tmp_path / "SHA256SUMS").read_text() == f"{digest(a)}  {a.name}\n{digest(z)}  {z.name}\n"


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="coreutils are not there")
def test_coreutils_check_it(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path, "a")
    write_sums(tmp_path, [])
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    wheel.write_bytes(b"another")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_lines_of_other_files_stay_and_those_of_gone_ones_go(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path, "b")
    (tmp_path / "a.tar.gz").touch()
    text = f"{'1' * 64}  gone.tar.gz\n{'2' * 64} *a.tar.gz\n{'3' * 64}  {wheel.name}\n{'4' * 64}  gone.whl\n"
    (tmp_path / "SHA256SUMS").write_text(text)
    write_sums(tmp_path, [])
    assert (tmp_path / "SHA256SUMS").read_text() == f"{'2' * 64}  a.tar.gz\n{digest(wheel)}  {wheel.name}\n"


def test_a_file_of_that_name_that_is_no_list_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_text("dear diary\n")
    with pytest.raises(InvalidInputError, match="'dear diary' is no line of a list of sums"):
        write_sums(tmp_path, [])
    assert (tmp_path / "SHA256SUMS").read_text() == "dear diary\n"


def test_names_are_told_from_old_to_new_and_kept(tmp_path: Path) -> None:
    z, a = pure_wheel(tmp_path, "z"), pure_wheel(tmp_path, "a")
    write_sums(tmp_path, [Published("old-z.whl", OLD, z)])
    write_sums(tmp_path, [Published("old-a.whl", OLD, a), Published("old-z.whl", OLD, z)])
    assert json.loads((tmp_path / "names.json").read_text()) == {
        "schema": "truewheel.names/1",
        "names": [
            {"old": "old-a.whl", "old_sha256": OLD, "new": a.name, "new_sha256": digest(a)},
            {"old": "old-z.whl", "old_sha256": OLD, "new": z.name, "new_sha256": digest(z)},
        ],
    }


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path, "a")
    paths = write_sums(tmp_path, [Published("old.whl", OLD, wheel)])
    before = [path.stat().st_ino for path in paths]
    assert [path.stat().st_ino for path in write_sums(tmp_path, [Published("old.whl", OLD, wheel)])] == before


@pytest.mark.parametrize("content", ["x", "[]", '{"schema": "other", "names": []}', '{"schema": "truewheel.names/1"}'])
def test_another_map_of_names_is_left_alone(content: str, tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(content)
    with pytest.raises(InvalidInputError, match="is no map of names that truewheel wrote"):
        write_sums(tmp_path, [])
