"""Windows libraries and programs in a wheel, and which of them say for which machine it is.

The COFF header names the machine, and a data directory of its own marks code of .NET, which is for any machine. Windows
tags promise no version, so the machine is all that there is to prove of them; `windows_imports` tells which DLLs a file
wants, and `python_dlls` what these say of Python and ABI tags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truewheel.analyzer.other_formats import is_windows
from truewheel.analyzer.pe.layout import read_header
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truewheel.archive.reader import WheelReader

_TAGS = {0x014C: "win32", 0x8664: "win_amd64", 0xAA64: "win_arm64", 0x01C4: "win_arm32"}
_HEAD = 0x400
"""More than a PE header has before its sections."""
_MODULE = ".pyd"


class WindowsFile(NamedTuple):
    """A member that is machine code for Windows. tag: the platform tag of its machine; empty for an unknown one."""

    member: str
    tag: str

    @property
    def is_module(self) -> bool:
        """Whether Python imports it."""
        return self.member.endswith(_MODULE)


def windows_code(reader: WheelReader, names: Iterable[str]) -> tuple[WindowsFile, ...]:
    """Return those of the members `names` that are machine code for Windows and make the wheel one for Windows.

    Not those that are for every machine: code of .NET, and files that come for several machines, of which the package
    takes the fitting one when it runs (the launchers that pip and setuptools carry in their `py3-none-any` wheels).
    Extension modules, and what becomes a command, always count; of the others, those for the one machine of the tags.
    """
    found = [file for name in names if (file := _windows_file(reader, name)) is not None]
    scripts = f"{reader.data_dir}/scripts/"
    chosen_at_run_time = [file for file in found if not (file.is_module or file.member.startswith(scripts))]
    if len({file.tag for file in chosen_at_run_time}) > 1:
        own = {tag for tag in reader.name.platform if tag in _TAGS.values()}
        kept = own if len(own) == 1 else set()
        found = [file for file in found if file not in chosen_at_run_time or file.tag in kept]
    return tuple(found)


def _windows_file(reader: WheelReader, name: str) -> WindowsFile | None:
    """Return what a member is for; None for what is no Windows file, or one of .NET."""
    if not is_windows(reader, name, reader.head(name, 2)):
        return None
    start = int.from_bytes(reader.head(name, 0x40)[0x3C:], "little")
    try:
        header = read_header(reader.head(name, start + _HEAD), name)
    except InvalidBinaryError:
        return WindowsFile(name, "")
    return None if header.is_dot_net else WindowsFile(name, _TAGS.get(header.machine, ""))
