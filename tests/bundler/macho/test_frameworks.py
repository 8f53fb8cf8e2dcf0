from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from truewheel.bundler.macho.frameworks import require_plain
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Return the library of a framework that has nothing else."""
    folder = tmp_path / "SDL2.framework/Versions/A"
    (folder / "Resources").mkdir(parents=True)
    (folder / "Headers").mkdir()
    (folder / "Resources/Info.plist").touch()
    (folder / "SDL2").touch()
    return folder / "SDL2"


def test_a_library_in_no_framework_is_plain() -> None:
    require_plain("/opt/homebrew/lib/libpq.5.dylib")


def test_a_framework_of_one_library_is_plain(library: Path) -> None:
    require_plain(str(library))


@pytest.mark.parametrize("rest", ["Resources/icons.car", "Helpers", "Resources/en.lproj"])
def test_a_framework_with_more_to_it_is_refused(library: Path, rest: str) -> None:
    (library.parent / rest).touch()
    with pytest.raises(RefusedError, match=rest.rpartition("/")[2]) as refused:
        require_plain(str(library))
    assert refused.value.where == str(library)


def test_of_many_resources_a_few_are_named(library: Path) -> None:
    for name in "abcde":
        (library.parent / "Resources" / name).touch()
    with pytest.raises(RefusedError, match=r"\(a, b, c \.\.\.\)"):
        require_plain(str(library))
