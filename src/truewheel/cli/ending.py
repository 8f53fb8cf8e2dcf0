"""An orderly end for a program that is asked to end: what it has begun to write goes, as after Ctrl-C."""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("SIGTERM", "SIGHUP")
"""What ends a program that does not care; Windows has the first alone."""


class EndedError(BaseException):
    """The program was asked to end. Nothing that handles errors is to take it for one."""

    def __init__(self, number: int) -> None:
        """Keep the number of the signal."""
        super().__init__(number)
        self.number = number


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Raise EndedError in the block when a signal asks the program to end, unless somebody has decided otherwise."""
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    with suppress(ValueError):  # only the main thread may ask for signals
        for number in ours:
            signal.signal(number, _end)
    try:
        yield
    finally:
        with suppress(ValueError):
            for number in ours:
                signal.signal(number, signal.SIG_DFL)


def _end(number: int, _: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # a second one must not stop the tidying
    raise EndedError(number)
