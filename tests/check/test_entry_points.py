"""What a check says of entry_points.txt; what pip 23.2 and uv 0.13 install is told beside each form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.checks import INFO, messages, rules, wheel

if TYPE_CHECKING:
    from pathlib import Path


def entry_points(directory: Path, content: str) -> Path:
    return wheel(directory, files={f"{INFO}/entry_points.txt": content.encode()})


@pytest.mark.parametrize(
    "line",
    [
        "foo = a:b",
        "foo = a:b.c",
        "foo = a.b:c [x]",
        "foo = a:b [x,y]",
        "foo = 1a:b",
        "foo-x.y = a:b",
        "Foo = a:b\nfoo = a:c",
        "\u00e9 = a:b",
    ],
)
def test_scripts_that_every_installer_makes(line: str, tmp_path: Path) -> None:
    assert rules(entry_points(tmp_path, f"[console_scripts]\n{line}\n")) == []


@pytest.mark.parametrize(
    "line",
    [
        "foo = a:",  # both refuse
        "foo = a",  # both refuse
        "foo = :b",  # both refuse
        "foo =",  # both refuse
        "foo = a:b:c",  # both refuse
        "foo = a:b\n  c",  # both refuse
        "= a:b",  # both refuse
        "foo: a:b",  # both refuse
        "foo",  # both refuse
        "foo = a : b",  # pip refuses
        "foo = a-b:c",  # pip refuses
        "foo = a..b:c",  # pip refuses
        "[foo = a:b",  # pip refuses
        "foo = a:b c",  # uv refuses
        "../foo = a:b",  # uv refuses
        "foo bar = a:b",  # pip makes a command `bar`
    ],
)
@pytest.mark.parametrize("group", ["console_scripts", "gui_scripts"])
def test_scripts_that_some_installer_refuses(line: str, group: str, tmp_path: Path) -> None:
    assert rules(entry_points(tmp_path, f"[{group}]\n{line}\n")) == ["entry-points"]


def test_what_is_told(tmp_path: Path) -> None:
    assert messages(entry_points(tmp_path, "[console_scripts]\na/b = c:\n")) == [
        "console_scripts: not every installer can make a command of the name 'a/b'",
        "console_scripts: a/b is 'c:', which is not of the form module:function, so it is refused",
    ]


def test_other_groups_are_of_any_form(tmp_path: Path) -> None:
    assert rules(entry_points(tmp_path, "[some.plugins]\na b/c = module\n")) == []
