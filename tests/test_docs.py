"""The documents speak of what there is: every rule, every command, every option."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from truewheel.check.registry import RULES as CHECK_RULES
from truewheel.cli.program import cli
from truewheel.platforms.verdict import Rule

if TYPE_CHECKING:
    from truewheel.check.findings import Rule as CheckRule

ROOT = Path(__file__).resolve().parents[1]
RULES = (ROOT / "docs" / "rules.md").read_text("utf-8")
CHECKS = (ROOT / "docs" / "checks.md").read_text("utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text("utf-8")


@pytest.mark.parametrize("rule", [rule.value for rule in Rule])
def test_every_rule_has_a_section_and_a_row(rule: str) -> None:
    assert f"\n## {rule}\n" in RULES
    assert f"| [{rule}](#{rule}) |" in RULES


@pytest.mark.parametrize("rule", CHECK_RULES, ids=lambda rule: rule.name)
def test_every_check_has_a_section_with_its_mend_and_a_row_with_its_summary(rule: CheckRule) -> None:
    (section,) = re.findall(rf"\n## {rule.name}\n(.*?)(?=\n## |\Z)", CHECKS, re.DOTALL)
    assert "\nMend: " in section
    assert f"| [{rule.name}](#{rule.name}) | {rule.summary} | {rule.severity.value} |" in CHECKS


def test_no_check_is_described_that_there_is_not() -> None:
    assert re.findall(r"\n## (\S+)\n", CHECKS) == [rule.name for rule in CHECK_RULES]


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_and_option_is_described(command: str) -> None:
    assert f"## `truewheel {command}" in COMMANDS
    options = [option for option in cli.commands[command].params if isinstance(option, click.Option)]
    for option in options:
        assert any(f"`{name}" in COMMANDS for name in (*option.opts, *option.secondary_opts)), option.opts


@pytest.mark.parametrize("document", [*sorted(ROOT.glob("docs/*.md")), ROOT / "README.md"], ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
        assert "://" in target or (document.parent / target).exists(), target


def test_what_is_said_of_the_search_for_libraries_is_so() -> None:
    (section,) = re.findall(r"\n## Where libraries are looked for\n(.*?)(?=\n## )", COMMANDS, re.DOTALL)
    listed = re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)
    having = {
        name: {command for command, made in cli.commands.items() if any(name in option.opts for option in made.params)}
        for name in listed
    }
    everywhere = {"show", "why", "repair"}
    assert having.pop("--exclude") == everywhere | {"retag", "check", "merge", "thin"}
    assert having == dict.fromkeys(["--lib-path", "--sysroot", "--executable-path"], everywhere)
