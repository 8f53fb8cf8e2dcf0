"""For which processor a slice is.

Follows Apple's `mach/machine.h`; names are those of `lipo`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ABI64 = 0x01000000
_ABI64_32 = 0x02000000
_CAPABILITIES = 0xFF000000
"""The bits of `cpusubtype` that tell no processor."""
_X86, _ARM, _POWERPC = 7, 12, 18

# By CPU type: the names of subtypes that stand for themselves, and the name of all others; none is unknown.
_NAMES: Mapping[int, tuple[Mapping[int, str], str]] = {
    _X86: ({}, "i386"),
    _X86 | _ABI64: ({8: "x86_64h"}, "x86_64"),
    _ARM: ({6: "armv6", 9: "armv7", 11: "armv7s", 12: "armv7k"}, "arm"),
    _ARM | _ABI64: ({0: "arm64", 1: "arm64", 2: "arm64e"}, ""),
    _ARM | _ABI64_32: ({}, "arm64_32"),
    _POWERPC: ({}, "ppc"),
    _POWERPC | _ABI64: ({}, "ppc64"),
}


def architecture(cpu_type: int, cpu_subtype: int) -> str:
    """Return the architecture as `lipo` spells it; `unknown (type, subtype)` for any other."""
    names, otherwise = _NAMES.get(cpu_type, ({}, ""))
    subtype = cpu_subtype & ~_CAPABILITIES
    return names.get(subtype, otherwise) or f"unknown ({cpu_type:#x}, {subtype})"


def is_known(name: str) -> bool:
    """Whether `architecture` knew the processor."""
    return not name.startswith("unknown")


def form_of(cpu_type: int) -> tuple[int, str]:
    """Return the bits of the structures (32 or 64) and the byte order of files for a processor."""
    order = "big" if cpu_type & ~_ABI64 == _POWERPC else "little"
    return (64 if cpu_type & _ABI64 else 32), order
