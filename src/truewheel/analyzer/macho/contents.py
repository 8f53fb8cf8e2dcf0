"""The Mach-O members of a wheel: found by their first bytes, and inflated no further than their load commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.macho.fat import is_fat
from truewheel.analyzer.macho.image import FileType
from truewheel.analyzer.macho.reader import is_macho, read_macho_ranges
from truewheel.analyzer.other_formats import is_elf, is_windows
from truewheel.archive.zip_format import STORED
from truewheel.errors import TruewheelError
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from truewheel.analyzer.macho.image import MachoFile
    from truewheel.archive.reader import WheelReader
    from truewheel.archive.zip_format import Entry

_LOOK = 8
"""Bytes that tell what a file is."""
_HEAD = 1 << 13
"""Bytes that hold the load commands of nearly every thin file."""
_CHUNK = 1 << 18
_HELD = 3 * _CHUNK
"""About what reading one fat file takes in memory: a piece that was kept, the next one, and both joined."""
_ARCHIVES = (b"!<arch>\n", b"!<thin>\n")

_SYMLINK = "a symbolic link, which installers write as a text file"
_STATIC = "a static library: no loader maps it"
_REASONS = {
    FileType.OBJECT: "an object file: no loader maps it",
    FileType.CORE: "a memory image of a crashed program",
    FileType.DYLINKER: "a loader itself, which macOS does not take from a wheel",
    FileType.DYLIB_STUB: "a stub for linkers: no loader maps it",
    FileType.DSYM: "debug symbols: no loader maps them",
    FileType.KEXT: "an extension of the kernel, not for programs",
    FileType.ARCHIVE: _STATIC,
}
_NOT_LOADED = "a Mach-O file of a kind that no loader maps"


class MachoContents(NamedTuple):
    """What the native members say.

    files: those with at least one slice that dyld maps, by name. ignored: all other native members, names with the
    reason. Both in archive order.
    """

    files: Mapping[str, MachoFile]
    ignored: tuple[tuple[str, str], ...] = ()


def read_macho_members(reader: WheelReader, jobs: int = 1) -> MachoContents:
    """Read the headers and load commands of every Mach-O member, fat ones on `jobs` threads.

    In memory at one time is one piece of a member for each thread. Raises InvalidBinaryError naming the member that is
    damaged, the first in archive order when there are several.
    """
    ignored: dict[str, str] = {}
    found: list[Entry] = []
    for name, entry in reader.entries.items():
        if entry.is_directory:
            continue
        if entry.is_symlink:
            ignored[name] = _SYMLINK
            continue
        if entry.size < _LOOK:
            continue
        head = reader.head(name, _LOOK)
        if is_macho(head):
            found.append(entry)
        elif reason := _foreign(reader, name, head):
            ignored[name] = reason
    files: dict[str, MachoFile] = {}
    for entry, file in zip(found, _read_all(reader, found, jobs), strict=True):
        if file.is_loaded:
            files[entry.name] = file
        else:
            ignored[entry.name] = _REASONS.get(file.slices[0].file_type, _NOT_LOADED)
    return MachoContents(files, tuple((name, ignored[name]) for name in reader.entries if name in ignored))


def _foreign(reader: WheelReader, name: str, head: bytes) -> str:
    """Return why a file is ignored that is native but not Mach-O; nothing for one that is not native."""
    if head.startswith(_ARCHIVES):
        return _STATIC
    if is_elf(head):
        return "an ELF file: dyld does not map it"
    if is_windows(reader, name, head):
        return "a file of Windows: dyld does not map it"
    return ""


def _read_all(reader: WheelReader, found: list[Entry], jobs: int) -> Iterator[MachoFile]:
    """Yield what each file says, in the order given; raise the first error in that order."""
    fat = [entry for entry in found if is_fat(reader.head(entry.name, _LOOK))]
    # Of a fat file all but the last slice is inflated; the others are too quick for threads to be of use.
    held = [(entry, _HELD) for entry in fat]
    read = each_in_order(lambda entry: _read(reader, entry), held, jobs=jobs, bound=jobs * _HELD)
    by_name = {entry.name: result for entry, result in zip(fat, read, strict=True)}
    for entry in found:
        result = by_name.get(entry.name) or _read(reader, entry)
        if isinstance(result, TruewheelError):
            raise result
        yield result


def _read(reader: WheelReader, entry: Entry) -> MachoFile | TruewheelError:
    """Return what a member says, or what is wrong with it."""
    try:
        return read_macho_ranges(_fetch(reader, entry), entry.size, entry.name)
    except TruewheelError as error:
        return error


def _fetch(reader: WheelReader, entry: Entry) -> Callable[[int, int], bytes]:
    """Return how to get parts of a member."""
    if entry.method != STORED:
        return _Inflated(reader, entry.name).fetch
    raw = reader.raw(entry.name)
    return lambda offset, length: bytes(raw[offset : offset + length])


class _Inflated:
    """The content of a compressed member; parts are asked for in ascending order, and what lies between is dropped."""

    __slots__ = ("_head", "_held", "_name", "_pieces", "_reader", "_start")

    def __init__(self, reader: WheelReader, name: str) -> None:
        self._reader, self._name = reader, name
        self._head = reader.head(name, _HEAD)
        self._pieces: Iterator[bytes] | None = None
        self._held, self._start = b"", 0
        """The newest piece, and where it starts."""

    def fetch(self, offset: int, length: int) -> bytes:
        """Return the part, which must lie within the member; raise InvalidArchiveError when the member is damaged."""
        end = offset + length
        if end <= len(self._head):
            return self._head[offset:end]
        if self._pieces is None:
            self._pieces = self._reader.stream(self._name, _CHUNK)
        while self._start + len(self._held) < end:
            kept = self._held[max(offset - self._start, 0) :]
            self._start += len(self._held) - len(kept)
            self._held = kept + next(self._pieces)
        return self._held[max(offset - self._start, 0) : end - self._start]
