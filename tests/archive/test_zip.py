"""The strict reading of ZIP structures."""

from __future__ import annotations

import io
import zipfile
import zlib
from struct import pack, unpack_from
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.wheels import STAMP, RawMember, Unseekable, descriptor_zip, raw_deflate, raw_zip, write_files
from truewheel.archive.zip import read_entries
from truewheel.errors import InvalidArchiveError

if TYPE_CHECKING:
    from truewheel.archive.zip_format import Entry

A = RawMember(b"a.txt", b"hello")
B = RawMember(b"pkg/b.txt", b"world" * 100, method=8)


def facts(data: bytes) -> list[tuple[object, ...]]:
    """What zipfile reads of an archive."""
    return [
        (
            info.filename,
            info.CRC,
            info.compress_size,
            info.file_size,
            info.header_offset,
            info.compress_type,
            info.external_attr >> 16,
            info.flag_bits,
            info.is_dir(),
        )
        for info in zipfile.ZipFile(io.BytesIO(data)).infolist()
    ]


def our_facts(entries: tuple[Entry, ...]) -> list[tuple[object, ...]]:
    return [
        (
            entry.name,
            entry.crc32,
            entry.compressed_size,
            entry.size,
            entry.header_offset,
            entry.method,
            entry.mode,
            entry.flags,
            entry.is_directory,
        )
        for entry in entries
    ]


def refusal(data: bytes) -> InvalidArchiveError:
    with pytest.raises(InvalidArchiveError) as error:
        read_entries(data, "foo.whl")
    return error.value


def test_members_folders_and_links_are_what_zipfile_says() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        files = {"pkg/": b"", "pkg/é.py": b"x" * 999, "pkg/link": b"there.py", "empty": b""}
        write_files(archive, files, modes={"pkg/link": 0o120777, "pkg/é.py": 0o100755})
    entries = read_entries(stream.getvalue(), "foo.whl")
    assert our_facts(entries) == facts(stream.getvalue())
    assert [entry.name for entry in entries if entry.is_symlink] == ["pkg/link"]
    assert all(entry.is_plain for entry in entries)
    assert [entry.end_offset for entry in entries[:-1]] == [entry.header_offset for entry in entries[1:]]


def test_times_are_the_raw_dos_numbers() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a", STAMP), b"")
    (entry,) = read_entries(stream.getvalue(), "foo.whl")
    assert entry.dos_date == (2024 - 1980) << 9 | 5 << 5 | 6
    assert entry.dos_time == 7 << 11 | 8 << 5 | 10 // 2


def test_an_archive_without_members_is_sound() -> None:
    assert read_entries(raw_zip(), "foo.whl") == ()


def test_the_directory_may_list_members_in_another_order() -> None:
    body = A.local_header() + A.data()
    second = len(body)
    body += B.local_header() + B.data()
    directory = B.central_header(second) + A.central_header(0)
    data = body + directory + pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), len(body), 0)
    assert [entry.name for entry in read_entries(data, "foo.whl")] == ["pkg/b.txt", "a.txt"]


@pytest.mark.parametrize("force_zip64", [False, True])
def test_data_descriptors_with_a_signature_are_read(*, force_zip64: bool) -> None:
    data = descriptor_zip({"a": b"x" * 500, "b": b"", "c/d": bytes(range(256))}, force_zip64=force_zip64)
    entries = read_entries(data, "foo.whl")
    assert our_facts(entries) == facts(data)
    assert not any(entry.is_plain for entry in entries)
    assert entries[0].end_offset == entries[1].header_offset


@pytest.mark.parametrize("signature", [b"", b"PK\7\x08"])
@pytest.mark.parametrize("layout", ["<3L", "<L2Q"])
@pytest.mark.parametrize("deferred", [{}, {"crc": 0, "compressed": 0, "size": 0}])
def test_every_form_of_data_descriptor_is_read(signature: bytes, layout: str, deferred: dict[str, int]) -> None:
    descriptor = signature + pack(layout, zlib.crc32(b"hello"), 5, 5)
    data = raw_zip(RawMember(b"a", b"hello", flags=8, local=deferred, after=descriptor), B)
    first, second = read_entries(data, "foo.whl")
    assert (first.size, first.end_offset) == (5, second.header_offset)


