"""From a macOS wheel to all that is known of its machine code, on linked files and real ones built by hand."""

from __future__ import annotations

import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from support.fixtures import mac_family, mac_odd, unrepaired_mac_wheel
from support.macho_bytes import BUNDLE, EXECUTE, Macho, build_version, defined, dylib, linked
from support.wheels import build_wheel
from truewheel.analyzer.graph import Outcome, SearchRule
from truewheel.analyzer.macho.analyze import analyze_macho
from truewheel.analyzer.search_options import SearchOptions
from truewheel.archive.layout import InstalledPath, Scheme
from truewheel.archive.reader import WheelReader
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truewheel.analyzer.macho.analysis import MachoAnalysis

_WHEEL_ONLY = SearchOptions(system=False)
_PLATLIB = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp310-abi3-macosx_11_0_arm64\n\n"
_NAME = "foo-1.0-cp310-abi3-macosx_11_0_arm64.whl"


def _analyze(path: Path, search: SearchOptions | None = None, *include: str, jobs: int = 1) -> MachoAnalysis:
    with WheelReader.open(path) as reader:
        return analyze_macho(reader, search, include=include, jobs=jobs)


def _wheel(folder: Path, files: Mapping[str, bytes]) -> Path:
    return build_wheel(folder, {**files, "foo-1.0.dist-info/WHEEL": _PLATLIB}, filename=_NAME)


def _ends(found: MachoAnalysis, name: str) -> list[tuple[str, str | None, SearchRule | None]]:
    """Return what the names of a file ended at, but for the system's."""
    edges = found.graph.edges[name]
    return [
        (edge.architecture, edge.lookup.found, edge.lookup.rule)
        for edge in edges
        if edge.lookup.rule is not SearchRule.SYSTEM
    ]


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("folder", ["arm64", "x86_64"])
def test_a_wheel_and_its_libraries_below_a_sysroot(folder: str, jobs: int, tmp_path: Path) -> None:
    family = mac_family(folder)  # type: ignore[arg-type] # the literals above
    lib = tmp_path / "opt/hello/lib"
    lib.mkdir(parents=True)
    for each in (family.greet, family.tone):
        shutil.copy(each, lib)
    options = SearchOptions(sysroot=tmp_path, lib_paths=(lib,))
    found = _analyze(unrepaired_mac_wheel(folder), options, jobs=jobs)  # type: ignore[arg-type] # as above
    greet, tone = str(lib / "libgreet.1.dylib"), str(lib / "libtone.2.dylib")
    assert list(found.graph.nodes) == ["hello/_hello.abi3.so", greet, tone]
    assert (found.entries, found.modules) == (("hello/_hello.abi3.so",), ("hello/_hello.abi3.so",))
    assert _ends(found, "hello/_hello.abi3.so") == [(folder, greet, SearchRule.LIB_PATH)]
    assert _ends(found, greet) == [(folder, tone, SearchRule.LIB_PATH)]
    assert found.installed == {
        "hello/_hello.abi3.so": InstalledPath(Scheme.PLATLIB, PurePosixPath("hello/_hello.abi3.so"))
    }
    assert (found.ignored, found.unrecorded, found.unused_excludes, found.included) == ((), (), (), ())


def test_a_fat_wheel_tells_what_each_slice_tried(tmp_path: Path) -> None:
    lib = tmp_path / "opt/hello/lib"
    lib.mkdir(parents=True)
    shutil.copy(mac_family("x86_64").greet, lib)
    shutil.copy(mac_family("universal2").tone, lib)
    found = _analyze(unrepaired_mac_wheel("universal2"), SearchOptions(sysroot=tmp_path, fallback_path=(lib,)))
    module = "hello/_hello.abi3.so"
    greet = str(lib / "libgreet.1.dylib")
    assert {arch: end for arch, end, _ in _ends(found, module)} == {"x86_64": greet, "arm64": None}
    assert _ends(found, greet) == [("x86_64", str(lib / "libtone.2.dylib"), SearchRule.LC_RPATH)]
    (missing,) = found.graph.missing()
    assert missing.lookup.attempts[0] == (greet, SearchRule.PATH, Outcome.OTHER_ARCHITECTURE)


def test_a_chain_that_only_the_loader_knows(tmp_path: Path) -> None:
    names = ("_hello.abi3.so", "deep/libmiddle.dylib", "deeper/liblow.dylib")
    wheel = _wheel(tmp_path, {f"pkg/{name}": mac_odd(f"chain/{name}").read_bytes() for name in names})
    found = _analyze(wheel, _WHEEL_ONLY)
    assert _ends(found, "pkg/deep/libmiddle.dylib") == [("x86_64", "pkg/deeper/liblow.dylib", SearchRule.LC_RPATH)]
    assert list(found.graph.missing()) == []


@pytest.mark.parametrize("name", ["needs-libpython.so", "needs-framework-python.so"])
def test_the_interpreter_is_known_by_its_name(name: str, tmp_path: Path) -> None:
    found = _analyze(_wheel(tmp_path, {"pkg/mod.so": mac_odd(name).read_bytes()}), _WHEEL_ONLY)
    assert (None, SearchRule.INTERPRETER) in [end[1:] for end in _ends(found, "pkg/mod.so")]
    assert [edge.dependency.name for edge in found.graph.missing()] == ["/opt/hello/lib/libgreet.1.dylib"]


def test_a_weak_library_that_is_absent_is_no_error(tmp_path: Path) -> None:
    found = _analyze(_wheel(tmp_path, {"pkg/mod.so": mac_odd("weak.so").read_bytes()}), _WHEEL_ONLY)
    assert [end[1:] for end in _ends(found, "pkg/mod.so")] == [(None, None)] * 2
    assert [edge.dependency.name for edge in found.graph.missing()] == ["/opt/hello/lib/libgreet.1.dylib"]


