"""What a check says of machine code: tags it contradicts, libraries it lacks, where it looks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.checks import findings, messages, rules, wheel
from support.elf_bytes import NEEDED, SONAME, Elf
from support.fixtures import family, mac_odd, odd
from support.mac_pairs import code, lib, program
from support.macho_bytes import BUNDLE, DYLIB, ID_DYLIB, Macho, build_version, dylib, fat, rpath, undefined, version_min
from support.retags import planned
from truewheel.check.findings import Severity

if TYPE_CHECKING:
    from pathlib import Path

HERE = "@loader_path/.dylibs/"
VERSION_MIN = 0x24


def old(arch: str, minimum: str, *needs: str, name: str = "", kind: int = BUNDLE) -> Macho:
    """Return a slice for an old macOS, as linkers of its time wrote it."""
    commands = [dylib(name, ID_DYLIB)] if name else []
    commands += [version_min(VERSION_MIN, minimum), *map(dylib, needs)]
    return Macho(arch, kind, commands=commands)


def test_libraries_that_need_a_newer_macos_than_the_tag_says(tmp_path: Path) -> None:
    needs = f"{HERE}libgcc_s.1.dylib"
    module = fat([old("i386", "10.6", needs), old("x86_64", "10.6", needs)])
    gcc = fat([old(arch, "10.9", name="libgcc_s", kind=DYLIB) for arch in ("i386", "x86_64")])
    files = {"foo/_foo.so": module, "foo/.dylibs/libgcc_s.1.dylib": gcc}
    path = wheel(tmp_path, "cp27-none-macosx_10_6_intel.macosx_10_9_intel.macosx_10_9_x86_64", files)
    (finding,) = findings(path)
    assert finding.rule == "untrue-tag"
    assert finding.member == "foo/.dylibs/libgcc_s.1.dylib"
    assert finding.message == (
        "macosx_10_6_intel is not true: foo/.dylibs/libgcc_s.1.dylib needs macOS 10.9 in its i386 slice; "
        "needs macOS 10.9 in its x86_64 slice"
    )
    assert finding.fix == "macosx_10_9_intel is true: truewheel retag --platform-tag auto"


def test_a_slice_that_is_not_there(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3-none-macosx_11_0_universal2", {"foo/tool": program("arm64")})
    assert messages(path, "untrue-tag") == [
        "macosx_11_0_universal2 is not true: foo/tool has no x86_64 slice, only arm64"
    ]


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ("manylinux_2_28_aarch64", "manylinux_2_28_aarch64 is not true: the wheel is machine code for x86_64"),
        ("any", "any is not true: the wheel holds machine code"),
        ("win_amd64", "win_amd64 is not true: the wheel holds machine code of Linux, not of Windows"),
        (
            "manylinux2014_aarch64.manylinux_2_17_aarch64",
            "none of its platform tags is true: the wheel is machine code",
        ),
        ("any.linux_aarch64.linux_x86_64", "any is not true: "),
        (
            "manylinux2014_i686.manylinux_2_17_i686.linux_x86_64",
            "manylinux2014_i686, manylinux_2_17_i686 are not true: ",
        ),
    ],
)
def test_tags_of_other_systems_and_architectures(tmp_path: Path, tags: str, said: str) -> None:
    path = wheel(tmp_path, f"py3-none-{tags}", {"foo/tool": odd("static")}, purelib=False)
    assert messages(path, "untrue-tag")[0].startswith(said)


def test_symbols_that_are_newer_than_the_tag(tmp_path: Path) -> None:
    path = wheel(tmp_path, "cp310-cp310-manylinux_2_17_x86_64", {"foo/_foo.so": odd("glibc-2.38.so")})
    (finding,) = findings(path, "untrue-tag")
    assert finding.member == "foo/_foo.so"
    assert "GLIBC_2.38" in finding.message
    assert finding.fix.startswith("manylinux_2_38_x86_64 is true")


def test_true_tags_and_tags_that_cannot_be_judged(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64", {"foo/tool": odd("static")})
    assert rules(path) == []
    assert rules(wheel(tmp_path, "py3-none-freebsd_13_x86_64", {"foo/tool": odd("static")}), index="none") == []


def test_libraries_that_are_nowhere(tmp_path: Path) -> None:
    files = {"foo/_foo.abi3.so": family("x86_64").extension}
    (finding,) = findings(wheel(tmp_path, "cp310-abi3-manylinux_2_17_x86_64", files))
    assert (finding.rule, finding.severity) == ("missing-library", Severity.ERROR)
    assert finding.message == "foo/_foo.abi3.so needs libgreet.so.1, which was not found"
    (plain,) = findings(wheel(tmp_path, "cp310-abi3-linux_x86_64", files), index="none")
    assert (plain.rule, plain.severity) == ("missing-library", Severity.WARNING)


def test_many_libraries_that_are_nowhere_are_told_in_one_sentence(tmp_path: Path) -> None:
    names = [f"@rpath/lib{letter}.dylib" for letter in "abcdef"]
    path = wheel(tmp_path, "cp310-abi3-macosx_11_0_arm64", {"foo/_foo.abi3.so": code("arm64", *names)})
    (message,) = messages(path, "missing-library")
    shown = ", ".join(f"@rpath/lib{letter}.dylib" for letter in "abcde")
    assert message == f"foo/_foo.abi3.so needs {shown} and 1 more, none of which was found"
    assert findings(path, "untrue-tag") == ()


def test_a_library_in_the_wheel_where_no_path_leads(tmp_path: Path) -> None:
    files = {"foo/_foo.abi3.so": family("x86_64").extension, "foo/libs/libgreet.so.1": family("x86_64").greet}
    files["foo/libs/libtone.so.2"] = family("x86_64").tone
    (first, *_) = findings(wheel(tmp_path, "cp310-abi3-manylinux_2_17_x86_64", files), "missing-library")
    assert "where no path leads" in first.message or "no path" in first.message


def test_libpython(tmp_path: Path) -> None:
    path = wheel(tmp_path, "cp310-abi3-manylinux_2_17_x86_64", {"foo/_foo.abi3.so": odd("needs-libpython.so")})
    (finding,) = findings(path, "libpython")
    assert "libpython" in finding.message


def test_a_slice_that_lost_a_library(tmp_path: Path) -> None:
    module = fat([old("i386", "10.6"), old("x86_64", "10.6", f"{HERE}libpq.5.dylib")])
    pq = old("x86_64", "10.6", name="libpq", kind=DYLIB).build()
    path = wheel(tmp_path, "cp27-cp27m-macosx_10_6_intel", {"foo/_foo.so": module, "foo/.dylibs/libpq.5.dylib": pq})
    (finding,) = findings(path)
    assert (finding.rule, finding.severity) == ("lost-library", Severity.WARNING)
    assert finding.message.startswith(
        "the i386 slice of foo/_foo.so needs no library of the wheel, but its x86_64 slice"
    )
    assert planned(path, platform_tag=("auto",)).notices == (finding.message,)
    assert planned(path, platform_tag=("macosx_10_9_x86_64.macosx_10_10_x86_64",)).notices == ()


def test_damaged_machine_code(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3-none-manylinux2014_x86_64", {"foo/tool": odd("static").read_bytes()[:300]})
    (finding,) = findings(path)
    assert (finding.rule, finding.member) == ("damaged-code", "foo/tool")
    broken = wheel(tmp_path, "py3-none-macosx_11_0_arm64", {"foo/tool": program("arm64")[:200]})
    assert rules(broken) == ["damaged-code"]


def test_search_paths_that_lead_out(tmp_path: Path) -> None:
    inside = odd("rpath.so").read_bytes()
    outside = inside.replace(b"$ORIGIN/libs", b"/home/x/libs")
    sound = wheel(tmp_path, "cp310-abi3-manylinux_2_17_x86_64", {"foo/_foo.abi3.so": inside})
    assert findings(sound, "search-path") == ()
    path = wheel(tmp_path, "cp310-abi3-manylinux_2_17_x86_64", {"foo/_foo.abi3.so": outside})
    assert [finding.severity for finding in findings(path, "search-path")] == [Severity.WARNING]
    mac = wheel(tmp_path, "py3-none-macosx_11_0_arm64", {"foo/lib.dylib": mac_odd("build-rpath.dylib")})
    assert len(messages(mac, "search-path")) >= 1


def test_an_lc_rpath_that_stands_twice(tmp_path: Path) -> None:
    entries = (rpath("@loader_path"), rpath("@loader_path/a"), rpath("@loader_path"))
    named = "the LC_RPATH @loader_path stands twice, for which macOS 15.4 and later refuses"
    loaded = (Severity.WARNING, f"{named} files that are linked with the SDK of macOS 15 or later")
    refused = (Severity.ERROR, f"{named} to load the file")
    for sdk, wanted in (("14.5", loaded), ("15.0", refused), ("26.1", refused)):
        twice = Macho("arm64", commands=[build_version(1, "11.0", sdk), *entries]).build()
        path = wheel(tmp_path, "py3-none-macosx_11_0_arm64", {"foo/l.dylib": twice})
        assert [(found.severity, found.message) for found in findings(path, "repeated-rpath")] == [wanted]
    untold = wheel(
        tmp_path, "py3-none-macosx_11_0_arm64", {"foo/l.dylib": Macho("arm64", commands=list(entries)).build()}
    )
    assert [(found.severity, found.message) for found in findings(untold, "repeated-rpath")] == [loaded]
    each_once = fat(
        [Macho(arch, commands=[build_version(1, "11.0"), rpath("@loader_path")]) for arch in ("arm64", "x86_64")]
    )
    assert (
        messages(wheel(tmp_path, "py3-none-macosx_11_0_universal2", {"foo/l.dylib": each_once}), "repeated-rpath") == []
    )


def test_two_copies_of_a_runtime(tmp_path: Path) -> None:
    files = {f"foo.libs/libgomp-{number}.so.1": library(f"libgomp-{number}.so.1") for number in "12"}
    (finding,) = findings(wheel(tmp_path, "py3-none-manylinux_2_17_x86_64", files), "repeated-runtime")
    copies = "foo.libs/libgomp-1.so.1, foo.libs/libgomp-2.so.1"
    assert finding.message == f"one process may hold 2 copies of the OpenMP runtime: {copies}"
    assert finding.member == "foo.libs/libgomp-1.so.1"
    omp = {"foo/_a.abi3.so": code("arm64", f"{HERE}libomp.dylib", f"{HERE}libiomp5.dylib")}
    omp |= {f"foo/.dylibs/{name}": lib("arm64", name=name) for name in ("libomp.dylib", "libiomp5.dylib")}
    assert len(messages(wheel(tmp_path, "cp310-abi3-macosx_11_0_arm64", omp), "repeated-runtime")) == 1
    del omp["foo/.dylibs/libiomp5.dylib"]
    omp["foo/_a.abi3.so"] = code("arm64", f"{HERE}libomp.dylib")
    assert messages(wheel(tmp_path, "cp310-abi3-macosx_11_0_arm64", omp), "repeated-runtime") == []


def library(soname: str, *needs: str) -> bytes:
    """Return a library for Linux."""
    return Elf(named=[(SONAME, soname), *((NEEDED, name) for name in needs)]).build().data


@pytest.mark.parametrize(
    ("files", "copies"),
    [
        # ld.so takes libraries of one soname for one, and a needed name for any of that soname.
        ({"libgomp.so.1": library("libgomp.so.1"), "libgomp.so.1.0.0": library("libgomp.so.1")}, ""),
        ({"libgomp.so.1.0.0": library("libgomp.so.1"), "b.so": library("b.so", "libgomp.so.1")}, ""),
        ({"libgomp-1.so.1": library("libgomp-1.so.1"), "b.so": library("b.so", "libgomp.so.1")}, "libgomp.so.1"),
        ({"libiomp5.so": library("libiomp5.so"), "b.so": library("b.so", "libgomp.so.1")}, "libgomp.so.1"),
        ({"a.so": library("a.so", "libgomp.so.1"), "b.so": library("b.so", "libgomp.so.1")}, ""),
        ({"libgomp-1.so.1": library("libgomp-1.so.1"), "libgomp_plugin.so": library("libgomp_plugin.so")}, ""),
    ],
)
def test_a_runtime_is_what_ld_so_takes_for_one_library(tmp_path: Path, files: dict[str, bytes], copies: str) -> None:
    inside = {f"foo.libs/{name}": content for name, content in files.items()}
    told = messages(wheel(tmp_path, "py3-none-manylinux_2_17_x86_64", inside), "repeated-runtime")
    first = f"foo.libs/{next(iter(files))}"
    assert told == ([f"one process may hold 2 copies of the OpenMP runtime: {first}, {copies}"] if copies else [])


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("macosx_10_6_intel", []),
        ("macosx_10_9_x86_64", ["foo/_foo.so is linked to Apple's libstdc++ in its x86_64 slice, "]),
        ("macosx_10_9_intel", ["foo/_foo.so is linked to Apple's libstdc++ in its i386 and x86_64 slice, "]),
        ("macosx_10_6_intel.macosx_10_9_intel", []),
    ],
)
def test_the_old_cxx_runtime(tmp_path: Path, tag: str, said: list[str]) -> None:
    module = fat([old(arch, "10.6", "/usr/lib/libstdc++.6.dylib") for arch in ("i386", "x86_64")])
    found = messages(wheel(tmp_path, f"cp27-none-{tag}", {"foo/_foo.so": module}), "old-cxx-runtime")
    assert [message.partition("which")[0] for message in found] == said


def test_a_slice_that_asks_for_a_newer_system_than_its_tags_belongs_to_that(tmp_path: Path) -> None:
    """scikit-learn 0.16.1: called 10_6_intel, built for 10.9, and linked to the runtime from before."""
    slices = [old("i386", "10.6", "/usr/lib/libstdc++.6.dylib"), old("x86_64", "10.9", "/usr/lib/libstdc++.6.dylib")]
    (message,) = messages(
        wheel(tmp_path, "cp27-none-macosx_10_6_intel", {"foo/_foo.so": fat(slices)}), "old-cxx-runtime"
    )
    assert message.startswith("foo/_foo.so is linked to Apple's libstdc++ in its x86_64 slice, which")


def test_names_of_modules_against_the_tags(tmp_path: Path) -> None:
    module = {"foo/_foo.cpython-311-darwin.so": code("arm64")}
    assert rules(wheel(tmp_path, "cp311-cp311-macosx_11_0_arm64", module), ignore=("signature",)) == []
    (finding,) = findings(wheel(tmp_path, "cp312-cp312-macosx_11_0_arm64", module), "module-name")
    assert finding.severity is Severity.ERROR
    assert finding.message.startswith("cp312-cp312: foo/_foo.cpython-311-darwin.so is for CPython 3.11 alone")
    (finding,) = findings(wheel(tmp_path, "py3-none-macosx_11_0_arm64", module), "module-name")
    assert finding.severity is Severity.WARNING
    assert len(findings(wheel(tmp_path, "cp310.cp311-abi3-macosx_11_0_arm64", module), "module-name")) >= 1
    threaded = {"foo/_foo.abi3.so": code("arm64")}
    (message,) = messages(wheel(tmp_path, "cp315-abi3.abi3t-macosx_11_0_arm64", threaded), "module-name")
    assert message.startswith("cp315-abi3t: ")


@pytest.mark.parametrize(
    ("abi", "width", "wrong"),
    [("cp27m", 2, False), ("cp27mu", 4, False), ("cp27m", 4, True), ("cp27mu", 2, True), ("cp27m.cp27mu", 2, True)],
)
def test_unicode_builds_of_python_2_on_macos(tmp_path: Path, abi: str, width: int, wrong: bool) -> None:  # noqa: FBT001
    symbols = [undefined(f"PyUnicodeUCS{width}_FromString"), undefined("PyList_New")]
    module = Macho("x86_64", BUNDLE, commands=[version_min(VERSION_MIN, "10.6")], symbols=symbols).build()
    found = messages(wheel(tmp_path, f"cp27-{abi}-macosx_10_6_x86_64", {"foo/_foo.so": module}), "ucs")
    needs = f"foo/_foo.so needs a Python with UCS-{width} strings, which the ABI tag {abi} does not promise"
    assert found == [needs] * wrong


def test_unicode_builds_of_python_2_on_linux(tmp_path: Path) -> None:
    files = {"foo/_foo.so": odd("python2-ucs2.so")}
    assert len(messages(wheel(tmp_path, "cp27-cp27mu-manylinux1_x86_64", files), "ucs")) == 1
    assert messages(wheel(tmp_path, "cp27-cp27m-manylinux1_x86_64", files), "ucs") == []
