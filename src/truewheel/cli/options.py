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

policy_option = click.option(
    "--policy",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Judge Linux wheels by the policy that this file describes, and hold it unless --plat asks for another.",
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

retag_options = _together(
    click.option("--python-tag", multiple=True, metavar="[+|-]TAG", help="What to do to the Python tags."),
    click.option("--abi-tag", multiple=True, metavar="[+|-]TAG", help="What to do to the ABI tags."),
    click.option(
        "--platform-tag",
        multiple=True,
        metavar="[+|-]TAG",
        help="What to do to the platform tags; `auto` stands for those that the machine code proves.",
    ),
    click.option("--build", metavar="N", help="Set the build tag."),
    click.option("--no-build", is_flag=True, help="Take the build tag away."),
    click.option(
        "--for",
        "profiles",
        multiple=True,
        metavar="PROFILE",
        help="Add the names that interpreters or installers need: python.org, apple-10.9, homebrew, pip>=6 ...",
    ),
    click.option(
        "--profiles", "profile_file", type=click.Path(dir_okay=False), metavar="FILE", help="Read profiles of your own."
    ),
    click.option(
        "--legacy-aliases/--no-legacy-aliases",
        default=None,
        help="Name manylinux_X_Y by its older names too, or by none of them.",
    ),
    click.option("--normalize", is_flag=True, help="Sort and expand the tags; make file name and WHEEL agree."),
    click.option(
        "--trust",
        type=click.Choice(["filename", "wheel", "binaries"]),
        default="filename",
        show_default=True,
        help="What --normalize believes where they do not agree.",
    ),
    click.option("--keep-order", is_flag=True, help="Put new tags behind the present ones instead of sorting all."),
    click.option("--local-version", metavar="[+]LABEL", help="Give the version another local label; '' drops it."),
    click.option("--force", is_flag=True, help="Write tags that the machine code contradicts, and say so in the plan."),
    click.option(
        "-w",
        "--wheel-dir",
        type=click.Path(file_okay=False),
        metavar="DIR",
        help="Where new wheels go, made when absent; beside the old ones unless told.",
    ),
    click.option("--in-place", is_flag=True, help="Let each new wheel take the place of the old one."),
    click.option("--remove/--keep", default=None, help="Delete each old wheel when the new one is there, or keep it."),
    click.option("--overwrite", is_flag=True, help="Replace a different wheel that has the new name already."),
    click.option("-n", "--dry-run", is_flag=True, help="Print what would be done; write nothing."),
    jobs_option,
)
