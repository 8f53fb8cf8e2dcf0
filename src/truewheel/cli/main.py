"""The `truewheel` program: its commands, their options, and what happens when one of them fails.

A command's own module is imported only when that command runs: `--version` and `--help` stay quick.
"""

from __future__ import annotations

import os
import sys

import click

from truewheel.cli.configured import ConfiguredCommand
from truewheel.cli.options import (
    batch_options,
    bundle_options,
    exclude_option,
    jobs_option,
    json_option,
    label_options,
    output_options,
    policy_option,
    release_options,
    retag_options,
    search_options,
    verbosity_option,
    wheels_argument,
)
from truewheel.errors import DEBUG_VARIABLE, ExitCode, foreseen
from truewheel.version import __version__

_EPILOG = """\b
Exit codes:
  0  done, or true
  1  the wheel cannot be what was asked, or could not be written
  2  wrong usage
  3  the input cannot be read
  4  some of several wheels failed"""

_INTERRUPTED = 130
_READER_GONE = 141
"""What a shell reports for a program that SIGINT or SIGPIPE ends."""


def run() -> int:
    """Run the program with the process's arguments and return its exit code."""
    try:
        code = cli.main(standalone_mode=False, color=False if os.environ.get("NO_COLOR") else None)
    except click.ClickException as error:
        return _misused(error)
    except click.Abort:
        click.echo("truewheel: interrupted; nothing half-done was left behind", err=True)
        return _INTERRUPTED
    except _ReaderGoneError:
        # Keep Python from complaining about it again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _READER_GONE
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        from truewheel.cli.each import complain

        known = foreseen(error)
        complain(known)
        return int(known.exit_code)
    return int(code or ExitCode.DONE)


def _misused(error: click.ClickException) -> int:
    """Say in one line what is wrong with the arguments."""
    context = getattr(error, "ctx", None)
    help_line = f" (`{context.command_path} -h` lists what there is)" if context else ""
    message = " ".join(error.format_message().split()).rstrip(".")
    click.echo(f"truewheel: {message}{help_line}", err=True)
    return error.exit_code


class _ReaderGoneError(Exception):
    """The program that reads our output has ended."""


class _Program(click.Group):
    """The group of all commands; ends of a run that click would tell in its own way are told in ours."""

    command_class = ConfiguredCommand

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.Abort from None
        except BrokenPipeError:
            raise _ReaderGoneError from None


@click.group(
    cls=_Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=_EPILOG,
)
@click.version_option(__version__, "-V", "--version", message="truewheel %(version)s")
@verbosity_option
@click.pass_context
def cli(context: click.Context, verbose: int) -> None:
    """Make built wheels true: self-contained, and named for what their machine code proves."""
    context.default_map = {name: {"verbose": verbose} for name in cli.commands}
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@wheels_argument
@search_options
@policy_option
@json_option
@verbosity_option
def show(**options: object) -> ExitCode:
    """Show what each wheel needs, whether its label is true, and what it could be."""
    from truewheel.cli.show import show_wheels

    return show_wheels(options)


@cli.command()
@click.argument("wheel", type=click.Path())
@click.argument("subject", required=False)
@search_options
@json_option
def why(**options: object) -> ExitCode:
    """Say why a library comes along, or why a tag is forbidden.

    SUBJECT is a library (`libssl.so.3`), a symbol or symbol version (`GLIBC_2.34`), or a platform tag
    (`manylinux_2_17`). Without one, the command says what keeps the wheel from the next older label.
    """
    from truewheel.cli.why import explain_wheel

    return explain_wheel(options)


@cli.command()
@wheels_argument
@output_options
@batch_options
@release_options
@label_options
@policy_option
@search_options
@bundle_options
@json_option
@verbosity_option
def repair(**options: object) -> ExitCode:
    """Bundle what each wheel needs and give it a name that is true.

    Leaves exactly one wheel per input in the output folder and prints its full path: a repaired one, or the same
    bytes when there is nothing to do. When a wheel cannot be repaired, nothing is written for it.
    """
    from truewheel.cli.repair import repair_wheels

    return repair_wheels(options)


