"""The WHEEL file."""

from __future__ import annotations

from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truewheel.archive.metadata import WheelMetadata
from truewheel.errors import InvalidWheelError

USUAL = b"""\
Wheel-Version: 1.0
Generator: meson
Root-Is-Purelib: false
Tag: cp311-cp311-manylinux_2_17_x86_64
Tag: cp311-cp311-manylinux2014_x86_64

"""


def test_the_usual_file_is_read() -> None:
    metadata = WheelMetadata.parse(USUAL)
    assert metadata.wheel_version == (1, 0)
    assert metadata.generator == "meson"
    assert metadata.root_is_purelib is False
    assert metadata.build == ""
    assert metadata.tags == ("cp311-cp311-manylinux2014_x86_64", "cp311-cp311-manylinux_2_17_x86_64")


@pytest.mark.parametrize(
    "text",
    [
        b"\nWheel-Version: 1.0\nRoot-Is-Purelib: true\nBuild: 3\nTag: py3-none-any\n",
        b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nBuild: 3\n\nTag: py3-none-any\n",
        b"Wheel-Version: 1.0\r\nRoot-Is-Purelib: true\r\nBuild: 3\r\nTag: py3-none-any\r\n\r\n",
        b"wheel-version:1.0\nROOT-IS-PURELIB:  True \nbuild: 3\ntag: py3-none-any",
        b"Wheel-Version: 1.0\nRoot-Is_Purelib: true\nBuild: 3\nTag: PY3-none-any\n",
        b"\xef\xbb\xbfWheel-Version: 1.0\nRoot-Is-Purelib: true\nBuild: 3\nTag: py3-none-any\n",
        b"Wheel-Version: 1.9\nRoot-Is-Purelib: true\nBuild: 3\nno header at all\nTag: py3-none-any\n",
    ],
    ids=["blank first", "blank between", "crlf", "other case", "underscore", "byte order mark", "stray line"],
)
def test_odd_files_are_understood(text: bytes) -> None:
    metadata = WheelMetadata.parse(text)
    assert metadata.root_is_purelib is True
    assert metadata.build == "3"
    assert metadata.tags == ("py3-none-any",)


def test_compressed_tag_lines_are_expanded() -> None:
    metadata = WheelMetadata.parse(b"Wheel-Version: 1.0\nTag: cp38.cp39-abi3-any\nTag: cp38-abi3-win32.any\n")
    assert metadata.tags == ("cp38-abi3-any", "cp38-abi3-win32", "cp39-abi3-any")


def test_a_missing_root_is_purelib_means_false() -> None:
    assert WheelMetadata.parse(b"Wheel-Version: 1.0\n").root_is_purelib is False


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"Tag: py3-none-any\n", "no Wheel-Version"),
        (b"Wheel-Version: one\n", "is not a version"),
        (b"Wheel-Version: 2.0\n", "newer than the format"),
        (b"Wheel-Version: 1.0\nTag: py3-none\n", "form python-abi-platform"),
        (b"Wheel-Version: 1.0\nTag: py3-none-a b\n", "is not a tag"),
        (b"Wheel-Version: 1.0\nTag: py3-none-\n", "a tag is empty"),
        (b"Wheel-Version: \xff\n", "byte 15 is not UTF-8"),
        (b"\n" * (1 << 20) + b"Wheel-Version: 1.0", "no WHEEL file is"),
    ],
)
def test_what_cannot_be_understood_is_refused(text: bytes, problem: str) -> None:
    with pytest.raises(InvalidWheelError, match=problem) as error:
        WheelMetadata.parse(text, "foo.whl, foo-1.0.dist-info/WHEEL")
    assert error.value.where == "foo.whl, foo-1.0.dist-info/WHEEL"


def test_a_long_run_of_spaces_costs_no_time() -> None:
    text = b"Wheel-Version: 1.0\nGenerator: a" + b" " * 500_000 + b"b\nTag: py3-none-any\n"
    assert WheelMetadata.parse(text).tags == ("py3-none-any",)


