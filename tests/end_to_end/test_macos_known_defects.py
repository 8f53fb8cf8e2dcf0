"""Thirteen ways in which repairs of macOS wheels are known to go wrong: what truewheel does in each.

Where code for x86_64 can be run here it is, by the test loader in support/minidyld.py, with the libraries that were
bundled gone from where they came from; and the same wheel unrepaired fails in dyld's words.
"""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.cli import process
from support.fixtures import mac_family, mac_odd, unrepaired_mac_wheel
from support.greeting import SAID, SAY
from support.hello import PACKAGE, hello_wheel
from support.mac_names import is_macho, member_names, names, relinked, require_sound, signed_slices, slices
from support.mac_python import run_python, runs_mac_code
from support.mac_repairs import (
    MODULE,
    bundled,
    contents,
    installed,
    installed_for_mac,
    libraries,
    mac_wheel,
    repaired,
    unpacked,
)
from support.signature_oracle import commands
from truewheel.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.fixtures import MacFolder
    from support.hello import Outcome

X86_64 = mac_family("x86_64")
GREET = "/opt/hello/lib/libgreet.1.dylib"
NOT_LOADED = "Library not loaded: "
DATA = "hello-1.0.data"
LINKED_FROM = {"libgreet.1.dylib": X86_64.greet, "libtone.2.dylib": X86_64.tone}


def sysroot(directory: Path, files: Mapping[str, Path]) -> Path:
    """Make a folder that stands for `/` of a Mac, with files by their absolute paths there."""
    for place, source in files.items():
        target = directory / place.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    return directory


def say(wheel: Path, folder: Path) -> Outcome:
    return run_python(unpacked(wheel, folder), SAY)


def require_fails_without_repair(wheel: Path, folder: Path, library: str) -> None:
    outcome = say(wheel, folder)
    assert outcome.code == 1
    assert f"{NOT_LOADED}{library}\n" in outcome.errors


def require_nothing_from_the_build(wheel: Path, *folders: Path) -> None:
    """Fail when a Mach-O member names a library or search path that another Mac lacks, or is damaged."""
    for member, content in contents(wheel).items():
        if is_macho(content):
            require_sound(content)
            for found in names(content).values():
                assert all(name.startswith(("@loader_path/", "/usr/lib/")) for name in found.needed), member
                assert all(path.startswith("@loader_path") for path in found.rpaths), member
            assert not any(str(folder).encode() in content for folder in folders), member


@runs_mac_code
def test_01_one_library_under_two_names_is_bundled_once_and_both_names_lead_there(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, mac_odd("two-names.so"))
    found = libraries(tmp_path / "libraries", [mac_odd("libg.1.dylib")])
    (found / "libg.dylib").symlink_to("libg.1.dylib")
    result = repaired(wheel, found).path
    shutil.rmtree(found)
    (library,) = bundled(result)
    needed = member_names(result, MODULE)["x86_64"].needed[:2]
    assert {name.rpartition("/")[2] for name in needed} == {library.rpartition("/")[2]}
    assert len(set(needed)) == 2  # dyld of newer systems refuses a file that names one path twice
    require_nothing_from_the_build(result, found)
    assert say(result, tmp_path / "site").output == "hello from libg 1\n"
    require_fails_without_repair(wheel, tmp_path / "control", "/opt/hello/lib/libg.dylib")


