"""Published wheels of ten years with false or broken labels: `retag --platform-tag auto` makes each true, or refuses.

What is expected was read from the wheels with LIEF: the newest system or glibc that any file of an architecture asks
for. All of them can still be fetched.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support import real_uv
from support.cache import kept
from support.cli import truewheel
from support.published import Published
from support.real_projects import find_python
from support.retags import raw, require_sound, tags_of

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OLD_MAC, NEW_MAC = "macosx_10_9_x86_64", "macosx_12_0_arm64"
MANYLINUX1, MANYLINUX2010, MANYLINUX2014 = (f"manylinux{name}_x86_64" for name in ("1", "2010", "2014"))
STATIC = "manylinux1_x86_64.manylinux_2_5_x86_64.musllinux_1_1_x86_64"

PROVED = {
    Published("numpy==1.9.0", OLD_MAC, "27", "none"): "cp27-none-macosx_10_9_intel",
    Published("numpy==1.9.0", OLD_MAC, "33", "cp33m"): "cp33-cp33m-macosx_10_9_intel",
    Published("numpy==1.9.0", OLD_MAC, "34", "cp34m"): "cp34-cp34m-macosx_10_9_intel",
    Published("numpy==1.11.0", OLD_MAC, "35", "cp35m"): "cp35-cp35m-macosx_10_6_intel",
    Published("numpy==1.11.0", MANYLINUX1, "27", "cp27mu"): "cp27-cp27mu-manylinux1_x86_64.manylinux_2_5_x86_64",
    Published("numpy==1.17.3", "macosx_10_6_intel", "35", "cp35m"): "cp35-cp35m-macosx_10_9_intel",
    Published("numpy==1.17.3", OLD_MAC, "37", "cp37m"): "cp37-cp37m-macosx_10_9_x86_64",
    Published("numpy==1.17.3", MANYLINUX1, "37", "cp37m"): "cp37-cp37m-manylinux1_x86_64.manylinux_2_5_x86_64",
    Published("numpy==1.21.0", "macosx_11_0_universal2", "39", "cp39"): "cp39-cp39-macosx_10_9_universal2",
    Published("numpy==1.21.0", NEW_MAC, "39", "cp39"): "cp39-cp39-macosx_11_0_arm64",
    Published("numpy==1.21.0", MANYLINUX2010, "39", "cp39"): "cp39-cp39-manylinux_2_12_x86_64.manylinux2010_x86_64",
    Published("scipy==0.17.0", OLD_MAC, "35", "cp35m"): "cp35-cp35m-macosx_10_6_intel",
    Published("scipy==1.8.0", NEW_MAC, "310", "cp310"): "cp310-cp310-macosx_11_0_arm64",
    Published("scipy==1.8.0", "macosx_12_0_universal2", "39", "cp39"): "cp39-cp39-macosx_10_9_universal2",
    Published("psycopg2-binary==2.8.2", OLD_MAC, "37", "cp37m"): "cp37-cp37m-macosx_10_12_x86_64.macosx_10_6_i386",
    Published("psycopg2-binary==2.9", "macosx_10_15_x86_64", "39", "cp39"): "cp39-cp39-macosx_10_15_x86_64",
    Published("psycopg2-binary==2.9", MANYLINUX2014, "39", "cp39"): (
        "cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64"
    ),
    Published("pyzmq==14.1.0", OLD_MAC, "27", "none"): "cp27-none-macosx_10_6_intel",
    Published("pyzmq==14.1.0", OLD_MAC, "33", "cp33m"): "cp33-cp33m-macosx_10_6_intel",
    Published("pyzmq==14.1.0", OLD_MAC, "34", "cp34m"): "cp34-cp34m-macosx_10_6_intel",
    Published("ninja==1.11.1.1", NEW_MAC): "py2.py3-none-macosx_10_9_universal2",
    Published("ninja==1.11.1.1", MANYLINUX1): "py2.py3-none-manylinux1_x86_64.manylinux_2_5_x86_64",
    Published("ziglang==0.10.0", NEW_MAC): "py3-none-macosx_12_0_arm64",
    Published("ziglang==0.10.0", MANYLINUX2014): f"py3-none-{STATIC}",
    Published("ziglang==0.17.0", MANYLINUX2014): f"py3-none-{STATIC}",
}
"""The tags that are true. Those in the order of their old names are kept in it, for they are no other name."""

REFUSED = {
    Published("matplotlib==1.5.1", OLD_MAC, "35", "cp35m"): (
        "needs /Library/Frameworks/Tcl.framework/Versions/8.5/Tcl, which was not found"
    ),
    Published("PyQt5==5.14.2", "macosx_10_13_x86_64", "37", "abi3"): (
        "libdarwingamepad.dylib needs @rpath/QtGamepad.framework/Versions/5/QtGamepad, which was not found"
    ),
    Published("PyQt5==5.14.2", MANYLINUX2014, "37", "abi3"): "needs libdbus-1.so.3, which was not found",
    Published("psycopg2-binary==2.8.2", MANYLINUX1, "37", "cp37m"): (
        "libsasl2-e96a0dbf.so.2.0.22 needs libcrypt.so.1, which was not found"
    ),
}
"""Wheels of which no label is true, because libraries are missing, and one of the reasons."""

TAG_RULES = (
    "tag-spelling,tag-repeated,unmatched-tag,index-tag,wheel-file,wheel-headers,wheel-tags,wheel-tag-lines,wheel-build,"
    "root-is-purelib,record,record-rows,record-hash,record-unlisted,record-absent,untrue-tag,module-name"
)


def title(published: Published) -> str:
    return "-".join(filter(None, published))


def made_true(published: Published, folder: Path) -> Path:
    outcome = truewheel("retag", "--platform-tag", "auto", "-j2", "-w", folder, published.fetched())
    assert outcome.code == 0, outcome.errors
    return Path(outcome.output.rstrip("\n"))


@pytest.mark.parametrize("published", PROVED, ids=title)
def test_a_wheel_gets_the_label_that_its_machine_code_proves(published: Published, tmp_path: Path) -> None:
    wheel = published.fetched()
    made = made_true(published, tmp_path)
    assert tags_of(made) == PROVED[published]
    if made.read_bytes() != wheel.read_bytes():
        require_sound(made)
    found = truewheel("check", "-j2", "--select", TAG_RULES, made)
    assert (found.code, found.output) == (0, "")
    before, after = raw(wheel), raw(made)
    assert after.keys() == {name for name in before if not name.endswith(("RECORD.jws", "RECORD.p7s"))}
    changed = {name.rpartition("/")[2] for name in after if after[name] != before[name]}
    assert changed <= {"WHEEL", "RECORD"}
    again = truewheel("retag", "--platform-tag", "auto", "-j2", made)
    assert (again.code, again.output) == (0, f"{made}\n")
    assert "nothing to do" in again.errors


@pytest.mark.parametrize("published", REFUSED, ids=title)
def test_a_wheel_that_lacks_libraries_has_no_true_label(published: Published, tmp_path: Path) -> None:
    outcome = truewheel("retag", "--platform-tag", "auto", "-w", tmp_path, published.fetched())
    assert (outcome.code, outcome.output) == (1, "")
    assert "the machine code proves no platform tag" in outcome.errors
    assert REFUSED[published] in outcome.errors
    assert list(tmp_path.iterdir()) == []


USES: dict[Published, tuple[str, list[str]]] = {
    Published("numpy==1.17.3", MANYLINUX1, "37", "cp37m"): (
        "3.7",
        ["-c", "import numpy; print(int(numpy.dot(numpy.ones(4), numpy.ones(4))))"],
    ),
    Published("numpy==1.21.0", MANYLINUX2010, "39", "cp39"): (
        "3.9",
        ["-c", "import numpy; print(int(numpy.linalg.det(numpy.eye(3)) * 4))"],
    ),
    Published("psycopg2-binary==2.9", MANYLINUX2014, "39", "cp39"): (
        "3.9",
        ["-c", "from psycopg2.extensions import libpq_version; print(libpq_version() // 10000 - 9)"],
    ),
    Published("ninja==1.11.1.1", MANYLINUX1): (
        "3.11",
        ["-c", "import subprocess, ninja; print(subprocess.check_output([ninja.BIN_DIR + '/ninja', '--version'])[:6])"],
    ),
    Published("ziglang==0.10.0", MANYLINUX2014): ("3.11", ["-m", "ziglang", "version"]),
    Published("ziglang==0.17.0", MANYLINUX2014): ("3.12", ["-m", "ziglang", "version"]),
}
"""Wheels that this system can run: on which Python, and how they show that they work."""
SAID = ("4", "4", "4", "b'1.11.1'", "0.10.0", "0.17.0")


@pytest.fixture(scope="module")
def uv() -> Callable[..., subprocess.CompletedProcess[str]]:
    program = kept("uv", real_uv.VERSION, real_uv.fetch) / "uv"

    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PYTHON", "VIRTUAL_"))
        }
        command = [program, *arguments, "--offline", "--no-config", "--no-cache"]
        return subprocess.run(command, env=clean, capture_output=True, text=True, check=False)

    return call


@pytest.mark.parametrize(("published", "said"), list(zip(USES, SAID, strict=True)), ids=list(map(title, USES)))
def test_pip_and_uv_install_the_result_which_runs_and_their_checks_are_silent(
    published: Published, said: str, uv: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    version, use = USES[published]
    made = made_true(published, tmp_path)
    for tool in ("pip", "uv"):
        folder = tmp_path / tool
        python = str(folder / "bin" / "python")
        subprocess.run([find_python(version), "-m", "venv", folder], check=True, capture_output=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir", "--quiet"]
        if tool == "pip":
            newest = [*pip, "install", "--upgrade", "pip"]  # from 24.2 on its check looks at the tags
            subprocess.run(newest, check=True, capture_output=True)
            done = subprocess.run(
                [*pip, "install", "--no-index", str(made)], capture_output=True, text=True, check=False
            )
        else:
            done = uv("pip", "install", "--no-index", "--python", python, made)
        assert done.returncode == 0, done.stderr
        assert subprocess.run([*pip, "check"], capture_output=True, text=True, check=False).returncode == 0
        checked = uv("pip", "check", "--python", python)
        assert checked.returncode == 0, checked.stderr
        used = subprocess.run([python, *use], capture_output=True, text=True, check=False)
        assert used.stdout.strip() == said, used.stderr


def test_a_wheel_for_python_2_is_installed_by_its_own_pip(tmp_path: Path) -> None:
    """numpy 1.11.0 is for wide Python 2.7; the narrow one is told apart by its ABI tag."""
    made = made_true(Published("numpy==1.11.0", MANYLINUX1, "27", "cp27mu"), tmp_path)
    (python, *_) = sorted(Path.home().glob(".pyenv/versions/2.7.*/bin/python2.7"))
    abi = (
        "cp27mu"
        if b"0x10ffff" in subprocess.check_output([python, "-c", "import sys; print(hex(sys.maxunicode))"])
        else "cp27m"
    )
    command = list(map(str, [python, "-m", "pip", "install", "--no-index", "--target", tmp_path / "site", made]))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is (abi == "cp27mu"), done.stderr
    outcome = truewheel("accepts", "--target", f"glibc-2.28 {abi} pip-20.3", made)
    assert (outcome.code == 0) is (abi == "cp27mu")
    if abi == "cp27mu":
        use = "import numpy; print(int(numpy.dot(numpy.ones(4), numpy.ones(4))))"
        clean = {"PYTHONPATH": str(tmp_path / "site"), "PATH": os.environ["PATH"]}
        assert subprocess.check_output([python, "-c", use], env=clean) == b"4\n"
