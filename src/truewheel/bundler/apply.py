"""Carry out the machine-code part of a plan: make every new or changed member of the wheel.

Edited files lie in a scratch folder only while they are edited; nothing of the old wheel but them is unpacked.
"""

from __future__ import annotations

from hashlib import sha256
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING

from truewheel.archive.staging import writing
from truewheel.archive.writer import NewMember
from truewheel.bundler.elf_edit import apply_edit
from truewheel.bundler.elf_strip import strip
from truewheel.bundler.verify import verify_edit
from truewheel.errors import RefusedError
from truewheel.threads import each_in_order

if TYPE_CHECKING:
    from truewheel.archive.reader import WheelReader
    from truewheel.bundler.plan import ElfEdit, RepairPlan

LIBRARY_MODE = 0o755
_SPARE = 24 << 20
"""How many bytes of files may be in memory beside the largest."""


def native_members(reader: WheelReader, plan: RepairPlan, scratch: Path, jobs: int) -> tuple[NewMember, ...]:
    """Return every edited member and every bundled library, edited and verified, as files in `scratch`.

    Raises ToolError when an edit fails or does not do what was asked, and RefusedError when a library is no longer
    the one that was planned. OutputError when `scratch` cannot be written.
    """
    digests = {copy.source: copy.sha256 for copy in plan.libraries}

    def make(numbered: tuple[int, ElfEdit]) -> NewMember:
        number, edit = numbered
        return _edited(reader, edit, scratch / str(number), digests.get(edit.source))

    # An edited file is in memory twice while it is compared with what it was.
    costs = [((number, edit), 2 * _size(reader, edit)) for number, edit in enumerate(plan.edits)]
    costs.sort(key=lambda item: -item[1])
    return tuple(each_in_order(make, costs, jobs=jobs, bound=max((cost for _, cost in costs), default=0) + _SPARE))


def _size(reader: WheelReader, edit: ElfEdit) -> int:
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


def _edited(reader: WheelReader, edit: ElfEdit, path: Path, digest: str | None) -> NewMember:
    entry = reader.entries.get(edit.source)
    if entry is not None:
        content, mode = reader.view(edit.source), entry.mode & 0o777 or 0o644
        if edit.member != edit.source:
            mode |= 0o111  # installers make what lies among the scripts executable; it moves away from there
    else:
        content, mode = _library(edit.source, digest), LIBRARY_MODE
    with writing(path):
        path.write_bytes(strip(content, edit.member) if edit.strip else content)
    apply_edit(edit, path)
    if edit.changes_anything:
        verify_edit(edit, content, path)
    return NewMember(edit.member, path, mode=mode)


def _library(source: str, digest: str | None) -> memoryview:
    """Return the content of a library on this machine, which must be what was planned."""
    if digest is None:
        raise RefusedError("is neither a file of the wheel nor a library of the plan", where=source, hint="plan again")
    try:
        with Path(source).open("rb") as file:
            content = mmap(file.fileno(), 0, access=ACCESS_READ)
    except (OSError, ValueError) as error:
        raise RefusedError(f"the library cannot be read: {error}", where=source, hint="plan again") from error
    if sha256(content).hexdigest() != digest:
        raise RefusedError("the library changed after the repair was planned", where=source, hint="plan again")
    return memoryview(content)
