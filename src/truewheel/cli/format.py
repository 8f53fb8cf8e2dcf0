"""Numbers as the command line prints them."""

from __future__ import annotations

_STEP = 1000


def human_size(size: int, *, signed: bool = False) -> str:
    """Return a size in bytes as a short text in decimal units: `482 B`, `1.2 MB`; with a sign when asked."""
    sign = "-" if size < 0 else "+" if signed else ""
    number = float(abs(size))
    if number < _STEP:
        return f"{sign}{number:.0f} B"
    for unit in ("kB", "MB"):
        number /= _STEP
        if number < _STEP:
            return f"{sign}{number:.1f} {unit}"
    return f"{sign}{number / _STEP:.1f} GB"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: `1 library`, `3 libraries`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{count} {noun}s"
