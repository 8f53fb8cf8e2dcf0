"""A merge from two files to one. Results are read by zipfile, LIEF and macholib."""

from __future__ import annotations

import os
import shutil
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.ar_bytes import library, long_entry
from support.fixtures import mac_family
from support.hello import DIST_INFO
from support.mac_names import require_sound, slices
from support.mac_pairs import METADATA, TAGS, code, lib, pair, pair_of, program, repaired_pair
from support.mac_repairs import MODULE, contents
from support.macho_bytes import BUNDLE, DSYM, OBJECT, Macho, arch, build_version, fat, rpath
from support.wheels import record_faults
from truewheel.errors import InvalidInputError, OutputError, RefusedError, ToolError, UsageError
from truewheel.merge import apply_merge, merge_wheels, plan_merge
from truewheel.merge.options import MergeOptions
from truewheel.merge.pair import opened
from truewheel.merge.plan import MergeChoice

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.merge import Merged
    from truewheel.merge.plan import MergePlan

UNIVERSAL = "hello-1.0-cp310-abi3-macosx_10_9_universal2.whl"
BOTH = mac_family("universal2")


def merged(wheels: tuple[Path, ...], **choices: Any) -> Merged:  # noqa: ANN401 -- the options of a merge
    """Merge into the folder `merged` beside the wheels' folders."""
    return merge_wheels(wheels, wheels[0].parents[1] / "merged", MergeOptions(**choices))


def planned(wheels: tuple[Path, ...], **choices: Any) -> MergePlan:  # noqa: ANN401 -- the options of a merge
    options = MergeOptions(**choices)
    with opened(wheels, options.jobs) as both:
        return plan_merge(both, options)


def refusal(wheels: tuple[Path, ...], **choices: Any) -> RefusedError:  # noqa: ANN401 -- the options of a merge
    with pytest.raises(RefusedError) as caught:
        merged(wheels, **choices)
    assert not (wheels[0].parents[1] / "merged").exists()
    return caught.value


# What it gives.


def test_modules_are_joined_and_the_name_says_it(tmp_path: Path) -> None:
    wheels = pair(tmp_path, {MODULE: mac_family("x86_64").tone}, {MODULE: mac_family("arm64").tone})
    done = merged(wheels)
    assert done.path == tmp_path / "merged" / UNIVERSAL
    members = contents(done.path)
    assert members[MODULE] == BOTH.tone.read_bytes()
    assert members[f"{DIST_INFO}/WHEEL"] == (
        b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp310-abi3-macosx_10_9_universal2\n"
    )
    assert done.size_before == sum(path.stat().st_size for path in wheels)
    assert done.size_after == done.path.stat().st_size


def test_the_record_lists_what_is_inside(tmp_path: Path) -> None:
    extra = {f"{DIST_INFO}/RECORD.jws": b"{}"}
    wheels = pair(tmp_path, {"hello/a.dylib": lib("x86_64")}, {"hello/b.dylib": lib("arm64")}, both=extra)
    done = merged(wheels)
    assert record_faults(done.path) == []
    with zipfile.ZipFile(done.path) as archive:
        assert f"{DIST_INFO}/RECORD.jws" not in archive.namelist()
    assert any("RECORD.jws was left out" in notice for notice in done.notices)


def test_libraries_of_one_architecture_stay_thin_and_the_label_is_for_both(tmp_path: Path) -> None:
    wheels = repaired_pair(tmp_path)
    done = merged(wheels)
    one, two = map(contents, wheels)
    members = contents(done.path)
    assert done.path.name == UNIVERSAL
    assert set(members) == set(one) | set(two)
    for name in members:
        if name.startswith("hello.dylibs/"):
            assert members[name] == one.get(name, two.get(name))
    assert slices(members[MODULE]) == {"x86_64": one[MODULE], "arm64": two[MODULE]}
    require_sound(members[MODULE])
    assert len(done.plan.one_sided) == 4
    assert not done.plan.uncounted


