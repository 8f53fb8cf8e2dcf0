"""A repair of a macOS wheel from file to file. Results are read by zipfile, LIEF, and the oracle of signatures."""

from __future__ import annotations

import json
import shutil
import struct
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from support.cli import truewheel
from support.fixtures import mac_family, mac_odd
from support.greeting import SAID, SAY
from support.hello import DIST_INFO, PACKAGE, hello_wheel
from support.mac_identity import DER_ENTITLEMENTS, ENTITLEMENTS, IDENTIFIER, RUNTIME, TEAM, signed_with_identity
from support.mac_names import member_names, relinked, require_sound, signed_slices, slices
from support.mac_python import run_python, runs_mac_code
from support.mac_repairs import MODULE, bundled, contents, libraries, mac_wheel, options, repaired, unpacked
from support.signature_oracle import without_signature
from support.wheels import build_wheel
from truewheel.analyzer.search_options import SearchOptions
from truewheel.archive.reader import WheelReader
from truewheel.bundler.macho.edit import EditedMacho
from truewheel.bundler.plan import MachoEdit, RepairPlan, SliceEdit
from truewheel.errors import ExitCode, InvalidBinaryError, RefusedError, ToolError, UsageError
from truewheel.platforms.verdict import Rule
from truewheel.repair import apply_plan, plan_repair, repair
from truewheel.report import inspect_wheel

if TYPE_CHECKING:
    from support.fixtures import MacFolder
    from truewheel.repair.options import RepairOptions

ARM, INTEL, BOTH = (mac_family(name) for name in ("arm64", "x86_64", "universal2"))
SINGLE: Final[tuple[MacFolder, ...]] = ("arm64", "x86_64")
ARM_TAG = "cp310-abi3-macosx_11_0_arm64"
BOTH_TAG = "cp310-abi3-macosx_11_0_universal2"
GREET = "/opt/hello/lib/libgreet.1.dylib"
EXTRA: dict[str, dict[str, object]] = {
    "plain": {},
    "sbom": {"sbom": True},
    "own names": {"no_mangle": ("libgreet*",)},
    "folder": {"lib_sdir": "_guests"},
}


def plan_of(wheel: Path, choices: RepairOptions) -> RepairPlan:
    with WheelReader.open(wheel) as reader:
        return plan_repair(reader, choices)


def universal(directory: Path) -> Path:
    return mac_wheel(directory, BOTH.extension, tag=BOTH_TAG)


@pytest.mark.parametrize("kind", EXTRA)
def test_a_repair_of_its_own_output_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    first = repaired(universal(tmp_path), BOTH.folder, **EXTRA[kind])
    second = repaired(first.path, BOTH.folder, **EXTRA[kind])
    assert second.plan.changes_nothing
    assert second.path.name == first.path.name
    assert second.path.read_bytes() == first.path.read_bytes()


def test_every_slice_of_every_file_is_edited_and_sound(tmp_path: Path) -> None:
    done = repaired(universal(tmp_path), BOTH.folder)
    assert done.path.name == "hello-1.0-cp310-abi3-macosx_10_9_universal2.whl"
    greet, tone = sorted(bundled(done.path))
    for architecture in ("x86_64", "arm64"):
        module = member_names(done.path, MODULE)[architecture]
        assert module.needed[0] == f"@loader_path/../{greet}"
        own, needed, rpaths = member_names(done.path, greet)[architecture]
        assert (own, rpaths) == (f"/DLC/{greet}", ())
        assert f"@loader_path/{tone.rpartition('/')[2]}" in needed
        assert member_names(done.path, tone)[architecture].install_name == f"/DLC/{tone}"
    for member in (MODULE, greet, tone):
        require_sound(contents(done.path)[member])


def test_the_record_and_the_wheel_file_say_what_is_inside(tmp_path: Path) -> None:
    members = contents(repaired(universal(tmp_path), BOTH.folder).path)
    record = members[f"{DIST_INFO}/RECORD"].decode()
    assert all(f"{name},sha256=" in record for name in members if not name.endswith("RECORD"))
    assert b"Tag: cp310-abi3-macosx_10_9_universal2\n" in members[f"{DIST_INFO}/WHEEL"]


