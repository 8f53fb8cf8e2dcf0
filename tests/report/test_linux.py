"""The report of wheels built by hand: fates, groups, truths, floors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.analyses import Built, glibc, image, one_file
from support.fixtures import family, unrepaired_wheel
from truewheel.analyzer.elf.image import Libc
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.search_options import SearchOptions
from truewheel.platforms.linux.judge import judge
from truewheel.report import inspect_wheel
from truewheel.report.linux import policy_of_repair
from truewheel.report.linux import report_linux as report
from truewheel.report.model import Fate, LibraryLine, TagTruth

if TYPE_CHECKING:
    from truewheel.report.model import WheelReport

GREET = "/opt/libgreet.so.1"


def of(
    built: Built, wheel: str = "demo-1.0-cp310-abi3-linux_x86_64.whl", libc: Libc | None = Libc.GLIBC
) -> WheelReport:
    analysis = built.analysis(wheel=wheel, libc=libc)
    return report(wheel, 5000, analysis, judge(analysis))


def with_greet() -> Built:
    built = Built().file("demo/x.so", glibc("GLIBC_2.17")).file(GREET, glibc("GLIBC_2.27"))
    built.need("demo/x.so", "libc.so.6", "/lib/libc.so.6").need("demo/x.so", "libgreet.so.1", GREET)
    return built.file("/lib/libc.so.6", image()).need(GREET, "libc.so.6", "/lib/libc.so.6")


def lines(one: WheelReport) -> tuple[LibraryLine, ...]:
    return tuple(line for group in one.groups for line in group.lines)


def test_a_library_that_comes_along_sets_the_floor() -> None:
    one = of(with_greet())
    assert (one.file, one.size, one.architecture, one.libc, one.native_files) == (
        "demo-1.0-cp310-abi3-linux_x86_64.whl",
        5000,
        "x86_64",
        "glibc",
        1,
    )
    assert one.tags == (TagTruth("linux_x86_64", None, note="promises nothing about the system"),)
    assert (one.as_it_is, one.could_be, one.plain) == (None, ("manylinux_2_27_x86_64",), "linux_x86_64")
    assert lines(one) == (LibraryLine(1, "libgreet.so.1", Fate.BUNDLE, GREET, 1000),)
    assert one.bundled == lines(one)
    assert one.system == ("libc.so.6",)
    assert (one.own_floor, one.next_older) == ("manylinux_2_17_x86_64", "manylinux_2_26_x86_64")
    (reason,) = one.floor_reasons
    assert (reason.file, reason.symbol) == (GREET, "GLIBC_2.27")


def test_the_most_portable_label_has_no_floor() -> None:
    one = of(one_file(glibc("GLIBC_2.2.5")))
    assert one.could_be == ("manylinux1_x86_64", "manylinux_2_5_x86_64")
    assert (one.next_older, one.floor_reasons, one.missing, one.bundled) == (None, (), (), ())


def test_a_missing_library_leaves_no_label() -> None:
    one = of(Built().file("demo/x.so", glibc()).need("demo/x.so", "libgone.so.1"))
    assert (one.could_be, one.plain, one.missing) == ((), None, ("libgone.so.1",))
    assert one.refusals == ("demo/x.so needs libgone.so.1, which was not found",)
    assert lines(one) == (LibraryLine(1, "libgone.so.1", Fate.MISSING, "", 0, note="looked in 0 places"),)


def test_a_symbol_that_no_policy_has_leaves_the_plain_label() -> None:
    one = of(one_file(glibc("GLIBC_9.99")))
    assert (one.could_be, one.plain) == ((), "linux_x86_64")
    assert "GLIBC_9.99" in one.refusals[0]


@pytest.mark.parametrize(
    ("rule", "note"),
    [
        (SearchRule.EXCLUDED, "excluded by the caller"),
        (SearchRule.INTERPRETER, "provided by the Python interpreter"),
    ],
)
def test_what_is_left_out_says_why(rule: SearchRule, note: str) -> None:
    one = of(Built().file("demo/x.so", glibc()).need("demo/x.so", "libextra.so.1", rule=rule))
    assert lines(one) == (LibraryLine(1, "libextra.so.1", Fate.LEFT_OUT, "", 0, note=note),)


def test_the_loader_is_of_the_system() -> None:
    built = one_file(glibc()).need("demo/_x.abi3.so", "ld-linux-x86-64.so.2", rule=SearchRule.LOADER)
    assert "ld-linux-x86-64.so.2" in of(built).system


def test_a_library_in_the_wheel() -> None:
    built = Built().file("demo/x.so", glibc()).file("demo.libs/liby.so", glibc())
    built.need("demo/x.so", "liby.so", "demo.libs/liby.so", SearchRule.RUNPATH)
    one = of(built)
    assert one.native_files == 2
    assert lines(one) == (LibraryLine(1, "liby.so", Fate.IN_WHEEL, "demo.libs/liby.so", 1000),)
    assert [group.members for group in one.groups] == [("demo/x.so",)]


def test_a_library_in_the_wheel_that_no_path_leads_to_says_so() -> None:
    built = Built().file("demo/x.so", glibc()).file("demo.libs/liby.so", glibc())
    built.need("demo/x.so", "liby.so", "demo.libs/liby.so", SearchRule.IN_WHEEL)
    (line,) = lines(of(built))
    assert (line.fate, line.note) == (Fate.IN_WHEEL, "in the wheel, but no path leads there")


def test_a_stray_copy_of_a_system_library_is_of_the_system() -> None:
    built = Built().file("demo/x.so", glibc()).file("demo.libs/libz.so.1", glibc())
    built.need("demo/x.so", "libz.so.1", "demo.libs/libz.so.1", SearchRule.IN_WHEEL)
    assert "libz.so.1" in of(built).system


def test_files_with_the_same_needs_are_grouped_and_libraries_told_once() -> None:
    built = with_greet().file("demo/y.so", glibc()).need("demo/y.so", "libgreet.so.1", GREET)
    built.file("demo/z.so", glibc()).need("demo/z.so", "libother.so", "/opt/libother.so")
    built.file("/opt/libother.so", glibc()).need("/opt/libother.so", "libgreet.so.1", GREET)
    first, second = of(built).groups
    assert first.members == ("demo/x.so", "demo/y.so")
    assert second.members == ("demo/z.so",)
    assert [(line.depth, line.name, line.repeated) for line in second.lines] == [
        (1, "libother.so", False),
        (2, "libgreet.so.1", True),
    ]
    assert len(of(built).bundled) == 2


def test_files_that_need_each_other_are_still_told() -> None:
    built = Built().file("a.so", glibc()).file("b.so", glibc())
    built.need("a.so", "b.so", "b.so", SearchRule.RUNPATH).need("b.so", "a.so", "a.so", SearchRule.RUNPATH)
    assert {line.name for line in lines(of(built))} == {"a.so", "b.so"}


def test_truths_of_tags() -> None:
    wheel = (
        "demo-1.0-cp310-abi3-manylinux_2_28_x86_64.manylinux_2_5_x86_64.musllinux_1_2_x86_64.macosx_11_0_arm64.any.whl"
    )
    one = of(one_file(glibc("GLIBC_2.17")), wheel)
    assert {truth.tag: truth.true for truth in one.tags} == {
        "manylinux_2_28_x86_64": True,
        "manylinux_2_5_x86_64": False,
        "musllinux_1_2_x86_64": False,
        "macosx_11_0_arm64": None,
        "any": False,
    }
    assert all(truth.reasons for truth in one.tags if truth.true is False)


@pytest.mark.parametrize(
    ("tag", "truth"),
    [
        ("any", TagTruth("any", true=True)),
        ("linux_x86_64", TagTruth("linux_x86_64", true=True, note="no native file asks for it")),
        ("win_amd64", TagTruth("win_amd64", None, note="names a system that is not judged")),
    ],
)
def test_a_wheel_without_native_files(tag: str, truth: TagTruth) -> None:
    one = of(Built(), f"demo-1.0-py3-none-{tag}.whl", None)
    assert one.tags == (truth,)
    assert (one.native_files, one.as_it_is, one.could_be, one.plain, one.groups, one.refusals) == (
        0,
        None,
        (),
        None,
        (),
        (),
    )


def test_an_architecture_without_policies_says_so() -> None:
    built = one_file(glibc()._replace(architecture="alpha"))
    analysis = built.analysis(wheel="demo-1.0-cp310-abi3-linux_alpha.whl", architecture="alpha")
    one = report("demo", 1, analysis, judge(analysis))
    assert one.could_be == ()
    assert one.refusals
    assert policy_of_repair(analysis, judge(analysis)) is None


def test_the_policy_of_a_repair() -> None:
    analysis = with_greet().analysis()
    policy = policy_of_repair(analysis, judge(analysis))
    assert policy is not None
    assert policy.tag == "manylinux_2_27_x86_64"
    assert policy_of_repair(analysis, ()) is None


def test_what_was_ignored_or_not_recorded_is_kept() -> None:
    analysis = one_file(glibc()).analysis()
    analysis = analysis._replace(ignored=(("a.a", "a static library"),), unrecorded=("demo/_x.abi3.so",))
    one = report("demo", 1, analysis, judge(analysis))
    assert one.ignored == (("a.a", "a static library"),)
    assert one.unrecorded == ("demo/_x.abi3.so",)


def test_json_has_plain_values_only() -> None:
    values = of(with_greet()).to_json()
    assert json.loads(json.dumps(values)) == values
    assert values["groups"][0]["lines"][0]["fate"] == "bundle"
    assert values["floor_reasons"][0]["rule"] == "symbol-version"


def test_a_wheel_is_inspected_by_its_path() -> None:
    wheel = unrepaired_wheel("x86_64")
    one = inspect_wheel(wheel, SearchOptions(lib_paths=(family("x86_64").folder,)), jobs=2)
    assert (one.file, one.size) == (wheel.name, wheel.stat().st_size)
    assert [line.name for line in one.bundled] == ["libgreet.so.1", "libtone.so.2"]
    assert inspect_wheel(wheel, SearchOptions(system=False)).missing == ("libgreet.so.1",)
