"""Members that are to be written, before anything is done to them."""

from __future__ import annotations

from contextlib import suppress
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, NamedTuple

from truewheel.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Content = bytes | bytearray | memoryview | mmap


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
