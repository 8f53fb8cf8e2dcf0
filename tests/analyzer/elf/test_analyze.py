from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.elf_bytes import NEEDED, Elf, Sym
from support.fixtures import family, odd, unrepaired_musl_wheel, unrepaired_wheel
from support.wheels import build_wheel
from truewheel.analyzer.elf.analyze import analyze
from truewheel.analyzer.elf.image import Libc
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.search_options import SearchOptions
from truewheel.archive.layout import Scheme
from truewheel.archive.reader import WheelReader
from truewheel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truewheel.analyzer.elf.analyze import Analysis

_FAMILY = family("x86_64")
_WHEEL_ONLY = SearchOptions(system=False)
_PLATLIB = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp310-abi3-linux_x86_64\n\n"


def _analyze(path: Path, search: SearchOptions | None = None, *include: str, jobs: int = 1) -> Analysis:
    with WheelReader.open(path) as reader:
        return analyze(reader, search, include=include, jobs=jobs)


def _wheel(folder: Path, files: Mapping[str, bytes]) -> Path:
    name = "foo-1.0-cp310-abi3-linux_x86_64.whl"
    return build_wheel(folder, {**files, "foo-1.0.dist-info/WHEEL": _PLATLIB}, filename=name)


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_wheel_beside_its_libraries(jobs: int) -> None:
    options = SearchOptions(lib_paths=(_FAMILY.folder,), sysroot=_FAMILY.folder)
    found = _analyze(unrepaired_wheel("x86_64"), options, jobs=jobs)
    assert (str(found.name), found.architecture, found.libc) == (
        "hello-1.0-cp310-abi3-linux_x86_64.whl",
        "x86_64",
        Libc.GLIBC,
    )
    assert list(found.graph.nodes) == ["hello/_hello.abi3.so", str(_FAMILY.greet), str(_FAMILY.tone)]
    assert {edge.dependency.name for edge in found.graph.missing()} == {"libc.so.6"}
    assert (found.ignored, found.unrecorded, found.unused_excludes, found.included) == ((), (), (), ())


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_a_wheel_of_any_architecture_is_analyzed_anywhere(architecture: str) -> None:
    found = _analyze(unrepaired_wheel(architecture), SearchOptions(lib_paths=(family(architecture).folder,)))  # type: ignore[arg-type] # the literals above
    assert found.architecture == architecture
    assert min(node.name for node in found.graph.externals()).endswith(("libgreet.so.1", "libc.so.6"))


def test_a_musl_wheel_needs_no_libc_file() -> None:
    folder = family("musl-x86_64").folder
    found = _analyze(unrepaired_musl_wheel(), SearchOptions(lib_paths=(folder,), sysroot=folder))
    assert found.libc is Libc.MUSL
    assert not list(found.graph.missing())
    assert SearchRule.LOADER in {edge.lookup.rule for edge in found.graph.all_edges()}


def test_paths_count_between_installed_places(tmp_path: Path) -> None:
    files = {
        "foo-1.0.data/platlib/foo/mod.so": odd("rpath.so").read_bytes(),
        "foo/libs/libgreet.so.1": _FAMILY.greet.read_bytes(),
        "foo-1.0.data/scripts/libs/libtone.so.2": _FAMILY.tone.read_bytes(),
        "foo-1.0.data/strange/lib.so": _FAMILY.tone.read_bytes(),
    }
    with pytest.MonkeyPatch.context():
        found = _analyze(_wheel(tmp_path, files), _WHEEL_ONLY)
    edge = found.graph.edges["foo-1.0.data/platlib/foo/mod.so"][0]
    assert (edge.lookup.found, edge.lookup.rule) == ("foo/libs/libgreet.so.1", SearchRule.RPATH)
    assert edge.lookup.attempts[0].place == "wheel:platlib/foo/libs/libgreet.so.1"
    tone = found.graph.edges["foo/libs/libgreet.so.1"][0]
    assert (tone.lookup.found, tone.lookup.rule) == ("foo-1.0.data/scripts/libs/libtone.so.2", SearchRule.IN_WHEEL)
    assert found.installed["foo-1.0.data/platlib/foo/mod.so"].scheme is Scheme.PLATLIB
    assert "foo-1.0.data/strange/lib.so" not in found.installed


