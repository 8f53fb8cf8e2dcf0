"""A check of wheels whose tag a policy of the user's own gives: it alone decides about that tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.checks import findings, messages, rules, wheel
from support.fixtures import family, odd
from truewheel.check import CheckOptions
from truewheel.check.findings import Severity
from truewheel.check.fix import fix_wheel
from truewheel.platforms.own_policy import OwnPolicy

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = OwnPolicy("acme_2024", "manylinux_2_17", allow=("libgreet.so.1",))
CHANNEL = OwnPolicy("channel", "manylinux_2_17", ("x86_64",), ("conda_main", "linux"), symbols=(("GLIBC", "2.31"),))
NEEDY = {"foo/_foo.abi3.so": family("x86_64").extension}
"""A module that needs libgreet.so.1, which is not inside."""
NEW = {"foo/_foo.so": odd("glibc-2.38.so")}


@pytest.mark.parametrize("tag", ["linux_x86_64", "acme_2024_x86_64"])
def test_nothing_is_wrong_with_a_wheel_that_keeps_it(tag: str, tmp_path: Path) -> None:
    path = wheel(tmp_path, f"cp310-abi3-{tag}", NEEDY)
    assert rules(path, own_policy=IMAGE) == []


def test_without_the_policy_nothing_speaks_for_the_tag(tmp_path: Path) -> None:
    assert rules(wheel(tmp_path, "cp310-abi3-linux_x86_64", NEEDY)) == ["index-tag", "missing-library"]
    assert rules(wheel(tmp_path, "cp310-abi3-acme_2024_x86_64", NEEDY)) == ["index-tag"]


def test_a_library_that_the_policy_does_not_have(tmp_path: Path) -> None:
    (finding,) = findings(wheel(tmp_path, "cp310-abi3-linux_x86_64", NEEDY), own_policy=CHANNEL)
    assert (finding.rule, finding.severity, finding.fixable) == ("own-policy", Severity.ERROR, False)
    assert finding.member == "foo/_foo.abi3.so"
    assert finding.message == (
        "linux_x86_64 is not true by the policy channel: "
        "foo/_foo.abi3.so needs libgreet.so.1, which channel does not have"
    )
    assert finding.fix == "`truewheel repair --policy FILE` bundles what it lacks"


def test_a_symbol_that_the_policy_does_not_have(tmp_path: Path) -> None:
    path = wheel(tmp_path, "cp310-cp310-conda_main_x86_64.linux_x86_64", NEW)
    (finding,) = findings(path, own_policy=CHANNEL)
    assert (finding.rule, finding.member) == ("own-policy", "foo/_foo.so")
    assert finding.message.startswith(
        "conda_main_x86_64 and linux_x86_64 are not true by the policy channel: foo/_foo.so needs "
    )
    assert "GLIBC_2.38 of libc.so.6" in finding.message
    assert finding.fix == (
        "build it for channel, which has GLIBC up to 2.31; or call it manylinux_2_38_x86_64, which is true"
    )


def test_libraries_and_symbols_are_told_apart_because_their_mends_differ(tmp_path: Path) -> None:
    path = wheel(tmp_path, "cp310-abi3-linux_x86_64", NEEDY | NEW)
    own = OwnPolicy("old", "manylinux_2_5", symbols=(("GLIBC", "2.1"),))
    told = [(finding.member, finding.fix.partition(";")[0]) for finding in findings(path, "own-policy", own_policy=own)]
    assert told == [
        ("foo/_foo.abi3.so", "`truewheel repair --policy FILE` bundles what it lacks"),
        ("foo/_foo.abi3.so", "build it for old, which has GLIBC up to 2.1"),
        ("foo/_foo.so", "build it for old, which has GLIBC up to 2.1"),
    ]


def test_other_tags_are_judged_as_ever(tmp_path: Path) -> None:
    path = wheel(tmp_path, "cp310-cp310-linux_x86_64.manylinux_2_17_x86_64", NEW)
    both = findings(path, own_policy=CHANNEL)
    assert [finding.rule for finding in both] == ["untrue-tag", "own-policy"]
    assert both[0].message.startswith("manylinux_2_17_x86_64 is not true: foo/_foo.so needs ")
    assert both[0].fix == ("manylinux_2_38_x86_64 is true: truewheel retag --platform-tag manylinux_2_38_x86_64")
    assert rules(wheel(tmp_path / "1", "cp310-cp310-linux_aarch64", NEW), index="none", own_policy=CHANNEL) == [
        "untrue-tag"
    ]


def test_what_no_platform_makes_right_keeps_its_own_rule(tmp_path: Path) -> None:
    files = {"foo/_foo.abi3.so": odd("needs-libpython.so")}
    path = wheel(tmp_path, "cp310-abi3-linux_x86_64", files, purelib=True)
    assert rules(path, own_policy=IMAGE) == ["root-is-purelib", "libpython"]


def test_a_wheel_of_another_system_or_architecture_with_the_tag(tmp_path: Path) -> None:
    path = wheel(tmp_path, "cp310-cp310-conda_main_aarch64", NEW)
    assert messages(path, own_policy=CHANNEL) == [
        "conda_main_aarch64 is not true by the policy channel: the wheel is machine code for x86_64, not for aarch64"
    ]


def test_without_machine_code_there_is_nothing_to_judge(tmp_path: Path) -> None:
    assert rules(wheel(tmp_path, "py3-none-conda_main_x86_64", purelib=False), own_policy=CHANNEL) == []


def test_a_mend_is_checked_by_the_policy_too(tmp_path: Path) -> None:
    path = wheel(tmp_path, "cp310-abi3-linux_x86_64.conda_main_x86_64", NEEDY)
    fixed = fix_wheel(path, tmp_path / "out", CheckOptions(own_policy=CHANNEL))
    assert [finding.rule for finding in fixed.mended] == ["tag-order"]
    assert [finding.rule for finding in fixed.left] == ["own-policy"]
