"""Rules about what the machine code contradicts: each tag of the name, and the libraries that it counts on.

The judgement is `retagger.proof`'s; here each reason becomes a finding of the rule that it is about, told once however
many tags it stands against.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truewheel.analyzer.macho.image import MACOS
from truewheel.check import windows
from truewheel.check.findings import Found, Rule, Severity
from truewheel.platforms.verdict import LIBRARY_RULES, listed, sentences
from truewheel.platforms.verdict import Rule as Cause

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from truewheel.check.subject import Evidence, Subject
    from truewheel.platforms.verdict import Reason

TOLD_ELSEWHERE = frozenset({Cause.LIBPYTHON, Cause.UCS, Cause.PURELIB, Cause.UNSIGNED})
"""Causes that are told by a rule of their own, because no other name would be true either."""
_PLAIN, _ANY = "linux_", "any"


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
    platforms = tuple(dict.fromkeys(name.platform))
    reasons = {tag: [*_against(evidence, tag)] for tag in platforms if not subject.gives(tag)}
    fix = _mend(evidence, platforms) if any(reasons.values()) else ""
    for member, sentence, tags in told_by_member(reasons):
        yield Found(f"{_named(tags, platforms)}: {sentence}", fix, member)
    yield from _doubtful(evidence, tuple(reasons))


def _doubtful(evidence: Evidence, platforms: Sequence[str]) -> Iterator[Found]:
    """Yield tags of other processors or systems than some of the code is for, which may be chosen at run time."""
    if _ANY in platforms and evidence.proof.machines:
        told = f"{_ANY} may not be true: the wheel holds machine code for {', '.join(evidence.proof.machines)}"
        fix = "name it for these, unless it takes the fitting one when it runs and goes without elsewhere"
        yield Found(told, fix, severity=Severity.WARNING)
    doubts = {tag: [item for item in evidence.proof.against(tag) or () if _is_doubt(tag, item)] for tag in platforms}
    fix = "build it for the older processor, unless that code is chosen at run time"
    for member, sentence, tags in told_by_member(doubts):
        yield Found(f"{', '.join(tags)} may not be true: {sentence}", fix, member, severity=Severity.WARNING)


def _is_doubt(tag: str, reason: Reason) -> bool:
    return tag.startswith(_PLAIN) and reason.rule is Cause.ISA_LEVEL


def _against(evidence: Evidence, tag: str) -> Iterator[Reason]:
    for reason in evidence.proof.against(tag) or ():
        if reason.rule is Cause.MINIMUM_OS:
            yield replace(reason, oldest=None)  # which the system that it names says already
        elif reason.rule not in LIBRARY_RULES | TOLD_ELSEWHERE and not _is_doubt(tag, reason):
            yield reason


def _named(tags: Sequence[str], platforms: Sequence[str]) -> str:
    """Return the beginning of a sentence that says which of the platform tags are not true."""
    if len(tags) == 1:
        return f"{tags[0]} is not true"
    if len(tags) == len(platforms):
        return "none of its platform tags is true"
    return f"{', '.join(tags)} are not true"


def told_by_member(reasons: Mapping[str, Sequence[Reason]]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield each member, all that it says against the same tags, and these tags, in the order of the reasons."""
    tags_of: dict[tuple[str, str], list[str]] = {}
    for tag, found in reasons.items():
        for member in dict.fromkeys(reason.file for reason in found):
            for sentence in sentences(reason for reason in found if reason.file == member):
                tags_of.setdefault((member, sentence), []).append(tag)
    joined: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (member, sentence), tags in tags_of.items():
        joined.setdefault((member, tuple(tags)), []).append(sentence)
    for (member, named), lines in joined.items():
        yield member, _joined(member, lines), named


def _joined(member: str, lines: Sequence[str]) -> str:
    """Return sentences about one member as one."""
    return "; ".join([lines[0], *(line.removeprefix(f"{member} ") for line in lines[1:])])


def _mend(evidence: Evidence, platforms: Sequence[str]) -> str:
    proof = evidence.proof.once_platlib()
    widest = ".".join(proof.widest(platforms))
    if widest:
        # `auto` stands for the tags of a policy of the user's own, where there is one.
        return f"{widest} is true: truewheel retag --platform-tag {widest if proof.own else 'auto'}"
    if proof.linux or (proof.macos is not None and proof.macos.platform == MACOS):
        return "`truewheel repair` makes it true, or says why it cannot"
    return "name it for the systems and processors of its code, or build it again"


def _libraries(subject: Subject) -> Iterator[Found]:
    """Yield libraries that are neither in the wheel nor on every system that its tags speak of."""
    fix = "bundle what is missing: truewheel repair"
    needs: dict[tuple[str, bool], list[Reason]] = {}
    for reason, promised in of_causes(subject, LIBRARY_RULES):
        needs.setdefault((reason.file, promised), []).append(reason)
    for (member, promised), reasons in needs.items():
        told = _joined(member, _needs(member, reasons))
        yield Found(told, fix, member, severity=None if promised else Severity.WARNING)
    yield from windows.missing(subject)


def _needs(member: str, reasons: Sequence[Reason]) -> list[str]:
    """Return sentences about the libraries that a member lacks, one for all of those that are nowhere at all."""
    gone = [reason for reason in reasons if reason.detail == f"needs {reason.library}, which was not found"]
    if len(gone) == 1:
        gone = []
    lines = [sentences([reason])[0] for reason in reasons if reason not in gone]
    if gone:
        names = listed([reason.library for reason in gone])
        lines.insert(0, f"{member} needs {names}, none of which was found")
    return lines


def _libpython(subject: Subject) -> Iterator[Found]:
    """Yield files that are linked to libpython, which the Python that imports them need not have."""
    fix = "link modules without libpython, or `truewheel repair`"
    for reason, _ in of_causes(subject, {Cause.LIBPYTHON}):
        yield Found(sentences([reason])[0], fix, reason.file)


def of_causes(subject: Subject, causes: AbstractSet[Cause]) -> Iterator[tuple[Reason, bool]]:
    """Yield each reason of some causes once, and whether a tag of the name promises that it is not so.

    A plain `linux` tag promises nothing, but the wheel is no better for it: what stands against the newest promise
    is told then. Which libraries there are, a policy of the user's own says itself about the tags that it gives.
    """
    evidence, name = subject.evidence, subject.name
    if evidence is None or name is None:
        return
    seen: set[tuple[str, str]] = set()
    others = [tag for tag in dict.fromkeys(name.platform) if not subject.gives(tag)]
    tags = others if LIBRARY_RULES.issuperset(causes) else dict.fromkeys(name.platform)
    promised = [reason for tag in tags for reason in evidence.proof.against(tag) or ()]
    unsaid: list[Reason] = []
    if any(tag.startswith(_PLAIN) for tag in others):
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
    Rule("damaged-code", Severity.ERROR, "a file of machine code is damaged", _damaged),
    Rule("untrue-tag", Severity.ERROR, "the machine code contradicts a platform tag", _untrue),
    Rule(
        "missing-library",
        Severity.ERROR,
        "a library is neither in the wheel nor on every system of its tags",
        _libraries,
    ),
    Rule("libpython", Severity.ERROR, "a file is linked to libpython", _libpython),
    Rule(
        "lost-library", Severity.WARNING, "one slice of a file needs no library of the wheel, while another does", _lost
    ),
)
