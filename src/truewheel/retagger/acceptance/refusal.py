"""Why a target does not take a wheel: which part of the tags does not match, and the nearest tags that would."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from truewheel.retagger.acceptance.systems import Family
from truewheel.retagger.macos_tags import parse_mac_tag
from truewheel.retagger.tags import Tag, parse_platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.archive.names import WheelName
    from truewheel.retagger.acceptance.python_tags import Block
    from truewheel.retagger.acceptance.target import Target
    from truewheel.retagger.tags import Platform

_MOST = 3
"""How many of the nearest tags are named."""
_FIRST_YEARLY = 11


class _Known(NamedTuple):
    """What the installer looks for, part by part."""

    pythons: dict[str, None]
    abis: dict[str, None]
    platforms: dict[str, None]


def refusal(
    name: WheelName, target: Target, wanted: tuple[Block, ...], requires_python: str, *, understood: bool = True
) -> tuple[str, tuple[str, ...]]:
    """Return one sentence, and the nearest tags that the target takes, best first.

    requires_python: the requirement that the target's Python does not meet; empty when it meets it.
    understood: whether that is a version specifier.
    """
    if not target.installer.runs_on(target.interpreter.version):
        return f"{target.installer.name} is not for Python {target.interpreter.name}, but for {_pythons(target)}", ()
    known = _Known(
        dict.fromkeys(block.python for block in wanted),
        dict.fromkeys(block.abi for block in wanted),
        dict.fromkeys(platform for block in wanted for platform in block.platforms),
    )
    faults = list(_faults(name, target, known))
    if not faults and requires_python and not understood:
        return f"{target.installer.name} refuses a wheel whose Requires-Python is {requires_python!r}", ()
    if not faults and requires_python:
        return f"{target.interpreter.name} is not {requires_python}, which the wheel's Requires-Python asks for", ()
    if not faults:
        faults = [_combination(name, target)]
    return f"{target.says}: {'; '.join(faults)}", tuple(_nearest(name, wanted))


def _pythons(target: Target) -> str:
    oldest, newest = ("{}.{}".format(*version) for version in target.installer.pythons if version)
    return f"{oldest} and later" if target.installer.newer_pythons else f"{oldest} to {newest}"


def _faults(name: WheelName, target: Target, known: _Known) -> Iterator[str]:
    """Yield a phrase for each part that does not match by itself."""
    if not any(python in known.pythons for python in name.python):
        yield f"the Python tag {_listed(name.python)} is none of {_few(known.pythons)}"
    elif not any(abi in known.abis for abi in name.abi):
        yield f"the ABI tag {_listed(name.abi)} is none of {_few(known.abis)}"
    if not any(platform in known.platforms for platform in name.platform):
        phrases: dict[str, list[str]] = {}
        for platform in name.platform:
            phrases.setdefault(_platform_fault(platform, target, known), []).append(platform)
        yield from (f"{', '.join(platforms)} {phrase}" for phrase, platforms in phrases.items())


def _combination(name: WheelName, target: Target) -> str:
    """Say that each part matches, but no tag as a whole does."""
    free = target.interpreter.free_threaded and "abi3" in name.abi
    because = ": a free-threaded Python has no abi3" if free else ""
    count = len(name.python) * len(name.abi) * len(name.platform)
    return f"each part of {'the tag' if count == 1 else 'the tags'} is known, but not together{because}"


def _platform_fault(platform: str, target: Target, known: _Known) -> str:
    """Say why one platform tag is not looked for, in words that follow it."""
    if platform != platform.lower():
        return f"(not in lower case, and {target.installer.program} compares letter by letter)"
    parts = parse_platform(platform)
    if parts is None or parts.version is None:
        return f"(not looked for{_instead(known)})"
    if parts.family == "macosx" and target.system.family is Family.MACOS:
        return f"({_mac_fault(platform, target, known)})"
    if parts.family == "macosx":
        return "(for macOS)"
    return f"({_linux_fault(parts, target)})"


def _linux_fault(tag: Platform, target: Target) -> str:
    system = target.system
    libc = "glibc" if tag.family == "manylinux" else "musl"
    if system.family.value != libc:
        return f"for Linux with {libc}"
    if tag.architecture != system.architecture:
        return f"for {tag.architecture}, not {system.architecture}"
    if tag.version and tag.version > system.version:
        return "for {} {}.{} and newer, and the system has {}".format(libc, *tag.version, system.number)
    return f"a name that {target.installer.name} does not know"


def _mac_fault(platform: str, target: Target, known: _Known) -> str:
    tag = parse_mac_tag(platform)
    system, installer = target.system, target.installer
    if tag is None:
        return "of no architecture that an installer knows"
    if installer.macos == "exact":
        return f"the interpreter was built for {next(iter(known.platforms))}, and nothing else counts"
    if tag.version[0] >= _FIRST_YEARLY and tag.version[1]:
        return "never looked for: from macOS 11 on the minor version in a tag is 0"
    if system.architecture not in tag.architectures:
        return f"for {' and '.join(tag.architectures)}, not {system.architecture}"
    if tag.version > system.version:
        return "for macOS {}.{} and newer".format(*tag.version)
    return f"not looked for by {installer.name} here{_instead(known)}"


def _instead(known: _Known) -> str:
    """Say what is looked for."""
    platforms = [platform for platform in known.platforms if platform != "any"]
    return f", but {_few(dict.fromkeys(platforms))}" if platforms else ""


def _listed(parts: tuple[str, ...]) -> str:
    return " or ".join(parts)


def _few(parts: dict[str, None]) -> str:
    shown = list(parts)[:_MOST]
    return ", ".join(shown) + (" ..." if len(parts) > _MOST else "")


def _nearest(name: WheelName, wanted: tuple[Block, ...]) -> Iterator[str]:
    """Yield tags that are taken and differ in as few parts as can be from the wheel's, best first."""
    candidates: dict[Tag, tuple[int, int]] = {}
    for own in (Tag(*parts) for parts in product(name.python, name.abi, name.platform)):
        for rank, block in enumerate(wanted):
            if not block.platforms or (block.abi == "abi3t" and own.abi != "abi3t"):
                continue
            tag = Tag(block.python, block.abi, _near_platform(own.platform, block.platforms))
            changes = sum(one != two for one, two in zip(own, tag, strict=True))
            candidates[tag] = min(candidates.get(tag, (changes, rank)), (changes, rank))
    yield from (str(tag) for tag in sorted(candidates, key=candidates.__getitem__)[:_MOST])


def _near_platform(platform: str, known: tuple[str, ...]) -> str:
    """Return the platform tag itself, or the newest of its family that is looked for, or else the one liked best."""
    if platform in known:
        return platform
    parts = parse_platform(platform)
    for candidate in known:
        other = parse_platform(candidate)
        if parts and other and parts.family == other.family:
            return candidate
    return known[0]
