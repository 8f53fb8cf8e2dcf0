"""The rules for names of members: how they are decoded, what they may contain, and that no two of them collide.

Follows the .ZIP File Format Specification (4.4.17 file name, appendix D language encoding). What is refused would be
unpacked outside its folder, twice in one place, or under different names by different installers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truewheel.archive.zip_format import FLAG_UTF8
from truewheel.errors import InvalidArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_CONTROL = r"[\x00-\x1f\x7f-\x9f]"
_DRIVE = r"[A-Za-z]:"
LONGEST = 1024
"""Longer names are refused, in characters: no system could unpack them below a usual folder."""


def decode_name(raw: bytes, flags: int, where: str) -> str:
    """Return the name of a member; raise InvalidArchiveError when the bytes have no reading, or two.

    Bytes beyond ASCII mean UTF-8 with the language encoding flag and CP437 without. Many programs write UTF-8 without
    the flag, so a name that could be either is refused.
    """
    if raw.isascii():
        return raw.decode("ascii")
    if flags & FLAG_UTF8:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidArchiveError("the name is flagged as UTF-8 but is not", where=where) from error
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")
    raise InvalidArchiveError(
        f"the name {raw!r} is UTF-8 or CP437: the flag that tells is missing",
        where=where,
        hint="build the archive with the UTF-8 flag set",
    )


def name_problem(name: str) -> str:
    """Return what is wrong with one name, or an empty string."""
    parts = name.removesuffix("/").split("/")
    problems = (
        (not name, "the name is empty"),
        (re.search(_CONTROL, name), "the name has a control character"),
        ("\\" in name, "the name has a backslash"),
        (name.startswith("/"), "the name is absolute"),
        (re.match(_DRIVE, name), "the name starts with a drive letter"),
        (len(name) > LONGEST, f"the name is longer than {LONGEST} characters"),
        (".." in parts, "the name leads out of the archive ('..')"),
        ("." in parts or "" in parts, "the name has an empty or '.' part"),
    )
    return next((problem for found, problem in problems if found), "")


def check_names(names: Sequence[str], where: Callable[[int], str]) -> None:
    """Refuse names that are unsafe, and names that cannot stand side by side; raise InvalidArchiveError.

    Names are compared without regard to case, as many file systems do.

    where: gives the place of the name with that index for a message.
    """
    joined = "\n".join(("", *names, ""))
    printable = joined.isascii() and joined.replace("\n", "").isprintable()
    if (
        not printable
        or joined.count("\n") != len(names) + 1
        or _is_suspect(joined)
        or max(map(len, names), default=0) > LONGEST
    ):
        for index, name in enumerate(names):
            problem = name_problem(name)
            if problem:
                raise InvalidArchiveError(problem, where=where(index))
    folded = (joined.lower() if printable else joined.casefold()).split("\n")[1:-1]
    distinct = set(folded)
    if len(distinct) != len(names):
        _refuse_duplicate(names, folded, where)
    clash = _files_that_are_folders(distinct)
    if clash:
        index = next(index for index, name in enumerate(folded) if name in clash)
        raise InvalidArchiveError(f"the file {names[index]!r} is also a folder of other members", where=where(index))


def _is_suspect(joined: str) -> bool:
    """Whether one of many names, each between line feeds, may be unsafe: a quick look at all of them at once."""
    return (
        "\\" in joined
        or ":" in joined
        or "//" in joined
        or "\n/" in joined
        or "\n\n" in joined
        or ("/." in joined and any(part in joined for part in ("/./", "/../", "/.\n", "/..\n")))
        or ("\n." in joined and any(part in joined for part in ("\n./", "\n../", "\n.\n", "\n..\n")))
    )


def _refuse_duplicate(names: Sequence[str], folded: Sequence[str], where: Callable[[int], str]) -> None:
    first: dict[str, int] = {}
    for index, name in enumerate(folded):
        if name in first:
            other = first[name]
            how = "has the same name" if names[other] == names[index] else "has a name that differs only in case"
            raise InvalidArchiveError(f"an earlier member {how}: {where(other)}", where=where(index))
        first[name] = index


def _files_that_are_folders(names: set[str]) -> set[str]:
    """Return the names that are also folders of other names, of the deepest level where there are any.

    Folders are gathered level by level, so that memory does not grow with the depth.
    """
    level = names
    while level:
        level = {name.rpartition("/")[0] for name in level}
        level.discard("")
        clash = level & names
        if clash:
            return clash
    return set()
