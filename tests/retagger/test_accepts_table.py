"""Who takes a wheel, compressed to what differs: the table in words, and that it says the same as each target alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truewheel.retagger.acceptance.installers import installers
from truewheel.retagger.acceptance.letters import parse_as_written
from truewheel.retagger.acceptance.matrix import Cell, gained, matrix, pythons
from truewheel.retagger.acceptance.report import Candidate, compare, table_of
from truewheel.retagger.acceptance.systems import systems
from truewheel.retagger.acceptance.table import compressed
from truewheel.retagger.accepts import Target, accepts, targets

if TYPE_CHECKING:
    import random

    from truewheel.retagger.acceptance.wording import TableTold


OTHERS = "PyPy 3.6 - 3.11, GraalPy 3.11 - 3.12"


def table(tag: str, requires_python: str = "") -> TableTold:
    return table_of(wheel(tag, requires_python))


def wheel(tag: str, requires_python: str = "") -> Candidate:
    file = f"x-1-{tag}.whl"
    return Candidate(file, parse_as_written(file), requires_python)


def rows(told: TableTold) -> dict[str, list[str]]:
    return {"; ".join(row.systems): [", ".join(cell) for cell in row.cells] for row in told.rows}


def test_pure_python_is_for_everyone() -> None:
    told = table("py2.py3-none-any")
    assert told.columns == ("every installer",)
    assert rows(told) == {
        "every system": ["2.7, 3.3 - 3.15, 3.13t - 3.15t, PyPy 2.7 - 3.11, GraalPy 3.11 - 3.12"],
    }
    assert (told.refusing, told.notes) == ((), ())


def test_manylinux_by_its_two_names() -> None:
    told = table("cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64")
    # No pip before 20.0 was of the time of Python 3.9: nothing differs.
    assert told.columns == ("every installer",)
    assert rows(told) == {"Linux glibc 2.17 and later x86_64": ["3.9"]}
    assert told.notes == ("glibc 2.17 and later: rhubi-7, debian-8, ubuntu-13.04, fedora-20, amazonlinux-1 ...",)
    assert "Linux glibc otherwise" in told.refusing


def test_manylinux_by_its_new_name_alone_loses_old_pips() -> None:
    told = table("cp37-cp37m-manylinux_2_17_x86_64")
    assert told.columns == ("pip 20.3 and later, uv", "pip 1.4 - 20.2")
    assert rows(told) == {"Linux glibc 2.17 and later x86_64": ["3.7", ""]}


def test_universal2_by_generation() -> None:
    told = table("cp39-abi3-macosx_10_9_universal2")
    assert told.columns == ("pip 21.0.1 and later, uv", "pip 20.3 - 21.0", "pip 1.4 - 20.2")
    (cells,) = rows(told).values()
    assert cells == ["3.9 - 3.15", "3.9 (python.org, homebrew and conda)", ""]


def test_numpy_of_2014_by_generation_and_build() -> None:
    told = table("cp34-cp34m-macosx_10_6_intel.macosx_10_9_intel.macosx_10_9_x86_64")
    assert told.columns == ("pip 8.0 and later, uv", "pip 6.0 - 7.1", "pip 1.4 - 1.5")
    assert rows(told)["macOS 10.9 Intel"] == ["3.4", "3.4 (python.org and homebrew)", "3.4 (python.org and homebrew)"]
    assert told.refusing[0] == "macOS 11 - 26 Apple silicon"


@pytest.mark.parametrize(
    ("tag", "row", "cell"),
    [
        ("cp27-cp27mu-manylinux1_x86_64", "Linux glibc 2.5 and later x86_64", "2.7mu"),
        ("cp27-cp27m.cp27mu-linux_i686", "Linux glibc 2.5 and later i686; Linux musl 1.1 and later i686", "2.7"),
        ("cp27-cp27m-win32", "Windows win32", "2.7"),
        (
            "py3-none-win_amd64.win_arm64",
            "Windows amd64 and arm64",
            "3.3 - 3.15, 3.13t - 3.15t, PyPy 3.6 - 3.11, GraalPy 3.11 - 3.12",
        ),
        ("cp313-cp313-ios_13_0_arm64_iphoneos", "iOS 13.0 and later arm64_iphoneos", "3.13"),
        ("cp313-cp313-android_24_x86_64", "Android API 24 and later x86_64", "3.13"),
        ("cp312-cp312-pyodide_2024_0_wasm32", "Pyodide 2024.0", "3.12"),
        ("pp311-pypy311_pp73-musllinux_1_2_aarch64", "Linux musl 1.2 and later aarch64", "PyPy 3.11"),
        ("cp36.cp38-none-win32", "Windows win32", "3.6, 3.8"),
    ],
)
def test_rows_and_cells_in_words(tag: str, row: str, cell: str) -> None:
    found = rows(table(tag))
    assert list(found) == [row]
    assert found[row][0] == cell


def test_requires_python_takes_pythons_out() -> None:
    (cells,) = rows(table("py3-none-any", ">=3.9,<3.12")).values()
    assert cells[0] == "3.9 - 3.11, PyPy 3.9 - 3.11, GraalPy 3.11"


def test_a_tag_that_nobody_looks_for() -> None:
    told = table("cp312-cp312-macosx_11_2_arm64")
    assert (told.rows, told.refusing) == ((), ("every system",))


def test_who_gains_and_who_loses() -> None:
    found = compare(wheel("cp39-cp39-macosx_10_9_x86_64"), wheel("cp39-cp39-macosx_11_0_universal2"))
    assert found.gains is not None
    assert found.losses is not None
    assert list(rows(found.gains)) == ["macOS 11 - 26 Apple silicon"]
    assert list(rows(found.losses)) == ["macOS 10.9 - 10.15 Intel"]


def test_more_names_of_the_same_systems_change_nothing_for_pythons_of_today() -> None:
    found = compare(wheel("cp310-cp310-macosx_10_6_intel"), wheel("cp310-cp310-macosx_10_6_intel.macosx_10_9_x86_64"))
    assert (found.gains, found.losses) == (None, None)


@settings(max_examples=8)
@given(st.randoms(use_true_random=False))
def test_the_table_says_of_each_target_what_the_target_says(chance: random.Random) -> None:
    tag = chance.choice(
        [
            "py3-none-any",
            "py2.py3-none-ANY",
            "cp39-abi3-macosx_10_9_universal2",
            "cp27-none-macosx_10_6_intel.macosx_10_9_x86_64",
            "cp312-cp312-manylinux_2_28_x86_64.musllinux_1_2_x86_64",
            "py3-none-win_amd64",
            "cp34-cp34m-linux_x86_64.macosx_10_6_universal",
            "cp315-abi3.abi3t-manylinux_2_17_aarch64",
            "py2-none-macosx_10_0_universal",
        ]
    )
    name = wheel(tag).name
    requires = chance.choice(["", ">=3.9", "<3"])
    whole = matrix(
        name, lambda version: requires == "" or (version >= (3, 9) if requires == ">=3.9" else version < (3,))
    )
    for system, installer in chance.sample(list(whole), 4):
        cell = whole[system, installer]
        for place, (interpreter, build) in enumerate(pythons()):
            if cell.there >> place & 1:
                target = Target(interpreter, system, installer, build)
                assert accepts(name, target, requires).accepted is bool(cell.taking >> place & 1), target.says


def test_every_system_and_installer_is_met() -> None:
    whole = matrix(wheel("py3-none-any").name, lambda _: True)
    assert {system for system, _ in whole} == set(systems())
    assert {installer for _, installer in whole} == set(installers())


def test_compressing_loses_nothing() -> None:
    whole = matrix(wheel("cp39-abi3-macosx_10_9_universal2.manylinux_2_28_x86_64").name, lambda _: True)
    small = compressed(whole)
    cells = {
        (system, installer): row.cells[number]
        for row in small.rows
        for system in row.systems
        for number, column in enumerate(small.columns)
        for installer in column.installers
    }
    for place, cell in whole.items():
        told = cells.get(place, Cell(cell.there, 0))
        assert told.taking & cell.there == cell.taking


def test_gains_and_losses_are_disjoint_and_whole() -> None:
    old, new = (matrix(wheel(tag).name, lambda _: True) for tag in ("cp39-cp39-any", "cp39-abi3-win32"))
    for place, cell in gained(new, old).items():
        assert cell.taking == new[place].taking & ~old[place].taking


def test_wheels_of_the_same_tags_share_a_table() -> None:
    first, second = (
        Candidate(file, parse_as_written(file), ">=3.9")
        for file in ("x-1-py3-none-any.whl", "y-2.0-7-py3-none-any.whl")
    )
    assert table_of(first) is table_of(second)
    assert table_of(first) != table_of(first._replace(requires_python=">=3.12"))
    assert table_of(first) != table_of(wheel("py2-none-any", ">=3.9"))


def test_a_wheel_for_the_first_raspberry_pi_reaches_it() -> None:
    first = [("Linux glibc 2.5 and later armv6l", "Linux musl 1.1 and later armv6l")]
    assert [row.systems for row in table("py3-none-linux_armv6l").rows] == first
    newer = "py3-none-manylinux2014_armv7l.manylinux_2_17_armv7l.musllinux_1_1_armv7l"
    assert not any("armv6l" in system for row in table(newer).rows for system in row.systems)
    lost = compare(wheel("py3-none-linux_armv6l"), wheel(newer)).losses
    assert lost is not None
    assert [row.systems for row in lost.rows] == first


def test_a_requirement_that_cannot_be_understood_keeps_uv_out() -> None:
    told = table("py3-none-any", ">=3.x")
    assert told.columns == ("uv", "pip 1.4 and later")
    assert [row.cells[0] for row in told.rows] == [()]
    (target,) = targets(["ubuntu-22.04 cp312 uv"])
    answer = accepts(wheel("py3-none-any").name, target, ">=3.x")
    assert (answer.accepted, answer.reason) == (False, "uv refuses a wheel whose Requires-Python is '>=3.x'")
    (target,) = targets(["ubuntu-22.04 cp312 pip"])
    assert accepts(wheel("py3-none-any").name, target, ">=3.x").accepted
