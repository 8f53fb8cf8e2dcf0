"""The digest of a plan's own content: whether a plan that was read is the one that was written.

The digest is no signature: whoever wants to write a plan can compute it. It tells a plan that somebody changed on the
way, and whose facts then no longer support what it does, from one that a person may have looked through.
"""

from __future__ import annotations

from typing import Any

from truewheel.errors import InvalidInputError

_DIGEST = "content_sha256"


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a plan with the digest of its content."""
    (schema, *rest) = document.items()
    return dict([schema, (_DIGEST, _digest(document)), *rest])


def require_sealed(document: dict[str, Any]) -> None:
    """Raise InvalidInputError for a document that has another content than when it was written."""
    if document[_DIGEST] != _digest(document):
        raise InvalidInputError("the plan was changed after it was written", hint="plan again")


def _digest(document: dict[str, Any]) -> str:
    """Return the SHA-256 of all that a plan says, but for where its inputs lie, in hex."""
    import json
    from hashlib import sha256

    wheels = document["wheels"]
    if isinstance(wheels, (list, tuple)):
        wheels = [
            {name: value for name, value in item.items() if name != "input"} if isinstance(item, dict) else item
            for item in wheels
        ]
    content = {**document, "wheels": wheels}
    content.pop(_DIGEST, None)
    try:
        return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    except RecursionError:
        raise TypeError("it is nested too deeply") from None
