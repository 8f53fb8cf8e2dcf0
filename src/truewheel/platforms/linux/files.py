"""Rules that hold for every family: what one file asks of a machine, an interpreter and the libraries of a system.

The Python rules follow PEP 513, which PEP 571, 599 and 600 keep and PEP 656 shares: a wheel for a Python that had two
Unicode builds must say in its ABI tag which one it needs, and must not need a Python built `--with-fpectl`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truewheel.analyzer.elf.image import ImageKind
from truewheel.analyzer.elf.machine import title
from truewheel.analyzer.elf.system_names import own_libc
from truewheel.archive.layout import Scheme
from truewheel.platforms.linux.finding import Finding
from truewheel.platforms.verdict import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.graph import Node
    from truewheel.platforms.linux.policies import PolicyFacts

_PYFPE = frozenset({"PyFPE_jbuf", "PyFPE_dummy", "PyFPE_counter"})
_UNICODE_BUILDS = {"": "2", "u": "4"}
"""By the mark in the ABI tag, the bytes of a character; functions of that build are called `PyUnicodeUCS2_...`."""
_TWO_UNICODE_BUILDS = re.compile(r"cp(?:2\d|3[0-2])d?m?(u?)")
"""The ABI tags of CPython 2.x and 3.0 to 3.2; `u` marks the build with UCS-4."""
_PYTHON_API = ("Py", "_Py")


def file_findings(analysis: Analysis, node: Node, facts: PolicyFacts, system: Mapping[str, int]) -> Iterator[Finding]:
    """Yield what stands against policies because of what the file itself is.

    system: by needed name, the first policy under which the system serves it.
    """
    for reason in _against_all(analysis, node, facts):
        yield Finding(0, facts.never, reason)
    yield from _forbidden_symbols(node, facts, system)


def _against_all(analysis: Analysis, node: Node, facts: PolicyFacts) -> Iterator[Reason]:
    """Yield the reasons that no policy of the family is free of."""
    name, image = node.name, node.image
    if image.architecture != facts.architecture:
        detail = f"is machine code for {title(image.architecture)}, not for {facts.architecture}"
        yield Reason(Rule.ARCHITECTURE, name, detail)
    if image.isa_level > 1:
        yield Reason(Rule.ISA_LEVEL, name, f"needs a processor of level x86-64-v{image.isa_level} or newer")
    yield from _libc(analysis, node, facts)
    for symbol in sorted(image.imports & _PYFPE):
        detail = f"needs {symbol}, which only a Python built --with-fpectl has"
        yield Reason(Rule.PYFPE, name, detail, symbol=symbol)
    yield from _unicode_build(analysis, node)
    if node.in_wheel:
        yield from _purelib(analysis, name)
        yield from _undefined(analysis, node)


def _libc(analysis: Analysis, node: Node, facts: PolicyFacts) -> Iterator[Reason]:
    """Yield a reason when the file needs another C library than the family's, or does not tell which."""
    own = own_libc(node.image)
    if own is not None and own is not facts.libc:
        yield Reason(Rule.LIBC, node.name, f"is linked against {own.value}, not against {facts.libc.value}")
    elif own is None and analysis.libc is None and node.image.dynamic:
        # What its other libraries may give it cannot be told apart here, so every name counts.
        unknown = [name for name in node.image.unversioned_imports if not name.startswith(_PYTHON_API)]
        if unknown:
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            detail = f"does not tell which C library gives it {unknown[0]}{more}"
            yield Reason(Rule.LIBC, node.name, detail, symbol=unknown[0])


def _unicode_build(analysis: Analysis, node: Node) -> Iterator[Reason]:
    """Yield a reason when the file needs a Unicode build of Python that the wheel's ABI tags do not name."""
    yield from wrong_unicode_builds(node.name, node.image.imports, analysis.name.abi)


def wrong_unicode_builds(
    file: str, imports: Iterable[str], abis: Sequence[str], *, all_narrow: bool = False
) -> Iterator[Reason]:
    """Yield a reason for each Unicode build of Python that imported names ask for and the ABI tags do not name.

    all_narrow: whether the system has builds with UCS-2 alone, as Windows does, so that an ABI tag need not say so.
    """
    builds = [_TWO_UNICODE_BUILDS.fullmatch(abi) for abi in abis]
    for mark, size in _UNICODE_BUILDS.items():
        prefix = f"PyUnicodeUCS{size}_"
        names = [name for name in imports if name.startswith(prefix)]
        if names and not all(build[1] == mark if build else all_narrow and not mark for build in builds):
            detail = f"needs a Python with UCS-{size} strings, which the ABI tag {'.'.join(abis)} does not promise"
            yield Reason(Rule.UCS, file, detail, symbol=min(names))


def _purelib(analysis: Analysis, name: str) -> Iterator[Reason]:
    """Yield a reason when an installer puts the file where only pure Python belongs.

    A wheel whose root is purelib is mended by saying `Root-Is-Purelib: false`, which moves nothing on most systems.
    A file that the wheel itself sorted into its purelib folder is not moved.
    """
    place = analysis.installed.get(name)
    if place is None or place.scheme is not Scheme.PURELIB:
        return
    if name == str(place.path):
        detail = "is machine code in a wheel that calls itself pure (Root-Is-Purelib: true)"
        yield Reason(Rule.PURELIB, name, detail, mendable=True)
    else:
        yield Reason(Rule.PURELIB, name, "is machine code in the folder for pure Python (purelib)")


def _undefined(analysis: Analysis, node: Node) -> Iterator[Reason]:
    """Yield a reason for an extension module with symbols that nothing can give it.

    Only for extension modules: the interpreter loads them each on its own, so what they need must come with them. A
    plain library may count on what the file that needs it has loaded before.
    """
    if not node.image.python_inits:
        return
    for symbol in analysis.unprovided.get(node.name, ()):
        yield Reason(Rule.UNDEFINED_SYMBOL, node.name, f"needs {symbol}, which no library gives it", symbol=symbol)


def _forbidden_symbols(node: Node, facts: PolicyFacts, system: Mapping[str, int]) -> Iterator[Finding]:
    """Yield the symbols that the file takes from a library of the system although not every such library has them."""
    for library, start in system.items():
        symbols = facts.forbidden.get(library)
        if symbols is None:
            continue
        for symbol in sorted(node.image.imports & symbols.keys()):
            stop = symbols[symbol]
            if start < stop:
                detail = f"needs {symbol}, which not every {library} has"
                oldest = facts.name_at(stop)
                reason = Reason(Rule.FORBIDDEN_SYMBOL, node.name, detail, library, symbol, oldest=oldest)
                yield Finding(start, stop, reason)


def stack_matters(node: Node) -> bool:
    """Whether the file is loaded into a running process and asks for an executable stack."""
    return node.image.executable_stack and node.image.kind is ImageKind.SHARED_LIBRARY
