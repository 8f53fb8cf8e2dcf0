"""Mending many wheels: names that several would get are found before anything is written."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from support.checks import wheel
from support.cli import truewheel

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.errors import OutputError


def test_fix_finds_wheels_of_one_name_before_it_writes(tmp_path: Path) -> None:
    spelt = {name: wheel(tmp_path / name, files={"foo/a.py": name.encode()}) for name in ("FOO", "Foo", "fine")}
    for name, path in spelt.items():
        if name != "fine":
            spelt[name] = path.rename(path.with_name(path.name.replace("foo", name)))
    other = spelt["fine"].rename(tmp_path / "fine" / "foo-1.0-7-py3-none-any.whl")
    done = truewheel("check", "--fix", "--json", "-w", tmp_path / "new", spelt["FOO"], spelt["Foo"], other)
    document = json.loads(done.output)
    assert done.code == 4
    assert [item["file"] for item in document["failed"]] == [str(spelt["FOO"]), str(spelt["Foo"])]
    assert all("as another of the given wheels is" in item["error"] for item in document["failed"])
    assert [path.name for path in (tmp_path / "new").iterdir()] == [other.name]


@pytest.mark.parametrize("member", ["/etc/x", "../x", "bar-1.0.dist-info/WHEEL"])
def test_fix_copies_what_nothing_can_be_mended_of(member: str, tmp_path: Path) -> None:
    whole = wheel(tmp_path / "whole")
    path = tmp_path / whole.name
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr(member, b"")
    done = truewheel("check", "--fix", "-w", tmp_path / "new", path)
    copy = tmp_path / "new" / path.name
    assert (done.code, done.output) == (1, f"{copy}\n")
    assert copy.read_bytes() == path.read_bytes()
    assert truewheel("check", "--fix", "-w", tmp_path / "new", path).code == 1
    assert truewheel("check", "--fix", "-w", tmp_path, path).output == f"{path}\n"
    assert truewheel("check", "--fix", path).output == f"{path}\n"
    copy.write_bytes(b"other")
    refused = truewheel("check", "--fix", "-w", tmp_path / "new", path)
    assert (refused.code, "exists already" in refused.errors) == (1, True)


def test_fix_beside_a_mended_wheel_of_an_earlier_run_does_nothing(tmp_path: Path) -> None:
    path = wheel(tmp_path)
    path = path.rename(path.with_name(path.name.replace("foo", "FOO")))
    assert truewheel("check", "--fix", tmp_path).code == 0
    before = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    assert len(before) == 2
    assert truewheel("check", "--fix", tmp_path).code == 0
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == before
    assert truewheel("check", "--fix", "--force", tmp_path).code == 4


def test_fix_does_not_mend_another_wheel_than_it_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wheel(tmp_path)
    path = path.rename(path.with_name(path.name.replace("foo", "FOO")))

    def late(*_: object, **__: object) -> dict[int, OutputError]:
        with path.open("ab") as file:
            file.write(b"more")
        return {}

    monkeypatch.setattr("truewheel.cli.batch.collisions", late)
    assert "changed since it was checked" in truewheel("check", "--fix", path).errors
    assert list(tmp_path.iterdir()) == [path]
