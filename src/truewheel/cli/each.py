"""Run one command over several wheels: one bad wheel does not stop the others."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from truewheel.errors import ExitCode, RefusedError, TruewheelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from truewheel.analyzer.ld_so import SearchOptions

Result = TypeVar("Result")


def for_each(
    wheels: Iterable[str], work: Callable[[Path], Result], present: Callable[[Result], None]
) -> tuple[list[dict[str, Any]], ExitCode]:
    """Do `work` on each wheel and `present` what it returns; print each error as it comes.

    Return the errors as JSON values, and the exit code: a lone wheel's own, or SOME_FAILED.
    """
    paths = [Path(wheel) for wheel in wheels]
    failures: list[dict[str, Any]] = []
    for number, path in enumerate(paths, 1):
        with _progress(f"[{number}/{len(paths)}] {path.name}"):
            result = _attempt(work, path)
        if isinstance(result, TruewheelError):
            failures.append(_failure(path, result))
            _complain(path, result)
        else:
            present(result)
    if not failures:
        return failures, ExitCode.DONE
    return failures, ExitCode.SOME_FAILED if len(paths) > 1 else ExitCode(failures[0]["exit_code"])


def _attempt(work: Callable[[Path], Result], path: Path) -> Result | TruewheelError:
    try:
        return work(path)
    except TruewheelError as error:
        return error


def search_from(options: Mapping[str, Any]) -> SearchOptions:
    """Return where to look for libraries, from the command's options and the environment."""
    from truewheel.analyzer.ld_so import SearchOptions, split_library_path

    named = ("AUDITWHEEL_LD_LIBRARY_PATH", "LD_LIBRARY_PATH")
    conda = os.environ.get("CONDA_PREFIX")
    return SearchOptions(
        lib_paths=tuple(Path(part) for value in options["lib_path"] for part in value.split(os.pathsep) if part),
        library_path=tuple(path for name in named for path in split_library_path(os.environ.get(name, ""))),
        sysroot=Path(options["sysroot"]),
        conda_prefixes=(Path(conda),) if conda else (),
        exclude=options["exclude"],
    )


@contextmanager
def _progress(text: str) -> Iterator[None]:
    """Show on a terminal what is being worked on, and take it away again."""
    if not sys.stderr.isatty():
        yield
        return
    click.echo(f"{text} ...", nl=False, err=True)
    try:
        yield
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)


def _complain(path: Path, error: TruewheelError) -> None:
    text = str(error)
    place = "" if path.name in text else f"{path.name}: "
    click.echo(click.style("error: ", fg="red") + f"{place}{text}", err=True)
    if isinstance(error, RefusedError):
        for reason in error.reasons:
            click.echo(f"  {reason}", err=True)


def _failure(path: Path, error: TruewheelError) -> dict[str, Any]:
    return {
        "file": str(path),
        "error": error.what,
        "where": error.where,
        "hint": error.hint,
        "reasons": list(getattr(error, "reasons", ())),
        "exit_code": int(error.exit_code),
    }
