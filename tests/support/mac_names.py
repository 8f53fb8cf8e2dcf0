"""What the load commands of Mach-O files say, read by LIEF, and their signatures, judged by the oracle of the tests."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import lief

from support.signature_oracle import commands, read_signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.signature_oracle import Read

_FAT = b"\xca\xfe\xba\xbe"
_MAGICS = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", _FAT, b"\xca\xfe\xba\xbf")
_CPU = {7: "i386", 0x01000007: "x86_64", 0x0100000C: "arm64"}
_FAT_ENTRY = struct.Struct(">5I")


class Names(NamedTuple):
    """The names in one slice. needed: every library but its own name, weak ones too, in order."""

    install_name: str | None
    needed: tuple[str, ...]
    rpaths: tuple[str, ...]


def is_macho(content: bytes) -> bool:
    """Whether a file is Mach-O by its first bytes; a Java class has a version where fat files have a small count."""
    fat = content[:4] in _MAGICS[2:]
    return content[:4] in _MAGICS and not (fat and int.from_bytes(content[4:8], "big") > 20)


def slices(content: bytes) -> dict[str, bytes]:
    """Return the slices of a thin or fat (32-bit) file by architecture."""
    if content[:4] != _FAT:
        return {_CPU[int.from_bytes(content[4:8], "little")]: content}
    count = int.from_bytes(content[4:8], "big")
    entries = [_FAT_ENTRY.unpack_from(content, 8 + number * _FAT_ENTRY.size) for number in range(count)]
    return {_CPU[cpu]: content[offset : offset + size] for cpu, _, offset, size, _ in entries}


def parsed(content: bytes) -> lief.MachO.FatBinary:
    """Return a file as LIEF reads it."""
    binaries = lief.MachO.parse(content)
    assert binaries is not None
    return binaries


def names(content: bytes) -> dict[str, Names]:
    """Return the names in each slice, by architecture."""
    binaries = parsed(content)  # must outlive what is taken out of it
    return {name: _names(binary) for name, binary in zip(slices(content), binaries, strict=True)}


def _names(binary: lief.MachO.Binary) -> Names:
    own = lief.MachO.LoadCommand.TYPE.ID_DYLIB
    ids = [str(item.name) for item in binary.libraries if item.command == own]
    return Names(
        install_name=ids[0] if ids else None,
        needed=tuple(str(item.name) for item in binary.libraries if item.command != own),
        rpaths=tuple(str(item.path) for item in binary.rpaths),
    )


def relinked(
    source: Path | bytes, *, named: Mapping[str, str] | None = None, rpaths: Mapping[str, str] | None = None
) -> bytes:
    """Return a thin file with other names of libraries (its own too) and other search paths, by the old ones.

    LIEF writes them, so the code under test is not its own oracle. A signature is stale afterwards.
    """
    binaries = parsed(source if isinstance(source, bytes) else source.read_bytes())
    (binary,) = binaries
    for library in binary.libraries:
        library.name = (named or {}).get(str(library.name), library.name)
    for rpath in binary.rpaths:
        rpath.path = (rpaths or {}).get(str(rpath.path), rpath.path)
    with TemporaryDirectory() as folder:
        binary.write(f"{folder}/relinked")
        return Path(folder, "relinked").read_bytes()


def member_names(wheel: Path, member: str) -> dict[str, Names]:
    """Return the names in each slice of one member of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return names(archive.read(member))


def signed_slices(content: bytes) -> Iterator[tuple[str, Read]]:
    """Yield the signed slices of a file, each with its signature, after checking every page of it."""
    for architecture, part in slices(content).items():
        if not any(number == 0x1D for number, _, _ in commands(part)):
            continue
        read = read_signed(part)
        for slot in read.slots:
            if slot == 0 or 0x1000 <= slot < 0x1006:
                directory = read.directory(slot)
                assert directory.limit == read.place[0]
                assert directory.pages == read.hashes(slot)
        yield architecture, read


def require_sound(content: bytes) -> None:
    """Fail unless LIEF finds the layout of every slice whole and every signature fits its bytes."""
    binaries = parsed(content)
    assert [lief.MachO.check_layout(binary) for binary in binaries] == [(True, "")] * len(slices(content))
    signed = dict(signed_slices(content))
    assert "arm64" not in slices(content) or "arm64" in signed
