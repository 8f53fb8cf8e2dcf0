"""TOML on every Python that truewheel runs on: 3.10 has no parser of its own, so it takes tomli."""

from __future__ import annotations

import sys
from typing import Any


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML document; raise ValueError for what is none, or is nested too deeply to be read."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return table