@pytest.mark.parametrize(
    "descriptor",
    [
        b"",
        pack("<3L", zlib.crc32(b"hello"), 5, 6),
        pack("<3L", 0, 5, 5),
        pack("<3L", zlib.crc32(b"hello"), 5, 5) + b"x",
    ],
)
def test_other_data_descriptors_are_refused(descriptor: bytes) -> None:
    data = raw_zip(RawMember(b"a", b"hello", flags=8, after=descriptor), B)
    assert "are not the member's data descriptor" in refusal(data).what


def test_extra_fields_are_kept_and_zip64_ones_read() -> None:
    time = pack("<2HBL", 0x5455, 5, 1, 1_700_000_000)
    extra = pack("<2H2Q", 1, 16, 5, 5)
    full = {"compressed": 0xFFFFFFFF, "size": 0xFFFFFFFF}
    data = raw_zip(RawMember(b"a", b"hello", local=full, central=full, local_extra=time + extra, extra=extra + time), B)
    first, second = read_entries(data, "foo.whl")
    assert (first.size, first.compressed_size, first.extra, first.is_plain) == (5, 5, time, False)
    assert second.is_plain


def test_a_zip64_field_that_repeats_the_header_is_read() -> None:
    extra = pack("<2H3Q", 1, 24, 5, 5, 0)
    data = raw_zip(RawMember(b"a", b"hello", extra=extra, central={"size": 0xFFFFFFFF}))
    assert read_entries(data, "foo.whl")[0].size == 5


@pytest.mark.parametrize(
    ("extra", "central", "problem"),
    [
        (b"", {"size": 0xFFFFFFFF}, "ZIP64 field that is not there"),
        (b"", {"offset": 0xFFFFFFFF}, "ZIP64 field that is not there"),
        (pack("<2H2Q", 1, 16, 5, 6), {"size": 0xFFFFFFFF}, "ZIP64 field does not agree"),
        (pack("<2HL", 1, 4, 5), {"size": 0xFFFFFFFF}, "ZIP64 field does not agree"),
        (pack("<2H4Q", 1, 32, 5, 5, 0, 0), {"size": 0xFFFFFFFF}, "ZIP64 field does not agree"),
        (pack("<2HQ2HQ", 1, 8, 5, 1, 8, 5), {"size": 0xFFFFFFFF}, "two ZIP64 fields"),
        (pack("<2H", 0x5455, 9) + b"x", {}, "the extra field is cut"),
        (b"xyz", {}, "the extra field is cut"),
        (pack("<2HBL", 0x7075, 10, 1, 0) + b"other", {}, "another name"),
    ],
)
def test_wrong_extra_fields_are_refused(extra: bytes, central: dict[str, int], problem: str) -> None:
    assert problem in refusal(raw_zip(RawMember(b"a", b"hello", extra=extra, central=central))).what


def zip64_end(data: bytes, **changes: int) -> bytes:
    """The same archive with ZIP64 end records before the end record."""
    _, _, _, _, count, size, start, _ = unpack_from("<4s4H2LH", data, len(data) - 22)
    true = {"rest": 44, "made": 45, "needed": 45, "disk": 0, "first": 0, "here": count, "count": count, "size": size,
            "start": start, "at_disk": 0, "at": start + size, "disks": 1}  # fmt: skip
    values = {**true, **changes}
    at_disk, at, disks = (values.pop(key) for key in ("at_disk", "at", "disks"))
    records = pack("<4sQ2H2L4Q", b"PK\6\6", *values.values()) + pack("<4sLQL", b"PK\6\7", at_disk, at, disks)
    return data[:-22] + records + data[-22:]


