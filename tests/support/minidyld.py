"""A small dyld: maps x86_64 Mach-O files into this Linux process, and lets Python import extension modules from them.

Code for macOS and Linux differs in file format and C library, not in how x86_64 functions call each other, nor in the
layout of Python objects. So a repaired wheel for macOS can be imported here: names are followed by dyld's rules, what
libSystem offers comes from this process's C library, and the C API from this interpreter. It is not Apple's dyld: it
checks no signatures, knows no Objective-C, and what only macOS has ends the process when it is called.

Use it in a process of its own (mac_python.py): a mistake in a file crashes.
"""

from __future__ import annotations

import ctypes
import importlib.machinery
import importlib.util
import mmap
import os
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support import macho_chains, macho_fixups
from support.darwin import SystemSymbols, for_ever
from support.macho_fixups import FLAT, MAIN_PROGRAM, PROGRAM, SELF, WEAK, Bind, NotLoadable, Rebase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from support.macho_fixups import Parsed

_WORD = (1 << 64) - 1
_PAGE = 4096


class LibraryNotLoaded(ImportError):  # noqa: N818 -- the words of dyld
    """A library cannot be found or mapped; the message is dyld's."""


class SymbolNotFound(ImportError):  # noqa: N818 -- the words of dyld
    """A library that was found lacks a symbol; the message is dyld's."""


