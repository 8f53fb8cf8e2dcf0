"""What a true platform tag rests on: the most demanding facts of the machine code, one sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.platforms.verdict import sentences
from truewheel.retagger.macos_tags import parse_ios_tag, parse_mac_tag
from truewheel.retagger.macos_wording import shown
from truewheel.retagger.tags import implies, parse_platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truewheel.platforms.macos.verdict import MacVerdict
    from truewheel.platforms.verdict import Verdict
    from truewheel.retagger.proof import Proof

_SHOWN = 3
"""How many of the files that ask for as much are named."""


def rests_on(proof: Proof, tag: str) -> tuple[str, ...]:
    """Return why a platform tag that is true cannot be wider, or that nothing in the wheel asks for more."""
    if not proof.native:
        return ("the wheel holds no machine code",)
    found = [*_of_windows(proof, tag), *_of_linux(proof, tag)]
    if proof.macos is not None:
        found += _of_macs(proof.macos, tag)
    more = len(found) - _SHOWN
    return (*found[:_SHOWN], f"and {more} more such") if more > 0 else tuple(found)


def suspects(proof: Proof, platforms: Iterable[str]) -> tuple[str, ...]:
    """Return sentences about slices that platform tags speak of and that may have lost a library: true, yet useless."""
    names = {name for tag in platforms for name in _architectures(tag)}
    truths = proof.macos.architectures if proof.macos else ()
    return tuple(line for truth in truths if truth.architecture in names for line in truth.suspects)


def _architectures(tag: str) -> tuple[str, ...]:
    """Return the architectures of a Mac or a device with iOS that a platform tag speaks of."""
    mac, ios = parse_mac_tag(tag), parse_ios_tag(tag)
    return mac.architectures if mac else (ios.architecture,) if ios else ()


def _of_windows(proof: Proof, tag: str) -> Iterator[str]:
    files = [file for file in proof.windows if file.tag == tag]
    for file in [file for file in files if file.is_module] or files:
        yield f"{file.member} is machine code for {tag}"


def _of_linux(proof: Proof, tag: str) -> tuple[str, ...]:
    """Return what stands against the next older promise; that there is none when the wheel keeps the oldest."""
    platform = parse_platform(tag)
    if platform is None or platform.version is None:
        return ()
    verdict = next((item for item in proof.linux if item.family == platform.family), None)
    older = [item for item in verdict.judgements if implies(item.policy.tag, tag)] if verdict else []
    against = next((item.reasons for item in reversed(older) if item.reasons), ())
    if against:
        return sentences(against)
    return (_oldest(verdict),) if verdict and verdict.judgements else ()


def _oldest(verdict: Verdict) -> str:
    return f"no file needs more than {verdict.judgements[0].policy.tag}"


def _of_macs(verdict: MacVerdict, tag: str) -> Iterator[str]:
    names = _architectures(tag)
    for truth in verdict.architectures:
        if truth.architecture in names and truth.floors:
            floor = truth.floors[0]
            system = f"{verdict.platform} {shown(floor.minimum_os)}"
            yield f"{floor.file} needs {system} in its {truth.architecture} slice, and no file needs more"
