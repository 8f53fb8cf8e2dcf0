"""From verdicts to truthful names: which platform tags a wheel may carry, and what stands against each.

The rules of names are those of PEP 600 and PEP 656: a wheel that keeps a promise keeps every newer one, and the older
names of a promise are carried along because older installers know only these.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.machine import title
from truewheel.errors import RefusedError, UsageError
from truewheel.platforms.linux.policies import FAMILIES, architectures, newest_policy, policy_facts
from truewheel.platforms.verdict import Reason, Rule, sentences
from truewheel.retagger.tags import implies, ordered, parse_platform, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from truewheel.platforms.verdict import Judgement, Policy, Verdict
    from truewheel.retagger.tags import Platform

_WHOLE_WHEEL = "the wheel"
_GLIBC_SYMBOL = re.compile(r"GLIBC_(\d+)\.(\d+)")
_NEEDED_BY_ANY_LABEL = frozenset({Rule.LIBRARY, Rule.MISSING_LIBRARY})
"""A wheel that breaks these does not load, whatever it is called."""


class Label(NamedTuple):
    """What a repaired wheel is called.

    platforms: its platform tags, sorted.
    policy: the oldest policy that the label names; it decides what comes along. For a plain `linux` label, which
        promises nothing, it is the newest policy, so that what every recent system has stays out.
    """

    platforms: tuple[str, ...]
    policy: Policy


def decide_label(
    verdicts: Sequence[Verdict], *, current: tuple[str, ...], plat: str = "auto", only_plat: bool = False
) -> Label:
    """Decide what the repaired wheel is called.

    current: the platform tags it has now. Those that are true of the repaired wheel stay, `any` and plain `linux`
        give way; tags of other systems are not ours to judge and stay.
    plat: `auto` for the oldest promise it can keep, `manylinux` or `musllinux` for that within one family, a policy
        with or without the architecture (`manylinux_2_28`, `manylinux2014_x86_64`), or `linux`. With the verdict on a
        policy of the user's own, `auto` is that policy.
    only_plat: name no other promise than the one asked for.

    Raises RefusedError, with every reason, when the wheel cannot keep the promise, and UsageError when `plat` is no
    promise for the wheel's architecture.
    """
    if not verdicts:
        raise RefusedError("holds no native file, so no Linux label says anything about it")
    own = next((verdict for verdict in verdicts if verdict.family not in FAMILIES), None)
    if own is not None:
        # Tags of the policy are given by it alone; those of systems that nobody knows stay.
        current = tuple(tag for tag in current if own.judgement(tag) is None)
        if plat in {"auto", own.family} or any(plat in item.policy.tags for item in own.judgements):
            return _own(own, current)
        verdicts = [verdict for verdict in verdicts if verdict is not own]
    family, _, rest = plat.partition("_")
    if plat == "auto" or (family in FAMILIES and not rest):
        chosen = [verdict for verdict in verdicts if plat in {"auto", verdict.family}]
        return _oldest(verdicts, chosen, current, plat, only_plat=only_plat)
    architecture = _architecture(verdicts, current)
    if plat in {"linux", f"linux_{architecture}"}:
        return _plain(verdicts[0], architecture, current)
    return _asked_for(verdicts, architecture, current, plat, only_plat=only_plat)


def reasons_against(verdicts: Sequence[Verdict], tag: str) -> tuple[Reason, ...] | None:
    """Return what stands against calling the wheel `tag` as it is; None for a tag that promises nothing to judge.

    A tag between two policies (`manylinux_2_20`) is judged by the older one, but symbol versions of glibc by their
    numbers, because PEP 600 promises that glibc; one older than every policy of its architecture is judged by the
    oldest, because an interpreter's system cannot be older than that.
    """
    if not verdicts:
        return None
    for verdict in verdicts:
        if verdict.family not in FAMILIES and (found := verdict.judgement(tag)) is not None:
            return found.reasons
    verdicts = [verdict for verdict in verdicts if verdict.family in FAMILIES]
    if tag == "any":
        return (Reason(Rule.ARCHITECTURE, _WHOLE_WHEEL, "holds machine code, so it does not run on any machine"),)
    platform = parse_platform(tag)
    return None if platform is None or platform.family == "macosx" else _against(verdicts, platform)


def _against(verdicts: Sequence[Verdict], platform: Platform) -> tuple[Reason, ...] | None:
    """Return what stands against a tag of Linux."""
    judged = {item.policy.architecture for verdict in verdicts for item in verdict.judgements}
    machine = _of_machine(verdicts, platform)
    if machine is not None and (machine or platform.architecture not in judged):
        return machine
    unjudged = {verdict.architecture for verdict in verdicts if verdict.architecture}
    if platform.version is not None or all(_is_other_processor(name, platform) for name in unjudged):
        judged |= unjudged
    if not _is_judged(platform, judged):
        return None
    if judged and platform.architecture not in judged:
        detail = f"is machine code for {', '.join(map(title, sorted(judged)))}, not for {platform.architecture}"
        return (Reason(Rule.ARCHITECTURE, _WHOLE_WHEEL, detail),)
    return None if platform.version is None else _against_promise(verdicts, platform)


_ARM = frozenset({"armv6l", "armv7l", "armv8l"})
"""Names of 32-bit ARM; which of them a file runs on stands in its build attributes, where it has any."""


_X86 = frozenset({"x86_64", "i686", "i386", "x32"})


def _is_other_processor(name: str, platform: Platform) -> bool:
    """Whether code that no policy is about is for another processor than a tag names, whatever its convention."""
    if platform.architecture not in architectures():
        return False
    here, there = title(name).split(maxsplit=1)[0].rstrip(","), platform.architecture
    return here[:3] != there[:3] and not {here, there} <= _X86


def _of_machine(verdicts: Sequence[Verdict], platform: Platform) -> tuple[Reason, ...] | None:
    """Return what stands against a plain tag of the machine that it names; None where nothing is known of that."""
    if platform.family != "linux":
        return None
    found = (reasons for verdict in verdicts for name, reasons in verdict.machines if name == platform.architecture)
    return next(found, None)


def _is_judged(platform: Platform, judged: AbstractSet[str]) -> bool:
    """Whether a tag's architecture can be held against those of the machine code."""
    if platform.architecture in architectures() | judged:
        return True
    other = _ARM if platform.architecture in _ARM else frozenset()
    return platform.family == "linux" and bool(judged) and other.isdisjoint(judged)


