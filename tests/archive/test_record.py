"""RECORD."""

from __future__ import annotations

import base64
import csv
import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truewheel.archive.record import Record
from truewheel.errors import InvalidWheelError

RECORD = "foo-1.0.dist-info/RECORD"
EMPTY = hashlib.sha256(b"").digest()
EMPTY_TEXT = "sha256=" + base64.urlsafe_b64encode(EMPTY).decode().rstrip("=")


def test_rows_that_do_not_change_keep_their_bytes_and_order() -> None:
    data = f'z.py,sha256=abc,1\r\n"quoted,name.py",sha512=x,\r\n{RECORD},,\r\na.py,{EMPTY_TEXT},0\r\n'.encode()
    assert Record.parse(data, RECORD).edited((), {}) == data


def test_changed_rows_stay_in_place_and_new_ones_stand_before_record() -> None:
    data = f"z.py,sha256=abc,1\n{RECORD},,\na.py,sha256=old,1\n".encode()
    edited = Record.parse(data, RECORD).edited((), {"a.py": (EMPTY, 0), "n,2.py": (EMPTY, 0), "n1.py": (EMPTY, 0)})
    assert edited.decode() == (
        f'z.py,sha256=abc,1\n"n,2.py",{EMPTY_TEXT},0\nn1.py,{EMPTY_TEXT},0\n{RECORD},,\na.py,{EMPTY_TEXT},0\n'
    )


def test_removed_rows_and_signatures_go() -> None:
    data = f"a.py,,\nb.py,,\n{RECORD}.jws,,\n{RECORD}.p7s,,\n{RECORD},,\n".encode()
    edited = Record.parse(data, RECORD).edited({"a.py"}, {})
    assert edited == f"b.py,,\n{RECORD},,\n".encode()


def test_a_missing_own_row_is_added_with_the_line_ending_of_the_file() -> None:
    assert Record.parse(b"a.py,,\r\nb.py,,", RECORD).edited((), {}) == f"a.py,,\r\nb.py,,\r\n{RECORD},,\r\n".encode()
    assert Record.parse(b"", RECORD).edited((), {}) == f"{RECORD},,\n".encode()


def test_an_own_row_with_a_hash_loses_it() -> None:
    assert Record.parse(f"{RECORD},sha256=x,3\n".encode(), RECORD).edited((), {}) == f"{RECORD},,\n".encode()


def test_a_row_listed_twice_is_kept_once() -> None:
    assert Record.parse(b"a,,\n\na,,\n", RECORD).edited((), {}) == f"a,,\n{RECORD},,\n".encode()


def test_a_row_may_span_lines() -> None:
    record = Record.parse(b'"a\nb",sha256=x,1\nc,,\n', RECORD)
    assert [(row.path, row.line) for row in record.rows] == [("a\nb", 1), ("c", 3)]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"a\xff,,\n", "byte 1 is not UTF-8"),
        (b'a,,\n"open,,\n', "line 2 is not CSV"),
        (b'a,,\nb\r"c,,\n', "line 2 is not CSV"),
        (b"a" * 200_000 + b",,\n", "line 1 is not CSV"),
    ],
)
def test_what_is_not_csv_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidWheelError, match=problem):
        Record.parse(data, RECORD)


PATHS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12)


@given(
    st.lists(PATHS, unique=True), st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
)
def test_files_of_the_csv_module_round_trip(paths: list[str], newline: str, quoting: int) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=newline, quoting=quoting)  # type: ignore[arg-type]  # the stub lists the constants only
    writer.writerows([path, "sha256=x", "1"] for path in paths)
    writer.writerow([RECORD, "", ""])
    data = text.getvalue().encode()
    record = Record.parse(data, RECORD)
    assert record.paths() == {*paths, RECORD}
    assert record.edited((), {}) == data


@given(st.lists(PATHS, unique=True), st.lists(PATHS, unique=True))
def test_new_rows_are_read_back_by_the_csv_module(old: list[str], new: list[str]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([path, "sha256=x", "1"] for path in old)
    edited = Record.parse(text.getvalue().encode(), RECORD).edited((), dict.fromkeys(new, (EMPTY, 7)))
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(edited.decode(), newline=""))}
    expected = {path: ["sha256=x", "1"] for path in old} | {path: [EMPTY_TEXT, "7"] for path in new}
    assert rows == expected | {RECORD: ["", ""]}


PLAIN = st.text(st.sampled_from("ab,\n/= \x0b\x85"), max_size=40)


@given(PLAIN)
def test_rows_without_quotes_are_those_of_the_csv_module(text: str) -> None:
    rows = Record.parse(text.encode(), RECORD).rows
    fields = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert [row.columns for row in rows] == [len(each) for each in fields]
    padded = [tuple((*each, "", "", "")[:3]) for each in fields]
    assert [(row.path, row.digest, row.size) for row in rows] == padded
    assert "".join(row.raw for row in rows) == text
    assert [row.line for row in rows] == list(range(1, len(rows) + 1))


def test_rows_get_the_names_that_files_have_from_now_on() -> None:
    data = f'a-1.dist-info/x,sha256=y,1\r\n"a-1.data/b,c",sha256=z,2\r\nm.py,"sha256=q",3\r\n{RECORD},,\r\n'.encode()
    record = Record.parse(data, RECORD)
    renamed = record.edited(
        (), {"b-1.dist-info/x": (EMPTY, 7)}, lambda name: name.replace("a-1", "b-1").replace(RECORD, "b-1/RECORD")
    )
    assert (
        renamed
        == (
            f'b-1.dist-info/x,sha256={EMPTY_TEXT.removeprefix("sha256=")},7\r\n"b-1.data/b,c",sha256=z,2\r\n'
            'm.py,"sha256=q",3\r\nb-1/RECORD,,\r\n'
        ).encode()
    )
