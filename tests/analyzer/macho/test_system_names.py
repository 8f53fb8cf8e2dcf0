"""Names that mean something by themselves on macOS."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truewheel.analyzer.macho.system_names import (
    firmlink_target,
    framework_path,
    is_interpreter,
    is_swift,
    is_system,
    leaf,
    name_stems,
    searched_name,
)


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/libSystem.B.dylib",
        "/usr/lib/swift/libswiftCore.dylib",
        "/usr/lib/system/libsystem_c.dylib",
        "/usr//lib/libz.1.dylib",
        "/System/Library/Frameworks/CoreFoundation.framework/Versions/A/CoreFoundation",
        "/System/iOSSupport/usr/lib/libx.dylib",
        "/System/Volumes/Data/usr/lib/libz.dylib",
        "/System/Volumes/Database/libx.dylib",
        "/usr/lib/a/../libz.1.dylib",
    ],
)
def test_what_lies_in_the_systems_own_folders_is_the_systems(path: str) -> None:
    assert is_system(path)


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib64/libz.1.dylib",
        "/usr/libexec/libz.dylib",
        "/usr/lib",
        "/usr/local/lib/libz.dylib",
        "/SystemFoo/libz.dylib",
        "/System/Volumes/Data/Users/me/lib/libz.dylib",
        "/System/Volumes/Data/opt/homebrew/lib/libz.dylib",
        "/System/Volumes/Data/System2/libz.dylib",
        "/usr/lib/../local/lib/libz.dylib",
        "/Library/Frameworks/Foo.framework/Foo",
        "/opt/usr/lib/libz.dylib",
        "usr/lib/libz.dylib",
        "@rpath/usr/lib/libz.dylib",
        "libz.dylib",
        "",
    ],
)
def test_look_alikes_are_not(path: str) -> None:
    assert not is_system(path)


def test_the_data_volume_is_another_way_to_the_root() -> None:
    assert firmlink_target("/System/Volumes/Data/opt/lib/libx.dylib") == "/opt/lib/libx.dylib"
    assert firmlink_target("/System/Volumes/Database/libx.dylib") == "/System/Volumes/Database/libx.dylib"
    assert firmlink_target("/opt/lib/libx.dylib") == "/opt/lib/libx.dylib"
    assert firmlink_target("@rpath/libx.dylib") == "@rpath/libx.dylib"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("@rpath/libswiftCore.dylib", True),
        ("@rpath/libswift_Concurrency.dylib", True),
        ("@rpath/libswift.dylib", False),
        ("@rpath/libswiftCore.1.dylib", False),
        ("@rpath/deep/libswiftCore.dylib", False),
        ("@loader_path/libswiftCore.dylib", False),
        ("libswiftCore.dylib", False),
    ],
)
def test_swifts_own_libraries(name: str, expected: bool) -> None:  # noqa: FBT001 - a table of answers
    assert is_swift(name) is expected


@pytest.mark.parametrize(
    "name",
    [
        "@rpath/libpython3.11.dylib",
        "/opt/homebrew/lib/libpython3.13t.dylib",
        "libpython3.13td.dylib",
        "libpython2.7.dylib",
        "libpython3.dylib",
        "@rpath/libpypy3.11-c.dylib",
        "libpypy-c.dylib",
        "/Library/Frameworks/Python.framework/Versions/3.13/Python",
        "/Library/Frameworks/PythonT.framework/Versions/3.13/PythonT",
        "@rpath/Python3.framework/Versions/3.9/Python3",
        "@rpath/Python.framework/Python",
        "Python.framework/Versions/3.13/Python",
        "/System/Library/Frameworks/Python.framework/Versions/2.7/Python",
        "/opt/homebrew/opt/python@3.13/Frameworks/Python.framework/Versions/3.13/Python",
        "/Library/Frameworks/Python.framework/Versions/3.9/lib/libpython3.9.dylib",
    ],
)
def test_names_of_the_interpreter(name: str) -> None:
    assert is_interpreter(name)


@pytest.mark.parametrize(
    "name",
    [
        "libboost_python311.dylib",
        "libpythonic.dylib",
        "libtorch_python.dylib",
        "libpython3.11.so.1.0",
        "MyPython.framework/Versions/A/MyPython",
        "/Library/Frameworks/Python.framework/Versions/3.13/lib/libssl.dylib",
        "/Library/Frameworks/Python.framework/Versions/3.13/Python3",
        "Python",
    ],
)
def test_names_that_only_look_like_it(name: str) -> None:
    assert not is_interpreter(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/path/Foo.framework/Foo", "Foo.framework/Foo"),
        ("@rpath/Foo.framework/Versions/A/Foo", "Foo.framework/Versions/A/Foo"),
        ("Foo.framework/Foo", "Foo.framework/Foo"),
        ("/path/Foo.framework/Frameworks/Bar.framework/Bar", "Bar.framework/Bar"),
        ("/path/Foo.framework/Libraries/bar.dylib", None),
        ("/path/Foo.framework/bar", None),
        ("/path/Foo.framework", None),
        ("libfoo.dylib", None),
    ],
)
def test_the_part_of_a_framework_that_is_searched_for(name: str, expected: str | None) -> None:
    assert framework_path(name) == expected
    assert searched_name(name) == (expected or leaf(name))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "/opt/lib/libfoo.1.2.dylib",
            ("/opt/lib/libfoo.1.2.dylib", "libfoo.1.2.dylib", "libfoo.dylib", "libfoo"),
        ),
        ("libncurses.B.dylib", ("libncurses.B.dylib", "libncurses.dylib", "libncurses")),
        ("libfoo.dylib", ("libfoo.dylib", "libfoo")),
        ("libfoo-2.1.dylib", ("libfoo-2.1.dylib", "libfoo-2.dylib", "libfoo-2")),
        ("libfoo.dev.dylib", ("libfoo.dev.dylib", "libfoo.dev")),
        ("@rpath/foo.so", ("@rpath/foo.so", "foo.so")),
        (".1.dylib", (".1.dylib", ".1")),
        (
            "@rpath/Q.framework/Versions/A/Q",
            ("@rpath/Q.framework/Versions/A/Q", "Q.framework/Versions/A/Q", "Q.framework", "Q"),
        ),
    ],
)
def test_the_names_that_a_person_may_mean(name: str, expected: tuple[str, ...]) -> None:
    assert name_stems(name) == expected


def test_a_very_long_name_costs_no_time() -> None:
    name = "x" + ".1" * 500_000 + ".dylib"
    assert name_stems(name)[-1] == "x"
    assert name_stems("x" + ".1" * 500_000 + ".y.dylib")[-1].endswith(".1.y")
    assert not is_interpreter("libpypy" + "-" * 500_000)
    assert framework_path(".framework/" * 50_000) is None


@given(st.text(alphabet="/.ab@", max_size=20))
def test_any_name_has_its_last_part_and_itself_among_its_stems(name: str) -> None:
    stems = name_stems(name)
    assert stems[0] == name
    assert leaf(name) in stems
    assert len(set(stems)) == len(stems)
