"""One test for each step of the search, with real files below a sysroot that stands for the whole Mac."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.macho_bytes import BUNDLE as BUNDLE_TYPE
from support.macho_bytes import EXECUTE
from support.macho_images import bundle, member, part, put
from truewheel.analyzer.graph import Outcome, SearchRule
from truewheel.analyzer.macho.resolve import build_macho_graph
from truewheel.analyzer.search_options import SearchOptions
from truewheel.errors import UsageError

if TYPE_CHECKING:
    from truewheel.analyzer.graph import Lookup
    from truewheel.analyzer.macho.image import Slice
    from truewheel.analyzer.macho.resolve import MachoMember

MODULE = "pkg/mod.so"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mac").mkdir()
    return tmp_path / "mac"


def _lookup(content: Slice, root: Path, *others: MachoMember, **options: Any) -> Lookup:  # noqa: ANN401
    """Return the lookup of the module's first needed name."""
    chosen = SearchOptions(sysroot=root, **options)
    return build_macho_graph([member(MODULE, content), *others], chosen, modules=[MODULE]).graph.edges[MODULE][0].lookup


def _found(lookup: Lookup) -> tuple[str | None, SearchRule | None]:
    return lookup.found, lookup.rule


def _tried(lookup: Lookup) -> list[tuple[str, str]]:
    return [(each.place, each.outcome.name) for each in lookup.attempts]


def test_an_absolute_name_lies_below_the_sysroot(root: Path) -> None:
    there = put(root / "opt/lib/liba.dylib")
    assert _found(_lookup(bundle("/opt/lib/liba.dylib"), root)) == (str(there), SearchRule.PATH)


def test_a_path_of_the_data_volume_is_that_of_the_root(root: Path) -> None:
    there = put(root / "Users/me/liba.dylib")
    name = "/System/Volumes/Data/Users/me/liba.dylib"
    assert _found(_lookup(bundle(name), root)) == (str(there), SearchRule.PATH)


def test_each_step_gives_way_to_the_one_before_it(root: Path, tmp_path: Path) -> None:
    options = {
        "conda_prefixes": (tmp_path / "env",),
        "fallback_path": (tmp_path / "fallback",),
        "library_path": (tmp_path / "variable",),
        "lib_paths": (tmp_path / "mine",),
    }
    content = bundle("@rpath/liba.dylib", rpaths=("/opt/own",))
    assert _lookup(content, root, **options).found is None
    steps = [
        (root / "opt/local/lib", SearchRule.PACKAGE_MANAGER),
        (root / "usr/local/lib", SearchRule.PACKAGE_MANAGER),
        (root / "opt/homebrew/lib", SearchRule.PACKAGE_MANAGER),
        (tmp_path / "env/lib", SearchRule.CONDA),
        (tmp_path / "fallback", SearchRule.DYLD_FALLBACK),
        (root / "opt/own", SearchRule.LC_RPATH),
        (tmp_path / "variable", SearchRule.DYLD_ENVIRONMENT),
        (tmp_path / "mine", SearchRule.LIB_PATH),
    ]
    for folder, rule in steps:
        there = put(folder / "liba.dylib")
        assert _found(_lookup(content, root, **options)) == (str(there), rule)
    inside = member("pkg/liba.dylib", part(name="@rpath/liba.dylib"))
    assert _found(_lookup(content, root, inside, **options)) == ("pkg/liba.dylib", SearchRule.IN_WHEEL)
    near = bundle("@rpath/liba.dylib", rpaths=("/opt/own", "@loader_path"))
    assert _found(_lookup(near, root, inside, **options)) == ("pkg/liba.dylib", SearchRule.LC_RPATH)


