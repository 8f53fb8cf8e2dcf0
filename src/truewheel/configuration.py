"""What a project wants of truewheel, from the table `[tool.truewheel]` of its pyproject.toml.

The table sets defaults of options, under their long names: for every command that has the option, or in a table of the
command's own (`[tool.truewheel.repair]`), which goes first. Paths are seen from the folder of the file. What no option
is called is an error, because a misspelt wish would silently do nothing.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from truewheel.errors import UsageError
from truewheel.given_files import read_given
from truewheel.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE = "pyproject.toml"
_TABLE = "tool.truewheel"
OF_ONE_RUN = frozenset(
    {"config", "no-config", "dry-run", "force", "from-file", "help", "json", "overwrite", "plan", "sarif", "verbose"}
)
"""Options that say something about one run, not about a project."""
_MENTIONED = rb"""(?m)tool["'\s]*\.["'\s]*truewheel|^\s*(\[\s*)?["']?tool["']?\s*[]=]|\\[uUx]"""
"""What stands in every file with the table, whose name may have escapes; to parse a file takes longer than to look."""


class Kind(Enum):
    """What the value of a setting is; the value says it in words."""

    FLAG = "true or false"
    NUMBER = "a number"
    TEXT = "a text"
    TEXTS = "a text or a list of texts"


class Setting(NamedTuple):
    """One option of a command that a table may set.

    name: what the command calls its value. is_path: whether a text is a path; one that may be a path has a `/` then.
    may_be_empty: whether an empty text has a meaning.
    separator: what joins several texts in a value of the kind TEXT that may be a list too; empty for any other.
    """

    name: str
    kind: Kind
    is_path: bool = False
    may_be_path: bool = False
    may_be_empty: bool = False
    separator: str = ""

    @property
    def may_be_list(self) -> bool:
        """Whether several texts may be given; one need not be in a list then."""
        return self.kind is Kind.TEXTS or bool(self.separator)


Settings = dict[str, dict[str, Any]]
"""Values by the command, and by the name that the command calls them."""


def nearest(folder: Path | None = None) -> Path | None:
    """Return the pyproject.toml in `folder` or else in the nearest folder above; of the current folder unless told.

    A current folder that was deleted has none, and is needed by nobody whose paths are absolute.
    """
    if folder is None:
        try:
            folder = Path.cwd()
        except FileNotFoundError:
            return None
    return next((path for place in (folder, *folder.parents) if (path := place / FILE).is_file()), None)


def sets_anything(path: Path) -> bool:
    """Whether the file has a table for truewheel, or something is wrong with it that `load` tells."""
    try:
        return bool(_table(path))
    except UsageError:
        return True


def load(path: Path, commands: Mapping[str, Mapping[str, Setting]]) -> Settings:
    """Return what the file sets, for each command. commands: by command and by long name, what can be set.

    Raises UsageError for a file that cannot be read, a name that nothing has, and a value of the wrong kind.
    """
    table = _table(path)
    return _settled(table, path, commands) if table else {}


def _table(path: Path) -> dict[str, Any]:
    """Return the table of a file, empty where it has none; raise UsageError for a file that cannot be understood."""
    try:
        content = read_given(path)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if not re.search(_MENTIONED, content):
        return {}
    table = _parsed(content, path)
    for part in _TABLE.split("."):
        table = table.get(part, {})
        if not isinstance(table, dict):
            raise UsageError(f"{part} is no table", where=str(path))
    return table


def _parsed(content: bytes, path: Path) -> dict[str, Any]:
    try:
        return parse_toml(content.decode())
    except ValueError as error:  # UnicodeDecodeError and TOMLDecodeError are both
        raise UsageError(f"is no TOML: {error}", where=str(path)) from error


def _settled(table: Mapping[str, Any], path: Path, commands: Mapping[str, Mapping[str, Setting]]) -> Settings:
    """Return the values of a table, those for all commands below those of each command's own table."""
    own = {key: value for key, value in table.items() if key in commands}
    for key, value in own.items():
        if not isinstance(value, dict):
            raise UsageError(f"{key} is no table", where=str(path), hint=f"write [{_TABLE}.{key}]")
    shared = {key: value for key, value in table.items() if key not in own}
    known = {key for settings in commands.values() for key in settings}
    _demand_known(shared, {*known, *commands}, path, f"[{_TABLE}]")
    for key in shared:
        _demand_one_meaning(key, commands, path)
    result: Settings = {}
    for command, settings in commands.items():
        where = f"[{_TABLE}.{command}]"
        _demand_known(own.get(command, {}), set(settings), path, where)
        result[command] = {
            **dict(_values(shared, settings, path, f"[{_TABLE}]")),
            **dict(_values(own.get(command, {}), settings, path, where)),
        }
    return result


def _demand_known(table: Mapping[str, Any], known: set[str], path: Path, where: str) -> None:
    """Raise UsageError, with the nearest name there is, for a key that nothing has."""
    for key in table:
        if key in known:
            continue
        if key in OF_ONE_RUN:
            hint = f"it is an option of one run: write --{key} on the command line"
            raise UsageError(f"{where} cannot set `{key}`", where=str(path), hint=hint)
        from difflib import get_close_matches

        near = get_close_matches(key, sorted(known), 1, 0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"it can be {', '.join(sorted(known))}"
        raise UsageError(f"{where} has no `{key}`", where=str(path), hint=hint)


def _demand_one_meaning(key: str, commands: Mapping[str, Mapping[str, Setting]], path: Path) -> None:
    """Raise UsageError for a key that is one thing to one command and another thing to another."""
    having = [name for name, settings in commands.items() if key in settings]
    first, *others = (commands[name][key] for name in having)
    if any(other != first for other in others):
        hint = f"it can be set in {', '.join(f'[{_TABLE}.{name}]' for name in having)}"
        raise UsageError(f"`{key}` does not mean the same to all commands", where=str(path), hint=hint)


def _values(
    table: Mapping[str, Any], settings: Mapping[str, Setting], path: Path, where: str
) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        setting = settings.get(key)
        if setting is None:
            continue
        if not _fits(value, setting):
            words = Kind.TEXTS.value if setting.may_be_list else setting.kind.value
            raise UsageError(f"`{key}` of {where} is {words}, not {value!r}", where=str(path))
        if setting.kind in {Kind.FLAG, Kind.NUMBER}:
            yield setting.name, value
            continue
        given = [value] if isinstance(value, str) else value
        if "" in given and not setting.may_be_empty:
            raise UsageError(f"`{key}` of {where} is empty", where=str(path), hint="leave it out to set nothing")
        texts = [_from_folder(text, setting, path) for text in given]
        yield setting.name, tuple(texts) if setting.kind is Kind.TEXTS else setting.separator.join(texts)


def _fits(value: object, setting: Setting) -> bool:
    if setting.may_be_list and isinstance(value, list):
        return all(isinstance(text, str) for text in value)
    return type(value) is {Kind.FLAG: bool, Kind.NUMBER: int}.get(setting.kind, str)


def _from_folder(text: str, setting: Setting, path: Path) -> str:
    """Return a path as seen from the folder of the file, and other texts as they are."""
    if setting.is_path or (setting.may_be_path and "/" in text):
        return str(path.parent / text)
    return text
