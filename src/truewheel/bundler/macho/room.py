"""Ways to say the same in fewer bytes, for load commands that do not fit into a header.

Linkers leave little room behind the load commands, newer ones 48 bytes. Each way here changes nothing that a program
sees: commands that only describe go, and names in one folder share one search path (`mach-o/loader.h`, `man dyld`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.commands import DYLIB_COMMANDS, Command
from truewheel.bundler.macho.header import edited_commands, size_of
from truewheel.bundler.naming import bundled_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truewheel.analyzer.macho.commands import Commands
    from truewheel.bundler.macho.header import RawCommand
    from truewheel.bundler.plan import SliceEdit

_LOADER = "@loader_path"
_NO_HASH = "0" * 64


class Fit(NamedTuple):
    """Load commands that fit. edit: what they come to, where it is not what was asked. notices: what was done."""

    commands: tuple[RawCommand, ...]
    edit: SliceEdit
    notices: tuple[str, ...] = ()


def fit(commands: Commands, edit: SliceEdit, room: int) -> Fit | None:
    """Return the edited load commands in at most `room` bytes; None when they cannot be made to fit.

    Tries, in this order and only as far as needed: the commands as asked; without commands that nothing needs; with
    names that share a search path.
    """
    ways = [(edit, ()), *_with_search_paths(commands, edit)]
    for way, notices in ways:
        for found, dropped in _shorter(edited_commands(commands, way)):
            if size_of(found) <= room:
                return Fit(found, way, (*dropped, *notices))
    return None


def _shorter(commands: tuple[RawCommand, ...]) -> Iterator[tuple[tuple[RawCommand, ...], tuple[str, ...]]]:
    """Yield the commands, then with fewer and fewer of those that nothing needs, and what was dropped."""
    notices: tuple[str, ...] = ()
    yield commands, notices
    for command, name in _DISPENSABLE:
        fewer = tuple(item for item in commands if not (item.command == command and _says_nothing(item)))
        if fewer != commands:
            commands, notices = fewer, (*notices, f"{name} was dropped to make room in the header")
            yield commands, notices


_DISPENSABLE = (
    (Command.SOURCE_VERSION, "LC_SOURCE_VERSION"),
    (Command.DATA_IN_CODE, "an empty LC_DATA_IN_CODE"),
    (Command.DYLIB_CODE_SIGN_DRS, "LC_DYLIB_CODE_SIGN_DRS"),
)
"""Commands that neither dyld nor the kernel reads, the least telling first."""


def _says_nothing(item: RawCommand) -> bool:
    """Whether the command may go: a table of data in code only when it is empty."""
    return item.command != Command.DATA_IN_CODE or not any(item.content[12:16])


def _with_search_paths(commands: Commands, edit: SliceEdit) -> Iterator[tuple[SliceEdit, tuple[str, ...]]]:
    """Yield the edit with one search path instead of a folder in many names, then with two, and so on.

    The folder that saves most is the first. Names must carry a hash of the content: dyld asks every search path of
    the process in turn, and takes a library that is loaded under the same `@rpath` name already. No two libraries may
    come to have one name, which dyld refuses.
    """
    folders = dict.fromkeys(folder for _, new in edit.rename if (folder := _folder(new)))
    paths = [commands.text(item) for item in commands.items if item.command == Command.RPATH]
    names = [commands.text(item) for item in commands.items if item.command in DYLIB_COMMANDS]
    stay = frozenset(path for path in paths if path not in edit.delete_rpaths)
    plain = size_of(edited_commands(commands, edit))
    savings = {folder: plain - size_of(edited_commands(commands, _sharing(edit, folder, stay))) for folder in folders}
    notices: tuple[str, ...] = ()
    for folder in sorted(folders, key=lambda each: -savings[each]):
        shared = _sharing(edit, folder, stay)
        if savings[folder] > 0 and _distinct(shared, names) == _distinct(edit, names):
            edit = shared
            notices = (*notices, f"the names of libraries in {folder} share one LC_RPATH to make room in the header")
            yield edit, notices


def _folder(name: str) -> str:
    """Return the folder of a library's new name that a search path may stand for; empty when none may."""
    folder, _, leaf = name.rpartition("/")
    if folder != _LOADER and not folder.startswith(f"{_LOADER}/"):
        return ""
    return folder if bundled_name(leaf, _NO_HASH) == leaf else ""


def _sharing(edit: SliceEdit, folder: str, stay: frozenset[str]) -> SliceEdit:
    """Return the edit with `@rpath` for a folder in the names. stay: the search paths that the slice keeps."""
    rename = tuple((old, f"@rpath{new[len(folder) :]}" if _folder(new) == folder else new) for old, new in edit.rename)
    added = edit.add_rpaths if folder in {*edit.add_rpaths, *stay} else (*edit.add_rpaths, folder)
    return edit._replace(rename=rename, add_rpaths=added)


def _distinct(edit: SliceEdit, names: Sequence[str]) -> int:
    """Return how many libraries are told apart by their names after the edit."""
    renamed = dict(edit.rename)
    return len({renamed.get(name, name) for name in names})


def smallest_size(commands: Commands, edit: SliceEdit) -> int:
    """Return the fewest bytes that the edited load commands can take, for telling how many are missing."""
    ways: Sequence[SliceEdit] = [edit, *(way for way, _ in _with_search_paths(commands, edit))]
    return min(size_of(found) for way in ways for found, _ in _shorter(edited_commands(commands, way)))
