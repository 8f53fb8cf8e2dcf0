"""Which tags retag writes and which it refuses, and on what grounds."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.fixtures import odd
from support.hello import hello_wheel
from support.retags import PE, linux_wheel, mac_wheel, pe, planned, pure_wheel, require_sound, retag, tags_of
from truewheel.archive.reader import WheelReader
from truewheel.errors import RefusedError, UsageError
from truewheel.retagger import proof
from truewheel.retagger.retag_options import RetagOptions, Trust
from truewheel.retagger.retag_plan import RetagPlan

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def unread() -> Iterator[None]:
    """Fail when machine code is read."""
    with patch.object(proof, "prove", side_effect=AssertionError("machine code was read")):
        yield


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("choices", "tags"),
    [
        ({"platform_tag": "manylinux_2_28_x86_64"}, "cp310-abi3-manylinux_2_28_x86_64"),
        ({"platform_tag": "manylinux2014_x86_64"}, "cp310-abi3-manylinux2014_x86_64"),
        ({"platform_tag": "+manylinux_2_17_x86_64"}, "cp310-abi3-manylinux_2_17_x86_64"),
        ({"python_tag": "cp312"}, "cp312-abi3-manylinux_2_17_x86_64"),
        ({"python_tag": "+cp312"}, "cp310.cp312-abi3-manylinux_2_17_x86_64"),
        ({"abi_tag": "+none"}, "cp310-abi3.none-manylinux_2_17_x86_64"),
        ({"platform_tag": "-manylinux1_x86_64", "build": "1"}, "cp310-abi3-manylinux_2_17_x86_64"),
    ],
)
def test_what_a_present_tag_says_is_written_without_reading_machine_code(
    choices: dict[str, Any], tags: str, tmp_path: Path
) -> None:
    done = retag(linux_wheel(tmp_path), **choices)
    assert tags_of(done.path) == tags
    assert done.written is (done.path.name != linux_wheel(tmp_path / "same").name)
    require_sound(done.path)
    follows = "follows from manylinux_2_17_x86_64, which the wheel is called now"
    raised = tags.partition("abi3-")[2]
    assert [note for note in done.notices if "follows" in note] == (
        [f"{raised} {follows}; that was not proved, but `truewheel check` does"]
        if "platform_tag" in choices and raised != "manylinux_2_17_x86_64"
        else []
    )


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("before", "wish", "after"),
    [
        ("macosx_10_9_x86_64", "macosx_10_13_x86_64", "macosx_10_13_x86_64"),
        ("macosx_10_9_universal2", "macosx_12_0_arm64", "macosx_12_0_arm64"),
        ("macosx_10_6_intel", "macosx_10_9_x86_64", "macosx_10_9_x86_64"),
        ("macosx_10_16_x86_64", "macosx_11_0_x86_64", "macosx_11_0_x86_64"),
    ],
)
def test_a_version_of_macos_can_always_be_raised(before: str, wish: str, after: str, tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, f"cp310-abi3-{before}", i386="10.6", x86_64="10.6", arm64="11.0")
    assert tags_of(retag(wheel, platform_tag=wish).path) == f"cp310-abi3-{after}"


def grounds(plan: RetagPlan) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(ground.tag, ground.basis, ground.by) for ground in plan.grounds]


def test_each_new_tag_has_its_ground(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    plan = planned(wheel, platform_tag=("+manylinux_2_5_x86_64.manylinux_2_28_x86_64.linux_x86_64", "+freebsd_1_a"))
    assert grounds(plan) == [
        ("freebsd_1_a", "unjudged", ()),
        ("linux_x86_64", "unjudged", ()),
        ("manylinux_2_17_x86_64", "proved", ()),
        ("manylinux_2_28_x86_64", "proved", ()),
        ("manylinux_2_5_x86_64", "proved", ()),
    ]
    assert plan.grounds[-1].reasons == ("no file needs more than manylinux_2_5_x86_64",)
    assert plan.notices == ("freebsd_1_a was taken as given: nothing here tells whether it is true",)


def test_lowering_goes_down_to_the_evidence_and_no_further(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, "cp310-abi3-macosx_12_0_x86_64", x86_64="10.13")
    with pytest.raises(RefusedError) as caught:
        retag(wheel, platform_tag="macosx_10_12_x86_64")
    assert caught.value.what == "cannot truly be called macosx_10_12_x86_64"
    assert caught.value.hint == "the widest label that is true is macosx_10_13_x86_64; --force writes it all the same"
    assert caught.value.reasons == (
        "hello/_hello.so needs macOS 10.13 in its x86_64 slice (allowed since macosx_10_13_x86_64)",
    )
    assert [path.name for path in tmp_path.iterdir()] == [wheel.name]
    assert tags_of(retag(wheel, platform_tag="macosx_10_13_x86_64").path) == "cp310-abi3-macosx_10_13_x86_64"


def test_force_writes_what_is_not_true_and_says_so(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    done = retag(wheel, platform_tag="win_amd64", python_tag="py3", abi_tag="none", force=True)
    assert tags_of(done.path) == "py3-none-win_amd64"
    (forced,) = done.plan.forced
    assert (forced.tag, forced.reasons) == ("win_amd64", ("the wheel holds machine code of Linux, not of Windows",))
    assert "win_amd64 is not true: the wheel holds machine code of Linux, not of Windows (forced)" in done.notices
    require_sound(done.path)


@pytest.mark.parametrize("wish", ["any", "+any", "auto.any"])
def test_native_code_is_not_for_any_machine(wish: str, tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    with pytest.raises((RefusedError, UsageError)):
        retag(wheel, platform_tag=wish)


@pytest.mark.parametrize(
    ("kind", "tags"),
    [
        ("linux", "cp310-abi3-manylinux1_x86_64.manylinux_2_5_x86_64"),
        ("mac", "cp310-abi3-macosx_10_9_x86_64.macosx_12_0_arm64"),
        ("pure", "py3-none-any"),
    ],
)
def test_auto_is_what_the_machine_code_proves(kind: str, tags: str, tmp_path: Path) -> None:
    wheel = {
        "linux": lambda: linux_wheel(tmp_path),
        "mac": lambda: mac_wheel(tmp_path, "cp310-abi3-macosx_14_0_universal2", x86_64="10.9", arm64="12.0"),
        "pure": lambda: pure_wheel(tmp_path, "py3-none-win32"),
    }[kind]()
    done = retag(wheel, platform_tag="auto")
    assert tags_of(done.path) == tags
    require_sound(done.path)
    again = retag(done.path, platform_tag="auto")
    assert (again.path, again.written) == (done.path, False)


def test_auto_is_refused_where_nothing_is_proved(tmp_path: Path) -> None:
    needy = hello_wheel(tmp_path, {"hello/x.so": odd("needs-libldap.so")}, tag="cp310-abi3-manylinux_2_17_x86_64")
    with pytest.raises(RefusedError, match="proves no platform tag") as caught:
        retag(needy, platform_tag="auto")
    assert any("libldap" in reason for reason in caught.value.reasons)
    windows = hello_wheel(tmp_path / "w", {"hello/x.pyd": PE}, tag="cp310-abi3-manylinux_2_17_x86_64")
    with pytest.raises(RefusedError) as caught:
        retag(windows, platform_tag="auto")
    not_linux = "the wheel holds machine code of Windows, not of Linux"
    assert caught.value.reasons == (not_linux, "hello/x.pyd is a Windows file, which is not judged")


@pytest.mark.parametrize(
    ("member", "content", "helps"), [("x.so", odd("needs-libldap.so"), True), ("x.pyd", PE, False)]
)
def test_a_repair_is_proposed_where_it_may_mend_something(
    member: str,
    content: Path | bytes,
    helps: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    wheel = hello_wheel(tmp_path, {f"hello/{member}": content}, tag="cp310-abi3-manylinux_2_17_x86_64")
    with pytest.raises(RefusedError, match="proves no platform tag") as caught:
        retag(wheel, platform_tag="auto")
    assert ("`truewheel repair` may mend it" in caught.value.hint) is helps


def test_a_tag_that_is_already_there_needs_no_ground(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path)
    plan = planned(wheel, platform_tag=("+manylinux_2_17_x86_64",))
    assert (plan.grounds, plan.changes_nothing) == ((), True)


def test_a_name_that_wheel_contradicts_vouches_for_nothing(tmp_path: Path) -> None:
    """The wheels of 2014 were renamed by hand; WHEEL kept what was built."""
    wheel = hello_wheel(
        tmp_path,
        {"hello/_hello.so": odd("glibc-2.38.so")},
        tag="cp310-abi3-manylinux_2_17_x86_64",
        wheel_tags=("cp310-abi3-linux_x86_64",),
    )
    with pytest.raises(RefusedError, match="cannot truly be called manylinux_2_28_x86_64 ") as caught:
        retag(wheel, platform_tag="manylinux_2_28_x86_64")
    assert caught.value.hint.startswith("the widest label that is true is manylinux_2_38_x86_64")
    with pytest.raises(RefusedError, match="cannot truly be called manylinux_2_17_x86_64 "):
        retag(wheel, platform_tag="+manylinux_2_17_x86_64")
    done = retag(wheel, build="1")
    assert done.notices == ("the WHEEL file and the file name disagree about the tags; the file name is believed",)


@pytest.mark.parametrize("platform", ["win_amd64", "macosx_11_0_arm64", "manylinux_2_5_i686", "any"])
def test_a_wheel_without_machine_code_may_have_any_platform(platform: str, tmp_path: Path) -> None:
    done = retag(pure_wheel(tmp_path, "py3-none-linux_x86_64"), platform_tag=platform)
    assert tags_of(done.path) == f"py3-none-{platform}"
    assert done.plan.root_is_purelib is None
    require_sound(done.path)


@pytest.mark.parametrize(
    ("files", "before", "choices", "untrue"),
    [
        ("linux", "manylinux_2_17_x86_64", {"platform_tag": "manylinux_2_28_x86_64"}, "manylinux_2_28_x86_64"),
        ("linux", "manylinux_2_17_x86_64", {"platform_tag": "+manylinux_2_40_x86_64"}, "manylinux_2_17_x86_64"),
        ("linux", "manylinux_2_17_x86_64", {"legacy_aliases": True}, "manylinux2014_x86_64 or manylinux_2_17_x86_64"),
        ("linux", "manylinux_2_17_x86_64", {"profiles": "pip>=6"}, "manylinux2014_x86_64 or manylinux_2_17_x86_64"),
        ("mac", "macosx_10_6_intel", {"platform_tag": "macosx_10_8_intel"}, "macosx_10_8_intel"),
        (
            "mac",
            "macosx_10_6_intel",
            {"platform_tag": "macosx_10_6_intel.macosx_10_9_intel.macosx_10_9_x86_64"},
            "macosx_10_6_intel",
        ),
        ("mac", "macosx_10_6_intel", {"profiles": "pip-1.5"}, "macosx_10_6_intel"),
        ("mac", "macosx_10_6_intel", {"profiles": "apple"}, "macosx_10_6_intel"),
    ],
)
def test_a_new_name_does_not_spread_an_old_lie(
    files: str, before: str, choices: dict[str, Any], untrue: str, tmp_path: Path
) -> None:
    if files == "linux":
        wheel = linux_wheel(tmp_path, f"cp34-abi3-{before}", files={"hello/y.so": odd("glibc-2.38.so")})
    else:
        wheel = mac_wheel(tmp_path, f"cp34-cp34m-{before}", i386="10.9", x86_64="10.9")
    with pytest.raises(RefusedError) as caught:
        retag(wheel, **choices)
    assert caught.value.what == f"cannot truly be called {untrue}"
    widest = "manylinux_2_38_x86_64" if files == "linux" else "macosx_10_9_intel"
    assert caught.value.hint.startswith(f"the widest label that is true is {widest}")


def test_an_old_lie_alone_is_left_to_check(tmp_path: Path) -> None:
    """Where no tag is new, nothing gets less true."""
    wheel = linux_wheel(tmp_path, "cp310-abi3-manylinux_2_17_x86_64", files={"hello/y.so": odd("glibc-2.38.so")})
    assert retag(wheel, build="1").written
    assert retag(wheel, python_tag="cp312").written


def test_auto_tells_what_the_tags_rest_on(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, "cp310-abi3-manylinux_2_17_x86_64", files={"hello/y.so": odd("glibc-2.38.so")})
    done = retag(wheel, platform_tag="auto")
    (ground,) = done.plan.grounds
    assert (ground.tag, ground.basis) == ("manylinux_2_38_x86_64", "proved")
    assert ground.reasons[0].startswith("hello/y.so needs GLIBC_2.38")
    again = planned(done.path, platform_tag=("auto",))
    assert again.changes_nothing
    assert again.grounds == done.plan.grounds
    pure = planned(pure_wheel(tmp_path), platform_tag=("auto",))
    assert [ground.reasons for ground in pure.grounds] == [("the wheel holds no machine code",)]


def test_many_files_that_ask_for_as_much_are_counted(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {f"hello/x{number}.so": odd("glibc-2.38.so") for number in range(5)}
    wheel = hello_wheel(tmp_path, files, tag="cp310-abi3-linux_x86_64")
    (ground,) = planned(wheel, platform_tag=("auto",)).grounds
    assert len(ground.reasons) == 4
    assert ground.reasons[-1] == "and 2 more such"


def test_windows_tags_rest_on_the_machine(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {"hello/x.pyd": pe(0x8664), "hello/y.dll": pe(0x8664)}
    (ground,) = planned(hello_wheel(tmp_path, files, tag="cp310-abi3-win32"), platform_tag=("auto",)).grounds
    assert (ground.tag, ground.reasons) == ("win_amd64", ("hello/x.pyd is machine code for win_amd64",))


NUMPY = ("python.org", "apple", "homebrew")
NAME_OF_2014 = "cp34-cp34m-macosx_10_6_intel.macosx_10_9_intel.macosx_10_9_x86_64"


def test_the_name_of_2014_can_be_made_for_a_wheel_that_deserves_it(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, "cp34-cp34m-macosx_10_6_intel", i386="10.6", x86_64="10.6")
    done = retag(wheel, profiles=NUMPY)
    assert tags_of(done.path) == NAME_OF_2014
    assert {ground.basis for ground in done.plan.grounds} == {"proved"}
    require_sound(done.path)
    assert not retag(done.path, profiles=NUMPY).written


@pytest.mark.parametrize("tags", ["cp34-cp34m-macosx_10_6_intel", NAME_OF_2014])
def test_it_is_refused_for_a_wheel_that_needs_a_newer_system(tags: str, tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, tags, i386="10.9", x86_64="10.9")
    with pytest.raises(RefusedError) as caught:
        retag(wheel, profiles=NUMPY)
    assert caught.value.what == "cannot truly be called macosx_10_6_intel"
    assert "macosx_10_9_intel" in caught.value.hint
    done = retag(wheel, platform_tag="macosx_10_9_intel", profiles=NUMPY[1:])
    assert tags_of(done.path) == "cp34-cp34m-macosx_10_9_intel.macosx_10_9_x86_64"


def test_generations_of_installers_get_what_is_true(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, "cp34-cp34m-macosx_10_9_intel", i386="10.9", x86_64="10.9")
    done = retag(wheel, profiles="pip-1.5")
    assert tags_of(done.path) == "cp34-cp34m-macosx_10_9_intel.macosx_10_9_x86_64"
    assert done.notices == (
        "macosx_10_6_intel is not added for pip-1.5: it is not true",
        "macosx_10_5_x86_64 is not added for pip-1.5: it is not true",
    )


@pytest.mark.parametrize("kind", ["linux", "arm64"])
def test_a_profile_of_other_systems_adds_nothing_and_says_so(kind: str, tmp_path: Path) -> None:
    tag = "cp310-abi3-macosx_11_0_arm64"
    wheel = linux_wheel(tmp_path) if kind == "linux" else mac_wheel(tmp_path, tag, arm64="11.0")
    done = retag(wheel, profiles="homebrew")
    assert not done.written
    assert done.notices == (f"the profile homebrew adds nothing to {tags_of(wheel).rpartition('-')[2]}",)


def test_every_tag_of_a_profile_is_proved(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, "cp310-abi3-macosx_14_0_universal2", x86_64="10.9", arm64="11.0")
    plan = planned(wheel, platform_tag=("auto",), profiles=("pip>=6",))
    assert grounds(plan) == [
        ("macosx_10_9_universal2", "proved", ()),
        ("macosx_10_9_x86_64", "proved", ()),
        ("macosx_11_0_arm64", "proved", ()),
        ("macosx_11_0_universal2", "proved", ()),
    ]
    assert plan.grounds[1].reasons == ("hello/_hello.so needs macOS 10.9 in its x86_64 slice, and no file needs more",)


def test_what_follows_from_a_forced_tag_is_judged_by_itself(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, "cp310-abi3-macosx_14_0_x86_64", x86_64="10.9")
    plan = planned(wheel, platform_tag=("macosx_10_6_universal2",), profiles=("pip>=6",), force=True)
    assert [(tag, basis) for tag, basis, _ in grounds(plan)] == [
        ("macosx_10_6_universal2", "forced"),
        ("macosx_10_6_x86_64", "forced"),
        ("macosx_11_0_arm64", "forced"),
        ("macosx_11_0_universal2", "forced"),
    ]


def test_a_profile_of_your_own_is_held_to_the_same(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    wheel = linux_wheel(tmp_path)
    file.write_text('[profiles.fleet]\nnames = ["manylinux_2_12_x86_64"]\n[profiles.bad]\nnames = ["macosx_13"]\n')
    done = retag(wheel, profiles="fleet", profile_file=file)
    assert tags_of(done.path) == "cp310-abi3-manylinux_2_12_x86_64.manylinux_2_17_x86_64"
    with pytest.raises(UsageError, match="macosx_13 is no macOS tag"):
        retag(wheel, profiles="bad", profile_file=file)


def test_modules_say_which_python(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {"hello/_x.cpython-310-x86_64-linux-gnu.so": b""}
    wheel = hello_wheel(tmp_path, files, tag="cp310-cp310-linux_x86_64")
    with pytest.raises(RefusedError) as caught:
        retag(wheel, python_tag="cp311", abi_tag="cp311")
    assert caught.value.what == "cannot truly be called cp311-cp311"
    assert caught.value.hint == "--force writes it all the same"
    assert caught.value.reasons == (
        "hello/_x.cpython-310-x86_64-linux-gnu.so is for CPython 3.10 alone, not for CPython 3.11",
    )
    assert grounds(planned(wheel, abi_tag=("none",))) == [("cp310-none", "proved", ())]


def test_many_reasons_are_shortened(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {f"hello/_{number:02}.cpython-310-darwin.so": b"" for number in range(13)}
    wheel = hello_wheel(tmp_path, files, tag="cp310-cp310-linux_x86_64")
    with pytest.raises(RefusedError) as caught:
        retag(wheel, python_tag="py3", abi_tag="none")
    assert len(caught.value.reasons) == 11
    assert caught.value.reasons[-1] == "and 3 more such"


@pytest.mark.parametrize(
    ("choices", "what"),
    [
        ({"python_tag": "cp312", "abi_tag": "cp311"}, "no installer looks for cp312 in cp312-cp311"),
        ({"abi_tag": "+cp312"}, "no installer looks for cp312 in cp310-abi3.cp312"),
        ({"python_tag": "py3"}, "no installer looks for py3 in py3-abi3"),
    ],
)
def test_python_and_abi_tags_that_never_meet_are_refused(choices: dict[str, Any], what: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=what):
        retag(linux_wheel(tmp_path), **choices)


@pytest.mark.parametrize("wish", ["auto", "any", "+any"])
def test_an_abi_is_for_some_machine(wish: str, tmp_path: Path) -> None:
    """packaging makes `cp312-none-any` and `py3-none-any`, and no pair of another ABI with `any`."""
    wheel = pure_wheel(tmp_path, "cp312-cp312-manylinux_2_17_x86_64")
    with pytest.raises(UsageError, match="no installer looks for cp312 in cp312-") as caught:
        retag(wheel, platform_tag=wish)
    assert "--abi-tag none" in caught.value.hint
    done = retag(wheel, platform_tag="auto", abi_tag="none")
    assert tags_of(done.path) == "cp312-none-any"


def test_a_wheel_whose_abi_is_odd_already_can_be_given_a_build_tag(tmp_path: Path) -> None:
    assert retag(pure_wheel(tmp_path, "cp312-cp312-any"), build="1").written


@pytest.mark.parametrize(
    ("choices", "what"),
    [
        ({}, "nothing is asked for"),
        ({"abi_tag": ("universal2",)}, "universal2 is the last part of a platform tag"),
        ({"platform_tag": ("macosx_13_arm64",)}, "macosx_13_arm64 is a tag that no installer looks for"),
        ({"platform_tag": ("+a.-b",)}, "a sign stands before a tag that is not the first"),
        ({"build": "abc"}, "'abc' is no build tag"),
        ({"build": "1-2"}, "'1-2' is no build tag"),
        ({"local_version": "a b"}, "'a b' is no local version"),
        ({"trust": Trust.WHEEL}, "says what `--normalize` believes"),
        ({"build": "1", "jobs": 0}, "at least one thread"),
    ],
)
def test_wishes_without_a_meaning_are_refused(choices: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what.replace("+", r"\+")):
        RetagOptions(**choices).require_sense()


def test_a_bad_tag_may_be_taken_away(tmp_path: Path) -> None:
    wheel = mac_wheel(tmp_path, "cp310-abi3-macosx_11_0_arm64.macosx_11_2_arm64", arm64="11.0")
    done = retag(wheel, platform_tag="-macosx_11_2_arm64")
    assert tags_of(done.path) == "cp310-abi3-macosx_11_0_arm64"
    assert retag(done.path, platform_tag="-macosx_11_2_arm64").notices == (
        "--platform-tag -macosx_11_2_arm64: no such tag",
    )


def test_one_tag_of_each_axis_must_be_left(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no abi tag would be left"):
        retag(linux_wheel(tmp_path), abi_tag="-abi3")


def test_capitals_become_lower_case(tmp_path: Path) -> None:
    done = retag(pure_wheel(tmp_path), platform_tag="WIN_AMD64")
    assert tags_of(done.path) == "py3-none-win_amd64"
    assert done.notices == ("WIN_AMD64 was written in lower case",)


def test_older_names_come_and_go(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, "cp310-abi3-manylinux2014_x86_64")
    both = retag(wheel, legacy_aliases=True).path
    assert tags_of(both) == "cp310-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64"
    for before in (wheel, both):
        assert tags_of(retag(before, legacy_aliases=False).path) == "cp310-abi3-manylinux_2_17_x86_64"


MAC = st.builds(
    "macosx_{0[0]}_{0[1]}_{1}".format,
    st.sampled_from([(10, 6), (10, 9), (10, 13), (10, 16), (11, 0), (12, 0), (14, 0)]),
    st.sampled_from(["x86_64", "universal2", "intel"]),
) | st.sampled_from(["macosx_11_0_arm64", "macosx_12_0_arm64", "macosx_14_0_arm64"])
LINUX = st.builds(
    "{}_{}_x86_64".format, st.just("manylinux"), st.sampled_from(["2_5", "2_12", "2_17", "2_28", "2_38"])
) | st.sampled_from(["manylinux1_x86_64", "manylinux2014_x86_64", "manylinux_2_28_aarch64", "musllinux_1_2_x86_64"])
PLATFORMS = MAC | LINUX | st.sampled_from(["any", "win_amd64", "linux_x86_64"])


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return wheels for macOS, with a name that is not true, for Linux, with another, and for any machine."""
    folder = tmp_path_factory.mktemp("wheels")
    mac = mac_wheel(folder / "mac", "cp310-abi3-macosx_10_9_universal2", x86_64="10.9", arm64="12.0")
    return {
        "mac": mac,
        "linux": linux_wheel(folder / "linux", files={"hello/y.so": odd("glibc-2.38.so")}),
        "pure": pure_wheel(folder / "pure"),
    }