def test_the_steps_of_a_framework(root: Path, tmp_path: Path) -> None:
    options = {
        "framework_path": (tmp_path / "variable",),
        "fallback_framework_path": (tmp_path / "fallback",),
        "lib_paths": (tmp_path / "mine",),
    }
    path = "Foo.framework/Versions/A/Foo"
    content = bundle(f"/opt/{path}")
    steps = [
        (root / "opt/homebrew/Frameworks", SearchRule.PACKAGE_MANAGER),
        (tmp_path / "fallback", SearchRule.DYLD_FRAMEWORK_FALLBACK),
        (root / "opt", SearchRule.PATH),
        (tmp_path / "variable", SearchRule.DYLD_FRAMEWORK),
        (tmp_path / "mine", SearchRule.LIB_PATH),
    ]
    for folder, rule in steps:
        there = put(folder / path)
        assert _found(_lookup(content, root, **options)) == (str(there), rule)


def test_a_framework_in_the_wheel_is_known_by_its_partial_path(root: Path) -> None:
    path = "Foo.framework/Versions/A/Foo"
    inside = member(f"pkg/lib/{path}", part(name=f"/build/{path}"))
    namesake = member("pkg/Foo", part(name="Foo"))
    lookup = _lookup(bundle(f"@rpath/{path}"), root, namesake, inside)
    assert _found(lookup) == (f"pkg/lib/{path}", SearchRule.IN_WHEEL)


def test_the_last_folders_are_tried_for_a_name_of_any_kind(root: Path) -> None:
    there = put(root / "usr/local/lib/liba.dylib")
    for name in ("@rpath/liba.dylib", "@loader_path/liba.dylib", "/gone/liba.dylib", "liba.dylib", "x/liba.dylib"):
        assert _found(_lookup(bundle(name), root)) == (str(there), SearchRule.DEFAULT)


def test_everything_tried_is_told_when_nothing_is_found(root: Path) -> None:
    put(root / "opt/intel/liba.dylib", arches=("x86_64",))
    put(root / "opt/phone/liba.dylib", platform=2)
    put(root / "opt/plugin/liba.dylib", kind=BUNDLE_TYPE, name=None)
    put(root / "opt/program/liba.dylib", kind=EXECUTE, name=None)
    (root / "opt/text").mkdir()
    (root / "opt/text/liba.dylib").write_text("a linker script, perhaps")
    (root / "opt/empty").mkdir()
    (root / "opt/empty/liba.dylib").write_bytes(b"")
    (root / "opt/cut").mkdir()
    (root / "opt/cut/liba.dylib").write_bytes(put(root / "whole.dylib").read_bytes()[:100])
    (root / "opt/folder/liba.dylib").mkdir(parents=True)
    os.mkfifo(root / "opt/pipe")
    (root / "opt/loop").symlink_to("loop")
    rpaths = tuple(f"/opt/{each}" for each in ("intel", "phone", "plugin", "program", "text", "empty", "cut", "folder"))
    content = bundle(
        "@rpath/liba.dylib", rpaths=("@loader_path/none", *rpaths, "/opt/pipe", "/opt/loop", "@foo", "rel")
    )
    lookup = _lookup(content, root)
    assert _found(lookup) == (None, None)
    expected = {
        "intel": "OTHER_ARCHITECTURE",
        "phone": "OTHER_PLATFORM",
        "plugin": "NOT_MACHO",
        "program": "NOT_MACHO",
        "text": "NOT_MACHO",
        "empty": "NOT_MACHO",
        "cut": "NOT_MACHO",
        "folder": "ABSENT",
        "pipe": "ABSENT",
        "loop": "ABSENT",
    }
    assert _tried(lookup)[:-3] == [
        ("wheel:platlib/pkg/none/liba.dylib", "ABSENT"),
        *((f"{root}/opt/{name}/liba.dylib", outcome) for name, outcome in expected.items()),
        ("@foo/liba.dylib", "ABSENT"),
        ("./rel/liba.dylib", "ABSENT"),
    ]


def test_a_pipe_of_that_name_is_not_waited_for(root: Path) -> None:
    (root / "opt").mkdir()
    os.mkfifo(root / "opt/liba.dylib")
    assert _lookup(bundle("/opt/liba.dylib"), root).found is None


