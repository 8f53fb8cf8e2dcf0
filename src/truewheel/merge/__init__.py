"""The conductor of a merge: two wheels for one architecture each become one for both.

As in a repair, everything that can be refused is refused while planning; then the new wheel is written in one pass,
read back, judged, and only then named. Slices keep their bytes, so signatures stay what they were.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.resliced import NewWheel, resliced
from truewheel.analyzer.search_options import require_used_excludes
from truewheel.archive.member_names import check_names
from truewheel.archive.sboms import sboms, with_file_name
from truewheel.archive.writer import Changes, NewMember, Pending, stage
from truewheel.bundler.macho.universal import joined, pieces
from truewheel.errors import InvalidArchiveError, RefusedError, UsageError
from truewheel.macos_proof import (
    confirm,
    nothing_but,
    require_planned,
    require_true,
    uncounting,
    wheel_member,
)
from truewheel.merge.decisions import decide, require_same_metadata
from truewheel.merge.options import MergeOptions
from truewheel.merge.pair import opened
from truewheel.merge.plan import MergeInput, MergePlan
from truewheel.merge.rules import ARCHITECTURES, parse_rules
from truewheel.platforms.macos.judge import judge_macos
from truewheel.retagger.macos_evidence import decide_macos_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from truewheel.archive.reader import WheelReader
    from truewheel.merge.decisions import Decisions
    from truewheel.merge.pair import Pair
    from truewheel.retagger.macos_evidence import MacLabel


class Merged(NamedTuple):
    """One finished merge: the plan, the wheel it wrote, and sizes in bytes; size_before is that of both wheels.

    notices: the sentences of the plan, and what was learnt while the wheel was written.
    """

    plan: MergePlan
    path: Path
    size_before: int
    size_after: int
    notices: tuple[str, ...] = ()


def merge_wheels(wheels: Sequence[Path], directory: Path, options: MergeOptions | None = None) -> Merged:
    """Merge a wheel for x86_64 and one for arm64, in any order, into `directory`, which is made when it is not there.

    Raises RefusedError, with every file that stands in the way, when they cannot be merged; UsageError for wishes
    without a meaning; InvalidInputError for a wheel that cannot be read. Nothing is written then.
    """
    options = options or MergeOptions()
    with opened(wheels, options.jobs) as pair:
        return apply_merge(pair, plan_merge(pair, options), directory, options)


def plan_merge(pair: Pair, options: MergeOptions) -> MergePlan:
    """Return what a merge of two open wheels would do. Nothing is written. Raises as `merge_wheels` does."""
    require_same_metadata(pair)
    decisions = decide(pair, parse_rules(options.prefer), allow_one_sided=options.allow_one_sided)
    _require_distinct_names(pair, decisions)
    label, warnings = _label(pair, decisions, options)
    one, two = (MergeInput(each.reader.path.name, each.architecture, each.reader.sha256()) for each in pair)
    return MergePlan(
        inputs=(one, two),
        output_name=str(pair[0].reader.name.with_platforms(label.platforms)),
        platforms=label.platforms,
        joined=tuple(decisions.joined),
        preferred=tuple(decisions.preferred),
        one_sided=tuple(decisions.one_sided),
        uncounted=tuple(decisions.uncounted),
        left_out=tuple(decisions.left_out),
        sboms=tuple(decisions.sboms),
        notices=tuple(dict.fromkeys((*warnings, *label.notices, *_of_uncounted(decisions)))),
    )


def _of_uncounted(decisions: Decisions) -> Iterator[str]:
    one_sided = {choice.member: choice.architecture for choice in decisions.one_sided}
    for member in decisions.uncounted:
        yield f"{member} is there for {one_sided[member]} alone; the label does not count it"


def _require_distinct_names(pair: Pair, decisions: Decisions) -> None:
    """Raise RefusedError when members of the two wheels cannot stand in one wheel, as when only their case differs."""
    left_out = {choice.member for choice in decisions.left_out}
    every = dict.fromkeys((*pair[0].reader.files(), *pair[1].reader.files()))
    names = [name for name in every if name not in left_out]
    try:
        check_names(names, lambda index: names[index])
    except InvalidArchiveError as error:
        raise RefusedError(f"cannot stand in one wheel: {error.what}", where=error.where) from error


def _label(pair: Pair, decisions: Decisions, options: MergeOptions) -> tuple[MacLabel, tuple[str, ...]]:
    """Return the name that the evidence gives, true for both architectures, and what else to say of the files."""
    first, second = (source.reader for source in pair)
    current = (*first.name.platform, *second.name.platform)
    wheel = NewWheel(
        first.name.with_platforms(current),
        first.data_dir,
        decisions.files,
        frozenset(pair[0].analysis.modules) | frozenset(pair[1].analysis.modules),
    )
    analysis = resliced(wheel, nothing_but(options.exclude))
    require_used_excludes(analysis)
    verdict = uncounting(judge_macos(analysis), decisions.uncounted)
    label = decide_macos_label(
        verdict,
        current=current,
        plat=options.plat,
        only_plat=True,
        deployment_target=options.deployment_target,
        require_archs=ARCHITECTURES,
    )
    if {name for name, _ in label.minimum} != set(ARCHITECTURES):
        hint = "such as macosx_11_0_universal2"
        raise UsageError("the new wheel is for x86_64 and arm64, and its tags say so", where="--plat", hint=hint)
    require_true(verdict, label.platforms)
    return label, verdict.warnings


def apply_merge(pair: Pair, plan: MergePlan, directory: Path, options: MergeOptions) -> Merged:
    """Do what the plan says and return where the wheel is.

    Raises RefusedError when the wheels are not the planned ones, ToolError when the result is not what was planned,
    and OutputError when it cannot be written. In each case the directory is as before.
    """
    first, second = (source.reader for source in pair)
    for reader, item in zip((first, second), plan.inputs, strict=True):
        require_planned(reader, item.name, item.sha256)
    changes = _changes(first, second, plan)
    with stage(first, changes, directory, jobs=options.jobs) as staged:
        confirm(staged, plan.output_name, options.exclude, plan.uncounted, options.jobs)
        path = staged.publish(plan.output_name, force=options.force)
        notices = (*plan.notices, *staged.notices)
    return Merged(plan, path, first.size() + second.size(), path.stat().st_size, notices)


def _changes(first: WheelReader, second: WheelReader, plan: MergePlan) -> Changes:
    """Return what the new wheel has otherwise than the first."""
    readers = dict(zip(ARCHITECTURES, (first, second), strict=True))
    preferred = {choice.member: choice.architecture for choice in plan.preferred}
    put = []
    for member in plan.joined:
        order = (second, first) if preferred.get(member) == ARCHITECTURES[1] else (first, second)
        put.append(_joined_member(first, order, member))
    taken = [*plan.one_sided, *(choice for choice in plan.preferred if choice.member not in plan.joined)]
    put += [_copied(second, first, choice.member) for choice in taken if readers[choice.architecture] is second]
    removed = {choice.member for choice in plan.left_out if readers[choice.architecture] is first}
    put.append(wheel_member(first, first.name.with_platforms(plan.platforms)))
    bills, gone = _sboms(readers, plan)
    by_name = {member.name: member for member in (*put, *bills)}
    return Changes(tuple(by_name.values()), frozenset(removed | gone))


def _joined_member(first: WheelReader, order: tuple[WheelReader, WheelReader], member: str) -> NewMember:
    """Return a member that is joined and verified when it is written. order: the one whose slices win comes first."""
    size = sum(reader.entries[member].size for reader in order)
    return NewMember(member, Pending(size, partial(_joined, order, member)), first.permissions(member))


def _joined(order: tuple[WheelReader, WheelReader], member: str) -> bytes:
    from truewheel.bundler.macho_check.universal import verify_fat

    one, two = (reader.view(member) for reader in order)
    content = joined(one, two, member)
    if content not in (one, two):
        slices = {piece.cpu: piece.content for view in (two, one) for piece in pieces(view, member)}
        verify_fat(content, slices, member)
    return content


def _copied(source: WheelReader, first: WheelReader, member: str) -> NewMember:
    """Return a member of the second wheel, with the mode that the first one has for it, if it has it."""
    mode = (first if member in first.entries else source).permissions(member)
    return NewMember(member, Pending(source.entries[member].size, partial(source.read, member)), mode)


def _sboms(readers: dict[str, WheelReader], plan: MergePlan) -> tuple[list[NewMember], set[str]]:
    """Return the bills of materials as they stand in the new wheel, and the names that go because of it."""
    first = readers[ARCHITECTURES[0]]
    two_of_it = {item.member for item in plan.sboms}
    homes = {name: (reader, name) for reader in reversed(readers.values()) for name in sboms(reader)}
    left_out = {choice.member for choice in plan.left_out}
    homes = {name: home for name, home in homes.items() if name not in two_of_it | left_out}
    homes |= {item.new_member: (readers[item.architecture], item.member) for item in plan.sboms}
    made = []
    for name, (reader, member) in homes.items():
        content = before = reader.read(member)
        for each in readers.values():
            content = with_file_name(content, each.path.name, plan.output_name)
        if content != before or name not in first.entries:
            made.append(NewMember(name, content, reader.permissions(member)))
    return made, two_of_it & first.entries.keys()