def test_a_root_that_goes_to_purelib_is_not_platlib(tmp_path: Path) -> None:
    path = build_wheel(tmp_path, {"foo/mod.so": _FAMILY.tone.read_bytes()})
    assert _analyze(path, _WHEEL_ONLY).installed["foo/mod.so"].scheme is Scheme.PURELIB


def test_mixed_architectures_and_libcs_are_none(tmp_path: Path) -> None:
    files = {"foo/a.so": _FAMILY.extension.read_bytes(), "foo/b.so": family("musl-aarch64").extension.read_bytes()}
    found = _analyze(_wheel(tmp_path, files), _WHEEL_ONLY)
    assert (found.architecture, found.libc) == (None, None)


def test_a_wheel_without_native_members_has_an_empty_graph(tmp_path: Path) -> None:
    found = _analyze(build_wheel(tmp_path, {"foo/__init__.py": b"x = 1\n" * 10}))
    assert (list(found.graph.nodes), found.architecture, found.libc, dict(found.installed)) == ([], None, None, {})


def test_members_that_record_does_not_list_are_analyzed_and_told(tmp_path: Path) -> None:
    files = {"foo/a.so": _FAMILY.tone.read_bytes(), "foo-1.0.dist-info/RECORD": b"foo-1.0.dist-info/RECORD,,\n"}
    found = _analyze(_wheel(tmp_path, files), _WHEEL_ONLY)
    assert found.unrecorded == ("foo/a.so",)
    assert list(found.graph.nodes) == ["foo/a.so"]


def test_ignored_members_and_unused_patterns_are_told(tmp_path: Path) -> None:
    files = {"foo/a.so": _FAMILY.extension.read_bytes(), "foo/lib.a": b"!<arch>\n" + b"x" * 30}
    found = _analyze(_wheel(tmp_path, files), SearchOptions(system=False, exclude=("libgreet.so", "libnone.so")))
    assert [name for name, _ in found.ignored] == ["foo/lib.a"]
    assert found.unused_excludes == ("libnone.so",)
    assert found.graph.edges["foo/a.so"][0].lookup.rule is SearchRule.EXCLUDED


def test_symbols_that_nothing_defines_are_told(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "lib64").mkdir(parents=True)
    libc = Elf(symbols=[Sym("puts")]).build().data
    (root / "lib64/libc.so.6").write_bytes(libc)
    wants = [Sym(name, defined=False) for name in ("PyList_New", "puts", "tone", "lost")]
    module = Elf(symbols=[*wants, Sym("PyInit_mod")], named=[(NEEDED, "libx.so"), (NEEDED, "libc.so.6")]).build().data
    library = Elf(symbols=[Sym("tone")]).build().data
    path = _wheel(tmp_path, {"foo/mod.so": module, "foo/libx.so": library})
    assert _analyze(path, SearchOptions(sysroot=root)).unprovided == {"foo/mod.so": ("lost",)}
    assert _analyze(path, _WHEEL_ONLY).unprovided == {}


def test_an_included_library_joins_the_graph(tmp_path: Path) -> None:
    options = SearchOptions(lib_paths=(_FAMILY.folder,), sysroot=tmp_path)
    path = _wheel(tmp_path, {"foo/a.so": odd("relr.so").read_bytes()})
    found = _analyze(path, options, str(_FAMILY.greet))
    assert found.included == (str(_FAMILY.greet),)
    assert str(_FAMILY.tone) in found.graph.nodes
    with pytest.raises(UsageError):
        _analyze(path, options, "libnone.so.1")
