"""What becomes of each member of two wheels: kept, joined, decided by a rule, or a reason to refuse.

Nothing is guessed: where two wheels differ in more than machine code, the caller says which of them is right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from truewheel.analyzer.macho.image import FileType
from truewheel.analyzer.macho.reader import is_macho
from truewheel.archive.sboms import sboms, with_file_name
from truewheel.bundler.macho.fat import require_no_tail
from truewheel.bundler.macho.universal import HEAD, contradictions, may_be_sliced, pieces
from truewheel.errors import RefusedError
from truewheel.merge.pair import both
from truewheel.merge.plan import MergeChoice, MergedSbom

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.macho.image import Slice
    from truewheel.archive.reader import WheelReader
    from truewheel.merge.pair import Pair, Source
    from truewheel.merge.rules import Rules

_SBOM_NAME = re.compile(r"(.*?)((?:\.(?:cdx|spdx|cyclonedx))?\.[^./]*)?")


@dataclass(slots=True)
class Decisions:
    """What was decided; the lists are in the order of the members. For the first six see MergePlan.

    files: the slices of each file of the new wheel that dyld may map.
    differing: members that a rule could speak of. differ, lonely: why members cannot be merged.
    """

    joined: list[str] = field(default_factory=list)
    preferred: list[MergeChoice] = field(default_factory=list)
    one_sided: list[MergeChoice] = field(default_factory=list)
    uncounted: list[str] = field(default_factory=list)
    left_out: list[MergeChoice] = field(default_factory=list)
    sboms: list[MergedSbom] = field(default_factory=list)
    files: dict[str, tuple[Slice, ...]] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)
    differ: list[str] = field(default_factory=list)
    lonely: list[str] = field(default_factory=list)


def decide(pair: Pair, rules: Rules, *, allow_one_sided: bool) -> Decisions:
    """Decide on every member; raise RefusedError naming each on which nobody has decided.

    Raises UsageError for a rule that is of no use, InvalidInputError for a damaged member.
    """
    first, second = pair
    made_here = _made_here(first.reader) | _made_here(second.reader)
    bills = {*sboms(first.reader), *sboms(second.reader)}
    result = Decisions()
    for name in dict.fromkeys((*first.reader.files(), *second.reader.files())):
        if name in made_here:
            continue
        holders = [source for source in pair if name in source.reader.entries]
        if len(holders) == 1:
            _one_sided(holders[0], name, rules, result, allowed=allow_one_sided)
        elif same_content(first.reader, second.reader, name):
            result.files |= _mapped(first, name)
        elif name in bills:
            result.sboms += _two_sboms(pair, name)
        else:
            _two_sided(pair, name, rules, result)
    rules.require_used(result.differing)
    _refuse(result, pair)
    return result


def _made_here(reader: WheelReader) -> set[str]:
    """Return the members that are written anew, or compared by what they say."""
    record = reader.record
    return {record.where, *record.signatures, f"{reader.dist_info}/WHEEL", f"{reader.dist_info}/METADATA"}


def same_content(first: WheelReader, second: WheelReader, name: str) -> bool:
    """Whether both wheels have the same bytes under a name."""
    one, two = first.entries[name], second.entries[name]
    if (one.crc32, one.size) != (two.crc32, two.size):
        return False
    if one.method == two.method and first.raw(name) == second.raw(name):
        return True
    return first.view(name) == second.view(name)


def _mapped(source: Source, name: str) -> dict[str, tuple[Slice, ...]]:
    """Return the slices of a member that dyld may map; nothing for other members."""
    node = source.analysis.graph.nodes.get(name)
    return {name: node.file.slices} if node else {}


def _two_sided(pair: Pair, name: str, rules: Rules, result: Decisions) -> None:
    """Decide on a member that the wheels have with different content."""
    problem, joinable = _obstacle(pair, name)
    first, second = pair
    winner = None
    if problem:
        result.differing.append(name)
        winner = rules.winner(name)
        if winner is None:
            result.differ.append(problem)
            return
        result.preferred.append(MergeChoice(name, winner))
    one, two = (first, second) if winner in {None, first.architecture} else (second, first)
    if not joinable:
        result.files |= _mapped(one, name)
        return
    result.joined.append(name)
    slices = {item.architecture: item for source in (two, one) for item in _mapped(source, name).get(name, ())}
    if slices:
        result.files[name] = tuple(slices.values())


def _obstacle(pair: Pair, name: str) -> tuple[str, bool]:
    """Return what forbids to join two different files, and whether they are joined once a rule has decided."""
    if not all(may_be_sliced(source.reader.head(name, HEAD)) for source in pair):
        return f"{name} differs", False
    mapped = [source.analysis.graph.nodes.get(name) for source in pair]
    files = [node.file for node in mapped if node]
    if len(files) == 1:
        return f"{name} is a library in one wheel and another kind of file in the other", False
    if len(files) == len(pair) and not any(file.fat for file in files):
        one, two = files
        if one.architectures != two.architectures:
            return "", True  # the everyday case: nothing has to be inflated for it
    return _obstacle_inside([source.reader.view(name) for source in pair], name)


def _obstacle_inside(contents: list[memoryview], name: str) -> tuple[str, bool]:
    """Return the same for the contents of two files that may be fat."""
    one, two = (pieces(content, name) for content in contents)
    if not one or not two:
        return f"{name} differs, and is no static library of one architecture", False
    twice = contradictions(one, two)
    if twice:
        return f"{name} has a slice for {' and '.join(twice)} in both wheels, and these differ", True
    for content in contents:
        require_no_tail(content, name)
    return "", True


def _one_sided(source: Source, name: str, rules: Rules, result: Decisions, *, allowed: bool) -> None:
    """Decide on a member that one wheel has alone."""
    kind = _needed_kind(source, name)
    free = not kind and is_macho(source.reader.head(name, HEAD))
    notices = tuple(f"{source.reader.dist_info}/{folder}/" for folder in ("licenses", "sboms"))
    ruling = rules.of_name(name)
    if not (free or name.startswith(notices)) or ruling:
        result.differing.append(name)
    if ruling not in {None, source.architecture}:
        result.left_out.append(MergeChoice(name, source.architecture))
        return
    if not (free or ruling or allowed or name.startswith(notices)):
        is_a = f"is {kind} that only" if kind else "is a file that only"
        result.lonely.append(f"{name} {is_a} the wheel for {source.architecture} has")
        return
    result.one_sided.append(MergeChoice(name, source.architecture))
    result.files |= _mapped(source, name)
    if kind:
        result.uncounted.append(name)


def _needed_kind(source: Source, name: str) -> str:
    """Return what a member is that no architecture can do without; nothing for other members."""
    if name in source.analysis.modules:
        return "an extension module"
    slices = _mapped(source, name).get(name, ())
    if any(item.file_type is FileType.EXECUTABLE for item in slices):
        return "a program"
    return "a plug-in" if any(item.file_type is FileType.BUNDLE for item in slices) else ""


def _two_sboms(pair: Pair, name: str) -> Iterator[MergedSbom]:
    """Yield both bills of materials under names that tell them apart; none when only the wheel's name differs."""
    one, two = (with_file_name(each.reader.read(name), each.reader.path.name, "") for each in pair)
    if one == two:
        return
    match = _SBOM_NAME.fullmatch(name)
    stem, suffix = (match[1], match[2] or "") if match else (name, "")
    for number in count(1):
        more = f"-{number}" if number > 1 else ""
        names = {each.architecture: f"{stem}-{each.architecture}{more}{suffix}" for each in pair}
        if not any(new in each.reader.entries for new in names.values() for each in pair):
            yield from (MergedSbom(name, architecture, new) for architecture, new in names.items())
            return


