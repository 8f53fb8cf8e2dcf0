"""Which rules a check follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.checks import findings, wheel
from truewheel.check import has_errors
from truewheel.check.findings import Finding, Severity
from truewheel.check.registry import RULES, chosen
from truewheel.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)


def test_rules_are_selected_and_ignored_by_name() -> None:
    assert [rule.name for rule in chosen(("untrue-tag", "tag-order"), ())] == ["tag-order", "untrue-tag"]
    assert [rule.name for rule in chosen(("untrue-tag", "tag-order"), ("tag-order",))] == ["untrue-tag"]
    assert len(chosen((), ("tag-order",))) == len(RULES) - 1


@pytest.mark.parametrize(("name", "hint"), [("wheel-tag", "did you mean wheel-tags?"), ("zzz", "docs/checks.md lists")])
def test_an_unknown_rule_is_a_mistake(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        findings(wheel(tmp_path), name)
    assert caught.value.hint.startswith(hint)
    with pytest.raises(UsageError):
        chosen((), (name,))


def test_an_unknown_index_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        findings(wheel(tmp_path), index="other")


def test_what_counts_as_wrong() -> None:
    warning = Finding("a", Severity.WARNING, "b", "", "c", fixable=False)
    error = warning._replace(severity=Severity.ERROR)
    assert [has_errors((finding,)) for finding in (warning, error)] == [False, True]
    assert has_errors((warning,), strict=True)
    assert not has_errors((), strict=True)
