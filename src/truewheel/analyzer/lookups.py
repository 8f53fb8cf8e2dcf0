"""Which of several results of one search counts, when several entries meet a file in different company.

The worst is kept: nothing found, before found in the wheel without a path, before found only because it was loaded
already, before found by a rule; among equals the first entry's. So what is wrong for one entry is never hidden by what
is right for another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.graph import SearchRule

if TYPE_CHECKING:
    from truewheel.analyzer.graph import Lookup

_BADNESS = {None: 3, SearchRule.IN_WHEEL: 2, SearchRule.LOADED: 1}


def worse(first: Lookup, second: Lookup) -> Lookup:
    """Return the worse of two results; the first of equals."""
    return second if _BADNESS.get(second.rule, 0) > _BADNESS.get(first.rule, 0) else first
