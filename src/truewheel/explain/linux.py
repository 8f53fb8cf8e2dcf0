"""The answer to `why` for a Linux wheel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.analyzer.elf.symbols import read_symbols
from truewheel.errors import UsageError
from truewheel.explain.model import Explanation, Finding, attempts, count, edge_text, names, short, way
from truewheel.platforms.linux.judge import libraries_to_bundle
from truewheel.platforms.verdict import Rule
from truewheel.report.linux import fate_of, policy_of_repair
from truewheel.report.model import Fate
from truewheel.retagger.evidence import reasons_against
from truewheel.retagger.tags import parse_platform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.graph import Edge
    from truewheel.archive.reader import WheelReader
    from truewheel.platforms.verdict import Policy, Reason, Verdict

_TAG_PREFIXES = ("manylinux", "musllinux", "linux")


def explain_linux(
    reader: WheelReader, analysis: Analysis, verdicts: Sequence[Verdict], subject: str | None
) -> Explanation:
    """Explain a platform tag, a library, a symbol version or a symbol name; without a subject, the wheel's floor.

    Raises UsageError when the subject has nothing to do with the wheel, or when the wheel has no native file.
    """
    file = reader.path.name
    if not verdicts:
        raise UsageError("the wheel has no native file, so nothing is needed and no tag is forbidden", where=file)
    subject = subject or _floor_subject(verdicts, file)
    if subject == "any" or subject.startswith(_TAG_PREFIXES):
        return _explain_tag(reader, analysis, verdicts, subject)
    policy = policy_of_repair(analysis, verdicts)
    library = _explain_library(analysis, policy, file, subject)
    answer = library or _explain_symbol(reader, analysis, policy, subject)
    if answer is None:
        raise UsageError(f"nothing in {file} needs {subject!r}", hint=_guess(analysis, subject))
    return answer


def _guess(analysis: Analysis, subject: str) -> str:
    """Return what the caller may have meant."""
    from difflib import get_close_matches

    names = {edge.dependency.name for edge in analysis.graph.all_edges()}
    versions = {need.version for node in analysis.graph.nodes.values() for need in node.image.symbol_needs}
    close = get_close_matches(subject, sorted(names | versions), 1)
    if close:
        return f"did you mean {close[0]}?"
    return "name a platform tag, a library as `truewheel show` prints it, a symbol or a symbol version"


def _floor_subject(verdicts: Sequence[Verdict], file: str) -> str:
    """Return the tag one step more portable than the best that a repair could reach, or that best one."""
    for verdict in verdicts:
        older = None
        for item in verdict.judgements:
            if item.reachable:
                return (older or item).policy.tag
            older = item
        if older is not None:
            return older.policy.tag
    raise UsageError(f"no platform tag can be judged: {verdicts[0].warnings[0]}", where=file)


def _explain_tag(reader: WheelReader, analysis: Analysis, verdicts: Sequence[Verdict], tag: str) -> Explanation:
    file = reader.path.name
    full = tag if tag == "any" or parse_platform(tag) else f"{tag}_{analysis.architecture}"
    platform = parse_platform(full)
    if platform is not None and platform.family == "linux" and platform.architecture == analysis.architecture:
        return _explain_plain(reader, analysis, verdicts, full)
    reasons = reasons_against(verdicts, full)
    if reasons is None:
        known = [item.policy.tag for verdict in verdicts for item in verdict.judgements]
        raise UsageError(f"{tag} is no policy for this wheel", hint=f"one of {', '.join(known)}" if known else "")
    hard = [reason for reason in reasons if not reason.mendable]
    findings = [_reason_finding(reader, analysis, reason) for reason in hard]
    if mendable := [f"{short(reason.file)} {reason.detail}" for reason in reasons if reason.mendable]:
        findings.append(Finding(f"a repair mends {count(len(mendable), 'fact')}:", tuple(mendable)))
    if hard:
        headline = f"{full} is forbidden by {count(len(hard), 'fact')}"
    elif mendable:
        headline = f"{full} is true once the wheel is repaired"
    else:
        headline = f"{full} is true: nothing forbids it"
    return Explanation(file, full, headline, tuple(findings))


def _explain_plain(reader: WheelReader, analysis: Analysis, verdicts: Sequence[Verdict], tag: str) -> Explanation:
    """Explain the tag that promises nothing: only a library that is nowhere stands against it."""
    last = [item for verdict in verdicts for item in verdict.judgements][-1:]
    missing = [reason for item in last for reason in item.reasons if reason.rule is Rule.MISSING_LIBRARY]
    headline = f"{tag} promises nothing about the system, so nothing forbids it"
    if missing:
        headline += f"; but {count(len(missing), 'library')} must be found before the wheel can be repaired"
    findings = tuple(_reason_finding(reader, analysis, reason) for reason in missing)
    return Explanation(reader.path.name, tag, headline, findings)


def _reason_finding(reader: WheelReader, analysis: Analysis, reason: Reason) -> Finding:
    since = f"; allowed since {reason.oldest}" if reason.oldest else ""
    details = []
    if reason.rule is Rule.SYMBOL_VERSION:
        details.append(_symbols_line(reader, reason.file, reason.symbol))
    if reason.rule is Rule.MISSING_LIBRARY:
        details += attempts(analysis.graph, reason.library)
    details += way(analysis.graph, reason.file)
    return Finding(f"{short(reason.file)} {reason.detail}{since}", tuple(details))


def _explain_library(analysis: Analysis, policy: Policy | None, file: str, subject: str) -> Explanation | None:
    edges = [edge for edge in analysis.graph.all_edges() if names(edge, subject)]
    if not edges:
        return None
    findings = []
    for target in sorted({edge.lookup.found or edge.dependency.name for edge in edges}):
        direct = [edge for edge in edges if target in {edge.lookup.found, edge.dependency.name}]
        chain = tuple(edge_text(edge) for edge in analysis.graph.chain(target))
        findings.append(Finding(f"{target} comes by", chain))
        direct_needers = tuple(dict.fromkeys(edge.needer for edge in direct))
        findings.append(Finding(f"it is needed by {count(len(direct_needers), 'file')}", direct_needers))
        if any(edge.lookup.found is None and edge.lookup.rule is None for edge in direct):
            findings.append(
                Finding("it was searched for in", tuple(attempts(analysis.graph, direct[0].dependency.name)))
            )
            findings.append(Finding("say where it lies with --lib-path DIR, or leave it out with --exclude NAME"))
    needers = count(len({edge.needer for edge in edges}), "file")
    headline = f"{subject} is needed by {needers}{_because(edges[0], analysis, policy)}"
    return Explanation(file, subject, headline, (*findings,))


def _because(edge: Edge, analysis: Analysis, policy: Policy | None) -> str:
    """Say what becomes of a library, and why, as the end of a sentence."""
    if policy is None:
        return ""
    fate = fate_of(edge, analysis.graph, policy)
    if fate is Fate.LEFT_OUT and edge.lookup.rule is not None:
        return f" and stays outside: {edge.lookup.rule.value}"
    return {
        Fate.BUNDLE: f" and comes along: not every system of {policy.tag} has it",
        Fate.SYSTEM: f" and stays outside: every system of {policy.tag} has it",
        Fate.IN_WHEEL: " and is in the wheel already",
        Fate.MISSING: " and was not found",
    }.get(fate, "")


def _explain_symbol(reader: WheelReader, analysis: Analysis, policy: Policy | None, subject: str) -> Explanation | None:
    graph = analysis.graph
    ours = {node.name for node in graph.members()} | set(libraries_to_bundle(graph, policy) if policy else ())
    findings = []
    # What the system's own libraries need of each other is no matter of the wheel.
    for node in (node for node in graph.nodes.values() if node.name in ours):
        needs = [need for need in node.image.symbol_needs if need.version == subject]
        if not needs and subject not in node.image.imports:
            continue
        of = f" of {', '.join(sorted({need.library for need in needs}))}" if needs else ""
        details = [_symbols_line(reader, node.name, subject)] if needs else []
        findings.append(Finding(f"{short(node.name)} needs {subject}{of}", (*details, *way(analysis.graph, node.name))))
    if not findings:
        return None
    headline = f"{subject} is needed by {count(len(findings), 'file')}"
    return Explanation(reader.path.name, subject, headline, tuple(findings))


def _symbols_line(reader: WheelReader, name: str, version: str) -> str:
    """Return one line that names the symbols a file takes at a version."""
    symbols = read_symbols(reader.read(name) if name in reader.entries else Path(name).read_bytes(), name)
    names = sorted({symbol.name for symbol in symbols if symbol.version == version and not symbol.defined})
    return f"symbols: {', '.join(names) or 'none; the version alone is demanded'}"
