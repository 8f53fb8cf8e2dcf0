from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fixtures import FIXTURES, mac_family, mac_odd
from support.macho_bytes import (
    BUNDLE,
    DATA_IN_CODE,
    EXECUTE,
    SOURCE_VERSION,
    Cmd,
    Sect,
    Sym,
    arch,
    dylib,
    fat,
    linked,
    rpath,
    source_version,
)
from support.signature_oracle import commands, read_signed, without_signature
from truewheel.analyzer.macho.image import Signature, SignatureKind
from truewheel.bundler.macho.codesign import resign
from truewheel.bundler.macho.edit import edit_macho
from truewheel.bundler.macho_check.verify import verify_macho_edit
from truewheel.bundler.plan import MachoEdit, SliceEdit
from truewheel.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.macho_bytes import (
        Macho,
    )

FILES = sorted(
    path
    for folder in ("arm64", "x86_64", "universal2")
    for path in (FIXTURES / "macho" / folder).iterdir()
    if path.suffix in {".so", ".dylib", ""}
)
UNSIGNED = Signature(SignatureKind.NONE)
LIBX = "/opt/lib/libx.dylib"
NEW = "@loader_path/../hello.dylibs/libx-1234abcd.dylib"
RENAME = SliceEdit("arm64", rename=((LIBX, NEW),))


def sign(content: bytes) -> bytes:
    return resign(content, UNSIGNED, fallback_identifier="x")


def library(*more: Cmd, pad: int = 512, arch: str = "arm64", **fields: object) -> Macho:
    """Return an unsigned library that needs LIBX, with room in its header."""
    macho = linked(arch, "@rpath/libme.dylib", dylib(LIBX), *more)
    macho.pad = pad
    for name, value in fields.items():
        setattr(macho, name, value)
    return macho


def edit(*slices: SliceEdit, keep_runtime: bool = True) -> MachoEdit:
    return MachoEdit("hello/x.so", "hello/x.so", slices or (RENAME,), keep_runtime=keep_runtime)


def verify(wanted: MachoEdit, before: bytes, after: bytes) -> None:
    verify_macho_edit(wanted, before, after, "hello/x.so")


def refusal(wanted: MachoEdit, before: bytes, after: bytes) -> str:
    with pytest.raises(ToolError) as caught:
        verify(wanted, before, after)
    assert caught.value.where == "hello/x.so"
    return caught.value.what


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_the_editor_makes_of_linked_files_is_accepted(path: Path) -> None:
    content = path.read_bytes()
    architectures = ("x86_64", "arm64") if path.parent.name == "universal2" else (path.parent.name,)
    wanted = edit(*(SliceEdit(each, add_rpaths=("@loader_path/x",)) for each in architectures))

    verify(wanted, content, edit_macho(content, wanted).content)


def test_names_paths_and_own_name_together() -> None:
    wanted = edit(
        SliceEdit(
            "arm64",
            install_name="/DLC/hello.dylibs/libme.dylib",
            rename=((LIBX, NEW),),
            delete_rpaths=("/build",),
            add_rpaths=("@loader_path/a",),
        )
    )
    before = library(rpath("/build"), rpath("@loader_path/b")).build()

    verify(wanted, before, edit_macho(before, wanted).content)


@pytest.mark.parametrize(
    ("pad", "more"),
    [(32, [source_version()]), (32, [Cmd(DATA_IN_CODE, "2I", (0, 0))])],
    ids=["without LC_SOURCE_VERSION", "without LC_DATA_IN_CODE"],
)
def test_commands_that_nobody_reads_may_go(pad: int, more: list[Cmd]) -> None:
    before = library(*more, pad=pad, sections=[Sect(align=3)]).build()
    edited = edit_macho(before, edit())

    assert edited.notices
    assert not {SOURCE_VERSION, DATA_IN_CODE} & {number for number, _, _ in commands(edited.content)}
    verify(edit(), before, edited.content)


