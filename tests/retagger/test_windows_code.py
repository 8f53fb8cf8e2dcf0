"""Which Windows files make a wheel one for Windows, and for which machine; real launchers come for several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.hello import hello_wheel
from support.macho_bytes import DYLIB, Macho, build_version
from support.pe_bytes import AMD64, ARM64, I386, ITANIUM, Pe
from support.retags import planned, pure_wheel, retag
from truewheel.archive.reader import WheelReader
from truewheel.check import Severity, check_wheel
from truewheel.errors import RefusedError
from truewheel.retagger.machine_code import holds_machine_code
from truewheel.retagger.proof import prove

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.retagger.proof import Proof


def pe(machine: int, *, dot_net: bool = False) -> bytes:
    """Return a Windows file for a machine."""
    return Pe(machine=machine, dot_net=dot_net).build()


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


def test_a_file_with_half_a_header_counts_and_is_not_judged(tmp_path: Path) -> None:
    found = proof(hello_wheel(tmp_path, {"hello/x.pyd": pe(AMD64)[:0xA0]}))
    assert found.against("win_amd64") is None


def test_of_libraries_for_several_machines_the_one_of_the_tag_counts(tmp_path: Path) -> None:
    """sounddevice carries one library for each machine, and one for macOS."""
    library = Macho("x86_64", DYLIB, commands=[build_version(1, "11.0")]).build()
    files = {"hello/a32.dll": pe(I386), "hello/a64.dll": pe(AMD64), "hello/a.dylib": library}
    wheel = hello_wheel(tmp_path, files, tag="py3-none-win_amd64")
    assert [file.member for file in proof(wheel).windows] == ["hello/a64.dll"]
    assert [finding.rule for finding in check_wheel(wheel) if finding.severity is Severity.ERROR] == []
