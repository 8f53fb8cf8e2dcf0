"""What a check says of the WHEEL file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.checks import WHEEL, findings, messages, rules, wheel
from support.fixtures import odd
from truewheel.check.findings import Severity
from truewheel.check.headers import Headers

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
TAG = "Tag: py3-none-any\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Generator: x\n", "there is no Wheel-Version"),
        ("Wheel-Version: 2.0\n", "Wheel-Version 2.0 is newer than the format 1.x that is understood here"),
        ("Wheel-Version: 1.9\nRoot-Is-Purelib: true\nTag: py3-none-any\n", "Wheel-Version 1.9 is newer"),
        (HEAD + "Tag: py3-none\n", "the tag 'py3-none' does not have the form python-abi-platform"),
    ],
)
def test_a_file_that_cannot_be_understood(tmp_path: Path, text: str, said: str) -> None:
    path = wheel(tmp_path, lines=text)
    assert [message for message in messages(path, "wheel-file") if message.startswith(said)]
    assert not any(finding.fixable for finding in findings(path))


def test_what_stands_behind_an_empty_line_is_hidden(tmp_path: Path) -> None:
    path = wheel(tmp_path, lines=f"{HEAD}\n{TAG}")
    assert rules(path) == ["wheel-headers", "wheel-tags"]
    assert messages(path) == [
        "line 4 is no header, so installers do not see what follows: Tag",
        "there is no Tag line that installers see, so `pip check` says that the wheel is for another system",
    ]


def test_misspelt_and_missing_headers(tmp_path: Path) -> None:
    path = wheel(tmp_path, lines=f"Wheel-Version: 1.0\nRoot-Is_Purelib: true\n{TAG}")
    assert messages(path) == ["line 2: 'Root-Is_Purelib' is misspelt, so installers do not see it"]
    assert messages(wheel(tmp_path, lines=f"Wheel-Version: 1.0\n{TAG}")) == ["there is no Root-Is-Purelib"]
    marked = wheel(tmp_path, lines=f"\ufeff{HEAD}{TAG}")
    assert messages(marked) == ["a byte order mark hides the first header"]


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_sound_file_may_end_with_empty_lines(tmp_path: Path, ending: str) -> None:
    assert rules(wheel(tmp_path, lines=HEAD + TAG + ending)) == []
    assert rules(wheel(tmp_path, lines=(HEAD + TAG + ending).replace("\n", "\r\n"))) == []


def test_tags_that_are_not_those_of_the_name(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py2.py3-none-any", lines=f"{HEAD}{TAG}Tag: py3-none-win32\n")
    assert messages(path) == [
        "the file name says py2-none-any, WHEEL does not",
        "WHEEL says py3-none-win32, the file name does not",
    ]


def test_many_tags_are_told_in_short(tmp_path: Path) -> None:
    tags = ".".join(f"py3{minor}" for minor in range(8))
    (message, _) = messages(wheel(tmp_path, f"{tags}-none-any", lines=HEAD + TAG), "wheel-tags")
    assert "py34-none-any and 3 more, WHEEL does not" in message


def test_tag_lines_for_several_tags_or_twice(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py2.py3-none-any", lines=f"{HEAD}Tag: py2.py3-none-any\n")
    assert rules(path) == ["wheel-tag-lines"]
    assert rules(wheel(tmp_path, lines=HEAD + TAG + TAG)) == ["wheel-tag-lines"]
    assert rules(wheel(tmp_path, lines=f"{HEAD}Tag: py3-none-ANY\n")) == ["wheel-tag-lines"]


@pytest.mark.parametrize(
    ("build", "header", "said"),
    [
        ("", "", []),
        ("1", "Build: 1\n", []),
        ("1", "", ["WHEEL has no Build, the file name build 1"]),
        ("", "Build: 2\n", ["WHEEL has Build: 2, the file name no build"]),
    ],
)
def test_build(tmp_path: Path, build: str, header: str, said: list[str]) -> None:
    path = wheel(tmp_path, f"{build}-py3-none-any" if build else "py3-none-any", lines=HEAD + header + TAG)
    assert messages(path) == said


def test_root_is_purelib_against_the_content(tmp_path: Path) -> None:
    code = {"foo/_x.so": odd("static")}
    path = wheel(tmp_path, "py3-none-manylinux2014_x86_64", code, purelib=True)
    assert messages(path) == ["Root-Is-Purelib is true, but machine code is inside: foo/_x.so"]
    (finding,) = findings(wheel(tmp_path, purelib=False))
    assert (finding.rule, finding.severity) == ("root-is-purelib", Severity.WARNING)
    assert rules(wheel(tmp_path, "py3-none-win_amd64")) == []
    (finding,) = findings(wheel(tmp_path, lines=f"Wheel-Version: 1.0\nRoot-Is-Purelib: yes\n{TAG}"))
    assert (finding.message, finding.fix) == ("Root-Is-Purelib is 'yes', neither true nor false", "write true")


def test_machine_code_that_is_sorted_into_platlib_may_come_with_a_pure_root(tmp_path: Path) -> None:
    code = {"foo-1.0.data/platlib/foo/_x.so": odd("static")}
    assert rules(wheel(tmp_path, "py3-none-manylinux2014_x86_64", code, purelib=True)) == []


def test_machine_code_in_the_folder_for_pure_python(tmp_path: Path) -> None:
    member = "foo-1.0.data/purelib/foo/_x.so"
    (finding,) = findings(wheel(tmp_path, "py3-none-manylinux2014_x86_64", {member: odd("static")}))
    assert (finding.rule, finding.member, finding.fixable) == ("root-is-purelib", member, False)


def test_the_place_is_named(tmp_path: Path) -> None:
    assert [finding.member for finding in findings(wheel(tmp_path, lines=f"Wheel-Version: 1.0\n{TAG}"))] == [WHEEL]


def test_headers_are_folded_as_in_mails() -> None:
    headers = Headers.parse(b"A: 1\n continued\nb : 2\n\nC: 3\n")
    assert [header.value for header in headers.seen] == ["1", "2"]
    assert (headers.hidden[0].name, headers.stop) == ("C", 4)
    assert (headers.all("B"), headers.first("c")) == (("2",), "")


def test_root_is_purelib_stands_once(tmp_path: Path) -> None:
    lines = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\nRoot-Is-Purelib: false\n"
    path = wheel(tmp_path, lines=lines)
    (finding,) = findings(path)
    assert (finding.rule, finding.fixable, finding.fix) == ("root-is-purelib", True, "write it once, as true")
    assert finding.message.startswith("Root-Is-Purelib stands 2 times: true, false")
