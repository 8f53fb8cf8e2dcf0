"""What is written to stdout and stderr: lines, paths and JSON, in colour on a terminal alone.

click knows terminals, and NO_COLOR is its caller's; where there is none, nothing of it is needed, and to import it
takes longer than many a command.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from truewheel.cli.format import printable

if TYPE_CHECKING:
    from pathlib import Path

_CONTROL = "\x1b\\[[0-9;]*[A-Za-z]"
_CODES = {"red": 31, "green": 32, "yellow": 33, "cyan": 36}
_BOLD = 1


def echo(text: str | bytes = "", *, err: bool = False, nl: bool = True) -> None:
    """Write a line to stdout, or to stderr, at once. Bytes are a path, as the file system spells it.

    nl: whether the line ends here.
    """
    stream = sys.stderr if err else sys.stdout
    if stream is None:  # a process may be started without them
        return
    if stream.isatty():
        import click

        click.echo(text, err=err, nl=nl, color=False if os.environ.get("NO_COLOR") else None)
        return
    buffer = getattr(stream, "buffer", None)
    if isinstance(text, bytes) and buffer is not None:
        stream.flush()
        buffer.write(text + b"\n" * nl)
        buffer.flush()
        return
    line = os.fsdecode(text) + "\n" * nl
    if "\x1b" in line:
        line = re.sub(_CONTROL, "", line)
    try:
        stream.write(line)
    except UnicodeEncodeError:  # the stream's encoding has no such letter
        stream.write(line.encode(stream.encoding, "backslashreplace").decode(stream.encoding))
    stream.flush()


def say(line: str, *, err: bool = False) -> None:
    """Write a line in which nothing can move the cursor or end the line."""
    echo(printable(line), err=err)


def say_path(path: Path) -> None:
    """Write where a result is, whatever bytes are in its name."""
    echo(os.fsencode(path.resolve()))


def say_json(document: object) -> None:
    """Write a result as JSON."""
    from json import dumps

    echo(dumps(document, indent=2))


def style(text: str, fg: str | None = None, *, bold: bool = False) -> str:
    """Return a text with the codes of a colour around it, which `echo` takes away again where nobody sees them."""
    codes = [str(code) for code in (_CODES.get(fg or ""), _BOLD if bold else None) if code]
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes else text
