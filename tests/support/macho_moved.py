"""What LIEF and llvm-objdump read of a Mach-O slice, and what they must read once all behind its header has moved."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import lief

if TYPE_CHECKING:
    from pathlib import Path

STABS_OF_ADDRESSES = {0x24, 0x26, 0x28, 0x2E}


@dataclass(frozen=True)
class Facts:
    """Everything that LIEF decodes and that says where something lies. base: the address of the header."""

    base: int
    segments: list[tuple[str, int, int, int, int]]
    """Name, address, size in memory, offset, size in the file; of __LINKEDIT, whose size is free, no sizes."""
    sections: list[tuple[str, str, int, int, int]]
    symbols: list[tuple[str, int, int, int, int]]
    binds: list[tuple[int, int, int, str, bool]]
    rebases: list[tuple[int, int]]
    exports: list[tuple[str, int, int]]
    functions: list[int]
    data_in_code: list[tuple[int, int]]
    entry: int | None

    def moved(self, amount: int) -> Facts:
        """Return the facts once everything but the header lies `amount` bytes further on."""

        def at(address: int) -> int:
            return address if address == self.base else address + amount

        def is_place(kind: int, section: int) -> bool:
            return bool(section) and (kind in STABS_OF_ADDRESSES if kind & 0xE0 else kind & 0x0E == 0x0E)

        def segment(item: tuple[str, int, int, int, int]) -> tuple[str, int, int, int, int]:
            name, address, size, offset, length = item
            if name == "__PAGEZERO":
                return item
            if name == "__TEXT":
                return name, address, size + amount, offset, length + amount
            return name, address + amount, size, offset + amount if offset else 0, length

        return replace(
            self,
            segments=[segment(item) for item in self.segments],
            sections=[
                (name, inside, address + amount, size, offset + amount if offset else 0)
                for name, inside, address, size, offset in self.sections
            ],
            symbols=[
                (name, at(value) if is_place(kind, section) else value, kind, section, description)
                for name, value, kind, section, description in self.symbols
            ],
            binds=[(item[0] + amount, *item[1:]) for item in self.binds],
            rebases=[(place + amount, at(target) if target else target) for place, target in self.rebases],
            exports=sorted(
                (name, address if flags & 3 == 2 or flags & 8 or not address else address + amount, flags)
                for name, address, flags in self.exports
            ),
            functions=[item + amount for item in self.functions],
            data_in_code=[(offset + amount, length) for offset, length in self.data_in_code],
            entry=None if self.entry is None else self.entry + amount,
        )


def decoded(data: bytes) -> Facts:
    """Return what LIEF reads of a thin file."""
    file: Any = lief.MachO.parse(list(data))  # it owns what follows
    item = file.at(0)
    table = item.dyld_info if item.has_dyld_info else item.dyld_exports_trie if item.has_dyld_exports_trie else None
    return Facts(
        base=item.imagebase,
        segments=[
            (each.name, each.virtual_address, 0, each.file_offset, 0)
            if each.name == "__LINKEDIT"
            else (each.name, each.virtual_address, each.virtual_size, each.file_offset, each.file_size)
            for each in item.segments
        ],
        sections=[
            (each.segment_name, each.name, each.virtual_address, each.size, each.offset) for each in item.sections
        ],
        symbols=[
            (str(each.name), each.value, each.raw_type, each.numberof_sections, each.description)
            for each in item.symbols
        ],
        binds=[
            (each.address, each.library_ordinal, each.addend, str(each.symbol.name), each.weak_import)
            for each in item.bindings
        ],
        rebases=sorted((each.address, getattr(each, "target", 0)) for each in item.relocations),
        exports=sorted(
            (str(each.symbol.name), each.address, int(each.flags)) for each in (table.exports if table else [])
        ),
        functions=list(item.function_starts.functions) if item.has_function_starts else [],
        data_in_code=[(each.offset, each.length) for each in item.data_in_code.entries]
        if item.has_data_in_code
        else [],
        entry=item.main_command.entrypoint if item.has_main_command else None,
    )


def changed_places(before: bytes, after: bytes, amount: int) -> set[int]:
    """Return the offsets, in the file before, of 4-byte words outside of headers and __LINKEDIT that changed."""
    file: Any = lief.MachO.parse(list(before))
    item = file.at(0)
    start = 32 + item.header.sizeof_cmds
    end = item.get_segment("__LINKEDIT").file_offset
    old, new = before[start:end], after[start + amount : end + amount]
    return {start + at for at in range(-start % 4, len(old), 4) if old[at : at + 4] != new[at : at + 4]}


def unwinding(path: Path) -> list[tuple[str, list[int]]]:
    """Return each line of what llvm-objdump says of __unwind_info, without its numbers, and the numbers."""
    names = ["llvm-objdump", *(f"llvm-objdump-{version}" for version in range(40, 13, -1))]
    program = next(found for name in names if (found := shutil.which(name)))
    command = [program, "--macho", "--unwind-info", str(path)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    number = re.compile(r"0x([0-9a-f]+)")
    return [(number.sub("?", line), [int(each, 16) for each in number.findall(line)]) for line in lines]


def moved_unwinding(lines: list[tuple[str, list[int]]], amount: int) -> list[tuple[str, list[int]]]:
    """Return the same once everything has moved: distances from the header do, offsets within the section do not."""

    def shift(line: str, numbers: list[int]) -> list[int]:
        if "base function offset=?" in line:
            return [numbers[0], numbers[1] + amount]
        if "2nd level page offset=?" in line or ("function offset=?" in line and "LSDA" not in line):
            return [numbers[0] + amount, *numbers[1:]]
        if "LSDA offset=?" in line or "personality[" in line:
            return [item + amount for item in numbers]
        return numbers

    return [(line, shift(line, numbers)) for line, numbers in lines]
