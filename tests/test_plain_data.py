"""Plans as JSON values and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from truewheel.plain_data import plain, typed


class Point(NamedTuple):
    x: int
    label: str | None = None


@dataclass(frozen=True)
class Shape:
    points: tuple[Point, ...]
    pairs: tuple[tuple[str, int], ...] = ()


SHAPE = Shape((Point(1), Point(2, "two")), (("a", 1),))
VALUES = {"points": ({"x": 1, "label": None}, {"x": 2, "label": "two"}), "pairs": (("a", 1),)}


def test_dataclasses_and_named_tuples_become_dictionaries() -> None:
    assert plain(SHAPE) == VALUES


def test_what_json_gives_back_is_the_same() -> None:
    assert typed(Shape, json.loads(json.dumps(plain(SHAPE)))) == SHAPE


@pytest.mark.parametrize("point", [[1, "two"], {"x": "1"}, {"x": 1, "z": 2}, {"label": "x"}, None])
def test_a_named_tuple_is_made_of_its_own_fields_alone(point: object) -> None:
    with pytest.raises(TypeError):
        typed(Shape, {"points": [point]})
