"""Thinning from file to file. Results are read by zipfile and LIEF."""

from __future__ import annotations

import os
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fixtures import mac_family, mac_odd
from support.hello import DIST_INFO
from support.mac_names import is_macho, require_sound, slices
from support.mac_pairs import TAGS, code, lib, pair, program, repaired_pair
from support.mac_repairs import MODULE, contents, mac_wheel, repaired
from support.macho_bytes import DSYM, OBJECT, Macho, arch, fat, rpath
from support.wheels import record_faults
from truewheel.archive.reader import WheelReader
from truewheel.errors import InvalidInputError, OutputError, RefusedError, ToolError, UsageError
from truewheel.merge import merge_wheels
from truewheel.merge.options import MergeOptions
from truewheel.thin import ThinOptions, apply_thin, plan_thin, thin_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truewheel.thin import Thinned, ThinPlan

BOTH_TAG = "cp310-abi3-macosx_11_0_universal2"
NAMES = {name: f"hello-1.0-{tag}.whl" for name, tag in TAGS.items()}
FOLDERS = {"arm64": mac_family("arm64"), "x86_64": mac_family("x86_64")}


def fat_of(*names: str, minimum: str = "") -> bytes:
    """Return a fat module."""
    return fat([arch(code(name, minimum=minimum), name, 14 if name.startswith("arm") else 12) for name in names])


def universal(
    directory: Path,
    more: Mapping[str, bytes | Path] | None = None,
    *,
    module: bytes | None = None,
    tag: str = BOTH_TAG,
) -> Path:
    return mac_wheel(directory / "in", module or fat_of("x86_64", "arm64"), more, tag=tag)


def thinned(wheel: Path, architecture: str = "arm64", **choices: Any) -> Thinned:  # noqa: ANN401 -- ThinOptions
    """Thin into the folder `thin` beside the wheel's."""
    return thin_wheel(wheel, architecture, wheel.parents[1] / "thin", ThinOptions(**choices))


def planned(wheel: Path, architecture: str = "arm64") -> ThinPlan:
    with WheelReader.open(wheel) as reader:
        return plan_thin(reader, architecture, ThinOptions())


def refusal(wheel: Path, architecture: str = "arm64", **choices: Any) -> RefusedError:  # noqa: ANN401 -- ThinOptions
    with pytest.raises(RefusedError) as caught:
        thinned(wheel, architecture, **choices)
    assert not (wheel.parents[1] / "thin").exists()
    return caught.value


# What it gives.


@pytest.mark.parametrize("name", FOLDERS)
def test_every_fat_file_becomes_its_slice_and_the_name_says_it(name: str, tmp_path: Path) -> None:
    family = mac_family("universal2")
    wheel = repaired(universal(tmp_path, module=family.extension.read_bytes()), family.folder).path
    done = thinned(wheel, name)
    assert done.path.name == NAMES[name]
    before, after = contents(wheel), contents(done.path)
    assert set(before) == set(after)
    for member, content in before.items():
        if is_macho(content):
            assert after[member] == slices(content)[name]
            require_sound(after[member])
    assert f"Tag: {TAGS[name]}\n".encode() in after[f"{DIST_INFO}/WHEEL"]
    assert after[f"{DIST_INFO}/WHEEL"].count(b"Tag: ") == 1
    assert (done.size_before, done.size_after) == (wheel.stat().st_size, done.path.stat().st_size)
    assert record_faults(done.path) == []


@pytest.mark.parametrize("name", FOLDERS)
def test_a_merged_wheel_thinned_has_the_machine_code_it_came_from(name: str, tmp_path: Path) -> None:
    wheels = repaired_pair(tmp_path)
    both = merge_wheels(wheels, tmp_path / "both").path
    done = thin_wheel(both, name, tmp_path / "thin")
    (origin,) = (wheel for wheel in wheels if name in wheel.name)
    assert done.path.name == origin.name
    old, new = contents(origin), contents(done.path)
    assert {key: value for key, value in old.items() if not key.endswith("RECORD")} == {
        key: value for key, value in new.items() if not key.endswith("RECORD")
    }
    assert len(done.plan.dropped) == 2


@settings(max_examples=15)
@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from(["x86_64", "arm64"]), min_size=1)))
def test_thinning_is_the_reverse_of_merging(
    tmp_path_factory: pytest.TempPathFactory, libraries: dict[str, set[str]]
) -> None:
    folder = tmp_path_factory.mktemp("thin")
    own = {
        each: {f"hello/{name}": lib(each, name=f"@rpath/{name}") for name, where in libraries.items() if each in where}
        for each in TAGS
    }
    wheels = pair(folder, own["x86_64"], own["arm64"])
    both = merge_wheels(wheels, folder / "both").path
    for wheel, name in zip(wheels, TAGS, strict=True):
        members = contents(thin_wheel(both, name, folder / "thin").path)
        assert {key: value for key, value in members.items() if is_macho(value)} == {**own[name], MODULE: code(name)}
        assert set(members) == set(contents(wheel))


