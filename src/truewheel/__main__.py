"""The program: `truewheel` and `python -m truewheel`."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

_OBJECTS = 50_000
_TURN = 0.0005


def program() -> NoReturn:
    """Run the command line as the installed program does: when its output is written, the process ends at once.

    The interpreter would take down its modules and free its objects one by one first, which takes longer than many a
    command; the system frees the memory of a process in one go. `python -m truewheel` ends in the ordinary way, so that
    a profiler that runs it reports.
    """
    code = _run()
    if _flushed():
        os._exit(code)
    sys.exit(code)  # the ordinary end writes again, and says and returns what is usual for output that nobody takes


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    code = _run()
    gc.freeze()  # what is left goes with the process; a last search for cycles would only cost time
    sys.exit(code)


def _run() -> int:
    """Run the command line; return the exit code."""
    gc.set_threshold(_OBJECTS)  # the objects of a start alone would be searched for cycles many times
    sys.setswitchinterval(_TURN)  # a thread that copies asks for a turn between one piece and the next
    from truewheel.cli.main import run

    return run()


def _flushed() -> bool:
    """Write what stdout and stderr still hold; whether that was possible."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # a process may be started without them
                stream.flush()
    except (OSError, ValueError):
        return False
    return True


if __name__ == "__main__":
    main()
