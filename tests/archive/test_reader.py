"""Opening wheels and reading their members."""

from __future__ import annotations

import errno
import hashlib
import os
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.wheels import (
    WHEEL_NAME,
    RawMember,
    build_wheel,
    descriptor_zip,
    raw_deflate,
    raw_zip,
    record_row,
    wheel_files,
)
from truewheel.archive.names import WheelName
from truewheel.archive.reader import WheelReader
from truewheel.errors import InvalidArchiveError, InvalidInputError, InvalidWheelError, TruewheelError

TEXT = b"".join(b"%d bottles of beer\n" % number for number in range(20_000))
NOISE = hashlib.shake_128(b"noise").digest(100_000)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return build_wheel(tmp_path, {"foo/__init__.py": b"", "foo/text.txt": TEXT, "foo/noise.bin": NOISE})


def raw_wheel(directory: Path, *members: RawMember) -> Path:
    """Write a wheel of these members and a sound dist-info."""
    rest = (RawMember(name.encode(), content) for name, content in wheel_files({}).items())
    path = directory / WHEEL_NAME
    path.write_bytes(raw_zip(*members, *rest))
    return path


def test_names_and_folders_of_a_wheel(wheel: Path) -> None:
    with WheelReader.open(wheel) as reader:
        assert reader.path == wheel
        assert str(reader.name) == WHEEL_NAME
        assert (reader.dist_info, reader.data_dir) == ("foo-1.0.dist-info", "foo-1.0.data")
        assert list(reader.entries) == zipfile.ZipFile(wheel).namelist()
        assert reader.size() == wheel.stat().st_size
        assert reader.sha256() == hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_every_way_of_reading_gives_the_content(tmp_path: Path, method: int) -> None:
    files = {"empty": b"", "text": TEXT, "noise": NOISE, "one": b"1"}
    with WheelReader.open(build_wheel(tmp_path, files, method=method)) as reader:
        for name, content in files.items():
            assert reader.read(name) == content
            assert reader.view(name) == content
            assert b"".join(reader.stream(name, 1000)) == content
            for size in (0, 1, 4, 1000, len(content), len(content) + 1):
                assert reader.head(name, size) == content[:size]


def test_streams_come_in_pieces_of_at_most_the_size_asked_for(wheel: Path) -> None:
    with WheelReader.open(wheel) as reader:
        assert max(len(piece) for piece in reader.stream("foo/text.txt", 512)) == 512
        assert max(len(piece) for piece in reader.stream("foo/noise.bin", 512)) <= 512


def test_raw_is_what_stands_in_the_archive(tmp_path: Path) -> None:
    member = RawMember(b"a", TEXT, method=8)
    with WheelReader.open(raw_wheel(tmp_path, member)) as reader:
        assert bytes(reader.raw("a")) == member.data()


def test_views_outlive_the_reader(tmp_path: Path) -> None:
    with WheelReader.open(build_wheel(tmp_path, {"noise": NOISE}, method=zipfile.ZIP_STORED)) as reader:
        view = reader.view("noise")
    assert view.readonly
    assert view == NOISE