def test_names_may_share_a_search_path() -> None:
    names = [f"/opt/lib/lib{letter}.dylib" for letter in "abcd"]
    new = [f"@loader_path/../hello.dylibs/lib{letter}-1234abcd.dylib" for letter in "abcd"]
    wanted = edit(SliceEdit("arm64", rename=tuple(zip(names, new, strict=True))))
    macho = linked("arm64", None, *(dylib(name) for name in names))
    macho.pad, macho.sections = 100, [Sect(align=3)]
    before = macho.build()
    edited = edit_macho(before, wanted)

    assert b"@rpath/liba-1234abcd.dylib" in edited.content
    verify(wanted, before, edited.content)


def test_another_search_path_does_not_lead_there() -> None:
    names = [f"/opt/lib/lib{letter}.dylib" for letter in "abcd"]
    new = [f"@loader_path/../hello.dylibs/lib{letter}-1234abcd.dylib" for letter in "abcd"]
    wanted = edit(SliceEdit("arm64", rename=tuple(zip(names, new, strict=True))))
    macho = linked("arm64", None, *(dylib(name) for name in names))
    macho.pad = 400
    content = macho.build()
    short = edit(
        SliceEdit(
            "arm64",
            rename=tuple((old, "@rpath/" + name.rpartition("/")[2]) for old, name in zip(names, new, strict=True)),
            add_rpaths=("@loader_path/../other.dylibs",),
        )
    )

    assert "the search paths are ['@loader_path/../other.dylibs'], not []" in refusal(
        wanted, content, edit_macho(content, short).content
    )


def unlike(macho: Macho, other: Macho, wanted: MachoEdit | None = None) -> str:
    """Return what is said of `other`, signed, as the result of renaming LIBX in `macho`."""
    return refusal(wanted or edit(), macho.build(), sign(other.build()))


def renamed(*more: Cmd, name: str = NEW, **fields: object) -> Macho:
    """Return the library as it would be after the edit, its content at the place where it was."""
    macho = linked("arm64", "@rpath/libme.dylib", dylib(name), *more)
    macho.pad += command_bytes(library()) - command_bytes(macho) + library().pad - macho.pad
    for field, value in fields.items():
        setattr(macho, field, value)
    return macho


def command_bytes(macho: Macho) -> int:
    return sum(size for _, _, size in commands(macho.build()))


def test_the_bytes_of_an_edit_made_by_hand_are_accepted() -> None:
    verify(edit(), library().build(), sign(renamed().build()))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (renamed(name="@loader_path/libx.dylib"), f"load command 0xc for {NEW} is not there"),
        (renamed(dylib("/usr/lib/libz.dylib")), "load command 0xc is there, which nobody asked for"),
        (renamed(rpath("/build")), "the search paths are ['/build'], not []"),
        (renamed(source_version()), "load command 0x2a is there"),
        (renamed(sections=[Sect(content=b"\xc4" * 16)]), "the content changed"),
        (renamed(flags=0x84), "what their headers say, changed"),
        (renamed(arch="arm64e"), "what their headers say, changed"),
        (renamed(file_type=BUNDLE), "what their headers say, changed"),
        (renamed(sections=[Sect("__other")]), "load command 0x19 is not there"),
        (renamed(Cmd(0x39, tail=b"unknown!")), "load command 0x39 is there"),
    ],
    ids=[*map(str, range(10))],
)
def test_what_nobody_asked_for_is_told(other: Macho, said: str) -> None:
    assert said in unlike(library(), other)


def test_versions_of_a_library_do_not_change_with_its_name() -> None:
    macho = renamed()
    macho.commands = [
        dylib(NEW, current="1.1") if item.tail.startswith(NEW.encode()) else item for item in macho.commands
    ]

    assert f"for {NEW} is not there, or not as it was to be" in unlike(library(), macho)


