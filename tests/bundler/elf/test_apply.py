from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from support.fixtures import family, odd
from support.hello import hello_wheel
from truewheel.archive.members import NewMember
from truewheel.archive.reader import WheelReader
from truewheel.bundler.elf.apply import launcher_members, native_members
from truewheel.bundler.launcher import launcher
from truewheel.bundler.plan import ElfEdit, Launcher, LibraryCopy, RepairPlan
from truewheel.errors import OutputError, RefusedError, ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


MODULE = "hello/_hello.abi3.so"
SCRIPT = "hello-1.0.data/scripts/hello"
EMPTY = RepairPlan("a", "0", "a", (), None, rewrites_metadata=False)
NAME = "libgreet-0.so.1"
ON_MODULE = ElfEdit(MODULE, MODULE, replace_needed=(("libgreet.so.1", NAME),), rpath="$ORIGIN/../hello.libs")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[WheelReader]:
    files: dict[str, Path | bytes] = {MODULE: family("x86_64").extension, SCRIPT: odd("executable")}
    with WheelReader.open(hello_wheel(tmp_path, files, modes={MODULE: 0o100755})) as opened:
        yield opened


def library(path: Path) -> tuple[LibraryCopy, ElfEdit]:
    member = f"hello.libs/{NAME}"
    copy = LibraryCopy(str(path), "libgreet.so.1", member, sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
    return copy, ElfEdit(member, str(path), soname=NAME)


def made(reader: WheelReader, plan: RepairPlan, tmp_path: Path) -> dict[str, NewMember]:
    """Return every native member of the plan, by name, with the bytes it has once it is made."""
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    pending = native_members(reader, plan, scratch)
    found = {member.name: NewMember(member.name, bytes(member.bytes()), member.mode) for member in pending}
    assert list(scratch.iterdir()) == []
    return found


def dynamic(member: NewMember) -> dict[str, list[str]]:
    """Return names from the dynamic section, read by pyelftools."""
    assert isinstance(member.content, bytes)
    names: dict[str, list[str]] = {}
    section = ELFFile(BytesIO(member.content)).get_section_by_name(".dynamic")
    assert isinstance(section, DynamicSection)
    for tag in section.iter_tags():
        for kind in ("needed", "soname", "rpath", "runpath"):
            if hasattr(tag, kind):
                names.setdefault(kind, []).append(getattr(tag, kind))
    return names


def test_members_and_libraries_are_edited(reader: WheelReader, tmp_path: Path) -> None:
    copy, edit = library(family("x86_64").greet)
    found = made(reader, replace(EMPTY, libraries=(copy,), edits=(ON_MODULE, edit)), tmp_path)
    assert dynamic(found[MODULE]) == {"needed": [NAME, "libc.so.6"], "rpath": ["$ORIGIN/../hello.libs"]}
    assert dynamic(found[copy.member])["soname"] == [NAME]
    assert {name: member.mode for name, member in found.items()} == {MODULE: 0o755, copy.member: 0o755}


def test_an_executable_that_moves_can_be_started_whatever_its_mode_was(reader: WheelReader, tmp_path: Path) -> None:
    moved = ElfEdit("hello.scripts/hello", SCRIPT, rpath="$ORIGIN")
    assert made(reader, replace(EMPTY, edits=(moved,)), tmp_path)["hello.scripts/hello"].mode == 0o755


def test_a_move_alone_changes_no_byte(reader: WheelReader, tmp_path: Path) -> None:
    found = made(reader, replace(EMPTY, edits=(ElfEdit("hello.scripts/hello", SCRIPT),)), tmp_path)
    assert bytes(found["hello.scripts/hello"].bytes()) == odd("executable").read_bytes()


def test_a_second_making_gives_the_same_bytes(reader: WheelReader, tmp_path: Path) -> None:
    copy, edit = library(family("x86_64").greet)
    plan = replace(EMPTY, libraries=(copy,), edits=(ON_MODULE, edit, ElfEdit("x/hello", SCRIPT, strip=True)))
    assert made(reader, plan, tmp_path) == made(reader, plan, tmp_path)


def test_nothing_is_made_before_its_turn(reader: WheelReader, tmp_path: Path) -> None:
    (member,) = native_members(reader, replace(EMPTY, edits=(ON_MODULE,)), tmp_path / "not yet there")
    assert member.size() == family("x86_64").extension.stat().st_size


def test_strip_alone_is_read_again_too(reader: WheelReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truewheel.bundler.elf.strip.strip", lambda content, _where: bytes(content[:64]))
    with pytest.raises(ToolError):
        made(reader, replace(EMPTY, edits=(ElfEdit(MODULE, MODULE, strip=True),)), tmp_path)


def test_a_library_that_changed_after_planning_is_refused(reader: WheelReader, tmp_path: Path) -> None:
    path = tmp_path / "libgreet.so.1"
    path.write_bytes(family("x86_64").greet.read_bytes())
    copy, edit = library(path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(RefusedError, match="changed"):
        made(reader, replace(EMPTY, libraries=(copy,), edits=(edit,)), tmp_path)


@pytest.mark.parametrize("how", ["gone", "empty", "a folder"])
def test_a_library_that_cannot_be_read_any_more_is_refused(reader: WheelReader, tmp_path: Path, how: str) -> None:
    path = tmp_path / "libgreet.so.1"
    path.write_bytes(family("x86_64").greet.read_bytes())
    copy, edit = library(path)
    path.unlink()
    if how == "empty":
        path.touch()
    elif how == "a folder":
        path.mkdir()
    with pytest.raises(RefusedError):
        made(reader, replace(EMPTY, libraries=(copy,), edits=(edit,)), tmp_path)


def test_a_file_that_the_plan_does_not_account_for_is_not_read(reader: WheelReader, tmp_path: Path) -> None:
    edit = ElfEdit("hello.libs/libgreet.so.1", str(family("x86_64").greet), soname=NAME)
    with pytest.raises(RefusedError, match="neither"):
        made(reader, replace(EMPTY, edits=(edit,)), tmp_path)


def test_a_full_or_missing_scratch_folder_is_an_output_error(reader: WheelReader, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        native_members(reader, replace(EMPTY, edits=(ON_MODULE,)), tmp_path / "missing")[0].bytes()


def test_an_edit_that_fails_names_the_member(reader: WheelReader, tmp_path: Path) -> None:
    copy, edit = library(odd("sectionless.so"))
    with pytest.raises(ToolError) as failed:
        made(reader, replace(EMPTY, libraries=(copy,), edits=(ON_MODULE, edit)), tmp_path)
    assert failed.value.where == copy.member


def test_launchers_are_made_for_executables_that_moved() -> None:
    plan = replace(EMPTY, launchers=(Launcher(SCRIPT, "hello.scripts/sub/hello"),))
    (member,) = launcher_members(plan, "hello")
    assert (member.name, member.mode) == (SCRIPT, 0o755)
    assert member.content == launcher("hello", "hello.scripts/sub", "hello")
    assert launcher_members(EMPTY, "hello") == ()
