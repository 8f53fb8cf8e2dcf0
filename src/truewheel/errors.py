"""Every error that truewheel raises on purpose.

An error says what is wrong, where, and what to do about it, each as a field, so that the command line can print one
clear line and a program can read the facts. Each class knows the exit code of a command that ends with it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a command's exit code tells the shell."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREADABLE = 3
    SOME_FAILED = 4


class TruewheelError(Exception):
    """The base of all errors of this package.

    what: what is wrong, a phrase without a full stop.
    where: the file, member or option it is about; empty when there is no one place.
    hint: what the user can do about it; may be empty.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.REFUSED

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        """Keep the facts; `str()` of the error joins them into one line."""
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """Return `where: what (hint)` on one line."""
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.what}{advice}"


class RefusedError(TruewheelError):
    """The wheel cannot be what was asked. `reasons` lists every cause, one line each."""

    def __init__(self, what: str, *, where: str = "", hint: str = "", reasons: tuple[str, ...] = ()) -> None:
        """Keep the facts and the reasons."""
        super().__init__(what, where=where, hint=hint)
        self.reasons = reasons


class UsageError(TruewheelError):
    """The caller asked for something that has no meaning."""

    exit_code = ExitCode.USAGE


class InvalidInputError(TruewheelError):
    """The input cannot be read, or is made to do harm."""

    exit_code = ExitCode.UNREADABLE


class InvalidArchiveError(InvalidInputError):
    """The file is not a well-formed ZIP archive, or uses what a wheel may not use."""


class InvalidWheelError(InvalidInputError):
    """The archive is sound but is not a wheel: its name, WHEEL or RECORD cannot be understood."""


class InvalidBinaryError(InvalidInputError):
    """A native file is truncated or contradicts itself."""


class OutputError(TruewheelError):
    """The result could not be written. Nothing was left behind."""


class ToolError(TruewheelError):
    """A program that truewheel runs is missing, too old, or failed."""


class DefectError(TruewheelError):
    """truewheel itself is wrong: something was raised that nobody foresaw."""


DEBUG_VARIABLE = "TRUEWHEEL_DEBUG"
"""The environment variable that asks for the traceback of a defect."""


def foreseen(error: Exception) -> TruewheelError:
    """Return any error as one of ours, so that it can be told in one line.

    What the operating system refuses (a full disk, a closed folder) is an OutputError that names the file; everything
    that nobody foresaw is a DefectError that says how to see its traceback.
    """
    if isinstance(error, TruewheelError):
        return error
    if isinstance(error, FileNotFoundError) and error.filename:
        what, hint = "is gone: something else took it away meanwhile", "run this again when nothing else works there"
        return OutputError(what, where=_text(error.filename), hint=hint)
    if isinstance(error, FileNotFoundError) and error.strerror:  # so says nothing but the look for the current folder
        what = "the current folder is gone, from which relative paths are seen"
        return OutputError(what, hint="go to one that is there, or write absolute paths")
    if isinstance(error, OSError) and error.strerror:
        return OutputError(f"the system refuses: {error.strerror}", where=_text(error.filename))
    if isinstance(error, MemoryError):
        return OutputError("there is not enough memory", hint="try with fewer threads: --jobs 1")
    first = next(iter(str(error).splitlines()), "")
    kind = type(error).__name__
    return DefectError(
        f"this is a defect of truewheel: {kind}: {first}" if first else f"this is a defect of truewheel: {kind}",
        hint=f"please report it; {DEBUG_VARIABLE}=1 shows the traceback",
    )


def _text(filename: object) -> str:
    if isinstance(filename, bytes):
        return filename.decode(errors="backslashreplace")
    return filename if isinstance(filename, str) else ""
