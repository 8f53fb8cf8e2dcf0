"""The answer to `why`: the chain of files that brings a library or a symbol in, or the facts that forbid a tag."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from truewheel.analyzer.elf_symbols import read_symbols
from truewheel.analyzer.graph import Outcome
from truewheel.errors import UsageError
from truewheel.platforms.verdict import Rule
from truewheel.retagger.evidence import reasons_against

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truewheel.analyzer.analyze import Analysis
    from truewheel.analyzer.graph import Edge
    from truewheel.archive.reader import WheelReader
    from truewheel.platforms.verdict import Reason, Verdict

SCHEMA = "truewheel.why/1"
_TAG_PREFIXES = ("manylinux", "musllinux", "linux_")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact of an explanation, and the facts below it that lead to it or belong to it."""

    text: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known about one subject of one wheel; `headline` answers the question in one sentence."""

    file: str
    subject: str
    headline: str
    findings: tuple[Finding, ...] = ()
    schema: str = SCHEMA


def explain(reader: WheelReader, analysis: Analysis, verdicts: Sequence[Verdict], subject: str | None) -> Explanation:
    """Explain a platform tag, a library, a symbol version or a symbol name; without a subject, the wheel's floor.

    Raises UsageError when the subject has nothing to do with the wheel.
    """
    file = reader.path.name
    subject = subject or _floor_subject(verdicts, file)
    if subject.startswith(_TAG_PREFIXES):
        return _explain_tag(reader, analysis, verdicts, subject)
    for answer in (_explain_library(analysis, file, subject), _explain_symbol(reader, analysis, file, subject)):
        if answer is not None:
            return answer
    raise UsageError(
        f"nothing in {file} needs {subject!r}",
        hint="name a platform tag, a library as `truewheel show` prints it, a symbol or a symbol version",
    )


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
    raise UsageError("the wheel has no native file, so no tag is forbidden", where=file)


def _explain_tag(reader: WheelReader, analysis: Analysis, verdicts: Sequence[Verdict], tag: str) -> Explanation:
    full = tag if any(verdict.judgement(tag) for verdict in verdicts) else f"{tag}_{analysis.architecture}"
    reasons = reasons_against(verdicts, full)
    file = reader.path.name
    if reasons is None:
        known = [item.policy.tag for verdict in verdicts for item in verdict.judgements]
        raise UsageError(f"{tag} is no policy for this wheel", hint=f"one of {', '.join(known)}" if known else "")
    hard = [reason for reason in reasons if not reason.mendable]
    findings = [_reason_finding(reader, analysis, reason) for reason in hard]
    if mendable := [f"{_short(reason.file)} {reason.detail}" for reason in reasons if reason.mendable]:
        findings.append(Finding(f"a repair mends {_count(len(mendable), 'fact')}:", tuple(mendable)))
    if hard:
        headline = f"{full} is forbidden by {_count(len(hard), 'fact')}"
    elif mendable:
        headline = f"{full} is what a repair would reach"
    else:
        headline = f"nothing forbids {full}: the wheel keeps it as it is"
    return Explanation(file, full, headline, tuple(findings))


def _reason_finding(reader: WheelReader, analysis: Analysis, reason: Reason) -> Finding:
    since = f"; allowed since {reason.oldest}" if reason.oldest else ""
    details = []
    if reason.rule is Rule.SYMBOL_VERSION:
        details.append(_symbols_line(reader, reason.file, reason.symbol))
    if reason.rule is Rule.MISSING_LIBRARY:
        details += _attempts(analysis, reason.library)
    details += _way(analysis, reason.file)
    return Finding(f"{_short(reason.file)} {reason.detail}{since}", tuple(details))


def _explain_library(analysis: Analysis, file: str, subject: str) -> Explanation | None:
    edges = [edge for edge in analysis.graph.all_edges() if _names(edge, subject)]
    if not edges:
        return None
    findings = []
    for target in sorted({edge.lookup.found or edge.dependency.name for edge in edges}):
        direct = [edge for edge in edges if target in {edge.lookup.found, edge.dependency.name}]
        chain = tuple(_edge_text(edge) for edge in analysis.graph.chain(target))
        findings.append(Finding(f"{target} comes by", chain))
        needers = tuple(dict.fromkeys(edge.needer for edge in direct))
        findings.append(Finding(f"it is needed by {_count(len(needers), 'file')}", needers))
        if any(edge.lookup.found is None and edge.lookup.rule is None for edge in direct):
            findings.append(Finding("it was searched for in", tuple(_attempts(analysis, direct[0].dependency.name))))
    count = len({edge.needer for edge in edges})
    return Explanation(file, subject, f"{subject} is needed by {_count(count, 'file')}", tuple(findings))


def _explain_symbol(reader: WheelReader, analysis: Analysis, file: str, subject: str) -> Explanation | None:
    findings = []
    for node in analysis.graph.nodes.values():
        needs = [need for need in node.image.symbol_needs if need.version == subject]
        if not needs and subject not in node.image.imports:
            continue
        of = f" of {', '.join(sorted({need.library for need in needs}))}" if needs else ""
        details = [_symbols_line(reader, node.name, subject)] if needs else []
        findings.append(Finding(f"{_short(node.name)} needs {subject}{of}", (*details, *_way(analysis, node.name))))
    if not findings:
        return None
    return Explanation(file, subject, f"{subject} is needed by {_count(len(findings), 'file')}", tuple(findings))


def _symbols_line(reader: WheelReader, name: str, version: str) -> str:
    """Return one line that names the symbols a file takes at a version."""
    symbols = read_symbols(reader.read(name) if name in reader.entries else Path(name).read_bytes(), name)
    names = sorted({symbol.name for symbol in symbols if symbol.version == version and not symbol.defined})
    return f"symbols: {', '.join(names) or 'none; the version alone is demanded'}"


def _way(analysis: Analysis, name: str) -> tuple[str, ...]:
    """Return one line that names the files from a member of the wheel to the node `name`; none for a member."""
    chain = analysis.graph.chain(name)
    return (f"by: {' > '.join([chain[0].needer, *(edge.dependency.name for edge in chain)])}",) if chain else ()


def _short(name: str) -> str:
    """Return the name of a node as it reads best: a member's whole name, a library's file name."""
    return PurePosixPath(name).name if name.startswith("/") else name


def _names(edge: Edge, subject: str) -> bool:
    found = edge.lookup.found or ""
    return subject in {edge.dependency.name, found} or any(
        fnmatchcase(name, pattern)
        for name in (edge.dependency.name, PurePosixPath(found).name)
        for pattern in (subject, f"{subject}.*")
    )


def _edge_text(edge: Edge) -> str:
    how = f" ({edge.lookup.rule.value})" if edge.lookup.rule else ""
    found = edge.lookup.found or ("not searched for" if edge.lookup.rule else "not found")
    return f"{edge.needer} needs {edge.dependency.name} -> {found}{how}"


def _attempts(analysis: Analysis, library: str) -> Iterator[str]:
    """Yield every place that was tried for a name, once."""
    tried = {
        f"{attempt.place}: {attempt.outcome.value} ({attempt.rule.value})": None
        for edge in analysis.graph.all_edges()
        if edge.dependency.name == library
        for attempt in edge.lookup.attempts
        if attempt.outcome is not Outcome.FOUND
    }
    yield from tried


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