def _against_promise(verdicts: Sequence[Verdict], platform: Platform) -> tuple[Reason, ...] | None:
    """Return what stands against a tag of the wheel's own architecture; None when no policy is defined for that."""
    verdict = next((item for item in verdicts if item.family == platform.family), None)
    if verdict is None:
        return (Reason(Rule.LIBC, _WHOLE_WHEEL, other_libc(verdicts, platform.family)),)
    if not verdict.judgements:
        return None
    older = [item for item in verdict.judgements if implies(item.policy.tag, str(platform))]
    reasons = (older or verdict.judgements[:1])[-1].reasons
    return tuple(reason for reason in reasons if not _has_glibc(platform, reason))


def _has_glibc(platform: Platform, reason: Reason) -> bool:
    """Whether a reason is a symbol version of glibc that every system of a promise has by its number (PEP 600)."""
    wanted = _GLIBC_SYMBOL.match(reason.symbol) if reason.rule is Rule.SYMBOL_VERSION else None
    if wanted is None or platform.version is None or platform.family != "manylinux":
        return False
    return (int(wanted[1]), int(wanted[2])) <= platform.version


def with_present(verdicts: Sequence[Verdict], present: Iterable[str], tags: Iterable[str]) -> tuple[str, ...]:
    """Return platform tags with those of the present ones that are true, once the root is platlib, and say more.

    tags: what the policies give. A promise between two policies takes the place of the newer ones, and a plain tag of
    another machine, such as `linux_armv6l`, which no promise names, stays beside them.
    """
    tags = {*tags}
    here = {platform.architecture for tag in tags if (platform := parse_platform(tag))}
    kept = {tag for tag in present if _is_kept(verdicts, tag) and not any(implies(other, tag) for other in tags)}
    kept = {tag for tag in kept if tag.partition("_")[0] in FAMILIES or tag.partition("_")[2] not in here}
    return ordered(tag for tag in tags | kept if not any(other != tag and implies(other, tag) for other in kept))


