"""Whether an installer takes a wheel of a given name: for one target, with the reason.

Follows the PyPA platform compatibility tags specification, and the generations of installers in `installers.toml`. Only
the name counts, as it does for installers, and Requires-Python of the metadata where the installer respects it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from truewheel.retagger.acceptance.letters import lowered
from truewheel.retagger.acceptance.platform_tags import platform_tags
from truewheel.retagger.acceptance.python_tags import blocks
from truewheel.retagger.acceptance.refusal import refusal
from truewheel.retagger.acceptance.target import Target, parse_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truewheel.archive.names import WheelName
    from truewheel.retagger.acceptance.facts import Version
    from truewheel.retagger.acceptance.python_tags import Block

__all__ = ["Acceptance", "Target", "accepts", "looked_for", "satisfies", "supported_tags", "targets"]


class Acceptance(NamedTuple):
    """Whether a target takes a wheel.

    rank: where its best tag stands in the installer's list, 0 for the one it likes best; None when refused.
    reason: one sentence why.
    tag: the best tag that matches; empty when refused.
    nearest: when refused, tags close to the wheel's own that the installer would take, best first.
    """

    accepted: bool
    rank: int | None
    reason: str
    tag: str = ""
    nearest: tuple[str, ...] = ()


def targets(selection: Iterable[str]) -> tuple[Target, ...]:
    """Return the targets that texts such as `ubuntu-22.04 cp312` name; raise UsageError for one that names none."""
    return tuple(parse_target(text) for text in selection)


def accepts(name: WheelName, target: Target, requires_python: str = "") -> Acceptance:
    """Return whether the target takes a wheel of this name, and why.

    name: its tags as they are written; capital letters count for installers that compare letter by letter.
    requires_python: the metadata's Requires-Python; empty when there is none, or when it is not known.
    """
    wanted = name if target.installer.exact_case else lowered(name)
    rank, tag = _best(wanted, looked_for(target))
    runs = target.installer.runs_on(target.interpreter.version)
    fits = not target.installer.requires_python or satisfies(target.interpreter.version, requires_python)
    understood = is_understood(requires_python)
    fits = fits and (understood or not target.installer.strict_metadata)
    if tag and runs and fits:
        return Acceptance(accepted=True, rank=rank, reason=f"{target.says} looks for {tag}", tag=tag)
    unmet = "" if fits else requires_python
    reason, nearest = refusal(wanted, target, looked_for(target), unmet, understood=understood)
    return Acceptance(accepted=False, rank=None, reason=reason, nearest=nearest)


@lru_cache(maxsize=256)
def looked_for(target: Target) -> tuple[Block, ...]:
    """Return everything that the target's installer looks for, best first."""
    platforms = platform_tags(target.system, target.installer, target.build)
    return blocks(target.interpreter, target.installer, platforms, target.system.family)


def supported_tags(target: Target) -> Iterator[str]:
    """Yield each tag that the target's installer looks for, best first; the same tag may come twice."""
    for block in looked_for(target):
        yield from (f"{block.python}-{block.abi}-{platform}" for platform in block.platforms)


def satisfies(python: Version, requires_python: str) -> bool:
    """Whether some release of this Python meets a Requires-Python; one that cannot be understood rules nothing out."""
    if not requires_python or not is_understood(requires_python):
        return True
    from packaging.specifiers import SpecifierSet

    wanted = SpecifierSet(requires_python)
    first, latest = (f"{python[0]}.{python[1]}.{patch}" for patch in (0, 99))
    return first in wanted or latest in wanted


@lru_cache(maxsize=256)
def is_understood(requires_python: str) -> bool:
    """Whether a Requires-Python is a version specifier (PEP 440), or empty."""
    if not requires_python:
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        SpecifierSet(requires_python)
    except InvalidSpecifier:
        return False
    return True


def _best(name: WheelName, wanted: tuple[Block, ...]) -> tuple[int | None, str]:
    """Return the rank of the wheel's best tag and the tag; None and nothing when none matches."""
    rank = 0
    platforms = frozenset(name.platform)
    for block in wanted:
        if block.python in name.python and block.abi in name.abi:
            for place, platform in enumerate(block.platforms):
                if platform in platforms:
                    return rank + place, f"{block.python}-{block.abi}-{platform}"
        rank += len(block.platforms)
    return None, ""
