from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any

import lief
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fixtures import mac_family, mac_odd
from support.macho_bytes import (
    BUNDLE,
    CODE_SIGNATURE,
    EXECUTE,
    VERSION_MIN_MACOSX,
    Macho,
    Sect,
    Sym,
    build_version,
    linked,
    version_min,
)
from support.signature_oracle import commands, linkedit, read_signed, without_signature
from truewheel.analyzer.macho.image import Signature, SignatureKind
from truewheel.bundler.macho.codesign import resign
from truewheel.errors import InvalidBinaryError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from support.macho_bytes import (
        Cmd,
    )

UNSIGNED = Signature(SignatureKind.NONE)
LINKER = Signature(SignatureKind.LINKER, identifier="libx.dylib", flags=0x20002)


def sign(content: bytes, old: Signature = UNSIGNED, *, keep_runtime: bool = True) -> bytes:
    return resign(content, old, fallback_identifier="fallback", keep_runtime=keep_runtime)


def everyday(arch: str = "arm64", minimum: str = "11.0", **more: Any) -> bytes:  # noqa: ANN401 - fields of Macho
    """Build a library with room for a signature; `more` are fields of Macho."""
    macho = linked(arch, minimum=minimum)
    for name, value in more.items():
        setattr(macho, name, value)
    return macho.build()


def test_the_shape_is_that_of_codesign() -> None:
    found = read_signed(sign(everyday(), LINKER))

    assert list(found.slots) == [0, 2, 0x10000]
    assert found.length == 12 + 3 * 8 + sum(map(len, found.slots.values()))
    assert found.slots[2].hex() == "fade0c010000000c00000000"
    assert found.slots[0x10000].hex() == "fade0b0100000008"
    directory = found.directory()
    assert (directory.version, directory.flags, directory.kind, directory.page_size) == (0x20400, 2, 2, 4096)
    assert directory.identifier == "libx.dylib"
    assert directory.special == (bytes(32), hashlib.sha256(bytes.fromhex("fade0c010000000c00000000")).digest())
    assert directory.limit == found.place[0]
    assert directory.far_limit == 0
    assert directory.runtime is None


