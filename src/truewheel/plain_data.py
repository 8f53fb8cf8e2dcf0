"""Dataclasses and named tuples as values that JSON knows, and back, held against their annotations."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from truewheel.errors import InvalidInputError

Plan = TypeVar("Plan")


def plain(value: Any) -> Any:  # noqa: ANN401 - as many types as the plan has fields
    """Return `value` with every dataclass and named tuple in it, and in its tuples, as a dictionary of its fields."""
    names = _names(value)
    if names is not None:
        return {name: plain(getattr(value, name)) for name in names}
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


def _names(kind: Any) -> tuple[str, ...] | None:  # noqa: ANN401 - any type, or a value of one
    """Return the names of the fields of a dataclass or a named tuple; None for anything else."""
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind))
    names: tuple[str, ...] | None = getattr(kind, "_fields", None)
    return names


def typed(kind: Any, data: object) -> Any:  # noqa: ANN401 - as many types as the plan has fields
    """Return `data`, as JSON gives it, as a value of the type `kind`; raise TypeError when it is none."""
    if isinstance(kind, type) and _names(kind) is not None:
        if not isinstance(data, dict):
            raise TypeError(f"{kind.__name__} cannot be made of {data!r}")
        hints = get_type_hints(kind)
        unknown = sorted(str(key) for key in data.keys() - hints.keys())
        if unknown:
            raise TypeError(f"{kind.__name__} has no {unknown[0]!r}")
        return kind(**{name: typed(hints[name], value) for name, value in data.items()})
    choices = get_args(kind)
    if get_origin(kind) is not tuple:
        if type(data) in (choices or (kind,)):
            return data
        for choice in choices:
            if _names(choice) is not None:
                return typed(choice, data)
    elif isinstance(data, (list, tuple)):
        kinds = choices[:1] * len(data) if choices[-1] is Ellipsis else choices
        if len(kinds) == len(data):
            return tuple(typed(each, value) for each, value in zip(kinds, data, strict=True))
    raise TypeError(f"{data!r} is not {kind}")


def plan_from(kind: type[Plan], data: object, schema: str) -> Plan:
    """Return a plan of the type `kind` from its JSON values; raise InvalidInputError when they are none."""
    found = data.get("schema") if isinstance(data, dict) else None
    if found != schema:
        raise InvalidInputError(f"the plan has schema {found!r}, not {schema!r}", hint="make the plan again")
    try:
        plan: Plan = typed(kind, data)
    except TypeError as error:
        raise InvalidInputError(f"the plan is damaged: {error}", hint="make the plan again") from error
    return plan
