"""Rules about Python's stable ABI: a wheel that is tagged for it uses only names that it has, and already had.

Follows PEP 384 (abi3) and PEP 803 (abi3t). The names are in `data/stable_abi.toml`, which names its source. What is
judged is what a file wants of others, in every slice; names that another file of the wheel gives it are its own affair.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from truewheel.check.findings import Found, Rule, Severity
from truewheel.check.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truewheel.archive.names import WheelName
    from truewheel.archive.reader import WheelReader
    from truewheel.check.subject import Evidence, Subject

Version = tuple[int, int]

_PYTHON = ("Py", "_Py")
_STABLE = ("abi3", "abi3t")
_CPYTHON = re.compile(r"cp(\d)(\d+)")
_OPAQUE_USERS = frozenset({"PyModuleDef_Init", "PyModule_Create2", "PyModule_FromDefAndSpec2", "PyModule_ExecDef"})
"""Functions that take a module definition, which only code that knows its layout can have made."""
_MOST_SHOWN = 4


class Uses(NamedTuple):
    """What one file wants of Python. names: the names of functions and data, sorted."""

    member: str
    names: tuple[str, ...]


def _stable(subject: Subject) -> Iterator[Found]:
    """Yield files that use what the stable ABI of the wheel's tags does not have."""
    name, reader, evidence = subject.name, subject.reader, subject.evidence
    if name is None or reader is None or evidence is None:
        return
    claims = {abi: version for abi in _STABLE if (version := claimed(name, abi))}
    if not claims:
        return
    added, oldest = added_in(), min(claims.values())
    for uses in _python_uses(reader, evidence):
        unknown = [symbol for symbol in uses.names if symbol not in added]
        unstable = _not_given(unknown, uses.member, reader, evidence) if unknown else []
        if unstable:
            tag = f"cp{oldest[0]}{oldest[1]}-{next(iter(claims))}"
            problem = f"needs {_listed(unstable)}, which the stable ABI does not have, so {tag} is not true"
            yield Found(f"{uses.member} {problem}", "build without it, or name the wheel for one Python", uses.member)
        newer = {symbol: added[symbol] for symbol in uses.names if added.get(symbol, oldest) > oldest}
        if newer:
            yield _too_new(uses.member, newer, oldest)
        made = [symbol for symbol in uses.names if symbol in _OPAQUE_USERS] if "abi3t" in claims else []
        if made:
            problem = f"needs {_listed(made)}, so it knows the layout of PyModuleDef, which abi3t does not promise"
            yield Found(f"{uses.member} {problem}", "export PyModExport (PEP 793) instead", uses.member)


def _too_new(member: str, newer: Mapping[str, Version], oldest: Version) -> Found:
    since = max(newer.values())
    shown = [f"{symbol} ({_dotted(version)})" for symbol, version in sorted(newer.items(), key=lambda item: item[::-1])]
    problem = f"needs {_listed(shown[::-1])}, which the stable ABI of Python {_dotted(oldest)} does not have"
    hexadecimal = f"0x{oldest[0]:02X}{oldest[1]:02X}0000"
    fix = f"name it cp{since[0]}{since[1]}, or build with Py_LIMITED_API={hexadecimal}"
    return Found(f"{member} {problem}", fix, member)


def claimed(name: WheelName, abi: str) -> Version | None:
    """Return the oldest Python whose stable ABI the tags speak of; None when they do not."""
    if abi not in name.abi:
        return None
    versions = [(int(match[1]), int(match[2])) for tag in name.python if (match := _CPYTHON.fullmatch(tag))]
    return min(versions, default=None)


@cache
def added_in() -> Mapping[str, Version]:
    """Return the names of the stable ABI, each with the version of Python that added it."""
    result: dict[str, Version] = {}
    for text, names in table("stable_abi")["added"].items():
        major, minor = text.split(".")
        result.update(dict.fromkeys(names.split(), (int(major), int(minor))))
    return result


def _python_uses(reader: WheelReader, evidence: Evidence) -> Iterator[Uses]:
    """Yield what each file wants of Python, in archive order."""
    from truewheel.analyzer.macho.symbols import undefined_names

    for node in evidence.linux.graph.members():
        yield Uses(node.name, _of_python(node.image.imports))
    for mac in evidence.macos.graph.members():
        data = reader.view(mac.name)
        wanted = (undefined_names(data, item, mac.name) for item in mac.file.slices if item.file_type.is_loaded)
        yield Uses(mac.name, _of_python(frozenset().union(*wanted)))


def _of_python(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in names if name.startswith(_PYTHON)))


def _not_given(names: list[str], member: str, reader: WheelReader, evidence: Evidence) -> list[str]:
    """Return those of `names` that no other file of the wheel defines."""
    from truewheel.analyzer.elf.symbols import provided
    from truewheel.analyzer.macho.symbols import exported_names

    left = set(names)
    for node in evidence.linux.graph.members():
        if left and node.name != member:
            left -= provided(reader.view(node.name), left, node.name)
    for mac in evidence.macos.graph.members():
        if left and mac.name != member:
            data = reader.view(mac.name)
            for item in mac.file.slices:
                left -= exported_names(data, item, mac.name) if item.file_type.is_loaded else set()
    return sorted(left)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(names[:_MOST_SHOWN]) + more


def _dotted(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


RULES = (
    Rule("stable-abi", Severity.ERROR, "a file of a wheel for the stable ABI uses what that does not have", _stable),
)
