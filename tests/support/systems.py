"""The x86_64 systems that real projects are tried on, from older to newer glibc."""

from __future__ import annotations

from typing import Final

from support.rootfs import System

# What every manylinux label allows a wheel to find on the system; the rest must come along.
ALLOWED: Final = ("libstdc++6", "libxrender1", "libxext6", "libsm6", "libice6", "libexpat1")

BULLSEYE: Final = System("bullseye", "3.9", libraries=("python3-distutils",))  # glibc 2.31; pip here needs distutils
JAMMY: Final = System("jammy", "3.10", libraries=(*ALLOWED, "libglib2.0-0"))  # glibc 2.35
BOOKWORM: Final = System("bookworm", "3.11", libraries=(*ALLOWED, "libglib2.0-0"))  # glibc 2.36
TRIXIE: Final = System("trixie", "3.13", libraries=(*ALLOWED, "libglib2.0-0t64"))  # glibc 2.41
FORKY: Final = System("forky", "3.13", libraries=(*ALLOWED, "libglib2.0-0t64"))  # glibc 2.43 or newer
