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


def collisions(wheels: Sequence[PlannedWheel[WheelPlan]], directory: Path) -> dict[int, OutputError]:
    """Return, by the number of each wheel whose result cannot be there beside what comes before it, why.

    What comes before are the results of earlier wheels of other content, and the files that `directory` has under
    another spelling of the name. One with the very same name is compared once there is a result to compare it with.
    """
    present = {name.casefold(): name for name in _names_in(directory)}
    first: dict[str, PlannedWheel[WheelPlan]] = {}
    found: dict[int, OutputError] = {}
    for number, item in enumerate(wheels):
        name = item.plan.output_name
        other = first.setdefault(name.casefold(), item)
        if other.plan.output_name != name or other.plan.input_sha256 != item.plan.input_sha256:
            what = f"would be written as {name}, as another of the given wheels is"
            if other.plan.output_name != name:
                what = f"would be written as {name}, another of the given wheels as {other.plan.output_name}"
            found[number] = OutputError(what, where=str(item.path), hint=_APART)
        elif (there := present.get(name.casefold(), name)) != name:
            what = f"would be written as {name} beside {there}, which some file systems take for the same"
            found[number] = OutputError(what, where=str(item.path), hint="remove the other file")
    return found


def require_no_collision(wheels: Sequence[PlannedWheel[WheelPlan]], directory: Path) -> None:
    """Raise RefusedError, with each of them, when there are collisions."""
    found = collisions(wheels, directory)
    if found:
        reasons = tuple(f"{error.where} {error.what}" for error in found.values())
        raise RefusedError("results would take each other's place", where=str(directory), reasons=reasons, hint=_APART)


def _names_in(directory: Path) -> list[str]:
    """Return the names in a folder, sorted; none when it is not there yet."""
    try:
        return sorted(path.name for path in directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