@cli.command()
@click.argument("wheels", nargs=-1, required=True, type=click.Path(), metavar="WHEEL WHEEL")
@output_options
@release_options
@click.option(
    "--prefer",
    multiple=True,
    metavar="[GLOB=]ARCH",
    help="Whose file to take where files differ that cannot be joined: of the wheel for arm64 or x86_64.",
)
@click.option("--allow-one-sided", is_flag=True, help="Keep modules, programs and data that only one wheel has.")
@click.option("--plat", default="auto", show_default=True, metavar="TAG", help="The platform tag to hold.")
@exclude_option
@jobs_option
@json_option
@verbosity_option
def merge(**options: object) -> ExitCode:
    """Merge a macOS wheel for x86_64 and one for arm64 into one wheel for both.

    Files of machine code are joined, slice by slice, with their signatures untouched. Other files must be the same in
    both, or --prefer says which is right. Prints the full path of the new wheel.
    """
    from truewheel.cli.merge import merge

    return merge(options)


@cli.command()
@wheels_argument
@click.option("--arch", required=True, metavar="ARCH", help="The architecture that stays: arm64, x86_64, i386 ...")
@output_options
@batch_options
@release_options
@exclude_option
@jobs_option
@json_option
@verbosity_option
def thin(**options: object) -> ExitCode:
    """Make each macOS wheel for several architectures one for a single architecture.

    Every fat file becomes its one slice, byte for byte; files for other architectures alone are left out. Prints the
    full path of each new wheel.
    """
    from truewheel.cli.thin import thin_wheels

    return thin_wheels(options)


@cli.command()
@wheels_argument
@click.option(
    "--target",
    multiple=True,
    metavar="TARGET",
    help="Answer for this one: a system, a Python and perhaps an installer, as in 'ubuntu-22.04 cp312 pip-24.0'.",
)
@click.option("--name", is_flag=True, help="Look at the names alone; the files need not exist.")
@json_option
def accepts(**options: object) -> ExitCode:
    """Show who can install a wheel: which Pythons on which systems, by which installers.

    Of two wheels, the command says who gains and who loses when the second takes the place of the first. With
    --target it answers for one target, with the reason, and exits with 1 when a wheel is refused.
    """
    from truewheel.cli.accepts import accept_wheels

    return accept_wheels(options)


@cli.command()
@wheels_argument
@retag_options
@batch_options
@release_options
@json_option
@verbosity_option
def retag(**options: object) -> ExitCode:
    """Give each wheel other tags, true of what is inside, without touching anything else.

    A value `a.b` of --python-tag, --abi-tag or --platform-tag replaces the tags, `+a.b` adds and `-a.b` removes; each
    can be given several times. A tag that the machine code contradicts is refused, with the reasons. Prints the full
    path of each wheel.
    """
    from truewheel.cli.retag import retag_wheels

    return retag_wheels(options)


@cli.command()
@click.argument("plan_file", type=click.Path(dir_okay=False), metavar="PLAN")
@output_options
@release_options
@jobs_option
@json_option
@verbosity_option
def apply(**options: object) -> ExitCode:
    """Do what a plan says that `--plan` wrote: all of it, or nothing.

    Every wheel is checked against the plan first. New wheels get their names when all of them are ready; a run that
    was interrupted is finished by running it again. Prints the full path of each.
    """
    from truewheel.cli.apply import apply_plan

    return apply_plan(options)


@cli.command()
@wheels_argument
@click.option("--select", multiple=True, metavar="RULE", help="Follow these rules alone; repeat it, or join by commas.")
@click.option("--ignore", multiple=True, metavar="RULE", help="Leave these rules out; repeat it, or join by commas.")
@click.option(
    "--index",
    type=click.Choice(["pypi", "none"]),
    default="pypi",
    show_default=True,
    help="Whose rules for uploads count too.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
@click.option("--fix", is_flag=True, help="Write a mended copy of each wheel, as far as no new facts are needed.")
@click.option(
    "-w",
    "--wheel-dir",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Where mended wheels go; beside the given ones unless told.",
)
@click.option("--force", is_flag=True, help="Replace another wheel of the name of a mended one, be it the given one.")
@click.option("--sarif", metavar="FILE", help="Write the findings as SARIF 2.1.0 too; `-` is the standard output.")
@jobs_option
@json_option
@verbosity_option
def check(**options: object) -> ExitCode:
    """Check each wheel: its name, metadata, hashes, machine code and the index's rules against each other.

    Prints one line for each finding, with its rule and the mend, and exits with 1 when something is wrong. With --fix
    it prints the full path of each wheel as mended instead.
    """
    from truewheel.cli.check import check_wheels

    return check_wheels(options)
