from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any

import lief
import pytest
from macholib.MachO import MachO

from support.fixtures import FIXTURES
from support.macho_bytes import BUNDLE, Macho, Sect, arch, dylib, fat, linked, rpath, source_version
from truewheel.bundler.macho.edit import edit_macho
from truewheel.bundler.macho_check.verify import verify_macho_edit
from truewheel.bundler.plan import MachoEdit, SliceEdit
from truewheel.errors import InvalidBinaryError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

MACHO = FIXTURES / "macho"
FAMILIES = ["arm64", "x86_64", "universal2"]
FILES = ["_hello.abi3.so", "libgreet.1.dylib", "libtone.2.dylib", "hello"]
NAMES = frozenset({0xC, 0x80000018, 0x8000001F, 0x20, 0x80000023})


class Read:
    """What macholib reads of one slice."""

    def __init__(self, header: Any, data: bytes) -> None:  # noqa: ANN401 - macholib is not typed
        self.content = data[header.offset : header.offset + header.size]
        self.architecture = {0x1000007: "x86_64", 0x100000C: "arm64"}.get(header.header.cputype, "other")
        self.commands = [(item[0].cmd, item[1], item[2]) for item in header.commands]

    def texts(self, *kinds: int) -> list[str]:
        return [text.partition(b"\0")[0].decode() for number, _, text in self.commands if number in kinds]

    @property
    def libraries(self) -> list[str]:
        return self.texts(*NAMES)

    @property
    def signature(self) -> bytes | None:
        for number, fields, _ in self.commands:
            if number == 0x1D:
                return self.content[fields.dataoff : fields.dataoff + fields.datasize]
        return None


def read(data: bytes, path: Path) -> list[Read]:
    """Read a file with macholib, which wants one on disk."""
    path.write_bytes(data)
    return [Read(header, data) for header in MachO(str(path)).headers]


def page_hashes(blob: bytes) -> tuple[int, int, list[bytes]]:
    """Return flags, code limit and hashes of the code directory in slot 0, by the layout in `cs_blobs.h`."""
    at = struct.unpack_from(">I", blob, 16)[0]
    _, _, _, flags, offset, _, _, count, limit = struct.unpack_from(">9I", blob, at)
    size, kind, _, page = struct.unpack_from(">4B", blob, at + 36)
    assert (kind, page) in ((2, 12), (1, 12))
    return flags, limit, [blob[at + offset + size * number :][:size] for number in range(count)]


def is_signed(item: Read) -> bool:
    """Whether every page has the hash that the ad-hoc signature says."""
    assert item.signature is not None
    flags, limit, hashes = page_hashes(item.signature)
    algorithm = hashlib.sha256 if len(hashes[0]) == 32 else hashlib.sha1
    pages = [item.content[at : min(at + 4096, limit)] for at in range(0, limit, 4096)]
    return flags == 2 and hashes == [algorithm(page).digest() for page in pages]


def is_sound(data: bytes) -> bool:
    file = lief.MachO.parse(list(data))
    assert file is not None
    return bool(lief.MachO.check_layout(file)[0])


def slice_edit(item: Read) -> SliceEdit:
    """Return an edit of every kind of name that the slice has."""
    return SliceEdit(
        item.architecture,
        install_name="/DLC/hello.dylibs/x-0123abcd.dylib" if item.texts(0xD) else None,
        rename=tuple(
            (name, f"@loader_path/hello.dylibs/{name.rpartition('/')[2]}")
            for name in item.libraries
            if not name.startswith("/usr/lib/")
        ),
        delete_rpaths=tuple(item.texts(0x8000001C)),
        add_rpaths=("@loader_path/..",),
    )


def whole(*slices: SliceEdit) -> MachoEdit:
    return MachoEdit("pkg/file.so", "file.so", slices)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", FILES)
def test_names_change_in_every_slice(family: str, name: str, tmp_path: Path) -> None:
    data = (MACHO / family / name).read_bytes()
    before = read(data, tmp_path / "before")
    edit = whole(*map(slice_edit, before))
    done = edit_macho(data, edit)
    after = read(done.content, tmp_path / "after")
    assert (done.notices, done.edit) == ((), edit)
    assert is_sound(done.content)
    for old, new, wanted in zip(before, after, edit.slices, strict=True):
        renamed = dict(wanted.rename)
        assert new.libraries == [renamed.get(library, library) for library in old.libraries]
        assert new.texts(0xD) == [wanted.install_name for _ in old.texts(0xD)]
        assert new.texts(0x8000001C) == ["@loader_path/.."]
        if old.architecture == "arm64":
            assert is_signed(new)
        else:
            assert new.signature is None
            assert len(new.content) == len(old.content)
    verify_macho_edit(edit, data, done.content, "file.so")


