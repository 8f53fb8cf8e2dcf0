"""The conductor of thinning: of a wheel for several architectures of Mac, one for one of them.

Every fat file becomes its one slice, byte for byte; files for other architectures alone go. As in a repair, everything
that can be refused is refused while planning; then the new wheel is written in one pass, read back, judged, and only
then named.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from truewheel.analyzer.macho.analyze import analyze_macho
from truewheel.analyzer.macho.image import FileType
from truewheel.analyzer.macho.reader import is_macho, read_macho
from truewheel.analyzer.macho.resliced import NewWheel, resliced
from truewheel.analyzer.search_options import require_used_excludes
from truewheel.archive.names import WheelName
from truewheel.archive.reader import WheelReader
from truewheel.archive.sboms import renamed_sboms, sboms
from truewheel.archive.writer import Changes, NewMember, Pending, copy_unchanged, stage
from truewheel.bundler.macho.universal import HEAD, pieces, thinned
from truewheel.errors import RefusedError, UsageError
from truewheel.macos_proof import (
    confirm,
    nothing_but,
    require_macos,
    require_planned,
    require_true,
    wheel_member,
)
from truewheel.platforms.macos.facts import mac_facts
from truewheel.platforms.macos.judge import judge_macos
from truewheel.retagger.macos_evidence import decide_macos_label
from truewheel.retagger.macos_tags import MacTag, coverage, parse_mac_tag

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.analyzer.macho.image import MachoFile
    from truewheel.archive.writer import StagedWheel
    from truewheel.platforms.macos.verdict import MacVerdict
    from truewheel.retagger.macos_evidence import MacLabel

SCHEMA = "truewheel.thin-plan/1"


@dataclass(frozen=True, slots=True)
class ThinOptions:
    """What a caller may choose about thinning.

    exclude: patterns of libraries that something else than the wheel provides. jobs: how many threads work at once.
    """

    exclude: tuple[str, ...] = ()
    force: bool = False
    jobs: int = 1

    def __post_init__(self) -> None:
        """Refuse what has no meaning with a UsageError."""
        if self.jobs < 1:
            raise UsageError("at least one thread must work", where="--jobs")


@dataclass(frozen=True, slots=True)
class ThinPlan:
    """What thinning would do, before anything is written. Members stand in the order of the wheel.

    input_name: the wheel's file name; input_sha256: hex digest of the whole file.
    output_name: the new file name. platforms: its platform tags, sorted.
    thinned: fat members that become one slice. dropped: members without the architecture, which nothing of it needs.
    rewrites_metadata: whether WHEEL must change. exclude: patterns of libraries that something else provides.
    notices: sentences for the user.
    """

    input_name: str
    input_sha256: str
    architecture: str
    output_name: str
    platforms: tuple[str, ...]
    thinned: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    rewrites_metadata: bool = False
    exclude: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    schema: str = SCHEMA

    @property
    def changes_nothing(self) -> bool:
        """Whether the new wheel would be the old one, byte for byte."""
        return not (self.rewrites_metadata or self.thinned or self.dropped)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as values that the json module writes."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: object) -> ThinPlan:
        """Return the plan that `to_json` gave; raise InvalidInputError for anything else."""
        from truewheel.plain_data import plan_from

        return plan_from(cls, data, SCHEMA)

    def identified(self, _: WheelReader) -> ThinPlan:
        """Return the plan with the digest of its input, which it always has."""
        return self


class Thinned(NamedTuple):
    """One finished thinning: the plan, the wheel it wrote, and both sizes in bytes.

    notices: the sentences of the plan, and what was learnt while the wheel was written.
    """

    plan: ThinPlan
    path: Path
    size_before: int
    size_after: int
    notices: tuple[str, ...] = ()


def thin_wheel(wheel: Path, architecture: str, directory: Path, options: ThinOptions | None = None) -> Thinned:
    """Make a wheel for one architecture in `directory`, which is made when it is not there.

    A wheel that is for this architecture alone already is copied byte for byte. Raises RefusedError, with every file
    that stands in the way, when the wheel cannot be used with the architecture; UsageError for one that no tag knows;
    InvalidInputError for a wheel that cannot be read. Nothing is written then.
    """
    options = options or ThinOptions()
    with WheelReader.open(wheel) as reader:
        return apply_thin(reader, plan_thin(reader, architecture, options), directory, options)


class _Shares(NamedTuple):
    """How each Mach-O member of a wheel stands to one architecture. lost: slices of its close relatives that go."""

    kept: dict[str, MachoFile]
    thinned: tuple[str, ...]
    dropped: tuple[str, ...]
    lost: tuple[str, ...]


def require_architecture(wanted: str) -> None:
    """Raise UsageError for what is no architecture of macOS."""
    if wanted not in mac_facts().floors:
        names = ", ".join(mac_facts().floors)
        raise UsageError(f"{wanted!r} is no architecture that a tag knows", where="--arch", hint=f"one of {names}")


def plan_thin(reader: WheelReader, wanted: str, options: ThinOptions) -> ThinPlan:
    """Return what thinning an open wheel would do. Nothing is written. Raises as `thin_wheel` does."""
    require_architecture(wanted)
    require_macos(reader)
    analysis = analyze_macho(reader, nothing_but(options.exclude), jobs=options.jobs)
    require_used_excludes(analysis)
    shares = _shares(reader, analysis, wanted)
    verdict = _verdict(reader, analysis, shares, wanted, options)
    label = _label(reader.name.platform, verdict, wanted)
    require_true(verdict, label.platforms)
    name = reader.name
    if set(label.platforms) != set(name.platform):
        name = name.with_platforms(label.platforms)
    return ThinPlan(
        input_name=reader.path.name,
        input_sha256=reader.sha256(),
        architecture=wanted,
        output_name=str(name),
        platforms=name.platform,
        thinned=shares.thinned,
        dropped=shares.dropped,
        rewrites_metadata=name != reader.name or reader.wheel.tags != name.tags or reader.wheel.root_is_purelib,
        exclude=options.exclude,
        notices=tuple(dict.fromkeys((*verdict.warnings, *label.notices, *shares.lost, *_listed(reader, shares)))),
    )


def _shares(reader: WheelReader, analysis: MachoAnalysis, wanted: str) -> _Shares:
    """Sort the Mach-O members; raise RefusedError naming every module and program without the architecture."""
    kept: dict[str, MachoFile] = {}
    fat: list[str] = []
    dropped: list[str] = []
    lost: list[str] = []
    needed: list[str] = []
    for name, file in _machos(reader, analysis):
        if file.slice_for(wanted):
            kept[name] = file
            if file.fat:
                fat.append(name)
            lost += (
                f"{name}: its {item.architecture} slice goes too, which no tag speaks of"
                for item in file.slices
                if item.architecture != wanted and item.architecture.startswith(wanted)
            )
        elif name in analysis.modules or any(item.file_type in _NEEDED for item in file.slices):
            needed.append(f"{name} has no {wanted} slice, only {' and '.join(file.architectures)}")
        else:
            dropped.append(name)
    if needed:
        raise RefusedError(
            f"cannot be used with {wanted}",
            where=reader.path.name,
            reasons=tuple(needed),
            hint="build every extension module and program for each of its architectures",
        )
    return _Shares(kept, tuple(fat), tuple(dropped), tuple(lost))


_NEEDED = frozenset({FileType.EXECUTABLE, FileType.BUNDLE})
"""What is opened by itself, so that nobody else in the wheel can tell whether it is needed."""


def _machos(reader: WheelReader, analysis: MachoAnalysis) -> Iterator[tuple[str, MachoFile]]:
    """Yield every Mach-O member in archive order, those that dyld does not map too."""
    for name in reader.files():
        node = analysis.graph.nodes.get(name)
        if node is not None:
            yield name, node.file
        elif not reader.entries[name].is_symlink and is_macho(reader.head(name, HEAD)):
            yield name, read_macho(reader.view(name), name)


def _verdict(
    reader: WheelReader, analysis: MachoAnalysis, shares: _Shares, wanted: str, options: ThinOptions
) -> MacVerdict:
    """Return what may be said of the slices that stay."""
    loaded = {name: file for name, file in shares.kept.items() if name in analysis.graph.nodes}
    slices = {name: tuple(item for item in file.slices if item.architecture == wanted) for name, file in loaded.items()}
    wheel = NewWheel(reader.name, reader.data_dir, slices, frozenset(analysis.modules))
    return judge_macos(resliced(wheel, nothing_but(options.exclude)))


def _label(current: tuple[str, ...], verdict: MacVerdict, wanted: str) -> MacLabel:
    """Return the present name's promise for the architecture where it is true, else what the evidence gives."""
    tags = [tag for text in current if (tag := parse_mac_tag(text))]
    claimed = coverage(tags).get(wanted)
    truth = verdict.truth_of(wanted)
    newest = max((floor.minimum_os for floor in truth.floors), default=None) if truth else None
    holds = claimed is not None and newest is not None and newest <= (*claimed, 0)
    if claimed is not None and {name for tag in tags for name in tag.architectures} != {wanted}:
        current = (str(MacTag(claimed, wanted)),)
    return decide_macos_label(
        verdict, current=current, deployment_target=claimed if holds else None, require_archs=(wanted,)
    )


