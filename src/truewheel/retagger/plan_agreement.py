"""Whether a retag plan that was read agrees with itself: its names, its tags, its version, and what they rest on.

What a tag rests on is worked out again where that takes no look at the wheel: which tags follow from others. What the
machine code proved is not read again.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from truewheel.archive.names import WheelName, parse_given_name
from truewheel.errors import InvalidInputError, InvalidWheelError
from truewheel.retagger.retag_plan import FORCED, IMPLIED, PROVED, UNJUDGED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.retagger.retag_plan import Ground, RetagPlan

_BASES = (IMPLIED, PROVED, UNJUDGED, FORCED)


def require_agreement(plan: RetagPlan) -> None:
    """Raise InvalidInputError, with the first of them, for a plan whose fields contradict each other."""
    try:
        found = next(_contradictions(plan), None)
    except InvalidWheelError as error:
        found = f"{error.where}: {error.what}"
    if found:
        raise InvalidInputError(f"the plan is damaged: {found}", hint="make the plan again")


def _contradictions(plan: RetagPlan) -> Iterator[str]:
    old, new = parse_given_name(plan.input_name), WheelName.parse(plan.output_name)
    version = old.version if plan.version is None else plan.version
    if new.distribution != old.distribution:
        yield f"{plan.output_name} is of another project than {plan.input_name}"
    if new.version != version:
        yield f"{plan.output_name} is not of version {version!r}"
    if version.partition("+")[0] != old.version.partition("+")[0]:
        yield f"version {version!r} differs from {old.version!r} in more than its local label"
    for field, value, name in (("tags_before", plan.tags_before, old), ("tags", plan.tags, new)):
        if value != name.compressed_tags:
            yield f"{field} is {value!r}, and the file name has {name.compressed_tags}"
    yield from _of_grounds(plan, old, new)


def _of_grounds(plan: RetagPlan, old: WheelName, new: WheelName) -> Iterator[str]:
    """Yield what is wrong with the grounds: a new tag without any, and one that does not follow from what it names."""
    from truewheel.retagger.known_tags import go_together

    pairs = [pair for pair in product(new.python, new.abi) if go_together(*pair)]
    grounds = {ground.tag: ground for ground in plan.grounds}
    before = {"-".join(pair) for pair in product(old.python, old.abi)} | set(old.platform)
    for tag in (*map("-".join, pairs), *new.platform):
        if tag not in before and tag not in grounds:
            yield f"nothing says why {tag} may be written"
    known = {"-".join(pair) for pair in product(new.python, new.abi)} | set(new.platform)
    sound = {*old.platform, *(ground.tag for ground in plan.grounds if ground.basis != FORCED)}
    for ground in plan.grounds:
        if ground.tag not in known:
            yield f"it says why {ground.tag} may be written, which is no tag of the new name"
        if ground.basis not in _BASES:
            yield f"the basis of {ground.tag} is {ground.basis!r}, not {' or '.join(_BASES)}"
        if ground.basis == IMPLIED and not _follows(ground, sound - {ground.tag}):
            yield f"{ground.tag} does not follow from {' and '.join(ground.by) or 'nothing'}"


def _follows(ground: Ground, sound: set[str]) -> bool:
    from truewheel.retagger.grounds import implied_by

    return set(ground.by) <= sound and bool(implied_by(ground.tag, ground.by))
