"""What a person should know about a macOS wheel though it breaks no promise, one sentence each."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.macho.system_names import is_system
from truewheel.platforms.macos.facts import mac_facts
from truewheel.platforms.macos.reach import (
    assumed_system,
    comes_along,
    first_system,
    optional_entries,
    required_entries,
)
from truewheel.platforms.verdict import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.archive.layout import InstalledPath
    from truewheel.platforms.macos.reach import Target


def mac_remarks(analysis: MachoAnalysis, reach: Mapping[Target, Mapping[str, str]]) -> Iterator[str]:
    """Yield what to say of the files that each target reaches."""
    for target, files in reach.items():
        yield from _silent(analysis, target, files)
    for target in reach:
        yield from _opened_by_name(analysis, target)
    yield from _for_other_systems(analysis, reach)
    twice = (sentence for target, files in reach.items() for sentence in _two_of_a_kind(analysis, target, files))
    yield from dict.fromkeys(twice)
    yield from _excluded(analysis)


def _silent(analysis: MachoAnalysis, target: Target, files: Mapping[str, str]) -> Iterator[str]:
    """Yield the files that do not say which system they need."""
    nodes = (analysis.graph.nodes[name] for name in files)
    names = [node.name for node in nodes if (item := target.slice_of(node)) and item.minimum_os is None]
    if names:
        assumed = assumed_system(analysis, target)
        why = "the first there was" if assumed == first_system(target) else "as the wheel's name says"
        yield (
            f"{listed(names)} {_verb(names, 'does', 'do')} not say which {target.platform} the {target.architecture} "
            f"slice needs; {'.'.join(map(str, assumed[:2]))} is taken for it, {why}"
        )


def _opened_by_name(analysis: MachoAnalysis, target: Target) -> Iterator[str]:
    """Yield the libraries without a slice that the rest of the wheel has; nothing names them, so nothing is proved."""
    if not all(target.slice_of(node) for node in required_entries(analysis)):
        return
    nodes = [node for node in optional_entries(analysis) if node.file.slice_for(target.architecture) is None]
    names = [node.name for node in nodes]
    if names:
        it = _verb(names, "it", "them")
        yield (
            f"{listed(names)} {_verb(names, 'has', 'have')} no {target.architecture} slice; "
            f"nothing in the wheel names {it}, so only who opens {it} can tell what breaks"
        )


def _for_other_systems(analysis: MachoAnalysis, reach: Mapping[Target, Mapping[str, str]]) -> Iterator[str]:
    """Yield the files for other systems that nothing in the wheel names."""
    judged = {target.platform for target in reach}
    systems: dict[str, list[str]] = {}
    for node in optional_entries(analysis):
        for platform in dict.fromkeys(item.platform for item in node.file.slices):
            if platform not in judged:
                systems.setdefault(platform, []).append(node.name)
    for platform, names in systems.items():
        it = _verb(names, "it", "them")
        yield (
            f"{listed(names)} {_verb(names, 'is', 'are')} built for {platform}; "
            f"nothing in the wheel names {it}, so the label does not count {it}"
        )


def _two_of_a_kind(analysis: MachoAnalysis, target: Target, files: Mapping[str, str]) -> Iterator[str]:
    """Yield the runtimes of which one process would hold two copies."""
    kinds: dict[str, dict[str, None]] = {}
    for name in files:
        if kind := _runtime(name):
            kinds.setdefault(kind, {})[name] = None
        for edge in analysis.graph.edges_of(name, target.architecture):
            if edge.lookup.rule is SearchRule.SYSTEM and (kind := _runtime(edge.dependency.name)):
                kinds.setdefault(kind, {})[edge.dependency.name] = None
    for kind, names in kinds.items():
        if len(names) > 1:
            yield f"one process may hold {len(names)} copies of the {kind}: {listed(list(names))}"


def _runtime(name: str) -> str | None:
    stem = re.split(r"[.-]", PurePosixPath(name).name, maxsplit=1)[0]
    return mac_facts().runtimes.get(stem)


def _excluded(analysis: MachoAnalysis) -> Iterator[str]:
    names = {edge.dependency.name for edge in analysis.graph.all_edges() if edge.lookup.rule is SearchRule.EXCLUDED}
    if names:
        yield f"left out on request, so something else must provide it: {', '.join(sorted(names))}"


def suspects(analysis: MachoAnalysis, target: Target) -> Iterator[str]:
    """Yield the modules and programs whose slice needs no library of the wheel while another slice does.

    A build that fails to find a library for one architecture often goes on without it.
    """
    for node in required_entries(analysis):
        item = target.slice_of(node)
        if item is None or _own_names(analysis, node.name, target.architecture):
            continue
        for other in node.file.slices:
            names = _own_names(analysis, node.name, other.architecture)
            if other.platform == target.platform and names:
                yield (
                    f"the {target.architecture} slice of {node.name} needs no library of the wheel, but its "
                    f"{other.architecture} slice needs {listed(names)}; it may have lost what it needs"
                )
                break


def _own_names(analysis: MachoAnalysis, name: str, architecture: str) -> list[str]:
    edges = analysis.graph.edges_of(name, architecture)
    return [edge.dependency.name for edge in edges if comes_along(edge)]


def stray_rpaths(analysis: MachoAnalysis) -> Iterator[str]:
    """Yield each LC_RPATH entry that leads out of the installed package tree, with its files."""
    files: dict[str, list[str]] = {}
    for node in analysis.graph.members():
        place = analysis.installed.get(node.name)
        for path in dict.fromkeys(path for item in node.file.slices for path in item.rpaths):
            if place is not None and not rpath_stays(path, place):
                files.setdefault(path, []).append(node.name)
    for path, names in files.items():
        yield f"the LC_RPATH entry {path or '(empty)'} leads outside the wheel: {listed(names)}"


def rpath_stays(path: str, place: InstalledPath) -> bool:
    """Whether an LC_RPATH entry of the file at `place` means the same on every Mac.

    So it does when it leads to a folder below the root of the file's own scheme, be it there or not (another package
    may lie beside this one), to the system's libraries, or from the program (`@executable_path`), which is the
    interpreter's own installation.
    """
    start, _, rest = path.partition("/")
    if start == "@executable_path" or is_system(f"{path}/library"):
        return True
    if start != "@loader_path":
        return False
    depth = len(place.path.parent.parts)
    for part in rest.split("/"):
        if part not in {"", "."}:
            depth += -1 if part == ".." else 1
        if depth < 0:
            return False
    return True


def _verb(names: Sequence[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several
