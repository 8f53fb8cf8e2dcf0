"""What the load commands of one slice say: platform, names, search paths, and how much room is left behind them.

Follows Apple's `mach-o/loader.h`, and dyld where that leaves a choice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from truewheel.analyzer.macho.commands import DYLIB_COMMANDS, Command, invalid
from truewheel.analyzer.macho.image import MACOS, DylibKind, DylibUse

if TYPE_CHECKING:
    from collections.abc import Callable

    from truewheel.analyzer.macho.commands import Commands, LoadCommand
    from truewheel.analyzer.macho.image import Version

_KINDS = {
    Command.LOAD_DYLIB: DylibKind.LOAD,
    Command.LOAD_WEAK_DYLIB: DylibKind.WEAK,
    Command.REEXPORT_DYLIB: DylibKind.REEXPORT,
    Command.LAZY_LOAD_DYLIB: DylibKind.LAZY,
    Command.LOAD_UPWARD_DYLIB: DylibKind.UPWARD,
}
# `dylib_use_command`: a mark where older commands have a time stamp, and flags where they have the name.
_USE_MARK = 0x1A741800
_USE_NAME = 28
_USE_WEAK, _USE_REEXPORT, _USE_UPWARD = 1, 2, 4

_PLATFORMS = {
    1: MACOS,
    2: "iOS",
    3: "tvOS",
    4: "watchOS",
    5: "bridgeOS",
    6: "Mac Catalyst",
    7: "iOS simulator",
    8: "tvOS simulator",
    9: "watchOS simulator",
    10: "DriverKit",
    11: "visionOS",
    12: "visionOS simulator",
    13: "firmware",
    14: "sepOS",
}
_OLDER_PLATFORMS = {
    Command.VERSION_MIN_MACOSX: MACOS,
    Command.VERSION_MIN_IPHONEOS: "iOS",
    Command.VERSION_MIN_TVOS: "tvOS",
    Command.VERSION_MIN_WATCHOS: "watchOS",
}
_SIMULATED = frozenset({"i386", "x86_64", "x86_64h"})
"""No device with such a processor ran another system than macOS: the older commands then speak of a simulator."""

# Section types without bytes in the file: zerofill, zerofill beyond 4 GiB, zerofill for each thread.
_ZEROFILL = frozenset({0x1, 0xC, 0x12})
_SECTION_TYPE = 0xFF
_UUID_SIZE = 16


@dataclass(slots=True)
class Facts:
    """The fields of `Slice` of the same names. content: where the first content behind the commands starts."""

    platform: str = MACOS
    minimum_os: Version | None = None
    sdk: Version | None = None
    install_name: str | None = None
    dependencies: list[DylibUse] = field(default_factory=list)
    rpaths: list[str] = field(default_factory=list)
    uuid: str | None = None
    free_bytes: int = 0
    has_signature: bool = False
    content: int = 0


def read_facts(commands: Commands, architecture: str, size: int) -> Facts:
    """Read the load commands of a slice of `size` bytes that dyld maps.

    Raises InvalidBinaryError when a command is too short for its kind, a string or a segment lies outside of what holds
    it, or content of a section lies where the commands are.
    """
    facts = Facts(content=size)
    platforms = []
    segment_command = commands.header.form.segment_command
    for item in commands.items:
        command = item.command
        if command == segment_command:
            facts.content = min(facts.content, _read_segment(commands, item, size))
        elif command in DYLIB_COMMANDS:
            facts.dependencies.append(_dylib_use(commands, item))
        elif command == Command.BUILD_VERSION or command in _OLDER_PLATFORMS:
            platforms.append(_platform(commands, item, architecture))
        else:
            reader = _READERS.get(command)
            if reader:
                reader(facts, commands, item)
    if platforms:
        facts.platform, facts.minimum_os, facts.sdk = _first_platform(platforms)
    facts.free_bytes = facts.content - commands.header.end
    if facts.free_bytes < 0:
        raise invalid("the load commands reach into the content of a section", facts.content, commands.where)
    return facts


def _read_segment(commands: Commands, item: LoadCommand, size: int) -> int:
    """Return where the first content of the segment starts, `size` when it has none behind the load commands.

    A segment without sections counts too, unless it starts with the file and so holds the commands themselves.
    """
    form = commands.header.form
    if item.size < form.segment.size:
        raise commands.invalid("a segment's command is cut short", item)
    _, _, _, _, _, offset, length, _, _, count, _ = form.segment.unpack_from(commands.raw, item.offset)
    if offset + length > size:
        raise commands.invalid("a segment reaches past the end of the file", item)
    first = item.offset + form.segment.size
    end = first + count * form.section.size
    if end > item.offset + item.size:
        raise commands.invalid(f"a segment has {count} sections, for which its command has no room", item)
    if not count:
        return offset if offset and length else size
    return min(
        (
            start
            for _, _, _, length, start, _, _, _, flags, _, _ in form.section.iter_unpack(commands.raw[first:end])
            if start and length and flags & _SECTION_TYPE not in _ZEROFILL
        ),
        default=size,
    )


def _dylib_use(commands: Commands, item: LoadCommand) -> DylibUse:
    start, mark, _, _ = commands.numbers(item, 4)
    kind = _KINDS[Command(item.command)]
    weak = kind is DylibKind.WEAK
    if mark == _USE_MARK and start >= _USE_NAME:
        flags = commands.numbers(item, 5)[4]
        weak = weak or bool(flags & _USE_WEAK)
        if flags & _USE_REEXPORT:
            kind = DylibKind.REEXPORT
        elif flags & _USE_UPWARD:
            kind = DylibKind.UPWARD
        elif weak:
            kind = DylibKind.WEAK
    return DylibUse(commands.text(item), kind, weak)


_Target = tuple[int, str, "Version", "Version"]
"""How much a command counts (less is more), platform, oldest version, SDK."""


def _platform(commands: Commands, item: LoadCommand, architecture: str) -> _Target:
    if item.command == Command.BUILD_VERSION:
        number, minimum, sdk, _ = commands.numbers(item, 4)
        name = _PLATFORMS.get(number, f"unknown ({number})")
        return (0 if name == MACOS else 1), name, _version(minimum), _version(sdk)
    minimum, sdk = commands.numbers(item, 2)
    name = _OLDER_PLATFORMS[Command(item.command)]
    if name != MACOS and architecture in _SIMULATED:
        name += " simulator"
    return 2, name, _version(minimum), _version(sdk)


def _first_platform(platforms: list[_Target]) -> tuple[str, Version, Version]:
    """Return what counts of several.

    The newer command replaces the older ones. A library may be for macOS and for Mac Catalyst at once, and is one of
    macOS then.
    """
    _, name, minimum, sdk = min(platforms, key=lambda target: target[0])
    return name, minimum, sdk


def _version(number: int) -> Version:
    return number >> 16, number >> 8 & 0xFF, number & 0xFF


def _read_install_name(facts: Facts, commands: Commands, item: LoadCommand) -> None:
    facts.install_name = commands.text(item)


def _read_rpath(facts: Facts, commands: Commands, item: LoadCommand) -> None:
    facts.rpaths.append(commands.text(item))


def _read_uuid(facts: Facts, commands: Commands, item: LoadCommand) -> None:
    commands.numbers(item, _UUID_SIZE // 4)
    digits = commands.raw[item.offset + 8 : item.offset + 8 + _UUID_SIZE].hex().upper()
    facts.uuid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _read_signature(facts: Facts, commands: Commands, item: LoadCommand) -> None:
    commands.numbers(item, 2)
    facts.has_signature = True


_READERS: dict[int, Callable[[Facts, Commands, LoadCommand], None]] = {
    Command.ID_DYLIB: _read_install_name,
    Command.RPATH: _read_rpath,
    Command.UUID: _read_uuid,
    Command.CODE_SIGNATURE: _read_signature,
}
