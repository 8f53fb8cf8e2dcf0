"""Published wheels for macOS: finished ones change for a reason or not at all, unrepaired ones work once repaired.

Wheels come from the package index, by pip. What is in them is read by LIEF and llvm-objdump, signatures are judged by
the oracle of the tests, and code for x86_64 is run by the test loader in support/minidyld.py.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

import lief
import pytest

from support.cli import truewheel
from support.mac_names import is_macho, names, parsed, require_sound, signed_slices, slices
from support.mac_python import call, run_python, runs_mac_code
from support.mac_repairs import bundled, contents, options, repaired
from support.mac_wheels import BEFORE, fetched, unpacked, unrepaired
from support.programs import need, run
from truewheel.repair import repair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truewheel.repair import Repaired

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PYTHON = "3.12"
"""Of the finished wheels, which are not run here."""

Version = tuple[int, int, int]
LOADED = {
    lief.MachO.Header.FILE_TYPE.EXECUTE,
    lief.MachO.Header.FILE_TYPE.DYLIB,
    lief.MachO.Header.FILE_TYPE.BUNDLE,
}


class Finished(NamedTuple):
    """What a repair does to a finished wheel.

    dropped: search paths of the build machine that shipped, by member. platform: the new label, where it changes.
    """

    requirement: str
    dropped: dict[str, tuple[str, ...]]
    platform: str = ""


GCC = "/opt/homebrew/Cellar/gcc@13/13.4.0/lib/gcc/13"
FINISHED = (
    Finished("numpy==2.5.5", {}),
    Finished(
        "scipy==1.18.1",
        {"scipy/linalg/_fblas.cpython-312-darwin.so": (f"{GCC}/gcc/aarch64-apple-darwin23/13", f"{GCC}/gcc", GCC)},
    ),
    Finished(
        "pillow==13.0.0",
        {"PIL/.dylibs/libjpeg.62.4.0.dylib": ("/Users/runner/work/Pillow/Pillow/build/deps/darwin/lib",)},
    ),
    Finished("psycopg2-binary==2.9.13", {}),
    Finished(
        "opencv-python-headless==5.0.0.93",
        {"cv2/.dylibs/libjpeg.8.3.2.dylib": ("/opt/homebrew/Cellar/jpeg-turbo/3.1.1/lib",)},
    ),
    Finished("h5py==3.16.0", {}),
    Finished("lxml==6.1.3", {}),
    Finished("pyzmq==27.3.0", {"zmq/.dylibs/libsodium.26.dylib": ("/tmp/zmq/lib",)}),  # noqa: S108 -- a path of theirs
    Finished("playwright==1.65.2", {}, "macosx_14_0_arm64"),  # its node needs macOS 13.5, its name says 11.0
    Finished("ruff==0.17.5", {}),
)


class Repair(NamedTuple):
    """One finished wheel and what a repair made of it."""

    expected: Finished
    wheel: Path
    done: Repaired


@pytest.fixture(scope="module", params=FINISHED, ids=lambda each: each.requirement)
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Repair:
    expected: Finished = request.param
    wheel = fetched(expected.requirement, "arm64", python=PYTHON)
    return Repair(expected, wheel, repair(wheel, tmp_path_factory.mktemp("repaired"), options()))


def machos(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the Mach-O members of a wheel, one at a time."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                head = member.read(8)
            if is_macho(head):
                yield name, archive.read(name)


def test_a_finished_wheel_stays_but_for_what_is_told(real: Repair) -> None:
    dropped: dict[str, tuple[str, ...]] = {}
    for path in real.done.plan.dropped_paths:
        dropped[path.member] = (*dropped.get(path.member, ()), path.entry)
    assert dropped == real.expected.dropped
    assert {edit.member for edit in real.done.plan.macho_edits} == set(dropped)
    name = real.wheel.name
    if real.expected.platform:
        name = f"{name.rpartition('-')[0]}-{real.expected.platform}.whl"
    assert real.done.path.name == name
    if not dropped and not real.expected.platform:
        assert real.done.path.read_bytes() == real.wheel.read_bytes()


def test_only_files_with_a_reason_change(real: Repair) -> None:
    with zipfile.ZipFile(real.wheel) as before, zipfile.ZipFile(real.done.path) as after:
        assert after.testzip() is None
        assert sorted(after.namelist()) == sorted(before.namelist())
        old, new = ({info.filename: info.CRC for info in archive.infolist()} for archive in (before, after))
    changed = {name for name in old if old[name] != new[name]}
    metadata = {name for name in changed if name.endswith(("/RECORD", "/WHEEL"))}
    assert changed - metadata == set(real.expected.dropped)
    assert {name.rpartition("/")[2] for name in metadata} == (
        {"RECORD", "WHEEL"} if real.expected.platform else {"RECORD"} if changed else set()
    )


def test_a_second_repair_changes_nothing(real: Repair, tmp_path: Path) -> None:
    again = repair(real.done.path, tmp_path, options())
    assert again.plan.changes_nothing
    assert again.path.read_bytes() == real.done.path.read_bytes()


def test_changed_files_are_sound_and_lost_only_their_search_paths(real: Repair, tmp_path: Path) -> None:
    if not real.expected.dropped:
        return
    before = dict(machos(real.wheel))
    for member, content in machos(real.done.path):
        if member in real.expected.dropped:
            require_read_by_others(content, tmp_path)
            old, new = names(before[member]), names(content)
            for architecture, found in old.items():
                stay = tuple(path for path in found.rpaths if path not in real.expected.dropped[member])
                assert new[architecture] == found._replace(rpaths=stay)
            assert [name for name, _ in signed_slices(content)] == [name for name, _ in signed_slices(before[member])]


def require_read_by_others(content: bytes, folder: Path) -> None:
    """Fail unless LIEF finds a file whole, its signatures fit, and llvm-objdump reads its load commands and code."""
    require_sound(content)
    file = folder / "member"
    file.write_bytes(content)
    objdump = need("llvm-objdump")
    for architecture, found in names(content).items():
        told = run([objdump, "--macho", f"--arch={architecture}", "--private-headers", "--exports-trie", file])
        assert "malformed" not in told
        assert all(f"name {name} (offset" in told for name in found.needed)


def minimums(content: bytes) -> dict[str, Version]:
    """Return the oldest macOS of each loaded slice, as LIEF reads it."""
    found: dict[str, Version] = {}
    binaries = parsed(content)
    for architecture, binary in zip(slices(content), binaries, strict=True):
        if binary.header.file_type in LOADED:
            new, old = binary.build_version, binary.version_min
            version = new.minos if new else old.version if old else (0, 0, 0)
            found[architecture] = (version[0], version[1], version[2])
    return found


def test_architectures_and_minimums_are_those_that_lief_reads(real: Repair) -> None:
    outcome = truewheel("show", "--json", real.wheel)
    (shown,) = json.loads(outcome.output)["wheels"]
    read = {member: found for member, content in machos(real.wheel) if (found := minimums(content))}
    assert shown["native_files"] == len(read)
    architectures = sorted({name for found in read.values() for name in found})
    assert shown["architecture"] == ", ".join(architectures)
    for line in shown["minimums"]:
        by_file = {member: found[line["architecture"]] for member, found in read.items()}
        newest = max(by_file.values())
        assert line["version"] == ".".join(map(str, newest if newest[2] else newest[:2]))
        assert sorted(line["files"]) == sorted(member for member, version in by_file.items() if version == newest)
    assert [truth["true"] for truth in shown["tags"]] == [not real.expected.platform]
    assert shown["could_be"] == [real.expected.platform or real.wheel.stem.rpartition("-")[2]]


class Behaviour(NamedTuple):
    """A wheel with libraries, Python code that uses them, and what it prints."""

    requirement: str
    missing: str
    code: str
    said: str
    libraries: int


PICTURES = """
import io
from PIL import Image, features
print(*(features.version(name) for name in ("freetype2", "zlib", "libtiff", "webp", "littlecms2")))
picture = Image.linear_gradient("L")
for kind in ("PNG", "TIFF", "JPEG", "WEBP"):
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, kind)
    read = Image.open(io.BytesIO(buffer.getvalue()))
    print(kind, read.size, abs(read.getpixel((9, 200))[0] - 200) < 3)
