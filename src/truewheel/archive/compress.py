"""Compressing members on several threads, handed back in the order they came, with a bound on memory.

The bytes do not depend on the number of threads: each member is one deflate stream (RFC 1951) of one thread.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from deflate import crc32, deflate_compress

from truewheel.archive.zip_format import DEFLATED, STORED
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truewheel.archive.members import Content, NewMember

LEVEL = 5
"""libdeflate's level; the output is smaller than zlib's at 6, in a quarter of the time."""
SPARE = 16 << 20
"""How many bytes may be held in memory beyond what the largest member needs."""
_WORTH_THREADS = 1 << 20


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