def test_a_label_that_is_asked_for_is_held(tmp_path: Path) -> None:
    done = repaired(universal(tmp_path), BOTH.folder, plat="macosx_12_0_universal2")
    assert done.path.name.endswith("-macosx_12_0_universal2.whl")
    assert b"Tag: cp310-abi3-macosx_12_0_universal2\n" in contents(done.path)[f"{DIST_INFO}/WHEEL"]


def newer(directory: Path) -> tuple[Path, Path]:
    """Return a wheel with a library that needs macOS 13.1 on x86_64 and 14.2 on arm64, and the library's folder."""
    found = libraries(directory / "libraries", [mac_odd("libnew.dylib")])
    return mac_wheel(directory, mac_odd("needs-new.so"), tag=BOTH_TAG), found


def test_a_label_that_a_library_breaks_is_refused_with_a_table(tmp_path: Path) -> None:
    wheel, found = newer(tmp_path)
    with pytest.raises(RefusedError, match="cannot be called macosx_13_0_universal2") as refused:
        repaired(wheel, found, plat="macosx_13_0_universal2")
    library = f"library  {found}/libnew.dylib, needed by {MODULE}"
    assert refused.value.reasons == (f"macOS 14.2 on arm64:  {library}", f"macOS 13.1 on x86_64: {library}")
    assert not (tmp_path / "repaired").exists()


def test_a_deployment_target_that_a_library_breaks_is_refused_with_a_table(tmp_path: Path) -> None:
    wheel, found = newer(tmp_path)
    with pytest.raises(RefusedError, match=r"does not run on macOS 12\.0, which MACOSX_DEPLOYMENT_TARGET") as refused:
        repaired(wheel, found, deployment_target=(12, 0))
    assert [reason.partition(":")[0] for reason in refused.value.reasons] == [
        "macOS 14.2 on arm64",
        "macOS 13.1 on x86_64",
    ]
    assert "set MACOSX_DEPLOYMENT_TARGET=15.0" in refused.value.hint


def test_a_version_that_no_tag_can_say_is_rounded_up_and_told(tmp_path: Path) -> None:
    wheel, found = newer(tmp_path)
    done = repaired(wheel, found)
    assert done.path.name.endswith("-macosx_14_0_x86_64.macosx_15_0_arm64.whl")
    assert any("14.2 on arm64, which no tag can say" in notice for notice in done.notices)


def for_ios(directory: Path, tag: str) -> Path:
    """Write a wheel with a module for iOS 14.0."""
    content = bytearray(mac_odd("ios.dylib").read_bytes())
    return hello_wheel(directory, {"hello/__init__.py": PACKAGE, "hello/_hello.dylib": bytes(content)}, tag=tag)


def test_a_wheel_for_ios_is_left_alone_and_judged(tmp_path: Path) -> None:
    wheel = for_ios(tmp_path, "cp313-cp313-ios_13_0_arm64_iphoneos")
    done = repaired(wheel, ARM.folder)
    assert done.path.read_bytes() == wheel.read_bytes()
    assert done.notices[0] == "a wheel for iOS is left as it is"
    assert any("14.0" in notice for notice in done.notices[1:])


def test_of_a_true_wheel_for_ios_nothing_more_is_said(tmp_path: Path) -> None:
    done = repaired(for_ios(tmp_path, "cp313-cp313-ios_14_0_arm64_iphoneos"))
    assert done.notices == ("a wheel for iOS is left as it is",)


def entitled_wheel(directory: Path, **choices: object) -> Path:
    content = signed_with_identity(ARM.extension.read_bytes(), **choices)  # type: ignore[arg-type]  # a test's own
    assert [read.directory().identifier for _, read in signed_slices(content)] == [IDENTIFIER]
    return mac_wheel(directory, content, tag=ARM_TAG)


def test_what_becomes_of_a_certificates_signature_is_told_before_anything_is_written(tmp_path: Path) -> None:
    plan = plan_of(entitled_wheel(tmp_path), options(ARM.folder))
    assert plan.notices == (
        f"{MODULE}: the signature of team {TEAM} cannot outlive a change; an ad-hoc one takes its place",
        f"{MODULE}: its entitlements are kept in the ad-hoc signature",
        f"{MODULE}: the hardened runtime is kept (--drop-hardened-runtime drops it)",
    )
    assert not (tmp_path / "repaired").exists()