def test_each_architecture_finds_its_own_library(root: Path) -> None:
    intel = put(root / "usr/local/lib/liba.dylib", arches=("x86_64",))
    arm = put(root / "opt/homebrew/lib/liba.dylib", arches=("arm64",))
    name = "@rpath/liba.dylib"
    module = member(MODULE, bundle(name, arch="x86_64"), bundle(name))
    edges = build_macho_graph([module], SearchOptions(sysroot=root), modules=[MODULE]).graph.edges[MODULE]
    assert [(each.architecture, each.lookup.found) for each in edges] == [("x86_64", str(intel)), ("arm64", str(arm))]
    first = edges[1].lookup.attempts[0]
    assert (first.place, first.outcome) == (str(intel), Outcome.OTHER_ARCHITECTURE)


def test_the_systems_libraries_are_known_without_a_look(root: Path) -> None:
    put(root / "usr/lib/libz.1.dylib")
    put(root / "usr/lib/libq.dylib")
    for name in ("/usr/lib/libz.1.dylib", "/System/Library/Frameworks/F.framework/F", "@rpath/libswiftCore.dylib"):
        assert _found(_lookup(bundle(name), root)) == (None, SearchRule.SYSTEM)
    lookup = _lookup(bundle("@rpath/libq.dylib", rpaths=("/usr/lib",)), root)
    assert _found(lookup) == (None, None)
    assert _tried(lookup)[0] == (f"{root}/usr/lib/libq.dylib", "ABSENT")


def test_a_look_alike_of_the_systems_folders_is_looked_into(root: Path) -> None:
    for folder in ("/usr/lib64", "/usr/libexec", "/SystemFoo"):
        there = put(root / folder[1:] / "libz.dylib")
        assert _found(_lookup(bundle(f"{folder}/libz.dylib"), root)) == (str(there), SearchRule.PATH)


def test_a_swift_library_that_the_wheel_brings_comes_first(root: Path) -> None:
    inside = member("pkg/libswiftCore.dylib", part(name="@rpath/libswiftCore.dylib"))
    put(root / "opt/swift/libswiftCore.dylib")
    near = bundle("@rpath/libswiftCore.dylib", rpaths=("/opt/swift", "@loader_path"))
    assert _found(_lookup(near, root, inside)) == ("pkg/libswiftCore.dylib", SearchRule.LC_RPATH)
    far = bundle("@rpath/libswiftCore.dylib", rpaths=("/opt/swift",))
    assert _found(_lookup(far, root, inside)) == (None, SearchRule.SYSTEM)


def test_a_link_into_the_systems_folders_is_the_systems(root: Path) -> None:
    put(root / "usr/lib/libz.dylib")
    (root / "opt").mkdir()
    (root / "opt/libz.dylib").symlink_to("/usr/lib/libz.dylib")
    assert _found(_lookup(bundle("/opt/libz.dylib"), root)) == (None, SearchRule.SYSTEM)


def test_such_a_link_needs_no_file_at_its_end_on_a_mac(tmp_path: Path) -> None:
    link = tmp_path / "libz.dylib"
    link.symlink_to("/usr/lib/libno-such-library.dylib")
    assert _found(_lookup(bundle(str(link)), Path("/"))) == (None, SearchRule.SYSTEM)
    link.unlink()
    link.symlink_to("/opt/no-such-library.dylib")
    assert _found(_lookup(bundle(str(link)), Path("/"))) == (None, None)


