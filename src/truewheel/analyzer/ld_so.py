"""Where the loader of the target looks for a library, and in which order.

Follows glibc's `elf/dl-load.c` (ld.so(8)) and musl's `ldso/dynlink.c`. Nothing is asked of the host's own loader
or architecture; the order depends only on the file that needs the library, on the files that led to it, and on the
options.

A place is a string: an absolute path on the host, or `wheel:` and the installed path of a wheel's file.

Where this differs from a loader, on purpose:

* The process is unknown, so the Python program's own RPATH and the working directory are never searched. Entries
  relative to the working directory are listed as tried and absent.
* `--lib-path` and conda prefixes are the user's wishes; no loader knows them.
* A file of another architecture or no ELF file is passed over everywhere, where some loaders would give up.
* `glibc-hwcaps` directories hold builds for newer processors. A loader prefers them where the processor allows; a
  wheel has to work on the oldest one, so the baseline file is the one that counts, and a library found in such a
  directory only is reported as of another architecture.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.image import Libc
from truewheel.analyzer.ld_so_conf import library_directories
from truewheel.analyzer.sysroot import placed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.analyzer.image import Image
    from truewheel.archive.layout import InstalledPath

WHEEL = "wheel:"
"""What the place of a wheel's file starts with."""

Directory = tuple[str, SearchRule]
"""A place to look in, and the rule that named it."""

_TOKEN = re.compile(r"\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM))")
_PLATFORMS = {"x86_64": "x86_64", "i686": "i686", "aarch64": "aarch64", "armv7l": "v7l", "loongarch64": "loongarch64"}
"""AT_PLATFORM of the oldest processor of an architecture, where it is the same on all kernels."""

HWCAPS = {
    "x86_64": ("x86-64-v4", "x86-64-v3", "x86-64-v2"),
    "ppc64le": ("power10", "power9"),
    "s390x": ("z17", "z16", "z15", "z14", "z13"),
}
"""The names of `glibc-hwcaps` subdirectories, best first."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What the user says about the search. Relative paths are made absolute when the options are made.

    lib_paths: directories searched before every other place outside the wheel (`--lib-path`).
    library_path: the entries of LD_LIBRARY_PATH.
    sysroot: the directory that stands for `/` in absolute RPATH entries and in the system's own directories.
    conda_prefixes: environments whose `lib` is searched after RUNPATH and before the system.
    exclude: glob patterns (case matters) of libraries that are left alone: they fit a needed name, that name without
        its version (`librocblas.so`, `librocblas`), or the path of the file that was found.
    system: False looks at nothing outside the wheel.
    """

    lib_paths: tuple[Path, ...] = ()
    library_path: tuple[Path, ...] = ()
    sysroot: Path = Path("/")
    conda_prefixes: tuple[Path, ...] = ()
    exclude: tuple[str, ...] = ()
    system: bool = True

    def __post_init__(self) -> None:
        """Make every path absolute; of the patterns, those that start with `./` or `../`."""
        for field in ("lib_paths", "library_path", "conda_prefixes"):
            object.__setattr__(self, field, tuple(path.absolute() for path in getattr(self, field)))
        object.__setattr__(self, "sysroot", Path(os.path.realpath(self.sysroot)))
        patterns = (
            os.path.normpath(Path(each).absolute()) if each.startswith(("./", "../")) else each for each in self.exclude
        )
        object.__setattr__(self, "exclude", tuple(patterns))


def split_library_path(value: str) -> tuple[Path, ...]:
    """Return the directories of an LD_LIBRARY_PATH value: `:` or `;` between them, nothing means where we stand."""
    return tuple(Path(part or ".").absolute() for part in re.split("[:;]", value)) if value else ()


class Places(NamedTuple):
    """Where one file's needed names are looked for.

    in_wheel: directories of the wheel, in order.
    outside: directories of the host, in order, without the system's own ones, which come after them.
    handed_down: what the libraries that this file loads inherit from it.
    """

    in_wheel: tuple[Directory, ...]
    outside: tuple[Directory, ...]
    handed_down: tuple[Directory, ...]


