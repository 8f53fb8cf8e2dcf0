"""Python's stable ABI: which names it has, since when, and what files that claim it use beyond that.

Follows PEP 384 (abi3) and PEP 803 (abi3t). The names are in `data/stable_abi.toml`, which names its source. What is
judged is what a file wants of others, in every slice; names that another file of the wheel gives it are its own affair.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from truewheel.platforms.verdict import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.archive.reader import WheelReader
    from truewheel.retagger.python_dlls import PythonDll
    from truewheel.retagger.windows_imports import WindowsUses

Version = tuple[int, int]

STABLE = ("abi3", "abi3t")
_PYTHON = ("Py", "_Py")
_OPAQUE_USERS = frozenset({"PyModuleDef_Init", "PyModule_Create2", "PyModule_FromDefAndSpec2", "PyModule_ExecDef"})
"""Functions that take a module definition, which only code that knows its layout can have made."""
_EXPORT = "PyModExport"


class Code(NamedTuple):
    """The machine code of a wheel, of all formats."""

    reader: WheelReader
    linux: Analysis
    macos: MachoAnalysis
    windows: tuple[WindowsUses, ...] = ()


class Uses(NamedTuple):
    """What one file wants of Python.

    names: the names of functions and data, sorted.
    exports: whether it offers its module by `PyModExport_...` (PEP 793), which interpreters with abi3t try first.
    dlls: the libraries of Python that a file of Windows is linked to.
    """

    member: str
    names: tuple[str, ...]
    exports: bool = False
    dlls: tuple[PythonDll, ...] = ()


class Fault(NamedTuple):
    """One thing that a file uses and its tags do not promise; `problem` is a sentence without its subject."""

    member: str
    problem: str
    fix: str


def faults(code: Code, claims: Mapping[str, Version]) -> Iterator[Fault]:
    """Yield what files use beyond the stable ABI. claims: by `abi3` or `abi3t`, the oldest Python it is claimed of.

    Raises InvalidBinaryError for a damaged file.
    """
    added, oldest = added_in(), min(claims.values())
    for uses in python_uses(code):
        yield from _wrong_dlls(uses, claims)
        unknown = [symbol for symbol in uses.names if symbol not in added]
        unstable = _not_given(unknown, uses.member, code) if unknown else []
        if unstable:
            tag = f"cp{oldest[0]}{oldest[1]}-{next(iter(claims))}"
            problem = f"needs {listed(unstable)}, which the stable ABI does not have, so {tag} is not true"
            yield Fault(uses.member, problem, "build without it, or name the wheel for one Python")
        newer = {symbol: added[symbol] for symbol in uses.names if added.get(symbol, oldest) > oldest}
        if newer:
            yield _too_new(uses.member, newer, oldest)
        opaque = "abi3t" in claims and not uses.exports
        made = [symbol for symbol in uses.names if symbol in _OPAQUE_USERS] if opaque else []
        if made:
            problem = f"needs {listed(made)}, so it knows the layout of PyModuleDef, which abi3t does not promise"
            yield Fault(uses.member, problem, "export PyModExport (PEP 793) instead")


def _wrong_dlls(uses: Uses, claims: Mapping[str, Version]) -> Iterator[Fault]:
    """Yield the libraries of Python that a file of Windows is linked to and that not every Python of the tags has."""
    if not uses.dlls:
        return
    from truewheel.retagger.python_dlls import linked, stable_dlls

    right, oldest = stable_dlls(claims), min(claims.values())
    for dll in uses.dlls:
        if dll.name not in right:
            tag = f"cp{oldest[0]}{oldest[1]}-{'.'.join(claims)}"
            fix = f"link it to {' or '.join(sorted(right))}, or name the wheel for one Python"
            yield Fault(uses.member, f"{linked(dll)}, so {tag} is not true", fix)


def _too_new(member: str, newer: Mapping[str, Version], oldest: Version) -> Fault:
    since = max(newer.values())
    shown = [f"{symbol} ({_dotted(version)})" for symbol, version in sorted(newer.items(), key=lambda item: item[::-1])]
    problem = f"needs {listed(shown[::-1])}, which the stable ABI of Python {_dotted(oldest)} does not have"
    hexadecimal = f"0x{oldest[0]:02X}{oldest[1]:02X}0000"
    return Fault(member, problem, f"name it cp{since[0]}{since[1]}, or build with Py_LIMITED_API={hexadecimal}")


@cache
def added_in() -> Mapping[str, Version]:
    """Return the names of the stable ABI, each with the version of Python that added it."""
    from truewheel.retagger.acceptance.facts import facts

    result: dict[str, Version] = {}
    for text, names in facts("stable_abi")["added"].items():
        major, minor = text.split(".")
        result.update(dict.fromkeys(names.split(), (int(major), int(minor))))
    return result


def python_uses(code: Code) -> Iterator[Uses]:
    """Yield what each file wants of Python: ELF files, Mach-O files with all their slices, files of Windows."""
    for node in code.linux.graph.members():
        exports = any(name.startswith(_EXPORT) for name in node.image.python_inits)
        yield Uses(node.name, _of_python(node.image.imports), exports)
    yield from mac_uses(code)
    for file in code.windows:
        exports = any(name.startswith(_EXPORT) for name in file.exports)
        yield Uses(file.member, _of_python(file.python_names), exports, file.pythons)


def mac_uses(code: Code) -> Iterator[Uses]:
    """Yield what each Mach-O file wants of Python."""
    from truewheel.analyzer.macho.symbols import python_inits, undefined_names

    for mac in code.macos.graph.members():
        data = code.reader.view(mac.name)
        slices = [item for item in mac.file.slices if item.file_type.is_loaded]
        names = _of_python(frozenset().union(*(undefined_names(data, item, mac.name) for item in slices)))
        inits = [python_inits(data, item, mac.name) for item in slices]
        yield Uses(mac.name, names, all(any(name.startswith(_EXPORT) for name in each) for each in inits))


def _of_python(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in names if name.startswith(_PYTHON)))


def _not_given(names: list[str], member: str, code: Code) -> list[str]:
    """Return those of `names` that no other file of the wheel defines."""
    from truewheel.analyzer.elf.symbols import provided
    from truewheel.analyzer.macho.symbols import exported_names

    left = set(names)
    for node in code.linux.graph.members():
        if left and node.name != member:
            left -= provided(code.reader.view(node.name), left, node.name)
    for mac in code.macos.graph.members():
        if left and mac.name != member:
            data = code.reader.view(mac.name)
            for item in mac.file.slices:
                left -= exported_names(data, item, mac.name) if item.file_type.is_loaded else set()
    return sorted(left)


def _dotted(version: Version) -> str:
    return f"{version[0]}.{version[1]}"
