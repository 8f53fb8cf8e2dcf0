"""Numbers, names and long lines as the command line prints them."""

from __future__ import annotations

import re
import sys

_STEP = 1000
_PIPE_WIDTH = 100
_WIDTHS = (60, 120)
_UNSAFE = (
    "\x1b(?!\\[[0-9]{1,2}m)"  # every control sequence but colours, which are our own
    "|[\x00-\x1a\x1c-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def human_size(size: int, *, signed: bool = False) -> str:
    """Return a size in bytes as a short text in decimal units: `482 B`, `1.2 MB`; with a sign when asked."""
    sign = "-" if size < 0 else "+" if signed else ""
    number = abs(size)
    if number < _STEP:
        return f"{sign}{number} B"
    for power, unit in enumerate(("kB", "MB", "GB"), 1):
        tenths = round(number * 10 / _STEP**power)
        if tenths < _STEP * 10 or unit == "GB":
            break
    return f"{sign}{tenths / 10:.1f} {unit}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: `1 library`, `3 libraries`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{count} {noun}s"


def printable(text: str) -> str:
    """Return a line in which nothing can move the cursor or end the line: a file name may hold any character."""
    if text.isascii() and text.isprintable():
        return text
    return re.sub(_UNSAFE, lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)


def screen_width() -> int:
    """Return how many columns a line may have: the terminal's, within reason, and 100 where there is none."""
    if sys.stdout is None or not sys.stdout.isatty():
        return _PIPE_WIDTH
    from shutil import get_terminal_size

    narrow, wide = _WIDTHS
    return min(max(get_terminal_size().columns, narrow), wide)


def wrapped(text: str, indent: int, width: int | None, *, most: int | None = None) -> list[str]:
    """Return a text in lines that fit into `width` columns when `indent` stand before each; one line without a width.

    Names stay whole, so that they can be copied. most: how many lines there may be; the rest gives way to dots.
    """
    if width is None:
        return [text]
    from textwrap import TextWrapper

    wrapper = TextWrapper(
        width=max(width - indent, 20),
        break_long_words=False,
        break_on_hyphens=False,
        max_lines=most,
        placeholder=" ... (-v tells all)",
    )
    return wrapper.wrap(text)


def shortened(path: str, width: int) -> str:
    """Return a path in at most `width` columns, the middle replaced by dots; its end says most, so more of it stays."""
    if len(path) <= width:
        return path
    kept = max(width - 3, 4)
    head = kept // 3
    return f"{path[:head]}...{path[head - kept :]}"
