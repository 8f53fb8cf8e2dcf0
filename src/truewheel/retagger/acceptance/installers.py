"""Installers, by generations that look for the same tags. How they differ is data, with the meaning of each field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from truewheel.errors import UsageError
from truewheel.retagger.acceptance.facts import Span, facts, span_of, version_of

if TYPE_CHECKING:
    from truewheel.retagger.acceptance.facts import Version

_RELEASE = re.compile(r"(pip|uv)(?:[-= ]*(\d+(?:\.\d+)*))?")


@dataclass(frozen=True, slots=True, eq=False)
class Installer:
    """One generation of an installer; `data/installers.toml` says what each field means.

    There is one of each, so that two are the same only when they are one.
    """

    program: str
    first: str
    last: str
    pythons: Span
    not_pythons: frozenset[Version]
    rules: str
    exact_case: bool
    macos: str
    macos_years: str
    macos_names: tuple[str, ...]
    macos_11: str
    universal_for_all: bool
    sees_10_16: bool
    manylinux: str
    old_manylinux: tuple[str, ...]
    manylinux_archs: tuple[str, ...]
    manylinux_oldest: tuple[tuple[str, int], ...]
    musllinux: bool
    linux_first: bool
    abi: str
    abi3_windows: bool
    abi3_older: bool
    abi3t: bool
    free_threaded: bool
    own_none: bool
    graalpy: bool
    python_platform: str
    cp_any: str
    requires_python: bool
    strict_metadata: bool
    newer_pythons: bool
    systems: tuple[str, ...]

    @property
    def name(self) -> str:
        """How a person calls it: `pip 24.1 - 24.2`, `pip 26.3`, `uv`."""
        return between(self, self)

    def runs_on(self, python: Version) -> bool:
        """Whether its releases run on this Python, or, of old releases, did when both were new."""
        if python in self.not_pythons:
            return False
        return python in (Span(self.pythons.oldest, None) if self.newer_pythons else self.pythons)

    def met(self, python: Version) -> bool:
        """Whether its releases and this Python were used together."""
        return python in self.pythons and python not in self.not_pythons


def between(oldest: Installer, newest: Installer) -> str:
    """Return how a person calls the releases of one program from one generation to another."""
    if oldest.program != "pip":
        return oldest.program
    if not newest.last:
        return f"pip {oldest.first} and later"
    return f"pip {oldest.first}" if oldest.first == newest.last else f"pip {oldest.first} - {newest.last}"


@cache
def installers() -> tuple[Installer, ...]:
    """Return every generation: uv first, then pip, newest first."""
    table = facts("installers")
    pips = _generations("pip", table["pip"], {})
    return _generations("uv", table["uv"], table["pip"][0]) + pips


def newest_for(python: Version) -> Installer:
    """Return the newest generation of pip that runs on this Python."""
    pips = [installer for installer in installers() if installer.program == "pip"]
    return next((installer for installer in pips if installer.runs_on(python)), pips[-1])


def parse_installer(text: str) -> Installer | str | None:
    """Return the generation of a word such as `pip-1.5.6` or `uv`; None for another word.

    A program without a release is returned as its name, because which generation is meant depends on the Python.
    """
    match = _RELEASE.fullmatch(text)
    if not match:
        return None
    program, release = match[1], match[2]
    generations = [installer for installer in installers() if installer.program == program]
    if release is None:
        return "pip" if program == "pip" else generations[0]
    wanted = _numbers(release)
    found = next((item for item in generations if _numbers(item.first) <= wanted), None)
    if found is None and program == "uv":
        return generations[0]
    if found is None:
        oldest = generations[-1].first
        raise UsageError(f"{program} {release} knows no wheels", hint=f"the oldest that does is {program} {oldest}")
    return found


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


def _generations(program: str, rows: list[dict[str, Any]], inherited: dict[str, Any]) -> tuple[Installer, ...]:
    result = []
    whole = dict(inherited)
    for row in rows:
        whole |= row
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in whole.items()
        }
        first, last = values.pop("releases")
        values["manylinux_oldest"] = tuple(values["manylinux_oldest"].items())
        values["pythons"] = span_of(values["pythons"])
        values["not_pythons"] = frozenset(version_of(text) for text in values["not_pythons"])
        result.append(Installer(program=program, first=first, last=last, **values))
    return tuple(result)
