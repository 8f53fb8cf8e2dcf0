"""Folders of small libraries that need each other at random, to hold our search against a real loader's."""

from __future__ import annotations

import errno
import random
from typing import TYPE_CHECKING

from support.elf_bytes import LOAD, NEEDED, RPATH, RUNPATH, SONAME, Elf, Sym

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

_NAMES = [f"libtw_{letter}.so" for letter in "abcde"]
_FOLDERS = ["d0", "d1", "d2", "e"]
_WRITABLE = 6
_OTHERS: list[tuple[int, int]] = [(3, 32), (183, 64)]
_X86_64 = (62, 64)
_Named: TypeAlias = "tuple[int, str | bytes]"


def write_libraries(top: Path, seed: int, *, needs: tuple[str, ...] = (), others: bool = True) -> list[Path]:
    """Write `mod.so` and libraries in folders beside it; return some folders, to be searched first.

    needs: further names that `mod.so` needs. others: whether some files are of other architectures.
    """
    choose = random.Random(seed)  # noqa: S311 - not for secrets
    for folder in _FOLDERS:
        (top / folder).mkdir()
        for name in _NAMES:
            what = choose.choices(["library", "link", "nothing"], [5, 1, 4])[0]
            if what == "library":
                machine = choose.choices([_X86_64, *_OTHERS], [24, 1, 1])[0] if others else _X86_64
                (top / folder / name).write_bytes(_library(_any_entries(choose, top, name), machine))
            elif what == "link":
                (top / folder / name).symlink_to(f"../{choose.choice(_FOLDERS)}/{choose.choice(_NAMES)}")
    for link in sorted(top.glob("*/*")):
        if _leads_to_itself(link):  # glibc ends a search there, where we go on
            link.unlink()
    named: list[_Named] = [(NEEDED, each) for each in (*choose.sample(_NAMES, choose.randint(1, 4)), *needs)]
    named.append((choose.choice([RPATH, RUNPATH]), _path(choose, top)))
    (top / "mod.so").write_bytes(_library(named, _X86_64))
    return [top / folder for folder in choose.sample(_FOLDERS, choose.randint(0, 2))]


def _any_entries(choose: random.Random, top: Path, name: str) -> list[_Named]:
    """Return what a library needs, what it is called (mostly `name`), and where it looks."""
    named: list[_Named] = [(NEEDED, each) for each in choose.sample(_NAMES, choose.randint(0, 4))]
    soname = choose.choices([name, None, choose.choice(_NAMES)], [6, 2, 2])[0]
    if soname is not None:
        named.append((SONAME, soname))
    tags = choose.choices([[], [RPATH], [RUNPATH], [RPATH, RUNPATH]], [2, 3, 3, 1])[0]
    return [*named, *((tag, _path(choose, top)) for tag in tags)]


def _path(choose: random.Random, top: Path) -> str:
    entries = ["$ORIGIN", "$ORIGIN/../d0", "${ORIGIN}/../d1", "$ORIGIN/../d2", "$ORIGIN/no"]
    entries += [str(top / "d0"), f"{top}/d1/", f"{top}/e/../d2"]
    return ":".join(choose.choice(entries) for _ in range(choose.randint(1, 3)))


def _library(named: list[_Named], machine: tuple[int, int]) -> bytes:
    """Return a library whose one segment is writable, because a loader writes into the dynamic section."""
    number, bits = machine
    data = bytearray(Elf(named=named, machine=number, bits=32 if bits == 32 else 64, symbols=[Sym("x")]).build().data)
    if bits == 64:
        start = int.from_bytes(data[32:40], "little")
        for at in range(start, start + 56 * int.from_bytes(data[56:58], "little"), 56):
            if int.from_bytes(data[at : at + 4], "little") == LOAD:
                data[at + 4 : at + 8] = _WRITABLE.to_bytes(4, "little")
    return bytes(data)


def _leads_to_itself(link: Path) -> bool:
    try:
        link.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False
