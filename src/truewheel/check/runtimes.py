"""Rules about language runtimes: two copies in one process, and a C++ runtime that the system has left behind.

Which libraries are runtimes is a fact of `platforms/data/macos.toml` and `windows.toml`; they keep state for the
whole process, so that two copies disagree: OpenMP's abort, exceptions do not cross from one C++ runtime to another.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from truewheel.analyzer.macho.image import MACOS
from truewheel.check.findings import Found, Rule, Severity
from truewheel.check.windows import in_one_process
from truewheel.platforms.macos.facts import mac_facts
from truewheel.platforms.windows.facts import windows_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.analyzer.macho.image import Slice
    from truewheel.check.subject import Subject
    from truewheel.platforms.macos.facts import SystemVersion

_OLD_CXX = "/usr/lib/libstdc++.6.dylib"
_FIRST_WITH_LIBCXX = (10, 9)
"""The first macOS whose compilers take libc++ unless told otherwise."""


def _copies(subject: Subject) -> Iterator[Found]:
    """Yield runtimes of which one process may hold two copies."""
    evidence = subject.evidence
    if evidence is None:
        return
    here = {node.name for graph in (evidence.linux.graph, evidence.macos.graph) for node in graph.members()}
    here |= {file.member for file in evidence.windows}
    known = mac_facts().runtimes
    sets = [(known, [*_loaded(evidence.linux)]), *((known, names) for names in _reached(evidence.macos))]
    if evidence.windows:
        sets.append((windows_facts().runtimes, [*in_one_process(evidence.windows)]))
    told: set[tuple[str, ...]] = set()
    for runtimes, names in sets:
        for kind, copies in _runtimes(names, runtimes).items():
            if len(copies) > 1 and copies not in told:
                told.add(copies)
                problem = f"one process may hold {len(copies)} copies of the {kind}: {', '.join(copies)}"
                yield Found(problem, "link all of the wheel to one of them", copies[0] if copies[0] in here else "")


def _loaded(analysis: Analysis) -> Iterable[str]:
    """Return the libraries of a Linux wheel and of the system that one process may load, each once.

    ld.so takes two libraries of one soname for the same, and a needed name for a library of that soname.
    """
    graph = analysis.graph
    loaded = {edge.dependency.name: edge.dependency.name for edge in graph.all_edges() if edge.lookup.found is None}
    here: dict[str, str] = {}
    for node in graph.members():
        here.setdefault(node.image.soname or node.name, node.name)
    return (here | {name: place for name, place in loaded.items() if name not in here}).values()


def _reached(analysis: MachoAnalysis) -> Iterator[list[str]]:
    """Yield, for each architecture, the files that it loads and the libraries of the system that these name."""
    from truewheel.platforms.macos.reach import Target, reached

    for architecture in mac_facts().floors:
        files = reached(analysis, Target(architecture, MACOS))
        edges = [edge for name in files for edge in analysis.graph.edges_of(name, architecture)]
        yield [*files, *(edge.dependency.name for edge in edges if edge.lookup.found is None)]


def _runtimes(names: Iterable[str], runtimes: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the runtimes among files by what they are, in order, each once."""
    kinds: dict[str, dict[str, None]] = {}
    for name in names:
        kind = runtimes.get(re.split(r"[.-]", PurePosixPath(name).name.lower(), maxsplit=1)[0])
        if kind:
            kinds.setdefault(kind, {})[name] = None
    return {kind: tuple(copies) for kind, copies in kinds.items()}


def _era(subject: Subject) -> Iterator[Found]:
    """Yield files that are linked to Apple's libstdc++ though the wheel is for systems whose C++ runtime is libc++."""
    from truewheel.retagger.macos_tags import coverage, parse_mac_tag

    name, evidence = subject.name, subject.evidence
    if name is None or evidence is None:
        return
    oldest = coverage(tag for text in name.platform if (tag := parse_mac_tag(text)))
    for node in evidence.macos.graph.members():
        slices = [
            item.architecture
            for item in node.file.slices
            if _oldest(item, oldest) >= _FIRST_WITH_LIBCXX and any(use.name == _OLD_CXX for use in item.dependencies)
        ]
        if slices:
            problem = f"{node.name} is linked to Apple's libstdc++ in its {' and '.join(slices)} slice"
            since = ".".join(map(str, _FIRST_WITH_LIBCXX))
            fix = "build it with -stdlib=libc++"
            yield Found(f"{problem}, which macOS {since} and later keeps for old programs only", fix, node.name)


def _oldest(item: Slice, oldest: Mapping[str, SystemVersion]) -> SystemVersion:
    """Return the oldest system that a slice is for: that of the tags, or a later one that the slice itself asks for."""
    tagged = oldest.get(item.architecture)
    if tagged is None:
        return (0, 0)
    return max(tagged, item.minimum_os[:2]) if item.minimum_os else tagged


RULES = (
    Rule("repeated-runtime", Severity.WARNING, "one process may hold two copies of a language runtime", _copies),
    Rule("old-cxx-runtime", Severity.WARNING, "a file is linked to the C++ runtime that macOS left behind", _era),
)
