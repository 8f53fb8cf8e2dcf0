"""Whether everything in a Mach-O slice is known to stay right when its content moves behind a larger header.

Follows `mach-o/loader.h` and `mach/machine.h`. Only what is known is let through: a load command or a kind of section
that is not listed here may hold an address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.macho.commands import TEXT_STARTS, WIDE, Command
from truewheel.bundler.macho.move import not_understood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truewheel.analyzer.macho.commands import Commands
    from truewheel.bundler.macho.move import Section, Segment

_PAGES: Mapping[int, int] = {0x01000007: 1 << 12, 0x0100000C: 1 << 14}
"""The bytes of a page by CPU type: x86_64, arm64."""
_EXECUTE, _DYLIB, _BUNDLE = 2, 6, 8
_POSITION_INDEPENDENT = 0x200000  # MH_PIE
_MOST_ALIGNMENT = 20

COUNTING_SECTIONS = frozenset({0x16})
"""Types of sections whose numbers count from the header: S_INIT_FUNC_OFFSETS."""
_KNOWN_SECTIONS = frozenset({*range(0xF), *range(0x10, 0x16), *COUNTING_SECTIONS})
"""All types of sections but those of DTrace (0xF), whose content nobody describes, and unknown ones."""
_FIRMWARE_SECTIONS = frozenset({"__thread_starts", "__chain_starts"})

_UNDERSTOOD = frozenset(
    {
        *TEXT_STARTS, Command.SEGMENT_64, Command.SYMTAB, Command.DYSYMTAB, Command.UUID, Command.CODE_SIGNATURE,
        Command.SEGMENT_SPLIT_INFO, Command.DYLD_INFO, Command.DYLD_INFO_ONLY, Command.VERSION_MIN_MACOSX,
        Command.FUNCTION_STARTS, Command.MAIN, Command.DATA_IN_CODE, Command.SOURCE_VERSION,
        Command.DYLIB_CODE_SIGN_DRS, Command.LINKER_OPTION, Command.BUILD_VERSION, Command.DYLD_EXPORTS_TRIE,
        Command.DYLD_CHAINED_FIXUPS,
    }
)  # fmt: skip
"""The commands of which all is known that has to move."""
_SINGLE = _UNDERSTOOD - TEXT_STARTS.keys() - {Command.SEGMENT_64, Command.LINKER_OPTION}
_OLD_TABLES = {7: "a table of contents", 9: "a list of modules", 15: "relocations", 17: "relocations"}
"""What dyld reads only in files of before 2009, by the place of its count among the numbers of LC_DYSYMTAB."""
_OLD_NUMBERS = 18


def page_of(commands: Commands, segments: Sequence[Segment]) -> int:
    """Return the least amount that content may move by: a page, or the strictest alignment if that is more."""
    alignments = [section.alignment for segment in segments for section in segment.sections]
    if max(alignments, default=0) > _MOST_ALIGNMENT:
        raise not_understood(f"a section is aligned to 2^{max(alignments)}")
    return max([_PAGES[commands.header.cpu_type], *(1 << alignment for alignment in alignments)])


def check_movable(commands: Commands, segments: Sequence[Segment], size: int) -> int:
    """Return the preferred address of the header; raise RefusedError when moving the content may break anything.

    size: bytes of the slice.
    """
    header = commands.header
    if header.cpu_type not in _PAGES or header.form.bits != WIDE or header.form.byte_order != "little":
        raise not_understood("only code for x86_64 and arm64 can be")
    if header.file_type not in (_EXECUTE, _DYLIB, _BUNDLE):
        raise not_understood("it is neither a library nor a program")
    if header.file_type == _EXECUTE and not header.flags & _POSITION_INDEPENDENT:
        raise not_understood("the program is made for one address (it is no position-independent executable)")
    _check_commands(commands)
    return _check_segments(segments, size)


def _check_commands(commands: Commands) -> None:
    seen = set()
    for item in commands.items:
        if item.command not in _UNDERSTOOD:
            raise not_understood(f"load command {item.command:#x} may hold addresses")
        if item.command in _SINGLE and item.command in seen:
            raise not_understood(f"load command {item.command:#x} stands twice")
        seen.add(item.command)
        if item.command == Command.DYSYMTAB:
            numbers = commands.numbers(item, _OLD_NUMBERS)
            for place, name in _OLD_TABLES.items():
                if numbers[place]:
                    raise not_understood(f"it has {name} in the way of Mac OS X 10.5")


def _check_segments(segments: Sequence[Segment], size: int) -> int:
    first = [segment for segment in segments if not segment.offset and segment.file_size]
    if [segment.name for segment in first] != ["__TEXT"]:
        raise not_understood("the header does not lie in __TEXT, or not there alone")
    text = first[0]
    linkedit = [segment for segment in segments if segment.name == "__LINKEDIT"]
    if len(linkedit) != 1 or any(each.end > linkedit[0].offset for each in segments if each is not linkedit[0]):
        raise not_understood("__LINKEDIT is not last in the file")
    end = 0
    for segment in sorted(segments, key=lambda each: each.address):
        if segment.address < end or segment.end > size:
            raise not_understood(f"the segment {segment.name} lies over another one, or outside of the file")
        end = segment.address + segment.memory_size
        if segment.address < text.address and (segment.file_size or segment.sections):
            raise not_understood(f"the segment {segment.name} lies before the header")
        if segment.name == "__LINKEDIT" and end != max(each.address + each.memory_size for each in segments):
            raise not_understood("__LINKEDIT is not last in memory")
        for section in segment.sections:
            _check_section(segment, section)
    return text.address


def _check_section(segment: Segment, section: Section) -> None:
    name = f"{segment.name},{section.name}"
    if section.kind not in _KNOWN_SECTIONS or section.name in _FIRMWARE_SECTIONS:
        raise not_understood(f"the section {name} is of a kind that may hold addresses")
    if section.relocations:
        raise not_understood(f"the section {name} has relocations for a linker")
    if section.has_content and not segment.offset <= section.offset <= segment.end - section.size:
        raise not_understood(f"the section {name} lies outside of its segment")
