from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from support.analyses import Built, image
from support.bundles import DATA_DIR, MODULE, Libraries, edit_of, members, planned
from truewheel.analyzer.elf.image import ImageKind
from truewheel.analyzer.graph import SearchRule
from truewheel.archive.layout import InstalledPath, Scheme
from truewheel.bundler.elf.planning import origin_path
from truewheel.bundler.plan import DroppedPath, Launcher
from truewheel.errors import InvalidInputError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = f"{DATA_DIR}/scripts/prog"
PROGRAM = image(kind=ImageKind.EXECUTABLE, interpreter="/lib64/ld-linux-x86-64.so.2")


@pytest.fixture
def libraries(tmp_path: Path) -> Libraries:
    return Libraries(Built(), tmp_path)


def test_members_of_data_platlib_share_the_libraries_of_the_root(libraries: Libraries) -> None:
    path = libraries.add("libfoo.so.1")
    inner = f"{DATA_DIR}/platlib/demo/_y.so"
    libraries.built.file(MODULE, image()).file(inner, image())
    bundle = planned(libraries.built.need(MODULE, "libfoo.so.1", path).need(inner, "libfoo.so.1", path))
    assert len(bundle.libraries) == 1
    assert {edit_of(bundle, each).rpath for each in (MODULE, inner)} == {"$ORIGIN/../demo.libs"}


def test_the_data_scheme_gets_libraries_of_its_own_beside_the_file_that_needs_them(libraries: Libraries) -> None:
    top, deep = libraries.add("libtop.so.1"), libraries.add("libdeep.so.1")
    plugin = f"{DATA_DIR}/data/share/demo/plugin.so"
    libraries.built.file(MODULE, image()).file(plugin, image())
    libraries.built.need(top, "libdeep.so.1", deep)
    bundle = planned(libraries.built.need(MODULE, "libtop.so.1", top).need(plugin, "libtop.so.1", top))
    inner = [name for name in members(bundle) if name.startswith(f"{DATA_DIR}/data/share/demo.libs/")]
    assert len(inner) == 2
    assert len(bundle.libraries) == 4
    assert edit_of(bundle, plugin).rpath == "$ORIGIN/../demo.libs"
    assert edit_of(bundle, inner[0]).rpath == "$ORIGIN"


def test_a_file_in_the_root_of_the_data_scheme_has_its_libraries_there(libraries: Libraries) -> None:
    plugin = f"{DATA_DIR}/data/plugin.so"
    bundle = planned(libraries.built.file(plugin, image()).need(plugin, "libfoo.so.1", libraries.add("libfoo.so.1")))
    assert members(bundle)[0].startswith(f"{DATA_DIR}/data/demo.libs/libfoo-")
    assert edit_of(bundle, plugin).rpath == "$ORIGIN/demo.libs"


def test_libraries_lie_where_the_first_data_file_that_needs_one_lies(libraries: Libraries) -> None:
    idle, plugin = f"{DATA_DIR}/data/bin/idle.so", f"{DATA_DIR}/data/lib/plugin.so"
    libraries.built.file(idle, image()).file(plugin, image())
    bundle = planned(libraries.built.need(plugin, "libfoo.so.1", libraries.add("libfoo.so.1")))
    assert members(bundle)[0].startswith(f"{DATA_DIR}/data/lib/demo.libs/")


def test_a_program_that_needs_a_library_moves_beside_the_packages(libraries: Libraries) -> None:
    bundle = planned(libraries.built.file(SCRIPT, PROGRAM).need(SCRIPT, "libfoo.so.1", libraries.add("libfoo.so.1")))
    assert bundle.launchers == (Launcher(SCRIPT, "demo.scripts/prog"),)
    assert edit_of(bundle, "demo.scripts/prog").source == SCRIPT
    assert edit_of(bundle, "demo.scripts/prog").rpath == "$ORIGIN/../demo.libs"


def test_a_program_that_needs_a_library_of_the_wheel_moves(libraries: Libraries) -> None:
    libraries.built.file(SCRIPT, PROGRAM).file("demo/libin.so.1", image(soname="libin.so.1"))
    bundle = planned(libraries.built.need(SCRIPT, "libin.so.1", "demo/libin.so.1", SearchRule.IN_WHEEL))
    assert edit_of(bundle, "demo.scripts/prog").rpath == "$ORIGIN/../demo"


def test_a_program_that_needs_nothing_stays(libraries: Libraries) -> None:
    libraries.built.file(SCRIPT, PROGRAM).file(MODULE, image())
    libraries.built.need(SCRIPT, "libc.so.6", "/lib/libc.so.6").file("/lib/libc.so.6", image())
    bundle = planned(libraries.built.need(MODULE, "libfoo.so.1", libraries.add("libfoo.so.1")))
    assert bundle.launchers == ()
    assert SCRIPT not in {edit.member for edit in bundle.edits}


def test_a_program_finds_a_library_among_the_scripts_without_moving(libraries: Libraries) -> None:
    neighbour = f"{DATA_DIR}/scripts/libin.so.1"
    libraries.built.file(SCRIPT, PROGRAM).file(neighbour, image(soname="libin.so.1"))
    bundle = planned(libraries.built.need(SCRIPT, "libin.so.1", neighbour, SearchRule.IN_WHEEL))
    assert bundle.launchers == ()
    assert edit_of(bundle, SCRIPT).rpath == "$ORIGIN"


