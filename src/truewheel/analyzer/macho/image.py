"""The model of one Mach-O file: what dyld and a platform tag judge it by.

A file holds one slice per architecture; a thin file holds one. Each slice is a whole program image with its own load
commands, so everything but the file's own layout is told per slice. Facts are those of Apple's `mach-o/loader.h` and
`mach-o/fat.h`; nothing here depends on where the file lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

MACOS = "macOS"
"""The platform of a slice that a Mac runs without translation of its system calls."""

Version = tuple[int, int, int]
"""A version of an operating system: major, minor, patch."""


class FileType(Enum):
    """What a slice is to the linker and to dyld; positive values are those of `mach_header.filetype`."""

    OBJECT = 1
    EXECUTABLE = 2
    CORE = 4
    DYLIB = 6
    DYLINKER = 7
    BUNDLE = 8
    """A plug-in that is only ever opened by name, such as most Python extension modules."""
    DYLIB_STUB = 9
    DSYM = 10
    KEXT = 11
    FILESET = 12
    ARCHIVE = -1
    """A static library, which has no Mach-O header of its own; only ever a slice of a fat file."""
    OTHER = 0

    @property
    def is_loaded(self) -> bool:
        """Whether dyld maps such a file: only these need libraries, signatures and a label."""
        return self in {FileType.EXECUTABLE, FileType.DYLIB, FileType.BUNDLE}


class DylibKind(Enum):
    """How a slice names a library; the values are the commands' own names."""

    LOAD = "LC_LOAD_DYLIB"
    WEAK = "LC_LOAD_WEAK_DYLIB"
    """May be absent: its symbols are then null."""
    REEXPORT = "LC_REEXPORT_DYLIB"
    LAZY = "LC_LAZY_LOAD_DYLIB"
    UPWARD = "LC_LOAD_UPWARD_DYLIB"


class DylibUse(NamedTuple):
    """One library that a slice names.

    weak: whether it may be absent, whatever the kind. A lazy one may not: the file loads, and fails at the first use.
    """

    name: str
    kind: DylibKind = DylibKind.LOAD
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """What was read from the header and the load commands of one architecture of a file.

    Of a slice that dyld does not map only the header is read, and all that follows `alignment` has its default.

    architecture: as `lipo` spells it: `x86_64`, `x86_64h`, `arm64`, `arm64e`, `i386`, `ppc`, `ppc64` ...; no two slices
        of a file have the same. `unknown (type, subtype)` for any other.
    offset, size: bytes of the slice within the file. alignment: the power of two that a fat file aligns it to; 0 in a
        thin file.
    platform: `macOS`, `iOS`, `iOS simulator`, `Mac Catalyst` ...; `unknown (N)`; macOS when nothing tells, and for a
        library of macOS and Mac Catalyst at once.
    minimum_os, sdk: None when no command tells.
    dependencies, rpaths: in the order of the file, which dyld's search depends on.
    uuid: as Apple's tools write it, upper case with hyphens.
    free_bytes: how much the load commands may grow before they meet the first content of a section.
    has_signature: whether there is an LC_CODE_SIGNATURE.
    """

    architecture: str
    file_type: FileType
    bits: int
    byte_order: str
    offset: int
    size: int
    alignment: int = 0
    platform: str = MACOS
    minimum_os: Version | None = None
    sdk: Version | None = None
    install_name: str | None = None
    dependencies: tuple[DylibUse, ...] = ()
    rpaths: tuple[str, ...] = ()
    uuid: str | None = None
    free_bytes: int = 0
    has_signature: bool = False

    @property
    def lacks_signature(self) -> bool:
        """Whether no Mac runs the slice until it is signed: the kernel kills unsigned code for arm64 alone."""
        signed = self.has_signature or not self.architecture.startswith("arm64")
        return not signed and self.platform == MACOS and self.file_type.is_loaded


@dataclass(frozen=True, slots=True)
class MachoFile:
    """One file. fat: whether it has a fat header, even one with a single slice."""

    slices: tuple[Slice, ...]
    fat: bool = False

    @property
    def architectures(self) -> tuple[str, ...]:
        """The architectures of all slices, in file order."""
        return tuple(item.architecture for item in self.slices)

    @property
    def is_loaded(self) -> bool:
        """Whether dyld maps any slice of the file."""
        return any(item.file_type.is_loaded for item in self.slices)

    @property
    def is_executable(self) -> bool:
        """Whether the file is a program."""
        return any(item.file_type is FileType.EXECUTABLE for item in self.slices)

    def slice_for(self, architecture: str) -> Slice | None:
        """Return the slice of an architecture, or None."""
        return next((item for item in self.slices if item.architecture == architecture), None)


class SignatureKind(Enum):
    """Who signed a slice."""

    NONE = "unsigned"
    LINKER = "linker-signed"
    """Ad hoc, by a linker; later tools may replace it without asking."""
    AD_HOC = "ad-hoc"
    IDENTITY = "identity"
    """With a certificate; no edit can keep it."""


class Signature(NamedTuple):
    """What a code signature says.

    flags: of the first code directory. entitlements, der_entitlements: the blobs with their headers, empty without.
    """

    kind: SignatureKind
    identifier: str = ""
    team: str = ""
    flags: int = 0
    entitlements: bytes = b""
    der_entitlements: bytes = b""

    @property
    def hardened_runtime(self) -> bool:
        """Whether the hardened runtime is asked for (CS_RUNTIME)."""
        return bool(self.flags & 0x10000)
