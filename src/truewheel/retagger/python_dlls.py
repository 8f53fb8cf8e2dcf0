"""What the library of Python that a module of Windows is linked to says about Python and ABI tags.

Windows finds the functions of Python by the name of the library that has them: `python312.dll` is CPython 3.12's,
`python313t.dll` that of its build without the GIL (PEP 703), `python3.dll` the stable ABI's (PEP 384, "Linkage"), and
`python3t.dll` that of abi3t (PEP 803), which CPython 3.15 brings along in both builds. `libpypy3.11-c.dll` is PyPy's.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from truewheel.platforms.verdict import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from truewheel.retagger.windows_imports import WindowsUses

_CPYTHON_DLL = re.compile(r"python(\d)(\d*)(t?)(_d)?\.dll")
_PYPY_DLL = re.compile(r"libpypy(\d?)(?:\.(\d+))?-c\.dll")
_PYTHON = re.compile(r"(cp|pp|py)(\d)(\d*)")
_ABI = re.compile(r"cp\d+([a-z]*)")
_FIRST_STABLE, _FIRST_ABI3T = (3, 2), (3, 15)
_BUILDS = frozenset("td")
_RELEASED = frozenset("t")
"""Builds that an ABI tag of `none` speaks of."""


class _Kind(Enum):
    CPYTHON = "CPython"
    STABLE = "the stable ABI"
    PYPY = "PyPy"


class PythonDll(NamedTuple):
    """A library of Python. digits: of its version, `312`; `3` for the stable ABI. flags: `t`, `d`, both or none."""

    name: str
    kind: _Kind
    digits: str
    flags: str

    @property
    def title(self) -> str:
        """Whose library it is."""
        if self.kind is _Kind.STABLE:
            return f"the stable ABI of CPython{_build(self.flags)}"
        return f"{self.kind.value} {self.digits[0]}.{self.digits[1:]}".rstrip(".") + _build(self.flags)


def _build(flags: str) -> str:
    return (" without the GIL" if "t" in flags else "") + (" built for debugging" if "d" in flags else "")


def python_dll(key: str) -> PythonDll | None:
    """Return the library of Python that a name in lower case is of; None for another library."""
    match = _CPYTHON_DLL.fullmatch(key)
    if match:
        kind = _Kind.CPYTHON if match[2] else _Kind.STABLE
        return PythonDll(key, kind, match[1] + match[2], match[3] + ("d" if match[4] else ""))
    match = _PYPY_DLL.fullmatch(key)
    return PythonDll(key, _Kind.PYPY, (match[1] or "2") + (match[2] or ""), "") if match else None


def stable_dlls(claims: Mapping[str, tuple[int, int]]) -> frozenset[str]:
    """Return the libraries that code for stable ABIs may be linked to. claims: of which ABI, from which Python on."""
    allowed = frozenset({"python3.dll", "python3t.dll"})
    if "abi3t" in claims:
        allowed &= {"python3t.dll"}
    if "abi3" in claims and claims["abi3"] < _FIRST_ABI3T:
        allowed &= {"python3.dll"}
    return allowed


def misfits(files: Iterable[WindowsUses], python: str, abi: str) -> Iterator[tuple[WindowsUses, PythonDll]]:
    """Yield the modules that the Pythons of a pair of tags do not load, each with the library that says so.

    None for tags of interpreters that are not known here, and none for the stable ABI, which `stable_dlls` tells of.
    Of several files of one module, Python takes the fitting one.
    """
    if abi.startswith("abi3") or not _PYTHON.fullmatch(python):
        return
    modules: dict[str, list[WindowsUses]] = {}
    for file in files:
        if file.is_module:
            folder, _, leaf = file.member.rpartition("/")
            modules.setdefault(f"{folder}/{leaf.partition('.')[0]}", []).append(file)
    for group in modules.values():
        if all(file.pythons and not any(_fits(dll, python, abi) for dll in file.pythons) for file in group):
            yield group[0], group[0].pythons[0]


def dll_reasons(files: Iterable[WindowsUses], python: str, abi: str) -> tuple[Reason, ...]:
    """Return what the libraries that modules are linked to say against a pair of tags."""
    return tuple(Reason(Rule.PYTHON, file.member, linked(dll)) for file, dll in misfits(files, python, abi))


def linked(dll: PythonDll) -> str:
    """Return what is told of a module that is linked to a library, a sentence without its subject."""
    return f"is linked to {dll.name}, the library of {dll.title}"


def _fits(dll: PythonDll, python: str, abi: str) -> bool:
    """Whether every Python of a pair of tags, or one of its builds, has a library."""
    match = _PYTHON.fullmatch(python)
    if match is None:
        return True
    kind, digits, version = match[1], match[2] + match[3], (int(match[2]), int(match[3] or 0))
    if kind == "pp" or dll.kind is _Kind.PYPY:
        return kind == "pp" and dll.kind is _Kind.PYPY and digits.startswith(dll.digits)
    named = _ABI.fullmatch(abi)
    flags = frozenset(dll.flags)
    same_build = flags == _BUILDS & frozenset(named[1]) if named else flags <= _RELEASED
    if dll.kind is _Kind.CPYTHON:
        return dll.digits == digits and same_build
    if version < _FIRST_STABLE and match[3]:
        return False
    return match[2] == "3" and (same_build or ("t" in dll.flags and version >= _FIRST_ABI3T))
