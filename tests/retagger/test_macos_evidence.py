"""Which macOS tags a wheel may carry, what it is called, and what stands against other names."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.macho_analyses import BuiltMac, macho
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.macho.image import FileType
from truewheel.errors import RefusedError, UsageError
from truewheel.platforms.macos.judge import judge_macos
from truewheel.platforms.verdict import Rule, sentences
from truewheel.retagger.macos_evidence import MacLabel, decide_macos_label, mac_reasons_against

if TYPE_CHECKING:
    from truewheel.platforms.macos.verdict import MacVerdict

NOW = ("macosx_10_9_universal2",)


def wheel(**minima: str) -> MacVerdict:
    """Return the verdict of a wheel with one module, `demo/x.so`."""
    return judge_macos(BuiltMac().module("demo/x.so", dict(minima)).analysis())


def with_library(minimum: str, path: str = "/opt/lib/libz.dylib", **minima: str) -> BuiltMac:
    """Return a wheel with one module that needs a library of its first architecture."""
    first = next(iter(minima))
    built = BuiltMac().module("demo/x.so", dict(minima)).library(path, {first: minimum})
    return built.need("demo/x.so", path, first, rule=SearchRule.PATH)


def named(
    verdict: MacVerdict, *current: str, plat: str = "auto", target: tuple[int, int] | None = None
) -> tuple[str, ...]:
    return decide_macos_label(verdict, current=current or NOW, plat=plat, deployment_target=target).platforms


def refused(verdict: MacVerdict, **wishes: object) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        decide_macos_label(verdict, **{"current": NOW, **wishes})  # type: ignore[arg-type]
    return caught.value


def test_the_widest_truth_has_the_fewest_names() -> None:
    assert named(wheel(x86_64="10.9", arm64="11.0")) == ("macosx_10_9_universal2",)
    assert named(wheel(x86_64="10.9", arm64="12.0")) == ("macosx_10_9_x86_64", "macosx_12_0_arm64")
    assert named(wheel(x86_64="10.6", i386="10.6")) == ("macosx_10_6_intel",)
    assert named(wheel(arm64="11.0"), "any") == ("macosx_11_0_arm64",)


def test_the_label_tells_the_oldest_system_of_each_architecture() -> None:
    label = decide_macos_label(wheel(x86_64="10.9", arm64="11.0"), current=NOW)
    assert label == MacLabel(NOW, (("arm64", (11, 0)), ("x86_64", (10, 9))), ())


def test_every_library_that_comes_along_counts() -> None:
    verdict = judge_macos(with_library("13.0", arm64="11.0", x86_64="10.9").analysis())
    label = decide_macos_label(verdict, current=NOW)
    assert label.platforms == ("macosx_10_9_x86_64", "macosx_13_0_arm64")
    assert label.notices[0] == "/opt/lib/libz.dylib needs macOS 13.0 on arm64; the label says so now instead of 11.0"


@pytest.mark.parametrize(
    "current",
    [
        ("macosx_10_9_x86_64", "macosx_12_0_universal2"),
        ("macosx_10_10_x86_64", "macosx_10_9_x86_64", "macosx_12_0_arm64"),
        ("macosx_12_0_universal2", "macosx_10_9_x86_64"),
    ],
)
def test_true_tags_that_say_the_same_keep_their_spelling(current: tuple[str, ...]) -> None:
    verdict = wheel(x86_64="10.9", arm64="12.0")
    assert named(verdict, *current) == tuple(sorted(current))
    fewest = decide_macos_label(verdict, current=current, only_plat=True).platforms
    assert fewest == ("macosx_10_9_x86_64", "macosx_12_0_arm64")


@pytest.mark.parametrize("current", ["macosx_10_6_universal2", "macosx_10_10_universal2", "macosx_11_2_universal2"])
def test_tags_that_say_too_much_or_too_little_give_way(current: str) -> None:
    assert named(wheel(x86_64="10.9", arm64="11.0"), current) == ("macosx_10_9_universal2",)


def test_a_false_tag_beside_true_ones_goes() -> None:
    assert named(wheel(x86_64="10.9"), "macosx_10_6_intel", "macosx_10_9_x86_64") == ("macosx_10_9_x86_64",)


def test_tags_of_other_systems_stay() -> None:
    current = ("any", "macosx_10_6_x86_64", "macosx_11_0_arm64e", "win_amd64")
    assert named(wheel(x86_64="10.9"), *current) == ("macosx_10_9_x86_64", "win_amd64")


def test_a_minor_version_is_rounded_up_and_said() -> None:
    label = decide_macos_label(wheel(arm64="12.1"), current=("macosx_12_0_arm64",))
    assert label.platforms == ("macosx_13_0_arm64",)
    assert label.notices == (
        "demo/x.so needs macOS 12.1 on arm64, which no tag can say; the label says 13.0, the next",
    )


def test_a_wider_label_is_said() -> None:
    label = decide_macos_label(wheel(arm64="11.0", x86_64="10.9"), current=("macosx_12_0_arm64",))
    assert label.platforms == ("macosx_10_9_universal2",)
    assert label.notices == (
        (
            "the label says macOS 11.0 on arm64 now instead of 12.0, because no file asks for more; "
            "--plat or MACOSX_DEPLOYMENT_TARGET holds a newer one"
        ),
        "the label now speaks of x86_64 too, because every module and program has it",
    )


def test_an_architecture_that_was_not_built_leaves_the_label_and_is_said() -> None:
    built = BuiltMac().module("a.so", {"x86_64": "10.9"}).module("b.so", {"x86_64": "10.9"})
    label = decide_macos_label(judge_macos(built.analysis()), current=NOW)
    assert label.platforms == ("macosx_10_9_x86_64",)
    assert label.notices == (
        "the label no longer speaks of arm64: a.so has no arm64 slice, only x86_64, and 1 more such",
    )


def test_an_architecture_that_was_built_and_lost_a_library_is_refused() -> None:
    built = BuiltMac().module("a.so", {"x86_64": "10.9", "arm64": "11.0"}).missing("a.so", "@rpath/libq.dylib", "arm64")
    verdict = judge_macos(built.analysis())
    error = refused(verdict)
    assert error.what == "cannot be used with arm64"
    assert error.reasons == ("a.so needs @rpath/libq.dylib, which was not found (arm64)",)
    assert error.hint == (
        "say where the missing libraries lie with --lib-path, or leave them out with --exclude; "
        "--plat macosx_10_9_x86_64 promises the rest alone"
    )
    assert named(verdict, plat="macosx_10_9_x86_64") == ("macosx_10_9_x86_64",)
    assert refused(verdict, current=("any",)).what == "cannot be used with arm64"
    assert named(verdict, "macosx_10_9_x86_64") == ("macosx_10_9_x86_64",)


def test_a_wheel_of_which_no_label_is_true_is_refused_with_every_reason() -> None:
    built = BuiltMac().module("a.so", {"x86_64": "10.9", "arm64": "11.0"}).missing("a.so", "libq.dylib")
    built.missing("a.so", "libr.dylib", "x86_64")
    error = refused(judge_macos(built.analysis()))
    assert error.what == "no macOS label is true of this wheel"
    assert error.reasons == (
        "a.so needs libq.dylib, which was not found",
        "a.so needs libr.dylib, which was not found (x86_64)",
    )


def test_programs_of_different_architectures_have_no_common_label() -> None:
    built = BuiltMac().entry("run-arm", macho({"arm64": "11.0"}, FileType.EXECUTABLE))
    built.entry("run-intel", macho({"x86_64": "10.9"}, FileType.EXECUTABLE))
    error = refused(judge_macos(built.analysis()))
    assert error.reasons == (
        "run-intel has no arm64 slice, only x86_64",
        "run-arm has no x86_64 slice, only arm64",
    )
    assert "build every" in error.hint


def test_a_program_that_needs_libpython_cannot_be_mended() -> None:
    built = BuiltMac().entry("run", macho({"arm64": "11.0"}, FileType.EXECUTABLE))
    error = refused(
        judge_macos(built.need("run", None, name="libpython3.12.dylib", rule=SearchRule.INTERPRETER).analysis())
    )
    assert error.reasons == ("run is a program that needs libpython3.12.dylib, and Python is never bundled",)
    assert error.hint == ""


def test_architectures_that_no_tag_knows_have_no_label() -> None:
    error = refused(judge_macos(BuiltMac().module("x.so", {"arm64e": "11.0", "x86_64h": "10.9"}).analysis()))
    assert error.reasons == ("x.so is machine code for arm64e and x86_64h, which no tag knows",)
    assert refused(judge_macos(BuiltMac().analysis())).reasons == ("the wheel holds no code that a tag knows",)


def test_a_module_for_another_system_is_named_in_the_refusal() -> None:
    verdict = judge_macos(BuiltMac().module("x.so", {"arm64": "13.0", "x86_64": "13.0"}, platform="iOS").analysis())
    assert refused(verdict).reasons == ("x.so is built for iOS, not for macOS",)


def test_suspect_slices_of_the_label_are_told() -> None:
    built = BuiltMac().module("x.so", {"i386": "10.6", "x86_64": "10.6"})
    built.library("libpq.dylib", {"x86_64": "10.6"}).need("x.so", "libpq.dylib", "x86_64")
    label = decide_macos_label(judge_macos(built.analysis()), current=("macosx_10_6_intel",))
    (notice,) = label.notices
    assert notice.startswith("the i386 slice of x.so needs no library of the wheel")
    only_one = decide_macos_label(judge_macos(built.analysis()), current=NOW, plat="macosx_10_6_x86_64")
    assert only_one.notices == ()


def test_a_deployment_target_raises_the_label() -> None:
    verdict = wheel(x86_64="10.9", arm64="11.0")
    assert named(verdict, target=(10, 13)) == ("macosx_10_13_universal2",)
    assert named(verdict, target=(10, 9)) == ("macosx_10_9_universal2",)
    assert named(verdict, target=(12, 0)) == ("macosx_12_0_universal2",)
    assert named(verdict, target=(10, 16)) == ("macosx_11_0_universal2",)


def test_a_deployment_target_that_no_tag_can_say_is_rounded_up_and_said() -> None:
    label = decide_macos_label(wheel(arm64="11.0"), current=("macosx_11_0_arm64",), deployment_target=(12, 3))
    assert label.platforms == ("macosx_13_0_arm64",)
    assert label.notices == (
        "MACOSX_DEPLOYMENT_TARGET asks for macOS 12.3 on arm64, which no tag can say; the label says 13.0, the next",
    )


def test_a_deployment_target_that_cannot_be_held_is_refused_with_a_table() -> None:
    built = with_library("14.2", arm64="12.0", x86_64="11.0")
    built.module("demo/y.so", {"arm64": "12.0", "x86_64": "12.0"}).library("/opt/lib/old.dylib", {"arm64": "11.0"})
    built.need("demo/y.so", "/opt/lib/old.dylib", "arm64", rule=SearchRule.PATH)
    error = refused(judge_macos(built.analysis()), deployment_target=(10, 15))
    assert error.what == "does not run on macOS 10.15, which MACOSX_DEPLOYMENT_TARGET asks for"
    assert error.reasons == (
        "macOS 14.2 on arm64:         library  /opt/lib/libz.dylib, needed by demo/x.so",
        "macOS 12.0 on arm64:         own file demo/x.so",
        "macOS 12.0 on arm64, x86_64: own file demo/y.so",
        "macOS 11.0 on x86_64:        own file demo/x.so",
    )
    assert error.hint == "set MACOSX_DEPLOYMENT_TARGET=15.0, or build these files for macOS 10.15"


def test_a_deployment_target_asks_nothing_of_architectures_that_are_younger() -> None:
    assert named(wheel(arm64="11.0"), target=(10, 9)) == ("macosx_11_0_arm64",)
    error = refused(wheel(arm64="11.3"), deployment_target=(10, 9))
    assert error.reasons == ("macOS 11.3 on arm64: own file demo/x.so",)


@pytest.mark.parametrize(
    "plat",
    [
        "macosx_11_0_universal2",
        "macosx_10_9_universal2",
        "macosx_13_0_universal2",
        "macosx_11_0_arm64",
        "macosx_10_9_x86_64.macosx_11_0_arm64",
        "macosx_10_9_x86_64.macosx_12_0_universal2",
        "macosx_10_16_x86_64",
    ],
)
def test_a_true_label_that_is_asked_for_is_given_as_it_is(plat: str) -> None:
    verdict = wheel(x86_64="10.9", arm64="11.0")
    assert named(verdict, *NOW, plat=plat, target=(10, 12)) == tuple(plat.split("."))
    assert named(verdict, *NOW, "win_amd64", plat="macosx_11_0_arm64") == ("macosx_11_0_arm64", "win_amd64")


def test_a_label_that_is_not_true_is_refused_with_the_same_table() -> None:
    verdict = judge_macos(with_library("13.0", arm64="12.0", x86_64="10.9").analysis())
    error = refused(verdict, plat="macosx_11_0_universal2")
    assert error.what == "cannot be called macosx_11_0_universal2"
    assert error.reasons == (
        "macOS 13.0 on arm64: library  /opt/lib/libz.dylib, needed by demo/x.so",
        "macOS 12.0 on arm64: own file demo/x.so",
    )
    assert error.hint == "the widest label that is true is macosx_10_9_x86_64.macosx_13_0_arm64"


def test_every_one_of_several_labels_must_be_true() -> None:
    verdict = wheel(x86_64="10.9", arm64="12.0")
    assert len(refused(verdict, plat="macosx_12_0_universal2.macosx_11_0_arm64").reasons) == 1
    error = refused(wheel(x86_64="10.9"), plat="macosx_10_9_universal2")
    assert error.reasons == ("demo/x.so has no arm64 slice, only x86_64",)
    assert error.hint == "the widest label that is true is macosx_10_9_x86_64"
    assert refused(judge_macos(BuiltMac().analysis()), plat="macosx_10_9_x86_64").hint == ""


@pytest.mark.parametrize(
    ("plat", "hint"),
    [
        ("macosx_11_2_arm64", "the next that installers look for is macosx_12_0_arm64"),
        ("macosx_10_9_arm64", "the next that installers look for is macosx_11_0_arm64"),
        ("macosx_10_3_intel", "the next that installers look for is macosx_10_4_intel"),
        ("macosx_11_0_arm64e", "it is `auto` or a macOS tag such as macosx_11_0_universal2, several joined by dots"),
        ("manylinux_2_17_x86_64", "it is `auto` or a macOS tag such as macosx_11_0_universal2, several joined by dots"),
        ("", "it is `auto` or a macOS tag such as macosx_11_0_universal2, several joined by dots"),
    ],
)
def test_what_no_installer_looks_for_is_a_mistake_of_the_caller(plat: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        named(wheel(arm64="11.0"), plat=plat)
    assert caught.value.hint == hint


@pytest.mark.parametrize("names", [("x86_64",), ("universal2",), ("arm64", "x86_64"), ()])
def test_required_architectures_that_are_there_are_fine(names: tuple[str, ...]) -> None:
    label = decide_macos_label(wheel(x86_64="10.9", arm64="11.0"), current=NOW, require_archs=names)
    assert label.platforms == NOW


def test_every_module_that_lacks_a_required_architecture_is_named() -> None:
    """Nothing is bundled here: the check is about the wheel, not about what comes along."""
    built = BuiltMac().module("a.so", {"arm64": "11.0"}).module("b.so", {"arm64": "11.0", "x86_64": "10.9"})
    built.entry("run", macho({"arm64": "11.0"}, FileType.EXECUTABLE))
    verdict = judge_macos(built.analysis())
    error = refused(verdict, require_archs=("universal2",))
    assert error.what == "cannot be used with x86_64, which is required"
    assert error.reasons == ("a.so has no x86_64 slice, only arm64", "run has no x86_64 slice, only arm64")
    error = refused(verdict, require_archs=("intel", "arm64"))
    assert error.what == "cannot be used with i386 and x86_64, which is required"
    assert "b.so has no i386 slice, only arm64 and x86_64" in error.reasons
    with pytest.raises(UsageError, match="arm is no architecture") as caught:
        decide_macos_label(verdict, current=NOW, require_archs=("arm",))
    assert "universal2" in caught.value.hint


@pytest.mark.parametrize(
    "tag",
    ["macosx_10_9_universal2", "macosx_10_9_x86_64", "macosx_10_16_x86_64", "macosx_11_0_arm64", "macosx_11_2_arm64"],
)
def test_nothing_stands_against_a_true_tag(tag: str) -> None:
    assert mac_reasons_against(wheel(x86_64="10.9", arm64="11.0"), tag) == ()


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        (
            "macosx_11_0_universal2",
            ("demo/x.so needs macOS 12.1 in its arm64 slice (allowed since macosx_13_0_arm64)",),
        ),
        (
            "macosx_10_6_intel",
            (
                "demo/x.so has no i386 slice, only x86_64 and arm64",
                "demo/x.so needs macOS 10.9 in its x86_64 slice (allowed since macosx_10_9_x86_64)",
            ),
        ),
        ("any", ("the wheel holds machine code, so it does not run on any machine",)),
        ("ios_13_0_arm64_iphoneos", ("the wheel is a wheel for macOS, not for iOS",)),
    ],
)
def test_each_reason_against_a_tag_is_told(tag: str, told: tuple[str, ...]) -> None:
    found = mac_reasons_against(wheel(x86_64="10.9", arm64="12.1"), tag)
    assert found is not None
    assert sentences(found) == told


@pytest.mark.parametrize("tag", ["manylinux_2_17_x86_64", "win_amd64", "macosx_11_0_arm64e", "macosx_14_arm64"])
def test_a_tag_that_promises_nothing_is_not_judged(tag: str) -> None:
    assert mac_reasons_against(wheel(x86_64="10.9"), tag) is None
    assert mac_reasons_against(judge_macos(BuiltMac().analysis()), "macosx_11_0_arm64") is None


def test_what_is_mendable_stands_against_a_tag_until_it_is_mended_and_is_said_once() -> None:
    built = (
        BuiltMac()
        .module("x.so", {"x86_64": "10.9", "arm64": "11.0"})
        .library("/l/z.dylib", {"x86_64": "10.9", "arm64": "11.0"})
    )
    found = mac_reasons_against(judge_macos(built.need("x.so", "/l/z.dylib").analysis()), "macosx_10_9_universal2")
    assert found is not None
    assert [(reason.rule, reason.mendable) for reason in found] == [(Rule.LIBRARY, True)]


IOS = "ios_13_0_arm64_iphoneos"


def ios(minimum: str, platform: str = "iOS") -> MacVerdict:
    built = BuiltMac().module("x.so", {"arm64": minimum}, platform=platform)
    return judge_macos(built.analysis(f"demo-1.0-cp313-cp313-{IOS}.whl"))


def test_an_ios_tag_is_judged_and_never_changed() -> None:
    assert decide_macos_label(ios("12.4"), current=(IOS,)) == MacLabel((IOS,), (("arm64", (12, 4)),), ())
    label = decide_macos_label(ios("14.0"), current=(IOS,))
    assert label.platforms == (IOS,)
    assert label.notices == ("x.so needs iOS 14.0 in its arm64 slice",)
    with pytest.raises(UsageError, match="never changed"):
        decide_macos_label(ios("12.4"), current=(IOS,), plat="macosx_11_0_arm64")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (IOS, []),
        ("ios_12_0_arm64_iphoneos", [Rule.MINIMUM_OS]),
        ("ios_13_0_arm64_iphonesimulator", [Rule.PLATFORM]),
        ("ios_13_0_x86_64_iphoneos", [Rule.ARCHITECTURE]),
        ("macosx_11_0_arm64", [Rule.PLATFORM]),
    ],
)
def test_device_simulator_architecture_and_version_of_an_ios_tag_are_judged(tag: str, expected: list[Rule]) -> None:
    found = mac_reasons_against(ios("13.0"), tag)
    assert found is not None
    assert [reason.rule for reason in found] == expected


@pytest.mark.parametrize(
    ("architecture", "minimum", "tag", "true"),
    [
        ("arm64", "14.0", "ios_13_0_arm64_iphonesimulator", True),
        ("arm64", "14.0", "ios_12_0_arm64_iphonesimulator", True),
        ("arm64", "14.1", "ios_13_0_arm64_iphonesimulator", False),
        ("arm64", "15.0", "ios_14_0_arm64_iphonesimulator", False),
        ("x86_64", "14.0", "ios_13_0_x86_64_iphonesimulator", False),
    ],
)
def test_the_simulator_of_apple_silicon_begins_at_14(architecture: str, minimum: str, tag: str, *, true: bool) -> None:
    """As macOS begins there at 11.0: every linker writes that for an older minimum, so the tag's own still holds."""
    built = BuiltMac().module("x.so", {architecture: minimum}, platform="iOS simulator")
    verdict = judge_macos(built.analysis(f"demo-1.0-cp313-cp313-{tag}.whl"))
    assert (mac_reasons_against(verdict, tag) == ()) is true


