"""What a repair would do, as plain data; nothing is touched while it is made.

A plan can be written as JSON, read back, and applied later: it names its input by content, and everything else in it
follows from the input and the options.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from truewheel.plain_data import plain, plan_from
from truewheel.platforms.own_policy import OwnPolicy  # noqa: TC001 - looked up when a plan is read

if TYPE_CHECKING:
    from truewheel.archive.reader import WheelReader

SCHEMA = "truewheel.repair-plan/1"


class LibraryCopy(NamedTuple):
    """One library that comes along.

    source: its absolute path on this machine, symbolic links resolved.
    name: what the files that need it call it (its soname, or its file name when it has none).
    member: where it goes in the new wheel.
    sha256: hex digest of the source's content.
    size: bytes of the source.
    """

    source: str
    name: str
    member: str
    sha256: str
    size: int
    build_id: str | None = None


class ElfEdit(NamedTuple):
    """Everything that changes in one ELF file of the new wheel; done in one run.

    member: the file's name in the new wheel.
    source: the member of the old wheel, or the path on this machine, whose content is edited.
    soname: the new DT_SONAME; None leaves it.
    replace_needed: pairs of an old and a new DT_NEEDED name.
    remove_needed: DT_NEEDED names to drop.
    rpath: the new DT_RPATH, entries joined by `:`; empty removes DT_RPATH and DT_RUNPATH; None leaves both.
    """

    member: str
    source: str
    soname: str | None = None
    replace_needed: tuple[tuple[str, str], ...] = ()
    remove_needed: tuple[str, ...] = ()
    rpath: str | None = None
    clear_executable_stack: bool = False
    strip: bool = False

    @property
    def changes_anything(self) -> bool:
        """Whether the edit asks for any change at all."""
        return self.changes_dynamic or self.strip

    @property
    def changes_dynamic(self) -> bool:
        """Whether the edit asks for a change that a loader sees."""
        return bool(
            self.soname is not None
            or self.replace_needed
            or self.remove_needed
            or self.rpath is not None
            or self.clear_executable_stack
        )


class SliceEdit(NamedTuple):
    """What changes in the load commands of one slice.

    architecture: as `lipo` spells it.
    install_name: the new LC_ID_DYLIB name; None leaves it.
    rename: pairs of an old and a new name of a library, for every dylib command with that name.
    remove: names of libraries whose commands are dropped.
    delete_rpaths: LC_RPATH entries to drop, every occurrence. add_rpaths: entries to append.
    sign: whether the slice has no signature and is to get one, whatever else changes.
    """

    architecture: str
    install_name: str | None = None
    rename: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()
    delete_rpaths: tuple[str, ...] = ()
    add_rpaths: tuple[str, ...] = ()
    sign: bool = False

    @property
    def changes_anything(self) -> bool:
        """Whether the slice changes at all."""
        return self.install_name is not None or bool(
            self.rename or self.remove or self.delete_rpaths or self.add_rpaths or self.sign
        )


class MachoEdit(NamedTuple):
    """Everything that changes in one Mach-O file of the new wheel.

    member: the file's name in the new wheel.
    source: the member of the old wheel, or the path on this machine, whose content is edited.
    slices: only those that change; the others keep their bytes.
    """

    member: str
    source: str
    slices: tuple[SliceEdit, ...] = ()
    keep_runtime: bool = True
    """Whether a signature made anew keeps the hardened runtime that the old one asked for."""

    @property
    def changes_anything(self) -> bool:
        """Whether any slice changes."""
        return any(item.changes_anything for item in self.slices)


class Launcher(NamedTuple):
    """An executable of `.data/scripts` that moves beside the packages, and the script that takes its place.

    script: the member that becomes a launcher.
    executable: the member that the executable moves to.
    """

    script: str
    executable: str


class DroppedPath(NamedTuple):
    """An RPATH or RUNPATH entry that leads out of the wheel and is removed."""

    member: str
    entry: str


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """A whole repair.

    input_name: the wheel's file name; input_sha256: hex digest of the whole file.
    output_name: the new file name.
    platforms: the platform tags of the new name, sorted.
    policy: the policy that decides what is bundled; None when the label promises nothing.
    rewrites_metadata: whether WHEEL must change, because of the name or because it contradicts the name.
    excluded: needed names that stay outside on the caller's wish.
    notices: sentences for the user.
    sbom: whether a bill of materials and licence texts of the libraries are added.
    own_policy: the policy of the user's own that `policy` names; None when it names a known one.
    """

    input_name: str
    input_sha256: str
    output_name: str
    platforms: tuple[str, ...]
    policy: str | None
    rewrites_metadata: bool
    libraries: tuple[LibraryCopy, ...] = ()
    edits: tuple[ElfEdit, ...] = ()
    macho_edits: tuple[MachoEdit, ...] = ()
    launchers: tuple[Launcher, ...] = ()
    dropped_paths: tuple[DroppedPath, ...] = ()
    excluded: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    sbom: bool = True
    own_policy: OwnPolicy | None = None
    schema: str = SCHEMA

    @property
    def changes_nothing(self) -> bool:
        """Whether the new wheel would be the old one, byte for byte."""
        return not (self.rewrites_metadata or self.libraries or self.edits or self.macho_edits or self.launchers)

    def identified(self, _: WheelReader) -> RepairPlan:
        """Return the plan with the digest of its input, which it always has."""
        return self

    @classmethod
    def of(cls, reader: WheelReader, platforms: tuple[str, ...]) -> RepairPlan:
        """Return the plan that only names the wheel by these platform tags; the same ones keep their order."""
        name = reader.name
        if set(platforms) != set(name.platform):
            name = name.with_platforms(platforms)
        believed = "the WHEEL file and the file name disagree about the tags; the file name is believed"
        return cls(
            input_name=reader.path.name,
            input_sha256=reader.sha256(),
            output_name=str(name),
            platforms=name.platform,
            policy=None,
            rewrites_metadata=(
                str(name) != reader.path.name or reader.wheel.tags != name.tags or reader.wheel.root_is_purelib
            ),
            notices=() if reader.wheel.tags == reader.name.tags else (believed,),
        )

    @classmethod
    def unchanged(cls, reader: WheelReader, notices: tuple[str, ...] = ()) -> RepairPlan:
        """Return the plan to leave the wheel as it is, even where its metadata contradicts its name."""
        plan = cls.of(reader, reader.name.platform)
        return replace(plan, rewrites_metadata=False, notices=notices)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as values that the json module writes."""
        values: dict[str, Any] = plain(self)
        return values

    @classmethod
    def from_json(cls, data: object) -> RepairPlan:
        """Return the plan that `to_json` gave; raise InvalidInputError for anything else."""
        return plan_from(cls, data, SCHEMA)