def test_slices_without_an_edit_keep_their_bytes(tmp_path: Path) -> None:
    data = (MACHO / "universal2" / "_hello.abi3.so").read_bytes()
    before = read(data, tmp_path / "before")
    for changed in before:
        done = edit_macho(memoryview(data), whole(slice_edit(changed), SliceEdit("arm64")))
        for old, new in zip(before, read(done.content, tmp_path / "after"), strict=True):
            assert (old.content == new.content) == (old is not changed)


def test_nothing_changes_without_an_edit() -> None:
    data = (MACHO / "arm64" / "hello").read_bytes()
    assert edit_macho(memoryview(data), whole(SliceEdit("arm64"))).content == data


@pytest.mark.parametrize("name", ["unsigned-arm64.so", "signed-x86_64.so"])
def test_code_that_must_be_signed_or_was_is_signed(name: str, tmp_path: Path) -> None:
    data = (MACHO / "odd" / name).read_bytes()
    [before] = read(data, tmp_path / "before")
    [after] = read(edit_macho(data, whole(slice_edit(before))).content, tmp_path / "after")
    assert (before.signature is None) == (name == "unsigned-arm64.so")
    assert is_signed(after)


def test_editing_twice_changes_nothing_more(tmp_path: Path) -> None:
    data = (MACHO / "universal2" / "libgreet.1.dylib").read_bytes()
    once = edit_macho(data, whole(*map(slice_edit, read(data, tmp_path / "x")))).content
    again = SliceEdit("arm64", delete_rpaths=("@loader_path/..",), add_rpaths=("@loader_path/..",))
    assert edit_macho(once, whole(again)).content == once


def test_a_removed_library_leaves_no_symbol_behind(tmp_path: Path) -> None:
    data = (MACHO / "odd" / "needs-libpython.so").read_bytes()
    [before] = read(data, tmp_path / "before")
    [python] = [name for name in before.libraries if "python" in name.lower()]
    edit = whole(SliceEdit(before.architecture, remove=(python,)))
    done = edit_macho(data, edit)
    [after] = read(done.content, tmp_path / "after")
    assert after.libraries == [name for name in before.libraries if name != python]
    file: Any = lief.MachO.parse(list(done.content))
    ordinals = {str(item.symbol.name): item.library_ordinal for item in file.at(0).bindings}
    assert {number for name, number in ordinals.items() if name.startswith("_Py")} <= {-2}
    verify_macho_edit(edit, data, done.content, "file.so")


def test_what_made_room_is_told(tmp_path: Path) -> None:
    data = (MACHO / "odd" / "little-room.so").read_bytes()
    path = "@loader_path/../" + "x" * 40  # 72 bytes; 56 are free
    done = edit_macho(data, whole(SliceEdit("x86_64", add_rpaths=(path,))))
    assert done.notices == (
        "pkg/file.so: an empty LC_DATA_IN_CODE was dropped to make room in the header of the x86_64 slice",
    )
    [before], [after] = read(data, tmp_path / "before"), read(done.content, tmp_path / "after")
    assert {item[0] for item in before.commands} - {item[0] for item in after.commands} == {0x29}
    assert after.texts(0x8000001C)[-1] == path


SHORT, LONG = "@rpath/x.dylib", "@loader_path/../../../a.very.long.package.name.dylibs/x.dylib"


def tight(architecture: str, pad: int) -> Macho:
    macho = linked(architecture, None, dylib(SHORT), rpath("/b"), source_version())
    macho.pad, macho.page, macho.symbols = pad, 0x4000 if architecture == "arm64" else 0x1000, []
    return macho


