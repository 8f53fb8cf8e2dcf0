"""The search for one needed name: loader rules, the wheel's own files, the host's files, the user's exclusions.

The order for a file of the wheel: the wheel's directories that RPATH and RUNPATH name; then any member with that
soname, nearest first, because a wheel's own library is never to be replaced by a stranger; then the places outside.
For a library outside the wheel the places outside come first: it was built against what lies there.

Every answer is remembered by all that decides it, so a thousand modules that need a hundred libraries cost a hundred
searches.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from truewheel.analyzer.elf.host_files import HostFile, host_elf_files
from truewheel.analyzer.elf.image import Libc
from truewheel.analyzer.elf.ld_so import HWCAPS, expand, places
from truewheel.analyzer.elf.ld_so_conf import system_directories
from truewheel.analyzer.elf.system_names import PROCESS_LIBRARIES, is_c_library, is_interpreter, is_loader, name_stems
from truewheel.analyzer.graph import Attempt, Lookup, Outcome, SearchRule
from truewheel.analyzer.wheel_places import WHEEL, distance

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truewheel.analyzer.elf.image import Image
    from truewheel.analyzer.elf.ld_so import Directory
    from truewheel.analyzer.search_options import SearchOptions


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """One native file that the search may end at. place: where a wheel's member is installed (None: nowhere)."""

    name: str
    image: Image
    size: int
    in_wheel: bool
    place: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The end of one search. place: where the file was found, links unresolved; its directory is `$ORIGIN`."""

    lookup: Lookup
    file: File | None = None
    place: str = ""


@dataclass(slots=True, eq=False)
class Outside:
    """Directories outside the wheel, for one architecture, and what was found in them."""

    directories: tuple[Directory, ...]
    found: dict[str, Found] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Scope:
    """All that decides a search besides the name. image: stands for its architecture."""

    image: Image
    libc: Libc | None
    in_wheel: bool
    origin: str | None
    directories: tuple[Directory, ...]
    outside: Outside
    handed_down: int
    found: dict[str, Found] = field(default_factory=dict)


class Search:
    """Finds needed names for the files of one wheel."""

    def __init__(self, members: Sequence[File], options: SearchOptions) -> None:
        """Index the members by place, and by soname and file name."""
        self._options = options
        self._sysroot = str(options.sysroot)
        self._host = host_elf_files(self._sysroot)
        self._externals: dict[str, File] = {}
        self._used_patterns: set[str] = set()
        self._placed = {member.place: member for member in members if member.place is not None}
        self._by_soname: dict[str, list[File]] = {}
        self._by_file_name: dict[str, list[File]] = {}
        for member in members:
            if member.place is None or "/glibc-hwcaps/" in member.place:
                continue
            self._by_file_name.setdefault(posixpath.basename(member.place), []).append(member)
            if member.image.soname is not None:
                self._by_soname.setdefault(member.image.soname, []).append(member)
        self._chains: list[tuple[Directory, ...]] = [()]
        self._chain_numbers: dict[tuple[Directory, ...], int] = {(): 0}
        self._scopes: dict[tuple[object, ...], Scope] = {}
        self._scopes_of_files: dict[tuple[object, ...], Scope] = {}
        self._outsides: dict[tuple[object, ...], Outside] = {}
        self._system: dict[tuple[Libc | None, str], tuple[Directory, ...]] = {}
        self._loaded: dict[tuple[Found, File], Lookup] = {}

    @property
    def unused_excludes(self) -> tuple[str, ...]:
        """The patterns that have fitted nothing so far, in the user's order."""
        return tuple(dict.fromkeys(each for each in self._options.exclude if each not in self._used_patterns))

    def scope(self, file: File, place: str | None, loader: Scope | None, libc: Libc | None) -> Scope:
        """Return the scope of what `file`, found at `place` and loaded by a file of scope `loader`, needs."""
        origin = None if place is None else posixpath.dirname(place) or "/"
        chain = loader.handed_down if loader else 0
        key = (file.name, origin, chain, libc)
        known = self._scopes_of_files.get(key)
        if known is None:
            known = self._scopes_of_files[key] = self._scope(file, origin, chain, libc)
        return known

    def _scope(self, file: File, origin: str | None, chain: int, libc: Libc | None) -> Scope:
        image = file.image
        where = places(image, origin, self._chains[chain], libc, self._options)
        number = self._chain_numbers.setdefault(where.handed_down, len(self._chains))
        if number == len(self._chains):
            self._chains.append(where.handed_down)
        outside = self._outside(where.outside, image, libc)
        shape = (image.architecture, image.bits, image.byte_order)
        key = (where.in_wheel, outside, number, origin, shape, libc, file.in_wheel)
        known = self._scopes.get(key)
        if known is None:
            known = Scope(image, libc, file.in_wheel, origin, where.in_wheel, outside, number)
            self._scopes[key] = known
        return known

    def _outside(self, directories: tuple[Directory, ...], image: Image, libc: Libc | None) -> Outside:
        key = (directories, image.architecture, image.bits, image.byte_order, libc)
        known = self._outsides.get(key)
        if known is None:
            if self._options.system:
                first = dict(directories)
                system = self._system_directories(libc, image.architecture)
                directories += tuple(each for each in system if each[0] not in first)
            known = self._outsides[key] = Outside(directories)
        return known

    def _system_directories(self, libc: Libc | None, architecture: str) -> tuple[Directory, ...]:
        key = (libc, architecture)
        known = self._system.get(key)
        if known is None:
            known = self._system[key] = system_directories(libc, architecture, self._sysroot)
        return known

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

    def find_extra(self, wanted: str, like: Image | None, libc: Libc | None) -> Found:
        """Find a library that nothing needs: by an absolute path, or by a name as a file without RPATH would need it.

        like: an image of the architecture it has to be of; None takes any by path, and finds nothing by name.
        """
        if wanted.startswith("/"):
            return self._look(like, ((wanted, SearchRule.PATH),))
        if like is None:
            return Found(Lookup(None, None))
        nobody = File("", like._replace(rpath=(), runpath=()), 0, in_wheel=True)
        return self.find(self.scope(nobody, None, None, libc), wanted)

    def c_library(self, like: Image, libc: Libc, loader: str) -> tuple[str, ...]:
        """Return the files of the C library that a Python process has loaded; none when libc itself is not found.

        like: an image of the architecture. loader: the base name of the architecture's loader, which musl's libc is.
        """
        plain = File("", like._replace(rpath=(), runpath=()), 0, in_wheel=False)
        scope = self.scope(plain, None, None, libc)
        names = (loader,) if libc is Libc.MUSL else (*PROCESS_LIBRARIES, loader)
        found = [self._found_outside(scope, name).lookup.found for name in names]
        return tuple(each for each in found if each is not None) if found[0] is not None else ()

    def _find(self, scope: Scope, name: str) -> Found:
        if self._excluded(name_stems(name)):
            return Found(Lookup(None, SearchRule.EXCLUDED))
        if is_loader(name, scope.libc):
            return Found(Lookup(None, SearchRule.LOADER))
        if is_interpreter(name):
            return Found(Lookup(None, SearchRule.INTERPRETER))
        attempts: list[Attempt] = []
        found = self._in_wheel_directories(scope, name, attempts)
        if found is None and scope.in_wheel:
            found = self._anywhere_in_wheel(scope, name, attempts)
        if found is None:
            outside = self._found_outside(scope, name)
            attempts.extend(outside.lookup.attempts)
            if outside.lookup.rule is None and not scope.in_wheel:
                found = self._anywhere_in_wheel(scope, name, attempts)
            found = found or Found(
                Lookup(outside.lookup.found, outside.lookup.rule, tuple(attempts)), outside.file, outside.place
            )
        return found

    def _in_wheel_directories(self, scope: Scope, name: str, attempts: list[Attempt]) -> Found | None:
        if "/" in name:
            paths = _meant(scope, name, self._sysroot)
            choices = tuple((place, SearchRule.PATH) for place in paths if place.startswith(WHEEL))
        else:
            choices = tuple((f"{directory}/{name}", rule) for directory, rule in scope.directories)
        for place, rule in choices:
            member = self._placed.get(place)
            outcome = _outcome(member, scope.image)
            attempts.append(Attempt(place, rule, outcome))
            if member is not None and outcome is Outcome.FOUND:
                return Found(Lookup(member.name, rule, tuple(attempts)), member, place)
        return None

    def _anywhere_in_wheel(self, scope: Scope, name: str, attempts: list[Attempt]) -> Found | None:
        """Find a member by soname, else by file name; the nearest directory wins, then the first in sorted order."""
        base = posixpath.basename(name)
        if is_c_library(base):
            return None
        for index in (self._by_soname, self._by_file_name):
            fitting = [member for member in index.get(base, ()) if _outcome(member, scope.image) is Outcome.FOUND]
            if fitting:
                member = min(fitting, key=lambda each: (distance(scope.origin, each.place), each.name))
                attempts.append(Attempt(member.place or "", SearchRule.IN_WHEEL, Outcome.FOUND))
                return Found(Lookup(member.name, SearchRule.IN_WHEEL, tuple(attempts)), member, member.place or "")
        return None

    def _found_outside(self, scope: Scope, name: str) -> Found:
        outside = scope.outside
        if "/" in name:
            paths = _meant(scope, name, self._sysroot) if self._options.system else ()
            choices = tuple((place, SearchRule.PATH) for place in paths if not place.startswith(WHEEL))
            return self._look(scope.image, choices)
        known = outside.found.get(name)
        if known is None:
            choices = tuple((posixpath.join(place, name), rule) for place, rule in outside.directories)
            known = self._look(scope.image, choices)
            if known.lookup.rule is None and scope.libc is not Libc.MUSL:
                newer = tuple(self._for_newer_processors(scope, name))
                known = Found(Lookup(None, None, known.lookup.attempts + newer))
            outside.found[name] = known
        return known

    def _look(self, image: Image | None, choices: Iterable[Directory]) -> Found:
        attempts: list[Attempt] = []
        for place, rule in choices:
            seen = self._host.look(place)
            file = self._external(seen) if isinstance(seen, HostFile) else None
            outcome = _outcome(file, image) if isinstance(seen, HostFile) else seen
            attempts.append(Attempt(place, rule, outcome))
            if file is not None and outcome is Outcome.FOUND:
                if self._excluded((place, file.name)):
                    return Found(Lookup(None, SearchRule.EXCLUDED, tuple(attempts)))
                return Found(Lookup(file.name, rule, tuple(attempts)), file, place)
        return Found(Lookup(None, None, tuple(attempts)))

    def _for_newer_processors(self, scope: Scope, name: str) -> Iterable[Attempt]:
        for directory, rule in scope.outside.directories:
            for level in HWCAPS.get(scope.image.architecture, ()):
                place = posixpath.join(directory, "glibc-hwcaps", level, name)
                if isinstance(self._host.look(place), HostFile):
                    yield Attempt(place, rule, Outcome.OTHER_ARCHITECTURE)

    def _external(self, seen: HostFile) -> File:
        known = self._externals.get(seen.path)
        if known is None:
            known = self._externals[seen.path] = File(seen.path, seen.image, seen.size, in_wheel=False)
        return known

    def _excluded(self, names: Iterable[str]) -> bool:
        fitting = [each for each in self._options.exclude if any(fnmatchcase(name, each) for name in names)]
        self._used_patterns.update(fitting)
        return bool(fitting)


def _meant(scope: Scope, name: str, sysroot: str) -> tuple[str, ...]:
    """Return the places that a needed name with a slash means; musl takes it as it stands."""
    if scope.libc is Libc.MUSL and "$" in name:
        return ()
    return expand(name, scope.origin, scope.image.architecture, sysroot)


def _outcome(file: File | None, needer: Image | None) -> Outcome:
    """Judge a file at a place by its architecture; anything will do for no needer."""
    if file is None:
        return Outcome.ABSENT
    if needer is None:
        return Outcome.FOUND
    image = file.image
    same = (image.architecture, image.bits, image.byte_order) == (needer.architecture, needer.bits, needer.byte_order)
    return Outcome.FOUND if same else Outcome.OTHER_ARCHITECTURE
