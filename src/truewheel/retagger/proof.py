"""What the machine code of one wheel proves about platform tags, whatever system it is for.

A wheel is read as it stands: nothing outside it is looked at, and nothing is mended.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from truewheel.analyzer.search_options import SearchOptions
from truewheel.platforms.systems import System, system_of
from truewheel.platforms.verdict import Reason, Rule
from truewheel.retagger.given_libraries import given_libraries, unused_excludes
from truewheel.retagger.module_formats import Format, format_of_tag, module_formats, web_modules
from truewheel.retagger.names_platforms import misnamed, named_modules, system_named
from truewheel.retagger.side_by_side import machines_side_by_side
from truewheel.retagger.windows_code import windows_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.archive.reader import WheelReader
    from truewheel.platforms.macos.verdict import MacVerdict
    from truewheel.platforms.own_policy import OwnPolicy
    from truewheel.platforms.verdict import Judgement, Verdict
    from truewheel.retagger.names_platforms import Named
    from truewheel.retagger.windows_code import WindowsFile

_WHOLE_WHEEL = "the wheel"
_GLIBC = "manylinux"
_MZ = b"MZ"
_PROGRAM = ".exe"
"""Launchers: whoever carries one for each machine in a wheel for any machine copies the fitting one."""
_ANDROID = {"arm64_v8a": "aarch64", "armeabi_v7a": "armv7l", "x86_64": "x86_64", "x86": "i686"}
"""How Android calls the architectures that Linux names otherwise (PEP 738)."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The verdicts of both formats; the one of a format that the wheel does not have says nothing.

    linux, macos: what is known of the files that a loader of Linux, or dyld, can map; empty, None without any.
    windows: members that are libraries or programs of Windows, of which only the machine is judged.
    chosen: such members that come for several machines, of which the package takes the fitting one when it runs.
    machines: of a wheel called `any` without extension modules, the several kinds of machines that its code is for.
    web: extension modules for WebAssembly. formats: those of all extension modules.
    named: the extension modules whose names say where they are imported.
    given: needed libraries that the user says something else provides. unused: what the user says so of in vain.
    policy: the user's own, if any: it alone decides about the tags that it gives. own: the verdict by it, on the files
        that a loader of Linux can map; None without any.
    """

    linux: tuple[Verdict, ...]
    macos: MacVerdict | None
    windows: tuple[WindowsFile, ...] = ()
    policy: OwnPolicy | None = None
    own: Verdict | None = None
    chosen: tuple[WindowsFile, ...] = ()
    web: tuple[str, ...] = ()
    formats: frozenset[Format] = frozenset()
    named: tuple[Named, ...] = ()
    given: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Facts that break no promise but that a person should know."""
        warnings = [warning for verdict in self.linux for warning in verdict.warnings]
        return tuple(dict.fromkeys((*warnings, *(self.macos.warnings if self.macos else ()))))

    @property
    def native(self) -> bool:
        """Whether the wheel holds machine code at all."""
        return bool(self.linux or self.macos or self.windows or self.web)

    def against(self, tag: str) -> tuple[Reason, ...] | None:
        """Return what stands against a platform tag; none when it is true, None when it cannot be judged."""
        if architecture := self._own_architecture(tag):
            return self.against_policy(architecture) if self.native else ()
        if system_of(tag) is System.ANY:
            if self.native and not self.machines:
                return (Reason(Rule.ARCHITECTURE, _WHOLE_WHEEL, "holds machine code"),)
            return None if self.machines or self._libraries_to_choose() else ()
        if not self.native:
            return ()
        found = self._against_code(tag)
        if any(reason.file == _WHOLE_WHEEL for reason in found or ()):
            return found
        names = self._elsewhere(tag) or misnamed(self.named, tag)
        return (*names, *(found or ())) if names else found

    def _against_code(self, tag: str) -> tuple[Reason, ...] | None:
        system = system_of(tag)
        if system is System.LINUX:
            return self._against_linux(tag)
        if system in {System.MACOS, System.IOS}:
            return self._against_macos(tag, system)
        return self._against_other(tag)

    def _elsewhere(self, tag: str) -> tuple[Reason, ...]:
        """Return what stands against a tag of a system that the wheel has code for, but none of its modules."""
        wanted = format_of_tag(tag)
        if wanted is None or not self.formats or wanted in self.formats:
            return ()
        here = " and ".join(each.title for each in Format if each in self.formats)
        return (Reason(Rule.ARCHITECTURE, _WHOLE_WHEEL, f"has extension modules for {here} alone"),)

    def _libraries_to_choose(self) -> bool:
        return any(not file.member.endswith(_PROGRAM) for file in self.chosen)

    def decider(self, tag: str) -> str:
        """Return the name of the user's own policy when it decides about a platform tag; else nothing."""
        return self.policy.name if self.policy and self._own_architecture(tag) else ""

    def _own_architecture(self, tag: str) -> str | None:
        if self.policy is None:
            return None
        from truewheel.platforms.linux.policies import own_architecture

        return own_architecture(self.policy, tag)

    def against_policy(self, architecture: str = "") -> tuple[Reason, ...]:
        """Return what stands against the user's own policy, for an architecture or for that of the machine code."""
        if self.own is None:
            return (Reason(Rule.ARCHITECTURE, _WHOLE_WHEEL, f"holds machine code of {self._systems()}, not of Linux"),)
        (here,) = self.own.judgements or (None,)
        if here is not None and architecture in {"", here.policy.architecture}:
            return self._against_libc() or _libraries_joined(here.reasons, self.own.family)
        known = {item.policy.architecture for verdict in (*self.linux, self.own) for item in verdict.judgements}
        named = ", ".join(sorted(known)) or "another architecture"
        wrong = f"not for {architecture}" if here else f"which {self.own.family} is not for"
        return (Reason(Rule.ARCHITECTURE, _WHOLE_WHEEL, f"is machine code for {named}, {wrong}"),)

    def _against_libc(self) -> tuple[Reason, ...]:
        """Return the one reason that says all when the whole wheel is for another C library than the policy has."""
        from truewheel.platforms.linux.policies import base_family
        from truewheel.retagger.evidence import other_libc

        family = base_family(self.policy) if self.policy else ""
        if not family or any(verdict.family == family for verdict in self.linux):
            return ()
        return (Reason(Rule.LIBC, _WHOLE_WHEEL, other_libc(self.linux, family)),)

    def own_tags(self) -> tuple[str, ...]:
        """Return the platform tags that the user's own policy gives; none when it is not kept."""
        kept = self.own.now if self.own else None
        return tuple(sorted(f"{tag}_{kept.architecture}" for tag in kept.own.tags)) if kept and kept.own else ()

    def _against_other(self, tag: str) -> tuple[Reason, ...] | None:
        """Return what stands against a tag of a system whose machine code is not judged.

        Files of Android are ELF too, so a wheel with such files may be for either.
        """
        claimed = system_named(tag)
        if claimed == "Windows" and self.windows:
            return self._against_windows(tag)
        if not claimed or (claimed == "WebAssembly" and self.web):
            return None
        if claimed == "Android" and self._may_be_android(tag):
            if any(verdict.family != _GLIBC for verdict in self.linux):
                return None
            return (Reason(Rule.LIBC, _WHOLE_WHEEL, "is linked against glibc, not against the C library of Android"),)
        detail = f"holds machine code of {self._systems()}, not of {claimed}"
        return (Reason(Rule.ARCHITECTURE, _WHOLE_WHEEL, detail),)

    def _against_windows(self, tag: str) -> tuple[Reason, ...] | None:
        """Return the modules, or else all files, that are for another machine; None when a machine is not known."""
        deciding = [file for file in self.windows if file.is_module] or [*self.windows]
        wrong = [file for file in deciding if file.tag and file.tag != tag]
        if not wrong and any(not file.tag for file in deciding):
            return None
        return tuple(
            Reason(Rule.ARCHITECTURE, file.member, f"is machine code for {file.tag}, not for {tag}") for file in wrong
        )

    def _may_be_android(self, tag: str) -> bool:
        here = {item.policy.architecture for verdict in self.linux for item in verdict.judgements}
        named = next((name for abi, name in _ANDROID.items() if tag.endswith(f"_{abi}")), "")
        return bool(self.linux) and (not here or named in here)

    def against_any(self) -> tuple[Reason, ...]:
        """Return what stands against the architectures that are there, whatever version a platform tag names."""
        newest = [item.reasons for verdict in self.linux for item in verdict.judgements[-1:]]
        kinds = [truth.reasons for truth in self.macos.architectures] if self.macos else []
        return tuple(reason for reasons in (*newest, *kinds) for reason in reasons)

    def once_platlib(self) -> Proof:
        """Return what is proved of the same files in a wheel that no longer calls its root purelib."""
        own = self.own._replace(judgements=_of_platlib(self.own)) if self.own else None
        linux = tuple(verdict._replace(judgements=_of_platlib(verdict)) for verdict in self.linux)
        return replace(self, linux=linux, own=own)

    def _against_linux(self, tag: str) -> tuple[Reason, ...] | None:
        from truewheel.retagger.evidence import reasons_against

        if self.linux:
            return reasons_against(self.linux, tag)
        return (Reason(Rule.ARCHITECTURE, _WHOLE_WHEEL, f"holds machine code of {self._systems()}, not of Linux"),)

    def _against_macos(self, tag: str, system: System) -> tuple[Reason, ...] | None:
        from truewheel.retagger.macos_evidence import mac_reasons_against

        if self.macos is not None:
            return mac_reasons_against(self.macos, tag)
        detail = f"holds machine code of {self._systems()}, not of {system.value}"
        return (Reason(Rule.ARCHITECTURE, _WHOLE_WHEEL, detail),)

    def _systems(self) -> str:
        return " and ".join(self._present())

    def _present(self) -> tuple[str, ...]:
        names = [
            ("Linux", self.linux),
            (self.macos.platform if self.macos else "", self.macos),
            ("Windows", self.windows or (self.machines and self.chosen)),
            ("WebAssembly", self.web),
        ]
        return tuple(name for name, present in names if present)

    def unnamed(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Return the systems that the wheel has code for, but none of the platform tags speaks of.

        Nothing where extension modules say which systems it is for.
        """
        named = {system_named(tag) for tag in tags}
        return () if self.formats else tuple(system for system in self._present() if system not in named)

    def widest(self, present: Iterable[str] = ()) -> tuple[str, ...]:
        """Return the fewest platform tags that say the whole truth; none when no tag is true, or it cannot be judged.

        present: tags that stay where they are true and none of the others says as much.

        Older names of the same promise are carried along, because older installers know only these.
        """
        from truewheel.retagger.tags import ordered

        if not self.native:
            machines = {file.tag for file in self.chosen} if self._libraries_to_choose() else set()
            return ordered(machines - {""}) or ("any",)

        tags = {tag for verdict in self.linux if verdict.now is not None for tag in verdict.now.tags}
        if self.macos is not None and self.macos.platform == "macOS":
            from truewheel.retagger.macos_tags import smallest_set

            tags |= set(map(str, smallest_set(self.macos.kept_minimums())))
        tags |= {file.tag for file in self.windows if file.tag}
        true = ordered(tag for tag in tags if self.against(tag) == ())
        if not self.linux:
            return true
        from truewheel.retagger.evidence import with_present

        return with_present(self.linux, (tag for tag in present if self.against(tag) == ()), true)


def _libraries_joined(reasons: Sequence[Reason], policy: str) -> tuple[Reason, ...]:
    """Return the reasons with one for all libraries that a file lacks; outside the wheel none was looked for."""
    lacking: dict[str, list[str]] = {}
    for reason in reasons:
        if reason.rule is Rule.MISSING_LIBRARY:
            lacking.setdefault(reason.file, []).append(reason.library)
    joined = {
        file: Reason(Rule.MISSING_LIBRARY, file, f"needs {', '.join(names)}, which {policy} does not have")
        for file, names in lacking.items()
    }
    return tuple(dict.fromkeys(joined[item.file] if item.rule is Rule.MISSING_LIBRARY else item for item in reasons))


def _of_platlib(verdict: Verdict) -> tuple[Judgement, ...]:
    """Return the judgements without what `Root-Is-Purelib: false` mends."""
    return tuple(
        item._replace(
            reasons=tuple(reason for reason in item.reasons if not (reason.rule is Rule.PURELIB and reason.mendable))
        )
        for item in verdict.judgements
    )


def prove(reader: WheelReader, *, jobs: int = 1, own: OwnPolicy | None = None, exclude: tuple[str, ...] = ()) -> Proof:
    """Read the machine code of a wheel and judge it. jobs: how many threads work at once. own: the user's own policy.

    exclude: patterns of libraries that something else than the wheel provides, as in `SearchOptions`.

    Raises InvalidBinaryError for a damaged native member.
    """
    from truewheel.analyzer.elf.analyze import analyze
    from truewheel.analyzer.macho.analyze import analyze_macho

    inside = SearchOptions(system=False, exclude=exclude)
    return proof_of(reader, analyze(reader, inside, jobs=jobs), analyze_macho(reader, inside, jobs=jobs), own)


def proof_of(reader: WheelReader, linux: Analysis, macos: MachoAnalysis, own: OwnPolicy | None = None) -> Proof:
    """Judge the machine code of a wheel that was read already, without a look at anything outside the wheel."""
    from truewheel.platforms.linux.judge import judge
    from truewheel.platforms.macos.judge import judge_macos

    verdicts = judge(linux, own=own)
    windows, web = windows_code(reader, reader.files()), web_modules(reader)
    chosen = _chosen_at_run_time(reader, windows)
    formats = module_formats(linux, macos, windows, web)
    return Proof(
        linux=verdicts[:-1] if own else verdicts,
        macos=judge_macos(macos) if any(macos.graph.members()) else None,
        windows=windows,
        policy=own,
        own=verdicts[-1] if own and verdicts else None,
        chosen=chosen,
        web=web,
        formats=formats,
        named=named_modules(reader.entries),
        given=given_libraries(linux, macos),
        unused=unused_excludes(linux, macos),
        machines=() if formats else machines_side_by_side(reader, linux, macos, (*windows, *chosen)),
    )


def _chosen_at_run_time(reader: WheelReader, windows: Sequence[WindowsFile]) -> tuple[WindowsFile, ...]:
    """Return the Windows files that alone would make the wheel one for Windows, but do not as they come together."""
    known = {file.member for file in windows}
    heads = (name for name in reader.files() if name not in known and reader.head(name, 2) == _MZ)
    return tuple(file for name in heads for file in windows_code(reader, (name,)))
