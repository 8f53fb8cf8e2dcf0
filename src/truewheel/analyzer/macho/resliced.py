"""What is known of a macOS wheel that is not written yet: one of other wheels' slices.

The files were read in the wheels that they come from; only which slices each of them holds is new, and with that which
library each slice finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.analysis import MachoAnalysis
from truewheel.analyzer.macho.image import MachoFile
from truewheel.analyzer.macho.resolve import MachoMember, build_macho_graph
from truewheel.analyzer.wheel_places import place_of
from truewheel.archive.layout import installed_path

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from truewheel.analyzer.macho.image import Slice
    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.archive.names import WheelName


class NewWheel(NamedTuple):
    """The wheel to be.

    name: the file name by which it is judged. data_dir: of its data folder. files: the slices of each file that dyld
    may map, by member in archive order. modules: the members that are Python extension modules.
    """

    name: WheelName
    data_dir: str
    files: Mapping[str, tuple[Slice, ...]]
    modules: Collection[str]


def resliced(wheel: NewWheel, search: SearchOptions) -> MachoAnalysis:
    """Find every library that the slices of the new wheel reach. Its root is no purelib."""
    places = {name: installed_path(name, wheel.data_dir, root_is_purelib=False) for name in wheel.files}
    modules = tuple(name for name in wheel.files if name in wheel.modules)
    members = [
        MachoMember(
            name, MachoFile(slices, fat=len(slices) > 1), sum(item.size for item in slices), place_of(places[name])
        )
        for name, slices in wheel.files.items()
    ]
    found = build_macho_graph(members, search, modules=frozenset(modules))
    return MachoAnalysis(
        name=wheel.name,
        graph=found.graph,
        entries=found.entries,
        modules=modules,
        installed={name: place for name, place in places.items() if place is not None},
        unused_excludes=found.unused_excludes,
    )
