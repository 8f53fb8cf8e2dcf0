"""Results that would take each other's place: found before anything is written.

Names are compared without regard to case, because a folder may be copied to a file system that does not tell
`Foo.whl` from `foo.whl`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from truewheel.batch.files import place_of
from truewheel.errors import OutputError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_APART = "work on them in runs of their own, into different folders"


class NamingPlan(Protocol):
    """What a plan tells of names: the file name of the result, and the wheel's digest where it is known."""

    @property
    def input_sha256(self) -> str | None:
        """The hex digest of the wheel; None when the plan does not tell."""

    @property
    def changes_nothing(self) -> bool:
        """Whether the result is the wheel, byte for byte."""

    @property
    def output_name(self) -> str:
        """The file name of the result."""


class Planned(Protocol):
    """A wheel that is to become another one."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def plan(self) -> NamingPlan:
        """What it becomes."""


def collisions(
    wheels: Sequence[Planned], directory: Path | None, *, keeping: Iterable[str | Path] = ()
) -> dict[int, OutputError]:
    """Return, by the number of each wheel whose result cannot be there beside what else is to be there, why.

    directory: where the results go; None for the folder of each wheel itself. keeping: the given wheels, when one
    result after the other replaces whatever has its name: none may take the place of one that waits for its turn.

    Of wheels of other content that would get one name, none is the right one: all of them are told. So is a result
    beside whose place another file has its name in another spelling, unless that is the very wheel. A file with the
    same name, be it a given wheel that stays what and where it is, is compared once there is a result to compare it
    with.
    """
    folders = [directory or item.path.parent for item in wheels]
    present = {folder: _names_in(folder) for folder in dict.fromkeys(folders)}
    given = {place_of(Path(path)): str(path) for path in keeping}
    groups: dict[tuple[str, str], list[Planned]] = {}
    for item, folder in zip(wheels, folders, strict=True):
        if not _stays(item, folder):
            groups.setdefault(_key(item, folder), []).append(item)
    apart = {key for key, group in groups.items() if len(group) == 1 or _are_one(group)}
    found: dict[int, OutputError] = {}
    for number, (item, folder) in enumerate(zip(wheels, folders, strict=True)):
        key = _key(item, folder)
        if _stays(item, folder):
            continue
        if key not in apart:
            found[number] = OutputError(_against(item, groups[key]), where=str(item.path), hint=_APART)
        elif what := _in_the_way(item, folder, given, present[folder]):
            found[number] = OutputError(what, where=str(item.path), hint="move the other file, or write elsewhere")
    return found


def require_no_collision(wheels: Sequence[Planned], directory: Path) -> None:
    """Raise RefusedError, with each of them, when there are collisions."""
    found = collisions(wheels, directory)
    if found:
        reasons = tuple(f"{error.where} {error.what}" for error in found.values())
        raise RefusedError("results would take each other's place", where=str(directory), reasons=reasons, hint=_APART)


def _key(item: Planned, folder: Path) -> tuple[str, str]:
    return str(folder.absolute()), item.plan.output_name.casefold()


def _stays(item: Planned, folder: Path) -> bool:
    """Whether a wheel is its own result, in its own place."""
    same = item.plan.changes_nothing and item.plan.output_name == item.path.name
    return same and place_of(item.path) == place_of(folder / item.path.name)


def _in_the_way(item: Planned, folder: Path, given: Mapping[Path, str], present: Mapping[str, list[str]]) -> str:
    """Say what lies where a result is to be, or, by a name that differs in case alone, beside it; else nothing."""
    name = item.plan.output_name
    waiting = given.get(place_of(folder / name)) if given else None
    if waiting is not None and place_of(folder / name) != place_of(item.path):
        return f"would be written over {waiting}, which is one of the given wheels"
    other = next(_other_spellings(item, folder, present), None)
    return f"would be written as {name} beside {other}, which some file systems take for the same" if other else ""


def _are_one(group: Sequence[Planned]) -> bool:
    """Whether wheels of one result are the same wheel, under several paths."""
    return len({item.plan.output_name for item in group}) == 1 and len({_digest(item) for item in group}) == 1


def _digest(item: Planned) -> str:
    """Return the digest of a wheel's content; what a plan does not tell is read from the file."""
    from truewheel.bundler.digests import file_sha256

    return item.plan.input_sha256 or file_sha256(str(item.path))


def _against(item: Planned, group: Sequence[Planned]) -> str:
    """Say in whose way a result would be."""
    others = [each for each in group if each is not item]
    name, other = item.plan.output_name, others[0].plan.output_name
    alike = "as another of the given wheels is" if other == name else f"another of the given wheels as {other}"
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return f"would be written as {name}, {alike}: {others[0].path}{more}"


def _names_in(directory: Path) -> dict[str, list[str]]:
    """Return the names in a folder by their folded spelling; none when it is not there yet."""
    found: dict[str, list[str]] = {}
    try:
        for name in sorted(path.name for path in directory.iterdir()):
            found.setdefault(name.casefold(), []).append(name)
    except (FileNotFoundError, NotADirectoryError):
        pass
    return found


def _other_spellings(item: Planned, folder: Path, present: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the files of a folder whose names differ from that of a result in case alone; none if it is there too."""
    names = present.get(item.plan.output_name.casefold(), [])
    if not names or item.plan.output_name in names:
        return
    own = item.path.name if item.path.parent.resolve() == folder.resolve() else None
    yield from (name for name in names if name != own)
