"""Writing a new wheel from an old one."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import zipfile
from pathlib import Path

import deflate
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.fixtures import FIXTURES
from support.wheels import (
    STAMP,
    WHEEL_NAME,
    RawMember,
    build_wheel,
    descriptor_zip,
    raw_deflate,
    raw_zip,
    record_faults,
    record_row,
    wheel_files,
)
from truewheel.archive import compress, staging, zip_write
from truewheel.archive.reader import WheelReader
from truewheel.archive.writer import Changes, NewMember, StagedWheel, copy_unchanged, stage
from truewheel.archive.zip import read_entries
from truewheel.errors import InvalidArchiveError, InvalidInputError, OutputError, UsageError

INFO = "foo-1.0.dist-info"
NOISE = hashlib.shake_128(b"noise").digest(400_000)
OUTPUT = "foo-1.0-py3-none-linux_x86_64.whl"
FILES = {"foo/": b"", "foo/__init__.py": b"", "foo/b.py": b"b = 1\n" * 50, "foo/noise.bin": NOISE}


@pytest.fixture(autouse=True)
def _no_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return build_wheel(tmp_path, FILES, modes={"foo/b.py": 0o100755})


def write(source: Path, directory: Path, *put: NewMember, removed: frozenset[str] = frozenset(), jobs: int = 2) -> Path:
    """Write and publish under the name OUTPUT."""
    with (
        WheelReader.open(source) as reader,
        stage(reader, Changes(put, removed), directory, jobs=jobs) as staged,
    ):
        return staged.publish(OUTPUT)


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def local_parts(path: Path) -> dict[str, bytes]:
    """The local header and the compressed bytes of every member, cut out by zipfile's offsets."""
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        ends = [*(info.header_offset for info in infos[1:]), archive.start_dir]
    return {info.filename: whole[info.header_offset : end] for info, end in zip(infos, ends, strict=True)}


def test_unchanged_members_keep_every_byte(wheel: Path, tmp_path: Path) -> None:
    path = write(wheel, tmp_path / "out", NewMember(f"{INFO}/WHEEL", b"Wheel-Version: 1.0\nTag: py3-none-any\n"))
    before, after = local_parts(wheel), local_parts(path)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {f"{INFO}/WHEEL", f"{INFO}/RECORD"}
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(path) as new:
        for name in before.keys() - changed:
            one, other = old.getinfo(name), new.getinfo(name)
            assert (one.external_attr, one.date_time, one.extra) == (other.external_attr, other.date_time, other.extra)


def test_changed_new_and_removed_members(wheel: Path, tmp_path: Path) -> None:
    file = tmp_path / "lib.so"
    file.write_bytes(b"\x7fELF" * 5000)
    put = (NewMember("foo.libs/lib.so", file, mode=0o755), NewMember("foo/__init__.py", b"import foo.b\n"))
    path = write(wheel, tmp_path, *put, removed=frozenset({"foo/b.py"}))
    found = contents(path)
    record = found.pop(f"{INFO}/RECORD").decode()
    expected = wheel_files(FILES) | {"foo.libs/lib.so": b"\x7fELF" * 5000, "foo/__init__.py": b"import foo.b\n"}
    del expected["foo/b.py"], expected[f"{INFO}/RECORD"]
    assert found == expected
    assert record.splitlines() == [
        record_row("foo/__init__.py", b"import foo.b\n"),
        record_row("foo/noise.bin", NOISE),
        record_row(f"{INFO}/METADATA", found[f"{INFO}/METADATA"]),
        record_row(f"{INFO}/WHEEL", found[f"{INFO}/WHEEL"]),
        record_row("foo.libs/lib.so", b"\x7fELF" * 5000),
        f"{INFO}/RECORD,,",
    ]
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("foo.libs/lib.so").external_attr >> 16 == 0o100755
        assert archive.getinfo("foo/__init__.py").external_attr >> 16 == 0o100644


