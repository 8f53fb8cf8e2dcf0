"""Nineteen ways in which repairs of Linux wheels are known to go wrong: what truewheel does in each.

Where a module can be run here it is imported, in a process that sees no library but the wheel's own.
"""

from __future__ import annotations

import os
import stat
import zipfile
from typing import TYPE_CHECKING

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from support.fixtures import family, odd
from support.hello import DIST_INFO, PACKAGE, hello_wheel, installed, run, run_python
from support.native import runs_x86_64
from support.wheels import build_wheel
from truewheel.analyzer.search_options import SearchOptions
from truewheel.bundler.bundle_options import BundleOptions
from truewheel.errors import InvalidInputError, RefusedError
from truewheel.repair import repair
from truewheel.repair.options import RepairOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

GREET = family("x86_64").folder
EXTENSION = family("x86_64").extension
GREETING = "hello from libgreet 1, libtone 2\n"
SAY = "import hello; print(hello.greet())"


def repaired(wheel: Path, *lib_paths: Path, **choices: object) -> Path:
    options = RepairOptions(search=SearchOptions(lib_paths=lib_paths, system=bool(lib_paths)), **choices)  # type: ignore[arg-type]  # a test's own keywords
    return repair(wheel, wheel.parent / "repaired", options).path


def dynamic(wheel: Path, member: str) -> dict[str, list[str]]:
    """Return the dynamic section's names of a member, read by pyelftools."""
    result: dict[str, list[str]] = {}
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as file:
        segment = next(part for part in ELFFile(file).iter_segments() if isinstance(part, DynamicSegment))
        for tag in segment.iter_tags():
            for kind in ("needed", "soname", "rpath", "runpath"):
                if hasattr(tag, kind):
                    result.setdefault(kind, []).append(getattr(tag, kind))
    return result


def members(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def simple(directory: Path, files: Mapping[str, Path | bytes] | None = None, **choices: object) -> Path:
    """Return a wheel of the package hello, by default with the extension that needs libgreet."""
    contents = {"hello/__init__.py": PACKAGE, "hello/_hello.abi3.so": EXTENSION} if files is None else files
    return hello_wheel(directory, contents, **choices)  # type: ignore[arg-type]  # a test's own keywords


def test_01_a_failed_repair_leaves_the_input_and_the_folder_as_they_were(tmp_path: Path) -> None:
    wheel = simple(tmp_path)
    before = wheel.read_bytes()
    with pytest.raises(RefusedError) as refused:
        repair(wheel, tmp_path, RepairOptions(search=SearchOptions(system=False)))
    assert any("libgreet.so.1" in reason for reason in refused.value.reasons)
    assert wheel.read_bytes() == before
    assert list(tmp_path.iterdir()) == [wheel]


def test_02_a_module_that_needs_pyfpe_gets_no_label(tmp_path: Path) -> None:
    wheel = simple(tmp_path, {"hello/_hello.abi3.so": odd("pyfpe.so")})
    with pytest.raises(RefusedError) as refused:
        repaired(wheel)
    assert any("PyFPE_jbuf" in reason for reason in refused.value.reasons)


@runs_x86_64
def test_03_paths_lead_from_where_files_are_installed(tmp_path: Path) -> None:
    data = "hello-1.0.data"
    wheel = simple(
        tmp_path,
        {f"{data}/platlib/hello/__init__.py": PACKAGE, f"{data}/platlib/hello/_hello.abi3.so": EXTENSION},
    )
    site = installed(repaired(wheel, GREET), tmp_path / "site")
    assert run_python(site, SAY).output == GREETING


@runs_x86_64
def test_03_files_of_the_data_scheme_have_libraries_of_their_own(tmp_path: Path) -> None:
    wheel = simple(tmp_path, {"hello-1.0.data/data/share/plugins/hello/_hello.abi3.so": EXTENSION})
    site = installed(repaired(wheel, GREET), tmp_path / "site")
    outcome = run_python(site / "share" / "plugins", "from hello._hello import greet; print(greet())")
    assert outcome.output == GREETING


@runs_x86_64
def test_04_two_libraries_with_one_soname_are_both_bundled(tmp_path: Path) -> None:
    shared = odd("same-soname/needs-libb.so")
    wheel = simple(tmp_path, {f"{name}/_hello.abi3.so": shared for name in "ab"})
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "libb.so").write_bytes(odd(f"same-soname/{name}/libb.so").read_bytes())
    with_paths = _with_runpath(wheel, {f"{name}/_hello.abi3.so": str(tmp_path / name) for name in "ab"})
    result = repair(with_paths, tmp_path / "out", RepairOptions()).path
    assert len([name for name in members(result) if name.startswith("hello.libs/libb-")]) == 2
    site = installed(result, tmp_path / "site")
    outcome = run_python(site, "import a._hello, b._hello; print(a._hello.greet(), b._hello.greet())")
    assert outcome.output == "hello from libb a hello from libb b\n"


