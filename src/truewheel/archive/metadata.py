"""The WHEEL file of a wheel: read tolerantly, edited as little as possible.

Follows the PyPA binary distribution format ("The .dist-info directory", WHEEL). Build tools have written it with blank
lines before or between headers, with CRLF, with compressed tag sets, and with headers in other case or with `_` for
`-`; all of these are understood. An edit replaces lines, and takes what is no header out from between headers, because
installers stop reading there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from truewheel.archive.names import expand_tags, parse_tag_set
from truewheel.errors import InvalidWheelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SUPPORTED_MAJOR = 1
_MAXIMUM_SIZE = 1 << 20
_MAXIMUM_TAGS = 10_000
_TAG_PARTS = 3
_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|\Z)")
_HEADER = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})(?:\.\d{1,9})*")


class _Line(NamedTuple):
    """One line: its text, its line ending, and the header it holds (lower case, `-` for `_`), if any."""

    text: str
    ending: str
    key: str = ""
    value: str = ""

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()

    @property
    def is_continuation(self) -> bool:
        return self.text[:1] in (" ", "\t") and not self.is_blank


class WheelMetadata(NamedTuple):
    """What the WHEEL file says.

    tags: every `Tag:` line expanded, lower case, sorted, each once. Empty when there is no such line.
    build: the value of `Build:`, empty when there is none.
    wheel_version: major and minor. lines: the whole file. byte_order_mark: whether one stands before them.
    """

    root_is_purelib: bool
    tags: tuple[str, ...]
    build: str
    wheel_version: tuple[int, int]
    generator: str
    lines: tuple[_Line, ...]
    byte_order_mark: bool

    @classmethod
    def parse(cls, text: bytes, where: str = "WHEEL") -> WheelMetadata:
        """Return the facts of a WHEEL file.

        Raise InvalidWheelError when it is not UTF-8, has no readable `Wheel-Version` or one of major version 2 or
        later, or has a `Tag` that is not one.
        """
        if len(text) > _MAXIMUM_SIZE:
            raise InvalidWheelError(f"the file is {len(text)} bytes long; no WHEEL file is", where=where)
        try:
            decoded = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidWheelError(f"byte {error.start} is not UTF-8", where=where) from error
        lines = tuple(_lines(decoded.removeprefix("\ufeff")))
        return cls(
            root_is_purelib=_first(lines, "root-is-purelib").lower() == "true",
            tags=_expanded([line.value for line in lines if line.key == "tag"], where),
            build=_first(lines, "build"),
            wheel_version=_wheel_version(_first(lines, "wheel-version"), where),
            generator=_first(lines, "generator"),
            lines=lines,
            byte_order_mark=decoded.startswith("\ufeff"),
        )

    def edited(
        self, tags: Iterable[str] | None = None, *, root_is_purelib: bool | None = None, build: str | None = None
    ) -> bytes:
        """Return the file with other tags, another `Root-Is-Purelib` or build tag; None leaves what is there.

        Tags are written one a line, sorted, where the first `Tag` line stood; an empty build tag removes its header.
        Other headers stay as they are, in order.
        Headers after a blank or a stray line move up to the others, so that installers see them.
        """
        newline = next((line.ending for line in self.lines if line.key and line.ending), "\n")
        lines = list(self.lines)
        if root_is_purelib is not None:
            lines = _replaced(lines, "root-is-purelib", [f"Root-Is-Purelib: {str(root_is_purelib).lower()}"], newline)
        if tags is not None:
            lines = _replaced(lines, "tag", [f"Tag: {tag}" for tag in sorted(set(tags))], newline)
        if build is not None:
            lines = _replaced(lines, "build", [f"Build: {build}"] if build else [], newline)
        lines = _without_gaps(lines, newline)
        mark = "\ufeff" if self.byte_order_mark and lines == list(self.lines) else ""
        text = "".join(line.text + (line.ending or newline) for line in lines[:-1])
        return (mark + text + "".join(line.text + line.ending for line in lines[-1:])).encode()


def _lines(text: str) -> Iterable[_Line]:
    for found in _LINE.finditer(text):
        body, ending = found.groups()
        if not body and not ending:
            return
        header = _HEADER.fullmatch(body)
        if header:
            yield _Line(body, ending, header[1].lower().replace("_", "-"), header[2].strip(" \t"))
        else:
            yield _Line(body, ending)


def _first(lines: Sequence[_Line], key: str) -> str:
    return next((line.value for line in lines if line.key == key), "")


def _wheel_version(text: str, where: str) -> tuple[int, int]:
    if not text:
        raise InvalidWheelError("there is no Wheel-Version", where=where)
    found = _VERSION.fullmatch(text)
    if not found:
        raise InvalidWheelError(f"Wheel-Version {text!r} is not a version", where=where)
    major, minor = int(found[1]), int(found[2])
    if major > SUPPORTED_MAJOR:
        raise InvalidWheelError(
            f"Wheel-Version {text} is newer than the format 1.x that is understood here",
            where=where,
            hint="use a newer release of truewheel, if there is one",
        )
    return major, minor


def _expanded(values: Iterable[str], where: str) -> tuple[str, ...]:
    tags: set[str] = set()
    for value in values:
        parts = value.lower().split("-")
        if len(parts) != _TAG_PARTS:
            raise InvalidWheelError(f"the tag {value!r} does not have the form python-abi-platform", where=where)
        python, abi, platform = (parse_tag_set(part, where) for part in parts)
        if len(tags) + len(python) * len(abi) * len(platform) > _MAXIMUM_TAGS:
            raise InvalidWheelError(f"there are more than {_MAXIMUM_TAGS} tags", where=where)
        tags.update(expand_tags(python, abi, platform))
    return tuple(sorted(tags))


def _replaced(lines: list[_Line], key: str, texts: list[str], newline: str) -> list[_Line]:
    """Put `texts` where the first header `key` stood, else after the last header, and drop the other ones."""
    new = [_Line(text, newline, key, text.partition(": ")[2]) for text in texts]
    result: list[_Line] = []
    place: int | None = None
    dropping = False
    for line in lines:
        dropping = line.key == key or (dropping and line.is_continuation)
        if dropping and place is None:
            place = len(result)
        if not dropping:
            result.append(line)
    if place is None:
        place = _end_of_headers(result)
    if place == len(result) and lines[-1:] and not lines[-1].ending and new:
        new[-1] = _Line(new[-1].text, "", key, new[-1].value)
    return [*result[:place], *new, *result[place:]]


def _without_gaps(lines: list[_Line], newline: str) -> list[_Line]:
    """Return the lines with all headers in one block, so that an installer sees every one of them.

    Blank lines between headers go; other lines that are not headers move behind the block.
    """
    end = _end_of_headers(lines)
    block: list[_Line] = []
    stray: list[_Line] = []
    in_header = False
    for line in lines[:end]:
        in_header = bool(line.key) or (in_header and line.is_continuation)
        if in_header:
            block.append(line)
        elif not line.is_blank:
            stray.append(line)
    return [*block, *([_Line("", newline), *stray] if stray else []), *lines[end:]]


def _end_of_headers(lines: Sequence[_Line]) -> int:
    """Return the index after the last header line and its continuation lines."""
    end = 0
    for index, line in enumerate(lines):
        if line.key or (line.is_continuation and end == index):
            end = index + 1
    return end
