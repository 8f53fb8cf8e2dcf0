"""Which platform tags a wheel may carry, and what stands against the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.analyses import Built, image, one_file
from truewheel.analyzer.elf.image import ImageKind, Libc
from truewheel.errors import RefusedError, UsageError
from truewheel.platforms.linux.judge import judge
from truewheel.platforms.verdict import Rule
from truewheel.retagger.evidence import Label, decide_label, reasons_against, with_present

if TYPE_CHECKING:
    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.platforms.verdict import Verdict

NOW = ("linux_x86_64",)
FAMILY_2_17 = ("manylinux2014_x86_64", "manylinux_2_17_x86_64")


def glibc(version: str = "GLIBC_2.17", architecture: str = "x86_64") -> tuple[Verdict, ...]:
    content = image(version, needed=("libc.so.6",), architecture=architecture)
    return judge(one_file(content).analysis(architecture=architecture))


def musl() -> tuple[Verdict, ...]:
    return judge(one_file(image(needed=("libc.so",))).analysis(libc=Libc.MUSL))


def static() -> tuple[Verdict, ...]:
    return judge(one_file(image(dynamic=False, kind=ImageKind.EXECUTABLE)).analysis(libc=None))


def needs_outside(name: str) -> tuple[Verdict, ...]:
    built = Built().file("demo/x.so", image("GLIBC_2.4", needed=("libc.so.6",)))
    built.file(f"/l/{name}", image("GLIBC_2.4")).need("demo/x.so", name, f"/l/{name}")
    return judge(built.analysis())


def missing() -> tuple[Verdict, ...]:
    return judge(one_file(image("GLIBC_2.4", needed=("libgone.so.1",))).analysis())


def unknown_architecture() -> Analysis:
    return one_file(image(architecture="unsupported (EM_MIPS)")).analysis(architecture="unsupported (EM_MIPS)")


def test_the_oldest_promise_and_its_older_names_are_given() -> None:
    label = decide_label(glibc(), current=NOW)
    assert label.platforms == FAMILY_2_17
    assert label.policy.tag == "manylinux_2_17_x86_64"
    assert decide_label(glibc("GLIBC_2.28"), current=NOW).platforms == ("manylinux_2_28_x86_64",)
    assert decide_label(musl(), current=NOW).platforms == ("musllinux_1_1_x86_64",)


def test_a_program_that_asks_nothing_is_called_by_both_families() -> None:
    both = ("manylinux1_x86_64", "manylinux_2_5_x86_64", "musllinux_1_1_x86_64")
    assert decide_label(static(), current=NOW).platforms == both
    assert decide_label(static(), current=NOW, plat="musllinux").platforms == ("musllinux_1_1_x86_64",)
    assert decide_label(static(), current=NOW, plat="manylinux").platforms == both[:2]
    assert decide_label(static(), current=NOW, plat="manylinux_2_28", only_plat=True).platforms == (
        "manylinux_2_28_x86_64",
    )


def test_true_tags_stay_and_false_ones_go() -> None:
    current = ("manylinux1_x86_64", "manylinux_2_20_x86_64", "manylinux_2_28_x86_64", "musllinux_1_2_x86_64")
    stays = ("manylinux_2_20_x86_64", "manylinux_2_28_x86_64")
    assert decide_label(glibc(), current=current).platforms == (*FAMILY_2_17, *stays)
    assert decide_label(glibc(), current=current, only_plat=True).platforms == FAMILY_2_17


def test_tags_of_other_architectures_and_made_up_ones_go() -> None:
    current = ("manylinux_2_28_aarch64", "manylinux2015_x86_64", "any", "linux_x86_64")
    assert decide_label(glibc(), current=current).platforms == FAMILY_2_17


def test_tags_of_other_systems_are_left_alone() -> None:
    current = ("linux_x86_64", "macosx_10_9_x86_64", "win_amd64")
    expected = ("macosx_10_9_x86_64", "manylinux2014_x86_64", "manylinux_2_17_x86_64", "win_amd64")
    assert decide_label(glibc(), current=current).platforms == expected


@pytest.mark.parametrize("plat", ["manylinux_2_28", "manylinux_2_28_x86_64"])
def test_an_asked_for_promise_comes_with_the_older_ones_that_are_true(plat: str) -> None:
    label = decide_label(glibc(), current=NOW, plat=plat)
    assert label.platforms == (*FAMILY_2_17, "manylinux_2_28_x86_64")
    assert label.policy.name == "manylinux_2_17"


@pytest.mark.parametrize("plat", ["manylinux_2_28", "manylinux_2_28_x86_64"])
def test_only_the_asked_for_promise_is_named_on_request(plat: str) -> None:
    label = decide_label(glibc(), current=("manylinux_2_35_x86_64",), plat=plat, only_plat=True)
    assert label.platforms == ("manylinux_2_28_x86_64",)
    assert label.policy.name == "manylinux_2_28"


@pytest.mark.parametrize("plat", ["manylinux2014", "manylinux2014_x86_64", "manylinux_2_17"])
def test_a_promise_may_be_asked_for_by_any_of_its_names(plat: str) -> None:
    assert decide_label(glibc(), current=NOW, plat=plat, only_plat=True).platforms == FAMILY_2_17


def test_an_older_promise_that_would_bundle_more_is_not_added() -> None:
    verdicts = needs_outside("libexpat.so.1")
    assert decide_label(verdicts, current=NOW).policy.name == "manylinux_2_5"
    label = decide_label(verdicts, current=NOW, plat="manylinux_2_28")
    assert label.policy.name == "manylinux_2_12"
    assert label.platforms == ("manylinux2010_x86_64", "manylinux_2_12_x86_64", "manylinux_2_28_x86_64")


def test_symbol_versions_of_glibc_are_judged_by_their_numbers() -> None:
    """PEP 600 promises a glibc, whether or not auditwheel has a policy of that number."""
    assert reasons_against(glibc("GLIBC_2.29"), "manylinux_2_29_x86_64") == ()
    assert reasons_against(glibc("GLIBC_2.29"), "manylinux_2_30_x86_64") == ()
    (reason,) = reasons_against(glibc("GLIBC_2.30"), "manylinux_2_29_x86_64") or ()
    assert reason.symbol == "GLIBC_2.30"
    assert reasons_against(glibc("GLIBC_2.9"), "manylinux_2_8_x86_64")
    assert reasons_against(glibc("GLIBCXX_3.4.26"), "manylinux_2_29_x86_64")  # which GCC 9 brought, not glibc
    assert reasons_against(glibc("GLIBC_2.42"), "manylinux_2_42_x86_64") == ()


def test_a_true_promise_between_two_policies_stays() -> None:
    between = ("manylinux_2_29_x86_64",)
    assert decide_label(glibc("GLIBC_2.29"), current=between).platforms == between
    newer = ("manylinux_2_31_x86_64",)
    assert decide_label(glibc("GLIBC_2.29"), current=NOW).platforms == newer
    assert decide_label(glibc("GLIBC_2.30"), current=between).platforms == newer
    assert decide_label(glibc("GLIBC_2.29"), current=between, only_plat=True).platforms == newer


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (("manylinux_2_30_x86_64", "manylinux_2_29_x86_64"), ("manylinux_2_29_x86_64",)),
        (("manylinux_2_28_x86_64", "manylinux_2_35_x86_64", "linux_x86_64"), ("manylinux_2_31_x86_64",)),
    ],
)
def test_of_present_promises_the_widest_true_one_stays(present: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert with_present(glibc("GLIBC_2.29"), present, ("manylinux_2_31_x86_64",)) == expected


def test_a_promise_newer_than_every_policy_stays_where_it_is_true() -> None:
    assert with_present(glibc("GLIBC_2.42"), ("manylinux_2_42_x86_64", "manylinux_2_41_x86_64"), ()) == (
        "manylinux_2_42_x86_64",
    )


def test_a_tag_of_the_family_that_is_not_asked_for_goes() -> None:
    current = ("manylinux_2_5_x86_64", "musllinux_1_0_x86_64")
    expected = ("manylinux1_x86_64", "manylinux_2_5_x86_64")
    assert decide_label(static(), current=current, plat="manylinux").platforms == expected


def test_a_proved_plain_tag_of_an_older_machine_stays() -> None:
    (verdict,) = glibc(architecture="armv7l")
    proved = (verdict._replace(machines=(("armv6l", ()), ("armv7l", ()))),)
    policies = ("manylinux2014_armv7l", "manylinux_2_17_armv7l")
    current = ("linux_armv6l", "linux_armv7l")
    assert with_present(proved, current, policies) == ("linux_armv6l", *policies)
    assert decide_label(proved, current=current).platforms == ("linux_armv6l", *policies)
    assert decide_label((verdict,), current=current).platforms == policies


def test_a_promise_that_cannot_be_kept_is_refused_with_every_reason() -> None:
    with pytest.raises(RefusedError) as caught:
        decide_label(glibc("GLIBC_2.34"), current=NOW, plat="manylinux2014")
    assert caught.value.what == "cannot be called manylinux2014_x86_64"
    assert caught.value.reasons == ("demo/_x.abi3.so needs GLIBC_2.34 of libc.so.6 (allowed since manylinux_2_34)",)
    assert caught.value.hint == "the most portable label it can have is manylinux_2_34_x86_64"


def test_a_wheel_that_keeps_no_promise_is_refused() -> None:
    with pytest.raises(RefusedError, match="no manylinux label is true") as caught:
        decide_label(glibc("GLIBC_2.99"), current=NOW)
    assert caught.value.reasons == ("demo/_x.abi3.so needs GLIBC_2.99 of libc.so.6",)
    with pytest.raises(RefusedError) as caught:
        decide_label(glibc("GLIBC_2.99"), current=NOW, plat="manylinux_2_28")
    assert "--plat linux" in caught.value.hint


@pytest.mark.parametrize("plat", ["musllinux", "musllinux_1_2", "musllinux_1_2_x86_64"])
def test_the_other_family_is_refused(plat: str) -> None:
    with pytest.raises(RefusedError, match="cannot be called musllinux") as caught:
        decide_label(glibc(), current=NOW, plat=plat)
    assert caught.value.reasons == ("the wheel is linked against glibc, not against musl",)
    assert caught.value.hint == "the most portable label it can have is manylinux_2_17_x86_64"


@pytest.mark.parametrize(
    "plat",
    ["manylinux_2_28_aarch64", "manylinux_2_20", "manylinux2015", "linux_aarch64", "win_amd64", "nonsense", "", "any"],
)
def test_a_platform_that_is_none_for_the_wheel_is_a_mistake_of_the_caller(plat: str) -> None:
    with pytest.raises(UsageError) as caught:
        decide_label(glibc(), current=NOW, plat=plat)
    assert "manylinux1_x86_64, manylinux_2_5_x86_64" in caught.value.hint
    assert "musllinux_1_2_x86_64" in caught.value.hint


@pytest.mark.parametrize("plat", ["linux", "linux_x86_64"])
def test_the_plain_label_promises_nothing(plat: str) -> None:
    label = decide_label(glibc("GLIBC_2.99"), current=("manylinux_2_17_x86_64",), plat=plat)
    assert label.platforms == ("linux_x86_64",)
    assert label.policy.tag == "manylinux_2_41_x86_64"


def test_the_plain_label_still_brings_libraries_along() -> None:
    assert decide_label(needs_outside("libfoo.so.1"), current=NOW, plat="linux").platforms == ("linux_x86_64",)


def test_a_library_that_is_nowhere_is_missed_under_the_plain_label_too() -> None:
    with pytest.raises(RefusedError) as caught:
        decide_label(missing(), current=NOW, plat="linux")
    assert caught.value.reasons == ("demo/_x.abi3.so needs libgone.so.1, which was not found",)
    assert "--lib-path" in caught.value.hint
    with pytest.raises(RefusedError) as caught:
        decide_label(missing(), current=NOW)
    assert "--lib-path" in caught.value.hint


def test_an_architecture_without_policies_can_only_have_the_plain_label() -> None:
    verdicts = judge(unknown_architecture())
    with pytest.raises(RefusedError) as caught:
        decide_label(verdicts, current=("linux_mips64",))
    assert caught.value.reasons == ("manylinux has no policy for unsupported (EM_MIPS)",)
    label = decide_label(verdicts, current=("linux_mips64",), plat="linux")
    assert label.platforms == ("linux_mips64",)
    assert label.policy.name == "manylinux_2_41"
    with pytest.raises(RefusedError, match="architecture that no Linux label knows"):
        decide_label(verdicts, current=("any",), plat="linux")


def test_a_wheel_without_native_files_has_no_label() -> None:
    with pytest.raises(RefusedError, match="no native file"):
        decide_label((), current=("any",))
    assert reasons_against((), "manylinux_2_17_x86_64") is None


@pytest.mark.parametrize("tag", ["manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_20_x86_64"])
def test_nothing_stands_against_a_true_tag(tag: str) -> None:
    assert reasons_against(glibc(), tag) == ()


@pytest.mark.parametrize("tag", ["manylinux1_x86_64", "manylinux_2_16_x86_64", "manylinux_2_4_x86_64"])
def test_the_same_reasons_stand_against_every_older_tag(tag: str) -> None:
    found = reasons_against(glibc(), tag)
    assert found is not None
    assert [reason.symbol for reason in found] == ["GLIBC_2.17"]


@pytest.mark.parametrize(
    ("tag", "rule"),
    [
        ("any", Rule.ARCHITECTURE),
        ("linux_aarch64", Rule.ARCHITECTURE),
        ("manylinux_2_17_aarch64", Rule.ARCHITECTURE),
        ("musllinux_1_2_x86_64", Rule.LIBC),
    ],
)
def test_a_tag_of_another_kind_of_machine_is_false(tag: str, rule: Rule) -> None:
    found = reasons_against(glibc(), tag)
    assert found is not None
    assert [(reason.rule, reason.file) for reason in found] == [(rule, "the wheel")]


@pytest.mark.parametrize(
    "tag", ["linux_x86_64", "win_amd64", "macosx_10_9_x86_64", "manylinux2015_x86_64", "manylinux_2_17_x86_64_x86_64"]
)
def test_a_tag_that_promises_nothing_is_not_judged(tag: str) -> None:
    assert reasons_against(glibc(), tag) is None


def test_code_that_no_policy_is_for_contradicts_every_promise_and_plain_tags_of_other_processors() -> None:
    verdicts = judge(unknown_architecture())
    (reason,) = reasons_against(verdicts, "manylinux_2_17_x86_64") or ()
    assert (reason.rule, reason.detail) == (Rule.ARCHITECTURE, "is machine code for EM_MIPS, not for x86_64")
    assert reasons_against(verdicts, "linux_x86_64") == (reason,)
    assert reasons_against(verdicts, "linux_mips64") is None


def test_what_is_mendable_stands_against_a_tag_until_it_is_mended() -> None:
    found = reasons_against(needs_outside("libfoo.so.1"), "manylinux_2_17_x86_64")
    assert found is not None
    assert [(reason.rule, reason.mendable) for reason in found] == [(Rule.LIBRARY, True)]


def test_other_architectures_have_their_own_oldest_promise() -> None:
    verdicts = glibc("GLIBC_2.17", "aarch64")
    assert decide_label(verdicts, current=("linux_aarch64",)) == Label(
        ("manylinux2014_aarch64", "manylinux_2_17_aarch64"), verdicts[0].judgements[0].policy
    )
    assert reasons_against(verdicts, "manylinux_2_12_aarch64") == ()
