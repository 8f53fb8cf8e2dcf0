"""Carry out the machine-code part of a plan: make every new or changed member of the wheel.

Edited files lie in a scratch folder only while they are edited; nothing of the old wheel but them is unpacked.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.archive.writer import NewMember
from truewheel.bundler.elf_edit import apply_edit
from truewheel.bundler.elf_strip import strip
from truewheel.bundler.verify import verify_edit
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from truewheel.archive.reader import WheelReader
    from truewheel.bundler.plan import ElfEdit, RepairPlan

LIBRARY_MODE = 0o755


def native_members(reader: WheelReader, plan: RepairPlan, scratch: Path, jobs: int) -> tuple[NewMember, ...]:
    """Return every edited member and every bundled library, edited and verified, as files in `scratch`.

    Raises ToolError when an edit fails or does not do what was asked, and RefusedError when a library is no longer
    the one that was planned.
    """
    from concurrent.futures import ThreadPoolExecutor

    digests = {copy.source: copy.sha256 for copy in plan.libraries}

    def make(numbered: tuple[int, ElfEdit]) -> NewMember:
        number, edit = numbered
        return _edited(reader, edit, scratch / str(number), digests.get(edit.source))

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        return tuple(pool.map(make, enumerate(plan.edits)))


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


def _edited(reader: WheelReader, edit: ElfEdit, path: Path, digest: str | None) -> NewMember:
    entry = reader.entries.get(edit.source)
    if entry is not None:
        content, mode = reader.read(edit.source), entry.mode & 0o777 or 0o644
    else:
        content, mode = _library(edit.source, digest), LIBRARY_MODE
    if edit.strip:
        content = strip(content)
    path.write_bytes(content)
    if edit.changes_dynamic:
        path.chmod(0o600)
        apply_edit(edit, path)
        verify_edit(edit, content, path)
    return NewMember(edit.member, path, mode=mode)


def _library(source: str, digest: str | None) -> bytes:
    """Return the content of a library on this machine, which must be what was planned."""
    content = Path(source).read_bytes()
    if digest is not None and sha256(content).hexdigest() != digest:
        raise RefusedError("the library changed after the repair was planned", where=source, hint="plan again")
    return content
