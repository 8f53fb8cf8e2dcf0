"""Real files of every kind, judged; what each is stands in fixtures/recipes.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.analyses import one_file
from support.fixtures import GLIBC_PLATFORMS, MUSL_PLATFORMS, family, odd
from truewheel.analyzer.elf.image import Libc
from truewheel.analyzer.elf.reader import read_image
from truewheel.platforms.linux.judge import judge
from truewheel.platforms.verdict import Rule

if TYPE_CHECKING:
    from pathlib import Path

    from support.fixtures import Platform
    from truewheel.platforms.verdict import Verdict

OLDEST = {
    "x86_64": "manylinux_2_5",
    "i686": "manylinux_2_5",
    "riscv64": "manylinux_2_31",
    "loongarch64": "manylinux_2_36",
}


def judged(path: Path, libc: Libc = Libc.GLIBC) -> Verdict:
    image = read_image(path.read_bytes(), path.name)
    (verdict,) = judge(one_file(image, f"hello/{path.name}").analysis(libc=libc, architecture=image.architecture))
    return verdict


@pytest.mark.parametrize("platform", GLIBC_PLATFORMS)
def test_a_library_built_for_an_old_glibc_keeps_the_oldest_promise(platform: Platform) -> None:
    now = judged(family(platform).tone).now
    assert now is not None
    assert now.tag == f"{OLDEST.get(platform, 'manylinux_2_17')}_{platform}"


@pytest.mark.parametrize("platform", MUSL_PLATFORMS)
def test_a_library_built_for_musl_keeps_the_oldest_promise(platform: Platform) -> None:
    now = judged(family(platform).tone, Libc.MUSL).now
    assert now is not None
    assert now.tag == f"musllinux_1_1_{platform.removeprefix('musl-')}"


@pytest.mark.parametrize(
    ("file", "floor"),
    [("glibc-2.38.so", "manylinux_2_38"), ("relr.so", "manylinux_2_36"), ("sectionless.so", "manylinux_2_5")],
)
def test_a_file_needs_a_newer_promise(file: str, floor: str) -> None:
    own_floor = judged(odd(file)).own_floor
    assert own_floor is not None
    assert own_floor.name == floor


@pytest.mark.parametrize(
    ("file", "rule"),
    [
        ("execstack.so", Rule.EXECUTABLE_STACK),
        ("isa-v3.so", Rule.ISA_LEVEL),
        ("pyfpe.so", Rule.PYFPE),
        ("python2-ucs2.so", Rule.UCS),
    ],
)
def test_a_file_can_keep_no_promise(file: str, rule: Rule) -> None:
    verdict = judged(odd(file))
    assert verdict.own_floor is None
    assert rule in {reason.rule for reason in verdict.judgements[-1].reasons}


def test_a_file_with_relr_breaks_every_promise_of_musl() -> None:
    rules = {reason.rule for reason in judged(odd("relr.so"), Libc.MUSL).judgements[-1].reasons}
    assert Rule.RELATIVE_RELOCATIONS in rules


def test_a_file_that_names_musl_as_upstream_does_is_at_home_there() -> None:
    verdict = judged(odd("musl-libc-so.so"), Libc.MUSL)
    assert [reason.library for reason in verdict.judgements[0].reasons] == ["libgreet.so.1"]