def test_the_order_of_the_wheels_does_not_matter_nor_do_threads(tmp_path: Path) -> None:
    one, two = repaired_pair(tmp_path)
    path = merged((one, two)).path
    first = path.read_bytes()
    assert merged((one, two), jobs=3).path.read_bytes() == first  # the second time: nothing is replaced
    shutil.rmtree(path.parent)
    assert merged((two, one), jobs=2).path.read_bytes() == first


def test_times_and_modes_are_those_of_the_wheel_for_x86_64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    one, two = pair(tmp_path, {"hello/a.txt": b"a"}, {"hello/a.txt": b"b", "hello/b.dylib": lib("arm64")})
    with zipfile.ZipFile(one) as archive:
        infos = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(one, "w") as archive:
        for info, content in infos:
            info.date_time = (2021, 2, 3, 4, 5, 6)
            info.external_attr = (0o100755 if info.filename in {MODULE, "hello/a.txt"} else 0o100644) << 16
            archive.writestr(info, content)
    done = merged((two, one), prefer=("arm64",))
    with zipfile.ZipFile(done.path) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2021, 2, 3, 4, 5, 6)}
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
    assert [modes[name] for name in (MODULE, "hello/a.txt", "hello/b.dylib")] == [0o755, 0o755, 0o644]


def test_files_are_known_by_their_first_bytes_not_by_their_names(tmp_path: Path) -> None:
    name = "hello/data/blob.txt"
    done = merged(pair(tmp_path, {name: lib("x86_64")}, {name: lib("arm64")}))
    assert slices(contents(done.path)[name]) == {"x86_64": lib("x86_64"), "arm64": lib("arm64")}


def test_objects_and_debug_symbols_are_joined_too(tmp_path: Path) -> None:
    kinds = {"hello/a.o": OBJECT, "hello/a.dSYM/Contents/Resources/DWARF/a": DSYM}
    one, two = ({name: Macho(each, kind).build() for name, kind in kinds.items()} for each in TAGS)
    done = merged(pair(tmp_path, one, two))
    assert set(done.plan.joined) == {MODULE, *kinds}
    for name in kinds:
        assert slices(contents(done.path)[name]) == {"x86_64": one[name], "arm64": two[name]}


def objects(name: str) -> bytes:
    return library(long_entry(b"a-long-name-of-a-member.o", Macho(name, OBJECT).build()))


def test_static_libraries_are_joined(tmp_path: Path) -> None:
    done = merged(pair(tmp_path, {"hello/a.a": objects("x86_64")}, {"hello/a.a": objects("arm64")}))
    assert slices(contents(done.path)["hello/a.a"]) == {"x86_64": objects("x86_64"), "arm64": objects("arm64")}


def test_a_static_library_of_several_architectures_is_another_file(tmp_path: Path) -> None:
    wheels = pair(tmp_path, {"hello/a.a": library()}, {"hello/a.a": objects("arm64")})
    assert refusal(wheels).reasons == ("hello/a.a differs, and is no static library of one architecture",)


def test_a_file_that_is_the_same_in_both_stays_as_it_is(tmp_path: Path) -> None:
    whole = fat([arch(lib("x86_64"), "x86_64"), arch(lib("arm64"), "arm64", 14)])
    done = merged(pair(tmp_path, both={"hello/liba.dylib": whole, "hello/x.txt": b"x"}))
    assert contents(done.path)["hello/liba.dylib"] == whole
    assert done.plan.joined == (MODULE,)


@pytest.mark.parametrize("thin", ["x86_64", "arm64"])
def test_a_fat_file_takes_in_the_same_thin_one(thin: str, tmp_path: Path) -> None:
    whole = fat([arch(lib("x86_64"), "x86_64"), arch(lib("arm64"), "arm64", 14)])
    files = {each: {"hello/liba.dylib": lib(each) if each == thin else whole} for each in TAGS}
    done = merged(pair_of(tmp_path, files))
    assert contents(done.path)["hello/liba.dylib"] == whole


