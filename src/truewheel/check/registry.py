"""All rules, and which of them a check follows."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from truewheel.check import (
    archive_rules,
    entry_points,
    index_rules,
    machine_code,
    metadata,
    modules,
    names,
    own_policy,
    record,
    runtimes,
    search_paths,
    signatures,
    stable_abi,
    wheel_file,
    windows,
)
from truewheel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truewheel.check.findings import Rule

RULES: tuple[Rule, ...] = (
    *names.RULES,
    *index_rules.RULES,
    *archive_rules.RULES,
    *metadata.RULES,
    *entry_points.RULES,
    *wheel_file.RULES,
    *record.RULES,
    *machine_code.RULES,
    *own_policy.RULES,
    *modules.RULES,
    *windows.RULES,
    *stable_abi.RULES,
    *search_paths.RULES,
    *runtimes.RULES,
    *signatures.RULES,
)
"""Every rule, in the order in which findings are told: from the name to the code."""


def chosen(select: Iterable[str], ignore: Iterable[str]) -> tuple[Rule, ...]:
    """Return the rules that a check follows: those selected, or all, without those ignored.

    Raises UsageError for a name that is no rule's, with the nearest one that is.
    """
    selected, ignored = _known(select, "--select"), _known(ignore, "--ignore")
    return tuple(rule for rule in RULES if (not selected or rule.name in selected) and rule.name not in ignored)


def _known(wanted: Iterable[str], option: str) -> frozenset[str]:
    every = [rule.name for rule in RULES]
    result = frozenset(wanted)
    for name in sorted(result.difference(every)):
        near = get_close_matches(name, every, n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/checks.md lists all rules"
        raise UsageError(f"{name} is not the name of a rule", where=option, hint=hint)
    return result
