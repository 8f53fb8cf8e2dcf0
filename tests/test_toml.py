"""TOML documents become plain values."""

from __future__ import annotations

import pytest

from truewheel.toml import parse_toml


def test_tables_and_values() -> None:
    assert parse_toml('a = 1\n[b]\nc = ["d", 2.5]\n') == {"a": 1, "b": {"c": ["d", 2.5]}}


def test_what_is_no_toml() -> None:
    with pytest.raises(ValueError, match="Invalid value"):
        parse_toml("a = =\n")


def test_what_is_nested_too_deeply() -> None:
    with pytest.raises(ValueError, match="it is nested too deeply"):
        parse_toml("a = " + "[" * 100_000)
