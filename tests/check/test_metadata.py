"""What a check says of the metadata folder."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from support.checks import INFO, METADATA, findings, messages, rules, wheel
from support.wheels import build_wheel
from truewheel.check.findings import Severity
from truewheel.check.fix import fix_wheel

if TYPE_CHECKING:
    from pathlib import Path


def test_a_wheel_of_another_project(tmp_path: Path) -> None:
    path = wheel(tmp_path, info="bar-1.0.dist-info")
    assert rules(path) == ["dist-info", "metadata"]
    assert messages(path) == [
        "is named for foo-1.0, but bar-1.0.dist-info is inside",
        "the Name is bar, the file name says foo",
    ]


def test_a_wheel_without_metadata(tmp_path: Path) -> None:
    path = wheel(tmp_path, files={"other-2.dist-info/x": b""})
    (finding,) = findings(path)
    assert finding.rule == "dist-info"
    assert "2 folders" in finding.message
    assert rules(build_wheel(tmp_path, {f"{INFO}/RECORD": b""}, dist_info="bar.dist-info")) == ["dist-info"]


@pytest.mark.parametrize(("index", "severity"), [("pypi", Severity.ERROR), ("none", Severity.WARNING)])
def test_a_folder_of_another_spelling(tmp_path: Path, index: str, severity: Severity) -> None:
    (finding,) = findings(wheel(tmp_path, info="Foo-1.0.dist-info"), index=index)
    assert (finding.rule, finding.severity) == ("dist-info-name", severity)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Metadata-Version: 2.1\nName: FOO\nVersion: 1.0.0\n", []),
        ("Metadata-Version: 2.1\nName: bar\nVersion: 1.0\n", ["the Name is bar, the file name says foo"]),
        ("Metadata-Version: 2.1\nName: foo\nVersion: 1.1\n", ["the Version is 1.1, the file name says 1.0"]),
        ("Metadata-Version: 2.1\nName: foo\nVersion: odd\n", ["the Version is odd, the file name says 1.0"]),
        ("", ["there is no Name", "there is no Version", "there is no Metadata-Version"]),
    ],
)
def test_metadata_against_the_file_name(tmp_path: Path, text: str, said: list[str]) -> None:
    assert messages(wheel(tmp_path, files={METADATA: text.encode()})) == said


@pytest.mark.parametrize(("version", "said"), [("2.4", ["licence-file"]), ("2.3", []), ("odd", [])])
def test_licence_files_are_there(tmp_path: Path, version: str, said: list[str]) -> None:
    text = f"Metadata-Version: {version}\nName: foo\nVersion: 1.0\nLicense-File: LICENSE\nLicense-File: b/MIT\n"
    path = wheel(tmp_path, files={METADATA: text.encode(), f"{INFO}/licenses/b/MIT": b"x"})
    assert [finding.rule for finding in findings(path)] == said


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"[console_scripts]\na = b:c\n", []), (b"a = b\n", ["entry-points"]), (b"[a]\n\xff", ["entry-points"])],
)
def test_entry_points_can_be_read(tmp_path: Path, content: bytes, said: list[str]) -> None:
    assert rules(wheel(tmp_path, files={f"{INFO}/entry_points.txt": content})) == said


def test_keys_of_the_data_folder(tmp_path: Path) -> None:
    files = {"foo-1.0.data/scripts/a": b"", "foo-1.0.data/bin/b": b"", "foo-1.0.data/bin/c": b""}
    assert messages(wheel(tmp_path, files=files)) == ["no installer knows where to put 'bin' of the data folder"]


def test_metadata_is_utf8(tmp_path: Path) -> None:
    text = b"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\nAuthor: \xff\xfe\n"
    (finding,) = findings(wheel(tmp_path, files={METADATA: text}))
    assert (finding.rule, finding.member) == ("metadata", METADATA)
    assert finding.message.startswith("byte 53 is not UTF-8")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Requires-Python: >=3.x", ["Requires-Python is '>=3.x', which is no version specifier"]),
        ("Requires-Python: 3.8", ["Requires-Python is '3.8', which is no version specifier"]),
        ("Requires-Python: >=3.8, !=3.9.*", []),
        ("Requires-Dist: pytz (>dev)", ["Requires-Dist is 'pytz (>dev)', which is no requirement"]),
        ("Requires-Dist: pytz (>=1.0) ; extra == 'x'", []),
    ],
)
def test_requirements_can_be_understood(line: str, said: list[str], tmp_path: Path) -> None:
    text = f"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n{line}\n"
    path = wheel(tmp_path, files={METADATA: text.encode()})
    assert messages(path) == said
    assert rules(path) == (["requirements"] if said else [])


@pytest.mark.parametrize(
    ("folder", "said"),
    [("Foo-1.0.0.data", ["dist-info-name"]), ("bar-1.0.data", []), ("foo-odd.data", []), ("x.data", [])],
)
def test_a_data_folder_of_another_spelling(folder: str, said: list[str], tmp_path: Path) -> None:
    assert rules(wheel(tmp_path, files={f"{folder}/scripts/a": b"", f"{folder}/scripts/b": b""})) == said


def test_a_data_folder_is_mended(tmp_path: Path) -> None:
    path = wheel(tmp_path, files={"Foo-1.0.0.data/scripts/a": b"#!python\n"})
    (finding,) = findings(path)
    assert (finding.rule, finding.severity, finding.fixable) == ("dist-info-name", Severity.ERROR, True)
    with ZipFile(fix_wheel(path, tmp_path / "new").path) as archive:
        assert "foo-1.0.data/scripts/a" in archive.namelist()
        assert not any(name.startswith("Foo") for name in archive.namelist())
