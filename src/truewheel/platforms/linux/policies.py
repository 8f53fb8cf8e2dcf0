"""The facts behind every policy, loaded from the data files beside this module.

A promise only grows from an older policy to a newer one, so each fact is kept as one number: the position, among the
policies of an architecture, of the first policy where the answer changes. The files `manylinux.toml`,
`musllinux.toml` and `manylinux/*.toml` are written by `scripts/update_policies.py`; `musl.toml` is kept by hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truewheel.analyzer.elf.image import Libc
from truewheel.analyzer.elf.system_names import is_loader
from truewheel.errors import UsageError
from truewheel.platforms.verdict import Policy
from truewheel.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.platforms.own_policy import OwnPolicy

FAMILIES = {"manylinux": Libc.GLIBC, "musllinux": Libc.MUSL}
"""The C library that each family of policies promises."""

RELR_VERSION = "GLIBC_ABI_DT_RELR"
"""The symbol version by which a file with DT_RELR relocations demands a glibc that applies them."""

_DATA = Path(__file__).parents[1] / "data"
_NUMBERS = re.compile(r"\d+(?:[._]\d+)*")
"""The number of a symbol version; prefixes of names that no release counts (`GLIBC_PRIVATE`) have none."""
_BITS_32 = frozenset({"i686", "armv7l"})


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """All policies of one family for one architecture, oldest first, and what they allow.

    Every number is a position in `policies`; `never` is one past the last.

    libraries: by soname, the first policy that allows it.
    versions: by symbol version (`GLIBC_2.17`), the first policy that allows it.
    prefixes: what stands before the first `_` of the symbol versions that the policies know.
    forbidden: by library and symbol, the first policy that does not forbid the symbol any more.
    newer_symbols: by function name, the first policy whose C library has it, and that C library's version.
    relr: the first policy whose loader applies DT_RELR relocations.
    defined: False when the family has no policy for the architecture; `policies` then stand for no tag.
    newest: by prefix, the newest symbol version that a policy of the user's own has, where it says.
    """

    family: str
    architecture: str
    policies: tuple[Policy, ...]
    libraries: Mapping[str, int]
    versions: Mapping[str, int] = field(default_factory=dict)
    prefixes: frozenset[str] = frozenset()
    forbidden: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    newer_symbols: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    relr: int = 0
    defined: bool = True
    newest: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    libc: Libc = Libc.GLIBC
    """The C library that the family is about."""

    @property
    def never(self) -> int:
        """The position that stands for no policy at all."""
        return len(self.policies)

    def allowed_from(self, name: str) -> int:
        """Return the first policy that lets a needed name be left to the system; the loader always is."""
        position = self.libraries.get(name)
        if position is None:
            return 0 if is_loader(name, self.libc) else self.never
        return position

    def version_from(self, version: str) -> int:
        """Return the first policy that allows a symbol version; all do where the prefix is none of theirs."""
        prefix, _, number = version.partition("_")
        if version == RELR_VERSION:
            return self.relr
        if prefix in self.newest and (found := _NUMBERS.fullmatch(number)):
            return 0 if _release(found[0]) <= self.newest[prefix] else self.never
        position = self.versions.get(version)
        if position is None:
            return self.never if prefix in self.prefixes else 0
        return position

    def name_at(self, position: int) -> str | None:
        """Return the name of the policy at `position`; None for `never`."""
        return self.policies[position].name if position < self.never else None


@cache
def policy_facts(family: str, architecture: str) -> PolicyFacts:
    """Return the facts of one family for one architecture.

    For an architecture that the family does not know, `defined` is False and the facts tell only which libraries a
    system has, because those are the same everywhere.
    """
    table = _read(f"{family}.toml")
    order = tuple(table["policies"])
    here = tuple(name for name in order if architecture in table["policies"][name]["architectures"])
    defined = bool(here)
    here = here or order
    first = {name: sum(order.index(other) < rank for other in here) for rank, name in enumerate(order)}
    facts = PolicyFacts(
        family=family,
        architecture=architecture,
        defined=defined,
        libc=FAMILIES[family],
        policies=tuple(Policy(name, architecture, tuple(table["policies"][name]["aliases"])) for name in here),
        libraries={soname: first[name] for name, sonames in table["libraries"].items() for soname in sonames},
        forbidden={
            library: {symbol: first[name] + (name in here) for name, symbols in by_policy.items() for symbol in symbols}
            for library, by_policy in table["forbidden"].items()
        },
    )
    if not defined:
        return facts
    return _with_glibc_facts(facts) if facts.libc is Libc.GLIBC else _with_musl_facts(facts)


def _with_glibc_facts(facts: PolicyFacts) -> PolicyFacts:
    """Return the facts with the architecture's symbol versions."""
    table = _read(f"{facts.family}/{facts.architecture}.toml")
    first = {policy.name: position for position, policy in enumerate(facts.policies)}
    versions = {
        f"{prefix}_{version}": first[name]
        for name, prefixes in table.items()
        for prefix, items in prefixes.items()
        for version in items
    }
    prefixes = frozenset(prefix for prefixes in table.values() for prefix in prefixes)
    relr = versions.get(RELR_VERSION, facts.never)
    return replace(facts, versions=versions, prefixes=prefixes, relr=relr)


