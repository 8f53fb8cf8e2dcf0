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

import re
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.image import Libc
from truewheel.analyzer.elf.ld_so_conf import library_directories
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.sysroot import placed
from truewheel.analyzer.wheel_places import WHEEL, tidy_place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truewheel.analyzer.elf.image import Image
    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.archive.layout import InstalledPath

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
        return tuple(tidy_place(text) for text in texts)
    return tuple(placed(sysroot, text) if text.startswith("/") else f"./{text}" for text in texts)


def _replace_tokens(entry: str, values: Mapping[str, str]) -> str:
    return _TOKEN.sub(lambda token: values[token[1] or token[2]], entry)


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
