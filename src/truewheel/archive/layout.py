"""Where a member of a wheel lands once it is installed.

Follows the PyPA binary distribution format ("Installing a wheel"): the root goes to platlib or purelib as
`Root-Is-Purelib` says, and each `{data}/{key}/` folder goes to the installation scheme of that key. Where one scheme
lies relative to another is not known: it differs between virtual environments, `--target`, `--user` and systems.
"""

from __future__ import annotations

from enum import Enum
from pathlib import PurePosixPath
from posixpath import relpath
from typing import NamedTuple

_DATA_PARTS = 3


class Scheme(Enum):
    """An installation scheme; the value is the key's name in the wheel's data folder."""

    PLATLIB = "platlib"
    PURELIB = "purelib"
    SCRIPTS = "scripts"
    DATA = "data"
    HEADERS = "headers"


_SCHEMES = {scheme.value: scheme for scheme in Scheme}


class InstalledPath(NamedTuple):
    """A place below the root of one installation scheme."""

    scheme: Scheme
    path: PurePosixPath


def installed_path(member: str, data_dir: str, *, root_is_purelib: bool) -> InstalledPath | None:
    """Return where `member` lands, or None when no installer puts it anywhere.

    That is so for folders, for a file directly in the data folder, and for an unknown key in it. Installers fail on an
    unknown key instead of skipping it; the caller decides whether such a wheel is worth refusing.

    data_dir: the name of the wheel's data folder, `foo-1.0.data`.
    """
    if member.endswith("/"):
        return None
    if not member.startswith(f"{data_dir}/"):
        root = Scheme.PURELIB if root_is_purelib else Scheme.PLATLIB
        return InstalledPath(root, PurePosixPath(member))
    parts = member.split("/", _DATA_PARTS - 1)
    scheme = _SCHEMES.get(parts[1])
    if scheme is None or len(parts) < _DATA_PARTS:
        return None
    return InstalledPath(scheme, PurePosixPath(parts[2]))


def relative(start_dir: InstalledPath, to: InstalledPath) -> str | None:
    """Return the path from the folder `start_dir` to `to`, with `..` where needed; None across two schemes.

    `.` when they are the same place.
    """
    if start_dir.scheme is not to.scheme:
        return None
    return relpath(f"/{to.path}", f"/{start_dir.path}")