def _with_musl_facts(facts: PolicyFacts) -> PolicyFacts:
    """Return the facts with the names of Alpine's C library and the functions that only newer releases have."""
    table = _read("musl.toml")
    promised = [_release(table["promise"][policy.name]) for policy in facts.policies]

    def first_with(release: str) -> int:
        return sum(oldest < _release(release) for oldest in promised)

    groups = [table["symbols"], table["symbols_32bit"] if facts.architecture in _BITS_32 else {}]
    newer = {
        name: (first_with(release), release)
        for group in groups
        for release, names in group.items()
        for name in names
        if first_with(release)
    }
    sonames = dict.fromkeys(table["sonames"][facts.architecture], 0)
    relr = first_with(table["relr"]["since"])
    return replace(facts, libraries={**facts.libraries, **sonames}, newer_symbols=newer, relr=relr)


def require_base(own: OwnPolicy) -> None:
    """Raise UsageError when a policy of the user's own is based on none, or is for what its base is not for."""
    family = base_family(own)
    known = _bases(family) if family in FAMILIES else {}
    if own.base not in known:
        hint = f"it can be {', '.join(known)}" if known else "base it on one such as manylinux_2_28"
        raise UsageError(f"the base {own.base!r} is no policy", hint=hint)
    unknown = [name for name in own.architectures if name not in known[own.base]]
    if unknown:
        hint = f"it is for {', '.join(known[own.base])}"
        raise UsageError(f"{own.base} is not for the architecture {unknown[0]!r}", hint=hint)


def _bases(family: str) -> dict[str, list[str]]:
    """Return the architectures of each policy of a family, by each of its names, oldest first."""
    policies = _read(f"{family}.toml")["policies"]
    return {name: facts["architectures"] for policy, facts in policies.items() for name in (policy, *facts["aliases"])}


def base_family(own: OwnPolicy) -> str:
    """Return the family of the policy that a policy of the user's own is based on."""
    return own.base.partition("_")[0].rstrip("0123456789")


@cache
def own_facts(own: OwnPolicy, architecture: str) -> PolicyFacts:
    """Return the facts of a policy of the user's own, which stands for itself alone.

    What it does not decide is as in its base. `defined` is False for an architecture that it is not for. Raises
    UsageError when it is based on no policy that is known here.
    """
    require_base(own)
    base = policy_facts(base_family(own), architecture)
    numbers = [number for number, item in enumerate(base.policies) if own.base in {item.name, *item.aliases}]
    position = numbers[0] if numbers else base.never
    wanted = not own.architectures or architecture in own.architectures
    newest = {prefix: _release(version) for prefix, version in own.symbols}
    facts = replace(
        _at(base, position),
        family=own.name,
        policies=(Policy(own.name, architecture, tuple(tag for tag in own.tags if tag != "linux"), own),),
        defined=base.defined and bool(numbers) and wanted,
        newest=newest,
    )
    libraries = {**facts.libraries, **dict.fromkeys(own.allow, 0), **dict.fromkeys(own.refuse, 1)}
    return _with_newest(replace(facts, libraries=libraries), base)