"""
PICTURES_SAID = "2.14.3 1.3.1.zlib-ng 4.7.2 1.6.0 2.19\n" + "".join(
    f"{kind} (256, 256) True\n" for kind in ("PNG", "TIFF", "JPEG", "WEBP")
)
BEHAVIOURS = (
    Behaviour("pillow==13.0.0", "libtiff.6.dylib", PICTURES, PICTURES_SAID, 18),
    Behaviour(
        "psycopg2-binary==2.9.13",
        "libpq.5.dylib",
        "import psycopg2; print(psycopg2.extensions.libpq_version())",
        "170011\n",
        10,
    ),
)


class Built(NamedTuple):
    """A wheel that was taken apart, repaired, with what it was repaired from gone."""

    expected: Behaviour
    unrepaired: Path
    done: Repaired


@pytest.fixture(scope="module", params=BEHAVIOURS, ids=lambda each: each.requirement)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    expected: Behaviour = request.param
    wheel, libraries = unrepaired(fetched(expected.requirement), tmp_path_factory.mktemp("unrepaired"))
    done = repaired(wheel, libraries)
    shutil.rmtree(libraries)
    return Built(expected, wheel, done)


@runs_mac_code
def test_real_libraries_work_in_a_repaired_wheel_and_only_there(built: Built, tmp_path: Path) -> None:
    control = run_python(unpacked(built.unrepaired, tmp_path / "control"), built.expected.code)
    assert control.code == 1
    assert f"Library not loaded: {BEFORE}/{built.expected.missing}\n" in control.errors
    site = unpacked(built.done.path, tmp_path / "site")
    outcome = run_python(site, built.expected.code)
    assert (outcome.output, outcome.errors, outcome.code) == (built.expected.said, "", 0)


@runs_mac_code
def test_functions_of_repaired_libraries_give_known_values(built: Built, tmp_path: Path) -> None:
    site = unpacked(built.done.path, tmp_path)
    calls: dict[str, tuple[str, str, tuple[Any, ...], str]] = {
        "libz.": ("crc32", "c_ulong", (0, b"123456789", 9), f"{0xCBF43926}\n"),
        "liblzma.": ("lzma_crc32", "c_uint32", (b"123456789", 9, 0), f"{0xCBF43926}\n"),
        "libtiff.": ("TIFFGetVersion", "c_char_p", (), "LIBTIFF, Version 4.7.2"),
        "libwebp.": ("WebPGetDecoderVersion", "c_int", (), f"{0x010600}\n"),
        "libpq.": ("PQlibVersion", "c_int", (), "170011\n"),
        "libssl.": ("SSL_alert_desc_string_long", "c_char_p", (40,), "handshake failure\n"),
        "libcrypto.": ("OBJ_nid2sn", "c_char_p", (672,), "SHA256\n"),
    }
    called = 0
    for copy in built.done.plan.libraries:
        for start, (function, result, arguments, said) in calls.items():
            if copy.name.startswith(start):
                outcome = call(site / copy.member, function, result, arguments)
                assert outcome.errors == ""
                assert outcome.output.startswith(said)
                called += 1
    assert called == (4 if built.expected.requirement.startswith("pillow") else 3)


def test_every_file_of_a_repaired_wheel_is_sound_and_names_nothing_of_the_build(built: Built, tmp_path: Path) -> None:
    assert len(bundled(built.done.path)) == built.expected.libraries
    for member, content in contents(built.done.path).items():
        if is_macho(content):
            require_read_by_others(content, tmp_path)
            assert BEFORE.encode() + b"/" not in content, member
            for found in names(content).values():
                places = ("@loader_path/", "@rpath/", "/usr/lib/", "/System/Library/")
                assert all(name.startswith(places) for name in found.needed)
                assert all(path.startswith("@loader_path") for path in found.rpaths)


def test_a_second_repair_of_real_libraries_changes_nothing(built: Built, tmp_path: Path) -> None:
    again = repair(built.done.path, tmp_path, options())
    assert again.path.read_bytes() == built.done.path.read_bytes()


@pytest.mark.parametrize("requirement", [each.requirement for each in BEHAVIOURS])
def test_the_same_for_arm64_is_sound_and_signed(requirement: str, tmp_path: Path) -> None:
    wheel, libraries = unrepaired(fetched(requirement, "arm64", python=PYTHON), tmp_path)
    done = repaired(wheel, libraries)
    for _, content in machos(done.path):
        require_read_by_others(content, tmp_path)
        assert [name for name, _ in signed_slices(content)] == ["arm64"]
    assert repair(done.path, tmp_path / "again", options()).path.read_bytes() == done.path.read_bytes()