def test_the_same_bytes_compressed_otherwise_are_the_same(tmp_path: Path) -> None:
    one, two = pair(tmp_path, both={"hello/x.txt": b"x" * 5000})
    with zipfile.ZipFile(two) as archive:
        infos = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(two, "w") as archive:
        for info, content in infos:
            archive.writestr(info, content, compress_type=zipfile.ZIP_STORED)
    assert merged((one, two)).plan.preferred == ()


# Labels.


def test_two_minima_that_one_tag_cannot_say_give_two_names(tmp_path: Path) -> None:
    wheels = pair(
        tmp_path, {}, {MODULE: code("arm64", minimum="12.0")}, tags={**TAGS, "arm64": "cp310-abi3-macosx_12_0_arm64"}
    )
    done = merged(wheels)
    assert done.path.name == "hello-1.0-cp310-abi3-macosx_10_9_x86_64.macosx_12_0_arm64.whl"
    wheel = contents(done.path)[f"{DIST_INFO}/WHEEL"].decode()
    assert wheel.endswith("Tag: cp310-abi3-macosx_10_9_x86_64\nTag: cp310-abi3-macosx_12_0_arm64\n")


def test_a_deployment_target_is_held(tmp_path: Path) -> None:
    wheels = pair(tmp_path)
    assert merged(wheels, deployment_target=(12, 0)).path.name == "hello-1.0-cp310-abi3-macosx_12_0_universal2.whl"
    error = refusal_of_target(pair(tmp_path / "newer", {MODULE: code("x86_64", minimum="13.0")}))
    assert "does not run on macOS 11.0" in error.what


def refusal_of_target(wheels: tuple[Path, ...]) -> RefusedError:
    return refusal(wheels, deployment_target=(11, 0))


def test_tags_that_are_asked_for_are_held(tmp_path: Path) -> None:
    wheels = pair(tmp_path)
    plat = "macosx_10_13_x86_64.macosx_14_0_arm64"
    assert merged(wheels, plat=plat).path.name == f"hello-1.0-cp310-abi3-{plat}.whl"
    with pytest.raises(UsageError, match="for x86_64 and arm64"):
        merged(wheels, plat="macosx_11_0_arm64")


def test_a_label_that_is_untrue_of_a_file_is_widened_or_narrowed_with_a_word(tmp_path: Path) -> None:
    done = merged(pair(tmp_path, {MODULE: code("x86_64", minimum="10.13")}))
    assert done.path.name == "hello-1.0-cp310-abi3-macosx_10_13_universal2.whl"
    assert any("needs macOS 10.13 on x86_64" in notice for notice in done.notices)


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_a_missing_library_is_a_refusal(architecture: str, tmp_path: Path) -> None:
    name = "/opt/hello/lib/liba.dylib"
    wheels = pair_of(tmp_path, {architecture: {MODULE: code(architecture, name)}})
    error = refusal(wheels)
    assert any(f"needs {name}, which was not found" in reason for reason in error.reasons)
    assert merged(wheels, exclude=("liba.dylib",)).path.name == UNIVERSAL


def test_a_library_that_no_path_leads_to_is_a_refusal(tmp_path: Path) -> None:
    needs = {each: {MODULE: code(each, "@rpath/libx.dylib"), "hello/libx.dylib": lib(each)} for each in TAGS}
    error = refusal(pair_of(tmp_path, needs))
    assert error.what == "the wheel could not truly be called macosx_10_9_universal2"
    assert "where no path leads" in error.reasons[0]
    assert "truewheel repair" in error.hint
    files = {
        each: {MODULE: code(each, "@rpath/libx.dylib", more=(rpath("@loader_path"),)), "hello/libx.dylib": lib(each)}
        for each in TAGS
    }
    assert merged(pair_of(tmp_path / "with", files)).path.name == UNIVERSAL


