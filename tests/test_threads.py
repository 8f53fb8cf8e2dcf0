from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truewheel.threads import Behind, beside, each_in_order

if TYPE_CHECKING:
    from collections.abc import Callable


class Watch:
    """Counts what is worked on at the same time, and the bytes that it takes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: dict[int, int] = {}
        self.most_bytes = 0
        self.most_items = 0

    def work(self, costs: list[int]) -> Callable[[int], int]:
        def work(number: int) -> int:
            with self.lock:
                self.running[number] = costs[number]
                self.most_bytes = max(self.most_bytes, sum(self.running.values()))
                self.most_items = max(self.most_items, len(self.running))
            time.sleep(0.0005)
            with self.lock:
                del self.running[number]
            return number

        return work


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(1, 5))
def test_results_come_in_order_and_within_the_bound(costs: list[int], jobs: int) -> None:
    watch = Watch()
    bound = max(costs, default=0) + 20
    items = list(enumerate(costs))
    assert list(each_in_order(watch.work(costs), items, jobs=jobs, bound=bound)) == list(range(len(costs)))
    assert watch.most_bytes <= bound
    assert watch.most_items <= jobs


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(2, 5))
def test_waiting_results_count_too(costs: list[int], jobs: int) -> None:
    bound = max(costs, default=0) + 20
    untaken: dict[int, int] = {}
    lock = threading.Lock()
    peak = 0

    def work(number: int) -> int:
        nonlocal peak
        with lock:
            untaken[number] = costs[number]
            peak = max(peak, sum(untaken.values()))
        return number

    results = each_in_order(work, list(enumerate(costs)), jobs=jobs, bound=bound, held=lambda number: costs[number])
    for number in results:
        with lock:
            del untaken[number]
    assert peak <= bound + max(costs, default=0)  # the one that was just handed over is still counted here


def test_a_small_item_passes_one_that_does_not_fit_yet() -> None:
    begun: list[str] = []
    passed = threading.Event()

    def work(name: str) -> str:
        begun.append(name)
        if name == "first":
            assert passed.wait(10)
        if name == "small":
            passed.set()
        return name

    items = [("first", 60), ("large", 50), ("small", 5)]
    assert list(each_in_order(work, items, jobs=2, bound=80)) == ["first", "large", "small"]
    assert begun == ["first", "small", "large"]


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_the_work_raises_is_raised_in_its_turn(jobs: int) -> None:
    def work(number: int) -> int:
        if number == 2:
            raise KeyError(number)
        return number

    results = each_in_order(work, [(number, 1) for number in range(50)], jobs=jobs, bound=100)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(KeyError):
        next(results)
    assert threading.active_count() == 1


def test_threads_end_when_nobody_takes_the_results() -> None:
    results = each_in_order(lambda number: number, [(number, 1) for number in range(100)], jobs=3, bound=100)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]  # it is a generator
    assert threading.active_count() == 1


def test_what_costs_more_than_the_bound_is_begun_alone() -> None:
    watch = Watch()
    costs = [100, 100, 100]
    assert list(each_in_order(watch.work(costs), list(enumerate(costs)), jobs=3, bound=10)) == [0, 1, 2]
    assert watch.most_items == 1


def test_an_error_that_is_returned_is_a_result_like_any_other() -> None:
    found = list(each_in_order(KeyError, [(number, 1) for number in range(5)], jobs=2, bound=9))
    assert [error.args for error in found] == [(number,) for number in range(5)]


def test_work_beside_a_block_runs_while_the_block_does() -> None:
    begun, told = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        assert told.wait(30)
        return "done"

    with beside(work, jobs=2) as result:
        assert begun.wait(30)
        told.set()
        assert result() == result() == "done"


def test_with_one_job_the_work_waits_until_it_is_asked_for() -> None:
    threads: list[int] = []
    with beside(lambda: threads.append(threading.get_ident()), jobs=1) as result:
        assert threads == []
        result()
    assert threads == [threading.get_ident()]


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_fails_beside_a_block_is_raised_where_the_result_is_asked_for(jobs: int) -> None:
    def work() -> None:
        raise KeyError("lost")

    with beside(work, jobs=jobs) as result, pytest.raises(KeyError, match="lost"):
        result()


def test_no_thread_outlives_its_block() -> None:
    ended = threading.Event()

    def work() -> None:
        time.sleep(0.01)
        ended.set()

    with pytest.raises(KeyError), beside(work, jobs=2):
        raise KeyError
    assert ended.is_set()


class TestBehind:
    def test_pieces_are_done_in_order_and_all_of_them(self) -> None:
        done: list[int] = []
        with Behind(bound=3) as behind:
            for number in range(50):
                behind.do(partial(done.append, number), held=number % 5)
            behind.wait()
        assert done == list(range(50))

    def test_the_caller_goes_on_meanwhile(self) -> None:
        gate = threading.Event()
        with Behind(bound=1) as behind:
            behind.do(gate.wait, held=1)
            gate.set()  # a caller that waited for the work would never come here
            behind.wait()

    def test_the_caller_waits_while_waiting_pieces_hold_too_much(self) -> None:
        held = most = 0
        lock = threading.Lock()

        def release(size: int) -> None:
            nonlocal held
            with lock:
                held -= size

        with Behind(bound=10) as behind:
            for size in (4, 4, 4, 4, 25, 4):
                behind.do(partial(release, size), size)
                with lock:
                    held += size
                    most = max(most, held)
            behind.wait()
        assert held == 0
        assert most <= 25

    def test_an_error_ends_it_and_is_raised_by_the_next_call(self) -> None:
        done: list[str] = []
        with Behind(bound=100) as behind:
            behind.do(partial(int, "no number"), held=1)
            with pytest.raises(ValueError, match="no number"):
                behind.wait()
            with pytest.raises(ValueError, match="no number"):
                behind.do(partial(done.append, "later"), held=1)
        assert done == []

    def test_what_waits_is_not_begun_when_the_block_fails(self) -> None:
        gate, done = threading.Event(), list[str]()

        def failing() -> None:
            with Behind(bound=100) as behind:
                behind.do(gate.wait, held=1)
                behind.do(partial(done.append, "later"), held=1)
                threading.Timer(0.05, gate.set).start()
                raise KeyError

        with pytest.raises(KeyError):
            failing()
        assert done == []
