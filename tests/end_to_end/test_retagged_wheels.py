"""Published wheels with other tags: what their machine code proves, what is refused, what pip makes of the result."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.cli import truewheel
from support.published import Published
from support.retags import planned, raw, require_sound, retag, tags_of
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NUMPY_1_9 = Published("numpy==1.9.0", "macosx_10_9_x86_64", "34", "cp34m")
NAME_OF_2014 = "macosx_10_6_intel.macosx_10_9_intel.macosx_10_9_x86_64"
FAMILIES = ("python.org", "apple", "homebrew")

PROVED = {
    NUMPY_1_9: "cp34-cp34m-macosx_10_9_intel",
    Published("numpy==1.21.0", "macosx_10_9_universal2", "39", "cp39"): "cp39-cp39-macosx_10_9_universal2",
    Published("scipy==1.8.0", "macosx_12_0_arm64", "39", "cp39"): "cp39-cp39-macosx_11_0_arm64",
    Published("scipy==1.8.0", "macosx_12_0_universal2", "39", "cp39"): "cp39-cp39-macosx_10_9_universal2",
    Published("ninja==1.11.1.1", "macosx_10_9_x86_64"): "py2.py3-none-macosx_10_9_universal2",
    Published("pyzmq==14.1.0", "macosx_10_6_intel", "27", "none"): "cp27-none-macosx_10_6_intel",
}
"""Wheels whose WHEEL file says something else than the name, or nothing, and what their machine code proves."""


def title(published: Published) -> str:
    return f"{published.requirement}-{published.platform}"


@pytest.mark.parametrize("published", PROVED, ids=title)
def test_wheels_that_contradict_themselves_become_true(published: Published, tmp_path: Path) -> None:
    wheel = published.fetched()
    done = retag(wheel, tmp_path, platform_tag="auto")
    assert tags_of(done.path) == PROVED[published]
    require_sound(done.path)
    before, after = raw(wheel), raw(done.path)
    changed = {name for name in after if name not in before or after[name][0] != before[name][0]}
    assert {name.rpartition("/")[2] for name in changed} <= {"WHEEL", "RECORD"}


@pytest.mark.parametrize("published", PROVED, ids=title)
def test_they_can_have_a_build_tag(published: Published, tmp_path: Path) -> None:
    done = retag(published.fetched(), tmp_path, build="9")
    assert "-9-" in done.path.name
    require_sound(done.path)


def test_the_name_of_2014_is_refused_for_numpy_1_9_0(tmp_path: Path) -> None:
    wheel = NUMPY_1_9.fetched()
    for wishes in ({"profiles": FAMILIES}, {"platform_tag": (NAME_OF_2014,)}):
        with pytest.raises(RefusedError) as caught:
            planned(wheel, **wishes)
        assert caught.value.what == "cannot truly be called macosx_10_6_intel"
        assert "macosx_10_9_intel" in caught.value.hint
        assert any("libgfortran" in reason and "macOS 10.9" in reason for reason in caught.value.reasons)
    done = truewheel("retag", "--platform-tag", NAME_OF_2014, "--force", "-w", tmp_path, wheel)
    assert (done.code, done.output) == (0, f"{tmp_path / wheel.name}\n")
    assert "macosx_10_6_intel is not true" in done.errors
    require_sound(tmp_path / wheel.name)


def test_pip_and_its_check_are_content_with_the_result(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*command, "--dest", str(tmp_path), "markupsafe==3.0.3"], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    done = retag(wheel, tmp_path / "out", build="7", platform_tag="+manylinux_2_35_x86_64", local_version="test.1")
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-index", str(done.path)], check=True)
    subprocess.run([python, "-m", "pip", "check"], check=True, capture_output=True)
    code = "import importlib.metadata, markupsafe._speedups; print(importlib.metadata.version('markupsafe'))"
    told = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout == "3.0.3+test.1\n"