@runs_mac_code
@pytest.mark.parametrize("scheme", ["platlib", "purelib"])
def test_02_a_module_of_the_data_folder_finds_its_libraries_once_installed(scheme: str, tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {
        f"{DATA}/{scheme}/hello/__init__.py": PACKAGE,
        f"{DATA}/{scheme}/{MODULE}": X86_64.extension,
    }
    wheel = hello_wheel(tmp_path, files, tag="cp310-abi3-macosx_10_9_x86_64")
    found = libraries(tmp_path / "libraries")
    result = repaired(wheel, found).path
    shutil.rmtree(found)
    site, _ = installed(result, tmp_path / "venv")
    assert run_python(site, SAY).output == SAID
    control, _ = installed(wheel, tmp_path / "control")
    assert f"{NOT_LOADED}{GREET}\n" in run_python(control, SAY).errors


@runs_mac_code
@pytest.mark.parametrize("layout", ["venv", "target"])
def test_02_a_program_of_the_data_folder_finds_its_libraries_once_installed(layout: str, tmp_path: Path) -> None:
    script = f"{DATA}/scripts/hello"
    wheel = hello_wheel(tmp_path, {script: X86_64.program}, tag="py3-none-macosx_10_9_x86_64", modes={script: 0o100755})
    found = libraries(tmp_path / "libraries")
    result = repaired(wheel, found).path
    shutil.rmtree(found)
    if layout == "venv":
        _, scripts = installed(result, tmp_path / "site")
    else:
        scripts = installed_for_mac(result, tmp_path / "site") / "bin"
    # The launcher becomes the program; here the test loader does, for this system cannot.
    code = f"""
import os, runpy, sys
from pathlib import Path
os.execv = lambda program, arguments: sys.exit(support.minidyld.Dyld().run(Path(program), arguments[1:]))
sys.argv = [{str(scripts / "hello")!r}]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    outcome = run_python(tmp_path, code)
    assert (outcome.output, outcome.errors, outcome.code) == (SAID, "", 0)


def test_03_required_architectures_are_checked_though_nothing_is_bundled(tmp_path: Path) -> None:
    module = slices(mac_odd("lost-dependency.so").read_bytes())["arm64"]
    wheel = mac_wheel(tmp_path, module, tag="cp310-abi3-macosx_11_0_arm64")
    with pytest.raises(RefusedError, match="cannot be used with x86_64, which is required") as refused:
        repaired(wheel, require_archs=("x86_64", "arm64"))
    assert refused.value.reasons == (f"{MODULE} has no x86_64 slice, only arm64",)
    assert not (tmp_path / "repaired").exists()
    assert repaired(wheel, require_archs=("arm64",)).path.read_bytes() == wheel.read_bytes()


def test_03_a_wheel_named_universal2_with_a_module_for_x86_64_only_loses_that_name(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, X86_64.extension, tag="cp310-abi3-macosx_11_0_universal2")
    both = mac_family("universal2")
    found = libraries(tmp_path / "libraries", [both.greet, both.tone])
    with pytest.raises(RefusedError) as refused:
        repaired(wheel, found, require_archs=("universal2",))
    assert refused.value.reasons == (f"{MODULE} has no arm64 slice, only x86_64",)
    done = repaired(wheel, found)
    assert done.path.name == "hello-1.0-cp310-abi3-macosx_10_9_x86_64.whl"
    assert f"the label no longer speaks of arm64: {MODULE} has no arm64 slice, only x86_64" in done.notices


def test_04_a_leaf_library_of_the_wheel_loses_the_paths_of_the_build_machine(tmp_path: Path) -> None:
    leaf = "hello/libleaf.dylib"
    wheel = hello_wheel(tmp_path, {leaf: mac_odd("build-rpath.dylib")}, tag="py3-none-macosx_10_9_x86_64")
    assert member_names(wheel, leaf)["x86_64"].rpaths[0] == "/Users/runner/work/hello/lib"
    done = repaired(wheel)
    assert member_names(done.path, leaf)["x86_64"].rpaths == ("@loader_path",)
    dropped = [(path.member, path.entry) for path in done.plan.dropped_paths]
    assert dropped == [(leaf, "/Users/runner/work/hello/lib"), (leaf, "/opt/homebrew/lib")]
    require_nothing_from_the_build(done.path)


@runs_mac_code
def test_04_a_bundled_leaf_library_has_no_search_path_at_all(tmp_path: Path) -> None:
    # libgreet needs libtone, which needs only the system: a leaf, here with search paths.
    leaf = relinked(mac_odd("build-rpath.dylib"), named={"@rpath/build-rpath.dylib": "@rpath/libleaf.dylib"})
    wheel = mac_wheel(tmp_path, X86_64.extension)
    found = libraries(tmp_path / "libraries")
    (found / "libleaf.dylib").write_bytes(leaf)
    result = repaired(wheel, found, include=("libleaf.dylib",)).path
    shutil.rmtree(found)
    assert {name: member_names(result, name)["x86_64"].rpaths for name in bundled(result)} == dict.fromkeys(
        bundled(result), ()
    )
    assert len(bundled(result)) == 3
    assert say(result, tmp_path / "site").output == SAID


@runs_mac_code
def test_05_a_search_path_of_the_loader_counts_for_what_it_loads(tmp_path: Path) -> None:
    found = tmp_path / "libraries"
    libraries(found / "deep", [mac_odd("chain/deep/libmiddle.dylib")])
    libraries(found / "deeper", [mac_odd("chain/deeper/liblow.dylib")])
    paths = {f"@loader_path/{name}": str(found / name) for name in ("deep", "deeper")}
    wheel = mac_wheel(tmp_path, relinked(mac_odd("chain/_hello.abi3.so"), rpaths=paths))
    result = repaired(wheel, system=True).path
    shutil.rmtree(found)
    assert len(bundled(result)) == 2
    require_nothing_from_the_build(result, found)
    assert say(result, tmp_path / "site").output == "hello from libmiddle, liblow\n"
    require_fails_without_repair(wheel, tmp_path / "control", "@rpath/libmiddle.dylib")


@runs_mac_code
def test_05_a_weak_library_may_be_missing(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, mac_odd("weak.so"))
    found = libraries(tmp_path / "libraries")
    result = repaired(wheel, found).path
    shutil.rmtree(found)
    assert "/opt/hello/lib/libextra.1.dylib" in member_names(result, MODULE)["x86_64"].needed
    assert say(result, tmp_path / "site").output == SAID
    require_fails_without_repair(wheel, tmp_path / "control", GREET)


@runs_mac_code
def test_06_two_libraries_with_one_file_name_are_both_bundled(tmp_path: Path) -> None:
    files = {f"/opt/{name}/lib/libn.dylib": mac_odd(f"same-name/{name}/libn.dylib") for name in "ab"}
    root = sysroot(tmp_path / "root", files)
    wheel = mac_wheel(tmp_path, mac_odd("same-name/needs-both.so"))
    result = repaired(wheel, system=True, sysroot=root).path
    shutil.rmtree(root)
    assert len([name for name in bundled(result) if name.startswith("hello.dylibs/libn-")]) == 2
    require_nothing_from_the_build(result, root)
    # The module asks `a` for one text and `b` for the other, which it says: either library in the place of both fails.
    assert say(result, tmp_path / "site").output == "hello from libn b\n"
    require_fails_without_repair(wheel, tmp_path / "control", "/opt/a/lib/libn.dylib")


def test_07_a_library_that_is_left_out_need_not_be_there(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, X86_64.extension)
    with pytest.raises(RefusedError):
        repaired(wheel)
    done = repaired(wheel, exclude=("libgreet.1.dylib",))
    assert bundled(done.path) == []
    assert member_names(done.path, MODULE)["x86_64"].needed[0] == GREET
    assert f"left out on request, so something else must provide it: {GREET}" in done.notices


@runs_mac_code
@pytest.mark.parametrize("path", ["bin", "bin/python3"])
def test_07_executable_path_stands_for_the_folder_of_the_program(path: str, tmp_path: Path) -> None:
    name = "@executable_path/../lib/libgreet.1.dylib"
    module = relinked(X86_64.extension, named={GREET: name})
    wheel = mac_wheel(tmp_path, module)
    python = tmp_path / "python"
    libraries(python / "lib")
    (python / "bin").mkdir()
    shutil.copy(X86_64.program, python / "bin" / "python3")
    with pytest.raises(RefusedError):
        repaired(wheel, python / "nowhere")
    done = repaired(wheel, system=True, executable_path=python / path, library_path=(python / "lib",))
    shutil.rmtree(python)
    require_nothing_from_the_build(done.path, python)
    assert say(done.path, tmp_path / "site").output == SAID
    require_fails_without_repair(wheel, tmp_path / "control", name)


@pytest.mark.parametrize("folder", ["arm64", "x86_64", "universal2"])
def test_08_a_finished_wheel_comes_out_byte_for_byte(folder: MacFolder, tmp_path: Path) -> None:
    wheel = Path(shutil.copy(unrepaired_mac_wheel(folder), tmp_path))
    first = repaired(wheel, mac_family(folder).folder)
    second = repaired(first.path)
    assert second.plan.changes_nothing
    assert second.path.read_bytes() == first.path.read_bytes()


def test_08_a_member_that_needs_no_change_keeps_its_signature(tmp_path: Path) -> None:
    tone = mac_family("arm64").tone
    wheel = mac_wheel(
        tmp_path, mac_family("arm64").extension, {"hello/libother.dylib": tone}, tag="cp310-abi3-macosx_11_0_arm64"
    )
    result = contents(repaired(wheel, mac_family("arm64").folder).path)
    assert result["hello/libother.dylib"] == tone.read_bytes()
    ((_, before),) = signed_slices(mac_family("arm64").extension.read_bytes())
    ((_, after),) = signed_slices(result[MODULE])
    assert (before.directory().flags, after.directory().flags) == (0x20002, 0x2)


@runs_mac_code
@pytest.mark.parametrize(
    ("place", "lies"),
    [
        ("/usr/libexec/hello/libgreet.1.dylib", "/usr/libexec/hello/libgreet.1.dylib"),
        ("/usr/lib64/libgreet.1.dylib", "/usr/lib64/libgreet.1.dylib"),
        ("/System/Volumes/Data/opt/hello/lib/libgreet.1.dylib", GREET),
        ("/SystemFoo/libgreet.1.dylib", "/SystemFoo/libgreet.1.dylib"),
    ],
)
def test_09_a_look_alike_of_a_system_path_is_not_the_systems(place: str, lies: str, tmp_path: Path) -> None:
    root = sysroot(tmp_path / "root", {lies: X86_64.greet, "/opt/hello/lib/libtone.2.dylib": X86_64.tone})
    wheel = mac_wheel(tmp_path, relinked(X86_64.extension, named={GREET: place}))
    result = repaired(wheel, system=True, sysroot=root).path
    shutil.rmtree(root)
    assert len(bundled(result)) == 2
    require_nothing_from_the_build(result, root)
    assert say(result, tmp_path / "site").output == SAID


@runs_mac_code
def test_10_a_load_command_that_nobody_knows_is_kept_as_it_is(tmp_path: Path) -> None:
    content = bytearray(X86_64.extension.read_bytes())
    at = next(at for number, at, _ in commands(bytes(content)) if number == 0x1B)  # LC_UUID
    struct.pack_into("<I", content, at, 0x7F)
    strange = bytes(content[at : at + 24])
    wheel = mac_wheel(tmp_path, bytes(content))
    found = libraries(tmp_path / "libraries")
    result = repaired(wheel, found).path
    shutil.rmtree(found)
    module = contents(result)[MODULE]
    assert [module[at : at + size] for number, at, size in commands(module) if number == 0x7F] == [strange]
    assert say(result, tmp_path / "site").output == SAID
    require_fails_without_repair(wheel, tmp_path / "control", GREET)


def test_10_a_library_for_ios_is_named_as_such_and_sets_no_minimum(tmp_path: Path) -> None:
    wheel = mac_wheel(
        tmp_path,
        mac_family("arm64").extension,
        {"hello/libphone.dylib": mac_odd("ios.dylib")},
        tag="cp310-abi3-macosx_11_0_arm64",
    )
    done = repaired(wheel, mac_family("arm64").folder)
    assert done.path.name == "hello-1.0-cp310-abi3-macosx_11_0_arm64.whl"  # the library says 14.0, but of iOS
    assert any("hello/libphone.dylib is built for iOS" in notice for notice in done.notices)


def test_10_a_module_for_ios_gets_no_macos_label(tmp_path: Path) -> None:
    content = bytearray(mac_family("arm64").extension.read_bytes())
    at = next(at for number, at, _ in commands(bytes(content)) if number == 0x32)  # LC_BUILD_VERSION
    struct.pack_into("<I", content, at + 8, 2)
    wheel = mac_wheel(tmp_path, bytes(content), tag="cp310-abi3-macosx_11_0_arm64")
    with pytest.raises(RefusedError) as refused:
        repaired(wheel, mac_family("arm64").folder)
    assert f"{MODULE} is built for iOS, not for macOS" in refused.value.reasons


def test_11_hash_seed_temporary_folder_and_order_of_files_change_no_byte(tmp_path: Path) -> None:
    sources = [mac_odd("libnew.dylib"), *(mac_family("universal2").folder / name for name in LINKED_FROM)]
    more: dict[str, Path | bytes] = {
        "hello/_other.abi3.so": mac_family("universal2").extension,
        "hello/libleaf.dylib": mac_odd("build-rpath.dylib"),
    }
    results: list[tuple[str, bytes]] = []
    for seed, order in (("0", sources), ("1", sources[::-1]), ("77", sources)):
        here = tmp_path / seed
        shutil.rmtree(tmp_path / "libraries", ignore_errors=True)
        found = libraries(tmp_path / "libraries", order)
        wheel = mac_wheel(here, mac_odd("needs-new.so"), more, tag="cp310-abi3-macosx_11_0_universal2")
        (here / "temporary").mkdir()
        outcome = process(
            *("repair", "--jobs", str(len(results) + 1), "--lib-path", found, "-w", here / "out", wheel),
            PYTHONHASHSEED=seed,
            TMPDIR=str(here / "temporary"),
        )
        assert outcome.code == 0, outcome.errors
        (result,) = (here / "out").iterdir()
        results.append((result.name, result.read_bytes()))
    assert results[0] == results[1] == results[2]
    # Two tags, whose lines a set would put in any order.
    assert results[0][0] == "hello-1.0-cp310-abi3-macosx_14_0_x86_64.macosx_15_0_arm64.whl"


@runs_mac_code
@pytest.mark.parametrize("name", ["zero-room.so", "little-room.so"])
def test_12_a_header_without_room_is_given_some_and_the_file_works(name: str, tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, mac_odd(name))
    found = libraries(tmp_path / "libraries")
    result = repaired(wheel, found).path
    shutil.rmtree(found)
    require_nothing_from_the_build(result, found)
    assert say(result, tmp_path / "site").output == SAID
    require_fails_without_repair(wheel, tmp_path / "control", GREET)


def test_12_a_header_without_room_that_must_be_signed_is(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, mac_odd("zero-room-arm64.so"), tag="cp310-abi3-macosx_11_0_arm64")
    result = repaired(wheel, mac_family("arm64").folder).path
    require_nothing_from_the_build(result)
    assert [name for name, _ in signed_slices(contents(result)[MODULE])] == ["arm64"]


def test_12_an_unsigned_slice_for_x86_64_without_room_for_a_signature_stays_unsigned(tmp_path: Path) -> None:
    result = repaired(mac_wheel(tmp_path, mac_odd("zero-room.so")), X86_64.folder).path
    assert list(signed_slices(contents(result)[MODULE])) == []


@runs_mac_code
@pytest.mark.parametrize(
    ("module", "library"),
    [
        ("needs-libpython.so", "@rpath/libpython3.11.dylib"),
        ("needs-framework-python.so", "/Library/Frameworks/Python.framework/Versions/3.11/Python"),
    ],
)
def test_13_the_interpreter_is_never_bundled(module: str, library: str, tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, mac_odd(module))
    found = libraries(tmp_path / "libraries")
    place = found / "libpython3.11.dylib" if "libpython" in library else tmp_path / "root" / library.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(X86_64.tone, place)
    (tmp_path / "root").mkdir(exist_ok=True)
    result = repaired(wheel, found, sysroot=tmp_path / "root").path
    shutil.rmtree(found)
    assert not [name for name in contents(result) if "ython" in name]
    assert len(bundled(result)) == 2
    require_nothing_from_the_build(result, found)
    assert say(result, tmp_path / "site").output == SAID
    require_fails_without_repair(wheel, tmp_path / "control", GREET)
