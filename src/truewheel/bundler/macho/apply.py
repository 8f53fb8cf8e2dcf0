"""Carry out the Mach-O part of a plan: make every new or changed member of a macOS wheel, in memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from truewheel.archive.writer import NewMember, Pending
from truewheel.bundler.elf.apply import mode_of, planned_library, size_of
from truewheel.bundler.macho.edit import edit_macho
from truewheel.bundler.macho_check.verify import verify_macho_edit

if TYPE_CHECKING:
    from truewheel.archive.reader import WheelReader
    from truewheel.bundler.plan import MachoEdit, RepairPlan


def macho_members(reader: WheelReader, plan: RepairPlan, log: dict[str, tuple[str, ...]]) -> tuple[NewMember, ...]:
    """Return every edited member and every bundled library; each is edited, signed and verified when it is written.

    log: takes, by member, what was done to make room in its header.

    Making one raises ToolError when the result is not what was asked, and RefusedError when a header has no room or a
    library is no longer the one that was planned.
    """
    digests = {copy.source: copy.sha256 for copy in plan.libraries}
    return tuple(
        NewMember(
            edit.member,
            Pending(size_of(reader, edit), partial(_edited, reader, edit, digests.get(edit.source), log)),
            mode_of(reader, edit),
        )
        for edit in plan.macho_edits
    )


def _edited(reader: WheelReader, edit: MachoEdit, digest: str | None, log: dict[str, tuple[str, ...]]) -> bytes:
    """Return the edited file, verified."""
    inside = edit.source in reader.entries
    content = reader.view(edit.source) if inside else planned_library(edit.source, digest)
    if not edit.changes_anything:
        return bytes(content)
    edited = edit_macho(content, edit)
    verify_macho_edit(edit, content, edited.content, edit.member)
    log[edit.member] = edited.notices
    return edited.content
