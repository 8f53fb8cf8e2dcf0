"""One fact about one file, with the span of policies that it stands against."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from truewheel.platforms.linux.policies import PolicyFacts
    from truewheel.platforms.verdict import Reason


class Finding(NamedTuple):
    """A reason, and the policies it holds for: from position `start` up to, not including, position `stop`.

    `start` is not 0 where a fact only counts once a policy leaves the library to the system.
    """

    start: int
    stop: int
    reason: Reason

    def until(self, position: int, facts: PolicyFacts) -> Finding:
        """Return the finding as it stands for a file that is part of the wheel only up to `position`."""
        if position >= self.stop:
            return self
        return Finding(self.start, position, replace(self.reason, oldest=facts.name_at(position)))
