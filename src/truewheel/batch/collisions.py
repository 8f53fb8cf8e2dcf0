"""Results that would take each other's place: found before anything is written.

Names are compared without regard to case, because a folder may be copied to a file system that does not tell
`Foo.whl` from `foo.whl`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from truewheel.errors import OutputError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_APART = "work on them in runs of their own, into different folders"


class NamingPlan(Protocol):
    """What a plan tells of names: the file name of the result, and the wheel's digest where it is known."""

    @property
    def input_sha256(self) -> str | None:
        """The hex digest of the wheel; None when the plan does not tell."""

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


def collisions(wheels: Sequence[Planned], directory: Path | None, *, replacing: bool = False) -> dict[int, OutputError]:
    """Return, by the number of each wheel whose result cannot be there beside what else is to be there, why.

    directory: where the results go; None for the folder of each wheel itself. replacing: one result after the other
    replaces whatever has its name; then none may take the place of another given wheel, which waits for its turn.

    Of wheels of other content that would get one name, none is the right one: all of them are told. So is a result
    beside whose place another file has its name in another spelling, unless that is the very wheel. A file with the
    same name is compared once there is a result to compare it with.
    """
    folders = [directory or item.path.parent for item in wheels]
    present = {folder: _names_in(folder) for folder in dict.fromkeys(folders)}
    groups: dict[tuple[str, str], list[int]] = {}
    for number, (item, folder) in enumerate(zip(wheels, folders, strict=True)):
        groups.setdefault((str(folder.absolute()), item.plan.output_name.casefold()), []).append(number)
    found = {
        number: OutputError(_against(wheels[number], group), where=str(wheels[number].path), hint=_APART)
        for numbers in groups.values()
        for group in [[wheels[number] for number in numbers]]
        if not _are_one(group)
        for number in numbers
    }
    given = {_place(item.path): item for item in wheels} if replacing else {}
    for number, (item, folder) in enumerate(zip(wheels, folders, strict=True)):
        waiting = given.get(_place(folder / item.plan.output_name), item) if replacing else item
        if waiting is not item and number not in found:
            what = f"would be written over {waiting.path}, which is one of the given wheels"
            found[number] = OutputError(what, where=str(item.path), hint="write elsewhere, or with --all-or-nothing")
        there = list(_other_spellings(item, folder, present[folder]))
        if there and number not in found:
            what = f"would be written as {item.plan.output_name} beside {there[0]}"
            found[number] = OutputError(
                f"{what}, which some file systems take for the same",
                where=str(item.path),
                hint="move the other file, or write elsewhere",
            )
    return dict(sorted(found.items()))


def require_no_collision(wheels: Sequence[Planned], directory: Path) -> None:
    """Raise RefusedError, with each of them, when there are collisions."""
    found = collisions(wheels, directory)
    if found:
        reasons = tuple(f"{error.where} {error.what}" for error in found.values())
        raise RefusedError("results would take each other's place", where=str(directory), reasons=reasons, hint=_APART)


def _place(path: Path) -> Path:
    return path.parent.resolve() / path.name


def _are_one(group: Sequence[Planned]) -> bool:
    """Whether wheels of one result are the same wheel, under several paths; of one wheel it is not even read."""
    if len(group) == 1:
        return True
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


def _other_spellings(item: Planned, folder: Path, present: dict[str, list[str]]) -> Iterator[str]:
    """Yield the files of a folder whose names differ from that of a result in case alone; none if it is there too."""
    names = present.get(item.plan.output_name.casefold(), [])
    if not names or item.plan.output_name in names:
        return
    own = item.path.name if item.path.parent.resolve() == folder.resolve() else None
    yield from (name for name in names if name != own)
