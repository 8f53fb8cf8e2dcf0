"""What can be done about a wheel that does not keep a policy of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.platforms.linux.policies import newest_allowed, own_facts
from truewheel.platforms.verdict import LIBRARY_RULES, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truewheel.platforms.verdict import Reason
    from truewheel.retagger.proof import Proof


def advice(proof: Proof, reasons: Sequence[Reason]) -> str:
    """Return a phrase that says how to remove the reasons against the policy, or what is true of the wheel instead."""
    needed = []
    if any(reason.rule in LIBRARY_RULES for reason in reasons):
        needed.append("`truewheel repair --policy FILE` bundles what it lacks")
    limits = _limits(proof, reasons)
    if limits and proof.policy:
        needed.append(f"build it for {proof.policy.name}, which has {' and '.join(limits)}")
    found = ["; and ".join(needed)] if needed else []
    if widest := proof.widest():
        found.append(f"call it {'.'.join(widest)}, which is true")
    return "; or ".join(found)


def _limits(proof: Proof, reasons: Iterable[Reason]) -> list[str]:
    """Return up to which version the policy has each kind of symbols that the reasons are about."""
    judgement = next(iter(proof.own.judgements), None) if proof.own else None
    if judgement is None or judgement.policy.own is None:
        return []
    facts = own_facts(judgement.policy.own, judgement.policy.architecture)
    symbols = (reason.symbol.partition("_")[0] for reason in reasons if reason.rule is Rule.SYMBOL_VERSION)
    kinds = ["musl"] if any(reason.rule is Rule.NEWER_SYMBOL for reason in reasons) else sorted(set(symbols))
    return [f"{kind} up to {newest}" for kind in kinds if (newest := newest_allowed(facts, kind))]