def _is_kept(verdicts: Sequence[Verdict], tag: str) -> bool:
    reasons = reasons_against(verdicts, tag)
    return reasons is not None and not _needs_more_than_platlib(reasons)


def _needs_more_than_platlib(reasons: Iterable[Reason]) -> bool:
    return any(not (reason.rule is Rule.PURELIB and reason.mendable) for reason in reasons)


def other_libc(verdicts: Sequence[Verdict], family: str) -> str:
    """Return the end of a sentence: which C libraries a wheel of these verdicts is linked against, and which not."""
    libcs = " and ".join(FAMILIES[verdict.family].value for verdict in verdicts)
    return f"is linked against {libcs}, not against {FAMILIES[family].value}"


def _oldest(
    verdicts: Sequence[Verdict], chosen: Sequence[Verdict], current: tuple[str, ...], plat: str, *, only_plat: bool
) -> Label:
    """Return the label of the oldest promise that can be kept, in each of the chosen families."""
    if not chosen:
        raise _refused_family(verdicts, plat)
    floors = [verdict.repaired for verdict in chosen if verdict.repaired is not None]
    if not floors:
        wanted = " or ".join(verdict.family for verdict in chosen)
        reasons = tuple(line for verdict in chosen for line in _lines(verdict, verdict.judgements[-1:]))
        hint = _advice(chosen[0], chosen[0].judgements[-1:])
        raise RefusedError(f"no {wanted} label is true of this wheel", hint=hint, reasons=reasons)
    tags = {tag for policy in floors for tag in policy.tags}
    if not only_plat and not any(_needs_more_than_platlib(_reasons_at(verdict)) for verdict in chosen):
        tags = {*with_present(chosen, current, tags)}  # nothing comes along that could say otherwise
    return Label(ordered({*tags, *_staying(current, floors, only_plat=only_plat)}), floors[0])


def _reasons_at(verdict: Verdict) -> tuple[Reason, ...]:
    """Return what a repair mends for the oldest promise that it reaches."""
    return next((item.reasons for item in verdict.judgements if item.reachable), ())


def _own(verdict: Verdict, current: tuple[str, ...]) -> Label:
    """Return the label of a policy of the user's own: the tags that it gives, beside those of other systems."""
    policy = verdict.repaired
    if policy is None or policy.own is None:
        last = verdict.judgements[-1:]
        hint = _advice(verdict, last) if last else ""
        raise RefusedError(f"cannot be called {verdict.family}", reasons=_lines(verdict, last), hint=hint)
    tags = {f"{tag}_{policy.architecture}" for tag in policy.own.tags}
    return Label(ordered({*tags, *_staying(current, (), only_plat=True)}), policy)


def _plain(verdict: Verdict, architecture: str, current: tuple[str, ...]) -> Label:
    """Return the label that promises nothing. Libraries that are nowhere to be found are missed under any label."""
    hard = [
        reason
        for item in verdict.judgements[-1:]
        for reason in item.reasons
        if reason.rule in _NEEDED_BY_ANY_LABEL and not reason.mendable
    ]
    if hard:
        lines = tuple(f"{reason.file} {reason.detail}" for reason in hard)
        hint = _advice(verdict, verdict.judgements[-1:])
        raise RefusedError("needs libraries that cannot come along", reasons=lines, hint=hint)
    tags = {f"linux_{architecture}", *_staying(current, (), only_plat=True)}
    return Label(ordered(tags), newest_policy(verdict.family, architecture))


