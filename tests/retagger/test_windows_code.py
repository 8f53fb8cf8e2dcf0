"""Which Windows files make a wheel one for Windows, and for which machine; real launchers come for several."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from support.hello import hello_wheel
from support.retags import planned, pure_wheel, retag
from truewheel.archive.reader import WheelReader
from truewheel.check import check_wheel
from truewheel.errors import RefusedError
from truewheel.retagger.machine_code import holds_machine_code
from truewheel.retagger.proof import prove

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.retagger.proof import Proof

AMD64, I386, ARM64, ITANIUM = 0x8664, 0x014C, 0xAA64, 0x0200


def pe(machine: int, *, dot_net: bool = False) -> bytes:
    """Return the headers of a Windows file: DOS, PE, COFF, and the optional header with its 16 data directories."""
    wide = machine != I386
    optional = struct.pack("<H", 0x20B if wide else 0x10B) + bytes(110 if wide else 94)
    directories = bytes(14 * 8) + (struct.pack("<2I", 0x2008, 72) if dot_net else bytes(8)) + bytes(8)
    coff = struct.pack("<2H3I2H", machine, 1, 0, 0, 0, len(optional) + len(directories), 0x2022)
    return b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80) + bytes(0x40) + b"PE\0\0" + coff + optional + directories


def proof(wheel: Path) -> Proof:
    with WheelReader.open(wheel) as reader:
        found = prove(reader)
        assert holds_machine_code(reader) is found.native
        return found


@pytest.mark.parametrize(("machine", "tag"), [(AMD64, "win_amd64"), (I386, "win32"), (ARM64, "win_arm64")])
def test_a_module_proves_the_tag_of_its_machine(machine: int, tag: str, tmp_path: Path) -> None:
    found = proof(hello_wheel(tmp_path, {"hello/x.pyd": pe(machine)}))
    assert found.widest() == (tag,)
    assert found.against(tag) == ()
    assert found.against("any")


def test_a_tag_of_another_machine_is_refused_with_the_module(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/x.pyd": pe(AMD64)}, tag="cp310-abi3-win_amd64")
    with pytest.raises(RefusedError, match="cannot truly be called win32 ") as caught:
        retag(wheel, platform_tag="win32")
    assert caught.value.reasons == ("hello/x.pyd is machine code for win_amd64, not for win32",)
    assert planned(wheel, platform_tag=("auto",)).changes_nothing


def test_check_finds_a_module_for_another_machine(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/x.pyd": pe(ARM64)}, tag="cp310-abi3-win_amd64")
    (finding,) = [finding for finding in check_wheel(wheel) if finding.rule == "untrue-tag"]
    assert finding.member == "hello/x.pyd"
    assert finding.message == "win_amd64 is not true: hello/x.pyd is machine code for win_arm64, not for win_amd64"


def test_helpers_for_other_machines_do_not_count_beside_a_module(tmp_path: Path) -> None:
    files = {"hello/x.pyd": pe(AMD64), "hello/t32.exe": pe(I386), "hello/t64.exe": pe(AMD64)}
    found = proof(hello_wheel(tmp_path, files))
    assert [file.member for file in found.windows] == ["hello/x.pyd"]
    assert found.widest() == ("win_amd64",)


def test_launchers_for_several_machines_leave_a_wheel_pure(tmp_path: Path) -> None:
    """pip, setuptools and distlib carry such files in `py3-none-any` wheels."""
    wheel = pure_wheel(tmp_path, files={"hello/cli-32.exe": pe(I386), "hello/cli-64.exe": pe(AMD64)})
    assert not proof(wheel).native
    assert proof(wheel).widest() == ("any",)
    assert [finding.rule for finding in check_wheel(wheel)] == []


def test_code_of_dot_net_is_for_every_machine(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path, files={"hello/a.dll": pe(I386, dot_net=True), "hello/b.dll": pe(AMD64, dot_net=True)})
    assert not proof(wheel).native


@pytest.mark.parametrize("member", ["hello/ninja.exe", "hello-1.0.data/scripts/ninja.exe"])
def test_a_program_for_one_machine_counts(member: str, tmp_path: Path) -> None:
    found = proof(pure_wheel(tmp_path, files={member: pe(AMD64)}))
    assert found.widest() == ("win_amd64",)
    assert found.against("any")


def test_a_machine_without_a_tag_is_not_judged(tmp_path: Path) -> None:
    found = proof(hello_wheel(tmp_path, {"hello/x.pyd": pe(ITANIUM)}))
    assert found.widest() == ()
    assert found.against("win_amd64") is None
