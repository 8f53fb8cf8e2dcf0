from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truewheel.bundler.macho.code_directory import SHA1, SHA256, Signed, page_hashes, signature, signature_size


def signed(limit: int) -> Signed:
    return Signed(b"x", limit, (0, 0x4000), is_program=False, runtime=None, parts={})


@pytest.mark.parametrize(
    ("limit", "near", "far"),
    [(0xFFFFFFFF, 0xFFFFFFFF, 0), (0x100000000, 0xFFFFFFFF, 0x100000000)],
)
def test_a_limit_of_more_than_32_bits_stands_in_its_own_field(limit: int, near: int, far: int) -> None:
    blob = signature(signed(limit), [(SHA256, b"")])
    start = struct.unpack_from(">I", blob, 16)[0]

    assert struct.unpack_from(">I", blob, start + 32) == (near,)
    assert struct.unpack_from(">Q", blob, start + 56) == (far,)


def test_the_size_is_known_before_the_hashes() -> None:
    facts = signed(10_000)
    pages = [(SHA1, bytes(60)), (SHA256, bytes(96))]

    assert signature_size(facts, [SHA1, SHA256]) == len(signature(facts, pages))


@given(st.lists(st.binary(max_size=9000), max_size=4))
def test_pages_do_not_care_how_content_is_cut(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    pages = [whole[at : at + 4096] for at in range(0, len(whole), 4096)]

    assert page_hashes(SHA256, parts) == b"".join(hashlib.sha256(page).digest() for page in pages)
    assert page_hashes(SHA1, parts) == b"".join(hashlib.sha1(page, usedforsecurity=False).digest() for page in pages)
