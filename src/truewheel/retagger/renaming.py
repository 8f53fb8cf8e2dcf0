"""From a caller's wishes to the new name of a wheel. Whether the name is true is judged elsewhere."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from truewheel.archive.names import expand_tags
from truewheel.errors import RefusedError, UsageError
from truewheel.retagger.axes import Axis, applied, named_by
from truewheel.retagger.retag_options import Trust

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truewheel.archive.names import WheelName
    from truewheel.archive.reader import WheelReader
    from truewheel.platforms.own_policy import OwnPolicy
    from truewheel.platforms.verdict import Reason
    from truewheel.retagger.proof import Proof
    from truewheel.retagger.retag_options import RetagOptions

_WHAT_HELPS = "`truewheel show` says what stands against each"
_REPAIR = "; `truewheel repair` may mend it"
_ELSEWHERE = "; --exclude names what another package provides"
_SHOWN = 8
"""How many of the reasons against each tag are told."""


class Evidence:
    """What the machine code of one wheel proves, found out when it is first asked for."""

    def __init__(
        self, reader: WheelReader, jobs: int, own: OwnPolicy | None = None, *, exclude: tuple[str, ...] = ()
    ) -> None:
        """Read nothing yet. own: a policy of the user's own.

        exclude: patterns of libraries that something else than the wheel provides.
        """
        self._exclude = exclude
        self._reader = reader
        self._jobs = jobs
        self._own = own
        self.kept: tuple[str, ...] = ()
        """The wheel's own platform tags that `widest` gave back because nothing here judges them."""
        self.notices: tuple[str, ...] = ()
        """What `widest` has to say of code that it found no tag for."""

    @cached_property
    def proof(self) -> Proof:
        """The proof for the wheel as it will be: machine code in its root makes it a platlib wheel."""
        from truewheel.retagger.proof import prove

        return prove(self._reader, jobs=self._jobs, own=self._own, exclude=self._exclude).once_platlib()

    @property
    def is_read(self) -> bool:
        """Whether somebody asked for the proof already."""
        return "proof" in self.__dict__

    def remarks(self, platforms: Sequence[str]) -> tuple[str, ...]:
        """Return what to say of the libraries that the user excludes, and of slices that seem to lack some.

        Nothing unless the machine code was read. platforms: the tags that are written.
        """
        if not self.is_read:
            return ()
        from truewheel.retagger.given_libraries import remarks
        from truewheel.retagger.resting import suspects

        return (*remarks(self.proof.given, self.proof.unused), *suspects(self.proof, platforms))

    @cached_property
    def native(self) -> bool:
        """Whether the wheel holds machine code; finding out reads the first bytes of its files at most."""
        if "proof" in self.__dict__:
            return self.proof.native
        from truewheel.retagger.machine_code import holds_machine_code

        return holds_machine_code(self._reader)

    def widest(self) -> tuple[str, ...]:
        """Return the platform tags that the machine code proves; raise RefusedError when there are none.

        Of files for Linux, a policy of the user's own decides alone. A wheel for a system whose machine code is not
        judged keeps its own, unless something contradicts one; so does one that takes the fitting of several programs
        when it runs, unless tags for all of them are proved.
        """
        from truewheel.platforms.systems import System, system_of

        own = self._reader.name.platform
        if self.proof.chosen and not self.proof.native:
            return own  # for which systems such files are chosen, nothing here tells
        others = [tag for tag in own if system_of(tag) in {System.IOS, System.OTHER} and not self.proof.decider(tag)]
        against = {tag: self.proof.against(tag) for tag in others}
        if self.proof.native and len(against) == len(set(own)) and not any(against.values()):
            self.kept = tuple(tag for tag, reasons in against.items() if reasons is None)
            return own
        tags = self.proof.widest(own)
        if self.proof.own is not None:
            elsewhere = [tag for tag in tags if system_of(tag) is not System.LINUX]
            tags = tuple(sorted({*self._own_tags(), *elsewhere}))
        unnamed = self.proof.unnamed(tags) if self.proof.own is None else ()
        if unnamed and self.proof.machines:
            systems = ", ".join(self.proof.machines)
            self.notices = (f"{'.'.join(own)} stays: the wheel takes code for one of {systems} when it runs",)
            return own
        if tags:
            self.notices = tuple(f"no platform tag is proved by the code for {system}" for system in unnamed)
            return tags
        from truewheel.platforms.verdict import sentences

        reasons = [*self.proof.against_any()]
        reasons += [reason for tag in self._reader.name.platform for reason in self.proof.against(tag) or ()]
        told = [f"{file.member} is a Windows file, which is not judged" for file in self.proof.windows]
        raise RefusedError(
            "the machine code proves no platform tag",
            where=self._reader.path.name,
            hint=_WHAT_HELPS + _more_help(reasons),
            reasons=tuple(dict.fromkeys((*sentences(reasons), *told)))[:_SHOWN],
        )

    def _own_tags(self) -> tuple[str, ...]:
        """Return the tags that the user's own policy gives; raise RefusedError when the wheel does not keep it."""
        tags = self.proof.own_tags()
        if tags or self._own is None:
            return tags
        from truewheel.platforms.verdict import sentences
        from truewheel.retagger.own_advice import advice

        reasons = self.proof.against_policy()
        raise RefusedError(
            f"does not keep the policy {self._own.name}",
            where=self._reader.path.name,
            hint=advice(self.proof, reasons),
            reasons=sentences(reasons),
        )


