"""Plans for macOS wheels made by hand; only the libraries that come along are real files, of any content."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from support.macho_analyses import BuiltMac, macho
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.macho.image import FileType
from truewheel.bundler.bundle_options import BundleOptions
from truewheel.bundler.macho.planning import plan_macho_bundle
from truewheel.bundler.plan import DroppedPath, Launcher, SliceEdit
from truewheel.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.bundler.macho.planning import MachoBundle

MODULE = "demo/_x.abi3.so"
DATA = "demo-1.0.data"
BOTH: dict[str, str | None] = {"x86_64": "10.9", "arm64": "11.0"}
ARM: dict[str, str | None] = {"arm64": "11.0"}


def add(built: BuiltMac, path: Path, content: bytes = b"", *, install_name: str | None = None) -> str:
    """Write a library with arm64 and x86_64 slices; return its node."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content or path.name.encode())
    file = macho(BOTH, FileType.DYLIB)
    slices = tuple(replace(item, install_name=install_name or f"/opt/{path.name}") for item in file.slices)
    built.file(str(path), replace(file, slices=slices))
    return str(path)


def planned(built: BuiltMac, *, included: tuple[str, ...] = (), **choices: object) -> MachoBundle:
    options = BundleOptions(**choices)  # type: ignore[arg-type]  # a test's own keywords
    return plan_macho_bundle(built.analysis(included=included), DATA, options)


def slices_of(bundle: MachoBundle, member: str) -> tuple[SliceEdit, ...]:
    (edit,) = (each for each in bundle.edits if each.member == member)
    return edit.slices


