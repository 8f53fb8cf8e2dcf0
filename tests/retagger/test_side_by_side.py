"""Wheels for any machine that carry a program for each of several, and take the fitting one when they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.elf_bytes import NEEDED, Elf
from support.mac_pairs import code
from support.pe_bytes import AMD64, I386, Pe
from support.retags import mac_module, planned, pure_wheel, tags_of
from truewheel.check import Severity, check_wheel
from truewheel.errors import RefusedError
from truewheel.retagger.retag import retag_wheel
from truewheel.retagger.retag_options import RetagOptions

if TYPE_CHECKING:
    from pathlib import Path

X86_64, AARCH64 = 62, 183


def linux(machine: int) -> bytes:
    return bytes(Elf(machine=machine, named=[(NEEDED, "libc.so.6")]).build().data)


LINUX = {"hello/linux/arm64/tool": linux(AARCH64), "hello/linux/x64/tool": linux(X86_64)}
MAC = {"hello/mac/tool": code("arm64", minimum="11.0")}
WINDOWS = {"hello/win/tool.exe": Pe(machine=AMD64).build()}
TWO_WINDOWS = {"hello/win/a.exe": Pe(machine=AMD64).build(), "hello/win/b.exe": Pe(machine=I386).build()}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({**LINUX, **MAC, **WINDOWS}, "Linux (aarch64, x86_64), macOS (arm64), Windows (win_amd64)"),
        (LINUX, "Linux (aarch64, x86_64)"),
        ({**MAC, **TWO_WINDOWS}, "macOS (arm64), Windows (win32, win_amd64)"),
    ],
)
def test_no_system_is_taken_away_from_a_wheel_for_any(files: dict[str, bytes], told: str, tmp_path: Path) -> None:
    plan = planned(pure_wheel(tmp_path, files={**files}), platform_tag=("auto",))
    assert plan.changes_nothing
    assert f"any stays: the wheel takes code for one of {told} when it runs" in plan.notices
    (finding,) = [item for item in check_wheel(tmp_path / plan.input_name) if item.rule == "untrue-tag"]
    assert finding.severity is Severity.WARNING
    assert finding.message == f"any may not be true: the wheel holds machine code for {told}"


def test_tags_for_every_system_inside_are_written(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path, files={**MAC, **WINDOWS})
    written = retag_wheel(wheel, tmp_path / "out", RetagOptions(platform_tag=("auto",)))
    assert tags_of(written.path) == "py3-none-macosx_11_0_arm64.win_amd64"


def test_code_for_one_machine_is_not_for_any(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path, files={"hello/tool": mac_module(x86_64="10.13", arm64="11.0")})
    (finding,) = [item for item in check_wheel(wheel) if item.rule == "untrue-tag"]
    assert finding.severity is Severity.ERROR


@pytest.mark.parametrize("member", ["hello/_x.cpython-312-aarch64-linux-gnu.so", "hello-1.0.data/scripts/tool"])
def test_what_is_loaded_or_called_by_name_is_not_chosen(member: str, tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path, files={**LINUX, member: linux(AARCH64)})
    (finding,) = [item for item in check_wheel(wheel) if item.rule == "untrue-tag"]
    assert finding.severity is Severity.ERROR
    with pytest.raises(RefusedError, match="the machine code proves no platform tag"):
        planned(wheel, platform_tag=("auto",))


def test_code_that_no_tag_speaks_of_is_told(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path, files={**LINUX, **MAC}, tag="py3-none-macosx_12_0_arm64")
    plan = planned(wheel, platform_tag=("auto",))
    assert plan.output_name == "hello-1.0-py3-none-macosx_11_0_arm64.whl"
    assert plan.notices == ("no platform tag is proved by the code for Linux",)
