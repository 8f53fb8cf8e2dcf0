"""The file name of a wheel as it was given, read as tolerantly as can be, so that all its faults are told at once.

Follows the PyPA binary distribution format and the platform compatibility tags specification, as `archive.names` does,
which takes a name only when it is sound.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from truewheel.archive.names import SUFFIX, WheelName
from truewheel.errors import InvalidWheelError

_PART = re.compile(r"[a-z0-9_]+")
_TAG_SETS = 3


class GivenName(NamedTuple):
    """A file name and what can be made of it.

    text: as given. problem, hint: why no wheel's name can be made of it, and the advice; empty when one can.
    sound: the nearest name that follows the rules for characters: tags in lower case, no empty ones; None with a
        problem. The order and the repetitions of tags are those of `text`.
    sets: the members of the three tag sets as given; empty with a problem.
    """

    text: str
    problem: str
    hint: str
    sound: WheelName | None
    sets: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def parse(cls, text: str) -> GivenName:
        """Take a file name apart; never raises."""
        suffix = text[-len(SUFFIX) :]
        stem = text[: -len(suffix)]
        parts = stem.split("-")
        sets = tuple(tuple(part.split(".")) for part in parts[-_TAG_SETS:])
        mended = (".".join(member for member in map(str.lower, members) if member) for members in sets)
        try:
            sound = WheelName.parse("-".join([*parts[:-_TAG_SETS], *mended]) + suffix.lower())
        except InvalidWheelError as error:
            return cls(text, error.what, error.hint, None)
        return cls(text, "", "", sound, sets)

    @property
    def best(self) -> WheelName | None:
        """The sound name with each tag set sorted and without repetitions."""
        if self.sound is None:
            return None
        python, abi, platform = (tuple(sorted(set(part))) for part in self.sound[-_TAG_SETS:])
        return self.sound._replace(python=python, abi=abi, platform=platform)
