"""Rules about the file name alone: its form, its spelling, and tags that no installer ever looks for.

Follows the PyPA binary distribution format (file name convention), name normalization and version specifiers, and the
platform compatibility tags specification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.check.findings import Found, Rule, Severity
from truewheel.check.nobody import nobody
from truewheel.retagger.axes import Axis
from truewheel.retagger.known_tags import complaint, go_together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.archive.names import WheelName
    from truewheel.check.subject import Subject

_AXES = ("Python", "ABI", "platform")
_RETAG = "give it tags that say what it is: truewheel retag"


def _form(subject: Subject) -> Iterator[Found]:
    """Yield why the file name is no wheel's."""
    if subject.given.problem:
        yield Found(subject.given.problem, subject.given.hint or "rename the file")


def _spelling(subject: Subject) -> Iterator[Found]:
    """Yield tags that are not spelled as the specification demands."""
    fix = "tags have lower-case letters, digits and `_` only"
    for axis, members in zip(_AXES, subject.given.sets, strict=False):
        if "" in members:
            yield Found(f"the set of {axis} tags {'.'.join(members)!r} has an empty part", fix, fixable=True)
        for tag in members:
            if tag != tag.lower():
                problem = f"the {axis} tag {tag!r} has capital letters, and some installers compare letter by letter"
                yield Found(problem, f"write {tag.lower()}", fixable=True)


def _order(subject: Subject) -> Iterator[Found]:
    """Yield tag sets that are not sorted."""
    for axis, members in zip(_AXES, _sets(subject), strict=False):
        sorted_members = sorted(members)
        if list(members) != sorted_members:
            problem = f"the {axis} tags are not sorted, as the specification demands"
            yield Found(problem, f"write {'.'.join(sorted_members)}", fixable=True)


def _repeated(subject: Subject) -> Iterator[Found]:
    """Yield tags that stand twice in one set."""
    for axis, members in zip(_AXES, _sets(subject), strict=False):
        for tag in sorted({tag for tag in members if members.count(tag) > 1}):
            yield Found(f"the {axis} tag {tag!r} stands {members.count(tag)} times", "write it once", fixable=True)


def _sets(subject: Subject) -> tuple[tuple[str, ...], ...]:
    """Return the three tag sets, in lower case and without empty parts; none when the name has none."""
    return (subject.name.python, subject.name.abi, subject.name.platform) if subject.name else ()


def _project(subject: Subject) -> Iterator[Found]:
    """Yield a project name that is not spelled as normalised."""
    name = subject.name
    if name is None:
        return
    normal = normalised(name.distribution)
    if name.distribution != normal:
        refused = "; the index refuses such uploads" if subject.index == "pypi" else ""
        yield Found(
            f"the project name {name.distribution!r} is not normalised{refused}",
            f"write {normal}, in the file name and in the names of its .dist-info and .data folders",
            fixable=True,
            severity=Severity.ERROR if refused else None,
        )


def normalised(distribution: str) -> str:
    """Return a project's name as file names spell it."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(distribution).replace("-", "_")


def _version(subject: Subject) -> Iterator[Found]:
    """Yield a version that is none, or not spelled as normalised."""
    from packaging.version import InvalidVersion, Version

    if subject.name is None:
        return
    text = subject.name.version
    try:
        normal = str(Version(text.replace("_", "-"))).replace("-", "_")
    except InvalidVersion:
        yield Found(
            f"{text!r} is not a version that installers understand",
            "build the wheel again with a version as PEP 440 demands",
            severity=Severity.ERROR,
        )
        return
    if text != normal:
        yield Found(
            f"the version {text!r} is not normalised",
            f"write {normal}, in the file name and in the names of its .dist-info and .data folders",
            fixable=True,
        )


def _unmatched(subject: Subject) -> Iterator[Found]:
    """Yield what keeps installers from taking the wheel: an error when that leaves nobody who takes it."""
    name = subject.name
    if name is None:
        return
    found_any = False
    for found in _one_by_one(name):
        found_any = True
        yield found
    if not found_any and not any(map(subject.gives, name.platform)):
        yield from nobody(name)


def _one_by_one(name: WheelName) -> Iterator[Found]:
    """Yield tags that no installer ever looks for, whatever stands beside them, and pairs that never go together."""
    axes = ((Axis.PYTHON, name.python), (Axis.ABI, name.abi), (Axis.PLATFORM, name.platform))
    for axis, tags in axes:
        complaints = {tag: found for tag in tags if (found := complaint(axis, tag))}
        severity = Severity.ERROR if len(complaints) == len(set(tags)) else Severity.WARNING
        for tag, found in complaints.items():
            yield Found(f"{tag} {found.what}", found.hint or _RETAG, severity=severity)
    yield from _lonely(name)
    for tag in dict.fromkeys(name.platform):
        if tag.endswith("_fat3") and tag.startswith("macosx_"):
            yield Found(f"{tag} is looked for by pip 26.3 and later only", _RETAG, severity=Severity.WARNING)


def _lonely(name: WheelName) -> Iterator[Found]:
    """Yield the Python and ABI tags that go with none of the other axis."""
    pairs = {(python, abi): go_together(python, abi) for python in name.python for abi in name.abi}
    if not any(pairs.values()):
        both = f"{'.'.join(name.python)}-{'.'.join(name.abi)}"
        yield Found(f"no installer looks for {both}: no such Python has that ABI", _RETAG)
        return
    for tags, place in ((name.python, 0), (name.abi, 1)):
        for tag in dict.fromkeys(tags):
            if not any(fits for pair, fits in pairs.items() if pair[place] == tag):
                others = name.abi if place == 0 else name.python
                yield Found(f"{tag} goes with none of {'.'.join(others)}", _RETAG, severity=Severity.WARNING)


RULES = (
    Rule("file-name", Severity.ERROR, "the file name is no wheel's", _form),
    Rule("tag-spelling", Severity.ERROR, "a tag has capital letters, or a set of tags has an empty part", _spelling),
    Rule("tag-order", Severity.WARNING, "the tags of a set are not sorted", _order),
    Rule("tag-repeated", Severity.WARNING, "a tag stands twice in one set", _repeated),
    Rule("project-name", Severity.WARNING, "the project name is not normalised", _project),
    Rule("version-spelling", Severity.WARNING, "the version is none, or is not normalised", _version),
    Rule("unmatched-tag", Severity.ERROR, "no installer ever looks for a tag", _unmatched),
)
