"""The program as a whole: help, wrong usage, defects, interruption, terminals and pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import click
import pytest

from support.batches import pure_wheel
from support.cli import PROGRAM, environment, on_terminal, process, truewheel
from support.fixtures import family, unrepaired_wheel
from truewheel import __version__
from truewheel.cli import each, program
from truewheel.cli import show as show_module
from truewheel.errors import OutputError
from truewheel.report import inspect_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from support.hello import Outcome

HELLO = unrepaired_wheel("x86_64")
LIBRARIES = family("x86_64").folder


def failing(error: BaseException) -> Any:  # noqa: ANN401 - stands for any function
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def one_line(outcome: Outcome) -> str:
    assert outcome.output == ""
    (line,) = outcome.errors.splitlines()
    return line


def test_no_arguments_print_the_help_and_the_exit_codes() -> None:
    outcome = truewheel()
    assert outcome.code == 0
    assert outcome.errors == ""
    for word in ("show", "why", "repair", "Exit codes", "4  some of several wheels failed"):
        assert word in outcome.output


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(option: str) -> None:
    assert truewheel(option).output == f"truewheel {__version__}\n"


@pytest.mark.parametrize("command", ["show", "why", "repair"])
def test_every_command_has_help(command: str) -> None:
    outcome = truewheel(command, "-h")
    assert outcome.code == 0
    assert "--lib-path" in outcome.output
    assert outcome.errors == ""


@pytest.mark.parametrize("arguments", [("-v", "show"), ("show", "-v")])
def test_verbosity_before_the_command_as_auditwheel_has_it(arguments: tuple[str, str]) -> None:
    outcome = truewheel(*arguments, "--lib-path", LIBRARIES, HELLO)
    assert f"{LIBRARIES}/libgreet.so.1\n" in outcome.output


def test_version_and_help_import_nothing_heavy() -> None:
    code = (
        "import sys; from truewheel.cli.program import cli\n"
        "try: cli(['--version'])\nexcept SystemExit: pass\n"
        "heavy = {'elftools', 'packaging', 'email', 'tomllib', 'truewheel.analyzer', 'truewheel.archive'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    plain = {name: value for name, value in environment().items() if not name.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", code], env=plain, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["--bogus"], "--bogus"),
        (["repair"], "Missing argument 'WHEEL...'"),
        (["why"], "Missing argument 'WHEEL'"),
        (["show", "--jobs", "0", str(HELLO)], "--jobs"),
        (["show", "--jobs", "many", str(HELLO)], "--jobs"),
    ],
)
def test_wrong_usage_is_told_in_one_line(arguments: list[str], told: str) -> None:
    outcome = truewheel(*arguments)
    assert outcome.code == 2
    line = one_line(outcome)
    assert line.startswith("truewheel: ")
    assert told in line
    assert " -h` lists what there is)" in line


def test_misuse_without_a_command_has_no_pointer_to_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert program._misused(click.ClickException("wrong.")) == 1  # noqa: SLF001 - no argument leads there today
    assert capsys.readouterr().err == "truewheel: wrong\n"


@pytest.mark.parametrize("place", [each, show_module])
def test_a_defect_is_told_in_one_line_with_the_way_to_its_traceback(
    place: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        show_module, "search_from" if place is show_module else "inspect_wheel", failing(KeyError("surprise"))
    )
    outcome = truewheel("show", HELLO)
    assert outcome.code == 1
    line = one_line(outcome)
    assert "this is a defect of truewheel: KeyError: 'surprise'" in line
    assert "TRUEWHEEL_DEBUG=1" in line


@pytest.mark.parametrize("name", ["search_from", "inspect_wheel"])
def test_a_defect_is_raised_when_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show_module, name, failing(KeyError("surprise")))
    with pytest.raises(KeyError, match="surprise"):
        truewheel("show", HELLO, TRUEWHEEL_DEBUG="1")


def test_a_defect_of_one_wheel_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_one_defect(wheel: Path, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as inspect_wheel
        if wheel.name == HELLO.name:
            raise ZeroDivisionError
        return inspect_wheel(wheel, *arguments, **options)

    monkeypatch.setattr(show_module, "inspect_wheel", with_one_defect)
    outcome = truewheel("show", "--json", HELLO, unrepaired_wheel("aarch64"))
    assert outcome.code == 4
    assert '"defect": true' in outcome.output
    assert '"architecture": "aarch64"' in outcome.output


def test_an_error_of_ours_outside_any_wheel_is_told_with_its_own_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show_module, "search_from", failing(OutputError("is full", where="the disk", hint="tidy up")))
    outcome = truewheel("show", HELLO)
    assert (outcome.code, one_line(outcome)) == (1, "error: the disk: is full (tidy up)")


def test_interruption_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show_module, "inspect_wheel", failing(KeyboardInterrupt()))
    outcome = truewheel("show", HELLO)
    assert (outcome.code, one_line(outcome)) == (130, "truewheel: interrupted; nothing half-done was left behind")


WAITING = """
import sys, time
import truewheel.repair as conductor
def wait(*_, **__):
    print("ready", flush=True)
    time.sleep(60)
