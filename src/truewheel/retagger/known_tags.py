"""Tags that no installer ever looks for, on each axis, and what was probably meant.

Follows the PyPA platform compatibility tags specification with PEP 703 and 803. A tag of an interpreter that nothing is
known of is let through.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truewheel.retagger.axes import Axis
from truewheel.retagger.known_platforms import Complaint, about_platform, is_platform

if TYPE_CHECKING:
    from collections.abc import Sequence

_PYTHON = re.compile(r"(?:py|cp|pp|ip|jy)(\d*)")
_MISSPELT = re.compile(r"c?python\d*|py|cp|pp")
_CPYTHON = re.compile(r"cp(\d)(\d*)([a-z]*)")
_ABI = re.compile(r"none|abi3t?|(?:pypy|graalpy)\d*_.*|cp\d+[a-z]+")
_ARCHITECTURES = frozenset({"x86_64", "arm64", "aarch64", "i686", "universal2", "intel", "universal"})
_OF_A_MAC = frozenset({"arm64", "universal2", "intel", "universal"})
_FIRST_ABI3 = (3, 2)
"""Installers on free-threaded Pythons look for `abi3t` with every version from there on, too."""


def complaint(axis: Axis, tag: str) -> Complaint | None:
    """Return what is wrong with a tag on an axis; None when an installer may look for it."""
    if axis is Axis.PLATFORM:
        return _belongs_elsewhere(axis, tag) or about_platform(tag)
    found = _belongs_elsewhere(axis, tag)
    if found or axis is Axis.ABI:
        return found
    if tag[:1].isdigit():
        return Complaint("is no Python tag", "3.12 is written py312, or cp312 for CPython alone")
    return Complaint("is no Python tag", "such as py3, or cp312 for CPython 3.12") if _MISSPELT.fullmatch(tag) else None


def go_together(python: str, abi: str) -> bool:
    """Whether some interpreter looks for this Python tag with this ABI tag; True for interpreters unknown here."""
    name = _PYTHON.fullmatch(python)
    if abi == "none" or name is None:
        return True
    if not python.startswith("cp"):
        return not python.startswith("py") and not abi.startswith(("cp", "abi3"))
    if abi.startswith("abi3"):
        return (int(name[1][:1] or 0), int(name[1][1:] or 0)) >= _FIRST_ABI3
    match = _CPYTHON.fullmatch(abi)
    return match is None or match[1] + match[2] == name[1]


def without_platform(abis: Sequence[str], platforms: Sequence[str]) -> str:
    """Return an ABI tag that no installer looks for with these platform tags; empty when there is none.

    What needs an ABI is machine code, so with `any` installers look for `none` alone (packaging's `compatible_tags`).
    """
    lonely = [abi for abi in abis if abi != "none"]
    return lonely[0] if lonely and "any" in platforms and ("none" not in abis or set(platforms) == {"any"}) else ""


def _belongs_elsewhere(axis: Axis, tag: str) -> Complaint | None:
    """Return the complaint that a tag belongs to another axis, or is a part of one."""
    if axis is not Axis.PLATFORM and is_platform(tag):
        return _moved("a platform tag", Axis.PLATFORM, tag)
    if tag in _ARCHITECTURES:
        example = f"macosx_11_0_{tag}" if tag in _OF_A_MAC else f"manylinux_2_28_{tag}"
        return Complaint("is the last part of a platform tag", f"such as {Axis.PLATFORM.option} {example}")
    if axis is not Axis.ABI and _ABI.fullmatch(tag):
        match = _CPYTHON.fullmatch(tag)
        more = f"; the Python tag is cp{match[1]}{match[2]}" if match and axis is Axis.PYTHON else ""
        return Complaint("is an ABI tag", f"{Axis.ABI.option} {tag}{more}")
    is_python = _PYTHON.fullmatch(tag) is not None
    if is_python and (axis is Axis.PLATFORM or (axis is Axis.ABI and not tag.startswith("cp"))):
        return _moved("a Python tag", Axis.PYTHON, tag)
    return None


def _moved(kind: str, axis: Axis, tag: str) -> Complaint:
    return Complaint(f"is {kind}", f"{axis.option} {tag}")
