from __future__ import annotations

import ast
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pip
import pytest

from truewheel.bundler.launcher import launcher

PROGRAM = '#!/bin/sh\necho "started $0 as $(basename "$0") with $*"\nexit 5\n'
TAG = "py2.py3-none-any"
SCRIPT = launcher("hello", "hello.scripts", "greet")


def wheel(folder: Path, *, mode: int = 0o755) -> Path:
    """Write a wheel with the launcher and its program; the program is a shell script, which runs everywhere."""
    path = folder / f"hello-1.0-{TAG}.whl"
    files = {
        "hello.scripts/greet": (PROGRAM.encode(), mode),
        "hello-1.0.data/scripts/greet": (SCRIPT, 0o755),
        "hello-1.0.dist-info/METADATA": (b"Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n", 0o644),
        "hello-1.0.dist-info/WHEEL": (f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {TAG}\n".encode(), 0o644),
    }
    rows = "".join(f"{name},,\n" for name in [*files, "hello-1.0.dist-info/RECORD"])
    files["hello-1.0.dist-info/RECORD"] = (rows.encode(), 0o644)
    with zipfile.ZipFile(path, "w") as archive:
        for name, (content, bits) in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | bits) << 16
            archive.writestr(info, content)
    return path


def start(script: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV"))}
    return subprocess.run(
        [script, *arguments], env={**clean, **environment}, capture_output=True, text=True, check=False
    )


def install(folder: Path, *options: str, python: str = sys.executable, **environment: str) -> None:
    command = [python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-warn-script-location"]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", **environment}
    subprocess.run([*command, *options, str(wheel(folder))], env=environment, check=True, capture_output=True)


def place(folder: Path, packages: str, scripts: str = "bin") -> Path:
    """Lay out the two files as an installer does, and return the script."""
    program, script = folder / packages / "hello.scripts" / "greet", folder / scripts / "greet"
    for path, text in ((program, PROGRAM), (script, SCRIPT.decode().replace("#!python", f"#!{sys.executable}", 1))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o755)
    return script


def test_installers_find_the_line_they_replace() -> None:
    assert SCRIPT.startswith(b"#!python\n")
    compile(SCRIPT, "greet", "exec")


def test_names_are_only_ever_text() -> None:
    name = "a\"'\\\n%s{}é"
    texts = [node.value for node in ast.walk(ast.parse(launcher(name, name, name))) if isinstance(node, ast.Constant)]
    assert texts.count(name) == 3


VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.mark.parametrize(
    "packages",
    [
        ".",
        f"lib/python{VERSION}/site-packages",
        f"lib64/python{VERSION}/site-packages",
        f"lib/python{VERSION}/dist-packages",
        "lib/python3/dist-packages",
        "lib/python2.7/site-packages",
        f"lib/pypy{VERSION}/site-packages",
        "site-packages",
    ],
)
def test_the_program_is_found_beside_the_script(tmp_path: Path, packages: str) -> None:
    script = place(tmp_path, packages)
    done = start(script, "a b", "--c")
    assert done.stderr == ""
    assert done.returncode == 5
    assert done.stdout == f"started {tmp_path / packages}/hello.scripts/greet as greet with a b --c\n"


def test_the_running_version_comes_first(tmp_path: Path) -> None:
    place(tmp_path, "lib/python2.7/site-packages")
    script = place(tmp_path, f"lib/python{VERSION}/site-packages")
    assert f"python{VERSION}" in start(script).stdout


def test_a_link_to_the_script_works(tmp_path: Path) -> None:
    script = place(tmp_path / "venv", f"lib/python{VERSION}/site-packages")
    link = tmp_path / "elsewhere" / "greet"
    link.parent.mkdir()
    link.symlink_to(script)
    assert start(link, "x").returncode == 5


def test_a_program_on_the_search_path_is_found(tmp_path: Path) -> None:
    script = place(tmp_path, "packages", "apart/bin")
    assert start(script).returncode == 127
    assert start(script, PYTHONPATH=str(tmp_path / "packages")).returncode == 5


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    script = place(tmp_path, ".")
    (tmp_path / "hello.scripts" / "greet").unlink()
    done = start(script)
    assert done.returncode == 127
    assert done.stderr.startswith("hello.scripts/greet is not installed; install hello again. Looked for:\n")
    assert f"  {tmp_path}/hello.scripts/greet\n" in done.stderr


def test_a_program_that_cannot_start_is_named(tmp_path: Path) -> None:
    script = place(tmp_path, ".")
    (tmp_path / "hello.scripts" / "greet").chmod(0o644)
    done = start(script)
    assert done.returncode == 126
    assert done.stderr == f"{tmp_path}/hello.scripts/greet cannot be started: Permission denied\n"


def test_pip_target(tmp_path: Path) -> None:
    install(tmp_path, "--target", str(tmp_path / "target"))
    done = start(tmp_path / "target" / "bin" / "greet", "x")
    assert (done.returncode, done.stderr) == (5, "")


def test_pip_prefix(tmp_path: Path) -> None:
    install(tmp_path, "--prefix", str(tmp_path / "prefix"))
    (script,) = (tmp_path / "prefix").rglob("bin/greet")
    done = start(script, "x")
    assert (done.returncode, done.stderr) == (5, "")


def test_pip_user(tmp_path: Path) -> None:
    """A venv refuses `--user`, so the interpreter behind it runs the venv's pip."""
    site = str(Path(pip.__file__).parents[1])
    base = str(Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}"))
    user = str(tmp_path / "user")
    install(tmp_path, "--user", python=base, PYTHONPATH=site, PYTHONUSERBASE=user, PIP_BREAK_SYSTEM_PACKAGES="1")
    done = start(tmp_path / "user" / "bin" / "greet", "x")
    assert (done.returncode, done.stderr) == (5, "")


def test_pip_into_a_venv(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    install(tmp_path, "--prefix", str(tmp_path / "venv"))
    python = tmp_path / "venv" / "bin" / "python"
    script = tmp_path / "venv" / "bin" / "greet"
    text = script.read_text("utf-8").partition("\n")[2]
    script.write_text(f"#!{python}\n{text}", "utf-8")
    assert start(script).returncode == 5
