"""Native files that no loader of the wheel's system maps: what is said of them, and when there are too many systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.other_formats import is_macho
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from truewheel.archive.reader import WheelReader

_LOOK = 8
"""Bytes that tell what a file is."""


def not_looked_at(ignored: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Return one sentence for each reason, with the members of which it is true."""
    names: dict[str, list[str]] = {}
    for name, reason in ignored:
        names.setdefault(reason, []).append(name)
    return tuple(f"not looked at ({reason}): {', '.join(members)}" for reason, members in names.items())


def require_one_system(reader: WheelReader) -> None:
    """Raise RefusedError when a wheel with code for Linux has code for macOS too: no one label would be true."""
    entries = ((name, entry) for name, entry in reader.entries.items() if not (entry.is_directory or entry.is_symlink))
    found = tuple(name for name, entry in entries if entry.size >= _LOOK and is_macho(reader.head(name, _LOOK)))
    if found:
        raise RefusedError(
            "holds machine code for Linux and for macOS",
            where=reader.path.name,
            reasons=found,
            hint="build one wheel for each system",
        )
