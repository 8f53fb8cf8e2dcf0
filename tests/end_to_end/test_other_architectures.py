"""Wheels for other machines, repaired on this one, work on those machines (here: their programs, emulated)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import greeting, rootfs
from support.fixtures import family
from support.rootfs import System

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.fixtures import Platform

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DEBIAN = {"aarch64": "arm64", "armv7l": "armhf", "i686": "i386", "ppc64le": "ppc64el", "s390x": "s390x"}
PYTHON = {"riscv64": System("trixie", "3.13", "riscv64")} | {
    platform: System("bookworm", "3.11", architecture) for platform, architecture in DEBIAN.items()
}


@pytest.mark.parametrize("platform", sorted(PYTHON))
def test_a_wheel_repaired_here_is_accepted_and_works_on_its_own_architecture(
    platform: Platform, repair: Callable[..., Path], tmp_path: Path
) -> None:
    files = family(platform)
    root = rootfs.root(PYTHON[platform])
    wheel = greeting.wheel(files.extension, platform, tmp_path)

    with root.site() as site:
        site.unpack(wheel)
        control = site.run(greeting.SAY)
    assert control.code == 1
    assert f"ImportError: {greeting.MISSING}: cannot open shared object file" in control.output

    with root.site() as site:
        accepted = site.install(repair(wheel, "--lib-path", files.folder))
        assert accepted.code == 0, accepted.output
        outcome = site.run(greeting.SAY)
    assert outcome.output == greeting.SAID
    assert outcome.code == 0
