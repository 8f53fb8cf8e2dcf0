"""What the user says about the search for libraries, whatever the format of the wheel's files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.errors import UsageError

if TYPE_CHECKING:
    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.macho.analysis import MachoAnalysis

_PATH_FIELDS = ("lib_paths", "library_path", "fallback_path", "framework_path", "fallback_framework_path")


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What the user says about the search. Relative paths are made absolute when the options are made.

    lib_paths: directories searched before every other place outside the wheel (`--lib-path`).
    library_path: the entries of LD_LIBRARY_PATH, or of DYLD_LIBRARY_PATH for a macOS wheel.
    sysroot: the directory that stands for `/` in absolute RPATH entries and names, and in the system's own directories.
    conda_prefixes: environments whose `lib` is searched before the system's or the package managers' directories.
    exclude: glob patterns (case matters) of libraries that are left alone: they fit a needed name, that name without
        its version (`librocblas.so`, `librocblas`), or the path of the file that was found.
    system: False looks at nothing outside the wheel.
    fallback_path: the entries of DYLD_FALLBACK_LIBRARY_PATH; without any, dyld's own `/usr/local/lib`.
    framework_path, fallback_framework_path: those of DYLD_FRAMEWORK_PATH and DYLD_FALLBACK_FRAMEWORK_PATH.
    executable_path: the program that loads a macOS wheel's modules, or the directory it lies in; dyld puts it for
        `@executable_path`. None: nobody knows, because any Python may load them.
    """

    lib_paths: tuple[Path, ...] = ()
    library_path: tuple[Path, ...] = ()
    sysroot: Path = Path("/")
    conda_prefixes: tuple[Path, ...] = ()
    exclude: tuple[str, ...] = ()
    system: bool = True
    fallback_path: tuple[Path, ...] = ()
    framework_path: tuple[Path, ...] = ()
    fallback_framework_path: tuple[Path, ...] = ()
    executable_path: Path | None = None

    def __post_init__(self) -> None:
        """Make every path absolute; of the patterns, those that start with `./` or `../`."""
        for field in (*_PATH_FIELDS, "conda_prefixes"):
            object.__setattr__(self, field, tuple(path.absolute() for path in getattr(self, field)))
        object.__setattr__(self, "sysroot", Path(os.path.realpath(self.sysroot)))
        if self.executable_path is not None:
            object.__setattr__(self, "executable_path", self.executable_path.absolute())
        patterns = (
            os.path.normpath(Path(each).absolute()) if each.startswith(("./", "../")) else each for each in self.exclude
        )
        object.__setattr__(self, "exclude", tuple(patterns))


def split_library_path(value: str) -> tuple[Path, ...]:
    """Return the directories of an LD_LIBRARY_PATH value: `:` or `;` between them, nothing means where we stand."""
    return tuple(Path(part or ".").absolute() for part in re.split("[:;]", value)) if value else ()


def require_used_excludes(analysis: Analysis | MachoAnalysis) -> None:
    """Raise UsageError when a pattern of `exclude` fits nothing that the wheel needs: it is likely misspelt.

    A wheel without native files needs nothing, and no pattern is to blame for that.
    """
    if analysis.unused_excludes and any(analysis.graph.members()):
        raise UsageError(
            f"no needed library matches {', '.join(map(repr, analysis.unused_excludes))}",
            where="--exclude",
            hint="`truewheel show` lists the names that a wheel needs",
        )