def _listed(reader: WheelReader, shares: _Shares) -> Iterator[str]:
    """Yield the bills of materials that speak of files that go."""
    for bill in sboms(reader):
        content = reader.read(bill)
        gone = [name for name in shares.dropped if name.encode() in content]
        if gone:
            more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
            yield f"{bill} still lists {gone[0]}{more}, which the new wheel has no more"


def apply_thin(reader: WheelReader, plan: ThinPlan, directory: Path, options: ThinOptions) -> Thinned:
    """Do what the plan says and return where the wheel is.

    Raises RefusedError when the wheel is not the planned one, ToolError when the result is not what was planned, and
    OutputError when it cannot be written. In each case the directory is as before.
    """
    require_planned(reader, plan.input_name, plan.input_sha256)
    size_before = reader.size()
    if plan.changes_nothing:
        path = copy_unchanged(reader, directory, force=options.force)
        return Thinned(plan, path, size_before, size_before, plan.notices)
    with stage_thin(reader, plan, directory, options.jobs) as staged:
        path = staged.publish(plan.output_name, force=options.force)
        notices = (*plan.notices, *staged.notices)
    return Thinned(plan, path, size_before, path.stat().st_size, notices)


@contextmanager
def stage_thin(reader: WheelReader, plan: ThinPlan, directory: Path, jobs: int = 1) -> Iterator[StagedWheel]:
    """Write the new wheel to a temporary file in `directory` and verify it; whether to publish is up to the block.

    The plan must be this wheel's, and one that changes something. Raises as `apply_thin` does.
    """
    with stage(reader, _changes(reader, plan), directory, jobs=jobs) as staged:
        confirm(staged, plan.output_name, plan.exclude, (), jobs)
        yield staged


def _changes(reader: WheelReader, plan: ThinPlan) -> Changes:
    put = [
        NewMember(
            member,
            Pending(reader.entry(member).size, partial(_slice, reader, member, plan.architecture)),
            reader.permissions(member),
        )
        for member in plan.thinned
    ]
    put.append(wheel_member(reader, WheelName.parse(plan.output_name)))
    put += renamed_sboms(reader, plan.input_name, plan.output_name)
    return Changes(tuple(put), frozenset(plan.dropped))


def _slice(reader: WheelReader, member: str, wanted: str) -> bytes:
    """Return one slice of a fat member, verified."""
    from truewheel.bundler.macho_check.universal import verify_slice

    content = reader.view(member)
    found = bytes(thinned(content, wanted, member))
    cpu = next(piece.cpu for piece in pieces(content, member) if piece.architecture == wanted)
    verify_slice(content, cpu, found, member)
    return found
