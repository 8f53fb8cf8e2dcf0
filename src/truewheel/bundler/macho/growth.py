"""How much the load commands of a slice grow by an edit, reckoned before the file is opened for it.

Sizes are those of `dylib_command` and `rpath_command` in Apple's `mach-o/loader.h`: a fixed part, a string with its
closing zero, and zeros up to a multiple of 8 bytes (4 in 32-bit files).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truewheel.analyzer.macho.image import Slice
    from truewheel.bundler.plan import SliceEdit

_DYLIB = 24
_RPATH = 12
_SIGNATURE = 16


def growth(item: Slice, edit: SliceEdit) -> int:
    """Return by how many bytes the load commands of a slice grow; negative when they shrink."""
    alignment = item.bits // 8

    def size(fixed: int, text: str) -> int:
        plain = fixed + len(text.encode()) + 1
        return plain + -plain % alignment

    renames = dict(edit.rename)
    names = [use.name for use in item.dependencies]
    grown = sum(size(_DYLIB, renames[name]) - size(_DYLIB, name) for name in names if name in renames)
    grown -= sum(size(_DYLIB, name) for name in names if name in edit.remove)
    if edit.install_name is not None and item.install_name is not None:
        grown += size(_DYLIB, edit.install_name) - size(_DYLIB, item.install_name)
    grown -= sum(size(_RPATH, path) for path in item.rpaths if path in edit.delete_rpaths)
    grown += sum(size(_RPATH, path) for path in edit.add_rpaths)
    unsigned = not item.has_signature and item.architecture.startswith("arm64")
    return grown + (_SIGNATURE if unsigned else 0)