def _more_help(reasons: Sequence[Reason]) -> str:
    """Return what else helps against some of the reasons, as the rest of a sentence."""
    from truewheel.platforms.verdict import LIBRARY_RULES, Rule

    mended = LIBRARY_RULES | {Rule.EXECUTABLE_STACK}  # where libraries are found, and with an option
    mendable = any(item.mendable or item.rule in mended for item in reasons)
    elsewhere = any(item.rule is Rule.MISSING_LIBRARY for item in reasons)
    return (_REPAIR if mendable else "") + (_ELSEWHERE if elsewhere else "")


class Renaming(NamedTuple):
    """A new name.

    asked: platform tags that the caller named. exact: those of them that must be proved, whoever vouches for them.
    notices: sentences for the user.
    """

    name: WheelName
    asked: frozenset[str]
    exact: frozenset[str]
    notices: tuple[str, ...]


def renamed(reader: WheelReader, options: RetagOptions, evidence: Evidence) -> Renaming:
    """Return the new name of a wheel.

    Raises RefusedError when no tag of an axis would be left, or WHEEL is believed and says what no file name can;
    UsageError for tags that no installer looks for together, and for profiles that do not exist.
    """
    base = _believed(reader, options, evidence)
    axes = {Axis.PYTHON: base.python, Axis.ABI: base.abi, Axis.PLATFORM: base.platform}
    notices = [f"{text} was written in lower case" for text in options.lowered()]
    for axis, present in axes.items():
        operations = options.operations(axis)
        notices += _absent(axis, present, operations)
        axes[axis] = applied(present, operations, evidence.widest)
    profiled = _profiled(options, axes[Axis.PLATFORM], evidence)
    notices += profiled.notices
    axes[Axis.PLATFORM] = _with_aliases(profiled.platforms, legacy=options.legacy_aliases)
    _require_tags(reader, axes)
    notices += evidence.notices
    notices += [f"{tag} was taken as given: nothing here tells whether it is true" for tag in evidence.kept]
    name = reader.name
    name = name._replace(
        build=base.build if options.build is None else options.build,
        python=_arranged(axes[Axis.PYTHON], name.python, options),
        abi=_arranged(axes[Axis.ABI], name.abi, options),
        platform=_arranged(axes[Axis.PLATFORM], name.platform, options),
    )
    _require_partners(reader, name, evidence)
    asked = named_by(options.operations(Axis.PLATFORM), evidence.widest)
    if options.trust is not Trust.FILENAME:
        asked |= frozenset(base.platform)
    asked |= profiled.exact
    exact = profiled.exact
    if options.own_policy:
        from truewheel.platforms.systems import of_own_policy

        exact |= of_own_policy(options.own_policy, asked)  # whatever the wheel is called now
    return Renaming(name, asked, exact, tuple(notices))


def _believed(reader: WheelReader, options: RetagOptions, evidence: Evidence) -> WheelName:
    """Return the wheel's name as what is trusted says it."""
    name = reader.name
    if options.trust is Trust.BINARIES:
        return name.with_platforms(evidence.widest())
    if options.trust is Trust.FILENAME:
        return name
    tags = reader.wheel.tags
    if not tags:
        raise RefusedError("the WHEEL file names no tag", where=reader.path.name, hint="trust the file name")
    parts = [tuple(sorted(set(part))) for part in zip(*(tag.split("-") for tag in tags), strict=True)]
    python, abi, platform = parts
    if expand_tags(python, abi, platform) != tags:
        raise RefusedError(
            "the WHEEL file names tags that are not all combinations, and a file name can say nothing else",
            where=reader.path.name,
            reasons=tags,
            hint="trust the file name, or name the tags",
        )
    return name._replace(build=reader.wheel.build, python=python, abi=abi, platform=platform)


def _absent(axis: Axis, present: Sequence[str], operations: Sequence[object]) -> list[str]:
    """Return a notice for each tag that is to be removed and is not there."""
    found = []
    for operation in operations:
        text = str(operation)
        if text.startswith("-"):
            found += [f"{axis.option} -{tag}: no such tag" for tag in text[1:].split(".") if tag not in present]
    return found