def test_an_own_name_that_stayed_is_told() -> None:
    wanted = edit(RENAME._replace(install_name="/DLC/x"))

    assert "load command 0xd for /DLC/x is not there" in unlike(library(), renamed(), wanted)


def test_a_name_twice_is_told() -> None:
    twice = SliceEdit("arm64", rename=((LIBX, NEW), ("/opt/liby.dylib", NEW)))
    before = library(dylib("/opt/liby.dylib")).build()

    assert "a library is named twice" in refusal(edit(twice), before, edit_macho(before, edit(twice)).content)


def test_a_search_path_twice_is_told() -> None:
    wanted = edit(SliceEdit("arm64", add_rpaths=("@loader_path/a",)))
    before = library().build()
    twice = edit_macho(before, edit(SliceEdit("arm64", add_rpaths=("@loader_path/a", "@loader_path/a")))).content

    assert "the search paths are" in refusal(wanted, before, twice)


def test_load_commands_over_content_are_told() -> None:
    before = bytearray(library(pad=64).build())
    *_, (_, at, size) = commands(bytes(before))
    before[at + size + 8] = 7
    after = bytearray(sign(renamed().build()))

    said = refusal(edit(), bytes(before), bytes(after))
    assert "lie over something that is not zero" in said or "the content" in said


def test_old_load_commands_left_behind_are_told() -> None:
    wanted = edit(SliceEdit("arm64", delete_rpaths=("/build",)))
    before = library(rpath("/build")).build()
    after = bytearray(without_signature(edit_macho(before, wanted).content))
    *_, (_, at, size) = commands(bytes(after))
    after[at + size + 20] = 1

    assert "old load commands are left" in refusal(wanted, before, sign(bytes(after)))


def test_a_file_without_the_wanted_slice_is_told() -> None:
    before = library().build()
    wanted = edit(RENAME._replace(architecture="x86_64"))

    assert "there is no slice for x86_64" in refusal(wanted, before, before)


# The signature


