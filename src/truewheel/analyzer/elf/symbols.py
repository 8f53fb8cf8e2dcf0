"""The dynamic symbol table of an ELF file: what it imports and what it exports.

Follows the gABI, "Symbol Table", and the Linux Standard Base, "Symbol Versioning". A loader needs no count of symbols
and program headers give none; `_count` says where it is taken from.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.elf.hash import open_gnu_hash, open_sysv_hash
from truewheel.analyzer.elf.image import Symbol
from truewheel.analyzer.elf.layout import Tag, check_loads, open_elf, read_dynamic
from truewheel.analyzer.elf.machine import is_known
from truewheel.analyzer.elf.sections import is_split_debug
from truewheel.analyzer.elf.versions import INDEX_MASK, read_versions
from truewheel.analyzer.python_init_names import PREFIXES, names_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from truewheel.analyzer.elf.hash import GnuHash, SysvHash
    from truewheel.analyzer.elf.layout import Buffer, Dynamic, ElfFile
    from truewheel.analyzer.elf.versions import Versions

_LOCAL, _WEAK = 0, 2
_NOT_STRONG = (_LOCAL, _WEAK)
_UNVERSIONED = (None, None)
_BINDINGS = frozenset({0, 1, 2, 10})
_TYPES = frozenset({0, 1, 2, 3, 4, 5, 6, 10})
_UNDEFINED = 0
_HIDDEN = 0x8000
# glibc gives the first two definitions of a name (the base version and the oldest) to references without a version,
# even when hidden.
_FIRST_HIDEABLE = 3

_INIT_STARTS = (b"PyInit", b"PyModExport", b"_cffi_pypyinit_")
_PYTHON_PREFIXES = ("Py", "_Py")
# Both many times what real files have; bounds keep made-up ones from taking minutes or filling the memory.
_MOST_INITS = 4096
_MOST_SYMBOLS = 1 << 21

# Tables whose addresses bound the symbol table when nothing counts it.
_TABLE_TAGS = (
    Tag.HASH, Tag.GNU_HASH, Tag.STRTAB, Tag.RELA, Tag.REL, Tag.JMPREL, Tag.RELR, Tag.VERSYM, Tag.VERDEF, Tag.VERNEED,
)  # fmt: skip


class SymbolTable(NamedTuple):
    """The symbol table and what belongs to it.

    start, end: file offsets of the table and of the end of its segment; versions_start, versions_end: the same of the
    version symbol table, which a file without versions lacks.
    """

    elf: ElfFile
    dynamic: Dynamic
    start: int
    end: int
    versions_start: int | None
    versions_end: int
    gnu_hash: GnuHash | None
    sysv_hash: SysvHash | None

    def entries(self, count: int) -> Iterator[tuple[int, ...]]:
        """Return an iterator of st_name, st_info, st_shndx of the first `count` symbols."""
        form = self.elf.form.symbol
        if count > _MOST_SYMBOLS:
            raise self.elf.invalid(f"more than {_MOST_SYMBOLS} symbols", self.start)
        stop = self.start + count * form.size
        if stop > self.end:
            raise self.elf.invalid("the symbol table reaches past the end of its segment", self.start)
        return form.iter_unpack(bytes(self.elf.data[self.start : stop]))

    def version_indices(self, first: int, count: int) -> tuple[int, ...]:
        """Return the version index of `count` symbols from `first` on; all 1 (global) in a file without versions."""
        if self.versions_start is None:
            return (1,) * count
        start = self.versions_start + 2 * first
        if start + 2 * count > self.versions_end:
            raise self.elf.invalid("the version symbol table reaches past the end of its segment", start)
        return Struct(f"{self.elf.form.prefix}{count}H").unpack_from(self.elf.data, start)


def open_symbols(elf: ElfFile, dynamic: Dynamic) -> SymbolTable | None:
    """Return the symbol table; None for a file that has none.

    Raises InvalidBinaryError when it, or a hash table, lies outside the segments.
    """
    address = dynamic.values.get(Tag.SYMTAB)
    if address is None:
        return None
    start, end = elf.mapped(address, "the symbol table")
    if dynamic.values.get(Tag.SYMENT, elf.form.symbol.size) != elf.form.symbol.size:
        raise elf.invalid(f"symbols of {dynamic.values[Tag.SYMENT]} bytes, not {elf.form.symbol.size}", start)
    versions = dynamic.values.get(Tag.VERSYM)
    versions_start, versions_end = (None, 0) if versions is None else elf.mapped(versions, "the version symbol table")
    gnu_hash = open_gnu_hash(elf, dynamic)
    # Loaders look at DT_HASH only without DT_GNU_HASH; it also helps to count where the latter is empty.
    needs_other = gnu_hash is None or gnu_hash.first_hashed() is None
    sysv_hash = open_sysv_hash(elf, dynamic) if needs_other else None
    return SymbolTable(elf, dynamic, start, end, versions_start, versions_end, gnu_hash, sysv_hash)


def imports(table: SymbolTable, versions: Versions, *, executable: bool) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the undefined symbols that are not weak, and the sorted part of them that asks for no version."""
    count = _undefined_end(table, executable=executable)
    entries = zip(table.entries(count), table.version_indices(0, count), strict=True)
    found = [
        (offset, version & INDEX_MASK)
        for (offset, info, section), version in entries
        if section == _UNDEFINED and offset and info >> 4 not in _NOT_STRONG
    ]
    names = table.dynamic.strings.texts([offset for offset, _ in found])
    known = versions.by_index
    unversioned = {name for name, (_, version) in zip(names, found, strict=True) if version not in known}
    return frozenset(names), tuple(sorted(unversioned))


