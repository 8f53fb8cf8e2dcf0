"""Mach-O: the bytes of one file -> a `MachoFile`.

Follows Apple's `mach-o/loader.h` and what dyld makes of it. Only headers and load commands are read. The parts:
`macho_fat` (where each slice lies), `macho_machine` (for which processor), `macho_commands` (the walk through the
commands), `macho_slice` (what they say); on demand `macho_symbols` and `macho_signature`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.macho.commands import (
    DAMAGED,
    FORMS,
    LARGEST_HEADER,
    check_size,
    invalid,
    read_header,
    walk,
)
from truewheel.analyzer.macho.fat import FAT_HEADER_SIZE, fat_header_size, is_fat, read_fat
from truewheel.analyzer.macho.image import FileType, MachoFile, Slice
from truewheel.analyzer.macho.machine import architecture, form_of, is_known
from truewheel.analyzer.macho.slice import Facts, read_facts
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from truewheel.analyzer.macho.commands import Buffer, Header
    from truewheel.analyzer.macho.fat import FatArch

    Fetch = Callable[[int, int], bytes]

STATIC_LIBRARY = b"!<arch>\n"
# LLVM's wrapper around bitcode, and bitcode itself.
_BITCODE = (b"\xde\xc0\x17\x0b", b"BC\xc0\xde")
_MAGIC_SIZE = 8

_FILE_TYPES = {item.value: item for item in FileType}


def is_macho(head: bytes) -> bool:
    """Whether a file that starts with `head` (eight bytes are enough) is Mach-O, thin or fat."""
    return head[:4] in FORMS or is_fat(head)


def read_macho(data: Buffer, where: str) -> MachoFile:
    """Read the Mach-O file in `data`; `where` is its name for errors.

    A slice that dyld does not map (an object file, debug symbols, a static library in a fat file) is read no further
    than its header. Raises InvalidBinaryError when the file is cut short or contradicts itself.
    """
    return read_macho_ranges(lambda offset, length: bytes(data[offset : offset + length]), len(data), where)


def read_macho_ranges(fetch: Fetch, size: int, where: str) -> MachoFile:
    """Read the Mach-O file of `size` bytes of which `fetch(offset, length)` gives any part.

    Headers and load commands are asked for, nothing else: each byte at most once, in ascending order. Raises as
    `read_macho` does, and whatever `fetch` raises.
    """
    head = fetch(0, min(_MAGIC_SIZE, size))
    if not is_fat(head):
        return MachoFile((_read_slice(fetch, head, None, size, where),))
    table = fat_header_size(head)
    head += fetch(FAT_HEADER_SIZE, min(table, size) - FAT_HEADER_SIZE)
    fat = read_fat(head, size, where)
    found: dict[FatArch, Slice] = {}
    for arch in sorted(fat.items, key=lambda item: item.offset):
        name = architecture(arch.cpu_type, arch.cpu_subtype)
        try:
            item = _read_slice(fetch, fetch(arch.offset, _MAGIC_SIZE), arch, arch.size, where)
        except InvalidBinaryError as error:
            raise InvalidBinaryError(f"{name} slice: {error.what}", where=error.where, hint=error.hint) from None
        if any(item.architecture == other.architecture for other in found.values()):
            raise InvalidBinaryError(f"two slices are for {item.architecture}", where=where, hint=DAMAGED)
        found[arch] = item
    return MachoFile(tuple(found[arch] for arch in fat.items), fat=True)


def _read_slice(fetch: Fetch, magic: bytes, arch: FatArch | None, size: int, where: str) -> Slice:
    """Read one slice of `size` bytes, of which the first eight are in `magic`."""
    start = arch.offset if arch else 0
    if arch and (magic == STATIC_LIBRARY or magic.startswith(_BITCODE)):
        return _without_header(arch, FileType.ARCHIVE if magic == STATIC_LIBRARY else FileType.OTHER)
    head = magic
    if magic[:4] in FORMS:
        head += fetch(start + _MAGIC_SIZE, max(min(size, LARGEST_HEADER) - _MAGIC_SIZE, 0))
    header = read_header(head, where)
    name = _architecture(header, arch, where)
    file_type = _FILE_TYPES.get(header.file_type, FileType.OTHER)
    facts = Facts()
    if file_type.is_loaded:
        check_size(header, where)
        if header.end > size:
            raise invalid("the load commands reach past the end of the file", header.end, where)
        # A 32-bit header is shorter than what was read for it.
        more = header.end - len(head)
        raw = head + fetch(start + len(head), more) if more > 0 else head[: header.end]
        facts = read_facts(walk(header, raw, where), name, size)
    return Slice(
        architecture=name,
        file_type=file_type,
        bits=header.form.bits,
        byte_order=header.form.byte_order,
        offset=start,
        size=size,
        alignment=arch.alignment if arch else 0,
        platform=facts.platform,
        minimum_os=facts.minimum_os,
        sdk=facts.sdk,
        install_name=facts.install_name,
        dependencies=tuple(facts.dependencies),
        rpaths=tuple(facts.rpaths),
        uuid=facts.uuid,
        free_bytes=facts.free_bytes,
        has_signature=facts.has_signature,
    )


def _without_header(arch: FatArch, file_type: FileType) -> Slice:
    """Return a slice of a fat file that has no Mach-O header of its own."""
    name = architecture(arch.cpu_type, arch.cpu_subtype)
    return Slice(name, file_type, *form_of(arch.cpu_type), arch.offset, arch.size, arch.alignment)


def _architecture(header: Header, arch: FatArch | None, where: str) -> str:
    """Return the name of the slice's architecture, once all that tells it agrees."""
    if arch and arch.cpu_type != header.cpu_type:
        raise invalid(f"its header is for CPU type {header.cpu_type:#x}, the table of slices has another", 0, where)
    name = architecture(header.cpu_type, header.cpu_subtype)
    form = header.form
    if is_known(name) and (form.bits, form.byte_order) != form_of(header.cpu_type):
        raise invalid(f"a {form.bits}-bit {form.byte_order}-endian header, which is not of {name}", 0, where)
    return name
