"""The data files beside the rules: each is read when a rule first needs it, and names its sources."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from truewheel.toml import parse_toml

_DATA = Path(__file__).parent / "data"


@cache
def table(name: str) -> dict[str, Any]:
    """Return the content of `data/{name}.toml`."""
    return parse_toml((_DATA / f"{name}.toml").read_text(encoding="utf-8"))
