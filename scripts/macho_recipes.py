"""How scripts/build_fixtures.py builds the Mach-O files of fixtures/, from the tables of recipes.toml.

zig compiles everything. LLVM's ld64.lld links what zig's own linker cannot: bundles, chained fixups, weak libraries, a
header without room, and signatures that an architecture usually has not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from toolchain import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

SYSTEM = "/usr/lib/libSystem.B.dylib"
STUB = "sources/macos/libSystem.tbd"
"""What lld links with in place of it; zig brings its own."""

SDK = "15.5"
MINIMUM = {"x86_64": "10.9", "arm64": "11.0"}
SIGNATURE = {"x86_64": "none", "arm64": "linker-signed"}
CPU = {"x86_64": (0x01000007, 3, 12), "arm64": (0x0100000C, 0, 14)}
"""CPU type, subtype and the power of two that a slice is aligned to in a fat file."""

FILE_TYPE = {"dylib": "DYLIB", "bundle": "BUNDLE", "program": "EXECUTE", "object": "OBJECT"}


@dataclass(frozen=True)
class Macho:
    """One thin file: how it is built, and what it must turn out to be (see recipes.toml)."""

    path: str
    source: str
    architecture: str = "x86_64"
    type: str = "dylib"
    linker: str = "ld64.lld-14"
    platform: str = "macos"
    minimum: str = ""
    pad: int = 1024
    install_name: str = ""
    links: tuple[str, ...] = ()
    weak_links: tuple[str, ...] = ()
    reexported_links: tuple[str, ...] = ()
    rpaths: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    signature: str = ""
    fixups: str = "dyld info"
    needed: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    reexported: tuple[str, ...] = ()
    kept: bool = True

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Macho:
        """Read one table of recipes.toml; what depends on the architecture is filled in."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
        }
        recipe = cls(**values)
        return replace(
            recipe,
            minimum=recipe.minimum or MINIMUM[recipe.architecture],
            signature=recipe.signature or ("none" if recipe.type == "object" else SIGNATURE[recipe.architecture]),
        )

    @property
    def tools(self) -> list[str]:
        """The programs that decide about its bytes."""
        return sorted({"zig", *([self.linker] if self.type != "object" else [])})

    @property
    def object(self) -> str:
        """The object file, below the build folder."""
        return self.path if self.type == "object" else f"objects/{self.path}.o"

    def commands(self, flags: Mapping[str, list[str]]) -> list[list[str]]:
        """Return the compiler's arguments and the linker's; every path is relative to the build folder."""
        cpu = {"arm64": "aarch64"}.get(self.architecture, self.architecture)
        target = f"{cpu}-{self.platform}.{self.minimum}"
        compiled = ["zig", "cc", "-target", target, *flags["all"], "-fPIC", *(f"-D{name}" for name in self.defines)]
        compiled += ["-c", f"sources/{self.source}", "-o", self.object]
        if self.type == "object":
            return [compiled]
        return [compiled, self._zig_link(target) if self.linker == "zig" else self._lld_link()]

    def _zig_link(self, target: str) -> list[str]:
        shared = ["-dynamiclib", "-install_name", self.install_name] if self.type == "dylib" else []
        rpaths = [f"-Wl,-rpath,{path}" for path in self.rpaths]
        return [
            *("zig", "cc", "-target", target, "-s", *shared, f"-Wl,-headerpad,{self.pad:#x}", *rpaths),
            *(self.object, *self.links, *self.arguments, "-o", self.path),
        ]

    def _lld_link(self) -> list[str]:
        kind = {
            "dylib": ["-dylib", "-install_name", self.install_name],
            "bundle": ["-bundle", "-undefined", "dynamic_lookup"],
            "program": ["-execute", "-e", "_main"],
        }[self.type]
        signing = {("x86_64", "linker-signed"): ["-adhoc_codesign"], ("arm64", "none"): ["-no_adhoc_codesign"]}
        fixups = ["-fixup_chains"] if self.fixups == "chained" else []
        return [
            *(self.linker, "-arch", self.architecture, "-platform_version", self.platform, self.minimum, SDK, *kind),
            *("-headerpad", f"{self.pad:x}", "-S"),
            *(argument for path in self.rpaths for argument in ("-rpath", path)),
            *signing.get((self.architecture, self.signature), []),
            *(*fixups, self.object, *self.links),
            *(argument for path in self.weak_links for argument in ("-weak_library", path)),
            *(argument for path in self.reexported_links for argument in ("-reexport_library", path)),
            *(STUB, *self.arguments, "-o", self.path),
        ]

    def facts(self) -> dict[str, Any]:
        """Return what the file must turn out to be, for the manifest."""
        linked = self.type != "object"
        needed = [SYSTEM, *self.needed] if self.linker == "zig" else [*self.needed, SYSTEM]
        return {
            "file_type": FILE_TYPE[self.type],
            "platform": self.platform,
            "minimum": self.minimum,
            "install_name": self.install_name,
            "needed": needed if linked else [],
            "weak": list(self.weak),
            "reexported": list(self.reexported),
            "rpaths": list(self.rpaths),
            "signature": self.signature,
            "fixups": self.fixups if linked else "none",
            "pad": self.pad if linked else 0,
        }


