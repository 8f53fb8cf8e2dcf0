"""Ways in which tools that write tags are known to go wrong: what truewheel does in each.

Those of `wheel tags` 0.48 come first, then those of auditwheel addtag, delocate-addplat and delocate-merge. The program
is run by its command line; what came of it is read by zipfile and packaging.
"""

from __future__ import annotations

import os
import time
import warnings
import zipfile
from typing import TYPE_CHECKING

import pytest
from packaging.tags import parse_tag
from packaging.utils import parse_wheel_filename

from support.arm_bytes import attributes, file_scope, with_attributes
from support.checks import INFO, RECORD, WHEEL
from support.checks import wheel as foo_wheel
from support.cli import process, truewheel
from support.fixtures import family, mac_family
from support.hello import hello_wheel
from support.retags import (
    MODULE,
    linux_wheel,
    mac_wheel,
    pure_wheel,
    raw,
    read,
    require_sound,
    tags_of,
    with_wheel_file,
)
from support.wheels import build_wheel, wheel_files, write_files

if TYPE_CHECKING:
    from pathlib import Path

    from support.hello import Outcome

HEAD = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
INIT = "foo/__init__.py"
MAC_TAG = "cp310-abi3-macosx_11_0_arm64"


def retagged(wheel: Path, *options: str | Path) -> Path:
    """Retag a wheel and return the path that the program prints."""
    outcome = truewheel("retag", *options, wheel)
    assert outcome.code == 0, outcome.errors
    (line,) = outcome.output.splitlines()
    path = wheel.parent / line  # an absolute path stays what it is
    assert path.is_file()
    return path


def refused(wheels: Path | list[Path], *options: str | Path, code: int = 1) -> Outcome:
    """Retag what cannot be; fail when anything is left behind in the folders of the wheels, or they change."""
    given = wheels if isinstance(wheels, list) else [wheels]
    before = {path: path.read_bytes() for wheel in given for path in wheel.parent.iterdir() if path.is_file()}
    outcome = truewheel("retag", *options, *given)
    assert (outcome.code, outcome.output) == (code, "")
    assert {path: path.read_bytes() for wheel in given for path in wheel.parent.iterdir() if path.is_file()} == before
    return outcome


# `wheel tags`: flags and output


def test_several_operations_on_one_axis_are_done_in_one_call(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, "cp310-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64")
    options = ("--platform-tag", "-manylinux2014_x86_64", "--platform-tag", "+manylinux_2_28_x86_64")
    assert tags_of(retagged(wheel, *options)) == "cp310-abi3-manylinux_2_17_x86_64.manylinux_2_28_x86_64"


def test_the_path_that_is_printed_is_where_the_wheel_is(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path / "dist")
    outcome = truewheel("retag", "--build", "1", wheel)
    assert outcome.output == f"{tmp_path.resolve()}/dist/hello-1.0-1-py3-none-any.whl\n"


def test_what_does_not_change_keeps_its_bytes_times_and_modes(tmp_path: Path) -> None:
    files: dict[str, bytes] = {"foo/": b"", "foo/data.bin": bytes(70_000), "foo/run.sh": b"#!/bin/sh\n"}
    wheel = foo_wheel(tmp_path, files=files, modes={"foo/run.sh": 0o100755})
    before, after = raw(wheel), raw(retagged(wheel, "--platform-tag", "win_amd64"))
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] != after[name]} == {WHEEL, RECORD}
    assert after[RECORD][1] == before[RECORD][1]  # not the time of day


def test_tags_that_are_no_full_product_are_not_made_one_in_silence(tmp_path: Path) -> None:
    lines = f"{HEAD}Tag: py2-none-any\nTag: py3-none-macosx_10_9_x86_64\n"
    wheel = foo_wheel(tmp_path, "py2.py3-none-any.macosx_10_9_x86_64", lines=lines)
    outcome = truewheel("retag", "--build", "1", wheel)
    assert outcome.code == 0
    assert "the WHEEL file and the file name disagree about the tags; the file name is believed" in outcome.errors
    refused_ = truewheel("retag", "--normalize", "--trust", "wheel", wheel)
    assert refused_.code == 1
    assert "names tags that are not all combinations" in refused_.errors


def test_an_order_that_nobody_asked_about_is_no_new_name(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, "cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64")
    assert retagged(wheel, "--platform-tag", "+manylinux2014_x86_64") == wheel
    assert tags_of(retagged(wheel, "--normalize")) == "cp310-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64"


