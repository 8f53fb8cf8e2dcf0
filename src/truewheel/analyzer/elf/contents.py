"""The native members of a wheel: found by their first bytes, inflated once, read, and dropped."""

from __future__ import annotations

import mmap
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.analyzer.elf.exports import AskedName, defined, keep_exports
from truewheel.analyzer.elf.image import ImageKind
from truewheel.analyzer.elf.reader import is_elf, read_image
from truewheel.analyzer.other_formats import is_macho, is_windows
from truewheel.errors import TruewheelError
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from truewheel.analyzer.elf.image import Image
    from truewheel.archive.reader import WheelReader
    from truewheel.archive.zip_format import Entry

_HEAD = 20
"""Bytes that tell an ELF file and its type (`e_type` and `e_machine` end there)."""
_BIG_ENDIAN = 2
_ARCHIVES = (b"!<arch>\n", b"!<thin>\n")
_NOT_LOADED = {1: "an object file: no loader maps it", 4: "a memory image of a crashed program"}
_OTHER_PROCESSORS = frozenset({"unsupported (amdgpu)", "unsupported (bpf)", "unsupported (cuda)"})
_KEPT_LIMIT = 64 << 20
"""Bytes of symbol tables that are kept at most; a library beyond that is inflated again when it is asked."""


@dataclass(slots=True, eq=False)
class Contents:
    """What the native members say.

    images: by name, in archive order. ignored: names with the reason, in that order.
    kept: the symbol tables of libraries, by name. room: how many bytes more may be kept.
    asked: every name that any file was asked for.
    """

    reader: WheelReader
    images: dict[str, Image] = field(default_factory=dict)
    ignored: tuple[tuple[str, str], ...] = ()
    kept: dict[str, bytes | mmap.mmap] = field(default_factory=dict)
    room: int = 0
    asked: dict[str, AskedName] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def defined(self, name: str, names: frozenset[str]) -> frozenset[str]:
        """Return which of `names` a file defines: a member, or a library of the host by its absolute path."""
        asked = [self._asked(each) for each in names]
        if name in self.kept:
            return defined(self.kept[name], asked, name)
        if name in self.images:
            return defined(self.reader.view(name), asked, name)
        with Path(name).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return defined(data, asked, name)

    def keep(self, name: str, data: memoryview) -> None:
        """Keep the symbol tables of a library while there is room."""
        kept = keep_exports(data, name, self.room)
        if kept is not None:
            tables, size = kept
            with self.lock:
                self.kept[name] = tables
                self.room -= size

    def _asked(self, name: str) -> AskedName:
        known = self.asked.get(name)
        if known is None:
            known = self.asked[name] = AskedName.of(name)
        return known


def read_members(reader: WheelReader, jobs: int = 1) -> Contents:
    """Read every native member, the largest first, on `jobs` threads.

    In memory at one time is at most twice the largest member. Raises InvalidBinaryError naming the member that
    is damaged, the first in archive order when there are several.
    """
    contents = Contents(reader, room=_KEPT_LIMIT)
    ignored: dict[str, str] = {}
    native: list[Entry] = []
    for name, entry in reader.entries.items():
        if entry.is_directory:
            continue
        if entry.is_symlink:
            ignored[name] = "a symbolic link, which installers write as a text file"
            continue
        if entry.size < _HEAD:
            continue
        reason = _look(reader, name)
        if reason is None:
            native.append(entry)
        elif reason:
            ignored[name] = reason
    images = _read_all(contents, native, jobs)
    for entry in native:
        image = images[entry.name]
        reason = _ignored(image)
        if reason:
            ignored[entry.name] = reason
        else:
            contents.images[entry.name] = image
    contents.ignored = tuple((name, ignored[name]) for name in reader.entries if name in ignored)
    return contents


def _look(reader: WheelReader, name: str) -> str | None:
    """Return None for a file to read, why it is ignored, or nothing for a file that is not native at all."""
    head = reader.head(name, _HEAD)
    if is_elf(head):
        file_type = int.from_bytes(head[16:18], "big" if head[5] == _BIG_ENDIAN else "little")
        return _NOT_LOADED.get(file_type)
    if head.startswith(_ARCHIVES):
        return "a static library: no loader maps it"
    if is_macho(head):
        return "a Mach-O file: Linux does not load it"
    return "a file of Windows: Linux does not load it" if is_windows(reader, name, head) else ""


def _ignored(image: Image) -> str:
    if image.kind is ImageKind.OBJECT:
        return "not for a loader: nothing in it is to be mapped"
    if image.architecture in _OTHER_PROCESSORS:
        return f"code for another kind of processor: {image.architecture}"
    return ""


def _read_all(contents: Contents, native: list[Entry], jobs: int) -> dict[str, Image]:
    """Return every image by name. The largest member is read first, so that no thread is left alone with it."""
    ordered = sorted(native, key=lambda entry: (-entry.size, entry.name))
    largest = ordered[0].size if ordered else 0
    results = each_in_order(
        lambda name: _read(contents, name),
        [(entry.name, entry.size) for entry in ordered],
        jobs=min(jobs, len(native)),
        bound=2 * largest,
    )
    read = dict(zip((entry.name for entry in ordered), results, strict=True))
    images: dict[str, Image] = {}
    for entry in native:
        result = read[entry.name]
        if isinstance(result, TruewheelError):
            raise result
        images[entry.name] = result
    return images


def _read(contents: Contents, name: str) -> Image | TruewheelError:
    """Return a member's image, or what is wrong with it; keep its symbol tables when others may ask for them."""
    try:
        data = contents.reader.view(name)
        image = read_image(data, name)
        if image.dynamic and not image.python_inits and not _ignored(image):
            contents.keep(name, data)
    except TruewheelError as error:
        return error
    return image