def test_a_new_signature_keeps_identifier_entitlements_and_runtime(tmp_path: Path) -> None:
    module = contents(repaired(entitled_wheel(tmp_path), ARM.folder).path)[MODULE]
    ((_, read),) = signed_slices(module)
    directory = read.directory()
    assert (directory.identifier, directory.flags) == (IDENTIFIER, RUNTIME | 0x2)
    assert (read.slots[5], read.slots[7]) == (ENTITLEMENTS, DER_ENTITLEMENTS)
    assert TEAM.encode() not in module
    require_sound(module)


def test_the_hardened_runtime_goes_on_request(tmp_path: Path) -> None:
    wheel = entitled_wheel(tmp_path, entitled=False, team="")
    plan = plan_of(wheel, options(ARM.folder, keep_runtime=False))
    assert plan.notices == (f"{MODULE}: the signature cannot outlive a change; an ad-hoc one takes its place",)
    arguments = ("--drop-hardened-runtime", "--lib-path", ARM.folder, "-w", tmp_path / "out")
    outcome = truewheel("repair", *arguments, wheel)
    ((_, read),) = signed_slices(contents(Path(outcome.output.strip()))[MODULE])
    assert read.directory().flags == 0x2


def test_a_certificates_signature_stays_where_nothing_changes(tmp_path: Path) -> None:
    content = signed_with_identity(ARM.tone.read_bytes())
    wheel = mac_wheel(tmp_path, ARM.extension, {"hello/libother.dylib": content}, tag=ARM_TAG)
    done = repaired(wheel, ARM.folder)
    assert contents(done.path)["hello/libother.dylib"] == content
    assert done.notices == ()


def test_a_plan_that_was_json_can_be_applied(tmp_path: Path) -> None:
    wheel = universal(tmp_path)
    chosen = options(BOTH.folder, sbom=True)
    plan = plan_of(wheel, chosen)
    again = RepairPlan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan
    with WheelReader.open(wheel) as reader:
        path = apply_plan(reader, again, tmp_path / "by-plan", options()).path
    assert path.read_bytes() == repaired(wheel, BOTH.folder, sbom=True).path.read_bytes()


def test_a_damaged_file_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    content = bytearray(ARM.extension.read_bytes())
    struct.pack_into("<I", content, 20, 0xFFFF)  # sizeofcmds
    wheel = mac_wheel(tmp_path, bytes(content), tag=ARM_TAG)
    outcome = truewheel("repair", "-w", tmp_path / "out", wheel)
    assert outcome.code == ExitCode.UNREADABLE
    assert MODULE in outcome.errors
    assert [path.name for path in tmp_path.iterdir()] == [wheel.name]


def test_a_damaged_signature_is_told_while_planning(tmp_path: Path) -> None:
    content = ARM.extension.read_bytes().replace(bytes.fromhex("fade0cc0"), bytes(4))
    with pytest.raises(InvalidBinaryError, match="the code signature does not start as signatures do"):
        plan_of(mac_wheel(tmp_path, content, tag=ARM_TAG), options(ARM.folder))


def framework(root: Path) -> Path:
    """Put a framework where the fixture names it; return its folder."""
    source = mac_odd("frameworks/Tone.framework/Versions/A/Tone")
    folder = root / "Tone.framework" / "Versions" / "A"
    folder.mkdir(parents=True)
    (folder / "Tone").write_bytes(source.read_bytes())
    (folder / "Resources").mkdir()
    (folder / "Resources" / "Info.plist").touch()
    return folder


def test_a_framework_that_is_all_library_comes_along(tmp_path: Path) -> None:
    framework(tmp_path / "frameworks")
    done = repaired(mac_wheel(tmp_path, mac_odd("needs-framework.so")), tmp_path / "frameworks")
    (library,) = bundled(done.path)
    assert library.startswith("hello.dylibs/Tone-")
    assert member_names(done.path, MODULE)["x86_64"].needed[0] == f"@loader_path/../{library}"


@pytest.mark.parametrize("place", ["Resources/tone.wav", "Libraries/libx.dylib"])
def test_a_framework_with_resources_is_refused(place: str, tmp_path: Path) -> None:
    more = framework(tmp_path / "frameworks") / place
    more.parent.mkdir(exist_ok=True)
    more.touch()
    with pytest.raises(RefusedError, match="is a framework with resources"):
        repaired(mac_wheel(tmp_path, mac_odd("needs-framework.so")), tmp_path / "frameworks")
    assert not (tmp_path / "repaired").exists()


