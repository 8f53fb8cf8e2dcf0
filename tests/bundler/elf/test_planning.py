from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from support.analyses import Built, image
from support.bundles import MODULE, Libraries, edit_of, members, planned
from truewheel.analyzer.elf.image import DependencyKind, ImageKind
from truewheel.analyzer.graph import SearchRule
from truewheel.bundler.plan import DroppedPath, ElfEdit, LibraryCopy
from truewheel.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

LIBS = "$ORIGIN/../demo.libs"


def digits(content: str | bytes) -> str:
    """Return the part of the hash that names carry."""
    return sha256(content if isinstance(content, bytes) else content.encode()).hexdigest()[:8]


@pytest.fixture
def built() -> Built:
    """Return a wheel with one module that imports nothing special."""
    return Built().file(MODULE, image())


@pytest.fixture
def libraries(built: Built, tmp_path: Path) -> Libraries:
    return Libraries(built, tmp_path)


def test_nothing_to_do_gives_no_edit(built: Built) -> None:
    bundle = planned(built.need(MODULE, "libc.so.6", "/lib/libc.so.6").file("/lib/libc.so.6", image()))
    assert (bundle.libraries, bundle.edits, bundle.launchers, bundle.dropped_paths) == ((), (), (), ())


def test_a_library_gets_a_hashed_name_and_its_needer_finds_it(built: Built, libraries: Libraries) -> None:
    path = libraries.add("libfoo.so.1", image(soname="libfoo.so.1", build_id="ab"))
    bundle = planned(built.need(MODULE, "libfoo.so.1", path))
    name = f"libfoo-{digits('libfoo.so.1')}.so.1"
    content = sha256(b"libfoo.so.1").hexdigest()
    assert bundle.libraries == (LibraryCopy(path, "libfoo.so.1", f"demo.libs/{name}", content, 1000, "ab"),)
    assert bundle.edits == (
        ElfEdit(MODULE, MODULE, replace_needed=(("libfoo.so.1", name),), rpath=LIBS),
        ElfEdit(f"demo.libs/{name}", path, soname=name),
    )


def test_a_library_that_two_members_need_comes_along_once(built: Built, libraries: Libraries) -> None:
    path = libraries.add("libfoo.so.1")
    built.file("demo/sub/_y.so", image()).need(MODULE, "libfoo.so.1", path).need("demo/sub/_y.so", "libfoo.so.1", path)
    bundle = planned(built)
    assert len(bundle.libraries) == 1
    assert edit_of(bundle, "demo/sub/_y.so").rpath == "$ORIGIN/../../demo.libs"


def test_one_library_under_two_names_comes_along_once(built: Built, libraries: Libraries) -> None:
    path = libraries.add("libfoo.so.1.2", image())
    bundle = planned(built.need(MODULE, "libfoo.so", path).need(MODULE, "libfoo.so.1", path))
    name = f"libfoo-{digits('libfoo.so.1.2')}.so.1.2"
    assert members(bundle) == [f"demo.libs/{name}"]
    assert edit_of(bundle, MODULE).replace_needed == (("libfoo.so", name), ("libfoo.so.1", name))
    assert edit_of(bundle, f"demo.libs/{name}").soname == name


@pytest.mark.parametrize("soname", ["libfoo.so.1", None])
def test_two_files_with_one_content_come_along_once(built: Built, libraries: Libraries, soname: str | None) -> None:
    first = libraries.add("a/libfoo.so.1", image(soname=soname), b"same")
    second = libraries.add("b/libfoo.so", image(soname=soname), b"same")
    bundle = planned(built.need(MODULE, "libfoo.so.1", first).need(MODULE, "libfoo.so", second))
    name = f"libfoo-{digits(b'same')}.so.1"
    assert members(bundle) == [f"demo.libs/{name}"]
    assert bundle.libraries[0].source == first
    assert [edit.source for edit in bundle.edits] == [MODULE, first]
    assert {new for _, new in edit_of(bundle, MODULE).replace_needed} == {name}


def test_one_content_is_not_shared_where_it_needs_different_libraries(built: Built, libraries: Libraries) -> None:
    for folder in "ab":
        path = libraries.add(f"{folder}/libfoo.so.1", data=b"same")
        deeper = libraries.add(f"{folder}/libbar.so.1")
        built.need(MODULE, f"../{folder}/libfoo.so.1", path).need(path, "libbar.so.1", deeper)
    with pytest.raises(RefusedError, match="same content"):
        planned(built)