def test_every_page_is_hashed() -> None:
    found = read_signed(sign(everyday(sections=[Sect(content=bytes(range(256)) * 100)])))

    assert found.directory().pages == found.hashes()
    assert len(found.directory().pages) == -(-found.place[0] // 4096) == 7


def test_the_signature_is_last_aligned_and_mapped() -> None:
    content = sign(everyday(symbols=[Sym("_x")]))
    found = read_signed(content)
    memory, offset, size = found.linkedit

    assert found.place[0] % 16 == 0
    assert sum(found.place) == offset + size == len(content)
    assert size <= memory
    assert memory == 0x4000


def test_other_architectures_have_smaller_pages_of_memory() -> None:
    assert linkedit(sign(everyday("x86_64")))[0] == 0x1000


def test_an_unsigned_slice_gets_the_load_command() -> None:
    before = everyday()
    after = sign(before)

    assert [item[0] for item in commands(after)] == [item[0] for item in commands(before)] + [CODE_SIGNATURE]
    assert read_signed(after).directory().identifier == "fallback"


def test_a_slice_without_room_for_the_load_command_is_refused() -> None:
    with pytest.raises(RefusedError, match="16 bytes are needed, 8 are free"):
        sign(everyday(pad=8, sections=[Sect(align=3)]))


def test_room_that_is_not_empty_is_not_room() -> None:
    content = bytearray(everyday())
    *_, (_, at, size) = commands(bytes(content))
    content[at + size + 3] = 1

    with pytest.raises(RefusedError, match="no room for LC_CODE_SIGNATURE"):
        sign(bytes(content))


def test_signing_again_changes_nothing() -> None:
    once = sign(everyday(), LINKER)

    assert sign(once, LINKER) == once


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_will_do_and_is_left_alone(kind: type[bytes]) -> None:
    content = everyday()
    given_content = kind(content)

    assert sign(given_content) == sign(content)
    assert bytes(given_content) == content


def test_a_larger_old_signature_leaves_nothing_behind() -> None:
    small = sign(everyday(), LINKER)
    large = everyday(signature=b"\xfa" * 40_000)

    assert len(sign(large, LINKER)) == len(small)
    assert read_signed(sign(large, LINKER)).place == read_signed(small).place


def test_an_unaligned_old_signature_is_moved() -> None:
    content = bytearray(sign(everyday(), LINKER))
    start, _ = read_signed(bytes(content)).place
    at = next(at for number, at, _ in commands(bytes(content)) if number == CODE_SIGNATURE)
    struct.pack_into("<I", content, at + 8, start - 8)

    assert read_signed(sign(bytes(content), LINKER)).place[0] == start


def test_an_old_signature_before_other_tables_is_not_in_the_way() -> None:
    macho = linked()
    macho.symbols = [Sym("_x")]
    macho.linkedit = [(CODE_SIGNATURE, b"s" * 64)]
    found = read_signed(sign(macho.build(), LINKER))
    symbols = next(at for number, at, _ in commands(found.content) if number == 2)

    assert found.place[0] >= sum(struct.unpack_from("<II", found.content, symbols + 16))
    assert found.directory().pages == found.hashes()


@pytest.mark.parametrize(
    ("command", "kinds"),
    [
        (build_version(1, "10.11.4"), [2]),
        (build_version(1, "10.11.3"), [1, 2]),
        (version_min(VERSION_MIN_MACOSX, "10.9"), [1, 2]),
        (version_min(VERSION_MIN_MACOSX, "10.12"), [2]),
        (None, [1, 2]),
    ],
)
@pytest.mark.parametrize("arch", ["x86_64", "i386"])
def test_old_systems_get_a_hash_that_they_know(arch: str, command: Cmd | None, kinds: list[int]) -> None:
    found = read_signed(sign(Macho(arch, commands=[command] if command else []).build()))
    slots = [0, 0x1000][: len(kinds)]

    assert [slot for slot in found.slots if slot in (0, 0x1000)] == slots
    assert [found.directory(slot).kind for slot in slots] == kinds
    for slot in slots:
        assert found.directory(slot).pages == found.hashes(slot)


def test_arm64_never_needs_the_old_hash() -> None:
    assert read_signed(sign(Macho("arm64").build())).directory().kind == 2


def test_the_hardened_runtime_is_kept_with_its_version() -> None:
    old = Signature(SignatureKind.IDENTITY, identifier="tool", team="ABCDE", flags=0x10000)
    directory = read_signed(sign(everyday(), old)).directory()

    assert (directory.version, directory.flags) == (0x20500, 0x10002)
    assert directory.runtime == 0x0E0000


def test_the_hardened_runtime_goes_when_asked() -> None:
    old = Signature(SignatureKind.IDENTITY, flags=0x10000)
    directory = read_signed(sign(everyday(), old, keep_runtime=False)).directory()

    assert (directory.version, directory.flags, directory.runtime) == (0x20400, 2, None)


def test_entitlements_are_kept_and_hashed() -> None:
    xml = struct.pack(">II", 0xFADE7171, 12) + b"<a/>"
    der = struct.pack(">II", 0xFADE7172, 10) + b"p\0"
    found = read_signed(sign(everyday(file_type=EXECUTE), UNSIGNED._replace(entitlements=xml, der_entitlements=der)))

    assert (found.slots[5], found.slots[7]) == (xml, der)
    special = found.directory().special
    assert len(special) == 7
    assert (special[4], special[6]) == (hashlib.sha256(xml).digest(), hashlib.sha256(der).digest())
    assert special[2] == special[3] == special[5] == bytes(32)


def test_an_embedded_info_plist_is_hashed() -> None:
    plist = b"<plist/>"
    found = read_signed(sign(everyday(sections=[Sect(), Sect("__info_plist", plist)])))

    assert found.directory().special[0] == hashlib.sha256(plist).digest()


@pytest.mark.parametrize(("file_type", "flags"), [(EXECUTE, 1), (BUNDLE, 0)])
def test_the_executable_segment_is_told(file_type: int, flags: int) -> None:
    found = read_signed(sign(everyday(file_type=file_type)))

    assert found.directory().executable == (0, 0x1000, flags)


def test_an_identifier_that_is_no_ascii() -> None:
    assert read_signed(sign(everyday(), LINKER._replace(identifier="größe"))).directory().identifier == "größe"


def test_content_behind_linkedit_is_refused() -> None:
    with pytest.raises(RefusedError, match="content behind __LINKEDIT"):
        sign(everyday() + b"payload")


def test_zeros_behind_linkedit_go() -> None:
    assert sign(everyday() + bytes(100)) == sign(everyday())


def test_a_slice_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truewheel.bundler.macho.codesign._MOST_32_BITS", 0x2000)

    with pytest.raises(RefusedError, match="too large to be signed"):
        sign(everyday(sections=[Sect(content=bytes(0x2000))]))


def test_a_segment_behind_linkedit_is_refused() -> None:
    content = bytearray(everyday(sections=[Sect(), Sect("__data", b"x", "__DATA")]))
    at = next(at for number, at, _ in commands(bytes(content)) if content[at + 8 :].startswith(b"__DATA"))
    content[at + 8 : at + 24] = b"__LINKEDIT".ljust(16, b"\0")

    with pytest.raises(RefusedError, match="content behind __LINKEDIT"):
        sign(bytes(content))


def test_linkedit_that_cannot_grow_in_memory_is_refused() -> None:
    content = bytearray(everyday())
    at = next(at for number, at, _ in commands(bytes(content)) if content[at + 8 :].startswith(b"__TEXT"))
    address, memory = struct.unpack_from("<QQ", content, at + 24)
    struct.pack_into("<QQ", content, at + 24, address + 2 * memory, memory)

    with pytest.raises(RefusedError, match="no room for a signature in memory"):
        sign(bytes(content))


@pytest.mark.parametrize("name", [b"__TEXT", b"__LINKEDIT"])
def test_a_slice_without_the_segments_is_refused(name: bytes) -> None:
    content = everyday()
    at = next(at for _, at, _ in commands(content) if content[at + 8 :].startswith(name))

    with pytest.raises(RefusedError, match="no __TEXT or no __LINKEDIT"):
        resign(content[: at + 8] + b"__OTHER\0\0\0\0" + content[at + 19 :], UNSIGNED, fallback_identifier="x")


def damaged(number: int, field: int, value: int) -> bytes:
    """Return a signed library with another 32-bit number in one of its load commands."""
    content = bytearray(everyday(signature=b"x" * 64, symbols=[Sym("_x")]))
    at = next(at for kind, at, _ in commands(bytes(content)) if kind == number)
    struct.pack_into("<I", content, at + field, value)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (damaged(CODE_SIGNATURE, 8, 1 << 30), "the signature does not lie in the slice"),
        (damaged(2, 8, 1 << 30), "load command 0x2 points at"),
        (damaged(0x19, 48, 1 << 30), "a segment does not fit"),
        (damaged(0x19, 64, 1 << 30), "a segment does not fit"),
        (damaged(0x1B, 0, 0x19), "a segment command is too short"),
        (damaged(0x1B, 0, CODE_SIGNATURE), "two signatures"),
        (b"\x7fELF", "no Mach-O header"),
    ],
)
def test_a_damaged_slice_is_told(content: bytes, message: str) -> None:
    with pytest.raises(InvalidBinaryError, match=message) as caught:
        resign(content, UNSIGNED, fallback_identifier="x", where="pkg/x.so")

    assert caught.value.where == "pkg/x.so"


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=9000),
    st.integers(1, 40),
    st.sampled_from(["arm64", "x86_64", "i386"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40),
)
def test_hashes_of_any_content_verify(body: bytes, times: int, arch: str, identifier: str) -> None:
    macho = linked(arch, minimum="10.9")
    macho.sections = [Sect(content=body), Sect("__data", body[:50] * times, "__DATA")]
    found = read_signed(sign(macho.build(), LINKER._replace(identifier=identifier or "x")))

    for slot in {0, 0x1000} & found.slots.keys():
        assert found.directory(slot).pages == found.hashes(slot)
        assert found.directory(slot).identifier == (identifier or "x")
        assert found.directory(slot).limit == found.place[0]


