"""Each mistake a user can make is told in one clear line: what is wrong, where, and what to do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import PROGRAM, environment, truewheel
from support.fixtures import family, unrepaired_wheel
from support.wheels import build_wheel

HELLO = unrepaired_wheel("x86_64")
LIBRARIES = family("x86_64").folder


def told(*arguments: str | Path) -> tuple[int, str]:
    """Return the exit code and the only line on stderr; nothing may stand on stdout."""
    outcome = truewheel(*arguments)
    assert outcome.output == ""
    (line,) = outcome.errors.splitlines()
    return outcome.code, line


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["show", "why", "repair"])
class TestTheWheel:
    def test_is_missing(self, command: str, here: Path) -> None:
        del here
        assert told(command, "foo-1.0-py3-none-any.whl") == (
            3,
            "error: foo-1.0-py3-none-any.whl: there is no such file",
        )

    def test_is_a_pattern_that_the_shell_left_alone(self, command: str, here: Path) -> None:
        del here
        many = (2, "error: dist/*.whl: the pattern matches no wheel (was it built?)")
        hint = "(the pattern matches no file; was the wheel built?)"
        one = (3, f"error: dist/*.whl: there is no such file {hint}")
        assert told(command, "dist/*.whl") == (one if command == "why" else many)

    def test_is_a_folder_without_wheels(self, command: str, here: Path) -> None:
        (here / "dist").mkdir()
        many = (2, "error: dist: the folder holds no wheel (was it built?)")
        one = (3, "error: dist: is a folder, not a wheel (name the .whl files in it)")
        assert told(command, "dist") == (one if command == "why" else many)

    def test_is_empty(self, command: str, here: Path) -> None:
        (here / "foo-1.0-py3-none-any.whl").touch()
        assert told(command, "foo-1.0-py3-none-any.whl") == (3, "error: foo-1.0-py3-none-any.whl: the file is empty")

    def test_is_no_archive(self, command: str, here: Path) -> None:
        (here / "foo-1.0-py3-none-any.whl").write_text("hello, I am a text\n" * 10)
        code, line = told(command, "foo-1.0-py3-none-any.whl")
        assert code == 3
        assert line.startswith("error: foo-1.0-py3-none-any.whl: ")
        assert "not a ZIP archive" in line

    @pytest.mark.parametrize("name", ["foo.whl", "foo-1.0-py3-none-any.zip", "foo"])
    def test_has_no_name_of_a_wheel(self, command: str, name: str, here: Path) -> None:
        shutil.copy(HELLO, here / name)
        code, line = told(command, name)
        assert code == 3
        assert line.startswith(f"error: {name}: ")
        assert "a wheel is named" in line

    def test_has_a_damaged_library(self, command: str, here: Path) -> None:
        damaged = family("x86_64").extension.read_bytes()[:90]
        build_wheel(here, {"foo.so": damaged}, filename="foo-1.0-py3-none-linux_x86_64.whl")
        code, line = told(command, "foo-1.0-py3-none-linux_x86_64.whl")
        assert code == 3
        assert line.startswith("error: foo-1.0-py3-none-linux_x86_64.whl: foo.so: ")

    def test_needs_nothing_that_an_exclude_names(self, command: str) -> None:
        code, line = told(command, "--lib-path", LIBRARIES, "--exclude", "libgret.so.1", HELLO)
        assert code == 2
        assert "--exclude: no needed library matches 'libgret.so.1' (`truewheel show` lists" in line

    def test_stands_beside_a_lib_path_that_is_missing(self, command: str, here: Path) -> None:
        line = f"error: --lib-path: nowhere: there is no such folder (seen from {here})"
        assert told(command, "--lib-path", "nowhere", HELLO) == (2, line)

    def test_stands_beside_a_lib_path_in_a_list_that_is_missing(self, command: str) -> None:
        line = "error: --lib-path: /nowhere/at/all: there is no such folder"
        assert told(command, "--lib-path", f"{LIBRARIES}{os.pathsep}/nowhere/at/all", HELLO) == (2, line)

    def test_stands_beside_a_lib_path_that_is_a_file(self, command: str) -> None:
        code, line = told(command, "--ldpaths", HELLO, HELLO)
        assert (code, line) == (2, f"error: --lib-path: {HELLO}: is not a folder")

    def test_stands_beside_a_sysroot_that_is_missing(self, command: str) -> None:
        line = "error: --sysroot: /nowhere/at/all: there is no such folder"
        assert told(command, "--sysroot", "/nowhere/at/all", HELLO) == (2, line)


class TestRepair:
    def test_into_a_file(self, here: Path) -> None:
        (here / "house").touch()
        code, line = told("repair", "-w", "house", "--lib-path", LIBRARIES, HELLO)
        assert code == 2
        assert "'-w' / '--wheel-dir'" in line
        assert "house" in line

    def test_into_a_folder_below_a_file(self, here: Path) -> None:
        (here / "house").touch()
        code, line = told("repair", "-w", "house/room", "--lib-path", LIBRARIES, HELLO)
        assert code == 1
        assert "house/room: cannot be written" in line

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder where not even root may write")
    def test_into_a_folder_without_permission(self) -> None:
        code, line = told("repair", "-w", "/proc/house", "--lib-path", LIBRARIES, HELLO)
        assert code == 1
        assert "/proc/house: cannot be written" in line

    @pytest.mark.parametrize("plat", ["foo", "manylinux_2_17_aarch64", "manylinux_9_9"])
    def test_for_a_platform_that_does_not_exist(self, plat: str, here: Path) -> None:
        code, line = told("repair", "--plat", plat, "--lib-path", LIBRARIES, HELLO)
        assert code == 2
        assert f"--plat: {plat} is no platform for this wheel (for x86_64 it can be one of auto, linux," in line
        assert not (here / "wheelhouse").exists()

    def test_with_a_library_that_is_not_there(self) -> None:
        code, line = told("repair", "--include", "libfoo.so", "--lib-path", LIBRARIES, HELLO)
        assert code == 2
        assert "libfoo.so: the included library was not found" in line

    def test_that_cannot_be_is_refused_with_its_reasons(self, here: Path) -> None:
        outcome = truewheel("repair", HELLO)
        assert outcome.code == 1
        assert outcome.output == ""
        first, second = outcome.errors.splitlines()
        assert "no manylinux label is true of this wheel (say where the missing libraries lie with --lib-path" in first
        assert second == "  hello/_hello.abi3.so needs libgreet.so.1, which was not found"
        assert list(here.iterdir()) == []

    def test_over_a_different_wheel_of_that_name(self, here: Path) -> None:
        name = truewheel("repair", "--lib-path", LIBRARIES, HELLO).output.strip()
        Path(name).write_bytes(b"mine")
        code, line = told("repair", "--lib-path", LIBRARIES, HELLO)
        assert code == 1
        assert "--force" in line
        assert Path(name).read_bytes() == b"mine"
        assert truewheel("repair", "--force", "--lib-path", LIBRARIES, HELLO).code == 0
        assert [each.name for each in (here / "wheelhouse").iterdir()] == [Path(name).name]

    def test_on_a_full_disk(self, here: Path) -> None:
        command = [*PROGRAM, "repair", "-w", "house", "--lib-path", str(LIBRARIES), str(HELLO)]
        limited = (
            "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)); "
            "os.execv(sys.argv[1], sys.argv[1:])"
        )
        plain = {name: value for name, value in environment().items() if not name.startswith("COV")}
        done = subprocess.run(
            [sys.executable, "-c", limited, *command], env=plain, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert "File too large" in line
        assert "defect" not in line
        assert list((here / "house").glob("*")) == []


def test_one_bad_wheel_does_not_stop_the_others(here: Path) -> None:
    good = shutil.copy(HELLO, here)
    outcome = truewheel("repair", "--lib-path", LIBRARIES, "gone-1.0-py3-none-any.whl", good)
    assert outcome.code == 4
    assert [Path(line).parent for line in outcome.output.splitlines()] == [here / "wheelhouse"]
    assert "error: gone-1.0-py3-none-any.whl: there is no such file" in outcome.errors


@pytest.mark.parametrize("command", ["show", "repair"])
def test_json_is_one_document_also_when_wheels_fail(command: str, here: Path) -> None:
    outcome = truewheel(command, "--json", "--lib-path", LIBRARIES, "gone-1.0-py3-none-any.whl", HELLO)
    assert outcome.code == 4
    document = json.loads(outcome.output)
    assert document["schema"] == f"truewheel.{command}/1"
    assert len(document["wheels" if command == "show" else "repaired"]) == 1
    assert document["failed"] == [
        {
            "file": "gone-1.0-py3-none-any.whl",
            "error": "there is no such file",
            "where": "gone-1.0-py3-none-any.whl",
            "hint": "",
            "reasons": [],
            "defect": False,
            "exit_code": 3,
        }
    ]
    assert (here / "wheelhouse").exists() == (command == "repair")


def test_what_a_wheel_calls_its_files_cannot_steer_the_terminal(here: Path) -> None:
    evil = "a\x1b]0;owned\x07\x1b[2J.so"
    build_wheel(here, {evil: family("x86_64").extension.read_bytes()}, filename="foo-1.0-py3-none-linux_x86_64.whl")
    outcome = truewheel("show", "foo-1.0-py3-none-linux_x86_64.whl")
    assert "\x1b" not in outcome.output + outcome.errors
    assert "\x07" not in outcome.output + outcome.errors


def test_a_program_that_is_not_there_stands_for_nothing() -> None:
    outcome = truewheel("show", "--executable-path", "/nowhere/python", unrepaired_wheel("x86_64"))
    assert outcome.code == 2
    assert outcome.errors.strip() == "error: --executable-path: /nowhere/python: there is no such program or folder"


class TestWhatIsNoFile:
    """A named pipe that nobody writes to; to open it as a file would wait for ever."""

    PIPE = "foo-1.0-py3-none-any.whl"

    @pytest.fixture(autouse=True)
    def pipe(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("truewheel.given_files._PATIENCE", 0.01)
        os.mkfifo(here / self.PIPE)
        build_wheel(here, {}, filename="bar-1.0-py3-none-any.whl", dist_info="bar-1.0.dist-info")

    @pytest.mark.parametrize(
        "command",
        [("show",), ("why",), ("repair",), ("check",), ("check", "--fix"), ("retag", "--build", "1"), ("accepts",)],
    )
    def test_is_no_wheel(self, command: tuple[str, ...]) -> None:
        assert told(*command, self.PIPE) == (3, f"error: {self.PIPE}: is a named pipe, not a file")

    @pytest.mark.parametrize(
        ("option", "code", "what"),
        [
            (("--plan", PIPE, "--build", "1"), 1, f"{PIPE}: is a named pipe, not a file (name a file)"),
            (("--profiles", PIPE, "--for", "x"), 2, "--for: there is no profile 'x'"),
            (("--policy", PIPE, "--build", "1"), 2, f"{PIPE}: `name` is missing (it is a text)"),
        ],
    )
    def test_says_nothing(self, option: tuple[str, ...], code: int, what: str) -> None:
        found, line = told("retag", *option, "bar-1.0-py3-none-any.whl")
        assert found == code
        assert what in line

    def test_is_no_plan_and_no_list(self) -> None:
        code, line = told("apply", self.PIPE)
        assert (code, line.partition(": Exp")[0]) == (3, f"error: {self.PIPE}: is no JSON document")
        what = f"error: --from-file: {self.PIPE}: names no wheel (one path a line)"
        assert told("check", "--from-file", self.PIPE) == (2, what)

    def test_is_not_replaced(self, here: Path) -> None:
        done = truewheel("check", "--sarif", self.PIPE, "bar-1.0-py3-none-any.whl")
        assert f"error: {self.PIPE}: is a named pipe, not a file" in done.errors
        assert (here / self.PIPE).is_fifo()

    def test_a_list_may_come_out_of_a_process(self, here: Path) -> None:
        command = f"exec {sys.executable} -m truewheel accepts --from-file <(printf '%s' bar-1.0-py3-none-any.whl)"
        done = subprocess.run(
            ["bash", "-c", command], env=environment(), cwd=here, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout.splitlines()[0]) == (0, "bar-1.0-py3-none-any.whl")


@pytest.mark.parametrize(
    ("name", "option", "code"),
    [
        ("deep.json", ("apply", "deep.json"), 3),
        ("deep.toml", ("retag", "--profiles", "deep.toml", "--for", "x", HELLO), 2),
        ("deep.toml", ("check", "--policy", "deep.toml", HELLO), 2),
        ("deep.toml", ("check", "--config", "deep.toml", HELLO), 2),
    ],
)
def test_what_is_nested_too_deeply(name: str, option: tuple[str | Path, ...], code: int, here: Path) -> None:
    begin = "a = " if name.endswith("toml") else ""
    (here / name).write_text(f"[tool.truewheel]\n{begin}" * bool(begin) + "[" * 100_000)
    found, line = told(*option)
    assert found == code
    assert line.startswith("error: deep.")
    assert "nested too deeply" in line