@settings(max_examples=60)
@given(st.sampled_from(["mac", "linux", "pure"]), st.sets(PLATFORMS, min_size=1, max_size=3))
def test_a_tag_is_refused_exactly_when_the_proof_is_against_it(
    wheels: dict[str, Path], kind: str, platforms: set[str]
) -> None:
    with WheelReader.open(wheels[kind]) as reader:
        proved = proof.prove(reader).once_platlib()
        present = set(reader.name.platform)
    untrue = {tag for tag in platforms if proved.against(tag)} if platforms - present else set()
    with TemporaryDirectory() as folder:
        if not untrue:
            done = retag(wheels[kind], Path(folder), platform_tag=".".join(sorted(platforms)))
            assert tags_of(done.path).rpartition("-")[2] == ".".join(sorted(platforms))
            require_readable(done.plan)
            return
        with pytest.raises(RefusedError) as caught:
            retag(wheels[kind], Path(folder), platform_tag=".".join(sorted(platforms)))
        assert set(caught.value.what.removeprefix("cannot truly be called ").split(" or ")) == untrue
        require_readable(retag(wheels[kind], Path(folder), platform_tag=".".join(sorted(platforms)), force=True).plan)


def require_readable(plan: RetagPlan) -> None:
    """Fail when a plan that was made is not taken for one, because something in it does not agree."""
    assert RetagPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


