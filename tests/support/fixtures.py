"""Where the committed fixtures lie. What each one is stands in fixtures/recipes.toml and fixtures/manifest.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

Platform = Literal[
    "x86_64",
    "i686",
    "aarch64",
    "armv7l",
    "ppc64",
    "ppc64le",
    "s390x",
    "riscv64",
    "loongarch64",
    "musl-x86_64",
    "musl-aarch64",
]

GLIBC_PLATFORMS: tuple[Platform, ...] = (
    "x86_64",
    "i686",
    "aarch64",
    "armv7l",
    "ppc64",
    "ppc64le",
    "s390x",
    "riscv64",
    "loongarch64",
)
MUSL_PLATFORMS: tuple[Platform, ...] = ("musl-x86_64", "musl-aarch64")


@dataclass(frozen=True, slots=True)
class Family:
    """Three files that need each other: extension -> greet -> tone."""

    folder: Path
    extension: Path
    greet: Path
    tone: Path


def family(platform: Platform) -> Family:
    """Return the family built for one platform."""
    folder = FIXTURES / "elf" / platform
    return Family(folder, folder / "_hello.abi3.so", folder / "libgreet.so.1", folder / "libtone.so.2")


def odd(name: str) -> Path:
    """Return a file of fixtures/elf/odd, e.g. `relr.so` or `same-soname/a/libb.so`."""
    return _existing(FIXTURES / "elf" / "odd" / name)


MacFolder = Literal["arm64", "x86_64", "universal2"]


@dataclass(frozen=True, slots=True)
class MacFamily:
    """Four files for macOS: extension and program -> /opt/hello/lib/libgreet.1.dylib -> @rpath/libtone.2.dylib."""

    folder: Path
    extension: Path
    program: Path
    greet: Path
    tone: Path


def mac_family(folder: MacFolder) -> MacFamily:
    """Return the files for one architecture, or those that hold both."""
    at = FIXTURES / "macho" / folder
    return MacFamily(at, at / "_hello.abi3.so", at / "hello", at / "libgreet.1.dylib", at / "libtone.2.dylib")


def mac_odd(name: str) -> Path:
    """Return a file of fixtures/macho/odd, e.g. `zero-room.so` or `same-name/a/libn.dylib`."""
    return _existing(FIXTURES / "macho" / "odd" / name)


def unrepaired_mac_wheel(folder: MacFolder) -> Path:
    """Return the unrepaired wheel of the package hello for macOS; `mac_family(folder)` has its libraries."""
    tag = {"arm64": "11_0_arm64", "x86_64": "10_9_x86_64", "universal2": "11_0_universal2"}[folder]
    return _existing(FIXTURES / "wheels" / "macos" / f"hello-1.0-cp310-abi3-macosx_{tag}.whl")


def unrepaired_wheel(architecture: Literal["x86_64", "aarch64"]) -> Path:
    """Return the unrepaired wheel of the package hello for glibc; `family(architecture).folder` has its libraries."""
    return _existing(FIXTURES / "wheels" / f"hello-1.0-cp310-abi3-linux_{architecture}.whl")


def unrepaired_musl_wheel() -> Path:
    """Return the same for musl on x86_64; `family("musl-x86_64").folder` has its libraries."""
    return _existing(FIXTURES / "wheels" / "musl" / "hello-1.0-cp310-abi3-linux_x86_64.whl")


def manifest() -> dict[str, dict[str, Any]]:
    """Return what is recorded of every fixture, by its path below fixtures/."""
    files: dict[str, dict[str, Any]] = json.loads((FIXTURES / "manifest.json").read_text(encoding="utf-8"))["files"]
    return files


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(path)
    return path
