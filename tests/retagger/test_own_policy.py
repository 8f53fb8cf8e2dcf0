"""Retag by a policy of the user's own: what `auto` stands for then, and who decides about the tags that it gives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.fixtures import family, odd
from support.hello import hello_wheel
from support.retags import for_android, linux_wheel, mac_wheel, planned, pure_wheel, retag, tags_of
from truewheel.archive.reader import WheelReader
from truewheel.errors import RefusedError, UsageError
from truewheel.platforms.own_policy import OwnPolicy
from truewheel.platforms.verdict import sentences
from truewheel.retagger.proof import prove
from truewheel.retagger.retag_options import RetagOptions, Trust
from truewheel.retagger.retag_plan import RetagPlan

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.retagger.retag_plan import Ground

IMAGE = OwnPolicy("acme_2024", "manylinux_2_17", tags=("linux", "acme"), allow=("libtone.so.2",))
"""An image whose wheels any pip may take, with one library more."""
CHANNEL = OwnPolicy("channel", "manylinux_2_17", ("x86_64",), ("conda_main",), symbols=(("GLIBC", "2.31"),))
NEW = {"hello/x.so": odd("glibc-2.38.so")}


def needy_wheel(folder: Path) -> Path:
    """Write a wheel that needs libtone.so.2, which is not inside."""
    return hello_wheel(folder, {"hello/x.so": family("x86_64").greet}, tag="cp310-abi3-linux_x86_64")


def ground(plan: RetagPlan) -> Ground:
    """Return why the new tag may be written."""
    (found,) = [item for item in plan.grounds if item.tag not in plan.tags_before.split("-")[-1].split(".")]
    return found


def refused(wheel: Path, **choices: Any) -> RefusedError:  # noqa: ANN401 - the options'
    with pytest.raises(RefusedError) as caught:
        planned(wheel, **choices)
    return caught.value


def test_auto_stands_for_the_tags_of_the_policy(tmp_path: Path) -> None:
    done = retag(linux_wheel(tmp_path), platform_tag="auto", own_policy=IMAGE)
    assert tags_of(done.path) == "cp310-abi3-acme_x86_64.linux_x86_64"
    assert [(item.tag, item.basis, item.policy) for item in done.plan.grounds] == [
        ("acme_x86_64", "proved", "acme_2024"),
        ("linux_x86_64", "proved", "acme_2024"),
    ]
    assert done.notices == ()
    again = retag(done.path, platform_tag="auto", own_policy=IMAGE)
    assert (again.path, again.written) == (done.path, False)


def test_what_the_policy_has_beyond_its_base_counts(tmp_path: Path) -> None:
    wheel = needy_wheel(tmp_path)
    assert tags_of(retag(wheel, platform_tag="auto", own_policy=IMAGE).path).endswith("acme_x86_64.linux_x86_64")
    error = refused(wheel, platform_tag=("auto",), own_policy=CHANNEL)
    assert error.what == "does not keep the policy channel"
    assert error.reasons == ("hello/x.so needs libtone.so.2, which channel does not have",)
    assert error.hint == "`truewheel repair --policy FILE` bundles what it lacks"


def test_what_a_repair_and_what_a_build_mends_are_both_asked_for(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/x.so": family("x86_64").greet, "hello/y.so": odd("glibc-2.38.so")})
    assert refused(wheel, platform_tag=("auto",), own_policy=CHANNEL).hint == (
        "`truewheel repair --policy FILE` bundles what it lacks; and build it for channel, which has GLIBC up to 2.31"
    )


def test_a_wheel_for_another_c_library_is_refused_for_that_alone(tmp_path: Path) -> None:
    alpine = OwnPolicy("alpine", "musllinux_1_2")
    error = refused(linux_wheel(tmp_path), platform_tag=("auto",), own_policy=alpine)
    assert error.reasons == ("the wheel is linked against glibc, not against musl",)
    assert error.hint == "call it manylinux1_x86_64.manylinux_2_5_x86_64, which is true"


def test_auto_is_refused_with_the_symbols_that_the_policy_does_not_have(tmp_path: Path) -> None:
    error = refused(linux_wheel(tmp_path, files=NEW), platform_tag=("auto",), own_policy=CHANNEL)
    (sentence,) = error.reasons
    assert sentence.startswith("hello/x.so needs ")
    assert "GLIBC_2.38 of libc.so.6" in sentence
    assert error.hint == (
        "build it for channel, which has GLIBC up to 2.31; or call it manylinux_2_38_x86_64, which is true"
    )


@pytest.mark.parametrize("tag", ["conda_main_x86_64", "channel_x86_64", "+conda_main_x86_64"])
def test_a_tag_of_the_policy_is_judged_by_it(tag: str, tmp_path: Path) -> None:
    plan = planned(linux_wheel(tmp_path), platform_tag=(tag,), own_policy=CHANNEL)
    assert (ground(plan).basis, ground(plan).policy) == ("proved", "channel")
    newer = linux_wheel(tmp_path, "cp310-abi3-manylinux_2_38_x86_64", files=NEW)
    error = refused(newer, platform_tag=(tag,), own_policy=CHANNEL)
    assert error.what == f"cannot truly be called {tag.removeprefix('+')} by the policy channel"
    assert "GLIBC_2.38" in error.reasons[0]
    assert error.hint == (
        "build it for channel, which has GLIBC up to 2.31; or call it manylinux_2_38_x86_64, which is true; "
        "--force writes it all the same"
    )


def test_a_plain_linux_tag_is_judged_by_a_policy_that_gives_it_even_where_the_wheel_has_it(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, "cp310-abi3-linux_x86_64", files=NEW)
    assert planned(wheel, platform_tag=("linux_x86_64",)).changes_nothing
    assert "GLIBC_2.38" in refused(wheel, platform_tag=("linux_x86_64",), own_policy=IMAGE).reasons[0]
    assert planned(wheel, platform_tag=("linux_x86_64",), own_policy=CHANNEL).changes_nothing


def test_other_tags_are_judged_as_ever(tmp_path: Path) -> None:
    plan = planned(linux_wheel(tmp_path, files=NEW), platform_tag=("manylinux_2_38_x86_64",), own_policy=CHANNEL)
    assert (ground(plan).basis, ground(plan).policy) == ("implied", "")
    error = refused(linux_wheel(tmp_path, files=NEW), platform_tag=("manylinux_2_5_x86_64",), own_policy=CHANNEL)
    assert error.what == "cannot truly be called manylinux_2_5_x86_64"
    assert error.hint.startswith("the widest label that is true is manylinux_2_38_x86_64")


def test_a_tag_that_the_policy_contradicts_may_be_forced(tmp_path: Path) -> None:
    plan = planned(
        linux_wheel(tmp_path, files=NEW), platform_tag=("conda_main_x86_64",), own_policy=CHANNEL, force=True
    )
    assert (ground(plan).basis, ground(plan).policy) == ("forced", "channel")
    assert plan.notices[0].startswith("conda_main_x86_64 is not true by the policy channel: hello/x.so needs ")


def test_trusting_the_machine_code_is_to_trust_the_policy(tmp_path: Path) -> None:
    done = retag(linux_wheel(tmp_path), normalize=True, trust=Trust.BINARIES, own_policy=CHANNEL)
    assert tags_of(done.path) == "cp310-abi3-conda_main_x86_64"


def test_a_plan_keeps_the_name_of_the_policy(tmp_path: Path) -> None:
    plan = planned(linux_wheel(tmp_path), platform_tag=("auto",), own_policy=CHANNEL)
    data = json.loads(json.dumps(plan.to_json()))
    assert data["grounds"] == [
        {"tag": "conda_main_x86_64", "basis": "proved", "by": [], "reasons": [], "policy": "channel", "given": []}
    ]
    assert RetagPlan.from_json(data) == plan


def test_wheels_that_no_loader_of_linux_reads_are_as_without_a_policy(tmp_path: Path) -> None:
    mac = mac_wheel(tmp_path, "cp310-abi3-macosx_11_0_x86_64", x86_64="10.9")
    assert tags_of(retag(mac, platform_tag="auto", own_policy=CHANNEL).path) == "cp310-abi3-macosx_10_9_x86_64"
    pure = pure_wheel(tmp_path / "pure", "py3-none-win32")
    assert tags_of(retag(pure, platform_tag="auto", own_policy=CHANNEL).path) == "py3-none-any"
    error = refused(mac, platform_tag=("conda_main_x86_64",), own_policy=CHANNEL)
    assert error.reasons == ("the wheel holds machine code of macOS, not of Linux",)
    assert error.hint.startswith("call it macosx_10_9_x86_64, which is true; ")


def test_a_wheel_without_machine_code_may_have_the_tag(tmp_path: Path) -> None:
    plan = planned(pure_wheel(tmp_path), platform_tag=("conda_main_x86_64",), own_policy=CHANNEL)
    assert (ground(plan).basis, ground(plan).policy) == ("proved", "channel")


def test_a_wheel_for_android_keeps_its_tags(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"hello/x.so": for_android(62)}, tag="cp313-cp313-android_24_x86_64")
    plan = planned(wheel, platform_tag=("auto",), own_policy=CHANNEL)
    assert plan.changes_nothing


def test_a_wheel_with_the_tag_already_is_held_to_the_policy(tmp_path: Path) -> None:
    wheel = linux_wheel(tmp_path, "cp310-abi3-conda_main_x86_64", files=NEW)
    assert refused(wheel, platform_tag=("auto",), own_policy=CHANNEL).what == "does not keep the policy channel"
    assert planned(wheel, platform_tag=("auto",)).changes_nothing


@pytest.mark.parametrize("tag", ["conda_main", "channel", "+conda_main"])
def test_a_tag_without_an_architecture_is_wrong_usage(tag: str) -> None:
    with pytest.raises(UsageError, match="names no architecture") as caught:
        RetagOptions(platform_tag=(tag,), own_policy=CHANNEL).require_sense()
    assert caught.value.hint == f"such as {tag.removeprefix('+')}_x86_64, or auto"
    RetagOptions(platform_tag=(f"-{tag.removeprefix('+')}",), own_policy=CHANNEL).require_sense()


class TestArchitectures:
    def against(self, wheel: Path, tag: str, own: OwnPolicy) -> tuple[str, ...]:
        with WheelReader.open(wheel) as reader:
            return sentences(prove(reader, own=own).against(tag) or ())

    @pytest.mark.parametrize(
        ("tag", "said"),
        [
            ("conda_main_x86_64", ()),
            ("conda_main_aarch64", ("the wheel is machine code for x86_64, not for aarch64",)),
        ],
    )
    def test_a_tag_of_another_architecture_is_not_true(self, tag: str, said: tuple[str, ...], tmp_path: Path) -> None:
        assert self.against(linux_wheel(tmp_path), tag, CHANNEL) == said

    def test_a_policy_that_is_not_for_the_architecture_is_not_kept(self, tmp_path: Path) -> None:
        wheel = linux_wheel(tmp_path)
        own = OwnPolicy("arm", "manylinux_2_17", ("aarch64",), ("linux", "arm_image"))
        said = "the wheel is machine code for x86_64, which arm is not for"
        assert self.against(wheel, "arm_image_x86_64", own) == (said,)
        assert self.against(wheel, "linux_x86_64", own) == ()  # everybody's tag, which promises nothing
        assert refused(wheel, platform_tag=("auto",), own_policy=own).reasons == (said,)
