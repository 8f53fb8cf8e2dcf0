"""The documents speak of what there is: every rule, every command, every option."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from truewheel.cli.main import cli
from truewheel.platforms.verdict import Rule

ROOT = Path(__file__).resolve().parents[1]
RULES = (ROOT / "docs" / "rules.md").read_text("utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text("utf-8")


@pytest.mark.parametrize("rule", [rule.value for rule in Rule])
def test_every_rule_has_a_section_and_a_row(rule: str) -> None:
    assert f"\n## {rule}\n" in RULES
    assert f"| [{rule}](#{rule}) |" in RULES


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
