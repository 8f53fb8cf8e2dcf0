"""Libraries that another package provides are taken as given, and what is proved with them says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from support.cli import truewheel
from support.fixtures import unrepaired_wheel
from support.mac_pairs import code
from support.retags import mac_wheel, planned, pure_wheel
from support.wheels import build_wheel
from truewheel.errors import RefusedError
from truewheel.retagger.retag_plan import PROVED, RetagPlan

ELSEWHERE = "@rpath/libtorch.dylib"


@pytest.fixture
def linux(tmp_path: Path) -> Path:
    """Return a wheel with a module that needs libgreet.so.1."""
    return Path(shutil.copy(unrepaired_wheel("x86_64"), tmp_path))


@pytest.fixture
def mac(tmp_path: Path) -> Path:
    """Return a wheel with a module that needs a library of another package."""
    name = "foo-1.0-cp310-abi3-macosx_10_9_x86_64.whl"
    return build_wheel(tmp_path, {"foo/_foo.abi3.so": code("x86_64", ELSEWHERE, minimum="10.13")}, filename=name)


@pytest.mark.parametrize("pattern", ["libgreet.so.1", "libgreet.so", "libgreet", "libg*"])
def test_a_library_of_another_package_is_told_with_the_tags_that_rest_on_it(pattern: str, linux: Path) -> None:
    with pytest.raises(RefusedError, match="proves no platform tag") as caught:
        planned(linux, platform_tag=("auto",))
    assert caught.value.hint.endswith("; --exclude names what another package provides")
    plan = planned(linux, platform_tag=("auto",), exclude=(pattern,))
    assert plan.grounds
    assert {(ground.basis, ground.given) for ground in plan.grounds} == {(PROVED, ("libgreet.so.1",))}
    assert "taken as given, so something else must provide it: libgreet.so.1" in plan.notices
    assert RetagPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_so_it_is_for_macos(mac: Path) -> None:
    plan = planned(mac, platform_tag=("auto",), exclude=("libtorch*",))
    assert plan.output_name == "foo-1.0-cp310-abi3-macosx_10_13_x86_64.whl"
    (ground,) = plan.grounds
    assert ground.given == (ELSEWHERE,)


def test_what_stands_against_a_tag_otherwise_still_does(mac: Path) -> None:
    with pytest.raises(RefusedError, match="cannot truly be called"):
        planned(mac, platform_tag=("macosx_10_12_x86_64",), exclude=("libtorch*",))


def test_a_pattern_that_fits_nothing_is_told(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, "cp310-abi3-macosx_10_9_x86_64", x86_64="10.13")
    plan = planned(wheel, platform_tag=("auto",), exclude=("nothing*",))
    assert "no needed library matches --exclude 'nothing*'" in plan.notices
    assert all(not ground.given for ground in plan.grounds)


def test_no_pattern_is_to_blame_where_nothing_is_needed(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path, "py3-none-linux_x86_64")
    assert planned(wheel, platform_tag=("auto",), exclude=("x",)).notices == ()


def test_the_program_takes_it_and_says_so(mac: Path) -> None:
    assert truewheel("retag", "--platform-tag", "auto", mac).code == 1
    done = truewheel("retag", "--platform-tag", "auto", "-v", "--exclude", "libtorch*", mac)
    assert done.code == 0
    assert f"macosx_10_13_x86_64: proved, with {ELSEWHERE} from elsewhere" in done.errors


def test_a_check_takes_it_as_given(mac: Path) -> None:
    assert "missing-library: " in truewheel("check", mac).output
    given = truewheel("check", "--exclude", "libtorch*", mac)
    assert "missing-library: " not in given.output
    assert "untrue-tag: " in given.output
