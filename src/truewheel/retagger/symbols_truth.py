"""What the symbols of machine code say about Python and ABI tags, where the names of modules do not tell.

From which Python on code for the stable ABI runs (PEP 384, PEP 803), which Unicode build of Python 2 it is for, and
which Python's library a module of Windows is linked to.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

from truewheel.platforms.verdict import Reason, Rule
from truewheel.retagger.names_truth import says_anything
from truewheel.retagger.stable_abi import STABLE, Code, faults, python_uses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truewheel.archive.reader import WheelReader
    from truewheel.retagger.windows_code import WindowsFile
    from truewheel.retagger.windows_imports import WindowsUses

Pair = tuple[str, str]

_CPYTHON = re.compile(r"cp(\d)(\d+)")
_WINDOWS = ".pyd"
_PYTHON_2 = re.compile(r".*-cp2\d+d?mu?|cp2\d+-none")


def told_by_symbols(reader: WheelReader, pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """Return those pairs of a Python and an ABI tag that symbols decide and the wheel's own do not imply."""
    windows = any(name.endswith(_WINDOWS) for name in reader.entries)
    own = [(python, abi) for python, abi in product(reader.name.python, reader.name.abi) if abi in STABLE]
    return tuple(
        (python, abi)
        for python, abi in pairs
        if _PYTHON_2.fullmatch(f"{python}-{abi}")
        or (windows and abi not in STABLE)
        or (abi in STABLE and not any(abi == other and _version(python) >= _version(since) for since, other in own))
    )


def symbol_reasons(reader: WheelReader, pairs: Iterable[Pair]) -> Mapping[Pair, tuple[Reason, ...]]:
    """Return what symbols say against each of the pairs that `told_by_symbols` gave; empty when no file can be read.

    Raises InvalidBinaryError for a damaged file.
    """
    wanted = tuple(pairs)
    if not wanted:
        return {}
    code = _code(reader)
    if not any(python_uses(code)):
        return {}
    # A module of Windows that is linked to no library of Python leaves all to its name.
    linked = not code.windows or any(file.pythons for file in code.windows) or says_anything(reader)
    return {pair: _against(code, *pair) for pair in wanted if linked or pair[1] in STABLE}


def _code(reader: WheelReader) -> Code:
    from truewheel.analyzer.elf.analyze import analyze
    from truewheel.analyzer.macho.analyze import analyze_macho
    from truewheel.analyzer.search_options import SearchOptions
    from truewheel.retagger.windows_code import windows_code

    inside = SearchOptions(system=False)
    windows = windows_code(reader, reader.files())
    return Code(reader, analyze(reader, inside), analyze_macho(reader, inside), _windows_uses(reader, windows))


def _windows_uses(reader: WheelReader, files: tuple[WindowsFile, ...]) -> tuple[WindowsUses, ...]:
    if not files:
        return ()
    from truewheel.retagger.windows_imports import windows_uses

    return windows_uses(reader, files)


def _against(code: Code, python: str, abi: str) -> tuple[Reason, ...]:
    from truewheel.platforms.linux.files import wrong_unicode_builds

    if abi in STABLE:
        found = faults(code, {abi: _version(python)})
        return tuple(Reason(Rule.PYTHON, fault.member, fault.problem) for fault in found)
    windows = {file.member for file in code.windows}
    unicode = (
        reason
        for each in python_uses(code)
        for reason in wrong_unicode_builds(each.member, each.names, (abi,), all_narrow=each.member in windows)
    )
    return (*unicode, *_by_dlls(code, python, abi))


def _by_dlls(code: Code, python: str, abi: str) -> tuple[Reason, ...]:
    if not code.windows:
        return ()
    from truewheel.retagger.python_dlls import dll_reasons

    return dll_reasons(code.windows, python, abi)


def _version(python: str) -> tuple[int, int]:
    match = _CPYTHON.fullmatch(python)
    return (int(match[1]), int(match[2])) if match else (3, 2)
