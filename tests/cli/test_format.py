from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truewheel.cli.format import human_size, plural, printable, shortened, wrapped


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1234, "1.2 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_500_000, "1.5 MB"),
        (2_000_000_000, "2.0 GB"),
        (7_000_000_000_000, "7000.0 GB"),
        (-1500, "-1.5 kB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert human_size(size) == text


def test_signed_sizes() -> None:
    assert [human_size(size, signed=True) for size in (5, 0, -5)] == ["+5 B", "+0 B", "-5 B"]


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [(1, "library", "1 library"), (2, "library", "2 libraries"), (0, "file", "0 files"), (1, "fact", "1 fact")],
)
def test_counts(count: int, noun: str, text: str) -> None:
    assert plural(count, noun) == text


def test_colours_stay_and_other_control_sequences_do_not() -> None:
    assert printable("\x1b[31mred\x1b[0m") == "\x1b[31mred\x1b[0m"
    assert printable("\x1b[2J\x1b]0;x\x07") == "\\x1b[2J\\x1b]0;x\\x07"
    assert printable("two\nlines\r") == "two\\nlines\\r"
    assert printable("\u202egnp.exe") == "\\u202egnp.exe"
    assert printable("\udcff") == "\\udcff"
    assert printable("grüße.so") == "grüße.so"


@given(st.text())
def test_what_is_printed_is_one_line_that_can_be_encoded(text: str) -> None:
    assert printable(text).encode("utf-8").decode() == printable(text)
    assert len(printable(text).splitlines()) <= 1


@given(st.text(max_size=80), st.integers(7, 80))
def test_a_shortened_path_fits(path: str, width: int) -> None:
    assert len(shortened(path, width)) <= width
    if len(path) <= width:
        assert shortened(path, width) == path


def test_a_shortened_path_keeps_both_ends() -> None:
    assert shortened("/usr/lib/x86_64-linux-gnu/blas", 15) == "/usr...gnu/blas"


def test_long_lines_are_wrapped_between_names() -> None:
    assert wrapped("libfoo-bar.so needs GLIBC_2.34", 4, 26) == ["libfoo-bar.so needs", "GLIBC_2.34"]
    assert wrapped("a " * 100, 0, None) == ["a " * 100]
    assert wrapped("one two three four", 0, 20, most=1) == ["one two three four"]
    assert wrapped("word " * 30, 0, 30, most=2)[-1].endswith("... (-v tells all)")
