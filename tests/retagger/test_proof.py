"""What the machine code of a wheel proves, whatever its system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.elf_bytes import NEEDED, Elf, Ver
from support.fixtures import family, mac_family, odd
from support.hello import hello_wheel
from support.mac_pairs import code
from support.retags import PE, linux_wheel, mac_wheel, planned, pure_wheel
from truewheel.archive.reader import WheelReader
from truewheel.platforms.verdict import Rule, sentences
from truewheel.retagger.machine_code import holds_machine_code
from truewheel.retagger.proof import prove

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.retagger.proof import Proof


def proof(wheel: Path) -> Proof:
    with WheelReader.open(wheel) as reader:
        found = prove(reader)
        assert holds_machine_code(reader) is found.native
        return found


def said(found: Proof, tag: str) -> tuple[str, ...] | None:
    reasons = found.against(tag)
    return None if reasons is None else sentences(reasons)


def test_a_linux_wheel_is_judged_by_its_promises(tmp_path: Path) -> None:
    found = proof(linux_wheel(tmp_path))
    assert found.native
    assert found.widest() == ("manylinux1_x86_64", "manylinux_2_5_x86_64")
    assert said(found, "manylinux_2_17_x86_64") == ()
    assert said(found, "linux_x86_64") is None
    assert said(found, "any") == ("the wheel holds machine code",)
    assert said(found, "manylinux_2_17_aarch64") == ("the wheel is machine code for x86_64, not for aarch64",)
    assert said(found, "macosx_11_0_arm64") == ("the wheel holds machine code of Linux, not of macOS",)
    assert said(found, "win_amd64") == ("the wheel holds machine code of Linux, not of Windows",)
    assert said(found, "freebsd_14_amd64") is None


def test_a_promise_is_not_true_of_newer_code(tmp_path: Path) -> None:
    found = proof(linux_wheel(tmp_path, files={"hello/x.so": odd("glibc-2.38.so")}))
    assert found.widest() == ("manylinux_2_38_x86_64",)
    (sentence,) = said(found, "manylinux_2_28_x86_64") or ()
    assert sentence.startswith("hello/x.so needs")
    assert "GLIBC_2.38" in sentence


def test_a_wheel_that_needs_what_is_not_inside_proves_nothing(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/x.so": family("x86_64").greet})
    found = proof(wheel)
    assert found.widest() == ()
    assert said(found, "manylinux_2_17_x86_64") == ("hello/x.so needs libtone.so.2, which was not found",)


def test_a_mac_wheel_is_judged_by_architecture(tmp_path: Path) -> None:
    found = proof(mac_wheel(tmp_path, "cp310-abi3-macosx_10_9_universal2", x86_64="10.9", arm64="12.0"))
    assert found.widest() == ("macosx_10_9_x86_64", "macosx_12_0_arm64")
    assert said(found, "macosx_10_9_x86_64") == ()
    assert said(found, "macosx_10_9_universal2") == (
        "hello/_hello.so needs macOS 12.0 in its arm64 slice (allowed since macosx_12_0_arm64)",
    )
    assert said(found, "macosx_10_9_intel") == ("hello/_hello.so has no i386 slice, only x86_64 and arm64",)
    assert said(found, "manylinux_2_17_x86_64") == ("the wheel holds machine code of macOS, not of Linux",)
    assert said(found, "ios_13_0_arm64_iphoneos") == ("the wheel is a wheel for macOS, not for iOS",)
    assert said(found, "any") == ("the wheel holds machine code",)


def test_a_pure_wheel_is_true_of_everything(tmp_path: Path) -> None:
    found = proof(pure_wheel(tmp_path, files={"hello/App.class": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(64)}))
    assert not found.native
    assert found.widest() == ("any",)
    assert [said(found, tag) for tag in ("any", "win32", "macosx_11_0_arm64", "manylinux_2_17_x86_64")] == [()] * 4
    assert found.warnings == ()


def test_windows_code_for_an_unknown_machine_is_not_judged(tmp_path: Path) -> None:
    found = proof(hello_wheel(tmp_path, {"hello/x.pyd": PE, "hello/MZ.txt": b"MZ is no program"}))
    assert [file.member for file in found.windows] == ["hello/x.pyd"]
    assert found.native
    assert found.widest() == ()
    assert said(found, "win_amd64") is None
    assert said(found, "any") == ("the wheel holds machine code",)
    assert said(found, "macosx_11_0_arm64") == ("the wheel holds machine code of Windows, not of macOS",)
    assert said(found, "linux_x86_64") == ("the wheel holds machine code of Windows, not of Linux",)


def test_code_of_two_systems_is_judged_by_both(tmp_path: Path) -> None:
    files = {"hello/x.abi3.so": family("x86_64").tone.read_bytes(), "hello/y.so": code("x86_64")}
    found = proof(hello_wheel(tmp_path, files))
    assert found.widest() == ("macosx_10_9_x86_64", "manylinux1_x86_64", "manylinux_2_5_x86_64")
    assert said(found, "win32") == ("the wheel holds machine code of Linux and macOS, not of Windows",)


def test_a_wheel_that_calls_itself_pure_is_true_once_it_does_not(tmp_path: Path) -> None:
    found = proof(pure_wheel(tmp_path, files={"hello/x.so": family("x86_64").tone.read_bytes()}))
    reasons = found.against("manylinux_2_17_x86_64") or ()
    assert [reason.rule for reason in reasons] == [Rule.PURELIB]
    assert found.once_platlib().against("manylinux_2_17_x86_64") == ()
    assert found.once_platlib().widest() == ("manylinux1_x86_64", "manylinux_2_5_x86_64")


def test_warnings_are_those_of_both_formats(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/x.so": odd("textrel.so")})
    assert any("text relocations" in warning for warning in proof(wheel).warnings)


@pytest.mark.parametrize("head", [b"\xfe\xed\xfa\xcf", b"\xca\xfe\xba\xbe\0\0\0\x02", b"\xca\xfe\xba\xbf\0\0\0\x01"])
def test_machine_code_is_known_by_its_first_bytes(head: bytes, tmp_path: Path) -> None:
    with WheelReader.open(pure_wheel(tmp_path, files={"hello/x": head + bytes(8)})) as reader:
        assert holds_machine_code(reader)


def test_a_library_of_the_family_for_macos_needs_the_others(tmp_path: Path) -> None:
    found = proof(hello_wheel(tmp_path, {"hello/x.so": mac_family("arm64").extension}))
    assert found.widest() == ()
    assert found.against("macosx_11_0_arm64")


def test_a_true_tag_between_two_policies_stays(tmp_path: Path) -> None:
    content = Elf(named=[(NEEDED, "libc.so.6")], needs=[("libc.so.6", [Ver("GLIBC_2.29", 2)])]).build().data
    wheel = linux_wheel(tmp_path, tag="py3-none-manylinux_2_29_x86_64", files={"hello/x.so": bytes(content)})
    assert proof(wheel).widest() == ("manylinux_2_31_x86_64",)
    assert planned(wheel, platform_tag=("auto",)).changes_nothing
