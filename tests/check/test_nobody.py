"""What check says of tags and what accepts says of who takes them agree."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from support.checks import findings, wheel
from truewheel.check import Severity
from truewheel.check.names import RULES
from truewheel.check.subject import Subject
from truewheel.retagger.acceptance.letters import parse_as_written
from truewheel.retagger.acceptance.matrix import matrix

PYTHONS = ("cp27", "py3", "cp37", "cp312", "cp313", "pp311", "foo")
ABIS = ("none", "abi3", "cp27m", "cp27mu", "cp37m", "cp37", "cp312", "cp313t", "cp312d", "pypy311_pp73")
LINUX = (
    "manylinux_2_17_x86_64",
    "manylinux_9_99_x86_64",
    "musllinux_1_2_aarch64",
    "musllinux_1_9_x86_64",
    "linux_armv6l",
)
YOUNG = ("android_10_arm64_v8a", "android_24_arm64_v8a", "ios_13_0_arm64_iphoneos")
PLATFORMS = ("any", "win_amd64", "macosx_10_9_x86_64", "macosx_10_3_x86_64", *LINUX, *YOUNG)
UNMATCHED = next(rule for rule in RULES if rule.name == "unmatched-tag")


def said(file: str) -> list[Severity]:
    return [finding.severity for finding in UNMATCHED.findings(Subject(Path(file), file))]


@pytest.mark.parametrize("tag", ["-".join(tags) for tags in list(product(PYTHONS, ABIS, PLATFORMS))[::13]])
def test_check_is_silent_of_tags_that_somebody_takes_and_only_of_these(tag: str) -> None:
    file = f"x-1-{tag}.whl"
    taken = any(cell.taking for cell in matrix(parse_as_written(file), lambda _: True).values())
    if not tag.startswith("pp"):  # whose ABIs, and systems, are not all known
        assert (said(file) == []) is taken
    assert not (taken and said(file))


@pytest.mark.parametrize(
    ("tag", "severity"),
    [
        ("foo-none-any", Severity.ERROR),
        ("cp312-cp312-android_10_arm64_v8a", Severity.ERROR),
        ("cp27-cp27mu-win_amd64", Severity.ERROR),
        ("cp37-cp37-manylinux1_x86_64", Severity.ERROR),
        ("cp312-cp312-musllinux_1_9_x86_64", Severity.WARNING),
        ("cp312-cp312-musllinux_2_0_x86_64", Severity.WARNING),
        ("cp312-cp312-manylinux_9_99_x86_64", Severity.WARNING),
        ("cp310-cp310d-manylinux_2_17_x86_64", Severity.WARNING),
    ],
)
def test_what_nobody_takes(tag: str, severity: Severity) -> None:
    assert said(f"a-1-{tag}.whl") == [severity]


@pytest.mark.parametrize(
    "tag",
    [
        "cp316-cp316-manylinux_2_17_x86_64",
        "cp31-cp31m-win32",
        "rustpython312-none-any",
        "jy27-none-any",
        "cp312-cp312-freebsd_14_0_release_amd64",
        "cp312-cp312-linux_mips64",
        "pp311-pypy311_pp99-win_amd64",
        "cp312-cp312-win_ia64",
    ],
)
def test_what_is_not_known_may_be_taken_by_somebody(tag: str) -> None:
    assert said(f"a-1-{tag}.whl") == []


def test_the_finding_names_the_tag(tmp_path: Path) -> None:
    (finding,) = findings(wheel(tmp_path, "foo-none-any"), "unmatched-tag")
    assert finding.message == "foo is no Python tag that an installer looks for"
