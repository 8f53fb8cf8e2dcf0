"""Programs and libraries for several machines in one wheel, of which the package takes the fitting one when it runs.

Such a wheel is called `any` for a reason that no machine code proves or contradicts. It has no extension module,
because those are loaded by name, and nothing that an installer makes a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.macho.analysis import MachoAnalysis
    from truewheel.archive.reader import WheelReader
    from truewheel.retagger.windows_code import WindowsFile

_ANY = "any"


def machines_side_by_side(
    reader: WheelReader, linux: Analysis, macos: MachoAnalysis, windows: Iterable[WindowsFile]
) -> tuple[str, ...]:
    """Return the systems and processors that a wheel called `any` has code for; nothing unless there are several.

    Nothing either for code of Windows alone, of which `windows_code` tells. The caller makes sure that there are no
    extension modules. windows: all files of Windows, for whatever machine.
    """
    windows = tuple(windows)
    elf, macho = [*linux.graph.members()], [*macos.graph.members()]
    members = [*(node.name for node in elf), *(node.name for node in macho), *(file.member for file in windows)]
    if (
        not (elf or macho)
        or _ANY not in reader.name.platform
        or any(name.startswith(f"{reader.data_dir}/scripts/") for name in members)
    ):
        return ()
    slices = [frozenset(item.architecture for item in node.file.slices) for node in macho]
    machines = {
        "Linux": {node.image.architecture for node in elf},
        "macOS": frozenset[str]().union(*slices),
        "Windows": {file.tag or "an unknown machine" for file in windows},
    }
    fat = 1 if slices and frozenset.intersection(*slices) else len(machines["macOS"])
    if len(machines["Linux"]) + fat + len(machines["Windows"]) <= 1:
        return ()
    return tuple(f"{system} ({', '.join(sorted(names))})" for system, names in machines.items() if names)