WISHES = st.fixed_dictionaries(
    {},
    optional={
        "python_tag": st.sampled_from([("+cp312",), ("cp39",), ("-cp310", "+cp311"), ("py3",)]),
        "abi_tag": st.sampled_from([("+none",), ("none",)]),
        "platform_tag": st.sampled_from(
            [("auto",), ("+manylinux_2_28_x86_64",), ("-manylinux1_x86_64",), ("manylinux_2_5_x86_64",), ("+auto",)]
        ),
        "build": st.sampled_from(["", "1", "12abc"]),
        "legacy_aliases": st.booleans(),
        "profiles": st.sampled_from([("pip>=6",), ("uv",)]),
        "normalize": st.booleans(),
        "keep_order": st.booleans(),
        "local_version": st.sampled_from(["", "cpu", "+cu12.8"]),
    },
)


@settings(max_examples=60)
@given(WISHES)
@example({"local_version": "cpu", "platform_tag": ("auto",)})
def test_to_retag_twice_is_to_retag_once(wishes: dict[str, Any]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        tags = ("cp310-abi3-manylinux1_x86_64", "cp310-abi3-manylinux_2_17_x86_64")
        wheel = linux_wheel(folder, "cp310-abi3-manylinux_2_17_x86_64.manylinux1_x86_64", wheel_tags=tags)
        try:
            once = retag(wheel, folder / "once", **wishes)
        except (RefusedError, UsageError):
            return
        require_sound(once.path)
        require_readable(once.plan)
        twice = retag(once.path, folder / "twice", **wishes)
        assert twice.plan.changes_nothing
        assert twice.path.name == once.path.name
        assert twice.path.read_bytes() == once.path.read_bytes()
        again = retag(wheel, folder / "once", **wishes)
        assert (again.path, again.written) == (once.path, False)


def test_a_tag_that_stands_twice_in_the_name_is_written_once(tmp_path: Path) -> None:
    wheel = pure_wheel(tmp_path).rename(tmp_path / "hello-1.0-py3-none-any.any.whl")
    for choices in ({"platform_tag": "any"}, {"build": "2"}):
        done = retag(wheel, tmp_path / "out", **choices)
        assert done.path.name.endswith("-py3-none-any.whl")
