"""Builds the small binaries and wheels of fixtures/ from fixtures/sources, as fixtures/recipes.toml says.

Writes them, and fixtures/manifest.json, which records how each was made, its SHA-256 and what it must turn out to be.
With `--check` nothing is written: every file is built again and compared with the committed one, bit for bit.

Needs the ziglang package (dependency group `fixtures`) and, for the files that zig cannot make, Debian's gcc with
the linkers bfd, gold, lld and mold, its cross compiler for 64-bit PowerPC, and the Mach-O linkers of LLVM 14 and 19.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import shutil
import struct
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from macho_recipes import build_thin, join, thin_files
from toolchain import FixtureError, run, version_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
WHEEL_DATE = (2024, 1, 1, 0, 0, 0)
HELLO = b'"""Greets through a native library."""\n\nfrom hello._hello import greet\n\n__all__ = ["greet"]\n'
METADATA = b"Metadata-Version: 2.1\nName: hello\nVersion: 1.0\nSummary: Greets.\nRequires-Python: >=3.10\n"


@dataclass(frozen=True)
class Binary:
    """One native file: how it is built, and what it must turn out to be (see recipes.toml)."""

    path: str
    source: str
    compiler: str = "zig"
    target: str = ""
    linker: str = ""
    shared: bool = True
    links: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    finish: str = ""
    kept: bool = True
    machine: str = "EM_X86_64"
    bits: int = 64
    byte_order: str = "little"
    type: str = "ET_DYN"
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: str = ""
    runpath: str = ""
    needs: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Binary:
        """Read one table of recipes.toml."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
        }
        return cls(**values)

    @property
    def tools(self) -> list[str]:
        """The programs that decide about its bytes."""
        return [self.compiler] if self.compiler == "zig" else [self.compiler, self.linker_program]

    @property
    def linker_program(self) -> str:
        """The linker that gcc runs."""
        return f"{self.compiler.removesuffix('gcc')}ld.{self.linker or 'bfd'}"

    def command(self, flags: Mapping[str, list[str]]) -> list[str]:
        """Return the compiler's arguments; every path is relative to the build folder."""
        zig = self.compiler == "zig"
        return [
            *(["zig", "cc", "-target", self.target] if zig else [self.compiler]),
            *(flag for flag in flags["all"] if zig or not flag.startswith("-fno-sanitize")),
            *(flags["shared"] if self.shared else []),
            *([f"-fuse-ld={self.linker}"] if self.linker else []),
            f"sources/{self.source}",
            *self.links,
            *([f"-Wl,-soname,{self.soname}"] if self.soname else []),
            *self.arguments,
            "-o",
            self.path,
        ]

    def facts(self) -> dict[str, Any]:
        """Return what the file must turn out to be, for the manifest."""
        return {
            "machine": self.machine,
            "bits": self.bits,
            "byte_order": self.byte_order,
            "type": self.type,
            "soname": self.soname,
            "needed": list(self.needed),
            "rpath": self.rpath,
            "runpath": self.runpath,
            "needs": dict(self.needs),
        }


def family(table: Mapping[str, Any]) -> Iterator[Binary]:
    """Yield the three files of a family, in the order in which they are linked."""
    recipe = dict(table)
    folder = recipe.pop("folder")
    libc = [Path(link).name for link in recipe.get("links", [])] or ["libc.so.6"]
    base = Binary.parse({**recipe, "path": "", "source": ""})
    chain = (("tone.c", "libtone.so.2"), ("greet.c", "libgreet.so.1"), ("hello.c", "_hello.abi3.so"))
    below: str | None = None
    for source, name in chain:
        yield replace(
            base,
            path=f"{folder}/{name}",
            source=source,
            links=(*([f"{folder}/{below}"] if below else []), *base.links),
            soname="" if source == "hello.c" else name,
            needed=(*([below] if below else []), *libc),
        )
        below = name


def binaries(recipes: Mapping[str, Any]) -> Iterator[Binary]:
    """Yield every binary in the order of building."""
    for table in recipes["stub"]:
        yield Binary.parse({**table, "kept": False})
    for table in recipes["family"]:
        yield from family(table)
    for table in recipes["binary"]:
        yield Binary.parse(table)