def _undefined_end(table: SymbolTable, *, executable: bool) -> int:
    """Return the index below which all undefined symbols stand.

    Linkers put only defined symbols into DT_GNU_HASH, which leaves the undefined ones before its first. The exception
    is an executable, where a function of a library may be known by its PLT entry: undefined, and hashed all the same.
    """
    gnu_hash = table.gnu_hash
    end = None if executable or gnu_hash is None else gnu_hash.first_hashed()
    return _count(table) if end is None else end


def _count(table: SymbolTable) -> int:
    """Return the number of symbols, from the first of these that tells it: DT_GNU_HASH, DT_HASH, the symbols."""
    count = table.gnu_hash.symbol_count() if table.gnu_hash else None
    if count is None and table.sysv_hash:
        count = table.sysv_hash.symbol_count()
    return _plausible_count(table) if count is None else count


def _plausible_count(table: SymbolTable) -> int:
    """Return the number of symbols up to the next table or the first entry that cannot be one."""
    values = table.dynamic.values
    strings = table.dynamic.strings
    start = values[Tag.SYMTAB]
    end = min(
        (values[tag] for tag in _TABLE_TAGS if values.get(tag, 0) > start), default=start + table.end - table.start
    )
    most = min(min(end - start, table.end - table.start) // table.elf.form.symbol.size, _MOST_SYMBOLS)
    for index, (name, info, _) in enumerate(table.entries(most)):
        if name >= strings.end - strings.start or info >> 4 not in _BINDINGS or info & 15 not in _TYPES:
            return index
    return most


def exported(table: SymbolTable, names: Iterable[bytes]) -> frozenset[bytes]:
    """Return those of `names` that a reference without a version finds in this file, by the loader's own look-up."""
    wanted = list(names)
    hashed = table.gnu_hash or table.sysv_hash
    if hashed is None:
        return frozenset(wanted).intersection(_exported_names(table))
    elf, form, strings = table.elf, table.elf.form.symbol, table.dynamic.strings
    found = set()
    # Chains are a few symbols long; a bound keeps made-up ones from taking minutes.
    budget = (1 << 16) + 256 * len(wanted)
    for name in wanted:
        for index in hashed.candidates(name):
            budget -= 1
            if budget < 0:
                raise elf.invalid("the chains of the hash table are long beyond reason", table.start)
            at = table.start + index * form.size
            if index == 0:
                continue
            if at + form.size > table.end:
                raise elf.invalid("a hash table leads past the end of the symbol table's segment", at)
            offset, info, section = form.unpack_from(elf.data, at)
            if section != _UNDEFINED and info >> 4 != _LOCAL and strings.is_at(offset, name) and _visible(table, index):
                found.add(name)
                break
    return frozenset(found)


def _visible(table: SymbolTable, index: int) -> bool:
    """Whether a reference without a version may find the symbol."""
    (version,) = table.version_indices(index, 1)
    return not version & _HIDDEN or version & INDEX_MASK < _FIRST_HIDEABLE


def _exported_names(table: SymbolTable) -> Iterator[bytes]:
    count = _count(table)
    entries = zip(table.entries(count), table.version_indices(0, count), strict=True)
    for (offset, info, section), version in entries:
        hidden = version & _HIDDEN and version & INDEX_MASK >= _FIRST_HIDEABLE
        if section != _UNDEFINED and info >> 4 != _LOCAL and not hidden:
            yield table.dynamic.strings.raw(offset)


def python_inits(table: SymbolTable, imported: Collection[str]) -> tuple[str, ...]:
    """Return the exported functions by which Python initializes an extension module, sorted.

    PEP 3121 and PEP 489 (`PyInit_`, `PyInitU_`), PEP 793 (`PyModExport_`), cffi's entry point for PyPy, and Python 2's
    `init`. Python looks for the one with the file's name up to the first dot. A file that imports Python's functions
    may have others, for modules that it brings along; Python itself is full of them, and is no extension module.
    """
    strings = table.dynamic.strings
    candidates = set(names_for(table.elf.where))
    # A search through the strings, then a look-up of the few that fit, spares a walk over all symbols.
    if any(name.startswith(_PYTHON_PREFIXES) for name in imported):
        for start in _INIT_STARTS:
            for number, offset in enumerate(strings.find(start)):
                if number > _MOST_INITS:
                    raise table.elf.invalid(f"more than {_MOST_INITS} names of init functions", strings.start + offset)
                name = strings.raw(offset)
                if name.startswith(PREFIXES):
                    candidates.add(name)
    return tuple(sorted(name.decode("utf-8", "backslashreplace") for name in exported(table, sorted(candidates))))


def read_symbols(data: Buffer, where: str) -> tuple[Symbol, ...]:
    """Return the dynamic symbol table of the ELF file in `data`, in table order, without local and nameless symbols.

    Raises InvalidBinaryError naming `where` when the file is damaged.
    """
    table = _table(data, where)
    if table is None:
        return ()
    by_index = read_versions(table.elf, table.dynamic).by_index
    count = _count(table)
    entries = zip(table.entries(count), table.version_indices(0, count), strict=True)
    found = [
        (offset, info >> 4, section, version & INDEX_MASK)
        for (offset, info, section), version in entries
        if offset and info >> 4 != _LOCAL
    ]
    names = table.dynamic.strings.texts([offset for offset, *_ in found])
    return tuple(
        Symbol(name, section != _UNDEFINED, binding == _WEAK, *by_index.get(version, _UNVERSIONED))
        for name, (_, binding, section, version) in zip(names, found, strict=True)
    )


def provided(data: Buffer, names: Iterable[str], where: str) -> frozenset[str]:
    """Return those of `names` that a reference without a version finds in the ELF file in `data`.

    The file's hash table is asked, so the cost is that of the names, not of the file. Raises InvalidBinaryError naming
    `where` when the file is damaged.
    """
    table = _table(data, where)
    if table is None:
        return frozenset()
    asked = {name.encode("utf-8", "surrogateescape"): name for name in names}
    return frozenset(asked[name] for name in exported(table, asked))


def _table(data: Buffer, where: str) -> SymbolTable | None:
    elf = open_elf(data, where)
    if not elf.loads or not is_known(elf) or is_split_debug(elf):
        return None
    check_loads(elf)
    dynamic = read_dynamic(elf)
    return open_symbols(elf, dynamic) if dynamic else None