def tampered(content: bytes, at: int, value: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= value
    return bytes(changed)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_flipped_bit_in_what_is_signed_is_found(data: st.DataObject) -> None:
    before = library(sections=[Sect(content=bytes(range(256)) * 40)], symbols=[Sym("_x")]).build()
    after = edit_macho(before, edit()).content
    at = data.draw(st.integers(0, read_signed(after).place[0] - 1), "place")

    refusal(edit(), before, tampered(after, at, 1 << data.draw(st.integers(0, 7), "bit")))


def test_a_flipped_bit_is_named_with_its_page() -> None:
    path = mac_family("arm64").greet
    before = path.read_bytes()
    after = edit_macho(before, edit(SliceEdit("arm64", add_rpaths=("@loader_path/x",)))).content
    spoiled = bytearray(after)
    found = read_signed(after)
    spoiled[found.place[0] + found.slots_at[0] + 4 * 32 + 150] ^= 1

    assert "pages are wrong" in refusal(
        edit(SliceEdit("arm64", add_rpaths=("@loader_path/x",))), before, bytes(spoiled)
    )


def test_an_arm64_slice_without_a_signature_is_told() -> None:
    assert "an arm64 slice has no signature" in refusal(edit(), library().build(), renamed().build())


def test_a_lost_signature_is_told() -> None:
    before = mac_odd("signed-x86_64.so").read_bytes()
    wanted = edit(SliceEdit("x86_64", add_rpaths=("@loader_path/x",)))
    after = without_signature(edit_macho(before, wanted).content)

    assert "the signature is gone" in refusal(wanted, before, after)


def test_a_signature_that_nobody_wants_is_told() -> None:
    before = mac_family("x86_64").greet.read_bytes()
    wanted = edit(SliceEdit("x86_64", add_rpaths=("@loader_path/x",)))
    after = edit_macho(before, wanted).content
    verify(wanted, before, after)

    assert "not signed got a signature" in refusal(wanted, before, sign(after))


def test_a_linkers_signature_is_told() -> None:
    before = mac_family("arm64").tone.read_bytes()
    wanted = edit(SliceEdit("arm64", install_name="@rpath/libtone.2.dylib", add_rpaths=("@loader_path/x",)))
    after = bytearray(edit_macho(before, wanted).content)
    found = read_signed(bytes(after))
    flags = found.place[0] + found.slots_at[0] + 12
    struct.pack_into(">I", after, flags, 0x20002)

    assert "is not an ad-hoc one" in refusal(wanted, before, bytes(after))


SIGNED = Signature(
    SignatureKind.IDENTITY,
    identifier="org.example.tool",
    flags=0x10000,
    entitlements=struct.pack(">II", 0xFADE7171, 12) + b"<a/>",
)


@pytest.mark.parametrize(
    ("old", "keep_runtime", "said"),
    [
        (SIGNED._replace(identifier="other"), True, "identifier b'org.example.tool' became b'other'"),
        (SIGNED._replace(flags=0), True, "hardened runtime is not what was asked for"),
        (SIGNED, False, "hardened runtime is not what was asked for"),
        (SIGNED._replace(entitlements=b""), True, "entitlements changed"),
    ],
)
def test_what_a_signature_said_is_kept(old: Signature, keep_runtime: bool, said: str) -> None:  # noqa: FBT001
    before = resign(library(file_type=EXECUTE).build(), SIGNED, fallback_identifier="x")
    after = edit_macho(before, edit()).content
    verify(edit(), before, after)

    assert said in refusal(edit(keep_runtime=keep_runtime), before, resign(after, old, fallback_identifier="x"))


# Fat files


def universal() -> bytes:
    return fat([arch(library(arch="x86_64"), alignment=12), arch(sign(library().build()), "arm64", alignment=14)])


def test_a_fat_file_with_one_edited_slice() -> None:
    before = universal()

    verify(edit(), before, edit_macho(before, edit()).content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x86, arm: fat([arch(x86, "x86_64"), arch(arm, "arm64", 12)]), "what their headers say, changed"),
        (lambda x86, arm: fat([arch(arm, "arm64", 14), arch(x86, "x86_64")]), "what their headers say, changed"),
        (lambda x86, arm: fat([arch(x86, "x86_64"), arch(arm, "arm64", 14)], wide=True), "headers say, changed"),
        (lambda x86, arm: fat([arch(x86, "x86_64"), arch(arm, "arm64", 14)]) + b"x", "does not end with its last"),
        (lambda x86, arm: fat([arch(x86[:-1] + b"x", "x86_64"), arch(arm, "arm64", 14)]), "x86_64: changed, but no"),
        (lambda x86, arm: fat([arch(x86 + b"x", "x86_64"), arch(arm, "arm64", 14)]), "x86_64: changed, but no change"),
        (lambda _, arm: arm, "what their headers say, changed"),
        (lambda *_: b"", "there is no slice at offset 0x0"),
        (lambda x86, arm: fat([arch(x86, "x86_64"), arch(arm, "arm64", 14)], count=99), "99 slices are too many"),
    ],
)
def test_a_fat_file_laid_out_otherwise_is_told(change: Callable[[bytes, bytes], bytes], said: str) -> None:
    before = universal()
    slices = library(arch="x86_64").build(), edit_macho(sign(library().build()), edit()).content

    assert said in refusal(edit(), before, change(*slices))


@pytest.mark.parametrize("step", [8, -(1 << 14)])
def test_slices_at_wrong_places_are_told(step: int) -> None:
    before = universal()
    after = bytearray(edit_macho(before, edit()).content)
    (offset,) = struct.unpack_from(">I", after, 8 + 20 + 8)
    moved = bytes(after[:offset]) + bytes(max(step, 0)) + bytes(after[offset:])
    after = bytearray(moved)
    struct.pack_into(">I", after, 8 + 20 + 8, offset + step)

    assert refusal(edit(), before, bytes(after))