conductor._confirm = wait
from truewheel.cli.main import run
from truewheel.report import inspect_wheel
sys.exit(run())
"""


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "ended by a signal"),
        (signal.SIGHUP, 129, "ended by a signal"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--all-or-nothing",)])
def test_an_interrupted_repair_leaves_nothing_behind(
    number: signal.Signals, code: int, said: str, more: tuple[str, ...], tmp_path: Path
) -> None:
    scratch, house = tmp_path / "scratch", tmp_path / "house"
    scratch.mkdir()
    command = [
        sys.executable,
        "-c",
        WAITING,
        "repair",
        "-w",
        str(house),
        "--lib-path",
        str(LIBRARIES),
        *more,
        str(HELLO),
    ]
    started = subprocess.Popen(
        command, env=environment(TMPDIR=str(scratch)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    assert list(house.iterdir()), "the staged file lies there while the repair goes on"
    started.send_signal(number)
    output, errors = started.communicate(timeout=30)
    assert started.returncode == code
    assert output == ""
    assert errors.splitlines() == [f"truewheel: {said}; nothing half-done was left behind"]
    assert not house.exists()
    assert list(scratch.iterdir()) == []


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    code = "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + WAITING.replace("60", "1")
    command = [sys.executable, "-c", code, "repair", "-w", str(tmp_path), "--lib-path", str(LIBRARIES), str(HELLO)]
    started = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    started.send_signal(signal.SIGHUP)
    started.communicate(timeout=30)
    assert started.returncode == 0


def test_output_that_nobody_reads_ends_the_run_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [*PROGRAM, "show", str(HELLO)], env=environment(), stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_is_no_defect(closed: int) -> None:
    code = f"import os, sys; os.close({closed}); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", code, *PROGRAM, "show", str(HELLO)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(HELLO.name) == (closed != 1)


def test_a_full_disk_behind_stdout_is_told_in_one_line() -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device, not a path of ours
        done = subprocess.run(
            [*PROGRAM, "show", str(HELLO)], env=environment(), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"error: the system refuses: No space left on device\n")


def test_colour_and_progress_only_on_a_terminal() -> None:
    code, seen = on_terminal("show", "--lib-path", LIBRARIES, HELLO)
    assert code == 0
    assert "\x1b[1m" in seen
    assert "[1/1] hello-1.0-cp310-abi3-linux_x86_64.whl ..." in seen
    assert "\r\x1b[K" in seen
    piped = process("show", "--lib-path", LIBRARIES, HELLO)
    assert "\x1b" not in piped.output
    assert piped.errors == ""


def test_no_color_is_respected() -> None:
    _, seen = on_terminal("show", "--lib-path", LIBRARIES, HELLO, NO_COLOR="1")
    assert "\x1b[1m" not in seen
    assert "hello-1.0-cp310-abi3-linux_x86_64.whl" in seen


def test_a_dumb_terminal_gets_no_progress() -> None:
    _, seen = on_terminal("show", "--lib-path", LIBRARIES, HELLO, TERM="dumb")
    assert "[1/1]" not in seen


def test_a_narrow_terminal_gets_narrow_lines() -> None:
    _, seen = on_terminal("show", HELLO, COLUMNS="70", TERM="dumb", NO_COLOR="1")
    assert max(map(len, seen.splitlines())) <= 70


def test_start_is_quick() -> None:
    best = 9.0
    for _ in range(3):
        start = time.perf_counter()
        process("--version")
        best = min(best, time.perf_counter() - start)
    assert best < 1.0, "a module that only some commands need was imported at start"


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["retag", "--plan", "", "--in-place", "--build", "4", "a.whl"], "--plan"),
        (["repair", "-w", "", "a.whl"], "--wheel-dir"),
        (["repair", "--lib-path", "x", "--lib-path", "", "a.whl"], "--lib-path"),
        (["show", "--config", "", "a.whl"], "--config"),
        (["retag", "--in-place", "--build", "9", ""], "WHEEL..."),
        (["why", ""], "WHEEL"),
    ],
)
def test_an_empty_value_is_wrong_usage(words: list[str], where: str) -> None:
    outcome = truewheel(*words)
    assert (outcome.code, outcome.output) == (2, "")
    assert outcome.errors == f"error: {where}: is empty (is a variable not set?)\n"


@pytest.mark.parametrize("more", [(), ("--verbose",), ("-vv",)])
def test_a_current_folder_that_is_gone_is_not_needed_by_absolute_paths(
    more: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = pure_wheel(tmp_path / "dist", "a")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert truewheel("show", *more, wheel).code == 0
    done = truewheel("repair", *more, "-w", tmp_path / "out", wheel)
    assert (done.code, done.output) == (0, f"{tmp_path}/out/{wheel.name}\n")
    plan = tmp_path / "plan.json"
    assert truewheel("retag", *more, "--build", "4", "--plan", plan, wheel).code == 0
    assert truewheel("apply", *more, plan).output == f"{tmp_path}/dist/a-1.0-4-py3-none-any.whl\n"
    for command in (["show", "a.whl"], ["repair", str(wheel)]):
        refused = truewheel(*command, *more)
        assert (refused.code, refused.output) == (1, "")
        assert "the current folder is gone" in refused.errors
