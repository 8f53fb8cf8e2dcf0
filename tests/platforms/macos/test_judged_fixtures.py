"""Real Mach-O files of every kind, judged and named; what each is stands in fixtures/recipes.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.fixtures import mac_family, mac_odd, unrepaired_mac_wheel
from support.wheels import build_wheel
from truewheel.analyzer.macho.analyze import analyze_macho
from truewheel.analyzer.search_options import SearchOptions
from truewheel.archive.reader import WheelReader
from truewheel.errors import RefusedError
from truewheel.platforms.macos.judge import judge_macos
from truewheel.platforms.verdict import Rule
from truewheel.retagger.macos_evidence import decide_macos_label, mac_reasons_against

if TYPE_CHECKING:
    from pathlib import Path

    from support.fixtures import MacFolder
    from truewheel.platforms.macos.verdict import ArchitectureTruth, MacVerdict

NOW = ("macosx_11_0_universal2",)


def judged(wheel: Path, *lib_paths: Path) -> MacVerdict:
    with WheelReader.open(wheel) as reader:
        return judge_macos(analyze_macho(reader, SearchOptions(lib_paths=lib_paths)))


def of_files(folder: Path, files: dict[str, Path], *lib_paths: Path, tag: str = NOW[0]) -> MacVerdict:
    """Return the verdict of a wheel with these files in the package `hello`."""
    contents = {f"hello/{name}": path.read_bytes() for name, path in files.items()}
    return judged(build_wheel(folder, contents, filename=f"foo-1.0-cp310-abi3-{tag}.whl"), *lib_paths)


def truth(verdict: MacVerdict, architecture: str) -> ArchitectureTruth:
    found = verdict.truth_of(architecture)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("arm64", "macosx_11_0_arm64"),
        ("x86_64", "macosx_10_9_x86_64"),
        ("universal2", "macosx_10_9_universal2"),
    ],
)
def test_an_unrepaired_wheel_is_named_by_what_will_come_along(folder: MacFolder, expected: str) -> None:
    verdict = judged(unrepaired_mac_wheel(folder), mac_family(folder).folder)
    label = decide_macos_label(verdict, current=NOW)
    assert label.platforms == (expected,)
    found = mac_reasons_against(verdict, expected)
    assert found is not None
    assert [(reason.rule, reason.mendable) for reason in found] == [(Rule.LIBRARY, True)] * 2
    for item in verdict.architectures:
        assert [floor.file.rpartition("/")[2] for floor in item.floors] == [
            "_hello.abi3.so",
            "libgreet.1.dylib",
            "libtone.2.dylib",
        ]


def test_libraries_that_are_nowhere_refuse_every_label() -> None:
    with pytest.raises(RefusedError) as caught:
        decide_macos_label(judged(unrepaired_mac_wheel("universal2")), current=NOW)
    assert caught.value.reasons == ("hello/_hello.abi3.so needs /opt/hello/lib/libgreet.1.dylib, which was not found",)


def test_a_library_for_newer_systems_decides_the_label(tmp_path: Path) -> None:
    verdict = of_files(tmp_path, {"_hello.abi3.so": mac_odd("needs-new.so")}, mac_odd("libnew.dylib").parent)
    label = decide_macos_label(verdict, current=NOW)
    assert label.platforms == ("macosx_14_0_x86_64", "macosx_15_0_arm64")
    with pytest.raises(RefusedError) as caught:
        decide_macos_label(verdict, current=NOW, deployment_target=(11, 0))
    place = mac_odd("libnew.dylib").resolve()
    assert caught.value.reasons == (
        f"macOS 14.2 on arm64:  library  {place}, needed by hello/_hello.abi3.so",
        f"macOS 13.1 on x86_64: library  {place}, needed by hello/_hello.abi3.so",
    )


def test_an_architecture_whose_library_has_no_slice_is_not_usable(tmp_path: Path) -> None:
    files = {name: mac_odd(f"half/{name}") for name in ("_hello.abi3.so", "libhalf.dylib")}
    verdict = of_files(tmp_path, files)
    assert truth(verdict, "x86_64").kept
    (reason,) = truth(verdict, "arm64").reasons
    assert reason.detail == "needs @loader_path/libhalf.dylib, but hello/libhalf.dylib is of another architecture"
    assert decide_macos_label(verdict, current=("macosx_10_9_x86_64",)).platforms == ("macosx_10_9_x86_64",)


def test_a_slice_that_lost_its_library_is_suspect(tmp_path: Path) -> None:
    files = {"_hello.abi3.so": mac_odd("lost-dependency.so")}
    verdict = of_files(tmp_path, files, mac_family("x86_64").folder)
    assert truth(verdict, "x86_64").suspects == ()
    (suspect,) = truth(verdict, "arm64").suspects
    assert suspect.startswith("the arm64 slice of hello/_hello.abi3.so needs no library of the wheel")


def test_a_library_for_ios_is_told_and_not_counted(tmp_path: Path) -> None:
    files = {"_hello.abi3.so": mac_odd("weak.so"), "ios.dylib": mac_odd("ios.dylib")}
    verdict = of_files(tmp_path, files, mac_family("x86_64").folder)
    assert verdict.platforms == ("iOS", "macOS")
    assert any(sentence.startswith("hello/ios.dylib is built for iOS") for sentence in verdict.warnings)
    assert decide_macos_label(verdict, current=("any",)).platforms == ("macosx_10_9_x86_64",)


@pytest.mark.parametrize("name", ["needs-libpython.so", "needs-framework-python.so"])
def test_libpython_stands_against_a_module_until_it_is_removed(tmp_path: Path, name: str) -> None:
    verdict = of_files(tmp_path, {"_hello.abi3.so": mac_odd(name)}, mac_family("x86_64").folder)
    reasons = [reason for reason in truth(verdict, "x86_64").reasons if reason.rule is Rule.LIBPYTHON]
    assert [reason.mendable for reason in reasons] == [True]


def test_object_files_and_archives_say_nothing(tmp_path: Path) -> None:
    verdict = of_files(tmp_path, {"x.o": mac_odd("object.o"), "x.a": mac_odd("archive.a")})
    assert (verdict.architectures, verdict.platforms) == ((), ())
    assert mac_reasons_against(verdict, NOW[0]) is None


def test_search_paths_of_the_build_machine_are_told_of_leaf_libraries_too(tmp_path: Path) -> None:
    verdict = of_files(tmp_path, {"libx.dylib": mac_odd("build-rpath.dylib")})
    assert all(sentence.endswith("leads outside the wheel: hello/libx.dylib") for sentence in verdict.tidied)
    assert verdict.tidied