def test_an_exclude_that_fits_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="libz"):
        merged(pair(tmp_path), exclude=("libz*",))


def test_a_library_that_one_wheel_names_and_the_other_has_is_missing(tmp_path: Path) -> None:
    needs = "@loader_path/libx.dylib"
    wheels = pair(tmp_path, {MODULE: code("x86_64", needs)}, {"hello/libx.dylib": lib("arm64")})
    assert any("libx.dylib is of another architecture" in reason for reason in refusal(wheels).reasons)


def test_wheels_without_machine_code_are_refused(tmp_path: Path) -> None:
    assert refusal(pair(tmp_path, {MODULE: b"x"}, {MODULE: b"x"})).reasons == (
        "the wheel holds nothing for x86_64",
        "the wheel holds nothing for arm64",
    )


# Files that differ.


OTHER = {"hello/a.py": b"A = 1\n", "hello/data/b.txt": b"one"}, {"hello/a.py": b"A = 2\n", "hello/data/b.txt": b"two"}


def test_every_other_file_that_differs_is_named(tmp_path: Path) -> None:
    error = refusal(pair(tmp_path, *OTHER))
    assert error.reasons == ("hello/a.py differs", "hello/data/b.txt differs")
    assert error.what == "the wheels differ in 2 files that cannot be joined"
    assert "--prefer arm64" in error.hint
    assert "one-sided" not in error.hint


@pytest.mark.parametrize(("winner", "number"), [("x86_64", 0), ("arm64", 1)])
def test_one_wheel_can_be_preferred(winner: str, number: int, tmp_path: Path) -> None:
    done = merged(pair(tmp_path, *OTHER), prefer=(winner,))
    members = contents(done.path)
    assert {name: members[name] for name in OTHER[number]} == OTHER[number]
    assert set(slices(members[MODULE])) == {"x86_64", "arm64"}
    assert done.plan.preferred == tuple(MergeChoice(name, winner) for name in OTHER[0])


def test_rules_for_some_files_go_before_the_rule_for_all(tmp_path: Path) -> None:
    wheels = pair(tmp_path, *OTHER)
    members = contents(merged(wheels, prefer=("arm64", "*.py=x86_64", "hello/*=arm64")).path)
    assert (members["hello/a.py"], members["hello/data/b.txt"]) == (b"A = 1\n", b"two")
    assert refusal(pair(tmp_path / "more", *OTHER), prefer=("a.py=arm64",)).reasons == ("hello/data/b.txt differs",)


@pytest.mark.parametrize("text", ["ppc", "", "=arm64", "*.py=", "*.py=both", "arm64=*.py"])
def test_a_rule_without_a_meaning_is_an_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no rule"):
        merged(pair(tmp_path), prefer=(text,))


def test_rules_that_contradict_each_other_or_fit_nothing_are_errors(tmp_path: Path) -> None:
    wheels = pair(tmp_path, *OTHER)
    with pytest.raises(UsageError, match="both wheels"):
        merged(wheels, prefer=("arm64", "x86_64"))
    with pytest.raises(UsageError, match=r"'c\.py' fits no file"):
        merged(wheels, prefer=("arm64", "c.py=arm64"))
    assert merged(wheels, prefer=("arm64", "arm64")).path.exists()


def test_slices_that_differ_for_one_architecture_need_a_rule(tmp_path: Path) -> None:
    mine, other = lib("arm64", name="@rpath/a.dylib"), lib("arm64", name="@rpath/b.dylib")
    whole = fat([arch(lib("x86_64"), "x86_64"), arch(mine, "arm64", 14)])
    wheels = pair(tmp_path, {"hello/liba.dylib": whole}, {"hello/liba.dylib": other})
    sentence = "hello/liba.dylib has a slice for arm64 in both wheels, and these differ"
    assert refusal(wheels).reasons == (sentence,)
    done = merged(wheels, prefer=("arm64",))
    assert slices(contents(done.path)["hello/liba.dylib"]) == {"x86_64": lib("x86_64"), "arm64": other}
    kept = merged(wheels, prefer=("liba.dylib=x86_64",), force=True)
    assert contents(kept.path)["hello/liba.dylib"] == whole
    assert kept.plan.joined == (MODULE, "hello/liba.dylib")


