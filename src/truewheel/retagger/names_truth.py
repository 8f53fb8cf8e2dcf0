"""What the names of extension modules say about the Python and ABI tags of a wheel.

An interpreter imports a module only from a file whose ending it knows: `_x.cpython-311-x86_64-linux-gnu.so` (PEP 3149)
from CPython 3.11 alone, `_x.abi3.so` from any CPython 3 with the GIL, `_x.abi3t.so` (PEP 803) from any from 3.15 on,
`_x.pypy311-pp73-x86_64-linux-gnu.so` from one PyPy. From 3.15 on the stable ABIs may stand before a platform as well
(`_x.abi3-x86_64-linux-gnu.so`, `importlib.machinery.EXTENSION_SUFFIXES`), which older CPythons do not know. A plain
`_x.so` or `_x.pyd` says nothing.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from truewheel.platforms.verdict import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truewheel.archive.reader import WheelReader

_WINDOWS = ".pyd"
MODULE_SUFFIXES = (".so", _WINDOWS)
_FREE_THREADED = "t"
_ON_WINDOWS_ALSO = "m"
"""The flag that stands in the ABI tags of CPython 3.5 to 3.7, and on Windows in no name of a module."""
_DEBUG, _DEBUG_STEM = "d", "_d"
"""On Windows, the build for debugging puts `_d` before the dot, where it may also be part of a module's own name."""
_FIRST_FREE_THREADED = (3, 13)
_FIRST_ABI3T = (3, 15)
_FIRST_ABI3_WITH_PLATFORM = "315"
_PATTERNS = (
    ("cpython", re.compile(r"cpython-(\d+)([a-z]*)(?:-.*)?\.so")),
    ("cpython", re.compile(r"cp(\d+)([a-z]*)-.*\.pyd")),
    ("pypy", re.compile(r"pypy(\d*)-()(?:.*)\.(?:so|pyd)")),
    ("graalpy", re.compile(r"graalpy\d+-(\d+)()-.*\.(?:so|pyd)")),
    ("abi3", re.compile(r"()abi3()(?:-[^.]+)?\.(?:so|pyd)")),
    ("abi3t", re.compile(r"()abi3(t)(?:-[^.]+)?\.(?:so|pyd)")),
)
_TAG = re.compile(r"(cp|py|pp|graalpy)(\d)(\d*)")
_CPYTHON_ABI = re.compile(r"cp\d+([a-z]*)")


class _Kind(Enum):
    """What can import a file."""

    CPYTHON = "cpython"
    PYPY = "pypy"
    GRAALPY = "graalpy"
    ABI3 = "abi3"
    ABI3T = "abi3t"


_TITLES = {_Kind.CPYTHON: "CPython", _Kind.PYPY: "PyPy", _Kind.GRAALPY: "GraalPy"}


class _Ending(NamedTuple):
    """What the ending of a file's name says.

    digits: of the version, `311`, of the stable ABI that of the oldest; empty where it is left open.
    open_flags: those of the interpreter's that the ending does not tell.
    """

    kind: _Kind
    digits: str
    flags: str
    open_flags: str = ""

    def title(self) -> str:
        if self.kind is _Kind.ABI3:
            since = f" {self.digits[0]}.{self.digits[1:]} and later" if self.digits else ""
            return f"the stable ABI of CPython{since} with the GIL"
        if self.kind is _Kind.ABI3T:
            return "the stable ABI of CPython 3.15 and later"
        return _title(self.kind, self.digits, self.flags)


class _Interpreter(NamedTuple):
    """One interpreter that a tag speaks of. digits: as in the tag. flags: None where any will do."""

    kind: _Kind
    digits: str
    flags: str | None = ""

    def title(self) -> str:
        return _title(self.kind, self.digits, self.flags or "")


def _title(kind: _Kind, digits: str, flags: str) -> str:
    version = f" {digits[0]}.{digits[1:]}".rstrip(".") if digits else ""
    free = " without the GIL" if _FREE_THREADED in flags else ""
    rest = flags.replace(_FREE_THREADED, "")
    built = f" with the ABI {'flag' if len(rest) == 1 else 'flags'} {rest}" if rest else ""
    return f"{_TITLES[kind]}{version}{free}{built}"


def python_reasons_against(reader: WheelReader, python_tag: str, abi_tag: str) -> tuple[Reason, ...]:
    """Return what member names say against one pair of tags: a reason for each module that is not imported.

    Reads no member. There is none against tags of interpreters that are not known here, and none of modules whose names
    say nothing.
    """
    return _reasons(modules(reader.entries), python_tag, abi_tag)


