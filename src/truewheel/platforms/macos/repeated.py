"""Search paths that stand twice in one slice, which dyld of macOS 15.4 and later refuses in files of newer SDKs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.platforms.macos.facts import mac_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.analyzer.macho.image import MachoFile, Slice


def repeated_rpaths(file: MachoFile) -> Mapping[str, bool]:
    """Return the search paths that stand twice in a slice of the file, and whether dyld refuses one for it."""
    found: dict[str, bool] = {}
    for item in file.slices:
        for path in dict.fromkeys(item.rpaths):
            if item.rpaths.count(path) > 1:
                found[path] = found.get(path, False) or _is_refused(item)
    return found


def _is_refused(item: Slice) -> bool:
    """Whether dyld refuses the slice for a search path that stands twice: it asks for which SDK it was linked."""
    first = mac_facts().one_rpath.get(item.platform)
    return first is not None and item.sdk is not None and item.sdk[:2] >= first