def test_tag_sets_that_explode_are_refused() -> None:
    many = ".".join(f"a{number}" for number in range(40))
    with pytest.raises(InvalidWheelError, match="more than 10000 tags"):
        WheelMetadata.parse(f"Wheel-Version: 1.0\nTag: {many}-{many}-{many}\n".encode())


def test_new_tags_stand_where_the_first_one_stood() -> None:
    text = b"Wheel-Version: 1.0\nTag: a-b-c\nX-Own: kept \nTag: d-e-f\nBuild: 2\n\n"
    edited = WheelMetadata.parse(text).edited(("z-z-z", "a-a-a", "z-z-z"))
    assert edited == b"Wheel-Version: 1.0\nTag: a-a-a\nTag: z-z-z\nX-Own: kept \nBuild: 2\n\n"


def test_new_tags_follow_the_last_header_when_there_were_none() -> None:
    edited = WheelMetadata.parse(b"Wheel-Version: 1.0\r\nGenerator: x\r\n  folded\r\n\r\n").edited(("a-a-a",))
    assert edited == b"Wheel-Version: 1.0\r\nGenerator: x\r\n  folded\r\nTag: a-a-a\r\n\r\n"


def test_the_line_ending_is_that_of_the_headers() -> None:
    edited = WheelMetadata.parse(b"\nWheel-Version: 1.0\r\nTag: a-b-c\r\n").edited(("x-y-z",))
    assert edited == b"Wheel-Version: 1.0\r\nTag: x-y-z\r\n"


def test_a_file_without_a_last_line_ending_keeps_it_so() -> None:
    edited = WheelMetadata.parse(b"Wheel-Version: 1.0\nTag: a-b-c").edited(("x-y-z", "p-q-r"))
    assert edited == b"Wheel-Version: 1.0\nTag: p-q-r\nTag: x-y-z"


def test_root_is_purelib_is_corrected_in_place() -> None:
    text = b"Wheel-Version: 1.0\nRoot-Is_Purelib: true\nTag: a-b-c\n"
    assert WheelMetadata.parse(text).edited(root_is_purelib=False) == (
        b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: a-b-c\n"
    )


def test_folded_tags_go_with_their_header() -> None:
    edited = WheelMetadata.parse(b"Wheel-Version: 1.0\nTag: a-b-c\n odd\nBuild: 1\n").edited(("x-y-z",))
    assert edited == b"Wheel-Version: 1.0\nTag: x-y-z\nBuild: 1\n"


def test_installers_see_every_header_after_an_edit() -> None:
    edited = WheelMetadata.parse(b"\nWheel-Version: 1.0\n\nTag: a-b-c\n\nBuild: 1\n\nbody\n").edited(("x-y-z",))
    assert edited == b"Wheel-Version: 1.0\nTag: x-y-z\nBuild: 1\n\nbody\n"
    assert message_from_bytes(edited).get_all("Tag") == ["x-y-z"]


LINES = st.sampled_from(
    [
        "Tag: py3-none-any",
        "Tag: py2.py3-none-any",
        "Generator: x",
        "",
        "  folded",
        "Root-Is-Purelib: true",
        "stray",
        "X:",
    ]
)


@given(lines=st.lists(LINES), newline=st.sampled_from(["\n", "\r\n"]), end=st.booleans())
def test_an_edit_says_what_it_was_asked_and_is_stable(*, lines: list[str], newline: str, end: bool) -> None:
    text = newline.join(["Wheel-Version: 1.0", *lines]) + (newline if end else "")
    edited = WheelMetadata.parse(text.encode()).edited(("b-b-b", "a-a-a"), root_is_purelib=False)
    again = WheelMetadata.parse(edited)
    assert again.tags == ("a-a-a", "b-b-b")
    assert again.root_is_purelib is False
    assert again.edited(("a-a-a", "b-b-b"), root_is_purelib=False) == edited
    seen = message_from_bytes(edited)
    assert [value.split()[0] for value in seen.get_all("Tag", [])] == ["a-a-a", "b-b-b"]
