"""Results that would take each other's place: found before anything is written.

Names are compared without regard to case, because a folder may be copied to a file system that does not tell
`Foo.whl` from `foo.whl`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.errors import OutputError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from truewheel.batch.kinds import WheelPlan
    from truewheel.batch.plan import PlannedWheel

_APART = "work on them in two runs, into different folders"


def collisions(wheels: Sequence[PlannedWheel[WheelPlan]], directory: Path | None) -> dict[int, OutputError]:
    """Return, by the number of each wheel whose result cannot be there beside what comes before it, why.

    directory: where the results go; None for the folder of each wheel itself.

    What comes before are the results of earlier wheels of other content, and the files that the folder has under
    another spelling of the name. One with the very same name is compared once there is a result to compare it with.
    """
    folders = [directory or item.path.parent for item in wheels]
    present = {folder: _names_in(folder) for folder in dict.fromkeys(folders)}
    first: dict[tuple[str, str], PlannedWheel[WheelPlan]] = {}
    found: dict[int, OutputError] = {}
    for number, (item, folder) in enumerate(zip(wheels, folders, strict=True)):
        name = item.plan.output_name
        other = first.setdefault((str(folder.absolute()), name.casefold()), item)
        there = present[folder].get(name.casefold(), name)
        if other is not item and other.plan.output_name != name:
            what = f"would be written as {name}, another of the given wheels as {other.plan.output_name}"
            found[number] = OutputError(what, where=str(item.path), hint=_APART)
        elif other is not item and not _same_input(other, item):
            what = f"would be written as {name}, as another of the given wheels is"
            found[number] = OutputError(what, where=str(item.path), hint=_APART)
        elif there != name:
            what = f"would be written as {name} beside {there}, which some file systems take for the same"
            found[number] = OutputError(what, where=str(item.path), hint="move the other file, or write elsewhere")
    return found


def require_no_collision(wheels: Sequence[PlannedWheel[WheelPlan]], directory: Path) -> None:
    """Raise RefusedError, with each of them, when there are collisions."""
    found = collisions(wheels, directory)
    if found:
        reasons = tuple(f"{error.where} {error.what}" for error in found.values())
        raise RefusedError("results would take each other's place", where=str(directory), reasons=reasons, hint=_APART)


def _same_input(one: PlannedWheel[WheelPlan], other: PlannedWheel[WheelPlan]) -> bool:
    """Whether two wheels have the same content; what a plan does not tell is read from the files."""
    from truewheel.bundler.digests import file_sha256

    digests = (item.plan.input_sha256 or file_sha256(str(item.path)) for item in (one, other))
    return len(set(digests)) == 1


def _names_in(directory: Path) -> dict[str, str]:
    """Return the names in a folder by their folded spelling; none when it is not there yet."""
    try:
        return {name.casefold(): name for name in sorted(path.name for path in directory.iterdir())}
    except (FileNotFoundError, NotADirectoryError):
        return {}
