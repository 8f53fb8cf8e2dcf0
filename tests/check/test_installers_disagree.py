"""Wheels of which pip, uv and installer, or the tool that made them, think differently: each has its finding.

The rows are what each of these programs was seen to do: take the wheel, refuse it, or take it and complain later.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from support.checks import INFO, METADATA, RECORD, rules, wheel
from support.wheels import write_files

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
NAMED = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        (
            f"{HEAD}Tag: cp310-cp310-win_amd64\n",
            "wheel-tags",
        ),  # installs; `pip check` fails, uv installs it again and again
        (HEAD, "wheel-tags"),  # installs; `pip check` fails
        (f"{HEAD}Tag: py3.py2-none-any\nTag: py3-none-any\n", "wheel-tag-lines"),
        (f"Wheel-Version: 2.0\n{HEAD[19:]}Tag: py3-none-any\n", "wheel-file"),  # refused by all, taken by `wheel tags`
        (f"Wheel-Version: 1.9\n{HEAD[19:]}Tag: py3-none-any\n", "wheel-file"),  # pip warns, uv does not
        (f"{HEAD}Build: 1\nTag: py3-none-any\n", "wheel-build"),
        (f"{HEAD}\nTag: py3-none-any\n", "wheel-headers"),  # `wheel tags` ends in a traceback
    ],
)
def test_wheel_files(tmp_path: Path, lines: str, rule: str) -> None:
    assert rule in rules(wheel(tmp_path, lines=lines))


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("foo-1.0-abc-py3-none-any", "file-name"),  # pip: invalid build number; uv: a variant label
        ("foo-1.0-py2.py3-none-any.win32", None),  # all take it
        ("foo-1.0-py3.py2-none-any", "tag-order"),
        ("foo-1.0-py3-none-ANY", "tag-spelling"),  # pip takes it, uv does not
        ("foo-1.0-py3-none-any.", "tag-spelling"),  # pip and uv refuse it, `wheel tags` makes it
        ("foo-1.0-py3-none-x..y", "tag-spelling"),
        ("foo-1.0-py3-none-bogus", "unmatched-tag"),
        ("foo-1.0-py3-none-manylinux_99_99_sparc", "unmatched-tag"),
        ("foo-1.0-cp310-universal2-any", "unmatched-tag"),
        ("Foo-1.0-py3-none-any", "project-name"),
        ("foo-1.0+cpu-py3-none-any", "metadata"),  # pip installs 1.0, uv 1.0+cpu
    ],
)
def test_names(tmp_path: Path, name: str, rule: str | None) -> None:
    found = rules(wheel(tmp_path).rename(tmp_path / f"{name}.whl"))
    assert rule is None or rule in found
    assert rule is not None or found == ["wheel-tags"]


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        ({METADATA: NAMED.format("bar", "1.0").encode()}, "metadata"),  # pip and uv refuse it, installer does not
        ({METADATA: NAMED.format("foo", "2.0").encode()}, "metadata"),  # uv refuses it, pip does not
        ({RECORD: f"foo/__init__.py,sha256=wrong,0\n{RECORD},,\n".encode()}, "record-hash"),  # taken by all
        ({RECORD: f"{RECORD},,\n".encode()}, "record-unlisted"),  # taken by all but strict installers
        ({f"{RECORD}.jws": b"{}"}, "record-signature"),  # installed like any file
    ],
)
def test_contents(tmp_path: Path, files: dict[str, bytes], rule: str) -> None:
    assert rule in rules(wheel(tmp_path, files=files))


def test_a_wheel_without_record(tmp_path: Path) -> None:
    whole = wheel(tmp_path / "whole")
    path = tmp_path / whole.name
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        write_files(target, {name: source.read(name) for name in source.namelist() if name != RECORD})
    assert rules(path) == ["dist-info"]


def test_a_member_that_is_there_twice(tmp_path: Path) -> None:
    path = wheel(tmp_path)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(f"{INFO}/WHEEL", b"")
    assert rules(path) == ["archive"]
