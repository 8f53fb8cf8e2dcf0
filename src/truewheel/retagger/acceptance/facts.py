"""The facts about interpreters, systems and installers, loaded from `retagger/data`, which names their sources."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from truewheel.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Sequence

_DATA = Path(__file__).parents[1] / "data"

Version = tuple[int, int]
"""Major and minor version: of a Python, a system or a C library."""


class Span(NamedTuple):
    """Versions from the oldest to the newest, both included. None: without a bound on that side."""

    oldest: Version | None
    newest: Version | None

    def __contains__(self, version: object) -> bool:
        """Whether a version lies in between."""
        if not isinstance(version, tuple):
            return False
        return (self.oldest is None or self.oldest <= version) and (self.newest is None or version <= self.newest)


EVERY = Span(None, None)


@cache
def facts(name: str) -> dict[str, Any]:
    """Return one data file (`interpreters`, `systems`, `distributions` or `installers`) as it stands."""
    return parse_toml((_DATA / f"{name}.toml").read_text(encoding="utf-8"))


def version_of(text: str) -> Version:
    """Return `2.17` as numbers; a lone number has the minor version 0."""
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def span_of(bounds: Sequence[str]) -> Span:
    """Return the versions between two texts, each of which may be empty."""
    oldest, newest = (version_of(text) if text else None for text in bounds)
    return Span(oldest, newest)
