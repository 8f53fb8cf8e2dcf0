"""The SHA-256 of libraries on this machine: each file is hashed once, however many wheels carry it."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.errors import InvalidInputError
from truewheel.given_files import open_file
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from collections.abc import Iterable

_CHUNK = 1 << 18
_REMEMBERED = 4096


def file_sha256(path: str) -> str:
    """Return the SHA-256 of a file's content, in hex; InvalidInputError when it cannot be read.

    A digest is remembered for as long as the system tells of the same file, unchanged in size and times.
    """
    try:
        state = Path(path).stat()
        return _digest(path, (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns))
    except OSError as error:
        raise InvalidInputError(f"cannot be read: {error.strerror}", where=path) from error


def file_digests(paths: Iterable[str], jobs: int) -> dict[str, str]:
    """Return the SHA-256 of each file, in hex, hashed on `jobs` threads."""
    ordered = sorted(set(paths))
    digests = each_in_order(file_sha256, ((path, 1) for path in ordered), jobs=jobs, bound=jobs)
    return dict(zip(ordered, digests, strict=True))


@lru_cache(_REMEMBERED)
def _digest(path: str, _state: tuple[int, ...]) -> str:
    digest = sha256()
    buffer = memoryview(bytearray(_CHUNK))
    with open_file(Path(path)) as file:
        while size := file.readinto(buffer):
            digest.update(buffer[:size])
    return digest.hexdigest()
