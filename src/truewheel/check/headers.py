"""A file of headers (`Name: value`), read line by line so that what a parser of e-mail would miss is seen.

Follows the PyPA binary distribution format (WHEEL) and core metadata (METADATA), both of which are read by parsers of
RFC 822 headers: these stop at the first line that is empty or no header.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_HEADER = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_MARK = "\ufeff"


class Header(NamedTuple):
    """One header. line: its number, from 1. name, value: as written, the value without blanks around it."""

    line: int
    name: str
    value: str

    @property
    def key(self) -> str:
        """The name in lower case, which is all that counts."""
        return self.name.lower()


class Headers(NamedTuple):
    """The headers of a file.

    seen: those that installers see: up to the first line that is empty or no header. hidden: headers after it.
    stop: the number of that line; 0 when nothing is hidden. mark: whether a byte order mark hides the first name.
    """

    seen: tuple[Header, ...]
    hidden: tuple[Header, ...]
    stop: int
    mark: bool

    @classmethod
    def parse(cls, content: bytes) -> Headers:
        """Take a file apart; bytes that are not UTF-8 are replaced."""
        text = content.decode("utf-8", "replace")
        lines = re.split(r"\r\n|\n|\r", text.removeprefix(_MARK))
        seen: list[Header] = []
        hidden: list[Header] = []
        stop = 0
        for number, line in enumerate(lines, 1):
            match = _HEADER.fullmatch(line)
            if match:
                (hidden if stop else seen).append(Header(number, match[1], match[2].strip(" \t")))
            elif not stop and not (seen and line[:1] in (" ", "\t") and line.strip()):
                stop = number
        return cls(tuple(seen), tuple(hidden), stop if hidden else 0, text.startswith(_MARK))

    def all(self, key: str) -> tuple[str, ...]:
        """Return the values of every header of a name that installers see, in order."""
        return tuple(header.value for header in self.seen if header.key == key.lower())

    def first(self, key: str) -> str:
        """Return the first value of a name, empty when there is none."""
        return next(iter(self.all(key)), "")
