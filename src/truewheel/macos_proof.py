"""What merging and thinning share: a new macOS wheel's name is proved while planning, and again once it is written.

Both make a wheel of other wheels' slices, and neither brings a library along: the wheel is judged as a Mac would see
it that has nothing but the wheel.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truewheel.analyzer.macho.analyze import analyze_macho
from truewheel.analyzer.search_options import SearchOptions
from truewheel.archive.names import WheelName
from truewheel.archive.reader import WheelReader
from truewheel.archive.writer import NewMember
from truewheel.errors import RefusedError, ToolError
from truewheel.platforms.macos.judge import judge_macos
from truewheel.platforms.macos.verdict import lacking
from truewheel.platforms.systems import System, systems_of
from truewheel.platforms.verdict import sentences
from truewheel.retagger.macos_evidence import mac_reasons_against

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from truewheel.archive.writer import StagedWheel
    from truewheel.platforms.macos.verdict import MacVerdict
    from truewheel.platforms.verdict import Reason


def require_macos(reader: WheelReader) -> None:
    """Raise RefusedError for a wheel that is not named for macOS alone."""
    systems = systems_of(reader.name.platform)
    if systems != {System.MACOS}:
        named = " and ".join(sorted(system.value for system in systems))
        raise RefusedError(f"is named for {named}, not for macOS", where=reader.path.name)


def require_planned(reader: WheelReader, name: str, sha256: str) -> None:
    """Raise RefusedError for another wheel than a plan was made for."""
    if (reader.path.name, reader.sha256()) != (name, sha256):
        raise RefusedError("is not the wheel that this plan was made for", where=str(reader.path), hint="plan again")


def nothing_but(exclude: tuple[str, ...]) -> SearchOptions:
    """Return the search of a Mac that has nothing but the wheel, and what `exclude` says that others provide."""
    return SearchOptions(system=False, exclude=exclude)


def uncounting(verdict: MacVerdict, members: Collection[str]) -> MacVerdict:
    """Return the verdict without the reason that one of `members` is not there for every architecture."""
    required = tuple(item for item in verdict.required if item.file in members)
    truths = []
    for truth in verdict.architectures:
        gone = lacking(required, truth.architecture, verdict.platform) if required else ()
        truths.append(replace(truth, reasons=tuple(reason for reason in truth.reasons if reason not in gone)))
    counted = tuple(item for item in verdict.required if item.file not in members)
    return replace(verdict, architectures=tuple(truths), required=counted)


def require_true(verdict: MacVerdict, platforms: Iterable[str]) -> None:
    """Raise RefusedError with every reason that stands against calling the wheel so as it is."""
    reasons = _against(verdict, platforms)
    if reasons:
        raise RefusedError(
            f"the wheel could not truly be called {'.'.join(platforms)}",
            reasons=sentences(reasons),
            hint="run `truewheel repair` first, or leave with --exclude what something else provides",
        )


def confirm(staged: StagedWheel, name: str, exclude: tuple[str, ...], uncounted: Collection[str], jobs: int) -> None:
    """Read the staged wheel and judge it by its new name; raise ToolError when it does not keep it.

    uncounted: members that need not be there for every architecture.
    """
    parsed = WheelName.parse(name)
    with WheelReader.open(staged.path, name=parsed) as reader:
        verdict = judge_macos(analyze_macho(reader, nothing_but(exclude), jobs=jobs))
    broken = _against(uncounting(verdict, uncounted), parsed.platform)
    if broken:
        raise ToolError(
            f"the new wheel would not keep its name: {broken[0].file} {broken[0].detail}",
            where=name,
            hint="nothing was written; please report this as a defect of truewheel",
        )


def wheel_member(reader: WheelReader, name: WheelName) -> NewMember:
    """Return the WHEEL file of `reader` for a new name."""
    member = f"{reader.dist_info}/WHEEL"
    content = reader.wheel.edited(tags=name.tags, root_is_purelib=False)
    return NewMember(member, content, reader.permissions(member))


def _against(verdict: MacVerdict, platforms: Iterable[str]) -> tuple[Reason, ...]:
    return tuple(reason for tag in platforms for reason in mac_reasons_against(verdict, tag) or ())
