"""A policy of the user's own: a corporate image or a channel of packages, described by what it has beyond a known one.

The file is TOML; docs/policies.md describes it. Reading it here tells nothing of wheels: `policies.py` makes facts of
it, and a wheel is judged by these as by those of any other policy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from truewheel.errors import UsageError
from truewheel.given_files import read_given
from truewheel.toml import parse_toml

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN = ("any", "linux", "manylinux", "musllinux", "macosx", "win", "ios", "android", "auto")
"""What names and tags of others begin with: they promise something that this file does not decide."""
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_FIELDS = {"name", "base", "architectures", "tags", "libraries", "symbols"}
_LIBRARY_FIELDS = {"allow", "refuse"}


@dataclass(frozen=True, slots=True)
class OwnPolicy:
    """One policy of the user's own.

    name: as in `--plat`, without the architecture. base: the known policy whose facts hold where nothing else is said.
    architectures: those it is for; empty for all that the base is for.
    tags: the platform tags of a wheel that keeps it, without the architecture.
    allow, refuse: libraries that it has or does not have, whatever the base says.
    symbols: by the prefix of symbol versions (`GLIBC`), or `musl`, the newest version that it has.
    """

    name: str
    base: str
    architectures: tuple[str, ...] = ()
    tags: tuple[str, ...] = ("linux",)
    allow: tuple[str, ...] = ()
    refuse: tuple[str, ...] = ()
    symbols: tuple[tuple[str, str], ...] = ()


def read_own_policy(path: Path) -> OwnPolicy:
    """Return the policy that a file describes; raise UsageError for one that is not understood."""
    try:
        table = parse_toml(read_given(path).decode())
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except ValueError as error:  # UnicodeDecodeError and TOMLDecodeError are both
        raise UsageError(f"is no TOML: {error}", where=str(path)) from error
    from truewheel.platforms.linux.policies import require_base

    try:
        policy = _policy(table)
        require_base(policy)
    except UsageError as error:
        raise UsageError(error.what, where=str(path), hint=error.hint) from error
    return policy


def _policy(table: dict[str, Any]) -> OwnPolicy:
    _demand_known(table, _FIELDS, "a policy")
    libraries = table.get("libraries", {})
    symbols = table.get("symbols", {})
    if not isinstance(libraries, dict) or not isinstance(symbols, dict):
        raise UsageError("`libraries` and `symbols` are tables", hint="write [libraries] and [symbols]")
    _demand_known(libraries, _LIBRARY_FIELDS, "[libraries]")
    for prefix, version in symbols.items():
        if not isinstance(version, str) or not _NUMBER.fullmatch(version):
            raise UsageError(f"the newest version of {prefix} is {version!r}", hint='such as GLIBC = "2.31"')
    policy = OwnPolicy(
        name=_text(table, "name"),
        base=_text(table, "base"),
        architectures=_texts(table, "architectures"),
        tags=_texts(table, "tags") or ("linux",),
        allow=_texts(libraries, "allow"),
        refuse=_texts(libraries, "refuse"),
        symbols=tuple(sorted(symbols.items())),
    )
    _demand_own(policy.name, "name")
    for tag in policy.tags:
        if tag != "linux":
            _demand_own(tag, "tag")
    both = sorted(set(policy.allow) & set(policy.refuse))
    if both:
        raise UsageError(f"{both[0]} is allowed and refused")
    return policy


def _demand_own(name: str, role: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no {role}", hint="it has lower-case letters, digits and '_'")
    if name.partition("_")[0].rstrip("0123456789") in _TAKEN:
        hint = "a policy of your own has a name of its own"
        raise UsageError(f"{name!r} is a {role} that promises something to others", hint=hint)


def _demand_known(table: dict[str, Any], known: set[str], what: str) -> None:
    unknown = sorted(table.keys() - known)
    if unknown:
        raise UsageError(f"{what} has no `{unknown[0]}`", hint=f"it has {', '.join(sorted(known))}")


def _text(table: dict[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise UsageError(f"`{key}` is {value!r}" if key in table else f"`{key}` is missing", hint="it is a text")
    return value


def _texts(table: dict[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UsageError(f"`{key}` is {value!r}", hint="it is a list of texts")
    return tuple(value)