def test_a_second_run_and_any_number_of_threads_give_the_same_bytes(tmp_path: Path) -> None:
    wheel = universal(tmp_path, {"hello/libx.dylib": fat_of("x86_64", "arm64")})
    first = thinned(wheel).path.read_bytes()
    done = thinned(wheel, jobs=3)
    assert done.path.read_bytes() == first
    again = thin_wheel(done.path, "arm64", tmp_path / "again")
    assert again.plan.changes_nothing
    assert again.path.read_bytes() == first


def test_members_that_do_not_change_keep_their_compressed_bytes_and_times(tmp_path: Path) -> None:
    wheel = universal(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        infos = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(wheel, "w") as archive:
        for info, content in infos:
            info.date_time = (2021, 2, 3, 4, 5, 6)
            archive.writestr(info, content, compresslevel=1)
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(thinned(wheel).path) as new:
        one, two = old.getinfo("hello/__init__.py"), new.getinfo("hello/__init__.py")
        assert (one.compress_size, one.date_time) == (two.compress_size, two.date_time)


def test_modes_stay(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path / "in", fat_of("x86_64", "arm64"), tag=BOTH_TAG, modes={MODULE: 0o100755})
    with zipfile.ZipFile(thinned(wheel).path) as archive:
        assert archive.getinfo(MODULE).external_attr >> 16 & 0o777 == 0o755


def test_wide_fat_files_objects_and_libraries_of_objects_are_thinned(tmp_path: Path) -> None:
    pieces = {name: Macho(name, OBJECT).build() for name in TAGS}
    members = {
        "hello/wide.dylib": mac_odd("fat64.dylib").read_bytes(),
        "hello/a.o": fat([arch(content, name, 3) for name, content in pieces.items()]),
        "hello/a.a": fat([arch(b"!<arch>\n" + name.encode() * 9, name, 3) for name in TAGS]),
    }
    after = contents(thinned(universal(tmp_path, members)).path)
    assert after["hello/wide.dylib"] == mac_family("arm64").tone.read_bytes()
    assert after["hello/a.o"] == pieces["arm64"]
    assert after["hello/a.a"] == b"!<arch>\n" + b"arm64" * 9


def test_what_is_for_another_architecture_alone_is_left_out(tmp_path: Path) -> None:
    members = {
        "hello/libx.dylib": lib("x86_64"),
        "hello/liby.dylib": fat([arch(lib("x86_64"), "x86_64"), arch(lib("i386"), "i386")]),
        "hello/a.o": Macho("x86_64", OBJECT).build(),
        "hello/a.dSYM/a": Macho("x86_64", DSYM).build(),
        "hello/mine.dylib": lib("arm64"),
    }
    done = thinned(universal(tmp_path, members))
    assert done.plan.dropped == tuple(members)[:-1]
    after = contents(done.path)
    assert not set(done.plan.dropped) & set(after)
    assert after["hello/mine.dylib"] == lib("arm64")
    assert b"libx.dylib" not in after[f"{DIST_INFO}/RECORD"]


def test_slices_of_relatives_go_and_a_note_says_so(tmp_path: Path) -> None:
    wheel = universal(tmp_path, module=fat_of("x86_64", "x86_64h", "arm64", "arm64e"))
    done = thinned(wheel)
    assert contents(done.path)[MODULE] == code("arm64")
    assert done.notices == (f"{MODULE}: its arm64e slice goes too, which no tag speaks of",)
    assert "x86_64h" in thinned(wheel, "x86_64").notices[0]


def test_a_relative_is_not_the_architecture_itself(tmp_path: Path) -> None:
    wheel = universal(tmp_path, module=fat_of("x86_64", "arm64e"))
    assert refusal(wheel).reasons == (f"{MODULE} has no arm64 slice, only x86_64 and arm64e",)


@pytest.mark.parametrize("architecture", ["i386", "ppc", "ppc64"])
def test_older_architectures_can_stay(architecture: str, tmp_path: Path) -> None:
    module = fat_of("x86_64", architecture, minimum="10.6")
    family = {"i386": "intel", "ppc": "universal", "ppc64": "fat64"}[architecture]
    done = thinned(universal(tmp_path, module=module, tag=f"cp310-abi3-macosx_10_6_{family}"), architecture)
    assert done.path.name == f"hello-1.0-cp310-abi3-macosx_10_6_{architecture}.whl"


# Labels.


@pytest.mark.parametrize(
    ("tag", "name", "expected"),
    [
        ("macosx_11_0_universal2", "x86_64", "macosx_11_0_x86_64"),
        ("macosx_10_9_universal2", "x86_64", "macosx_10_9_x86_64"),
        ("macosx_10_9_universal2", "arm64", "macosx_11_0_arm64"),
        ("macosx_13_0_universal2", "arm64", "macosx_13_0_arm64"),
        ("macosx_10_13_x86_64.macosx_12_0_arm64", "arm64", "macosx_12_0_arm64"),
        ("macosx_10_13_x86_64.macosx_12_0_arm64", "x86_64", "macosx_10_13_x86_64"),
        ("macosx_10_9_universal2.macosx_11_0_universal2", "x86_64", "macosx_10_9_x86_64"),
        ("macosx_11_0_x86_64", "arm64", "macosx_11_0_arm64"),
        ("macosx_11_2_universal2", "arm64", "macosx_11_0_arm64"),
    ],
)
def test_the_version_of_the_name_is_kept_where_it_is_true(tag: str, name: str, expected: str, tmp_path: Path) -> None:
    done = thinned(universal(tmp_path, tag=f"cp310-abi3-{tag}"), name)
    assert done.path.name == f"hello-1.0-cp310-abi3-{expected}.whl"


def test_a_version_that_is_not_true_follows_the_machine_code(tmp_path: Path) -> None:
    done = thinned(universal(tmp_path, module=fat_of("x86_64", "arm64", minimum="12.3")))
    assert done.path.name == "hello-1.0-cp310-abi3-macosx_13_0_arm64.whl"
    assert any("needs macOS 12.3 on arm64" in notice for notice in done.notices)


def test_a_thin_wheel_under_too_wide_a_name_is_renamed(tmp_path: Path) -> None:
    done = thinned(universal(tmp_path, module=code("arm64")))
    assert (done.path.name, done.plan.thinned) == (NAMES["arm64"], ())
    assert not done.plan.changes_nothing


def test_true_tags_for_the_one_architecture_stay_as_they_are(tmp_path: Path) -> None:
    wheel = universal(tmp_path, module=code("arm64"), tag="cp310-abi3-macosx_11_0_arm64.macosx_12_0_arm64")
    done = thinned(wheel)
    assert done.plan.changes_nothing
    assert done.path.read_bytes() == wheel.read_bytes()


def test_metadata_that_contradicts_the_name_is_written_anew(tmp_path: Path) -> None:
    wheel = universal(tmp_path, module=code("arm64"), tag=TAGS["arm64"])
    wheel = wheel.rename(wheel.with_name("hello-1.0-cp310-abi3-macosx_12_0_arm64.whl"))
    done = thinned(wheel)
    assert done.path.name == wheel.name
    assert b"Tag: cp310-abi3-macosx_12_0_arm64\n" in contents(done.path)[f"{DIST_INFO}/WHEEL"]


# Refusals.


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("hello/_more.abi3.so", code("x86_64")),
        ("hello/plug.bundle", fat([arch(code("x86_64"), "x86_64"), arch(code("i386"), "i386")])),
        ("hello-1.0.data/scripts/tool", program("x86_64")),
    ],
)
def test_a_module_or_program_without_the_architecture_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    error = refusal(universal(tmp_path, {name: content}))
    assert error.what == "cannot be used with arm64"
    assert [reason.partition(" has no arm64 slice")[0] for reason in error.reasons] == [name]