def test_zip64_end_records_are_read() -> None:
    data = zip64_end(raw_zip(A, B))
    assert our_facts(read_entries(data, "foo.whl")) == facts(data)
    full = pack("<4s4H2LH", b"PK\5\6", 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert len(read_entries(data[:-22] + full, "foo.whl")) == 2


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"rest": 45}, "45 bytes long, not 44"),
        ({"disk": 1}, "several disks"),
        ({"at_disk": 1}, "several disks"),
        ({"disks": 2}, "several disks"),
        ({"here": 1}, "several disks"),
        ({"at": 0}, "right before its locator"),
        ({"count": 3, "here": 3}, "disagree"),
        ({"size": 1 << 40}, "disagree"),
    ],
)
def test_wrong_zip64_end_records_are_refused(changes: dict[str, int], problem: str) -> None:
    assert problem in refusal(zip64_end(raw_zip(A, B), **changes)).what


def test_more_members_than_two_bytes_count_are_read() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(65_600):
            archive.writestr(zipfile.ZipInfo(f"f{number}"), b"")
    assert len(read_entries(stream.getvalue(), "foo.whl")) == 65_600


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not a ZIP archive"),
        (b"PK\5\6", "not a ZIP archive"),
        (raw_zip(A)[:-1], "not a ZIP archive, or its end is missing"),
        (raw_zip(A) + b"more", "4 bytes follow the end"),
        (raw_zip(A, end={"comment": 4}) + b"note", "a comment of 4 bytes"),
        (raw_zip(A, end={"comment": 4}), "a comment that is not there"),
        (b"#!/bin/sh\n" + raw_zip(A), "does not reach"),
        (raw_zip(A, before_end=b"gap"), "does not reach"),
        (raw_zip(A, end={"size": 99}), "overlaps the records after it"),
        (raw_zip(A, end={"disk": 1}), "several disks"),
        (raw_zip(A, end={"disk": 0xFFFF}), "several disks"),
        (raw_zip(A, B, end={"here": 1}), "several disks"),
        (raw_zip(A, end={"count": 9, "here": 9}), "do not fit"),
        (raw_zip(A, end={"count": 0, "here": 0}), "bytes follow the last entry"),
        (raw_zip(A, B, RawMember(b"c" * 60), end={"count": 4, "here": 4}), "entry 3 lies outside"),
    ],
)
def test_wrong_ends_are_refused(data: bytes, problem: str) -> None:
    error = refusal(data)
    assert problem in error.what
    assert error.where.startswith("foo.whl")


