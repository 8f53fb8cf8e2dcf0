"""What pyelftools says of an ELF file, by its section headers, in the words of `truewheel.analyzer.elf.image`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.segments import InterpSegment, NoteSegment

if TYPE_CHECKING:
    from pathlib import Path

_HIDDEN, _INDEX = 0x8000, 0x7FFF
_PIE, _TEXTREL = 0x0800_0000, 4
_NO_VERSION = {"VER_NDX_LOCAL": 0, "VER_NDX_GLOBAL": 1}


def facts(path: Path) -> dict[str, Any]:
    """Return the facts that stand in the header, the segments and the version sections, by the field's name."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        tags: list[Any] = [
            tag for segment in elf.iter_segments() if isinstance(segment, DynamicSegment) for tag in segment.iter_tags()
        ]
        numbers = {tag.entry.d_tag: tag.entry.d_val for tag in tags}
        interpreters = [item.get_interp_name() for item in elf.iter_segments() if isinstance(item, InterpSegment)]
        stacks = [item.header.p_flags for item in elf.iter_segments() if item.header.p_type == "PT_GNU_STACK"]
        needs, defines, _ = _versions(elf)
        return {
            "bits": elf.elfclass,
            "byte_order": "little" if elf.little_endian else "big",
            "needed": tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
            "soname": next((tag.soname for tag in tags if tag.entry.d_tag == "DT_SONAME"), None),
            "rpath": tuple(tag.rpath for tag in tags if tag.entry.d_tag == "DT_RPATH"),
            "runpath": tuple(tag.runpath for tag in tags if tag.entry.d_tag == "DT_RUNPATH"),
            "interpreter": interpreters[0] if interpreters else None,
            # Of the fixtures, only those for ppc64 do not say; the stack is not executable there then.
            "executable_stack": bool(stacks and stacks[0] & 1),
            "relative_relocations": "DT_RELR" in numbers,
            "text_relocations": "DT_TEXTREL" in numbers or bool(numbers.get("DT_FLAGS", 0) & _TEXTREL),
            "symbol_needs": tuple(needs),
            "defined_versions": tuple(defines),
            "section_headers": elf.num_sections() > 0,
            **_notes(elf),
        }


def symbols(path: Path) -> list[tuple[str, bool, bool, str | None, str | None]]:
    """Return name, defined, weak, version and library of every named symbol that is not local, in file order."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        _, _, by_index = _versions(elf)
        table: Any = elf.get_section_by_name(".dynsym")
        versions: Any = next((item for item in elf.iter_sections() if isinstance(item, GNUVerSymSection)), None)
        found: list[tuple[str, bool, bool, str | None, str | None]] = []
        for number, symbol in enumerate(table.iter_symbols()):
            binding = symbol["st_info"]["bind"]
            if binding == "STB_LOCAL" or not symbol.name:
                continue
            index: Any = versions.get_symbol(number)["ndx"] if versions else 1
            numeric: int = _NO_VERSION.get(index, index)
            version, library = by_index.get(numeric & _INDEX, (None, None))
            defined = symbol["st_shndx"] != "SHN_UNDEF"
            found.append((symbol.name, defined, binding == "STB_WEAK", version, library))
        return found


def _versions(elf: ELFFile) -> tuple[list[tuple[str, str, bool]], list[str], dict[int, tuple[str, str | None]]]:
    needs: list[tuple[str, str, bool]] = []
    defines: list[str] = []
    by_index: dict[int, tuple[str, str | None]] = {}
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for library, parts in section.iter_versions():
                for part in parts:
                    needs.append((str(library.name), part.name, bool(part["vna_flags"] & 2)))
                    by_index[part["vna_other"] & _INDEX] = (part.name, library.name)
        elif isinstance(section, GNUVerDefSection):
            for version, parts in section.iter_versions():
                name = next(iter(parts)).name
                if not version["vd_flags"] & 1:
                    defines.append(name)
                    by_index[version["vd_ndx"] & _INDEX] = (name, None)
    return needs, defines, by_index


def _notes(elf: ELFFile) -> dict[str, Any]:
    build_id, kernel, level = None, None, 1
    notes: list[Any] = [
        note for item in elf.iter_segments() if isinstance(item, NoteSegment) for note in item.iter_notes()
    ]
    for note in notes:
        kind, content = note["n_type"], note["n_desc"]
        if kind == "NT_GNU_BUILD_ID":
            build_id = content
        elif kind == "NT_GNU_ABI_TAG":
            kernel = (content["abi_major"], content["abi_minor"], content["abi_tiny"])
        elif kind == "NT_GNU_PROPERTY_TYPE_0":
            for item in content:
                if item.pr_type == "GNU_PROPERTY_X86_ISA_1_NEEDED":
                    level = max(level, item.pr_data.bit_length())
    return {"build_id": build_id, "minimum_kernel": kernel, "isa_level": level}