def test_the_interpreter_is_never_searched_for(root: Path) -> None:
    put(root / "opt/lib/libpython3.13.dylib")
    put(root / "Library/Frameworks/Python.framework/Versions/3.13/Python")
    inside = member("pkg/libpython3.13.dylib", part(name="@rpath/libpython3.13.dylib"))
    for name in (
        "/opt/lib/libpython3.13.dylib",
        "/Library/Frameworks/Python.framework/Versions/3.13/Python",
        "@rpath/libpython3.13.dylib",
    ):
        assert _lookup(bundle(name, rpaths=("@loader_path",)), root, inside) == (None, SearchRule.INTERPRETER, ())


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("@rpath/liba*", "@rpath/liba.1.dylib"),
        ("liba.1.dylib", "/opt/lib/liba.1.dylib"),
        ("liba.dylib", "@loader_path/liba.1.2.dylib"),
        ("liba", "liba.1.dylib"),
        ("*/mine/*", "/mine/liba.dylib"),
        ("Foo.framework", "@rpath/Foo.framework/Versions/A/Foo"),
        ("libz*", "/usr/lib/libz.dylib"),
        ("libpython*", "@rpath/libpython3.11.dylib"),
    ],
)
def test_an_excluded_name_is_left_alone_be_it_there_or_not(pattern: str, name: str, root: Path) -> None:
    assert _found(_lookup(bundle(name), root, exclude=(pattern,))) == (None, SearchRule.EXCLUDED)


def test_an_exclusion_may_fit_the_path_that_was_found(root: Path) -> None:
    real = put(root / "Cellar/a/1.0/lib/liba.dylib")
    (root / "opt").mkdir()
    (root / "opt/liba.dylib").symlink_to("/Cellar/a/1.0/lib/liba.dylib")
    for pattern in ("*/Cellar/*", f"{root}/opt/*"):
        lookup = _lookup(bundle("/opt/liba.dylib"), root, exclude=(pattern,))
        assert _found(lookup) == (None, SearchRule.EXCLUDED)
        assert _tried(lookup) == [(f"{root}/opt/liba.dylib", "FOUND")]
    assert _found(_lookup(bundle("/opt/liba.dylib"), root, exclude=("*/cellar/*",))) == (str(real), SearchRule.PATH)


def test_patterns_that_fit_nothing_are_told(root: Path) -> None:
    files = [member(MODULE, bundle("/opt/liba.dylib", "/usr/lib/libz.dylib"))]
    options = SearchOptions(sysroot=root, exclude=("liba", "libb", "libz*", "libb"))
    assert build_macho_graph(files, options).unused_excludes == ("libb",)


def test_links_to_one_file_end_at_one_node(root: Path) -> None:
    real = put(root / "Cellar/g/libg.1.dylib")
    (root / "opt").mkdir()
    for name in ("libg.dylib", "libg.1.dylib"):
        (root / "opt" / name).symlink_to("/Cellar/g/libg.1.dylib")
    files = [member(MODULE, bundle("/opt/libg.dylib", "/opt/libg.1.dylib"))]
    graph = build_macho_graph(files, SearchOptions(sysroot=root), modules=[MODULE]).graph
    assert [each.lookup.found for each in graph.edges[MODULE]] == [str(real), str(real)]
    assert [each.name for each in graph.externals()] == [str(real)]


def test_a_loader_path_counts_from_the_file_at_the_end_of_a_link(root: Path) -> None:
    put(root / "Cellar/a/lib/liba.dylib", "@loader_path/libb.dylib")
    near = put(root / "Cellar/a/lib/libb.dylib")
    put(root / "opt/libb.dylib")
    (root / "opt/liba.dylib").symlink_to("../Cellar/a/lib/liba.dylib")
    files = [member(MODULE, bundle("/opt/liba.dylib"))]
    graph = build_macho_graph(files, SearchOptions(sysroot=root), modules=[MODULE]).graph
    assert [each.name for each in graph.externals()] == [str(root / "Cellar/a/lib/liba.dylib"), str(near)]


