"""Work on many items with several threads, in order and within a bound of memory.

The work that pays off here (inflating, deflating, hashing, other programs) runs outside the interpreter's lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor, Future

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 8
"""How many items a thread may be ahead of the one that takes the results."""


def each_in_order(
    work: Callable[[Item], Result],
    items: Iterable[tuple[Item, int]],
    *,
    jobs: int,
    bound: int,
    held: Callable[[Result], int] = lambda _: 0,
) -> Iterator[Result]:
    """Yield `work(item)` for each item, in the order given.

    items: pairs of an item and the bytes that work on it takes at most. held: the bytes that a result takes while it
    waits. A further item is begun only while all of them together stay within `bound` bytes; one always is. Items that
    do not fit yet are passed by smaller ones, as long as these leave them their room.
    """
    if jobs <= 1:
        yield from (work(item) for item, _ in items)
        return
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        line = _Line(work, list(items), pool, bound, held)
        for number in range(len(line.items)):
            line.begin(_AHEAD * jobs)
            while not line.begun[number].done():
                wait([future for future in line.begun.values() if not future.done()], return_when=FIRST_COMPLETED)
                line.begin(_AHEAD * jobs)
            yield line.begun.pop(number).result()


class _Line(Generic[Item, Result]):
    """The items of one call: those waiting to be begun, and those begun and not yet taken, by their numbers."""

    def __init__(
        self,
        work: Callable[[Item], Result],
        items: list[tuple[Item, int]],
        pool: Executor,
        bound: int,
        held: Callable[[Result], int],
    ) -> None:
        self.items = items
        self.begun: dict[int, Future[Result]] = {}
        self._waiting = list(range(len(items)))
        self._work, self._pool, self._bound, self._held = work, pool, bound, held

    def begin(self, most: int) -> None:
        """Begin every item that fits, up to `most` at a time."""
        while self._waiting and len(self.begun) < most:
            number = self._next(most)
            if number is None:
                return
            self._waiting.remove(number)
            self.begun[number] = self._pool.submit(self._work, self.items[number][0])

    def _next(self, most: int) -> int | None:
        """Return the first waiting item, or, while that does not fit, one that fits beside it."""
        first = self._waiting[0]
        taken = {number: self._taken(number) for number in self.begun}
        room = self._bound - sum(taken.values())
        if self._cost(first) <= room or not self.begun:
            return first
        # What stands before the first waiting item is gone once that one must begin; what stands behind it is not.
        behind = self._bound - self._cost(first) - sum(size for number, size in taken.items() if number > first)
        fitting = (number for number in self._waiting[1:most] if self._cost(number) <= min(room, behind))
        return next(fitting, None)

    def _cost(self, number: int) -> int:
        return self.items[number][1]

    def _taken(self, number: int) -> int:
        future = self.begun[number]
        return self._held(future.result()) if future.done() and not future.exception() else self._cost(number)
