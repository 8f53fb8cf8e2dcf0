"""Command lines that are understood without click: what they mean, and that it is what they mean to click."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truewheel.cli.commands import COMMANDS
from truewheel.cli.option import Kind, Option
from truewheel.cli.program import cli
from truewheel.cli.quick import understood
from truewheel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = ("TRUEWHEEL_PLAT", "AUDITWHEEL_PLAT")


@pytest.fixture(autouse=True)
def _plain_place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with files and folders, without variables that mean something."""
    place = tmp_path_factory.mktemp("place")
    (place / "a.whl").touch()
    (place / "b.whl").touch()
    (place / "folder").mkdir()
    (place / "folder" / "c.whl").touch()
    (place / "empty").mkdir()
    (place / "list.txt").write_text("b.whl\n", "utf-8")
    monkeypatch.chdir(place)
    for name in OURS:
        monkeypatch.delenv(name, raising=False)


def _by_click(words: list[str]) -> dict[str, Any] | None:
    """Return what click makes of the words; None for what it refuses or answers itself."""
    try:
        with cli.make_context("truewheel", list(words)) as outer:
            name, command, rest = cli.resolve_command(outer, [*outer._protected_args, *outer.args])  # noqa: SLF001
            assert command is not None
            with command.make_context(name, rest, parent=outer) as context:
                return context.params
    except (click.ClickException, click.exceptions.Exit, UsageError):
        return None


def _words() -> Iterator[str]:
    yield from ("a.whl", "b.whl", "folder", "empty", "*.whl", "none.whl", "list.txt", "", "-", "--", "x=y", "2", "0")
    yield from ("pypi", "wheel", "-x", "--bogus", "-vv", "-j2", "-wfolder", "--no-config", "--config", "-h", "--help")
    for command in COMMANDS.values():
        for option in command.parameters:
            if isinstance(option, Option):
                yield from option.names
                yield from (f"{name}={value}" for name in option.names for value in ("a.whl", "", "3"))
                yield from filter(None, [option.contrary])


@given(st.sampled_from(sorted(COMMANDS)), st.lists(st.sampled_from(sorted(set(_words()))), max_size=6))
def test_what_is_understood_means_what_it_means_to_click(name: str, words: list[str]) -> None:
    line = [name, "a.whl", *words]
    try:
        found = understood(line, COMMANDS)
    except UsageError:
        assert _by_click(line) is None
        return
    if found is not None:
        command, values = found
        assert command is COMMANDS[name]
        assert values == _by_click(line)


@given(st.data())
def test_every_option_is_understood_in_full(data: st.DataObject) -> None:
    command = COMMANDS[data.draw(st.sampled_from(sorted(COMMANDS)))]
    option = data.draw(st.sampled_from([each for each in command.parameters if isinstance(each, Option)]))
    line = [command.name, "a.whl", "--no-config", *_use(option, data.draw(st.sampled_from(option.names)))]
    for other in command.parameters:
        if isinstance(other, Option) and other.required and other is not option:
            line += _use(other, other.names[0])

    found = understood(line, COMMANDS)

    assert found is not None
    assert found[1] == _by_click(line)


def _with_value(name: str) -> Iterator[str]:
    for option in COMMANDS[name].parameters:
        if isinstance(option, Option) and option.kind not in {Kind.FLAG, Kind.COUNT}:
            yield option.names[0]


def _use(option: Option, name: str) -> list[str]:
    value = {Kind.NUMBER: "2", Kind.FOLDER: "folder", Kind.CHOICE: next(iter(option.choices), "")}
    if option.kind in {Kind.FLAG, Kind.COUNT}:
        return [name]
    return [name, "list.txt" if option.key == "from_file" else value.get(option.kind, "text")]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "bogus a.whl",
        "-v show a.whl",
        "retag",
        "retag --build",
        "retag --bogus a.whl",
        "retag --build=1 -h a.whl",
        "retag --normalize=yes a.whl",
        "retag --trust nobody a.whl",
        "retag --jobs 0 a.whl",
        "retag --jobs many a.whl",
        f"retag --jobs {'9' * 5000} a.whl",
        "retag --jobs \u0662 a.whl",
        "retag -w a.whl b.whl",
        "retag --plan folder b.whl",
        "retag -vv a.whl",
        "retag -- a.whl",
        "retag --config list.txt a.whl",
        "thin a.whl",
        "retag --plan= a.whl",
        "check --jobs= a.whl",
        "why a.whl one two",
    ],
)
def test_what_is_not_plain_is_left_to_click(line: str) -> None:
    assert understood(line.split(), COMMANDS) is None


def test_an_unreadable_path_is_left_to_click() -> None:
    with patch.object(os, "access", return_value=False):
        assert understood(["show", "a.whl"], COMMANDS) is None


@pytest.mark.parametrize(("name", "option"), [(name, option) for name in COMMANDS for option in _with_value(name)])
def test_no_value_is_empty_unless_that_has_a_meaning(name: str, option: str) -> None:
    line = [name, "a.whl", "--no-config", f"{option}="]
    others = ["--arch", "arm64"] if name == "thin" and option != "--arch" else []
    has_meaning = option == "--local-version"

    assert (understood([*line, *others], COMMANDS) is None) is not has_meaning
    assert (_by_click([*line, *others]) is None) is not has_meaning


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_no_wheel_and_no_other_argument_is_empty(name: str) -> None:
    line = [name, "--no-config", "a.whl", "", *(["--arch", "arm64"] if name == "thin" else [])]

    assert understood(line, COMMANDS) is None
    assert _by_click(line) is None


@pytest.mark.parametrize("variable", OURS)
def test_what_the_environment_sets_is_left_to_click(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "auto")

    assert understood(["repair", "a.whl"], COMMANDS) is None
    assert understood(["show", "a.whl"], COMMANDS) is not None


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [("[tool.truewheel]\njobs = 1\n", False), ("[tool.truewheel\n", False), ("[tool.truewheel]\n[tool.ruff]\n", True)],
)
def test_what_a_project_sets_is_left_to_click(text: str, is_plain: bool, tmp_path: Path) -> None:  # noqa: FBT001
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    (tmp_path / "a.whl").touch()
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path)
        assert (understood(["show", "a.whl"], COMMANDS) is not None) is is_plain
        assert understood(["show", "a.whl", "--no-config"], COMMANDS) is not None


def test_values_and_words_keep_their_order() -> None:
    found = understood(["retag", "--platform-tag", "-x", "b.whl", "--platform-tag=+y", "a.whl"], COMMANDS)

    assert found is not None
    assert found[1]["platform_tag"] == ("-x", "+y")
    assert found[1]["wheels"] == ("b.whl", "a.whl")
