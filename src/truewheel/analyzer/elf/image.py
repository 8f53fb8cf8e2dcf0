"""The neutral model of one native image: what a loader and a label judge it by.

An image is what one format reader makes of one file (of one slice of it, where a format has slices). It holds facts
read from the bytes and nothing that depends on where the file lies.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from truewheel.analyzer.elf.arm_attributes import ArmAttributes


class ImageKind(Enum):
    """What the file is to a loader."""

    EXECUTABLE = "executable"
    SHARED_LIBRARY = "shared library"
    OBJECT = "object"
    """A relocatable object or a core file: no loader maps it, no label depends on it."""


class DependencyKind(Enum):
    """How a file names another one."""

    NEEDED = "needed"
    """ELF DT_NEEDED: loaded before the file itself, else loading fails."""
    AUXILIARY = "auxiliary"
    """ELF DT_AUXILIARY: loaded when found, else passed over."""
    FILTER = "filter"
    """ELF DT_FILTER: its symbols stand in for the file's own; loading fails without it."""


class Libc(Enum):
    """A C library family of Linux."""

    GLIBC = "glibc"
    MUSL = "musl"


class Dependency(NamedTuple):
    """One name that the loader must find."""

    name: str
    kind: DependencyKind = DependencyKind.NEEDED


class SymbolNeed(NamedTuple):
    """One symbol version that a file demands of a library, e.g. `GLIBC_2.34` of `libc.so.6` (ELF verneed)."""

    library: str
    version: str
    weak: bool = False
    """True when every reference is weak: the loader then only warns (VER_FLG_WEAK)."""


class Symbol(NamedTuple):
    """One entry of the dynamic symbol table."""

    name: str
    defined: bool
    weak: bool
    version: str | None = None
    library: str | None = None
    """For an undefined versioned symbol, the soname that verneed ascribes the version to."""


class Image(NamedTuple):
    """What was read from one native file.

    Sequences keep the order of the file, because a loader's search depends on it.
    """

    architecture: str
    """As platform tags spell it (`x86_64`, `i686`, `aarch64`, `armv7l` ...); `unsupported (...)` for any other."""
    kind: ImageKind
    bits: int
    """32 or 64."""
    byte_order: str
    """`little` or `big`."""
    dynamic: bool = False
    """False for a statically linked file, which asks nothing of a loader."""
    soname: str | None = None
    needed: tuple[Dependency, ...] = ()
    rpath: tuple[str, ...] = ()
    """DT_RPATH entries, unexpanded. The loader ignores them when `runpath` is not empty."""
    runpath: tuple[str, ...] = ()
    interpreter: str | None = None
    """PT_INTERP: the loader's own path."""
    symbol_needs: tuple[SymbolNeed, ...] = ()
    defined_versions: tuple[str, ...] = ()
    """Symbol versions that this file provides (ELF verdef), without its base version."""
    isa_level: int = 1
    """The x86-64 micro-architecture level (1 to 4) that GNU_PROPERTY_X86_ISA_1_NEEDED demands; 1 elsewhere."""
    arm: ArmAttributes | None = None
    """The build attributes of a file for 32-bit ARM; None for one that states none, and elsewhere."""
    minimum_kernel: tuple[int, int, int] | None = None
    """NT_GNU_ABI_TAG: the oldest Linux kernel the file agrees to run on."""
    executable_stack: bool = False
    """True when loading the file makes the stack executable: PT_GNU_STACK with PF_X, or absent where that means so."""
    relative_relocations: bool = False
    """True with DT_RELR: loaders that do not know it skip these relocations and crash."""
    text_relocations: bool = False
    build_id: str | None = None
    """NT_GNU_BUILD_ID in lower-case hex."""
    imports: frozenset[str] = frozenset()
    """Names of all undefined symbols that are not weak, versioned or not."""
    unversioned_imports: tuple[str, ...] = ()
    """The sorted part of `imports` that asks for no symbol version."""
    python_inits: tuple[str, ...] = ()
    """Exported module init functions (`PyInit_x`, `initx`, ...); not empty for a Python extension module."""
    section_headers: bool = True
    """False for a file whose section header table was removed; it loads all the same."""