@pytest.mark.parametrize(
    "path",
    [mac_family("arm64").extension, mac_family("arm64").tone, mac_family("arm64").program, mac_odd("signed-x86_64.so")],
    ids=lambda path: path.name,
)
def test_hashes_are_those_of_the_linker(path: Path) -> None:
    content = path.read_bytes()
    theirs = read_signed(content)
    ours = read_signed(sign(without_signature(content)))
    assert ours.place[0] == theirs.place[0]
    pairs = zip(ours.directory(max({0, 0x1000} & ours.slots.keys())).pages, theirs.directory().pages, strict=True)
    assert [index for index, (one, other) in enumerate(pairs) if one != other] == [0]  # the load commands' page


@pytest.mark.parametrize(
    "path",
    [mac_family("arm64").extension, mac_family("arm64").greet, mac_odd("unsigned-arm64.so")],
    ids=lambda path: path.name,
)
def test_lief_finds_the_layout_sound(path: Path, tmp_path: Path) -> None:
    target = tmp_path / path.name
    target.write_bytes(sign(path.read_bytes()))
    parsed: Any = lief.MachO.parse(str(target))
    found = read_signed(target.read_bytes())

    assert lief.MachO.check_layout(parsed) == (True, "")
    command = parsed.at(0).code_signature
    assert (command.data_offset, command.data_size) == found.place
    assert found.directory().pages == found.hashes()
