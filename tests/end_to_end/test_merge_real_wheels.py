"""Published wheels for each architecture, merged and taken apart; lipo, LIEF and the oracle of signatures judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lief
import pytest

from support.mac_names import is_macho, require_sound, slices
from support.mac_repairs import contents
from support.mac_wheels import fetched
from support.programs import need, run
from truewheel.errors import RefusedError
from truewheel.merge import merge_wheels
from truewheel.merge.options import MergeOptions
from truewheel.thin import thin_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.merge import Merged

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ARCHITECTURES = ("x86_64", "arm64")
MADE_HERE = ("RECORD", "WHEEL")


def both(requirement: str) -> tuple[Path, Path]:
    one, two = (fetched(requirement, name, python="3.12") for name in ARCHITECTURES)
    return one, two


def require_lipos(done: Merged, origins: tuple[Path, Path], folder: Path) -> None:
    """Every joined file is the one that lipo makes of the two it came from."""
    lipo = need("llvm-lipo-14")
    one, two = map(contents, origins)
    members = contents(done.path)
    for name in done.plan.joined:
        for number, content in enumerate((one[name], two[name])):
            (folder / str(number)).write_bytes(content)
        run([lipo, "-create", folder / "0", folder / "1", "-output", folder / "lipo"])
        assert members[name] == (folder / "lipo").read_bytes()
        if is_macho(one[name]):
            require_sound(members[name])
            assert slices(members[name]) == {"x86_64": one[name], "arm64": two[name]}
            binaries = lief.MachO.parse(members[name])
            assert binaries is not None
            assert all(lief.MachO.check_layout(binary)[0] for binary in binaries)


@pytest.mark.parametrize(
    ("requirement", "platform"),
    [("psycopg2-binary==2.9.13", "macosx_10_13_universal2"), ("pillow==13.0.0", "macosx_10_13_universal2")],
)
def test_wheels_that_differ_in_machine_code_alone_become_one_and_two_again(
    requirement: str, platform: str, tmp_path: Path
) -> None:
    origins = both(requirement)
    done = merge_wheels(origins, tmp_path / "both", MergeOptions(jobs=2))
    assert done.plan.platforms == (platform,)
    assert done.notices == ()
    require_lipos(done, origins, tmp_path)
    for origin, name in zip(origins, ARCHITECTURES, strict=True):
        thin = thin_wheel(done.path, name, tmp_path / name)
        assert thin.path.name == origin.name
        one, two = (
            {key: value for key, value in contents(each).items() if not key.endswith(MADE_HERE)}
            for each in (origin, thin.path)
        )
        assert {key: value for key, value in one.items() if key[-1] != "/"} == {
            key: value for key, value in two.items() if key[-1] != "/"
        }


def test_wheels_that_were_configured_otherwise_need_a_word_on_it(tmp_path: Path) -> None:
    origins = both("numpy==2.5.5")
    with pytest.raises(RefusedError) as caught:
        merge_wheels(origins, tmp_path)
    assert caught.value.reasons == (
        "numpy/__config__.py differs",
        "numpy/_core/include/numpy/_numpyconfig.h differs",
    )
    done = merge_wheels(origins, tmp_path / "both", MergeOptions(prefer=("arm64",), jobs=2))
    assert done.plan.platforms == ("macosx_14_0_universal2",)
    assert {"numpy/_core/lib/libnpymath.a", "numpy/random/lib/libnpyrandom.a"} < set(done.plan.joined)
    require_lipos(done, origins, tmp_path)
    thin = thin_wheel(done.path, "arm64", tmp_path / "thin")
    assert thin.path.name == origins[1].name
    assert not thin.plan.dropped