def test_a_program_that_moves_loses_the_paths_that_led_from_where_it_was(libraries: Libraries) -> None:
    libraries.built.file(SCRIPT, image(kind=ImageKind.EXECUTABLE, rpath=("$ORIGIN/../lib", "$ORIGIN")))
    bundle = planned(libraries.built.need(SCRIPT, "libfoo.so.1", libraries.add("libfoo.so.1")))
    assert edit_of(bundle, "demo.scripts/prog").rpath == "$ORIGIN/../demo.libs"
    assert bundle.dropped_paths == (DroppedPath(SCRIPT, "$ORIGIN/../lib"), DroppedPath(SCRIPT, "$ORIGIN"))


def test_a_program_does_not_move_away_from_a_library_among_the_scripts(libraries: Libraries) -> None:
    neighbour = f"{DATA_DIR}/scripts/libin.so.1"
    libraries.built.file(SCRIPT, image(kind=ImageKind.EXECUTABLE, rpath=("$ORIGIN",))).file(neighbour, image())
    libraries.built.need(SCRIPT, "libin.so.1", neighbour, SearchRule.RPATH)
    with pytest.raises(RefusedError, match="another scheme"):
        planned(libraries.built.need(SCRIPT, "libfoo.so.1", libraries.add("libfoo.so.1")))


def test_a_program_does_not_move_onto_another_file(libraries: Libraries) -> None:
    libraries.built.file(SCRIPT, PROGRAM).need(SCRIPT, "libfoo.so.1", libraries.add("libfoo.so.1"))
    with pytest.raises(RefusedError, match=r"demo\.scripts/prog"):
        planned(libraries.built, present=("demo.scripts/prog",))


def test_a_library_among_the_scripts_cannot_get_libraries(libraries: Libraries) -> None:
    stray = f"{DATA_DIR}/scripts/libstray.so"
    libraries.built.file(stray, image()).need(stray, "libfoo.so.1", libraries.add("libfoo.so.1"))
    with pytest.raises(RefusedError, match="folder of scripts"):
        planned(libraries.built)


def test_a_file_that_is_not_installed_cannot_get_libraries(libraries: Libraries) -> None:
    stray = f"{DATA_DIR}/stray.so"
    libraries.built.file(stray, image()).need(stray, "libfoo.so.1", libraries.add("libfoo.so.1"))
    with pytest.raises(RefusedError, match="no installer"):
        planned(libraries.built)


def test_a_file_that_is_not_installed_and_needs_nothing_is_left_alone(libraries: Libraries) -> None:
    assert planned(libraries.built.file(f"{DATA_DIR}/stray.so", image(rpath=("/build",)))).edits == ()


def test_a_path_across_schemes_is_refused(libraries: Libraries) -> None:
    plugin = f"{DATA_DIR}/data/lib/plugin.so"
    libraries.built.file(MODULE, image()).file(plugin, image(soname="plugin.so"))
    with pytest.raises(RefusedError, match="another scheme") as refused:
        planned(libraries.built.need(MODULE, "plugin.so", plugin, SearchRule.IN_WHEEL))
    assert refused.value.where == MODULE


def test_an_included_library_has_what_it_needs_though_only_a_data_file_reaches_that(libraries: Libraries) -> None:
    driver, deep = libraries.add("libdriver.so.1"), libraries.add("libdeep.so.1")
    plugin = f"{DATA_DIR}/data/lib/plugin.so"
    libraries.built.file(MODULE, image()).file(plugin, image()).need(driver, "libdeep.so.1", deep)
    bundle = planned(libraries.built.need(plugin, "libdeep.so.1", deep), included=(driver,))
    assert sorted(name.rpartition("/")[0] for name in members(bundle)) == [
        f"{DATA_DIR}/data/lib/demo.libs",
        "demo.libs",
        "demo.libs",
    ]
    assert edit_of(bundle, "demo.libs/libdriver.so.1").rpath == "$ORIGIN"


def test_libraries_that_need_each_other_in_a_ring_come_along_once(libraries: Libraries) -> None:
    one, two = libraries.add("libone.so.1"), libraries.add("libtwo.so.1")
    libraries.built.file(MODULE, image()).need(one, "libtwo.so.1", two).need(two, "libone.so.1", one)
    assert len(planned(libraries.built.need(MODULE, "libone.so.1", one)).libraries) == 2


def test_a_library_that_cannot_be_read_is_an_error(libraries: Libraries) -> None:
    path = libraries.add("libfoo.so.1")
    libraries.built.file(MODULE, image()).need(MODULE, "libfoo.so.1", path)
    (libraries.folder / "libfoo.so.1").unlink()
    with pytest.raises(InvalidInputError) as refused:
        planned(libraries.built)
    assert refused.value.where == path


def place(path: str, scheme: Scheme = Scheme.PLATLIB) -> InstalledPath:
    return InstalledPath(scheme, PurePosixPath(path))


@pytest.mark.parametrize(
    ("start", "target", "entry"),
    [
        ("a/x.so", "a/liby.so", "$ORIGIN"),
        ("x.so", "liby.so", "$ORIGIN"),
        ("x.so", "lib/liby.so", "$ORIGIN/lib"),
        ("a/b/x.so", "a/c/liby.so", "$ORIGIN/../c"),
        ("a/b/x.so", "liby.so", "$ORIGIN/../.."),
    ],
)
def test_entries_lead_from_folder_to_folder(start: str, target: str, entry: str) -> None:
    assert origin_path(place(start), place(target), "x.so") == entry


@pytest.mark.parametrize("folder", ["a:b", "a$b"])
def test_a_folder_that_an_rpath_cannot_name_is_refused(folder: str) -> None:
    with pytest.raises(RefusedError, match="rename the folder"):
        origin_path(place("x.so"), place(f"{folder}/liby.so"), "x.so")