def test_two_contents_with_one_soname_come_along_both(built: Built, libraries: Libraries) -> None:
    built.file("demo/_y.so", image())
    for folder, needer in (("a", MODULE), ("b", "demo/_y.so")):
        built.need(needer, "libfoo.so.1", libraries.add(f"{folder}/libfoo.so.1"))
    bundle = planned(built)
    names = [f"libfoo-{digits(f'{folder}/libfoo.so.1')}.so.1" for folder in "ab"]
    assert members(bundle) == [f"demo.libs/{name}" for name in names]
    assert edit_of(bundle, MODULE).replace_needed == (("libfoo.so.1", names[0]),)
    assert edit_of(bundle, "demo/_y.so").replace_needed == (("libfoo.so.1", names[1]),)


def test_two_contents_with_one_hashed_name_get_distinct_names(built: Built, libraries: Libraries) -> None:
    name = "libfoo-0a1b2c3d.so.1"
    paths = [libraries.add(f"{folder}/{name}") for folder in "ab"]
    built.file("demo/_y.so", image()).need(MODULE, name, paths[0]).need("demo/_y.so", name, paths[1])
    bundle = planned(built)
    other = f"libfoo-{sha256(f'b/{name}'.encode()).hexdigest()[:16]}.so.1"
    assert members(bundle) == [f"demo.libs/{name}", f"demo.libs/{other}"]
    assert edit_of(bundle, "demo/_y.so").replace_needed == ((name, other),)
    assert edit_of(bundle, f"demo.libs/{other}").soname == other


def test_a_library_makes_room_for_one_that_keeps_its_name(built: Built, libraries: Libraries) -> None:
    name = "libfoo-0a1b2c3d.so.1"
    paths = [libraries.add(f"{folder}/{name}") for folder in "ab"]
    built.file("demo/_y.so", image()).need(MODULE, name, paths[0]).need("demo/_y.so", name, paths[1])
    bundle = planned(built, no_mangle=(paths[1],))
    assert [copy.source for copy in bundle.libraries if copy.member == f"demo.libs/{name}"] == [paths[1]]
    assert len(bundle.libraries) == 2


@pytest.mark.parametrize(
    "pattern", ["libfoo.so.1", "libfoo.so", "libfoo", "libf*", "*/x/libfoo.so.1.2", "libf?o-link.so"]
)
def test_a_library_keeps_its_name_when_a_pattern_fits(built: Built, libraries: Libraries, pattern: str) -> None:
    path = libraries.add("x/libfoo.so.1.2", image(soname="libfoo.so.1"))
    other = libraries.add("x/libbar.so.1")
    built.need(MODULE, "libfoo-link.so", path).need(MODULE, "libbar.so.1", other)
    bundle = planned(built, no_mangle=(pattern,))
    bar = f"libbar-{digits('x/libbar.so.1')}.so.1"
    assert members(bundle) == ["demo.libs/libfoo.so.1", f"demo.libs/{bar}"]
    assert edit_of(bundle, MODULE).replace_needed == (("libfoo-link.so", "libfoo.so.1"), ("libbar.so.1", bar))
    assert edit_of(bundle, "demo.libs/libfoo.so.1").soname is None


def test_a_kept_name_serves_every_file_of_that_content(built: Built, libraries: Libraries) -> None:
    first, second = (libraries.add(f"{folder}/libfoo.so.1", data=b"same") for folder in "ab")
    built.file("demo/_y.so", image()).need("demo/_y.so", "libfoo.so.1", first).need(MODULE, "libfoo.so.1", second)
    assert members(planned(built, no_mangle=(second,))) == ["demo.libs/libfoo.so.1"]


def test_a_pattern_that_fits_nothing_is_told(built: Built, libraries: Libraries) -> None:
    built.need(MODULE, "libfoo.so.1", libraries.add("libfoo.so.1"))
    with pytest.raises(UsageError, match="'libbar"):
        planned(built, no_mangle=("libfoo*", "libbar*"))


def test_a_pattern_may_fit_a_library_that_an_earlier_repair_brought(built: Built) -> None:
    built.file("demo.libs/libfoo.so.1", image(soname="libfoo.so.1"))
    built.need(MODULE, "libfoo.so.1", "demo.libs/libfoo.so.1", SearchRule.RPATH)
    assert planned(built, no_mangle=("libfoo",)).edits == ()


def test_two_kept_names_that_collide_are_refused(built: Built, libraries: Libraries) -> None:
    for folder in "ab":
        built.need(MODULE, f"{folder}/libfoo.so.1", libraries.add(f"{folder}/libfoo.so.1"))
    with pytest.raises(RefusedError, match="another library"):
        planned(built, no_mangle=("libfoo*",))


