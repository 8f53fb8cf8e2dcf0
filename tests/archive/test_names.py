"""File names of wheels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import parse_wheel_filename

from truewheel.archive.names import WheelName
from truewheel.errors import InvalidWheelError

TAG = st.from_regex(r"[a-z0-9_]{1,6}", fullmatch=True)
TAGS = st.lists(TAG, min_size=1, max_size=3).map(".".join)
NAMES = st.builds(
    "{}-{}{}-{}-{}-{}.whl".format,
    st.from_regex(r"[A-Za-z0-9](\.?[A-Za-z0-9]){0,5}", fullmatch=True),
    st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}(\+[a-z]{2})?", fullmatch=True),
    st.from_regex(r"(-[0-9]{1,3}[a-z]{0,2})?", fullmatch=True),
    st.lists(st.from_regex(r"[a-z][a-z0-9_]{1,5}", fullmatch=True), min_size=1, max_size=3).map(".".join),
    TAGS,
    TAGS,
)


def test_parts_keep_the_order_of_the_name() -> None:
    name = WheelName.parse("numpy-1.9.0-2b-cp34.cp33-cp34m-macosx_10_6_intel.macosx_10_10_intel.whl")
    assert (name.distribution, name.version, name.build) == ("numpy", "1.9.0", "2b")
    assert name.python == ("cp34", "cp33")
    assert name.abi == ("cp34m",)
    assert name.platform == ("macosx_10_6_intel", "macosx_10_10_intel")


def test_build_tag_is_optional() -> None:
    assert WheelName.parse("foo-1.0-py3-none-any.whl").build == ""


def test_tags_are_expanded_sorted_and_unique() -> None:
    name = WheelName.parse("foo-1.0-py3.py2-none-win32.any.win32.whl")
    assert name.tags == ("py2-none-any", "py2-none-win32", "py3-none-any", "py3-none-win32")


def test_other_platforms_change_nothing_else() -> None:
    name = WheelName.parse("foo-1.0+cpu-1-cp311-abi3-linux_x86_64.whl")
    changed = name.with_platforms(("manylinux2014_x86_64", "manylinux_2_17_x86_64"))
    assert str(changed) == "foo-1.0+cpu-1-cp311-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"


@given(NAMES)
def test_names_round_trip(filename: str) -> None:
    assert str(WheelName.parse(filename)) == filename


@given(NAMES)
def test_tags_are_those_of_packaging(filename: str) -> None:
    _, _, _, tags = parse_wheel_filename(filename)
    assert WheelName.parse(filename).tags == tuple(sorted(map(str, tags)))


@pytest.mark.parametrize(
    ("filename", "problem"),
    [
        ("foo-1.0-py3-none-any.zip", "does not end in .whl"),
        ("foo-1.0-py3-none-any.WHL", "does not end in .whl"),
        ("foo-1.0-py3-none.whl", "but 4"),
        ("foo-1.0-1-py3-none-any-extra.whl", "but 7"),
        ("foo-1.0-abc-py3-none-any.whl", "'abc' is not a build tag"),
        ("foo-1.0-py3-none-any-label.whl", "'py3' is not a build tag"),
        ("foo-1.0-3-none-any.whl", "'3' is not a Python tag"),
        ("foo-1.0-py3-none-ANY.whl", "'ANY' is not a tag"),
        ("foo-1.0-py3..py2-none-any.whl", "a tag is empty"),
        ("foo-1.0-py3-none-.whl", "a tag is empty"),
        ("foo-1.0-py3-none-a/b.whl", "'a/b' is not a tag"),
        ("-1.0-py3-none-any.whl", "a distribution name is empty"),
        ("foo__bar-1.0-py3-none-any.whl", "two underscores"),
        ("../foo-1.0-py3-none-any.whl", "is not a distribution name"),
        ("foo--py3-none-any.whl", "a version is empty"),
        ("foo-1.0 -py3-none-any.whl", "is not a version"),
        ("foo-1.0-\u0661-py3-none-any.whl", "is not a build tag"),
    ],
)
def test_other_names_are_refused(filename: str, problem: str) -> None:
    with pytest.raises(InvalidWheelError) as error:
        WheelName.parse(filename)
    assert problem in error.value.what
    assert error.value.where == filename


@pytest.mark.parametrize("filename", ["foo-1.0-1-py3-none-any-x.whl", "foo-1.0-py3-none-any-x.whl"])
def test_variant_labels_are_named_as_a_possible_cause(filename: str) -> None:
    with pytest.raises(InvalidWheelError, match="variant"):
        WheelName.parse(filename)


def test_upper_case_tags_get_their_own_advice() -> None:
    with pytest.raises(InvalidWheelError, match="lower case"):
        WheelName.parse("foo-1.0-CP311-none-any.whl")
