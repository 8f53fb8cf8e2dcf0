"""Where dyld looks for a library that one slice names, and in which order; which files it takes.

Follows `Loader::forEachPath` and `getLoader` in `dyld/Loader.cpp`, `PathOverrides::forEachPathVariant` in
`dyld/DyldProcessConfig.cpp` and `GradedArchs` of Apple's dyld; see also dyld(1). Everything here depends only on the
slice, on the chain of files that led to it, and on the options.

A place is a string: an absolute path on the host, `wheel:` and the installed path of a wheel's file, or a text that
leads nowhere because what it depends on (the working directory, the Python program) is unknown.

Where this differs from dyld, on purpose:

* The process is unknown, so neither the LC_RPATHs of the Python program nor `@executable_path` lead anywhere unless
  the user tells the program.
* `--lib-path`, conda prefixes and the folders of Homebrew and MacPorts are the user's or the host's; dyld knows none.
* For a file of the wheel its own places come first, because the others will not exist where it is installed.
* The system's folders are never looked at: what lies there is known by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.graph import Outcome, SearchRule
from truewheel.analyzer.macho.image import MACOS, FileType
from truewheel.analyzer.macho.system_names import firmlink_target, framework_path, is_system, searched_name
from truewheel.analyzer.sysroot import placed
from truewheel.analyzer.wheel_places import tidy_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from truewheel.analyzer.macho.image import MachoFile, Slice
    from truewheel.analyzer.search_options import SearchOptions

LOADER_PATH = "@loader_path"
EXECUTABLE_PATH = "@executable_path"
RPATH = "@rpath"

CATALYST = "Mac Catalyst"

_ALSO_LOADED = {"x86_64h": ("x86_64h", "x86_64"), "arm64e": ("arm64e", "arm64")}
"""The slices that a process takes, best first, where it takes more than its own architecture."""

_PACKAGE_FOLDERS = ("/opt/homebrew/lib", "/usr/local/lib", "/opt/local/lib")
_PACKAGE_FRAMEWORKS = ("/opt/homebrew/Frameworks", "/usr/local/Frameworks", "/opt/local/Library/Frameworks")
_DEFAULT_FOLDERS = ("/usr/local/lib",)
_DEFAULT_FRAMEWORKS = ("/Library/Frameworks",)
"""What dyld falls back to, without the system's own folders."""

Place = tuple[str, SearchRule]
"""A place to look at, and the rule that named it."""


class Process(NamedTuple):
    """What loads a file.

    executable: the directory of the program, as a place; None when unknown.
    """

    architecture: str
    platform: str = MACOS
    executable: str | None = None


class Needer(NamedTuple):
    """The slice that names a library.

    origin: the directory of its file, as a place; None when it is not installed.
    rpaths: where its `@rpath` leads: its own LC_RPATHs, then those of the file that loaded it, and so on.
    """

    process: Process
    origin: str | None
    rpaths: tuple[str, ...] = ()


def slice_for(file: MachoFile, process: Process) -> Slice | None:
    """Return the slice of a file that a process of this architecture maps, whatever the slice's platform or type."""
    for architecture in _ALSO_LOADED.get(process.architecture, (process.architecture,)):
        item = file.slice_for(architecture)
        if item is not None:
            return item
    return None


def outcome_of(file: MachoFile, process: Process) -> Outcome:
    """Judge a file as a library of a process; dyld takes dylibs only, never a bundle or a program."""
    item = slice_for(file, process)
    if item is None:
        return Outcome.OTHER_ARCHITECTURE
    if item.file_type is not FileType.DYLIB:
        return Outcome.NOT_MACHO
    taken = (process.platform, MACOS) if process.platform == CATALYST else (process.platform,)
    return Outcome.FOUND if item.platform in taken else Outcome.OTHER_PLATFORM


def rpaths_of(item: Slice, origin: str | None, process: Process, sysroot: str) -> tuple[str, ...]:
    """Return the places of a slice's LC_RPATHs, in order.

    origin: the directory of the slice's file, as a place. An entry that leads nowhere comes back as it is written, one
    that depends on the working directory with `./` before it.
    """
    places = (_expanded(entry, origin, process, sysroot) or _unknown(entry) for entry in item.rpaths)
    return tuple(place if place == "/" else place.rstrip("/") for place in places)


def _unknown(entry: str) -> str:
    return entry if entry.startswith("@") else f"./{entry}"


def own_places(name: str, needer: Needer, sysroot: str) -> Iterator[Place]:
    """Yield the places that a name itself means: one, or for `@rpath` one below each search path."""
    if name.startswith(f"{RPATH}/"):
        for directory in needer.rpaths:
            yield tidy_place(directory.rstrip("/") + name[len(RPATH) :]), SearchRule.LC_RPATH
        return
    place = _expanded(name, needer.origin, needer.process, sysroot) or name
    yield place, _rule_of(name)


