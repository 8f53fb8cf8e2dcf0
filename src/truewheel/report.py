"""What a person wants to know about one wheel, as plain data: is its label true, what could it be, and why.

The report draws no line and formats no number; the command line does that, and programs read it as JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from truewheel.analyzer.analyze import analyze, require_used_excludes
from truewheel.analyzer.graph import SearchRule
from truewheel.archive.reader import WheelReader
from truewheel.errors import RefusedError
from truewheel.platforms.judge import data_version, is_allowed, judge, libraries_to_bundle
from truewheel.retagger.evidence import decide_label, reasons_against

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from truewheel.analyzer.analyze import Analysis
    from truewheel.analyzer.graph import DependencyGraph, Edge
    from truewheel.analyzer.search_options import SearchOptions
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
    """One platform tag of the name.

    true: None for a tag that cannot be judged. note: why it cannot, or what there is to say of it; may be empty.
    """

    tag: str
    true: bool | None
    reasons: tuple[Reason, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class WheelReport:
    """Everything `truewheel show` tells of one wheel.

    as_it_is: the most portable platform tag that the wheel keeps without a repair, or None.
    could_be: the platform tags that a repair would give it; empty when none can be.
    plain: the tag that promises nothing, which `repair --plat linux` would give; None when not even that can be.
    next_older: the policy one step more portable than the repaired wheel's; None when there is none.
    floor_reasons: what stands against that policy and cannot be mended.
    own_floor: the tag that the wheel's own files allow, whatever is bundled.
    refusals: why no label can be given.
    tidied: facts of the build that a repair removes. warnings: facts that break no promise.
    ignored: members that look native but are nothing to a loader, each with the reason.
    unrecorded: native members that RECORD does not list.
    """

    file: str
    size: int
    architecture: str | None
    libc: str | None
    native_files: int
    tags: tuple[TagTruth, ...]
    as_it_is: str | None
    could_be: tuple[str, ...]
    plain: str | None
    groups: tuple[FileGroup, ...]
    system: tuple[str, ...]
    own_floor: str | None
    next_older: str | None
    floor_reasons: tuple[Reason, ...]
    refusals: tuple[str, ...]
    tidied: tuple[str, ...]
    warnings: tuple[str, ...]
    ignored: tuple[tuple[str, str], ...]
    unrecorded: tuple[str, ...]
    policy_data: str

    @property
    def bundled(self) -> tuple[LibraryLine, ...]:
        """Every library that a repair would bundle, once."""
        lines = (line for group in self.groups for line in group.lines)
        return tuple({line.place: line for line in lines if line.fate is Fate.BUNDLE and not line.repeated}.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """The name of every library that was not found, once."""
        lines = (line for group in self.groups for line in group.lines)
        return tuple(dict.fromkeys(line.name for line in lines if line.fate is Fate.MISSING))

    def to_json(self) -> dict[str, Any]:
        """Return the report as values that the json module writes."""
        values: dict[str, Any] = _plain(asdict(self))
        return values


def inspect_wheel(wheel: Path, search: SearchOptions | None = None, *, jobs: int = 1) -> WheelReport:
    """Return the report of the wheel at a path; nothing is written.

    search: where libraries are looked for. jobs: how many threads work at once.

    Raises InvalidInputError for a wheel that cannot be read, UsageError for an exclude pattern that fits nothing.
    """
    with WheelReader.open(wheel) as reader:
        analysis = analyze(reader, search, jobs=jobs)
        require_used_excludes(analysis)
        return report(wheel.name, wheel.stat().st_size, analysis, judge(analysis))


def report(file: str, size: int, analysis: Analysis, verdicts: Sequence[Verdict]) -> WheelReport:
    """Return the report of an analyzed and judged wheel. `size` is the wheel's own, in bytes."""
    current = analysis.name.platform
    label, refusals = _label(verdicts, current, "auto") if verdicts else (None, ())
    plain, _ = _label(verdicts, (), "linux") if verdicts else (None, ())
    policy = label.policy if label else _newest(verdicts)
    kept = [verdict.now.tag for verdict in verdicts if verdict.now]
    next_older, floor_reasons = _next_older(verdicts, policy if label else None)
    return WheelReport(
        file=file,
        size=size,
        architecture=analysis.architecture,
        libc=analysis.libc.value if analysis.libc else None,
        native_files=sum(1 for _ in analysis.graph.members()),
        tags=tuple(_truth(verdicts, tag) for tag in current),
        as_it_is=kept[0] if kept else None,
        could_be=label.platforms if label else (),
        plain=plain.platforms[0] if plain else None,
        groups=tuple(_groups(analysis.graph, policy)) if policy else (),
        system=_system(analysis.graph, policy) if policy else (),
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


def _truth(verdicts: Sequence[Verdict], tag: str) -> TagTruth:
    """Return whether a tag is true of the wheel as it stands."""
    reasons = reasons_against(verdicts, tag)
    if reasons is not None:
        return TagTruth(tag, not reasons, reasons)
    if tag != "any" and not tag.startswith(("linux_", "manylinux", "musllinux")):
        return TagTruth(tag, None, note="names another system; only Linux is judged")
    if verdicts:
        return TagTruth(tag, None, note="promises nothing about the system")
    return TagTruth(tag, true=True, note="" if tag == "any" else "no native file asks for it")


def _next_older(verdicts: Sequence[Verdict], policy: Policy | None) -> tuple[str | None, tuple[Reason, ...]]:
    """Return the policy one step older than `policy`, and what stands against it, without what a repair mends."""
    for verdict in verdicts:
        older = None
        for item in verdict.judgements:
            if item.policy == policy and older is not None:
                return older.policy.tag, tuple(reason for reason in older.reasons if not reason.mendable)
            older = item
    return None, ()


def _system(graph: DependencyGraph, policy: Policy) -> tuple[str, ...]:
    """Return the names that the system provides to the wheel and to what would be bundled, sorted."""
    files = {node.name for node in graph.members()} | set(libraries_to_bundle(graph, policy))
    edges = (edge for name in files for edge in graph.edges.get(name, ()))
    return tuple(sorted({edge.dependency.name for edge in edges if fate_of(edge, graph, policy) is Fate.SYSTEM}))


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
        fate = fate_of(edge, graph, policy)
        below = _shown(graph, found, policy) if found else ()
        repeated = found in seen
        size = graph.nodes[found].size if found else 0
        yield LibraryLine(depth, edge.dependency.name, fate, found or "", size, repeated, _note(edge))
        if found and not repeated:
            seen.add(found)
            stack += [(item, depth + 1) for item in reversed(below)]


def _shown(graph: DependencyGraph, name: str, policy: Policy) -> tuple[Edge, ...]:
    """Return the edges of a file that a person wants to see: not those that the system provides."""
    return tuple(edge for edge in graph.edges.get(name, ()) if fate_of(edge, graph, policy) is not Fate.SYSTEM)


def fate_of(edge: Edge, graph: DependencyGraph, policy: Policy) -> Fate:
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


def _note(edge: Edge) -> str:
    """Say in a few words how the loader comes to the file, where that is not plain."""
    if edge.lookup.rule in {SearchRule.IN_WHEEL, SearchRule.LOADED, SearchRule.EXCLUDED, SearchRule.INTERPRETER}:
        return str(edge.lookup.rule.value)
    if edge.lookup.found is None:
        tried = len(edge.lookup.attempts)
        return f"looked in {tried} {'place' if tried == 1 else 'places'}"
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
