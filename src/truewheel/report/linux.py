"""The report of a Linux wheel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from truewheel.analyzer.elf.analyze import analyze
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.search_options import require_used_excludes
from truewheel.errors import RefusedError
from truewheel.platforms.linux.judge import data_version, is_allowed, judge
from truewheel.platforms.verdict import Rule
from truewheel.report.model import Fate, TagTruth, WheelReport
from truewheel.report.tree import Forest
from truewheel.retagger.evidence import decide_label, reasons_against

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.graph import AnyEdge, DependencyGraph
    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.archive.reader import WheelReader
    from truewheel.platforms.own_policy import OwnPolicy
    from truewheel.platforms.verdict import Policy, Reason, Verdict
    from truewheel.retagger.evidence import Label


def inspect_linux(
    reader: WheelReader, search: SearchOptions | None, jobs: int, own: OwnPolicy | None = None
) -> WheelReport:
    """Return the report of a wheel that is judged as one for Linux."""
    analysis = analyze(reader, search, jobs=jobs)
    require_used_excludes(analysis)
    return report_linux(reader.path.name, reader.size(), analysis, judge(analysis, own=own))


def report_linux(file: str, size: int, analysis: Analysis, verdicts: Sequence[Verdict]) -> WheelReport:
    """Return the report of an analyzed and judged wheel. `size` is the wheel's own, in bytes."""
    current = analysis.name.platform
    label, refusals = _label(verdicts, current, "auto") if verdicts else (None, ())
    plain, _ = _label(verdicts, (), "linux") if verdicts else (None, ())
    policy = label.policy if label else _newest(verdicts)
    kept = [verdict.now.tag for verdict in verdicts if verdict.now]
    next_older, floor_reasons = out_of_reach(verdicts, current)
    forest = Forest(analysis.graph, partial(fate_of, graph=analysis.graph, policy=policy), note_of) if policy else None
    return WheelReport(
        file=file,
        size=size,
        operating_system="Linux",
        architecture=analysis.architecture,
        libc=analysis.libc.value if analysis.libc else None,
        native_files=sum(1 for _ in analysis.graph.members()),
        tags=(
            *(_truth(verdicts, tag, ignored=bool(analysis.ignored)) for tag in current),
            *_own_truths(verdicts),
        ),
        as_it_is=kept[0] if kept else None,
        could_be=label.platforms if label else (),
        plain=plain.platforms[0] if plain else None,
        groups=tuple(forest.groups()) if forest else (),
        system=forest.system() if forest else (),
        own_floor=next((verdict.own_floor.tag for verdict in verdicts if verdict.own_floor), None),
        next_older=next_older,
        floor_reasons=floor_reasons,
        refusals=refusals,
        tidied=tuple(dict.fromkeys(text for verdict in verdicts for text in verdict.tidied)),
        warnings=tuple(dict.fromkeys(text for verdict in verdicts for text in verdict.warnings)),
        ignored=analysis.ignored,
        unrecorded=analysis.unrecorded,
        policy_data=data_version(),
    )


def _label(verdicts: Sequence[Verdict], current: tuple[str, ...], plat: str) -> tuple[Label | None, tuple[str, ...]]:
    """Return the label that a repair for `plat` would give, or every reason why there is none."""
    try:
        return decide_label(verdicts, current=current, plat=plat), ()
    except RefusedError as error:
        return None, error.reasons or (error.what,)


def policy_of_repair(analysis: Analysis, verdicts: Sequence[Verdict]) -> Policy | None:
    """Return the policy that decides what a repair bundles; the newest when no label can be given."""
    label, _ = _label(verdicts, analysis.name.platform, "auto") if verdicts else (None, ())
    return label.policy if label else _newest(verdicts)


def _newest(verdicts: Sequence[Verdict]) -> Policy | None:
    judgements = [item for verdict in verdicts for item in verdict.judgements]
    return judgements[-1].policy if judgements else None


def _truth(verdicts: Sequence[Verdict], tag: str, *, ignored: bool) -> TagTruth:
    """Return whether a tag is true of the wheel as it stands. ignored: it has native files that no loader maps."""
    reasons = reasons_against(verdicts, tag)
    if reasons and tag.startswith("linux_") and all(reason.rule is Rule.ISA_LEVEL for reason in reasons):
        return TagTruth(tag, None, reasons, note="may not be true: that code must be chosen at run time")
    if reasons is not None:
        return TagTruth(tag, not reasons, reasons)
    if tag != "any" and not tag.startswith(("linux_", "manylinux", "musllinux")):
        return TagTruth(tag, None, note="names a system that is not judged")
    if verdicts:
        return TagTruth(tag, None, note="promises nothing about the system")
    if ignored and tag != "any":
        return TagTruth(tag, None, note="no file inside is for its loader")
    return TagTruth(tag, true=True, note="" if tag == "any" else "no native file asks for it")


def _own_truths(verdicts: Sequence[Verdict]) -> Iterator[TagTruth]:
    """Yield whether the wheel as it stands keeps the policy of the user's own, where one was given."""
    for item in (item for verdict in verdicts for item in verdict.judgements if item.policy.own):
        yield TagTruth(item.policy.tag, item.kept, item.reasons, note="your own policy")


def out_of_reach(verdicts: Sequence[Verdict], current: tuple[str, ...]) -> tuple[str | None, tuple[Reason, ...]]:
    """Return the policy one step older than a wheel of these platform tags can hold, and what stands against it."""
    label, _ = _label(verdicts, current, "auto") if verdicts else (None, ())
    return _next_older(verdicts, label.policy if label else None)


def _next_older(verdicts: Sequence[Verdict], policy: Policy | None) -> tuple[str | None, tuple[Reason, ...]]:
    """Return the policy one step older than `policy`, and what stands against it, without what a repair mends."""
    for verdict in verdicts:
        older = None
        for item in verdict.judgements:
            if item.policy == policy and older is not None:
                return older.policy.tag, tuple(reason for reason in older.reasons if not reason.mendable)
            older = item
    return None, ()


def fate_of(edge: AnyEdge, graph: DependencyGraph, policy: Policy) -> Fate:
    """Return what becomes of the library at the end of an edge when the wheel is repaired for a policy."""
    rule, found = edge.lookup.rule, edge.lookup.found
    if rule in {SearchRule.EXCLUDED, SearchRule.INTERPRETER}:
        return Fate.LEFT_OUT
    if rule is SearchRule.LOADER:
        return Fate.SYSTEM
    inside = found is not None and graph.nodes[found].in_wheel
    if inside and (rule is not SearchRule.IN_WHEEL or not is_allowed(policy, edge.dependency.name)):
        return Fate.IN_WHEEL
    if is_allowed(policy, edge.dependency.name):
        return Fate.SYSTEM
    return Fate.MISSING if found is None else Fate.BUNDLE


def note_of(edge: AnyEdge) -> str:
    """Say in a few words how the loader comes to the file, where that is not plain."""
    if edge.lookup.rule in {SearchRule.IN_WHEEL, SearchRule.LOADED, SearchRule.EXCLUDED, SearchRule.INTERPRETER}:
        return str(edge.lookup.rule.value)
    if edge.lookup.found is None:
        tried = len(edge.lookup.attempts)
        return f"looked in {tried} {'place' if tried == 1 else 'places'}"
    return ""
