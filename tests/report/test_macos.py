"""The report of macOS wheels: by fixtures through the file, and of graphs made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.fixtures import mac_family, mac_odd, unrepaired_mac_wheel
from support.hello import hello_wheel
from support.mac_repairs import MODULE, mac_wheel, repaired
from support.macho_analyses import BuiltMac, macho
from support.wheels import build_wheel
from truewheel.analyzer.graph import Attempt, Outcome, SearchRule
from truewheel.analyzer.macho.image import FileType
from truewheel.analyzer.search_options import SearchOptions
from truewheel.errors import UsageError
from truewheel.platforms.macos.judge import judge_macos
from truewheel.report import inspect_wheel
from truewheel.report.macos import report_macos
from truewheel.report.model import Fate, MinimumLine, TagTruth

if TYPE_CHECKING:
    from truewheel.report.model import LibraryLine, WheelReport

GREET, TONE = "/opt/hello/lib/libgreet.1.dylib", "@rpath/libtone.2.dylib"
BOTH: dict[str, str | None] = {"x86_64": "10.9", "arm64": "11.0"}
DEMO = "demo/_x.abi3.so"
LIB = "/opt/lib/liba.dylib"
NOWHERE = SearchOptions(system=False)


def of(built: BuiltMac, wheel: str = "demo-1.0-cp310-abi3-macosx_10_9_universal2.whl") -> WheelReport:
    analysis = built.analysis(wheel)
    return report_macos(wheel, 5000, analysis, judge_macos(analysis))


def lines(report: WheelReport) -> tuple[LibraryLine, ...]:
    return tuple(line for group in report.groups for line in group.lines)


def test_a_wheel_that_can_be_repaired() -> None:
    family = mac_family("universal2")
    wheel = unrepaired_mac_wheel("universal2")
    report = inspect_wheel(wheel, SearchOptions(lib_paths=(family.folder,)))
    assert (report.file, report.size, report.native_files) == (wheel.name, wheel.stat().st_size, 1)
    assert (report.operating_system, report.architecture, report.libc) == ("macOS", "arm64, x86_64", None)
    (tag,) = report.tags
    assert (tag.tag, tag.true, bool(tag.reasons)) == ("macosx_11_0_universal2", False, True)
    assert (report.as_it_is, report.could_be) == (None, ("macosx_10_9_universal2",))
    assert [(line.depth, line.name, line.fate, Path(line.place).name) for line in lines(report)] == [
        (1, GREET, Fate.BUNDLE, "libgreet.1.dylib"),
        (2, TONE, Fate.BUNDLE, "libtone.2.dylib"),
    ]
    assert [line.size for line in report.bundled] == [path.stat().st_size for path in (family.greet, family.tone)]
    assert report.system == ("/usr/lib/libSystem.B.dylib",)
    assert [(item.architecture, item.version) for item in report.minimums] == [("arm64", "11.0"), ("x86_64", "10.9")]
    assert report.refusals == ()


def test_a_repaired_wheel_is_what_it_could_be(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, mac_family("x86_64").extension)
    report = inspect_wheel(repaired(wheel, mac_family("x86_64").folder).path, NOWHERE)
    assert report.tags == (TagTruth("macosx_10_9_x86_64", true=True),)
    assert report.as_it_is == "macosx_10_9_x86_64"
    assert report.could_be == ("macosx_10_9_x86_64",)
    assert {line.fate for line in lines(report)} == {Fate.IN_WHEEL}
    assert (report.bundled, report.tidied, report.warnings) == ((), (), ())


def test_a_library_that_is_nowhere_is_missing_and_the_label_is_refused() -> None:
    report = inspect_wheel(unrepaired_mac_wheel("x86_64"), NOWHERE)
    assert report.missing == (GREET,)
    assert report.could_be == ()
    assert any(GREET in reason for reason in report.refusals)
    assert report.minimums == ()


def test_search_paths_that_a_repair_drops_are_told(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"a.dylib": mac_odd("build-rpath.dylib")}, tag="py3-none-macosx_10_9_x86_64")
    report = inspect_wheel(wheel, NOWHERE)
    assert ["/Users/runner/work/hello/lib" in line for line in report.tidied] == [True, False]


def test_a_wheel_for_ios_is_reported_as_one(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"a.dylib": mac_odd("ios.dylib")}, tag="py3-none-ios_14_0_arm64_iphoneos")
    report = inspect_wheel(wheel, NOWHERE)
    assert (report.operating_system, report.as_it_is) == ("iOS", "ios_14_0_arm64_iphoneos")
    assert report.could_be == ("ios_14_0_arm64_iphoneos",)


def test_macos_code_in_a_wheel_for_any_system_is_found(tmp_path: Path) -> None:
    report = inspect_wheel(mac_wheel(tmp_path, mac_family("x86_64").tone, tag="py3-none-any"), NOWHERE)
    assert (report.operating_system, report.native_files) == ("macOS", 1)
    assert [truth.true for truth in report.tags] == [False]
    assert report.could_be == ("macosx_10_9_x86_64",)


def test_a_wheel_without_machine_code(tmp_path: Path) -> None:
    any_wheel = inspect_wheel(build_wheel(tmp_path, {"foo/__init__.py": b""}), NOWHERE)
    assert any_wheel.tags == (TagTruth("any", true=True),)
    named = inspect_wheel(hello_wheel(tmp_path, {"a.o": mac_odd("object.o")}, tag="py3-none-macosx_11_0_arm64"))
    assert named.tags == (TagTruth("macosx_11_0_arm64", None, note="no file inside is for its loader"),)
    assert (named.native_files, named.as_it_is, named.could_be, named.architecture) == (0, None, (), None)
    assert named.ignored == (("a.o", "an object file: no loader maps it"),)


def test_an_exclusion_that_fits_nothing_is_a_mistake() -> None:
    with pytest.raises(UsageError):
        inspect_wheel(unrepaired_mac_wheel("x86_64"), SearchOptions(exclude=("nothing*",), system=False))


def test_the_report_is_json() -> None:
    report = inspect_wheel(unrepaired_mac_wheel("universal2"), NOWHERE)
    values = json.loads(json.dumps(report.to_json()))
    assert values["operating_system"] == "macOS"
    assert values["groups"][0]["lines"][0]["fate"] == "missing"


@pytest.mark.parametrize(
    ("rule", "found", "weak", "fate", "note"),
    [
        (SearchRule.LC_RPATH, LIB, False, Fate.BUNDLE, ""),
        (SearchRule.LOADED, LIB, False, Fate.BUNDLE, "already loaded under that name"),
        (SearchRule.EXCLUDED, None, False, Fate.LEFT_OUT, "excluded by the caller"),
        (SearchRule.INTERPRETER, None, False, Fate.LEFT_OUT, "provided by the Python interpreter"),
        (None, None, True, Fate.LEFT_OUT, "weak: may be absent"),
        (None, None, False, Fate.MISSING, "looked in 1 place"),
        (SearchRule.LOADER_PATH, "demo/liba.dylib", False, Fate.IN_WHEEL, ""),
        (SearchRule.IN_WHEEL, "demo/liba.dylib", False, Fate.IN_WHEEL, "in the wheel, but no path leads there"),
    ],
)
def test_fate_and_note_of_each_kind_of_library(
    rule: SearchRule | None, found: str | None, *, weak: bool, fate: Fate, note: str
) -> None:
    built = BuiltMac().module(DEMO, BOTH)
    for name in (LIB, "demo/liba.dylib"):
        built.library(name, BOTH)
    seen = (Attempt("/nowhere/liba.dylib", SearchRule.LC_RPATH, Outcome.ABSENT),)
    built.need(DEMO, found, name="@rpath/liba.dylib", rule=rule, weak=weak, seen=seen)
    (line,) = lines(of(built))
    assert (line.fate, line.place, line.note) == (fate, found or "", note)


def test_several_places_that_were_tried_are_counted() -> None:
    built = BuiltMac().module(DEMO, BOTH)
    built.misfit(DEMO, "@rpath/liba.dylib", "/x/liba.dylib", Outcome.OTHER_ARCHITECTURE)
    (line,) = lines(of(built))
    assert line.note == "looked in 2 places"


def test_what_the_system_provides_is_listed_apart_also_for_what_would_be_bundled() -> None:
    built = BuiltMac().module(DEMO, BOTH).system(DEMO).library(LIB, BOTH).need(DEMO, LIB)
    report = of(built.system(LIB, "/usr/lib/libz.1.dylib"))
    assert report.system == ("/usr/lib/libSystem.B.dylib", "/usr/lib/libz.1.dylib")
    assert [line.name for line in lines(report)] == ["liba.dylib"]


def test_files_that_need_the_same_are_one_group_and_a_library_is_drawn_once() -> None:
    built = BuiltMac()
    for name in ("demo/_a.so", "demo/_b.so", "demo/_c.so"):
        built.module(name, BOTH)
    built.library(LIB, BOTH).library("/opt/lib/libb.dylib", BOTH).need(LIB, "/opt/lib/libb.dylib")
    built.need("demo/_a.so", LIB).need("demo/_b.so", LIB)
    built.need("demo/_c.so", LIB).need("demo/_c.so", "/opt/lib/libb.dylib")
    first, second = of(built).groups
    assert first.members == ("demo/_a.so", "demo/_b.so")
    assert [(line.depth, line.name, line.repeated) for line in first.lines] == [
        (1, "liba.dylib", False),
        (2, "libb.dylib", False),
    ]
    assert [(line.depth, line.name, line.repeated) for line in second.lines] == [
        (1, "liba.dylib", True),
        (1, "libb.dylib", True),
    ]


def test_files_that_need_each_other_are_drawn_all_the_same() -> None:
    built = BuiltMac().library("demo/liba.dylib", BOTH).library("demo/libb.dylib", BOTH)
    built.entries += ["demo/liba.dylib", "demo/libb.dylib"]
    built.need("demo/liba.dylib", "demo/libb.dylib").need("demo/libb.dylib", "demo/liba.dylib")
    groups = of(built).groups
    assert [group.members for group in groups] == [("demo/liba.dylib",), ("demo/libb.dylib",)]


def test_the_oldest_system_of_each_architecture_and_who_sets_it() -> None:
    built = BuiltMac().module(DEMO, BOTH).library(LIB, {"x86_64": "10.13.4", "arm64": "11.0"}).need(DEMO, LIB)
    assert of(built).minimums == (
        MinimumLine("arm64", "11.0", (DEMO, LIB)),
        MinimumLine("x86_64", "10.13.4", (LIB,)),
    )


def test_an_architecture_that_fails_is_not_told_as_usable() -> None:
    built = BuiltMac().module(DEMO, BOTH).missing(DEMO, LIB, "arm64")
    report = of(built, "demo-1.0-cp310-abi3-macosx_10_9_x86_64.whl")
    assert report.architecture == "x86_64"
    assert [item.architecture for item in report.minimums] == ["x86_64"]
    assert report.as_it_is == "macosx_10_9_x86_64"
    assert report.could_be == ("macosx_10_9_x86_64",)


def test_a_slice_that_lost_a_library_is_suspected() -> None:
    built = BuiltMac().module(DEMO, BOTH).library("demo/liba.dylib", BOTH)
    built.need(DEMO, "demo/liba.dylib", "x86_64")
    (warning,) = of(built).warnings
    assert warning.startswith(f"the arm64 slice of {DEMO} needs no library of the wheel")


def test_tags_that_name_other_systems_are_not_judged() -> None:
    report = of(BuiltMac().module(DEMO, BOTH), "demo-1.0-cp310-abi3-linux_x86_64.macosx_11_0_universal2.whl")
    assert [(truth.tag, truth.true) for truth in report.tags] == [
        ("linux_x86_64", None),
        ("macosx_11_0_universal2", True),
    ]
    assert report.tags[0].note == "names another system than the machine code's"


def test_a_refusal_without_reasons_is_told_in_one_sentence() -> None:
    built = BuiltMac().entry("demo/tool", macho({"riscv": "11.0"}, FileType.EXECUTABLE))
    report = of(built, "demo-1.0-py3-none-macosx_11_0_arm64.whl")
    assert report.could_be == ()
    assert len(report.refusals) == 1


def test_members_that_no_record_lists_are_told() -> None:
    analysis = BuiltMac().module(DEMO, BOTH).analysis()._replace(unrecorded=(DEMO,), ignored=(("a.o", "why"),))
    report = report_macos("x.whl", 1, analysis, judge_macos(analysis))
    assert (report.unrecorded, report.ignored) == ((DEMO,), (("a.o", "why"),))


def test_a_module_is_the_top_of_its_tree() -> None:
    (group,) = inspect_wheel(unrepaired_mac_wheel("x86_64"), NOWHERE).groups
    assert group.members == (MODULE,)
