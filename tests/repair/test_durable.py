"""A new wheel gets its name only when it is on the disk and was read again, whichever takes longer."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.fixtures import family
from support.hello import hello_wheel
from truewheel import repair as conductor
from truewheel.errors import OutputError, ToolError
from truewheel.repair import repair
from truewheel.repair.options import RepairOptions

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW = 0.2


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return hello_wheel(tmp_path / "dist", {"hello/libtone.so": family("x86_64").tone})


@pytest.fixture(params=[1, 2])
def options(request: pytest.FixtureRequest) -> RepairOptions:
    return RepairOptions(jobs=request.param)


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def wrapped(
    monkeypatch: pytest.MonkeyPatch, place: object, name: str, events: list[str], wait: float
) -> Callable[..., object]:
    """Let a function take longer, and note when it has ended."""
    original: Callable[..., object] = getattr(place, name)

    def slow(*arguments: object) -> object:
        time.sleep(wait)
        try:
            return original(*arguments)
        finally:
            events.append(name)

    monkeypatch.setattr(place, name, slow)
    return original


@pytest.mark.parametrize("waits", [(SLOW, 0), (0, SLOW)])
def test_the_name_comes_after_the_disk_and_the_second_look(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: RepairOptions, waits: tuple[float, float]
) -> None:
    events: list[str] = []
    wrapped(monkeypatch, os, "fsync", events, waits[0])
    wrapped(monkeypatch, conductor, "_confirm", events, waits[1])
    wrapped(monkeypatch, os, "link", events, 0)
    repair(wheel, tmp_path / "out", options)
    assert sorted(events[:2]) == ["_confirm", "fsync"]
    assert events[2:] == ["link", "fsync"]


def test_a_disk_that_fails_late_leaves_nothing(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: RepairOptions
) -> None:
    def full(_: int) -> None:
        time.sleep(SLOW)
        raise OSError(errno.ENOSPC, "No room")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="cannot be written: No room") as error:
        repair(wheel, tmp_path / "out", options)
    assert "free some space" in error.value.hint
    assert not (tmp_path / "out").exists()


def test_a_wheel_that_is_not_confirmed_leaves_nothing(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: RepairOptions
) -> None:
    def broken(*_: object) -> None:
        raise ToolError("the repaired wheel would not keep its name")

    events: list[str] = []
    wrapped(monkeypatch, os, "fsync", events, SLOW)
    monkeypatch.setattr(conductor, "_confirm", broken)
    before = descriptors()
    with pytest.raises(ToolError):
        repair(wheel, tmp_path / "out", options)
    assert descriptors() == before
    assert not (tmp_path / "out").exists()