def test_content_behind_the_last_slice_is_never_lost(tmp_path: Path) -> None:
    tailed = fat([arch(lib("x86_64"), "x86_64")]) + b"notes"
    error = refusal(pair(tmp_path, {"hello/liba.dylib": tailed}, {"hello/liba.dylib": lib("arm64")}))
    assert (error.where, "content behind its last slice" in error.what) == ("hello/liba.dylib", True)


def test_thin_files_for_one_architecture_that_differ_need_a_rule(tmp_path: Path) -> None:
    mine, other = lib("arm64", name="@rpath/a.dylib"), lib("arm64", name="@rpath/b.dylib")
    wheels = pair(tmp_path, {"hello/liba.dylib": mine}, {"hello/liba.dylib": other})
    assert "has a slice for arm64 in both wheels" in refusal(wheels).reasons[0]
    assert contents(merged(wheels, prefer=("arm64",)).path)["hello/liba.dylib"] == other


def test_an_arm_wheel_without_a_signature_is_refused(tmp_path: Path) -> None:
    bare = Macho("arm64", BUNDLE, commands=[build_version(1, "11.0")]).build()
    error = refusal(pair(tmp_path, {}, {MODULE: bare}))
    assert "without a signature" in error.reasons[0]
    assert "truewheel repair" in error.hint


def test_machine_code_and_another_file_under_one_name_need_a_rule(tmp_path: Path) -> None:
    wheels = pair(tmp_path, {"hello/tool": lib("x86_64")}, {"hello/tool": b"#!/bin/sh\n"})
    assert refusal(wheels).reasons == ("hello/tool differs",)
    assert contents(merged(wheels, prefer=("tool=x86_64",)).path)["hello/tool"] == lib("x86_64")


def test_a_library_and_an_object_under_one_name_need_a_rule(tmp_path: Path) -> None:
    wheels = pair(tmp_path, {"hello/x": lib("x86_64")}, {"hello/x": Macho("arm64", OBJECT).build()})
    assert "another kind of file" in refusal(wheels).reasons[0]
    assert contents(merged(wheels, prefer=("arm64",)).path)["hello/x"] == Macho("arm64", OBJECT).build()


# Files of one wheel alone.


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("hello/_more.abi3.so", code("arm64"), "is an extension module"),
        ("hello/plug.bundle", code("arm64"), "is a plug-in"),
        ("hello-1.0.data/scripts/tool", program("arm64"), "is a program"),
        ("hello/data.txt", b"data", "is a file"),
        ("hello/lib.a", objects("arm64"), "is a file"),
    ],
)
def test_what_only_one_wheel_has_is_an_error_unless_it_is_allowed(
    name: str, content: bytes, kind: str, tmp_path: Path
) -> None:
    wheels = pair(tmp_path, {}, {name: content})
    error = refusal(wheels)
    assert error.reasons == (f"{name} {kind} that only the wheel for arm64 has",)
    assert error.hint.startswith("--allow-one-sided")
    for choices in ({"allow_one_sided": True}, {"prefer": (f"{name}=arm64",)}):
        done = merged(wheels, **choices)
        assert contents(done.path)[name] == content
        assert done.path.name == UNIVERSAL
        assert done.plan.one_sided == (MergeChoice(name, "arm64"),)
    uncounted = kind in {"is an extension module", "is a program", "is a plug-in"}
    assert done.plan.uncounted == ((name,) if uncounted else ())
    assert any("the label does not count it" in notice for notice in done.notices) is uncounted


