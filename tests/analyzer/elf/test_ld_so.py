"""The order of places; each rule also has a test with real files in test_search_order.py."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from support.images import image
from truewheel.analyzer.elf.image import Libc
from truewheel.analyzer.elf.ld_so import expand, places, stays_installed
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.search_options import SearchOptions, split_library_path
from truewheel.archive.layout import InstalledPath, Scheme

if TYPE_CHECKING:
    from truewheel.analyzer.elf.ld_so import Places

_HERE = "wheel:platlib/pkg"
_OPTIONS = SearchOptions(
    lib_paths=(Path("/wish"),),
    library_path=(Path("/env"),),
    conda_prefixes=(Path("/conda"),),
)


def _order(found: Places) -> list[tuple[str, str]]:
    return [(place, rule.name) for place, rule in (*found.in_wheel, *found.outside)]


def test_glibc_takes_rpath_before_the_environment() -> None:
    found = places(image(rpath=("/r", "$ORIGIN/libs")), _HERE, (), Libc.GLIBC, _OPTIONS)
    assert _order(found) == [
        ("wheel:platlib/pkg/libs", "RPATH"),
        ("/wish", "LIB_PATH"),
        ("/r", "RPATH"),
        ("/env", "ENVIRONMENT"),
        ("/conda/lib", "CONDA"),
    ]


def test_glibc_takes_the_environment_before_runpath() -> None:
    found = places(image(runpath=("/r",)), _HERE, (), Libc.GLIBC, _OPTIONS)
    assert _order(found) == [
        ("/wish", "LIB_PATH"),
        ("/env", "ENVIRONMENT"),
        ("/r", "RUNPATH"),
        ("/conda/lib", "CONDA"),
    ]


def test_glibc_ignores_rpath_beside_runpath() -> None:
    found = places(image(rpath=("/old",), runpath=("/new",)), _HERE, (), Libc.GLIBC, SearchOptions())
    assert _order(found) == [("/new", "RUNPATH")]
    assert found.handed_down == ()


def test_glibc_hands_rpath_down_and_not_runpath() -> None:
    top = places(image(rpath=("$ORIGIN/a",)), _HERE, (), Libc.GLIBC, SearchOptions())
    middle = places(image(rpath=("$ORIGIN/b",)), "/sys", top.handed_down, Libc.GLIBC, SearchOptions())
    assert middle.handed_down == (("/sys/b", SearchRule.RPATH), ("wheel:platlib/pkg/a", SearchRule.RPATH))
    runpath = places(image(runpath=("/r",)), "/sys", top.handed_down, Libc.GLIBC, SearchOptions())
    assert _order(runpath) == [("/r", "RUNPATH")]
    assert runpath.handed_down == top.handed_down


def test_musl_takes_the_environment_first_and_hands_runpath_down() -> None:
    found = places(image(runpath=("$ORIGIN/libs", "/r")), _HERE, (("/up", SearchRule.RPATH),), Libc.MUSL, _OPTIONS)
    assert _order(found) == [
        ("wheel:platlib/pkg/libs", "RUNPATH"),
        ("/wish", "LIB_PATH"),
        ("/env", "ENVIRONMENT"),
        ("/r", "RUNPATH"),
        ("/up", "RPATH"),
        ("/conda/lib", "CONDA"),
    ]
    assert found.handed_down == (
        ("wheel:platlib/pkg/libs", SearchRule.RUNPATH),
        ("/r", SearchRule.RUNPATH),
        ("/up", SearchRule.RPATH),
    )


def test_musl_drops_the_whole_path_over_an_unknown_token() -> None:
    for token in ("$LIB", "${PLATFORM}", "$WHAT"):
        entries = ("$ORIGIN/libs", f"/usr/{token}")
        assert places(image(rpath=entries), _HERE, (), Libc.MUSL, SearchOptions()).in_wheel == ()
    braces = places(image(rpath=("${ORIGIN}/libs",)), _HERE, (), Libc.MUSL, SearchOptions())
    assert braces.in_wheel == (("wheel:platlib/pkg/libs", SearchRule.RPATH),)


def test_without_the_system_no_place_is_outside() -> None:
    options = SearchOptions(lib_paths=(Path("/wish"),), library_path=(Path("/env"),), system=False)
    found = places(image(rpath=("/r", "$ORIGIN")), _HERE, (), Libc.GLIBC, options)
    assert _order(found) == [("wheel:platlib/pkg", "RPATH")]


def test_a_place_is_named_once() -> None:
    found = places(image(rpath=("$ORIGIN", "$ORIGIN/.", "${ORIGIN}")), _HERE, (), Libc.GLIBC, SearchOptions())
    assert found.in_wheel == (("wheel:platlib/pkg", SearchRule.RPATH),)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("$ORIGIN", ("wheel:platlib/pkg",)),
        ("${ORIGIN}/../pkg.libs/", ("wheel:platlib/pkg.libs",)),
        ("$ORIGIN/..", ("wheel:platlib",)),
        ("$ORIGIN/../../lib", ("wheel:platlib/../lib",)),
        ("$ORIGIN/$PLATFORM", ("wheel:platlib/pkg/x86_64",)),
        (
            "$ORIGIN/$LIB",
            ("wheel:platlib/pkg/lib/x86_64-linux-gnu", "wheel:platlib/pkg/lib64", "wheel:platlib/pkg/lib"),
        ),
        ("/opt/${LIB}", ("/target/opt/lib/x86_64-linux-gnu", "/target/opt/lib64", "/target/opt/lib")),
        ("/opt/lib", ("/target/opt/lib",)),
        ("/opt/$OTHER", ("/target/opt/$OTHER",)),
        ("relative", ("./relative",)),
        ("wheel:platlib/pkg", ("./wheel:platlib/pkg",)),
        ("x$ORIGIN", ("./xwheel:platlib/pkg",)),
    ],
)
def test_tokens_are_replaced_as_on_the_target(entry: str, expected: tuple[str, ...]) -> None:
    assert expand(entry, _HERE, "x86_64", "/target") == expected


def test_a_token_without_a_value_names_no_place() -> None:
    assert expand("$ORIGIN/lib", None, "x86_64", "/") == ()
    assert expand("/opt/$PLATFORM", "/x", "s390x", "/") == ()


def test_outside_the_wheel_the_file_system_works_out_the_dots() -> None:
    assert expand("$ORIGIN/../lib", "/opt/app/bin", "x86_64", "/target") == ("/opt/app/bin/../lib",)


def test_relative_options_are_made_absolute_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = SearchOptions(
        lib_paths=(Path("a"),),
        library_path=(Path("b"),),
        sysroot=Path("root"),
        conda_prefixes=(Path("c"),),
        exclude=("libx.so", "./build/libx.so*", "*/y"),
    )
    monkeypatch.chdir("/")
    assert options.lib_paths == (tmp_path / "a",)
    assert options.library_path == (tmp_path / "b",)
    assert options.sysroot == tmp_path.resolve() / "root"
    assert options.conda_prefixes == (tmp_path / "c",)
    assert options.exclude == ("libx.so", f"{tmp_path}/build/libx.so*", "*/y")


def test_the_environment_variable_is_split_as_glibc_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert split_library_path("/a:b;/c") == (Path("/a"), tmp_path / "b", Path("/c"))
    assert split_library_path("/a:") == (Path("/a"), tmp_path)
    assert split_library_path("") == ()


@pytest.mark.parametrize(
    ("entry", "stays"),
    [
        ("$ORIGIN", True),
        ("${ORIGIN}/libs", True),
        ("$ORIGIN/../../other/lib", True),
        ("$ORIGIN/./..//..", True),
        ("$ORIGIN/../../..", False),
        ("$ORIGIN/../../../back/again", False),
        ("/opt/lib", False),
        ("libs", False),
        ("$LIB/x", False),
    ],
)
def test_an_entry_stays_installed_below_its_own_scheme(entry: str, *, stays: bool) -> None:
    place = InstalledPath(Scheme.PLATLIB, PurePosixPath("pkg/sub/mod.so"))
    assert stays_installed(entry, place) is stays
