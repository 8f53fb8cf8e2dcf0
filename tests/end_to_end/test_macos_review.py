"""What a strict reader of the promises about macOS wheels tried: odd wheels, and every sentence said about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import truewheel
from support.fixtures import family, mac_family, mac_odd
from support.hello import PACKAGE, hello_wheel
from support.mac_repairs import MODULE, contents, mac_wheel
from support.macho_bytes import BUNDLE, EXECUTE, LOAD_DYLIB, LOAD_WEAK_DYLIB, Macho, build_version, dylib, fat, linked

if TYPE_CHECKING:
    from pathlib import Path

    from support.hello import Outcome

ELF = family("x86_64").extension
INTEL, ARM, BOTH = mac_family("x86_64"), mac_family("arm64"), mac_family("universal2")
PHONE = "cp313-cp313-ios_12_0_arm64_iphoneos"
SAYS_ANY = "could be  any"


def phone() -> bytes:
    """Return an extension module for iOS 13.0."""
    return Macho("arm64", BUNDLE, commands=[build_version(2, "13.0"), dylib("/usr/lib/libSystem.B.dylib")]).build()


def wheel_of(directory: Path, files: dict[str, Path | bytes], tag: str) -> Path:
    return hello_wheel(directory, {"hello/__init__.py": PACKAGE, **files}, tag=tag)


def show(wheel: Path, *arguments: str | Path) -> str:
    outcome = truewheel("show", "-v", wheel, *arguments)
    assert (outcome.code, outcome.errors) == (0, "")
    return outcome.output


def repair(wheel: Path, *arguments: str | Path, **values: str) -> Outcome:
    return truewheel("repair", "-w", wheel.parent / "new", wheel, *arguments, **values)


def require_refused(wheel: Path, outcome: Outcome, code: int = 1) -> str:
    assert outcome.code == code
    assert not list((wheel.parent / "new").glob("*"))
    return outcome.errors


# A wheel for iOS


def test_what_an_ios_wheel_could_be_is_never_a_label_for_macos_nor_one_that_is_not_true(tmp_path: Path) -> None:
    screen = show(wheel_of(tmp_path, {MODULE: phone()}, PHONE))
    assert "needs iOS 13.0 in its arm64 slice" in screen
    assert "macosx" not in screen
    assert "could be  ios_12_0" not in screen
    assert "as it is  keeps the promise of no platform tag" in screen


@pytest.mark.parametrize("wish", [("--plat", "macosx_11_0_arm64"), ("--require-archs", "x86_64")])
def test_a_wish_that_an_ios_wheel_cannot_fulfil_is_not_passed_over(wish: tuple[str, str], tmp_path: Path) -> None:
    wheel = wheel_of(tmp_path, {MODULE: phone()}, "cp313-cp313-ios_13_0_arm64_iphoneos")
    assert repair(wheel, "--require-archs", "arm64").code == 0
    (wheel.parent / "new" / wheel.name).unlink()
    require_refused(wheel, repair(wheel, *wish), code=2 if wish[0] == "--plat" else 1)


# Machine code for another system than the name's


@pytest.mark.parametrize(
    ("file", "tag"),
    [
        (ELF, "cp310-abi3-macosx_10_9_x86_64"),
        (INTEL.tone, "cp310-abi3-linux_x86_64"),
        (INTEL.tone, "cp310-abi3-manylinux_2_17_x86_64"),
        (mac_odd("archive.a"), "cp310-abi3-macosx_10_9_x86_64"),
    ],
)
def test_code_for_another_system_is_told_and_makes_no_wheel_for_any(file: Path, tag: str, tmp_path: Path) -> None:
    wheel = wheel_of(tmp_path, {MODULE: file}, tag)
    screen = show(wheel)
    assert f"): {MODULE}\n" in screen.partition("not looked at (")[2]
    assert SAYS_ANY not in screen
    assert "  true" not in screen
    done = repair(wheel)
    assert "could be `any`" not in done.errors
    assert f"): {MODULE}\n" in done.errors.partition("not looked at (")[2]


def test_required_architectures_are_held_against_a_wheel_whose_only_code_is_not_for_dyld(tmp_path: Path) -> None:
    wheel = wheel_of(tmp_path, {MODULE: ELF}, "cp310-abi3-macosx_10_9_x86_64")
    assert "holds nothing for x86_64" in require_refused(wheel, repair(wheel, "--require-archs", "x86_64"))


def test_a_wheel_for_any_system_with_code_for_two_gets_the_label_of_neither(tmp_path: Path) -> None:
    wheel = wheel_of(tmp_path, {MODULE: INTEL.tone, "hello/_linux.abi3.so": ELF}, "py3-none-any")
    libraries = ("--lib-path", ELF.parent)
    assert f"  {MODULE}\n" in require_refused(wheel, repair(wheel, *libraries))
    screen = show(wheel, *libraries)
    assert "could be  no tag at all" in screen
    assert "holds machine code for Linux and for macOS" in screen


@pytest.mark.parametrize("tag", ["py3-none-win_amd64", "cp310-abi3-linux_x86_64.macosx_10_9_x86_64"])
def test_no_label_is_promised_that_a_repair_refuses_to_give(tag: str, tmp_path: Path) -> None:
    wheel = wheel_of(tmp_path, {MODULE: INTEL.tone, "hello/_linux.abi3.so": ELF}, tag)
    assert "could be  no tag at all" in show(wheel, "--lib-path", ELF.parent)
    require_refused(wheel, repair(wheel, "--lib-path", ELF.parent))


def test_a_wheel_for_windows_is_not_called_empty(tmp_path: Path) -> None:
    screen = show(wheel_of(tmp_path, {MODULE: INTEL.tone}, "py3-none-win_amd64"))
    assert "ELF" not in screen
    assert "policies" not in screen


def test_a_misspelt_macos_tag_is_not_called_another_systems(tmp_path: Path) -> None:
    screen = show(mac_wheel(tmp_path, INTEL.tone, tag="cp310-abi3-macosx_10_9_fat32"))
    assert "macosx_10_9_fat32  no installer looks for it" in screen
    assert "could be  macosx_10_9_x86_64" in screen


# Frameworks


def framework_wheel(directory: Path, root: Path, resource: str) -> Path:
    """Write a wheel that needs a framework below `root` which has one more file."""
    name = "/Library/Frameworks/Foo.framework/Versions/A/Foo"
    for path, content in ((name, linked("x86_64", name).build()), (f"/Library/Frameworks/{resource}", b"x")):
        file = root / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return mac_wheel(directory, linked("x86_64", None, dylib(name)).build())


@pytest.mark.parametrize("resource", ["Foo.framework/Versions/A/Resources/x.nib", "Foo.framework/Helpers/tool"])
def test_half_a_framework_is_never_bundled_nor_promised(resource: str, tmp_path: Path) -> None:
    wheel = framework_wheel(tmp_path, tmp_path / "root", resource)
    root = ("--sysroot", tmp_path / "root")
    assert "is a framework with resources" in require_refused(wheel, repair(wheel, *root))
    screen = show(wheel, *root)
    assert "is a framework with resources" in screen
    assert "could be  macosx" not in screen


# Sentences


def test_a_program_that_needs_python_is_not_said_to_be_imported(tmp_path: Path) -> None:
    program = linked("x86_64", None, dylib("/Library/Frameworks/Python.framework/Versions/3.12/Python"))
    program.file_type = EXECUTE
    screen = show(wheel_of(tmp_path, {"hello/tool": program.build()}, "cp310-abi3-macosx_10_9_x86_64"))
    assert "imports" not in screen
    assert "Python.framework/Versions/3.12/Python, and Python is never bundled" in screen


def test_no_sentence_stands_twice_where_two_libraries_have_one_file_name(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, BOTH.extension, tag="cp310-abi3-macosx_11_0_universal2")
    screen = show(wheel, "--lib-path", ARM.folder, "--lib-path", INTEL.folder).splitlines()
    told = [line for line in screen if "libgreet.1.dylib needs @rpath/libtone.2.dylib" in line]
    assert len(told) == 1


def test_what_one_architecture_alone_lacks_is_said_to_be_its_lack(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, BOTH.extension, tag="cp310-abi3-macosx_11_0_universal2")
    screen = show(wheel, "--lib-path", ARM.folder)
    assert "is of another architecture (x86_64)" in screen
    (missing,) = (line for line in screen.splitlines() if "... missing" in line)
    assert "x86_64" in missing


def test_an_absolute_name_is_not_told_as_a_name_with_a_slash(tmp_path: Path) -> None:
    outcome = truewheel("why", mac_wheel(tmp_path, INTEL.extension), "libgreet.1.dylib")
    assert "/opt/hello/lib/libgreet.1.dylib: absent (the name itself)" in outcome.output


def test_a_refusal_with_many_reasons_leaves_most_of_them_to_json(tmp_path: Path) -> None:
    needed = [dylib(f"/opt/none/lib{number}.dylib") for number in range(40)]
    wheel = mac_wheel(tmp_path, linked("x86_64", None, *needed).build())
    lines = repair(wheel).errors.splitlines()
    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "  and 20 more (--json lists them)"
    assert repair(wheel, "--json").output.count("which was not found") == 40


def test_what_is_shown_of_hundreds_of_files_fits_on_a_screen_or_two(tmp_path: Path) -> None:
    inside = [f"hello/lib/a_rather_long_name_for_a_library_{number}.dylib" for number in range(40)]
    files: dict[str, Path | bytes] = {name: linked("x86_64", f"@rpath/{name[10:]}").build() for name in inside}
    for number in range(40):
        system = [dylib(f"/System/Library/Frameworks/F{each}.framework/Versions/A/F{each}") for each in range(40)]
        needed = [dylib(f"@loader_path/{each[6:]}") for each in inside[: number + 1]]
        files[f"hello/_m{number}.abi3.so"] = linked("x86_64", None, *needed, *system, minimum="10.9").build()
    wheel = wheel_of(tmp_path, files, "cp310-abi3-macosx_11_0_x86_64")
    lines = truewheel("show", wheel).output.splitlines()
    assert len(lines) < 90
    assert "  and 28 more files with libraries (-v lists them)" in lines
    assert len(show(wheel).splitlines()) > 800


# Processors that take other slices too


def test_the_slice_that_newer_intel_macs_load_counts_for_their_label(tmp_path: Path) -> None:
    module = fat([linked("x86_64", None, minimum="10.9"), linked("x86_64h", None, minimum="13.0")])
    wheel = mac_wheel(tmp_path, module)
    assert "needs macOS 13.0" in show(wheel)
    assert "could be  macosx_13_0_x86_64" in show(wheel)


def test_a_library_that_only_that_slice_lacks_is_missing(tmp_path: Path) -> None:
    lacking = linked("x86_64h", None, dylib("/opt/none/libmissing.dylib"), minimum="10.9")
    wheel = mac_wheel(tmp_path, fat([linked("x86_64", None, minimum="10.9"), lacking]))
    assert "needs /opt/none/libmissing.dylib, which was not found" in require_refused(wheel, repair(wheel))


def test_such_a_slice_is_repaired_with_its_sibling(tmp_path: Path) -> None:
    name = "/opt/q/libq.dylib"
    slices = [linked(name_, None, dylib(name), minimum="10.9") for name_ in ("x86_64", "x86_64h")]
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/libq.dylib").write_bytes(linked("x86_64", name, minimum="10.9").build())
    wheel = mac_wheel(tmp_path, fat(slices))
    assert repair(wheel, "--lib-path", tmp_path / "lib").code == 0
    (path,) = (tmp_path / "new").iterdir()
    assert contents(path)[MODULE].count(b"@loader_path/../hello.dylibs/libq-") == 2


def test_swifts_libraries_of_the_system_count_for_the_label_unless_they_are_weak(tmp_path: Path) -> None:
    for number, expected in ((LOAD_DYLIB, "macosx_10_15_x86_64"), (LOAD_WEAK_DYLIB, "macosx_10_9_x86_64")):
        needed = dylib("@rpath/libswiftCore.dylib", number)
        wheel = mac_wheel(tmp_path / expected, linked("x86_64", None, needed, minimum="10.9").build())
        assert f"could be  {expected}" in show(wheel)


def test_a_file_that_does_not_say_what_it_needs_makes_no_label_older(tmp_path: Path) -> None:
    silent = Macho("x86_64", BUNDLE, commands=[dylib("/usr/lib/libSystem.B.dylib")]).build()
    wheel = mac_wheel(tmp_path, silent, tag="cp310-abi3-macosx_12_0_x86_64")
    assert "could be  macosx_12_0_x86_64  (its name already)" in show(wheel)
    assert "12.0 is taken for it, as the wheel's name says" in show(wheel)
    assert repair(wheel).output.endswith(f"/{wheel.name}\n")