def hashed(name: str) -> str:
    """Return the name under which a library of the content `name` comes along."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem}-{sha256(name.encode()).hexdigest()[:8]}.{suffix}"


def test_nothing_to_do_gives_no_edit() -> None:
    assert planned(BuiltMac().module(MODULE, BOTH).system(MODULE)) == ((), (), (), (), ())


def test_a_library_gets_a_hashed_name_and_every_slice_finds_it(tmp_path: Path) -> None:
    built = BuiltMac().module(MODULE, BOTH)
    path = add(built, tmp_path / "libfoo.1.dylib")
    bundle = planned(built.need(MODULE, path, name="@rpath/libfoo.1.dylib", rule=SearchRule.LC_RPATH))
    new = hashed("libfoo.1.dylib")
    assert [copy.member for copy in bundle.libraries] == [f"demo.dylibs/{new}"]
    rename = (("@rpath/libfoo.1.dylib", f"@loader_path/../demo.dylibs/{new}"),)
    assert slices_of(bundle, MODULE) == tuple(SliceEdit(name, rename=rename) for name in BOTH)
    own = tuple(SliceEdit(name, install_name=f"/DLC/demo.dylibs/{new}") for name in BOTH)
    assert slices_of(bundle, f"demo.dylibs/{new}") == own


def test_libraries_find_each_other_beside_themselves(tmp_path: Path) -> None:
    built = BuiltMac().module(MODULE, ARM)
    outer, inner = add(built, tmp_path / "libouter.dylib"), add(built, tmp_path / "libinner.dylib")
    built.need(MODULE, outer, name="/opt/libouter.dylib").need(outer, inner, "arm64", name="/opt/libinner.dylib")
    (arm, intel) = sorted(
        slices_of(planned(built), f"demo.dylibs/{hashed('libouter.dylib')}"), key=lambda s: s.architecture
    )
    assert arm.rename == (("/opt/libinner.dylib", f"@loader_path/{hashed('libinner.dylib')}"),)
    assert intel.architecture == "x86_64"


def test_a_slice_that_nothing_reaches_shares_the_new_names_of_its_sibling(tmp_path: Path) -> None:
    built = BuiltMac().module(MODULE, ARM)
    outer, inner = add(built, tmp_path / "libouter.dylib"), add(built, tmp_path / "libinner.dylib")
    built.need(MODULE, outer, name="/opt/libouter.dylib").need(outer, inner, "arm64", name="/opt/libinner.dylib")
    node = built.nodes[outer]
    use = built.edges[outer][0].dependency
    slices = tuple(replace(item, dependencies=(use,)) for item in node.file.slices)
    built.nodes[outer] = node._replace(file=replace(node.file, slices=slices))
    renames = {
        edit.architecture: edit.rename for edit in slices_of(planned(built), f"demo.dylibs/{hashed('libouter.dylib')}")
    }
    assert renames["arm64"] == renames["x86_64"] != ()


def test_two_names_of_one_library_become_two_spellings_of_one_path(tmp_path: Path) -> None:
    built = BuiltMac().module(MODULE, ARM)
    path = add(built, tmp_path / "libg.dylib")
    built.need(MODULE, path, name="/opt/libg.dylib").need(MODULE, path, name="/opt/libg.1.dylib")
    (edit,) = slices_of(planned(built), MODULE)
    new = f"../demo.dylibs/{hashed('libg.dylib')}"
    assert edit.rename == (
        ("/opt/libg.dylib", f"@loader_path/{new}"),
        ("/opt/libg.1.dylib", f"@loader_path/./{new}"),
    )


def test_two_libraries_of_one_name_coexist(tmp_path: Path) -> None:
    built = BuiltMac().module(MODULE, ARM)
    first, second = add(built, tmp_path / "a/libn.dylib", b"a"), add(built, tmp_path / "b/libn.dylib", b"b")
    built.need(MODULE, first, name="/a/libn.dylib").need(MODULE, second, name="/b/libn.dylib")
    assert len({copy.member for copy in planned(built).libraries}) == 2


def test_the_name_is_that_of_the_install_name_not_of_the_file(tmp_path: Path) -> None:
    built = BuiltMac().module(MODULE, ARM)
    path = add(built, tmp_path / "libpq.5.16.dylib", install_name="/opt/homebrew/lib/libpq.5.dylib")
    bundle = planned(built.need(MODULE, path, name="/opt/homebrew/lib/libpq.5.dylib"))
    assert bundle.libraries[0].name == "libpq.5.dylib"
    assert bundle.libraries[0].member.startswith("demo.dylibs/libpq.5-")


def test_libpython_is_no_longer_needed_by_a_module_but_stays_with_a_program() -> None:
    program = "demo/bin/tool"
    built = BuiltMac().module(MODULE, ARM).entry(program, macho(ARM, FileType.EXECUTABLE))
    name = "/Library/Frameworks/Python.framework/Versions/3.12/Python"
    for each in (MODULE, program):
        built.need(each, None, name=name, rule=SearchRule.INTERPRETER)
    bundle = planned(built)
    assert [(edit.member, edit.slices) for edit in bundle.edits] == [(MODULE, (SliceEdit("arm64", remove=(name,)),))]


def test_what_the_caller_leaves_out_keeps_its_name() -> None:
    built = BuiltMac().module(MODULE, ARM).need(MODULE, None, name="@rpath/libcuda.dylib", rule=SearchRule.EXCLUDED)
    assert planned(built).edits == ()


def test_search_paths_of_the_build_go_from_every_file_and_others_stay() -> None:
    leaf = "demo/libleaf.dylib"
    stay = ("@loader_path/../other/lib", "/usr/lib/swift", "@executable_path/../lib")
    gone = ("/opt/homebrew/lib", "@loader_path/../../..", "relative")
    built = BuiltMac().entry(leaf, macho(ARM, FileType.DYLIB, rpaths=(*stay, *gone)))
    bundle = planned(built)
    assert slices_of(bundle, leaf) == (SliceEdit("arm64", delete_rpaths=gone),)
    assert bundle.dropped_paths == tuple(DroppedPath(leaf, path) for path in gone)


@pytest.mark.parametrize(("sdk", "refused"), [((14, 5, 0), ""), ((15, 0, 0), ", which macOS 15.4 refuses")])
def test_a_search_path_that_stands_twice_is_kept_once(sdk: tuple[int, int, int], refused: str) -> None:
    leaf = "demo/libleaf.dylib"
    file = macho(ARM, FileType.DYLIB, rpaths=("@loader_path/lib", "@loader_path/lib"))
    file = replace(file, slices=tuple(replace(item, sdk=sdk) for item in file.slices))
    bundle = planned(BuiltMac().entry(leaf, file))
    (edit,) = slices_of(bundle, leaf)
    assert (edit.delete_rpaths, edit.add_rpaths) == (("@loader_path/lib",), ("@loader_path/lib",))
    assert bundle.notices == (f"{leaf} names the search path @loader_path/lib twice{refused}; one is kept",)


def test_a_member_that_no_path_leads_to_is_named_by_its_place() -> None:
    built = BuiltMac().module(MODULE, ARM).library("demo/lib/libin.dylib", ARM)
    built.need(MODULE, "demo/lib/libin.dylib", name="/build/libin.dylib", rule=SearchRule.IN_WHEEL)
    (edit,) = slices_of(planned(built), MODULE)
    assert edit.rename == (("/build/libin.dylib", "@loader_path/lib/libin.dylib"),)


def test_a_member_that_a_path_leads_to_keeps_its_name() -> None:
    built = BuiltMac().module(MODULE, ARM).library("demo/lib/libin.dylib", ARM)
    assert planned(built.need(MODULE, "demo/lib/libin.dylib", name="@loader_path/lib/libin.dylib")).edits == ()


def test_an_executable_of_the_scripts_moves_to_where_its_libraries_are(tmp_path: Path) -> None:
    script = f"{DATA}/scripts/tool"
    program = macho(ARM, FileType.EXECUTABLE, rpaths=("@loader_path/../lib",))
    built = BuiltMac().entry(script, program)
    path = add(built, tmp_path / "libfoo.dylib")
    bundle = planned(built.need(script, path, name="/opt/libfoo.dylib"))
    assert bundle.launchers == (Launcher(script, "demo.scripts/tool"),)
    (edit,) = slices_of(bundle, "demo.scripts/tool")
    assert edit.rename == (("/opt/libfoo.dylib", f"@loader_path/../demo.dylibs/{hashed('libfoo.dylib')}"),)
    assert edit.delete_rpaths == ("@loader_path/../lib",)


def test_a_moved_executable_must_not_take_a_members_place(tmp_path: Path) -> None:
    script = f"{DATA}/scripts/tool"
    built = BuiltMac().entry(script, macho(ARM, FileType.EXECUTABLE))
    built.need(script, add(built, tmp_path / "libfoo.dylib"), name="/opt/libfoo.dylib")
    with pytest.raises(RefusedError, match="where the wheel has another file"):
        plan_macho_bundle(built.analysis(), DATA, BundleOptions(), present={"demo.scripts/tool"})


def test_members_of_data_platlib_share_the_libraries_of_the_root(tmp_path: Path) -> None:
    inner = f"{DATA}/platlib/demo/_y.so"
    built = BuiltMac().module(inner, ARM)
    bundle = planned(built.need(inner, add(built, tmp_path / "libfoo.dylib"), name="/opt/libfoo.dylib"))
    (edit,) = slices_of(bundle, inner)
    assert edit.rename[0][1] == f"@loader_path/../demo.dylibs/{hashed('libfoo.dylib')}"
    assert bundle.libraries[0].member.startswith("demo.dylibs/")


def test_what_is_opened_by_name_keeps_it_and_entries_get_a_path_there(tmp_path: Path) -> None:
    built = BuiltMac().module(MODULE, ARM)
    path = add(built, tmp_path / "libplug.dylib")
    bundle = planned(built, included=(path,))
    assert [copy.member for copy in bundle.libraries] == ["demo.dylibs/libplug.dylib"]
    assert slices_of(bundle, MODULE) == (SliceEdit("arm64", add_rpaths=("@loader_path/../demo.dylibs",)),)


def test_names_stay_where_the_caller_wants_them(tmp_path: Path) -> None:
    built = BuiltMac().module(MODULE, ARM)
    built.need(MODULE, add(built, tmp_path / "libfoo.1.dylib"), name="/opt/libfoo.1.dylib")
    bundle = planned(built, no_mangle=("libfoo.*",))
    assert bundle.libraries[0].member == "demo.dylibs/libfoo.1.dylib"
    with pytest.raises(UsageError, match="no bundled library matches"):
        planned(built, no_mangle=("libbar*",))


def test_the_folder_can_be_named(tmp_path: Path) -> None:
    built = BuiltMac().module(MODULE, ARM)
    built.need(MODULE, add(built, tmp_path / "libfoo.dylib"), name="/opt/libfoo.dylib")
    assert planned(built, lib_sdir=".libs").libraries[0].member.startswith("demo.libs/")


def test_one_content_with_two_needs_is_refused(tmp_path: Path) -> None:
    built = BuiltMac().module(MODULE, ARM)
    first, second = add(built, tmp_path / "a/libn.dylib", b"n"), add(built, tmp_path / "b/libn.dylib", b"n")
    one, two = add(built, tmp_path / "libone.dylib"), add(built, tmp_path / "libtwo.dylib")
    built.need(MODULE, first, name="/a/libn.dylib").need(MODULE, second, name="/b/libn.dylib")
    built.need(first, one, name="@rpath/libdeep.dylib").need(second, two, name="@rpath/libdeep.dylib")
    with pytest.raises(RefusedError, match="has the same content as"):
        planned(built)


def test_libraries_get_short_names_only_where_a_header_has_no_room(tmp_path: Path) -> None:
    built = BuiltMac().module(MODULE, ARM)
    one, two = add(built, tmp_path / "libone.1.dylib"), add(built, tmp_path / "libtwo.dylib")
    plain = "demo/_y.so"
    built.module(plain, ARM).need(plain, two, name="/t.dylib")
    built.need(MODULE, one, name="/o.dylib")
    node = built.nodes[MODULE]
    use = built.edges[MODULE][0].dependency
    slices = tuple(replace(item, free_bytes=8, dependencies=(use,)) for item in node.file.slices)
    built.nodes[MODULE] = node._replace(file=replace(node.file, slices=slices))
    bundle = planned(built)
    assert {copy.name: copy.member for copy in bundle.libraries} == {
        "libone.1.dylib": f"demo.dylibs/o-{sha256(b'libone.1.dylib').hexdigest()[:8]}.dylib",
        "libtwo.dylib": f"demo.dylibs/{hashed('libtwo.dylib')}",
    }
    assert bundle.notices == (f"{MODULE}: its arm64 header has room for 8 bytes, so libraries get short names",)
