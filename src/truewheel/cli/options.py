"""The options that several commands share, under the names that users of auditwheel and delocate know."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[..., object]
    Decorator = Callable[[Function], Function]


def _together(*decorators: Decorator) -> Decorator:
    """Return one decorator that applies all of them, in the order that help prints them."""

    def apply(command: Function) -> Function:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


def _named(context: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the wheels that the argument and the lists name; a command without any has no meaning."""
    if context.resilient_parsing:
        return words
    from truewheel.batch.inputs import expand, listed

    words = (*words, *(line for name in context.meta.get(_LISTS, ()) for line in listed(name)))
    if not words:
        raise click.MissingParameter(ctx=context, param=parameter)
    return expand(words)


def _remember(context: click.Context, _: click.Parameter, lists: tuple[str, ...]) -> None:
    context.meta[_LISTS] = lists


_LISTS = "truewheel.lists"
"""Where the context keeps the lists of `--from-file` until the argument is read."""

wheels_argument = _together(
    click.argument("wheels", nargs=-1, type=click.Path(), metavar="WHEEL...", callback=_named),
    click.option(
        "--from-file",
        multiple=True,
        metavar="LIST",
        is_eager=True,
        expose_value=False,
        callback=_remember,
        help="Take wheels, folders and patterns from this file too, one a line; `-` is the standard input.",
    ),
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")

verbosity_option = click.option("-v", "--verbose", count=True, help="Say everything, and shorten nothing.")

exclude_option = click.option(
    "--exclude",
    multiple=True,
    metavar="GLOB",
    help="Leave matching libraries outside: by name, name without version, or path.",
)

jobs_option = click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    metavar="N",
    help="Work with N threads; as many as there are processors unless told.",
)

search_options = _together(
    click.option(
        "--lib-path",
        "--ldpaths",
        "lib_path",
        multiple=True,
        metavar="DIR",
        help=f"Look for libraries here before the system's folders; several by repeating or with `{os.pathsep}`.",
    ),
    click.option("--sysroot", default="/", metavar="DIR", help="Take the system's folders from this root."),
    exclude_option,
    click.option(
        "--executable-path",
        metavar="PATH",
        help="What @executable_path stands for in a macOS wheel: a program, or the folder it lies in.",
    ),
    jobs_option,
)

output_options = _together(
    click.option(
        "-w",
        "--wheel-dir",
        type=click.Path(file_okay=False),
        default="wheelhouse",
        show_default=True,
        metavar="DIR",
        help="Where new wheels go; made when absent.",
    ),
    click.option("--force", is_flag=True, help="Replace a different wheel of the same name in the output folder."),
    click.option("-n", "--dry-run", is_flag=True, help="Print what would be done; write nothing."),
)

batch_options = _together(
    click.option(
        "--plan",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Write what would be done to all wheels as JSON, for `truewheel apply`; do nothing.",
    ),
    click.option("--all-or-nothing", is_flag=True, help="Publish all new wheels together, and none when one fails."),
)

release_options = _together(
    click.option("--sums", is_flag=True, help="Write SHA256SUMS and names.json (old names to new) beside the wheels."),
    click.option(
        "--index",
        type=click.Path(file_okay=False),
        metavar="DIR",
        help="Add the new wheels to the static package index in DIR.",
    ),
)

label_options = _together(
    click.option(
        "--plat",
        default="auto",
        envvar=["TRUEWHEEL_PLAT", "AUDITWHEEL_PLAT"],
        show_default=True,
        show_envvar=True,
        metavar="TAG",
        help="The platform tag to hold; `auto` finds the most portable, `linux` bundles and promises nothing.",
    ),
    click.option("--only-plat", is_flag=True, help="Name the wheel by --plat alone, not by older true tags too."),
    click.option(
        "--require-archs",
        metavar="ARCHS",
        help="Refuse a macOS wheel with a module that lacks one of these: `x86_64,arm64`, `universal2`, `intel` ...",
    ),
)

bundle_options = _together(
    click.option(
        "--include",
        multiple=True,
        metavar="LIB",
        help="Bring a library along that no file names (opened by name at run time); a path or a name.",
    ),
    click.option("--no-mangle", multiple=True, metavar="GLOB", help="Keep the names of matching libraries."),
    click.option(
        "-L",
        "--lib-sdir",
        metavar="SUFFIX",
        help="The folder of libraries is named after the distribution, with this suffix: .libs, on macOS .dylibs.",
    ),
    click.option("--strip", is_flag=True, help="Drop symbol tables and debug data that no loader reads."),
    click.option(
        "--clear-executable-stack",
        is_flag=True,
        help="Clear the executable-stack mark of files that carry it (glibc 2.41 and later refuse to load them).",
    ),
    click.option(
        "--drop-hardened-runtime",
        is_flag=True,
        help="Sign edited Mach-O files without the hardened runtime that their old signature asked for.",
    ),
    click.option("--sbom/--no-sbom", default=True, show_default=True, help="List what was bundled inside the wheel."),
)
