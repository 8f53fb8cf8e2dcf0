"""What the wheel says about its guests: a bill of materials and licence texts.

Follows PEP 770 (`.dist-info/sboms`) and PEP 639 (`.dist-info/licenses`).
"""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import count
from mmap import ACCESS_READ, mmap
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from truewheel.analyzer.elf.reader import read_image
from truewheel.archive.names import WheelName
from truewheel.archive.writer import NewMember
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truewheel.archive.reader import WheelReader
    from truewheel.bundler.packages.owners import Package
    from truewheel.bundler.plan import ElfEdit, RepairPlan

_SBOM_STEM = "truewheel"


def provenance_members(reader: WheelReader, plan: RepairPlan, root: Path) -> tuple[NewMember, ...]:
    """Return the bill of materials of the bundled libraries and the licence texts of the packages they came from.

    root: the directory that stands for `/` of the system the libraries belong to; its package database is read.
    """
    from truewheel.bundler.packages.owners import owners
    from truewheel.bundler.sbom import sbom

    found = owners([copy.source for copy in plan.libraries], root)
    name = WheelName.parse(plan.output_name)
    needs = {edit.member: tuple(sorted(_needed(edit, plan))) for edit in plan.edits}
    for macho in plan.macho_edits:
        renames = (new for item in macho.slices for _, new in item.rename)
        needs[macho.member] = tuple(sorted({PurePosixPath(new).name for new in renames}))
    content = sbom(plan.output_name, name.distribution, name.version, plan.libraries, found, needs)
    return (NewMember(_sbom_member(reader), content), *_licence_members(reader, found))


def _needed(edit: ElfEdit, plan: RepairPlan) -> set[str]:
    """Return the names by which an edited file needs bundled libraries, as far as they tell.

    Those that were rewritten are in the plan. A library's other needs are read where some library keeps its name.
    """
    names = {new for _, new in edit.replace_needed}
    kept = {copy.name for copy in plan.libraries if copy.member.endswith(f"/{copy.name}")}
    if kept and edit.source in {copy.source for copy in plan.libraries}:
        with suppress(OSError, ValueError, InvalidBinaryError), Path(edit.source).open("rb") as file:
            image = read_image(mmap(file.fileno(), 0, access=ACCESS_READ), edit.source)
            names |= kept & {dependency.name for dependency in image.needed}
    return names


def _sbom_member(reader: WheelReader) -> str:
    """Return the name of the new bill of materials; one that an earlier repair wrote stays beside it."""
    folder = f"{reader.dist_info}/sboms"
    number = 1
    name = f"{folder}/{_SBOM_STEM}.cdx.json"
    while name in reader.entries:
        number += 1
        name = f"{folder}/{_SBOM_STEM}-{number}.cdx.json"
    return name


def _licence_members(reader: WheelReader, found: Mapping[str, Package]) -> Iterator[NewMember]:
    """Yield the licence texts of each package under the name of the source it was built from, each text once.

    A text never takes the place of another one, whether that is new or was in the wheel before.
    """
    packages = {package.name: package for package in found.values()}
    taken: dict[str, bytes] = {}
    for _, package in sorted(packages.items()):
        source = package.source.partition("@")[0] or package.name
        for path in package.licence_files:
            with suppress(OSError):  # a text that nobody may read cannot come along
                content = Path(path).read_bytes()
                folder = f"{reader.dist_info}/licenses/{_SBOM_STEM}/{_plain(source)}"
                member = _free_name(reader, f"{folder}/{_plain(PurePosixPath(path).name)}", content, taken)
                if taken.setdefault(member.lower(), content) is content:
                    yield NewMember(member, content)


def _plain(name: str) -> str:
    """Return a name that is safe in every archive."""
    return re.sub(r"[^\w.+-]", "_", name, flags=re.ASCII)


def _free_name(reader: WheelReader, member: str, content: bytes, taken: Mapping[str, bytes]) -> str:
    """Return `member`, or `member-2` ... when that name is given to other content."""
    names = (f"{member}-{number}" if number > 1 else member for number in count(1))
    return next(name for name in names if _text(reader, name, taken) in {None, content})


def _text(reader: WheelReader, name: str, taken: Mapping[str, bytes]) -> bytes | None:
    if name.lower() in taken:
        return taken[name.lower()]
    return reader.read(name) if name in reader.entries else None