def test_members_stand_in_the_agreed_order(wheel: Path, tmp_path: Path) -> None:
    put = (
        NewMember(f"{INFO}/sboms/b.json", b"{}"),
        NewMember("small_b", b"1"),
        NewMember("large", b"x" * 99),
        NewMember("small_a", b"1"),
        NewMember(f"{INFO}/WHEEL", b"Wheel-Version: 1.0\n"),
    )
    assert list(contents(write(wheel, tmp_path, *put))) == [
        "foo/",
        "foo/__init__.py",
        "foo/b.py",
        "foo/noise.bin",
        "large",
        "small_a",
        "small_b",
        f"{INFO}/METADATA",
        f"{INFO}/WHEEL",
        f"{INFO}/sboms/b.json",
        f"{INFO}/RECORD",
    ]


def test_the_upload_rules_are_kept(wheel: Path, tmp_path: Path) -> None:
    path = write(wheel, tmp_path, NewMember("new.txt", b"new" * 99), NewMember("é", b""), NewMember("noise", NOISE))
    with zipfile.ZipFile(path) as archive:
        assert archive.comment == b""
        for info in archive.infolist():
            assert info.flag_bits & ~0x800 == 0
            assert info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            assert (info.extra, info.comment) == (b"", b"")
        assert archive.getinfo("é").flag_bits == 0x800
        assert archive.getinfo("noise").compress_type == zipfile.ZIP_STORED
        assert sum(map(len, local_parts(path).values())) == archive.start_dir
    assert b"PK\x06\x06" not in path.read_bytes()[-2000:]


def test_descriptors_and_needless_zip64_fields_are_written_out(tmp_path: Path) -> None:
    source = tmp_path / WHEEL_NAME
    source.write_bytes(descriptor_zip(wheel_files({"a": b"x" * 300, "é": NOISE}), force_zip64=True))
    path = write(source, tmp_path)
    assert contents(path)["é"] == NOISE
    with WheelReader.open(source) as old, WheelReader.open(path) as new:
        for name in ("a", "é"):
            assert bytes(old.raw(name)) == bytes(new.raw(name))
            assert new.entries[name].is_plain
            assert new.entries[name].flags & 8 == 0


def test_the_same_input_gives_the_same_bytes_whatever_the_threads(wheel: Path, tmp_path: Path) -> None:
    put = [NewMember(f"lib{number}.so", NOISE[number:] * 2) for number in range(6)]
    one = write(wheel, tmp_path / "one", *put, jobs=1)
    many = write(wheel, tmp_path / "many", *reversed(put), jobs=3)
    assert one.read_bytes() == many.read_bytes()


def test_a_second_run_writes_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    member = NewMember(f"{INFO}/WHEEL", b"Wheel-Version: 1.0\nTag: py3-none-any\n")
    first = write(wheel, tmp_path / "one", member, NewMember("new", b"1" * 99))
    again = first.rename(first.with_name(WHEEL_NAME))
    second = write(again, tmp_path / "two", member, NewMember("new", b"1" * 99))
    assert second.read_bytes() == again.read_bytes()


def test_a_member_that_is_put_as_it_was_is_copied(wheel: Path, tmp_path: Path) -> None:
    same = NewMember("foo/b.py", FILES["foo/b.py"], mode=0o755)
    other_mode = NewMember("foo/noise.bin", NOISE, mode=0o755)
    path = write(wheel, tmp_path, same, other_mode)
    assert local_parts(path)["foo/b.py"] == local_parts(wheel)["foo/b.py"]
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("foo/noise.bin").external_attr >> 16 == 0o100755