def _rule_of(name: str) -> SearchRule:
    if name.startswith(f"{LOADER_PATH}/"):
        return SearchRule.LOADER_PATH
    if name.startswith(f"{EXECUTABLE_PATH}/"):
        return SearchRule.EXECUTABLE_PATH
    return SearchRule.PATH if name.startswith("/") else SearchRule.BARE_NAME


def _expanded(text: str, origin: str | None, process: Process, sysroot: str) -> str | None:
    """Return the place that a name or an LC_RPATH means; None when that depends on what is unknown."""
    if text.startswith("/"):
        return placed(sysroot, firmlink_target(text))
    head, _, rest = text.partition("/")
    start = {LOADER_PATH: origin, EXECUTABLE_PATH: process.executable}.get(head)
    if start is None:
        return None
    return tidy_place(f"{start.rstrip('/')}/{rest}" if rest else start)


def places(name: str, own: Iterable[Place], folders: Folders) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """Return the places where a name is looked for: those that it asks for, then those to fall back to; each once.

    own: the places that the name itself means.
    """
    sought = searched_name(name)
    before, after = folders.frameworks if framework_path(name) is not None else folders.libraries
    asked = _once((*_in_each(before, sought), *own))
    fallback = _once(_in_each(after, sought))
    return tuple(asked.items()), tuple(each for each in fallback.items() if each[0] not in asked)


def _once(choices: Iterable[Place]) -> dict[str, SearchRule]:
    """Keep the first mention of each place."""
    first: dict[str, SearchRule] = {}
    for place, rule in choices:
        first.setdefault(place, rule)
    return first


class Folders(NamedTuple):
    """The folders outside the wheel that are searched before, and after, the places that a name itself means."""

    libraries: tuple[tuple[Place, ...], tuple[Place, ...]]
    frameworks: tuple[tuple[Place, ...], tuple[Place, ...]]


def folders_of(options: SearchOptions) -> Folders:
    """Return the folders that the options name.

    The user's own come first, then what the variables say; after the name itself the fallbacks, conda prefixes, and
    last the folders where package managers put libraries.
    """
    sysroot = str(options.sysroot)
    conda = _each((prefix / "lib" for prefix in options.conda_prefixes), SearchRule.CONDA)
    first = _each(options.lib_paths, SearchRule.LIB_PATH)

    def after(fallback: tuple[Place, ...], default: tuple[str, ...], packages: tuple[str, ...]) -> tuple[Place, ...]:
        # The variable takes the place of dyld's own list.
        own_list = () if fallback else _each((placed(sysroot, path) for path in default), SearchRule.DEFAULT)
        others = _each((placed(sysroot, path) for path in packages), SearchRule.PACKAGE_MANAGER)
        return (*fallback, *conda, *own_list, *others)

    fallback = _each(options.fallback_path, SearchRule.DYLD_FALLBACK)
    framework_fallback = _each(options.fallback_framework_path, SearchRule.DYLD_FRAMEWORK_FALLBACK)
    return Folders(
        libraries=(
            first + _each(options.library_path, SearchRule.DYLD_ENVIRONMENT),
            after(fallback, _DEFAULT_FOLDERS, _PACKAGE_FOLDERS),
        ),
        frameworks=(
            first + _each(options.framework_path, SearchRule.DYLD_FRAMEWORK),
            after(framework_fallback, _DEFAULT_FRAMEWORKS, _PACKAGE_FRAMEWORKS),
        ),
    )


def _each(paths: Iterable[Path | str], rule: SearchRule) -> tuple[Place, ...]:
    return tuple((str(path), rule) for path in paths)


def _in_each(folders: tuple[Place, ...], sought: str) -> Iterator[Place]:
    return ((f"{folder}/{sought}", rule) for folder, rule in folders)


def is_known_by_name(place: str, rule: SearchRule, sysroot: str) -> bool:
    """Whether a place is in the system's folders, where nothing is looked at; the user's own folders never are."""
    if rule in _USERS_OWN:
        return False
    root = sysroot.rstrip("/")
    return place.startswith(f"{root}/") and is_system(place[len(root) :])


_USERS_OWN = frozenset(
    {
        SearchRule.LIB_PATH,
        SearchRule.DYLD_ENVIRONMENT,
        SearchRule.DYLD_FALLBACK,
        SearchRule.DYLD_FRAMEWORK,
        SearchRule.DYLD_FRAMEWORK_FALLBACK,
        SearchRule.CONDA,
    }
)
