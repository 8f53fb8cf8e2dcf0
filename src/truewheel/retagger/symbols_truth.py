"""What the symbols of machine code say about Python and ABI tags, where the names of modules do not tell.

From which Python on code for the stable ABI runs (PEP 384, PEP 803), and which Unicode build of Python 2 it is for.
Files of Windows are not read.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

from truewheel.platforms.verdict import Reason, Rule
from truewheel.retagger.stable_abi import STABLE, Code, faults, python_uses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truewheel.archive.reader import WheelReader

Pair = tuple[str, str]

_CPYTHON = re.compile(r"cp(\d)(\d+)")
_PYTHON_2 = re.compile(r"cp2\d+d?mu?")


def told_by_symbols(reader: WheelReader, pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """Return those pairs of a Python and an ABI tag that symbols decide and the wheel's own do not imply."""
    own = [(python, abi) for python, abi in product(reader.name.python, reader.name.abi) if abi in STABLE]
    return tuple(
        (python, abi)
        for python, abi in pairs
        if _PYTHON_2.fullmatch(abi)
        or (abi in STABLE and not any(abi == other and _version(python) >= _version(since) for since, other in own))
    )


def symbol_reasons(reader: WheelReader, pairs: Iterable[Pair]) -> Mapping[Pair, tuple[Reason, ...]]:
    """Return what symbols say against each of the pairs that `told_by_symbols` gave; empty when no file can be read.

    Raises InvalidBinaryError for a damaged file.
    """
    from truewheel.analyzer.elf.analyze import analyze
    from truewheel.analyzer.macho.analyze import analyze_macho
    from truewheel.analyzer.search_options import SearchOptions

    wanted = tuple(pairs)
    if not wanted:
        return {}
    inside = SearchOptions(system=False)
    code = Code(reader, analyze(reader, inside), analyze_macho(reader, inside))
    if not any(python_uses(code)):
        return {}
    return {pair: _against(code, *pair) for pair in wanted}


def _against(code: Code, python: str, abi: str) -> tuple[Reason, ...]:
    from truewheel.platforms.linux.files import wrong_unicode_builds

    if abi in STABLE:
        found = faults(code, {abi: _version(python)})
        return tuple(Reason(Rule.PYTHON, fault.member, fault.problem) for fault in found)
    uses = python_uses(code)
    return tuple(reason for each in uses for reason in wrong_unicode_builds(each.member, each.names, (abi,)))


def _version(python: str) -> tuple[int, int]:
    match = _CPYTHON.fullmatch(python)
    return (int(match[1]), int(match[2])) if match else (3, 2)
