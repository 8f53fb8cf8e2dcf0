"""The rule about a policy of the user's own: what the machine code of a wheel with its tag asks for beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.check.findings import Found, Rule, Severity
from truewheel.check.machine_code import TOLD_ELSEWHERE, told_by_member
from truewheel.platforms.verdict import LIBRARY_RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.check.subject import Subject


def _broken(subject: Subject) -> Iterator[Found]:
    """Yield what stands against the policy in each file: the libraries apart, because they are mended otherwise."""
    evidence, name, own = subject.evidence, subject.name, subject.own_policy
    if evidence is None or name is None or own is None:
        return
    from truewheel.retagger.own_advice import advice

    proof = evidence.proof.once_platlib()
    given = [tag for tag in dict.fromkeys(name.platform) if subject.gives(tag)]
    against = {tag: [item for item in proof.against(tag) or () if item.rule not in TOLD_ELSEWHERE] for tag in given}
    for libraries in (True, False):
        reasons = {
            tag: [item for item in found if (item.rule in LIBRARY_RULES) is libraries] for tag, found in against.items()
        }
        for member, sentence, tags in told_by_member(reasons):
            fix = advice(proof, [item for item in reasons[tags[0]] if item.file == member])
            untrue = f"{' and '.join(tags)} {'is' if len(tags) == 1 else 'are'} not true by the policy {own.name}"
            yield Found(f"{untrue}: {sentence}", fix, member)


RULES = (
    Rule("own-policy", Severity.ERROR, "a tag that a policy of your own gives is not true by that policy", _broken),
)