def modules(names: Iterable[str]) -> dict[str, list[tuple[str, _Ending | None]]]:
    """Return the files of each extension module by its path without ending; an ending of None says nothing."""
    found: dict[str, list[tuple[str, _Ending | None]]] = {}
    for name in names:
        if name.endswith(MODULE_SUFFIXES):
            folder, _, leaf = name.rpartition("/")
            stem, _, ending = leaf.partition(".")
            found.setdefault(f"{folder}/{stem}", []).append((name, _parse(stem, ending)))
    return found


def says_anything(reader: WheelReader) -> bool:
    """Whether the name of any module says what imports it."""
    return any(ending is not None for files in modules(reader.entries).values() for _, ending in files)


def _parse(stem: str, ending: str) -> _Ending | None:
    for kind, pattern in _PATTERNS:
        match = pattern.fullmatch(ending)
        if match:
            digits = _FIRST_ABI3_WITH_PLATFORM if kind == "abi3" and "-" in ending else match[1]
            return _Ending(_Kind(kind), digits, match[2] if kind == "cpython" else "", _open_flags(stem, ending))
    return None


def _open_flags(stem: str, ending: str) -> str:
    """Return the flags of an interpreter that the name of a module does not tell."""
    if not ending.endswith(_WINDOWS):
        return ""
    return _ON_WINDOWS_ALSO + (_DEBUG if stem.endswith(_DEBUG_STEM) else "")


def _reasons(
    files_of: dict[str, list[tuple[str, _Ending | None]]], python_tag: str, abi_tag: str
) -> tuple[Reason, ...]:
    interpreters = _interpreters(python_tag, abi_tag)
    found = []
    for files in files_of.values():
        endings = [ending for _, ending in files if ending is not None]
        if len(endings) < len(files):
            continue  # a plain file is there as well, which any interpreter may be able to import
        missed = next((item for item in interpreters if not any(_imports(item, each) for each in endings)), None)
        if missed is not None:
            titles = " and ".join(dict.fromkeys(ending.title() for ending in endings))
            detail = f"is for {titles} alone, not for {missed.title()}"
            found.append(Reason(Rule.PYTHON, files[0][0], detail))
    return tuple(found)


def _interpreters(python_tag: str, abi_tag: str) -> Sequence[_Interpreter]:
    """Return examples of the interpreters that a pair of tags speaks of; none when they are not known here."""
    match = _TAG.fullmatch(python_tag)
    if match is None:
        return ()
    digits = match[2] + match[3]
    if match[1] == "cp":
        return _cpythons(digits, abi_tag)
    pypy = _Interpreter(_Kind.PYPY, digits)
    if match[1] == "py":
        return _Interpreter(_Kind.CPYTHON, digits, None), pypy
    return (pypy if match[1] == "pp" else _Interpreter(_Kind.GRAALPY, digits),)


def _cpythons(digits: str, abi_tag: str) -> Sequence[_Interpreter]:
    """Return examples of the builds of CPython that an ABI tag speaks of."""
    own = _Interpreter(_Kind.CPYTHON, digits)
    major, minor = int(digits[0]), int(digits[1:] or 0)
    builds = [own, own._replace(digits=f"{major}{minor + 1}")]
    if abi_tag == "abi3":
        return builds
    if abi_tag == "abi3t":
        return [build._replace(flags=_FREE_THREADED) for build in builds]
    abi = _CPYTHON_ABI.fullmatch(abi_tag)
    if abi is not None:
        return (own._replace(flags=abi[1]),)
    if (major, minor) >= _FIRST_FREE_THREADED:
        return own, own._replace(flags=_FREE_THREADED)
    return (own._replace(flags=None),)


def _imports(interpreter: _Interpreter, ending: _Ending) -> bool:
    """Whether an interpreter imports a module from a file with this ending."""
    if ending.kind in {_Kind.ABI3, _Kind.ABI3T}:
        return interpreter.kind is _Kind.CPYTHON and _imports_stable(interpreter, ending)
    if ending.kind is not interpreter.kind:
        return False
    if ending.kind is _Kind.PYPY:
        return interpreter.digits.startswith(ending.digits)
    same_flags = interpreter.flags is None or set(ending.flags) == {*interpreter.flags} - {*ending.open_flags}
    return ending.digits == interpreter.digits and same_flags


def _imports_stable(interpreter: _Interpreter, ending: _Ending) -> bool:
    """Whether a CPython imports a module for one of the stable ABIs."""
    version = _version(interpreter.digits)
    if ending.kind is _Kind.ABI3T:
        return version >= _FIRST_ABI3T
    has_gil = interpreter.digits.startswith("3") and _FREE_THREADED not in (interpreter.flags or "")
    return has_gil and version >= _version(ending.digits)


def _version(digits: str) -> tuple[int, int]:
    return int(digits[:1] or 0), int(digits[1:] or 0)