def test_a_library_that_is_needed_is_not_left_out_in_silence(tmp_path: Path) -> None:
    needs = code("arm64", "@loader_path/libx.dylib")
    module = fat([arch(code("x86_64"), "x86_64"), arch(needs, "arm64", 14)])
    error = refusal(universal(tmp_path, {"hello/libx.dylib": lib("x86_64")}, module=module))
    assert error.reasons[0].startswith(f"{MODULE} needs @loader_path/libx.dylib, which was not found")


def test_a_missing_library_is_a_refusal_unless_something_else_provides_it(tmp_path: Path) -> None:
    name = "/opt/hello/lib/liba.dylib"
    module = fat([arch(code(each, name), each, 14) for each in TAGS])
    wheel = universal(tmp_path, module=module)
    assert any(name in reason for reason in refusal(wheel).reasons)
    assert thinned(wheel, exclude=("liba*",)).path.name == NAMES["arm64"]
    with pytest.raises(UsageError, match="libz"):
        thinned(wheel, exclude=("libz*",))


def test_a_library_that_no_path_leads_to_is_a_refusal(tmp_path: Path) -> None:
    def module(*more: Any) -> bytes:  # noqa: ANN401 -- load commands
        return fat([arch(code(each, "@rpath/libx.dylib", more=more), each, 14) for each in TAGS])

    library = {"hello/libx.dylib": fat([arch(lib(each), each, 14) for each in TAGS])}
    error = refusal(universal(tmp_path, library, module=module()))
    assert "could not truly be called macosx_11_0_arm64" in error.what
    assert thinned(universal(tmp_path / "led", library, module=module(rpath("@loader_path")))).path.exists()


