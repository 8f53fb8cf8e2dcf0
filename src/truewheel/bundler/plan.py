"""What a repair would do, as plain data; nothing is touched while it is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LibraryCopy:
    """One library that comes along.

    source: its absolute path on this machine, symbolic links resolved.
    name: what the files that need it call it (its soname, or its file name when it has none).
    member: where it goes in the new wheel.
    sha256: hex digest of the source's content.
    size: bytes of the source.
    """

    source: str
    name: str
    member: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class ElfEdit:
    """Everything that changes in one ELF file of the new wheel; done in one run.

    member: the file's name in the new wheel.
    source: the member of the old wheel, or the path on this machine, whose content is edited.
    soname: the new DT_SONAME; None leaves it.
    replace_needed: pairs of an old and a new DT_NEEDED name.
    remove_needed: DT_NEEDED names to drop.
    rpath: the new DT_RPATH, entries joined by `:`; empty removes DT_RPATH and DT_RUNPATH; None leaves both.
    """

    member: str
    source: str
    soname: str | None = None
    replace_needed: tuple[tuple[str, str], ...] = ()
    remove_needed: tuple[str, ...] = ()
    rpath: str | None = None
    clear_executable_stack: bool = False
    strip: bool = False
