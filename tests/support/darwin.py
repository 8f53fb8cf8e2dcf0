"""The symbols of macOS's own libraries, taken from this Linux process, for the test loader in minidyld.py.

Most of the C library is the same on both. What differs in name is renamed, what differs in the layout of a structure is
replaced by something small that does for one thread, and what does not exist ends the process when it is called.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import struct
from typing import TYPE_CHECKING, Any, Final, TypeVar

from support.macho_fixups import THREAD_REGULAR, THREAD_VARIABLES, THREAD_ZERO

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.macho_fixups import Parsed

LIBRARIES: Final = {"libSystem.B.dylib": "libm.so.6", "libz.1.dylib": "libz.so.1", "libc++.1.dylib": "libstdc++.so.6"}
"""Where the symbols of a system library are looked for, after the process itself."""

RENAMED: Final = {
    "__error": "__errno_location",
    "__stderrp": "stderr",
    "__stdoutp": "stdout",
    "__stdinp": "stdin",
    "__bzero": "bzero",
    "__tolower": "tolower",
    "__toupper": "toupper",
    "malloc_size": "malloc_usable_size",
    "setjmp": "_setjmp",  # macOS's jmp_buf is too small for a signal mask here
}
OTHER_LAYOUT: Final = frozenset(
    {"stat", "fstat", "lstat", "fstatat", "readdir", "readdir_r", "open", "openat", "fcntl", "mmap", "sigaction"}
)
"""Functions whose structures or flags have other values on macOS."""

SUFFIXES: Final = ("$UNIX2003", "$DARWIN_EXTSN", "$NOCANCEL")

RETURN: Final = bytes.fromhex("c3")
RETURN_ZERO: Final = bytes.fromhex("31c0c3")
RETURN_MINUS_ONE: Final = bytes.fromhex("b8ffffffffc3")
THREAD_VARIABLE: Final = bytes.fromhex("488b4710c3")
"""mov rax, [rdi+16]; ret: a descriptor holds the variable's address in place of its offset, one for all threads."""

CODE: Final = {
    "__chkstk_darwin": RETURN,
    "pthread_atfork": RETURN_ZERO,
    "sysctlbyname": RETURN_MINUS_ONE,
    "_tlv_bootstrap": THREAD_VARIABLE,
    **{f"pthread_mutex_{verb}": RETURN_ZERO for verb in ("init", "lock", "unlock", "trylock", "destroy")},
    **{f"pthread_cond_{verb}": RETURN_ZERO for verb in ("init", "signal", "broadcast", "destroy")},
    **{f"pthread_rwlock_{verb}": RETURN_ZERO for verb in ("init", "rdlock", "wrlock", "unlock", "destroy")},
}
"""Machine code that stands in for a function. Locks do nothing: a test has one thread."""

DATA: Final = {"__stack_chk_guard": bytes.fromhex("00a1b2c3d4e5f607"), "_DefaultRuneLocale": bytes(4096)}


_T = TypeVar("_T")


def for_ever(value: _T) -> _T:
    """Return `value`, which now outlives the interpreter: what it holds may be used until the process ends."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))
    return value


class SystemSymbols:
    """Finds symbols by their Mach-O names, which have an underscore in front."""

    def __init__(self) -> None:
        """Put the machine code where it can be called."""
        self._process = ctypes.CDLL(None)
        self._once: set[int] = set()
        self._code: dict[str, int] = {}
        page = for_ever(mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC))
        start = ctypes.addressof(ctypes.c_char.from_buffer(page))
        for index, (name, code) in enumerate(CODE.items()):
            page[index * 16 : index * 16 + len(code)] = code
            self._code[name] = start + index * 16

    def of_process(self, symbol: str) -> int | None:
        """Return the address of a symbol of this process (the C library, the interpreter), or None."""
        return _address(self._process, symbol.removeprefix("_"))

    @functools.cache  # noqa: B019 -- one object for the life of a process
    def of_library(self, library: str, symbol: str, *, weak: bool) -> int:
        """Return the address of a symbol of a system library; of a trap, or 0 for a weak import, when it is unknown."""
        name = symbol.removeprefix("_")
        for suffix in SUFFIXES:
            name = name.removesuffix(suffix)
        if name in self._code:
            return self._code[name]
        if name in DATA:
            return _kept(ctypes.create_string_buffer(DATA[name], len(DATA[name])))
        if name in REPLACED:
            return _kept(REPLACED[name](self))
        found = None
        if name not in OTHER_LAYOUT:
            name = RENAMED.get(name, name)
            found = _address(self._process, name) or self._in(LIBRARIES.get(library.rpartition("/")[2]), name)
        if found is None and not weak:
            return self.trap(f"{symbol} of {library}")
        return found or 0

    def _in(self, library: str | None, name: str) -> int | None:
        if library is None:
            return None
        try:
            return _address(ctypes.CDLL(library), name)
        except OSError:
            return None

    def trap(self, symbol: str) -> int:
        """Return the address of a function that says which symbol was called, and ends the process."""

        def die() -> None:
            os.write(2, f"dyld: {symbol} was called, which only macOS has\n".encode())
            os._exit(70)

        return _kept(ctypes.CFUNCTYPE(None)(die))

    def set_up_thread_variables(self, memory: mmap.mmap, parsed: Parsed) -> None:
        """Give the thread variables of an image one place each, and write it into their descriptors."""
        regular = [section for section in parsed.sections if section.type in (THREAD_REGULAR, THREAD_ZERO)]
        if not regular:
            return
        first = min(section.address for section in regular) - parsed.base
        size = max(section.address + section.size for section in regular) - parsed.base - first
        block = ctypes.create_string_buffer(bytes(memory[first : first + size]), size)
        where = _kept(block)
        for section in (each for each in parsed.sections if each.type == THREAD_VARIABLES):
            for at in range(section.address - parsed.base, section.address - parsed.base + section.size, 24):
                (offset,) = struct.unpack_from("<Q", memory, at + 16)
                struct.pack_into("<QQQ", memory, at, self._code["_tlv_bootstrap"], 0, where + offset)

    def once(self) -> Any:  # noqa: ANN401 -- a ctypes function
        """Return pthread_once."""

        def run(control: int, function: int) -> int:
            if control not in self._once:
                self._once.add(control)
                ctypes.CFUNCTYPE(None)(function)()
            return 0

        return ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(run)


def _fill(length: int) -> Callable[[SystemSymbols], Any]:
    """Return memset_pattern4, 8 or 16, by its length."""

    def fill(start: int, pattern: int, size: int) -> None:
        repeated = ctypes.string_at(pattern, length) * (size // length + 1)
        ctypes.memmove(start, repeated, size)

    return lambda _: ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)(fill)


REPLACED: Final[dict[str, Callable[[SystemSymbols], Any]]] = {
    "pthread_once": SystemSymbols.once,
    **{f"memset_pattern{length}": _fill(length) for length in (4, 8, 16)},
}


def _kept(value: Any) -> int:  # noqa: ANN401 -- a ctypes function or buffer
    return ctypes.cast(for_ever(value), ctypes.c_void_p).value or 0


def _address(library: ctypes.CDLL, name: str) -> int | None:
    try:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    except (AttributeError, ValueError):
        return None
