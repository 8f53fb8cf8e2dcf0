"""The caller's rules for files that two wheels do not agree on: `--prefer arm64`, `--prefer 'GLOB=arm64'`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from truewheel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

ARCHITECTURES = ("x86_64", "arm64")
"""What is merged, in the order in which slices stand; the first one's wheel gives order, times and modes."""

_WHERE = "--prefer"


class Rule(NamedTuple):
    """Members that fit `pattern`, by their whole name or the last part of it, are taken of `architecture`."""

    pattern: str
    architecture: str

    def fits(self, member: str) -> bool:
        """Whether the rule speaks of a member."""
        return fnmatchcase(member, self.pattern) or fnmatchcase(member.rpartition("/")[2], self.pattern)


class Rules(NamedTuple):
    """named: in the order given; the first that fits decides. general: for all other files; None without."""

    named: tuple[Rule, ...] = ()
    general: str | None = None

    def of_name(self, member: str) -> str | None:
        """Return which architecture's file a rule with a pattern takes, or None."""
        return next((rule.architecture for rule in self.named if rule.fits(member)), None)

    def winner(self, member: str) -> str | None:
        """Return which architecture's file is taken, or None when no rule says it."""
        return self.of_name(member) or self.general

    def require_used(self, members: Iterable[str]) -> None:
        """Raise UsageError for a pattern that fits none of `members`: more often misspelt than meant."""
        names = tuple(members)
        for rule in self.named:
            if not any(rule.fits(name) for name in names):
                raise UsageError(f"{rule.pattern!r} fits no file in which the wheels differ", where=_WHERE)


def parse_rules(texts: Iterable[str]) -> Rules:
    """Return the rules that `ARCH` and `GLOB=ARCH` stand for; raise UsageError for any other text."""
    named: list[Rule] = []
    general: str | None = None
    for text in texts:
        pattern, sign, architecture = text.rpartition("=")
        if architecture not in ARCHITECTURES or (sign and not pattern):
            hint = f"it is {' or '.join(ARCHITECTURES)}, or GLOB=ARCH with one of these"
            raise UsageError(f"{text!r} is no rule", where=_WHERE, hint=hint)
        if sign:
            named.append(Rule(pattern, architecture))
        elif general not in {None, architecture}:
            raise UsageError("all files cannot be taken of both wheels", where=_WHERE)
        else:
            general = architecture
    return Rules(tuple(named), general)
