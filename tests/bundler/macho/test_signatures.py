"""What is told about signatures before anything is written; the signed files are made byte by byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.fixtures import mac_family
from support.hello import hello_wheel
from support.mac_identity import RUNTIME, TEAM, signed_with_identity
from support.mac_names import slices
from support.macho_bytes import arch, fat
from truewheel.archive.reader import WheelReader
from truewheel.bundler.macho.signatures import signature_notices
from truewheel.bundler.plan import MachoEdit, SliceEdit
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from pathlib import Path

ARM = mac_family("arm64")
SIGNED = signed_with_identity(ARM.extension.read_bytes())
MODULE = "hello/_hello.abi3.so"
GONE = "the signature of team ABCDE12345 cannot outlive a change; an ad-hoc one takes its place"
KEPT = "its entitlements are kept in the ad-hoc signature"
HARD = "the hardened runtime is kept (--drop-hardened-runtime drops it)"


def change(source: str = MODULE, *architectures: str, keep_runtime: bool = True) -> MachoEdit:
    edits = tuple(SliceEdit(name, delete_rpaths=("/x",)) for name in architectures or ("arm64",))
    return MachoEdit(source, source, edits, keep_runtime=keep_runtime)


def notices(folder: Path, content: bytes, *edits: MachoEdit) -> list[str]:
    """Return what is said of edits of the module, without its name."""
    with WheelReader.open(hello_wheel(folder, {MODULE: content}, tag="cp310-abi3-macosx_11_0_arm64")) as reader:
        found = signature_notices(reader, edits or (change(),), 2)
    return [notice.partition(": ")[2] for notice in found]


def test_a_certificates_signature_is_told_with_all_that_it_says(tmp_path: Path) -> None:
    assert notices(tmp_path, SIGNED) == [GONE, KEPT, HARD]
    assert TEAM in GONE


def test_only_what_the_signature_says_is_told(tmp_path: Path) -> None:
    plain = signed_with_identity(ARM.extension.read_bytes(), team="", flags=0, entitled=False)
    assert notices(tmp_path, plain) == ["the signature cannot outlive a change; an ad-hoc one takes its place"]


def test_a_runtime_that_is_dropped_on_request_is_not_told(tmp_path: Path) -> None:
    assert notices(tmp_path, SIGNED, change(keep_runtime=False)) == [GONE, KEPT]


def test_a_program_whose_runtime_will_refuse_the_wheels_libraries_is_told(tmp_path: Path) -> None:
    refuses = "with the hardened runtime and no certificate, a program loads no library but the system's"
    *rest, last = notices(tmp_path, signed_with_identity(ARM.program.read_bytes()))
    assert rest == [GONE, KEPT, HARD]
    assert last.startswith(refuses)
    assert "--drop-hardened-runtime" in last
    dropped = notices(tmp_path, signed_with_identity(ARM.program.read_bytes()), change(keep_runtime=False))
    assert dropped == [GONE, KEPT]


@pytest.mark.parametrize("folder", ["arm64", "x86_64", "universal2"])
def test_signatures_of_linkers_and_none_at_all_are_no_news(folder: str, tmp_path: Path) -> None:
    content = (ARM.folder.parent / folder / "_hello.abi3.so").read_bytes()
    assert notices(tmp_path, content, change(MODULE, *slices(content))) == []


def test_a_slice_that_does_not_change_is_not_told(tmp_path: Path) -> None:
    intel = mac_family("x86_64").extension.read_bytes()
    both = fat([arch(intel, "x86_64", 12), arch(SIGNED, "arm64", 14)])
    assert notices(tmp_path, both, change(MODULE, "x86_64")) == []
    assert notices(tmp_path, both, change(MODULE, "x86_64", "arm64")) == [GONE, KEPT, HARD]


def test_a_file_that_only_moves_is_not_told(tmp_path: Path) -> None:
    assert notices(tmp_path, SIGNED, MachoEdit("elsewhere", MODULE)) == []


def test_a_library_outside_the_wheel_is_told_by_its_path(tmp_path: Path) -> None:
    library = tmp_path / "libx.dylib"
    library.write_bytes(signed_with_identity(ARM.tone.read_bytes(), flags=RUNTIME, entitled=False))
    assert notices(tmp_path, SIGNED, change(str(library))) == [GONE, HARD]


def test_a_signature_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    damaged = SIGNED.replace(bytes.fromhex("fade0cc0"), bytes(4))
    with pytest.raises(InvalidBinaryError) as refused:
        notices(tmp_path, damaged)
    assert refused.value.where == MODULE


def test_of_a_library_that_is_gone_nothing_is_told_for_applying_the_plan_finds_it_out(tmp_path: Path) -> None:
    assert notices(tmp_path, SIGNED, change(str(tmp_path / "gone.dylib"))) == []
