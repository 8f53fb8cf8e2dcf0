"""What a person wants to know about one wheel, as plain data: is its label true, what could it be, and why.

The report draws no line and formats no number; the command line does that, and programs read it as JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from truewheel.analyzer.graph import SearchRule
from truewheel.errors import RefusedError
from truewheel.platforms.judge import data_version, is_allowed, libraries_to_bundle
from truewheel.retagger.evidence import decide_label, reasons_against

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truewheel.analyzer.analyze import Analysis
    from truewheel.analyzer.graph import DependencyGraph, Edge
    from truewheel.platforms.verdict import Policy, Reason, Verdict
    from truewheel.retagger.evidence import Label

SCHEMA = "truewheel.show/1"


class Fate(Enum):
    """What becomes of a needed library when the wheel is repaired."""

    BUNDLE = "bundle"
    SYSTEM = "system"
    IN_WHEEL = "in wheel"
    MISSING = "missing"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class LibraryLine:
    """One library in the tree below a file, `depth` steps away from it.

    place: the member or path where the library lies; empty when there is none.
    size: bytes; 0 when there is no file.
    repeated: True when the library stands with its own needs further up in the same report.
    note: why it is where it is, in a few words; may be empty.
    """

    depth: int
    name: str
    fate: Fate
    place: str
    size: int
    repeated: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files of the wheel that need the same libraries, and the tree of these; system libraries are left out."""

    members: tuple[str, ...]
    lines: tuple[LibraryLine, ...]


@dataclass(frozen=True, slots=True)
class TagTruth:
    """One platform tag of the name. `true` is None for a tag that promises nothing that can be judged."""

    tag: str
    true: bool | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class WheelReport:
    """Everything `truewheel show` tells of one wheel.

    as_it_is: the most portable platform tag that the wheel keeps without a repair, or None.
    could_be: the platform tags that a repair would give it; empty when none can be.
    floor_reasons: what stands against the policy that is one step more portable than the repaired wheel's.
    own_floor: the tag that the wheel's own files allow, whatever is bundled.
    refusals: why no label can be given.
    """

    file: str
    size: int
    architecture: str | None
    libc: str | None
    native_files: int
    tags: tuple[TagTruth, ...]
    as_it_is: str | None
    could_be: tuple[str, ...]
    groups: tuple[FileGroup, ...]
    system: tuple[str, ...]
    own_floor: str | None
    floor_reasons: tuple[Reason, ...]
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]
    policy_data: str
    schema: str = SCHEMA

    @property
    def bundled(self) -> tuple[LibraryLine, ...]:
        """Every library that a repair would bundle, once."""
        lines = (line for group in self.groups for line in group.lines)
        return tuple({line.place: line for line in lines if line.fate is Fate.BUNDLE and not line.repeated}.values())

    def to_json(self) -> dict[str, Any]:
        """Return the report as values that the json module writes."""
        values: dict[str, Any] = _plain(asdict(self))
        return values


def report(file: str, size: int, analysis: Analysis, verdicts: Sequence[Verdict]) -> WheelReport:
    """Return the report of an analyzed and judged wheel. `size` is the wheel's own, in bytes."""
    label: Label | None = None
    refusals: tuple[str, ...] = ()
    if verdicts:
        try:
            label = decide_label(verdicts, current=analysis.name.platform)
        except RefusedError as error:
            refusals = error.reasons
    policy = label.policy if label else _newest(verdicts)
    kept = [verdict.now.tag for verdict in verdicts if verdict.now]
    return WheelReport(
        file=file,
        size=size,
        architecture=analysis.architecture,
        libc=analysis.libc.value if analysis.libc else None,
        native_files=sum(1 for _ in analysis.graph.members()),
        tags=tuple(_truth(verdicts, tag) for tag in analysis.name.platform),
        as_it_is=kept[0] if kept else None,
        could_be=label.platforms if label else (),
        groups=tuple(_groups(analysis.graph, policy)) if policy else (),
        system=_system(analysis.graph, policy) if policy else (),
        own_floor=next((verdict.own_floor.tag for verdict in verdicts if verdict.own_floor), None),
        floor_reasons=_floor_reasons(verdicts, policy if label else None),
        refusals=refusals,
        warnings=tuple(dict.fromkeys(text for verdict in verdicts for text in (*verdict.warnings, *verdict.tidied))),
        policy_data=data_version(),
    )


