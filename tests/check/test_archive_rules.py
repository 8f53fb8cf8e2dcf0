"""What a check says of archives that installers unpack differently, and of the index's rules for uploads."""

from __future__ import annotations

import stat
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.checks import findings, messages, rules, wheel
from support.fixtures import family, mac_family
from support.wheels import RawMember, descriptor_zip, raw_zip, wheel_files
from truewheel.check.findings import Severity
from truewheel.errors import InvalidArchiveError, InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "foo-1.0-py3-none-any.whl"
FILES = wheel_files({"foo/__init__.py": b""})


def archive(directory: Path, *more: RawMember, **rest: bytes) -> Path:
    path = directory / NAME
    members = [RawMember(name.encode(), content) for name, content in FILES.items()]
    path.write_bytes(raw_zip(*members, *more) + rest.get("after", b""))
    return path


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (RawMember(b"foo/__init__.py", b"other"), "'foo/__init__.py' has the same name as an earlier member"),
        (RawMember(b"Foo/__init__.py"), "'Foo/__init__.py' has a name that differs only in case"),
        (RawMember(b"../x"), "'../x': the name leads out of the archive"),
        (RawMember(b"a", comment=b"hi"), "'a' has a comment of 2 bytes"),
        (RawMember(b"a", method=12), "'a' is compressed by method 12"),
        (RawMember(b"a", flags=1), "'a' is encrypted"),
    ],
)
def test_faults_of_a_member(tmp_path: Path, member: RawMember, said: str) -> None:
    (finding,) = findings(archive(tmp_path, member))
    assert (finding.rule, finding.severity, finding.fixable) == ("archive", Severity.ERROR, False)
    assert finding.message.startswith(said)


def test_several_faults_are_told_at_once(tmp_path: Path) -> None:
    path = archive(tmp_path, RawMember(b"/a", comment=b"x"), RawMember(b"b", flags=1))
    with zipfile.ZipFile(path, "a") as opened:
        opened.comment = b"note"
    assert len(messages(path)) == 4


def test_a_fault_that_only_strict_reading_sees(tmp_path: Path) -> None:
    path = archive(tmp_path, RawMember(b"a", before=b"gap"))
    (finding,) = findings(path)
    assert "belong to nothing" in finding.message
    assert NAME not in finding.message


def test_what_is_no_archive_is_no_finding(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"no archive at all, but long enough for one to be there")
    with pytest.raises(InvalidArchiveError):
        findings(path)
    with pytest.raises(InvalidInputError):
        findings(tmp_path / "gone-1.0-py3-none-any.whl")


def test_an_archive_that_is_cut_off_is_told(tmp_path: Path) -> None:
    path = archive(tmp_path, after=b"tail")
    assert rules(path) == ["archive"]


def test_symbolic_links(tmp_path: Path) -> None:
    path = wheel(tmp_path, files={"foo/link": b"target"}, modes={"foo/link": stat.S_IFLNK | 0o777})
    assert rules(path) == ["symlink"]


def test_sizes_behind_the_data(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(descriptor_zip(FILES))
    (finding,) = findings(path)
    assert (finding.rule, finding.fixable) == ("data-descriptor", True)
    assert rules(path, index="none") == []


@pytest.mark.parametrize(
    "tag",
    [
        "win_arm64",
        "manylinux1_i686",
        "manylinux2014_s390x",
        "manylinux_2_99_riscv64",
        "musllinux_1_2_armv7l",
        "linux_armv6l",
        "macosx_10_16_x86_64",
        "macosx_26_0_arm64",
        "macosx_10_6_fat3",
        "ios_13_0_arm64_iphonesimulator",
        "android_24_arm64_v8a",
        "pyemscripten_2026_0_wasm32",
    ],
)
def test_platforms_that_the_index_takes(tmp_path: Path, tag: str) -> None:
    assert messages(wheel(tmp_path, f"py3-none-{tag}"), "index-tag") == []


@pytest.mark.parametrize(
    "tag",
    [
        "linux_x86_64",
        "linux_aarch64",
        "linux_riscv64",
        "win_arm32",
        "manylinux1_aarch64",
        "manylinux2014_riscv64",
        "manylinux_2_36_loongarch64",
        "manylinux_2_28_armv6l",
        "manylinux_2_28_i386",
        "musllinux_1_2_ppc64",
        "macosx_11_1_arm64",
        "macosx_16_0_arm64",
        "macosx_26_1_arm64",
        "macosx_11_0_arm64e",
        "macosx_10_9_fat32",
        "android_24_aarch64",
        "pyodide_2024_0_wasm32",
        "emscripten_3_1_58_wasm32",
        "wasi_0_0_0_wasm32",
    ],
)
def test_platforms_that_the_index_refuses(tmp_path: Path, tag: str) -> None:
    path = wheel(tmp_path, f"py3-none-any.{tag}")
    assert messages(path, "index-tag") == [f"the index refuses wheels with the tag {tag}"]
    assert messages(path, "index-tag", index="none") == []


def test_local_versions(tmp_path: Path) -> None:
    path = wheel(tmp_path, stem="foo-1.0+cpu", info="foo-1.0+cpu.dist-info")
    assert rules(path) == ["local-version"]
    assert rules(path, index="none") == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_damage_ends_in_a_traceback(tmp_path: Path, data: st.DataObject) -> None:
    files = {"foo/_a.abi3.so": mac_family("arm64").extension, "foo/_b.abi3.so": family("x86_64").extension}
    tag = "cp310-abi3-macosx_11_0_arm64.manylinux_2_17_x86_64"
    path = wheel(tmp_path, tag, files, method=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with suppress(InvalidArchiveError):
        assert all(finding.message for finding in findings(path))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), kind=st.sampled_from(["elf", "macho"]))
def test_no_damaged_machine_code_ends_in_a_traceback(tmp_path: Path, data: st.DataObject, kind: str) -> None:
    source = family("x86_64").extension if kind == "elf" else mac_family("universal2").extension
    content = bytearray(source.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    tag = "cp310-abi3.abi3t-manylinux_2_17_x86_64" if kind == "elf" else "cp27-cp27m-macosx_11_0_universal2"
    path = wheel(tmp_path, tag, {"foo/_a.abi3.so": bytes(content)})
    assert isinstance(findings(path), tuple)
    assert isinstance(
        findings(wheel(tmp_path, f"cp310-abi3-{tag.split('-')[2]}", {"foo/_a.abi3.so": bytes(content)})), tuple
    )
