"""What the machine code of a macOS wheel proves, one architecture at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest
from packaging.tags import mac_platforms

from support.macho_analyses import BuiltMac, macho
from truewheel.analyzer.graph import Outcome, SearchRule
from truewheel.analyzer.macho.image import FileType
from truewheel.archive.layout import InstalledPath, Scheme
from truewheel.platforms.macos.facts import mac_facts
from truewheel.platforms.macos.judge import judge_macos
from truewheel.platforms.macos.remarks import rpath_stays
from truewheel.platforms.macos.verdict import Floor
from truewheel.platforms.verdict import Rule

if TYPE_CHECKING:
    from truewheel.platforms.macos.verdict import ArchitectureTruth, MacVerdict

BOTH: dict[str, str | None] = {"x86_64": "10.9", "arm64": "11.0"}
ARM: dict[str, str | None] = {"arm64": "11.0"}
INTEL: dict[str, str | None] = {"x86_64": "10.9"}


def truth(verdict: MacVerdict, architecture: str) -> ArchitectureTruth:
    found = verdict.truth_of(architecture)
    assert found is not None
    return found


def facts(item: ArchitectureTruth) -> list[tuple[Rule, str, bool]]:
    return [(reason.rule, reason.file, reason.mendable) for reason in item.reasons]


def one_reason(item: ArchitectureTruth) -> str:
    (reason,) = item.reasons
    return f"{reason.file} {reason.detail}"


def test_a_wheel_that_needs_only_the_system_has_nothing_against_it() -> None:
    verdict = judge_macos(BuiltMac().module("demo/x.so", BOTH).system("demo/x.so").analysis())
    assert [item.architecture for item in verdict.architectures] == ["arm64", "x86_64"]
    assert all(item.kept for item in verdict.architectures)
    assert truth(verdict, "x86_64").floors == (Floor("demo/x.so", (10, 9, 0), in_wheel=True),)
    assert (verdict.platform, verdict.platforms) == ("macOS", ("macOS",))
    assert verdict.warnings == verdict.tidied == ()


def test_architectures_stand_in_the_order_of_the_facts() -> None:
    built = BuiltMac().module("x.so", {"ppc": "10.4", "i386": "10.4", "x86_64": "10.4", "arm64": "11.0"})
    verdict = judge_macos(built.analysis())
    assert [item.architecture for item in verdict.architectures] == ["arm64", "x86_64", "i386", "ppc"]


def test_a_library_of_one_architecture_is_no_fault_of_the_other() -> None:
    """numpy 1.21 universal2: libgfortran.5 for arm64 alone, libgfortran.3 for x86_64 alone."""
    built = BuiltMac().module("np/x.so", BOTH)
    built.library("np/.dylibs/libgfortran.5.dylib", ARM).need("np/x.so", "np/.dylibs/libgfortran.5.dylib", "arm64")
    built.library("np/.dylibs/libgfortran.3.dylib", INTEL).need("np/x.so", "np/.dylibs/libgfortran.3.dylib", "x86_64")
    verdict = judge_macos(built.analysis())
    assert all(item.kept for item in verdict.architectures)
    assert [floor.file for floor in truth(verdict, "arm64").floors] == ["np/x.so", "np/.dylibs/libgfortran.5.dylib"]
    assert verdict.warnings == ()
    assert all(item.suspects == () for item in verdict.architectures)


def test_a_module_without_the_slice_stands_against_an_architecture() -> None:
    built = BuiltMac().module("demo/x.so", BOTH).module("demo/y.so", INTEL)
    verdict = judge_macos(built.analysis())
    assert truth(verdict, "x86_64").kept
    assert one_reason(truth(verdict, "arm64")) == "demo/y.so has no arm64 slice, only x86_64"
    assert facts(truth(verdict, "arm64")) == [(Rule.ARCHITECTURE, "demo/y.so", False)]
    assert not truth(verdict, "arm64").reachable


def test_a_program_without_the_slice_stands_against_an_architecture() -> None:
    built = BuiltMac().module("demo/x.so", BOTH).entry("demo/run", macho(INTEL, FileType.EXECUTABLE))
    verdict = judge_macos(built.analysis())
    assert one_reason(truth(verdict, "arm64")) == "demo/run has no arm64 slice, only x86_64"


def test_a_library_that_nothing_names_says_nothing_of_architectures_it_does_not_have() -> None:
    built = BuiltMac().module("demo/x.so", BOTH).entry("demo/plug.dylib", macho({"x86_64": "12.0"}, FileType.DYLIB))
    verdict = judge_macos(built.analysis())
    assert truth(verdict, "arm64").kept
    assert [floor.file for floor in truth(verdict, "arm64").floors] == ["demo/x.so"]
    assert truth(verdict, "x86_64").floors[0] == Floor("demo/plug.dylib", (12, 0, 0), in_wheel=True)
    (warning,) = verdict.warnings
    assert warning.startswith("demo/plug.dylib has no arm64 slice; nothing in the wheel names it")


@pytest.mark.parametrize("variant", ["x86_64h", "arm64e"])
def test_a_variant_that_no_tag_knows_does_not_stand_for_its_architecture(variant: str) -> None:
    plain = variant[:-1]
    verdict = judge_macos(BuiltMac().module("x.so", {variant: "11.0"}).module("y.so", {plain: "11.0"}).analysis())
    assert [item.architecture for item in verdict.architectures] == [plain]
    assert one_reason(truth(verdict, plain)) == f"x.so has no {plain} slice, only {variant}"
    assert judge_macos(BuiltMac().module("x.so", {variant: "11.0"}).analysis()).architectures == ()


def test_against_tells_of_architectures_that_no_entry_has() -> None:
    verdict = judge_macos(BuiltMac().module("x.so", INTEL).module("y.so", INTEL).analysis())
    assert verdict.truth_of("arm64") is None
    assert [reason.file for reason in verdict.against("arm64")] == ["x.so", "y.so"]
    assert verdict.against("x86_64") == ()
    only_library = judge_macos(BuiltMac().entry("lib.dylib", macho(INTEL, FileType.DYLIB)).analysis())
    (reason,) = only_library.against("arm64")
    assert (reason.file, reason.detail) == ("the wheel", "holds nothing for arm64")
    assert only_library.against("x86_64") == ()


def test_a_missing_library_stands_against_one_architecture_unless_it_is_weak() -> None:
    built = BuiltMac().module("x.so", BOTH).missing("x.so", "@rpath/libgone.dylib", "arm64")
    verdict = judge_macos(built.missing("x.so", "@rpath/libmaybe.dylib", weak=True).analysis())
    assert one_reason(truth(verdict, "arm64")) == "x.so needs @rpath/libgone.dylib, which was not found"
    assert facts(truth(verdict, "arm64")) == [(Rule.MISSING_LIBRARY, "x.so", False)]
    assert truth(verdict, "x86_64").kept


@pytest.mark.parametrize(
    ("outcome", "rule"),
    [(Outcome.OTHER_ARCHITECTURE, Rule.MISSING_LIBRARY), (Outcome.OTHER_PLATFORM, Rule.PLATFORM)],
)
def test_a_library_that_fits_only_another_mac_is_named(outcome: Outcome, rule: Rule) -> None:
    built = (
        BuiltMac()
        .module("x.so", BOTH)
        .misfit("x.so", "@rpath/liba.dylib", "wheel:platlib/lib/liba.dylib", outcome, "arm64")
    )
    verdict = judge_macos(built.analysis())
    assert facts(truth(verdict, "arm64")) == [(rule, "x.so", False)]
    assert one_reason(truth(verdict, "arm64")) == f"x.so needs @rpath/liba.dylib, but lib/liba.dylib is {outcome.value}"


def test_a_library_outside_is_mendable_and_counts_with_all_it_needs() -> None:
    built = BuiltMac().module("x.so", ARM)
    built.library("/opt/lib/liba.dylib", {"arm64": "13.0"}).need("x.so", "/opt/lib/liba.dylib", rule=SearchRule.PATH)
    built.library("/opt/lib/libb.dylib", {"arm64": "14.2"})
    built.need("/opt/lib/liba.dylib", "/opt/lib/libb.dylib", rule=SearchRule.LC_RPATH)
    item = truth(judge_macos(built.analysis()), "arm64")
    assert facts(item) == [
        (Rule.LIBRARY, "x.so", True),
        (Rule.LIBRARY, "/opt/lib/liba.dylib", True),
    ]
    assert not item.kept
    assert item.reachable
    assert item.floors == (
        Floor("/opt/lib/libb.dylib", (14, 2, 0), in_wheel=False, needed_by="/opt/lib/liba.dylib"),
        Floor("/opt/lib/liba.dylib", (13, 0, 0), in_wheel=False, needed_by="x.so"),
        Floor("x.so", (11, 0, 0), in_wheel=True),
    )


def test_a_library_that_the_caller_adds_counts_too() -> None:
    built = BuiltMac().module("x.so", BOTH).library("/opt/libplug.dylib", {"arm64": "13.0"})
    verdict = judge_macos(built.analysis(included=("/opt/libplug.dylib",)))
    assert truth(verdict, "arm64").floors[0].file == "/opt/libplug.dylib"
    assert len(truth(verdict, "x86_64").floors) == 1


def test_an_excluded_library_is_fine_and_said() -> None:
    built = BuiltMac().module("x.so", ARM).need("x.so", None, name="@rpath/libcuda.dylib", rule=SearchRule.EXCLUDED)
    verdict = judge_macos(built.analysis())
    assert truth(verdict, "arm64").kept
    assert verdict.warnings == ("left out on request, so something else must provide it: @rpath/libcuda.dylib",)


def test_a_library_of_the_wheel_where_no_path_leads_is_mendable() -> None:
    built = BuiltMac().module("x.so", ARM).library("lib/liba.dylib", ARM)
    item = truth(
        judge_macos(built.need("x.so", "lib/liba.dylib", name="/b/liba.dylib", rule=SearchRule.IN_WHEEL).analysis()),
        "arm64",
    )
    assert facts(item) == [(Rule.NO_PATH, "x.so", True)]
    assert one_reason(item) == "x.so needs /b/liba.dylib, which is in the wheel at lib/liba.dylib where no path leads"
    assert len(item.floors) == 2


@pytest.mark.parametrize(
    ("file_type", "mendable"), [(FileType.BUNDLE, True), (FileType.DYLIB, True), (FileType.EXECUTABLE, False)]
)
def test_libpython_is_removed_from_all_but_programs(file_type: FileType, *, mendable: bool) -> None:
    name = "/Library/Frameworks/Python.framework/Versions/3.12/Python"
    built = BuiltMac().entry("x", macho(ARM, file_type)).need("x", None, name=name, rule=SearchRule.INTERPRETER)
    item = truth(judge_macos(built.analysis()), "arm64")
    assert facts(item) == [(Rule.LIBPYTHON, "x", mendable)]
    program, module = f"x is a program that needs {name}, and", f"x needs {name}, which the Python that imports it"
    assert one_reason(item) == (f"{module} need not have" if mendable else f"{program} Python is never bundled")


def test_a_module_for_another_system_is_named_with_it() -> None:
    built = BuiltMac().module("x.so", {"arm64": "13.0", "x86_64": "13.0"}, platform="iOS simulator")
    verdict = judge_macos(built.module("y.so", BOTH).analysis())
    assert verdict.platforms == ("iOS simulator", "macOS")
    assert one_reason(truth(verdict, "arm64")) == "x.so is built for iOS simulator, not for macOS"
    assert facts(truth(verdict, "arm64")) == [(Rule.PLATFORM, "x.so", False)]


def test_a_library_for_another_system_that_is_named_stands_against_its_user() -> None:
    built = BuiltMac().module("x.so", BOTH).library("liba.dylib", ARM, platform="Mac Catalyst")
    built.need("x.so", "liba.dylib", "arm64").library("libb.dylib", INTEL).need("x.so", "libb.dylib")
    item = truth(judge_macos(built.analysis()), "arm64")
    assert [f"{reason.file} {reason.detail}" for reason in item.reasons] == [
        "liba.dylib is built for Mac Catalyst, and x.so needs it",
        "libb.dylib has no arm64 slice, and x.so needs it",
    ]
    assert [reason.rule for reason in item.reasons] == [Rule.PLATFORM, Rule.ARCHITECTURE]


def test_a_library_for_another_system_that_nothing_names_is_only_told() -> None:
    built = BuiltMac().module("x.so", BOTH)
    built.entry("rt/ios.dylib", macho({"arm64": "13.0"}, FileType.DYLIB, "iOS"))
    built.entry("rt/sim.dylib", macho({"x86_64": "13.0"}, FileType.DYLIB, "iOS simulator"))
    built.entry("rt/sim2.dylib", macho({"x86_64": "13.0"}, FileType.DYLIB, "iOS simulator"))
    verdict = judge_macos(built.analysis())
    assert all(item.kept for item in verdict.architectures)
    assert [sentence for sentence in verdict.warnings if "built for" in sentence] == [
        "rt/ios.dylib is built for iOS; nothing in the wheel names it, so the label does not count it",
        (
            "rt/sim.dylib, rt/sim2.dylib are built for iOS simulator; "
            "nothing in the wheel names them, so the label does not count them"
        ),
    ]


def test_a_slice_that_does_not_say_what_it_needs_gets_the_first_system_there_was() -> None:
    built = BuiltMac().module("x.so", {"x86_64": None, "arm64": None, "i386": "10.6"})
    verdict = judge_macos(built.analysis("demo-1.0-cp310-abi3-any.whl"))
    assert truth(verdict, "x86_64").floors[0].minimum_os == (10, 4, 0)
    assert truth(verdict, "arm64").floors[0].minimum_os == (11, 0, 0)
    assert verdict.warnings == (
        "x.so does not say which macOS the arm64 slice needs; 11.0 is taken for it, the first there was",
        "x.so does not say which macOS the x86_64 slice needs; 10.4 is taken for it, the first there was",
    )


@pytest.mark.parametrize(
    ("tags", "x86_64", "arm64"),
    [
        ("macosx_12_0_universal2", (12, 0, 0), (12, 0, 0)),
        ("macosx_10_9_universal2", (10, 9, 0), (11, 0, 0)),
        ("macosx_10_13_intel.macosx_10_9_x86_64", (10, 9, 0), (11, 0, 0)),
        ("macosx_12_0_arm64", (10, 4, 0), (12, 0, 0)),
        ("macosx_12_0_fat32", (10, 4, 0), (11, 0, 0)),
    ],
)
def test_no_older_system_is_taken_for_it_than_the_name_says(
    tags: str, x86_64: tuple[int, int, int], arm64: tuple[int, int, int]
) -> None:
    built = BuiltMac().module("x.so", {"x86_64": None, "arm64": None})
    verdict = judge_macos(built.analysis(f"demo-1.0-cp310-abi3-{tags}.whl"))
    assert truth(verdict, "x86_64").floors[0].minimum_os == x86_64
    assert truth(verdict, "arm64").floors[0].minimum_os == arm64
    oldest = {(10, 4, 0), (11, 0, 0)}
    assert sum("as the wheel's name says" in text for text in verdict.warnings) == 2 - len({x86_64, arm64} & oldest)


def test_a_slice_that_lost_its_libraries_is_suspect() -> None:
    """psycopg2-binary 2.8.2: libpq for x86_64, nothing for i386."""
    built = BuiltMac().module("pg/x.so", {"i386": "10.6", "x86_64": "10.6"}).system("pg/x.so")
    built.library("pg/.dylibs/libpq.dylib", {"x86_64": "10.6"}).need("pg/x.so", "pg/.dylibs/libpq.dylib", "x86_64")
    built.module("pg/y.so", INTEL)
    verdict = judge_macos(built.analysis())
    assert truth(verdict, "x86_64").suspects == ()
    assert truth(verdict, "i386").suspects == (
        (
            "the i386 slice of pg/x.so needs no library of the wheel, but its x86_64 slice needs libpq.dylib; "
            "it may have lost what it needs"
        ),
    )


def test_two_copies_of_a_runtime_are_told_once() -> None:
    built = BuiltMac().module("x.so", BOTH).module("y.so", BOTH)
    built.library("a/libomp.dylib", BOTH).need("x.so", "a/libomp.dylib")
    built.library("b/libiomp5.dylib", BOTH).need("y.so", "b/libiomp5.dylib")
    built.library("a/libgcc_s.1.1.dylib", ARM).need("x.so", "a/libgcc_s.1.1.dylib", "arm64")
    built.library("a/libgcc_s.1.dylib", INTEL).need("x.so", "a/libgcc_s.1.dylib", "x86_64")
    built.library("a/libc++.1.dylib", BOTH).need("x.so", "a/libc++.1.dylib")
    built.system("y.so", "/usr/lib/libc++.1.dylib").system("y.so")
    assert judge_macos(built.analysis()).warnings == (
        "one process may hold 2 copies of the C++ runtime: /usr/lib/libc++.1.dylib, a/libc++.1.dylib",
        "one process may hold 2 copies of the OpenMP runtime: a/libomp.dylib, b/libiomp5.dylib",
    )


def test_search_paths_of_the_build_machine_are_tidied() -> None:
    built = BuiltMac()
    names = [f"demo/{letter}.so" for letter in "abcdefg"]
    for name in names:
        built.entry(name, macho(BOTH, rpaths=("/Users/runner/lib", "@loader_path/.dylibs", "/usr/lib/swift")))
    built.entry("z.so", macho(ARM, rpaths=("@loader_path/../lib", "")))
    assert judge_macos(built.analysis()).tidied == (
        (
            "the LC_RPATH entry /Users/runner/lib leads outside the wheel: "
            "demo/a.so, demo/b.so, demo/c.so, demo/d.so, demo/e.so and 2 more"
        ),
        "the LC_RPATH entry @loader_path/../lib leads outside the wheel: z.so",
        "the LC_RPATH entry (empty) leads outside the wheel: z.so",
    )


@pytest.mark.parametrize(
    ("path", "stays"),
    [
        ("@loader_path", True),
        ("@loader_path/./../lib/", True),
        ("@loader_path/../..", False),
        ("@loader_path/../../demo", False),
        ("@executable_path/../lib", True),
        ("/usr/lib/swift", True),
        ("/usr/lib", True),
        ("/usr/libexec", False),
        ("/System/Library/Frameworks", True),
        ("/System/Volumes/Data/Users/x", False),
        ("/opt/homebrew/lib", False),
        ("lib", False),
        ("@loader_pathology", False),
    ],
)
def test_which_search_paths_mean_the_same_on_every_mac(path: str, *, stays: bool) -> None:
    assert rpath_stays(path, InstalledPath(Scheme.PLATLIB, PurePosixPath("demo/x.so"))) is stays


IOS = "demo-1.0-cp313-cp313-ios_13_0_arm64_iphoneos.whl"
SIMULATOR = "demo-1.0-cp313-cp313-ios_13_0_x86_64_iphonesimulator.whl"


def test_an_ios_wheel_is_judged_for_its_own_system_and_not_mended() -> None:
    built = BuiltMac().module("x.so", {"arm64": "13.0"}, platform="iOS")
    built.need("x.so", None, name="@rpath/Python.framework/Python", rule=SearchRule.INTERPRETER)
    verdict = judge_macos(built.analysis(IOS))
    assert verdict.platform == "iOS"
    assert truth(verdict, "arm64").kept
    built.library("/opt/liba.dylib", {"arm64": None}, platform="iOS").need("x.so", "/opt/liba.dylib")
    item = truth(judge_macos(built.analysis(IOS)), "arm64")
    assert facts(item) == [(Rule.LIBRARY, "x.so", False)]
    assert [floor.minimum_os for floor in item.floors] == [(13, 0, 0), (12, 0, 0)]


def test_device_and_simulator_are_two_systems() -> None:
    built = BuiltMac().module("x.so", {"x86_64": "13.0"}, platform="iOS simulator")
    assert judge_macos(built.analysis(SIMULATOR)).architectures[0].kept
    device = judge_macos(BuiltMac().module("x.so", ARM, platform="iOS simulator").analysis(IOS))
    assert one_reason(device.architectures[0]) == "x.so is built for iOS simulator, not for iOS"


@pytest.mark.parametrize(("platform", "judged"), [("macOS", "macOS"), ("iOS", "iOS")])
def test_a_wheel_whose_name_names_no_system_is_judged_for_what_it_holds(platform: str, judged: str) -> None:
    analysis = BuiltMac().module("x.so", ARM, platform=platform).analysis("demo-1.0-py3-none-any.whl")
    assert judge_macos(analysis).platform == judged


def test_a_wheel_without_native_files_has_no_architecture() -> None:
    verdict = judge_macos(BuiltMac().analysis())
    assert (verdict.architectures, verdict.platform, verdict.platforms) == ((), "macOS", ())


def test_the_facts_agree_with_what_installers_look_for() -> None:
    facts_ = mac_facts()
    for name in ("x86_64", "i386", "arm64"):
        for system in ((10, 15), (26, 0)):
            if (name == "arm64") == (system > (11, 0)):
                tags = {tag for tag in mac_platforms(system, name) if tag.endswith(f"_{name}")}
                oldest = min(tuple(map(int, tag.split("_")[1:3])) for tag in tags)
                assert oldest == facts_.floors[name]
    looked_for = {tag.split("_", 3)[3] for name in ("x86_64", "i386") for tag in mac_platforms((10, 9), name)}
    assert looked_for | {"arm64", "ppc", "ppc64", "fat3"} == {*facts_.families, "fat3"} | (looked_for & {"fat32"})


def test_arm64_code_without_a_signature_is_mendable_and_intel_needs_none() -> None:
    built = BuiltMac().module("demo/x.so", BOTH)
    node = built.nodes["demo/x.so"]
    bare = tuple(replace(item, has_signature=False) for item in node.file.slices)
    built.nodes["demo/x.so"] = node._replace(file=replace(node.file, slices=bare))
    verdict = judge_macos(built.analysis())
    assert [(reason.rule, reason.mendable) for reason in verdict.against("arm64")] == [(Rule.UNSIGNED, True)]
    assert verdict.against("x86_64") == ()
