"""The program as click runs it: for help, for mistakes, and for command lines that are not plain."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from truewheel.cli.commands import COMMANDS
from truewheel.cli.configured import ConfiguredCommand
from truewheel.cli.option import Argument, Kind
from truewheel.errors import ExitCode, UsageError
from truewheel.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truewheel.cli.option import Command, Option

_EPILOG = """\b
Exit codes:
  0  done, or true
  1  the wheel cannot be what was asked, or could not be written
  2  wrong usage
  3  the input cannot be read
  4  some of several wheels failed"""

_TYPES: dict[Kind, click.ParamType[Any]] = {
    Kind.NUMBER: click.IntRange(min=1),
    Kind.TEXT: click.STRING,
    Kind.PATH: click.Path(),
    Kind.FILE: click.Path(dir_okay=False),
    Kind.FOLDER: click.Path(file_okay=False),
    Kind.WHEELS: click.Path(),
}


T = TypeVar("T")


class CarriedError(Exception):
    """What ends a run and what click would tell in its own way, carried past it. cause: what it is."""

    def __init__(self, cause: BaseException) -> None:
        """Keep the cause."""
        super().__init__(str(cause))
        self.cause = cause


def run_by_click(words: Sequence[str]) -> int:
    """Run the program with the words of a command line and return its exit code."""
    try:
        code = cli.main(list(words), standalone_mode=False)
    except click.ClickException as error:
        return _misused(error)
    except CarriedError as error:
        raise error.cause from None
    return int(code or ExitCode.DONE)


def _misused(error: click.ClickException) -> int:
    """Say in one line what is wrong with the arguments."""
    context = getattr(error, "ctx", None)
    help_line = f" (`{context.command_path} -h` lists what there is)" if context else ""
    message = " ".join(error.format_message().split()).rstrip(".")
    click.echo(f"truewheel: {message}{help_line}", err=True)
    return error.exit_code


class _Program(click.Group):
    """The group of all commands; ends of a run that click would tell in its own way are told in ours."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, BrokenPipeError) as error:
            raise CarriedError(error) from None


def _parameter(parameter: Argument | Option) -> click.Parameter:
    if isinstance(parameter, Argument):
        return click.Argument(
            [parameter.key],
            type=_TYPES[parameter.kind],
            metavar=parameter.metavar,
            nargs=-1 if parameter.many else 1,
            required=parameter.required,
            callback=_named if parameter.kind is Kind.WHEELS else _filled,
        )
    return _option(parameter)


def _option(option: Option) -> click.Option:
    names = sorted(option.names, key=lambda name: name.startswith("--"))  # as messages spell them: the short one first
    shape: dict[str, Any] = {"type": _TYPES.get(option.kind), "metavar": option.metavar, "multiple": option.many}
    if option.kind is Kind.CHOICE:
        shape["type"] = click.Choice(option.choices)
    elif option.kind is Kind.COUNT:
        shape = {"count": True}
    elif option.kind is Kind.FLAG:
        shape = {"is_flag": True}
        names = [f"{name}/{option.contrary}" for name in names] if option.contrary else names
    if not option.many and (option.default is not None or option.contrary):
        shape["default"] = option.default
    return click.Option(
        [*names, option.key],
        help=option.help,
        show_default=option.shown,
        envvar=option.variables or None,
        show_envvar=bool(option.variables),
        required=option.required,
        callback=None if option.may_be_empty else _filled,
        is_eager=option.key == "from_file",  # the argument's wheels are looked for with those of the lists
        **shape,
    )


def _filled(context: click.Context, parameter: click.Parameter, value: T) -> T:
    """Return the value of a parameter; one that is empty is a mistake, such as a variable that nobody set."""
    if "" not in (value if isinstance(value, tuple) else (value,)):
        return value
    name = max(parameter.opts, key=len) if isinstance(parameter, click.Option) else parameter.make_metavar(context)
    raise UsageError("is empty", where=name, hint="is a variable not set?")


def _named(context: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the wheels that the argument and the lists name; a command without any has no meaning."""
    lists: tuple[str, ...] = context.params.get("from_file", ())
    if context.resilient_parsing:
        return words
    _filled(context, parameter, words)
    if not words and not lists:
        raise click.MissingParameter(ctx=context, param=parameter)
    from truewheel.batch.inputs import wheels

    return wheels(words, lists)


def _built(command: Command) -> click.Command:
    return ConfiguredCommand(
        command.name,
        params=[_parameter(parameter) for parameter in command.parameters],
        callback=partial(_call, command),
        help=command.help,
    )


def _call(command: Command, **values: object) -> ExitCode:
    return command.run(values)


@click.group(
    cls=_Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=_EPILOG,
)
@click.version_option(__version__, "-V", "--version", message="truewheel %(version)s")
@click.option("-v", "--verbose", count=True, help="Say everything, and shorten nothing.")
@click.pass_context
def cli(context: click.Context, verbose: int) -> None:
    """Make built wheels true: self-contained, and named for what their machine code proves."""
    context.default_map = {name: {"verbose": verbose} for name in cli.commands}
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in COMMANDS.values():
    cli.add_command(_built(_command))