@pytest.mark.parametrize("holder", ["x86_64", "arm64"])
def test_a_rule_leaves_out_what_the_wheel_it_prefers_does_not_have(holder: str, tmp_path: Path) -> None:
    name = "hello/_more.abi3.so"
    wheels = pair_of(tmp_path, {holder: {name: code(holder)}})
    other = "arm64" if holder == "x86_64" else "x86_64"
    done = merged(wheels, prefer=(f"*/_more.*={other}",))
    assert name not in contents(done.path)
    assert done.plan.left_out == (MergeChoice(name, holder),)
    assert refusal(pair_of(tmp_path / "all", {holder: {name: code(holder)}}), prefer=(other,)).reasons


def test_a_library_of_one_wheel_can_be_left_out_too_unless_it_is_needed(tmp_path: Path) -> None:
    name = "hello/libx.dylib"
    wheels = pair(tmp_path, {name: lib("x86_64")})
    assert name not in contents(merged(wheels, prefer=("libx.dylib=arm64",)).path)
    needed = pair(tmp_path / "needed", {MODULE: code("x86_64", "@loader_path/libx.dylib"), name: lib("x86_64")})
    assert "was not found" in refusal(needed, prefer=("libx.dylib=arm64",)).reasons[0]


def test_a_module_that_is_allowed_excuses_no_library_that_is_missing(tmp_path: Path) -> None:
    more = {"hello/_more.abi3.so": code("arm64", "/opt/lib/libz.dylib")}
    error = refusal(pair(tmp_path, {}, more), allow_one_sided=True)
    assert error.reasons == ("hello/_more.abi3.so needs /opt/lib/libz.dylib, which was not found (arm64)",)


def test_licences_and_bills_of_materials_of_one_wheel_are_kept(tmp_path: Path) -> None:
    names = (f"{DIST_INFO}/licenses/x/COPYING", f"{DIST_INFO}/sboms/x.cdx.json")
    done = merged(pair(tmp_path, {names[0]: b"free"}, {names[1]: b"{}"}))
    members = contents(done.path)
    assert [members[name] for name in names] == [b"free", b"{}"]
    left = merged(pair(tmp_path / "out", {names[0]: b"free"}, {names[1]: b"{}"}), prefer=("*.json=x86_64",))
    assert names[1] not in contents(left.path)


def test_names_that_differ_in_case_only_cannot_stand_together(tmp_path: Path) -> None:
    wheels = pair(tmp_path, {"hello/A.dylib": lib("x86_64")}, {"hello/a.dylib": lib("arm64")})
    error = refusal(wheels)
    assert "differs only in case" in error.what
    assert merged(wheels, prefer=("hello/a.dylib=x86_64",)).path.exists()


# Bills of materials.


def test_bills_of_materials_that_differ_are_both_kept(tmp_path: Path) -> None:
    one, two = ({f"{DIST_INFO}/sboms/x.cdx.json": f"of {each}".encode()} for each in TAGS)
    members = contents(merged(pair(tmp_path, one, two)).path)
    folder = f"{DIST_INFO}/sboms"
    bills = {name: content for name, content in members.items() if name.startswith(folder)}
    assert bills == {f"{folder}/x-x86_64.cdx.json": b"of x86_64", f"{folder}/x-arm64.cdx.json": b"of arm64"}


def test_a_bill_never_takes_the_place_of_another(tmp_path: Path) -> None:
    folder = f"{DIST_INFO}/sboms"
    taken = {f"{folder}/bom-arm64": b"taken"}
    members = contents(merged(pair(tmp_path, {f"{folder}/bom": b"1"}, {f"{folder}/bom": b"2"}, both=taken)).path)
    bills = {name.rpartition("/")[2]: content for name, content in members.items() if name.startswith(folder)}
    assert bills == {"bom-arm64": b"taken", "bom-x86_64-2": b"1", "bom-arm64-2": b"2"}


