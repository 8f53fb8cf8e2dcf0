"""Plans that somebody edits: with the digest of what was written, or with that of what they say now."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def resealed(table: dict[str, Any]) -> dict[str, Any]:
    """Return a batch plan with the digest of its content, as docs/batch.md says how to compute it."""
    content = {name: value for name, value in table.items() if name not in {"content_sha256", "wheel_dir"}}
    if isinstance(content.get("wheels"), list):
        content["wheels"] = [
            {name: value for name, value in wheel.items() if name != "input"} if isinstance(wheel, dict) else wheel
            for wheel in content["wheels"]
        ]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return {**table, "content_sha256": hashlib.sha256(text.encode("ascii")).hexdigest()}


def reseal(path: Path, table: dict[str, Any]) -> None:
    """Write an edited plan, with the digest of its content."""
    path.write_text(json.dumps(resealed(table)))
