"""The names of architectures, by the numbers of the processor supplements."""

from __future__ import annotations

from typing import Literal

import pytest

from support.elf_bytes import NEEDED, Elf
from support.fixtures import odd
from truewheel.analyzer.elf.reader import read_image

I386, PPC64, S390, ARM, X86_64, AARCH64, RISCV, LOONGARCH = 3, 21, 22, 40, 62, 183, 243, 258
Bits = Literal[32, 64]
Order = Literal["little", "big"]


@pytest.mark.parametrize(
    ("machine", "bits", "order", "flags", "name"),
    [
        (X86_64, 64, "little", 0, "x86_64"),
        (X86_64, 32, "little", 0, "unsupported (x32)"),
        (X86_64, 64, "big", 0, "unsupported (x86_64, 64 bits, big endian)"),
        (I386, 32, "little", 0, "i686"),
        (I386, 64, "little", 0, "unsupported (i386, 64 bits, little endian)"),
        (AARCH64, 64, "little", 0, "aarch64"),
        (AARCH64, 64, "big", 0, "unsupported (aarch64_be)"),
        (AARCH64, 32, "little", 0, "unsupported (aarch64, 32 bits, little endian)"),
        (ARM, 32, "little", 0x0500_0400, "armv7l"),
        (ARM, 32, "little", 0x0500_0200, "unsupported (arm soft float)"),
        (ARM, 32, "little", 0x0500_0000, "unsupported (arm, float convention not stated)"),
        (ARM, 32, "little", 0x0400_0400, "unsupported (arm before EABI 5)"),
        (ARM, 32, "big", 0x0500_0400, "unsupported (arm, 32 bits, big endian)"),
        (PPC64, 64, "big", 0, "ppc64"),
        (PPC64, 64, "big", 1, "ppc64"),
        (PPC64, 64, "big", 2, "unsupported (ppc64 ELFv2)"),
        (PPC64, 64, "little", 2, "ppc64le"),
        (PPC64, 64, "little", 0, "ppc64le"),
        (PPC64, 64, "little", 1, "unsupported (ppc64le ELFv1)"),
        (PPC64, 32, "big", 0, "unsupported (ppc64, 32 bits, big endian)"),
        (S390, 64, "big", 0, "s390x"),
        (S390, 32, "big", 0, "unsupported (s390)"),
        (S390, 64, "little", 0, "unsupported (s390x, 64 bits, little endian)"),
        (RISCV, 64, "little", 5, "riscv64"),
        (RISCV, 64, "little", 1, "unsupported (riscv64 soft float)"),
        (RISCV, 64, "little", 3, "unsupported (riscv64 single float)"),
        (RISCV, 64, "little", 7, "unsupported (riscv64 quad float)"),
        (RISCV, 64, "little", 12, "unsupported (riscv64 with 16 registers)"),
        (RISCV, 32, "little", 5, "unsupported (riscv32)"),
        (RISCV, 64, "big", 5, "unsupported (riscv, 64 bits, big endian)"),
        (LOONGARCH, 64, "little", 0x43, "loongarch64"),
        (LOONGARCH, 64, "little", 0x41, "unsupported (loongarch64 soft float)"),
        (LOONGARCH, 64, "little", 0x42, "unsupported (loongarch64 single float)"),
        (LOONGARCH, 64, "little", 0x47, "unsupported (loongarch64 of an unknown float convention)"),
        (LOONGARCH, 32, "little", 0x43, "unsupported (loongarch32)"),
        (LOONGARCH, 64, "big", 0x43, "unsupported (loongarch, 64 bits, big endian)"),
        (8, 32, "big", 0, "unsupported (mips)"),
        (20, 32, "big", 0, "unsupported (ppc)"),
        (9999, 64, "little", 0, "unsupported (ELF machine 9999)"),
    ],
)
def test_names(machine: int, bits: Bits, order: Order, flags: int, name: str) -> None:
    built = Elf(machine=machine, bits=bits, byte_order=order, flags=flags).build()
    assert read_image(built.data, "x").architecture == name


@pytest.mark.parametrize(
    ("needed", "name"),
    [
        ("ld-linux-armhf.so.3", "armv7l"),
        ("libc.musl-armv7.so.1", "armv7l"),
        ("ld-linux.so.3", "unsupported (arm, float convention not stated)"),
    ],
)
def test_takes_arm_files_of_old_linkers_by_their_loader(needed: str, name: str) -> None:
    by_needed = Elf(machine=ARM, bits=32, flags=0x0500_0000, named=[(NEEDED, needed)]).build()
    by_interpreter = Elf(machine=ARM, bits=32, flags=0x0500_0000, interpreter=f"/lib/{needed}").build()
    assert read_image(by_needed.data, "x").architecture == name
    assert read_image(by_interpreter.data, "x").architecture == name


def test_a_stated_soft_float_outweighs_the_loader() -> None:
    built = Elf(machine=ARM, bits=32, flags=0x0500_0200, named=[(NEEDED, "ld-linux-armhf.so.3")]).build()
    assert read_image(built.data, "x").architecture == "unsupported (arm soft float)"


def test_names_a_real_soft_float_file() -> None:
    assert read_image(odd("soft-float-arm.so").read_bytes(), "x").architecture == "unsupported (arm soft float)"


@pytest.mark.parametrize(
    ("machine", "bits", "flags", "os_abi", "name"),
    [
        (X86_64, 64, 0, 3, "x86_64"),
        (X86_64, 64, 0, 9, "unsupported (x86_64, OS ABI 9)"),
        (X86_64, 64, 0, 64, "unsupported (x86_64, OS ABI 64)"),
        (X86_64, 32, 0, 9, "unsupported (x32, OS ABI 9)"),
        (ARM, 32, 0x0500_0400, 64, "armv7l"),
    ],
)
def test_knows_files_of_other_systems(machine: int, bits: Bits, flags: int, os_abi: int, name: str) -> None:
    built = Elf(machine=machine, bits=bits, flags=flags, os_abi=os_abi).build()
    assert read_image(built.data, "x").architecture == name