def test_a_kept_name_never_takes_the_place_of_a_file_of_the_wheel(built: Built, libraries: Libraries) -> None:
    built.need(MODULE, "libfoo.so.1", libraries.add("libfoo.so.1"))
    with pytest.raises(RefusedError, match="a file of the wheel"):
        planned(built, no_mangle=("libfoo*",), present=("demo.libs/libfoo.so.1",))


def test_a_hashed_name_never_takes_the_place_of_a_file_of_the_wheel(built: Built, libraries: Libraries) -> None:
    built.need(MODULE, "libfoo.so.1", libraries.add("libfoo.so.1"))
    digest = sha256(b"libfoo.so.1").hexdigest()
    place = f"demo.libs/libfoo-{digest[:8]}.so.1"
    assert members(planned(built, present=(place,))) == [f"demo.libs/libfoo-{digest[:16]}.so.1"]
    with pytest.raises(RefusedError, match="--lib-sdir"):
        planned(built, present=(place, f"demo.libs/libfoo-{digest[:16]}.so.1"))


def test_an_included_library_keeps_its_name_and_files_that_open_libraries_get_a_path(
    built: Built, libraries: Libraries
) -> None:
    path = libraries.add("libdriver.so.1")
    deeper = libraries.add("libdeep.so.1")
    built.need(path, "libdeep.so.1", deeper)
    built.file("demo/_open.so", image(imports=("dlopen",))).file("demo/_y.so", image())
    bundle = planned(built, included=(path,))
    name = f"libdeep-{digits('libdeep.so.1')}.so.1"
    assert members(bundle) == ["demo.libs/libdriver.so.1", f"demo.libs/{name}"]
    assert {edit.member for edit in bundle.edits} == {"demo/_open.so", *members(bundle)}
    assert edit_of(bundle, "demo/_open.so") == ElfEdit("demo/_open.so", "demo/_open.so", rpath=LIBS)
    assert edit_of(bundle, "demo.libs/libdriver.so.1").rpath == "$ORIGIN"


def test_an_included_library_keeps_its_name_though_another_one_needs_it(built: Built, libraries: Libraries) -> None:
    driver, plugin = libraries.add("libdriver.so.1"), libraries.add("libplugin.so.1")
    built.need(driver, "libplugin.so.1", plugin)
    built.file("demo/_open.so", image(imports=("dlopen",)))
    bundle = planned(built, included=(driver, plugin))
    assert members(bundle) == ["demo.libs/libdriver.so.1", "demo.libs/libplugin.so.1"]


def test_no_file_gets_a_path_for_opening_libraries_when_none_was_included(built: Built, libraries: Libraries) -> None:
    built.file("demo/_open.so", image(imports=("dlopen",))).need(MODULE, "libfoo.so.1", libraries.add("libfoo.so.1"))
    assert "demo/_open.so" not in {edit.member for edit in planned(built).edits}


@pytest.mark.parametrize("rule", [SearchRule.EXCLUDED, SearchRule.LOADER])
def test_what_is_left_out_keeps_its_name(built: Built, libraries: Libraries, rule: SearchRule) -> None:
    built.need(MODULE, "libcuda.so.1", None, rule).need(MODULE, "libfoo.so.1", libraries.add("libfoo.so.1"))
    assert [old for old, _ in edit_of(planned(built), MODULE).replace_needed] == ["libfoo.so.1"]


def with_paths(libraries: Libraries, member: str = MODULE, **paths: tuple[str, ...]) -> Built:
    libraries.built.file(member, image(**paths))
    return libraries.built


def test_entries_below_the_install_tree_stay_as_they_are_written(libraries: Libraries) -> None:
    entries = ("${ORIGIN}/../other", "$ORIGIN/lib/")
    built = with_paths(libraries, rpath=entries).need(MODULE, "libfoo.so.1", libraries.add("libfoo.so.1"))
    bundle = planned(built)
    assert edit_of(bundle, MODULE).rpath == ":".join((*entries, LIBS))
    assert bundle.dropped_paths == ()


def test_entries_of_the_build_are_dropped_and_listed(libraries: Libraries) -> None:
    built = with_paths(libraries, runpath=("/build/lib", "$ORIGIN/lib", "$ORIGIN/../../up", "", "/build/lib", "rel"))
    bundle = planned(built)
    assert edit_of(bundle, MODULE).rpath == "$ORIGIN/lib"
    assert bundle.dropped_paths == tuple(
        DroppedPath(MODULE, entry) for entry in ("/build/lib", "$ORIGIN/../../up", "", "rel")
    )


def test_a_file_whose_only_paths_lead_away_loses_them(libraries: Libraries) -> None:
    assert edit_of(planned(with_paths(libraries, rpath=("/build/lib",))), MODULE).rpath == ""


