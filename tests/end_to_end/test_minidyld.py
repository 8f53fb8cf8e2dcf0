"""The test loader runs code for macOS, and refuses what dyld refuses: tests of repaired wheels rely on both."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from support.fixtures import mac_family, mac_odd, unrepaired_mac_wheel
from support.greeting import SAID, SAY
from support.mac_python import call, run_program, run_python, runs_mac_code

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = runs_mac_code

SAY_ALONE = "import _hello; print(_hello.greet())"
X86_64 = mac_family("x86_64")
GREET = b"/opt/hello/lib/libgreet.1.dylib"


def put(source: Path, target: Path, **names: tuple[bytes, bytes]) -> Path:
    """Copy a file with other names in it: each as long as the one it replaces, or shorter and filled with zeros."""
    content = source.read_bytes()
    for old, new in names.values():
        assert old + b"\0" in content
        content = content.replace(old + b"\0", new.ljust(len(old), b"\0") + b"\0")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target


def put_libraries_beside(folder: Path) -> None:
    """Put libgreet and libtone into a folder, so that they find each other there."""
    put(X86_64.greet, folder / "libgreet.1.dylib", rpath=(b"/opt/hello/lib", b"@loader_path"))
    put(X86_64.tone, folder / "libtone.2.dylib")


@pytest.mark.parametrize("folder", ["x86_64", "universal2"])
def test_an_unrepaired_wheel_fails_in_the_words_of_dyld(folder: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(unrepaired_mac_wheel("x86_64" if folder == "x86_64" else "universal2")) as wheel:
        wheel.extractall(tmp_path)
    outcome = run_python(tmp_path, SAY)
    assert outcome.code == 1
    assert "Library not loaded: /opt/hello/lib/libgreet.1.dylib\n" in outcome.errors
    assert f"Referenced from: {tmp_path}/hello/_hello.abi3.so\n" in outcome.errors
    assert "Reason: tried: '/opt/hello/lib/libgreet.1.dylib' (no such file)" in outcome.errors


@pytest.mark.parametrize(
    "extension", [X86_64.extension, mac_family("universal2").extension, *map(mac_odd, ("chained.so", "zero-room.so"))]
)
def test_a_module_with_its_libraries_beside_it_works(extension: Path, tmp_path: Path) -> None:
    put(extension, tmp_path / "_hello.abi3.so", library=(GREET, b"@loader_path/libgreet.1.dylib"))
    put_libraries_beside(tmp_path)
    outcome = run_python(tmp_path, SAY_ALONE)
    assert (outcome.output, outcome.errors, outcome.code) == (SAID, "", 0)


def test_a_program_finds_its_libraries_by_its_own_place(tmp_path: Path) -> None:
    program = put(X86_64.program, tmp_path / "bin/hello", library=(GREET, b"@executable_path/libgreet.dyl"))
    put_libraries_beside(tmp_path / "bin")
    (tmp_path / "bin/libgreet.dyl").symlink_to("libgreet.1.dylib")
    outcome = run_program(program)
    assert (outcome.output, outcome.errors, outcome.code) == (SAID, "", 0)


@pytest.mark.parametrize("name", ["rich.dylib", "rich-chained.dylib", "rich-zig.dylib"])
def test_every_kind_of_fix_up_is_applied(name: str) -> None:
    assert call(mac_odd(name), "rich_proof", "c_int").output == "127\n"


@pytest.mark.parametrize("path", [X86_64.tone, mac_family("universal2").tone, mac_odd("fat64.dylib")])
def test_the_right_slice_is_mapped(path: Path) -> None:
    assert call(path, "tone_name").output == "libtone 2\n"


def test_an_rpath_of_the_loader_counts_for_what_it_loads() -> None:
    outcome = run_python(mac_odd("chain/_hello.abi3.so").parent, SAY_ALONE)
    assert outcome.output == "hello from libmiddle, liblow\n"


def test_without_that_loader_the_library_is_not_found() -> None:
    outcome = call(mac_odd("chain/deep/libmiddle.dylib"), "greet_text")
    assert "Library not loaded: @rpath/liblow.dylib\n" in outcome.errors
    assert "Reason: no LC_RPATH's found" in outcome.errors


def test_every_place_that_was_tried_is_listed(tmp_path: Path) -> None:
    put(mac_odd("chain/_hello.abi3.so"), tmp_path / "_hello.abi3.so")
    errors = run_python(tmp_path, SAY_ALONE).errors
    places = ", ".join(f"'{tmp_path}/{part}/libmiddle.dylib' (no such file)" for part in ("deep", "deeper"))
    assert f"Reason: tried: {places}" in errors


def test_a_symbol_may_come_from_what_a_library_reexports() -> None:
    assert run_python(mac_odd("reexport/_hello.abi3.so").parent, SAY_ALONE).output == "libtone 2\n"


def test_a_framework_is_found_by_rpath(tmp_path: Path) -> None:
    shutil.copytree(mac_odd("needs-framework.so").parent / "frameworks", tmp_path / "frameworks")
    put(mac_odd("needs-framework.so"), tmp_path / "_hello.abi3.so")
    assert run_python(tmp_path, SAY_ALONE).output == "hello from Tone.framework\n"


def test_a_weak_library_may_be_missing(tmp_path: Path) -> None:
    put(mac_odd("weak.so"), tmp_path / "_hello.abi3.so", library=(GREET, b"@loader_path/libgreet.1.dylib"))
    put_libraries_beside(tmp_path)
    assert run_python(tmp_path, SAY_ALONE).output == SAID


def test_one_file_under_two_names_is_mapped_once(tmp_path: Path) -> None:
    names = {
        "one": (b"/opt/hello/lib/libg.dylib", b"@loader_path/libg.dylib"),
        "two": (b"/opt/hello/lib/libg.1.dylib", b"@loader_path/libg.1.dylib"),
    }
    put(mac_odd("two-names.so"), tmp_path / "_hello.abi3.so", **names)
    put(mac_odd("libg.1.dylib"), tmp_path / "libg.1.dylib")
    (tmp_path / "libg.dylib").symlink_to("libg.1.dylib")
    code = f"{SAY_ALONE}\nimport sys; print([image.path.name for image in sys.meta_path[0].dyld.images])"
    assert run_python(tmp_path, code).output == "hello from libg 1\n['_hello.abi3.so', 'libg.dylib']\n"


def test_a_library_of_another_architecture_does_not_count(tmp_path: Path) -> None:
    put(mac_odd("half/_hello.abi3.so"), tmp_path / "_hello.abi3.so")
    put(mac_family("arm64").tone, tmp_path / "libhalf.dylib")
    errors = run_python(tmp_path, SAY_ALONE).errors
    assert f"tried: '{tmp_path}/libhalf.dylib' (mach-o file, but is an incompatible architecture " in errors
    assert "(have 'arm64', need 'x86_64')" in errors


def test_a_library_of_another_platform_does_not_count(tmp_path: Path) -> None:
    put(mac_odd("half/_hello.abi3.so"), tmp_path / "_hello.abi3.so")
    content = bytearray(mac_odd("half/libhalf.dylib").read_bytes())
    command = content.index(bytes.fromhex("2400000010000000"))  # LC_VERSION_MIN_MACOSX
    content[command] = 0x25  # LC_VERSION_MIN_IPHONEOS
    (tmp_path / "libhalf.dylib").write_bytes(content)
    assert "(mach-o, but not built for platform macOS)" in run_python(tmp_path, SAY_ALONE).errors


@pytest.mark.parametrize("name", ["object.o", "archive.a"])
def test_what_is_no_library_is_not_loaded(name: str, tmp_path: Path) -> None:
    put(mac_odd("half/_hello.abi3.so"), tmp_path / "_hello.abi3.so")
    put(mac_odd(name), tmp_path / "libhalf.dylib")
    assert "Library not loaded: @loader_path/libhalf.dylib" in run_python(tmp_path, SAY_ALONE).errors


def test_a_symbol_that_its_library_lacks_is_named(tmp_path: Path) -> None:
    put(mac_odd("half/_hello.abi3.so"), tmp_path / "_hello.abi3.so")
    put(X86_64.tone, tmp_path / "libhalf.dylib")
    errors = run_python(tmp_path, SAY_ALONE).errors
    assert f"Symbol not found: _greet_text\n  Referenced from: {tmp_path}/_hello.abi3.so\n" in errors
    assert f"Expected in: {tmp_path}/libhalf.dylib" in errors


def test_what_only_macos_has_ends_the_process_by_name(tmp_path: Path) -> None:
    names = {"library": (GREET, b"@executable_path/libgreet.dyl"), "symbol": (b"_puts", b"_putz")}
    program = put(X86_64.program, tmp_path / "hello", **names)
    put_libraries_beside(tmp_path)
    (tmp_path / "libgreet.dyl").symlink_to("libgreet.1.dylib")
    outcome = run_program(program)
    assert outcome.code == 70
    assert outcome.errors == "dyld: _putz of /usr/lib/libSystem.B.dylib was called, which only macOS has\n"


def test_a_crash_is_seen_and_harms_nobody(tmp_path: Path) -> None:
    content = X86_64.tone.read_bytes()
    start = content.index(bytes.fromhex("554889e5"))  # push rbp; mov rbp, rsp
    broken = tmp_path / "libtone.dylib"
    broken.write_bytes(content[:start] + bytes.fromhex("0f0b") + content[start + 2 :])  # ud2
    assert call(broken, "tone_name").code < 0
