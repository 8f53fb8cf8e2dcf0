"""Library names that mean something by themselves: the loader, the C library, the Python interpreter.

Sources: the `.so` version files (`shlib-versions`) of glibc, the reserved names in musl's `ldso/dynlink.c`, and the
library names that CPython's and PyPy's builds give themselves.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truewheel.analyzer.elf.image import Libc

if TYPE_CHECKING:
    from truewheel.analyzer.elf.image import Image

_GLIBC_LOADER = re.compile(r"ld-linux[-\w]*\.so\.\d+|ld64\.so\.[12]|ld\.so\.1|linux-(?:vdso|gate)\d*\.so\.1")
_MUSL_LOADER = re.compile(r"ld-musl-[-\w]+\.so\.1")
_GLIBC = re.compile(
    r"lib(?:c\.so\.6|m\.so\.6|mvec\.so\.1|pthread\.so\.0|dl\.so\.2|rt\.so\.1|util\.so\.1|anl\.so\.1|nsl\.so\.1"
    r"|resolv\.so\.2|thread_db\.so\.1|BrokenLocale\.so\.1|c_malloc_debug\.so\.0|nss_(?:compat|db|dns|files|hesiod)\.so\.2)",
)
_MUSL = re.compile(r"libc\.so|libc\.musl-[-\w]+\.so\.1")
_MUSL_RESERVED = re.compile(r"lib(?:c|pthread|rt|m|dl|util|xnet)\.")
_INTERPRETER = re.compile(r"libpython\d+\.\d+[a-z]*\.so(?:\.\d+)*|libpython\d+\.so|libpypy[-.\w]*-c\.so(?:\.\d+)*")
_SUFFIXES = ((re.compile(r"-linux-musl\w*\.so$"), Libc.MUSL), (re.compile(r"-linux-gnu\w*\.so$"), Libc.GLIBC))


PROCESS_LIBRARIES = ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "libutil.so.1")
"""Libraries of glibc that a Python program is linked to, so that every module finds their symbols; libc first."""


def is_loader(name: str, libc: Libc | None) -> bool:
    """Whether `name` is the dynamic loader, or what a loader answers for itself.

    musl's loader is its C library: it takes `libc.`, `libm.`, `libpthread.` ... with any ending as its own name and
    never looks for a file.
    """
    if libc is Libc.MUSL and (_MUSL_RESERVED.match(name) or _MUSL.fullmatch(name)):
        return True
    return bool(_GLIBC_LOADER.fullmatch(name) or _MUSL_LOADER.fullmatch(name))


def is_c_library(name: str) -> bool:
    """Whether `name` belongs to a C library, which only the system may provide."""
    return bool(_GLIBC.fullmatch(name) or _MUSL.fullmatch(name) or is_loader(name, None))


def is_interpreter(name: str) -> bool:
    """Whether `name` is the Python interpreter as a library (`libpython3.13t.so.1.0`, `libpypy3.11-c.so`)."""
    return bool(_INTERPRETER.fullmatch(name))


def own_libc(image: Image) -> Libc | None:
    """Return the C library that a file itself tells of: by PT_INTERP, its needed names, its symbol versions."""
    if image.interpreter is not None:
        loader = image.interpreter.rpartition("/")[2]
        if _MUSL_LOADER.fullmatch(loader):
            return Libc.MUSL
        if _GLIBC_LOADER.fullmatch(loader):
            return Libc.GLIBC
    names = [dependency.name for dependency in image.needed]
    if any(_MUSL.fullmatch(name) or _MUSL_LOADER.fullmatch(name) for name in names):
        return Libc.MUSL
    if any(_GLIBC.fullmatch(name) or _GLIBC_LOADER.fullmatch(name) for name in names):
        return Libc.GLIBC
    if any(need.version.startswith("GLIBC_") for need in image.symbol_needs):
        return Libc.GLIBC
    return None


def libc_of_file_name(name: str) -> Libc | None:
    """Return the C library that an extension module's file name ends with (`x.cpython-311-x86_64-linux-musl.so`)."""
    return next((libc for pattern, libc in _SUFFIXES if pattern.search(name)), None)


def name_stems(name: str) -> tuple[str, ...]:
    """Return the names that a person may mean `name` by: itself, without its version, and without `.so`.

    `librocblas.so.5` gives `librocblas.so.5`, `librocblas.so`, `librocblas`.
    """
    stem, dot_so, _ = name.partition(".so")
    return tuple(dict.fromkeys((name, stem + dot_so, stem)))
