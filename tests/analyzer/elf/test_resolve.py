"""The graph: what is loaded with what, in which order, and what several entries make of one edge."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.elf_bytes import NEEDED, RUNPATH, Elf
from support.fixtures import family
from support.images import image, member
from truewheel.analyzer.elf.image import ImageKind, Libc
from truewheel.analyzer.elf.reader import read_image
from truewheel.analyzer.elf.resolve import build_graph
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.search_options import SearchOptions

if TYPE_CHECKING:
    from truewheel.analyzer.elf.image import Image
    from truewheel.analyzer.elf.resolve import Member
    from truewheel.analyzer.graph import DependencyGraph, Lookup

GLIBC, MUSL = "libc.so.6", "libc.musl-x86_64.so.1"
_WHEEL_ONLY = SearchOptions(system=False)


def _lookups(graph: DependencyGraph, name: str) -> dict[str, Lookup]:
    return {edge.dependency.name: edge.lookup for edge in graph.edges[name]}


def _found(graph: DependencyGraph, name: str, needed: str) -> tuple[str | None, SearchRule | None]:
    lookup = _lookups(graph, name)[needed]
    return lookup.found, lookup.rule


def test_rpath_of_the_loader_helps_the_libraries_it_loads() -> None:
    members = [
        member("pkg/mod.so", image("liba.so", rpath=("$ORIGIN/libs",), module=True)),
        member("pkg/libs/liba.so", image("libb.so", soname="liba.so")),
        member("pkg/libs/libb.so", image(soname="libb.so")),
    ]
    graph = build_graph(members, _WHEEL_ONLY).graph
    assert _found(graph, "pkg/libs/liba.so", "libb.so") == ("pkg/libs/libb.so", SearchRule.RPATH)


def test_runpath_of_the_loader_does_not_help_them_with_glibc() -> None:
    members = [
        member("pkg/mod.so", image("liba.so", GLIBC, runpath=("$ORIGIN/libs",), module=True)),
        member("pkg/libs/liba.so", image("libb.so", soname="liba.so")),
        member("pkg/libs/libb.so", image(soname="libb.so")),
    ]
    graph = build_graph(members, _WHEEL_ONLY).graph
    assert _found(graph, "pkg/libs/liba.so", "libb.so") == ("pkg/libs/libb.so", SearchRule.IN_WHEEL)


def test_runpath_of_the_loader_helps_them_with_musl() -> None:
    members = [
        member("pkg/mod.so", image("liba.so", MUSL, runpath=("$ORIGIN/libs",), module=True)),
        member("pkg/libs/liba.so", image("libb.so", soname="liba.so")),
        member("pkg/libs/libb.so", image(soname="libb.so")),
    ]
    graph = build_graph(members, _WHEEL_ONLY).graph
    assert _found(graph, "pkg/libs/liba.so", "libb.so") == ("pkg/libs/libb.so", SearchRule.RUNPATH)


def test_a_name_that_is_loaded_already_is_not_searched_for() -> None:
    members = [
        member("pkg/mod.so", image("liba.so", "libb.so", GLIBC, runpath=("$ORIGIN/libs",), module=True)),
        member("pkg/libs/liba.so", image("libb.so", soname="liba.so")),
        member("pkg/libs/libb.so", image(soname="libb.so")),
    ]
    graph = build_graph(members, _WHEEL_ONLY).graph
    assert _found(graph, "pkg/libs/liba.so", "libb.so") == ("pkg/libs/libb.so", SearchRule.LOADED)


def test_glibc_knows_what_is_loaded_by_soname_and_musl_by_the_name_asked_for() -> None:
    def members(libc: str) -> list[Member]:
        needs = ("libb-build.so", "liba.so", libc)
        return [
            member("pkg/mod.so", image(*needs, runpath=("$ORIGIN/libs",), module=True)),
            member("pkg/libs/liba.so", image("libb.so.1", soname="liba.so", runpath=("/nowhere",))),
            member("pkg/libs/libb-build.so", image(soname="libb.so.1")),
        ]

    glibc = build_graph(members(GLIBC), _WHEEL_ONLY).graph
    assert _found(glibc, "pkg/libs/liba.so", "libb.so.1") == ("pkg/libs/libb-build.so", SearchRule.LOADED)
    musl = build_graph(members(MUSL), _WHEEL_ONLY).graph
    assert _found(musl, "pkg/libs/liba.so", "libb.so.1") == ("pkg/libs/libb-build.so", SearchRule.IN_WHEEL)


@pytest.mark.parametrize(("libc", "rule"), [(GLIBC, SearchRule.LOADED), (MUSL, None)])
def test_a_second_name_of_a_loaded_file_is_remembered_by_glibc_only(
    tmp_path: Path, libc: str, rule: SearchRule | None
) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "liba.so").write_bytes(Elf(named=[(NEEDED, "second.so"), (RUNPATH, "$ORIGIN/x")]).build().data)
    (tmp_path / "libb.so").write_bytes(Elf(named=[(NEEDED, "second.so")]).build().data)
    (tmp_path / "x/second.so").symlink_to("../libb.so")
    options = SearchOptions(sysroot=tmp_path, library_path=(tmp_path,))
    graph = build_graph([member("mod.so", image("liba.so", "libb.so", libc, module=True))], options).graph
    b = str((tmp_path / "libb.so").resolve())
    assert _found(graph, str((tmp_path / "liba.so").resolve()), "second.so") == (b, SearchRule.RUNPATH)
    assert _found(graph, b, "second.so") == (None if rule is None else b, rule)


def test_files_are_loaded_breadth_first() -> None:
    # liba needs its own libc2 by path, but the module's second name has loaded another one by then.
    members = [
        member("mod.so", image("liba.so", "libc2.so", GLIBC, rpath=("$ORIGIN/one",), module=True)),
        member("one/liba.so", image("libc2.so", soname="liba.so", runpath=("$ORIGIN/../two",))),
        member("one/libc2.so", image(soname="libc2.so")),
        member("two/libc2.so", image(soname="libc2.so")),
    ]
    graph = build_graph(members, _WHEEL_ONLY).graph
    assert _found(graph, "one/liba.so", "libc2.so") == ("one/libc2.so", SearchRule.LOADED)


def test_two_libraries_with_one_soname_are_two_nodes() -> None:
    members = [
        member("a/mod.so", image("libb.so", GLIBC, runpath=("$ORIGIN",), module=True)),
        member("b/mod.so", image("libb.so", GLIBC, runpath=("$ORIGIN",), module=True)),
        member("a/libb.so", image(soname="libb.so")),
        member("b/libb.so", image(soname="libb.so")),
    ]
    graph = build_graph(members, _WHEEL_ONLY).graph
    assert _found(graph, "a/mod.so", "libb.so")[0] == "a/libb.so"
    assert _found(graph, "b/mod.so", "libb.so")[0] == "b/libb.so"


def test_one_library_reached_by_two_names_is_one_node(tmp_path: Path) -> None:
    shutil.copy(family("x86_64").tone, tmp_path / "libx.so.1.0")
    (tmp_path / "libx.so.1").symlink_to("libx.so.1.0")
    (tmp_path / "libx.so").symlink_to("libx.so.1")
    options = SearchOptions(lib_paths=(tmp_path,), sysroot=tmp_path / "empty")
    graph = build_graph([member("mod.so", image("libx.so.1", "libx.so", GLIBC, module=True))], options).graph
    assert [node.name for node in graph.externals()] == [str((tmp_path / "libx.so.1.0").resolve())]


def test_origin_of_a_library_is_where_it_was_found_links_unresolved(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "lib/libs").mkdir(parents=True)
    shutil.copy(family("x86_64").tone, tmp_path / "lib/libs/libgreet.so.1")
    shutil.copy(family("x86_64").folder.parent / "odd/runpath.so", tmp_path / "store/librun.so.1")
    (tmp_path / "lib/librun.so.1").symlink_to("../store/librun.so.1")
    options = SearchOptions(lib_paths=(tmp_path / "lib",), sysroot=tmp_path / "empty")
    graph = build_graph([member("mod.so", image("librun.so.1", GLIBC, module=True))], options).graph
    run = str((tmp_path / "store/librun.so.1").resolve())
    greet = str((tmp_path / "lib/libs/libgreet.so.1").resolve())
    assert _found(graph, run, "libgreet.so.1") == (greet, SearchRule.RUNPATH)


def test_a_library_outside_prefers_what_lies_outside(tmp_path: Path) -> None:
    shutil.copy(family("x86_64").greet, tmp_path / "libgreet.so.1")
    shutil.copy(family("x86_64").tone, tmp_path / "libtone.so.2")
    members = [
        member("mod.so", image("libgreet.so.1", GLIBC, module=True)),
        member("pkg/libtone.so.2", image(soname="libtone.so.2")),
    ]
    outside, empty = SearchOptions(lib_paths=(tmp_path,), sysroot=tmp_path / "no"), tmp_path / "libtone.so.2"
    greet = str((tmp_path / "libgreet.so.1").resolve())
    assert _found(build_graph(members, outside).graph, greet, "libtone.so.2")[1] is SearchRule.LIB_PATH
    empty.unlink()
    found = _found(build_graph(members, outside).graph, greet, "libtone.so.2")
    assert found == ("pkg/libtone.so.2", SearchRule.IN_WHEEL)


def test_what_is_missing_for_one_entry_stays_visible() -> None:
    # The first module brings libb along; the second one loads liba without it.
    library = member("libs/liba.so", image("libb.so", soname="liba.so"))
    other = member("other/libb.so", image(soname="libb.so"))
    good = member("good.so", image("libb.so", "liba.so", GLIBC, rpath=("$ORIGIN/libs", "$ORIGIN/other"), module=True))
    bad = member("bad.so", image("liba.so", GLIBC, runpath=("$ORIGIN/libs",), module=True))
    for order in ([good, bad, library, other], [bad, good, library, other]):
        graph = build_graph(order, _WHEEL_ONLY).graph
        assert _found(graph, "libs/liba.so", "libb.so") == ("other/libb.so", SearchRule.IN_WHEEL)
    for order in ([good, bad, library], [bad, good, library]):
        lost = build_graph(order, _WHEEL_ONLY).graph
        assert [edge.dependency.name for edge in lost.missing() if edge.needer == "libs/liba.so"] == ["libb.so"]


def test_a_library_that_a_module_loads_is_no_entry() -> None:
    # Alone, liba would not find libb.
    members = [
        member("libs/liba.so", image("libb.so", soname="liba.so")),
        member("libs/libb.so", image(soname="libb.so")),
        member("mod.so", image("liba.so", rpath=("$ORIGIN/libs",), module=True)),
    ]
    resolution = build_graph(members, _WHEEL_ONLY)
    assert _found(resolution.graph, "libs/liba.so", "libb.so") == ("libs/libb.so", SearchRule.RPATH)
    assert list(resolution.libc) == ["mod.so"]


def test_entries_are_modules_programs_and_what_nobody_needs() -> None:
    members = [
        member("libs/libring1.so", image("libring2.so", soname="libring1.so")),
        member("libs/libring2.so", image("libring1.so", soname="libring2.so")),
        member("plugin.so", image("libp.so")),
        member("libp.so", image(soname="libp.so")),
        member("bin/tool", image("mod.so", kind=ImageKind.EXECUTABLE, rpath=("$ORIGIN/..",))),
        member("mod.so", image(module=True)),
    ]
    assert list(build_graph(members, _WHEEL_ONLY).libc) == ["bin/tool", "mod.so", "plugin.so", "libs/libring1.so"]


def test_a_file_that_needs_itself_is_no_trouble() -> None:
    graph = build_graph([member("liba.so", image("liba.so", GLIBC, soname="liba.so"))], _WHEEL_ONLY).graph
    assert _found(graph, "liba.so", "liba.so") == ("liba.so", SearchRule.LOADED)


def test_a_library_needed_without_a_path_is_not_called_loaded_by_its_own_find() -> None:
    members = [
        member("mod.so", image("liba.so", "libb.so", GLIBC, module=True)),
        member("libs/liba.so", image("libb.so", soname="liba.so")),
        member("libs/libb.so", image(soname="libb.so")),
    ]
    graph = build_graph(members, _WHEEL_ONLY).graph
    assert _found(graph, "libs/liba.so", "libb.so") == ("libs/libb.so", SearchRule.IN_WHEEL)


def test_a_name_that_is_never_searched_for_is_never_loaded() -> None:
    members = [
        member("mod.so", image("libx.so", "libpython3.so", GLIBC, rpath=("$ORIGIN",), module=True)),
        member("libx.so", image(soname="libpython3.so")),
    ]
    graph = build_graph(members, _WHEEL_ONLY).graph
    assert _found(graph, "mod.so", "libpython3.so") == (None, SearchRule.INTERPRETER)


def test_the_libc_is_told_by_the_entry_then_by_what_it_loads_then_by_its_name() -> None:
    members = [
        member("a.so", image("liba.so", GLIBC, rpath=("$ORIGIN",), module=True)),
        member("b.so", image("liba.so", rpath=("$ORIGIN",), module=True)),
        member("c.cpython-311-x86_64-linux-musl.so", image(module=True)),
        member("d.cpython-311-x86_64-linux-gnu.so", image(module=True)),
        member("e.so", image(module=True)),
        member("liba.so", image(MUSL, soname="liba.so")),
    ]
    assert build_graph(members, _WHEEL_ONLY).libc == {
        "a.so": Libc.GLIBC,
        "b.so": Libc.MUSL,
        "c.cpython-311-x86_64-linux-musl.so": Libc.MUSL,
        "d.cpython-311-x86_64-linux-gnu.so": Libc.GLIBC,
        "e.so": None,
    }


def test_a_libc_that_is_told_late_still_decides_the_rules() -> None:
    # By musl's rules liba inherits the module's RUNPATH; only libc.musl tells that these rules hold.
    members = [
        member("mod.so", image("liba.so", runpath=("$ORIGIN/libs",), module=True)),
        member("libs/liba.so", image("libb.so", MUSL, soname="liba.so")),
        member("libs/libb.so", image(soname="libb.so")),
    ]
    graph = build_graph(members, _WHEEL_ONLY).graph
    assert _found(graph, "libs/liba.so", "libb.so") == ("libs/libb.so", SearchRule.RUNPATH)


def test_modules_alike_share_a_walk_and_get_the_same_edges() -> None:
    modules = [member(f"pkg/m{number}.so", image("liba.so", GLIBC, module=True)) for number in range(3)]
    members = [*modules, member("libs/liba.so", image(soname="liba.so"))]
    resolution = build_graph(members, _WHEEL_ONLY)
    for module in modules:
        assert _found(resolution.graph, module.name, "liba.so") == ("libs/liba.so", SearchRule.IN_WHEEL)
        assert [edge.needer for edge in resolution.graph.edges[module.name]] == [module.name] * 2
    assert len(resolution.libc) == 3


def test_nodes_are_members_in_order_then_libraries_as_met(tmp_path: Path) -> None:
    shutil.copy(family("x86_64").greet, tmp_path / "libgreet.so.1")
    shutil.copy(family("x86_64").tone, tmp_path / "libtone.so.2")
    shutil.copy(family("x86_64").tone, tmp_path / "liba.so")
    options = SearchOptions(lib_paths=(tmp_path,), sysroot=tmp_path / "no")
    members = [member("z.so", image("libgreet.so.1", GLIBC, module=True)), member("a.so", image("liba.so"))]
    graph = build_graph(members, options).graph
    real = tmp_path.resolve()
    assert list(graph.nodes) == ["z.so", "a.so", f"{real}/libgreet.so.1", f"{real}/liba.so", f"{real}/libtone.so.2"]
    assert list(graph.edges) == list(graph.nodes)
    assert graph.nodes[f"{real}/liba.so"].size == (tmp_path / "liba.so").stat().st_size


def test_each_library_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(family("x86_64").tone, tmp_path / "libx.so")
    (tmp_path / "liby.so").symlink_to("libx.so")
    read: list[str] = []

    def reading(data: bytes, where: str) -> Image:
        read.append(where)
        return read_image(data, where)

    monkeypatch.setattr("truewheel.analyzer.elf.host_files.read_image", reading)
    members = [member(f"d{number}/m.so", image("libx.so", "liby.so", GLIBC, module=True)) for number in range(5)]
    build_graph(members, SearchOptions(lib_paths=(tmp_path,), sysroot=tmp_path / "no"))
    assert read == [str((tmp_path / "libx.so").resolve())]


def test_a_chain_of_libraries_is_no_recursion() -> None:
    members = [
        member(f"lib{number}.so", image(f"lib{number + 1}.so", soname=f"lib{number}.so", rpath=("$ORIGIN",)))
        for number in range(3000)
    ]
    graph = build_graph([*members, member("lib3000.so", image(soname="lib3000.so"))], _WHEEL_ONLY).graph
    assert not list(graph.missing())


def test_two_hundred_modules_that_need_a_hundred_libraries_are_quick() -> None:
    names = [f"lib{number}.so" for number in range(100)]
    libraries = [member(f"libs/{name}", image(*names[:20], soname=name, runpath=("$ORIGIN",))) for name in names]
    modules = [
        member(f"d{number}/m.so", image(*names, GLIBC, runpath=("$ORIGIN/../libs",), module=True))
        for number in range(200)
    ]
    started = time.process_time()
    graph = build_graph([*modules, *libraries], _WHEEL_ONLY).graph
    assert time.process_time() - started < 5
    assert sum(1 for _ in graph.missing()) == 200  # libc.so.6, once a module


def test_the_files_of_the_c_library_are_named(tmp_path: Path) -> None:
    library = tmp_path / "lib/x86_64-linux-gnu"
    library.mkdir(parents=True)
    options = SearchOptions(sysroot=tmp_path)
    members = [member("mod.so", image(GLIBC, module=True))]
    shutil.copy(family("x86_64").tone, library / "libm.so.6")
    assert build_graph(members, options).c_library == {"x86_64": ()}
    shutil.copy(family("x86_64").tone, library / "libc.so.6")
    found = build_graph(members, options).c_library["x86_64"]
    assert [Path(path).name for path in found] == ["libc.so.6", "libm.so.6"]
    musl = member("musl.so", image(MUSL, module=True))
    assert build_graph([*members, musl], options).c_library == {"x86_64": ()}
    shutil.copy(family("musl-x86_64").tone, tmp_path / "lib/ld-musl-x86_64.so.1")
    found = build_graph([musl], options).c_library["x86_64"]
    assert [Path(path).name for path in found] == ["ld-musl-x86_64.so.1"]


def test_an_empty_wheel_has_an_empty_graph() -> None:
    resolution = build_graph([])
    assert (dict(resolution.graph.nodes), dict(resolution.libc), resolution.unused_excludes) == ({}, {}, ())


def test_byte_order_and_class_tell_architectures_apart() -> None:
    small = image(soname="liba.so")._replace(bits=32)
    members = [member("mod.so", image("liba.so", GLIBC, module=True)), member("liba.so", small)]
    assert _found(build_graph(members, _WHEEL_ONLY).graph, "mod.so", "liba.so") == (None, None)