VERSIONS = st.sampled_from(
    ["10.4", "10.6", "10.9", "10.13", "10.13.4", "10.16", "11.0", "11.3", "12.0", "14.2", "26.0"]
)


@pytest.mark.parametrize("dead", ["macosx_10_4_arm64", "macosx_11_2_arm64", "macosx_11_0_fat32", "macosx_11_arm64"])
def test_a_tag_that_no_installer_looks_for_is_left_out_and_told(dead: str) -> None:
    label = decide_macos_label(wheel(arm64="11.0"), current=("macosx_11_0_arm64", dead))
    assert label.platforms == ("macosx_11_0_arm64",)
    assert label.notices == (f"no installer looks for {dead}; the label leaves it out",)


MINIMA = st.dictionaries(st.sampled_from(["arm64", "x86_64", "i386"]), VERSIONS, min_size=1)
TARGETS = st.none() | st.sampled_from([(10, 9), (10, 13), (11, 0), (12, 3), (26, 0)])
TAGS = st.builds(
    "macosx_{}_{}".format,
    st.sampled_from(["10_4", "10_6", "10_9", "10_13", "11_0", "11_2", "13_0"]),
    st.sampled_from(["arm64", "x86_64", "universal2", "intel", "i386"]),
)


@example({"arm64": "10.4"}, ["macosx_10_4_arm64", "macosx_11_0_arm64"], None)
@given(MINIMA, st.lists(TAGS, max_size=3), TARGETS)
def test_a_label_is_true_and_stays_when_it_is_decided_again(
    minima: dict[str, str], current: list[str], target: tuple[int, int] | None
) -> None:
    verdict = wheel(**minima)
    try:
        label = decide_macos_label(verdict, current=tuple(current), deployment_target=target)
    except RefusedError:
        assert target is not None
        return
    assert label.platforms == tuple(sorted(label.platforms))
    assert all(mac_reasons_against(verdict, tag) == () for tag in label.platforms)
    again = decide_macos_label(verdict, current=label.platforms, deployment_target=target)
    assert again.platforms == label.platforms
    assert decide_macos_label(verdict, current=label.platforms, plat=".".join(label.platforms)).minimum == label.minimum


@given(MINIMA)
def test_no_tag_that_is_called_true_is_contradicted_by_another_of_the_same_kind(minima: dict[str, str]) -> None:
    verdict = wheel(**minima)
    versions = ["10_4", "10_9", "10_13", "10_14", "11_0", "12_0", "15_0", "26_0"]
    for family, (older, newer) in product(["arm64", "x86_64", "universal2"], pairwise(versions)):
        if mac_reasons_against(verdict, f"macosx_{older}_{family}") == ():
            assert mac_reasons_against(verdict, f"macosx_{newer}_{family}") == ()
