"""Why each new tag of a wheel may be written: a tag that it has says as much, or its machine code proves it.

Machine code is read only when that is needed. Raising the version of a promise never needs it; a name that the wheel's
own WHEEL file contradicts vouches for nothing.
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
    """Return why each platform tag may be written that is new or that nobody vouches for.

    Tags that something contradicts are FORCED; whether they may be is the caller's business.
    """
    vouched = _vouched(reader)
    wanted = [tag for tag in renaming.name.platform if tag in renaming.asked or tag not in reader.name.platform]
    grounds = []
    later = []
    for tag in wanted:
        by = () if tag in renaming.exact else implied_by(tag, vouched)
        if by == (tag,):
            continue
        if by or tag in renaming.asked:
            grounds.append(Ground(tag, IMPLIED, by) if by else _judged(tag, evidence))
        else:
            later.append(tag)
    # What follows from tags that were asked for (other names of them) needs no proof of its own.
    sound = [*vouched, *(ground.tag for ground in grounds if ground.basis != FORCED)]
    for tag in later:
        by = implied_by(tag, sound)
        grounds.append(Ground(tag, IMPLIED, by) if by else _judged(tag, evidence))
    return tuple(grounds)


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


def _judged(tag: str, evidence: Evidence) -> Ground:
    from truewheel.platforms.verdict import sentences

    reasons = evidence.proof.against(tag)
    if reasons is None:
        return Ground(tag, UNJUDGED)
    basis = FORCED if reasons else PROVED
    given = evidence.proof.given if basis == PROVED else ()
    policy = evidence.proof.decider(tag)
    return Ground(tag, basis, reasons=shortened(sentences(reasons)), policy=policy, given=given)


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
