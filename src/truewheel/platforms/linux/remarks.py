"""Facts that break no promise but that a person should know, one sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.elf.image import ImageKind, Libc
from truewheel.analyzer.elf.ld_so import stays_installed
from truewheel.analyzer.graph import SearchRule
from truewheel.platforms.linux.arm import processor_reasons
from truewheel.platforms.linux.glibc import glibc_warnings
from truewheel.platforms.linux.musl import musl_warnings
from truewheel.platforms.verdict import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.graph import Edge, Node
    from truewheel.platforms.linux.policies import PolicyFacts


def remarks(analysis: Analysis, facts: PolicyFacts, until: dict[str, int], floor: int) -> tuple[str, ...]:
    """Return what to say of a wheel that is to be called by the policy at `floor`, in node order.

    until: by node name, the first policy under which the file is not part of the wheel any more.
    """
    result: list[str] = []
    nodes = [analysis.graph.nodes[name] for name, stop in until.items() if stop > floor or stop == facts.never]
    for node in nodes:
        result += _of_file(node, facts, floor)
        result += _of_edges(analysis, node, facts, floor)
        if node.in_wheel:
            result += _of_undefined(analysis, node)
    result += _kernels(nodes)
    result += _excluded(analysis)
    return tuple(dict.fromkeys(result))


def _of_file(node: Node, facts: PolicyFacts, floor: int) -> Iterator[str]:
    image = node.image
    if image.text_relocations:
        yield f"{node.name} changes its own code while it is loaded (text relocations); hardened systems forbid that"
    if image.executable_stack and image.kind is ImageKind.EXECUTABLE:
        yield f"{node.name} is a program that asks for an executable stack; hardened systems forbid that"
    for reason in processor_reasons(node, facts.architecture):
        yield f"{node.name} {reason.detail} unless it is chosen at run time"
    if facts.libc is Libc.GLIBC:
        yield from glibc_warnings(node, facts, floor)
    else:
        yield from musl_warnings(node)


def _kernels(nodes: Sequence[Node]) -> Iterator[str]:
    """Yield each oldest kernel that files agree to run on, with these files; all programs of one C library have one."""
    files: dict[tuple[int, int, int], list[str]] = {}
    for node in nodes:
        if node.image.minimum_kernel is not None:
            files.setdefault(node.image.minimum_kernel, []).append(node.name)
    for kernel, names in sorted(files.items()):
        asks = "asks" if len(names) == 1 else "ask"
        yield f"{listed(names)} {asks} for Linux {'.'.join(map(str, kernel))} or newer"


def _of_edges(analysis: Analysis, node: Node, facts: PolicyFacts, floor: int) -> Iterator[str]:
    for edge in analysis.graph.edges.get(node.name, ()):
        if edge.lookup.rule is SearchRule.LOADED and _found_inside(analysis, edge):
            yield (
                f"{node.name} needs {edge.dependency.name} and no path leads to it; "
                f"it works because {edge.lookup.found} is loaded before"
            )
        elif (
            edge.lookup.rule is SearchRule.IN_WHEEL
            and _found_inside(analysis, edge)
            and facts.allowed_from(edge.dependency.name) <= floor
        ):
            yield (
                f"{node.name} needs {edge.dependency.name}; no path leads to {edge.lookup.found}, "
                "so the system's library is used"
            )


def _found_inside(analysis: Analysis, edge: Edge) -> bool:
    return edge.lookup.found is not None and analysis.graph.nodes[edge.lookup.found].in_wheel


def stray_paths(analysis: Analysis) -> Iterator[str]:
    """Yield each RPATH or RUNPATH entry in force that leads out of the installed package tree, with its files."""
    files: dict[tuple[str, str], list[str]] = {}
    for node in analysis.graph.members():
        place = analysis.installed.get(node.name)
        kind = "RUNPATH" if node.image.runpath else "RPATH"
        for entry in node.image.runpath or node.image.rpath:
            if place is None or not stays_installed(entry, place):
                files.setdefault((kind, entry), []).append(node.name)
    for (kind, entry), names in files.items():
        yield f"the {kind} entry {entry or '(empty)'} leads outside the wheel: {listed(names)}"


def _of_undefined(analysis: Analysis, node: Node) -> Iterator[str]:
    """Yield one sentence for a plain library with symbols that nothing it needs can give it."""
    names = analysis.unprovided.get(node.name, ())
    if names and not node.image.python_inits:
        yield f"{node.name} counts on its user for {listed(names)}"


def _excluded(analysis: Analysis) -> Iterator[str]:
    names = {edge.dependency.name for edge in analysis.graph.all_edges() if edge.lookup.rule is SearchRule.EXCLUDED}
    if names:
        yield f"left out on request, so something else must provide it: {', '.join(sorted(names))}"
