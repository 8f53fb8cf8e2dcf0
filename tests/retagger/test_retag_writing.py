"""What retag writes, where, and what stays as it was."""

from __future__ import annotations

import json
import os
import re
import zipfile
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from support.hello import DIST_INFO, installed
from support.retags import (
    LINUX_TAG,
    linux_wheel,
    mac_wheel,
    planned,
    pure_wheel,
    raw,
    read,
    require_sound,
    retag,
    tags_of,
    with_wheel_file,
)
from support.wheels import build_wheel, descriptor_zip, wheel_files
from truewheel.archive.metadata import WheelMetadata
from truewheel.errors import InvalidInputError, OutputError, RefusedError, ToolError
from truewheel.retagger.retag import apply_retag, open_wheel, retag_wheel
from truewheel.retagger.retag_options import RetagOptions, Trust
from truewheel.retagger.retag_plan import RetagPlan

if TYPE_CHECKING:
    from pathlib import Path

WHEEL, RECORD, METADATA = (f"{DIST_INFO}/{name}" for name in ("WHEEL", "RECORD", "METADATA"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_other_member_is_copied_as_it_stands(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, modes={"hello/__init__.py": 0o100755})
    done = retag(wheel, build="1")
    assert done.path.name == f"hello-1.0-1-{LINUX_TAG}.whl"
    before, after = raw(wheel), raw(done.path)
    assert {name for name in after if after[name] != before[name]} == {WHEEL, RECORD}
    assert [name for name in after if name in {WHEEL, RECORD}] == [WHEEL, RECORD]
    assert (done.size_before, done.size_after) == (wheel.stat().st_size, done.path.stat().st_size)
    require_sound(done.path)
    assert read(done.path)[WHEEL] == read(wheel)[WHEEL] + b"Build: 1\n"


def test_the_build_tag_comes_and_goes(tmp_path: Path) -> None:
    wheel = retag(linux_wheel(tmp_path), build="2local").path
    assert wheel.name.startswith("hello-1.0-2local-cp310")
    done = retag(wheel, tmp_path / "out", build="")
    assert done.path.name == f"hello-1.0-{LINUX_TAG}.whl"
    assert b"Build" not in read(done.path)[WHEEL]
    require_sound(done.path)


def test_the_same_wheel_is_written_byte_for_byte_every_time(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    one = retag(wheel, tmp_path / "one", build="1").path
    os.utime(wheel, (0, 0))
    two = retag(wheel, tmp_path / "two", build="1", jobs=4).path
    assert one.read_bytes() == two.read_bytes()


def test_a_wheel_goes_beside_the_old_one_which_stays(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    done = retag(wheel, build="1")
    assert names(tmp_path) == sorted([wheel.name, done.path.name])
    assert not done.removed


def test_a_folder_is_made(tmp_path: Path) -> None:
    done = retag(linux_wheel(tmp_path), tmp_path / "a" / "b", build="1")
    assert done.path.parent == tmp_path / "a" / "b"


@pytest.mark.parametrize("choice", ["in_place", "remove"])
def test_the_old_wheel_goes_when_the_new_one_is_there(choice: str, tmp_path: Path) -> None:
    chosen: dict[str, Any] = {"build": "1", choice: True}
    done = retag(linux_wheel(tmp_path), **chosen)
    assert names(tmp_path) == [done.path.name]
    assert done.removed
    again = retag(done.path, **chosen)
    assert (again.written, again.removed, names(tmp_path)) == (False, False, [done.path.name])


def test_a_wheel_moves_to_another_folder(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path / "old")
    done = retag(wheel, tmp_path / "new", normalize=True, remove=True)
    assert done.path == tmp_path / "new" / wheel.name
    assert (done.written, done.removed, wheel.exists()) == (True, True, False)


def test_the_old_wheel_stays_when_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    with (
        patch("truewheel.archive.staging.os.fsync", side_effect=OSError(28, "No space left on device")),
        pytest.raises(OutputError, match="No space left"),
    ):
        retag(wheel, build="1", in_place=True)
    assert names(tmp_path) == [wheel.name]


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    one = retag(wheel, tmp_path / "out", build="1")
    before = one.path.stat()
    two = retag(wheel, tmp_path / "out", build="1")
    after = two.path.stat()
    assert (two.path, two.written) == (one.path, False)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert names(tmp_path / "out") == [one.path.name]


def test_another_order_alone_is_the_same_name(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, "cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64")
    done = retag(wheel, platform_tag="manylinux2014_x86_64.manylinux_2_17_x86_64")
    assert (done.path, done.written) == (wheel, False)
    sorted_name = "cp310-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64"
    assert tags_of(retag(wheel, normalize=True).path) == sorted_name


def test_the_order_can_be_kept(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, "cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64")
    wish = "+manylinux_2_35_x86_64.manylinux_2_28_x86_64"
    done = retag(wheel, platform_tag=wish, keep_order=True)
    assert tags_of(done.path).rpartition("-")[2].split(".") == [
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
        "manylinux_2_35_x86_64",
        "manylinux_2_28_x86_64",
    ]
    require_sound(done.path)


@pytest.mark.parametrize("name_stays", [False, True])
def test_another_file_is_never_replaced_unasked(*, name_stays: bool, tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, wheel_tags=("cp310-abi3-linux_x86_64",)) if name_stays else linux_wheel(tmp_path)
    wishes: dict[str, Any] = {"normalize": True} if name_stays else {"build": "1"}
    out = tmp_path / "out"
    out.mkdir()
    name = wheel.name if name_stays else f"hello-1.0-1-{LINUX_TAG}.whl"
    (out / name).write_bytes(b"something else")
    with pytest.raises(OutputError, match="exists already with other content") as caught:
        retag(wheel, out, **wishes)
    assert caught.value.hint == "`--overwrite` replaces it"
    assert (out / name).read_bytes() == b"something else"
    assert names(out) == [name]
    done = retag(wheel, out, overwrite=True, **wishes)
    assert done.written
    require_sound(done.path)


def test_the_wheel_itself_is_replaced_in_place_only(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, wheel_tags=("cp310-abi3-linux_x86_64",))
    before = wheel.read_bytes()
    with pytest.raises(OutputError) as caught:
        retag(wheel, normalize=True)
    assert caught.value.hint == "`--in-place` replaces it, `-w DIR` writes elsewhere"
    assert wheel.read_bytes() == before
    done = retag(wheel, normalize=True, in_place=True)
    assert (done.path, done.written, done.removed) == (wheel, True, False)
    require_sound(wheel)
    assert not retag(wheel, normalize=True, in_place=True).written


def test_bills_of_materials_name_the_new_file(tmp_path: Path) -> None:
    bill = f"{DIST_INFO}/sboms/a.cdx.json"
    old = f"hello-1.0-{LINUX_TAG}.whl"
    wheel = linux_wheel(tmp_path, files={bill: f"pkg:pypi/hello@1.0?file_name={old}".encode()})
    done = retag(wheel, build="1")
    assert read(done.path)[bill] == f"pkg:pypi/hello@1.0?file_name={done.path.name}".encode()
    require_sound(done.path)


@pytest.mark.parametrize("suffix", ["jws", "p7s"])
def test_signatures_of_the_old_record_go(suffix: str, tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, files={f"{RECORD}.{suffix}": b"{}"})
    done = retag(wheel, build="1")
    assert f"{RECORD}.{suffix}" not in read(done.path)
    assert any(notice.startswith(f"{RECORD}.{suffix} was left out") for notice in done.notices)
    require_sound(done.path)


def test_a_native_wheel_is_no_pure_one(tmp_path: Path) -> None:
    module = {"hello/tool": read(linux_wheel(tmp_path / "x"))["hello/_hello.so"]}
    wheel = pure_wheel(tmp_path, "py3-none-any", files=module)
    done = retag(wheel, platform_tag="manylinux_2_17_x86_64")
    assert b"Root-Is-Purelib: false\n" in read(done.path)[WHEEL]
    assert done.plan.root_is_purelib is False
    require_sound(done.path)
    still_pure = pure_wheel(tmp_path / "y", "py3-none-manylinux_2_17_x86_64", files=module)
    raised = retag(still_pure, platform_tag="manylinux_2_28_x86_64")
    assert b"Root-Is-Purelib: false\n" in read(raised.path)[WHEEL]
    assert b"Root-Is-Purelib: true\n" in read(retag(still_pure, build="1").path)[WHEEL]


@pytest.mark.parametrize(
    ("trust", "tags"),
    [
        (Trust.FILENAME, "cp310-abi3-manylinux_2_17_x86_64"),
        (Trust.WHEEL, "cp310-abi3-manylinux_2_28_x86_64.manylinux_2_5_x86_64"),
        (Trust.BINARIES, "cp310-abi3-manylinux1_x86_64.manylinux_2_5_x86_64"),
    ],
)
def test_name_and_wheel_are_made_to_agree(trust: Trust, tags: str, tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, wheel_tags=("cp310-abi3-manylinux_2_28_x86_64.manylinux_2_5_x86_64",))
    done = retag(wheel, tmp_path / "out", normalize=True, trust=trust)
    assert tags_of(done.path) == tags
    require_sound(done.path)
    assert not retag(done.path, normalize=True, trust=trust).written


def test_wheel_is_believed_about_the_build_tag_too(tmp_path: Path) -> None:
    content = f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nBuild: 3\nTag: {LINUX_TAG}\n".encode()
    wheel = with_wheel_file(linux_wheel(tmp_path), content)
    done = retag(wheel, normalize=True, trust=Trust.WHEEL)
    assert done.path.name == f"hello-1.0-3-{LINUX_TAG}.whl"
    assert read(done.path)[WHEEL] == content


@pytest.mark.parametrize(
    ("lines", "what"),
    [("", "names no tag"), ("Tag: py2-none-any\nTag: py3-none-win32\n", "are not all combinations")],
)
def test_wheel_cannot_be_believed_about_everything(lines: str, what: str, tmp_path: Path) -> None:
    wheel = with_wheel_file(pure_wheel(tmp_path), f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n{lines}".encode())
    with pytest.raises(RefusedError, match=what):
        retag(wheel, normalize=True, trust=Trust.WHEEL)


def test_wheel_is_not_believed_against_the_machine_code(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, "cp310-abi3-macosx_11_0_arm64", arm64="11.0")
    lying = with_wheel_file(wheel, b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp310-abi3-win_amd64\n")
    with pytest.raises(RefusedError, match="cannot truly be called win_amd64"):
        retag(lying, normalize=True, trust=Trust.WHEEL)


ODD = {
    "no tag": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\n",
    "another tag": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp27-none-any\n",
    "compressed": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {LINUX_TAG}.linux_x86_64\n",
    "blank line": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n\nTag: {LINUX_TAG}\n",
    "build": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nBuild: 7\nTag: {LINUX_TAG}\n",
    "crlf": f"Wheel-Version: 1.0\r\nRoot-Is-Purelib: false\r\nTag: {LINUX_TAG}\r\n\r\n",
    "typo": f"Wheel-Version: 1.0\nRoot-Is_Purelib: false\nTag: {LINUX_TAG}\n",
    "twice": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {LINUX_TAG}\nTag: {LINUX_TAG}\n",
}


@pytest.mark.parametrize("fault", ODD)
@pytest.mark.parametrize("wishes", [{"platform_tag": "manylinux_2_28_x86_64"}, {"build": "1"}, {"normalize": True}])
def test_wheels_with_faults_can_be_retagged(fault: str, wishes: dict[str, Any], tmp_path: Path) -> None:
    wheel = with_wheel_file(linux_wheel(tmp_path), ODD[fault].encode())
    done = retag(wheel, tmp_path / "out", **wishes)
    require_sound(done.path)
    if wishes == {"normalize": True}:
        assert b"Root-Is-Purelib: false" in read(done.path)[WHEEL]
        assert not retag(done.path, **wishes).written


def test_wrong_hashes_of_other_files_are_left_alone(tmp_path: Path) -> None:
    members = read(linux_wheel(tmp_path))
    rows = members[RECORD].decode().splitlines()
    rows[0] = "hello/__init__.py,sha256=AAAA,77"
    record = "".join(f"{row}\n" for row in rows).encode()
    wheel = build_wheel(
        tmp_path, {**members, RECORD: record}, filename=f"hello-1.0-{LINUX_TAG}.whl", dist_info=DIST_INFO
    )
    done = retag(wheel, build="1")
    assert read(done.path)[RECORD].decode().splitlines()[0] == rows[0]


@pytest.mark.parametrize("spelling", ["Foo.Bar-1.0", "foo_bar-1.0", "FOO-BAR-1.0", "foo_bar-1.0.0"])
def test_dist_info_may_be_spelled_otherwise(spelling: str, tmp_path: Path) -> None:
    folder = f"{spelling}.dist-info"
    wheel = build_wheel(tmp_path, {}, filename="foo_bar-1.0-py3-none-any.whl", dist_info=folder)
    done = retag(wheel, platform_tag="win_amd64")
    assert f"{folder}/WHEEL" in read(done.path)
    require_sound(done.path)


def test_a_name_with_capitals_is_read_and_mended(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path)
    wrong = wheel.rename(tmp_path / "hello-1.0-py3-none-ANY.whl")
    with open_wheel(wrong) as reader:
        done = apply_retag(reader, planned(wrong, normalize=True))
    assert done.path.name == "hello-1.0-py3-none-any.whl"
    with pytest.raises(InvalidInputError, match="5 or 6 parts"):
        open_wheel(tmp_path / "x.whl")


def test_without_options_a_wheel_is_normalised(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path, "py3.py2-none-any")
    assert retag_wheel(wheel).path.name == "hello-1.0-py2.py3-none-any.whl"


def test_a_plan_is_the_same_after_json(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    with open_wheel(wheel) as reader:
        plan = planned(wheel, platform_tag=("win_amd64",), force=True, local_version="x").identified(reader)
        again = RetagPlan.from_json(json.loads(json.dumps(plan.to_json())))
        assert again == plan
        assert apply_retag(reader, again, tmp_path / "out").path.name == "hello-1.0+x-cp310-abi3-win_amd64.whl"


@pytest.mark.parametrize(
    "data", [None, {}, {"schema": "truewheel.retag-plan/2"}, {"schema": "truewheel.retag-plan/1", "output_name": 1}]
)
def test_what_is_no_plan_is_refused(data: object) -> None:
    with pytest.raises(InvalidInputError, match="the plan"):
        RetagPlan.from_json(data)


@pytest.mark.parametrize("change", [{"input_name": "x.whl"}, {"input_size": 1}, {"input_sha256": "0" * 64}])
@pytest.mark.parametrize("wishes", [{"build": "1"}, {"normalize": True}])
def test_a_plan_fits_its_own_wheel_alone(change: dict[str, Any], wishes: dict[str, Any], tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path)
    plan = planned(wheel, **wishes)._replace(**change)
    with open_wheel(wheel) as reader, pytest.raises(RefusedError, match="not the wheel that this plan"):
        apply_retag(reader, plan, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_wheel_file_that_would_lie_is_not_written(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path)
    with (
        patch.object(WheelMetadata, "edited", lambda *_, **__: b"Wheel-Version: 1.0\nTag: a-b-c\n"),
        pytest.raises(ToolError, match="would not agree with the name"),
    ):
        retag(wheel, build="1")
    assert names(tmp_path) == [wheel.name]


def version_wheel(folder: Path, version: str = "1.0") -> Path:
    """Write a wheel with a data folder, a bill of materials, and a row of RECORD that needs quotes."""
    stem = f"Foo_Bar-{version}"
    folder.mkdir(exist_ok=True)
    name = f"foo_bar-{version}-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: Foo.Bar\nversion:  {version} \n\nVersion: 9"
    files = {
        "foo.py": b"x = 1\n",
        f"{stem}.data/scripts/a,b": b"#!python\n",
        f"{stem}.data/scripts/": b"",
        f"{stem}.dist-info/METADATA": metadata.encode(),
        f"{stem}.dist-info/sboms/a.json": (
            f"pkg:pypi/foo-bar@{version}?file_name={name} pkg:pypi/foo-bar@{version}1 pkg:pypi/other@{version}"
        ).encode(),
    }
    return build_wheel(folder, files, filename=name, dist_info=f"{stem}.dist-info")


def test_a_local_version_is_written_everywhere(tmp_path: Path) -> None:
    wheel = version_wheel(tmp_path)
    done = retag(wheel, local_version="+CU_12-8")
    assert done.path.name == "foo_bar-1.0+cu.12.8-py3-none-any.whl"
    assert done.plan.version == "1.0+cu.12.8"
    stem = "Foo_Bar-1.0+cu.12.8"
    members = read(done.path)
    assert set(members) == {
        "foo.py",
        f"{stem}.data/scripts/",
        f"{stem}.data/scripts/a,b",
        *(f"{stem}.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL", "sboms/a.json")),
    }
    metadata = members[f"{stem}.dist-info/METADATA"]
    assert metadata == b"Metadata-Version: 2.1\nName: Foo.Bar\nversion:  1.0+cu.12.8\n\nVersion: 9"
    assert members[f"{stem}.dist-info/sboms/a.json"] == (
        b"pkg:pypi/foo-bar@1.0%2Bcu.12.8?file_name=foo_bar-1.0+cu.12.8-py3-none-any.whl "
        b"pkg:pypi/foo-bar@1.01 pkg:pypi/other@1.0"
    )
    assert f'"{stem}.data/scripts/a,b",sha256=' in members[f"{stem}.dist-info/RECORD"].decode()
    require_sound(done.path)
    before, after = raw(wheel), raw(done.path)
    script = "{}.data/scripts/a,b"
    assert after["foo.py"] == before["foo.py"]
    assert after[script.format(stem)] == before[script.format("Foo_Bar-1.0")]


def test_a_local_version_is_dropped(tmp_path: Path) -> None:
    done = retag(version_wheel(tmp_path, "1.0+cpu"), local_version="")
    assert done.path.name == "foo_bar-1.0-py3-none-any.whl"
    assert b"version:  1.0\n" in read(done.path)["Foo_Bar-1.0.dist-info/METADATA"]
    require_sound(done.path)


@pytest.mark.parametrize("stated", ["2.0", "1.0+cpu", "one"])
@pytest.mark.parametrize("label", ["x", ""])
def test_a_local_version_is_not_put_beside_another_version(stated: str, label: str, tmp_path: Path) -> None:
    metadata = f"Name: foo\nVersion: {stated}\n\n".encode()
    wheel = build_wheel(tmp_path, {"foo-1.0.dist-info/METADATA": metadata})
    with pytest.raises(RefusedError, match=re.escape(f"METADATA is of version {stated}, the file name of 1.0")):
        retag(wheel, tmp_path / "out", local_version=label)
    assert not (tmp_path / "out").exists()


def test_a_version_may_be_spelled_in_another_way(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, {"foo-1.0.dist-info/METADATA": b"Name: foo\nVersion: v1.0.0\n\n"})
    assert retag(wheel, local_version="x").plan.version == "1.0+x"


def test_the_same_local_version_changes_nothing(tmp_path: Path) -> None:
    wheel = version_wheel(tmp_path, "1.0+cpu")
    done = retag(wheel, local_version="cpu")
    assert (done.path, done.written, done.plan.version) == (wheel, False, None)


def test_a_relabelled_wheel_is_one_that_pip_installs(tmp_path: Path) -> None:
    done = retag(version_wheel(tmp_path), local_version="x.1")
    site = installed(done.path, tmp_path / "site")
    assert (site / "Foo_Bar-1.0+x.1.dist-info").is_dir()
    assert (site / "bin" / "a,b").is_file()


def test_metadata_without_a_version_is_refused(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, {"foo-1.0.dist-info/METADATA": b"Name: foo\n\nVersion: 1.0\n"})
    with pytest.raises(InvalidInputError, match="has no version"):
        retag(wheel, local_version="x")


def test_large_and_described_members_are_renamed_too(tmp_path: Path) -> None:
    """A member whose sizes stand in a data descriptor gets a header of its own under the new name."""
    path = tmp_path / "foo-1.0-py3-none-any.whl"
    path.write_bytes(descriptor_zip(wheel_files({"foo-1.0.data/data/x": b"x" * 5000}), force_zip64=True))
    done = retag(path, local_version="x")
    assert read(done.path)["foo-1.0+x.data/data/x"] == b"x" * 5000
    require_sound(done.path)
    with zipfile.ZipFile(done.path) as archive:
        assert all(not info.flag_bits & 8 for info in archive.infolist() if "data/x" in info.filename)


def test_a_retag_is_an_option_of_the_api() -> None:
    import truewheel

    assert truewheel.retag_wheel is retag_wheel
    assert truewheel.RetagOptions is RetagOptions
    assert truewheel.RetagPlan is RetagPlan
