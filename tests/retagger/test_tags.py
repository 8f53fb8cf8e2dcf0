"""The algebra of tags; `packaging` is the oracle of what a set stands for."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import parse_tag

from truewheel.errors import UsageError
from truewheel.platforms.linux.policies import architectures, policy_facts
from truewheel.retagger.tags import Platform, Tag, compress, expand, implies, ordered, parse_platform, spellings

PYTHONS = st.sets(st.sampled_from(["py2", "py3", "cp39", "cp310"]), min_size=1)
ABIS = st.sets(st.sampled_from(["none", "abi3", "cp310"]), min_size=1)
PLATFORMS = st.sets(st.sampled_from(["any", "manylinux1_x86_64", "manylinux_2_5_x86_64", "win32"]), min_size=1)
TAGS = st.builds(Tag, st.sampled_from(["py2", "py3"]), st.sampled_from(["none", "abi3"]), st.sampled_from("abc"))


def oracle(text: str) -> set[tuple[str, str, str]]:
    return {(tag.interpreter, tag.abi, tag.platform) for tag in parse_tag(text)}


@given(PYTHONS, ABIS, PLATFORMS)
def test_a_set_stands_for_what_packaging_says(pythons: set[str], abis: set[str], platforms: set[str]) -> None:
    text = "-".join(".".join(sorted(part)) for part in (pythons, abis, platforms))
    assert expand(text) == oracle(text)


@given(PYTHONS, ABIS, PLATFORMS)
def test_a_full_product_becomes_one_sorted_set(pythons: set[str], abis: set[str], platforms: set[str]) -> None:
    text = "-".join(".".join(sorted(part)) for part in (pythons, abis, platforms))
    assert compress(expand(text)) == (text,)


@given(st.sets(TAGS))
def test_compressed_sets_stand_for_exactly_the_tags(tags: set[Tag]) -> None:
    sets = compress(tags)
    assert sum(len(oracle(text)) for text in sets) == len(tags)
    assert {tag for text in sets for tag in oracle(text)} == tags


def test_tags_that_are_no_product_become_several_sets() -> None:
    tags = [Tag("py2", "none", "any"), Tag("py3", "none", "win32"), Tag("py3", "none", "any")]
    assert compress(tags) == ("py2-none-any", "py3-none-any.win32")
    assert compress([]) == ()


@pytest.mark.parametrize(
    "text", ["", "py3-none", "py3-none-any-x", "py3..py2-none-any", "Py3-none-any", "py3-none-a b"]
)
def test_what_is_no_set_of_tags_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a set of tags"):
        expand(text)


def test_a_tag_is_written_as_in_a_wheel_file() -> None:
    assert str(Tag("cp310", "abi3", "manylinux_2_5_x86_64")) == "cp310-abi3-manylinux_2_5_x86_64"


@pytest.mark.parametrize(
    ("tag", "platform"),
    [
        ("manylinux_2_17_x86_64", Platform("manylinux", (2, 17), "x86_64")),
        ("manylinux1_i686", Platform("manylinux", (2, 5), "i686")),
        ("manylinux2010_x86_64", Platform("manylinux", (2, 12), "x86_64")),
        ("manylinux2014_aarch64", Platform("manylinux", (2, 17), "aarch64")),
        ("musllinux_1_2_armv7l", Platform("musllinux", (1, 2), "armv7l")),
        ("linux_x86_64", Platform("linux", None, "x86_64")),
        ("macosx_10_9_universal2", Platform("macosx", (10, 9), "universal2")),
        ("manylinux1_aarch64", None),
        ("manylinux2010_aarch64", None),
        ("manylinux2014_riscv64", Platform("manylinux", (2, 17), "riscv64")),
        ("manylinux2010_riscv64", None),
        ("manylinux2014_sparc", None),
        ("manylinux2015_x86_64", None),
        ("manylinux_2_x86_64", None),
        ("manylinux_02_17_x86_64", None),
        ("linux", None),
        ("any", None),
        ("win_amd64", None),
        ("android_21_x86_64", None),
    ],
)
def test_a_platform_tag_is_taken_apart(tag: str, platform: Platform | None) -> None:
    assert parse_platform(tag) == platform


@given(
    st.sampled_from(["manylinux", "musllinux", "macosx"]),
    st.tuples(st.integers(0, 99), st.integers(0, 99)),
    st.sampled_from(sorted(architectures())),
)
def test_a_platform_tag_survives_the_round_trip(family: str, version: tuple[int, int], architecture: str) -> None:
    platform = Platform(family, version, architecture)
    assert parse_platform(str(platform)) == platform
    assert {parse_platform(tag) for tag in spellings(str(platform))} == {platform}


@pytest.mark.parametrize("architecture", sorted(architectures()))
def test_older_names_agree_with_the_policy_facts(architecture: str) -> None:
    for policy in policy_facts("manylinux", architecture).policies:
        for tag in policy.tags:
            assert spellings(tag) == policy.tags


@pytest.mark.parametrize("tag", ["any", "win32", "linux_x86_64", "musllinux_1_1_x86_64", "macosx_10_9_x86_64"])
def test_most_tags_have_one_name(tag: str) -> None:
    assert spellings(tag) == (tag,)


VERSIONS = [f"manylinux_2_{minor}_x86_64" for minor in (5, 12, 17, 20, 41)]


@pytest.mark.parametrize(("one", "two"), list(product(range(5), range(5))))
def test_an_older_promise_implies_every_newer_one(one: int, two: int) -> None:
    assert implies(VERSIONS[one], VERSIONS[two]) is (one <= two)


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ("manylinux1_x86_64", "manylinux_2_5_x86_64", True),
        ("manylinux_2_5_x86_64", "manylinux1_x86_64", True),
        ("manylinux2014_x86_64", "manylinux_2_12_x86_64", False),
        ("manylinux_2_9_x86_64", "manylinux_2_10_x86_64", True),
        ("manylinux_2_5_x86_64", "manylinux_2_5_i686", False),
        ("manylinux_1_1_x86_64", "musllinux_1_1_x86_64", False),
        ("linux_x86_64", "manylinux_2_5_x86_64", False),
        ("manylinux_2_5_x86_64", "linux_x86_64", False),
        ("any", "any", True),
        ("any", "win32", False),
    ],
)
def test_promises_of_other_kinds_imply_nothing(one: str, two: str, *, expected: bool) -> None:
    assert implies(one, two) is expected


def test_platforms_stand_in_string_order() -> None:
    tags = ("manylinux_2_17_x86_64", "linux_x86_64", "manylinux2014_x86_64", "linux_x86_64")
    assert ordered(tags) == ("linux_x86_64", "manylinux2014_x86_64", "manylinux_2_17_x86_64")