@pytest.mark.parametrize("entry", [LIBS, "${ORIGIN}/../demo.libs", "$ORIGIN/../demo.libs/", "$ORIGIN/.././demo.libs"])
def test_a_path_that_is_there_already_is_not_added(libraries: Libraries, entry: str) -> None:
    built = with_paths(libraries, rpath=(entry,)).need(MODULE, "libfoo.so.1", libraries.add("libfoo.so.1"))
    assert edit_of(planned(built), MODULE).rpath is None


@pytest.mark.parametrize("kind", ["rpath", "runpath"])
def test_a_file_whose_paths_are_good_is_not_edited(libraries: Libraries, kind: str) -> None:
    paths = {kind: ("$ORIGIN/lib", "$ORIGIN")}
    assert planned(libraries.built.file(MODULE, image(**paths))).edits == ()


def test_dt_rpath_beside_dt_runpath_says_nothing(libraries: Libraries) -> None:
    bundle = planned(with_paths(libraries, rpath=("/build/lib",), runpath=("$ORIGIN",)))
    assert (bundle.edits, bundle.dropped_paths) == ((), ())


def test_a_file_in_the_root_finds_the_folder_of_libraries_beside_it(libraries: Libraries) -> None:
    built = with_paths(libraries, "_top.so").need("_top.so", "libfoo.so.1", libraries.add("libfoo.so.1"))
    assert edit_of(planned(built), "_top.so").rpath == "$ORIGIN/demo.libs"


def test_a_library_of_the_wheel_without_a_path_gets_one(built: Built) -> None:
    built.file("demo/lib/libin.so.1", image(soname="libin.so.1"))
    built.need(MODULE, "libin.so.1", "demo/lib/libin.so.1", SearchRule.IN_WHEEL)
    assert planned(built).edits == (ElfEdit(MODULE, MODULE, rpath="$ORIGIN/lib"),)


def test_a_library_in_the_same_folder_is_at_origin(built: Built) -> None:
    built.file("demo/libin.so.1", image(soname="libin.so.1"))
    built.need(MODULE, "libin.so.1", "demo/libin.so.1", SearchRule.IN_WHEEL)
    assert edit_of(planned(built), MODULE).rpath == "$ORIGIN"


def test_a_library_of_the_wheel_whose_file_has_another_name_is_needed_by_that(built: Built) -> None:
    built.file("demo/lib/libin.so.1.2", image(soname="libin.so.1"))
    built.need(MODULE, "libin.so.1", "demo/lib/libin.so.1.2", SearchRule.IN_WHEEL)
    assert planned(built).edits == (
        ElfEdit(MODULE, MODULE, replace_needed=(("libin.so.1", "libin.so.1.2"),), rpath="$ORIGIN/lib"),
    )


@pytest.mark.parametrize("kind", [DependencyKind.AUXILIARY, DependencyKind.FILTER])
def test_what_dt_auxiliary_and_dt_filter_name_in_the_wheel_gets_a_path(built: Built, kind: DependencyKind) -> None:
    built.file("demo/lib/libin.so.1", image(soname="libin.so.1"))
    built.need(MODULE, "libin.so.1", "demo/lib/libin.so.1", SearchRule.IN_WHEEL, kind)
    assert planned(built).edits == (ElfEdit(MODULE, MODULE, rpath="$ORIGIN/lib"),)


def test_a_library_of_the_wheel_that_every_system_has_gets_no_path(built: Built) -> None:
    built.file("demo/libz.so.1", image(soname="libz.so.1"))
    built.need(MODULE, "libz.so.1", "demo/libz.so.1", SearchRule.IN_WHEEL)
    assert planned(built).edits == ()


def test_a_bundled_library_loses_its_own_paths(built: Built, libraries: Libraries) -> None:
    path = libraries.add("libfoo.so.1", image(soname="libfoo.so.1", runpath=("$ORIGIN/private", "/opt/lib")))
    bundle = planned(built.need(MODULE, "libfoo.so.1", path))
    assert edit_of(bundle, members(bundle)[0]).rpath == ""
    assert bundle.dropped_paths == ()


def test_a_bundled_library_gets_a_path_only_to_neighbours(built: Built, libraries: Libraries) -> None:
    top, deep = libraries.add("libtop.so.1", image(rpath=("/opt/lib",))), libraries.add("libdeep.so.1")
    bundle = planned(built.need(MODULE, "libtop.so.1", top).need(top, "libdeep.so.1", deep))
    by_source = {edit.source: edit for edit in bundle.edits}
    assert by_source[top].rpath == "$ORIGIN"
    assert by_source[top].replace_needed == (("libdeep.so.1", f"libdeep-{digits('libdeep.so.1')}.so.1"),)
    assert by_source[deep].rpath is None


