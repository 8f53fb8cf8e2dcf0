"""Run one command over several wheels: one bad wheel does not stop the others."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from truewheel.cli.format import printable
from truewheel.cli.output import echo, say, style
from truewheel.errors import (
    DEBUG_VARIABLE,
    ExitCode,
    InvalidInputError,
    RefusedError,
    TruewheelError,
    UsageError,
    foreseen,
)
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.platforms.own_policy import OwnPolicy

Result = TypeVar("Result")
Failures = list[dict[str, Any]]
"""What `--json` tells of wheels that could not be worked on."""

_SHOWN_REASONS = 20
"""How many reasons a terminal gets; a wheel of a hundred modules may have one for each."""


def for_each(
    wheels: Iterable[str],
    work: Callable[[Path], Result],
    present: Callable[[Result], None],
    *,
    at_once: int = 1,
    must_exist: bool = True,
) -> tuple[Failures, ExitCode]:
    """Do `work` on each wheel and `present` what it returns, in the order given; print each error as it comes.

    A wheel that is given twice, even by two paths, is worked on once. at_once: how many wheels are worked on at a time;
    see `pace`. must_exist: False where only the names count.
    Return the errors as JSON values, and the exit code: a lone wheel's own, or SOME_FAILED.
    """
    paths = each_once(wheels)
    title = titles(paths)
    failures = Failures()

    def tried(numbered: tuple[int, Path]) -> Result | TruewheelError:
        number, path = numbered
        with _progress(f"[{number}/{len(paths)}] {path.name}", quiet=at_once > 1):
            return attempt(partial(work, path), *([path] if must_exist else []))

    sizes = ((numbered, _size(numbered[1])) for numbered in enumerate(paths, 1))
    for path, result in zip(paths, each_in_order(tried, sizes, jobs=at_once, bound=_BOUND), strict=True):
        if isinstance(result, TruewheelError):
            failures.append(failed(str(path), result))
            complain(result, title[path])
        else:
            present(result)
    return failures, exit_code(failures, len(paths))


def each_once(wheels: Iterable[str]) -> tuple[Path, ...]:
    """Return the paths in their order, without those that lead to the same file as an earlier one."""
    first: dict[str, Path] = {}
    for wheel in wheels:
        first.setdefault(os.path.realpath(wheel), Path(wheel))
    return tuple(first.values())


def titles(paths: Sequence[Path]) -> dict[Path, str]:
    """Return what each wheel is called in messages: its file name, or its path where several have that name."""
    seen: dict[str, int] = {}
    for path in paths:
        seen[path.name] = seen.get(path.name, 0) + 1
    return {path: path.name if seen[path.name] == 1 else str(path) for path in paths}


def exit_code(failures: Sequence[Mapping[str, Any]], wheels: int) -> ExitCode:
    """Return the code of a command that worked on so many wheels, some of which failed: a lone wheel's is its own."""
    if not failures:
        return ExitCode.DONE
    return ExitCode.SOME_FAILED if wheels > 1 else ExitCode(failures[0]["exit_code"])


