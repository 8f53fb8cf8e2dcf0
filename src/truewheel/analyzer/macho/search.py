"""The search for one name that a slice needs: dyld's rules, the wheel's own files, the host's files, the exclusions.

The order for a file of the wheel: the places of the wheel that the name means; a member whose install name it is; the
places outside that the name asks for; a member whose last part it is; the places outside to fall back to. A member is
taken before a stranger that merely has its file name, but not for another library of that name that is asked for by
its own path. For a library outside the wheel the places come in dyld's order, then the members: it was linked with what
lies there.

Every answer is remembered by all that decides it, so a thousand modules that need a hundred libraries cost a hundred
searches.
"""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from truewheel.analyzer.graph import Attempt, Lookup, Outcome, SearchRule
from truewheel.analyzer.macho.dyld import (
    Needer,
    folders_of,
    is_known_by_name,
    outcome_of,
    own_places,
    places,
    rpaths_of,
    slice_for,
)
from truewheel.analyzer.macho.host_files import HostMacho, host_macho_files
from truewheel.analyzer.macho.system_names import is_interpreter, is_swift, is_system, name_stems, searched_name
from truewheel.analyzer.sysroot import placed
from truewheel.analyzer.wheel_places import WHEEL, distance
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from truewheel.analyzer.macho.dyld import Place, Process
    from truewheel.analyzer.macho.image import MachoFile, Slice
    from truewheel.analyzer.search_options import SearchOptions

