"""What a check says of language runtimes in published wheels, against what a process loads and what LIEF reads."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

import lief
import pytest

from support.checks import findings
from support.hello import hello_wheel
from support.programs import run
from support.published import Published
from support.retags import retag

pytestmark = pytest.mark.slow

COPIES = "repeated-runtime"
MAC_10_9, MAC_10_10, ARM = "macosx_10_9_x86_64", "macosx_10_10_x86_64", "macosx_14_0_arm64"
GLIBC = "manylinux_2_28_x86_64"
MAPPED = "print(*{line.split()[-1] for line in open('/proc/self/maps') if line.count('/')}, sep='\\n')"


def told(path: Path, rule: str = COPIES) -> list[str]:
    return [finding.message for finding in findings(path, rule)]


def unpacked(published: Published, folder: Path) -> Path:
    with zipfile.ZipFile(published.fetched()) as archive:
        archive.extractall(folder)
    return folder


def mapped(program: str, folder: Path) -> set[str]:
    """Run lines of Python; return the files below a folder, and the libraries elsewhere by name, that it has mapped."""
    printed = run([sys.executable, "-c", f"{program}\n{MAPPED}"], environment={"PYTHONPATH": str(folder)})
    inside = f"{folder}/"
    return {
        line.removeprefix(inside) if line.startswith(inside) else line.rpartition("/")[2] for line in printed.split()
    }


def test_intels_openmp_in_the_wheel_and_gnus_of_the_system(tmp_path: Path) -> None:
    published = Published("paddlepaddle==2.6.2", "manylinux1_x86_64", "39", "cp39")
    mine = "paddle/libs/libiomp5.so"
    assert told(published.fetched()) == [
        f"one process may hold 2 copies of the OpenMP runtime: {mine}, libgomp.so.1",
    ]
    folder = unpacked(published, tmp_path)
    load = "import ctypes\n" + "".join(
        f"ctypes.CDLL({str(folder / 'paddle/libs' / name)!r})\n" for name in ("libiomp5.so", "libdnnl.so.3")
    )
    loaded = mapped(load, folder)
    assert {mine} == {name for name in loaded if "omp5" in name}
    assert [name for name in loaded if name.startswith("libgomp.so.1")]


def test_two_fortran_runtimes_in_the_wheel(tmp_path: Path) -> None:
    here = "{}{}".format(*sys.version_info)
    scipy = Published("scipy==1.17.1", GLIBC, here, f"cp{here}")
    (message,) = told(scipy.fetched())
    kind, _, names = message.partition(": ")
    assert kind == "one process may hold 2 copies of the Fortran runtime"
    folder = unpacked(Published("numpy==2.4.6", GLIBC, here, f"cp{here}"), unpacked(scipy, tmp_path))
    loaded = mapped("import scipy.linalg, scipy.interpolate", folder)
    # One of them has the very name of one in numpy, which was loaded before and serves for both.
    fortran = {name.rpartition("/")[2] for name in loaded if "gfortran" in name}
    assert fortran == {name.rpartition("/")[2] for name in names.split(", ")}
    assert len(fortran) == 2


def test_two_openmps_of_two_projects_in_one_wheel(tmp_path: Path) -> None:
    """Each of them alone has one; together they are what `OMP: Error #15` is about."""
    faiss = Published("faiss-cpu==1.5.3", MAC_10_9, "37", "cp37m")
    torch = Published("torch==1.0.0", MAC_10_9, "37", "none")
    files: dict[str, bytes] = {}
    for published in (faiss, torch):
        assert not [message for message in told(published.fetched()) if "OpenMP" in message]
        with zipfile.ZipFile(published.fetched()) as archive:
            names = [name for name in archive.namelist() if name.endswith((".so", ".dylib"))]
            files |= {name: archive.read(name) for name in names}
    both = hello_wheel(tmp_path, files, tag="cp37-cp37m-macosx_10_13_x86_64")
    openmp = [message for message in told(both) if "OpenMP" in message]
    libraries = "faiss/.dylibs/libomp.dylib, torch/lib/libiomp5.dylib"
    assert openmp == [f"one process may hold 2 copies of the OpenMP runtime: {libraries}"]


ONE_EACH = (
    Published("numpy==2.4.6", GLIBC, "311", "cp311"),
    Published("pyarrow==26.0.1", GLIBC, "311", "cp311"),
    Published("opencv-python-headless==5.0.0.93", GLIBC, "37", "abi3"),
    Published("onnxruntime==1.2.0", "manylinux1_x86_64", "37", "cp37m"),
    Published("ctranslate2==4.8.5", GLIBC, "311", "cp311"),
    Published("torch==2.15.0", ARM, "312", "cp312"),
    Published("scipy==1.18.1", ARM, "312", "cp312"),
    Published("numpy==2.5.5", ARM, "312", "cp312"),
    Published("opencv-python-headless==5.0.0.93", ARM, "37", "abi3"),
)


@pytest.mark.parametrize("published", ONE_EACH, ids=lambda wheel: f"{wheel.requirement}-{wheel.platform}")
def test_one_copy_of_each_is_nothing_to_tell(published: Published) -> None:
    assert told(published.fetched()) == []


OLD_CXX = (
    Published("pandas==0.16.2", MAC_10_10, "27", "none"),
    Published("matplotlib==1.5.1", MAC_10_10, "27", "none"),
    Published("rasterio==0.24.0", MAC_10_10, "27", "none"),
    Published("shapely==1.5.13", MAC_10_10, "27", "none"),
    Published("scikit-learn==0.16.1", MAC_10_10, "27", "none"),
    Published("pyzmq==14.1.0", "macosx_10_9_intel", "27", "none"),
    Published("numexpr==2.4.6", MAC_10_10, "27", "none"),
    Published("PySide==1.2.2", "macosx_10_9_intel", "27", "none"),
)
"""Of the time when systems went from one C++ runtime to the other: most with the old one, the last two with the new."""


def linked_to(path: Path, library: str, since: tuple[int, int] = (0, 0)) -> set[str]:
    """Return the members with a slice that LIEF reads to need a library, and to be for some system or a later one."""
    found = set()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith((".so", ".dylib")):
                binary = lief.MachO.parse(list(archive.read(name)))
                for item in binary or ():
                    stated = item.version_min
                    minimum = tuple(stated.version[:2]) if stated else (0, 0)
                    if minimum >= since and any(each.name == library for each in item.libraries):
                        found.add(name)
    return found


@pytest.mark.parametrize("published", OLD_CXX, ids=lambda wheel: wheel.requirement)
def test_the_old_cxx_runtime_is_wrong_on_newer_systems_only(published: Published, tmp_path: Path) -> None:
    path = published.fetched()
    old = "/usr/lib/libstdc++.6.dylib"
    newer = {finding.member for finding in findings(path, "old-cxx-runtime")}
    assert newer == linked_to(path, old, (10, 9))
    renamed = Path(shutil.copy(path, tmp_path / f"{path.name.split('macosx')[0]}macosx_10_9_intel.whl"))
    found = {finding.member for finding in findings(renamed, "old-cxx-runtime")}
    assert found == linked_to(path, old)
    assert bool(found) is (published not in OLD_CXX[-2:])


def test_a_wheel_that_is_made_true_is_told_that_its_runtime_is_of_the_past(tmp_path: Path) -> None:
    path = OLD_CXX[3].fetched()
    assert findings(path, "old-cxx-runtime") == ()
    made = retag(path, tmp_path, platform_tag="-macosx_10_6_intel").path
    assert "macosx_10_6_intel" not in made.name
    assert {finding.member for finding in findings(made, "old-cxx-runtime")} == {
        "shapely/.dylibs/libgeos-3.4.2.dylib",
        "shapely/.dylibs/libgeos_c.1.dylib",
    }


def test_the_new_cxx_runtime_is_not_on_older_systems_and_the_tag_is_untrue() -> None:
    """libc++ came with 10.7; linkers write 10.9 or 10.7 into what uses it."""
    path = OLD_CXX[-2].fetched()
    (member,) = linked_to(path, "/usr/lib/libc++.1.dylib")
    (finding,) = findings(path, "untrue-tag")
    assert finding.member == member
    assert finding.message.startswith(f"macosx_10_6_intel is not true: {member} needs macOS 10.9 in its i386 slice")
