"""Analyses built by hand, so that judgements are tested without any file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from truewheel.analyzer.elf.analyze import Analysis
from truewheel.analyzer.elf.image import Dependency, DependencyKind, Image, ImageKind, Libc, SymbolNeed
from truewheel.analyzer.graph import DependencyGraph, Edge, Lookup, Node, SearchRule
from truewheel.archive.layout import InstalledPath, Scheme
from truewheel.archive.names import WheelName
from truewheel.platforms.linux.judge import judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truewheel.platforms.verdict import Policy, Reason, Verdict

WHEEL = "demo-1.0-cp310-abi3-linux_x86_64.whl"


def image(*versions: str, needed: tuple[str, ...] = (), imports: Iterable[str] = (), **fields: object) -> Image:
    """Return a 64-bit shared library; `versions` are written `GLIBC_2.17@libc.so.6`, with `?` after a weak one."""
    needs = []
    for text in versions:
        version, _, library = text.rstrip("?").partition("@")
        needs.append(SymbolNeed(library or "libc.so.6", version, weak=text.endswith("?")))
    values: dict[str, Any] = {
        "architecture": "x86_64",
        "kind": ImageKind.SHARED_LIBRARY,
        "bits": 64,
        "byte_order": "little",
        "dynamic": True,
        "needed": tuple(Dependency(name) for name in needed),
        "symbol_needs": tuple(needs),
        "imports": frozenset(imports),
        "unversioned_imports": tuple(sorted(imports)),
        **fields,
    }
    return Image(**values)


@dataclass
class Built:
    """A graph in the making: add files, then say who needs whom."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[str, tuple[Edge, ...]] = field(default_factory=dict)

    def file(self, name: str, content: Image, *, in_wheel: bool = True) -> Built:
        """Add a node; outside the wheel when its name is an absolute path."""
        self.nodes[name] = Node(name, in_wheel and not name.startswith("/"), content, size=1000)
        return self

    def need(
        self,
        needer: str,
        name: str,
        found: str | None = None,
        rule: SearchRule | None = None,
        kind: DependencyKind = DependencyKind.NEEDED,
    ) -> Built:
        """Add an edge; the rule of a found file is the default directories unless said."""
        if found is not None and rule is None:
            rule = SearchRule.DEFAULT
        edge = Edge(needer, Dependency(name, kind), Lookup(found, rule))
        self.edges[needer] = (*self.edges.get(needer, ()), edge)
        return self

    @property
    def graph(self) -> DependencyGraph:
        """The graph as it stands."""
        return DependencyGraph(nodes=self.nodes, edges=self.edges)

    def analysis(
        self,
        *,
        libc: Libc | None = Libc.GLIBC,
        architecture: str | None = "x86_64",
        wheel: str = WHEEL,
        installed: Mapping[str, InstalledPath] | None = None,
        unprovided: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Analysis:
        """Return the analysis of a wheel whose members lie in platlib unless said."""
        members = [name for name, node in self.nodes.items() if node.in_wheel]
        places = {name: InstalledPath(Scheme.PLATLIB, PurePosixPath(name)) for name in members}
        return Analysis(
            name=WheelName.parse(wheel),
            graph=self.graph,
            architecture=architecture,
            libc=libc,
            installed={**places, **(installed or {})},
            unprovided=unprovided or {},
            ignored=(),
            unrecorded=(),
            unused_excludes=(),
        )


def one_file(content: Image, name: str = "demo/_x.abi3.so") -> Built:
    """Return a wheel with one native file."""
    built = Built().file(name, content)
    for dependency in content.needed:
        built.need(name, dependency.name)
    return built


def glibc(*versions: str, imports: Iterable[str] = (), **fields: object) -> Image:
    """Return a library linked against glibc."""
    return image(*versions, needed=("libc.so.6",), imports=imports, **fields)


def only(analysis: Analysis) -> Verdict:
    """Return the verdict of a wheel that can belong to one family only."""
    (verdict,) = judge(analysis)
    return verdict


def reasons(verdict: Verdict, policy: str) -> tuple[Reason, ...]:
    """Return what stands against one policy."""
    (judgement,) = (item for item in verdict.judgements if item.policy.name == policy)
    return judgement.reasons


def name(policy: Policy | None) -> str | None:
    """Return a policy's name."""
    return policy.name if policy else None
