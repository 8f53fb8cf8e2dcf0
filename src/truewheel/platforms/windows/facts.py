"""The facts behind libraries of Windows, loaded from `data/windows.toml`, which names their sources."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from truewheel.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATA = Path(__file__).parents[1] / "data" / "windows.toml"
_ENDING = ".dll"


class WindowsFacts(NamedTuple):
    """All facts of the data file.

    system: names of libraries, without `.dll`, that every Windows has. patterns: what the names of more such libraries,
    and of those that Python brings along, look like.
    runtimes: by file name up to the first dot or dash, what the library is, for libraries that must not be twice in
        one process.
    """

    system: frozenset[str]
    patterns: re.Pattern[str]
    runtimes: Mapping[str, str]

    def has(self, name: str) -> bool:
        """Whether a library, by its name in lower case, is there wherever Python is."""
        return name.removesuffix(_ENDING) in self.system or self.patterns.fullmatch(name) is not None


@cache
def windows_facts() -> WindowsFacts:
    """Return the facts."""
    table = parse_toml(_DATA.read_text(encoding="utf-8"))
    return WindowsFacts(
        system=frozenset(table["system"].split()),
        patterns=re.compile("|".join(f"(?:{pattern})" for pattern in table["patterns"])),
        runtimes={stem: kind for kind, stems in table["runtimes"].items() for stem in stems},
    )
