"""Images made by hand, for tests of what is concluded from them."""

from __future__ import annotations

from truewheel.analyzer.elf.image import Dependency, Image, ImageKind
from truewheel.analyzer.elf.resolve import Member


def image(  # noqa: PLR0913 - one argument for each fact that a test may want
    *needed: str,
    soname: str | None = None,
    rpath: tuple[str, ...] = (),
    runpath: tuple[str, ...] = (),
    architecture: str = "x86_64",
    interpreter: str | None = None,
    wants: tuple[str, ...] = (),
    kind: ImageKind = ImageKind.SHARED_LIBRARY,
    module: bool = False,
) -> Image:
    """Return an image of a little-endian 64-bit file that needs `needed` and wants the symbols `wants`."""
    return Image(
        architecture=architecture,
        kind=kind,
        bits=64,
        byte_order="little",
        dynamic=True,
        soname=soname,
        needed=tuple(Dependency(name) for name in needed),
        rpath=rpath,
        runpath=runpath,
        interpreter=interpreter,
        imports=frozenset(wants),
        unversioned_imports=tuple(sorted(wants)),
        python_inits=("PyInit_it",) if module else (),
    )


def member(name: str, content: Image) -> Member:
    """Return a member of that name, installed below platlib."""
    return Member(name, content, 1000, f"wheel:platlib/{name}")
