"""Why each tag of a wheel's new name may be written: its machine code proves it, or a tag that it has says as much.

A name is held against the machine code as a whole, with the tags that stay: a new name does not spread an old lie. One
case is left out, because it must not take longer than a copy of the wheel: one tag gives way to one that says less, as
`manylinux_2_28` to `manylinux_2_39`. Such a name can only get truer. It is proved where a quick look raises a doubt; if
none does, the plan says on which tag it rests. A name that the wheel's own WHEEL file contradicts vouches for nothing.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from truewheel.retagger.retag_plan import FORCED, IMPLIED, PROVED, UNJUDGED, Ground

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truewheel.archive.names import WheelName
    from truewheel.archive.reader import WheelReader
    from truewheel.retagger.renaming import Evidence, Renaming

_SHOWN = 10
"""How many of the sentences against one tag are told."""


def platform_grounds(reader: WheelReader, renaming: Renaming, evidence: Evidence) -> tuple[Ground, ...]:
    """Return why each platform tag may be written, when the name gets a new one, or the machine code was read anyhow.

    Tags that something contradicts are FORCED; whether they may be is the caller's business. Tags that stay and that
    nothing here can judge have no ground.
    """
    tags, present, vouched = renaming.name.platform, reader.name.platform, _vouched(reader)
    new = [tag for tag in tags if tag not in present]
    unsure = renaming.exact.union(() if vouched else renaming.asked).intersection(tags)
    if not new and not unsure and not evidence.is_read:
        return ()
    by = {tag: implied_by(tag, vouched) for tag in new}
    raised = new[0] if len(tags) == len(new) == 1 and len(by[new[0]]) == 1 and not unsure else ""
    if raised and not evidence.is_read and not _is_doubtful(reader, raised):
        return (Ground(raised, IMPLIED, by[raised]),)
    found = [_judged(tag, evidence, by.get(tag, ())) for tag in tags]
    told = {*new, *unsure, *renaming.asked}
    return tuple(ground for ground in found if ground.tag in told or ground.basis != UNJUDGED)


def _is_doubtful(reader: WheelReader, tag: str) -> bool:
    """Whether a tag is to be proved although another vouches for it."""
    from truewheel.retagger.quick_look import is_doubtful

    return is_doubtful(reader, tag)


def _vouched(reader: WheelReader) -> tuple[str, ...]:
    """Return the platform tags that the wheel may be believed to have: its name's, unless WHEEL says otherwise."""
    stated = reader.wheel.tags
    return reader.name.platform if not stated or stated == reader.name.tags else ()


def implied_by(tag: str, present: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of which `tag` follows; none when it does not.

    One of the same family and architecture with the same or an older version; for macOS also those that together speak
    of each of its architectures from no later system on.
    """
    present = tuple(present)
    if tag in present:
        return (tag,)
    from truewheel.retagger.tags import implies

    for other in present:
        if implies(other, tag):
            return (other,)
    if not tag.startswith("macosx_") or not any(other.startswith("macosx_") for other in present):
        return ()
    from truewheel.retagger.macos_tags import coverage, parse_mac_tag

    mine = parse_mac_tag(tag)
    others = {other: parsed for other in present if (parsed := parse_mac_tag(other))}
    wanted = coverage((mine,)) if mine else {}
    by: dict[str, list[str]] = {name: [] for name in wanted}
    for other, parsed in others.items():
        for name, version in coverage((parsed,)).items():
            if name in wanted and version <= wanted[name]:
                by[name].append(other)
    return tuple(dict.fromkeys(other for found in by.values() for other in found)) if all(by.values()) else ()


def _judged(tag: str, evidence: Evidence, by: tuple[str, ...]) -> Ground:
    """Return what the machine code says of a tag; where that is nothing, the tags that imply it count."""
    from truewheel.platforms.verdict import sentences
    from truewheel.retagger.resting import rests_on

    reasons = evidence.proof.against(tag)
    if reasons is None:
        return Ground(tag, IMPLIED, by) if by else Ground(tag, UNJUDGED)
    if reasons:
        told = shortened(sentences(reasons))
        return Ground(tag, FORCED, reasons=told, policy=evidence.proof.decider(tag))
    decider = evidence.proof.decider(tag)
    rests = () if decider else rests_on(evidence.proof, tag)
    return Ground(tag, PROVED, reasons=rests, policy=decider, given=evidence.proof.given)


def python_grounds(reader: WheelReader, name: WheelName) -> tuple[Ground, ...]:
    """Return why each new pair of a Python and an ABI tag may be written: by the names of modules, and by symbols."""
    old = set(product(reader.name.python, reader.name.abi))
    pairs = [pair for pair in product(name.python, name.abi) if pair not in old]
    if not pairs:
        return ()
    from truewheel.platforms.verdict import sentences
    from truewheel.retagger.known_tags import go_together
    from truewheel.retagger.names_truth import python_reasons_against, says_anything
    from truewheel.retagger.symbols_truth import symbol_reasons, told_by_symbols

    new = [pair for pair in pairs if go_together(*pair)]
    grounds = []
    telling = says_anything(reader)
    asked = told_by_symbols(reader, new)
    symbols = symbol_reasons(reader, asked)
    for pair in new:
        python, abi = pair
        reasons = (*python_reasons_against(reader, python, abi), *symbols.get(pair, ()))
        known = pair in symbols if pair in asked else telling
        basis = FORCED if reasons else PROVED if known else UNJUDGED
        grounds.append(Ground(f"{python}-{abi}", basis, reasons=shortened(sentences(reasons))))
    return tuple(grounds)


def shortened(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first of many sentences, and how many more there are."""
    if len(lines) <= _SHOWN:
        return lines
    return (*lines[:_SHOWN], f"and {len(lines) - _SHOWN} more such")