class Image:
    """One mapped file."""

    def __init__(self, path: Path, parsed: Parsed, loader: Image | None) -> None:
        """Reserve memory for it and copy its segments there; nothing is fixed up yet."""
        self.path = path
        self.parsed = parsed
        self.loader = loader
        self.exports = macho_fixups.exports(parsed)
        self.libraries: list[Image | str | None] = []
        """By ordinal: an image, the name of a system library, or None for a weak one that is absent."""
        size = -(-parsed.size // _PAGE) * _PAGE
        self.memory = for_ever(mmap.mmap(-1, size, prot=mmap.PROT_READ | mmap.PROT_WRITE))
        self.start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        for segment in self._segments():
            at = segment.address - parsed.base
            self.memory[at : at + segment.file_size] = parsed.content[segment.offset :][: segment.file_size]

    def _segments(self) -> Iterator[macho_fixups.Segment]:
        return (segment for segment in self.parsed.segments if segment.name != "__PAGEZERO")

    def protect(self) -> None:
        """Give each segment the access rights that its load command asks for."""
        libc = ctypes.CDLL(None, use_errno=True)
        for segment in self._segments():
            rights = ((1, mmap.PROT_READ), (2, mmap.PROT_WRITE), (4, mmap.PROT_EXEC))
            flags = sum(here for there, here in rights if segment.protection & there)
            start = ctypes.c_void_p(self.start + segment.address - self.parsed.base)
            if libc.mprotect(start, ctypes.c_size_t(-(-segment.size // _PAGE) * _PAGE), flags):
                raise OSError(ctypes.get_errno(), f"mprotect {segment.name} of {self.path}")

    def initialisers(self) -> Iterator[int]:
        """Yield the addresses of the functions to call before anything else."""
        for section in self.parsed.sections:
            at = section.address - self.parsed.base
            if section.type == macho_fixups.INIT_POINTERS:
                yield from struct.unpack_from(f"<{section.size // 8}Q", self.memory, at)
            elif section.type == macho_fixups.INIT_OFFSETS:
                for offset in struct.unpack_from(f"<{section.size // 4}I", self.memory, at):
                    yield self.start + offset

    def rpath_stack(self) -> Iterator[str]:
        """Yield the folders that `@rpath` stands for: of this image, then of whoever loaded it, and so on."""
        image: Image | None = self
        while image is not None:
            for rpath in image.parsed.rpaths:
                yield image.expand(rpath)
            image = image.loader

    def expand(self, name: str) -> str:
        """Replace `@loader_path`, and `@executable_path` when a program is being run."""
        if name == "@loader_path" or name.startswith("@loader_path/"):
            return f"{self.path.resolve().parent}{name[len('@loader_path') :]}"
        program: Image | None = self
        while program is not None and program.parsed.file_type != PROGRAM:
            program = program.loader
        if program is not None and name.startswith("@executable_path/"):
            return f"{program.path.resolve().parent}{name[len('@executable_path') :]}"
        return name


def is_system(name: str) -> bool:
    """Whether macOS itself provides a library of this name."""
    return name.startswith(("/usr/lib/", "/System/Library/"))


class Dyld:
    """The images of a process, in the order in which they were loaded."""

    def __init__(self) -> None:
        """Start with none."""
        self.images: list[Image] = []
        self.system = SystemSymbols()
        self._initialised: set[int] = set()

    def open(self, path: Path) -> Image:
        """Load a file and what it needs, fix everything up, and run initialisers; raise what dyld would refuse."""
        known = len(self.images)
        image = self._existing(path)
        if image is None:
            try:
                image = self._map(path, None)
            except (NotLoadable, OSError) as error:
                raise LibraryNotLoaded(f"dlopen({path}): {_reason(error)}") from None
        for each in self.images[known:]:
            self._fix_up(each)
        for each in self.images[known:]:
            each.protect()
        self._initialise(image)
        return image

    def _existing(self, path: Path) -> Image | None:
        """Return the image of the same file, whatever name it was loaded by."""
        return next((image for image in self.images if path.exists() and image.path.samefile(path)), None)

    def _map(self, path: Path, loader: Image | None) -> Image:
        image = Image(path, macho_fixups.parse(path), loader)
        self.images.append(image)
        for kind, name in image.parsed.libraries:
            image.libraries.append(name if is_system(name) else self._library(name, image, weak=kind == "weak"))
        return image

    def _library(self, name: str, image: Image, *, weak: bool) -> Image | None:
        tried: list[str] = []
        for place in self._places(name, image):
            path = Path(place)
            try:
                return self._existing(path) or self._map(path, image)
            except (NotLoadable, OSError) as error:
                tried.append(f"'{place}' ({_reason(error)})")
        if weak:
            return None
        reason = f"tried: {', '.join(tried)}" if tried else "no LC_RPATH's found"
        raise LibraryNotLoaded(f"Library not loaded: {name}\n  Referenced from: {image.path}\n  Reason: {reason}")

    def _places(self, name: str, image: Image) -> list[str]:
        if name.startswith("@rpath/"):
            return [f"{folder.rstrip('/')}/{name[len('@rpath/') :]}" for folder in image.rpath_stack()]
        return [image.expand(name)]

    def _fix_up(self, image: Image) -> None:
        for rebase in (*macho_fixups.rebases(image.parsed), *_of(Rebase, image)):
            self._write(image, rebase.address, self._rebased(image, rebase))
        for bind in (*macho_fixups.binds(image.parsed), *_of(Bind, image)):
            address = self._bound(image, bind)
            if address is not None:
                self._write(image, bind.address, address + bind.addend if address else 0)
        self.system.set_up_thread_variables(image.memory, image.parsed)

    def _rebased(self, image: Image, rebase: Rebase) -> int:
        if rebase.target is not None:
            return image.start + rebase.target
        (value,) = struct.unpack_from("<Q", image.memory, rebase.address)
        return int(value) + image.start - image.parsed.base

    def _write(self, image: Image, address: int, value: int) -> None:
        struct.pack_into("<Q", image.memory, address, value & _WORD)

    def _bound(self, image: Image, bind: Bind) -> int | None:
        """Return the address of a symbol, 0 for one that may be missing and is, None to leave the pointer alone."""
        if bind.ordinal == WEAK:
            return self._flat(bind.symbol)
        library = image.libraries[bind.ordinal - 1] if bind.ordinal > 0 else None
        if bind.ordinal == FLAT:
            address = self._flat(bind.symbol)
        elif bind.ordinal == SELF:
            address = self._exported(image, bind.symbol)
        elif bind.ordinal == MAIN_PROGRAM:
            address = self.system.of_process(bind.symbol)
        elif isinstance(library, str):
            return self.system.of_library(library, bind.symbol, weak=bind.weak_import)
        elif library is None:
            return 0
        else:
            address = self._exported(library, bind.symbol)
        if address is None and bind.lazy and bind.ordinal == FLAT:  # missed when it is called
            return self.system.trap(bind.symbol)
        if address is None and not bind.weak_import:
            expected = library.path if isinstance(library, Image) else "flat namespace"
            raise SymbolNotFound(
                f"Symbol not found: {bind.symbol}\n  Referenced from: {image.path}\n  Expected in: {expected}"
            )
        return address or 0

    def _flat(self, symbol: str) -> int | None:
        for image in self.images:
            if symbol in image.exports:
                return self._exported(image, symbol)
        return self.system.of_process(symbol)

    def _exported(self, image: Image, symbol: str) -> int | None:
        found = image.exports.get(symbol)
        if found is not None and not found.ordinal:
            return image.start + found.address
        if found is not None:
            library = image.libraries[found.ordinal - 1]
            if isinstance(library, str):
                return self.system.of_library(library, found.name, weak=True)
            return None if library is None else self._exported(library, found.name)
        for (kind, _), library in zip(image.parsed.libraries, image.libraries, strict=True):
            if kind == "reexport" and isinstance(library, Image):
                address = self._exported(library, symbol)
                if address is not None:
                    return address
        return None

    def _initialise(self, image: Image) -> None:
        if image.start in self._initialised:
            return
        self._initialised.add(image.start)
        for library in image.libraries:
            if isinstance(library, Image):
                self._initialise(library)
        arguments = (0, None, None, None, None)  # argc, argv, envp, apple, program variables
        types = (ctypes.c_int, *[ctypes.c_void_p] * 4)
        for address in image.initialisers():
            ctypes.CFUNCTYPE(None, *types)(address)(*arguments)

    def address_of(self, image: Image, name: str) -> int:
        """Return the address of an exported symbol; `name` is as in C, without the underscore in front."""
        address = self._exported(image, f"_{name}")
        if address is None:
            raise SymbolNotFound(f"dlsym({image.path}, {name}): symbol not found")
        return address

    def run(self, path: Path, arguments: Sequence[str]) -> int:
        """Run a program's main function and return what it returns."""
        program = self.open(path)
        assert program.parsed.entry is not None, f"{path} is not a program"
        words = (ctypes.c_char_p * (len(arguments) + 2))(os.fsencode(path), *map(os.fsencode, arguments), None)
        main = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)(program.start + program.parsed.entry)
        code = main(len(arguments) + 1, ctypes.cast(words, ctypes.c_void_p))
        ctypes.CDLL(None).fflush(None)
        return int(code)


def _of(kind: type, image: Image) -> list[Any]:
    return [fixup for fixup in macho_chains.fixups(image.parsed) if isinstance(fixup, kind)]


def _reason(error: NotLoadable | OSError) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else str(error)


class ExtensionLoader:
    """Imports a Python extension module from a Mach-O file."""

    def __init__(self, dyld: Dyld, path: Path) -> None:
        """Remember what to load when the module is created."""
        self.dyld = dyld
        self.path = path

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Load the file and call its init function, as CPython's import does."""
        image = self.dyld.open(self.path)
        address = self.dyld.address_of(image, f"PyInit_{spec.name.rpartition('.')[2]}")
        made = ctypes.PYFUNCTYPE(ctypes.c_void_p)(address)()
        if not made:
            raise SystemError(f"initialization of {spec.name} returned nothing")
        api = ctypes.pythonapi
        (kind,) = struct.unpack("<Q", ctypes.string_at(made + 8, 8))
        if kind == ctypes.addressof(ctypes.c_char.in_dll(api, "PyModuleDef_Type")):
            from_definition = api.PyModule_FromDefAndSpec2
            from_definition.argtypes = (ctypes.c_void_p, ctypes.py_object, ctypes.c_int)
            from_definition.restype = ctypes.py_object
            module: ModuleType = from_definition(made, spec, 1013)
        else:
            module = ctypes.cast(made, ctypes.py_object).value
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run the slots of a module with several phases; does nothing for others."""
        api = ctypes.pythonapi
        api.PyModule_GetDef.argtypes = (ctypes.py_object,)
        api.PyModule_GetDef.restype = ctypes.c_void_p
        api.PyModule_GetState.argtypes = (ctypes.py_object,)
        api.PyModule_GetState.restype = ctypes.c_void_p
        api.PyModule_ExecDef.argtypes = (ctypes.py_object, ctypes.c_void_p)
        definition = api.PyModule_GetDef(module)
        if definition and not api.PyModule_GetState(module):
            api.PyModule_ExecDef(module, definition)


class ExtensionFinder:
    """Finds extension modules for macOS beside Python modules, by the suffixes of CPython for macOS."""

    def __init__(self, dyld: Dyld) -> None:
        """Load into `dyld`."""
        self.dyld = dyld

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for a Mach-O file, None for all else."""
        major, minor = sys.version_info[:2]
        for folder in sys.path if path is None else path:
            for suffix in (f".cpython-{major}{minor}-darwin.so", ".abi3.so", ".so"):
                file = Path(folder) / f"{name.rpartition('.')[2]}{suffix}"
                if file.is_file() and is_macho(file):
                    loader: Any = ExtensionLoader(self.dyld, file)
                    return importlib.util.spec_from_file_location(name, file, loader=loader)
        return None


def is_macho(path: Path) -> bool:
    """Whether a file starts like a 64-bit or fat Mach-O file."""
    with path.open("rb") as file:
        return file.read(4) in (bytes.fromhex(magic) for magic in ("cffaedfe", "cafebabe", "cafebabf", "cefaedfe"))


def install() -> Dyld:
    """Let `import` find extension modules for macOS from now on."""
    dyld = Dyld()
    finder: Any = ExtensionFinder(dyld)
    sys.meta_path.insert(0, finder)
    return dyld