@pytest.mark.parametrize("wide", [False, True])
def test_a_fat_file_keeps_width_order_and_alignments(tmp_path: Path, *, wide: bool) -> None:
    slices = [arch(tight("arm64", 4096), "arm64", 14), arch(tight("x86_64", 4096), "x86_64", 12)]
    data = fat(slices, wide=wide)
    done = edit_macho(data, whole(SliceEdit("arm64", rename=((SHORT, LONG),)))).content
    assert done[:8] == data[:8]
    old, new = read(data, tmp_path / "before"), read(done, tmp_path / "after")
    shape = struct.Struct(">IIQQI4x" if wide else ">5I")
    table = [shape.unpack_from(done, 8 + shape.size * number) for number in range(2)]
    assert [entry[4] for entry in table] == [14, 12]
    assert [entry[2] % (1 << entry[4]) for entry in table] == [0, 0]
    assert [entry[3] for entry in table] == [len(item.content) for item in new]
    assert len(new[0].content) > len(old[0].content)
    assert new[1].content == old[1].content
    assert new[0].libraries == ["/usr/lib/libSystem.B.dylib", LONG]


def test_slices_lie_in_their_old_order_whatever_the_table_says(tmp_path: Path) -> None:
    first, second = tight("x86_64", 64).build(), tight("arm64", 4096).build()
    data = bytearray(fat([arch(second, "arm64", 14), arch(first, "x86_64", 12)]))
    entries = [data[8:28], data[28:48]]
    data[8:28], data[28:48] = entries[1], entries[0]
    done = edit_macho(bytes(data), whole(SliceEdit("arm64", rename=((SHORT, LONG),)))).content
    assert [item.architecture for item in read(done, tmp_path / "after")] == ["x86_64", "arm64"]
    assert struct.unpack_from(">I", done, 16)[0] > struct.unpack_from(">I", done, 36)[0] == 0x4000


def test_content_behind_the_last_slice_is_not_lost() -> None:
    data = fat([tight("x86_64", 4096)])
    edit = whole(SliceEdit("x86_64", rename=((SHORT, LONG),)))
    with pytest.raises(RefusedError, match="content behind its last slice"):
        edit_macho(data + b"an archive", edit)
    assert edit_macho(data + bytes(10), edit).content[: len(data)] != data


def test_a_fat_file_that_outgrows_its_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = fat([tight("x86_64", 4096)])
    edit = whole(SliceEdit("x86_64", rename=((SHORT, LONG),)))
    monkeypatch.setattr("truewheel.bundler.macho.fat._LARGEST", {False: len(data) - 1})
    with pytest.raises(RefusedError, match="larger than 4 GiB"):
        edit_macho(data, edit)
    monkeypatch.setattr("truewheel.bundler.macho.fat._LARGEST", {False: len(data)})
    assert len(edit_macho(data, edit).content) == len(data)


def test_an_alignment_that_is_not_kept_is_refused() -> None:
    data = bytearray(fat([tight("x86_64", 4096)]))
    struct.pack_into(">I", data, 24, 31)  # would ask for two gigabytes of zeros
    with pytest.raises(RefusedError, match="does not lie where its alignment says"):
        edit_macho(bytes(data), whole(SliceEdit("x86_64", rename=((SHORT, LONG),))))


@pytest.mark.parametrize(("free", "dropped"), [(72, 0), (56, 1)])
def test_room_is_made_for_a_signature_too(free: int, dropped: int, tmp_path: Path) -> None:
    macho = tight("arm64", free)  # 56 bytes more for the name
    done = edit_macho(macho.build(), whole(SliceEdit("arm64", rename=((SHORT, LONG),))))
    assert len(done.notices) == dropped
    [after] = read(done.content, tmp_path / "x")
    assert is_signed(after)


def test_a_slice_that_is_not_there_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"pkg/file\.so: has no slice for arm64, ppc"):
        edit_macho(
            tight("x86_64", 0).build(), whole(SliceEdit("ppc", remove=("a",)), SliceEdit("arm64", remove=("a",)))
        )


def test_a_damaged_file_is_an_error() -> None:
    with pytest.raises(InvalidBinaryError):
        edit_macho(tight("x86_64", 0).build()[:100], whole(SliceEdit("x86_64", remove=("a",))))


@pytest.mark.parametrize("architecture", ["x86_64", "x86_64h", "i386", "ppc", "ppc64"])
def test_code_that_needs_no_signature_gets_none(architecture: str, tmp_path: Path) -> None:
    macho = Macho(architecture, BUNDLE, commands=[dylib(SHORT), rpath("/b")], sections=[Sect()], pad=128)
    edit = SliceEdit(architecture, rename=((SHORT, LONG),), delete_rpaths=("/b",))
    [after] = read(edit_macho(macho.build(), whole(edit)).content, tmp_path / "x")
    assert after.signature is None
    assert after.libraries == [LONG]
    assert after.texts(0x8000001C) == []
