"""Work on many items with several threads, in order and within a bound of memory.

The work that pays off here (inflating, deflating, hashing, other programs) runs outside the interpreter's lock. The
standard library's pools know no bound of memory, and take longer to import than many a wheel takes to repair.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from typing_extensions import Self

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
    """Yield `work(item)` for each item, in the order given; raise what `work` raises when its turn comes.

    items: pairs of an item and the bytes that work on it takes at most. held: the bytes that a result takes while it
    waits. A further item is begun only while all of them together stay within `bound` bytes; one always is. Items that
    do not fit yet are passed by smaller ones, as long as these leave them their room.
    """
    pairs = list(items)
    if jobs <= 1 or len(pairs) <= 1:
        yield from (work(item) for item, _ in pairs)
        return
    line = _Line(work, pairs, jobs, bound, held)
    threads = [threading.Thread(target=line.work, daemon=True) for _ in range(min(jobs, len(pairs)))]
    for thread in threads:
        thread.start()
    try:
        for number in range(len(pairs)):
            yield line.take(number)
    finally:
        line.close()
        for thread in threads:
            thread.join()


@contextmanager
def beside(work: Callable[[], Result], *, jobs: int) -> Iterator[Callable[[], Result]]:
    """Work on a thread of its own while the block runs; with one job, when the result is asked for.

    Yields how to get the result, which waits for it and raises what `work` raised. The thread ends with the block.
    """
    if jobs <= 1:
        yield work
        return
    outcomes: list[Callable[[], Result]] = []
    thread = threading.Thread(target=lambda: outcomes.append(_outcome(work)[0]), daemon=True)
    thread.start()

    def result() -> Result:
        thread.join()
        return outcomes[0]()

    try:
        yield result
    finally:
        thread.join()


class Behind:
    """A thread that does one piece of work after the other while its caller goes on; a context manager.

    Once a piece has failed no further one is begun, and the next call raises its error. Pieces that wait when the block
    is left by an exception are not begun.
    """

    def __init__(self, bound: int) -> None:
        """Start the thread. bound: the bytes that waiting pieces may hold together; a piece that holds more waits."""
        self._bound = bound
        self._waiting: list[tuple[Callable[[], object], int]] = []
        self._held = 0
        self._busy = self._ended = False
        self._failed: list[Callable[[], object]] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Return the thread itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the thread."""
        with self._changed:
            self._waiting.clear()
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def do(self, work: Callable[[], object], held: int) -> None:
        """Do the work after all that came before. held: the bytes that it holds until it is done."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + held <= self._bound or self._failed)
            self._raise()
            self._waiting.append((work, held))
            self._held += held
            self._changed.notify_all()

    def wait(self) -> None:
        """Return when everything is done."""
        with self._changed:
            self._changed.wait_for(lambda: self._failed or not (self._waiting or self._busy))
            self._raise()

    def _raise(self) -> None:
        for failure in self._failed:
            failure()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    return
                work, held = self._waiting.pop(0)
                self._busy = True
            failures = _failure(work)
            with self._changed:
                self._held -= held
                if failures:
                    self._failed += failures
                    self._waiting.clear()


def _failure(work: Callable[[], object]) -> list[Callable[[], object]]:
    """Do the work; return how to raise what it raised, if it did."""
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
        return [partial(_raise, error)]
    return []


class _Line(Generic[Item, Result]):
    """The items of one call by their numbers: those waiting to be begun, those begun, and those done but not taken."""

    def __init__(
        self,
        work: Callable[[Item], Result],
        items: list[tuple[Item, int]],
        jobs: int,
        bound: int,
        held: Callable[[Result], int],
    ) -> None:
        self._work, self._items, self._most, self._bound, self._held = work, items, _AHEAD * jobs, bound, held
        self._waiting = list(range(len(items)))
        self._taken: dict[int, int] = {}
        """The bytes that each item takes, from its beginning until it is taken."""
        self._done: dict[int, Callable[[], Result]] = {}
        """How to get each result: returned, or raised."""
        self._changed = threading.Condition()

    def work(self) -> None:
        """Work on one item after another until none is left to begin."""
        while (number := self._begin()) is not None:
            done, size = _outcome(partial(self._work, self._items[number][0]), self._held)
            with self._changed:
                self._taken[number] = size
                self._done[number] = done
                self._changed.notify_all()

    def take(self, number: int) -> Result:
        """Wait for a result and return it, or raise what the work raised."""
        with self._changed:
            self._changed.wait_for(lambda: number in self._done)
            done = self._done.pop(number)
            del self._taken[number]
            self._changed.notify_all()
        return done()

    def close(self) -> None:
        """Begin nothing more."""
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()

    def _begin(self) -> int | None:
        """Wait until an item may be begun and return its number; None when there is none any more."""
        with self._changed:
            while self._waiting:
                number = self._next()
                if number is not None:
                    self._waiting.remove(number)
                    self._taken[number] = self._items[number][1]
                    return number
                self._changed.wait()
        return None

    def _next(self) -> int | None:
        """Return the first waiting item, or, while that does not fit, one that fits beside it."""
        if len(self._taken) >= self._most:
            return None
        first = self._waiting[0]
        room = self._bound - sum(self._taken.values())
        if not self._taken or self._items[first][1] <= room:
            return first
        # Whatever stands before a waiting item is gone when that one must begin; what stands behind it is not, so
        # items that pass others leave room for the largest of these.
        behind = self._bound - sum(size for number, size in self._taken.items() if number > first)
        largest = 0
        for number in self._waiting[: self._most]:
            cost = self._items[number][1]
            if cost <= min(room, behind - largest):
                return number
            largest = max(largest, cost)
        return None


def _outcome(
    work: Callable[[], Result], held: Callable[[Result], int] = lambda _: 0
) -> tuple[Callable[[], Result], int]:
    """Do the work; return how another thread gets its result (returned, or raised), and the bytes that it takes."""
    try:
        result = work()
        return partial(_return, result), held(result)
    except BaseException as error:  # noqa: BLE001 - raised in the thread that asks for the result
        return partial(_raise, error), 0


def _return(result: Result) -> Result:
    return result


def _raise(error: BaseException) -> NoReturn:
    raise error