def _newest(verdicts: Sequence[Verdict]) -> Policy | None:
    judgements = [item for verdict in verdicts for item in verdict.judgements]
    return judgements[-1].policy if judgements else None


def _truth(verdicts: Sequence[Verdict], tag: str) -> TagTruth:
    reasons = reasons_against(verdicts, tag)
    return TagTruth(tag, None) if reasons is None else TagTruth(tag, not reasons, reasons)


def _floor_reasons(verdicts: Sequence[Verdict], policy: Policy | None) -> tuple[Reason, ...]:
    """Return what stands against the next older policy, leaving out what a repair mends."""
    for verdict in verdicts:
        older = None
        for item in verdict.judgements:
            if item.policy == policy:
                return tuple(reason for reason in older.reasons if not reason.mendable) if older else ()
            older = item
    return ()


def _system(graph: DependencyGraph, policy: Policy) -> tuple[str, ...]:
    """Return the names that the system provides to the wheel and to what would be bundled, sorted."""
    files = {node.name for node in graph.members()} | set(libraries_to_bundle(graph, policy))
    edges = (edge for name in files for edge in graph.edges.get(name, ()))
    return tuple(sorted({edge.dependency.name for edge in edges if _fate(edge, graph, policy) is Fate.SYSTEM}))


def _groups(graph: DependencyGraph, policy: Policy) -> Iterator[FileGroup]:
    """Yield the files that nobody in the wheel needs, grouped by what they need themselves."""
    needed = {edge.lookup.found for edge in graph.all_edges()}
    tops = [node.name for node in graph.members() if node.name not in needed]
    groups: dict[tuple[tuple[str, str | None], ...], list[str]] = {}
    for name in tops or [node.name for node in graph.members()]:
        wants = tuple((edge.dependency.name, edge.lookup.found) for edge in _shown(graph, name, policy))
        groups.setdefault(wants, []).append(name)
    seen: set[str] = set()
    for names in groups.values():
        yield FileGroup(tuple(names), tuple(_tree(graph, names[0], policy, seen)))


def _tree(graph: DependencyGraph, top: str, policy: Policy, seen: set[str]) -> Iterator[LibraryLine]:
    """Yield the libraries below a file in depth-first order; each one's own needs are shown once per report."""
    stack = [(edge, 1) for edge in reversed(_shown(graph, top, policy))]
    while stack:
        edge, depth = stack.pop()
        found = edge.lookup.found
        fate = _fate(edge, graph, policy)
        below = _shown(graph, found, policy) if found else ()
        repeated = found in seen
        size = graph.nodes[found].size if found else 0
        yield LibraryLine(depth, edge.dependency.name, fate, found or "", size, repeated, _note(edge))
        if found and not repeated:
            seen.add(found)
            stack += [(item, depth + 1) for item in reversed(below)]


def _shown(graph: DependencyGraph, name: str, policy: Policy) -> tuple[Edge, ...]:
    """Return the edges of a file that a person wants to see: not those that the system provides."""
    return tuple(edge for edge in graph.edges.get(name, ()) if _fate(edge, graph, policy) is not Fate.SYSTEM)


def _fate(edge: Edge, graph: DependencyGraph, policy: Policy) -> Fate:
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


def _note(edge: Edge) -> str:
    """Say in a few words how the loader comes to the file, where that is not plain."""
    if edge.lookup.rule in {SearchRule.IN_WHEEL, SearchRule.LOADED, SearchRule.EXCLUDED, SearchRule.INTERPRETER}:
        return str(edge.lookup.rule.value)
    if edge.lookup.found is None:
        return f"{len(edge.lookup.attempts)} places tried"
    return ""


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return a value with enum members replaced by their values, for JSON."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
