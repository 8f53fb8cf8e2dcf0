"""Which formats of machine code the extension modules of a wheel have.

A wheel is for the systems that its modules are for. What else lies in it, a launcher for Windows or a library for Macs
among modules for Linux, makes it no wheel for those.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from truewheel.retagger.names_platforms import system_named
from truewheel.retagger.names_truth import MODULE_SUFFIXES, modules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.archive.reader import WheelReader
    from truewheel.retagger.windows_code import WindowsFile

_WEB_ASSEMBLY = b"\0asm"


class Format(Enum):
    """A format of machine code; the value is the systems that load it."""

    ELF = ("Linux", "Android")
    MACHO = ("macOS", "iOS", "the iOS simulator")
    PE = ("Windows",)
    WEB_ASSEMBLY = ("WebAssembly",)

    @property
    def title(self) -> str:
        """The system that is named in a sentence."""
        systems: tuple[str, ...] = self.value
        return systems[0]


def format_of_tag(tag: str) -> Format | None:
    """Return the format of code for a platform tag; None for `any` and for systems that are not known here."""
    system = system_named(tag)
    return next((each for each in Format if system in each.value), None)


def is_web_module(name: str, head: bytes) -> bool:
    """Whether a member is an extension module for WebAssembly; other such files are data, which web pages load."""
    return head.startswith(_WEB_ASSEMBLY) and name.endswith(MODULE_SUFFIXES)


def web_modules(reader: WheelReader) -> tuple[str, ...]:
    """Return the extension modules for WebAssembly."""
    names = (name for name in reader.files() if name.endswith(MODULE_SUFFIXES))
    return tuple(name for name in names if is_web_module(name, reader.head(name, len(_WEB_ASSEMBLY))))


def module_formats(
    linux: Analysis, macos: MachoAnalysis, windows: Iterable[WindowsFile], web: Iterable[str]
) -> frozenset[Format]:
    """Return the formats of the extension modules, which are known by their names or by their init functions."""
    return frozenset(_formats(linux, macos, windows, web))


def _formats(
    linux: Analysis, macos: MachoAnalysis, windows: Iterable[WindowsFile], web: Iterable[str]
) -> Iterator[Format]:
    elf = {node.name: bool(node.image.python_inits) for node in linux.graph.members()}
    macho = {node.name: node.name in macos.modules for node in macos.graph.members()}
    for each, members in ((Format.ELF, elf), (Format.MACHO, macho)):
        if any(members.values()) or _any_named(members):
            yield each
    if any(file.is_module for file in windows):
        yield Format.PE
    if any(web):
        yield Format.WEB_ASSEMBLY


def _any_named(members: Iterable[str]) -> bool:
    return any(ending is not None for files in modules(members).values() for _, ending in files)
