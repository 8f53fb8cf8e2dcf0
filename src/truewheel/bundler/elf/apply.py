"""Carry out the machine-code part of a plan: make every new or changed member of the wheel.

Edited files lie in a scratch folder only while they are edited; nothing of the old wheel but them is unpacked.
"""

from __future__ import annotations

from functools import partial
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.archive.staging import writing
from truewheel.archive.writer import NewMember, Pending
from truewheel.bundler.digests import file_sha256
from truewheel.bundler.elf.edit import apply_edit, find_patchelf
from truewheel.bundler.elf.verify import verify_edit
from truewheel.errors import InvalidInputError, RefusedError

if TYPE_CHECKING:
    from truewheel.archive.reader import WheelReader
    from truewheel.bundler.plan import ElfEdit, MachoEdit, RepairPlan

LIBRARY_MODE = 0o755


def native_members(reader: WheelReader, plan: RepairPlan, scratch: Path) -> tuple[NewMember, ...]:
    """Return every edited member and every bundled library; each is edited and verified when it is written.

    Making one raises ToolError when an edit fails or does not do what was asked, RefusedError when a library is no
    longer the one that was planned, and OutputError when the folder `scratch` cannot be written.
    """
    digests = {copy.source: copy.sha256 for copy in plan.libraries}
    patchelf = find_patchelf() if any(edit.changes_dynamic for edit in plan.edits) else None

    def pending(number: int, edit: ElfEdit) -> NewMember:
        path = scratch / str(number)
        make = partial(_edited, reader, edit, path, digests.get(edit.source), patchelf)
        return NewMember(edit.member, Pending(size_of(reader, edit), make), mode_of(reader, edit))

    return tuple(pending(number, edit) for number, edit in enumerate(plan.edits))


def size_of(reader: WheelReader, edit: ElfEdit | MachoEdit) -> int:
    """Return the bytes of the file that is edited; 0 for a library that is gone, which is found out later."""
    entry = reader.entries.get(edit.source)
    if entry is not None:
        return entry.size
    path = Path(edit.source)
    return path.stat().st_size if path.is_file() else 0


def launcher_members(plan: RepairPlan, distribution: str) -> tuple[NewMember, ...]:
    """Return the scripts that take the place of moved executables."""
    if not plan.launchers:
        return ()
    from truewheel.bundler.launcher import launcher

    members = []
    for item in plan.launchers:
        folder, _, executable = item.executable.rpartition("/")
        members.append(NewMember(item.script, launcher(distribution, folder, executable), mode=LIBRARY_MODE))
    return tuple(members)


def mode_of(reader: WheelReader, edit: ElfEdit | MachoEdit) -> int:
    """Return the Unix permission bits of an edited file."""
    if edit.source not in reader.entries:
        return LIBRARY_MODE
    mode = reader.permissions(edit.source)
    # Installers make what lies among the scripts executable; a program that moves away from there is so already.
    return mode if edit.member == edit.source else mode | 0o111


def _edited(reader: WheelReader, edit: ElfEdit, path: Path, digest: str | None, patchelf: Path | None) -> Path:
    """Write the edited file to `path`, verify it, and return the path."""
    inside = edit.source in reader.entries
    content = reader.view(edit.source) if inside else planned_library(edit.source, digest)
    if inside or edit.strip or not edit.changes_dynamic:
        with writing(path):
            path.write_bytes(_stripped(content, edit.member) if edit.strip else content)
        apply_edit(edit, path, patchelf=patchelf)
    else:
        apply_edit(edit, path, source=Path(edit.source), patchelf=patchelf)
    if edit.changes_anything:
        verify_edit(edit, content, path)
    return path


def _stripped(content: memoryview, where: str) -> bytes:
    from truewheel.bundler.elf.strip import strip

    return strip(content, where)


def planned_library(source: str, digest: str | None) -> memoryview:
    """Return the content of a library on this machine; raise RefusedError when it is not what was planned."""
    if digest is None:
        raise RefusedError("is neither a file of the wheel nor a library of the plan", where=source, hint="plan again")
    try:
        if file_sha256(source) != digest:
            raise RefusedError("the library changed after the repair was planned", where=source, hint="plan again")
        with Path(source).open("rb") as file:
            return memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
    except (InvalidInputError, OSError, ValueError) as error:
        raise RefusedError(f"the library cannot be read: {error}", where=source, hint="plan again") from error
