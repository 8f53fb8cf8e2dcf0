"""Compressing members on several threads, handed back in the order they came, with a bound on memory.

The bytes do not depend on the number of threads: each member is one deflate stream (RFC 1951) of one thread.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, NamedTuple

from deflate import crc32, deflate_compress

from truewheel.archive.zip_format import DEFLATED, STORED
from truewheel.errors import InvalidInputError
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    Content = bytes | bytearray | memoryview | mmap

LEVEL = 5
"""libdeflate's level; the output is smaller than zlib's at 6, in a quarter of the time."""
SPARE = 16 << 20
"""How many bytes may be held in memory beyond what the largest member needs."""
_WORTH_THREADS = 1 << 20


class Pending(NamedTuple):
    """Content that is made only when its turn comes, so that making and compressing share the threads.

    size: the bytes it will have, or nearly.
    make: returns it, or writes it to a file and returns the path; the file is deleted after use.
    """

    size: int
    make: Callable[[], Path | bytes]


class NewMember(NamedTuple):
    """A member to be written.

    content: its bytes, the path of a file that holds them and does not change meanwhile, or how to make such a file.
    mode: Unix permission bits.
    """

    name: str
    content: bytes | Path | Pending
    mode: int = 0o644

    def size(self) -> int:
        """Return the content's size in bytes; raise InvalidInputError when its file cannot be seen."""
        if isinstance(self.content, bytes):
            return len(self.content)
        if isinstance(self.content, Pending):
            return self.content.size
        try:
            return self.content.stat().st_size
        except OSError as error:
            raise InvalidInputError(f"cannot be read: {error.strerror}", where=str(self.content)) from error

    def cost(self) -> int:
        """Return the memory in bytes that the member takes until it is compressed.

        Native code shrinks to about half. What is made is compared with what it was made from, both in memory.
        """
        size = self.size()
        return 2 * size if isinstance(self.content, Pending) else size + size // 2

    def bytes(self) -> Content:
        """Return the content; a file is mapped, not read. Raises InvalidInputError when that fails."""
        if isinstance(self.content, bytes):
            return self.content
        if isinstance(self.content, Pending):
            made = self.content.make()
            if isinstance(made, bytes):
                return made
            content = _mapped(made)
            with suppress(OSError):  # a system that keeps mapped files: the one who chose the place cleans up there
                made.unlink()
            return content
        return _mapped(self.content)


def _mapped(path: Path) -> Content:
    try:
        with path.open("rb") as file:
            return mmap(file.fileno(), 0, access=ACCESS_READ) if path.stat().st_size else b""
    except OSError as error:
        raise InvalidInputError(f"cannot be read: {error.strerror}", where=str(path)) from error


class Compressed(NamedTuple):
    """A member ready to be written. sha256 is the digest of the content, size its bytes."""

    member: NewMember
    sha256: bytes
    crc32: int
    size: int
    method: int
    data: Content


def compress(member: NewMember) -> Compressed:
    """Return the member deflated, or stored when deflate does not make it smaller."""
    content = member.bytes()
    digest, checksum, size = sha256(content).digest(), crc32(content), len(content)
    if size:
        data = deflate_compress(content, LEVEL)
        if len(data) < size:
            return Compressed(member, digest, checksum, size, DEFLATED, data)
    return Compressed(member, digest, checksum, size, STORED, content)


def compress_all(members: Sequence[NewMember], jobs: int) -> Iterator[Compressed]:
    """Yield every member compressed, in the order given, on up to `jobs` threads.

    A further member is begun only while the memory of all stays below twice the largest plus SPARE.
    """
    sizes = [member.size() for member in members]
    yield from each_in_order(
        compress,
        [(member, member.cost()) for member in members],
        jobs=jobs if sum(sizes) > _WORTH_THREADS else 1,
        bound=2 * max(sizes, default=0) + SPARE,
        held=lambda item: len(item.data),
    )
