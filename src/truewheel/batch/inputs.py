"""Which wheels a command line names: files, folders and patterns become paths of wheels, in a settled order.

Patterns are expanded here because not every shell does it. What names one file is taken as it is, even when it looks
like a pattern or does not exist: whoever opens it says what is wrong with it.
"""

from __future__ import annotations

import os
import sys
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.archive.names import SUFFIX
from truewheel.errors import UsageError
from truewheel.given_files import read_given

if TYPE_CHECKING:
    from collections.abc import Iterable

STDIN = "-"


def wheels(words: Iterable[str], lists: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that `words` and the lines of the `lists` stand for; raises as `expand` and `listed` do."""
    return expand((*words, *(line for name in lists for line in listed(name))))


def expand(words: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that `words` stand for, in the order of the words, within a word sorted, each path once.

    A folder stands for the wheels directly in it. A pattern (`*`, `?`, `[...]`, and `**` for folders within folders)
    stands for the wheels that it matches and for those in the folders that it matches. Hidden files are not taken.

    Raises UsageError for a folder or a pattern that stands for no wheel.
    """
    return tuple(dict.fromkeys(path for word in words for path in _expanded(word)))


def listed(name: str) -> tuple[str, ...]:
    """Return the lines of the file `name`, or of the standard input for `-`, without empty ones: one path a line.

    Blanks around a path do not count, unless a file is called so, nor does the byte order mark of UTF-8.

    Raises UsageError for a list that cannot be read or that names nothing.
    """
    try:
        content = sys.stdin.buffer.read() if name == STDIN else read_given(Path(name))
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror}", where="--from-file") from error
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise UsageError(f"{name}: is UTF-16", where="--from-file", hint="write it as UTF-8")
    lines = tuple(_named(line) for line in content.removeprefix(BOM_UTF8).splitlines() if line.strip())
    if not lines:
        raise UsageError(f"{name}: names no wheel", where="--from-file", hint="one path a line")
    return lines


def _named(line: bytes) -> str:
    """Return the path that a line names."""
    return os.fsdecode(line if os.path.lexists(line) else line.strip())


def _expanded(word: str) -> list[str]:
    path = Path(word)
    if path.is_dir():
        return _some(_wheels_in(path), word, "the folder holds no wheel")
    if os.path.lexists(word) or not has_magic(word):
        return [word]
    found: list[str] = []
    # pathlib's patterns match hidden files too, and must not begin with `/`.
    for match in map(Path, sorted(glob(word, recursive=True))):  # noqa: PTH207
        if match.is_dir():
            found += _wheels_in(match)
        elif match.suffix == SUFFIX:
            found.append(str(match))
    return _some(found, word, "the pattern matches no wheel")


def _wheels_in(folder: Path) -> list[str]:
    """Return the wheels directly in a folder, sorted by name."""
    names = sorted(path.name for path in folder.iterdir() if path.suffix == SUFFIX and not path.is_dir())
    return [str(folder / name) for name in names if not name.startswith(".")]


def _some(found: list[str], word: str, otherwise: str) -> list[str]:
    if not found:
        raise UsageError(otherwise, where=word, hint="was it built?")
    return found
