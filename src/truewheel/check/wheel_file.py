"""Rules about the WHEEL file: that every header is seen, and that it says what the file name and the content say.

Follows the PyPA binary distribution format ("The .dist-info directory", WHEEL). Installers judge an installed package
by its `Tag` lines, and reinstall it again and again when they do not fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.check.findings import Found, Rule, Severity
from truewheel.errors import InvalidInputError
from truewheel.platforms.verdict import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.check.subject import Subject

KNOWN_HEADERS = {name.lower(): name for name in ("Wheel-Version", "Generator", "Root-Is-Purelib", "Tag", "Build")}
_WRITTEN = (1, 0)
_FALSE_AND_TRUE = ("false", "true")


def _readable(subject: Subject) -> Iterator[Found]:
    """Yield why the WHEEL file cannot be understood, or is of another version of the format."""
    if subject.reader is None:
        return
    try:
        version = subject.reader.wheel.wheel_version
    except InvalidInputError as error:
        yield Found(error.what, error.hint or "build the wheel again", _where(subject))
        return
    if version > _WRITTEN:
        problem = f"Wheel-Version {version[0]}.{version[1]} is newer than the format 1.0, so installers warn"
        yield Found(problem, "write 1.0", _where(subject), severity=Severity.WARNING)


def _headers(subject: Subject) -> Iterator[Found]:
    """Yield what keeps installers from seeing a header: a gap before it, a byte order mark, a misspelt name."""
    headers = subject.wheel_headers
    if headers is None:
        return
    where, fixable = _where(subject), subject.wheel is not None
    if headers.mark:
        yield Found("a byte order mark hides the first header", "take it out", where, fixable=fixable)
    if headers.hidden:
        names = ", ".join(dict.fromkeys(header.name for header in headers.hidden))
        problem = f"line {headers.stop} is no header, so installers do not see what follows: {names}"
        yield Found(problem, "move all headers together", where, fixable=fixable)
    for header in (*headers.seen, *headers.hidden):
        proper = KNOWN_HEADERS.get(proper_key(header.key))
        if proper and header.key != proper.lower():
            problem = f"line {header.line}: {header.name!r} is misspelt, so installers do not see it"
            yield Found(problem, f"write {proper}", where, fixable=fixable)
    present = {proper_key(header.key) for header in (*headers.seen, *headers.hidden)}
    if "root-is-purelib" not in present:
        yield Found("there is no Root-Is-Purelib", "say whether the wheel holds machine code", where, fixable=fixable)


def _tags(subject: Subject) -> Iterator[Found]:
    """Yield where the `Tag` lines that installers see and the file name disagree."""
    name, headers = subject.given.best, subject.wheel_headers
    if name is None or headers is None or subject.wheel is None:
        return
    where = _where(subject)
    seen = {tag for value in headers.all("tag") for tag in _expanded(value)}
    wanted = set(name.tags)
    fix = "write the tags of the file name"
    if not seen:
        problem = "there is no Tag line that installers see, so `pip check` says that the wheel is for another system"
        yield Found(problem, fix, where, fixable=True)
        return
    if lacking := sorted(wanted - seen):
        yield Found(f"the file name says {listed(lacking)}, WHEEL does not", fix, where, fixable=True)
    if surplus := sorted(seen - wanted):
        yield Found(f"WHEEL says {listed(surplus)}, the file name does not", fix, where, fixable=True)


def _expanded(value: str) -> set[str]:
    from truewheel.errors import UsageError
    from truewheel.retagger.tags import expand

    try:
        return {str(tag) for tag in expand(value.lower())}
    except UsageError:
        return {value}


def _tag_form(subject: Subject) -> Iterator[Found]:
    """Yield `Tag` lines that stand for several tags, stand twice, or have capital letters."""
    headers = subject.wheel_headers
    if headers is None or subject.wheel is None:
        return
    tags = [header for header in (*headers.seen, *headers.hidden) if header.key == "tag"]
    values = [header.value for header in tags]
    for header in tags:
        if "." in header.value:
            problem = f"line {header.line}: {header.value!r} stands for several tags; tools expect one a line"
            yield Found(problem, "write one line for each", _where(subject), fixable=True)
        elif header.value != header.value.lower():
            problem = f"line {header.line}: {header.value!r} has capital letters"
            yield Found(problem, "write small letters", _where(subject), fixable=True)
    for value in sorted({value for value in values if values.count(value) > 1}):
        problem = f"the line for {value} stands {values.count(value)} times"
        yield Found(problem, "write it once", _where(subject), fixable=True)


def _build(subject: Subject) -> Iterator[Found]:
    """Yield a `Build` header that is not what the file name says."""
    if subject.name is None or subject.wheel is None or subject.wheel.build == subject.name.build:
        return
    said = f"Build: {subject.wheel.build}" if subject.wheel.build else "no Build"
    named = f"build {subject.name.build}" if subject.name.build else "no build"
    yield Found(f"WHEEL has {said}, the file name {named}", "write what the name says", _where(subject), fixable=True)


def _purelib(subject: Subject) -> Iterator[Found]:
    """Yield a `Root-Is-Purelib` that is neither true nor false, or not what the content is."""
    headers, evidence, name = subject.wheel_headers, subject.evidence, subject.name
    if headers is None or subject.wheel is None or evidence is None or name is None:
        return
    values = [header.value for header in (*headers.seen, *headers.hidden) if is_purelib(header.key)]
    if not values:
        return
    where = _where(subject)
    windows = (file.member for file in evidence.proof.windows)
    native = [*dict.fromkeys((*evidence.linux.installed, *evidence.macos.installed, *windows))]
    at_root = [member for member in native if not member.startswith(f"{_data(subject)}/")]
    for member in native:
        if member.startswith(f"{_data(subject)}/purelib/"):
            yield Found("machine code is in the folder for pure Python", "put it in platlib", member)
    truth = _FALSE_AND_TRUE[not native]
    if len(values) > 1:
        problem = f"Root-Is-Purelib stands {len(values)} times: {', '.join(values)}; installers take one or the other"
        yield Found(problem, f"write it once, as {truth}", where, fixable=True)
    elif values[0].lower() not in _FALSE_AND_TRUE:
        problem = f"Root-Is-Purelib is {values[0]!r}, neither true nor false"
        yield Found(problem, f"write {truth}", where, fixable=True)
    elif at_root and values[0].lower() == "true":
        problem = f"Root-Is-Purelib is true, but machine code is inside: {at_root[0]}"
        yield Found(problem, "write false", where, fixable=True)
    elif not native and values[0].lower() == "false" and name.platform == ("any",):
        problem = "Root-Is-Purelib is false, but nothing inside or in the name is for one system only"
        yield Found(problem, "write true", where, fixable=True, severity=Severity.WARNING)


def proper_key(name: str) -> str:
    """Return a header's name in lower case, with the mistake mended that build tools have made."""
    return name.lower().replace("_", "-")


def is_purelib(key: str) -> bool:
    """Whether a header is, or was meant to be, `Root-Is-Purelib`."""
    return proper_key(key) == "root-is-purelib"


def _data(subject: Subject) -> str:
    return subject.reader.data_dir if subject.reader else ""


def _where(subject: Subject) -> str:
    return f"{subject.reader.dist_info}/WHEEL" if subject.reader else "WHEEL"


RULES = (
    Rule(
        "wheel-file",
        Severity.ERROR,
        "the WHEEL file cannot be understood, or is of another version of the format",
        _readable,
    ),
    Rule(
        "wheel-headers", Severity.ERROR, "installers do not see a header of the WHEEL file, or it lacks one", _headers
    ),
    Rule("wheel-tags", Severity.ERROR, "the Tag lines of the WHEEL file and the file name disagree", _tags),
    Rule(
        "wheel-tag-lines",
        Severity.WARNING,
        "a Tag line stands for several tags, stands twice, or has capital letters",
        _tag_form,
    ),
    Rule("wheel-build", Severity.WARNING, "the build tags of the WHEEL file and the file name disagree", _build),
    Rule("root-is-purelib", Severity.ERROR, "Root-Is-Purelib is not what the content is", _purelib),
)
