"""Explanations of macOS wheels: by fixtures through the file, and of graphs made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import truewheel
from support.fixtures import mac_family, mac_odd, unrepaired_mac_wheel
from support.hello import hello_wheel
from support.mac_repairs import MODULE, mac_wheel, repaired
from support.macho_analyses import BuiltMac, macho
from support.wheels import build_wheel
from truewheel.analyzer.graph import Outcome, SearchRule
from truewheel.analyzer.macho.image import FileType
from truewheel.analyzer.search_options import SearchOptions
from truewheel.archive.reader import WheelReader
from truewheel.errors import UsageError
from truewheel.explain import explain
from truewheel.explain.macos import explain_macos

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.explain.model import Explanation

BOTH: dict[str, str | None] = {"x86_64": "10.9", "arm64": "11.0"}
ARM: dict[str, str | None] = {"arm64": "11.0"}
FAMILY = mac_family("universal2")
HELLO = unrepaired_mac_wheel("universal2")
GREET = "/opt/hello/lib/libgreet.1.dylib"
DEMO, LIBA, LIBB = "demo/_x.abi3.so", "/opt/lib/liba.2.dylib", "/opt/lib/libb.dylib"
WHEEL = "demo-1.0-cp310-abi3-macosx_11_0_universal2.whl"


def about(wheel: Path, subject: str | None, *, libraries: bool = True) -> Explanation:
    search = SearchOptions(lib_paths=(FAMILY.folder,) if libraries else (), system=libraries)
    with WheelReader.open(wheel) as reader:
        return explain(reader, subject, search)


def by_hand(built: BuiltMac, subject: str | None) -> Explanation:
    return explain_macos(WHEEL, built.analysis(WHEEL), subject)


def texts(answer: Explanation) -> list[str]:
    return [line for finding in answer.findings for line in (finding.text, *finding.details)]


def chained() -> BuiltMac:
    """Return a module that needs liba, which needs libb; all are outside but the module."""
    built = BuiltMac().module(DEMO, BOTH).library(LIBA, BOTH)
    built.library(LIBB, {"x86_64": "10.13.4", "arm64": "12.0"})
    return built.need(DEMO, LIBA, name="@rpath/liba.2.dylib", rule=SearchRule.LC_RPATH).need(LIBA, LIBB, name=LIBB)


def test_without_a_subject_it_tells_what_sets_the_oldest_system() -> None:
    answer = by_hand(chained(), None)
    assert (answer.subject, answer.headline) == ("minimum", f"what sets the oldest macOS of {WHEEL}")
    assert texts(answer) == [
        "arm64: 12.0, the newest minimum of 3 files",
        f"12.0  libb.dylib, by: {DEMO} > @rpath/liba.2.dylib > {LIBB}",
        f"11.0  {DEMO}",
        f"11.0  liba.2.dylib, by: {DEMO} > @rpath/liba.2.dylib",
        "x86_64: 10.13.4, the newest minimum of 3 files",
        f"10.13.4  libb.dylib, by: {DEMO} > @rpath/liba.2.dylib > {LIBB}",
        f"10.9  {DEMO}",
        f"10.9  liba.2.dylib, by: {DEMO} > @rpath/liba.2.dylib",
    ]


def test_of_many_files_the_newest_five_are_told() -> None:
    built = BuiltMac()
    for number in range(9):
        built.module(f"demo/_{number}.so", {"arm64": f"1{number + 1}.0"})
    lines = texts(by_hand(built, None))
    assert lines[0] == "arm64: 19.0, the newest minimum of 9 files"
    assert lines[-1] == "and 4 more that ask for no newer system"
    assert [line.split()[0] for line in lines[1:-1]] == ["19.0", "18.0", "17.0", "16.0", "15.0"]


def test_a_wheel_for_ios_has_a_minimum_too(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"a.dylib": mac_odd("ios.dylib")}, tag="py3-none-ios_14_0_arm64_iphoneos")
    answer = about(wheel, None, libraries=False)
    assert answer.headline == f"what sets the oldest iOS of {wheel.name}"
    assert about(wheel, "ios_14_0_arm64_iphoneos").headline == "ios_14_0_arm64_iphoneos is true: nothing forbids it"
    assert about(wheel, "ios_13_0_arm64_iphoneos").headline == "ios_13_0_arm64_iphoneos is forbidden by 1 fact"


def test_a_tag_that_a_repair_reaches() -> None:
    answer = about(HELLO, "macosx_11_0_universal2")
    assert answer.headline == "macosx_11_0_universal2 is true once the wheel is repaired"
    assert texts(answer)[0] == "a repair mends 2 facts:"
    assert texts(answer)[1] == f"{MODULE} needs {GREET}, which not every Mac has"


def test_a_tag_that_is_true(tmp_path: Path) -> None:
    done = repaired(mac_wheel(tmp_path, FAMILY.extension, tag="cp310-abi3-macosx_11_0_universal2"), FAMILY.folder)
    answer = about(done.path, "macosx_11_0_universal2", libraries=False)
    assert (answer.headline, answer.findings) == ("macosx_11_0_universal2 is true: nothing forbids it", ())


def test_a_tag_that_is_forbidden_names_the_file_and_its_way() -> None:
    answer = by_hand(chained(), "macosx_11_0_arm64")
    assert answer.headline == "macosx_11_0_arm64 is forbidden by 1 fact"
    assert texts(answer)[:2] == [
        "libb.dylib needs macOS 12.0 in its arm64 slice",
        f"by: {DEMO} > @rpath/liba.2.dylib > {LIBB}",
    ]


def test_a_tag_that_is_forbidden_by_a_missing_library_tells_where_it_was_looked_for() -> None:
    built = BuiltMac().module(DEMO, ARM)
    built.misfit(DEMO, "@rpath/liba.2.dylib", "/x/liba.2.dylib", Outcome.OTHER_ARCHITECTURE)
    answer = by_hand(built, "macosx_11_0_arm64")
    (finding,) = answer.findings
    assert finding.text.startswith(f"{DEMO} needs @rpath/liba.2.dylib, but /x/liba.2.dylib ")
    assert [line.partition(":")[0] for line in finding.details] == ["/nowhere", "/x/liba.2.dylib"]


def test_any_is_not_for_machine_code() -> None:
    assert about(HELLO, "any").headline == "any is forbidden by 1 fact"


@pytest.mark.parametrize("tag", ["macosx_11", "macosx_11_0_sparc"])
def test_what_is_no_tag_is_a_mistake(tag: str) -> None:
    with pytest.raises(UsageError, match="is no tag that can be judged"):
        about(HELLO, tag)


def test_an_architecture_that_works() -> None:
    built = BuiltMac().module(DEMO, BOTH)
    answer = by_hand(built, "arm64")
    assert answer.headline == "arm64 is usable"
    assert texts(answer) == ["arm64: 11.0, the newest minimum of 1 file", f"11.0  {DEMO}"]


def test_an_architecture_that_works_once_repaired() -> None:
    answer = by_hand(chained(), "x86_64")
    assert answer.headline == "x86_64 is usable once repaired"
    assert texts(answer)[0] == f"{DEMO} needs @rpath/liba.2.dylib, which not every Mac has"


def test_an_architecture_that_fails_and_one_that_may_have_lost_a_library() -> None:
    built = BuiltMac().module(DEMO, BOTH).library("demo/liba.dylib", BOTH)
    built.need(DEMO, "demo/liba.dylib", "x86_64").missing(DEMO, "@rpath/libz.dylib", "x86_64")
    assert by_hand(built, "x86_64").headline == "x86_64 is not usable"
    answer = by_hand(built, "arm64")
    assert answer.headline == "arm64 is usable"
    assert texts(answer)[-1].startswith(f"the arm64 slice of {DEMO} needs no library of the wheel")


@pytest.mark.parametrize("subject", ["@rpath/liba.2.dylib", "liba.2.dylib", "liba.2", "liba", LIBA])
def test_a_library_by_any_of_its_names(subject: str) -> None:
    answer = by_hand(chained(), subject)
    assert answer.headline == f"{subject} is needed by 1 file and comes along: not every Mac has it"
    assert texts(answer) == [
        f"{LIBA} comes by",
        f"{DEMO} needs @rpath/liba.2.dylib -> {LIBA} (LC_RPATH)",
        "it is needed by 1 file",
        f"{DEMO} (x86_64, arm64)",
    ]


def test_the_chain_to_a_library_of_a_library() -> None:
    assert texts(by_hand(chained(), "libb"))[:3] == [
        f"{LIBB} comes by",
        f"{DEMO} needs @rpath/liba.2.dylib -> {LIBA} (LC_RPATH)",
        f"{LIBA} needs {LIBB} -> {LIBB} (@loader_path)",
    ]


@pytest.mark.parametrize(
    ("rule", "found", "told"),
    [
        (SearchRule.SYSTEM, None, " and stays outside: every Mac has it"),
        (SearchRule.EXCLUDED, None, " and stays outside"),
        (SearchRule.LOADER_PATH, "demo/liba.dylib", " and is in the wheel already"),
        (None, None, " and was not found"),
    ],
)
def test_the_fate_of_a_library(rule: SearchRule | None, found: str | None, told: str) -> None:
    built = BuiltMac().module(DEMO, ARM).library("demo/liba.dylib", ARM)
    built.need(DEMO, found, name="@rpath/liba.dylib", rule=rule)
    assert by_hand(built, "liba").headline == f"liba is needed by 1 file{told}"


def test_a_missing_library_comes_with_the_places_that_were_tried_and_advice() -> None:
    built = BuiltMac().module(DEMO, BOTH).misfit(DEMO, "@rpath/liba.dylib", "/x/liba.dylib", Outcome.NOT_MACHO)
    lines = texts(by_hand(built, "liba"))
    at = lines.index("it was searched for in")
    assert [line.partition(":")[0] for line in lines[at + 1 : at + 3]] == ["/nowhere", "/x/liba.dylib"]
    assert lines[-1] == "say where it lies with --lib-path DIR, or leave it out with --exclude NAME"


def test_places_that_differ_by_architecture_are_told_for_each() -> None:
    built = BuiltMac().module(DEMO, BOTH)
    for name in ("x86_64", "arm64"):
        built.misfit(DEMO, "@rpath/libz.dylib", f"/{name}/libz.dylib", Outcome.ABSENT, name)
    lines = texts(by_hand(built, "libz"))
    assert "for x86_64 it was searched for in" in lines
    assert lines[lines.index("for x86_64 it was searched for in") + 2].startswith("/x86_64/libz.dylib: ")
    assert lines[lines.index("for arm64 it was searched for in") + 2].startswith("/arm64/libz.dylib: ")


def test_a_library_that_one_architecture_lacks_was_not_found() -> None:
    built = BuiltMac().module(DEMO, BOTH).library("demo/libz.dylib", {"x86_64": "10.9"})
    built.need(DEMO, "demo/libz.dylib", "x86_64", name="@rpath/libz.dylib")
    built.misfit(DEMO, "@rpath/libz.dylib", "/arm64/libz.dylib", Outcome.ABSENT, "arm64")
    answer = by_hand(built, "@rpath/libz.dylib")
    assert answer.headline == "@rpath/libz.dylib is needed by 1 file and was not found"
    assert [line for line in texts(answer) if "searched for in" in line] == ["for arm64 it was searched for in"]


def test_a_misspelt_library_brings_a_guess() -> None:
    with pytest.raises(UsageError) as refused:
        about(HELLO, "libgret.1.dylib")
    assert refused.value.hint == "did you mean libgreet.1.dylib?"
    with pytest.raises(UsageError) as refused:
        about(HELLO, "xyz")
    assert refused.value.hint == "name a platform tag, an architecture or a library"


def test_a_wheel_without_machine_code_needs_nothing(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"a.py": b""}, tag="py3-none-macosx_11_0_arm64")
    with pytest.raises(UsageError, match="the wheel has no native file"):
        about(wheel, None)
    with pytest.raises(UsageError, match="the wheel has no native file"):
        about(build_wheel(tmp_path, {"foo/__init__.py": b""}), None)


def test_macos_code_in_a_wheel_for_any_system_is_explained(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, FAMILY.extension, tag="cp310-abi3-any")
    assert about(wheel, "libgreet").headline.endswith("comes along: not every Mac has it")


def test_a_program_that_nothing_runs_has_no_minimum() -> None:
    built = BuiltMac().entry("demo/tool", macho(ARM, FileType.EXECUTABLE)).module(DEMO, {"x86_64": "10.9"})
    assert by_hand(built, "arm64").headline == "arm64 is not usable"


def test_an_exclusion_is_told_as_such() -> None:
    with WheelReader.open(HELLO) as reader:
        answer = explain(reader, "libgreet", SearchOptions(exclude=("libgreet*",), system=False))
    assert answer.headline == "libgreet is needed by 1 file and stays outside"
    assert f"{MODULE} needs {GREET} -> not searched for (excluded by the caller)" in texts(answer)


def test_the_command_prints_it() -> None:
    outcome = truewheel("why", "--lib-path", FAMILY.folder, HELLO, "libgreet")
    assert (outcome.code, outcome.errors) == (0, "")
    assert outcome.output.startswith("libgreet is needed by 1 file and comes along: not every Mac has it\n")