def places(
    image: Image,
    origin: str | None,
    inherited: tuple[Directory, ...],
    libc: Libc | None,
    options: SearchOptions,
) -> Places:
    """Return where the names that `image` needs are looked for.

    origin: the directory the file was found in, links unresolved as the loaders leave them; None when unknown.
    inherited: `handed_down` of the file that loaded this one.

    glibc: DT_RPATH of the file and of those that led to it, LD_LIBRARY_PATH, DT_RUNPATH of the file alone. DT_RPATH
    says nothing in a file with DT_RUNPATH, and such a file is not helped by what it inherits, but hands it on.
    musl: LD_LIBRARY_PATH, then DT_RUNPATH, or else DT_RPATH, of the file and of those that led to it.
    """
    rule = SearchRule.RUNPATH if image.runpath else SearchRule.RPATH
    own = tuple((place, rule) for place in _own_places(image, origin, libc, str(options.sysroot)))
    environment = tuple((str(path), SearchRule.ENVIRONMENT) for path in options.library_path)
    if libc is Libc.MUSL:
        chain = handed_down = _once(own + inherited)
        ordered = environment + chain
    elif rule is SearchRule.RUNPATH:
        chain, handed_down = own, inherited
        ordered = environment + own
    else:
        chain = handed_down = _once(own + inherited)
        ordered = chain + environment
    first = tuple((str(path), SearchRule.LIB_PATH) for path in options.lib_paths)
    last = tuple((str(path / "lib"), SearchRule.CONDA) for path in options.conda_prefixes)
    outside = tuple(each for each in ordered if not each[0].startswith(WHEEL))
    return Places(
        in_wheel=tuple(each for each in chain if each[0].startswith(WHEEL)),
        outside=_once(first + outside + last) if options.system else (),
        handed_down=handed_down,
    )


def _once(directories: tuple[Directory, ...]) -> tuple[Directory, ...]:
    """Keep the first mention of each place: looking twice finds nothing new, and long chains stay short."""
    first: dict[str, SearchRule] = {}
    for place, rule in directories:
        first.setdefault(place, rule)
    return tuple(first.items())


def _own_places(image: Image, origin: str | None, libc: Libc | None, sysroot: str) -> tuple[str, ...]:
    entries = image.runpath or image.rpath
    if libc is Libc.MUSL and any("$" in _TOKEN.sub(_keep_all_but_origin, entry) for entry in entries):
        return ()  # musl drops the whole list over one token that it does not know
    found: list[str] = []
    for entry in entries:
        found.extend(expand(entry, origin, image.architecture, sysroot))
    return tuple(found)


def _keep_all_but_origin(token: re.Match[str]) -> str:
    return "" if "ORIGIN" in token[0] else token[0]


def expand(entry: str, origin: str | None, architecture: str, sysroot: str) -> tuple[str, ...]:
    """Return the places that an RPATH entry, or a needed name with a slash, means; none when that is unknown.

    `$LIB` means another thing on each distribution, so it gives several. A path that depends on the working directory
    comes back with `./` before it: it is a place that was meant, but none that can be looked at.
    """
    tokens = {first or second for first, second in _TOKEN.findall(entry)} if "$" in entry else set()
    platform = _PLATFORMS.get(architecture)
    if ("ORIGIN" in tokens and origin is None) or ("PLATFORM" in tokens and platform is None):
        return ()
    values = {"ORIGIN": origin or "", "PLATFORM": platform or ""}
    libs = library_directories(architecture) if "LIB" in tokens else ("",)
    texts = [_replace_tokens(entry, {**values, "LIB": lib}) for lib in libs]
    if entry.startswith(("$ORIGIN", "${ORIGIN}")):
        return tuple(_tidy(text) for text in texts)
    return tuple(placed(sysroot, text) if text.startswith("/") else f"./{text}" for text in texts)


def _replace_tokens(entry: str, values: Mapping[str, str]) -> str:
    return _TOKEN.sub(lambda token: values[token[1] or token[2]], entry)


def _tidy(place: str) -> str:
    """Work out `..` in a place of the wheel, which has no symbolic links; other paths are left to the file system.

    A path that leaves its installation scheme keeps its `..` and so is no place of the wheel: how far the schemes lie
    from each other differs from one system to the next.
    """
    if not place.startswith(WHEEL):
        return place
    scheme, _, path = place.partition("/")
    tidy = posixpath.normpath(path) if path else "."
    return scheme if tidy == "." else f"{scheme}/{tidy}"


def stays_installed(entry: str, place: InstalledPath) -> bool:
    """Whether an RPATH entry of the file at `place` leads to a folder below the root of the file's own scheme.

    The folder need not exist: a path to another package beside this one (`$ORIGIN/../../other/lib`) stays below.
    """
    start, _, rest = entry.partition("/")
    depth = len(place.path.parent.parts)
    if start not in {"$ORIGIN", "${ORIGIN}"}:
        return False
    for part in rest.split("/"):
        if part not in {"", "."}:
            depth += -1 if part == ".." else 1
        if depth < 0:
            return False
    return True
