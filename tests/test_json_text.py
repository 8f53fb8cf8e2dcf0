"""JSON that others wrote is read strictly."""

from __future__ import annotations

import pytest

from truewheel.json_text import parse_json


def test_values_are_read() -> None:
    assert parse_json(b'{"a": [1, 2.5, "\xc3\xa9", null, true], "b": {}}') == {"a": [1, 2.5, "é", None, True], "b": {}}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"", "Expecting value"),
        (b"\xff", "invalid start byte"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[NaN]", "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b'{"a": 1, "b": {"c": 1, "d": 2, "c": 3}}', "'c' stands twice in one object"),
        (b"1" * 5000, "Exceeds the limit"),
    ],
)
def test_what_is_no_json(text: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        parse_json(text)
