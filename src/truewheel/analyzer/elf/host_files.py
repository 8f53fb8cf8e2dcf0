"""The libraries of the host that a Linux wheel may need."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.image import ImageKind
from truewheel.analyzer.elf.reader import is_elf, read_image
from truewheel.analyzer.graph import Outcome
from truewheel.analyzer.host_files import HostFiles

if TYPE_CHECKING:
    from mmap import mmap

    from truewheel.analyzer.elf.image import Image

_HEAD = 64


class HostFile(NamedTuple):
    """One library of the host. path: absolute, with every symbolic link resolved. size: bytes."""

    path: str
    image: Image
    size: int


def host_elf_files(sysroot: str) -> HostFiles[HostFile]:
    """Return what reads the ELF files under a sysroot."""
    return HostFiles(sysroot, _read, otherwise=Outcome.NOT_NATIVE)


def _read(data: mmap, path: str) -> HostFile | None:
    if not is_elf(data[:_HEAD]):
        return None
    image = read_image(data, path)
    return None if image.kind is ImageKind.OBJECT else HostFile(path, image, len(data))