def pace(wheels: Sequence[str], jobs: int) -> tuple[int, int]:
    """Return how many of the wheels to work on at once, and with how many threads at each: `jobs` in all.

    Small wheels do not keep several threads busy, so several are worked on at a time; large ones take their turns.
    """
    at_once = min(jobs, len(wheels))
    if any(_size(Path(wheel)) > _SMALL for wheel in wheels):
        at_once = 1
    return max(at_once, 1), max(jobs // max(at_once, 1), 1)


_SMALL = 4 << 20
_BOUND = 1 << 30
"""Up to how many bytes a wheel is small, and how many bytes of wheels are worked on at once."""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def for_all(
    wheels: Sequence[str],
    work: Callable[[tuple[Path, ...]], Result],
    present: Callable[[Result], None],
    *,
    must_exist: bool = True,
) -> tuple[Failures, ExitCode]:
    """Do `work` once, on all wheels together, and `present` what it returns or print the error. Return as `for_each`.

    An error is told of all of them, joined by a space.
    """
    paths = tuple(map(Path, wheels))
    with _progress(" ".join(path.name for path in paths)):
        result = attempt(partial(work, paths), *(paths if must_exist else ()))
    if not isinstance(result, TruewheelError):
        present(result)
        return [], ExitCode.DONE
    complain(result)
    return [failed(" ".join(wheels), result)], result.exit_code


def attempt(work: Callable[[], Result], *paths: Path) -> Result | TruewheelError:
    """Return what the work returns, or whatever it raises as an error of ours. paths: files that must be there."""
    try:
        for path in paths:
            _require_file(path)
        return work()
    except TruewheelError as error:
        return error
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        return foreseen(error)


def _require_file(path: Path) -> None:
    """Raise InvalidInputError when there is no file at `path`; what is wrong with a file, its reader says."""
    if path.is_dir():
        raise InvalidInputError("is a folder, not a wheel", where=str(path), hint="name the .whl files in it")
    if not path.exists():
        unexpanded = any(sign in path.name for sign in "*?[")
        hint = "the pattern matches no file; was the wheel built?" if unexpanded else ""
        raise InvalidInputError("there is no such file", where=str(path), hint=hint)


def search_from(options: Mapping[str, Any]) -> SearchOptions:
    """Return where to look for libraries, from the command's options and the environment.

    Raises UsageError for a folder that the caller names and that is not there.
    """
    from truewheel.analyzer.search_options import SearchOptions, split_library_path

    def listed(*names: str) -> tuple[Path, ...]:
        return tuple(path for name in names for path in split_library_path(os.environ.get(name, "")))

    conda = os.environ.get("CONDA_PREFIX")
    lib_paths = [Path(part) for value in options["lib_path"] for part in value.split(os.pathsep) if part]
    for path in lib_paths:
        _require_folder(path, "--lib-path")
    _require_folder(Path(options["sysroot"]), "--sysroot")
    return SearchOptions(
        lib_paths=tuple(lib_paths),
        library_path=listed("AUDITWHEEL_LD_LIBRARY_PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
        sysroot=Path(options["sysroot"]),
        conda_prefixes=(Path(conda),) if conda else (),
        exclude=options["exclude"],
        fallback_path=listed("DYLD_FALLBACK_LIBRARY_PATH"),
        framework_path=listed("DYLD_FRAMEWORK_PATH"),
        fallback_framework_path=listed("DYLD_FALLBACK_FRAMEWORK_PATH"),
        executable_path=_program(options["executable_path"]),
    )


def own_policy(options: Mapping[str, Any]) -> OwnPolicy | None:
    """Return the policy that the user describes, if any; raise UsageError for a file that describes none."""
    if not options["policy"]:
        return None
    from truewheel.platforms.own_policy import read_own_policy

    return read_own_policy(Path(options["policy"]))


def deployment_target() -> tuple[int, int] | None:
    """Return what MACOSX_DEPLOYMENT_TARGET asks for; raise UsageError for what is no version."""
    text = os.environ.get("MACOSX_DEPLOYMENT_TARGET", "").strip()
    if not text:
        return None
    parts = text.split(".")
    if not all(part.isdecimal() for part in parts):
        raise UsageError(f"{text!r} is no version of macOS", where="MACOSX_DEPLOYMENT_TARGET", hint="such as 11.0")
    return int(parts[0]), int(parts[1]) if len(parts) > 1 else 0


def _program(text: str | None) -> Path | None:
    """Return what @executable_path stands for; raise UsageError for a path where nothing is."""
    if not text:
        return None
    if not Path(text).exists():
        raise UsageError(f"{text}: there is no such program or folder", where="--executable-path")
    return Path(text)


def _require_folder(path: Path, option: str) -> None:
    if path.is_dir():
        return
    what = "is not a folder" if path.exists() else "there is no such folder"
    raise UsageError(f"{path}: {what}", where=option, hint="" if path.is_absolute() else f"seen from {Path.cwd()}")


@contextmanager
def _progress(text: str, *, quiet: bool = False) -> Iterator[None]:
    """Show on a terminal what is being worked on, and take it away again."""
    if quiet or sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    from shutil import get_terminal_size

    room = get_terminal_size().columns - len(" ...") - 1
    echo(f"{printable(text)[:room]} ...", nl=False, err=True)
    try:
        yield
    finally:
        echo("\r\x1b[K", nl=False, err=True)


def complain(error: TruewheelError, file: str = "") -> None:
    """Print an error on stderr: one line, and one for each reason. `file` is named unless the error does."""
    text = str(error)
    place = f"{file}: " if file not in text else ""
    say(style("error: ", fg="red") + f"{place}{text}", err=True)
    if isinstance(error, RefusedError):
        for reason in error.reasons[:_SHOWN_REASONS]:
            say(f"  {reason}", err=True)
        if (more := len(error.reasons) - _SHOWN_REASONS) > 0:
            echo(f"  and {more} more (--json lists them)", err=True)


def failed(file: str, error: TruewheelError) -> dict[str, Any]:
    """Return what `--json` tells of a wheel that could not be worked on."""
    from truewheel.batch.failure import Failure

    return Failure.of(file, error).to_json()
