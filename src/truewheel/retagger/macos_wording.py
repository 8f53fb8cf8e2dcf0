"""How the choice of a macOS label is told: tables of what each file needs, reasons by architecture, what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.platforms.macos.facts import mac_facts
from truewheel.platforms.verdict import Rule, sentences
from truewheel.retagger.macos_tags import coverage, is_rounded, oldest_system, smallest_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from truewheel.analyzer.macho.image import Version
    from truewheel.platforms.macos.facts import SystemVersion
    from truewheel.platforms.macos.verdict import MacVerdict
    from truewheel.platforms.verdict import Reason
    from truewheel.retagger.macos_tags import MacTag

TARGET = "MACOSX_DEPLOYMENT_TARGET"


def hard(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return the reasons that no repair removes."""
    return tuple(reason for reason in reasons if not reason.mendable)


def shown(version: Iterable[int]) -> str:
    """Return a version as people write it: 10.9, 10.13.4, 12.0."""
    major, minor, *patch = version
    return ".".join(str(part) for part in (major, minor, *(part for part in patch if part)))


def lines(against: Mapping[str, Sequence[Reason]], verdict: MacVerdict) -> tuple[str, ...]:
    """Return a sentence for each reason by architecture; it says for which when that is not for all of the wheel's."""
    every = max(len(against), len(verdict.architectures))
    found: dict[str, list[str]] = {}
    for name, reasons in against.items():
        for sentence in sentences(reasons):
            found.setdefault(sentence, []).append(name)
    return tuple(
        sentence if len(names) == every or names[0] in sentence else f"{sentence} ({', '.join(names)})"
        for sentence, names in found.items()
    )


def table(verdict: MacVerdict, limits: Mapping[str, Version]) -> tuple[str, ...]:
    """Return a line for each file that needs a newer system than its architecture may ask for, newest first."""
    rows: dict[tuple[Version, str, str], list[str]] = {}
    for name, limit in limits.items():
        truth = verdict.truth_of(name)
        for floor in truth.floors if truth else ():
            if floor.minimum_os > limit:
                kind = "own file" if floor.in_wheel else "library"
                needed = f", needed by {floor.needed_by}" if floor.needed_by else ""
                rows.setdefault((floor.minimum_os, kind, f"{floor.file}{needed}"), []).append(name)
    newest_first = sorted(rows.items(), key=lambda row: row[0][0], reverse=True)
    systems = [f"macOS {shown(version)} on {', '.join(names)}:" for (version, _, _), names in newest_first]
    width = max(map(len, systems), default=0)
    return tuple(
        f"{system:{width}} {kind:8} {file}" for system, ((_, kind, file), _) in zip(systems, newest_first, strict=True)
    )


def newest_files(verdict: MacVerdict) -> dict[str, Version]:
    """Return, by architecture that is usable once the wheel is repaired, what its most demanding file needs."""
    return {item.architecture: item.floors[0].minimum_os for item in verdict.architectures if item.reachable}


def widest_truth(verdict: MacVerdict) -> str:
    """Return a hint at the widest true label; empty when there is none."""
    tags = ".".join(map(str, smallest_set(newest_files(verdict))))
    return f"the widest label that is true is {tags}" if tags else ""


def advice(reasons: Iterable[Reason], without: Sequence[MacTag] = ()) -> str:
    """Return a hint at what can be done about reasons that stand against an architecture.

    without: the label that the wheel could have if that architecture were left out.
    """
    rules = {reason.rule for reason in reasons}
    hints = []
    if Rule.MISSING_LIBRARY in rules:
        hints.append("say where the missing libraries lie with --lib-path, or leave them out with --exclude")
    elif Rule.ARCHITECTURE in rules:
        hints.append("build every extension module and program for each of its architectures")
    if without:
        hints.append(f"--plat {'.'.join(map(str, without))} promises the rest alone")
    return "; ".join(hints)


def unknown(verdict: MacVerdict) -> tuple[str, ...]:
    """Return a line for each file that is for no architecture that a tag knows; one line when there is no file."""
    slices = [(item.file, " and ".join(name for name, _ in item.slices)) for item in verdict.required]
    return tuple(f"{file} is machine code for {names}, which no tag knows" for file, names in slices) or (
        "the wheel holds no code that a tag knows",
    )


def changes(verdict: MacVerdict, mine: Sequence[MacTag], minima: Mapping[str, Version]) -> tuple[str, ...]:
    """Return what the new name says otherwise than the present one, and why, one sentence each."""
    before = coverage(mine)
    claimed = {name for tag in mine for name in tag.architectures}
    gone = (name for name in mac_facts().floors if name in claimed and name not in minima)
    return (*(_gone(verdict, name) for name in gone), *_otherwise(verdict, before, minima))


def _gone(verdict: MacVerdict, name: str) -> str:
    reasons = hard(verdict.against(name))
    more = f", and {len(reasons) - 1} more such" if len(reasons) > 1 else ""
    return f"the label no longer speaks of {name}: {sentences(reasons[:1])[0]}{more}"


def _otherwise(
    verdict: MacVerdict, before: Mapping[str, SystemVersion], minima: Mapping[str, Version]
) -> Iterator[str]:
    for name, minimum in minima.items():
        now = oldest_system(name, minimum)
        cause = f"{_most_demanding(verdict, name, minimum)} macOS {shown(minimum)} on {name}"
        if before and name not in before:
            yield f"the label now speaks of {name} too, because every module and program has it"
        if is_rounded(name, minimum):
            yield f"{cause}, which no tag can say; the label says {shown(now)}, the next"
        elif now > before.get(name, now):
            yield f"{cause}; the label says so now instead of {shown(before[name])}"
        elif now < before.get(name, now):
            yield (
                f"the label says macOS {shown(now)} on {name} now instead of {shown(before[name])}, because no file "
                f"asks for more; --plat or {TARGET} holds a newer one"
            )


def _most_demanding(verdict: MacVerdict, name: str, minimum: Version) -> str:
    truth = verdict.truth_of(name)
    files = [floor.file for floor in truth.floors if floor.minimum_os == minimum] if truth else []
    return f"{files[0]} needs" if files else f"{TARGET} asks for"