def test_a_stream_needs_no_memory_for_the_whole(tmp_path: Path) -> None:
    with WheelReader.open(build_wheel(tmp_path, {"large": TEXT * 100})) as reader:
        tracemalloc.start()
        size = sum(map(len, reader.stream("large", 1 << 16)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert size == 100 * len(TEXT)
    assert peak < 2_000_000


def test_a_head_inflates_only_the_beginning(tmp_path: Path) -> None:
    stream = raw_deflate(TEXT)
    broken = stream[: len(stream) // 2] + b"\xff" * (len(stream) - len(stream) // 2)
    with WheelReader.open(raw_wheel(tmp_path, RawMember(b"a", TEXT, method=8, raw=broken))) as reader:
        assert reader.head("a", 64) == TEXT[:64]
        with pytest.raises(InvalidArchiveError):
            reader.read("a")


def test_a_head_is_found_behind_any_number_of_empty_blocks(tmp_path: Path) -> None:
    stream = b"\0\0\0\xff\xff" * 30_000 + raw_deflate(b"abc" * 1000)
    with WheelReader.open(raw_wheel(tmp_path, RawMember(b"a", b"abc" * 1000, method=8, raw=stream))) as reader:
        assert reader.head("a", 4) == b"abca"


CUT = raw_deflate(TEXT)[:-20]
LONG = raw_deflate(b"hello" * 9)


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        (RawMember(b"a", b"hello", local={"crc": 1}, central={"crc": 1}), "CRC-32"),
        (RawMember(b"a", TEXT, method=8, local={"crc": 1}, central={"crc": 1}), "CRC-32"),
        (RawMember(b"a", TEXT, method=8, raw=CUT), "does not inflate|ends inside"),
        (RawMember(b"a", b"hello", method=8, raw=LONG), "does not inflate|inflates to more"),
        (RawMember(b"a", b"hello" * 10, method=8, raw=LONG), "inflates to 45 bytes, not 50"),
        (RawMember(b"a", b"hello", method=8, raw=b"\xff" * 9), "does not inflate|cannot be inflated"),
        (RawMember(b"a", b"", method=8, raw=LONG), "does not inflate|inflates to more"),
    ],
)
def test_damaged_members_are_refused_by_name(tmp_path: Path, member: RawMember, problem: str) -> None:
    with WheelReader.open(raw_wheel(tmp_path, member)) as reader:
        for read in (reader.read, reader.view, lambda name: list(reader.stream(name))):
            with pytest.raises(InvalidArchiveError, match=problem) as error:
                read("a")
            assert error.value.where == f"{WHEEL_NAME}, 'a' at byte 0"


def test_a_head_of_damaged_data_is_refused(tmp_path: Path) -> None:
    members = (RawMember(b"a", b"x" * 9, method=8, raw=b"\xff" * 9), RawMember(b"b", b"x" * 9, method=8, raw=b"\0"))
    with WheelReader.open(raw_wheel(tmp_path, *members)) as reader:
        with pytest.raises(InvalidArchiveError, match="cannot be inflated"):
            reader.head("a", 4)
        with pytest.raises(InvalidArchiveError, match="ends after 0 of 9 bytes"):
            reader.head("b", 4)


def test_bytes_after_deflate_data_are_refused(tmp_path: Path) -> None:
    hidden = RawMember(b"a", b"hello", method=8, raw=raw_deflate(b"hello") + b"hidden")
    far = RawMember(b"b", b"hello", method=8, raw=raw_deflate(b"hello") + b"h" * 100_000)
    with WheelReader.open(raw_wheel(tmp_path, hidden, far)) as reader:
        for name in ("a", "b"):
            with pytest.raises(InvalidArchiveError, match="after the end of its deflate data"):
                list(reader.stream(name))


def test_members_with_data_descriptors_are_read(tmp_path: Path) -> None:
    path = tmp_path / WHEEL_NAME
    path.write_bytes(descriptor_zip(wheel_files({"a": TEXT})))
    with WheelReader.open(path) as reader:
        assert reader.read("a") == TEXT


def test_unknown_members_are_refused(wheel: Path) -> None:
    with WheelReader.open(wheel) as reader, pytest.raises(InvalidWheelError, match="no member 'nothing'"):
        reader.read("nothing")


def test_wheel_and_record_are_read_once(wheel: Path) -> None:
    with WheelReader.open(wheel) as reader:
        assert reader.wheel is reader.wheel
        assert reader.wheel.tags == ("py3-none-any",)
        assert reader.record.paths() == set(reader.entries)
        assert reader.unrecorded == ()


def test_a_name_can_be_given_to_a_file_without_one(wheel: Path, tmp_path: Path) -> None:
    part = wheel.rename(tmp_path / ".x.part")
    with WheelReader.open(part, name=WheelName.parse(WHEEL_NAME)) as reader:
        assert reader.read("foo/text.txt") == TEXT


@pytest.mark.parametrize(
    ("filename", "dist_info"),
    [
        ("Foo_Bar-1.0-py3-none-any.whl", "foo.bar-1.0.dist-info"),
        ("foo_bar-1.0.0-py3-none-any.whl", "foo_bar-1.0.dist-info"),
        ("foo-1.0rc1-py3-none-any.whl", "foo-1.0.RC1.dist-info"),
        ("foo-2004d-py3-none-any.whl", "foo-2004d.dist-info"),
        ("foo-1.0+local.1-py3-none-any.whl", "foo-1.0+local_1.dist-info"),
    ],
)
def test_names_and_versions_are_compared_normalised(tmp_path: Path, filename: str, dist_info: str) -> None:
    with WheelReader.open(build_wheel(tmp_path, {}, filename=filename, dist_info=dist_info)) as reader:
        assert reader.dist_info == dist_info


@pytest.mark.parametrize(
    ("filename", "dist_info"),
    [("bar-1.0-py3-none-any.whl", "foo-1.0.dist-info"), ("foo-1.1-py3-none-any.whl", "foo-1.0.dist-info")],
)
def test_another_project_or_version_is_refused(tmp_path: Path, filename: str, dist_info: str) -> None:
    with pytest.raises(InvalidWheelError, match=r"but foo-1\.0\.dist-info is inside \(rename"):
        WheelReader.open(build_wheel(tmp_path, {}, filename=filename, dist_info=dist_info))


def test_vendored_metadata_deeper_inside_does_not_count(tmp_path: Path) -> None:
    files = {"foo/vendored-2.dist-info/WHEEL": b"x", "foo/x.data/y": b""}
    with WheelReader.open(build_wheel(tmp_path, files)) as reader:
        assert reader.dist_info == "foo-1.0.dist-info"


def test_the_data_folder_keeps_its_own_spelling(tmp_path: Path) -> None:
    with WheelReader.open(build_wheel(tmp_path, {"Foo-1.0.data/scripts/x": b"", "other.data/y": b""})) as reader:
        assert reader.data_dir == "Foo-1.0.data"


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"a": b""}, "has no .dist-info folder"),
        ({"foo-1.0.dist-info": b""}, "has no .dist-info folder"),
        (wheel_files({"x-1.dist-info/WHEEL": b""}), "has 2 folders foo-1.0.dist-info, x-1.dist-info"),
        ({"foo-1.0.dist-info/METADATA": b"", "foo-1.0.dist-info/RECORD": b""}, "has no foo-1.0.dist-info/WHEEL"),
        ({"foo-1.0.dist-info/METADATA": b"", "foo-1.0.dist-info/WHEEL": b""}, "has no foo-1.0.dist-info/RECORD"),
        ({"foo-1.0.dist-info/WHEEL": b"", "foo-1.0.dist-info/RECORD": b""}, "has no foo-1.0.dist-info/METADATA"),
        (wheel_files({"Foo-1.0.data/x": b"", "foo-1.data/x": b""}), "has 2 data folders"),
    ],
)
def test_what_is_no_wheel_is_refused(tmp_path: Path, files: dict[str, bytes], problem: str) -> None:
    path = tmp_path / WHEEL_NAME
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(InvalidWheelError) as error:
        WheelReader.open(path)
    assert problem in error.value.what


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot be opened: No such file"):
        WheelReader.open(tmp_path / WHEEL_NAME)
    (tmp_path / WHEEL_NAME).mkdir()
    with pytest.raises(InvalidInputError, match="is a folder, not a file"):
        WheelReader.open(tmp_path / WHEEL_NAME)
    with pytest.raises(InvalidInputError, match="is a device, not a file"):
        WheelReader.open(Path(os.devnull), name=WheelName.parse(WHEEL_NAME))