@pytest.mark.parametrize("name", ["sparc", "arm64e", "universal2", ""])
def test_an_architecture_that_no_tag_knows_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no architecture that a tag knows"):
        thinned(universal(tmp_path), name)


@pytest.mark.parametrize("tag", ["any", "linux_x86_64", "ios_13_0_arm64_iphoneos", "win_amd64"])
def test_a_wheel_for_another_system_is_refused(tag: str, tmp_path: Path) -> None:
    assert "not for macOS" in refusal(universal(tmp_path, tag=f"cp310-abi3-{tag}")).what


def test_a_wheel_without_machine_code_is_refused(tmp_path: Path) -> None:
    assert refusal(universal(tmp_path, module=b"x")).reasons == ("the wheel holds nothing for arm64",)


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="_hello"):
        thinned(universal(tmp_path, module=fat_of("x86_64", "arm64")[:-200]))


# Bills of materials.


def test_bills_of_materials_follow_the_name_and_a_note_tells_what_is_stale(tmp_path: Path) -> None:
    own = "hello-1.0-cp310-abi3-macosx_11_0_universal2.whl"
    folder = f"{DIST_INFO}/sboms"
    members = {
        f"{folder}/a.json": f"file_name={own}".encode(),
        f"{folder}/b.json": b"hello/libx.dylib and hello/liby.dylib",
        "hello/libx.dylib": lib("x86_64"),
        "hello/liby.dylib": lib("x86_64"),
    }
    done = thinned(universal(tmp_path, members))
    after = contents(done.path)
    assert after[f"{folder}/a.json"] == f"file_name={NAMES['arm64']}".encode()
    assert after[f"{folder}/b.json"] == members[f"{folder}/b.json"]
    expected = f"{folder}/b.json still lists hello/libx.dylib and 1 more, which the new wheel has no more"
    assert expected in done.notices


# Nothing is lost.


def test_another_file_of_the_name_is_not_replaced_unless_told(tmp_path: Path) -> None:
    wheel = universal(tmp_path)
    there = tmp_path / "thin" / NAMES["arm64"]
    there.parent.mkdir()
    there.write_bytes(b"another")
    with pytest.raises(OutputError, match="exists already"):
        thinned(wheel)
    assert [path.name for path in there.parent.iterdir()] == [there.name]
    assert thinned(wheel, force=True).path.read_bytes() != b"another"


def test_a_plan_fits_no_other_wheel(tmp_path: Path) -> None:
    wheel = universal(tmp_path)
    plan = replace(planned(wheel), input_sha256="0" * 64)
    with WheelReader.open(wheel) as reader, pytest.raises(RefusedError, match="this plan was made for"):
        apply_thin(reader, plan, tmp_path / "thin", ThinOptions())


def test_a_wheel_that_would_not_keep_its_name_is_never_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = universal(tmp_path, module=fat_of("x86_64", "arm64", minimum="12.0"))
    plan = replace(planned(wheel), output_name=NAMES["arm64"])
    with WheelReader.open(wheel) as reader, pytest.raises(ToolError, match="would not keep its name"):
        apply_thin(reader, plan, tmp_path / "thin", ThinOptions())
    monkeypatch.setattr("truewheel.thin.thinned", lambda content, _, __: content[:-1])
    with pytest.raises(ToolError, match="other bytes than in the fat file"):
        thinned(wheel)
    assert not (tmp_path / "thin").exists()


def test_nothing_is_written_by_planning(tmp_path: Path) -> None:
    wheel = universal(tmp_path)
    before = sorted(os.walk(tmp_path))
    assert planned(wheel).to_json()["output_name"] == NAMES["arm64"]
    assert sorted(os.walk(tmp_path)) == before


def test_at_least_one_thread_works() -> None:
    with pytest.raises(UsageError, match="thread"):
        ThinOptions(jobs=0)


def test_a_module_that_only_one_architecture_has_makes_the_other_unthinnable(tmp_path: Path) -> None:
    wheels = pair(tmp_path, {"hello/_more.abi3.so": code("x86_64")})
    both = merge_wheels(wheels, tmp_path / "both" / "in", MergeOptions(allow_one_sided=True)).path
    assert "_more" in refusal(both).reasons[0]
    assert thinned(both, "x86_64").path.name == NAMES["x86_64"]
