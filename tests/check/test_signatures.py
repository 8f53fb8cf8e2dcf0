"""Signatures as a check sees them: files that linkers signed, and what becomes of these when bytes change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.checks import findings, wheel
from support.fixtures import mac_family, mac_odd
from support.mac_pairs import code
from truewheel.check.findings import Severity

if TYPE_CHECKING:
    from pathlib import Path

ARM, INTEL = "cp310-abi3-macosx_11_0_arm64", "cp310-abi3-macosx_11_0_x86_64"
MODULE = "foo/_hello.abi3.so"


def changed(content: bytes) -> bytes:
    """Return a file with one other byte in its code's page."""
    place = content.rindex(b"PyInit_")
    return content[:place] + b"X" + content[place + 1 :]


@pytest.mark.parametrize(
    ("content", "tag"),
    [
        (mac_family("arm64").extension.read_bytes(), ARM),
        (mac_family("universal2").extension.read_bytes(), ARM),
        (mac_odd("signed-x86_64.so").read_bytes(), INTEL),
        (mac_family("x86_64").extension.read_bytes(), INTEL),
    ],
    ids=["arm64", "universal2", "x86_64", "x86_64 unsigned"],
)
def test_what_linkers_sign_is_sound(tmp_path: Path, content: bytes, tag: str) -> None:
    assert findings(wheel(tmp_path, tag, {MODULE: content}), "signature") == ()


def test_an_arm64_slice_without_a_signature(tmp_path: Path) -> None:
    path = wheel(tmp_path, ARM, {MODULE: mac_odd("unsigned-arm64.so")})
    (finding,) = findings(path, "signature")
    assert (finding.message, finding.member) == ("the arm64 slice has no signature, so no Mac runs it", MODULE)
    assert "untrue-tag" not in {other.rule for other in findings(path)}


@pytest.mark.parametrize(
    ("content", "tag", "severity", "said"),
    [
        (mac_family("arm64").extension, ARM, Severity.ERROR, "the arm64 slice is wrong, so no Mac runs it"),
        (mac_odd("signed-x86_64.so"), INTEL, Severity.WARNING, "the x86_64 slice is wrong, so a Mac that checks it"),
    ],
)
def test_a_page_with_another_hash(tmp_path: Path, content: Path, tag: str, severity: Severity, said: str) -> None:
    (finding,) = findings(wheel(tmp_path, tag, {MODULE: changed(content.read_bytes())}), "signature")
    assert finding.severity is severity
    assert finding.message.startswith(f"the signature of {said}")
    assert "pages are wrong" in finding.message


def test_a_signature_that_is_none(tmp_path: Path) -> None:
    content = mac_family("arm64").extension.read_bytes()
    broken = content.replace(bytes.fromhex("fade0cc0"), bytes.fromhex("00000000"))
    (finding,) = findings(wheel(tmp_path, ARM, {MODULE: broken}), "signature")
    assert finding.message.endswith("there is no signature where the load commands say")
    made_up = code("arm64")
    (finding,) = findings(wheel(tmp_path, ARM, {MODULE: made_up}), "signature")
    assert finding.severity is Severity.ERROR


def test_files_of_other_systems_are_left_alone(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3-none-ios_13_0_arm64_iphoneos", {"foo/lib.dylib": mac_odd("ios.dylib")})
    assert findings(path, "signature") == ()
