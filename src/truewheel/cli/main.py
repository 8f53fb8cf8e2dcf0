"""The `truewheel` program: from the words of its command line to an exit code, whatever happens on the way."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from truewheel.cli.output import echo
from truewheel.errors import DEBUG_VARIABLE, ExitCode, foreseen
from truewheel.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIGNALS, _INTERRUPTED, _READER_GONE = 128, 130, 141
"""What a shell adds to the number of the signal that ends a program; for SIGINT and SIGPIPE, the sum."""


def run() -> int:
    """Run the program with the process's arguments and return its exit code."""
    try:
        return _run_to_its_end(sys.argv[1:])
    except KeyboardInterrupt:
        echo("truewheel: interrupted; nothing half-done was left behind", err=True)
        return _INTERRUPTED
    except BrokenPipeError:
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


def _run_to_its_end(words: Sequence[str]) -> int:
    """Run the program; raise KeyboardInterrupt or BrokenPipeError when it does not come to its own end."""
    if words in (["--version"], ["-V"]):
        echo(f"truewheel {__version__}")
        return int(ExitCode.DONE)
    from truewheel.cli.ending import EndedError, ending_in_order

    try:
        with ending_in_order():
            return _run(words)
    except EndedError as ended:
        echo("truewheel: ended by a signal; nothing half-done was left behind", err=True)
        return _SIGNALS + ended.number


def _run(words: Sequence[str]) -> int:
    from truewheel.cli.commands import COMMANDS
    from truewheel.cli.quick import understood

    found = understood(words, COMMANDS)
    if found is None:
        from truewheel.cli.program import run_by_click

        return run_by_click(words)
    command, values = found
    return int(command.run(values) or ExitCode.DONE)
