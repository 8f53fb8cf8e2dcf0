from __future__ import annotations

from dataclasses import replace

import pytest

from support.fixtures import mac_family, mac_odd
from support.macho_bytes import (
    AD_HOC,
    LINKER_SIGNED,
    NO_CMS,
    REQUIREMENTS,
    RUNTIME,
    blob,
    code_directory,
    fat,
    linked,
    super_blob,
)
from truewheel.analyzer.macho.image import Signature, SignatureKind
from truewheel.analyzer.macho.reader import read_macho
from truewheel.analyzer.macho.signature import read_signature
from truewheel.errors import InvalidBinaryError

CMS = (0x10000, blob(0xFADE0B01, b"a message"))
XML = (5, blob(0xFADE7171, b"<plist/>"))
DER = (7, blob(0xFADE7172, b"\x70\0"))


def directory(flags: int, identifier: str = "libx", team: str = "") -> tuple[int, bytes]:
    return 0, code_directory(identifier, flags, team=team, hashes=[bytes(32)] * 2)


def signature(*blobs: tuple[int, bytes]) -> Signature:
    return read(super_blob(*blobs))


def read(content: bytes) -> Signature:
    data = replace(linked(), signature=content).build()
    return read_signature(data, read_macho(data, "x").slices[0], "a/libx.dylib")


@pytest.mark.parametrize(
    ("blobs", "kind"),
    [
        ([directory(AD_HOC | LINKER_SIGNED)], SignatureKind.LINKER),
        ([directory(AD_HOC), REQUIREMENTS, NO_CMS], SignatureKind.AD_HOC),
        ([directory(AD_HOC)], SignatureKind.AD_HOC),
        ([directory(0), REQUIREMENTS, CMS], SignatureKind.IDENTITY),
        ([directory(AD_HOC | LINKER_SIGNED), CMS], SignatureKind.IDENTITY),
    ],
)
def test_kinds(blobs: list[tuple[int, bytes]], kind: SignatureKind) -> None:
    assert signature(*blobs).kind is kind


def test_everything_a_signature_says() -> None:
    assert signature(directory(RUNTIME, "sh.ruff", "2DC432GLL2"), REQUIREMENTS, XML, DER, CMS) == Signature(
        SignatureKind.IDENTITY, "sh.ruff", "2DC432GLL2", RUNTIME, XML[1], DER[1]
    )
    assert signature(directory(RUNTIME)).hardened_runtime
    assert not signature(directory(AD_HOC)).hardened_runtime


def test_the_first_of_two_code_directories_counts() -> None:
    other = (0x1000, code_directory("other", 0x20002))
    assert signature(directory(AD_HOC, "one"), other, directory(0, "two")).identifier == "one"


def test_a_code_directory_older_than_teams_has_none() -> None:
    old = bytearray(code_directory("libx", AD_HOC, team="TEAM"))
    old[8:12] = (0x20100).to_bytes(4, "big")
    found = signature((0, bytes(old)))
    assert (found.identifier, found.team) == ("libx", "")


def test_without_the_command_a_slice_is_unsigned() -> None:
    data = linked().build()
    assert read_signature(data, read_macho(data, "x").slices[0], "x") == Signature(SignatureKind.NONE)


def test_each_slice_has_its_own() -> None:
    signed = replace(linked("arm64"), signature=super_blob(directory(AD_HOC, "arm")))
    data = fat([linked("x86_64"), signed])
    file = read_macho(data, "x")
    assert [read_signature(data, item, "x").identifier for item in file.slices] == ["", "arm"]


def test_fixtures() -> None:
    for path, kind in (
        (mac_family("x86_64").extension, SignatureKind.NONE),
        (mac_family("arm64").extension, SignatureKind.LINKER),
        (mac_odd("unsigned-arm64.so"), SignatureKind.NONE),
    ):
        data = path.read_bytes()
        assert read_signature(data, read_macho(data, "x").slices[0], "x").kind is kind


def _patched(content: bytes, at: int, number: int) -> bytes:
    return content[:at] + number.to_bytes(4, "big") + content[at + 4 :]


GOOD = super_blob(directory(AD_HOC), REQUIREMENTS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is cut short"),
        (GOOD[:11], "is cut short"),
        (bytes(64), "does not start as signatures do"),
        (GOOD[:-1], "does not start as signatures do"),
        (_patched(GOOD, 4, len(GOOD) + 1), "does not start as signatures do"),
        (_patched(GOOD, 8, 65), "does not start as signatures do"),
        (_patched(GOOD, 8, 60), "has an index of blobs that reaches past its end"),
        (_patched(GOOD, 16, len(GOOD) - 7), "has a blob that lies outside of it"),
        (_patched(GOOD, 28 + 4, 7), "has a blob that lies outside of it"),
        (_patched(GOOD, 28 + 4, len(GOOD)), "has a blob that lies outside of it"),
        (_patched(GOOD, 28, 0xFADE0C01), "has no code directory"),
        (super_blob(REQUIREMENTS), "has no code directory"),
        (super_blob((0, blob(0xFADE0C02, bytes(8)))), "has no code directory"),
        (_patched(GOOD, 28 + 20, 0xFFFF), "has a name that lies outside of its code directory"),
    ],
)
def test_damage_is_named(content: bytes, message: str) -> None:
    with pytest.raises(InvalidBinaryError, match=f"the code signature {message}") as caught:
        read(content)
    assert caught.value.where == "a/libx.dylib"


def test_a_signature_outside_of_its_slice_is_damage() -> None:
    macho = replace(linked(), signature=GOOD)
    data = bytearray(macho.build())
    at = data.index((0x1D).to_bytes(4, "little") + (16).to_bytes(4, "little")) + 8
    data[at : at + 4] = len(data).to_bytes(4, "little")
    with pytest.raises(InvalidBinaryError, match="the code signature reaches past the end of the file"):
        read_signature(data, read_macho(data, "x").slices[0], "x")


def test_a_file_that_lost_its_signature_since_it_was_read_is_noticed() -> None:
    item = read_macho(replace(linked(), signature=GOOD).build(), "x").slices[0]
    with pytest.raises(InvalidBinaryError, match="the code signature is gone since the file was read"):
        read_signature(linked().build(), item, "x")
