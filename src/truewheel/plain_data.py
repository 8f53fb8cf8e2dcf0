"""Dataclasses and named tuples as values that JSON knows, and back, held against their annotations."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from truewheel.errors import InvalidInputError

Plan = TypeVar("Plan")

_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}
_SHOWN = 40
"""Up to how many characters of a text are told."""


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


def _required(kind: Any) -> list[str]:  # noqa: ANN401 - a dataclass or a named tuple
    """Return the names of the fields that have no default."""
    if is_dataclass(kind):
        both = (MISSING, MISSING)
        return [field.name for field in fields(kind) if (field.default, field.default_factory) == both]
    return [name for name in kind._fields if name not in kind._field_defaults]


def typed(kind: Any, data: object, where: str = "") -> Any:  # noqa: ANN401 - as many types as the plan has fields
    """Return `data`, as JSON gives it, as a value of the type `kind`; raise TypeError when it is none.

    kind: `object` stands for whatever JSON holds. where: what to call the value in the error: its path through the
    fields.
    """
    if kind is object:
        return data
    if isinstance(kind, type) and _names(kind) is not None:
        return _object(kind, data, where)
    choices = get_args(kind)
    if get_origin(kind) is not tuple:
        if type(data) in (choices or (kind,)):
            return data
        for choice in choices:
            if _names(choice) is not None:
                return _object(choice, data, where)
    elif isinstance(data, (list, tuple)):
        kinds = choices[:1] * len(data) if choices[-1] is Ellipsis else choices
        if len(kinds) == len(data):
            items = enumerate(zip(kinds, data, strict=True), 1)
            return tuple(typed(each, value, f"{where} {number}".lstrip()) for number, (each, value) in items)
        raise TypeError(f"{where or 'the list'} has {len(data)} items, not {len(kinds)}")
    raise TypeError(f"{where or 'it'} is {told(data)}, not {_wanted(kind)}")


def _object(kind: Any, data: object, where: str) -> Any:  # noqa: ANN401 - a dataclass or a named tuple
    name = where or "it"
    if not isinstance(data, dict):
        raise TypeError(f"{name} is {told(data)}, not an object")
    hints = {field: hint for field, hint in get_type_hints(kind).items() if field in (_names(kind) or ())}
    unknown = sorted(str(key) for key in data.keys() - hints.keys())
    if unknown:
        raise TypeError(f"{name} has a field {told(unknown[0])}, which has no meaning")
    missing = [field for field in _required(kind) if field not in data]
    if missing:
        raise TypeError(f"{name} has no field {missing[0]!r}")
    place = f"{where}, " if where else ""
    return kind(**{field: typed(hints[field], value, f"{place}{field}") for field, value in data.items()})


def told(value: object) -> str:
    """Return what a value of JSON is, in short."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _wanted(kind: Any) -> str:  # noqa: ANN401 - any type
    """Return what a type stands for in JSON."""
    if get_origin(kind) is tuple:
        return "a list"
    choices = get_args(kind)
    return " or ".join(map(_wanted, choices)) if choices else _WORDS.get(kind, "an object")


def plan_from(kind: type[Plan], data: object, schema: str) -> Plan:
    """Return a plan of the type `kind` from its JSON values; raise InvalidInputError when they are none."""
    found = data.get("schema") if isinstance(data, dict) else None
    if found != schema:
        raise InvalidInputError(f"the plan has schema {told(found)}, not {schema!r}", hint="make the plan again")
    try:
        plan: Plan = typed(kind, data)
    except TypeError as error:
        raise InvalidInputError(f"the plan is damaged: {error}", hint="make the plan again") from error
    return plan
