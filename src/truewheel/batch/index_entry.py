"""One file of a package index, as PEP 691 and PEP 503 describe it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from truewheel.bundler.digests import file_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a project.

    url: where it lies, as seen from the project's folder, without a hash. hashes: hex digests by algorithm.
    requires_python: as the metadata has it; None when it says nothing. size: bytes; None when unknown.
    metadata: hex digests of the `.metadata` file by algorithm, True when there is one without a digest, else False.
    yanked: the reason, True without one, or False. extra: fields that other tools wrote, kept in the document.
    """

    filename: str
    url: str
    hashes: Mapping[str, str]
    requires_python: str | None = None
    size: int | None = None
    metadata: Mapping[str, str] | bool = False
    yanked: str | bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of the file, in hex."""
        return self.hashes.get("sha256")

    @property
    def path(self) -> str:
        """Where the file lies, as seen from the project's folder, as a path."""
        return unquote(self.url)


def entry_of(wheel: Path, metadata: bytes, folder: Path | None) -> Entry:
    """Return the entry of a wheel. folder: that of the project, when the wheel is linked from there where it lies."""
    path = wheel.name if folder is None else Path(os.path.relpath(wheel.resolve(), folder.resolve())).as_posix()
    return Entry(
        filename=wheel.name,
        url=quote(path),
        hashes={"sha256": file_sha256(str(wheel))},
        requires_python=_requires_python(metadata),
        size=wheel.stat().st_size,
        metadata={"sha256": sha256(metadata).hexdigest()},
    )


def _requires_python(metadata: bytes) -> str | None:
    """Return the field of that name; None when the file has none."""
    from email.parser import BytesHeaderParser

    value = BytesHeaderParser().parsebytes(metadata)["Requires-Python"]
    return " ".join(str(value).split()) or None if value is not None else None
