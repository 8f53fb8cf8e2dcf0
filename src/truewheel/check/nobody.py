"""Wheels that nobody can install by their name, though each of its tags looks sound by itself.

`truewheel accepts` knows who looks for what; what it knows nothing of (other systems and processors, other and later
Pythons) is passed over, because somebody may look for it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from truewheel.archive.names import WheelName
from truewheel.check.findings import Found, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEBUG = re.compile(r"cp\d+[a-z]*d[a-z]*")
_RETAG = "give it tags that say what it is: truewheel retag"
_VERSIONED = ("manylinux", "musllinux", "macosx_", "android_", "ios_", "pyodide_", "pyemscripten_")


def nobody(name: WheelName) -> Iterator[Found]:
    """Yield why nobody takes a wheel of this name, when that can be told."""
    if _anyone(name.python, name.abi, name.platform):
        return
    if not _anyone(name.python, ("none",), ("any",)):
        if not any(character.isdigit() for tag in name.python for character in tag):
            yield Found(f"{'.'.join(name.python)} is no Python tag that an installer looks for", _RETAG)
        return
    if not _anyone(("py2", "py3"), ("none",), name.platform):
        yield from _platforms(name.platform)
        return
    if _known(name.python):
        yield _pair(name)


def _known(pythons: tuple[str, ...]) -> bool:
    """Whether all ABIs of the Pythons of tags are known: those of CPython from 2.7 on."""
    from truewheel.retagger.acceptance.interpreters import Implementation, interpreters

    known = {item.tag for item in interpreters() if item.implementation is Implementation.CPYTHON}
    return known.issuperset(tag for tag in pythons if not tag.startswith("py"))


def _pair(name: WheelName) -> Found:
    both = "-".join(".".join(tags) for tags in (name.python, name.abi, name.platform))
    if any(_DEBUG.fullmatch(abi) for abi in name.abi):
        problem = f"only Pythons that were built for debugging look for {both}"
        return Found(problem, _RETAG, severity=Severity.WARNING)
    return Found(f"no installer looks for {both}: no such Python has that ABI there", _RETAG)


def _platforms(platforms: tuple[str, ...]) -> Iterator[Found]:
    """Yield what is said of platform tags that no system looks for: versions that there are not, or not yet."""
    from truewheel.retagger.acceptance.systems import systems

    architectures = tuple({f"_{system.architecture}" for system in systems()})
    if not all(tag.startswith(_VERSIONED) and tag.endswith(architectures) for tag in platforms):
        return
    named = ".".join(platforms)
    if all(tag.startswith("android_") for tag in platforms):
        yield Found(f"no installer looks for {named}: the oldest Android API of tags is 16", _RETAG)
        return
    problem = f"no system that is known looks for {named}: there is no such version yet"
    yield Found(problem, _RETAG, severity=Severity.WARNING)


@lru_cache(maxsize=256)
def _anyone(python: tuple[str, ...], abi: tuple[str, ...], platform: tuple[str, ...]) -> bool:
    from truewheel.retagger.acceptance.matrix import anyone

    return anyone(WheelName("x", "1", "", python, abi, platform))
