"""What the user may choose about bundling."""

from __future__ import annotations

import re
from dataclasses import dataclass

from truewheel.errors import UsageError

_FOLDER = re.compile(r"[\w.+-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class BundleOptions:
    """What the user may choose about bundling.

    no_mangle: patterns of libraries that keep their names; matched like `--exclude`.
    lib_sdir: the suffix of the folder of libraries, after the distribution's name; None for `.libs`, or `.dylibs` in
        a macOS wheel.
    strip, clear_executable_stack: for ELF files. keep_runtime: for Mach-O files whose signature asks for the
        hardened runtime; whether the new signature asks for it too.
    """

    strip: bool = False
    no_mangle: tuple[str, ...] = ()
    lib_sdir: str | None = None
    clear_executable_stack: bool = False
    keep_runtime: bool = True

    def __post_init__(self) -> None:
        """Raise UsageError for a suffix that would make no plain folder name, or none that a search path can hold."""
        parts = f"name{self.lib_sdir or ''}".split("/")
        if not all(_FOLDER.fullmatch(part) for part in parts) or {".", ".."} & set(parts):
            raise UsageError(
                f"{self.lib_sdir!r} makes no folder name",
                where="--lib-sdir",
                hint="letters, digits and `.`, `_`, `-`, `+` are allowed, and `/` between folders",
            )
