"""Frameworks: a library in a folder of its own, with resources that it opens at run time.

A framework comes along only when its library is all that it needs. Half of one would load and then fail in its user's
hands. The layout is that of Apple's Framework Programming Guide ("Anatomy of Framework Bundles").
"""

from __future__ import annotations

from pathlib import Path

from truewheel.errors import RefusedError

_HARMLESS = frozenset({"_CodeSignature", "Headers", "PrivateHeaders", "Modules", "Resources", "Versions"})
"""What building and signing need, or what is looked into on its own."""
_HARMLESS_RESOURCES = frozenset({"Info.plist", "version.plist", "PrivacyInfo.xcprivacy"})
_SHOWN = 3


def require_plain(library: str) -> None:
    """Raise RefusedError when a library outside the wheel is part of a framework with resources.

    library: its absolute path, symbolic links resolved; a library that is in no framework is always plain.
    """
    path = Path(library)
    top = next((each for each in path.parents if each.name.endswith(".framework")), None)
    if top is None:
        return
    rest = _more_than(path.name, path.parent)
    if top != path.parent:
        # Above a version there are links into the present one; what is no link belongs to every version.
        rest += [name for name in _more_than(path.name, top) if not (top / name).is_symlink()]
    if rest:
        shown = ", ".join(sorted(rest)[:_SHOWN]) + (" ..." if len(rest) > _SHOWN else "")
        raise RefusedError(
            f"is a framework with resources ({shown}), which its library opens where the framework lies",
            where=library,
            hint="ship the framework by other means and leave it out with --exclude, or link against a plain library",
        )


def _more_than(library: str, folder: Path) -> list[str]:
    """Return what a folder of a framework holds besides its library and what building and signing need."""
    names = [each.name for each in folder.iterdir()]
    rest = [each for each in names if each not in _HARMLESS and each != library and not each.endswith(".tbd")]
    resources = folder / "Resources"
    if resources.is_dir() and not resources.is_symlink():
        rest += [each.name for each in resources.iterdir() if each.name not in _HARMLESS_RESOURCES]
    return rest
