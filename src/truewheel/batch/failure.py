"""What there is to tell of one wheel that could not be worked on, as documents hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from truewheel.errors import DefectError

if TYPE_CHECKING:
    from truewheel.errors import TruewheelError


class Failure(NamedTuple):
    """One wheel that could not be worked on.

    file: the wheel as given. error, where, hint: as in the error. reasons: every cause of a refusal.
    defect: whether truewheel itself is wrong. exit_code: that of this wheel alone.
    """

    file: str
    error: str
    where: str
    hint: str
    reasons: tuple[str, ...]
    defect: bool
    exit_code: int

    @classmethod
    def of(cls, file: str, error: TruewheelError) -> Failure:
        """Return what there is to tell of an error."""
        return cls(
            file=file,
            error=error.what,
            where=error.where,
            hint=error.hint,
            reasons=tuple(getattr(error, "reasons", ())),
            defect=isinstance(error, DefectError),
            exit_code=int(error.exit_code),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the failure as values that the json module writes."""
        return {**self._asdict(), "reasons": list(self.reasons)}
