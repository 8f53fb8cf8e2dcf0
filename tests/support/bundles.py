"""Plans of bundles for graphs made by hand; only the libraries that come along are real files, of any content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.analyses import Built, image
from truewheel.bundler.bundle_options import BundleOptions
from truewheel.bundler.elf.planning import plan_bundle
from truewheel.platforms.verdict import Policy

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.analyzer.elf.image import Image
    from truewheel.bundler.elf.planning import Bundle
    from truewheel.bundler.plan import ElfEdit

POLICY = Policy("manylinux_2_17", "x86_64", ("manylinux2014",))
DATA_DIR = "demo-1.0.data"
MODULE = "demo/_x.abi3.so"


class Libraries:
    """Adds libraries outside the wheel to a graph in the making."""

    def __init__(self, built: Built, folder: Path) -> None:
        """Keep where the files are to lie."""
        self.built = built
        self.folder = folder

    def add(self, path: str, content: Image | None = None, data: bytes | None = None) -> str:
        """Write a library of this content, by default all its own; return the name of its node."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(path.encode() if data is None else data)
        self.built.file(str(file), content or image(soname=file.name))
        return str(file)


def planned(
    built: Built | Analysis,
    *,
    present: Collection[str] = (),
    included: tuple[str, ...] = (),
    **choices: object,
) -> Bundle:
    """Return the bundle; `choices` are those of BundleOptions."""
    analysis = built.analysis() if isinstance(built, Built) else built
    options = BundleOptions(**choices)  # type: ignore[arg-type]  # a test's own keywords
    return plan_bundle(analysis._replace(included=included), DATA_DIR, POLICY, options, present=present)


def edit_of(bundle: Bundle, member: str) -> ElfEdit:
    """Return the one edit of a member of the new wheel."""
    (edit,) = (each for each in bundle.edits if each.member == member)
    return edit


def members(bundle: Bundle) -> list[str]:
    """Return where the libraries go."""
    return [copy.member for copy in bundle.libraries]
