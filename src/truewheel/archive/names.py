"""The file name of a wheel: `{distribution}-{version}(-{build})?-{python}-{abi}-{platform}.whl`.

Follows the PyPA binary distribution format (file name convention) and the platform compatibility tags specification
(compressed tag sets). Parts are kept exactly as they stand in the name, so that `str(WheelName.parse(name)) == name`.
"""

from __future__ import annotations

import re
from itertools import product
from typing import NamedTuple

from truewheel.errors import InvalidWheelError

SUFFIX = ".whl"
_FORM = "{distribution}-{version}(-{build})?-{python}-{abi}-{platform}.whl"
_DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._+!]*[A-Za-z0-9])?")
_BUILD = re.compile(r"[0-9][A-Za-z0-9._+]*")
_TAG = re.compile(r"[a-z0-9_]+")
_PYTHON_TAG = re.compile(r"[a-z_][a-z0-9_]*")
_MINIMUM_PARTS = 5
_TAG_PARTS = 3
_PARTS_WITH_BUILD = 6


class WheelName(NamedTuple):
    """The parts of a wheel's file name.

    build: the build tag, empty when there is none.
    python, abi, platform: the members of each compressed tag set, in the order of the name.
    """

    distribution: str
    version: str
    build: str
    python: tuple[str, ...]
    abi: tuple[str, ...]
    platform: tuple[str, ...]

    @classmethod
    def parse(cls, filename: str) -> WheelName:
        """Return the parts of `filename` (no folder before it); raise InvalidWheelError when it is not a wheel's name.

        The version is only checked for its characters here; the reader compares it with the wheel's own.
        """
        parts = _split(filename)
        build = parts[2] if len(parts) == _PARTS_WITH_BUILD else ""
        _demand(_DISTRIBUTION, parts[0], "distribution name", filename)
        if "__" in parts[0]:
            raise InvalidWheelError(
                f"the distribution name {parts[0]!r} has two underscores in a row",
                where=filename,
                hint="runs of '-', '_' and '.' become one '_'",
            )
        _demand(_VERSION, parts[1], "version", filename)
        python, abi, platform = (parse_tag_set(part, filename) for part in parts[-3:])
        for tag in python:
            _demand(_PYTHON_TAG, tag, "Python tag", filename)
        return cls(parts[0], parts[1], build, python, abi, platform)

    def __str__(self) -> str:
        """Return the file name."""
        build = f"-{self.build}" if self.build else ""
        return f"{self.distribution}-{self.version}{build}-{self.compressed_tags}{SUFFIX}"

    @property
    def tags(self) -> tuple[str, ...]:
        """Every single tag `python-abi-platform` that the name stands for, sorted, each once."""
        return expand_tags(self.python, self.abi, self.platform)

    @property
    def compressed_tags(self) -> str:
        """The compressed tag sets `python-abi-platform`, as they stand in the name."""
        return "-".join(".".join(part) for part in (self.python, self.abi, self.platform))

    def with_platforms(self, platforms: tuple[str, ...]) -> WheelName:
        """Return the same name for these platform tags, in the order given."""
        return self._replace(platform=platforms)


def parse_given_name(filename: str) -> WheelName:
    """Return the parts of a name, even of one with tags in capitals, which are read in lower case; raise as `parse`."""
    try:
        return WheelName.parse(filename)
    except InvalidWheelError:
        parts = filename.rsplit("-", _TAG_PARTS)
        lowered = "-".join([parts[0], *(part.lower() for part in parts[1:])])
        if lowered == filename:
            raise
        return WheelName.parse(lowered)


def is_version(text: str, name: WheelName) -> bool:
    """Whether a text, as METADATA has it, is the version of a wheel's name, however the two spell it."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text) == Version(name.version.replace("_", "-"))
    except InvalidVersion:
        return text == name.version


def parse_tag_set(text: str, where: str) -> tuple[str, ...]:
    """Return the members of one compressed tag set (`py2.py3`), in order; raise InvalidWheelError for a bad one."""
    members = tuple(text.split("."))
    for member in members:
        _demand(_TAG, member, "tag", where)
    return members


def expand_tags(python: tuple[str, ...], abi: tuple[str, ...], platform: tuple[str, ...]) -> tuple[str, ...]:
    """Return the full product of three tag sets as sorted `python-abi-platform` strings, each once."""
    return tuple(sorted({"-".join(parts) for parts in product(python, abi, platform)}))


def _split(filename: str) -> list[str]:
    if not filename.endswith(SUFFIX):
        raise InvalidWheelError("the file name does not end in .whl", where=filename, hint=f"a wheel is named {_FORM}")
    parts = filename.removesuffix(SUFFIX).split("-")
    if len(parts) < _MINIMUM_PARTS:
        raise InvalidWheelError(
            f"the file name does not have 5 or 6 parts between dashes, but {len(parts)}",
            where=filename,
            hint=f"a wheel is named {_FORM}",
        )
    if len(parts) > _PARTS_WITH_BUILD:
        raise InvalidWheelError(
            f"the file name does not have 5 or 6 parts between dashes, but {len(parts)}",
            where=filename,
            hint="a dash inside a part is written as '_'; wheels with a variant label are not supported",
        )
    if len(parts) == _PARTS_WITH_BUILD and not _BUILD.fullmatch(parts[2]):
        raise InvalidWheelError(
            f"{parts[2]!r} is not a build tag, which starts with a digit",
            where=filename,
            hint="a dash inside a part is written as '_'; wheels with a variant label are not supported",
        )
    return parts


def _demand(pattern: re.Pattern[str], text: str, role: str, where: str) -> None:
    if pattern.fullmatch(text):
        return
    hint = f"a wheel is named {_FORM}"
    if role == "tag" and _TAG.fullmatch(text.lower()):
        hint = "tags are written in lower case: some installers compare them letter by letter"
    raise InvalidWheelError(f"{text!r} is not a {role}" if text else f"a {role} is empty", where=where, hint=hint)
