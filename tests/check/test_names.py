"""What a check says of a file name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import compatible_tags, cpython_tags, mac_platforms

from support.checks import findings, messages, rules, wheel
from truewheel.check.findings import Severity
from truewheel.check.given_name import GivenName

if TYPE_CHECKING:
    from pathlib import Path


def test_a_sound_wheel_has_no_fault(tmp_path: Path) -> None:
    assert rules(wheel(tmp_path)) == []
    assert rules(wheel(tmp_path, "py2.py3-none-any")) == []


@pytest.mark.parametrize(
    "name",
    ["foo-1.0-py3-none.whl", "foo-1.0-py3-none-any.zip", "foo-1.0-a-py3-none-any.whl", "foo-1.0-py3-none-a b.whl"],
)
def test_a_name_that_is_no_wheels_is_told_and_nothing_else(tmp_path: Path, name: str) -> None:
    path = wheel(tmp_path).rename(tmp_path / name)
    (finding,) = findings(path)
    assert (finding.rule, finding.severity, finding.fixable) == ("file-name", Severity.ERROR, False)


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("py3-none-ANY", "capital letters"),
        ("py3-none-any.", "empty part"),
        ("py3.-none-any", "empty part"),
        ("PY3-none-any", "capital letters"),
    ],
)
def test_capital_letters_and_empty_parts(tmp_path: Path, tag: str, said: str) -> None:
    path = wheel(tmp_path).rename(tmp_path / f"foo-1.0-{tag}.whl")
    assert rules(path) == ["tag-spelling"]
    (message,) = messages(path)
    assert said in message


@pytest.mark.parametrize(
    ("tag", "right"),
    [
        ("py3.py2-none-any", "py2.py3"),
        ("py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux2014_x86_64.manylinux_2_17_x86_64"),
        ("py3-none-macosx_10_6_intel.macosx_10_10_intel", "macosx_10_10_intel.macosx_10_6_intel"),
    ],
)
def test_tags_that_are_not_sorted(tmp_path: Path, tag: str, right: str) -> None:
    (finding,) = findings(wheel(tmp_path, tag), "tag-order")
    assert finding.fix == f"write {right}"
    assert finding.severity is Severity.WARNING


def test_tags_that_stand_twice(tmp_path: Path) -> None:
    assert rules(wheel(tmp_path, "py3.py3-none-any")) == ["tag-repeated", "wheel-tag-lines"]


@pytest.mark.parametrize(
    ("index", "severity", "others"), [("pypi", "error", ["dist-info-name"]), ("none", "warning", ["dist-info-name"])]
)
def test_a_project_name_that_is_not_normalised(tmp_path: Path, index: str, severity: str, others: list[str]) -> None:
    path = wheel(tmp_path, stem="Foo.Bar-1.0", info="Foo.Bar-1.0.dist-info")
    (finding,) = findings(path, index=index)
    assert (finding.rule, finding.severity.value) == ("project-name", severity)
    assert "write foo_bar," in finding.fix
    assert rules(wheel(tmp_path, stem="foo_bar-1.0", info="Foo.Bar-1.0.dist-info"), index=index) == others


def test_versions(tmp_path: Path) -> None:
    odd = wheel(tmp_path, stem="foo-1.0.post01", info="foo-1.0.post01.dist-info")
    assert [finding.fix.partition(",")[0] for finding in findings(odd)] == ["write 1.0.post1"]
    none = wheel(tmp_path, stem="foo-1.0.what", info="foo-1.0.what.dist-info")
    (finding,) = findings(none)
    assert (finding.rule, finding.severity, finding.fixable) == ("version-spelling", Severity.ERROR, False)


@pytest.mark.parametrize(
    "tag",
    [
        "macosx_13_arm64",
        "macosx_15_2_arm64",
        "macosx_11_2_x86_64",
        "macosx_26_1_arm64",
        "macosx_10_9_arm64",
        "macosx_10_3_x86_64",
        "macosx_10_9_fat32",
        "manylinux_2_4_x86_64",
        "manylinux_99_99_sparc",
        "win_x86",
        "bogus",
    ],
)
def test_platforms_that_no_installer_looks_for(tmp_path: Path, tag: str) -> None:
    (finding,) = findings(wheel(tmp_path, f"py3-none-{tag}"), "unmatched-tag")
    assert finding.severity is Severity.ERROR
    assert tag in finding.message


@pytest.mark.parametrize("python", ["cp312-cp311", "cp39-universal2", "py3-abi3", "cp27-abi3", "cp311-cp312"])
def test_abis_that_no_installer_looks_for(tmp_path: Path, python: str) -> None:
    found = findings(wheel(tmp_path, f"{python}-macosx_11_0_arm64"), "unmatched-tag")
    assert Severity.ERROR in {finding.severity for finding in found}


def test_tags_beside_one_that_is_looked_for_are_only_surplus(tmp_path: Path) -> None:
    path = wheel(tmp_path, "py3-none-macosx_10_9_fat3.macosx_11_0_arm64.macosx_11_1_arm64")
    found = findings(path, "unmatched-tag")
    assert {finding.severity for finding in found} == {Severity.WARNING}
    assert [finding.message.split()[0] for finding in found] == ["macosx_11_1_arm64", "macosx_10_9_fat3"]
    (message,) = messages(wheel(tmp_path, "cp27.cp310-abi3-win_amd64"), "unmatched-tag")
    assert message == "cp27 goes with none of abi3"


def looked_for() -> list[str]:
    """Return tags that `packaging` makes for some interpreters."""
    macs = [*mac_platforms((14, 0), "arm64"), *mac_platforms((12, 0), "x86_64")]
    tags = [*cpython_tags((3, 12), ["cp312"], macs), *cpython_tags((2, 7), ["cp27m"], ["manylinux1_x86_64", "win32"])]
    tags += cpython_tags((3, 15), ["cp315t"], ["musllinux_1_2_aarch64", "manylinux_2_28_riscv64"])
    tags += compatible_tags((3, 12), "cp312", ["win_arm64", "linux_loongarch64"])
    return sorted({str(tag) for tag in tags if not str(tag).endswith("fat3")})


@given(st.sampled_from(looked_for()))
def test_what_packaging_looks_for_is_never_called_unmatched(tmp_path_factory: pytest.TempPathFactory, tag: str) -> None:
    folder = tmp_path_factory.mktemp("w")
    assert messages(wheel(folder, tag), "unmatched-tag") == []


@given(st.text("abAB.-_ 1", max_size=24).map(lambda text: f"{text}.whl"))
def test_any_name_is_taken_apart(name: str) -> None:
    given = GivenName.parse(name)
    assert bool(given.problem) == (given.sound is None) == (given.best is None)
    if given.sound is not None:
        assert str(given.sound) == re.sub(r"[^-]+-[^-]+-[^-]+\.whl\Z", lambda match: tidy(match[0]), name)


def tidy(text: str) -> str:
    """Return tag sets in lower case without empty parts."""
    sets = [".".join(filter(None, part.split("."))) for part in text.lower().removesuffix(".whl").split("-")]
    return f"{'-'.join(sets)}.whl"
