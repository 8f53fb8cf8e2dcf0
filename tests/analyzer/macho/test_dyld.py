"""dyld's rules for one name in one slice."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.macho_images import bundle, part
from truewheel.analyzer.graph import Outcome, SearchRule
from truewheel.analyzer.macho.dyld import (
    Needer,
    Process,
    folders_of,
    is_known_by_name,
    outcome_of,
    own_places,
    places,
    rpaths_of,
    slice_for,
)
from truewheel.analyzer.macho.image import FileType, MachoFile
from truewheel.analyzer.search_options import SearchOptions

ARM = Process("arm64")
INSIDE = "wheel:platlib/pkg/sub"


def _own(name: str, origin: str | None = INSIDE, *rpaths: str, program: str | None = None) -> list[tuple[str, str]]:
    needer = Needer(Process("arm64", executable=program), origin, rpaths)
    return [(place, rule.name) for place, rule in own_places(name, needer, "/")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("@loader_path/liba.dylib", [("wheel:platlib/pkg/sub/liba.dylib", "LOADER_PATH")]),
        ("@loader_path/../liba.dylib", [("wheel:platlib/pkg/liba.dylib", "LOADER_PATH")]),
        ("@loader_path/../../a.libs/liba.dylib", [("wheel:platlib/a.libs/liba.dylib", "LOADER_PATH")]),
        ("@loader_path/../../../liba.dylib", [("wheel:platlib/../liba.dylib", "LOADER_PATH")]),
        ("/opt/lib/liba.dylib", [("/opt/lib/liba.dylib", "PATH")]),
        ("/System/Volumes/Data/opt/liba.dylib", [("/opt/liba.dylib", "PATH")]),
        ("liba.dylib", [("liba.dylib", "BARE_NAME")]),
        ("libs/liba.dylib", [("libs/liba.dylib", "BARE_NAME")]),
        ("@loader_pathology/liba.dylib", [("@loader_pathology/liba.dylib", "BARE_NAME")]),
        ("@executable_path/liba.dylib", [("@executable_path/liba.dylib", "EXECUTABLE_PATH")]),
        ("@rpath/liba.dylib", []),
    ],
)
def test_what_a_name_means(name: str, expected: list[tuple[str, str]]) -> None:
    assert _own(name) == expected


def test_an_executable_path_counts_from_the_program() -> None:
    assert _own("@executable_path/../lib/liba.dylib", program="/opt/python/bin") == [
        ("/opt/python/bin/../lib/liba.dylib", "EXECUTABLE_PATH")
    ]
    assert _own("@executable_path/liba.dylib", program="wheel:scripts") == [
        ("wheel:scripts/liba.dylib", "EXECUTABLE_PATH")
    ]


def test_a_file_that_is_not_installed_has_no_place_of_its_own() -> None:
    assert _own("@loader_path/liba.dylib", None) == [("@loader_path/liba.dylib", "LOADER_PATH")]


def test_an_rpath_name_leads_below_each_search_path_in_order() -> None:
    found = _own("@rpath/deep/../liba.dylib", INSIDE, "wheel:platlib/pkg", "/opt/lib", "@executable_path/../lib", "/")
    assert found == [
        ("wheel:platlib/pkg/liba.dylib", "LC_RPATH"),
        ("/opt/lib/deep/../liba.dylib", "LC_RPATH"),
        ("@executable_path/../lib/deep/../liba.dylib", "LC_RPATH"),
        ("/deep/../liba.dylib", "LC_RPATH"),
    ]


def test_search_paths_count_from_the_file_that_has_them() -> None:
    entries = (
        "@loader_path",
        "@loader_path/",
        "@loader_path/../lib/",
        "/opt//lib/",
        "/",
        "@executable_path/x",
        "rel",
        "",
    )
    found = rpaths_of(part(rpaths=entries), INSIDE, ARM, "/")
    assert found == (
        INSIDE,
        INSIDE,
        "wheel:platlib/pkg/lib",
        "/opt//lib",
        "/",
        "@executable_path/x",
        "./rel",
        ".",
    )
    assert rpaths_of(part(rpaths=("@loader_path/x",)), None, ARM, "/") == ("@loader_path/x",)
    assert rpaths_of(part(rpaths=("/opt/lib",)), INSIDE, ARM, "/srv/mac") == ("/srv/mac/opt/lib",)


def test_the_order_of_all_places_of_a_library() -> None:
    options = SearchOptions(
        lib_paths=(Path("/mine"),),
        library_path=(Path("/env"),),
        fallback_path=(Path("/fall"),),
        conda_prefixes=(Path("/conda"),),
        framework_path=(Path("/never"),),
        fallback_framework_path=(Path("/never2"),),
    )
    asked, fallback = places("@rpath/x/liba.dylib", [("/own/x/liba.dylib", SearchRule.LC_RPATH)], folders_of(options))
    assert asked == (
        ("/mine/liba.dylib", SearchRule.LIB_PATH),
        ("/env/liba.dylib", SearchRule.DYLD_ENVIRONMENT),
        ("/own/x/liba.dylib", SearchRule.LC_RPATH),
    )
    assert fallback == (
        ("/fall/liba.dylib", SearchRule.DYLD_FALLBACK),
        ("/conda/lib/liba.dylib", SearchRule.CONDA),
        ("/opt/homebrew/lib/liba.dylib", SearchRule.PACKAGE_MANAGER),
        ("/usr/local/lib/liba.dylib", SearchRule.PACKAGE_MANAGER),
        ("/opt/local/lib/liba.dylib", SearchRule.PACKAGE_MANAGER),
    )


def test_the_order_of_all_places_of_a_framework() -> None:
    options = SearchOptions(
        lib_paths=(Path("/mine"),),
        library_path=(Path("/never"),),
        framework_path=(Path("/env"),),
        fallback_framework_path=(Path("/fall"),),
    )
    own = [("/Library/Frameworks/F.framework/F", SearchRule.PATH)]
    asked, fallback = places("/Library/Frameworks/F.framework/F", own, folders_of(options))
    assert asked == (
        ("/mine/F.framework/F", SearchRule.LIB_PATH),
        ("/env/F.framework/F", SearchRule.DYLD_FRAMEWORK),
        ("/Library/Frameworks/F.framework/F", SearchRule.PATH),
    )
    assert [rule.name for _, rule in fallback] == ["DYLD_FRAMEWORK_FALLBACK", *["PACKAGE_MANAGER"] * 3]


def test_dylds_own_fallback_holds_where_no_variable_replaces_it() -> None:
    asked, fallback = places("liba.dylib", [], folders_of(SearchOptions(sysroot=Path("/srv/none"))))
    assert asked == ()
    assert fallback == (
        ("/srv/none/usr/local/lib/liba.dylib", SearchRule.DEFAULT),
        ("/srv/none/opt/homebrew/lib/liba.dylib", SearchRule.PACKAGE_MANAGER),
        ("/srv/none/opt/local/lib/liba.dylib", SearchRule.PACKAGE_MANAGER),
    )
    _, frameworks = places("@rpath/F.framework/F", [], folders_of(SearchOptions()))
    assert frameworks[0] == ("/Library/Frameworks/F.framework/F", SearchRule.DEFAULT)


def test_no_place_is_tried_twice() -> None:
    own = [("/opt/homebrew/lib/liba.dylib", SearchRule.PATH)] * 2
    asked, fallback = places("/opt/homebrew/lib/liba.dylib", own, folders_of(SearchOptions()))
    assert asked == (("/opt/homebrew/lib/liba.dylib", SearchRule.PATH),)
    assert [place for place, _ in fallback] == ["/usr/local/lib/liba.dylib", "/opt/local/lib/liba.dylib"]


@pytest.mark.parametrize(
    ("process", "slices", "expected"),
    [
        ("arm64", ("x86_64", "arm64"), "arm64"),
        ("arm64", ("arm64e", "x86_64"), None),
        ("arm64e", ("arm64", "arm64e"), "arm64e"),
        ("arm64e", ("arm64",), "arm64"),
        ("x86_64", ("x86_64h", "x86_64"), "x86_64"),
        ("x86_64", ("x86_64h",), None),
        ("x86_64h", ("x86_64", "x86_64h"), "x86_64h"),
        ("x86_64h", ("x86_64",), "x86_64"),
        ("i386", ("x86_64",), None),
    ],
)
def test_the_slice_that_a_process_maps(process: str, slices: tuple[str, ...], expected: str | None) -> None:
    found = slice_for(MachoFile(tuple(part(arch=each) for each in slices)), Process(process))
    assert (found and found.architecture) == expected


@pytest.mark.parametrize(
    ("process", "platform", "expected"),
    [
        ("macOS", "macOS", Outcome.FOUND),
        ("macOS", "Mac Catalyst", Outcome.OTHER_PLATFORM),
        ("macOS", "iOS", Outcome.OTHER_PLATFORM),
        ("Mac Catalyst", "macOS", Outcome.FOUND),
        ("Mac Catalyst", "Mac Catalyst", Outcome.FOUND),
        ("Mac Catalyst", "iOS", Outcome.OTHER_PLATFORM),
        ("iOS", "iOS", Outcome.FOUND),
        ("iOS", "macOS", Outcome.OTHER_PLATFORM),
        ("iOS simulator", "iOS", Outcome.OTHER_PLATFORM),
        ("unknown (99)", "unknown (99)", Outcome.FOUND),
    ],
)
def test_the_platforms_that_a_process_takes(process: str, platform: str, expected: Outcome) -> None:
    assert outcome_of(MachoFile((part(platform=platform),)), Process("arm64", process)) is expected


def test_only_a_dylib_is_taken_for_a_library() -> None:
    for kind in FileType:
        found = outcome_of(MachoFile((part(kind=kind),)), ARM)
        assert found is (Outcome.FOUND if kind is FileType.DYLIB else Outcome.NOT_MACHO), kind
    assert outcome_of(MachoFile((bundle(arch="x86_64"),)), ARM) is Outcome.OTHER_ARCHITECTURE
    assert outcome_of(MachoFile((part(arch="x86_64"), bundle())), ARM) is Outcome.NOT_MACHO


@pytest.mark.parametrize(
    ("place", "rule", "sysroot", "expected"),
    [
        ("/usr/lib/libz.dylib", SearchRule.PATH, "/", True),
        ("/usr/lib/libz.dylib", SearchRule.LC_RPATH, "/", True),
        ("/usr/lib/libz.dylib", SearchRule.LIB_PATH, "/", False),
        ("/usr/lib/x86_64-linux-gnu/libz.dylib", SearchRule.DYLD_FALLBACK, "/", False),
        ("/srv/mac/usr/lib/libz.dylib", SearchRule.PATH, "/srv/mac", True),
        ("/usr/lib/libz.dylib", SearchRule.PATH, "/srv/mac", False),
        ("/srv/machine/usr/lib/libz.dylib", SearchRule.PATH, "/srv/mac", False),
        ("/opt/lib/libz.dylib", SearchRule.PATH, "/", False),
        ("libz.dylib", SearchRule.BARE_NAME, "/", False),
    ],
)
def test_the_systems_folders_are_not_looked_into(
    place: str,
    rule: SearchRule,
    sysroot: str,
    expected: bool,  # noqa: FBT001 - a table of answers
) -> None:
    assert is_known_by_name(place, rule, sysroot) is expected
