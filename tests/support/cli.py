"""The program as its users start it: in this process, or as a process of its own."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from support.hello import Outcome
from truewheel.cli.main import run

SOURCE = Path(__file__).resolve().parents[2] / "src"
PROGRAM = (sys.executable, "-m", "truewheel")
_OURS = ("TRUEWHEEL_", "AUDITWHEEL_", "LD_", "CONDA_PREFIX", "NO_COLOR", "COLUMNS", "TERM")


def environment(**values: str) -> dict[str, str]:
    """Return this process's environment without what changes the program's behaviour, and with `values`."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**plain, "PYTHONPATH": str(SOURCE), **values}


def truewheel(*arguments: str | Path, **values: str) -> Outcome:
    """Run the program in this process; `values` are environment variables."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    argv = ["truewheel", *map(str, arguments)]
    with (
        patch.object(sys, "argv", argv),
        patch.dict(os.environ, environment(**values), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = run()
    return Outcome(code, _text(out), _text(err))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


def process(*arguments: str | Path, **values: str) -> Outcome:
    """Run the program as a process of its own, with pipes for its output."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)], env=environment(**values), capture_output=True, text=True, check=False
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def on_terminal(*arguments: str | Path, **values: str) -> tuple[int, str]:
    """Run the program on a terminal; return its exit code and all that the terminal got."""
    ours, theirs = pty.openpty()
    values = {"TERM": "xterm", "COLUMNS": "100", **values}
    started = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)], env=environment(**values), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        while True:
            try:
                part = terminal.read(4096)
            except OSError:  # how Linux says that the other side has closed
                break
            if not part:
                break
            seen += part
    return started.wait(), seen.decode()