@pytest.mark.parametrize(
    ("members", "problem", "place"),
    [
        ([A, RawMember(b"b", before=b"xx")], "2 bytes after the member, from byte 40, belong to nothing", "'a.txt'"),
        ([RawMember(b"b", before=b"xx")], "2 bytes stand before the first member", "byte 0"),
        ([A, RawMember(b"b", central={"offset": 0})], "another name", "'b', local header at byte 0"),
        ([A, RawMember(b"b", after=b"z")], "1 bytes after the member", "'b' at byte 40"),
        ([RawMember(local={"name": b"c.txt"})], "another name", "'a.txt', local header at byte 0"),
        ([RawMember(local={"method": 8})], "method is 8 here but 0", "'a.txt'"),
        ([RawMember(local={"flags": 8})], "flags is 8 here but 0", "'a.txt'"),
        ([RawMember(local={"crc": 1})], "CRC-32 is 1 here", "'a.txt'"),
        ([RawMember(local={"size": 4})], "size is 4 here but 5", "'a.txt'"),
        ([RawMember(local={"compressed": 4})], "compressed size is 4 here but 5", "'a.txt'"),
        ([RawMember(central={"offset": 7})], "no local header", "local header at byte 7"),
        ([RawMember(local_extra=b"xyz")], "the extra field is cut", "'a.txt'"),
        ([RawMember(central={"signature": b"PK\1\3"})], "no entry of the central directory", "byte 40"),
        ([RawMember(comment=b"hi")], "a comment of 2 bytes", "a.txt"),
        ([RawMember(central={"disk": 1})], "several disks", "a.txt"),
        ([RawMember(flags=1)], "encrypted", "'a.txt' at byte 0"),
        ([RawMember(flags=0x40)], "encrypted", "'a.txt' at byte 0"),
        ([RawMember(flags=0x2000)], "encrypted", "'a.txt' at byte 0"),
        ([RawMember(flags=0x20)], "unknown flags 0x0020", "'a.txt' at byte 0"),
        ([RawMember(method=12)], "method 12 is not allowed", "'a.txt' at byte 0"),
        ([RawMember(method=9)], "method 9 is not allowed", "'a.txt' at byte 0"),
        ([RawMember(local={"size": 6}, central={"size": 6})], "two sizes, 5 and 6", "'a.txt' at byte 0"),
        ([RawMember(b"d/", b"x")], "the folder has 1 bytes", "'d/' at byte 0"),
        (
            [RawMember(method=8, raw=b"\3\0", local={"size": 2065}, central={"size": 2065})],
            "2 compressed bytes cannot hold 2065 bytes",
            "'a.txt' at byte 0",
        ),
        (
            [RawMember(local={"compressed": 90, "size": 90}, central={"compressed": 90, "size": 90})],
            "overlaps",
            "a.txt",
        ),
        ([A, RawMember(b"A.TXT")], "differs only in case", "'A.TXT'"),
        ([A, A], "has the same name: foo.whl, 'a.txt' at byte 0", "at byte 40"),
        ([RawMember(b"d/", b""), RawMember(b"d/", b"")], "has the same name", "'d/'"),
        ([RawMember(b"a"), RawMember(b"a/", b"")], "'a' is also a folder", "'a'"),
        ([RawMember(b"a"), RawMember(b"a/b/c")], "'a' is also a folder", "'a'"),
        ([RawMember(b"a/b/c"), RawMember(b"a/B")], "'a/B' is also a folder", "'a/B'"),
    ],
)
def test_lies_and_clashes_are_refused(members: list[RawMember], problem: str, place: str) -> None:
    error = refusal(raw_zip(*members))
    assert problem in error.what
    assert place in error.where


def test_members_inside_other_members_are_refused() -> None:
    inner = RawMember(b"inner", b"x")
    outer = RawMember(b"outer", inner.local_header() + inner.data())
    body = outer.local_header() + outer.data()
    directory = outer.central_header(0) + inner.central_header(35)
    data = body + directory + pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), len(body), 0)
    error = refusal(data)
    assert error.what == "the member reaches to byte 71 and overlaps what follows at byte 35"
    assert error.where == "foo.whl, 'outer' at byte 0"


def test_entries_that_share_one_costly_local_header_are_refused_at_once() -> None:
    fields = pack("<2H", 0x5455, 0) * 16_000
    shared = RawMember(b"a", b"", local_extra=fields)
    body = shared.local_header()
    directory = shared.central_header(0) * 30_000
    data = body + directory + pack("<4s4H2LH", b"PK\5\6", 0, 0, 30_000, 30_000, len(directory), len(body), 0)
    assert refusal(data).what == "the member starts inside another one"


def test_very_deep_names_are_read_in_reasonable_time_and_very_long_ones_refused() -> None:
    deep = [RawMember(f"{number:04}/".encode() + b"a/" * 500 + b"f") for number in range(500)]
    assert len(read_entries(raw_zip(*deep), "foo.whl")) == 500
    assert "longer than 1024 characters" in refusal(raw_zip(RawMember(b"a/" * 600 + b"f"))).what


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (b"", "empty"),
        (b"/etc/passwd", "absolute"),
        (b"../x", "leads out"),
        (b"a/../../x", "leads out"),
        (b"a/..", "leads out"),
        (b"..", "leads out"),
        (b"a\\b", "backslash"),
        (b"c:/x", "drive letter"),
        (b"C:x", "drive letter"),
        (b"a\0b", "control character"),
        (b"a\nb", "control character"),
        (b"\x7f", "control character"),
        (b"a//b", "empty or '.' part"),
        (b"./a", "empty or '.' part"),
        (b"a/./b", "empty or '.' part"),
        (b"a/.", "empty or '.' part"),
        (b".", "empty or '.' part"),
        (b"a//", "empty or '.' part"),
        (b"/", "absolute"),
    ],
)
def test_unsafe_names_are_refused(name: bytes, problem: str) -> None:
    content = b"" if name.endswith(b"/") else b"x"
    error = refusal(raw_zip(A, RawMember(name, content)))
    assert problem in error.what
    assert "at byte 40" in error.where


