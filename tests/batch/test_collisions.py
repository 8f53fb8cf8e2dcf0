"""Results that would take each other's place are found before anything is written."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from support.batches import planned, pure_wheel
from truewheel.archive.reader import WheelReader
from truewheel.batch.collisions import collisions, require_no_collision
from truewheel.batch.plan import PlannedWheel
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
    assert {number: error.what for number, error in found.items()} == {
        1: f"would be written as {one.name}, as another of the given wheels is"
    }
    assert found[1].where == str(other)


def test_names_that_differ_in_case_alone(tmp_path: Path) -> None:
    one, other = pure_wheel(tmp_path, "Foo"), pure_wheel(tmp_path, "foo")
    found = collisions([planned(one), planned(other)], tmp_path / "out")
    assert found[1].what == f"would be written as {other.name}, another of the given wheels as {one.name}"


def test_what_lies_in_the_folder_under_another_case(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path / "in", "foo")
    (tmp_path / "FOO-1.0-py3-none-any.WHL").touch()
    found = collisions([planned(wheel)], tmp_path)
    assert "beside FOO-1.0-py3-none-any.WHL, which some file systems take for the same" in found[0].what


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
    assert list(collisions([retagged(one, "py312"), retagged(other, "py312")], tmp_path)) == [1]


def test_results_beside_their_inputs_collide_only_within_a_folder(tmp_path: Path) -> None:
    one, other = pure_wheel(tmp_path / "1", "a"), pure_wheel(tmp_path / "2", "a", content=b"a = 1\n")
    assert collisions([planned(one), planned(other)], None) == {}
    here = pure_wheel(tmp_path / "1", "a", tag="py2-none-any", content=b"a = 2\n")
    assert list(collisions([retagged(one, "py312"), retagged(here, "py312")], None)) == [1]


def test_all_collisions_are_told_at_once(tmp_path: Path) -> None:
    wheels = [pure_wheel(tmp_path / str(number), "a", content=b"#" * number) for number in range(3)]
    with pytest.raises(RefusedError) as caught:
        require_no_collision([planned(wheel) for wheel in wheels], tmp_path)
    assert len(caught.value.reasons) == 2
    require_no_collision([planned(wheels[0])], tmp_path / "not-there")