def test_links_are_preserved(tmp_path: Path) -> None:
    source = build_wheel(tmp_path, {"a": b"x", "link": b"a"}, modes={"link": 0o120777})
    path = write(source, tmp_path, NewMember("b", b"1"))
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("link").external_attr >> 16 == 0o120777
        assert archive.read("link") == b"a"


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [
        (None, STAMP),
        ("", STAMP),
        ("yesterday", STAMP),
        ("1700000001", (2023, 11, 14, 22, 13, 20)),
        ("0", (1980, 1, 1, 0, 0, 0)),
        ("-5", (1980, 1, 1, 0, 0, 0)),
        ("99999999999999999999", (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_new_members_have_the_time_of_the_epoch_or_of_wheel(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: str | None, expected: tuple[int, ...]
) -> None:
    if epoch is not None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    path = write(wheel, tmp_path, NewMember("new", b"x"))
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("new").date_time == expected
        assert archive.getinfo(f"{INFO}/RECORD").date_time == expected
        assert archive.getinfo("foo/b.py").date_time == STAMP


def test_record_is_made_true_and_says_what_it_corrected(tmp_path: Path) -> None:
    signatures = {f"{INFO}/RECORD.jws": b"{}", f"{INFO}/RECORD.p7s": b"x"}
    rows = [record_row("a", b"1"), "a,sha256=other,1", "gone,sha256=x,1", *[f"{INFO}/RECORD.jws,sha256=x,1"] * 2]
    record = {f"{INFO}/RECORD": "\n".join([*rows, f"{INFO}/RECORD,,\n"]).encode()}
    source = build_wheel(tmp_path, {"a": b"1", "b": b"2"} | signatures | record)
    with WheelReader.open(source) as reader, stage(reader, Changes(), tmp_path, jobs=1) as staged:
        notices = staged.notices
        found = contents(staged.publish(OUTPUT))
    assert notices == (
        f"{INFO}/RECORD.jws was left out: it signs the RECORD of the wheel before this change",
        f"{INFO}/RECORD.p7s was left out: it signs the RECORD of the wheel before this change",
        "RECORD listed gone, which is not in the wheel; the row was left out",
        "RECORD did not list b; a row was added",
        f"RECORD did not list {INFO}/METADATA; a row was added",
        f"RECORD did not list {INFO}/WHEEL; a row was added",
        "RECORD listed a more than once; one row was kept",
    )
    assert not signatures.keys() & found.keys()
    assert found[f"{INFO}/RECORD"].decode().splitlines() == [
        record_row("a", b"1"),
        record_row("b", b"2"),
        record_row(f"{INFO}/METADATA", found[f"{INFO}/METADATA"]),
        record_row(f"{INFO}/WHEEL", found[f"{INFO}/WHEEL"]),
        f"{INFO}/RECORD,,",
    ]


def test_nothing_stays_when_it_is_not_published(wheel: Path, tmp_path: Path) -> None:
    with WheelReader.open(wheel) as reader:
        with stage(reader, Changes(), tmp_path / "new" / "deep", jobs=1) as staged:
            assert staged.path.parent == tmp_path / "new" / "deep"
            assert staged.path.suffix != ".whl"
        with stage(reader, Changes(), tmp_path, jobs=1):
            pass
    assert list(tmp_path.iterdir()) == [wheel]


def test_another_output_is_replaced_only_by_force(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / OUTPUT
    target.parent.mkdir()
    target.write_bytes(b"other")
    with WheelReader.open(wheel) as reader:
        with stage(reader, Changes(), target.parent, jobs=1) as staged, pytest.raises(OutputError, match="--force"):
            staged.publish(OUTPUT)
        assert target.read_bytes() == b"other"
        assert list(target.parent.iterdir()) == [target]
        with stage(reader, Changes(), target.parent, jobs=1) as staged:
            assert staged.publish(OUTPUT, force=True) == target
    assert zipfile.is_zipfile(target)
    assert list(target.parent.iterdir()) == [target]


def test_the_same_output_is_left_alone(wheel: Path, tmp_path: Path) -> None:
    path = write(wheel, tmp_path / "out")
    before = path.stat()
    assert write(wheel, tmp_path / "out") == path
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert list(path.parent.iterdir()) == [path]


def test_in_place_needs_force_too(wheel: Path) -> None:
    old = wheel.read_bytes()
    with WheelReader.open(wheel) as reader:
        changes = Changes((NewMember("new", b"x"),))
        with stage(reader, changes, wheel.parent, jobs=1) as staged, pytest.raises(OutputError, match="exists already"):
            staged.publish(WHEEL_NAME)
        assert wheel.read_bytes() == old
        with stage(reader, changes, wheel.parent, jobs=1) as staged:
            staged.publish(WHEEL_NAME, force=True)
        assert reader.read("foo/b.py") == FILES["foo/b.py"]
    assert contents(wheel)["new"] == b"x"


def test_the_same_bytes_that_another_process_brings_at_this_moment_are_left_alone(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def late(source: Path, target: Path) -> None:
        Path(target).write_bytes(Path(source).read_bytes())
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    path = write(wheel, tmp_path / "out")
    assert [each.name for each in (tmp_path / "out").iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["", "foo.zip", "../foo-1.0-py3-none-any.whl", "a/b.whl"])
def test_only_file_names_of_wheels_are_published(wheel: Path, tmp_path: Path, name: str) -> None:
    with (
        WheelReader.open(wheel) as reader,
        stage(reader, Changes(), tmp_path, jobs=1) as staged,
        pytest.raises(UsageError, match="is not the file name"),
    ):
        staged.publish(name)


@pytest.mark.parametrize(
    ("mode", "umask", "expected"), [(0o664, 0o022, 0o644), (0o600, 0o002, 0o600), (0o444, 0, 0o444)]
)
def test_the_output_has_the_permissions_of_the_source_less_the_umask(
    wheel: Path, tmp_path: Path, mode: int, umask: int, expected: int
) -> None:
    wheel.chmod(mode)
    old = os.umask(umask)
    try:
        path = write(wheel, tmp_path / "out")
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == expected


@pytest.mark.parametrize(
    ("put", "removed", "problem"),
    [
        (["a", "a"], [], "'a' is to be written twice"),
        ([f"{INFO}/RECORD"], [], "RECORD is written here"),
        (["new/"], [], "folders are not"),
        ([], ["foo/"], "folders are not"),
        ([], ["nothing"], "is not there"),
        (["foo/b.py"], ["foo/b.py"], "is to be written too"),
        (["../x"], [], "leads out"),
        (["foo"], [], "'foo' is also a folder"),
        (["FOO/B.py"], [], "differs only in case"),
    ],
)
def test_changes_without_meaning_are_refused(
    wheel: Path, tmp_path: Path, put: list[str], removed: list[str], problem: str
) -> None:
    changes = Changes(tuple(NewMember(name, b"") for name in put), frozenset(removed))
    with WheelReader.open(wheel) as reader, pytest.raises(UsageError, match=problem):
        stage(reader, changes, tmp_path / "out", jobs=1)
    assert list(tmp_path.iterdir()) == [wheel]


@pytest.mark.parametrize("jobs", [1, 2])
def test_members_that_are_made_later_are_written_as_if_they_had_been_there(
    wheel: Path, tmp_path: Path, jobs: int
) -> None:
    early, late = NewMember("foo/new", NOISE[:2000]), NewMember(f"{INFO}/late", b"late")
    at_once = write(wheel, tmp_path / "at once", early, late, jobs=jobs)
    changes = Changes((early,), later=lambda: (late,))
    with WheelReader.open(wheel) as reader, stage(reader, changes, tmp_path / "out", jobs=jobs) as staged:
        assert staged.new == ("foo/new", f"{INFO}/late", f"{INFO}/RECORD")
        assert staged.publish(OUTPUT).read_bytes() == at_once.read_bytes()


@pytest.mark.parametrize(("name", "problem"), [("foo/late", "too late"), (f"{INFO}/early", "written twice")])
def test_members_that_are_made_later_are_refused_like_others(
    wheel: Path, tmp_path: Path, name: str, problem: str
) -> None:
    changes = Changes((NewMember(f"{INFO}/early", b""),), later=lambda: (NewMember(name, b""),))
    with WheelReader.open(wheel) as reader, pytest.raises(UsageError, match=problem):
        stage(reader, changes, tmp_path / "out", jobs=1)
    assert list(tmp_path.iterdir()) == [wheel]


def test_a_content_file_that_is_missing_is_named(wheel: Path, tmp_path: Path) -> None:
    member = NewMember("a", tmp_path / "missing")
    with WheelReader.open(wheel) as reader, pytest.raises(InvalidInputError, match="missing: cannot be read"):
        stage(reader, Changes((member,)), tmp_path, jobs=1)
    with pytest.raises(InvalidInputError, match="cannot be read"):
        member.bytes()


def test_a_content_file_may_be_empty(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert contents(write(wheel, tmp_path, NewMember("a", tmp_path / "empty")))["a"] == b""


@pytest.mark.parametrize(("number", "hint"), [(errno.ENOSPC, "free some space"), (errno.EDQUOT, "quota"), (0, "")])
@pytest.mark.parametrize("stem", ["write", "copy_file_range", "fsync"])
def test_a_full_disk_leaves_nothing(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stem: str, number: int, hint: str
) -> None:
    def full(*_: object) -> int:
        raise OSError(number or errno.EIO, "No room")

    if stem == "write":
        monkeypatch.setattr(zip_write.ArchiveWriter, "finish", full)
    else:
        monkeypatch.setattr(os, stem, full)
    with WheelReader.open(wheel) as reader, pytest.raises(OutputError, match="cannot be written: No room") as error:
        stage(reader, Changes((NewMember("n", b"x"),)), tmp_path / "out", jobs=1)
    assert hint in error.value.hint
    assert list(tmp_path.iterdir()) == [wheel]


def test_a_failing_rename_leaves_nothing(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "link", fail)
    monkeypatch.setattr(Path, "replace", fail)
    with (
        WheelReader.open(wheel) as reader,
        stage(reader, Changes(), tmp_path / "out", jobs=1) as staged,
        pytest.raises(OutputError, match="choose a directory"),
    ):
        staged.publish(OUTPUT)
    assert list(tmp_path.iterdir()) == [wheel]


def test_file_systems_without_hard_links_are_served(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", fail)
    path = write(wheel, tmp_path / "out")
    path.write_bytes(b"other")
    with pytest.raises(OutputError, match="exists already"):
        write(wheel, tmp_path / "out")
    assert list(path.parent.iterdir()) == [path]


def test_a_directory_that_is_a_file_is_refused(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with WheelReader.open(wheel) as reader, pytest.raises(OutputError):
        stage(reader, Changes(), tmp_path / "file", jobs=1)


def test_temporary_names_in_use_are_passed_over(wheel: Path, tmp_path: Path) -> None:
    with (
        WheelReader.open(wheel) as reader,
        stage(reader, Changes(), tmp_path, jobs=1) as one,
        stage(reader, Changes(), tmp_path, jobs=1) as other,
    ):
        assert one.path != other.path


@pytest.mark.parametrize("ways", ["none", "failing", "short", "sendfile"])
def test_every_way_of_copying_gives_the_same_bytes(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: str
) -> None:
    expected = write(wheel, tmp_path / "one").read_bytes()

    def fail(*_: object) -> int:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    original = os.copy_file_range

    def short(source: int, target: int, count: int, offset: int) -> int:
        return original(source, target, min(count, 10_000), offset) if offset < 100_000 else 0

    if ways == "none":
        monkeypatch.delattr(os, "copy_file_range")
        monkeypatch.delattr(os, "sendfile")
    else:
        monkeypatch.setattr(os, "copy_file_range", short if ways == "short" else fail)
        if ways != "sendfile":
            monkeypatch.setattr(os, "sendfile", fail)
    assert write(wheel, tmp_path / "two").read_bytes() == expected
    assert copy_unchanged_bytes(wheel, tmp_path / "three") == wheel.read_bytes()


def copy_unchanged_bytes(wheel: Path, directory: Path) -> bytes:
    with WheelReader.open(wheel) as reader:
        return copy_unchanged(reader, directory).read_bytes()


def test_a_long_run_of_members_is_copied_by_one_call(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    original = os.copy_file_range

    def counted(source: int, target: int, count: int, offset: int) -> int:
        calls.append(offset)
        return original(source, target, count, offset)

    monkeypatch.setattr(os, "copy_file_range", counted)
    write(wheel, tmp_path / "out", NewMember(f"{INFO}/WHEEL", b"Wheel-Version: 1.0\n"))
    assert calls == [0]


def test_copy_unchanged_copies_the_file(wheel: Path, tmp_path: Path) -> None:
    with WheelReader.open(wheel) as reader:
        path = copy_unchanged(reader, tmp_path / "out")
        assert path == tmp_path / "out" / WHEEL_NAME
        assert path.read_bytes() == wheel.read_bytes()
        stamp = path.stat().st_mtime_ns
        assert copy_unchanged(reader, tmp_path / "out") == path
        assert path.stat().st_mtime_ns == stamp
        assert copy_unchanged(reader, tmp_path) == wheel
        path.write_bytes(b"other")
        with pytest.raises(OutputError, match="other content"):
            copy_unchanged(reader, tmp_path / "out")
        assert copy_unchanged(reader, tmp_path / "out", force=True).read_bytes() == wheel.read_bytes()
        assert list((tmp_path / "out").iterdir()) == [path]


def test_what_is_written_is_read_again_before_it_counts(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(content: bytes, level: int) -> bytearray:
        return deflate.deflate_compress(bytes(content).replace(b"b", b"c"), level)

    monkeypatch.setattr(compress, "deflate_compress", wrong)
    with WheelReader.open(wheel) as reader, pytest.raises(OutputError, match=r"cannot be read again.*CRC-32"):
        stage(reader, Changes((NewMember("b", b"b" * 99),)), tmp_path / "out", jobs=1)
    assert list(tmp_path.iterdir()) == [wheel]


def test_members_of_the_written_wheel_are_counted(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_write.ArchiveWriter, "copy", lambda *_: None)
    with WheelReader.open(wheel) as reader, pytest.raises(OutputError, match="does not have the members"):
        stage(reader, Changes(), tmp_path / "out", jobs=1)


def test_damage_in_the_source_is_found_where_it_is_read(tmp_path: Path) -> None:
    rows = [f"{name},," for name in (f"{INFO}/METADATA", f"{INFO}/WHEEL", f"{INFO}/RECORD")]
    files = wheel_files({f"{INFO}/RECORD": "\n".join(rows).encode()})
    members = [RawMember(name.encode(), content) for name, content in files.items()]
    source = tmp_path / WHEEL_NAME
    source.write_bytes(raw_zip(RawMember(b"a", b"x", local={"crc": 1}, central={"crc": 1}), *members))
    with WheelReader.open(source) as reader, pytest.raises(InvalidArchiveError, match="CRC-32"):
        stage(reader, Changes(), tmp_path / "out", jobs=1)
    assert list(tmp_path.iterdir()) == [source]


def test_a_failing_member_stops_every_thread(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytearray:
        raise MemoryError

    monkeypatch.setattr(compress, "deflate_compress", fail)
    put = tuple(NewMember(f"n{number}", NOISE * 2) for number in range(40))
    with WheelReader.open(wheel) as reader, pytest.raises(MemoryError):
        stage(reader, Changes(put), tmp_path / "out", jobs=2)
    assert list(tmp_path.iterdir()) == [wheel]


def test_memory_is_bounded_by_the_largest_member(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compress, "SPARE", 0)
    running: list[str] = []
    peak = 0
    original = compress.compress

    def watched(member: NewMember) -> compress.Compressed:
        nonlocal peak
        running.append(member.name)
        peak = max(peak, len(running))
        result = original(member)
        running.remove(member.name)
        return result

    monkeypatch.setattr(compress, "compress", watched)
    members = [NewMember(f"n{number}", NOISE * 4) for number in range(4)]
    assert [item.member for item in compress.compress_all(members, 4)] == members
    assert peak == 1


def test_wide_numbers_move_to_zip64_records() -> None:
    """What is too long for a test to write: one member of 5 GiB and 70,000 entries beyond 4 GiB."""
    (entry,) = read_entries(raw_zip(RawMember(b"big", b"")), "foo.whl")
    big = entry._replace(size=5 << 30, compressed_size=5 << 30)
    local = zip_write.local_header(big, b"")
    assert local[4:6] == b"\x2d\0"
    assert local[18:26] == b"\xff" * 8
    assert local[30 + 3 :] == b"\1\0\x10\0" + (5 << 30).to_bytes(8, "little") * 2
    central = zip_write.central_header(big, 6 << 30)
    tail = zip_write.end_records(1, 0, len(central))
    info = zipfile.ZipFile(io.BytesIO(central + tail)).getinfo("big")
    assert (info.file_size, info.compress_size, info.header_offset) == (5 << 30, 5 << 30, 6 << 30)
    far = zip_write.central_header(big._replace(size=3, compressed_size=3), 6 << 30)
    info = zipfile.ZipFile(io.BytesIO(far + zip_write.end_records(1, 0, len(far)))).getinfo("big")
    assert (info.file_size, info.header_offset, len(info.extra)) == (3, 6 << 30, 12)
    end = zip_write.end_records(70_000, 5 << 30, 1 << 20)
    assert end[:12] == b"PK\6\6" + (44).to_bytes(8, "little")
    assert end[56:60] == b"PK\6\7"
    assert end[76:] == b"PK\5\6" + b"\0" * 4 + b"\xff" * 4 + (1 << 20).to_bytes(4, "little") + b"\xff" * 4 + b"\0\0"


def test_native_files_become_no_larger_than_with_zlib() -> None:
    files = [path.read_bytes() for path in sorted((FIXTURES / "elf").rglob("*")) if path.is_file()]
    ours = sum(len(compress.compress(NewMember("a", content)).data) for content in files)
    assert ours <= sum(len(raw_deflate(content, 6)) for content in files)


NAMES = st.sampled_from(["a", "b/c", "é", "d.py", "b/x.so"])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    old=st.dictionaries(NAMES, st.binary(max_size=200)),
    put=st.dictionaries(NAMES, st.binary(max_size=200)),
    removed=st.sets(NAMES),
    piped=st.booleans(),
)
def test_any_change_gives_the_files_it_asked_for(
    tmp_path: Path, *, old: dict[str, bytes], put: dict[str, bytes], removed: set[str], piped: bool
) -> None:
    source = build_wheel(tmp_path, old)
    if piped:
        source.write_bytes(descriptor_zip(wheel_files(old)))
    gone = frozenset((removed & old.keys()) - put.keys())
    changes = Changes(tuple(NewMember(name, content) for name, content in put.items()), gone)
    with WheelReader.open(source) as reader, stage(reader, changes, tmp_path / "out", jobs=2) as staged:
        assert isinstance(staged, StagedWheel)
        path = staged.publish(WHEEL_NAME, force=True)
    expected = {name: content for name, content in (old | put).items() if name not in gone}
    found = {name: content for name, content in contents(path).items() if not name.startswith(INFO)}
    assert found == expected
    assert record_faults(path) == []


def test_staging_needs_no_directory_descriptors(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_DIRECTORY")
    assert write(wheel, tmp_path / "out").exists()
    assert staging.copy_unchanged is copy_unchanged