# `wheel tags`: what it accepts


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("linux", ["--platform-tag", "win32"], "the wheel holds machine code of Linux, not of Windows"),
        ("linux", ["--platform-tag", "macosx_11_0_arm64"], "the wheel holds machine code of Linux, not of macOS"),
        ("linux", ["--platform-tag", "any"], "the wheel holds machine code"),
        ("mac", ["--platform-tag", "macosx_10_4_x86_64"], f"{MODULE} has no x86_64 slice, only arm64"),
        ("mac", ["--platform-tag", "manylinux2014_aarch64"], "the wheel holds machine code of macOS, not of Linux"),
    ],
)
def test_a_label_that_the_machine_code_contradicts_is_refused_with_the_proof(
    kind: str, options: list[str], said: str, tmp_path: Path
) -> None:
    wheel = linux_wheel(tmp_path) if kind == "linux" else mac_wheel(tmp_path, MAC_TAG, arm64="11.0")
    outcome = refused(wheel, *options)
    assert said in outcome.errors
    assert "cannot truly be called" in outcome.errors


def test_a_stable_abi_of_python_2_is_refused(tmp_path: Path) -> None:
    outcome = refused(linux_wheel(tmp_path), "--python-tag", "cp27", "--abi-tag", "abi3", code=2)
    assert "no installer looks for cp27 in cp27-abi3" in outcome.errors


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("bogus", "bogus is a tag that no installer looks for"),
        ("manylinux_99_99_sparc", "is for sparc, for which no installer looks"),
        ("+", "a tag is empty"),
        ("x..y", "a tag is empty"),
        ("a-b", "a `-` inside a tag is written as `_`"),
        ("foo bar", "'foo bar' is not a tag"),
        ("", "is empty (is a variable not set?)"),
        ("../../etc", "a tag is empty"),
        ("win32/x", "'win32/x' is not a tag"),
        ("macosx_13", "macosx_13 is no macOS tag"),
        ("macosx_15_2_arm64", "is a tag that no installer looks for"),
        ("macosx_10_6_fat32", "is a tag that no installer looks for"),
        ("manylinux_2_17_arm64", "for which no installer looks"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_tag_is_refused_even_by_force(tag: str, said: str, tmp_path: Path, *, force: bool) -> None:
    outcome = refused(pure_wheel(tmp_path), *(["--force"] if force else []), f"--platform-tag={tag}", code=2)
    assert said in outcome.errors or "no installer" in outcome.errors


@pytest.mark.parametrize("build", ["abc", "1-2", "-1", "1 2", "1/2", "_1"])
def test_a_build_tag_that_installers_take_for_something_else_is_refused(build: str, tmp_path: Path) -> None:
    """pip calls `abc` an invalid number; uv takes it for a variant."""
    assert "is no build tag" in refused(pure_wheel(tmp_path), f"--build={build}", code=2).errors


def test_a_tag_of_the_wrong_axis_is_refused(tmp_path: Path) -> None:
    outcome = refused(pure_wheel(tmp_path), "--abi-tag", "universal2", code=2)
    assert "universal2 is the last part of a platform tag" in outcome.errors


def test_capitals_are_written_small_and_said(tmp_path: Path) -> None:
    outcome = truewheel("retag", "--platform-tag", "WIN32", pure_wheel(tmp_path))
    assert outcome.output.endswith("/hello-1.0-py3-none-win32.whl\n")
    assert "WIN32 was written in lower case" in outcome.errors


BROKEN = {
    "another tag": f"{HEAD}Tag: py3-none-win_amd64\n",
    "no tag": HEAD,
    "a compressed tag": f"{HEAD}Tag: py2.py3-none-any\n",
    "an empty line before the tags": f"{HEAD}\nTag: py2-none-any\nTag: py3-none-any\n",
    "another build": f"{HEAD}Build: 7\nTag: py2-none-any\nTag: py3-none-any\n",
    "capitals": f"{HEAD}Tag: py2-none-ANY\nTag: Py3-none-any\n",
    "repeated tags": f"{HEAD}Tag: py3-none-any\nTag: py2-none-any\nTag: py3-none-any\n",
    "line ends of Windows": f"{HEAD}\nTag: py2.py3-none-any\n".replace("\n", "\r\n"),
    "underscores for hyphens": f"{HEAD}Tag: py2.py3-none-any\n".replace("-Is-", "_Is_"),
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("options", [("--platform-tag", "win32"), ("--build", "3"), ("--normalize",)])
def test_a_wheel_file_with_a_fault_is_understood_and_mended(
    fault: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    wheel = foo_wheel(tmp_path, "py2.py3-none-any", lines=BROKEN[fault])
    made = retagged(wheel, "-w", tmp_path / "out", *options)
    require_sound(made)
    headers = read(made)[WHEEL].decode().splitlines()
    assert headers[0] == "Wheel-Version: 1.0"
    assert headers[1] == "Generator: test"
    assert truewheel("check", "--select", "wheel-tags,wheel-build,wheel-tag-lines", made).code == 0


def test_without_a_change_of_name_installers_see_the_tags_too(tmp_path: Path) -> None:
    """`wheel tags` stops at the empty line that ninja 1.11.1.1 has, with a traceback."""
    wheel = foo_wheel(tmp_path, "py2.py3-none-any", lines=BROKEN["an empty line before the tags"])
    made = retagged(wheel, "--platform-tag", "auto", "-w", tmp_path / "out")
    assert (made.name, made.parent.name) == (wheel.name, "out")
    require_sound(made)


# `wheel tags`: what it leaves behind


def recorded(directory: Path, record: str | None, **more: bytes) -> Path:
    """Write foo-1.0 with another RECORD; None for the right one."""
    directory.mkdir(exist_ok=True)
    files = wheel_files({INIT: b"x = 1\n", **more})
    if record is not None:
        files[RECORD] = record.encode()
    return build_wheel(directory, files)


def rows() -> list[str]:
    return wheel_files({INIT: b"x = 1\n"})[RECORD].decode().splitlines()


def test_a_wrong_hash_in_record_neither_stops_nor_hides(tmp_path: Path) -> None:
    """Nothing but WHEEL and RECORD is read, so the wrong row stays what it was; `check` tells and mends it."""
    wrong = "\n".join(row.replace(f"{INIT},sha256=", f"{INIT},sha256=AAAA") for row in rows())
    made = retagged(recorded(tmp_path, wrong), "--build", "1")
    assert list(read(made)) == [INIT, f"{INFO}/METADATA", WHEEL, RECORD]
    found = truewheel("check", "--select", "record-hash", made)
    assert (found.code, "record-hash" in found.output) == (1, True)
    mended = truewheel("check", "--fix", "-w", tmp_path / "mended", made)
    assert mended.code == 0
    require_sound(tmp_path / "mended" / made.name)


def test_a_file_that_record_does_not_list_is_listed_and_said(tmp_path: Path) -> None:
    wheel = recorded(tmp_path, "".join(f"{row}\n" for row in rows() if not row.startswith(INIT)))
    outcome = truewheel("retag", "--build", "1", wheel)
    assert f"RECORD did not list {INIT}; a row was added" in outcome.errors
    require_sound(tmp_path / "foo-1.0-1-py3-none-any.whl")


def test_a_member_that_is_there_twice_leaves_nothing_behind(tmp_path: Path) -> None:
    wheel = recorded(tmp_path, None)
    with warnings.catch_warnings(), zipfile.ZipFile(wheel, "a") as archive:
        warnings.simplefilter("ignore", UserWarning)
        archive.writestr(INIT, b"y = 2\n")
    assert "an earlier member has the same name" in refused(wheel, "--build", "1", code=3).errors


def test_a_wheel_without_record_leaves_nothing_behind(tmp_path: Path) -> None:
    wheel = tmp_path / "foo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        write_files(archive, {name: content for name, content in wheel_files({}).items() if name != RECORD})
    assert f"has no {RECORD}" in refused(wheel, "--build", "1", code=3).errors


def test_a_newer_version_of_the_format_is_refused(tmp_path: Path) -> None:
    wheel = foo_wheel(tmp_path, lines="Wheel-Version: 2.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    assert "newer than the format 1.x" in refused(wheel, "--build", "1", code=3).errors


@pytest.mark.parametrize("signature", ["RECORD.jws", "RECORD.p7s"])
@pytest.mark.parametrize("listed", [False, True])
def test_a_signature_of_the_old_record_is_left_out(signature: str, tmp_path: Path, *, listed: bool) -> None:
    member = f"{INFO}/{signature}"
    record = "".join(f"{row}\n" for row in rows()) + (f"{member},sha256=AAAA,2\n" if listed else "")
    outcome = truewheel("retag", "--build", "1", recorded(tmp_path, record, **{member: b"{}"}))
    assert outcome.code == 0
    assert f"{member} was left out" in outcome.errors
    members = read(tmp_path / "foo-1.0-1-py3-none-any.whl")
    assert member not in members
    assert signature not in members[RECORD].decode()


def test_another_wheel_of_the_new_name_is_not_overwritten(tmp_path: Path) -> None:
    wheel, other = pure_wheel(tmp_path), tmp_path / "hello-1.0-1-py3-none-any.whl"
    other.write_bytes(b"somebody else's")
    assert "`--overwrite` replaces it" in refused(wheel, "--build", "1").errors
    assert retagged(wheel, "--build", "1", "--overwrite") == other
    require_sound(other)


@pytest.mark.parametrize("remove", [(), ("--remove",), ("--in-place",)])
def test_of_two_wheels_that_would_get_one_name_neither_is_written(remove: tuple[str, ...], tmp_path: Path) -> None:
    one, two = pure_wheel(tmp_path), pure_wheel(tmp_path, "py2-none-any", {"hello/two.py": b"2"})
    outcome = refused([one, two], *remove, "--python-tag", "py2.py3", code=4)
    assert "would be written as hello-1.0-py2.py3-none-any.whl, as another of the given wheels is" in outcome.errors


@pytest.mark.parametrize("remove", [(), ("--remove",), ("--in-place",)])
def test_neither_is_written_when_all_or_nothing_is_asked_for(remove: tuple[str, ...], tmp_path: Path) -> None:
    wheels = [pure_wheel(tmp_path), pure_wheel(tmp_path, "py2-none-any", {"hello/two.py": b"2"})]
    outcome = refused(wheels, *remove, "--all-or-nothing", "--python-tag", "py2.py3", code=1)
    assert "as another of the given wheels is" in outcome.errors


def test_nothing_to_do_removes_nothing_and_prints_the_path(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path)
    content = wheel.read_bytes()
    for option in ("--remove", "--in-place", "--keep"):
        assert retagged(wheel, option, "--platform-tag", "any") == wheel.resolve()
    assert wheel.read_bytes() == content


def test_the_old_wheel_goes_only_once_the_new_one_is_there(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path)
    made = retagged(wheel, "--remove", "--build", "1")
    assert [path.name for path in tmp_path.iterdir()] == [made.name]
    require_sound(made)


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Return three wheels, of which the second cannot be read to its end."""
    folder = tmp_path / "dist"
    folder.mkdir()
    wheels = []
    for name in ("a", "b", "c"):
        files = wheel_files({f"{name}.py": bytes(5000)}, dist_info=f"{name}-1.0.dist-info")
        wheels.append(
            build_wheel(folder, files, filename=f"{name}-1.0-py3-none-any.whl", dist_info=f"{name}-1.0.dist-info")
        )
    wheels[1].write_bytes(wheels[1].read_bytes()[:-30])
    return wheels


def test_of_three_wheels_a_bad_second_one_leaves_no_half_of_anything(three: list[Path]) -> None:
    outcome = truewheel("retag", "--remove", "--build", "1", *three)
    assert outcome.code == 4
    assert outcome.errors.count("error: b-1.0-py3-none-any.whl") == 1
    assert "Traceback" not in outcome.errors
    folder = three[0].parent
    left = ["a-1.0-1-py3-none-any.whl", "b-1.0-py3-none-any.whl", "c-1.0-1-py3-none-any.whl"]
    assert sorted(path.name for path in folder.iterdir()) == left
    for name in (left[0], left[2]):
        require_sound(folder / name)


def test_all_or_nothing_is_nothing_when_one_of_three_is_bad(three: list[Path]) -> None:
    before = {path.name: path.read_bytes() for path in three[0].parent.iterdir()}
    outcome = truewheel("retag", "--all-or-nothing", "--remove", "--build", "1", *three)
    assert outcome.code in {1, 3, 4}
    assert outcome.output == ""
    assert {path.name: path.read_bytes() for path in three[0].parent.iterdir()} == before


def test_another_day_and_another_folder_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for folder, now in ((tmp_path / "a", 1_500_000_000), (tmp_path / "b", 1_900_000_000)):
        wheel = pure_wheel(folder)
        os.utime(wheel, (now, now))
        monkeypatch.setattr(time, "time", lambda now=now: float(now))
        assert truewheel("retag", "--build", "1", "-w", folder / "out", wheel).code == 0
        made.append((folder / "out" / "hello-1.0-1-py3-none-any.whl").read_bytes())
    assert made[0] == made[1]


def test_bills_of_materials_get_the_new_file_name(tmp_path: Path) -> None:
    name = "foo-1.0-py3-none-any.whl"
    bill = f'{{"purl": "pkg:pypi/foo@1.0?file_name={name}", "other": "{name[:-4]}.tar.gz"}}'.encode()
    wheel = foo_wheel(tmp_path, files={f"{INFO}/sboms/auditwheel.cdx.json": bill})
    made = retagged(wheel, "--platform-tag", "win_amd64")
    written = read(made)[f"{INFO}/sboms/auditwheel.cdx.json"]
    assert written == bill.replace(b"any.whl", b"win_amd64.whl")
    require_sound(made)


def test_a_wheel_with_machine_code_is_no_longer_called_purelib(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {"hello/__init__.py": b"", MODULE: family("x86_64").tone}
    wheel = with_wheel_file(hello_wheel(tmp_path, files, tag="py3-none-any"), f"{HEAD}Tag: py3-none-any\n".encode())
    made = retagged(wheel, "--platform-tag", "manylinux2014_x86_64")
    assert b"Root-Is-Purelib: false\n" in read(made)["hello-1.0.dist-info/WHEEL"]
    pure = retagged(pure_wheel(tmp_path / "pure"), "--platform-tag", "win_amd64")
    assert b"Root-Is-Purelib: true\n" in read(pure)["hello-1.0.dist-info/WHEEL"]


# auditwheel addtag


def test_a_tag_is_added_only_when_the_promise_is_kept(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {MODULE: family("x86_64").tone}
    wheel = hello_wheel(tmp_path, files, tag="cp310-abi3-linux_x86_64")
    made = retagged(wheel, "--platform-tag", "+auto")
    assert tags_of(made) == "cp310-abi3-linux_x86_64.manylinux1_x86_64.manylinux_2_5_x86_64"
    needy = hello_wheel(tmp_path / "needy", {MODULE: family("x86_64").extension}, tag="cp310-abi3-linux_x86_64")
    assert "needs libgreet.so.1" in refused(needy, "--platform-tag", "+manylinux2014_x86_64").errors


def test_a_tag_of_another_machine_is_added_on_any_host(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {MODULE: family("armv7l").tone}
    wheel = hello_wheel(tmp_path, files, tag="cp310-abi3-linux_armv7l")
    made = retagged(wheel, "--platform-tag", "+manylinux2014_armv7l")
    assert tags_of(made) == "cp310-abi3-linux_armv7l.manylinux2014_armv7l"
    said = f"{MODULE} has code for ARMv7, which not every armv6l machine runs"
    assert said in refused(made, "--platform-tag", "+linux_armv6l").errors
    older = with_attributes(attributes(file_scope([(6, 6), (28, 1)])))  # ARMv6, hard float
    wheel = hello_wheel(tmp_path / "older", {MODULE: older}, tag="cp310-abi3-linux_armv7l")
    assert tags_of(retagged(wheel, "--platform-tag", "+linux_armv6l")) == "cp310-abi3-linux_armv6l.linux_armv7l"


def test_a_tag_that_is_removed_and_added_again_is_there(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    tag = "manylinux_2_17_x86_64"
    made = retagged(wheel, "-w", tmp_path / "out", "--platform-tag", f"-{tag}", "--platform-tag", f"+{tag}")
    assert made.name == wheel.name
    require_sound(made)


# delocate-addplat


@pytest.mark.parametrize(
    ("stem", "folder"),
    [
        ("psycopg2_binary-2.9", "psycopg2_binary-2.9"),
        ("PyQt5-5.14.2", "PyQt5-5.14.2"),
        ("zope.interface-5.0", "zope.interface-5.0"),
        ("Foo_Bar-1.0", "foo_bar-1.0"),
        ("foo_bar-1.0", "Foo.Bar-1.0"),
        ("PyQt5-5.14.2-5.14.2", "PyQt5-5.14.2"),
    ],
)
def test_a_name_with_capitals_dots_and_underscores_is_found(stem: str, folder: str, tmp_path: Path) -> None:
    code = mac_family("x86_64").tone.read_bytes()
    lines = HEAD + ("Build: 5.14.2\n" if stem.count("-") > 1 else "") + "Tag: cp39-cp39-macosx_10_9_x86_64\n"
    info = f"{folder}.dist-info"
    wheel = foo_wheel(
        tmp_path,
        "cp39-cp39-macosx_10_9_x86_64",
        {"pkg/libx.dylib": code, f"{info}/WHEEL": lines.encode()},
        stem=stem,
        info=info,
    )
    made = retagged(wheel, "--platform-tag", "+macosx_10_15_x86_64", "-w", tmp_path / "out")
    assert made.name == f"{stem}-cp39-cp39-macosx_10_15_x86_64.macosx_10_9_x86_64.whl"
    members = read(made)
    assert members[f"{info}/WHEEL"].decode().count("Tag: ") == 2
    name, *_ = parse_wheel_filename(made.name) if stem.count("-") == 1 else (folder.partition("-")[0].lower(),)
    assert name.replace("-", "").replace("_", "") in folder.lower().replace(".", "").replace("_", "")


def test_a_new_folder_is_made(tmp_path: Path) -> None:
    made = retagged(pure_wheel(tmp_path), "--build", "1", "-w", tmp_path / "not" / "there" / "yet")
    assert made.parent == tmp_path.resolve() / "not" / "there" / "yet"


@pytest.mark.parametrize("tag", ["+win32", "+linux_x86_64", "+macosx_10_9_universal2", "+macosx_10_8_x86_64"])
def test_a_tag_of_another_system_architecture_or_older_version_is_not_added(tag: str, tmp_path: Path) -> None:
    refused(mac_wheel(tmp_path, "cp310-abi3-macosx_10_9_x86_64", x86_64="10.9"), "--platform-tag", tag)


def test_added_tags_are_sorted_among_the_others(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, "cp310-abi3-macosx_10_9_x86_64", x86_64="10.9")
    made = retagged(wheel, "--platform-tag", "+macosx_11_0_x86_64.macosx_10_10_x86_64")
    assert tags_of(made) == "cp310-abi3-macosx_10_10_x86_64.macosx_10_9_x86_64.macosx_11_0_x86_64"


def test_a_name_that_wheel_did_not_know_of_is_known_afterwards(tmp_path: Path) -> None:
    """numpy 1.9.0: renamed by hand, so WHEEL has one of its three tags."""
    name = "cp34-cp34m-macosx_10_6_intel.macosx_10_9_intel.macosx_10_9_x86_64"
    wheel = hello_wheel(
        tmp_path,
        {MODULE: mac_family("x86_64").tone},
        tag=name,
        wheel_tags=("cp34-cp34m-macosx_10_6_intel",),
    )
    made = retagged(wheel, "--platform-tag", "+macosx_10_10_x86_64", "--force")
    lines = read(made)["hello-1.0.dist-info/WHEEL"].decode().splitlines()
    assert {tag for line in lines if line.startswith("Tag: ") for tag in parse_tag(line[5:])} == parse_tag(
        f"{name}.macosx_10_10_x86_64"
    )


# delocate-fuse and delocate-merge


def test_a_merged_wheel_is_the_same_whatever_the_order_of_sets(tmp_path: Path) -> None:
    wheels = [
        hello_wheel(tmp_path, {MODULE: mac_family("x86_64").tone}, tag="cp310-abi3-macosx_10_9_x86_64"),
        hello_wheel(tmp_path, {MODULE: mac_family("arm64").tone}, tag="cp310-abi3-macosx_14_0_arm64"),
    ]
    made = []
    for seed in ("1", "2", "42"):
        folder = tmp_path / seed
        outcome = process("merge", "-w", folder, *wheels, PYTHONHASHSEED=seed)
        assert outcome.code == 0, outcome.errors
        (path,) = folder.glob("*.whl")
        made.append((path.name, path.read_bytes()))
        require_sound(path)
    assert made[0] == made[1] == made[2]


def test_a_fused_wheel_that_kept_the_name_of_one_half_gets_that_of_both(tmp_path: Path) -> None:
    """numpy 1.21.0 and scipy 1.8.0: the name was changed by hand, and WHEEL is that of one half."""
    wheel = hello_wheel(
        tmp_path,
        {MODULE: mac_family("universal2").tone},
        tag="cp39-cp39-macosx_10_9_universal2",
        wheel_tags=("cp39-cp39-macosx_11_0_arm64",),
    )
    before = truewheel("check", "--select", "wheel-tags", wheel)
    assert before.code == 1
    made = retagged(wheel, "--platform-tag", "auto", "-w", tmp_path / "out")
    require_sound(made)
    assert tags_of(made) == "cp39-cp39-macosx_10_9_universal2"
    assert truewheel("check", "--select", "wheel-tags", made).code == 0
