"""Rules of the package index for uploads, for what is no fault by the specifications alone.

The facts are in `data/index.toml`, which names their source.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truewheel.archive.zip_format import FLAG_DESCRIPTOR
from truewheel.check.findings import Found, Rule, Severity
from truewheel.check.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truewheel.check.subject import Subject

PYPI = "pypi"
INDEXES = (PYPI, "none")


def _tags(subject: Subject) -> Iterator[Found]:
    """Yield platform tags that the index does not take; those of a policy of the user's own are not meant for it."""
    if subject.index != PYPI or subject.name is None:
        return
    patterns = [re.compile(pattern) for pattern in table("index")["platforms"]]
    for tag in dict.fromkeys(subject.name.platform):
        if not subject.gives(tag) and not any(pattern.fullmatch(tag) for pattern in patterns):
            fix = "repair the wheel" if tag.startswith("linux_") else "truewheel retag --platform-tag auto"
            yield Found(f"the index refuses wheels with the tag {tag}", fix)


def _local(subject: Subject) -> Iterator[Found]:
    """Yield a local version, which the index does not take."""
    if subject.index == PYPI and subject.name is not None and "+" in subject.name.version:
        local = subject.name.version.partition("+")[2]
        yield Found(f"the index refuses the local version +{local}", "build the wheel without it, or use another index")


def _descriptors(subject: Subject) -> Iterator[Found]:
    """Yield members whose sizes stand behind their data, as programs write that cannot go back in a file."""
    if subject.index != PYPI or subject.reader is None:
        return
    names = [entry.name for entry in subject.reader.entries.values() if entry.flags & FLAG_DESCRIPTOR]
    if names:
        more = f" and {len(names) - 1} more members" if len(names) > 1 else ""
        problem = f"the sizes of {names[0]}{more} stand behind the data; the index refuses such uploads"
        yield Found(problem, "write the archive anew", names[0], fixable=True)


RULES = (
    Rule("index-tag", Severity.ERROR, "the index refuses a platform tag", _tags),
    Rule("local-version", Severity.ERROR, "the index refuses local versions", _local),
    Rule(
        "data-descriptor", Severity.ERROR, "the index refuses members whose sizes stand behind their data", _descriptors
    ),
)
