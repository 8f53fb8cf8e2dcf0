"""The graph: which files are entries, what is loaded with what, and what several entries make of one edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.macho_images import WEAK, bundle, member, part, put
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.macho.image import FileType
from truewheel.analyzer.macho.resolve import build_macho_graph
from truewheel.analyzer.search_options import SearchOptions
from truewheel.errors import InvalidBinaryError

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.analyzer.macho.resolve import MachoMember, MachoResolution

MODULE = "pkg/mod.so"
_WHEEL_ONLY = SearchOptions(system=False)


def _resolve(*members: MachoMember, modules: tuple[str, ...] = (MODULE,)) -> MachoResolution:
    return build_macho_graph(members, _WHEEL_ONLY, modules=modules)


def _ends(resolution: MachoResolution, name: str) -> list[tuple[str | None, SearchRule | None]]:
    return [(edge.lookup.found, edge.lookup.rule) for edge in resolution.graph.edges[name]]


def _libraries(folder: str, **needed: tuple[str, ...]) -> list[MachoMember]:
    """Return libraries of that folder that call each other by `@rpath`."""
    return [
        member(
            f"{folder}/{name}.dylib",
            part(*(f"@rpath/{each}.dylib" for each in each_needs), name=f"@rpath/{name}.dylib"),
        )
        for name, each_needs in needed.items()
    ]


def test_a_search_path_of_the_loader_helps_what_it_loads() -> None:
    found = _resolve(
        member(MODULE, bundle("@rpath/liba.dylib", rpaths=("@loader_path/libs",))),
        *_libraries("pkg/libs", liba=("libb",), libb=("libc",), libc=()),
    )
    assert _ends(found, "pkg/libs/liba.dylib") == [("pkg/libs/libb.dylib", SearchRule.LC_RPATH)]
    assert _ends(found, "pkg/libs/libb.dylib") == [("pkg/libs/libc.dylib", SearchRule.LC_RPATH)]
    assert list(found.graph.missing()) == []


def test_it_does_not_help_those_that_are_loaded_by_others() -> None:
    found = _resolve(
        member(MODULE, bundle("@rpath/liba.dylib", rpaths=("@loader_path/libs",))),
        member("pkg/other.so", bundle("@loader_path/libs/liba.dylib")),
        *_libraries("pkg/libs", liba=("libb",), libb=()),
        modules=(MODULE, "pkg/other.so"),
    )
    assert _ends(found, "pkg/libs/liba.dylib") == [("pkg/libs/libb.dylib", SearchRule.IN_WHEEL)]


def test_the_own_search_paths_come_before_those_of_the_loader() -> None:
    found = _resolve(
        member(MODULE, bundle("@loader_path/liba.dylib", rpaths=("@loader_path/far",))),
        member("pkg/liba.dylib", part("@rpath/libb.dylib", rpaths=("@loader_path/near",))),
        *_libraries("pkg/far", libb=()),
        *_libraries("pkg/near", libb=()),
    )
    assert _ends(found, "pkg/liba.dylib") == [("pkg/near/libb.dylib", SearchRule.LC_RPATH)]


def test_a_name_that_an_image_is_loaded_under_is_not_searched_for() -> None:
    found = _resolve(
        member(MODULE, bundle("@loader_path/libs/liba.dylib", "@loader_path/libs/libb.dylib")),
        *_libraries("pkg/libs", liba=(), libb=("liba",)),
    )
    assert _ends(found, "pkg/libs/libb.dylib") == [("pkg/libs/liba.dylib", SearchRule.LOADED)]


def test_the_first_level_is_loaded_before_the_second() -> None:
    found = _resolve(
        member(MODULE, bundle("@loader_path/libs/libb.dylib", "@loader_path/libs/liba.dylib")),
        *_libraries("pkg/libs", liba=(), libb=("liba",)),
    )
    assert _ends(found, "pkg/libs/libb.dylib") == [("pkg/libs/liba.dylib", SearchRule.LOADED)]


def test_the_second_level_of_one_is_loaded_before_that_of_the_next() -> None:
    found = _resolve(
        member(MODULE, bundle("@loader_path/libs/liba.dylib", "@loader_path/libs/libb.dylib")),
        *_libraries("pkg/libs", liba=("libc",), libb=("libd",), libc=("libd",), libd=()),
        member("pkg/libs/liba2.dylib", part()),
    )
    assert _ends(found, "pkg/libs/libc.dylib") == [("pkg/libs/libd.dylib", SearchRule.IN_WHEEL)]
    assert _ends(found, "pkg/libs/libb.dylib") == [("pkg/libs/libd.dylib", SearchRule.IN_WHEEL)]


def test_an_image_that_was_loaded_first_keeps_its_name() -> None:
    found = _resolve(
        member(MODULE, bundle("@loader_path/a/libn.dylib", "@loader_path/b/libn.dylib", "@rpath/libn.dylib")),
        *_libraries("pkg/a", libn=()),
        *_libraries("pkg/b", libn=()),
    )
    assert _ends(found, MODULE) == [
        ("pkg/a/libn.dylib", SearchRule.LOADER_PATH),
        ("pkg/b/libn.dylib", SearchRule.LOADER_PATH),
        ("pkg/a/libn.dylib", SearchRule.LOADED),
    ]


def test_a_loaded_image_wins_over_what_the_search_paths_lead_to() -> None:
    found = _resolve(
        member(MODULE, bundle("@loader_path/a/libn.dylib", "@rpath/libn.dylib", rpaths=("@loader_path/b",))),
        *_libraries("pkg/a", libn=()),
        *_libraries("pkg/b", libn=()),
    )
    assert _ends(found, MODULE)[1] == ("pkg/a/libn.dylib", SearchRule.LOADED)
    assert found.graph.edges[MODULE][1].lookup.attempts[0].place == "wheel:platlib/pkg/b/libn.dylib"


def test_a_path_of_its_own_wins_over_what_is_loaded() -> None:
    odd = member("pkg/a/libn.dylib", part(name="@loader_path/b/libn.dylib"))
    found = _resolve(
        member(MODULE, bundle("@loader_path/a/libn.dylib", "@loader_path/b/libn.dylib")),
        odd,
        *_libraries("pkg/b", libn=()),
    )
    assert _ends(found, MODULE)[1] == ("pkg/b/libn.dylib", SearchRule.LOADER_PATH)


def test_a_library_loaded_by_luck_stays_without_a_path() -> None:
    found = _resolve(
        member(MODULE, bundle("@rpath/liba.dylib", "@rpath/liba.dylib")),
        *_libraries("pkg/libs", liba=()),
    )
    assert _ends(found, MODULE) == [("pkg/libs/liba.dylib", SearchRule.IN_WHEEL)] * 2


def test_a_bare_name_is_that_of_a_loaded_image(tmp_path: Path) -> None:
    own = member("pkg/liba.dylib", part(name="liba.dylib"))
    files = [member(MODULE, bundle("@loader_path/liba.dylib", "liba.dylib")), own]
    assert _ends(_resolve(*files), MODULE)[1] == ("pkg/liba.dylib", SearchRule.LOADED)
    theirs = put(tmp_path / "opt/liba.dylib", name="liba.dylib")
    other = put(tmp_path / "mine/liba.dylib", name="x")
    outside = [member(MODULE, bundle("/opt/liba.dylib", "liba.dylib"))]
    found = build_macho_graph(outside, SearchOptions(sysroot=tmp_path), modules=[MODULE])
    assert _ends(found, MODULE)[1] == (str(theirs), SearchRule.LOADED)
    options = SearchOptions(sysroot=tmp_path, library_path=(tmp_path / "mine",))
    absolute = [member(MODULE, bundle("/opt/libb.dylib", "liba.dylib"))]
    put(tmp_path / "opt/libb.dylib", name="liba.dylib")
    found = build_macho_graph(absolute, options, modules=[MODULE])
    assert _ends(found, MODULE)[1] == (str(other), SearchRule.DYLD_ENVIRONMENT)


def test_worst_of_all_entries_is_kept() -> None:
    """Nothing found, before found by no path, before found because it was loaded, before found by a rule."""
    lib = _libraries("pkg/libs", liba=("libb",), libb=())
    by_rule = member("m1.so", bundle("@rpath/liba.dylib", rpaths=("@loader_path/pkg/libs",)))
    by_luck = member("m2.so", bundle("@loader_path/pkg/libs/libb.dylib", "@loader_path/pkg/libs/liba.dylib"))
    by_no_path = member("m3.so", bundle("@loader_path/pkg/libs/liba.dylib"))
    expected = {
        (by_rule,): SearchRule.LC_RPATH,
        (by_rule, by_luck): SearchRule.LOADED,
        (by_luck, by_rule): SearchRule.LOADED,
        (by_rule, by_luck, by_no_path): SearchRule.IN_WHEEL,
        (by_no_path, by_rule): SearchRule.IN_WHEEL,
    }
    for entries, rule in expected.items():
        found = _resolve(*entries, *lib, modules=tuple(each.name for each in entries))
        assert _ends(found, "pkg/libs/liba.dylib") == [("pkg/libs/libb.dylib", rule)]


def test_a_weak_library_may_be_absent() -> None:
    found = _resolve(member(MODULE, bundle(f"{WEAK}/opt/liba.dylib", "/opt/libb.dylib")))
    assert _ends(found, MODULE) == [(None, None), (None, None)]
    assert [edge.dependency.name for edge in found.graph.missing()] == ["/opt/libb.dylib"]


def test_each_slice_is_loaded_on_its_own() -> None:
    found = _resolve(
        member(MODULE, bundle("@loader_path/liba.dylib", arch="x86_64"), bundle("@loader_path/libb.dylib")),
        member("pkg/liba.dylib", part(arch="x86_64")),
        member("pkg/libb.dylib", part("@loader_path/liba.dylib")),
    )
    edges = [(edge.architecture, edge.lookup.found) for edge in found.graph.all_edges()]
    assert edges == [("x86_64", "pkg/liba.dylib"), ("arm64", "pkg/libb.dylib"), ("arm64", None)]
    assert found.graph.edges_of(MODULE, "arm64") == found.graph.edges[MODULE][1:]


def test_a_slice_may_be_loaded_with_those_of_an_older_processor() -> None:
    found = _resolve(
        member(MODULE, bundle("@loader_path/liba.dylib", arch="x86_64h")),
        member("pkg/liba.dylib", part("@loader_path/libb.dylib", arch="x86_64")),
        member("pkg/libb.dylib", part(arch="x86_64")),
    )
    edges = [(edge.needer, edge.architecture, edge.lookup.found) for edge in found.graph.all_edges()]
    assert edges == [
        (MODULE, "x86_64h", "pkg/liba.dylib"),
        ("pkg/liba.dylib", "x86_64", "pkg/libb.dylib"),
    ]


def test_a_slice_that_no_entry_reaches_is_searched_for_too_and_makes_no_entry() -> None:
    found = _resolve(
        member(MODULE, bundle("@loader_path/liba.dylib")),
        member("pkg/liba.dylib", part("@loader_path/libb.dylib"), part("@loader_path/libb.dylib", arch="x86_64")),
        member("pkg/libb.dylib", part()),
    )
    edges = [(edge.architecture, edge.lookup.found) for edge in found.graph.edges["pkg/liba.dylib"]]
    assert edges == [("arm64", "pkg/libb.dylib"), ("x86_64", None)]
    assert found.entries == (MODULE,)


def test_a_slice_outside_that_nothing_reaches_is_left_alone(tmp_path: Path) -> None:
    put(tmp_path / "opt/liba.dylib", "/opt/libb.dylib", arches=("x86_64", "arm64"))
    put(tmp_path / "opt/libb.dylib", arches=("x86_64", "arm64"))
    files = [member(MODULE, bundle("/opt/liba.dylib"))]
    found = build_macho_graph(files, SearchOptions(sysroot=tmp_path), modules=[MODULE])
    assert [edge.architecture for edge in found.graph.all_edges()] == ["arm64", "arm64"]


def test_a_slice_that_dyld_never_maps_needs_nothing() -> None:
    files = [member("pkg/x.o", part("/opt/liba.dylib", kind=FileType.OBJECT)), member(MODULE, bundle())]
    found = _resolve(*files)
    assert list(found.graph.all_edges()) == []


def test_entries_are_modules_programs_libraries_nobody_names_and_rings() -> None:
    found = _resolve(
        member("pkg/libring2.dylib", part("@loader_path/libring1.dylib")),
        member("pkg/libring1.dylib", part("@loader_path/libring2.dylib")),
        member("pkg/libself.dylib", part("@rpath/libself.dylib", name="@rpath/libself.dylib")),
        member("pkg/libplugin.dylib", part("@loader_path/liba.dylib")),
        member("pkg/liba.dylib", part()),
        member("pkg/plugin.so", bundle("@loader_path/liba.dylib")),
        member("pkg/libnamed.dylib", part(name="@rpath/libreal.dylib")),
        member("bin/tool", part("@rpath/libreal.dylib", kind=FileType.EXECUTABLE)),
        member(MODULE, bundle("@loader_path/liba.dylib", "/usr/lib/libz.dylib")),
        member("pkg/libz.dylib", part()),
    )
    assert found.entries == (
        "pkg/libring2.dylib",
        "pkg/libself.dylib",
        "pkg/libplugin.dylib",
        "pkg/plugin.so",
        "bin/tool",
        MODULE,
        "pkg/libz.dylib",
    )


def test_a_member_that_is_not_installed_is_found_by_nobody() -> None:
    lost = member("x.data/odd/liba.dylib", part("@loader_path/libb.dylib", name="@rpath/liba.dylib"))._replace(
        place=None
    )
    beside = member("x.data/odd/libb.dylib", part())
    found = _resolve(member(MODULE, bundle("@rpath/liba.dylib")), lost, beside)
    assert _ends(found, MODULE) == [(None, None)]
    assert _ends(found, lost.name) == [("x.data/odd/libb.dylib", SearchRule.IN_WHEEL)]


def test_files_of_the_data_folder_meet_those_of_the_root() -> None:
    placed = member("x.data/platlib/pkg/liba.dylib", part())._replace(place="wheel:platlib/pkg/liba.dylib")
    tool = member("x.data/scripts/tool", part("@loader_path/../pkg/liba.dylib", kind=FileType.EXECUTABLE))
    script = tool._replace(place="wheel:scripts/tool")
    found = _resolve(member(MODULE, bundle("@loader_path/liba.dylib")), placed, script)
    assert _ends(found, MODULE) == [(placed.name, SearchRule.LOADER_PATH)]
    assert _ends(found, script.name) == [(placed.name, SearchRule.IN_WHEEL)]


def test_modules_that_need_the_same_names_share_their_answers() -> None:
    names = tuple(f"pkg/m{number}.so" for number in range(20))
    found = _resolve(
        *(member(name, bundle("@rpath/liba.dylib", rpaths=("@loader_path",))) for name in names),
        *_libraries("pkg", liba=()),
        modules=names,
    )
    lookups = [found.graph.edges[name][0].lookup for name in names]
    assert all(lookup is lookups[0] for lookup in lookups)
    assert lookups[0].found == "pkg/liba.dylib"


def test_rings_end() -> None:
    found = _resolve(
        member(MODULE, bundle("@rpath/liba.dylib", rpaths=("@loader_path",))),
        *_libraries("pkg", liba=("libb",), libb=("liba", "libb")),
    )
    assert [end[0] for end in _ends(found, "pkg/libb.dylib")] == ["pkg/liba.dylib", "pkg/libb.dylib"]


def test_a_long_chain_of_libraries_is_followed_to_its_end() -> None:
    count = 3000
    files = [member(MODULE, bundle("@loader_path/lib0.dylib"))]
    files += [member(f"pkg/lib{each}.dylib", part(f"@loader_path/lib{each + 1}.dylib")) for each in range(count)]
    files.append(member(f"pkg/lib{count}.dylib", part()))
    assert not any(True for _ in _resolve(*files).graph.missing())


def test_more_search_paths_than_any_linker_writes_are_refused() -> None:
    many = tuple(f"/opt/{each}" for each in range(2001))
    with pytest.raises(InvalidBinaryError, match="loaded with 2001 search paths") as error:
        _resolve(member(MODULE, bundle("@rpath/liba.dylib", rpaths=many)))
    assert error.value.where == MODULE


def test_more_places_than_can_be_tried_are_refused() -> None:
    paths = tuple(f"@loader_path/{each}" for each in range(1000))
    names = tuple(f"@rpath/lib{each}.dylib" for each in range(1000))
    with pytest.raises(InvalidBinaryError, match="more libraries and search paths than can be tried"):
        _resolve(member(MODULE, bundle(*names, rpaths=paths)))


def test_an_excluded_name_stays_excluded_though_an_image_is_loaded_under_it() -> None:
    files = [
        member(MODULE, bundle("@loader_path/libs/libother.dylib", "@rpath/liba.dylib")),
        member("pkg/libs/libother.dylib", part(name="@rpath/liba.dylib")),
    ]
    options = SearchOptions(system=False, exclude=("@rpath/liba.dylib",))
    found = build_macho_graph(files, options, modules=[MODULE])
    assert _ends(found, MODULE)[1] == (None, SearchRule.EXCLUDED)


def test_an_included_library_finds_members_when_nothing_else_is_searched(tmp_path: Path) -> None:
    extra = put(tmp_path / "libextra.dylib", "@rpath/liba.dylib", "@rpath/libb.dylib", rpaths=("@loader_path",))
    put(tmp_path / "libb.dylib")
    files = [member(MODULE, bundle()), *_libraries("pkg", liba=())]
    found = build_macho_graph(files, _WHEEL_ONLY, modules=[MODULE], include=(str(extra),))
    assert _ends(found, str(extra)) == [("pkg/liba.dylib", SearchRule.IN_WHEEL), (None, None)]
