"""User-mode emulators, which run one program of another architecture on this machine's kernel."""

from __future__ import annotations

import platform
from typing import Final

import pytest

from support import programs

EMULATOR: Final = {
    "arm64": "qemu-aarch64-static",
    "armhf": "qemu-arm-static",
    "ppc64el": "qemu-ppc64le-static",
    "riscv64": "qemu-riscv64-static",
    "s390x": "qemu-s390x-static",
}
NATIVE: Final = {"x86_64": ("amd64", "i386"), "aarch64": ("arm64",)}


def emulator(architecture: str) -> str:
    """Return the emulator for a Debian architecture; empty when this machine runs its programs itself.

    The emulator is a static program, so that it can be copied into the other system and started there by name; the
    kernel need not know about it (no binfmt_misc).
    """
    if architecture in NATIVE.get(platform.machine(), ()):
        return ""
    if architecture not in EMULATOR:
        pytest.skip(f"no emulator is known for {architecture}")
    return programs.need(EMULATOR[architecture])
