"""The names of bundled libraries: the library's own name with a part of its content's hash.

A process loads one library per soname, so a bundled library must not share its name with a library of the system or of
another wheel unless it is the same one. Names that already carry such a hash, ours or another tool's, are kept: a
second hash would say nothing more and would load the same library twice.
"""

from __future__ import annotations

import re

_DIGITS = 8
_LONGEST = 200  # characters of a stem; file names end at 255 bytes
_SUFFIX = re.compile(r"\.so(?=\.|$)")
_HASH = re.compile(r"-(?P<digits>[0-9a-f]{8}|[0-9a-f]{16})$")
_DATE = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])$")
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]")


def bundled_name(name: str, sha256: str) -> str:
    """Return the file name and soname under which the library `name` comes along.

    `libpq.so.5` becomes `libpq-<first 8 hex digits of sha256>.so.5`. A name that ends in such a hash before its `.so`,
    or before its first dot as older tools wrote it, is kept. Directories are dropped, and characters that loaders,
    search paths or file systems may take amiss become `_`.

    sha256: hex digest of the library's content before any edit.
    """
    safe = _safe(name)
    return safe if _is_hashed(safe) else _with_hash(safe, sha256, _DIGITS)


def distinct_name(name: str, sha256: str) -> str:
    """Return another name than `bundled_name` gives, for the second of two contents that would share that one.

    A hash that the name carries gives way to twice as many digits of this content's.
    """
    stem, suffix = _split(_safe(name))
    return _with_hash((_HASH.sub("", stem) if _is_hash(stem) else stem) + suffix, sha256, 2 * _DIGITS)


def short_name(name: str) -> str:
    """Return the shortest name that still says what kind of file it is; the hash put into it tells it from others."""
    stem, suffix = _split(_safe(name))
    return f"{stem.removeprefix('lib')[:1] or 'l'}{suffix}"


def _safe(name: str) -> str:
    base = _UNSAFE.sub("_", name.rpartition("/")[2])
    stem, suffix = _split(base)
    return (stem[:_LONGEST].lstrip("-") or "lib") + suffix


def _split(name: str) -> tuple[str, str]:
    """Return what stands before and after the place of the hash: before `.so`, a file extension, or the end."""
    found = _SUFFIX.search(name)
    if found:
        return name[: found.start()], name[found.start() :]
    stem, _, extension = name.rpartition(".")
    return (stem, f".{extension}") if stem and extension[:1].isalpha() else (name, "")


def _is_hash(stem: str) -> bool:
    found = _HASH.search(stem)
    return found is not None and not _DATE.match(found["digits"])


def _is_hashed(name: str) -> bool:
    return _is_hash(_split(name)[0]) or _is_hash(name.partition(".")[0])


def _with_hash(name: str, sha256: str, digits: int) -> str:
    """Put `digits` digits of the hash into the name, but none that read like a date: that is no hash."""
    stem, suffix = _split(name)
    windows = (sha256[start : start + digits] for start in range(len(sha256) - digits + 1))
    chosen = next((window for window in windows if not _DATE.match(window)), sha256[:digits])
    return f"{stem}-{chosen}{suffix}"