def test_the_wheels_own_name_in_a_bill_follows(tmp_path: Path) -> None:
    member = f"{DIST_INFO}/sboms/auditwheel.cdx.json"
    files = {
        each: {member: f'"pkg:pypi/hello@1.0?file_name=hello-1.0-{tag}.whl"'.encode()} for each, tag in TAGS.items()
    }
    done = merged(pair_of(tmp_path, files))
    assert contents(done.path)[member] == f'"pkg:pypi/hello@1.0?file_name={UNIVERSAL}"'.encode()
    assert done.plan.sboms == ()


# Metadata.


def test_metadata_may_differ_in_line_endings_only(tmp_path: Path) -> None:
    text = b"Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n"
    wheels = pair(tmp_path, {METADATA: text}, {METADATA: text.replace(b"\n", b"\r\n")})
    assert contents(merged(wheels).path)[METADATA] == text


def test_other_metadata_is_refused_whatever_is_preferred(tmp_path: Path) -> None:
    text = b"Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n"
    wheels = pair(tmp_path, {METADATA: text + b"Requires-Dist: a\n"}, {METADATA: text + b"Requires-Dist: b\n"})
    error = refusal(wheels, prefer=("arm64",))
    assert error.what == "the wheels have different METADATA"
    assert error.reasons == (
        "only the wheel for x86_64 says 'Requires-Dist: a'",
        "only the wheel for arm64 says 'Requires-Dist: b'",
    )
    turned = pair(tmp_path / "order", {METADATA: text + b"A: 1\nB: 2\n"}, {METADATA: text + b"B: 2\nA: 1\n"})
    assert refusal(turned).reasons == ("the same lines stand in another order",)


# Wheels that do not belong together.


@pytest.mark.parametrize("count", [1, 3])
def test_two_wheels_are_merged(count: int, tmp_path: Path) -> None:
    wheels = (*pair(tmp_path), *pair(tmp_path / "more"))[:count]
    with pytest.raises(UsageError, match="two are merged"):
        merged(wheels)


def test_two_wheels_for_one_architecture_are_refused(tmp_path: Path) -> None:
    one, _ = pair(tmp_path)
    two, _ = pair(tmp_path / "again", tags={**TAGS, "x86_64": "cp310-abi3-macosx_11_0_x86_64"})
    assert "both wheels are for x86_64" in str(refusal((one, two)))


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("macosx_11_0_universal2", "one wheel for x86_64 alone and one for arm64 alone"),
        ("macosx_11_0_intel", "one wheel for x86_64 alone and one for arm64 alone"),
        ("macosx_11_0_i386", "one wheel for x86_64 alone and one for arm64 alone"),
        ("macosx_11_0_arm64.macosx_11_0_sparc", "one wheel for x86_64 alone and one for arm64 alone"),
        ("macosx_11_0_arm64.macosx_10_9_x86_64", "one wheel for x86_64 alone and one for arm64 alone"),
        ("any", "is named for any system, not for macOS"),
        ("ios_13_0_arm64_iphoneos", "is named for iOS, not for macOS"),
        ("macosx_11_0_arm64.linux_x86_64", "is named for Linux and macOS, not for macOS"),
        ("win_arm64", "is named for another system, not for macOS"),
    ],
)
def test_a_wheel_for_something_else_is_refused(tag: str, message: str, tmp_path: Path) -> None:
    wheels = pair(tmp_path, tags={**TAGS, "arm64": f"cp310-abi3-{tag}"})
    assert message in refusal(wheels).what


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("-cp310-", "-cp311-", "Python tags: cp310 and cp311"),
        ("-abi3-", "-cp310-", "ABI tags: abi3 and cp310"),
        ("-1.0-cp", "-1.0-1-cp", "build tags: none and 1"),
        ("-1.0-", "-1.0.0-", "versions: 1.0 and 1.0.0"),
        ("hello-", "Hello-", "distributions: hello and Hello"),
    ],
)
def test_wheels_of_different_names_are_refused(old: str, new: str, what: str, tmp_path: Path) -> None:
    one, two = pair(tmp_path)
    renamed = two.rename(two.with_name(two.name.replace(old, new, 1)))
    assert refusal((one, renamed)).what == f"the wheels have different {what}"