class _Profiled(NamedTuple):
    platforms: tuple[str, ...]
    exact: frozenset[str]
    notices: list[str]


def _profiled(options: RetagOptions, platforms: tuple[str, ...], evidence: Evidence) -> _Profiled:
    """Return the platform tags with those that each profile adds."""
    if not options.profiles:
        return _Profiled(platforms, frozenset(), [])
    from truewheel.retagger.profiles import profiles

    found = dict.fromkeys(platforms)
    exact: set[str] = set()
    notices = []
    for item in profiles(options.profiles, options.profile_file):
        apt = [tag for tag in item.names if _concerns(tag, platforms)]
        maybe = [tag for tag in item.also if _concerns(tag, platforms) and tag not in found]
        true = [tag for tag in maybe if not evidence.proof.against(tag)]
        notices += [f"{tag} is not added for {item.name}: it is not true" for tag in maybe if tag not in true]
        implied = item.implied(found)
        if not (apt or maybe or implied):
            notices.append(f"the profile {item.name} adds nothing to {'.'.join(platforms)}")
        exact.update(apt)
        found |= dict.fromkeys((*apt, *true, *implied))
    return _Profiled(tuple(found), frozenset(exact), notices)


def _concerns(tag: str, platforms: Sequence[str]) -> bool:
    """Whether a profile's name is about an architecture and a system that the wheel has."""
    if not tag.startswith("macosx_"):
        return tag.partition("_")[0] in {platform.partition("_")[0] for platform in platforms}
    from truewheel.retagger.macos_tags import parse_mac_tag

    here = [parsed for text in platforms if (parsed := parse_mac_tag(text))]
    there = parse_mac_tag(tag)
    mine = {name for parsed in here for name in parsed.architectures}
    return there is not None and not mine.isdisjoint(there.architectures)


def _with_aliases(platforms: tuple[str, ...], *, legacy: bool | None) -> tuple[str, ...]:
    """Return platform tags with the older names of their promises, or without."""
    if legacy is None:
        return platforms
    from truewheel.retagger.tags import parse_platform, spellings

    if legacy:
        return tuple(dict.fromkeys(name for tag in platforms for name in (tag, *spellings(tag))))
    return tuple(dict.fromkeys(str(parse_platform(tag) or tag) for tag in platforms))


def _require_tags(reader: WheelReader, axes: dict[Axis, tuple[str, ...]]) -> None:
    for axis, tags in axes.items():
        if not tags:
            hint = f"{axis.option} TAG says what the wheel is called instead"
            raise RefusedError(f"no {axis.value} tag would be left", where=reader.path.name, hint=hint)


def _arranged(tags: tuple[str, ...], present: tuple[str, ...], options: RetagOptions) -> tuple[str, ...]:
    """Return tags in the order of the new name; another order alone is no other name unless it is asked for."""
    if not options.normalize and set(tags) == set(present):
        return tuple(dict.fromkeys(present))
    if options.keep_order:
        old = [tag for tag in present if tag in tags]
        return tuple(dict.fromkeys((*old, *tags)))
    return tuple(sorted(set(tags)))


def _require_partners(reader: WheelReader, name: WheelName, evidence: Evidence) -> None:
    """Raise UsageError for a new Python, ABI or platform tag that goes with none of another axis."""
    old = reader.name
    _require_platform(reader, name, evidence)
    if (set(old.python), set(old.abi)) == (set(name.python), set(name.abi)):
        return
    from truewheel.retagger.known_tags import go_together

    lonely = [tag for tag in name.python if not any(go_together(tag, abi) for abi in name.abi)]
    lonely += [tag for tag in name.abi if not any(go_together(python, tag) for python in name.python)]
    if lonely:
        pair = f"{'.'.join(name.python)}-{'.'.join(name.abi)}"
        hint = "give --python-tag and --abi-tag together; the ABI of code that needs none is `none`"
        raise UsageError(f"no installer looks for {lonely[0]} in {pair}", where=reader.path.name, hint=hint)


def _require_platform(reader: WheelReader, name: WheelName, evidence: Evidence) -> None:
    """Raise UsageError for an ABI that no installer looks for with `any`; of machine code `any` is not true anyhow."""
    old = reader.name
    if "any" not in name.platform or (set(old.abi), set(old.platform)) == (set(name.abi), set(name.platform)):
        return
    from truewheel.retagger.known_tags import without_platform

    lonely = without_platform(name.abi, name.platform)
    if lonely and not evidence.native:
        triple = "-".join(".".join(part) for part in (name.python, name.abi, name.platform))
        hint = f"{Axis.ABI.option} none says that any machine will do"
        raise UsageError(f"no installer looks for {lonely} in {triple}", where=reader.path.name, hint=hint)
