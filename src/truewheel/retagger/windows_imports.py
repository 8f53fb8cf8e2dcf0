"""Which DLLs the Windows files of a wheel want, and of whom they want Python's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.pe.exports import exported_names
from truewheel.analyzer.pe.imports import dll_uses
from truewheel.retagger.python_dlls import python_dll

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truewheel.analyzer.pe.imports import DllUse
    from truewheel.archive.reader import WheelReader
    from truewheel.retagger.python_dlls import PythonDll
    from truewheel.retagger.windows_code import WindowsFile


class WindowsUses(NamedTuple):
    """What one Windows file wants of others.

    is_module: whether Python imports it. exports: the names that it gives, for modules alone.
    """

    member: str
    is_module: bool
    dlls: tuple[DllUse, ...]
    exports: tuple[str, ...] = ()

    @property
    def pythons(self) -> tuple[PythonDll, ...]:
        """The libraries of Python that it is linked to, in order."""
        return tuple(found for use in self.dlls if (found := python_dll(use.key)))

    @property
    def python_names(self) -> frozenset[str]:
        """The names that it wants of these."""
        return frozenset(name for use in self.dlls if python_dll(use.key) for name in use.names)


def windows_uses(reader: WheelReader, files: Iterable[WindowsFile]) -> tuple[WindowsUses, ...]:
    """Return what each Windows file of a wheel wants; raises InvalidBinaryError for a damaged one."""
    return tuple(_uses(reader, file) for file in files)


def _uses(reader: WheelReader, file: WindowsFile) -> WindowsUses:
    data = reader.view(file.member)
    exports = exported_names(data, file.member) if file.is_module else ()
    return WindowsUses(file.member, file.is_module, dll_uses(data, file.member), exports)