def _asked_for(
    verdicts: Sequence[Verdict], architecture: str, current: tuple[str, ...], plat: str, *, only_plat: bool
) -> Label:
    """Return the label for one policy, with every older one that is true of the very same wheel."""
    tag = plat if parse_platform(plat) is not None else f"{plat}_{architecture}"
    platform = parse_platform(tag)
    policies = _policy_names(architecture)
    if platform is None or platform.architecture != architecture or tag not in policies:
        valid = ("auto", "linux", *policies)
        hint = f"for {architecture} it can be one of {', '.join(valid)}"
        raise UsageError(f"{plat} is no platform for this wheel", where="--plat", hint=hint)
    verdict = next((item for item in verdicts if item.family == platform.family), None)
    if verdict is None:
        raise _refused_family(verdicts, platform.family)
    (wanted,) = (item for item in verdict.judgements if tag in item.policy.tags)
    if not wanted.reachable:
        hint = _advice(verdict, (wanted,))
        raise RefusedError(f"cannot be called {tag}", reasons=_lines(verdict, (wanted,)), hint=hint)
    # An older promise may want more libraries to come along; the one asked for decides.
    same = (item.policy for item in verdict.judgements if item.reasons == wanted.reasons)
    floor = wanted.policy if only_plat else next(same)
    tags = {*floor.tags, *wanted.policy.tags, *_staying(current, (floor,), only_plat=only_plat)}
    return Label(ordered(tags), floor)


def _staying(current: Iterable[str], floors: Sequence[Policy], *, only_plat: bool) -> set[str]:
    """Return the present tags that stay: those a floor makes true, and those of other systems."""
    staying: set[str] = set()
    for tag in current:
        platform = parse_platform(tag)
        foreign = platform is None and tag != "any" and not tag.startswith("manylinux")
        proved = any(implies(floor.tag, tag) for floor in floors)
        if foreign or (platform is not None and platform.family == "macosx") or (proved and not only_plat):
            staying.add(tag)
    return staying


def _architecture(verdicts: Sequence[Verdict], current: Iterable[str]) -> str:
    """Return the architecture that the verdicts are about, else the one that the wheel is named for."""
    for verdict in verdicts:
        for item in verdict.judgements:
            return item.policy.architecture
    named = [platform.architecture for tag in current if (platform := parse_platform(tag))]
    if not named:
        raise RefusedError("holds machine code of an architecture that no Linux label knows")
    return named[0]


def _policy_names(architecture: str) -> tuple[str, ...]:
    """Return every tag that names a policy of the architecture, in either family, oldest first."""
    facts = (policy_facts(family, architecture) for family in FAMILIES)
    return tuple(tag for item in facts if item.defined for policy in item.policies for tag in spellings(policy.tag))


def _refused_family(verdicts: Sequence[Verdict], family: str) -> RefusedError:
    best = next((hint for verdict in verdicts if (hint := _advice(verdict, ()))), "")
    return RefusedError(
        f"cannot be called {family}",
        reasons=(f"{_WHOLE_WHEEL} {other_libc(verdicts, family)}",),
        hint=best,
    )


def _advice(verdict: Verdict, judgements: Iterable[Judgement]) -> str:
    """Say what can be done about the judgements that refuse a label."""
    if verdict.repaired is not None:
        return f"the most portable label it can have is {verdict.repaired.tag}"
    rules = {reason.rule for item in judgements for reason in item.reasons if not reason.mendable}
    if rules == {Rule.EXECUTABLE_STACK}:
        return "if nothing runs on the stack, --clear-executable-stack removes the mark"
    if Rule.MISSING_LIBRARY in rules:
        return "say where the missing libraries lie with --lib-path, or leave them out with --exclude"
    return "`--plat linux` bundles libraries and promises nothing"


def _lines(verdict: Verdict, judgements: Iterable[Judgement]) -> tuple[str, ...]:
    """Return what cannot be mended, one line each; why nothing is judged when there is no judgement."""
    hard = [reason for item in judgements if item is not None for reason in item.reasons if not reason.mendable]
    return sentences(hard) or (() if verdict.judgements else verdict.warnings)