def test_a_damaged_wheel_or_file_is_an_error(tmp_path: Path) -> None:
    one, two = pair(tmp_path)
    two.write_bytes(two.read_bytes()[:-30])
    with pytest.raises(InvalidInputError):
        merged((one, two))
    broken = pair(tmp_path / "file", {MODULE: code("x86_64")[:90]})
    with pytest.raises(InvalidInputError, match="_hello"):
        merged(broken)


# Nothing is lost.


def test_another_file_of_the_name_is_not_replaced_unless_told(tmp_path: Path) -> None:
    wheels = pair(tmp_path)
    there = tmp_path / "merged" / UNIVERSAL
    there.parent.mkdir()
    there.write_bytes(b"another")
    with pytest.raises(OutputError, match="exists already"):
        merged(wheels)
    assert [path.name for path in there.parent.iterdir()] == [UNIVERSAL]
    assert merged(wheels, force=True).path.read_bytes() != b"another"


def test_a_plan_fits_no_other_wheels(tmp_path: Path) -> None:
    wheels = pair(tmp_path)
    plan = planned(wheels)
    options = MergeOptions()
    changed = replace(plan, inputs=(plan.inputs[0], replace(plan.inputs[1], sha256="0" * 64)))
    with opened(wheels, 1) as both, pytest.raises(RefusedError, match="not the wheel that this plan was made for"):
        apply_merge(both, changed, tmp_path / "out", options)
    assert not (tmp_path / "out").exists()


def test_a_wheel_that_would_not_keep_its_name_is_never_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = pair(tmp_path, {"hello/_more.abi3.so": code("x86_64")})
    plan = replace(planned(wheels, allow_one_sided=True), uncounted=())
    with opened(wheels, 1) as both, pytest.raises(ToolError, match=r"_more\.abi3\.so has no arm64 slice"):
        apply_merge(both, plan, tmp_path / "out", MergeOptions())
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr("truewheel.merge.joined", lambda one, two, where: bytes(one) + bytes(two) + where.encode())
    with pytest.raises(ToolError, match=r"not what was to be written|hello"):
        merged(pair(tmp_path / "again"))


def test_nothing_is_written_by_planning(tmp_path: Path) -> None:
    wheels = pair(tmp_path)
    before = sorted(os.walk(tmp_path))
    assert planned(wheels).to_json()["output_name"] == UNIVERSAL
    assert sorted(os.walk(tmp_path)) == before


def test_at_least_one_thread_works() -> None:
    with pytest.raises(UsageError, match="thread"):
        MergeOptions(jobs=0)


@settings(max_examples=15)
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.sampled_from(["same", "only", "differ"]), st.booleans()))
)
def test_every_file_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, tuple[str, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    own: dict[str, dict[str, bytes]] = {"x86_64": {}, "arm64": {}}
    for name, (how, native) in files.items():
        member = f"hello/{name}.dylib" if native else f"hello/{name}.txt"
        for each, members in own.items():
            if how != "only" or each == "arm64":
                members[member] = lib(each if native and how != "same" else "arm64") if native else how.encode()
            if how == "differ" and not native:
                members[member] = each.encode()
    done = merged(pair(folder, own["x86_64"], own["arm64"]), prefer=("arm64",), allow_one_sided=True)
    members = contents(done.path)
    for name, content in own["arm64"].items():
        other = own["x86_64"].get(name, content)
        if name.endswith(".txt") or other == content:
            assert members[name] == content
        else:
            assert slices(members[name]) == {"x86_64": other, "arm64": content}
    assert set(done.plan.joined) == {
        MODULE,
        *(f"hello/{name}.dylib" for name, how in files.items() if how == ("differ", True)),
    }