def test_a_stranger_takes_what_it_was_linked_with_before_a_member(root: Path) -> None:
    put(root / "opt/liba.dylib", "@rpath/libb.dylib", rpaths=("@loader_path",))
    theirs = put(root / "opt/libb.dylib", name="@rpath/other.dylib")
    files = [
        member(MODULE, bundle("/opt/liba.dylib", rpaths=("@loader_path",))),
        member("pkg/libb.dylib", part(name="@rpath/libb.dylib")),
    ]
    graph = build_macho_graph(files, SearchOptions(sysroot=root), modules=[MODULE]).graph
    assert _found(graph.edges[str(root / "opt/liba.dylib")][0].lookup) == (str(theirs), SearchRule.LC_RPATH)
    theirs.unlink()
    graph = build_macho_graph(files, SearchOptions(sysroot=root), modules=[MODULE]).graph
    edge = graph.edges[str(root / "opt/liba.dylib")][0]
    assert _found(edge.lookup) == ("pkg/libb.dylib", SearchRule.LC_RPATH)
    bare = [member(MODULE, bundle("/opt/liba.dylib")), files[1]]
    graph = build_macho_graph(bare, SearchOptions(sysroot=root), modules=[MODULE]).graph
    edge = graph.edges[str(root / "opt/liba.dylib")][0]
    assert _found(edge.lookup) == ("pkg/libb.dylib", SearchRule.IN_WHEEL)


def test_another_library_of_that_name_is_found_by_its_own_path(root: Path) -> None:
    other = put(root / "opt/b/libn.dylib")
    mine = member("pkg/libn.dylib", part(name="/opt/a/libn.dylib"))
    assert _found(_lookup(bundle("/opt/b/libn.dylib"), root, mine)) == (str(other), SearchRule.PATH)
    assert _found(_lookup(bundle("/opt/a/libn.dylib"), root, mine)) == ("pkg/libn.dylib", SearchRule.IN_WHEEL)
    assert _found(_lookup(bundle("/opt/c/libn.dylib"), root, mine)) == ("pkg/libn.dylib", SearchRule.IN_WHEEL)


def test_the_nearest_of_several_members_of_that_name_is_taken(root: Path) -> None:
    far = member("other/deep/libn.dylib", part(name="@rpath/libn.dylib"))
    near = member("pkg/libs/libn.dylib", part(name="@rpath/libn.dylib"))
    wrong = member("pkg/libn.dylib", part(name="@rpath/libn.dylib", arch="x86_64"))
    for others in ((far, near, wrong), (wrong, near, far)):
        assert _lookup(bundle("@rpath/libn.dylib"), root, *others).found == "pkg/libs/libn.dylib"


def test_nothing_outside_is_looked_at_when_only_the_wheel_is_searched(root: Path) -> None:
    put(root / "opt/liba.dylib")
    lookup = _lookup(bundle("/opt/liba.dylib"), root, system=False)
    assert lookup == (None, None, ())
    inside = member("pkg/liba.dylib", part(name="liba.dylib"))
    assert _found(_lookup(bundle("/opt/liba.dylib"), root, inside, system=False)) == (
        "pkg/liba.dylib",
        SearchRule.IN_WHEEL,
    )


def test_the_program_gives_its_folder_and_its_search_paths(root: Path, tmp_path: Path) -> None:
    program = put(tmp_path / "py/bin/python", name=None, kind=EXECUTE, rpaths=("@executable_path/../deep",))
    beside = put(tmp_path / "py/lib/liba.dylib")
    deep = put(tmp_path / "py/deep/libb.dylib")
    by_program = bundle("@executable_path/../lib/liba.dylib")
    by_rpath = bundle("@rpath/libb.dylib")
    by_own_rpath = bundle("@rpath/liba.dylib", rpaths=("@executable_path/../lib",))
    for path in (program, program.parent):
        found = _lookup(by_program, root, executable_path=path)
        assert _found(found) == (str(beside), SearchRule.EXECUTABLE_PATH)
        assert _found(_lookup(by_own_rpath, root, executable_path=path)) == (str(beside), SearchRule.LC_RPATH)
    assert _found(_lookup(by_rpath, root, executable_path=program)) == (str(deep), SearchRule.LC_RPATH)
    assert _lookup(by_rpath, root, executable_path=program.parent).found is None
    intel = bundle("@rpath/libb.dylib", arch="x86_64")
    assert _lookup(intel, root, executable_path=program).found is None
    lookup = _lookup(by_program, root)
    assert _tried(lookup)[0] == ("@executable_path/../lib/liba.dylib", "ABSENT")
    assert lookup.found is None


