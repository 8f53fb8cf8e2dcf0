"""A quick look at machine code, which finds many wheels whose names are not true, and proves nothing.

Raising the version of a promise must not take longer than copying the wheel does, so nobody reads hundreds of megabytes
for it. The heads of some files tell enough to doubt a name, and then all is read. A false alarm costs time alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truewheel.retagger.tags import parse_platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.analyzer.macho.commands import Commands
    from truewheel.analyzer.macho.image import Version
    from truewheel.archive.reader import WheelReader
    from truewheel.retagger.macos_tags import MacTag

_HEAD = 24 << 10
_MOST = 1 << 19
"""Bytes that are inflated in all."""
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)")  # a pattern that begins with plain text is found many times as fast
_LIBRARY = re.compile(r"\.(?:so|dylib)(?:\.|$)")
_FAT = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
_ENTRY = {b"\xca\xfe\xba\xbe": (20, 8, 4), b"\xca\xfe\xba\xbf": (32, 8, 8)}
"""Of a fat file: bytes of an entry, where it has the offset of the slice, and bytes of that."""
_MOST_SLICES = 20


def is_doubtful(reader: WheelReader, tag: str) -> bool:
    """Whether some file of the wheel seems to need a newer system than a platform tag promises."""
    platform = parse_platform(tag)
    if platform is None or platform.version is None:
        return False
    if platform.family == "manylinux":
        limit = platform.version
        return any((int(major), int(minor)) > limit for head in _heads(reader) for major, minor in _GLIBC.findall(head))
    if platform.family != "macosx":
        return False
    from truewheel.retagger.macos_tags import parse_mac_tag

    mac = parse_mac_tag(tag)
    return mac is not None and any(_needs_more(mac, head) for head in _heads(reader))


def _heads(reader: WheelReader) -> Iterator[bytes]:
    left = _MOST
    for name, entry in reader.entries.items():
        if (".so" in name or ".dylib" in name) and left > 0 and _LIBRARY.search(name.rpartition("/")[2]):
            left -= min(_HEAD, entry.size)
            yield reader.head(name, _HEAD)


def _needs_more(tag: MacTag, head: bytes) -> bool:
    from truewheel.analyzer.macho.machine import architecture
    from truewheel.retagger.macos_tags import promise

    for commands in _slices(head):
        name = architecture(commands.header.cpu_type, commands.header.cpu_subtype)
        minimum = _minimum(commands)
        if name in tag.architectures and minimum is not None and minimum > promise(tag, name):
            return True
    return False


def _slices(head: bytes) -> Iterator[Commands]:
    """Yield those slices of a Mach-O file whose load commands lie in its first bytes."""
    from truewheel.analyzer.macho.commands import LARGEST_HEADER, read_header, walk
    from truewheel.errors import InvalidBinaryError

    try:
        for start in _starts(head):
            header = read_header(head[start : start + LARGEST_HEADER], "")
            if start + header.end > len(head):
                return  # and so do those behind it
            yield walk(header, head[start : start + header.end], "")
    except InvalidBinaryError:
        return  # who reads it whole tells what is wrong


def _starts(head: bytes) -> tuple[int, ...]:
    if head[:4] not in _FAT:
        return (0,)
    size, at, width = _ENTRY[head[:4]]
    count = min(int.from_bytes(head[4:8], "big"), _MOST_SLICES)
    entries = [8 + size * number + at for number in range(count)]
    return tuple(int.from_bytes(head[entry : entry + width], "big") for entry in entries)


def _minimum(commands: Commands) -> Version | None:
    """Return the oldest macOS that a slice agrees to run on; None when it does not say."""
    from truewheel.analyzer.macho.commands import Command

    for item in commands.items:
        if item.command == Command.VERSION_MIN_MACOSX:
            (packed,) = commands.numbers(item, 1)
            return packed >> 16, packed >> 8 & 255, packed & 255
        if item.command == Command.BUILD_VERSION:
            platform, packed = commands.numbers(item, 2)
            return (packed >> 16, packed >> 8 & 255, packed & 255) if platform == 1 else None
    return None
