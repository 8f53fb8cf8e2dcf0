"""Names in a PE file, and how much of them may be read: tables may share their tails, but not without measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truewheel.analyzer.pe.layout import Layout

_SMALL = 1 << 16
_NAME_BYTES = 96
"""Most names are shorter, so that one look is enough."""


class Budget:
    """How many bytes may still be read of one file's tables: twice as many as it has."""

    __slots__ = ("_layout", "_left")

    def __init__(self, layout: Layout) -> None:
        """Begin with what the file allows."""
        self._layout = layout
        self._left = 2 * len(layout.data) + _SMALL

    def spend(self, size: int, address: int) -> None:
        """Take `size` bytes off; raises InvalidBinaryError, naming the address, when they are used up."""
        self._left -= size
        if self._left < 0:
            raise self._layout.invalid("its tables overlap beyond reason", address)


def text_at(layout: Layout, address: int, budget: Budget) -> str:
    r"""Return the text at an address, up to a zero byte; bytes that are not UTF-8 come out as `\xNN`.

    Raises InvalidBinaryError when it lies outside of the file, or does not end in its section.
    """
    start, end = layout.span(address)
    size = _NAME_BYTES
    while True:
        stop = min(start + size, end)
        text, zero, _ = bytes(layout.data[start:stop]).partition(b"\0")
        if zero:
            break
        if stop == end:
            raise layout.invalid("a name does not end within its section", address)
        size *= 8
    budget.spend(len(text) + 1, address)
    return text.decode("utf-8", "backslashreplace")
