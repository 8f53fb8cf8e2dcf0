"""The answer to `why` for a macOS wheel: a library, a tag, or what sets the oldest system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.errors import UsageError
from truewheel.explain.model import Explanation, Finding, attempt_lines, attempts, count, edge_text, names, short, way
from truewheel.platforms.macos.judge import judge_macos
from truewheel.platforms.verdict import Rule
from truewheel.report.macos import fate_in
from truewheel.report.model import Fate
from truewheel.retagger.macos_evidence import mac_reasons_against

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.analyzer.macho.graph import MachoEdge
    from truewheel.platforms.macos.verdict import ArchitectureTruth, MacVerdict
    from truewheel.platforms.verdict import Reason

_TAG_PREFIXES = ("macosx_", "ios_")
_NEWEST = 5
"""How many files are named of those that set the oldest system."""


def explain_macos(file: str, analysis: MachoAnalysis, subject: str | None) -> Explanation:
    """Explain a platform tag, an architecture or a library; without a subject, the oldest systems it runs on.

    Raises UsageError when the subject has nothing to do with the wheel, or when the wheel has no native file.
    """
    if not any(analysis.graph.members()):
        raise UsageError("the wheel has no native file, so nothing is needed and no tag is forbidden", where=file)
    verdict = judge_macos(analysis)
    if subject is None:
        findings = tuple(_floor(truth, analysis) for truth in verdict.architectures)
        return Explanation(file, "minimum", f"what sets the oldest {verdict.platform} of {file}", findings)
    if subject == "any" or subject.startswith(_TAG_PREFIXES):
        return _explain_tag(file, analysis, verdict, subject)
    truth = verdict.truth_of(subject)
    if truth is not None:
        findings = (*(_reason(analysis, reason) for reason in truth.reasons), _floor(truth, analysis))
        usable = "usable" if truth.kept else "usable once repaired" if truth.reachable else "not usable"
        return Explanation(file, subject, f"{subject} is {usable}", (*findings, *map(Finding, truth.suspects)))
    return _explain_library(file, analysis, subject)


def _floor(truth: ArchitectureTruth, analysis: MachoAnalysis) -> Finding:
    """Return the files of one architecture with the newest minimums, and what brings each in."""
    lines = []
    for floor in truth.floors[:_NEWEST]:
        by = "".join(f", {line}" for line in way(analysis.graph, floor.file))
        lines.append(f"{_version(floor.minimum_os)}  {short(floor.file)}{by}")
    if more := len(truth.floors) - len(lines):
        lines.append(f"and {more} more that ask for no newer system")
    newest = _version(truth.floors[0].minimum_os) if truth.floors else "nothing"
    return Finding(
        f"{truth.architecture}: {newest}, the newest minimum of {count(len(truth.floors), 'file')}", (*lines,)
    )


def _version(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version if version[2] else version[:2]))


def _explain_tag(file: str, analysis: MachoAnalysis, verdict: MacVerdict, tag: str) -> Explanation:
    reasons = mac_reasons_against(verdict, tag)
    if reasons is None:
        raise UsageError(f"{tag} is no tag that can be judged", where=file, hint="such as macosx_11_0_arm64")
    hard = [reason for reason in reasons if not reason.mendable]
    findings = [_reason(analysis, reason) for reason in hard]
    if mendable := [f"{short(reason.file)} {reason.detail}" for reason in reasons if reason.mendable]:
        findings.append(Finding(f"a repair mends {count(len(mendable), 'fact')}:", tuple(mendable)))
    if hard:
        headline = f"{tag} is forbidden by {count(len(hard), 'fact')}"
    elif mendable:
        headline = f"{tag} is true once the wheel is repaired"
    else:
        headline = f"{tag} is true: nothing forbids it"
    return Explanation(file, tag, headline, tuple(findings))


def _reason(analysis: MachoAnalysis, reason: Reason) -> Finding:
    details: list[str] = []
    if reason.rule is Rule.MISSING_LIBRARY:
        details += attempts(analysis.graph, reason.library)
    details += way(analysis.graph, reason.file)
    return Finding(f"{short(reason.file)} {reason.detail}", tuple(details))


def _explain_library(file: str, analysis: MachoAnalysis, subject: str) -> Explanation:
    edges = [edge for edge in analysis.graph.all_edges() if names(edge, subject)]
    if not edges:
        raise UsageError(f"nothing in {file} needs {subject!r}", hint=_guess(analysis, subject))
    findings = []
    for target in sorted({edge.lookup.found or edge.dependency.name for edge in edges}):
        direct = [edge for edge in edges if target in {edge.lookup.found, edge.dependency.name}]
        chain = dict.fromkeys(edge_text(edge) for edge in analysis.graph.chain(target))
        findings.append(Finding(f"{target} comes by", tuple(chain)))
        needers: dict[str, list[str]] = {}
        for edge in direct:
            needers.setdefault(edge.needer, []).append(edge.architecture)
        lines = tuple(f"{name} ({', '.join(dict.fromkeys(archs))})" for name, archs in needers.items())
        findings.append(Finding(f"it is needed by {count(len(needers), 'file')}", lines))
        if any(edge.lookup.found is None and edge.lookup.rule is None for edge in direct):
            findings += _searches(direct)
            findings.append(Finding("say where it lies with --lib-path DIR, or leave it out with --exclude NAME"))
    fates = [fate_in(analysis.graph)(edge) for edge in edges]
    fate = Fate.MISSING if Fate.MISSING in fates else fates[0]
    because = {
        Fate.BUNDLE: " and comes along: not every Mac has it",
        Fate.SYSTEM: " and stays outside: every Mac has it",
        Fate.IN_WHEEL: " and is in the wheel already",
        Fate.MISSING: " and was not found",
        Fate.LEFT_OUT: " and stays outside",
    }[fate]
    headline = f"{subject} is needed by {count(len({edge.needer for edge in edges}), 'file')}{because}"
    return Explanation(file, subject, headline, tuple(findings))


def _searches(edges: list[MachoEdge]) -> list[Finding]:
    """Return the places tried in vain; for each architecture on its own where they differ."""
    by_places: dict[tuple[str, ...], list[str]] = {}
    for edge in edges:
        if edge.lookup.found is None:
            by_places.setdefault(tuple(attempt_lines(edge)), []).append(edge.architecture)
    if len(by_places) == 1 and all(edge.lookup.found is None for edge in edges):
        return [Finding("it was searched for in", places) for places in by_places]
    return [
        Finding(f"for {', '.join(dict.fromkeys(archs))} it was searched for in", places)
        for places, archs in by_places.items()
    ]


def _guess(analysis: MachoAnalysis, subject: str) -> str:
    """Return what the caller may have meant."""
    from difflib import get_close_matches

    known = {name for edge in analysis.graph.all_edges() for name in _spellings(edge.dependency.name)}
    close = get_close_matches(subject, sorted(known), 1)
    return f"did you mean {close[0]}?" if close else "name a platform tag, an architecture or a library"


def _spellings(name: str) -> Iterator[str]:
    yield name
    yield name.rpartition("/")[2]
