"""Findings as SARIF, the format by which code hosts show what tools find.

Follows the Static Analysis Results Interchange Format (SARIF) 2.1.0 of OASIS. A wheel is an artifact; a member is a
logical location within it.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from errno import EISDIR
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from truewheel.batch.files import require_file_or_nothing
from truewheel.cli.output import echo
from truewheel.errors import OutputError
from truewheel.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truewheel.check import Finding
    from truewheel.check.findings import Rule

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def write_sarif(
    place: str,
    rules: Sequence[Rule],
    wheels: Sequence[tuple[Path, Sequence[Finding]]],
    failures: Sequence[Mapping[str, Any]],
) -> None:
    """Write the document to the file `place`, in one step, or to the standard output for `-`; raise OutputError."""
    text = json.dumps(sarif(rules, wheels, failures), indent=2) + "\n"
    if place == "-":
        echo(text, nl=False)
        return
    path = Path(place)
    require_file_or_nothing(path)
    unfinished = path.parent / f".truewheel-{os.getpid()}.part"
    try:
        if path.is_dir():
            raise IsADirectoryError(EISDIR, "it is a folder")  # which a rename tells in other words on each system
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):  # the folder itself may be what refuses
            unfinished.unlink()
        raise OutputError(f"cannot be written: {error.strerror}", where=place) from error


def sarif(
    rules: Sequence[Rule], wheels: Sequence[tuple[Path, Sequence[Finding]]], failures: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the SARIF document of one run.

    failures: wheels that could not be checked, as the JSON documents of all commands tell them.
    """
    places = {rule.name: number for number, rule in enumerate(rules)}
    driver = {"name": "truewheel", "version": __version__, "rules": [_descriptor(rule) for rule in rules]}
    notifications = [
        {"level": "error", "message": {"text": f"{item['file']}: {item['error']}"}, "locations": [_place(item["file"])]}
        for item in failures
    ]
    invocation: dict[str, Any] = {"executionSuccessful": not failures, "toolExecutionNotifications": notifications}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [invocation],
                "results": [
                    _result(path, finding, places[finding.rule]) for path, findings in wheels for finding in findings
                ],
            }
        ],
    }


def _descriptor(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(path: Path, finding: Finding, number: int) -> dict[str, Any]:
    key = f"{path.name}\0{finding.rule}\0{finding.member}\0{finding.message}"
    return {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": finding.severity.value,
        "message": {"text": f"{finding.message}; mend: {finding.fix}"},
        "locations": [_place(str(path), finding.member)],
        "partialFingerprints": {"finding/v1": sha256(key.encode("utf-8", "surrogateescape")).hexdigest()},
        "properties": {"fixable": finding.fixable},
    }


def _place(path: str, member: str = "") -> dict[str, Any]:
    """Return a location: the file as it was given, by a URI, and the member in it."""
    given = Path(path)
    uri = given.as_uri() if given.is_absolute() else quote(os.fsencode(given.as_posix()))
    place: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": uri}}}
    if member:
        place["logicalLocations"] = [{"fullyQualifiedName": member, "kind": "member"}]
    return place
