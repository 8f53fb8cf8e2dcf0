"""Finding a wheel's metadata folder, and checking that it is of the project and version that the file name says.

Follows the PyPA binary distribution format and its rule to compare names as PEP 503 and versions as PEP 440 normalise
them: the folder keeps the spelling that the build tool gave it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.errors import InvalidWheelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truewheel.archive.names import WheelName
    from truewheel.archive.zip_format import Entry

SUFFIX = ".dist-info"
DATA_SUFFIX = ".data"
_REQUIRED = ("METADATA", "WHEEL", "RECORD")


def find_dist_info(entries: Mapping[str, Entry], name: WheelName, where: str) -> str:
    """Return the name of the one `.dist-info` folder at the top.

    Raises InvalidWheelError when there is none or more than one, when one of its required files is missing, or when
    it is of another project or version than the file name.
    """
    found = _top_folders(entries, SUFFIX)
    if len(found) != 1:
        problem = f"has {len(found)} folders {', '.join(found)}" if found else f"has no {SUFFIX} folder"
        raise InvalidWheelError(f"{problem}; a wheel has one", where=where)
    folder = found[0]
    expected = f"{name.distribution}-{name.version}"
    stem = folder.removesuffix(SUFFIX)
    if stem != expected and _normalised(stem) != _normalised(expected):
        raise InvalidWheelError(
            f"is named for {expected}, but {folder} is inside",
            where=where,
            hint="rename the file to what it is, or build it again",
        )
    for required in _REQUIRED:
        if f"{folder}/{required}" not in entries:
            raise InvalidWheelError(f"has no {folder}/{required}", where=where)
    return folder


def find_data_dir(entries: Mapping[str, Entry], dist_info: str, where: str) -> str:
    """Return the name of the wheel's `.data` folder, as it would be spelled when the wheel has none.

    Raises InvalidWheelError when two folders differ only in spelling.
    """
    stem = dist_info.removesuffix(SUFFIX)
    usual = stem + DATA_SUFFIX
    found = _top_folders(entries, DATA_SUFFIX)
    if found in ([], [usual]):
        return usual
    wanted = _normalised(stem)
    own = [folder for folder in found if _normalised(folder.removesuffix(DATA_SUFFIX)) == wanted]
    if len(own) > 1:
        raise InvalidWheelError(f"has {len(own)} data folders, {', '.join(own)}", where=where)
    return own[0] if own else usual


def _top_folders(names: Iterable[str], suffix: str) -> list[str]:
    """Return the folders at the top of the archive whose names end in `suffix`, sorted."""
    part = f"{suffix}/"
    tops = {name.partition("/")[0] for name in names if part in name}
    return sorted(top for top in tops if top.endswith(suffix))


def _normalised(stem: str) -> tuple[str, str]:
    """Return the normalised name and version of `name-version`; a version that is not one stays as it is."""
    from packaging.utils import canonicalize_name, canonicalize_version

    name, _, version = stem.rpartition("-")
    return canonicalize_name(name), canonicalize_version(version)
