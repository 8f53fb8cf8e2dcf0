"""Which machines of 32-bit ARM run a file, by its build attributes; the facts are in `data/arm.toml`.

A platform tag names such machines by what they call themselves: `linux_armv6l` is a promise to the first Raspberry Pi,
`manylinux_2_17_armv7l` to every ARMv7. The attributes are those of the newest part that the linker was given, so that
code that a file chooses at run time counts like all other: they prove that a file runs, and only hint that it does not.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from truewheel.platforms.verdict import Reason, Rule
from truewheel.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.graph import Node

_DATA = Path(__file__).parents[1] / "data" / "arm.toml"


class _ArmFacts(NamedTuple):
    """The facts of the data file.

    machines: generations by machine. built_for: by Tag_CPU_arch, its name and the generation that it takes.
    """

    machines: Mapping[str, int]
    built_for: Mapping[int, tuple[str, int]]


@cache
def _facts() -> _ArmFacts:
    table = parse_toml(_DATA.read_text(encoding="utf-8"))
    built_for = {int(number): (name, generation) for number, (name, generation) in table["built_for"].items()}
    return _ArmFacts(table["machines"], built_for)


def processor_reasons(node: Node, machine: str) -> Iterator[Reason]:
    """Yield a reason when the file has code that not every machine of that name runs."""
    known = _built_for(node)
    if known is not None and machine in _facts().machines:
        name, generation = known
        if generation > _facts().machines[machine]:
            yield Reason(Rule.ISA_LEVEL, node.name, f"has code for {name}, which not every {machine} machine runs")


def machine_reasons(analysis: Analysis) -> tuple[tuple[str, tuple[Reason, ...]], ...]:
    """Return what stands against each machine of 32-bit ARM; those are left out that files without attributes may need.

    Nothing for a wheel without a file of 32-bit ARM.
    """
    nodes = [*analysis.graph.members()]
    if not any(node.image.arm for node in nodes):
        return ()
    sure = all(_built_for(node) for node in nodes)
    found = {name: [*chain(*(processor_reasons(node, name) for node in nodes))] for name in _facts().machines}
    return tuple((name, tuple(reasons)) for name, reasons in found.items() if reasons or sure)


def _built_for(node: Node) -> tuple[str, int] | None:
    return _facts().built_for.get(node.image.arm.cpu_arch) if node.image.arm else None
