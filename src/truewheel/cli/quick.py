"""Plain command lines, understood without click, which takes longer to import than many a command.

Only what has one meaning is understood: known options in full, each value as a word of its own, and nothing that the
environment or a configuration file adds to. Everything else (help, mistakes, `--option=value` of a flag, `-vv`) is left
to click, so nothing here has to explain itself. Whatever is understood means what it means to click.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from truewheel.cli.option import Argument, Kind, Option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truewheel.cli.option import Command

_SWITCHES = frozenset({Kind.FLAG, Kind.COUNT})
_PATHS = frozenset({Kind.PATH, Kind.FILE, Kind.FOLDER, Kind.WHEELS})
_UNSETTING = "--no-config"
_DIGITS = 10
"""Of how many digits no number makes sense any more; from some thousand on Python refuses to read one."""


class _UnclearError(Exception):
    """Something that is left to click."""


def understood(words: Sequence[str], commands: Mapping[str, Command]) -> tuple[Command, dict[str, Any]] | None:
    """Return the command that the words of a command line name, with its values by key; None to leave it to click.

    Raises UsageError for folders and lists of wheels that cannot be read.
    """
    command = commands.get(words[0]) if words else None
    if command is None:
        return None
    try:
        values, texts = _options(command, words[1:])
        _arguments(command, texts, values)
    except _UnclearError:
        return None
    return command, values


def _options(command: Command, words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Return the values of all options, and the words that belong to none."""
    options = [parameter for parameter in command.parameters if isinstance(parameter, Option)]
    if any(name in os.environ for option in options for name in option.variables):
        raise _UnclearError
    named = {name: option for option in options for name in option.names}
    contrary = {option.contrary: option for option in options if option.contrary}
    values = {option.key: option.absent for option in options}
    texts: list[str] = []
    configured = True
    rest = iter(words)
    for word in rest:
        name, equals, text = word.partition("=") if word.startswith("--") else (word, "", "")
        option = named.get(name)
        if option is not None and option.kind not in _SWITCHES:
            value = _value(option, text if equals else next(rest, None))
            values[option.key] = (*values[option.key], value) if option.many else value
        elif equals or (option is None and word[:1] == "-" and word not in {*contrary, _UNSETTING}):
            raise _UnclearError
        elif option is not None:
            values[option.key] = values[option.key] + 1 if option.kind is Kind.COUNT else True
        elif word in contrary:
            values[contrary[word].key] = False
        elif word == _UNSETTING:
            configured = False
        else:
            texts.append(word)
    missing = any(option.required and values[option.key] is None for option in options)
    if missing or (configured and _is_configured()):
        raise _UnclearError
    return values, texts


def _arguments(command: Command, texts: Sequence[str], values: dict[str, Any]) -> None:
    """Add the values of the arguments to those of the options."""
    rest = iter(texts)
    for argument in command.parameters:
        if not isinstance(argument, Argument):
            continue
        found = tuple(rest) if argument.many else next(rest, None)
        for text in found if isinstance(found, tuple) else (found,):
            if text == "":
                raise _UnclearError
            if text is not None and argument.kind in _PATHS:
                _require_path(text, argument.kind)
        if argument.kind is Kind.WHEELS:
            from truewheel.batch.inputs import wheels

            found = wheels(found or (), values["from_file"])
        if not found and (argument.required or argument.kind is Kind.WHEELS):
            raise _UnclearError
        values[argument.key] = found
    if next(rest, None) is not None:
        raise _UnclearError


def _value(option: Option, text: str | None) -> str | int:
    """Return what one use of an option gives it."""
    if text is None or not (text or option.may_be_empty):
        raise _UnclearError
    if option.kind is Kind.CHOICE and text not in option.choices:
        raise _UnclearError
    if option.kind is Kind.NUMBER:
        if not (len(text) < _DIGITS and text.isascii() and text.isdecimal() and int(text)):
            raise _UnclearError
        return int(text)
    if option.kind in _PATHS:
        _require_path(text, option.kind)
    return text


def _require_path(text: str, kind: Kind) -> None:
    """Demand that there is nothing, or what can be read and is of the right kind."""
    try:
        mode = os.stat(text).st_mode  # noqa: PTH116 - a text of the command line, before it is known to be a path
    except (OSError, ValueError):
        return
    wrong = {Kind.FILE: stat.S_ISDIR(mode), Kind.FOLDER: stat.S_ISREG(mode)}.get(kind, False)
    if wrong or not os.access(text, os.R_OK):
        raise _UnclearError


def _is_configured() -> bool:
    """Whether a pyproject.toml may set defaults of options."""
    from truewheel.configuration import nearest, sets_anything

    path = nearest()
    return path is not None and sets_anything(path)