def test_a_file_that_cannot_be_mapped_is_refused(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    monkeypatch.setattr("mmap.mmap", refuse)
    with pytest.raises(InvalidInputError, match="cannot be mapped: No such device"):
        WheelReader.open(wheel)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / WHEEL_NAME).write_bytes(b"")
    with pytest.raises(InvalidArchiveError, match="is empty"):
        WheelReader.open(tmp_path / WHEEL_NAME)


def test_files_missing_from_record_are_named(tmp_path: Path) -> None:
    files = wheel_files({"foo/": b"", "foo/a.so": b"x"})
    record = files["foo-1.0.dist-info/RECORD"].replace(record_row("foo/a.so", b"x").encode() + b"\n", b"")
    extra = {"foo-1.0.dist-info/RECORD": record, "foo-1.0.dist-info/RECORD.jws": b"{}"}
    with WheelReader.open(build_wheel(tmp_path, files | extra)) as reader:
        assert reader.unrecorded == ("foo/a.so",)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_wheels_give_a_clear_error_or_the_same_content(tmp_path: Path, data: st.DataObject) -> None:
    files = {"foo/a.txt": b"one\n" * 30, "foo/b.bin": bytes(range(60))}
    whole = build_wheel(tmp_path, files).read_bytes()
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)), "length")])
    for _ in range(data.draw(st.integers(0, 3), "changes") if damaged else 0):
        damaged[data.draw(st.integers(0, len(damaged) - 1), "place")] = data.draw(st.integers(0, 255), "byte")
    path = tmp_path / "bad" / WHEEL_NAME
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(damaged)
    try:
        with WheelReader.open(path) as reader:
            content = {name: reader.read(name) for name in files}
            assert {name: b"".join(reader.stream(name)) for name in files} == content
            _ = reader.wheel
    except InvalidInputError:
        return
    assert content == files


def test_damage_never_shows_as_another_error(tmp_path: Path) -> None:
    whole = build_wheel(tmp_path, {"a": TEXT}).read_bytes()
    path = tmp_path / "cut" / WHEEL_NAME
    path.parent.mkdir()
    for length in range(0, len(whole), 997):
        path.write_bytes(whole[:length])
        with pytest.raises(TruewheelError):
            WheelReader.open(path)


def test_crc_of_the_tests_own_members_is_true() -> None:
    assert RawMember(b"a", TEXT).central_header(0)[16:20] == zlib.crc32(TEXT).to_bytes(4, "little")
