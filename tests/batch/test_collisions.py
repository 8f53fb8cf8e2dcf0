"""Results that would take each other's place are found before anything is written."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from support.batches import planned, pure_wheel
from truewheel.archive.reader import WheelReader
from truewheel.batch.collisions import collisions, require_no_collision
from truewheel.batch.planned import PlannedWheel
from truewheel.errors import RefusedError
from truewheel.retagger.retag import plan_retag
from truewheel.retagger.retag_options import RetagOptions

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.batch.kinds import WheelPlan


def retagged(wheel: Path, tag: str) -> PlannedWheel[WheelPlan]:
    """Return a plan that does not name its input by content."""
    with WheelReader.open(wheel) as reader:
        return PlannedWheel(wheel, plan_retag(reader, RetagOptions(python_tag=(tag,))))


def test_two_wheels_of_one_name(tmp_path: Path) -> None:
    one, other = pure_wheel(tmp_path / "1", "a"), pure_wheel(tmp_path / "2", "a", content=b"a = 1\n")
    found = collisions([planned(one), planned(other)], tmp_path)
    assert {error.where: error.what for error in found.values()} == {
        str(one): f"would be written as {one.name}, as another of the given wheels is: {other}",
        str(other): f"would be written as {one.name}, as another of the given wheels is: {one}",
    }
    assert list(found) == [0, 1]


def test_names_that_differ_in_case_alone(tmp_path: Path) -> None:
    one, other = pure_wheel(tmp_path, "Foo"), pure_wheel(tmp_path, "foo")
    found = collisions([planned(one), planned(other)], tmp_path / "out")
    assert [error.what for error in found.values()] == [
        f"would be written as {one.name}, another of the given wheels as {other.name}: {other}",
        f"would be written as {other.name}, another of the given wheels as {one.name}: {one}",
    ]


def test_those_that_do_not_collide_are_not_told(tmp_path: Path) -> None:
    one, other = pure_wheel(tmp_path / "1", "a"), pure_wheel(tmp_path / "2", "a", content=b"a = 1\n")
    third = pure_wheel(tmp_path / "1", "b")
    assert list(collisions([planned(one), planned(third), planned(other)], tmp_path)) == [0, 2]


def test_a_copy_beside_two_that_differ_is_told_too(tmp_path: Path) -> None:
    one, other = pure_wheel(tmp_path / "1", "a"), pure_wheel(tmp_path / "2", "a", content=b"a = 1\n")
    copy = tmp_path / "3" / one.name
    copy.parent.mkdir()
    shutil.copy(one, copy)
    found = collisions([planned(one), planned(copy), planned(other)], tmp_path)
    assert list(found) == [0, 1, 2]
    assert found[2].what.endswith(f": {one} and 1 more")


def test_what_lies_in_the_folder_under_another_case(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path / "in", "foo")
    (tmp_path / "FOO-1.0-py3-none-any.WHL").touch()
    found = collisions([planned(wheel)], tmp_path)
    assert "beside FOO-1.0-py3-none-any.WHL, which some file systems take for the same" in found[0].what


def test_the_wheel_itself_under_another_case_is_in_nobodys_way(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path, "foo", tag="py3-none-any")
    given = wheel.rename(tmp_path / "FOO-1.0-py3-none-any.whl")
    shutil.copy(given, wheel)
    item = planned(wheel)
    wheel.unlink()
    assert collisions([PlannedWheel(given, item.plan)], tmp_path) == {}
    assert collisions([PlannedWheel(given, item.plan)], None) == {}
    shutil.copy(given, tmp_path / "Foo-1.0-py3-none-any.whl")
    assert list(collisions([PlannedWheel(given, item.plan)], None)) == [0]


def test_one_of_both_spellings_that_are_there_may_be_written_again(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path / "in", "foo")
    for name in (wheel.name, wheel.name.upper()):
        (tmp_path / name).touch()
    assert collisions([planned(wheel)], tmp_path) == {}


def test_a_file_of_the_very_name_is_no_collision_yet(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path / "in", "foo")
    (tmp_path / wheel.name).touch()
    assert collisions([planned(wheel)], tmp_path) == {}


@pytest.mark.parametrize("content", [b"", b"a = 1\n"])
def test_the_same_wheel_twice_is_no_collision(content: bytes, tmp_path: Path) -> None:
    one = pure_wheel(tmp_path / "1", "a", content=content)
    other = tmp_path / "2" / one.name
    other.parent.mkdir()
    shutil.copy(one, other)
    assert collisions([planned(one), planned(other)], tmp_path) == {}
    assert collisions([retagged(one, "py312"), retagged(other, "py312")], tmp_path) == {}


def test_plans_that_do_not_tell_the_content_are_compared_by_it(tmp_path: Path) -> None:
    one, other = pure_wheel(tmp_path / "1", "a"), pure_wheel(tmp_path / "2", "a", content=b"a = 1\n")
    assert list(collisions([retagged(one, "py312"), retagged(other, "py312")], tmp_path)) == [0, 1]


def test_results_beside_their_inputs_collide_only_within_a_folder(tmp_path: Path) -> None:
    one, other = pure_wheel(tmp_path / "1", "a"), pure_wheel(tmp_path / "2", "a", content=b"a = 1\n")
    assert collisions([planned(one), planned(other)], None) == {}
    here = pure_wheel(tmp_path / "1", "a", tag="py2-none-any", content=b"a = 2\n")
    assert list(collisions([retagged(one, "py312"), retagged(here, "py312")], None)) == [0, 1]


def test_all_collisions_are_told_at_once(tmp_path: Path) -> None:
    wheels = [pure_wheel(tmp_path / str(number), "a", content=b"#" * number) for number in range(3)]
    with pytest.raises(RefusedError) as caught:
        require_no_collision([planned(wheel) for wheel in wheels], tmp_path)
    assert len(caught.value.reasons) == 3
    require_no_collision([planned(wheels[0])], tmp_path / "not-there")


def test_a_result_does_not_replace_a_given_wheel_that_waits_for_its_turn(tmp_path: Path) -> None:
    one = pure_wheel(tmp_path, "a")
    waiting = pure_wheel(tmp_path, "a", tag="py2-none-any", content=b"a = 1\n")
    wheels = [retagged(one, "py2"), retagged(waiting, "py312")]
    assert collisions(wheels, None) == {}
    found = collisions(wheels, None, keeping=[one, waiting])
    assert {error.where: error.what for error in found.values()} == {
        str(one): f"would be written over {waiting}, which is one of the given wheels"
    }
    assert collisions(wheels, tmp_path / "out", keeping=[one, waiting]) == {}
    assert collisions([retagged(one, "py3")], None, keeping=[one]) == {}


def test_a_wheel_that_stays_as_it_is_is_a_file_like_others(tmp_path: Path) -> None:
    one = pure_wheel(tmp_path, "a")
    stays = pure_wheel(tmp_path, "a", tag="py2-none-any", content=b"a = 1\n")
    wheels = [retagged(one, "py2"), planned(stays)]
    assert collisions(wheels, None) == collisions(wheels, tmp_path) == {}
    assert list(collisions(wheels, None, keeping=[one, stays])) == [0]
    assert list(collisions(wheels, tmp_path / "out")) == [0, 1]
