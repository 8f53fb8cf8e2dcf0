"""`truewheel repair`: paths on stdout, a summary on stderr, plans, and options under the names that users know."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from support.cli import process, truewheel
from support.fixtures import family, odd, unrepaired_wheel
from support.hello import hello_wheel
from support.wheels import build_wheel
from truewheel.bundler.plan import DroppedPath, ElfEdit, Launcher, LibraryCopy, RepairPlan
from truewheel.cli.repair import _edit_lines, _print_plan, _summarize
from truewheel.repair import Repaired

HELLO = unrepaired_wheel("x86_64")
LIBRARIES = family("x86_64").folder
REPAIRED = "hello-1.0-cp310-abi3-manylinux1_x86_64.manylinux_2_5_x86_64.whl"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_prints_the_full_path_and_says_the_rest_on_stderr(here: Path) -> None:
    outcome = truewheel("repair", "--lib-path", LIBRARIES, HELLO)
    assert outcome.code == 0
    assert outcome.output == f"{here}/wheelhouse/{REPAIRED}\n"
    assert outcome.errors.startswith(f"{HELLO.name}: bundled 2 libraries, +")
    assert outcome.errors.endswith("; now manylinux1_x86_64.manylinux_2_5_x86_64\n")
    assert files(here / "wheelhouse") == [REPAIRED]


def test_runs_as_cibuildwheel_calls_it(here: Path) -> None:
    outcome = process("repair", "-w", str(here / "out"), HELLO, AUDITWHEEL_LD_LIBRARY_PATH=str(LIBRARIES))
    assert (outcome.code, outcome.output) == (0, f"{here}/out/{REPAIRED}\n")


@pytest.mark.parametrize("option", ["-w", "--wheel-dir"])
@pytest.mark.parametrize("paths", ["--lib-path", "--ldpaths"])
def test_options_of_auditwheel_and_delocate(option: str, paths: str, here: Path) -> None:
    assert truewheel("repair", option, "out", paths, LIBRARIES, "-v", "--strip", HELLO).code == 0
    assert files(here / "out") == [REPAIRED]


@pytest.mark.parametrize("variable", ["TRUEWHEEL_PLAT", "AUDITWHEEL_PLAT"])
def test_the_platform_from_the_environment(variable: str, here: Path) -> None:
    arguments = ("repair", "--only-plat", "--lib-path", LIBRARIES, HELLO)
    assert truewheel(*arguments, **{variable: "manylinux_2_28_x86_64"}).code == 0
    assert files(here / "wheelhouse") == ["hello-1.0-cp310-abi3-manylinux_2_28_x86_64.whl"]


def test_our_own_variable_comes_first(here: Path) -> None:
    arguments = ("repair", "--only-plat", "--lib-path", LIBRARIES, HELLO)
    assert truewheel(*arguments, TRUEWHEEL_PLAT="linux", AUDITWHEEL_PLAT="manylinux_2_28_x86_64").code == 0
    assert files(here / "wheelhouse") == ["hello-1.0-cp310-abi3-linux_x86_64.whl"]


@pytest.mark.parametrize("option", ["-L", "--lib-sdir"])
def test_the_folder_of_libraries(option: str, here: Path) -> None:
    assert truewheel("repair", option, "_guests", "--lib-path", LIBRARIES, HELLO).code == 0
    with zipfile.ZipFile(here / "wheelhouse" / REPAIRED) as archive:
        assert sum(name.startswith("hello_guests/") for name in archive.namelist()) == 2


def test_relative_paths_of_libraries_are_fine(here: Path) -> None:
    shutil.copytree(LIBRARIES, here / "libs")
    assert truewheel("repair", "--lib-path", "libs", HELLO).code == 0


def test_excluded_libraries_stay_outside(here: Path) -> None:
    assert truewheel("repair", "--lib-path", LIBRARIES, "--exclude", "libgreet.so", HELLO).code == 0
    (made,) = files(here / "wheelhouse")
    with zipfile.ZipFile(here / "wheelhouse" / made) as archive:
        assert not [name for name in archive.namelist() if "libgreet" in name]


def test_more_is_said_when_asked() -> None:
    outcome = truewheel("repair", "-v", "--lib-path", LIBRARIES, HELLO)
    assert f"from {LIBRARIES}/libgreet.so.1" in outcome.errors
    assert "hello.libs/libtone-" in outcome.errors


def test_a_second_run_changes_nothing(here: Path) -> None:
    arguments = ("repair", "--lib-path", LIBRARIES, HELLO)
    first = truewheel(*arguments)
    content = (here / "wheelhouse" / REPAIRED).read_bytes()
    assert truewheel(*arguments).output == first.output
    again = truewheel("repair", here / "wheelhouse" / REPAIRED)
    assert again.output == first.output
    assert "nothing to do; the same bytes are in the output folder" in again.errors
    assert (here / "wheelhouse" / REPAIRED).read_bytes() == content


def test_a_wheel_that_needs_nothing_bundled_gets_its_label(here: Path) -> None:
    wheel = hello_wheel(here, {"hello/libtone.so": family("x86_64").tone})
    outcome = truewheel("repair", wheel)
    assert outcome.code == 0
    assert f"{wheel.name}: no library to bundle, " in outcome.errors


def test_a_pure_wheel_is_copied(here: Path) -> None:
    wheel = build_wheel(here, {"foo.py": b""})
    outcome = truewheel("repair", wheel)
    assert outcome.code == 0
    assert (here / "wheelhouse" / wheel.name).read_bytes() == wheel.read_bytes()


def test_a_wheel_given_twice_is_repaired_once(here: Path) -> None:
    (here / "link").mkdir()
    (here / "link" / HELLO.name).symlink_to(HELLO)
    outcome = truewheel("repair", "--lib-path", LIBRARIES, HELLO, HELLO, here / "link" / HELLO.name)
    assert (outcome.code, outcome.output) == (0, f"{here}/wheelhouse/{REPAIRED}\n")


def test_equal_wheels_give_one_result(here: Path) -> None:
    (here / "copy").mkdir()
    shutil.copy(HELLO, here / "copy")
    outcome = truewheel("repair", "--lib-path", LIBRARIES, HELLO, here / "copy" / HELLO.name)
    assert (outcome.code, outcome.output) == (0, f"{here}/wheelhouse/{REPAIRED}\n" * 2)


@pytest.mark.parametrize("more", [[], ["--force"], ["--dry-run"]])
def test_two_wheels_that_would_be_called_alike_are_told_apart(more: list[str], here: Path) -> None:
    (here / "other").mkdir()
    greet, extension = family("x86_64").greet, family("x86_64").extension
    other = hello_wheel(here / "other", {"hello/_hello.abi3.so": extension, "hello/more.so": greet})
    outcome = truewheel("repair", *more, "--lib-path", LIBRARIES, HELLO, other)
    assert outcome.code == 4
    assert f"would be written as {REPAIRED}, as another of the given wheels is" in outcome.errors
    assert not (here / "wheelhouse").exists()


def test_a_dry_run_prints_the_plan_and_writes_nothing(here: Path) -> None:
    outcome = truewheel("repair", "-n", "--lib-path", LIBRARIES, HELLO)
    assert outcome.code == 0
    lines = outcome.output.splitlines()
    assert lines[0] == f"{HELLO.name} -> {REPAIRED}"
    assert any(line.startswith(f"  bundle  {LIBRARIES}/libgreet.so.1 (") for line in lines)
    assert any(line.startswith("  edit    hello/_hello.abi3.so: needs libgreet-") for line in lines)
    assert any(line == "  edit    hello/_hello.abi3.so: rpath $ORIGIN/../hello.libs" for line in lines)
    assert files(here) == []


def test_a_dry_run_of_a_true_wheel() -> None:
    made = truewheel("repair", "--lib-path", LIBRARIES, HELLO).output.strip()
    outcome = truewheel("repair", "--dry-run", made)
    assert outcome.output == f"{REPAIRED}: nothing to do\n"


def test_a_plan_as_json_can_be_read_back() -> None:
    outcome = truewheel("repair", "--dry-run", "--json", "--lib-path", LIBRARIES, HELLO)
    (plan,) = json.loads(outcome.output)["plans"]
    assert json.loads(json.dumps(RepairPlan.from_json(plan).to_json())) == plan
    assert plan["output_name"] == REPAIRED


def test_the_executable_stack_is_cleared_on_demand(here: Path) -> None:
    wheel = hello_wheel(here, {"hello/x.so": odd("execstack.so")})
    outcome = truewheel("repair", "-n", "--plat", "linux", "--clear-executable-stack", "--lib-path", LIBRARIES, wheel)
    assert "  edit    hello/x.so: no executable stack" in outcome.output


def plan(**fields: object) -> RepairPlan:
    values = {"input_name": "a.whl", "input_sha256": "", "output_name": "b.whl", "platforms": ("p",), "policy": "p"}
    return RepairPlan(**{**values, "rewrites_metadata": True, **fields})  # type: ignore[arg-type]  # checked by use


EVERYTHING = plan(
    libraries=(LibraryCopy("/lib/a.so", "a.so", "a.libs/a-1.so", "", 1234),),
    launchers=(Launcher("a.data/scripts/run", "a.scripts/run"),),
    dropped_paths=(DroppedPath("a/x.so", "/opt/\x1b[2Jlib"),),
    notices=("mind the gap",),
)


def test_a_plan_tells_everything_and_nothing_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _print_plan(EVERYTHING)
    assert capsys.readouterr().out.splitlines() == [
        "a.whl -> b.whl",
        "  bundle  /lib/a.so (1.2 kB) as a.libs/a-1.so",
        "  move    a.data/scripts/run to a.scripts/run, a launcher takes its place",
        "  drop    a/x.so: the search path /opt/\\x1b[2Jlib",
        "  note    mind the gap",
    ]


def test_a_summary_tells_what_was_dropped_and_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    _summarize(EVERYTHING, Repaired(EVERYTHING, Path("b.whl"), 1000, 900, notices=("mind the gap",)), verbose=1)
    assert capsys.readouterr().err.splitlines() == [
        "a.whl: bundled 1 library, -100 B; now p",
        "  a.libs/a-1.so  1.2 kB  from /lib/a.so",
        "  a/x.so: dropped the search path /opt/\\x1b[2Jlib",
        "  note: mind the gap",
    ]


def test_every_change_of_a_file_has_its_line() -> None:
    edit = ElfEdit(
        "x.so",
        "x.so",
        soname="new.so",
        replace_needed=(("a", "b"),),
        remove_needed=("libpython3.13.so.1.0",),
        rpath="",
        clear_executable_stack=True,
        strip=True,
    )
    assert _edit_lines(edit) == [
        "soname new.so",
        "needs b instead of a",
        "no longer needs libpython3.13.so.1.0",
        "no rpath",
        "no executable stack",
        "stripped",
    ]


def test_an_architecture_that_there_is_not_is_told_once(tmp_path: Path) -> None:
    outcome = truewheel("repair", "--require-archs", "arm64,bogus", tmp_path / "a.whl", tmp_path / "b.whl")
    assert outcome.code == 2
    assert outcome.errors.startswith("error: --require-archs: bogus is no architecture that a tag knows (it can be one")
    assert outcome.errors.count("\n") == 1
