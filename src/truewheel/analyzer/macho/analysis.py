"""What is known of a macOS wheel's machine code."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.analyzer.macho.graph import MachoGraph
    from truewheel.archive.layout import InstalledPath
    from truewheel.archive.names import WheelName


class MachoAnalysis(NamedTuple):
    """What is inside a wheel for macOS or iOS.

    name: the wheel's file name.
    graph: every file that dyld may map, and every library these reach.
    entries: the members that something opens by itself: extension modules, programs, libraries that no other file of
        the wheel names; in archive order.
    modules: the entries that are Python extension modules.
    installed: where each native member lands; members that are not installed are left out.
    ignored: members that look native but are nothing to dyld (static archives, object files, debug symbols, files of
        other systems), each with the reason, in archive order.
    unrecorded: native members that RECORD does not list, in archive order.
    unused_excludes: exclude patterns that fitted nothing.
    included: the nodes that the caller's `include` names ended at.
    """

    name: WheelName
    graph: MachoGraph
    entries: tuple[str, ...]
    modules: tuple[str, ...]
    installed: Mapping[str, InstalledPath]
    ignored: tuple[tuple[str, str], ...] = ()
    unrecorded: tuple[str, ...] = ()
    unused_excludes: tuple[str, ...] = ()
    included: tuple[str, ...] = ()
