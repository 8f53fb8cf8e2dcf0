"""Rules about the metadata folder: which project it is of, where it lies, and what METADATA says.

Follows the PyPA binary distribution format, core metadata and dependency specifiers specifications. Installers
and indexes compare these with the file name, each in its own way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.archive.dist_info import DATA_SUFFIX, SUFFIX
from truewheel.archive.names import is_version
from truewheel.check.findings import Found, Rule, Severity
from truewheel.check.names import normalised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.archive.names import WheelName
    from truewheel.check.subject import Subject

_SCHEMES = frozenset({"platlib", "purelib", "scripts", "data", "headers"})


def _dist_info(subject: Subject) -> Iterator[Found]:
    """Yield what is wrong with the folder itself: there is none or several, or it is of another project."""
    for problem, hint in subject.dist_info:
        yield Found(problem, hint or "build the wheel again")


def _folder_name(subject: Subject) -> Iterator[Found]:
    """Yield a folder that is of the wheel's project and version but spelled otherwise than in the file name."""
    name, reader = subject.name, subject.reader
    if name is None or reader is None or subject.dist_info:
        return
    wanted = f"{name.distribution}-{name.version}.dist-info"
    if reader.dist_info != wanted:
        refused = subject.index == "pypi"
        yield Found(
            f"the folder is {reader.dist_info}, the file name asks for {wanted}"
            + ("; the index refuses such uploads" if refused else ""),
            "spell both alike",
            fixable=True,
            severity=Severity.ERROR if refused else None,
        )
    stem, data = reader.dist_info.removesuffix(SUFFIX), reader.data_dir.removesuffix(DATA_SUFFIX)
    if data != stem:
        problem = (
            f"the data folder is {reader.data_dir}, but {reader.dist_info} is inside, so uv takes it for a package"
        )
        yield Found(problem, "spell both alike", fixable=True, severity=Severity.ERROR)


def _metadata(subject: Subject) -> Iterator[Found]:
    """Yield where METADATA disagrees with the file name, or lacks what it must have."""
    name, headers = subject.name, subject.metadata
    if name is None or headers is None or subject.reader is None:
        return
    where = f"{subject.reader.dist_info}/METADATA"
    for key, same in (("Name", _same_project), ("Version", is_version)):
        value = headers.first(key)
        if not value:
            yield Found(f"there is no {key}", "build the wheel again", where)
        elif not same(value, name):
            named = name.distribution if key == "Name" else name.version
            fix = "rename the file to what it is, or build it again"
            yield Found(f"the {key} is {value}, the file name says {named}", fix, where)
    if not headers.first("Metadata-Version"):
        yield Found("there is no Metadata-Version", "build the wheel again", where)
    try:
        (subject.text("METADATA") or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8, as it has to be; newer installers stop there"
        yield Found(problem, "build the wheel again", where)


def _same_project(value: str, name: WheelName) -> bool:
    return normalised(value) == normalised(name.distribution)


def _licences(subject: Subject) -> Iterator[Found]:
    """Yield licence files that METADATA names and that are not there."""
    headers, reader = subject.metadata, subject.reader
    if headers is None or reader is None or _number(headers.first("Metadata-Version")) < (2, 4):
        return
    for file in headers.all("License-File"):
        member = f"{reader.dist_info}/licenses/{file}"
        if member not in reader.entries:
            yield Found(f"METADATA names the licence file {file}, which is not there", "build the wheel again", member)


def _number(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else (0,)


def _requirements(subject: Subject) -> Iterator[Found]:
    """Yield requirements that installers cannot understand, for which they refuse the wheel or pass over them."""
    headers, reader = subject.metadata, subject.reader
    if headers is None or reader is None:
        return
    from truewheel.retagger.accepts import is_understood

    where, fix = f"{reader.dist_info}/METADATA", "build the wheel again, with what the specification demands"
    for value in headers.all("Requires-Python"):
        if not is_understood(value):
            yield Found(f"Requires-Python is {value!r}, which is no version specifier", fix, where)
    for value in headers.all("Requires-Dist"):
        if not _is_requirement(value):
            yield Found(f"Requires-Dist is {value!r}, which is no requirement", fix, where)


def _is_requirement(text: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def _data_folder(subject: Subject) -> Iterator[Found]:
    """Yield files in the data folder that no installer knows where to put."""
    reader = subject.reader
    if reader is None:
        return
    unknown: dict[str, str] = {}
    for member in reader.files():
        if member.startswith(f"{reader.data_dir}/"):
            key = member.split("/")[1]
            if key not in _SCHEMES:
                unknown.setdefault(key, member)
    for key, member in unknown.items():
        problem = f"no installer knows where to put {key!r} of the data folder"
        yield Found(problem, f"put it in {', '.join(sorted(_SCHEMES))}", member)


RULES = (
    Rule(
        "dist-info", Severity.ERROR, "the folder of metadata is missing, twice there, or of another project", _dist_info
    ),
    Rule(
        "dist-info-name",
        Severity.WARNING,
        "the folder of metadata or of data is spelled otherwise than the file name",
        _folder_name,
    ),
    Rule("metadata", Severity.ERROR, "METADATA lacks what it must have, or disagrees with the file name", _metadata),
    Rule("requirements", Severity.ERROR, "a requirement in METADATA cannot be understood", _requirements),
    Rule("licence-file", Severity.ERROR, "METADATA names a licence file that is not there", _licences),
    Rule("data-folder", Severity.ERROR, "no installer knows where to put a file of the data folder", _data_folder),
)
