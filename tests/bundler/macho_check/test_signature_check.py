from __future__ import annotations

import hashlib
import struct
from typing import NamedTuple

import pytest

from support.macho_bytes import NO_CMS, REQUIREMENTS, blob, super_blob
from truewheel.bundler.macho_check.signature_check import SignatureError, SignedSlice, check_signature

PAGES = [bytes([number]) * 4096 for number in range(3)]
CONTENT = b"".join(PAGES)[:-96]  # a short last page; its length is a multiple of 16
LIMIT = len(CONTENT)


class Build(NamedTuple):
    """A code directory, right unless told otherwise."""

    flags: int = 2
    version: int = 0x20400
    limit: int = LIMIT
    kind: int = 2
    size: int = 32
    bits: int = 12
    text: tuple[int, int, int] = (0, LIMIT, 0)
    special: tuple[bytes, ...] = (bytes(32), hashlib.sha256(REQUIREMENTS[1]).digest())
    """From slot 1 on."""
    pages: int | None = None
    hash_offset: int | None = None
    identifier: bytes = b"x\0"
    name: str = "sha256"
    page: int = 4096
    far: int = 0

    def bytes(self) -> bytes:
        hashes = [
            hashlib.new(self.name, CONTENT[at : min(at + self.page, LIMIT)]).digest()[: self.size]
            for at in range(0, LIMIT, self.page)
        ]
        place = 88 + len(self.identifier) + sum(map(len, self.special))
        place = place if self.hash_offset is None else self.hash_offset
        count = len(hashes) if self.pages is None else self.pages
        head = (self.version, self.flags, place, 88, len(self.special), count, self.limit)
        fields = struct.pack(">7I4B4I4Q", *head, self.size, self.kind, 0, self.bits, 0, 0, 0, 0, self.far, *self.text)
        return blob(0xFADE0C02, fields + self.identifier + b"".join((*reversed(self.special), *hashes)))


def signed(signature: bytes, *, is_arm: bool = True, info_plist: bytes = b"", linkedit_end: int = 0) -> SignedSlice:
    data = CONTENT + signature
    return SignedSlice(
        data=memoryview(data),
        place=(LIMIT, len(signature)),
        linkedit_end=linkedit_end or len(data),
        text=(0, LIMIT),
        is_program=False,
        is_arm=is_arm,
        info_plist=info_plist,
    )


def problems(directory: Build, *parts: tuple[int, bytes], is_arm: bool = True, info_plist: bytes = b"") -> str:
    signature = super_blob((0, directory.bytes()), REQUIREMENTS, *parts, NO_CMS)
    return "; ".join(check_signature(signed(signature, is_arm=is_arm, info_plist=info_plist))[1])


def test_a_right_signature_has_no_problems() -> None:
    stated, found = check_signature(signed(super_blob((0, Build().bytes()), REQUIREMENTS, NO_CMS)))

    assert found == ()
    assert (stated.identifier, stated.flags, stated.hash_types) == (b"x", 2, (2,))
    assert not stated.has_certificate
    assert stated.entitlements == (b"", b"")
    assert stated.is_ad_hoc
    assert not stated.is_linker_signed
    assert not stated.hardened_runtime


def test_what_a_certificate_signs_is_not_ad_hoc() -> None:
    cms = (0x10000, blob(0xFADE0B01, b"certificate"))
    stated, found = check_signature(signed(super_blob((0, Build(flags=0x10000).bytes()), REQUIREMENTS, cms)))

    assert found == ()
    assert stated.has_certificate
    assert stated.hardened_runtime
    assert not stated.is_ad_hoc


@pytest.mark.parametrize(
    "directory",
    [
        Build(version=0x20000, text=(7, 7, 7)),
        Build(version=0x20400, limit=0, far=LIMIT),
        Build(bits=14, page=1 << 14),
        Build(kind=3, size=20, special=(bytes(20), hashlib.sha256(REQUIREMENTS[1]).digest()[:20])),
        Build(kind=4, size=48, name="sha384", special=(bytes(48), hashlib.sha384(REQUIREMENTS[1]).digest())),
        Build(special=(b"\1" * 32, Build().special[1], b"\2" * 32)),
        Build(text=(0, 100, 0)),
    ],
    ids=[
        "old", "far limit", "large pages", "cut hashes", "long hashes", "files beside the slice", "as Apple's linker",
    ],
)  # fmt: skip
def test_what_macs_accept_has_no_problems(directory: Build) -> None:
    assert problems(directory) == ""


@pytest.mark.parametrize(
    ("directory", "said"),
    [
        (Build(kind=9), "hashes are of an unknown kind"),
        (Build(kind=1), "hashes are of an unknown kind"),
        (Build(bits=13), "pages have 2^13 bytes"),
        (Build(limit=LIMIT - 1), f"{LIMIT - 1:#x} bytes are signed"),
        (Build(far=LIMIT + 1), f"{LIMIT + 1:#x} bytes are signed"),
        (Build(pages=2), "hashes for 2 pages"),
        (Build(pages=4), "hashes for 4 pages"),
        (Build(hash_offset=95), "hashes do not lie in the code directory"),
        (Build(hash_offset=400), "hashes do not lie in the code directory"),
        (Build(special=(bytes(32),) * 65), "hashes do not lie in the code directory"),
        (Build(text=(16, 16, 0)), "the executable segment is said to lie at 0x10"),
        (Build(text=(0, LIMIT + 1, 0)), "the executable segment is said to lie at 0x0"),
        (Build(text=(0, LIMIT, 1)), "said of a library that it is a program"),
        (Build(special=(bytes(32), bytes(32))), "the hash of special slot 2 is wrong"),
        (Build(special=(bytes(32),)), "the hash of special slot 2 is wrong"),
        (Build(special=(*Build().special, bytes(32), b"\1" * 32)), "special slot 4 has a hash, but no content"),
        (Build(page=2048, pages=3), "the hashes of 3 pages are wrong, first at 0x0, 0x1000, 0x2000"),
        (Build(name="sha512"), "the hashes of 3 pages are wrong"),
    ],
)
def test_wrong_directories_are_told(directory: Build, said: str) -> None:
    assert said in problems(directory)


