"""Compares an edited ELF file with what was asked, before it may be published.

The edited file is read anew, by another parser than the one that planned the edit, and everything that a loader uses
is accounted for: what was to change did, the tables that may move have the same content, and every other mapped byte
is the same at the same address.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING

from truewheel.bundler.elf.same_content import content_differences, symbol_differences
from truewheel.bundler.elf.second_reading import RELOCATION_TABLES, STRING_TAGS, ReadingError, read
from truewheel.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truewheel.bundler.elf.second_reading import Reading, Segment, VersionSet
    from truewheel.bundler.plan import ElfEdit

_PF_X, _PF_W = 1, 2
_ASKED_TAGS = frozenset({"DT_NEEDED", "DT_SONAME", "DT_RPATH", "DT_RUNPATH"})
_MOVING_TAGS = frozenset(
    {"DT_STRTAB", "DT_STRSZ", "DT_SYMTAB", "DT_HASH", "DT_GNU_HASH", "DT_VERSYM", "DT_VERNEED", "DT_VERDEF"}
    | {tag for tag, _ in RELOCATION_TABLES}
)
_IDLE_TAGS = frozenset({"DT_DEBUG", str(0x00726E67)})  # a loader fills it in; what patchelf turns a dropped tag into
_SEGMENTS_CHECKED_APART = frozenset(
    {"PT_LOAD", "PT_PHDR", "PT_DYNAMIC", "PT_INTERP", "PT_NOTE", "PT_GNU_PROPERTY", "PT_GNU_STACK", "PT_NULL"}
)
_SHOWN = 3


def verify_edit(edit: ElfEdit, before: bytes | bytearray | memoryview | mmap.mmap, path: Path) -> None:
    """Compare the edited file at `path` with its content before the edit.

    Raises ToolError that names the file and what differs without being asked for, or was asked for and is not there.
    """
    from elftools.common.exceptions import ELFError
    from elftools.construct import ConstructError

    try:
        with path.open("rb") as file:
            after = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        found = list(_differences(edit, read(memoryview(before)), read(memoryview(after))))
    except (ReadingError, ELFError, ConstructError, struct.error, ValueError, OverflowError) as error:
        found = [str(error)]
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ToolError(
            "patchelf did not do what was asked: " + "; ".join(found[:_SHOWN]) + more,
            where=edit.member,
            hint="try another version of patchelf",
        )


def _differences(edit: ElfEdit, before: Reading, after: Reading) -> Iterator[str]:
    yield from _changed("the ELF header's", before.identity, after.identity)
    yield from _loads(after)
    yield from _segments(before, after)
    yield from _stack(edit, before, after)
    yield from _placement(before, after)
    yield from _dynamic(edit, before, after)
    yield from _versions(edit, before, after)
    yield from symbol_differences(before, after)
    yield from content_differences(before, after)


def _changed(what: str, before: object, after: object) -> Iterator[str]:
    if before != after:
        yield f"{what} {before} became {after}"


def _loads(after: Reading) -> Iterator[str]:
    """Check what every loader takes for granted of PT_LOAD segments."""
    end = 0
    for load in after.loads:
        name = f"the segment at address {load.address:#x}"
        if load.offset + load.file_size > len(after.data):
            yield f"{name} ends behind the file"
        if load.file_size > load.memory_size:
            yield f"{name} is larger in the file than in memory"
        if load.alignment > 1 and (
            load.alignment & (load.alignment - 1) or (load.address - load.offset) % load.alignment
        ):
            yield f"{name} is not aligned"
        if load.address < end:
            yield f"{name} overlaps the one before it, or is out of order"
        end = load.end


def _segments(before: Reading, after: Reading) -> Iterator[str]:
    """Check that segments of which neither content nor address may change did not."""

    def fixed(reading: Reading) -> list[tuple[str, int, int, int, int]]:
        return sorted(
            (segment.kind, segment.address, segment.memory_size, segment.file_size, segment.flags)
            for segment in reading.segments
            if segment.kind not in _SEGMENTS_CHECKED_APART
        )

    lost, new = fixed(before), fixed(after)
    if lost != new:
        changed = sorted({item[0] for item in set(lost) ^ set(new)}) or ["the number of segments"]
        yield f"{', '.join(changed)} changed"
    for kind in ("PT_INTERP", "PT_GNU_PROPERTY"):
        yield from _changed(f"{kind}'s content", _contents(before, kind), _contents(after, kind))
    if sorted(_notes(before)) != sorted(_notes(after)):
        yield "the notes changed"


def _contents(reading: Reading, kind: str) -> list[bytes]:
    return [bytes(reading.at(segment.address, segment.file_size)) for segment in reading.of_kind(kind)]


def _notes(reading: Reading) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield the owner, type and content of each note; patchelf may regroup the segments that hold them."""
    head = struct.Struct(f"{reading.order}III")
    for segment in reading.of_kind("PT_NOTE"):
        data = bytes(reading.at(segment.address, segment.file_size))
        step, at = max(segment.alignment, 4), 0
        while at + head.size <= len(data):
            owner_size, size, kind = head.unpack_from(data, at)
            start = at + -(-(head.size + owner_size) // step) * step
            yield data[at + head.size :][:owner_size], kind, data[start : start + size]
            at = start + -(-size // step) * step


def _stack(edit: ElfEdit, before: Reading, after: Reading) -> Iterator[str]:
    def flags(reading: Reading) -> list[int]:
        return [segment.flags for segment in reading.of_kind("PT_GNU_STACK")]

    if not edit.clear_executable_stack:
        yield from _changed("PT_GNU_STACK's flags", flags(before), flags(after))
    elif not flags(after) or any(item & _PF_X for item in flags(after)):
        yield "the stack is still executable"


def _placement(before: Reading, after: Reading) -> Iterator[str]:
    """Check that what loaders find by address and by offset is one thing, where it was one thing before."""
    for kind in ("PT_DYNAMIC", "PT_TLS", "PT_INTERP", "PT_PHDR", "PT_GNU_EH_FRAME"):
        if all(map(before.is_placed, before.of_kind(kind))) and not all(map(after.is_placed, after.of_kind(kind))):
            yield f"the address and the offset of {kind} do not belong together"
    yield from _changed("the number of PT_PHDR", len(before.of_kind("PT_PHDR")), len(after.of_kind("PT_PHDR")))
    if any(segment.offset != after.headers[1][0] for segment in after.of_kind("PT_PHDR")):
        yield "PT_PHDR does not lead to the program headers"
    if _header_is_mapped(before) and not _header_is_mapped(after):
        yield "the program headers are not mapped any more"
    if _is_writable(before) and not _is_writable(after):
        yield "the dynamic segment is not writable any more"


def _header_is_mapped(reading: Reading) -> bool:
    start, end = reading.headers[1]
    return any(load.offset <= start and end <= load.offset + load.file_size for load in reading.loads)


def _is_writable(reading: Reading) -> bool:
    dynamic: Segment = reading.of_kind("PT_DYNAMIC")[0]
    return any(
        load.flags & _PF_W and load.address <= dynamic.address and dynamic.end <= load.end for load in reading.loads
    )


def _dynamic(edit: ElfEdit, before: Reading, after: Reading) -> Iterator[str]:
    wanted = {tag: before.strings(tag) for tag in _ASKED_TAGS}
    renamed = dict(edit.replace_needed)
    wanted["DT_NEEDED"] = tuple(
        renamed.get(name, name) for name in wanted["DT_NEEDED"] if name not in edit.remove_needed
    )
    if edit.soname is not None:
        wanted["DT_SONAME"] = (edit.soname,)
    if edit.rpath is not None:
        wanted["DT_RPATH"], wanted["DT_RUNPATH"] = (edit.rpath,) if edit.rpath else (), ()
    for tag in sorted(wanted):
        if after.strings(tag) != wanted[tag]:
            yield f"{tag} is {list(after.strings(tag))}, not {list(wanted[tag])}"
    for tag in sorted((before.dynamic.keys() | after.dynamic.keys()) - _ASKED_TAGS - _IDLE_TAGS):
        if tag in STRING_TAGS:
            yield from _changed(tag, before.strings(tag), after.strings(tag))
        elif tag in _MOVING_TAGS:
            yield from _changed(f"the number of {tag}", len(before.values(tag)), len(after.values(tag)))
        else:
            yield from _changed(tag, before.values(tag), after.values(tag))


def _versions(edit: ElfEdit, before: Reading, after: Reading) -> Iterator[str]:
    """Check that versions are needed of the same libraries, by their new names, and that these are still needed."""
    renamed = dict(edit.replace_needed)
    old, new = before.version_needs[0], after.version_needs[0]
    wanted = [(renamed.get(item.library, item.library), item.versions) for item in old]
    if wanted != [(item.library, item.versions) for item in new]:
        yield f"the symbol versions that are needed changed: {_spelled(old)} became {_spelled(new)}"
    orphans = {item.library for item in new} - set(after.strings("DT_NEEDED"))
    orphans -= {renamed.get(item.library, item.library) for item in old} - {
        renamed.get(name, name) for name in before.strings("DT_NEEDED")
    }
    if orphans:
        yield f"symbol versions are needed of {', '.join(sorted(orphans))}, which is not needed any more"
    if before.version_definitions[0] != after.version_definitions[0]:
        yield "the symbol versions that are defined changed"


def _spelled(needs: tuple[VersionSet, ...]) -> str:
    return ", ".join(f"{item.library} {'/'.join(version[0] for version in item.versions)}" for item in needs)
