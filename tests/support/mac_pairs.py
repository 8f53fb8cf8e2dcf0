"""Two macOS wheels of one project, one for x86_64 and one for arm64, that differ as a test wants them to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.fixtures import mac_family
from support.hello import DIST_INFO
from support.mac_repairs import mac_wheel, repaired
from support.macho_bytes import (
    AD_HOC,
    BUNDLE,
    DYLIB,
    EXECUTE,
    ID_DYLIB,
    Macho,
    build_version,
    code_directory,
    dylib,
    super_blob,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.macho_bytes import Cmd

TAGS = {"x86_64": "cp310-abi3-macosx_10_9_x86_64", "arm64": "cp310-abi3-macosx_11_0_arm64"}
MINIMUM = {"x86_64": "10.9", "arm64": "11.0"}
METADATA = f"{DIST_INFO}/METADATA"


def code(
    arch: str, *needs: str, kind: int = BUNDLE, name: str = "", minimum: str = "", more: tuple[Cmd, ...] = ()
) -> bytes:
    """Return a thin Mach-O file: a module unless told, signed for ARM. name: its install name."""
    commands = [dylib(name, ID_DYLIB)] if name else []
    commands += [
        build_version(1, minimum or MINIMUM.get(arch, "11.0")),
        *map(dylib, ("/usr/lib/libSystem.B.dylib", *needs)),
        *more,
    ]
    signature = super_blob((0, code_directory("x", AD_HOC))) if arch.startswith("arm64") else None
    return Macho(arch, kind, commands=commands, signature=signature).build()


def lib(arch: str, *needs: str, name: str = "@rpath/libx.dylib", minimum: str = "") -> bytes:
    """Return a thin library."""
    return code(arch, *needs, kind=DYLIB, name=name, minimum=minimum)


def program(arch: str, *needs: str) -> bytes:
    """Return a thin program."""
    return code(arch, *needs, kind=EXECUTE)


def pair(
    directory: Path,
    x86_64: Mapping[str, bytes | Path] | None = None,
    arm64: Mapping[str, bytes | Path] | None = None,
    *,
    both: Mapping[str, bytes | Path] | None = None,
    tags: Mapping[str, str] | None = None,
) -> tuple[Path, Path]:
    """Write the wheel for x86_64 and the one for arm64, each with a module, its own files and those of `both`."""
    own = {"x86_64": x86_64 or {}, "arm64": arm64 or {}}
    one, two = (
        mac_wheel(
            directory / arch,
            files.get("hello/_hello.abi3.so", code(arch)),
            {name: content for name, content in {**(both or {}), **files}.items() if name != "hello/_hello.abi3.so"},
            tag=(tags or TAGS)[arch],
        )
        for arch, files in own.items()
    )
    return one, two


def pair_of(directory: Path, files: Mapping[str, Mapping[str, bytes | Path]]) -> tuple[Path, Path]:
    """Write both wheels, each with the files that stand under its architecture."""
    return pair(directory, files.get("x86_64"), files.get("arm64"))


def repaired_pair(directory: Path) -> tuple[Path, Path]:
    """Return the wheels of the fixtures, repaired: each has two libraries under names that tell their content."""
    one, two = (
        repaired(mac_wheel(directory / arch, family.extension, tag=TAGS[arch]), family.folder).path
        for arch, family in (("x86_64", mac_family("x86_64")), ("arm64", mac_family("arm64")))
    )
    return one, two