def test_large_pages_are_for_arm64_only() -> None:
    assert "pages have 2^14 bytes" in problems(Build(bits=14, page=1 << 14), is_arm=False)


def test_an_info_plist_in_the_slice_must_be_hashed() -> None:
    right = Build(special=(hashlib.sha256(b"<plist/>").digest(), Build().special[1]))

    assert problems(right, info_plist=b"<plist/>") == ""
    assert "special slot 1 is wrong" in problems(Build(), info_plist=b"<plist/>")


def test_entitlements_must_be_hashed() -> None:
    part = blob(0xFADE7171, b"<a/>")
    digest = hashlib.sha256(part).digest()
    right = Build(special=(*Build().special, bytes(32), bytes(32), digest))

    assert problems(right, (5, part)) == ""
    assert "special slot 5 is wrong" in problems(Build(), (5, part))
    assert "slot 0x5 of the signature holds something else" in problems(right, (5, blob(0xFADE7172, b"<a/>")))


@pytest.mark.parametrize(
    ("directory", "parts", "said"),
    [
        (Build(), (), ""),
        (Build(flags=0x10002, version=0x20500), (), ""),
        (Build(flags=0x20002), (), "the flags are 0x20002"),
        (Build(version=0x20500), (), "the version is 0x20500"),
        (Build(flags=0x10002), (), "the version is 0x20400"),
        (Build(text=(0, 16, 0)), (), "the executable segment is not __TEXT"),
        (Build(text=(0, LIMIT, 2)), (), "the executable segment is not __TEXT"),
        (Build(special=(b"\1" * 32, Build().special[1])), (), "a file beside the slice has a hash"),
        (Build(), ((0x10001, blob(0xFADE0B01)),), "has the slots 0x0, 0x2, 0x10000, 0x10001"),
    ],
)
def test_a_signature_of_ours_says_no_more_than_it_must(
    directory: Build, parts: tuple[tuple[int, bytes], ...], said: str
) -> None:
    signature = super_blob((0, directory.bytes()), REQUIREMENTS, NO_CMS, *parts)
    found = "; ".join(check_signature(signed(signature), is_ours=True)[1])

    assert (said in found) if said else not found


def test_a_signature_of_ours_has_all_parts_and_no_odd_fields() -> None:
    spoiled = bytearray(Build().bytes())
    spoiled[38] = 1
    found = "; ".join(check_signature(signed(super_blob((0, bytes(spoiled)), REQUIREMENTS)), is_ours=True)[1])

    assert "fields have values that nobody gave them" in found
    assert "has the slots 0x0, 0x2" in found


def test_two_directories_need_two_kinds_of_hash() -> None:
    assert "two code directories use one kind of hash" in problems(Build(), (0x1000, Build().bytes()))


def test_every_directory_is_checked() -> None:
    spoiled = bytearray(Build(kind=3, size=20, special=()).bytes())
    spoiled[-1] ^= 1

    assert "in slot 0x1000, the hashes of 1 pages are wrong, first at 0x2000" in problems(
        Build(), (0x1000, bytes(spoiled))
    )


def test_a_signature_must_be_aligned_and_inside_linkedit() -> None:
    item = signed(super_blob((0, Build().bytes()), REQUIREMENTS, NO_CMS))
    odd = SignedSlice(
        data=memoryview(CONTENT + b"\0" + bytes(item.data[LIMIT:])),
        place=(LIMIT + 1, item.place[1]),
        linkedit_end=len(item.data),
        text=item.text,
        is_program=False,
        is_arm=True,
    )
    found = "; ".join(check_signature(odd)[1])

    assert "which is no multiple of 16" in found
    assert "behind __LINKEDIT" in found


GOOD = super_blob((0, Build().bytes()), REQUIREMENTS, NO_CMS)


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        (b"", "cut off"),
        (b"\0" * 64, "no signature where"),
        (GOOD[:40], "does not fit"),
        (struct.pack(">III", 0xFADE0CC0, 12, 65), "does not fit"),
        (super_blob(REQUIREMENTS), "no code directory"),
        (super_blob((0, b"no directory")), "there is no code directory in slot 0x0|ends behind it"),
        (super_blob((0, blob(0xFADE0C01, bytes(90)))), "there is no code directory in slot 0x0"),
        (super_blob((0, blob(0xFADE0C02, bytes(20)))), "cut off|identifier has no end"),
        (super_blob((0, Build(identifier=b"", special=()).bytes())), "the identifier has no end"),
        (super_blob((0, Build().bytes()), (0, Build().bytes())), "slot 0x0 of the signature stands twice"),
        (GOOD[:16] + struct.pack(">I", 1 << 20) + GOOD[20:], "cut off"),
        (GOOD[:16] + struct.pack(">I", 12) + GOOD[20:], "overlap|ends behind it"),
    ],
)
def test_what_is_no_signature_is_told(signature: bytes, said: str) -> None:
    with pytest.raises(SignatureError, match=said):
        check_signature(signed(signature))


def test_a_signature_behind_the_slice_is_told() -> None:
    with pytest.raises(SignatureError, match="ends behind the slice"):
        check_signature(signed(GOOD)._replace(place=(LIMIT, len(GOOD) + 1)))