def test_a_framework_beside_its_module(tmp_path: Path) -> None:
    path = "frameworks/Tone.framework/Versions/A/Tone"
    files = {"pkg/mod.so": mac_odd("needs-framework.so").read_bytes(), f"pkg/{path}": mac_odd(path).read_bytes()}
    found = _analyze(_wheel(tmp_path, files), _WHEEL_ONLY)
    assert [end[1:] for end in _ends(found, "pkg/mod.so")] == [(f"pkg/{path}", SearchRule.LC_RPATH)]


def test_two_libraries_of_one_name_are_two_nodes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / "opt" / folder / "lib").mkdir(parents=True)
        shutil.copy(mac_odd(f"same-name/{folder}/libn.dylib"), tmp_path / "opt" / folder / "lib")
    wheel = _wheel(tmp_path, {"pkg/mod.so": mac_odd("same-name/needs-both.so").read_bytes()})
    found = _analyze(wheel, SearchOptions(sysroot=tmp_path))
    assert [end[1] for end in _ends(found, "pkg/mod.so")] == [
        str(tmp_path / "opt/a/lib/libn.dylib"),
        str(tmp_path / "opt/b/lib/libn.dylib"),
    ]


def test_one_library_under_two_names_is_one_node(tmp_path: Path) -> None:
    lib = tmp_path / "opt/hello/lib"
    lib.mkdir(parents=True)
    shutil.copy(mac_odd("libg.1.dylib"), lib)
    (lib / "libg.dylib").symlink_to("libg.1.dylib")
    found = _analyze(
        _wheel(tmp_path, {"pkg/mod.so": mac_odd("two-names.so").read_bytes()}), SearchOptions(sysroot=tmp_path)
    )
    assert [end[1] for end in _ends(found, "pkg/mod.so")] == [str(lib / "libg.1.dylib")] * 2
    assert [node.name for node in found.graph.externals()] == [str(lib / "libg.1.dylib")]


def test_an_iphone_library_is_not_for_a_mac(tmp_path: Path) -> None:
    module = linked("arm64", None, dylib("@loader_path/ios.dylib")).build()
    wheel = _wheel(tmp_path, {"pkg/mod.so": module, "pkg/ios.dylib": mac_odd("ios.dylib").read_bytes()})
    found = _analyze(wheel, _WHEEL_ONLY)
    assert [each.outcome for edge in found.graph.missing() for each in edge.lookup.attempts] == [Outcome.OTHER_PLATFORM]


def test_what_is_an_extension_module(tmp_path: Path) -> None:
    init = [defined("PyInit_zig")]
    module_as_library = Macho(commands=[build_version(1, "11.0")], symbols=init).build()
    plain_library = Macho(commands=[build_version(1, "11.0")], symbols=[defined("other")]).build()
    bundle = linked("arm64", None).build()
    program = Macho(file_type=EXECUTE, commands=[build_version(1, "11.0")], symbols=init).build()
    files = {
        "pkg/zig.abi3.so": module_as_library,
        "pkg/zig.dylib": module_as_library,
        "pkg/lib.so": plain_library,
        "pkg/_b.cpython-312-darwin.so": bundle,
        "pkg/not-importable.so": bundle,
        "pkg/plugin.bundle": bundle,
        "pkg/program.so": program,
        "foo-1.0.data/platlib/top.so": bundle,
        "foo-1.0.data/scripts/tool.so": bundle,
        "foo-1.0.data/nowhere.so": bundle,
    }
    found = _analyze(_wheel(tmp_path, files), _WHEEL_ONLY)
    assert found.modules == ("pkg/zig.abi3.so", "pkg/_b.cpython-312-darwin.so", "foo-1.0.data/platlib/top.so")
    assert found.entries == tuple(files)
    assert found.installed["foo-1.0.data/platlib/top.so"] == InstalledPath(Scheme.PLATLIB, PurePosixPath("top.so"))
    assert "foo-1.0.data/nowhere.so" not in found.installed


def test_what_dyld_never_maps_is_told_and_left_out(tmp_path: Path) -> None:
    files = {
        "pkg/x.a": mac_odd("archive.a").read_bytes(),
        "pkg/x.o": mac_odd("object.o").read_bytes(),
        "pkg/_m.so": Macho(file_type=BUNDLE, commands=[build_version(1, "11.0")]).build(),
    }
    found = _analyze(_wheel(tmp_path, files))
    assert [name for name, _ in found.ignored] == ["pkg/x.a", "pkg/x.o"]
    assert list(found.graph.nodes) == ["pkg/_m.so"]


def test_members_that_record_does_not_list_are_told(tmp_path: Path) -> None:
    files = {"pkg/_m.so": linked("arm64", None).build(), "foo-1.0.dist-info/RECORD": b"foo-1.0.dist-info/RECORD,,\n"}
    assert _analyze(_wheel(tmp_path, files)).unrecorded == ("pkg/_m.so",)


def test_a_library_may_be_included_and_a_pattern_left_unused() -> None:
    tone = mac_family("arm64").tone
    options = SearchOptions(exclude=("libunknown*",), system=False)
    found = _analyze(unrepaired_mac_wheel("arm64"), options, str(tone))
    assert found.included == (str(tone),)
    assert found.unused_excludes == ("libunknown*",)
    assert str(tone) in found.graph.nodes


def test_a_damaged_member_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidBinaryError, match=r"pkg/_m\.so"):
        _analyze(_wheel(tmp_path, {"pkg/_m.so": linked("arm64", None).build()[:200]}))
