"""What a retag would do, as plain data; nothing is touched while it is made.

A plan can be written as JSON, read back, and applied later. It names its input by content only when asked to, because
reading the whole file would be most of the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from truewheel.archive.reader import WheelReader

SCHEMA = "truewheel.retag-plan/1"

IMPLIED, PROVED, UNJUDGED, FORCED = "implied", "proved", "unjudged", "forced"
"""The grounds on which a tag is written."""


class Ground(NamedTuple):
    """Why a tag of the new name may be written.

    tag: a platform tag, or a Python and an ABI tag joined by a dash.
    basis: IMPLIED (a tag that the wheel has says as much), PROVED (the machine code does), UNJUDGED (nothing here can
        tell), or FORCED (it is contradicted and was demanded all the same).
    by: the tags that imply it. reasons: for FORCED, what stands against it, and for PROVED, what in the machine code it
        rests on, one sentence each.
    policy: the name of the user's own policy that decided; empty for a tag that no such policy gives.
    given: for PROVED, libraries that the wheel needs and that something else provides, as the caller says.
    """

    tag: str
    basis: str
    by: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    policy: str = ""
    given: tuple[str, ...] = ()

    @property
    def by_policy(self) -> str:
        """The end of a sentence that says which policy of the user's own decided; empty when none did."""
        return f" by the policy {self.policy}" if self.policy else ""


class RetagPlan(NamedTuple):
    """A whole retag.

    input_name: the wheel's file name; input_size: bytes. input_sha256: hex digest of the whole file, None when the plan
        was not asked to name it.
    output_name: the new file name.
    tags_before, tags: the compressed tag sets `python-abi-platform` of both names.
    version: the new version, None when it stays; dist-info, METADATA and RECORD then change too.
    root_is_purelib: what WHEEL says from now on, None when that stays.
    rewrites_metadata: whether the WHEEL file changes.
    grounds: for each new tag, why it may be written; also for those that stay, where the machine code was read.
    notices: sentences for the user.
    """

    input_name: str
    input_size: int
    input_sha256: str | None
    output_name: str
    tags_before: str
    tags: str
    version: str | None = None
    root_is_purelib: bool | None = None
    rewrites_metadata: bool = False
    grounds: tuple[Ground, ...] = ()
    notices: tuple[str, ...] = ()
    schema: str = SCHEMA

    @property
    def changes_nothing(self) -> bool:
        """Whether the new wheel would be the old one, byte for byte."""
        return self.output_name == self.input_name and not self.rewrites_metadata

    @property
    def forced(self) -> tuple[Ground, ...]:
        """The tags that are written although something contradicts them."""
        return tuple(ground for ground in self.grounds if ground.basis == FORCED)

    def identified(self, reader: WheelReader) -> RetagPlan:
        """Return the plan with the digest of its input, which it then fits alone."""
        return self._replace(input_sha256=reader.sha256())

    def to_json(self) -> dict[str, Any]:
        """Return the plan as values that the json module writes."""
        from truewheel.plain_data import plain

        values: dict[str, Any] = plain(self)
        return values

    @classmethod
    def from_json(cls, data: object) -> RetagPlan:
        """Return the plan that `to_json` gave; raise InvalidInputError for anything else, or a contradiction."""
        from truewheel.plain_data import plan_from
        from truewheel.retagger.plan_agreement import require_agreement

        plan = plan_from(cls, data, SCHEMA)
        require_agreement(plan)
        return plan
