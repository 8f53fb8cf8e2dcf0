from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truewheel.bundler.naming import bundled_name, distinct_name, short_name

ONE = "abcd1234" + "0" * 56
NAMES = st.text(alphabet="abc019-+._so/ é", max_size=30) | st.sampled_from(
    ["libpq.so.5", "libgfortran-daac5196.so.5", "libx-20230101.so", "nodot", ".so", "libldap-2.5.so.0.1.8"]
)
HASHES = st.text(alphabet="0123456789abcdef", min_size=64, max_size=64) | st.just("20230101" + "ab" * 28)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("libpq.so.5", "libpq-abcd1234.so.5"),
        ("libldap-2.5.so.0", "libldap-2.5-abcd1234.so.0"),
        ("libldap-2.5.so.0.1.8", "libldap-2.5-abcd1234.so.0.1.8"),
        ("libstdc++.so.6", "libstdc++-abcd1234.so.6"),
        ("libglib-2.0.so.0", "libglib-2.0-abcd1234.so.0"),
        ("libfoo.so", "libfoo-abcd1234.so"),
        ("libfoo.software.so.1", "libfoo.software-abcd1234.so.1"),
        ("nodot", "nodot-abcd1234"),
        ("plugin.bin", "plugin-abcd1234.bin"),
        ("libfoo.1", "libfoo.1-abcd1234"),
        ("libfoo-20230101.so", "libfoo-20230101-abcd1234.so"),
        ("../evil/./libx.so", "libx-abcd1234.so"),
        ("lib x:y\n.so", "lib_x_y_-abcd1234.so"),
        ("-rf.so", "rf-abcd1234.so"),
        ("", "lib-abcd1234"),
        (".so", "lib-abcd1234.so"),
    ],
)
def test_the_hash_stands_before_the_so_suffix(name: str, expected: str) -> None:
    assert bundled_name(name, ONE) == expected


@pytest.mark.parametrize(
    "name",
    [
        "libgfortran-daac5196.so.5",
        "libgfortran-040039e1-0352e75f.so.5.0.0",
        "libldap-2-062bb940.5.so.0.1.8",
        "nodot-00000000",
    ],
)
def test_a_hashed_name_is_kept(name: str) -> None:
    assert bundled_name(name, ONE) == name


def test_hash_digits_that_look_like_a_date_are_passed_over() -> None:
    assert bundled_name("libx.so", "20230101abcd" + "0" * 52) == "libx-0230101a.so"


@given(name=NAMES, first=HASHES, second=HASHES)
def test_naming_twice_changes_nothing(name: str, first: str, second: str) -> None:
    once = bundled_name(name, first)
    assert bundled_name(once, second) == once


@given(name=NAMES, digest=HASHES)
def test_a_bundled_name_is_a_safe_file_name(name: str, digest: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._+][A-Za-z0-9._+-]*", bundled_name(name, digest))


@given(name=NAMES, first=HASHES, second=HASHES)
def test_a_distinct_name_is_never_a_bundled_name_of_the_same_library(name: str, first: str, second: str) -> None:
    distinct = distinct_name(name, second)
    assert distinct != bundled_name(name, first)
    assert bundled_name(distinct, first) == distinct


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("libgfortran-daac5196.so.5", "libgfortran-abcd123400000000.so.5"),
        ("libz.so.1", "libz-abcd123400000000.so.1"),
        ("nodot", "nodot-abcd123400000000"),
    ],
)
def test_a_distinct_name_replaces_a_hash_by_a_longer_one(name: str, expected: str) -> None:
    assert distinct_name(name, ONE) == expected


@pytest.mark.parametrize(
    ("name", "short"),
    [("libpq.5.dylib", "p.dylib"), ("SDL2", "S"), ("libssl.so.3", "s.so.3"), ("lib.dylib", "l.dylib")],
)
def test_a_short_name_keeps_a_letter_and_the_ending(name: str, short: str) -> None:
    assert short_name(name) == short
