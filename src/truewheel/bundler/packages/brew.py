"""Which Homebrew formula owns a file: every one is installed in a folder of its own, Cellar/<name>/<version>."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.bundler.packages.installed import Package, names_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.bundler.packages.installed import System

_CELLAR = re.compile(r"(?P<folder>.*/Cellar/(?P<name>[^/]+)/(?P<version>[^/]+))/.+")
_LICENCE = re.compile(r"(?:licen[cs]e|copying|copyright|notice)\b.*", re.IGNORECASE)
_LARGEST_TEXT = 4 << 20


def brew_owners(_system: System, wanted: Mapping[str, str]) -> dict[str, Package]:
    """Return the owners of those of the paths (keys of `wanted`, links resolved) that lie in a Homebrew Cellar."""
    cellars = {path: match for path in wanted if (match := _CELLAR.fullmatch(path))}
    return {
        path: Package(
            kind="brew",
            name=match["name"],
            version=match["version"],
            licence_files=_texts(Path(match["folder"])),
            source=f"{match['name']}@{match['version']}",
        )
        for path, match in cellars.items()
    }


def _texts(folder: Path) -> tuple[str, ...]:
    """Return the licence texts at the top of a formula's folder, where Homebrew puts them."""
    found = (folder / name for name in names_in(folder) if _LICENCE.fullmatch(name))
    return tuple(sorted(str(path) for path in found if path.is_file() and path.stat().st_size <= _LARGEST_TEXT))