@runs_x86_64
def test_05_a_runpath_is_not_inherited_so_the_path_is_added(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {
        "hello/__init__.py": PACKAGE,
        "hello/_hello.abi3.so": odd("runpath.so"),
        "hello/libs/libgreet.so.1": family("x86_64").greet,
        "hello/libs/libtone.so.2": family("x86_64").tone,
    }
    wheel = simple(tmp_path, files)
    control = installed(wheel, tmp_path / "control")
    assert "libtone.so.2: cannot open shared object file" in run_python(control, SAY).errors
    site = installed(repaired(wheel), tmp_path / "site")
    assert run_python(site, SAY).output == GREETING


@runs_x86_64
def test_06_a_program_finds_its_libraries_when_installed_with_target(tmp_path: Path) -> None:
    script = "hello-1.0.data/scripts/hello"
    wheel = simple(tmp_path, {script: odd("executable")}, modes={script: 0o100755})
    site = installed(repaired(wheel, GREET), tmp_path / "site")
    outcome = run([str(site / "bin" / "hello")], {"PATH": os.environ["PATH"]})
    assert (outcome.output, outcome.errors) == (GREETING, "")


@runs_x86_64
def test_07_a_library_in_the_wheel_is_found_without_a_path_and_gets_one(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {
        "hello/__init__.py": PACKAGE,
        "hello/_hello.abi3.so": EXTENSION,
        "hello/lib/libgreet.so.1": family("x86_64").greet,
        "hello/lib/libtone.so.2": family("x86_64").tone,
    }
    site = installed(repaired(simple(tmp_path, files)), tmp_path / "site")
    assert run_python(site, SAY).output == GREETING


@runs_x86_64
def test_08_a_soname_without_a_dot_is_bundled(tmp_path: Path) -> None:
    wheel = simple(tmp_path, {"hello/__init__.py": PACKAGE, "hello/_hello.abi3.so": odd("needs-nodot.so")})
    result = repaired(wheel, odd("nodot").parent)
    (needed, _) = dynamic(result, "hello/_hello.abi3.so")["needed"]
    assert needed.startswith("nodot-")
    assert f"hello.libs/{needed}" in members(result)
    assert run_python(installed(result, tmp_path / "site"), SAY).code == 0


def test_08_a_version_in_the_stem_stays_in_the_stem(tmp_path: Path) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (libraries / "libldap-2.5.so.0").symlink_to(odd("libldap-2.5.so.0.1.8"))
    wheel = simple(tmp_path, {"hello/_hello.abi3.so": odd("needs-libldap.so")})
    (needed, _) = dynamic(repaired(wheel, libraries), "hello/_hello.abi3.so")["needed"]
    assert needed.startswith("libldap-2.5-")
    assert needed.endswith(".so.0")


def test_09_libpython_of_a_free_threaded_interpreter_is_not_bundled(tmp_path: Path) -> None:
    wheel = simple(tmp_path, {"hello/_hello.abi3.so": odd("needs-libpython.so")}, tag="cp313-cp313t-linux_x86_64")
    result = repaired(wheel, GREET)
    assert not [name for name in members(result) if "libpython" in name]
    assert "libpython3.13t.so.1.0" not in dynamic(result, "hello/_hello.abi3.so")["needed"]


def test_10_a_relative_library_path_is_taken_from_where_the_user_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(GREET.parent)
    assert repaired(simple(tmp_path), GREET.relative_to(GREET.parent)).name.endswith("manylinux_2_5_x86_64.whl")


def test_11_a_native_file_that_record_does_not_list_is_repaired_all_the_same(tmp_path: Path) -> None:
    record = b"hello/__init__.py,,\nhello-1.0.dist-info/RECORD,,\n"
    files: dict[str, Path | bytes] = {"hello/__init__.py": PACKAGE, "hello/_hello.abi3.so": EXTENSION}
    files[f"{DIST_INFO}/RECORD"] = record
    result = repaired(simple(tmp_path, files), GREET)
    with zipfile.ZipFile(result) as archive:
        assert b"hello/_hello.abi3.so,sha256=" in archive.read(f"{DIST_INFO}/RECORD")


def test_11_a_record_row_without_a_file_is_no_obstacle(tmp_path: Path) -> None:
    record = b"hello/_hello.abi3.so,,\nhello/gone.py,sha256=abc,3\nhello-1.0.dist-info/RECORD,,\n"
    files: dict[str, Path | bytes] = {"hello/_hello.abi3.so": EXTENSION, f"{DIST_INFO}/RECORD": record}
    assert "manylinux" in repaired(simple(tmp_path, files), GREET).name


def test_12_a_symbolic_link_stays_what_it_is(tmp_path: Path) -> None:
    link = "hello/libgreet.so"
    files: dict[str, Path | bytes] = {"hello/_hello.abi3.so": EXTENSION, link: b"libgreet.so.1"}
    result = repaired(simple(tmp_path, files, modes={link: stat.S_IFLNK | 0o777}), GREET)
    with zipfile.ZipFile(result) as archive:
        assert stat.S_ISLNK(archive.getinfo(link).external_attr >> 16)
        assert archive.read(link) == b"libgreet.so.1"


def test_13_a_hashed_name_is_not_hashed_again(tmp_path: Path) -> None:
    first = repaired(simple(tmp_path / "first"), GREET)
    with zipfile.ZipFile(first) as archive:
        archive.extractall(tmp_path / "unpacked")
    extension = tmp_path / "unpacked" / "hello" / "_hello.abi3.so"
    again = simple(tmp_path / "again", {"hello/_hello.abi3.so": extension})
    libraries = tmp_path / "unpacked" / "hello.libs"
    result = repaired(again, libraries)
    bundled = {name for name in members(result) if name.startswith("hello.libs/")}
    assert bundled == {f"hello.libs/{path.name}" for path in libraries.iterdir()}


def test_14_the_bill_of_materials_lists_every_bundled_library(tmp_path: Path) -> None:
    result = repaired(simple(tmp_path), GREET)
    with zipfile.ZipFile(result) as archive:
        text = archive.read(f"{DIST_INFO}/sboms/truewheel.cdx.json").decode()
    for name in members(result):
        if name.startswith("hello.libs/"):
            assert name in text


def test_15_an_executable_stack_breaks_every_label(tmp_path: Path) -> None:
    wheel = simple(tmp_path, {"hello/_hello.abi3.so": odd("execstack.so")})
    with pytest.raises(RefusedError) as refused:
        repaired(wheel, GREET)
    assert any("executable stack" in reason for reason in refused.value.reasons)


def test_15_the_mark_of_an_executable_stack_is_cleared_on_demand(tmp_path: Path) -> None:
    wheel = simple(tmp_path, {"hello/_hello.abi3.so": odd("execstack.so")})
    result = repaired(wheel, GREET, bundle=BundleOptions(clear_executable_stack=True))
    assert "manylinux" in result.name
    with zipfile.ZipFile(result) as archive, archive.open("hello/_hello.abi3.so") as file:
        (stack,) = (part for part in ELFFile(file).iter_segments() if part.header.p_type == "PT_GNU_STACK")
        assert not stack.header.p_flags & 1


def test_16_the_c_library_of_musl_is_the_systems_under_each_of_its_names(tmp_path: Path) -> None:
    wheel = simple(tmp_path, {"hello/_hello.abi3.so": odd("musl-libc-so.so")})
    result = repaired(wheel, family("musl-x86_64").folder)
    assert "musllinux_1_" in result.name
    assert not [name for name in members(result) if "libc" in name.removeprefix("hello.libs/")]


def test_17_a_refusal_for_the_processor_level_says_so(tmp_path: Path) -> None:
    wheel = simple(tmp_path, {"hello/_hello.abi3.so": odd("isa-v3.so")})
    with pytest.raises(RefusedError) as refused:
        repaired(wheel, GREET)
    assert any("x86-64-v3" in reason for reason in refused.value.reasons)
    assert "2_41" not in str(refused.value)


def test_18_a_musl_wheel_is_not_called_manylinux(tmp_path: Path) -> None:
    wheel = simple(tmp_path, {"hello/_hello.abi3.so": family("musl-x86_64").extension}, tag="cp310-cp310-linux_x86_64")
    with pytest.raises(RefusedError):
        repaired(wheel, family("musl-x86_64").folder, plat="manylinux_2_17_x86_64")


def test_19_the_wheel_file_is_made_to_agree_with_the_name(tmp_path: Path) -> None:
    wheel = simple(tmp_path, tag="py3-none-linux_x86_64", wheel_tags=("cp311-cp311-linux_x86_64",))
    result = repaired(wheel, GREET)
    with zipfile.ZipFile(result) as archive:
        lines = archive.read(f"{DIST_INFO}/WHEEL").decode().splitlines()
    tags = {line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")}
    platforms = result.name.removesuffix(".whl").rpartition("-")[2].split(".")
    assert tags == {f"py3-none-{platform}" for platform in platforms}


def test_a_damaged_wheel_is_an_error_and_not_a_traceback(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, {"a.py": b""})
    wheel.write_bytes(wheel.read_bytes()[:-40])
    with pytest.raises(InvalidInputError):
        repaired(wheel)


def _with_runpath(wheel: Path, paths: Mapping[str, str]) -> Path:
    """Return a wheel whose members have these RUNPATHs, set by patchelf itself."""
    import subprocess

    from truewheel.bundler.elf.edit import find_patchelf

    folder = wheel.parent / "with-runpath"
    folder.mkdir()
    files: dict[str, bytes] = {}
    for member, path in paths.items():
        with zipfile.ZipFile(wheel) as archive:
            copy = folder / "file.so"
            copy.write_bytes(archive.read(member))
        subprocess.run([str(find_patchelf()), "--set-rpath", path, str(copy)], check=True)
        files[member] = copy.read_bytes()
    return hello_wheel(folder, files)
