"""The part of the schema of SARIF 2.1.0 that a report of findings uses, with what each object may and must have.

Written after the specification (OASIS, sections 3.13 to 3.58); the published schema closes its objects in the same way.
"""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}


def _object(*required: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(items: dict[str, Any], *, unique: bool = False) -> dict[str, Any]:
    return {"type": "array", "items": items, "uniqueItems": unique}


_MESSAGE = _object("text", text=_TEXT, markdown=_TEXT)
_ARTIFACT = _object(
    "uri",
    uri={"type": "string", "pattern": r"^(file:///)?([A-Za-z0-9._~/+!$&'()*,;=:@-]|%[0-9A-F]{2})+$"},
    uriBaseId=_TEXT,
)
_LOGICAL = _object(name=_TEXT, fullyQualifiedName=_TEXT, decoratedName=_TEXT, kind=_TEXT)
_LOCATION = _object(
    physicalLocation=_object("artifactLocation", artifactLocation=_ARTIFACT),
    logicalLocations=_list(_LOGICAL, unique=True),
)
_RULE = _object(
    "id", id=_TEXT, shortDescription=_MESSAGE, defaultConfiguration=_object(level=_LEVEL), helpUri=_TEXT, help=_MESSAGE
)
_RESULT = _object(
    "message",
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=_LEVEL,
    message=_MESSAGE,
    locations=_list(_LOCATION),
    partialFingerprints={"type": "object", "additionalProperties": _TEXT},
    properties={"type": "object"},
)
_NOTIFICATION = _object("message", level=_LEVEL, message=_MESSAGE, locations=_list(_LOCATION, unique=True))
_INVOCATION = _object(
    "executionSuccessful", executionSuccessful={"type": "boolean"}, toolExecutionNotifications=_list(_NOTIFICATION)
)
_DRIVER = _object("name", name=_TEXT, version=_TEXT, informationUri=_TEXT, rules=_list(_RULE, unique=True))
_RUN = _object("tool", tool=_object("driver", driver=_DRIVER), invocations=_list(_INVOCATION), results=_list(_RESULT))

SCHEMA = {
    **_object("version", "runs", version={"const": "2.1.0"}, runs=_list(_RUN)),
    "$schema": "https://json-schema.org/draft/2020-12/schema",
}
SCHEMA["properties"]["$schema"] = {"type": "string", "pattern": "^https://"}