def require_same_metadata(pair: Pair) -> None:
    """Raise RefusedError, with the lines that differ, unless both METADATA files say the same."""
    lines: list[list[str]] = []
    for source in pair:
        member = f"{source.reader.dist_info}/METADATA"
        text = source.reader.read(member).decode("utf-8", "backslashreplace")
        lines.append(text.replace("\r\n", "\n").rstrip("\n").split("\n"))
    one, two = lines
    if one == two:
        return
    reasons = [
        f"only the wheel for {source.architecture} says {line!r}"
        for source, mine, other in zip(pair, (one, two), (frozenset(two), frozenset(one)), strict=True)
        for line in mine
        if line not in other
    ]
    raise RefusedError(
        "the wheels have different METADATA",
        where=both(pair),
        hint="build both from the same sources with the same tool",
        reasons=tuple(reasons) or ("the same lines stand in another order",),
    )


def _refuse(result: Decisions, pair: Pair) -> None:
    """Raise RefusedError when there are members on which nobody has decided."""
    if not (result.differ or result.lonely):
        return
    hints = []
    if result.differ:
        hints.append(
            "--prefer arm64 or --prefer x86_64 says whose files are taken, --prefer 'GLOB=arm64' for some of them"
        )
    if result.lonely:
        hints.append(
            "--allow-one-sided keeps what only one wheel has, --prefer 'GLOB=ARCH' keeps it for its own ARCH and "
            "leaves it out for the other"
        )
    number = len(result.differ) + len(result.lonely)
    raise RefusedError(
        f"the wheels differ in {number} file{'' if number == 1 else 's'} that cannot be joined",
        where=both(pair),
        hint="; ".join(hints),
        reasons=(*result.differ, *result.lonely),
    )
