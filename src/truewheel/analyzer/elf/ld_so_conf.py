"""The directories that a Linux system adds to every library search.

glibc: ld.so.conf(5) as ldconfig(8) reads it, then the directories built into the loader. Those differ between
distributions, so the union is taken, most specific first; a directory that is not there does no harm. The cache file
is not read: it is a copy of the same directories, and may be stale or another architecture's.
musl: `/etc/ld-musl-ARCH.path`, else the directories built into the loader.
"""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.analyzer.elf.image import Libc
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.sysroot import placed, real_path

if TYPE_CHECKING:
    from collections.abc import Iterator

TRIPLETS = {
    "x86_64": "x86_64-linux-gnu",
    "i686": "i386-linux-gnu",
    "aarch64": "aarch64-linux-gnu",
    "armv7l": "arm-linux-gnueabihf",
    "ppc64": "powerpc64-linux-gnu",
    "ppc64le": "powerpc64le-linux-gnu",
    "s390x": "s390x-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
    "loongarch64": "loongarch64-linux-gnu",
}
"""Debian's multiarch names."""
_MUSL_NAMES = {"i686": "i386", "armv7l": "armhf", "ppc64": "powerpc64", "ppc64le": "powerpc64le"}
"""Where musl's own name of an architecture is not that of platform tags."""
_LOADERS = {
    "x86_64": "ld-linux-x86-64.so.2",
    "i686": "ld-linux.so.2",
    "aarch64": "ld-linux-aarch64.so.1",
    "armv7l": "ld-linux-armhf.so.3",
    "ppc64": "ld64.so.1",
    "ppc64le": "ld64.so.2",
    "s390x": "ld64.so.1",
    "riscv64": "ld-linux-riscv64-lp64d.so.1",
    "loongarch64": "ld-linux-loongarch-lp64d.so.1",
}
_LIB = {"i686": ("lib",), "armv7l": ("lib",), "riscv64": ("lib64/lp64d", "lib64", "lib")}
_LIB_64 = ("lib64", "lib")
_CONF_LIMIT = 1000
"""No system has so many configuration files; beyond it they are not read."""
_TEXT_LIMIT = 1 << 20
"""Characters read of one configuration file."""


def loader_name(libc: Libc, architecture: str) -> str:
    """Return the file name of the loader; empty for an architecture that has none in platform tags."""
    if libc is Libc.MUSL:
        return f"ld-musl-{_MUSL_NAMES.get(architecture, architecture)}.so.1"
    return _LOADERS.get(architecture, "")


def library_directories(architecture: str) -> tuple[str, ...]:
    """Return what `$LIB` may stand for, most specific first: it is fixed when a distribution builds its glibc."""
    triplet = TRIPLETS.get(architecture)
    multiarch = (f"lib/{triplet}",) if triplet else ()
    return (*multiarch, *_LIB.get(architecture, _LIB_64))


def system_directories(libc: Libc | None, architecture: str, sysroot: str) -> tuple[tuple[str, SearchRule], ...]:
    """Return the directories in search order, as paths on the host, each with the rule that names it."""
    if libc is Libc.MUSL:
        return _musl_directories(architecture, sysroot)
    configured = [(placed(sysroot, path), SearchRule.CONFIGURED) for path in configured_directories(sysroot)]
    default = [
        (placed(sysroot, f"{top}/{name}"), SearchRule.DEFAULT)
        for name in library_directories(architecture)
        for top in ("", "/usr")
    ]
    first: dict[str, SearchRule] = {}
    for path, rule in (*configured, *default):
        first.setdefault(path, rule)
    return tuple(first.items())


def _musl_directories(architecture: str, sysroot: str) -> tuple[tuple[str, SearchRule], ...]:
    name = _MUSL_NAMES.get(architecture, architecture)
    text = _text(real_path(sysroot, placed(sysroot, f"/etc/ld-musl-{name}.path")))
    if text is None:
        paths, rule = ["/lib", "/usr/local/lib", "/usr/lib"], SearchRule.DEFAULT
    else:
        paths, rule = text.replace("\n", ":").split(":"), SearchRule.CONFIGURED
    return tuple((placed(sysroot, path), rule) for path in dict.fromkeys(paths) if path.startswith("/"))


def configured_directories(sysroot: str) -> tuple[str, ...]:
    """Return the directories of `/etc/ld.so.conf` and the files it includes, as the target's own paths, in order."""
    return tuple(dict.fromkeys(_configured(sysroot)))


def _configured(sysroot: str) -> Iterator[str]:
    seen: set[str] = set()
    pending = [_lines(sysroot, "/etc/ld.so.conf", seen)]
    while pending:
        directory, line = next(pending[-1], ("", ""))
        if not line:
            pending.pop()
            continue
        word, _, rest = line.partition(" ")
        if word == "include":
            pending.append(_included(sysroot, directory, rest.split(), seen))
        elif word != "hwcap" and line.startswith("/"):
            yield line.partition("=")[0].rstrip("/ ") or "/"


def _included(sysroot: str, directory: str, patterns: list[str], seen: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the lines of the files that an `include` line names; a relative one lies beside the file that says it."""
    for pattern in patterns:
        for path in _matching(sysroot, pattern if pattern.startswith("/") else f"{directory}/{pattern}"):
            yield from _lines(sysroot, path, seen)


def _matching(sysroot: str, pattern: str) -> list[str]:
    """Return the target's paths that fit a glob(7) pattern, sorted."""
    found = [""]
    for part in pattern.strip("/").split("/"):
        if any(sign in part for sign in "*?["):
            found = [f"{folder}/{name}" for folder in found for name in _names(sysroot, folder, part)]
        else:
            found = [f"{folder}/{part}" for folder in found]
    return found


def _names(sysroot: str, folder: str, pattern: str) -> list[str]:
    real = real_path(sysroot, placed(sysroot, folder or "/"))
    if real is None or not Path(real).is_dir():
        return []
    names = sorted(entry.name for entry in Path(real).iterdir())
    return [name for name in fnmatch.filter(names, pattern) if not name.startswith(".") or pattern.startswith(".")]


def _lines(sysroot: str, path: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the lines that say something, each with its file's directory; nothing for a file read before.

    Files can include each other in a ring.
    """
    real = real_path(sysroot, placed(sysroot, path))
    if real is None or real in seen or len(seen) >= _CONF_LIMIT:
        return
    seen.add(real)
    for line in (_text(real) or "").splitlines():
        said = " ".join(line.partition("#")[0].split())
        if said:
            yield path.rpartition("/")[0], said


def _text(path: str | None) -> str | None:
    """Return what the file says; None when there is none to read. Bytes that are no UTF-8 are kept as they are."""
    if path is None or not Path(path).is_file():
        return None
    try:
        with Path(path).open(encoding="utf-8", errors="surrogateescape") as file:
            return file.read(_TEXT_LIMIT)
    except OSError:
        return None
