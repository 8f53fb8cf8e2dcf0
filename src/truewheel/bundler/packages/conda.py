"""Which conda package owns a file: the records in <prefix>/conda-meta, one JSON file a package."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truewheel.bundler.packages.installed import Package, names_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.bundler.packages.installed import System

_LARGEST_TEXT = 4 << 20


def conda_owners(_system: System, wanted: Mapping[str, str]) -> dict[str, Package]:
    """Return the owners of those of the paths (keys of `wanted`) that lie in a conda prefix."""
    prefixes: dict[Path, dict[str, str]] = {}
    for path in wanted:
        prefix = next((parent for parent in Path(path).parents if (parent / "conda-meta").is_dir()), None)
        if prefix is not None:
            prefixes.setdefault(prefix, {})[Path(path).relative_to(prefix).as_posix()] = path
    found: dict[str, Package] = {}
    for prefix, files in prefixes.items():
        for name in names_in(prefix / "conda-meta"):
            if name.endswith(".json"):
                record = _record(prefix / "conda-meta" / name, files)
                for file in files.keys() & set(record.get("files", ())):
                    found[files[file]] = _package(record)
    return found


def _record(path: Path, files: Mapping[str, str]) -> dict[str, Any]:
    """Return a package's record; nothing when none of the files can stand in it. Reading all records takes long."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        return {}
    if not any(json.dumps(file) in text for file in files):
        return {}
    try:
        record = json.loads(text)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _package(record: Mapping[str, Any]) -> Package:
    channel = str(record.get("channel") or "")
    folder = record.get("extracted_package_dir")
    return Package(
        kind="conda",
        name=str(record.get("name") or ""),
        version=str(record.get("version") or ""),
        architecture=str(record.get("subdir") or ""),
        namespace=_channel_name(channel),
        build=str(record.get("build") or ""),
        licence=str(record.get("license") or ""),
        licence_files=_texts(Path(folder, "info", "licenses")) if isinstance(folder, str) else (),
    )


def _channel_name(channel: str) -> str:
    """Return the last word of a channel's address that is not its platform: conda-forge of .../conda-forge/linux-64."""
    words = [word for word in channel.split("/") if word]
    if words and words[-1].startswith(("linux-", "noarch", "osx-", "win-")):
        words.pop()
    return words[-1] if words else ""


def _texts(folder: Path) -> tuple[str, ...]:
    found = (Path(base, name) for base, _, names in os.walk(folder) for name in names)
    return tuple(sorted(str(path) for path in found if path.is_file() and path.stat().st_size <= _LARGEST_TEXT))
