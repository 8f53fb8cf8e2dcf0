"""New and changed members of a macOS wheel: content, mode, size, and what is refused while they are made."""

from __future__ import annotations

import zipfile
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from support.fixtures import mac_family, mac_odd
from support.hello import hello_wheel
from support.mac_names import names
from truewheel.archive.reader import WheelReader
from truewheel.archive.writer import Pending
from truewheel.bundler.macho.apply import macho_members
from truewheel.bundler.macho.edit import edit_macho
from truewheel.bundler.plan import LibraryCopy, MachoEdit, RepairPlan, SliceEdit
from truewheel.errors import RefusedError, ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truewheel.archive.writer import NewMember
    from truewheel.bundler.macho.edit import EditedMacho

X86_64 = mac_family("x86_64")
MODULE, SCRIPT, TONE = "hello/_hello.abi3.so", "hello-1.0.data/scripts/hello", "hello.dylibs/libtone.dylib"
GREET, NEW = "/opt/hello/lib/libgreet.1.dylib", "@loader_path/../hello.dylibs/libgreet.dylib"
RENAME = (SliceEdit("x86_64", rename=((GREET, NEW),)),)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[WheelReader]:
    files: dict[str, Path | bytes] = {MODULE: mac_odd("zero-room.so"), SCRIPT: X86_64.program, "a.txt": b""}
    modes = {MODULE: 0o100700, SCRIPT: 0o100600, "a.txt": 0}
    with WheelReader.open(hello_wheel(tmp_path, files, tag="cp310-abi3-macosx_10_9_x86_64", modes=modes)) as opened:
        yield opened


def one_member(
    reader: WheelReader, edit: MachoEdit, *libraries: LibraryCopy, log: dict[str, tuple[str, ...]] | None = None
) -> NewMember:
    plan = RepairPlan("x.whl", "", "y.whl", (), None, rewrites_metadata=False, libraries=libraries, macho_edits=(edit,))
    (member,) = macho_members(reader, plan, {} if log is None else log)
    return member


def pending(member: NewMember) -> Pending:
    assert isinstance(member.content, Pending)
    return member.content


def made(member: NewMember) -> bytes:
    content = pending(member).make()
    assert isinstance(content, bytes)
    return content


def copy_of(path: Path) -> LibraryCopy:
    content = path.read_bytes()
    return LibraryCopy(str(path), path.name, TONE, sha256(content).hexdigest(), len(content))


def test_a_member_is_edited_and_keeps_its_mode(reader: WheelReader) -> None:
    log: dict[str, tuple[str, ...]] = {}
    member = one_member(reader, MachoEdit(MODULE, MODULE, RENAME), log=log)
    assert (member.name, member.mode, pending(member).size) == (
        MODULE,
        0o700,
        mac_odd("zero-room.so").stat().st_size,
    )
    assert log == {}  # nothing is done before it is written
    assert names(made(member))["x86_64"].needed[0].endswith("libgreet.dylib")
    assert any("room in the header" in notice for notice in log[MODULE])


def test_an_edit_that_fits_leaves_nothing_to_say(reader: WheelReader) -> None:
    log: dict[str, tuple[str, ...]] = {}
    made(one_member(reader, MachoEdit(SCRIPT, SCRIPT, RENAME), log=log))
    assert log == {SCRIPT: ()}


def test_a_program_that_moves_becomes_executable(reader: WheelReader) -> None:
    member = one_member(reader, MachoEdit("hello.scripts/hello", SCRIPT))
    assert member.mode == 0o711
    assert made(member) == X86_64.program.read_bytes()


def test_a_library_comes_along_with_a_mode_of_its_own(reader: WheelReader, tmp_path: Path) -> None:
    source = tmp_path / "libtone.2.dylib"
    source.write_bytes(X86_64.tone.read_bytes())
    edit = MachoEdit(TONE, str(source), (SliceEdit("x86_64", install_name="/DLC/libtone.dylib"),))
    member = one_member(reader, edit, copy_of(source))
    assert (member.mode, pending(member).size) == (0o755, source.stat().st_size)
    assert names(made(member))["x86_64"].install_name == "/DLC/libtone.dylib"


def test_a_library_that_is_not_in_the_plan_is_refused(reader: WheelReader) -> None:
    with pytest.raises(RefusedError, match="is neither a file of the wheel nor a library of the plan"):
        made(one_member(reader, MachoEdit(TONE, str(X86_64.tone), RENAME)))


@pytest.mark.parametrize("change", ["other", "empty", "gone"])
def test_a_library_that_is_no_longer_the_planned_one_is_refused(
    change: str, reader: WheelReader, tmp_path: Path
) -> None:
    source = tmp_path / "libtone.2.dylib"
    source.write_bytes(X86_64.tone.read_bytes())
    copy = copy_of(source)
    if change == "gone":
        source.unlink()
    else:
        source.write_bytes(b"" if change == "empty" else X86_64.greet.read_bytes())
    with pytest.raises(RefusedError) as refused:
        made(one_member(reader, MachoEdit(TONE, str(source), RENAME), copy))
    assert refused.value.where == str(source)


def test_an_edit_that_did_something_else_is_found_out(reader: WheelReader, monkeypatch: pytest.MonkeyPatch) -> None:
    other = (SliceEdit("x86_64", rename=((GREET, "@loader_path/other.dylib"),)),)

    def edited_otherwise(content: memoryview, _: MachoEdit) -> EditedMacho:
        return edit_macho(content, MachoEdit(SCRIPT, SCRIPT, other))

    monkeypatch.setattr("truewheel.bundler.macho.apply.edit_macho", edited_otherwise)
    with pytest.raises(ToolError):
        made(one_member(reader, MachoEdit(SCRIPT, SCRIPT, RENAME)))


def test_the_wheel_was_not_touched(reader: WheelReader) -> None:
    before = reader.path.read_bytes()
    made(one_member(reader, MachoEdit(MODULE, MODULE, RENAME)))
    assert reader.path.read_bytes() == before
    assert zipfile.ZipFile(reader.path).testzip() is None
