"""Mach-O slices and members made by hand, for tests of what is concluded from them, and such files on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.macho_bytes import BUNDLE, ID_DYLIB, LOAD_WEAK_DYLIB, Macho, build_version, dylib, fat, rpath
from truewheel.analyzer.macho.image import DylibKind, DylibUse, FileType, MachoFile, Slice
from truewheel.analyzer.macho.resolve import MachoMember

if TYPE_CHECKING:
    from pathlib import Path

WEAK = "weak "
"""What a needed name starts with that may be absent."""


def part(
    *needed: str,
    name: str | None = None,
    rpaths: tuple[str, ...] = (),
    arch: str = "arm64",
    platform: str = "macOS",
    kind: FileType = FileType.DYLIB,
) -> Slice:
    """Return the slice of a library (or of another kind of file) with the install name `name`."""
    return Slice(
        architecture=arch,
        file_type=kind,
        bits=64,
        byte_order="little",
        offset=0,
        size=1000,
        platform=platform,
        install_name=name,
        dependencies=tuple(_use(each) for each in needed),
        rpaths=rpaths,
    )


def _use(needed: str) -> DylibUse:
    if needed.startswith(WEAK):
        return DylibUse(needed.removeprefix(WEAK), DylibKind.WEAK, weak=True)
    return DylibUse(needed)


def bundle(*needed: str, rpaths: tuple[str, ...] = (), arch: str = "arm64", platform: str = "macOS") -> Slice:
    """Return the slice of an extension module."""
    return part(*needed, rpaths=rpaths, arch=arch, platform=platform, kind=FileType.BUNDLE)


def member(place: str, *slices: Slice) -> MachoMember:
    """Return a member of that name, installed below platlib."""
    return MachoMember(place, MachoFile(slices, fat=len(slices) > 1), 1000, f"wheel:platlib/{place}")


def put(
    path: Path,
    *needed: str,
    name: str | None = "",
    rpaths: tuple[str, ...] = (),
    arches: tuple[str, ...] = ("arm64",),
    platform: int = 1,
    kind: int | None = None,
) -> Path:
    """Write a Mach-O library with one slice for each of `arches`; it calls itself by its path unless told."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = str(path) if name == "" else name
    slices = []
    for arch in arches:
        commands = [dylib(own, ID_DYLIB)] if own is not None else []
        commands.append(build_version(platform, "11.0"))
        for each in needed:
            weak = each.startswith(WEAK)
            commands.append(dylib(each.removeprefix(WEAK), LOAD_WEAK_DYLIB) if weak else dylib(each))
        commands += [rpath(each) for each in rpaths]
        built = Macho(arch, commands=commands)
        built.file_type = kind if kind is not None else (built.file_type if own is not None else BUNDLE)
        slices.append(built)
    path.write_bytes(slices[0].build() if len(slices) == 1 else fat(slices))
    return path
