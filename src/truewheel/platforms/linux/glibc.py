"""What a manylinux policy promises beyond the common rules: symbol versions and the ways of glibc's loader.

Follows PEP 600. Which versions a policy allows is data; that a version demanded only by weak references is not fatal,
and that glibc 2.41 refuses to load a library that wants an executable stack, is how glibc's loader behaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.platforms.linux.files import stack_matters
from truewheel.platforms.linux.finding import Finding
from truewheel.platforms.linux.policies import RELR_VERSION
from truewheel.platforms.verdict import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truewheel.analyzer.graph import Node
    from truewheel.platforms.linux.policies import PolicyFacts


def glibc_findings(node: Node, facts: PolicyFacts, system: Mapping[str, int]) -> Iterator[Finding]:
    """Yield what stands against manylinux policies in one file.

    system: by needed name, the first policy under which the system serves it. A version that is demanded of a library
    in the wheel, or of one that comes along, says nothing about a system.
    """
    yield from _symbol_versions(node, facts, system)
    if stack_matters(node):
        detail = "asks for an executable stack, which glibc 2.41 and newer refuse"
        yield Finding(0, facts.never, Reason(Rule.EXECUTABLE_STACK, node.name, detail))
    demands = {need.version for need in node.image.symbol_needs}
    if node.image.relative_relocations and RELR_VERSION not in demands:
        detail = f"has DT_RELR relocations, which glibc applies since 2.36, without demanding {RELR_VERSION}"
        oldest = facts.name_at(facts.relr)
        yield Finding(0, facts.relr, Reason(Rule.RELATIVE_RELOCATIONS, node.name, detail, oldest=oldest))


def _symbol_versions(node: Node, facts: PolicyFacts, system: Mapping[str, int]) -> Iterator[Finding]:
    for need in sorted(node.image.symbol_needs, key=lambda need: (need.library, need.version)):
        if need.weak or (stop := facts.version_from(need.version)) == 0:
            continue
        start = system[need.library] if need.library in system else facts.allowed_from(need.library)
        if start < stop:
            reason = Reason(
                Rule.SYMBOL_VERSION,
                node.name,
                f"needs {need.version} of {need.library}",
                library=need.library,
                symbol=need.version,
                oldest=facts.name_at(stop),
            )
            yield Finding(start, stop, reason)


def glibc_warnings(node: Node, facts: PolicyFacts, floor: int) -> Iterator[str]:
    """Yield what a person should know of one file whose wheel is called by the policy at `floor`."""
    for need in sorted(need for need in node.image.symbol_needs if need.weak):
        if floor < facts.version_from(need.version):
            yield (
                f"{node.name} has weak references to {need.version} of {need.library}; "
                "on systems without it they stay empty"
            )
