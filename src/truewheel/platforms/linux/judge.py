"""From an analysis to verdicts: every policy of the wheel's families, every reason, and the floors.

The facts that stand against policies are gathered once, each with the span of policies it holds for; a judgement is
then a selection of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from truewheel.analyzer.elf.image import Libc
from truewheel.platforms.linux.arm import machine_reasons
from truewheel.platforms.linux.files import file_findings
from truewheel.platforms.linux.glibc import glibc_findings
from truewheel.platforms.linux.musl import musl_findings
from truewheel.platforms.linux.policies import FAMILIES, data_version, is_allowed, own_facts, policy_facts
from truewheel.platforms.linux.reach import libraries_to_bundle, library_findings, needed_until, system_from
from truewheel.platforms.linux.remarks import remarks, stray_paths
from truewheel.platforms.verdict import Judgement, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.graph import Node
    from truewheel.platforms.linux.finding import Finding
    from truewheel.platforms.linux.policies import PolicyFacts
    from truewheel.platforms.own_policy import OwnPolicy
    from truewheel.platforms.verdict import Policy

__all__ = ["data_version", "is_allowed", "judge", "libraries_to_bundle"]

_ABOUT_LIBRARIES = frozenset({Rule.LIBRARY, Rule.MISSING_LIBRARY, Rule.NO_PATH, Rule.LIBPYTHON, Rule.PURELIB})
"""Rules that say nothing about the code of the file itself."""


def judge(
    analysis: Analysis, *, mended: AbstractSet[Rule] = frozenset(), own: OwnPolicy | None = None
) -> tuple[Verdict, ...]:
    """Return the verdict of each family that the wheel may belong to; none when it has no native file.

    mended: rules whose reasons the caller is going to remove, beyond those that every repair mends.
    own: a policy of the user's own; its verdict comes last.

    A wheel linked against one C library has one verdict. One that asks nothing of a C library may be called by either
    family; one that does not tell which it needs gets both verdicts, each with a reason against every policy.
    """
    if not any(analysis.graph.members()):
        return ()
    architecture = _architecture(analysis)
    families = [family for family, libc in FAMILIES.items() if analysis.libc in {None, libc}]
    facts = [policy_facts(family, architecture) for family in families]
    facts += [own_facts(own, architecture)] if own else []
    return tuple(_judge_family(analysis, each, mended) for each in facts)


def _architecture(analysis: Analysis) -> str:
    """Return the wheel's architecture; where files disagree, that of most of them."""
    if analysis.architecture is not None:
        return analysis.architecture
    counts = Counter(node.image.architecture for node in analysis.graph.members())
    return min(counts, key=lambda name: (-counts[name], name))


def _judge_family(analysis: Analysis, facts: PolicyFacts, mended: AbstractSet[Rule]) -> Verdict:
    if not facts.defined:
        none = f"{facts.family} has no policy for {facts.architecture}"
        architecture, machines = facts.architecture, machine_reasons(analysis)
        return Verdict(facts.family, (), None, warnings=(none,), architecture=architecture, machines=machines)
    until = needed_until(analysis.graph, facts, analysis.included)
    by_file = {name: tuple(_mend(_findings(analysis, analysis.graph.nodes[name], facts), mended)) for name in until}
    judged = [finding.until(until[name], facts) for name, findings in by_file.items() for finding in findings]
    judgements = tuple(
        Judgement(policy, tuple(finding.reason for finding in judged if finding.start <= position < finding.stop))
        for position, policy in enumerate(facts.policies)
    )
    floor = next((position for position, item in enumerate(judgements) if item.reachable), facts.never - 1)
    return Verdict(
        family=facts.family,
        judgements=judgements,
        own_floor=_floor(facts, _own(analysis, by_file)),
        library_floors=tuple(
            (name, _floor(facts, _about_code(by_file[name])))
            for name, stop in until.items()
            if stop > floor and not analysis.graph.nodes[name].in_wheel
        ),
        warnings=remarks(analysis, facts, until, floor),
        tidied=tuple(stray_paths(analysis)),
        architecture=facts.architecture,
        machines=machine_reasons(analysis),
    )


def _findings(analysis: Analysis, node: Node, facts: PolicyFacts) -> Iterator[Finding]:
    """Yield everything that stands against a policy in one file."""
    system = system_from(analysis.graph, node, facts)
    yield from file_findings(analysis, node, facts, system)
    if facts.libc is Libc.GLIBC:
        yield from glibc_findings(node, facts, system)
    else:
        yield from musl_findings(node, facts)
    yield from library_findings(analysis.graph, node, facts)


def _mend(findings: Iterable[Finding], mended: AbstractSet[Rule]) -> Iterator[Finding]:
    for finding in findings:
        if finding.reason.rule in mended:
            yield finding._replace(reason=replace(finding.reason, mendable=True))
        else:
            yield finding


def _own(analysis: Analysis, by_file: Mapping[str, tuple[Finding, ...]]) -> Iterator[Finding]:
    """Yield what stands against policies in the code of the wheel's own files."""
    for name, findings in by_file.items():
        if analysis.graph.nodes[name].in_wheel:
            yield from _about_code(findings)


def _about_code(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out what a repair mends and what says nothing about the code."""
    return (
        finding for finding in findings if finding.reason.rule not in _ABOUT_LIBRARIES and not finding.reason.mendable
    )


def _floor(facts: PolicyFacts, findings: Iterable[Finding]) -> Policy | None:
    """Return the oldest policy that none of the findings stands against."""
    spans = {(finding.start, finding.stop) for finding in findings}
    for position, policy in enumerate(facts.policies):
        if not any(start <= position < stop for start, stop in spans):
            return policy
    return None
