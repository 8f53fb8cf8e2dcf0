"""Rules about Windows files: the Python that a module is linked to, and the DLLs that it wants.

Windows looks for a DLL by its name alone, in folders that a package may add when it is imported
(`os.add_dll_directory`): a DLL anywhere in the wheel counts as there. What Windows and Python bring along is a fact of
`platforms/data/windows.toml`.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from truewheel.check.findings import Found, Rule, Severity
from truewheel.platforms.verdict import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from truewheel.check.subject import Subject
    from truewheel.retagger.windows_imports import WindowsUses

_MOST_SHOWN = 3
_ALIKE = 3
"""How many letters of a DLL's name, of those behind `lib`, make it sound like a project with these in its name."""
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)([^;]*)(?:;(.*))?", re.DOTALL)


def _pythons(subject: Subject) -> Iterator[Found]:
    """Yield modules that are linked to the library of another Python than one that the tags speak of.

    Only a warning while other modules fit, because a package may choose between modules for several Pythons; and for an
    ABI tag of `none`, which speaks of every Python.
    """
    name, evidence = subject.name, subject.evidence
    if name is None or evidence is None or not evidence.windows:
        return
    from truewheel.retagger.known_tags import go_together
    from truewheel.retagger.python_dlls import linked, misfits

    modules = sum(file.is_module for file in evidence.windows)
    told: dict[tuple[str, str], list[str]] = {}
    doubtful: set[str] = set()
    for python in dict.fromkeys(name.python):
        for abi in dict.fromkeys(name.abi):
            wrong = [*misfits(evidence.windows, python, abi)] if go_together(python, abi) else []
            if abi == "none" or len(wrong) < modules:
                doubtful.add(f"{python}-{abi}")
            for file, dll in wrong:
                told.setdefault((file.member, linked(dll)), []).append(f"{python}-{abi}")
    fix = "build it for every Python of the tags, or name the wheel for its own"
    for (member, sentence), tags in told.items():
        severity = Severity.WARNING if doubtful.issuperset(tags) else None
        yield Found(f"{', '.join(tags)}: {member} {sentence}", fix, member, severity=severity)


def missing(subject: Subject) -> Iterator[Found]:
    """Yield DLLs that a module or program wants when it is loaded, or one of its DLLs, and that are nowhere.

    Only a warning when the wheel requires other wheels, which may bring them along. Nothing of those that sound like
    one of these: `qt5core.dll` and the project `PyQt5-Qt5`.
    """
    evidence, reader = subject.evidence, subject.reader
    if evidence is None or reader is None or not evidence.windows:
        return
    from truewheel.platforms.windows.facts import windows_facts

    here = {_leaf(member) for member in reader.files()}
    scripts = f"{reader.data_dir}/scripts/"
    first = [file for file in evidence.windows if file.is_module or file.member.startswith(scripts)]
    required = [*_required(subject)]
    sounds = " ".join(map(_bare, required))
    for file in _loaded(first or evidence.windows, evidence.windows):
        wanted = dict.fromkeys(use.key for use in file.dlls if not use.delayed)
        gone = [key for key in wanted if key not in here and not windows_facts().has(key)]
        gone = [key for key in gone if _bare(key).removeprefix("lib")[:_ALIKE] not in sounds]
        gone = [key for key in gone if not _is_given(key, subject.exclude)]
        if gone:
            yield _gone(file.member, gone, required)


def _is_given(key: str, patterns: Sequence[str]) -> bool:
    """Whether the user says that something else provides a DLL, named with `.dll` or without, in any capitals."""
    return any(fnmatchcase(name, each.lower()) for each in patterns for name in (key, key.removesuffix(".dll")))


def _gone(member: str, gone: Sequence[str], required: Sequence[str]) -> Found:
    problem = f"{member} needs {listed(gone)}, neither in the wheel nor part of Windows or Python"
    fix = "put it into the wheel, and its folder on the search path with os.add_dll_directory"
    if not required:
        return Found(problem, fix, member)
    others = ", ".join(required[:_MOST_SHOWN])
    told = f"{problem}, so a wheel that it requires has to bring it along ({others})"
    return Found(told, fix, member, severity=Severity.WARNING)


def _loaded(first: Iterable[WindowsUses], every: Iterable[WindowsUses]) -> Iterator[WindowsUses]:
    """Yield files and those of the wheel that they load, directly or through others, each once."""
    by_name: dict[str, list[WindowsUses]] = {}
    for file in every:
        by_name.setdefault(_leaf(file.member), []).append(file)
    waiting = [*first]
    seen = {file.member for file in waiting}
    for file in waiting:
        yield file
        for use in file.dlls:
            new = [other for other in by_name.get(use.key, ()) if other.member not in seen]
            seen.update(other.member for other in new)
            waiting += new


def in_one_process(files: Sequence[WindowsUses]) -> Iterator[str]:
    """Yield the DLLs that files are and name, each once: in one process, Windows takes two of one name for the same."""
    here: dict[str, str] = {}
    for file in files:
        here.setdefault(_leaf(file.member), file.member)
    wanted = {use.key: use.key for file in files for use in file.dlls if use.key not in here}
    yield from here.values()
    yield from wanted


def _required(subject: Subject) -> Iterator[str]:
    """Yield the projects that the wheel always requires, as METADATA spells them."""
    for text in subject.metadata.all("Requires-Dist") if subject.metadata else ():
        match = _REQUIREMENT.fullmatch(text)
        if match and "extra" not in (match[3] or ""):
            yield match[1]


def _bare(name: str) -> str:
    return re.sub("[-_.]+", "", name.lower())


def _leaf(member: str) -> str:
    return member.rpartition("/")[2].lower()


RULES = (Rule("python-library", Severity.ERROR, "a module is linked to the library of another Python", _pythons),)
