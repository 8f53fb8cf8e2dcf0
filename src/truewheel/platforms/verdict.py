"""The judgement of a wheel against platform policies, with every reason for it.

A policy is one promise (`manylinux_2_17_x86_64`); a reason is one fact that breaks it. Judgements are ordered from the
oldest, most portable policy to the newest, and a wheel that keeps a promise keeps every newer one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truewheel.platforms.own_policy import OwnPolicy


class Rule(Enum):
    """The name of each rule, as documents and JSON spell it."""

    SYMBOL_VERSION = "symbol-version"
    FORBIDDEN_SYMBOL = "forbidden-symbol"
    NEWER_SYMBOL = "newer-symbol"
    """An unversioned symbol that the C library only has since a newer release (musl)."""
    LIBRARY = "library"
    MISSING_LIBRARY = "missing-library"
    NO_PATH = "no-path"
    """The library is in the wheel but no RPATH or RUNPATH leads to it."""
    LIBPYTHON = "libpython"
    ISA_LEVEL = "isa-level"
    ARCHITECTURE = "architecture"
    LIBC = "libc"
    EXECUTABLE_STACK = "executable-stack"
    RELATIVE_RELOCATIONS = "relative-relocations"
    UCS = "ucs"
    PYFPE = "pyfpe"
    PURELIB = "purelib"
    UNDEFINED_SYMBOL = "undefined-symbol"
    MINIMUM_OS = "minimum-os"
    """A slice agrees to run on a newer macOS only."""
    PLATFORM = "platform"
    """A slice is for another of Apple's systems."""
    PYTHON = "python"
    """No Python that a tag speaks of imports a module from a file of that name."""
    UNSIGNED = "unsigned"
    """No Mac with Apple silicon runs code without a signature."""


_LISTED = 5
"""How many names of a list are told."""
LIBRARY_RULES = frozenset({Rule.LIBRARY, Rule.MISSING_LIBRARY, Rule.NO_PATH})
"""Rules about libraries that are not where a loader would find them, which bundling can put right."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One fact that stands against a policy.

    file: the node's name (a member, or the path of a library that would be bundled).
    mendable: True when `repair` can remove the reason (bundle the library, add a path, drop libpython).
    oldest: the oldest policy of the same family that this fact does not stand against; None when there is none.
    detail: the rest of the sentence after the file's name, e.g. `needs GLIBC_2.34 of libc.so.6`.
    """

    rule: Rule
    file: str
    detail: str
    library: str = ""
    symbol: str = ""
    mendable: bool = False
    oldest: str | None = None


class Policy(NamedTuple):
    """One platform promise for one architecture, without naming the facts behind it.

    name: as in a tag, without the architecture: `manylinux_2_17`, `musllinux_1_2`.
    aliases: older names of the same promise: `manylinux2014`.
    own: the user's own policy that this is; None for one that is known here.
    """

    name: str
    architecture: str
    aliases: tuple[str, ...] = ()
    own: OwnPolicy | None = None

    @property
    def tag(self) -> str:
        """The platform tag."""
        return f"{self.name}_{self.architecture}"

    @property
    def tags(self) -> tuple[str, ...]:
        """The platform tag and its aliases, sorted."""
        return tuple(sorted(f"{name}_{self.architecture}" for name in (self.name, *self.aliases)))


class Judgement(NamedTuple):
    """All reasons against one policy; none when the promise is kept as the wheel stands."""

    policy: Policy
    reasons: tuple[Reason, ...]

    @property
    def kept(self) -> bool:
        """Whether the wheel keeps the promise as it is."""
        return not self.reasons

    @property
    def reachable(self) -> bool:
        """Whether the wheel would keep the promise once repaired."""
        return all(reason.mendable for reason in self.reasons)


class Verdict(NamedTuple):
    """What a wheel may be called within one family of policies (`manylinux` or `musllinux`).

    judgements: one per policy of the wheel's architecture, oldest first; empty when the architecture has none.
    own_floor: the oldest policy that the wheel's own files allow, whatever is bundled; None when no policy does.
    library_floors: for every external library that the repair would bundle, by node name, the oldest policy that it
        allows by itself, or None.
    warnings: facts that break no promise but that a person should know (missing symbols nobody can judge, text
        relocations, the kernel floor ...), one sentence each.
    tidied: such facts that a repair removes.
    architecture: what the judgements are for, also where there are none.
    machines: for 32-bit ARM, what stands against running on a machine as it is, by what it calls itself (`armv6l`);
        one of which nothing is known is left out.
    """

    family: str
    judgements: tuple[Judgement, ...]
    own_floor: Policy | None
    library_floors: tuple[tuple[str, Policy | None], ...] = ()
    warnings: tuple[str, ...] = ()
    tidied: tuple[str, ...] = ()
    architecture: str = ""
    machines: tuple[tuple[str, tuple[Reason, ...]], ...] = ()

    @property
    def now(self) -> Policy | None:
        """The oldest policy that the wheel keeps as it stands."""
        return next((item.policy for item in self.judgements if item.kept), None)

    @property
    def repaired(self) -> Policy | None:
        """The oldest policy that the wheel would keep once repaired."""
        return next((item.policy for item in self.judgements if item.reachable), None)

    def judgement(self, tag: str) -> Judgement | None:
        """Return the judgement of the policy that `tag` names, by its own name or an alias."""
        return next((item for item in self.judgements if tag in item.policy.tags), None)


def sentences(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """Return one sentence for each file and library, however many symbol versions stand between them.

    A library outside the wheel is called by its file name alone, so two of one name may share a sentence.
    """
    groups: dict[tuple[Rule, str, str], list[Reason]] = {}
    for reason in dict.fromkeys(reasons):
        detail = reason.library if reason.rule is Rule.SYMBOL_VERSION else reason.detail
        groups.setdefault((reason.rule, reason.file, detail), []).append(reason)
    return tuple(dict.fromkeys(_sentence(group) for group in groups.values()))


def listed(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _sentence(group: list[Reason]) -> str:
    file, detail = group[0].file, group[0].detail
    if len(group) > 1:
        symbols = sorted((reason.symbol for reason in group), key=_numbers)
        detail = f"needs {', '.join(symbols)} of {group[0].library}"
    oldest = [reason.oldest for reason in group if reason.oldest is not None]
    since = f" (allowed since {max(oldest, key=_numbers)})" if len(oldest) == len(group) else ""
    return f"{file.rpartition('/')[2] if file.startswith('/') else file} {detail}{since}"


def _numbers(name: str) -> tuple[tuple[int, ...], str]:
    """Return a key that sorts names with versions in them by version."""
    return tuple(int(part) for part in re.findall(r"\d+", name)), name
