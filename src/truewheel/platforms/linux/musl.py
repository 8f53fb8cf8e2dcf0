"""What a musllinux policy promises beyond the common rules: functions and relocations that older musl has not.

Follows PEP 656. musl has no symbol versions, so a file is judged by the names of the functions that it imports; a
name counts whoever defines it, because the file does not say from which library it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.platforms.linux.files import stack_matters
from truewheel.platforms.linux.finding import Finding
from truewheel.platforms.verdict import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.graph import Node
    from truewheel.platforms.linux.policies import PolicyFacts


def musl_findings(node: Node, facts: PolicyFacts) -> Iterator[Finding]:
    """Yield what stands against musllinux policies in one file."""
    for symbol in sorted(node.image.imports & facts.newer_symbols.keys()):
        stop, release = facts.newer_symbols[symbol]
        detail = f"needs {symbol}, which musl has since {release}"
        reason = Reason(Rule.NEWER_SYMBOL, node.name, detail, symbol=symbol, oldest=facts.name_at(stop))
        yield Finding(0, stop, reason)
    if node.image.relative_relocations:
        detail = "has DT_RELR relocations, on which musl before 1.2.4 crashes"
        oldest = facts.name_at(facts.relr)
        yield Finding(0, facts.relr, Reason(Rule.RELATIVE_RELOCATIONS, node.name, detail, oldest=oldest))


def musl_warnings(node: Node) -> Iterator[str]:
    """Yield what a person should know of one file."""
    if stack_matters(node):
        yield f"{node.name} asks for an executable stack; musl loads it without one"
