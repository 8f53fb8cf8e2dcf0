"""Rules about extension modules against the Python and ABI tags: their file names, and the Unicode build they need.

`retagger.names_truth` says what the names mean (PEP 3149, 384, 803). Builds of Python 2 with two and with four bytes a
character export their string functions under two names, and the ABI tag says which (`cp27m`, `cp27mu`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.check.findings import Found, Rule, Severity
from truewheel.check.machine_code import of_causes
from truewheel.platforms.verdict import Rule as Cause
from truewheel.retagger.known_tags import go_together
from truewheel.retagger.names_truth import python_reasons_against
from truewheel.retagger.stable_abi import mac_uses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.check.subject import Subject


def _names(subject: Subject) -> Iterator[Found]:
    """Yield modules whose file names say that an interpreter of the wheel's tags does not import them."""
    name, reader = subject.name, subject.reader
    if name is None or reader is None:
        return
    told: dict[tuple[str, str], list[str]] = {}
    for python in dict.fromkeys(name.python):
        for abi in dict.fromkeys(name.abi):
            if go_together(python, abi):
                for reason in python_reasons_against(reader, python, abi):
                    told.setdefault((reason.file, reason.detail), []).append(f"{python}-{abi}")
    for (member, detail), tags in told.items():
        own = member.partition(".")[2]
        severity = Severity.WARNING if all(tag.endswith("-none") for tag in tags) else None
        fix = f"build {own.partition('.')[0]} for every Python of the tags, or name only its own"
        yield Found(f"{', '.join(tags)}: {member} {detail}", fix, member, severity=severity)


def _unicode(subject: Subject) -> Iterator[Found]:
    """Yield files that need the other Unicode build of Python 2 than the ABI tag says."""
    fix = "name it for the build of Python that it was made with: cp27mu is UCS-4, cp27m UCS-2"
    for reason, _ in of_causes(subject, {Cause.UCS}):
        yield Found(f"{reason.file} {reason.detail}", fix, reason.file)
    name, reader, evidence = subject.name, subject.reader, subject.evidence
    if name is None or reader is None or evidence is None or not any(abi.startswith("cp2") for abi in name.abi):
        return
    from truewheel.platforms.linux.files import wrong_unicode_builds

    for uses in mac_uses(evidence.code(reader)):
        for reason in wrong_unicode_builds(uses.member, uses.names, name.abi):
            yield Found(f"{reason.file} {reason.detail}", fix, reason.file)


RULES = (
    Rule(
        "module-name", Severity.ERROR, "the name of a module says that a Python of the tags does not import it", _names
    ),
    Rule("ucs", Severity.ERROR, "a module needs the other Unicode build of Python 2", _unicode),
)
