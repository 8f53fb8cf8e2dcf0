"""The names of the functions by which Python initializes an extension module, of whatever file format.

PEP 3121 and PEP 489 (`PyInit_`, `PyInitU_`), PEP 793 (`PyModExport_`), cffi's entry point for PyPy, and Python 2's
`init`.
"""

from __future__ import annotations

PREFIXES = (b"PyInit_", b"PyInitU_", b"PyModExport_", b"PyModExportU_", b"_cffi_pypyinit_")
"""How they start, whatever the module; Python 2's `init` starts many other names too."""


def names_for(where: str) -> frozenset[bytes]:
    """Return the names that an interpreter looks for in the file `where`: those with its name up to the first dot."""
    module = where.rpartition("/")[2].partition(".")[0]
    if not module.isascii():
        encoded = module.encode("punycode", "replace").replace(b"-", b"_")
        return frozenset({b"PyInitU_" + encoded, b"PyModExportU_" + encoded})
    starts = (b"PyInit_", b"PyModExport_", b"_cffi_pypyinit_", b"init") if module else ()
    return frozenset(start + module.encode() for start in starts)