def drop_section_headers(path: Path) -> None:
    """Cut the section headers off a 64-bit little-endian ELF file, and what only they describe."""
    content = bytearray(path.read_bytes())
    (program_headers,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    end = 0
    for index in range(count):
        offset, file_size = struct.unpack_from("<8xQ16xQ", content, program_headers + index * size)
        end = max(end, offset + file_size)
    struct.pack_into("<Q", content, 40, 0)  # e_shoff
    struct.pack_into("<HHH", content, 58, 0, 0, 0)  # e_shentsize, e_shnum, e_shstrndx
    path.write_bytes(content[:end])


def build_binary(binary: Binary, flags: Mapping[str, list[str]], folder: Path) -> None:
    """Compile one binary inside the build folder."""
    output = folder / binary.path
    output.parent.mkdir(parents=True, exist_ok=True)
    run(binary.command(flags), folder)
    if binary.finish == "drop section headers":
        drop_section_headers(output)
    elif binary.finish:
        raise FixtureError(f"{binary.path}: unknown finish {binary.finish!r}")


def build_wheel(path: Path, extension: Path) -> None:
    """Write the unrepaired wheel of the package hello around one extension module."""
    tag = "-".join(path.stem.split("-")[2:])
    wheel = f"Wheel-Version: 1.0\nGenerator: build_fixtures\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    members = {
        "hello/__init__.py": HELLO,
        "hello/_hello.abi3.so": extension.read_bytes(),
        "hello-1.0.dist-info/METADATA": METADATA,
        "hello-1.0.dist-info/WHEEL": wheel,
    }
    record = "".join(f"{name},{record_hash(content)},{len(content)}\n" for name, content in members.items())
    members["hello-1.0.dist-info/RECORD"] = f"{record}hello-1.0.dist-info/RECORD,,\n".encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, WHEEL_DATE)
            entry.create_system = 3  # Unix: the mode counts
            entry.external_attr = (0o100755 if name.endswith(".so") else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


def record_hash(content: bytes) -> str:
    """Return the hash field of a RECORD row."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def build_all(recipes: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Build everything inside `folder` and return the manifest."""
    shutil.copytree(FIXTURES / "sources", folder / "sources")
    flags = recipes["flags"]
    entries: dict[str, Any] = {}
    tools: set[str] = set()
    for binary in binaries(recipes):
        build_binary(binary, flags, folder)
        if binary.kept:
            tools.update(binary.tools)
            how = {"tools": binary.tools, "command": binary.command(flags), "finish": binary.finish}
            entries[binary.path] = {**identity(folder / binary.path), **how, **binary.facts()}
    tools.update(build_macho(recipes, folder, entries))
    for wheel in recipes["wheel"]:
        build_wheel(folder / wheel["path"], folder / wheel["extension"])
        entries[wheel["path"]] = {**identity(folder / wheel["path"]), "extension": wheel["extension"]}
    return {"tools": {tool: version_of(tool, folder) for tool in sorted(tools)}, "files": entries}


def build_macho(recipes: Mapping[str, Any], folder: Path, entries: dict[str, Any]) -> set[str]:
    """Build the Mach-O files inside `folder`, describe them in `entries`, and return the tools that made them."""
    flags = recipes["flags"]
    thin = {recipe.path: recipe for recipe in thin_files(recipes)}
    for path, recipe in thin.items():
        build_thin(recipe, flags, folder)
        if recipe.kept:
            how = {"tools": recipe.tools, "commands": recipe.commands(flags)}
            entries[path] = {**identity(folder / path), **how, "slices": {recipe.architecture: recipe.facts()}}
    for table in recipes["macho_fat"]:
        members = [thin[path] for path in table["of"]]
        output = folder / table["path"]
        output.parent.mkdir(parents=True, exist_ok=True)
        parts = [(member.architecture, (folder / member.path).read_bytes()) for member in members]
        output.write_bytes(join(parts, wide=table.get("wide", False)))
        output.chmod(0o755)
        tools = sorted({tool for member in members for tool in member.tools})
        slices = {member.architecture: member.facts() for member in members}
        entries[table["path"]] = {**identity(output), "tools": tools, "of": table["of"], "slices": slices}
    for table in recipes["macho_archive"]:
        run(["zig", "ar", "rcsD", "--format=darwin", table["path"], *table["of"]], folder)
        entries[table["path"]] = {**identity(folder / table["path"]), "tools": ["zig"], "of": table["of"]}
    return {tool for recipe in thin.values() for tool in recipe.tools}


def identity(path: Path) -> dict[str, Any]:
    """Return the size and the SHA-256 of a file."""
    content = path.read_bytes()
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def publish(manifest: Mapping[str, Any], folder: Path) -> None:
    """Put the built files and the manifest in place of the committed ones."""
    for part in ("elf", "macho", "wheels"):
        shutil.rmtree(FIXTURES / part, ignore_errors=True)
        shutil.copytree(folder / part, FIXTURES / part)
    for path, entry in manifest["files"].items():
        (FIXTURES / path).chmod(0o755 if {"machine", "slices"} & entry.keys() else 0o644)
    (FIXTURES / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {len(manifest['files'])} files and manifest.json")


def check(manifest: Mapping[str, Any]) -> int:
    """Compare what was built with what is committed; return the exit code."""
    committed = json.loads((FIXTURES / "manifest.json").read_text(encoding="utf-8"))
    other_tools = {tool for tool, version in manifest["tools"].items() if committed["tools"].get(tool) != version}
    for tool in sorted(other_tools):
        here, there = manifest["tools"][tool], committed["tools"].get(tool)
        print(f"not compared: what {tool} made (here {here!r}, committed with {there!r})")
    built, kept = manifest["files"], committed["files"]
    compared = [path for path in sorted({*built, *kept}) if not other_tools.intersection(tools_of(path, built, kept))]
    different = [path for path in compared if built.get(path) != kept.get(path)]
    for path in different:
        print(f"different: {path}")
    print(f"compared {len(compared)} files: {len(different)} different")
    return 1 if different else 0


def tools_of(path: str, *manifests: Mapping[str, Any]) -> set[str]:
    """Return the programs that made a file, according to any of the manifests."""
    return {tool for files in manifests for tool in files.get(path, {}).get("tools", ())}


def main() -> int:
    """Build, then write or compare."""
    parser = argparse.ArgumentParser(description="Build the native fixtures.")
    parser.add_argument("--check", action="store_true", help="write nothing; compare with the committed files")
    options = parser.parse_args()
    recipes = tomllib.loads((FIXTURES / "recipes.toml").read_text(encoding="utf-8"))
    try:
        with tempfile.TemporaryDirectory(prefix="truewheel-fixtures-") as scratch:
            manifest = build_all(recipes, Path(scratch))
            if options.check:
                return check(manifest)
            publish(manifest, Path(scratch))
    except FixtureError as error:
        print(f"build_fixtures: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
