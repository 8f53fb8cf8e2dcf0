"""Rules about what the machine code contradicts: each tag of the name, and the libraries that it counts on.

The judgement is `retagger.proof`'s; here each reason becomes a finding of the rule that it is about, told once however
many tags it stands against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.check.findings import Found, Rule, Severity
from truewheel.platforms.verdict import Rule as Cause
from truewheel.platforms.verdict import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truewheel.check.subject import Evidence, Subject
    from truewheel.platforms.verdict import Reason

_LIBRARIES = frozenset({Cause.LIBRARY, Cause.MISSING_LIBRARY, Cause.NO_PATH})
_OWN_RULE = _LIBRARIES | {Cause.LIBPYTHON, Cause.UCS, Cause.PURELIB}
"""Causes that are told by a rule of their own, because no other name would be true either."""
_PLAIN = "linux_"


def _damaged(subject: Subject) -> Iterator[Found]:
    """Yield why the machine code cannot be read."""
    if subject.evidence is None and subject.broken_code is not None:
        error = subject.broken_code
        yield Found(f"the machine code cannot be read: {error.what}", "build the wheel again", error.where)


def _untrue(subject: Subject) -> Iterator[Found]:
    """Yield what stands against each platform tag."""
    evidence, name = subject.evidence, subject.name
    if evidence is None or name is None:
        return
    fix = _mend(evidence)
    reasons = {tag: [*_against(evidence, tag)] for tag in dict.fromkeys(name.platform)}
    for member, sentence, tags in _told(reasons):
        verb = "are" if len(tags) > 1 else "is"
        yield Found(f"{', '.join(tags)} {verb} not true: {sentence}", fix, member)


def _against(evidence: Evidence, tag: str) -> Iterator[Reason]:
    for reason in evidence.proof.against(tag) or ():
        if reason.rule not in _OWN_RULE:
            yield reason


def _told(reasons: dict[str, list[Reason]]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield a member, a sentence about it, and the tags that it stands against; members in the order of the reasons."""
    told: dict[tuple[str, str], list[str]] = {}
    for tag, found in reasons.items():
        for member in dict.fromkeys(reason.file for reason in found):
            for sentence in sentences(reason for reason in found if reason.file == member):
                told.setdefault((member, sentence), []).append(tag)
    for (member, sentence), tags in told.items():
        yield member, sentence, tags


def _mend(evidence: Evidence) -> str:
    widest = evidence.proof.widest()
    if widest:
        return f"{'.'.join(widest)} is true: truewheel retag --platform-tag auto"
    return "`truewheel repair` makes it true, or says why it cannot"


def _libraries(subject: Subject) -> Iterator[Found]:
    """Yield libraries that are neither in the wheel nor on every system that its tags speak of."""
    fix = "bundle it: truewheel repair"
    for reason, promised in of_causes(subject, _LIBRARIES):
        severity = None if promised else Severity.WARNING
        yield Found(next(iter(sentences([reason]))), fix, reason.file, severity=severity)


def _libpython(subject: Subject) -> Iterator[Found]:
    """Yield files that are linked to libpython, which the Python that imports them need not have."""
    for reason, _ in of_causes(subject, {Cause.LIBPYTHON}):
        yield Found(
            next(iter(sentences([reason]))), "link modules without libpython, or `truewheel repair`", reason.file
        )


def of_causes(subject: Subject, causes: Iterable[Cause]) -> Iterator[tuple[Reason, bool]]:
    """Yield each reason of some causes once, and whether a tag of the name promises that it is not so.

    A plain `linux` tag promises nothing, but the wheel is no better for it: what stands against the newest promise
    is told then.
    """
    evidence, name = subject.evidence, subject.name
    if evidence is None or name is None:
        return
    seen: set[tuple[str, str]] = set()
    promised = [reason for tag in dict.fromkeys(name.platform) for reason in evidence.proof.against(tag) or ()]
    unsaid: list[Reason] = []
    if any(tag.startswith(_PLAIN) for tag in name.platform):
        unsaid = [
            reason for verdict in evidence.proof.linux for item in verdict.judgements[-1:] for reason in item.reasons
        ]
    for reasons, is_promise in ((promised, True), (unsaid, False)):
        for reason in reasons:
            key = reason.file, reason.library or reason.detail
            if reason.rule in causes and key not in seen:
                seen.add(key)
                yield reason, is_promise


def _lost(subject: Subject) -> Iterator[Found]:
    """Yield slices that name no library of the wheel though the same file's other slices do."""
    evidence = subject.evidence
    verdict = evidence.proof.macos if evidence else None
    for truth in verdict.architectures if verdict else ():
        for sentence in truth.suspects:
            yield Found(sentence, f"build for {truth.architecture} again, with all libraries in place")


RULES = (
    Rule("damaged-code", Severity.ERROR, _damaged),
    Rule("untrue-tag", Severity.ERROR, _untrue),
    Rule("missing-library", Severity.ERROR, _libraries),
    Rule("libpython", Severity.ERROR, _libpython),
    Rule("lost-library", Severity.WARNING, _lost),
)