def family(table: Mapping[str, Any]) -> Iterator[Macho]:
    """Yield the four files of one architecture, in the order in which they are linked."""
    folder, architecture = table["folder"], table["architecture"]
    tone, greet = "libtone.2.dylib", "libgreet.1.dylib"
    base = Macho.parse({"path": "", "source": "", "architecture": architecture})
    version = ("-current_version", "2.1.0", "-compatibility_version", "2.0.0")
    yield replace(
        base,
        path=f"{folder}/{tone}",
        source="macos/tone.c",
        install_name=f"@rpath/{tone}",
        arguments=version,
    )
    yield replace(
        base,
        path=f"{folder}/{greet}",
        source="macos/greet.c",
        linker="zig",
        install_name=f"/opt/hello/lib/{greet}",
        links=(f"{folder}/{tone}",),
        rpaths=("/opt/hello/lib",),
        needed=(f"@rpath/{tone}",),
    )
    above = replace(base, links=(f"{folder}/{greet}",), needed=(f"/opt/hello/lib/{greet}",))
    yield replace(above, path=f"{folder}/_hello.abi3.so", source="macos/hello.c", type="bundle")
    yield replace(above, path=f"{folder}/hello", source="macos/program.c", type="program")


def thin_files(recipes: Mapping[str, Any]) -> Iterator[Macho]:
    """Yield every thin file in the order of building."""
    for table in recipes["macho_family"]:
        yield from family(table)
    for table in recipes["macho"]:
        yield Macho.parse(table)


def build_thin(recipe: Macho, flags: Mapping[str, list[str]], folder: Path) -> None:
    """Compile and link one thin file inside the build folder."""
    for path in (recipe.object, recipe.path):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    for command in recipe.commands(flags):
        run(command, folder)


def join(slices: Sequence[tuple[str, bytes]], *, wide: bool) -> bytes:
    """Return a fat file of (architecture, content), with 64-bit offsets in its header when it is to be `wide`."""
    header = bytearray(struct.pack(">II", 0xCAFEBABF if wide else 0xCAFEBABE, len(slices)))
    row = ">iiQQII" if wide else ">iiIII"
    end = len(header) + len(slices) * struct.calcsize(row)
    body = bytearray()
    for architecture, content in slices:
        cpu_type, cpu_subtype, alignment = CPU[architecture]
        start = -(-end // (1 << alignment)) * (1 << alignment)
        body += bytes(start - end) + content
        numbers = (cpu_type, cpu_subtype, start, len(content), alignment)
        header += struct.pack(row, *numbers, *([0] if wide else []))
        end = start + len(content)
    return bytes(header + body)
