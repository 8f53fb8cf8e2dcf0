"""The names that a PE file gives to others.

Follows Microsoft's "PE Format", section "The .edata Section": a directory with a table of addresses of names.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from truewheel.analyzer.pe.layout import Directory, read_layout
from truewheel.analyzer.pe.text import Budget, text_at

if TYPE_CHECKING:
    from truewheel.analyzer.pe.layout import Buffer

_DIRECTORY = Struct("<10I")
_COUNT, _NAMES = 6, 8


def exported_names(data: Buffer, where: str) -> tuple[str, ...]:
    """Return the names that the PE file in `data` gives, in the order of its table; `where` is its name for errors.

    What it gives by number alone is left out. Raises InvalidBinaryError as `read_layout` does.
    """
    layout = read_layout(data, where)
    address, _ = layout.header.directories.get(Directory.EXPORT, (0, 0))
    if not address:
        return ()
    fields = _DIRECTORY.unpack(layout.read(address, _DIRECTORY.size))
    if not fields[_COUNT]:
        return ()
    table = layout.read(fields[_NAMES], 4 * fields[_COUNT])
    budget = Budget(layout)
    return tuple(text_at(layout, place, budget) for (place,) in Struct("<I").iter_unpack(table))
