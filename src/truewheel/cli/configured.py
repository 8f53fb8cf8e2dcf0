"""Commands whose options take their defaults from `[tool.truewheel]` of the project's pyproject.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from truewheel.configuration import OF_ONE_RUN, Kind, Setting, load, nearest
from truewheel.errors import UsageError

_PATHS = frozenset({"DIR", "FILE", "PATH"})
_PERHAPS_PATHS = frozenset({"LIB"})
"""What options that take a path, and those that take a path or a name, call their value."""
_SEPARATORS = {"ARCHS": ","}
"""By what options call their value, what joins several in one text."""
_OF_THE_PLAN = frozenset({("apply", "wheel-dir")})
"""By command and by long name, what a plan has taken from the configuration already."""
_SEEN = "truewheel.configuration"


class ConfiguredCommand(click.Command):
    """A command with `--config FILE` and `--no-config`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as click.Command
        """Add the two options to those of the command."""
        super().__init__(*arguments, **options)
        self.params += [
            click.Option(
                ["--config"],
                type=click.Path(dir_okay=False),
                metavar="FILE",
                is_eager=True,
                expose_value=False,
                callback=_configure,
                help="Take defaults from [tool.truewheel] of this file; of the nearest pyproject.toml unless told.",
            ),
            click.Option(
                ["--no-config"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_configure,
                help="Take no defaults from a file.",
            ),
        ]


def _configure(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Take the defaults once both options are known. click asks for eager options in the order of the command line."""
    seen = context.meta.setdefault(_SEEN, {})
    seen[parameter.name] = value
    if len(seen) < 2 or seen["no_config"] or context.resilient_parsing:  # noqa: PLR2004 - the two options
        return
    if seen["config"] == "":
        raise UsageError("is empty", where="--config", hint="is a variable not set?")
    path = Path(seen["config"]) if seen["config"] else nearest()
    if path is None or context.parent is None:
        return
    values = load(path, _settable(context.parent.command))
    context.default_map = {**(context.default_map or {}), **values.get(str(context.info_name), {})}


def _settable(group: click.Command) -> dict[str, dict[str, Setting]]:
    """Return, by command and by the option's long name, what a file may set."""
    commands = group.commands if isinstance(group, click.Group) else {}
    return {
        name: {
            key: _setting(option)
            for option in command.params
            if isinstance(option, click.Option)
            and (key := _key(option)) not in OF_ONE_RUN
            and (name, key) not in _OF_THE_PLAN
        }
        for name, command in commands.items()
    }


def _key(option: click.Option) -> str:
    """Return the first long name of an option, without its dashes."""
    return next(text for text in option.opts if text.startswith("--")).removeprefix("--")


def _setting(option: click.Option) -> Setting:
    kind = Kind.TEXTS if option.multiple else Kind.TEXT
    if option.is_flag:
        kind = Kind.FLAG
    elif isinstance(option.type, click.types.IntParamType):
        kind = Kind.NUMBER
    return Setting(
        str(option.name),
        kind,
        is_path=option.metavar in _PATHS,
        may_be_path=option.metavar in _PERHAPS_PATHS,
        may_be_empty=option.callback is None,
        separator=_SEPARATORS.get(option.metavar or "", ""),
    )
