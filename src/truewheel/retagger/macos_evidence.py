"""From a verdict to the truthful name of a macOS wheel, and what stands against each tag it could carry.

A tag is true when every architecture it speaks of is usable, from the version it names on (PyPA platform compatibility
tags specification, "macOS"). Tags of iOS (PEP 730) are judged in the same way and never changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.image import MACOS
from truewheel.errors import RefusedError, UsageError
from truewheel.platforms.macos.facts import mac_facts
from truewheel.platforms.verdict import Reason, Rule, sentences
from truewheel.retagger.macos_tags import (
    MacTag,
    coverage,
    oldest_system,
    parse_ios_tag,
    parse_mac_tag,
    promise,
    promised,
    same_systems,
    smallest_set,
    untrue_of,
)
from truewheel.retagger.macos_wording import (
    TARGET,
    advice,
    changes,
    hard,
    lines,
    newest_files,
    shown,
    table,
    unknown,
    widest_truth,
)
from truewheel.retagger.tags import ordered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from truewheel.analyzer.macho.image import Version
    from truewheel.platforms.macos.facts import SystemVersion
    from truewheel.platforms.macos.verdict import ArchitectureTruth, MacVerdict

_WHOLE_WHEEL = "the wheel"
_SIMULATOR = "iphonesimulator"
_ABSENT = frozenset({Rule.ARCHITECTURE, Rule.PLATFORM})
"""Rules that say that an architecture was never built, in contrast to one that was and fails."""


class MacLabel(NamedTuple):
    """What a repaired macOS wheel is called.

    platforms: its platform tags, sorted.
    minimum: by architecture, the oldest system that the macOS tags name.
    notices: what a person should know about the choice, one sentence each.
    """

    platforms: tuple[str, ...]
    minimum: tuple[tuple[str, SystemVersion], ...] = ()
    notices: tuple[str, ...] = ()


def decide_macos_label(
    verdict: MacVerdict,
    *,
    current: tuple[str, ...],
    plat: str = "auto",
    only_plat: bool = False,
    deployment_target: SystemVersion | None = None,
    require_archs: tuple[str, ...] = (),
) -> MacLabel:
    """Decide what the repaired wheel is called.

    current: the platform tags it has now. Where they are true and speak of the very same systems as the widest truth,
        their spelling stays; tags of other systems are not ours to judge and stay.
    plat: `auto` for the widest truth, or macOS tags joined by dots, which the wheel then gets and nothing else.
    only_plat: with `auto`, the fewest names, even where the present ones say the same.
    deployment_target: the oldest system that the label may and must speak of, per architecture not before its first
        one; an explicit `plat` goes before it.
    require_archs: architectures, or names for several, that the wheel must have in every module and program.

    Raises RefusedError, with a line for each file that stands against it, when the wheel cannot be called so, and
    UsageError when a wish has no meaning.
    """
    hold_architectures(verdict, require_archs)
    if verdict.platform != MACOS:
        return _ios_label(verdict, current, plat)
    mine = tuple(tag for text in current if (tag := parse_mac_tag(text)))
    notices: tuple[str, ...] = ()
    if plat != "auto":
        tags = _asked_for(verdict, plat)
    else:
        minima = _minima(verdict, mine, deployment_target)
        notices = changes(verdict, mine, minima)
        tags = smallest_set(minima)
        dead = tuple(text for text in current if text.startswith("macosx_") and not _is_alive(text))
        notices += tuple(f"no installer looks for {text}; the label leaves it out" for text in dead)
        if not only_plat and not dead and same_systems(mine, tags) and not any(untrue_of(tag, minima) for tag in mine):
            tags = mine
    covered = coverage(tags)
    staying = (text for text in current if text != "any" and not text.startswith("macosx_"))
    truths = (truth for name in covered if (truth := verdict.truth_of(name)))
    return MacLabel(
        platforms=ordered({*map(str, tags), *staying}),
        minimum=tuple((name, covered[name]) for name in mac_facts().floors if name in covered),
        notices=(*notices, *(sentence for truth in truths for sentence in truth.suspects)),
    )


def mac_reasons_against(verdict: MacVerdict, tag: str) -> tuple[Reason, ...] | None:
    """Return what stands against calling the wheel `tag` as it is; None for a tag that promises nothing to judge."""
    if not verdict.platforms:
        return None
    if tag == "any":
        return (Reason(Rule.ARCHITECTURE, _WHOLE_WHEEL, "holds machine code, so it does not run on any machine"),)
    promised_by = _promises(tag)
    if promised_by is None:
        return None
    platform, promises = promised_by
    if platform != verdict.platform:
        return (Reason(Rule.PLATFORM, _WHOLE_WHEEL, f"is a wheel for {verdict.platform}, not for {platform}"),)
    reasons = [reason for name, version in promises.items() for reason in _against(verdict, name, version)]
    return tuple(dict.fromkeys(reasons))


def _promises(tag: str) -> tuple[str, dict[str, Version]] | None:
    """Return the system that a tag speaks of, and by architecture the oldest version it promises; None for others."""
    mac = parse_mac_tag(tag)
    if mac is not None:
        return MACOS, {name: promise(mac, name) for name in mac.architectures}
    ios = parse_ios_tag(tag)
    if ios is None:
        return None
    system, version = mac_facts().ios_sdks[ios.sdk], ios.version
    if ios.sdk == _SIMULATOR:
        version = max(version, mac_facts().first_simulator.get(ios.architecture, version))
    return system, {ios.architecture: (*version, 0)}


def _against(verdict: MacVerdict, architecture: str, version: Version) -> Iterator[Reason]:
    """Yield what stands against one architecture from a version of the system on."""
    yield from verdict.against(architecture)
    truth = verdict.truth_of(architecture)
    for floor in truth.floors if truth else ():
        if floor.minimum_os > version:
            tag = MacTag(oldest_system(architecture, floor.minimum_os), architecture)
            oldest = str(tag) if verdict.platform == MACOS else None
            detail = f"needs {verdict.platform} {shown(floor.minimum_os)} in its {architecture} slice"
            yield Reason(Rule.MINIMUM_OS, floor.file, detail, oldest=oldest)


def _ios_label(verdict: MacVerdict, current: tuple[str, ...], plat: str) -> MacLabel:
    """Return the name that an iOS wheel has, with what the evidence says against it."""
    if plat != "auto":
        hint = f"this one is built for {verdict.platform}"
        raise UsageError("the name of a wheel for iOS is never changed", where="--plat", hint=hint)
    reasons = [reason for tag in current for reason in mac_reasons_against(verdict, tag) or ()]
    minima = ((item.architecture, item.floors[0].minimum_os[:2]) for item in verdict.architectures if item.floors)
    return MacLabel(current, tuple(minima), sentences(dict.fromkeys(reasons)))


def require_architectures(names: tuple[str, ...]) -> None:
    """Raise UsageError for a name that stands for no architecture of macOS."""
    families = mac_facts().families
    strange = [name for name in names if name not in families]
    if strange:
        hint = f"it can be one of {', '.join(families)}"
        raise UsageError(f"{strange[0]} is no architecture that a tag knows", where="--require-archs", hint=hint)


def hold_architectures(verdict: MacVerdict, names: tuple[str, ...]) -> None:
    """Raise RefusedError, with every file that stands in the way, when an architecture is required but not usable."""
    require_architectures(names)
    families = mac_facts().families
    wanted = dict.fromkeys(member for name in names for member in families[name].architectures)
    against = {name: hard(verdict.against(name)) for name in wanted}
    lost = [name for name, reasons in against.items() if reasons]
    if lost:
        raise RefusedError(
            f"cannot be used with {' and '.join(lost)}, which is required",
            reasons=lines({name: against[name] for name in lost}, verdict),
            hint=advice(reason for name in lost for reason in against[name]),
        )


def _asked_for(verdict: MacVerdict, plat: str) -> tuple[MacTag, ...]:
    """Return the tags that were asked for, all of them true; raise UsageError or RefusedError."""
    tags = tuple(dict.fromkeys(_looked_for(text) for text in plat.split(".")))
    limits: dict[str, Version] = {}
    for tag in tags:
        for name in tag.architectures:
            limits[name] = min(promise(tag, name), limits.get(name, promise(tag, name)))
    against = {name: found for name in limits if (found := hard(verdict.against(name)))}
    reasons = lines(against, verdict) or table(verdict, limits)
    if reasons:
        raise RefusedError(f"cannot be called {plat}", reasons=reasons, hint=widest_truth(verdict))
    return tags


def _is_alive(text: str) -> bool:
    """Whether any installer looks for a macOS tag."""
    tag = parse_mac_tag(text)
    return tag is not None and bool(coverage([tag]))


def _looked_for(text: str) -> MacTag:
    """Return a macOS tag that installers look for; raise UsageError for any other text."""
    tag = parse_mac_tag(text)
    if tag is None:
        hint = "it is `auto` or a macOS tag such as macosx_11_0_universal2, several joined by dots"
        raise UsageError(f"{text} is no platform for this wheel", where="--plat", hint=hint)
    if not coverage([tag]):
        raise UsageError(f"no installer looks for {tag}", where="--plat", hint=_legal(tag))
    return tag


def _legal(tag: MacTag) -> str:
    """Return a hint at the next version that a tag can name."""
    oldest = mac_facts().families[tag.family].oldest
    version = max(oldest, oldest_system(tag.architectures[0], (*tag.version, 0)))
    return f"the next that installers look for is {MacTag(version, tag.family)}"


def _minima(verdict: MacVerdict, mine: Sequence[MacTag], target: SystemVersion | None) -> dict[str, Version]:
    """Return the oldest system of each architecture that the label speaks of."""
    claimed = {name for tag in mine for name in tag.architectures}
    minima = newest_files(verdict)
    against = {
        item.architecture: hard(item.reasons)
        for item in verdict.architectures
        if not item.reachable and (not minima or _is_lost(item, claimed))
    }
    if against or not minima:
        raise RefusedError(
            f"cannot be used with {' and '.join(against)}" if minima else "no macOS label is true of this wheel",
            reasons=lines(against, verdict) or unknown(verdict),
            hint=advice((reason for reasons in against.values() for reason in reasons), without=smallest_set(minima)),
        )
    return minima if target is None else _hold_target(verdict, minima, target)


def _is_lost(truth: ArchitectureTruth, claimed: set[str]) -> bool:
    """Whether an architecture that the name speaks of was built and fails: leaving it out would hide a mistake."""
    rules = {reason.rule for reason in hard(truth.reasons)}
    return not rules & _ABSENT and (not claimed or truth.architecture in claimed)


def _hold_target(verdict: MacVerdict, minima: Mapping[str, Version], target: SystemVersion) -> dict[str, Version]:
    """Return the minima raised to the target; raise RefusedError when a file needs a newer system."""
    floors = mac_facts().floors
    limits: dict[str, Version] = {name: (*max(promised(target), floors[name]), 0) for name in minima}
    rows = table(verdict, limits)
    if rows:
        needed = max(oldest_system(name, minimum) for name, minimum in minima.items() if minimum > limits[name])
        raise RefusedError(
            f"does not run on macOS {shown(target)}, which {TARGET} asks for",
            reasons=rows,
            hint=f"set {TARGET}={shown(needed)}, or build these files for macOS {shown(target)}",
        )
    return {name: max(minimum, limits[name]) for name, minimum in minima.items()}
