"""What a check says, and what a rule is.

A rule is a name, how much it matters, and a function that looks at one wheel and yields what it finds. The names are
those of docs/checks.md, which says of each why it matters and how it is mended.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from truewheel.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from truewheel.check.subject import Subject
    from truewheel.platforms.own_policy import OwnPolicy


class Severity(Enum):
    """How much a finding matters."""

    ERROR = "error"
    """The wheel is not what it says, or some installer, interpreter or index will not take it."""
    WARNING = "warning"
    """It works, and breaks a rule or a user's expectation."""


class Finding(NamedTuple):
    """One thing that a check found.

    rule: the rule's name. message: what is wrong, a phrase without a full stop. member: the member that it is about,
    empty for the wheel itself. fix: the mend, a phrase. fixable: whether `fix_wheel` mends it.
    """

    rule: str
    severity: Severity
    message: str
    member: str
    fix: str
    fixable: bool


class Found(NamedTuple):
    """What a rule's function yields. severity: only where it is not the rule's own."""

    message: str
    fix: str
    member: str = ""
    fixable: bool = False
    severity: Severity | None = None


class Rule(NamedTuple):
    """One rule.

    severity: that of its findings, unless they say otherwise. summary: what it finds, a phrase.
    look: yields what is wrong with a wheel by this rule.
    """

    name: str
    severity: Severity
    summary: str
    look: Callable[[Subject], Iterable[Found]]

    def findings(self, subject: Subject) -> Iterable[Finding]:
        """Yield the findings of this rule about one wheel; also that something it looks at is too damaged for it."""
        try:
            for found in self.look(subject):
                severity = found.severity or self.severity
                yield Finding(self.name, severity, found.message, found.member, found.fix, found.fixable)
        except InvalidInputError as error:
            problem = f"this cannot be checked: {error.what}"
            yield Finding(self.name, Severity.ERROR, problem, error.where, "build the wheel again", fixable=False)


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What to check.

    select: the rules to follow, all when empty. ignore: rules to leave out, even when selected.
    index: whose rules for uploads count: `pypi`, or `none`. jobs: how many threads work at once.
    own_policy: a policy of the user's own, by which the tags that it gives are judged.
    exclude: patterns of libraries that something else than the wheel provides.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    index: str = "pypi"
    jobs: int = 1
    own_policy: OwnPolicy | None = None
    exclude: tuple[str, ...] = ()