def test_a_program_of_the_wheel_is_its_own(root: Path, tmp_path: Path) -> None:
    from truewheel.analyzer.macho.image import FileType

    tool = part("@executable_path/../lib/liba.dylib", "@rpath/libb.dylib", kind=FileType.EXECUTABLE)
    files = [
        member("pkg/bin/tool", tool),
        member("pkg/lib/liba.dylib", part("@executable_path/libb.dylib")),
        member("pkg/bin/libb.dylib", part(name="x")),
    ]
    python = put(tmp_path / "bin/python", name=None, kind=EXECUTE, rpaths=(str(tmp_path),))
    put(tmp_path / "libb.dylib")
    options = SearchOptions(sysroot=root, executable_path=python)
    graph = build_macho_graph(files, options).graph
    assert graph.edges["pkg/bin/tool"][0].lookup.found == "pkg/lib/liba.dylib"
    assert _found(graph.edges["pkg/bin/tool"][1].lookup) == ("pkg/bin/libb.dylib", SearchRule.IN_WHEEL)
    assert _found(graph.edges["pkg/lib/liba.dylib"][0].lookup) == ("pkg/bin/libb.dylib", SearchRule.EXECUTABLE_PATH)


def test_an_included_library_comes_by_path_or_by_name(root: Path, tmp_path: Path) -> None:
    by_path = put(tmp_path / "usr/lib/libp.dylib", "/opt/liba.dylib", arches=("x86_64", "arm64"))
    by_name = put(tmp_path / "mine/libn.dylib")
    needed = put(root / "opt/liba.dylib")
    files = [member(MODULE, bundle())]
    options = SearchOptions(sysroot=root, lib_paths=(tmp_path / "mine",))
    found = build_macho_graph(files, options, modules=[MODULE], include=(str(by_path), "libn.dylib"))
    assert found.included == (str(by_path), str(by_name))
    assert [each.name for each in found.graph.externals()] == [str(by_path), str(by_name), str(needed)]
    assert [each.architecture for each in found.graph.edges[str(by_path)]] == ["arm64"]
    assert found.entries == (MODULE,)


def test_a_wheel_without_code_may_include_a_library_by_path_only(root: Path, tmp_path: Path) -> None:
    put(tmp_path / "libp.dylib", "/opt/liba.dylib", arches=("x86_64", "arm64"))
    found = build_macho_graph([], SearchOptions(sysroot=root), include=(str(tmp_path / "libp.dylib"),))
    assert [each.architecture for each in found.graph.edges[str(tmp_path / "libp.dylib")]] == ["x86_64", "arm64"]
    with pytest.raises(UsageError, match="tried nothing"):
        build_macho_graph([], SearchOptions(sysroot=root, lib_paths=(tmp_path,)), include=("libp.dylib",))


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("/opt/none.dylib", "tried /opt/none.dylib (absent)"),
        ("libSwift.dylib", "/libSwift.dylib (absent)"),
        ("/usr/lib/libno-such.dylib", "tried /usr/lib/libno-such.dylib (absent)"),
        ("libpython3.11.dylib", "it is provided by the Python interpreter"),
        ("libx.dylib", "it is excluded by the caller"),
    ],
)
def test_an_included_library_that_is_nowhere_is_an_error(wanted: str, hint: str, root: Path) -> None:
    options = SearchOptions(sysroot=root, exclude=("libx",))
    with pytest.raises(UsageError) as error:
        build_macho_graph([member(MODULE, bundle())], options, modules=[MODULE], include=(wanted,))
    assert error.value.where == wanted
    assert hint in error.value.hint
