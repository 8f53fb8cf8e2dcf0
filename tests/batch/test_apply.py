"""A plan for many wheels is applied whole or not at all, whenever the run is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.batches import SETTINGS, batch, pure_wheel
from support.cli import environment
from support.fixtures import family
from support.hello import hello_wheel
from support.kills import KilledError, Killer, content
from truewheel.batch.apply import apply_batch
from truewheel.batch.journal import folder_of, open_journal
from truewheel.errors import OutputError, RefusedError

if TYPE_CHECKING:
    from truewheel.batch.plan import BatchPlan


@pytest.fixture
def inputs(tmp_path: Path) -> tuple[Path, ...]:
    """Two wheels that are copied and one that gets a label, in the order a, hello, z."""
    dist = tmp_path / "dist"
    native = hello_wheel(dist, {"hello/libtone.so": family("x86_64").tone})
    return pure_wheel(dist, "a"), native, pure_wheel(dist, "z", content=b"z = 1\n")


def test_all_wheels_are_published(inputs: tuple[Path, ...], tmp_path: Path) -> None:
    plan = batch(inputs)
    done = apply_batch(plan, tmp_path / "out", SETTINGS)
    assert [each.path for each in done] == [tmp_path / "out" / item.plan.output_name for item in plan.wheels]
    assert sorted(content(tmp_path / "out")) == sorted(each.path.name for each in done)
    assert done[0].path.read_bytes() == inputs[0].read_bytes()
    assert done[2].path.read_bytes() == inputs[2].read_bytes()
    assert [each.size_after for each in done] == [each.path.stat().st_size for each in done]
    with zipfile.ZipFile(done[1].path) as archive:
        assert b"Tag: cp310-abi3-manylinux_2_5_x86_64" in archive.read("hello-1.0.dist-info/WHEEL")


def test_several_at_once_give_the_same(inputs: tuple[Path, ...], tmp_path: Path) -> None:
    one = apply_batch(batch(inputs), tmp_path / "one", SETTINGS)
    other = apply_batch(batch(inputs), tmp_path / "other", SETTINGS, at_once=3)
    assert content(tmp_path / "one") == content(tmp_path / "other")
    assert [each.sha256 for each in one] == [each.sha256 for each in other]


def test_a_second_run_changes_nothing(inputs: tuple[Path, ...], tmp_path: Path) -> None:
    plan = batch(inputs)
    apply_batch(plan, tmp_path / "out", SETTINGS)
    before = {path: path.stat().st_ino for path in (tmp_path / "out").iterdir()}
    apply_batch(plan, tmp_path / "out", SETTINGS)
    assert {path: path.stat().st_ino for path in (tmp_path / "out").iterdir()} == before


def test_a_run_killed_anywhere_is_finished_by_the_next(inputs: tuple[Path, ...], tmp_path: Path) -> None:
    plan = batch(inputs)
    apply_batch(plan, tmp_path / "whole", SETTINGS)
    whole = content(tmp_path / "whole")
    states = set()
    for lives in range(200):
        out = tmp_path / f"out-{lives}"
        with pytest.MonkeyPatch.context() as patched:
            Killer(patched, lives)
            killed = _dies(plan, out)
        left = content(out)
        assert all(whole[name] == left[name] for name in left if name.endswith(".whl"))
        states.add(tuple(sorted(name.split(".truewheel-")[-1][:20] for name in left)))
        apply_batch(plan, out, SETTINGS)
        assert content(out) == whole
        if not killed:
            break
    assert not killed
    assert lives > 25
    assert len(states) > 8


def _dies(plan: BatchPlan, out: Path) -> bool:
    try:
        apply_batch(plan, out, SETTINGS)
    except KilledError:
        return True
    return False


def test_a_run_killed_while_publishing_needs_the_inputs_no_more(inputs: tuple[Path, ...], tmp_path: Path) -> None:
    plan, out = batch(inputs), tmp_path / "out"
    with pytest.MonkeyPatch.context() as patched:
        Killer(patched, 10_000)
        link = os.link
        linked: list[object] = []

        def second_time(*arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as os.link
            if linked:
                raise KilledError
            linked.append(arguments)
            link(*arguments, **options)

        patched.setattr(os, "link", second_time)
        assert _dies(plan, out)
    assert len(list(out.glob("*.whl"))) == 1
    for wheel in inputs:
        wheel.unlink()
    done = apply_batch(plan, out, SETTINGS)
    assert sorted(content(out)) == sorted(each.path.name for each in done)


def test_a_process_that_is_killed_is_finished_by_the_next(tmp_path: Path) -> None:
    wheels = [pure_wheel(tmp_path / "dist", f"w{number}", content=os.urandom(100)) for number in range(100)]
    plan, out = batch(wheels), tmp_path / "out"
    (tmp_path / "run.py").write_text(
        "import sys; from pathlib import Path; from support.batches import SETTINGS, batch\n"
        "from truewheel.batch.apply import apply_batch\n"
        "wheels = sorted(Path(sys.argv[1]).iterdir(), key=lambda path: int(path.name.split('-')[0][1:]))\n"
        "apply_batch(batch(wheels), Path(sys.argv[2]), SETTINGS)\n"
    )
    tests = Path(__file__).resolve().parents[1]
    places = os.pathsep.join([environment()["PYTHONPATH"], str(tests)])
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py"), str(tmp_path / "dist"), str(out)],
        env=environment(PYTHONPATH=places),
    )
    journal = folder_of(out, plan.digest) / "journal.jsonl"
    while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"ready") > 5):
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    apply_batch(plan, out, SETTINGS)
    assert content(out) == {wheel.name: wheel.read_bytes() for wheel in wheels}


def test_what_an_interrupted_run_made_is_not_made_again(
    inputs: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, out = batch(inputs), tmp_path / "out"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("truewheel.batch.journal.Journal.commit", _raise)
        patched.setattr("truewheel.batch.journal.Journal.remove", lambda _: None)
        assert _dies(plan, out)
    monkeypatch.setattr("truewheel.batch.apply.stage_planned", _raise)
    apply_batch(plan, out, SETTINGS)


def _raise(*_: object, **__: object) -> None:
    raise KilledError


def test_a_temporary_file_that_was_damaged_is_made_again(inputs: tuple[Path, ...], tmp_path: Path) -> None:
    plan, out = batch(inputs), tmp_path / "out"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("truewheel.batch.journal.Journal.commit", _raise)
        patched.setattr("truewheel.batch.journal.Journal.remove", lambda _: None)
        assert _dies(plan, out)
    first, second, _ = sorted(folder_of(out, plan.digest).glob("*.part"))
    first.write_bytes(b"")
    second.unlink()
    apply_batch(plan, out, SETTINGS)
    assert (out / inputs[0].name).read_bytes() == inputs[0].read_bytes()


def test_every_input_is_checked_before_anything_is_written(inputs: tuple[Path, ...], tmp_path: Path) -> None:
    plan = batch(inputs)
    inputs[0].unlink()
    pure_wheel(inputs[2].parent, "z", content=b"z = 2\n")
    with pytest.raises(RefusedError) as caught:
        apply_batch(plan, tmp_path / "out", SETTINGS)
    assert caught.value.reasons == (
        f"{inputs[0]} cannot be read: No such file or directory",
        f"{inputs[2]} has other content than when it was planned",
    )
    assert not (tmp_path / "out").exists()


def test_an_input_that_changes_meanwhile_is_noticed(
    inputs: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = batch(inputs)

    def late(*_: object) -> None:
        pure_wheel(inputs[2].parent, "z", content=b"z = 2\n")

    monkeypatch.setattr("truewheel.batch.apply.require_no_collision", late)
    with pytest.raises(RefusedError, match="changed while the batch was at work"):
        apply_batch(plan, tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()


def test_one_that_fails_leaves_nothing_of_the_others(
    inputs: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr("truewheel.repair._confirm", full)
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="the disk is full"):
        apply_batch(batch(inputs), tmp_path / "out", SETTINGS, at_once=2)
    assert content(tmp_path / "out") == {}


def test_names_that_are_taken_are_all_told_and_nothing_is_written(inputs: tuple[Path, ...], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    shutil.copy(inputs[0], out)
    (out / inputs[2].name).write_bytes(b"another")
    with pytest.raises(RefusedError) as caught:
        apply_batch(batch(inputs), out, SETTINGS)
    assert caught.value.reasons == (f"{inputs[2].name} exists already with other content",)
    assert sorted(content(out)) == [inputs[0].name, inputs[2].name]


def test_force_replaces_what_is_there(inputs: tuple[Path, ...], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / inputs[2].name).write_bytes(b"another")
    apply_batch(batch(inputs), out, SETTINGS, force=True)
    assert (out / inputs[2].name).read_bytes() == inputs[2].read_bytes()


def test_a_folder_with_the_name_of_a_result_is_never_replaced(inputs: tuple[Path, ...], tmp_path: Path) -> None:
    (tmp_path / "out" / inputs[2].name).mkdir(parents=True)
    with pytest.raises(RefusedError):
        apply_batch(batch(inputs), tmp_path / "out", SETTINGS, force=True)


def test_a_file_that_appears_at_the_last_moment_is_not_replaced(
    inputs: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, out = batch(inputs), tmp_path / "out"
    link = os.link

    def late(source: str, target: str) -> None:
        if str(target).endswith(inputs[2].name):
            Path(target).write_bytes(b"another")
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(OutputError, match="exists already with other content"):
        apply_batch(plan, out, SETTINGS)
    monkeypatch.undo()
    (out / inputs[2].name).unlink()
    apply_batch(plan, out, SETTINGS)
    assert len(content(out)) == 3


def test_a_published_wheel_that_was_changed_before_the_end_is_told(inputs: tuple[Path, ...], tmp_path: Path) -> None:
    plan, out = batch(inputs), tmp_path / "out"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("truewheel.batch.journal.Journal.remove", _raise)
        assert _dies(plan, out)
    (out / inputs[0].name).write_bytes(b"another")
    with pytest.raises(OutputError, match="is not what it was any more"):
        apply_batch(plan, out, SETTINGS)


def test_two_processes_do_not_apply_one_plan_at_a_time(inputs: tuple[Path, ...], tmp_path: Path) -> None:
    plan, out = batch(inputs), tmp_path / "out"
    with open_journal(out, plan.digest), pytest.raises(OutputError, match="another process applies the same plan here"):
        apply_batch(plan, out, SETTINGS)


def test_a_wheel_may_be_given_twice_under_two_paths(tmp_path: Path) -> None:
    one = pure_wheel(tmp_path / "one", "a")
    other = tmp_path / "other" / one.name
    other.parent.mkdir()
    shutil.copy(one, other)
    done = apply_batch(batch([one, other]), tmp_path / "out", SETTINGS)
    assert [each.path.name for each in done] == [one.name, one.name]
    assert list(content(tmp_path / "out")) == [one.name]
