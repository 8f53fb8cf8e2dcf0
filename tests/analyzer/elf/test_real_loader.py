"""Our choice against that of the loader that runs here."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.fixtures import family, odd
from support.random_libraries import write_libraries
from truewheel.analyzer.elf.resolve import build_graph
from truewheel.analyzer.search_options import SearchOptions, split_library_path

_LOADER = Path("/lib64/ld-linux-x86-64.so.2")

_MUSL_LOADER = Path("/lib/ld-musl-x86_64.so.1")
_IS_LINUX = sys.platform == "linux" and platform.machine() == "x86_64"

needs_glibc = pytest.mark.skipif(
    not (_IS_LINUX and _LOADER.exists()), reason="needs a machine whose own loader is glibc's for x86_64"
)
needs_musl = pytest.mark.skipif(
    not (_IS_LINUX and _MUSL_LOADER.exists()), reason="needs musl's loader for x86_64 (Debian: apt-get install musl)"
)


def _theirs(path: Path, library_path: str = "") -> dict[str, str | None]:
    """Return what the loader of the host finds for each needed name, directly or not, as ldd(1) asks it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    environment |= {"LD_TRACE_LOADED_OBJECTS": "1"} | ({"LD_LIBRARY_PATH": library_path} if library_path else {})
    command = [str(_LOADER), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    pairs = re.findall(r"^\s*([^/\s]+) => (?:(/\S+)|not found)", done.stdout, re.MULTILINE)
    assert pairs, done.stderr
    return {name: os.path.realpath(found) if found else None for name, found in pairs}


def _ours(path: Path, library_path: str = "") -> dict[str, str | None]:
    options = SearchOptions(library_path=split_library_path(library_path))
    graph = build_graph([], options, include=(str(path),)).graph
    searched = (edge for edge in graph.all_edges() if edge.lookup.rule is None or edge.lookup.found)
    return {edge.dependency.name: edge.lookup.found for edge in searched}


def _put(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(source, target))


@needs_glibc
@pytest.mark.parametrize("kind", ["rpath.so", "runpath.so"])
@pytest.mark.parametrize("environment", [False, True])
@pytest.mark.parametrize("tone_beside", [False, True])
def test_paths_in_files_and_in_the_environment(
    tmp_path: Path, kind: str, *, environment: bool, tone_beside: bool
) -> None:
    module = _put(odd(kind), tmp_path / "module.so")
    _put(family("x86_64").greet, tmp_path / "libs/libgreet.so.1")
    if tone_beside:
        _put(family("x86_64").tone, tmp_path / "libs/libtone.so.2")
    _put(family("x86_64").greet, tmp_path / "env/libgreet.so.1")
    _put(family("x86_64").tone, tmp_path / "env/libtone.so.2")
    library_path = str(tmp_path / "env") if environment else ""
    theirs = _theirs(module, library_path)
    assert set(theirs) >= {"libgreet.so.1", "libtone.so.2", "libc.so.6"}
    assert _ours(module, library_path) == theirs


@needs_glibc
def test_a_library_of_another_architecture_is_passed_over(tmp_path: Path) -> None:
    module = _put(odd("runpath.so"), tmp_path / "module.so")
    _put(family("i686").greet, tmp_path / "env/libgreet.so.1")
    _put(family("x86_64").greet, tmp_path / "libs/libgreet.so.1")
    library_path = f"{tmp_path}/env"
    theirs = _theirs(module, library_path)
    assert theirs["libgreet.so.1"] == str((tmp_path / "libs/libgreet.so.1").resolve())
    assert _ours(module, library_path) == theirs


@needs_glibc
def test_origin_is_where_a_link_lies(tmp_path: Path) -> None:
    _put(odd("runpath.so"), tmp_path / "store/real.so")
    _put(family("x86_64").greet, tmp_path / "libs/libgreet.so.1")
    _put(family("x86_64").greet, tmp_path / "store/libs/libgreet.so.1")
    (tmp_path / "module.so").symlink_to("store/real.so")
    theirs = _theirs(tmp_path / "module.so")
    assert theirs["libgreet.so.1"] == str((tmp_path / "libs/libgreet.so.1").resolve())
    assert _ours(tmp_path / "module.so") == theirs


@needs_glibc
def test_the_interpreter_that_runs_this_test() -> None:
    program = Path(sys.executable).resolve()
    theirs, ours = _theirs(program), _ours(program)
    assert {name: theirs[name] for name in ours} == ours  # libpython, and what only it needs, is not searched for
    assert ours["libc.so.6"]


@needs_glibc
@pytest.mark.parametrize("seed", range(80))
def test_random_libraries_are_loaded_as_glibc_does(tmp_path: Path, seed: int) -> None:
    folders = write_libraries(tmp_path, seed)
    environment = _environment(folders) | {"LD_TRACE_LOADED_OBJECTS": "1"}
    said = _said([str(_LOADER), str(tmp_path / "mod.so")], environment)
    pairs = re.findall(r"^\s*(\S+) => (?:(/\S+)|not found)", said, re.MULTILINE)
    loaded, missing = _load_order(tmp_path / "mod.so", folders)
    assert loaded == [os.path.realpath(found) for _, found in pairs if found]
    assert sorted(name for name, _ in missing) == sorted(name for name, found in pairs if not found)


@pytest.mark.slow
@needs_musl
@pytest.mark.parametrize("seed", range(80))
def test_random_libraries_are_loaded_as_musl_does(tmp_path: Path, seed: int) -> None:
    # musl gives up at a file of another architecture, where we go on.
    folders = write_libraries(tmp_path, seed, needs=("libc.so",), others=False)
    said = _said([str(_MUSL_LOADER), "--list", str(tmp_path / "mod.so")], _environment(folders))
    found = re.findall(rf"^\s*\S+ => ({re.escape(str(tmp_path))}/\S+)", said, re.MULTILINE)
    lost = re.findall(
        r"^Error loading shared library (\S+): No such file or directory \(needed by (\S+)\)", said, re.MULTILINE
    )
    loaded, missing = _load_order(tmp_path / "mod.so", folders)
    assert loaded == [os.path.realpath(path) for path in found]
    assert sorted(missing) == sorted((name, os.path.realpath(needer)) for name, needer in lost)


def _environment(folders: list[Path]) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    return clean | ({"LD_LIBRARY_PATH": ":".join(map(str, folders))} if folders else {})


def _said(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.stdout + done.stderr


def _load_order(entry: Path, folders: list[Path]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the libraries in the order they are loaded, and each name that is not found with its needer."""
    graph = build_graph([], SearchOptions(library_path=tuple(folders)), include=(str(entry),)).graph
    first = os.path.realpath(entry)
    queue, missing = [first], []
    for needer in queue:
        for edge in graph.edges[needer]:
            if edge.lookup.found is None and edge.lookup.rule is None:
                missing.append((edge.dependency.name, needer))
            elif edge.lookup.found is not None and edge.lookup.found not in queue:
                queue.append(edge.lookup.found)
    return queue[1:], missing