_MOST_PLACES = 200_000
_MOST_RPATHS = 2_000
"""Real wheels need some thousand places and ten search paths; bounds keep made-up ones from costing minutes."""


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """One Mach-O file that the search may end at. place: where it lies; None for a member that is not installed."""

    name: str
    content: MachoFile
    size: int
    in_wheel: bool
    place: str | None = None

    @property
    def origin(self) -> str | None:
        """The directory that `@loader_path` stands for: dyld takes it after it has resolved symbolic links."""
        return None if self.place is None else posixpath.dirname(self.place) or "/"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The end of one search."""

    lookup: Lookup
    file: File | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """All that decides a search besides the name. number: stands for the search paths in `needer`."""

    needer: Needer
    in_wheel: bool
    number: int
    found: dict[str, Found] = field(default_factory=dict)


class MachoSearch:
    """Finds needed names for the files of one wheel."""

    def __init__(self, members: Sequence[File], options: SearchOptions) -> None:
        """Index the members by place, and by what they are called."""
        self._options = options
        self._sysroot = str(options.sysroot)
        self._folders = folders_of(options)
        self._host = host_macho_files(self._sysroot)
        self._externals: dict[str, File] = {}
        self._used_patterns: set[str] = set()
        self._placed = {member.place: member for member in members if member.place is not None}
        self._by_name: dict[str, list[File]] = {}
        self._by_install_name: dict[str, list[File]] = {}
        for member in members:
            for name in known_names(member):
                self._by_name.setdefault(name, []).append(member)
            for name in install_names(member):
                self._by_install_name.setdefault(name, []).append(member)
        self._places_left = _MOST_PLACES
        self._chain_numbers: dict[tuple[str, ...], int] = {}
        self._scopes: dict[tuple[object, ...], Scope] = {}
        self._scopes_of_files: dict[tuple[object, ...], Scope] = {}
        self._loaded: dict[tuple[Found, File], Lookup] = {}

    @property
    def unused_excludes(self) -> tuple[str, ...]:
        """The patterns that have fitted nothing so far, in the user's order."""
        return tuple(dict.fromkeys(each for each in self._options.exclude if each not in self._used_patterns))

    def scope(self, file: File, process: Process, loader: Scope | None) -> Scope:
        """Return the scope of what `file` needs in a process, loaded by a file of scope `loader`."""
        key = (file.name, process, loader.number if loader else -1)
        known = self._scopes_of_files.get(key)
        if known is None:
            inherited = loader.needer.rpaths if loader else self.program_rpaths(process)
            known = self._scopes_of_files[key] = self._scope(file, process, inherited)
        return known

    def _scope(self, file: File, process: Process, inherited: tuple[str, ...]) -> Scope:
        item = slice_for(file.content, process)
        own = rpaths_of(item, file.origin, process, self._sysroot) if item else ()
        # Looking twice finds nothing new, and long chains stay short.
        rpaths = tuple(dict.fromkeys(own + inherited))
        if len(rpaths) > _MOST_RPATHS:
            raise InvalidBinaryError(
                f"the file is loaded with {len(rpaths)} search paths (LC_RPATH); {_MOST_RPATHS} are read at most",
                where=file.name,
                hint="no linker writes so many; the wheel is damaged or made to do harm",
            )
        number = self._chain_numbers.setdefault(rpaths, len(self._chain_numbers))
        key = (process, file.origin, number, file.in_wheel)
        known = self._scopes.get(key)
        if known is None:
            needer = Needer(process, file.origin, rpaths)
            known = self._scopes[key] = Scope(needer, file.in_wheel, number)
        return known

    def program_rpaths(self, process: Process) -> tuple[str, ...]:
        """Return the search paths of the program that loads modules, where the user has named its file."""
        path = self._options.executable_path
        seen = self._host.look(str(path)) if path is not None else None
        if not isinstance(seen, HostMacho) or process.executable != posixpath.dirname(str(path)):
            return ()
        item = slice_for(seen.file, process)
        return rpaths_of(item, process.executable, process, self._sysroot) if item else ()

    def place_of(self, install_name: str) -> str:
        """Return the place that an absolute install name means; any other name as it is."""
        return placed(self._sysroot, install_name) if install_name.startswith("/") else install_name

    def find(self, scope: Scope, name: str) -> Found:
        """Return where the search for `name` ends; the same object for the same question."""
        known = scope.found.get(name)
        if known is None:
            known = scope.found[name] = self._find(scope, name)
        return known

    def loaded(self, own: Found, held: File) -> Lookup:
        """Return the lookup that says: `held` is loaded already, whatever a search of its own would have found."""
        key = (own, held)
        known = self._loaded.get(key)
        if known is None:
            known = self._loaded[key] = Lookup(held.name, SearchRule.LOADED, own.lookup.attempts)
        return known

    def find_extra(self, wanted: str, process: Process | None) -> Found:
        """Find a library that nothing needs: by an absolute path, or by name as a file without LC_RPATH would need it.

        process: what will load it; None takes any file by path, and finds nothing by name.
        """
        if wanted.startswith("/"):
            attempts: list[Attempt] = []
            found = self._look(process, ((wanted, SearchRule.PATH),), attempts, given=True)
            return found or Found(Lookup(None, None, tuple(attempts)))
        if process is None:
            return Found(Lookup(None, None))
        return self.find(Scope(Needer(process, None), in_wheel=True, number=-1), wanted)

    def _find(self, scope: Scope, name: str) -> Found:
        if self._options.exclude and self._excluded(name_stems(name)):
            return Found(Lookup(None, SearchRule.EXCLUDED))
        if is_interpreter(name):
            return Found(Lookup(None, SearchRule.INTERPRETER))
        if is_system(name):
            return Found(Lookup(None, SearchRule.SYSTEM))
        own = tuple(own_places(name, scope.needer, self._sysroot))
        attempts: list[Attempt] = []
        if is_swift(name):
            in_wheel = tuple(each for each in own if each[0].startswith(WHEEL))
            found = self._look(scope.needer.process, in_wheel, attempts)
            return found or Found(Lookup(None, SearchRule.SYSTEM, tuple(attempts)))
        search = self._for_member if scope.in_wheel else self._for_stranger
        return search(scope, name, own, attempts) or Found(Lookup(None, None, tuple(attempts)))

    def _for_member(self, scope: Scope, name: str, own: tuple[Place, ...], attempts: list[Attempt]) -> Found | None:
        process = scope.needer.process
        in_wheel = tuple(each for each in own if each[0].startswith(WHEEL))
        found = self._look(process, in_wheel, attempts) or self._called(self._by_install_name, name, scope, attempts)
        if found is not None or not self._options.system:
            return found or self._called(self._by_name, searched_name(name), scope, attempts)
        outside = tuple(each for each in own if not each[0].startswith(WHEEL))
        asked, fallback = places(name, outside, self._folders)
        return (
            self._look(process, asked, attempts)
            or self._called(self._by_name, searched_name(name), scope, attempts)
            or self._look(process, fallback, attempts)
        )

    def _for_stranger(self, scope: Scope, name: str, own: tuple[Place, ...], attempts: list[Attempt]) -> Found | None:
        asked, fallback = places(name, own, self._folders)
        if not self._options.system:
            asked, fallback = tuple(each for each in own if each[0].startswith(WHEEL)), ()
        return self._look(scope.needer.process, (*asked, *fallback), attempts) or self._called(
            self._by_name, searched_name(name), scope, attempts
        )

    def _called(self, index: Mapping[str, list[File]], key: str, scope: Scope, attempts: list[Attempt]) -> Found | None:
        """Find a member that is called so; the nearest directory wins, then the first in sorted order."""
        process, origin = scope.needer.process, scope.needer.origin
        fitting = [each for each in index.get(key, ()) if outcome_of(each.content, process) is Outcome.FOUND]
        if not fitting:
            return None
        member = min(fitting, key=lambda each: (distance(origin, each.place), each.name))
        self._note(attempts, Attempt(member.place or "", SearchRule.IN_WHEEL, Outcome.FOUND))
        return Found(Lookup(member.name, SearchRule.IN_WHEEL, tuple(attempts)), member)

    def _look(
        self, process: Process | None, choices: Iterable[Place], attempts: list[Attempt], *, given: bool = False
    ) -> Found | None:
        """Look at places in turn, and note each in `attempts`.

        given: the places are the user's own, be they in the system's folders or not.
        """
        for place, rule in choices:
            if place.startswith(WHEEL):
                file, missing = self._placed.get(place), Outcome.ABSENT
            elif not given and is_known_by_name(place, rule, self._sysroot):
                file, missing = None, Outcome.ABSENT
            else:
                file, missing = self._on_host(place)
                if not given and self._leads_to_system(file, place, rule):
                    return Found(Lookup(None, SearchRule.SYSTEM, tuple(attempts)))
            outcome = missing if file is None else _judge(file, process)
            self._note(attempts, Attempt(place, rule, outcome))
            if file is not None and outcome is Outcome.FOUND:
                if not file.in_wheel and self._excluded((place, file.name)):
                    return Found(Lookup(None, SearchRule.EXCLUDED, tuple(attempts)))
                return Found(Lookup(file.name, rule, tuple(attempts)), file)
        return None

    def _on_host(self, place: str) -> tuple[File | None, Outcome]:
        seen = self._host.look(place)
        if not isinstance(seen, HostMacho):
            return None, seen
        known = self._externals.get(seen.path)
        if known is None:
            known = self._externals[seen.path] = File(seen.path, seen.file, seen.size, in_wheel=False, place=seen.path)
        return known, Outcome.FOUND

    def _leads_to_system(self, file: File | None, place: str, rule: SearchRule) -> bool:
        """Whether a symbolic link leads into the system's folders, where on a Mac there may be no file."""
        if file is not None:
            return is_known_by_name(file.name, rule, self._sysroot)
        if self._sysroot != "/" or not place.startswith("/"):
            return False
        return is_known_by_name(os.path.realpath(place), rule, self._sysroot)

    def _note(self, attempts: list[Attempt], attempt: Attempt) -> None:
        self._places_left -= 1
        if self._places_left < 0:
            raise InvalidBinaryError(
                f"the files name more libraries and search paths than can be tried ({_MOST_PLACES} places)",
                where=attempt.place,
                hint="no linker writes so many; the wheel is damaged or made to do harm",
            )
        attempts.append(attempt)

    def _excluded(self, names: Iterable[str]) -> bool:
        fitting = [each for each in self._options.exclude if any(fnmatchcase(name, each) for name in names)]
        self._used_patterns.update(fitting)
        return bool(fitting)


def _judge(file: File, process: Process | None) -> Outcome:
    """Judge a file by the process that would load it; any Mach-O file will do for no process."""
    return Outcome.FOUND if process is None else outcome_of(file.content, process)


def known_names(member: File) -> tuple[str, ...]:
    """Return what a member of the wheel may be needed as: the last parts of its place and of its install names.

    A member that is not installed is not needed by anything.
    """
    if member.place is None:
        return ()
    return tuple(dict.fromkeys(map(searched_name, (member.place, *install_names(member)))))


def install_names(member: File) -> tuple[str, ...]:
    """Return the install names of a member's slices, each once; none for a member that is not installed."""
    if member.place is None:
        return ()
    return tuple(dict.fromkeys(item.install_name for item in member.content.slices if item.install_name))


def loaded_slices(file: File) -> tuple[Slice, ...]:
    """Return the slices that dyld maps."""
    return tuple(item for item in file.content.slices if item.file_type.is_loaded)
