"""A repair from wheel to wheel on the disk. Results are read by zipfile, hashlib, pip and pyelftools."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import stat
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from support.fixtures import family, odd
from support.hello import DIST_INFO, PACKAGE, hello_wheel, installed
from support.wheels import build_wheel, record_row
from truewheel.analyzer.search_options import SearchOptions
from truewheel.archive.reader import WheelReader
from truewheel.bundler.bundle_options import BundleOptions
from truewheel.bundler.elf.edit import apply_edit
from truewheel.bundler.plan import ElfEdit, RepairPlan
from truewheel.errors import ExitCode, OutputError, RefusedError, ToolError, UsageError
from truewheel.repair import apply_plan, plan_repair, repair, scratch
from truewheel.repair.options import RepairOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

GREET = family("x86_64").folder
MODULE = "hello/_hello.abi3.so"
NEW = "hello-1.0-cp310-abi3-manylinux1_x86_64.manylinux_2_5_x86_64.whl"
SOURCE = Path(__file__).resolve().parents[2] / "src"


def options(*lib_paths: Path, **choices: Any) -> RepairOptions:  # noqa: ANN401 - the options of a repair
    search = {key: choices.pop(key) for key in ("exclude", "sysroot") if key in choices}
    bundle = {key: choices.pop(key) for key in ("strip", "no_mangle", "lib_sdir") if key in choices}
    choices.setdefault("sbom", False)
    return RepairOptions(
        search=SearchOptions(lib_paths=lib_paths, system=bool(lib_paths), **search),
        bundle=BundleOptions(**bundle),
        **choices,
    )


def simple(
    directory: Path, more: Mapping[str, Path | bytes] | None = None, *, tag: str = "cp310-abi3-linux_x86_64"
) -> Path:
    files: dict[str, Path | bytes] = {
        "hello/__init__.py": PACKAGE,
        MODULE: family("x86_64").extension,
        **(more or {}),
    }
    return hello_wheel(directory, files, tag=tag)


def edited(content: Path, folder: Path, edit: ElfEdit) -> bytes:
    folder.mkdir(exist_ok=True)
    copy = folder / "edited.so"
    copy.write_bytes(content.read_bytes())
    apply_edit(edit, copy)
    return copy.read_bytes()


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def dynamic(wheel: Path, member: str) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as file:
        (segment,) = (part for part in ELFFile(file).iter_segments() if isinstance(part, DynamicSegment))
        for tag in segment.iter_tags():
            for kind in ("needed", "soname", "rpath", "runpath"):
                if hasattr(tag, kind):
                    names.setdefault(kind, []).append(getattr(tag, kind))
    return names


def listing(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_wheel_that_keeps_its_name_is_copied_byte_for_byte(tmp_path: Path) -> None:
    done = repair(simple(tmp_path), tmp_path / "one", options(GREET))
    again = repair(done.path, tmp_path / "two", options())
    assert again.plan.changes_nothing
    assert again.path.name == done.path.name == NEW
    assert again.path.read_bytes() == done.path.read_bytes()
    assert again.size_before == again.size_after == done.size_after == done.path.stat().st_size


@pytest.mark.parametrize("choices", [{}, {"strip": True}, {"sbom": True}, {"no_mangle": ("libgreet*",)}])
def test_a_repair_of_its_own_output_gives_the_same_bytes(tmp_path: Path, choices: dict[str, Any]) -> None:
    first = repair(simple(tmp_path), tmp_path / "one", options(GREET, **choices))
    second = repair(first.path, tmp_path / "two", options(GREET, **choices))
    assert second.path.name == first.path.name
    assert second.path.read_bytes() == first.path.read_bytes()


def test_a_repair_into_the_folder_of_its_own_output_changes_nothing(tmp_path: Path) -> None:
    first = repair(simple(tmp_path / "in"), tmp_path, options(GREET))
    before = first.path.stat().st_mtime_ns
    assert repair(first.path, tmp_path, options(GREET)).path == first.path
    assert first.path.stat().st_mtime_ns == before


def test_a_pure_wheel_is_copied(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, {"foo/__init__.py": b""})
    done = repair(wheel, tmp_path / "out", options())
    assert done.path.read_bytes() == wheel.read_bytes()
    assert done.notices == ()


def test_a_wheel_named_for_a_platform_without_native_files_is_told(tmp_path: Path) -> None:
    done = repair(hello_wheel(tmp_path, {"hello/__init__.py": b""}), tmp_path / "out", options())
    assert "could be `any`" in done.notices[0]


def test_object_files_belong_to_a_platform(tmp_path: Path) -> None:
    object_file = bytearray(family("x86_64").greet.read_bytes())
    object_file[16:18] = b"\1\0"  # ET_REL
    done = repair(hello_wheel(tmp_path, {"a.o": bytes(object_file)}), tmp_path / "out", options())
    assert done.notices == ("not looked at (an object file: no loader maps it): a.o",)


@pytest.mark.parametrize(
    ("platform", "told"),
    [
        ("win_amd64", "only Linux and macOS wheels"),
        ("win32", "only Linux and macOS wheels"),
        ("macosx_10_9_x86_64.linux_x86_64", "named for Linux and macOS at once"),
    ],
)
def test_a_wheel_of_another_system_is_refused(tmp_path: Path, platform: str, told: str) -> None:
    with pytest.raises(RefusedError, match=told) as refused:
        repair(simple(tmp_path, tag=f"cp310-abi3-{platform}"), tmp_path / "out", options(GREET))
    assert refused.value.exit_code is ExitCode.REFUSED
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("choices", "platform"),
    [
        ({"plat": "manylinux_2_17_x86_64", "only_plat": True}, "manylinux2014_x86_64.manylinux_2_17_x86_64"),
        ({"plat": "manylinux_2_28", "only_plat": True}, "manylinux_2_28_x86_64"),
        ({"plat": "manylinux"}, "manylinux1_x86_64.manylinux_2_5_x86_64"),
        ({"plat": "linux"}, "linux_x86_64"),
    ],
)
def test_the_label_is_what_was_asked(tmp_path: Path, choices: dict[str, Any], platform: str) -> None:
    done = repair(simple(tmp_path), tmp_path / "out", options(GREET, **choices))
    assert done.path.name == f"hello-1.0-cp310-abi3-{platform}.whl"
    lines = contents(done.path)[f"{DIST_INFO}/WHEEL"].decode().splitlines()
    assert [line for line in lines if line.startswith("Tag: ")] == [
        f"Tag: cp310-abi3-{each}" for each in platform.split(".")
    ]
    assert [name for name in contents(done.path) if name.startswith("hello.libs/")]


def test_a_label_that_is_not_true_is_refused_with_reasons_and_nothing_is_written(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {MODULE: odd("glibc-2.38.so")})
    with pytest.raises(RefusedError) as refused:
        repair(wheel, tmp_path / "out", options(GREET, plat="manylinux_2_17_x86_64"))
    assert any("GLIBC_2.38" in reason for reason in refused.value.reasons)
    assert not (tmp_path / "out").exists()


def test_a_native_wheel_that_calls_itself_any_gets_a_true_name(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, {MODULE: family("x86_64").extension.read_bytes()})
    done = repair(
        wheel.rename(tmp_path / "foo-1.0-py3-none-any.whl"), tmp_path / "out", options(GREET, plat="manylinux_2_17")
    )
    metadata = contents(done.path)["foo-1.0.dist-info/WHEEL"]
    assert b"Root-Is-Purelib: false" in metadata
    assert b"-any" not in metadata
    assert "-any" not in done.path.name


def test_a_plan_made_for_other_bytes_or_another_name_is_refused(tmp_path: Path) -> None:
    wheel = simple(tmp_path)
    with WheelReader.open(wheel) as reader:
        plan = RepairPlan.from_json(json.loads(json.dumps(plan_repair(reader, options(GREET)).to_json())))
        for other in (replace(plan, input_sha256="0" * 64), replace(plan, input_name="a-1-py3-none-any.whl")):
            with pytest.raises(RefusedError, match="plan"):
                apply_plan(reader, other, tmp_path / "out", options(GREET))
        assert not (tmp_path / "out").exists()
        done = apply_plan(reader, plan, tmp_path / "out", options(GREET))
    assert done.path.read_bytes() == repair(wheel, tmp_path / "direct", options(GREET)).path.read_bytes()


def test_a_library_that_changes_after_planning_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    for path in (family("x86_64").greet, family("x86_64").tone):
        (folder / path.name).write_bytes(path.read_bytes())
    with WheelReader.open(simple(tmp_path)) as reader:
        plan = plan_repair(reader, options(folder))
        (folder / "libtone.so.2").write_bytes(b"\x7fELF")
        with pytest.raises(RefusedError, match="changed"):
            apply_plan(reader, plan, tmp_path / "out", options(folder))
    assert not (tmp_path / "out").exists()


def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(edit: ElfEdit, *_: object, **__: object) -> None:
        raise ToolError("patchelf failed", where=edit.member)

    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr("truewheel.bundler.elf.apply.apply_edit", fail)
    with pytest.raises(ToolError):
        repair(simple(tmp_path), tmp_path / "out", options(GREET, jobs=4))
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_result_that_would_not_keep_its_name_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untouched(_: ElfEdit, path: Path, *, source: Path | None = None, **__: object) -> None:
        if source is not None:
            path.write_bytes(source.read_bytes())

    monkeypatch.setattr("truewheel.bundler.elf.apply.apply_edit", untouched)
    monkeypatch.setattr("truewheel.bundler.elf.apply.verify_edit", lambda *_: None)
    for plat in ("auto", "linux"):
        with pytest.raises(ToolError, match="would not keep its name"):
            repair(simple(tmp_path), tmp_path / "out", options(GREET, plat=plat))
    assert not (tmp_path / "out").exists()


def test_the_output_folder_is_untouched_on_a_refusal(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "keep.whl").write_bytes(b"mine")
    with pytest.raises(RefusedError):
        repair(simple(tmp_path), out, options())
    assert listing(out) == {"keep.whl": b"mine"}


def test_another_wheel_of_the_new_name_is_replaced_only_by_force(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / NEW).write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        repair(simple(tmp_path), out, options(GREET))
    assert listing(out) == {NEW: b"mine"}
    done = repair(simple(tmp_path), out, options(GREET, force=True))
    assert list(listing(out)) == [NEW]
    assert zipfile.is_zipfile(done.path)


def test_a_plain_linux_wheel_replaces_its_own_file_only_by_force(tmp_path: Path) -> None:
    wheel = simple(tmp_path)
    before = wheel.read_bytes()
    with pytest.raises(OutputError):
        repair(wheel, tmp_path, options(GREET, plat="linux"))
    assert wheel.read_bytes() == before
    done = repair(wheel, tmp_path, options(GREET, plat="linux", force=True))
    assert done.path == wheel
    assert (done.size_before, done.size_after) == (len(before), len(wheel.read_bytes()))


RUN = """
import sys
from pathlib import Path
from truewheel.analyzer.search_options import SearchOptions
from truewheel.repair import repair
from truewheel.repair.options import RepairOptions
wheel, out, libraries, jobs = sys.argv[1:]
search = SearchOptions(lib_paths=(Path(libraries),), sysroot=Path(libraries).parent)
print(repair(Path(wheel), Path(out), RepairOptions(search=search, jobs=int(jobs))).path)
"""


def run_apart(wheel: Path, out: Path, jobs: int, **environment: str) -> bytes:
    clean = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    command = [sys.executable, "-c", RUN, str(wheel), str(out), str(GREET), str(jobs)]
    env = {**clean, "PYTHONPATH": str(SOURCE), **environment}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip()).read_bytes()


def test_the_bytes_depend_on_nothing_but_the_input(tmp_path: Path) -> None:
    wheel = simple(tmp_path, {"hello/_other": family("x86_64").greet})
    temporary = tmp_path / "a temporary folder"
    temporary.mkdir()
    one = run_apart(wheel, tmp_path / "1", 1, PYTHONHASHSEED="1")
    four = run_apart(wheel, tmp_path / "4", 4, PYTHONHASHSEED="2", TMPDIR=str(temporary), TZ="Asia/Tokyo", LANG="C")
    assert one == four
    assert list(temporary.iterdir()) == []


def times(wheel: Path) -> dict[str, tuple[int, ...]]:
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.date_time for entry in archive.infolist()}


def test_new_members_have_the_time_that_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = simple(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    stamps = times(repair(wheel, tmp_path / "out", options(GREET)).path)
    assert {name for name, stamp in stamps.items() if stamp == (2001, 9, 9, 1, 46, 40)} == set(stamps) - {
        "hello/__init__.py",
        f"{DIST_INFO}/METADATA",
    }
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    plain = times(repair(wheel, tmp_path / "plain", options(GREET)).path)
    assert set(plain.values()) == set(times(wheel).values())


def test_stripping_reaches_every_native_file(tmp_path: Path) -> None:
    wheel = simple(tmp_path)
    done = repair(wheel, tmp_path / "out", options(GREET, strip=True))
    natives = [name for name in contents(done.path) if ".so" in name]
    assert len(natives) == 3
    with zipfile.ZipFile(done.path) as archive:
        for name in natives:
            with archive.open(name) as file:
                assert ELFFile(file).get_section_by_name(".symtab") is None


def test_unchanged_members_keep_their_bytes_and_rows(tmp_path: Path) -> None:
    content = b"some text\n" * 1000
    names = ("hello/a.txt", "hello/b, c.txt")
    rows = [record_row("hello/a.txt", content), f'"hello/b, c.txt",md5=x,{len(content)}']
    record = "\r\n".join([f"{MODULE},,", *rows, f"{DIST_INFO}/RECORD,,", ""]).encode()
    files: dict[str, Path | bytes] = {MODULE: family("x86_64").extension, **dict.fromkeys(names, content)}
    files[f"{DIST_INFO}/RECORD"] = record
    wheel = hello_wheel(tmp_path, files, modes={names[0]: 0o100640})
    done = repair(wheel, tmp_path / "out", options(GREET))
    with WheelReader.open(wheel) as old, WheelReader.open(done.path) as new:
        for name in names:
            assert new.raw(name).tobytes() == old.raw(name).tobytes()
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(done.path) as after:
        for name in names:
            one, two = before.getinfo(name), after.getinfo(name)
            assert (one.date_time, one.external_attr) == (two.date_time, two.external_attr)
    assert all(row in contents(done.path)[f"{DIST_INFO}/RECORD"].decode().splitlines() for row in rows)


def test_record_lists_every_file_with_its_hash(tmp_path: Path) -> None:
    done = repair(simple(tmp_path), tmp_path / "out", options(GREET, sbom=True))
    files = contents(done.path)
    rows = {row[0]: row[1:] for row in csv.reader(files[f"{DIST_INFO}/RECORD"].decode().splitlines())}
    assert rows.pop(f"{DIST_INFO}/RECORD") == ["", ""]
    del files[f"{DIST_INFO}/RECORD"]
    assert {
        name: [
            "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("="),
            str(len(content)),
        ]
        for name, content in files.items()
    } == rows


def test_pip_installs_the_result(tmp_path: Path) -> None:
    site = installed(repair(simple(tmp_path), tmp_path / "out", options(GREET)).path, tmp_path / "site")
    assert (site / MODULE).is_file()
    assert len(list((site / "hello.libs").iterdir())) == 2


def test_a_program_that_moves_is_executable_and_has_a_launcher(tmp_path: Path) -> None:
    script = "hello-1.0.data/scripts/hello"
    wheel = hello_wheel(tmp_path, {script: odd("executable")})
    done = repair(wheel, tmp_path / "out", options(GREET))
    with zipfile.ZipFile(done.path) as archive:
        assert stat.S_IMODE(archive.getinfo("hello.scripts/hello").external_attr >> 16) == 0o755
        assert archive.read(script).startswith(b"#!python\n")
    again = repair(done.path, tmp_path / "again", options(GREET))
    assert again.path.read_bytes() == done.path.read_bytes()


@pytest.mark.parametrize("pattern", ["libtone*", str(GREET / "libtone.so.2"), "*/libtone.so.2", "libtone"])
def test_what_was_left_out_is_left_out_of_the_confirmation_too(tmp_path: Path, pattern: str) -> None:
    done = repair(simple(tmp_path), tmp_path / "out", options(GREET, exclude=(pattern,)))
    assert done.plan.excluded == ("libtone.so.2",)
    (library,) = (name for name in contents(done.path) if name.startswith("hello.libs/"))
    assert dynamic(done.path, library)["needed"] == ["libtone.so.2", "libc.so.6"]


def test_a_name_with_a_dot_before_a_slash_can_be_left_out(tmp_path: Path) -> None:
    edit = ElfEdit("", "", replace_needed=(("libgreet.so.1", "./libgreet.so.1"),))
    wheel = hello_wheel(tmp_path, {MODULE: edited(family("x86_64").extension, tmp_path / "lib", edit)})
    done = repair(wheel, tmp_path / "out", options(exclude=("*libgreet*",)))
    assert done.plan.excluded == ("./libgreet.so.1",)


def test_a_pattern_that_leaves_nothing_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="libnone"):
        repair(simple(tmp_path), tmp_path / "out", options(GREET, exclude=("libnone*",)))


def test_a_library_of_the_wheel_under_another_file_name_is_found(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {
        MODULE: family("x86_64").extension,
        "hello/lib/libgreet.so.1.2.3": family("x86_64").greet,
        "hello/lib/libtone.so.2": family("x86_64").tone,
    }
    done = repair(hello_wheel(tmp_path, files), tmp_path / "out", options())
    assert dynamic(done.path, MODULE) == {"needed": ["libgreet.so.1.2.3", "libc.so.6"], "rpath": ["$ORIGIN/lib"]}


def test_a_bundled_library_never_replaces_a_file_of_the_wheel(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {MODULE: family("x86_64").extension, "hello/lib/libtone.so.2": b"a linker script"})
    with pytest.raises(RefusedError, match="a file of the wheel"):
        repair(wheel, tmp_path / "out", options(GREET, no_mangle=("libtone*",), lib_sdir="/lib"))


def test_paths_of_the_build_are_dropped_and_listed(tmp_path: Path) -> None:
    edit = ElfEdit("", "", rpath="/build/lib:$ORIGIN/x")
    wheel = hello_wheel(tmp_path, {MODULE: edited(family("x86_64").extension, tmp_path / "lib", edit)})
    done = repair(wheel, tmp_path / "out", options(GREET))
    assert [(path.member, path.entry) for path in done.plan.dropped_paths] == [(MODULE, "/build/lib")]
    assert dynamic(done.path, MODULE)["rpath"] == ["$ORIGIN/x:$ORIGIN/../hello.libs"]


def test_bills_of_materials_name_the_new_file(tmp_path: Path) -> None:
    sbom = f"{DIST_INFO}/sboms/own.cdx.json"
    wheel = simple(tmp_path, {sbom: b'{"purl": "pkg:pypi/hello@1.0?file_name=hello-1.0-cp310-abi3-linux_x86_64.whl"}'})
    done = repair(wheel, tmp_path / "out", options(GREET, sbom=True))
    assert contents(done.path)[sbom] == f'{{"purl": "pkg:pypi/hello@1.0?file_name={NEW}"}}'.encode()
    assert f"{DIST_INFO}/sboms/truewheel.cdx.json" in contents(done.path)


def test_the_bill_of_materials_tells_who_needs_a_library_that_kept_its_name(tmp_path: Path) -> None:
    done = repair(simple(tmp_path), tmp_path / "out", options(GREET, no_mangle=("libtone*",), sbom=True))
    document = json.loads(contents(done.path)[f"{DIST_INFO}/sboms/truewheel.cdx.json"])
    needs = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    greet, tone = (
        next(
            each["bom-ref"] for each in document["components"] if name in each["evidence"]["occurrences"][0]["location"]
        )
        for name in ("libgreet", "libtone")
    )
    assert needs == {document["metadata"]["component"]["bom-ref"]: [greet], greet: [tone], tone: []}


def test_tags_that_contradict_the_name_are_told_and_mended(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {MODULE: family("x86_64").extension}, wheel_tags=("cp311-cp311-linux_x86_64",))
    done = repair(wheel, tmp_path / "out", options(GREET, plat="linux"))
    assert any("disagree" in notice for notice in done.notices)
    assert b"Tag: cp310-abi3-linux_x86_64\n" in contents(done.path)[f"{DIST_INFO}/WHEEL"]


def test_the_wheel_file_stays_as_it_is_when_it_is_right(tmp_path: Path) -> None:
    metadata = b"Wheel-Version: 1.0\nROOT-IS-PURELIB:False\nTag: cp310-abi3-linux_x86_64\n"
    wheel = build_wheel(
        tmp_path,
        {MODULE: family("x86_64").extension.read_bytes(), f"{DIST_INFO}/WHEEL": metadata},
        filename="hello-1.0-cp310-abi3-linux_x86_64.whl",
        dist_info=DIST_INFO,
    )
    done = repair(wheel, tmp_path / "out", options(GREET, plat="linux"))
    assert contents(done.path)[f"{DIST_INFO}/WHEEL"] == metadata


def test_signatures_that_are_left_out_are_told(tmp_path: Path) -> None:
    wheel = simple(tmp_path, {f"{DIST_INFO}/RECORD.jws": b"{}"})
    done = repair(wheel, tmp_path / "out", options(GREET))
    assert f"{DIST_INFO}/RECORD.jws" not in contents(done.path)
    assert any("RECORD.jws" in notice for notice in done.notices)


def test_a_wheel_in_a_folder_that_cannot_be_written_is_repaired_elsewhere(tmp_path: Path) -> None:
    wheel = simple(tmp_path / "in")
    wheel.chmod(0o444)
    wheel.parent.chmod(0o555)
    try:
        assert repair(wheel, tmp_path / "out", options(GREET)).path.name == NEW
    finally:
        wheel.parent.chmod(0o755)


@pytest.mark.parametrize("changes", [True, False])
def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path, changes: bool) -> None:  # noqa: FBT001
    (tmp_path / "file").write_bytes(b"")
    wheel = simple(tmp_path) if changes else build_wheel(tmp_path, {})
    with pytest.raises(OutputError) as failed:
        repair(wheel, tmp_path / "file" / "out", options(GREET))
    assert str(tmp_path / "file" / "out") in failed.value.where


def test_no_place_for_temporary_files_is_an_output_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    monkeypatch.setattr(scratch, "_PLACES", (str(tmp_path / "missing too"),))
    with pytest.raises(OutputError):
        repair(simple(tmp_path), tmp_path / "out", options(GREET))
    assert not (tmp_path / "out").exists()


def test_no_thread_is_no_choice() -> None:
    with pytest.raises(UsageError):
        options(jobs=0)


def test_stripping_a_wheel_that_was_repaired_before_keeps_it_sound(tmp_path: Path) -> None:
    first = repair(simple(tmp_path), tmp_path / "one", options(GREET))
    second = repair(first.path, tmp_path / "two", options(GREET, strip=True))
    for name in (name for name in contents(second.path) if ".so" in name):
        assert dynamic(second.path, name) == dynamic(first.path, name)
