"""Work on many items with several threads, in order and within a bound of memory.

The work that pays off here (inflating, deflating, hashing, other programs) runs outside the interpreter's lock.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

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
    waits. A further item is begun only while all of them together stay within `bound` bytes; one always is.
    """
    if jobs <= 1:
        yield from (work(item) for item, _ in items)
        return
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

    waiting: deque[tuple[int, Future[Result]]] = deque()

    def taken() -> int:
        return sum(
            held(future.result()) if future.done() and not future.exception() else cost for cost, future in waiting
        )

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for item, cost in items:
            while waiting and (len(waiting) >= _AHEAD * jobs or cost + taken() > bound):
                if waiting[0][1].done():
                    yield waiting.popleft()[1].result()
                else:
                    wait([future for _, future in waiting if not future.done()], return_when=FIRST_COMPLETED)
            waiting.append((cost, pool.submit(work, item)))
        while waiting:
            yield waiting.popleft()[1].result()
