"""Compares an edited Mach-O file with what was asked, before it may be published.

The edited file is read anew by macholib, and everything is accounted for: load commands that were to change did,
all others and every byte behind them are the same, slices that were not edited are the same, the fat header leads to
the slices, and the hashes of the new signature are those of the content.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from truewheel.bundler.macho_check.same import command_differences, content_differences
from truewheel.bundler.macho_check.second_reading import ReadingError, read_file, same_bytes
from truewheel.bundler.macho_check.signature_check import SignatureError
from truewheel.bundler.macho_check.signed import signature_differences
from truewheel.errors import ToolError

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

    from truewheel.bundler.macho_check.second_reading import FileReading, SliceReading
    from truewheel.bundler.plan import MachoEdit, SliceEdit

_SHOWN = 3


def verify_macho_edit(
    edit: MachoEdit,
    before: bytes | bytearray | memoryview | mmap.mmap,
    after: bytes | bytearray | memoryview | mmap.mmap,
    where: str,
) -> None:
    """Compare an edited file with its content before the edit.

    Raises ToolError that names the file and what differs without being asked for, or was asked for and is not there.
    """
    try:
        found = list(_differences(edit, read_file(_bytes(before)), read_file(_bytes(after))))
    except (ReadingError, SignatureError, struct.error, IndexError, ValueError, OverflowError) as error:
        found = [str(error)]
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ToolError(
            "the edited file is not what was asked for: " + "; ".join(found[:_SHOWN]) + more,
            where=where,
            hint="please report it, with the file; nothing was written",
        )


def _bytes(data: bytes | bytearray | memoryview | mmap.mmap) -> memoryview:
    return memoryview(data).cast("B")


def _differences(edit: MachoEdit, before: FileReading, after: FileReading) -> Iterator[str]:
    edits = {item.architecture: item for item in edit.slices if item.changes_anything}
    old = [(item.header, item.alignment) for item in before.slices]
    if before.fat != after.fat or old != [(item.header, item.alignment) for item in after.slices]:
        yield "the slices, or what their headers say, changed"
        return
    unknown = edits.keys() - {item.architecture for item in before.slices}
    if unknown:
        yield f"there is no slice for {', '.join(sorted(unknown))}"
    yield from _layout(after)
    for one, other in zip(before.slices, after.slices, strict=True):
        wanted = edits.get(one.architecture)
        for difference in _slice_differences(wanted, one, other, keep_runtime=edit.keep_runtime):
            yield f"{one.architecture}: {difference}"


def _layout(after: FileReading) -> Iterator[str]:
    """Check where the slices of a fat file lie."""
    if not after.fat:
        return
    end = 0
    for item in sorted(after.slices, key=lambda each: each.offset):
        if item.offset % (1 << item.alignment):
            yield f"the {item.architecture} slice at {item.offset:#x} is not aligned to 2^{item.alignment}"
        if item.offset < end:
            yield f"the {item.architecture} slice lies over another one"
        end = item.offset + len(item.data)
    if end != len(after.data):
        yield "the file does not end with its last slice"


def _slice_differences(
    edit: SliceEdit | None, before: SliceReading, after: SliceReading, *, keep_runtime: bool
) -> Iterator[str]:
    if edit is None:
        if not same_bytes(before.data, after.data):
            yield "changed, but no change was asked for"
        return
    found = [*command_differences(edit, before, after), *content_differences(edit, before, after)]
    yield from found or signature_differences(before, after, keep_runtime=keep_runtime)
