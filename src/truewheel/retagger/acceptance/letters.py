"""Names of wheels as installers read them: most lower the letters of tags, and some compare them as they are."""

from __future__ import annotations

from truewheel.archive.names import SUFFIX, WheelName

_TAG_PARTS = 3


def lowered(name: WheelName) -> WheelName:
    """Return the name with its tags in lower case."""
    return name._replace(python=_lower(name.python), abi=_lower(name.abi), platform=_lower(name.platform))


def parse_as_written(filename: str) -> WheelName:
    """Return the parts of a wheel's file name, with the letters of its tags as they stand; raise InvalidWheelError.

    Capital letters in tags are against the specification, which is why `WheelName.parse` refuses them; here it matters
    who takes such a wheel all the same.
    """
    stem = filename.removesuffix(SUFFIX)
    parts = stem.rsplit("-", _TAG_PARTS)
    name = WheelName.parse("-".join([parts[0], *(part.lower() for part in parts[1:])]) + filename[len(stem) :])
    python, abi, platform = (tuple(part.split(".")) for part in parts[1:])
    return name._replace(python=python, abi=abi, platform=platform)


def _lower(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(tag.lower() for tag in tags)