def test_a_bundled_library_finds_a_library_of_the_wheel(built: Built, libraries: Libraries) -> None:
    top = libraries.add("libtop.so.1")
    built.file("demo/lib/libin.so.1", image(soname="libin.so.1"))
    built.need(MODULE, "libtop.so.1", top).need(top, "libin.so.1", "demo/lib/libin.so.1", SearchRule.IN_WHEEL)
    bundle = planned(built)
    assert edit_of(bundle, members(bundle)[0]).rpath == "$ORIGIN/../demo/lib"


def test_libpython_is_taken_out_of_libraries_but_not_of_programs(built: Built, libraries: Libraries) -> None:
    name = "libpython3.13.so.1.0"
    built.need(MODULE, name, None, SearchRule.INTERPRETER).file("demo/prog", image(kind=ImageKind.EXECUTABLE))
    built.need("demo/prog", name, None, SearchRule.INTERPRETER)
    path = libraries.add("libfoo.so.1")
    built.need(MODULE, "libfoo.so.1", path).need(path, name, None, SearchRule.INTERPRETER)
    bundle = planned(built)
    assert edit_of(bundle, MODULE).remove_needed == (name,)
    assert edit_of(bundle, members(bundle)[0]).remove_needed == (name,)
    assert "demo/prog" not in {edit.member for edit in bundle.edits}


@pytest.mark.parametrize("kind", [DependencyKind.AUXILIARY, DependencyKind.FILTER])
def test_what_dt_auxiliary_and_dt_filter_name_keeps_that_name(
    built: Built, libraries: Libraries, kind: DependencyKind
) -> None:
    path = libraries.add("libaux.so.1.2", image(soname="libaux.so.1"))
    built.need(MODULE, "libaux.so", path, kind=kind).need(MODULE, "libaux.so.1", path)
    bundle = planned(built)
    assert members(bundle) == ["demo.libs/libaux.so"]
    assert edit_of(bundle, "demo.libs/libaux.so").soname == "libaux.so"
    assert edit_of(bundle, MODULE).replace_needed == (("libaux.so.1", "libaux.so"),)
    assert edit_of(bundle, MODULE).rpath == LIBS


def test_strip_and_an_executable_stack_are_asked_for_where_they_apply(built: Built, libraries: Libraries) -> None:
    built.file("demo/_stack.so", image(executable_stack=True))
    built.need(MODULE, "libfoo.so.1", libraries.add("libfoo.so.1", image(soname="libfoo.so.1", executable_stack=True)))
    bundle = planned(built, strip=True, clear_executable_stack=True)
    assert [(edit.strip, edit.clear_executable_stack) for edit in bundle.edits] == [
        (True, False),
        (True, True),
        (True, True),
    ]
    assert not any(edit.clear_executable_stack for edit in planned(built).edits)


@pytest.mark.parametrize("suffix", ["/..", "/../x", "//x", "/", " x", ":x", "/./x", "\\x", "$x", "/x\n"])
def test_a_folder_that_no_path_can_lead_to_is_refused(built: Built, suffix: str) -> None:
    with pytest.raises(UsageError) as refused:
        planned(built, lib_sdir=suffix)
    assert refused.value.where == "--lib-sdir"


@pytest.mark.parametrize(
    ("suffix", "entry"), [("/lib", "$ORIGIN/lib"), (".x/y", "$ORIGIN/../demo.x/y"), ("", "$ORIGIN")]
)
def test_the_folder_of_libraries_can_be_chosen(built: Built, libraries: Libraries, suffix: str, entry: str) -> None:
    bundle = planned(built.need(MODULE, "libfoo.so.1", libraries.add("libfoo.so.1")), lib_sdir=suffix)
    assert members(bundle)[0].startswith(f"demo{suffix}/libfoo-")
    assert edit_of(bundle, MODULE).rpath == entry


def test_the_order_of_a_plan_is_that_of_the_graph(built: Built, libraries: Libraries) -> None:
    for name in ("libz9.so.1", "liba1.so.1", "libm5.so.1"):
        built.need(MODULE, name, libraries.add(name))
    bundle = planned(built, no_mangle=("libm5*",))
    assert [copy.name for copy in bundle.libraries] == ["libz9.so.1", "liba1.so.1", "libm5.so.1"]
    assert [edit.source for edit in bundle.edits] == [MODULE, *(copy.source for copy in bundle.libraries)]
