"""ELF: the bytes of one file -> an `Image`.

Follows the System V ABI, edition 4 (gABI), and what glibc's and musl's loaders make of it. Everything comes from the
program headers, so that a file without section headers is read like any other. The parts: `elf_layout` (where things
lie), `elf_machine` (for which processor), `elf_notes`, `elf_versions`, `elf_symbols`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truewheel.analyzer.elf.arm_attributes import read_arm_attributes
from truewheel.analyzer.elf.image import Dependency, DependencyKind, Image, ImageKind
from truewheel.analyzer.elf.layout import MAGIC, FileType, SegmentType, Tag, check_loads, open_elf, read_dynamic
from truewheel.analyzer.elf.machine import Hints, Machine, architecture, executable_stack_by_default, is_known
from truewheel.analyzer.elf.notes import read_notes
from truewheel.analyzer.elf.sections import is_split_debug
from truewheel.analyzer.elf.symbols import imports, open_symbols, python_inits
from truewheel.analyzer.elf.versions import Versions, read_versions

if TYPE_CHECKING:
    from truewheel.analyzer.elf.layout import Buffer, Dynamic, ElfFile

_DEPENDENCY_KINDS = {
    Tag.NEEDED: DependencyKind.NEEDED,
    Tag.AUXILIARY: DependencyKind.AUXILIARY,
    Tag.FILTER: DependencyKind.FILTER,
}
_FLAG_TEXTREL = 4
_FLAG_1_PIE = 0x0800_0000
_SEGMENT_EXECUTABLE = 1
_LONGEST_PATH = 4096
_NO_VERSIONS = Versions((), (), {})


def is_elf(head: bytes) -> bool:
    """Whether a file that starts with `head` (four bytes are enough) is ELF."""
    return head[:4] == MAGIC


def read_image(data: Buffer, where: str) -> Image:
    """Read the ELF file in `data`.

    where: the file's name for errors; its base name also tells the init function of a Python 2 extension module.

    A file for a processor without a platform tag of Linux (a GPU's, say) is read no further than its header. So is one
    that no loader maps: a relocatable object, or the debug information that was split from a library. Raises
    InvalidBinaryError when the file is cut short or contradicts itself.
    """
    elf = open_elf(data, where)
    loadable = bool(elf.loads) and not is_split_debug(elf)
    if not loadable or not is_known(elf):
        return _unread(elf, loadable=loadable)
    check_loads(elf)
    return _image(elf, read_dynamic(elf))


def _unread(elf: ElfFile, *, loadable: bool) -> Image:
    """Return what the header alone tells."""
    kind = ImageKind.OBJECT
    if loadable:
        kind = ImageKind.EXECUTABLE if elf.type == FileType.EXECUTABLE else ImageKind.SHARED_LIBRARY
    return Image(
        architecture=architecture(elf),
        kind=kind,
        bits=elf.form.bits,
        byte_order=elf.form.byte_order,
        section_headers=elf.section_headers,
    )


def _image(elf: ElfFile, dynamic: Dynamic | None) -> Image:
    notes = read_notes(elf)
    interpreter = _interpreter(elf)
    needed = _dependencies(dynamic)
    kind = _kind(elf, dynamic)
    versions = read_versions(elf, dynamic) if dynamic else _NO_VERSIONS
    table = open_symbols(elf, dynamic) if dynamic else None
    executable = kind is ImageKind.EXECUTABLE
    imported, unversioned = imports(table, versions, executable=executable) if table else (frozenset(), ())
    rpath, runpath = _search_paths(dynamic)
    names = [item.name for item in needed]
    if interpreter:
        names.append(interpreter.rpartition("/")[2])
    arm = read_arm_attributes(elf) if elf.machine == Machine.ARM else None
    return Image(
        architecture=architecture(elf, Hints(names, arm.vfp_args if arm else None)),
        kind=kind,
        bits=elf.form.bits,
        byte_order=elf.form.byte_order,
        # A static executable at any address (static-pie) has a dynamic section, and relocates itself by it.
        dynamic=dynamic is not None and (interpreter is not None or bool(needed) or kind is ImageKind.SHARED_LIBRARY),
        soname=dynamic.text(Tag.SONAME) if dynamic else None,
        needed=needed,
        rpath=rpath,
        runpath=runpath,
        interpreter=interpreter,
        symbol_needs=versions.needs,
        defined_versions=versions.defined,
        isa_level=notes.isa_level,
        arm=arm,
        minimum_kernel=notes.minimum_kernel,
        executable_stack=_executable_stack(elf),
        relative_relocations=dynamic is not None and Tag.RELR in dynamic.values,
        text_relocations=_text_relocations(dynamic),
        build_id=notes.build_id,
        imports=imported,
        unversioned_imports=unversioned,
        python_inits=python_inits(table, imported) if table else (),
        section_headers=elf.section_headers,
    )


def _kind(elf: ElfFile, dynamic: Dynamic | None) -> ImageKind:
    """Tell executables from libraries.

    Neither PT_INTERP nor DT_SONAME tells: libc.so.6 has the first and a module for Python lacks the second. Linkers
    mark an executable at any address with DF_1_PIE, or, before they knew that flag, gave it DT_DEBUG, which no library
    has. Without a dynamic section a file cannot be a library.
    """
    if elf.type == FileType.EXECUTABLE or dynamic is None:
        return ImageKind.EXECUTABLE
    if dynamic.values.get(Tag.FLAGS_1, 0) & _FLAG_1_PIE or Tag.DEBUG in dynamic.values:
        return ImageKind.EXECUTABLE
    return ImageKind.SHARED_LIBRARY


def _interpreter(elf: ElfFile) -> str | None:
    segment = next((item for item in elf.segments if item.type == SegmentType.INTERPRETER), None)
    if segment is None:
        return None
    if segment.size > _LONGEST_PATH:
        raise elf.invalid("the interpreter's path is longer than a path can be", segment.offset)
    path = elf.read(segment.offset, segment.size, "the interpreter's path")
    return path.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _dependencies(dynamic: Dynamic | None) -> tuple[Dependency, ...]:
    if dynamic is None:
        return ()
    text = dynamic.strings.text
    return tuple(Dependency(text(offset), _DEPENDENCY_KINDS[Tag(tag)]) for tag, offset in dynamic.dependencies)


def _search_paths(dynamic: Dynamic | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return DT_RPATH and DT_RUNPATH.

    Empty entries are left out: to glibc they are the working directory, to musl nothing, and for a wheel neither is a
    place to find a library. A DT_RUNPATH that is there but empty makes loaders ignore DT_RPATH, which is left out then.
    """
    if dynamic is None:
        return (), ()
    rpath, runpath = dynamic.text(Tag.RPATH), dynamic.text(Tag.RUNPATH)
    if runpath is not None and not _entries(runpath):
        rpath = None
    return _entries(rpath), _entries(runpath)


def _entries(path: str | None) -> tuple[str, ...]:
    return tuple(entry for entry in path.split(":") if entry) if path else ()


def _executable_stack(elf: ElfFile) -> bool:
    for segment in reversed(elf.segments):
        if segment.type == SegmentType.GNU_STACK:
            return bool(segment.flags & _SEGMENT_EXECUTABLE)
    return executable_stack_by_default(elf)


def _text_relocations(dynamic: Dynamic | None) -> bool:
    if dynamic is None:
        return False
    return Tag.TEXTREL in dynamic.values or bool(dynamic.values.get(Tag.FLAGS, 0) & _FLAG_TEXTREL)
