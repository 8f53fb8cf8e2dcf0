"""Rule about Python's stable ABI: a wheel that is tagged for it uses only names that it has, and already had.

`retagger.stable_abi` knows the names and judges the files; here each of its faults becomes a finding.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truewheel.check.findings import Found, Rule, Severity
from truewheel.retagger.stable_abi import STABLE, faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.archive.names import WheelName
    from truewheel.check.subject import Subject
    from truewheel.retagger.stable_abi import Version

_CPYTHON = re.compile(r"cp(\d)(\d+)")


def _stable(subject: Subject) -> Iterator[Found]:
    """Yield files that use what the stable ABI of the wheel's tags does not have."""
    name, reader, evidence = subject.name, subject.reader, subject.evidence
    if name is None or reader is None or evidence is None:
        return
    claims = {abi: version for abi in STABLE if (version := claimed(name, abi))}
    if claims:
        for fault in faults(evidence.code(reader), claims):
            yield Found(f"{fault.member} {fault.problem}", fault.fix, fault.member)


def claimed(name: WheelName, abi: str) -> Version | None:
    """Return the oldest Python whose stable ABI the tags speak of; None when they do not."""
    if abi not in name.abi:
        return None
    versions = [(int(match[1]), int(match[2])) for tag in name.python if (match := _CPYTHON.fullmatch(tag))]
    return min(versions, default=None)


RULES = (
    Rule("stable-abi", Severity.ERROR, "a file of a wheel for the stable ABI uses what that does not have", _stable),
)
