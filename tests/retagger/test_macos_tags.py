"""The algebra of macOS tags; `packaging` is the oracle of what installers look for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import mac_platforms

from truewheel.retagger.macos_tags import (
    MacTag,
    coverage,
    oldest_system,
    parse_mac_tag,
    promise,
    same_systems,
    smallest_set,
    untrue_of,
    widest,
)

ARCHITECTURES = ("arm64", "x86_64", "i386", "ppc", "ppc64")
FAMILIES = {
    "arm64": {"arm64"},
    "x86_64": {"x86_64"},
    "i386": {"i386"},
    "ppc": {"ppc"},
    "ppc64": {"ppc64"},
    "universal2": {"arm64", "x86_64"},
    "intel": {"i386", "x86_64"},
    "fat": {"i386", "ppc"},
    "fat3": {"i386", "ppc", "x86_64"},
    "fat64": {"ppc64", "x86_64"},
    "universal": {"i386", "ppc", "ppc64", "x86_64"},
}
SYSTEMS = [*((10, minor) for minor in range(4, 16)), *((major, 0) for major in range(11, 28))]

OLD = st.tuples(st.just(10), st.integers(0, 16), st.integers(0, 8))
NEW = st.tuples(st.integers(11, 27), st.integers(0, 6), st.integers(0, 3))
MINIMA = st.dictionaries(st.sampled_from(ARCHITECTURES), OLD | NEW, min_size=1)
TAG_VERSIONS = st.tuples(st.just(10), st.integers(0, 17)) | st.tuples(st.integers(11, 27), st.integers(0, 3))
TAGS = st.builds(MacTag, TAG_VERSIONS, st.sampled_from(sorted(FAMILIES)))


def names(minima: dict[str, tuple[int, int, int]]) -> list[str]:
    return [str(tag) for tag in smallest_set(minima)]


def takes(tag: MacTag, architecture: str, system: tuple[int, int]) -> bool:
    """Whether an installer on a Mac of that kind looks for the tag, as packaging says."""
    return str(tag) in set(mac_platforms(system, architecture))


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_name_stands_for_the_architectures_of_the_specification(family: str) -> None:
    tag = parse_mac_tag(f"macosx_10_6_{family}")
    assert tag is not None
    assert set(tag.architectures) == FAMILIES[family]
    assert str(tag) == f"macosx_10_6_{family}"


@pytest.mark.parametrize(
    "text",
    [
        "any",
        "linux_x86_64",
        "manylinux_2_17_x86_64",
        "macosx_14_arm64",
        "macosx_11_0_arm64e",
        "macosx_10_6_fat32",
        "ios",
    ],
)
def test_what_is_no_macos_tag_is_not_taken_apart(text: str) -> None:
    assert parse_mac_tag(text) is None


@pytest.mark.parametrize(
    ("architecture", "minimum", "version"),
    [
        ("x86_64", (10, 9, 0), (10, 9)),
        ("x86_64", (10, 0, 0), (10, 4)),
        ("i386", (10, 3, 9), (10, 4)),
        ("x86_64", (10, 16, 0), (11, 0)),
        ("x86_64", (10, 13, 4), (10, 14)),
        ("x86_64", (10, 15, 7), (11, 0)),
        ("x86_64", (11, 0, 0), (11, 0)),
        ("arm64", (10, 9, 0), (11, 0)),
        ("arm64", (11, 0, 0), (11, 0)),
        ("arm64", (11, 0, 1), (12, 0)),
        ("arm64", (12, 1, 0), (13, 0)),
        ("arm64", (26, 0, 0), (26, 0)),
        ("ppc", (10, 3, 0), (10, 3)),
    ],
)
def test_the_oldest_system_is_rounded_up_to_what_a_tag_can_name(
    architecture: str, minimum: tuple[int, int, int], version: tuple[int, int]
) -> None:
    assert oldest_system(architecture, minimum) == version


@pytest.mark.parametrize(
    ("minima", "expected"),
    [
        ({"x86_64": (10, 9, 0), "arm64": (11, 0, 0)}, ["macosx_10_9_universal2"]),
        ({"x86_64": (10, 9, 0), "arm64": (12, 0, 0)}, ["macosx_10_9_x86_64", "macosx_12_0_arm64"]),
        ({"x86_64": (12, 0, 0), "arm64": (11, 0, 0)}, ["macosx_11_0_arm64", "macosx_12_0_x86_64"]),
        ({"x86_64": (12, 0, 0), "arm64": (12, 0, 0)}, ["macosx_12_0_universal2"]),
        ({"x86_64": (10, 6, 0), "i386": (10, 6, 0)}, ["macosx_10_6_intel"]),
        ({"x86_64": (10, 9, 0), "i386": (10, 6, 0)}, ["macosx_10_6_i386", "macosx_10_9_x86_64"]),
        ({"x86_64": (10, 4, 0), "i386": (10, 0, 0)}, ["macosx_10_4_intel"]),
        ({"arm64": (10, 9, 0)}, ["macosx_11_0_arm64"]),
        (
            {"x86_64": (10, 9, 0), "i386": (10, 9, 0), "arm64": (11, 0, 0)},
            ["macosx_10_9_intel", "macosx_10_9_universal2"],
        ),
        ({"x86_64": (10, 5, 0), "i386": (10, 5, 0), "ppc": (10, 5, 0)}, ["macosx_10_5_intel", "macosx_10_5_ppc"]),
        ({"x86_64": (10, 16, 0), "arm64": (11, 0, 0)}, ["macosx_11_0_universal2"]),
        ({}, []),
    ],
)
def test_the_smallest_set_of_names(minima: dict[str, tuple[int, int, int]], expected: list[str]) -> None:
    assert names(minima) == expected


@pytest.mark.parametrize(
    ("tag", "missing"),
    [
        ("macosx_10_9_universal2", ()),
        ("macosx_10_8_universal2", ("x86_64",)),
        ("macosx_10_9_arm64", ()),
        ("macosx_10_9_intel", ("i386",)),
        ("macosx_10_6_intel", ("i386", "x86_64")),
        ("macosx_11_2_x86_64", ()),
    ],
)
def test_a_tag_is_untrue_of_the_architectures_that_its_version_cannot_serve(tag: str, missing: tuple[str, ...]) -> None:
    parsed = parse_mac_tag(tag)
    assert parsed is not None
    assert untrue_of(parsed, {"x86_64": (10, 9, 0), "arm64": (11, 0, 0)}) == missing


def test_a_minor_version_is_true_but_reaches_nobody() -> None:
    tag = MacTag((12, 3), "arm64")
    assert not untrue_of(tag, {"arm64": (12, 3, 0)})
    assert untrue_of(MacTag((12, 0), "arm64"), {"arm64": (12, 3, 0)})
    assert coverage([tag]) == {}


def test_names_of_the_same_systems_are_told_from_names_of_others() -> None:
    thin = [MacTag((10, 9), "x86_64"), MacTag((12, 0), "arm64")]
    assert same_systems(thin, [MacTag((12, 0), "universal2"), MacTag((10, 9), "x86_64")])
    assert same_systems([MacTag((10, 16), "x86_64")], [MacTag((11, 0), "x86_64")])
    assert not same_systems(thin, [MacTag((12, 0), "universal2")])
    assert not same_systems([MacTag((11, 2), "arm64")], [MacTag((11, 0), "arm64")])


@given(TAGS, st.sampled_from(("arm64", "x86_64", "i386")), st.sampled_from(SYSTEMS))
def test_coverage_is_what_packaging_looks_for(tag: MacTag, architecture: str, system: tuple[int, int]) -> None:
    from_on = coverage([tag]).get(architecture)
    if architecture == "i386" and system >= (10, 15):
        return  # no such Mac
    if architecture == "arm64" and system < (11, 0):
        assert from_on is None or from_on >= (11, 0)
    elif tag.family != "fat3":  # misspelled in the lists of older releases
        assert (from_on is not None and from_on <= system) == takes(tag, architecture, system)


@given(TAGS, MINIMA)
def test_a_newer_tag_than_a_true_one_is_true(tag: MacTag, minima: dict[str, tuple[int, int, int]]) -> None:
    if not untrue_of(tag, minima):
        for version in ((tag.version[0], tag.version[1] + 1), (tag.version[0] + 1, 0)):
            assert not untrue_of(MacTag(version, tag.family), minima)


@given(TAGS, MINIMA)
def test_no_true_tag_is_contradicted(tag: MacTag, minima: dict[str, tuple[int, int, int]]) -> None:
    if not untrue_of(tag, minima):
        assert FAMILIES[tag.family] <= minima.keys()
        assert all(minima[name] <= promise(tag, name) for name in tag.architectures)


@given(st.sampled_from(sorted(FAMILIES)), MINIMA)
def test_the_widest_tag_is_true_and_the_next_wider_one_is_not(
    family: str, minima: dict[str, tuple[int, int, int]]
) -> None:
    tag = widest(family, minima)
    if tag is None:
        assert not FAMILIES[family] <= minima.keys()
        return
    assert not untrue_of(tag, minima)
    older = [version for version in [*((10, minor) for minor in range(16)), *SYSTEMS[12:]] if version < tag.version]
    for version in older:
        wider = MacTag(version, family)
        assert untrue_of(wider, minima) or coverage([wider]) in ({}, coverage([tag]))


@given(MINIMA)
def test_the_smallest_set_says_the_whole_truth_and_nothing_else(minima: dict[str, tuple[int, int, int]]) -> None:
    tags = smallest_set(minima)
    assert not any(untrue_of(tag, minima) for tag in tags)
    assert coverage(tags) == {name: oldest_system(name, minimum) for name, minimum in minima.items()}
    for left_out in tags:
        assert coverage(tag for tag in tags if tag != left_out) != coverage(tags)


@given(MINIMA)
def test_what_was_decided_once_stays_decided(minima: dict[str, tuple[int, int, int]]) -> None:
    tags = smallest_set(minima)
    again = {name: (*version, 0) for name, version in coverage(tags).items()}
    assert smallest_set(again) == tags
