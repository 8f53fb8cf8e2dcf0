"""Which architecture an ELF file is for, by the name that platform tags give it.

Follows the gABI's registry of `e_machine` numbers and, for the meaning of `e_flags`, the processor supplements: ELF for
the Arm Architecture, the RISC-V and the LoongArch ELF psABI, and the 64-bit PowerPC ELF ABIs (v1 and v2). One
architecture name stands for one calling convention; a file of another convention of the same processor cannot be
loaded beside the first, so it gets no name of its own but `unsupported (...)`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from truewheel.analyzer.elf.layout import ElfFile


class Machine(IntEnum):
    """`e_machine` of the processors that Linux wheels know."""

    I386 = 3
    PPC64 = 21
    S390 = 22
    ARM = 40
    X86_64 = 62
    AARCH64 = 183
    RISCV = 243
    LOONGARCH = 258


# Names for people, of processors that no platform tag of Linux knows but whose files are met in wheels.
_OTHER_MACHINES = {
    2: "sparc",
    4: "m68k",
    8: "mips",
    15: "hppa",
    20: "ppc",
    42: "sh",
    43: "sparc64",
    50: "ia64",
    164: "hexagon",
    190: "cuda",
    195: "arc",
    224: "amdgpu",
    247: "bpf",
    252: "csky",
    0x9026: "alpha",
}

# glibc loads a file that names no system (0), Linux (3), or on 32-bit ARM the EABI (64).
_OS_ABIS = frozenset({0, 3})
_OS_ABI_ARM = 64

_ARM_EABI_MASK, _ARM_EABI_5 = 0xFF00_0000, 0x0500_0000
_ARM_HARD_FLOAT, _ARM_SOFT_FLOAT = 0x400, 0x200
_PPC64_ABI_MASK = 3
_RISCV_FLOAT_MASK, _RISCV_FLOAT_SHIFT, _RISCV_RVE = 0b110, 1, 0b1000
_RISCV_FLOATS = ("soft float", "single float", "", "quad float")
_LOONGARCH_FLOAT_MASK = 0b111
_LOONGARCH_FLOATS = {1: "soft float", 2: "single float", 3: ""}

# Loaders and C libraries that exist for the hard-float convention of 32-bit ARM only.
_ARM_HARD_FLOAT_NAMES = frozenset(
    {"ld-linux-armhf.so.3", "ld-musl-armhf.so.1", "libc.musl-armv7.so.1", "libc.musl-armhf.so.1"}
)

# Where glibc's DEFAULT_STACK_PERMS holds PF_X: a file without PT_GNU_STACK asks for an executable stack there.
_EXECUTABLE_STACK_BY_DEFAULT = frozenset({Machine.I386, Machine.X86_64, Machine.ARM, Machine.S390})


_SOFT_ARGUMENTS, _HARD_ARGUMENTS, _EITHER_ARGUMENTS = 0, 1, 3
"""Tag_ABI_VFP_args: how floating point numbers are passed; the last passes none, so that both conventions do."""


class Hints(NamedTuple):
    """What else a file says that tells conventions apart.

    names: the base names of the interpreter and the needed libraries.
    vfp_args: Tag_ABI_VFP_args of 32-bit ARM; None where the file has no such attributes.
    """

    names: Collection[str] = ()
    vfp_args: int | None = None


def is_known(elf: ElfFile) -> bool:
    """Whether the file is for a processor of which some convention has a platform tag of Linux."""
    return elf.machine in _NAMERS


def executable_stack_by_default(elf: ElfFile) -> bool:
    """Whether glibc makes the stack executable for a file that does not say what it needs."""
    return elf.machine in _EXECUTABLE_STACK_BY_DEFAULT


def architecture(elf: ElfFile, hints: Hints | None = None) -> str:
    """Return the architecture as platform tags spell it, or `unsupported (...)` saying which other one it is.

    Old linkers left the float convention of 32-bit ARM out of the header; such a file counts as `armv7l` only if its
    build attributes say so, or it names a loader or a C library of that convention.
    """
    namer = _NAMERS.get(elf.machine)
    if namer is None:
        name = _OTHER_MACHINES.get(elf.machine)
        return f"unsupported ({name})" if name else f"unsupported (ELF machine {elf.machine})"
    name = namer(elf, hints or Hints())
    if elf.os_abi not in _OS_ABIS and not (elf.machine == Machine.ARM and elf.os_abi == _OS_ABI_ARM):
        return f"unsupported ({title(name)}, OS ABI {elf.os_abi})"
    return name


def title(name: str) -> str:
    """Return the name of an architecture for a sentence."""
    return name.removeprefix("unsupported (").removesuffix(")")


def _is(elf: ElfFile, bits: int, byte_order: str) -> bool:
    return elf.form.bits == bits and elf.form.byte_order == byte_order


def _odd(elf: ElfFile, name: str) -> str:
    return f"unsupported ({name}, {elf.form.bits} bits, {elf.form.byte_order} endian)"


def _i686(elf: ElfFile, _: Hints) -> str:
    return "i686" if _is(elf, 32, "little") else _odd(elf, "i386")


def _x86_64(elf: ElfFile, _: Hints) -> str:
    if _is(elf, 32, "little"):
        return "unsupported (x32)"
    return "x86_64" if _is(elf, 64, "little") else _odd(elf, "x86_64")


def _aarch64(elf: ElfFile, _: Hints) -> str:
    if _is(elf, 64, "big"):
        return "unsupported (aarch64_be)"
    return "aarch64" if _is(elf, 64, "little") else _odd(elf, "aarch64")


def _arm(elf: ElfFile, hints: Hints) -> str:
    if not _is(elf, 32, "little"):
        return _odd(elf, "arm")
    if elf.flags & _ARM_EABI_MASK != _ARM_EABI_5:
        return "unsupported (arm before EABI 5)"
    if elf.flags & _ARM_HARD_FLOAT or hints.vfp_args == _EITHER_ARGUMENTS:
        return "armv7l"
    if elf.flags & _ARM_SOFT_FLOAT:
        return "unsupported (arm soft float)"
    if hints.vfp_args == _HARD_ARGUMENTS or not _ARM_HARD_FLOAT_NAMES.isdisjoint(hints.names):
        return "armv7l"
    stated = " soft float" if hints.vfp_args == _SOFT_ARGUMENTS else ", float convention not stated"
    return f"unsupported (arm{stated})"


def _ppc64(elf: ElfFile, _: Hints) -> str:
    # Version 0 means that no code of the file depends on the version; loaders take it for their own.
    version = elf.flags & _PPC64_ABI_MASK
    if _is(elf, 64, "big"):
        return "ppc64" if version in (0, 1) else f"unsupported (ppc64 ELFv{version})"
    if _is(elf, 64, "little"):
        return "ppc64le" if version in (0, 2) else f"unsupported (ppc64le ELFv{version})"
    return _odd(elf, "ppc64")


def _s390x(elf: ElfFile, _: Hints) -> str:
    if _is(elf, 32, "big"):
        return "unsupported (s390)"
    return "s390x" if _is(elf, 64, "big") else _odd(elf, "s390x")


def _riscv(elf: ElfFile, _: Hints) -> str:
    if not _is(elf, 64, "little"):
        return "unsupported (riscv32)" if _is(elf, 32, "little") else _odd(elf, "riscv")
    if elf.flags & _RISCV_RVE:
        return "unsupported (riscv64 with 16 registers)"
    other = _RISCV_FLOATS[(elf.flags & _RISCV_FLOAT_MASK) >> _RISCV_FLOAT_SHIFT]
    return f"unsupported (riscv64 {other})" if other else "riscv64"


def _loongarch(elf: ElfFile, _: Hints) -> str:
    if not _is(elf, 64, "little"):
        return "unsupported (loongarch32)" if _is(elf, 32, "little") else _odd(elf, "loongarch")
    other = _LOONGARCH_FLOATS.get(elf.flags & _LOONGARCH_FLOAT_MASK, "of an unknown float convention")
    return f"unsupported (loongarch64 {other})" if other else "loongarch64"


_NAMERS: dict[int, Callable[[ElfFile, Hints], str]] = {
    Machine.I386: _i686,
    Machine.PPC64: _ppc64,
    Machine.S390: _s390x,
    Machine.ARM: _arm,
    Machine.X86_64: _x86_64,
    Machine.AARCH64: _aarch64,
    Machine.RISCV: _riscv,
    Machine.LOONGARCH: _loongarch,
}
