"""Builds static libraries out of bytes, by `ar.h` of macOS; shares no code with the package under test."""

from __future__ import annotations

MAGIC = b"!<arch>\n"


def entry(name: bytes, content: bytes, *, size: bytes | None = None, end: bytes = b"`\n") -> bytes:
    """Return one member with its header. size: what the header says instead of the true number of bytes."""
    numbers = b"%-12d%-6d%-6d%-8o" % (0, 0, 0, 0o100644)
    return (
        b"%-16s" % name
        + numbers
        + b"%-10s" % (size or b"%d" % len(content))
        + end
        + content
        + b"\n" * (len(content) % 2)
    )


def long_entry(name: bytes, content: bytes) -> bytes:
    """Return one member with its name before its content, as macOS writes long names."""
    padded = name + bytes(-len(name) % 4)
    return entry(b"#1/%d" % len(padded), padded + content)


def library(*members: bytes) -> bytes:
    """Return a static library of these members, with an index before them."""
    return MAGIC + long_entry(b"__.SYMDEF SORTED", bytes(8)) + b"".join(members)