@pytest.mark.parametrize("option", ["strip", "clear_executable_stack"])
def test_options_about_elf_are_refused(option: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ELF files only") as refused:
        repaired(universal(tmp_path), BOTH.folder, **{option: True})
    assert refused.value.where == f"--{option.replace('_', '-')}"


def test_the_bill_of_materials_lists_what_was_bundled_and_who_needs_it(tmp_path: Path) -> None:
    done = repaired(universal(tmp_path), BOTH.folder, sbom=True)
    bill = json.loads(contents(done.path)[f"{DIST_INFO}/sboms/truewheel.cdx.json"])
    greet, tone = (f"file:{member}" for member in sorted(bundled(done.path)))
    assert [component["bom-ref"] for component in bill["components"]] == [greet, tone]
    needs = {item["ref"]: item.get("dependsOn", []) for item in bill["dependencies"]}
    assert needs[greet] == [tone]
    assert greet in needs[bill["metadata"]["component"]["bom-ref"]]


def test_what_was_done_to_make_room_in_a_header_reaches_the_result(tmp_path: Path) -> None:
    done = repaired(mac_wheel(tmp_path, mac_odd("zero-room.so")), INTEL.folder)
    told = [notice for notice in done.notices if "to make room in the header" in notice]
    assert told
    assert all(notice.startswith(f"{MODULE}: ") and notice.endswith(" of the x86_64 slice") for notice in told)
    assert not set(told) & set(done.plan.notices)  # it is learnt while the file is edited


def test_what_is_excluded_is_told_and_needs_no_library(tmp_path: Path) -> None:
    done = repaired(universal(tmp_path), exclude=("libgreet*",))
    assert done.plan.excluded == (GREET,)
    assert member_names(done.path, MODULE)["arm64"].needed[0] == GREET


def test_a_pattern_that_excludes_nothing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        repaired(universal(tmp_path), BOTH.folder, exclude=("libgrete*",))


def test_a_wheel_without_machine_code_is_copied(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/__init__.py": b""}, tag=ARM_TAG)
    done = repaired(wheel)
    assert done.path.read_bytes() == wheel.read_bytes()
    assert done.notices == ("no native file is inside; macosx_11_0_arm64 could be `any`",)


def test_files_that_dyld_does_not_map_are_left_alone_and_told(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/object.o": mac_odd("object.o")}, tag=ARM_TAG)
    done = repaired(wheel)
    assert done.path.read_bytes() == wheel.read_bytes()
    assert done.notices == ("not looked at (an object file: no loader maps it): hello/object.o",)


def test_a_wheel_for_any_system_that_holds_macos_code_gets_a_label(tmp_path: Path) -> None:
    done = repaired(mac_wheel(tmp_path, INTEL.extension, tag="cp310-abi3-any"), INTEL.folder)
    assert done.path.name == "hello-1.0-cp310-abi3-macosx_10_9_x86_64.whl"


def test_a_pure_wheel_for_any_system_stays(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, {"foo/__init__.py": b""})
    assert repaired(wheel).path.read_bytes() == wheel.read_bytes()


def test_modules_without_a_common_architecture_have_no_label(tmp_path: Path) -> None:
    parts = slices(BOTH.extension.read_bytes())
    more: dict[str, bytes | Path] = {"hello/_arm.abi3.so": parts["arm64"]}
    wheel = mac_wheel(tmp_path, parts["x86_64"], more, tag=BOTH_TAG)
    with pytest.raises(RefusedError) as refused:
        repaired(wheel, BOTH.folder)
    lacks = ("hello/_arm.abi3.so has no x86_64 slice, only arm64", f"{MODULE} has no arm64 slice, only x86_64")
    assert set(refused.value.reasons) == set(lacks)


def test_a_wheel_that_would_not_keep_its_name_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = mac_wheel(tmp_path, INTEL.extension)
    plan = plan_of(wheel, options(INTEL.folder))

    def unedited(content: bytes, edit: MachoEdit) -> EditedMacho:
        return EditedMacho(bytes(content), (), edit)

    monkeypatch.setattr("truewheel.bundler.macho.apply.edit_macho", unedited)
    monkeypatch.setattr("truewheel.bundler.macho.apply.verify_macho_edit", lambda *_: None)
    with WheelReader.open(wheel) as reader, pytest.raises(ToolError, match="would not keep its name") as refused:
        apply_plan(reader, plan, tmp_path / "out", options())
    assert f"{MODULE} needs {GREET}" in refused.value.what
    assert not (tmp_path / "out").exists()


def test_a_library_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, INTEL.extension)
    found = libraries(tmp_path / "libraries")
    plan = plan_of(wheel, options(found))
    (found / "libtone.2.dylib").write_bytes(relinked(INTEL.tone, named={"@rpath/libtone.2.dylib": "@rpath/other"}))
    with WheelReader.open(wheel) as reader, pytest.raises(RefusedError):
        apply_plan(reader, plan, tmp_path / "out", options())
    assert not (tmp_path / "out").exists()


def test_an_edit_of_a_slice_that_is_not_there_is_refused(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, INTEL.extension)
    plan = plan_of(wheel, options(INTEL.folder))
    edit = MachoEdit(MODULE, MODULE, (SliceEdit("arm64", delete_rpaths=("/x",)),))
    changed = replace(plan, macho_edits=(edit,))
    with WheelReader.open(wheel) as reader, pytest.raises(RefusedError, match="has no slice for arm64"):
        apply_plan(reader, changed, tmp_path / "out", options())


def test_threads_change_no_byte(tmp_path: Path) -> None:
    more = {f"hello/_{number}.abi3.so": BOTH.extension for number in range(6)}
    wheel = mac_wheel(tmp_path, BOTH.extension, more, tag=BOTH_TAG)
    one = repair(wheel, tmp_path / "one", options(BOTH.folder, jobs=1)).path.read_bytes()
    assert repair(wheel, tmp_path / "four", options(BOTH.folder, jobs=4)).path.read_bytes() == one


def unsigned(directory: Path) -> Path:
    """Write a wheel with a module for arm64 that lacks nothing but a signature."""
    content = without_signature(slices(mac_odd("lost-dependency.so").read_bytes())["arm64"])
    return mac_wheel(directory, content, tag=ARM_TAG)


def test_unsigned_code_for_arm64_is_signed_though_nothing_else_changes(tmp_path: Path) -> None:
    wheel = unsigned(tmp_path)
    done = repaired(wheel)
    assert done.notices == (f"{MODULE}: its arm64 slice has no signature, so no Mac runs it; it gets an ad-hoc one",)
    require_sound(contents(done.path)[MODULE])
    assert member_names(done.path, MODULE) == member_names(wheel, MODULE)
    again = repaired(done.path)
    assert again.plan.changes_nothing
    assert again.path.read_bytes() == done.path.read_bytes()


def test_unsigned_code_for_arm64_is_told_before_it_is_repaired(tmp_path: Path) -> None:
    report = inspect_wheel(unsigned(tmp_path), SearchOptions(system=False))
    assert [(reason.rule, reason.file) for reason in report.tags[0].reasons] == [(Rule.UNSIGNED, MODULE)]


def test_unsigned_code_for_other_architectures_and_systems_stays_so(tmp_path: Path) -> None:
    more = {"hello/libphone.dylib": mac_odd("ios.dylib"), "hello/libtone.dylib": INTEL.tone}
    wheel = mac_wheel(tmp_path, slices(mac_odd("lost-dependency.so").read_bytes())["arm64"], more, tag=ARM_TAG)
    assert repaired(wheel).plan.changes_nothing


@runs_mac_code
def test_each_slice_gets_the_library_of_its_own_architecture(tmp_path: Path) -> None:
    folders = [libraries(tmp_path / name, [mac_family(name).greet, mac_family(name).tone]) for name in SINGLE]
    done = repaired(universal(tmp_path), *folders)
    for folder in folders:
        shutil.rmtree(folder)
    assert done.path.name.endswith("-macosx_10_9_universal2.whl")
    assert len(bundled(done.path)) == 4
    members = contents(done.path)
    for architecture, found in member_names(done.path, MODULE).items():
        library = found.needed[0].removeprefix("@loader_path/../")
        assert list(slices(members[library])) == [architecture]
    assert run_python(unpacked(done.path, tmp_path / "site"), SAY).output == SAID


@runs_mac_code
def test_a_library_that_reexports_another_still_does(tmp_path: Path) -> None:
    found = libraries(tmp_path / "libraries", [mac_odd("reexport/libumbrella.dylib"), INTEL.tone])
    done = repaired(mac_wheel(tmp_path, mac_odd("reexport/_hello.abi3.so")), found)
    shutil.rmtree(found)
    assert run_python(unpacked(done.path, tmp_path / "site"), SAY).output == "libtone 2\n"
