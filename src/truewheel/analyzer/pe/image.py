"""What is known of one PE file (a program or library of Windows)."""

from __future__ import annotations

from typing import NamedTuple


class DllUse(NamedTuple):
    """One DLL that a file names.

    name: as written. names: what it wants of it by name, in order; what it wants by number is left out.
    delayed: whether Windows looks for it when something of it is first called, and not when the file is loaded.
    """

    name: str
    names: tuple[str, ...]
    delayed: bool = False

    @property
    def key(self) -> str:
        """The name as Windows compares it: in lower case, with `.dll` where it has no ending."""
        lower = self.name.lower()
        return lower if "." in lower else f"{lower}.dll"


class PeFile(NamedTuple):
    """One PE file.

    machine: the number of the COFF header. wide: whether it is of 64 bits (PE32+). is_dll: a library, not a program.
    dot_net: whether it is code of .NET. uses: the DLLs that it names, in order.
    """

    machine: int
    wide: bool
    is_dll: bool
    dot_net: bool
    uses: tuple[DllUse, ...]
