"""Many wheels from the command line: a plan and its end, all or nothing, sums and an index."""

from __future__ import annotations

import errno
import json
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.batches import pure_wheel
from support.cli import truewheel
from support.fixtures import family, unrepaired_wheel
from support.kills import KilledError, Killer, content
from truewheel.analyzer.elf.analyze import analyze

if TYPE_CHECKING:
    from truewheel.archive.reader import WheelReader

LIBRARIES = family("x86_64").folder
HELLO = unrepaired_wheel("x86_64")
REPAIRED = "hello-1.0-cp310-abi3-manylinux1_x86_64.manylinux_2_5_x86_64.whl"
IN_PLACE = ("retag", "--all-or-nothing", "--in-place", "--sums", "--index", "simple", "--python-tag", "py312", "dist")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "c"):
        pure_wheel(tmp_path / "dist", name, content=f"# {name}\n".encode())
    return tmp_path


def names(folder: Path | str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_a_plan_is_written_and_then_done(here: Path) -> None:
    shutil.copy(HELLO, here / "dist")
    planned = truewheel("repair", "--plan", "plans/plan.json", "--lib-path", LIBRARIES, "dist")
    assert (planned.code, planned.output) == (0, f"{here}/plans/plan.json\n")
    assert planned.errors == "4 wheels planned, 0 refused\n"
    assert not (here / "wheelhouse").exists()
    applied = truewheel("apply", "plans/plan.json", "--sums", "-w", "out")
    assert applied.code == 0
    assert applied.output.splitlines() == [
        f"{here}/out/{name}"
        for name in ("a-1.0-py3-none-any.whl", "b-1.0-py3-none-any.whl", "c-1.0-py3-none-any.whl", REPAIRED)
    ]
    assert applied.errors == "4 wheels written as planned\n"
    assert names("out") == sorted(
        [path.rpartition("/")[2] for path in applied.output.split()] + ["SHA256SUMS", "names.json"]
    )
    assert truewheel("repair", "-w", "other", "--lib-path", LIBRARIES, "dist").code == 0
    assert (here / "other" / REPAIRED).read_bytes() == (here / "out" / REPAIRED).read_bytes()


def test_a_plan_in_place_puts_new_wheels_in_place(here: Path) -> None:
    assert truewheel("retag", "--plan", "plans/i.json", "--in-place", "--build", "4", "dist").code == 0
    (here / "elsewhere").mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(here / "elsewhere")
        applied = truewheel("apply", "../plans/i.json")
    new = [f"{name}-1.0-4-py3-none-any.whl" for name in "abc"]
    assert (applied.code, applied.output.splitlines()) == (0, [f"{here}/dist/{name}" for name in new])
    assert names("dist") == new
    assert names("elsewhere") == []


def test_a_plan_remembers_the_folder_for_new_wheels(here: Path) -> None:
    assert truewheel("repair", "--plan", "plans/p.json", "-w", "out", "dist").code == 0
    assert truewheel("apply", "plans/p.json", "-w", "other").code == 0
    assert not (here / "out").exists()
    assert truewheel("apply", "plans/p.json").code == 0
    assert names("out") == names("other") == names("dist")


def test_a_project_does_not_say_where_planned_wheels_go(here: Path) -> None:
    (here / "pyproject.toml").write_text('[tool.truewheel]\nwheel-dir = "wh"\n')
    assert truewheel("repair", "--plan", "p.json", "-w", "out", "dist").code == 0
    assert truewheel("apply", "p.json").code == 0
    assert names("out") == names("dist")


def test_wheels_beside_those_in_several_folders_need_a_folder(here: Path) -> None:
    pure_wheel(here / "more", "d")
    assert truewheel("retag", "--plan", "p.json", "--build", "4", "dist", "more").code == 0
    refused = truewheel("apply", "p.json")
    assert (refused.code, refused.output) == (2, "")
    assert "in several folders (name one folder for all with -w DIR)" in refused.errors
    assert truewheel("apply", "p.json", "-w", "out").code == 0


def test_what_a_plan_does_not_hold_is_told() -> None:
    wish = ("retag", "--python-tag", "py312", "--plan", "plan.json", "dist")
    assert truewheel(*wish).errors == "3 wheels planned, 0 refused\n"
    note = "  note: a plan does not hold `--sums` and `--index`: give that to `truewheel apply`\n"
    outcome = truewheel(*wish, "--sums", "--index", "simple")
    assert (outcome.code, outcome.errors) == (0, f"3 wheels planned, 0 refused\n{note}")
    assert not Path("simple").exists()


def test_a_plan_tells_why(here: Path) -> None:
    del here
    truewheel("repair", "--plan", "plan.json", "--lib-path", LIBRARIES, HELLO)
    truewheel("retag", "--plan", "retag.json", "--python-tag", "py312", "dist")
    (repair,) = json.loads(Path("plan.json").read_text())["wheels"]
    assert repair["evidence"] == []
    retags = json.loads(Path("retag.json").read_text())["wheels"]
    assert [item["evidence"] for item in retags] == [["py312-none: unjudged"]] * 3


def test_a_plan_of_what_is_out_of_reach_tells_why(here: Path) -> None:
    mac = unrepaired_wheel("x86_64")
    del here
    truewheel("repair", "--plan", "plan.json", "--lib-path", LIBRARIES, "--plat", "manylinux_2_28", mac)
    (item,) = json.loads(Path("plan.json").read_text())["wheels"]
    assert item["old_name"] == HELLO.name


def test_with_json_the_plans_are_told_as_in_a_dry_run() -> None:
    planned = json.loads(truewheel("retag", "--json", "--plan", "plan.json", "--python-tag", "py312", "dist").output)
    dry = json.loads(truewheel("retag", "--json", "--dry-run", "--python-tag", "py312", "dist").output)
    assert planned == dry


def test_refusals_are_kept_in_the_plan_and_told_again(here: Path) -> None:
    planned = truewheel("repair", "--plan", "plan.json", "dist", HELLO)
    assert planned.code == 4
    assert planned.errors.endswith("3 wheels planned, 1 refused\n")
    applied = truewheel("apply", "plan.json")
    assert applied.code == 4
    assert len(applied.output.splitlines()) == 3
    assert f"{HELLO}: was refused when it was planned: " in applied.errors
    assert len(names(here / "wheelhouse")) == 3


def test_inputs_are_checked_before_anything_is_written(here: Path) -> None:
    truewheel("repair", "--plan", "plan.json", "dist")
    pure_wheel(here / "dist", "b", content=b"# other\n")
    for arguments in ((), ("--dry-run",)):
        applied = truewheel("apply", "plan.json", *arguments)
        assert (applied.code, applied.output) == (1, "")
        assert "dist/b-1.0-py3-none-any.whl has other content than when it was planned" in applied.errors
    document = json.loads(truewheel("apply", "plan.json", "--json").output)
    assert document["applied"] == []
    assert document["failed"][0]["file"] == "plan.json"
    assert not (here / "wheelhouse").exists()


def test_a_dry_run_of_a_plan_writes_nothing(here: Path) -> None:
    truewheel("retag", "--plan", "plan.json", "--python-tag", "py312", "dist/a*")
    applied = truewheel("apply", "plan.json", "-n", "-w", "out")
    assert (applied.code, applied.output) == (0, "")
    assert applied.errors == "a-1.0-py3-none-any.whl -> out/a-1.0-py312-none-any.whl\n"
    assert not (here / "out").exists()


@pytest.mark.parametrize(
    ("content", "what"),
    [(None, "cannot be read: No such file or directory"), ("{", "is no JSON document"), ("{}", "the plan has schema")],
)
def test_what_is_no_plan_is_told(content: str | None, what: str) -> None:
    if content is not None:
        Path("plan.json").write_text(content)
    applied = truewheel("apply", "plan.json")
    assert applied.code == 3
    assert applied.errors.startswith(f"error: plan.json: {what}")


@pytest.mark.parametrize("command", [("repair",), ("retag", "--python-tag", "py3", "-w", "wheelhouse")])
def test_all_or_nothing(command: tuple[str, ...], here: Path) -> None:
    done = truewheel(*command, "--all-or-nothing", "dist")
    assert done.code == 0
    assert done.output.splitlines() == [f"{here}/wheelhouse/{name}-1.0-py3-none-any.whl" for name in "abc"]
    (here / "dist" / "b-1.0-py3-none-any.whl").write_bytes(b"damaged")
    shutil.rmtree(here / "wheelhouse")
    done = truewheel(*command, "--all-or-nothing", "dist")
    assert (done.code, done.output) == (3, "")
    assert not (here / "wheelhouse").exists()


def test_all_or_nothing_on_a_full_disk_does_not_end_as_if_others_were_done(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("truewheel.batch.apply.stage_planned", full)
    done = truewheel("repair", "--all-or-nothing", "dist")
    assert (done.code, done.output) == (1, "")
    assert "No space left on device" in done.errors
    assert not (here / "wheelhouse").exists()


def test_without_it_one_bad_wheel_does_not_stop_the_others(here: Path) -> None:
    (here / "dist" / "b-1.0-py3-none-any.whl").write_bytes(b"damaged")
    assert truewheel("repair", "dist").code == 4
    assert names("wheelhouse") == ["a-1.0-py3-none-any.whl", "c-1.0-py3-none-any.whl"]


def test_names_that_are_taken_stop_all_of_them(here: Path) -> None:
    (here / "wheelhouse").mkdir()
    (here / "wheelhouse" / "b-1.0-py3-none-any.whl").write_bytes(b"another")
    done = truewheel("repair", "--json", "--all-or-nothing", "dist")
    document = json.loads(done.output)
    assert (done.code, document["repaired"], len(document["failed"])) == (1, [], 3)
    assert names("wheelhouse") == ["b-1.0-py3-none-any.whl"]
    assert truewheel("repair", "--force", "--all-or-nothing", "dist").code == 0
    assert len(names("wheelhouse")) == 3


def test_collisions_are_found_before_anything_is_written(here: Path) -> None:
    pure_wheel(here / "more", "a", content=b"# other\n")
    done = truewheel("repair", "dist", "more")
    assert done.code == 4
    for folder in ("dist", "more"):
        assert f"{folder}/a-1.0-py3-none-any.whl: would be written as a-1.0-py3-none-any.whl, as" in done.errors
    assert names("wheelhouse") == ["b-1.0-py3-none-any.whl", "c-1.0-py3-none-any.whl"]
    assert truewheel("repair", "-w", "other", "--all-or-nothing", "dist", "more").code == 1
    assert not (here / "other").exists()


def test_all_or_nothing_beside_the_wheels_needs_one_folder(here: Path) -> None:
    pure_wheel(here / "more", "d")
    done = truewheel("retag", "--all-or-nothing", "--python-tag", "py312", "dist", "more")
    assert done.code == 2
    assert "--all-or-nothing: needs one folder for all new wheels (name it with -w DIR)" in done.errors
    assert truewheel("retag", "--all-or-nothing", "--python-tag", "py312", "dist").code == 0
    assert len(names("dist")) == 6


def test_wheels_can_give_way_together(here: Path) -> None:
    assert truewheel(*IN_PLACE).code == 0
    assert names("dist") == ["SHA256SUMS", *(f"{name}-1.0-py312-none-any.whl" for name in "abc"), "names.json"]
    told = json.loads((here / "dist" / "names.json").read_text())["names"]
    assert [(item["old"], item["new"]) for item in told] == [
        (f"{name}-1.0-py3-none-any.whl", f"{name}-1.0-py312-none-any.whl") for name in "abc"
    ]


def test_wheels_that_keep_their_name_are_replaced_in_place(here: Path) -> None:
    wheel = here / "dist" / "a-1.0-py3-none-any.whl"
    pure_wheel(here / "dist", "a", tag="py2.py3-none-any")
    wheel.unlink()
    assert truewheel("retag", "--all-or-nothing", "--in-place", "--normalize", "dist").code == 0
    assert names("dist") == ["a-1.0-py2.py3-none-any.whl", "b-1.0-py3-none-any.whl", "c-1.0-py3-none-any.whl"]
    with zipfile.ZipFile(here / "dist" / "a-1.0-py2.py3-none-any.whl") as archive:
        assert b"Tag: py2-none-any\nTag: py3-none-any" in archive.read("a-1.0.dist-info/WHEEL")


def test_a_run_in_place_that_is_killed_anywhere_is_finished_by_the_next(here: Path) -> None:
    shutil.copytree("dist", "kept")
    assert truewheel(*IN_PLACE).code == 0
    whole, index = content(here / "dist"), content(here / "simple")
    killed, lives = True, 0
    while killed:
        shutil.rmtree("dist")
        shutil.rmtree("simple", ignore_errors=True)
        shutil.copytree("kept", "dist")
        with pytest.MonkeyPatch.context() as patched:
            Killer(patched, lives)
            try:
                truewheel(*IN_PLACE)
                killed = False
            except KilledError:
                lives += 1
        done = truewheel(*IN_PLACE)
        assert done.code == 0
        assert done.output.splitlines() == [f"{here}/dist/{name}-1.0-py312-none-any.whl" for name in "abc"]
        assert content(here / "dist") == whole
        assert content(here / "simple") == index
    assert lives > 40


def test_an_interrupted_run_is_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise KilledError

    monkeypatch.setattr("truewheel.batch.apply.remove_inputs", die)
    with pytest.raises(KilledError):
        truewheel(*IN_PLACE)
    monkeypatch.undo()
    monkeypatch.chdir(here)
    done = truewheel(*IN_PLACE)
    assert "finished a run that was interrupted: 3 wheels\n" in done.errors
    told = json.loads((here / "dist" / "names.json").read_text())["names"]
    assert [item["old"] for item in told] == [f"{name}-1.0-py3-none-any.whl" for name in "abc"]


def test_an_index_and_sums_are_written_beside(here: Path) -> None:
    assert truewheel("repair", "--sums", "--index", "simple", "dist").code == 0
    assert names("wheelhouse") == ["SHA256SUMS", *(f"{name}-1.0-py3-none-any.whl" for name in "abc"), "names.json"]
    assert names("simple") == ["a", "b", "c", "index.html", "index.json"]
    assert (here / "simple" / "a" / "a-1.0-py3-none-any.whl.metadata").exists()
    pure_wheel(here / "dist", "a", content=b"# other\n")
    done = truewheel("repair", "--json", "-w", "other", "--index", "simple", "dist")
    document = json.loads(done.output)
    assert (done.code, len(document["repaired"])) == (4, 3)
    assert document["failed"][0]["reasons"] == ["a-1.0-py3-none-any.whl has another content there"]
    truewheel("repair", "--plan", "plan.json", "dist")
    done = truewheel("apply", "plan.json", "-w", "third", "--index", "simple")
    assert done.code == 4
    assert "has another content there" in done.errors
    assert truewheel("repair", "-w", "other", "--force", "--index", "simple", "dist").code == 0


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_results_come_in_the_order_of_the_inputs(jobs: str, here: Path) -> None:
    done = truewheel("repair", "-j", jobs, "dist/c*", "dist/a*", "dist/b*")
    assert done.output.splitlines() == [f"{here}/wheelhouse/{name}-1.0-py3-none-any.whl" for name in "cab"]


def test_words_may_come_from_a_file(here: Path) -> None:
    (here / "list").write_text("dist/a-1.0-py3-none-any.whl\ndist/[bc]*.whl\n")
    done = truewheel("repair", "--from-file", "list")
    assert done.code == 0
    assert len(names("wheelhouse")) == 3
    assert truewheel("repair", "--from-file", "gone").code == 2


def test_a_plan_analyzes_each_wheel_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analyzed: list[str] = []

    def counted(reader: WheelReader, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as analyze
        analyzed.append(reader.path.name)
        return analyze(reader, *arguments, **options)

    for module in ("truewheel.repair.linux", "truewheel.report.linux"):
        monkeypatch.setattr(f"{module}.analyze", counted)
    truewheel("repair", "--plan", here / "plan.json", "--lib-path", LIBRARIES, HELLO)
    assert analyzed == [HELLO.name]


def planned_removal(*options: str) -> None:
    done = truewheel("retag", "--plan", "plan.json", "--python-tag", "py312", *options, "dist")
    assert done.code == 0


@pytest.mark.parametrize("options", [("--remove",), ("--in-place",)])
def test_a_plan_that_was_done_says_that_nothing_is_left(options: tuple[str, ...], here: Path) -> None:
    planned_removal(*options)
    first = truewheel("apply", "plan.json", "-w", "dist")
    assert (first.code, first.errors) == (0, "3 wheels written as planned\n")
    before = {path: path.stat().st_ino for path in (here / "dist").iterdir()}
    for more in ((), ("--dry-run",)):
        again = truewheel("apply", "plan.json", "-w", "dist", *more)
        assert (again.code, again.output) == (0, first.output)
        assert again.errors == "nothing is left to do: 3 wheels are there as planned\n"
    assert {path: path.stat().st_ino for path in (here / "dist").iterdir()} == before
    document = json.loads(truewheel("apply", "plan.json", "-w", "dist", "--json").output)
    assert [(item["written"], item["removed"]) for item in document["applied"]] == [(False, True)] * 3
    assert document["failed"] == []
    assert truewheel("apply", "plan.json", "-w", "dist", "--sums").code == 0
    told = json.loads((here / "dist" / "names.json").read_text())["names"]
    assert [item["old"] for item in told] == [f"{name}-1.0-py3-none-any.whl" for name in "abc"]


def test_a_wheel_that_is_there_still_is_removed_by_the_second_run(here: Path) -> None:
    planned_removal("--remove")
    shutil.copytree("dist", "kept")
    assert truewheel("apply", "plan.json", "-w", "out").code == 0
    assert names("dist") == []
    shutil.copy("kept/b-1.0-py3-none-any.whl", "dist")
    assert truewheel("apply", "plan.json", "-w", "out").code == 0
    assert names("dist") == []
    assert names("out") == [f"{name}-1.0-py312-none-any.whl" for name in "abc"]
    (here / "dist" / "b-1.0-py3-none-any.whl").write_bytes(b"another")
    refused = truewheel("apply", "plan.json", "-w", "out")
    assert refused.code == 1
    assert "dist/b-1.0-py3-none-any.whl has other content than when it was planned" in refused.errors
    assert names("dist") == ["b-1.0-py3-none-any.whl"]


def test_a_result_that_is_gone_is_made_again_of_its_wheel_alone(here: Path) -> None:
    planned_removal("--remove")
    shutil.copytree("dist", "kept")
    assert truewheel("apply", "plan.json", "-w", "out").code == 0
    whole = content(here / "out")
    (here / "out" / "b-1.0-py312-none-any.whl").unlink()
    refused = truewheel("apply", "plan.json", "-w", "out")
    assert refused.code == 1
    assert "dist/b-1.0-py3-none-any.whl" in refused.errors
    assert "dist/a-1.0" not in refused.errors
    shutil.copy("kept/b-1.0-py3-none-any.whl", "dist")
    again = truewheel("apply", "plan.json", "-w", "out")
    assert (again.code, again.errors) == (0, "1 wheel written as planned, 2 were there already\n")
    assert (content(here / "out"), names("dist")) == (whole, [])
    assert truewheel("apply", "plan.json", "-w", "out").errors.startswith("nothing is left to do: 3 wheels")


@pytest.mark.parametrize("damage", ["gone", "changed", "another folder", "another plan", "no note", "damaged note"])
def test_a_plan_whose_results_are_not_there_is_not_done(damage: str, here: Path) -> None:
    planned_removal("--remove")
    assert truewheel("apply", "plan.json", "-w", "out").code == 0
    result, note = here / "out" / "b-1.0-py312-none-any.whl", here / "plan.json.done"
    if damage == "gone":
        result.unlink()
    elif damage == "changed":
        result.write_bytes(b"another")
    elif damage == "another plan":
        note.write_text(note.read_text().replace('"plan": "', '"plan": "0'))
    elif damage == "no note":
        note.unlink()
    elif damage == "damaged note":
        note.write_text("[1]")
    refused = truewheel("apply", "plan.json", "-w", "other" if damage == "another folder" else "out")
    assert refused.code == 1
    assert "the inputs are not those of the plan; nothing was written" in refused.errors


def test_a_plan_that_takes_nothing_away_is_looked_through_again() -> None:
    assert truewheel("repair", "--plan", "plan.json", "dist").code == 0
    assert truewheel("apply", "plan.json").errors == "3 wheels written as planned\n"
    assert truewheel("apply", "plan.json").errors == "nothing is left to do: 3 wheels are there as planned\n"
    Path("wheelhouse/b-1.0-py3-none-any.whl").unlink()
    assert truewheel("apply", "plan.json").errors == "1 wheel written as planned, 2 were there already\n"
    assert not Path("plan.json.done").exists()


def test_a_run_of_a_plan_that_is_killed_anywhere_is_finished_by_the_next() -> None:
    planned_removal("--remove")
    shutil.copytree("dist", "kept")
    killed, lives = True, 0
    while killed:
        for folder in ("dist", "out"):
            shutil.rmtree(folder, ignore_errors=True)
        Path("plan.json.done").unlink(missing_ok=True)
        shutil.copytree("kept", "dist")
        with pytest.MonkeyPatch.context() as patched:
            Killer(patched, lives)
            try:
                truewheel("apply", "plan.json", "-w", "out")
                killed = False
            except KilledError:
                lives += 1
        for _ in range(2):
            assert truewheel("apply", "plan.json", "-w", "out").code == 0
            assert names("dist") == []
            assert names("out") == [f"{name}-1.0-py312-none-any.whl" for name in "abc"]
    assert lives > 30


class TestWhatCannotBeAddedTo:
    """An index or a list that is damaged is told before any wheel is written."""

    @pytest.fixture(autouse=True)
    def damaged(self, here: Path) -> None:
        (here / "simple" / "b").mkdir(parents=True)
        (here / "simple" / "b" / "index.json").write_text('{"files": 1}')
        (here / "out").mkdir()
        (here / "out" / "names.json").write_text("{}")

    @pytest.mark.parametrize(
        ("options", "where"),
        [(("--index", "simple"), "simple/b/index.json: is no document"), (("--sums",), "out/names.json: is no map")],
    )
    @pytest.mark.parametrize(
        "command",
        [
            ("repair", "dist"),
            ("retag", "--build", "1", "dist"),
            ("retag", "--build", "1", "-n", "dist"),
            ("retag", "--build", "1", "--all-or-nothing", "dist"),
            ("apply", "plan.json"),
        ],
    )
    def test_nothing_is_written(self, command: tuple[str, ...], options: tuple[str, ...], where: str) -> None:
        truewheel("repair", "--plan", "plan.json", "dist")
        done = truewheel(*command, "-w", "out", *options)
        assert (done.code, done.output) == (3, "")
        (line,) = done.errors.splitlines()
        assert where in line
        assert names("out") == ["names.json"]
        assert names("simple") == ["b"]

    def test_other_projects_do_not_matter(self, here: Path) -> None:
        assert truewheel("repair", "-w", "new", "--index", "simple", "dist/a*").code == 0
        (here / "simple" / "index.json").write_text("[]")
        assert truewheel("repair", "-w", "new", "--index", "simple", "dist/c*").code == 3
        assert names("new") == ["a-1.0-py3-none-any.whl"]