def own_architecture(own: OwnPolicy, tag: str) -> str | None:
    """Return the architecture that a platform tag of a policy of the user's own is for; None for a tag of others.

    Plain `linux` is everybody's tag: it is the policy's only where the policy gives it.
    """
    for name in (own.name, *own.tags):
        architecture = tag.removeprefix(f"{name}_")
        known = architectures() if name != "linux" else own.architectures or _bases(base_family(own))[own.base]
        if architecture != tag and architecture in known:
            return architecture
    return None


def newest_allowed(facts: PolicyFacts, prefix: str) -> str:
    """Return the newest symbol version of a prefix that every policy of the facts allows; empty when there is none."""
    if prefix in facts.newest:
        return ".".join(map(str, facts.newest[prefix]))
    allowed = [version for version, first in facts.versions.items() if not first and version.startswith(f"{prefix}_")]
    numbers = [number for version in allowed if _NUMBERS.fullmatch(number := version.removeprefix(f"{prefix}_"))]
    return max(numbers, key=_release, default="")


def _at(facts: PolicyFacts, position: int) -> PolicyFacts:
    """Return the facts of one policy alone: 0 for what it allows, 1 for what it does not."""

    def here(first: Mapping[str, int]) -> dict[str, int]:
        return {name: int(number > position) for name, number in first.items()}

    return replace(
        facts,
        libraries=here(facts.libraries),
        versions=here(facts.versions),
        forbidden={library: here(symbols) for library, symbols in facts.forbidden.items()},
        newer_symbols={name: (1, since) for name, (first, since) in facts.newer_symbols.items() if first > position},
        relr=int(facts.relr > position),
    )


def _with_newest(facts: PolicyFacts, base: PolicyFacts) -> PolicyFacts:
    """Return the facts of a policy with what follows from the newest C library that it says to have."""
    libc = facts.newest.get(_LIBC_NAMES[facts.libc])
    if libc is None:
        return facts
    if facts.libc is Libc.GLIBC:
        return replace(facts, relr=int(libc < _GLIBC_WITH_RELR))
    newer = {name: (1, since) for name, (_, since) in base.newer_symbols.items() if _release(since) > libc}
    return replace(facts, newer_symbols=newer, relr=int(libc < _release(_read("musl.toml")["relr"]["since"])))


_LIBC_NAMES = {Libc.GLIBC: "GLIBC", Libc.MUSL: "musl"}
"""What the user calls the version of each C library."""
_GLIBC_WITH_RELR = (2, 36)
"""The first glibc that applies DT_RELR relocations (its NEWS for 2.36)."""


def locate(policy: Policy) -> tuple[PolicyFacts, int]:
    """Return the facts that a policy belongs to, and its position among their policies."""
    if policy.own is not None:
        return own_facts(policy.own, policy.architecture), 0
    facts = policy_facts(policy.name.partition("_")[0], policy.architecture)
    return facts, next((i for i, item in enumerate(facts.policies) if item.name == policy.name), facts.never)


def is_allowed(policy: Policy, soname: str) -> bool:
    """Whether a wheel that keeps `policy` may leave this needed name to the system."""
    facts, position = locate(policy)
    return facts.allowed_from(soname) <= position


def newest_policy(family: str, architecture: str) -> Policy:
    """Return the newest policy of a family, even for an architecture that it does not know."""
    return policy_facts(family, architecture).policies[-1]


def architectures() -> frozenset[str]:
    """Return every architecture that some policy is defined for."""
    tables = (_read(f"{family}.toml")["policies"] for family in FAMILIES)
    return frozenset(name for table in tables for policy in table.values() for name in policy["architectures"])


def data_version() -> str:
    """Return the version of the facts, as `show` prints it."""
    version: str = _read("manylinux.toml")["data_version"]
    return version


def _release(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


@cache
def _read(name: str) -> dict[str, Any]:
    """Return one data file."""
    return parse_toml((_DATA / name).read_text(encoding="utf-8"))