@pytest.mark.parametrize("name", ["a..b", "..a", "a.", "xy:z", "a/.hidden", "café/ß", "\xa0", "日本"])
def test_harmless_names_are_read(name: str) -> None:
    flags = 0 if name.isascii() else 0x800
    assert read_entries(raw_zip(A, RawMember(name.encode(), flags=flags)), "foo.whl")[1].name == name


def test_a_name_without_the_flag_is_cp437() -> None:
    data = raw_zip(RawMember(b"caf\x82"))
    assert read_entries(data, "foo.whl")[0].name == "café"
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["café"]


@pytest.mark.parametrize(
    ("name", "flags", "problem"), [("é".encode(), 0, "UTF-8 or CP437"), (b"caf\x82", 0x800, "flagged as UTF-8")]
)
def test_names_without_one_reading_are_refused(name: bytes, flags: int, problem: str) -> None:
    assert problem in refusal(raw_zip(RawMember(name, flags=flags))).what


def test_two_headers_may_differ_in_time_and_version_but_not_plainly() -> None:
    (entry,) = read_entries(raw_zip(RawMember(local={"time": 0, "needed": 45})), "foo.whl")
    assert not entry.is_plain


def test_archives_that_unpack_to_far_more_are_refused() -> None:
    bomb = RawMember(b"bomb", b"\0" * (65 << 20), method=8)
    assert "more than 50 times" in refusal(raw_zip(A, bomb)).what
    small = RawMember(b"fine", b"\0" * (63 << 20), method=8)
    assert len(read_entries(raw_zip(A, small), "foo.whl")) == 2


NAME_PART = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/\\:"), min_size=1, max_size=8
)
NAMES = st.lists(NAME_PART.filter(lambda part: part not in (".", "..")), min_size=1, max_size=3).map("/".join)
CONTENTS = st.binary(max_size=300) | st.binary(min_size=1, max_size=9).map(lambda piece: piece * 200)


@given(files=st.dictionaries(NAMES, CONTENTS, max_size=8), method=st.sampled_from([0, 8]), seekable=st.booleans())
def test_what_zipfile_writes_is_read_as_zipfile_reads_it(
    *, files: dict[str, bytes], method: int, seekable: bool
) -> None:
    stream = io.BytesIO() if seekable else Unseekable()
    with zipfile.ZipFile(stream, "w") as archive:
        write_files(archive, files, method=method)
    written = stream.getvalue() if isinstance(stream, io.BytesIO) else bytes(stream.written)
    folded = [name.casefold() for name in files]
    clash = len(set(folded)) < len(folded) or any(one.startswith(f"{other}/") for one in folded for other in folded)
    if clash:
        assert "case" in refusal(written).what or "folder" in refusal(written).what
        return
    assert our_facts(read_entries(written, "foo.whl")) == facts(written)


SOUND = raw_zip(A, B, RawMember("é/x".encode(), b"x" * 40, flags=0x800), RawMember(b"d/", b""))


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damage_is_refused_or_harmless(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(SOUND)
    for position, value in changes:
        damaged[position] = value
    try:
        entries = read_entries(bytes(damaged), "foo.whl")
    except InvalidArchiveError:
        return
    assert sum(entry.compressed_size for entry in entries) <= len(SOUND)


@given(st.integers(0, len(SOUND) - 1), st.binary(max_size=30))
def test_a_cut_archive_is_refused(length: int, rest: bytes) -> None:
    refusal(SOUND[:length] + rest.replace(b"PK", b""))


def test_deflate_of_nothing_is_sound() -> None:
    data = raw_zip(RawMember(b"empty", b"", method=8, raw=raw_deflate(b"")))
    assert read_entries(data, "foo.whl")[0].compressed_size == 2
