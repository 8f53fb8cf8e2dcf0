"""Finds and changes single parts of an ELF file, with pyelftools, so that tests can damage it on purpose."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elftools.elf.sections import Section


@dataclass(slots=True)
class Parts:
    """The bytes of one file, to be read and changed in place."""

    data: bytearray

    @property
    def elf(self) -> ELFFile:
        """The file as it is now."""
        return ELFFile(BytesIO(bytes(self.data)))

    @property
    def order(self) -> str:
        """The byte order, as the struct module spells it."""
        return "<" if self.data[5] == 1 else ">"

    @property
    def word(self) -> str:
        """The format of an address."""
        return "Q" if self.data[4] == 2 else "I"

    def section(self, name: str) -> Section:
        """Return the section of that name."""
        found = self.elf.get_section_by_name(name)
        assert found is not None, name
        return found

    def segments(self, kind: str) -> list[int]:
        """Return the numbers of the program headers of that kind."""
        return [number for number, item in enumerate(self.elf.iter_segments()) if item["p_type"] == kind]

    def set_program_field(self, number: int, field: str, value: int) -> None:
        """Change one field of a program header."""
        fields = ["p_type", "p_offset", "p_vaddr", "p_paddr", "p_filesz", "p_memsz", "p_flags", "p_align"]
        if self.word == "Q":
            fields.insert(1, fields.pop(6))
        form = struct.Struct(self.order + ("II6Q" if self.word == "Q" else "8I"))
        place = self.elf["e_phoff"] + number * form.size
        values = list(form.unpack_from(self.data, place))
        values[fields.index(field)] = value
        form.pack_into(self.data, place, *values)

    def dynamic_place(self, tag: str) -> int:
        """Return the offset of the first entry with that tag."""
        size = 2 * struct.calcsize(self.word)
        for segment in self.elf.iter_segments():
            if isinstance(segment, DynamicSegment):
                tags = [item.entry.d_tag for item in segment.iter_tags()]
                return int(segment["p_offset"]) + tags.index(tag) * size
        raise LookupError(tag)

    def set_dynamic(self, tag: str, value: int, *, new_tag: int | None = None) -> None:
        """Change the value of an entry, and its tag too if asked."""
        place, size = self.dynamic_place(tag), struct.calcsize(self.word)
        if new_tag is not None:
            struct.pack_into(self.order + self.word, self.data, place, new_tag)
        struct.pack_into(self.order + self.word, self.data, place + size, value)

    def dynamic(self, tag: str) -> int:
        """Return the value of the first entry with that tag."""
        place = self.dynamic_place(tag) + struct.calcsize(self.word)
        value: int = struct.unpack_from(self.order + self.word, self.data, place)[0]
        return value

    def flip(self, place: int) -> None:
        """Change one byte."""
        self.data[place] ^= 0x55

    def string_place(self, text: str) -> int:
        """Return where a string of `.dynstr` begins."""
        section = self.section(".dynstr")
        place: int = section["sh_offset"] + bytes(section.data()).index(b"\0" + text.encode() + b"\0") + 1
        return place


def strings(data: bytes) -> dict[str, list[str]]:
    """Return the dynamic entries that are strings, by tag."""
    found: dict[str, list[str]] = {}
    for segment in ELFFile(BytesIO(data)).iter_segments():
        if isinstance(segment, DynamicSegment):
            for tag in segment.iter_tags():
                for name in ("needed", "soname", "rpath", "runpath"):
                    if hasattr(tag, name):
                        found.setdefault(name, []).append(getattr(tag, name))
    return found


def with_sections(data: bytes, added: Mapping[str, bytes], *, first: bool = False) -> bytes:
    """Return the file with more sections that no loader maps; `first` puts their headers before all others.

    Their content and a new table of section headers stand at the end of the file.
    """
    parts = Parts(bytearray(data))
    elf = parts.elf
    form = struct.Struct(parts.order + ("IIQQQQIIQQ" if parts.word == "Q" else "10I"))
    old = [list(form.unpack_from(data, elf["e_shoff"] + number * form.size)) for number in range(elf["e_shnum"])]
    names = bytearray(elf.get_section(elf["e_shstrndx"]).data())
    out = bytearray(data)
    new = []
    shift = len(added) if first else 0
    for name, content in added.items():
        out += bytes(-len(out) % 8)
        kind = {".symtab": 2, ".strtab": 3, ".ARM.attributes": 0x70000003}.get(name, 1)
        link, entry = (elf["e_shstrndx"] + shift, 24 if parts.word == "Q" else 16) if kind == 2 else (0, 0)
        new.append([len(names), kind, 0, 0, len(out), len(content), link, 0, 1, entry])
        names += name.encode() + b"\0"
        out += content
    old[elf["e_shstrndx"]][4:6] = [len(out), len(names)]
    out += names
    for header in old:
        header[6] += shift if header[6] else 0
    table = [old[0], *new, *old[1:]] if first else [*old, *new]
    out += bytes(-len(out) % 8)
    place = 40 if parts.word == "Q" else 32
    struct.pack_into(parts.order + parts.word, out, place, len(out))
    counts = 60 if parts.word == "Q" else 48
    struct.pack_into(parts.order + "HH", out, counts, len(table), elf["e_shstrndx"] + shift)
    for header in table:
        out += form.pack(*header)
    return bytes(out)
