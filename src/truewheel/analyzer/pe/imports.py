"""The DLLs that a PE file names, and what it wants of them.

Follows Microsoft's "PE Format", sections "The .idata Section" and "Delay-Load Import Tables". Only headers and import
tables are read. A hostile file cannot make us read more than it is long, or build more text than twice that.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.pe.layout import Directory, read_layout
from truewheel.analyzer.pe.text import Budget, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.pe.layout import Buffer, Layout

_IMPORT = Struct("<5I")
_DELAY_IMPORT = Struct("<8I")
_ADDRESSES_ARE_RELATIVE = 1
_HINT = 2


class DllUse(NamedTuple):
    """One DLL that a file names.

    name: as written. names: what it wants of it by name, in order; what it wants by number is left out.
    delayed: whether Windows looks for it when something of it is first called, and not when the file is loaded.
    """

    name: str
    names: tuple[str, ...]
    delayed: bool = False

    @property
    def key(self) -> str:
        """The name as Windows compares it: in lower case, with `.dll` where it has no ending."""
        lower = self.name.lower()
        return lower if "." in lower else f"{lower}.dll"


def dll_uses(data: Buffer, where: str) -> tuple[DllUse, ...]:
    """Return the DLLs that the PE file in `data` names, in the order of its tables; `where` is its name for errors.

    Raises InvalidBinaryError when the file is cut short or contradicts itself.
    """
    tables = _Tables(read_layout(data, where))
    return (*tables.imports(), *tables.delayed())


class _Tables:
    """The import tables of one file, and how much may still be read of them."""

    __slots__ = ("_budget", "_layout")

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._budget = Budget(layout)

    def imports(self) -> Iterator[DllUse]:
        """Yield the DLLs that Windows loads with the file."""
        for entry in self._entries(Directory.IMPORT, _IMPORT):
            lookup, _, _, name, bound = entry
            if not name or not bound:
                return
            yield DllUse(text_at(self._layout, name, self._budget), tuple(self._names(lookup or bound)))

    def delayed(self) -> Iterator[DllUse]:
        """Yield the DLLs that are loaded when something of them is first called."""
        for entry in self._entries(Directory.DELAY_IMPORT, _DELAY_IMPORT):
            attributes, name, _, _, lookup, *_ = entry
            if not name:
                return
            base = 0 if attributes & _ADDRESSES_ARE_RELATIVE else self._layout.header.base
            names = tuple(self._names(lookup - base, base)) if lookup else ()
            yield DllUse(text_at(self._layout, name - base, self._budget), names, delayed=True)

    def _entries(self, directory: Directory, form: Struct) -> Iterator[tuple[int, ...]]:
        """Yield the entries of a table, which ends with an empty one, whatever size the directory says."""
        address, _ = self._layout.header.directories.get(directory, (0, 0))
        while address:
            self._budget.spend(form.size, address)
            yield form.unpack(self._layout.read(address, form.size))
            address += form.size

    def _names(self, address: int, base: int = 0) -> Iterator[str]:
        """Yield the names of a lookup table; entries with the highest bit set are numbers instead."""
        size = 8 if self._layout.header.wide else 4
        by_number = 1 << (8 * size - 1)
        while True:
            self._budget.spend(size, address)
            entry = int.from_bytes(self._layout.read(address, size), "little")
            if not entry:
                return
            if not entry & by_number:
                yield text_at(self._layout, entry - base + _HINT, self._budget)
            address += size
