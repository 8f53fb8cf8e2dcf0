"""Explanations of a real wheel, by its fixtures, and of graphs made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.analyses import Built, glibc, image, one_file
from support.fixtures import family, odd, unrepaired_musl_wheel, unrepaired_wheel
from support.hello import hello_wheel
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.search_options import SearchOptions
from truewheel.archive.reader import WheelReader
from truewheel.errors import UsageError
from truewheel.explain import explain
from truewheel.explain.linux import explain_linux
from truewheel.platforms.linux.judge import judge

if TYPE_CHECKING:
    from pathlib import Path

    from truewheel.analyzer.elf.analyze import Analysis
    from truewheel.explain.model import Explanation

FAMILY = family("x86_64")


def about(wheel: Path, subject: str | None, *, libraries: bool = True) -> Explanation:
    search = SearchOptions(lib_paths=(FAMILY.folder,) if libraries else ())
    with WheelReader.open(wheel) as reader:
        return explain(reader, subject, search)


def by_hand(analysis: Analysis, subject: str | None) -> Explanation:
    """Explain an analysis made by hand; nothing of the wheel's file is read but its name."""
    with WheelReader.open(unrepaired_wheel("x86_64")) as reader:
        return explain_linux(reader, analysis, judge(analysis), subject)


HELLO = unrepaired_wheel("x86_64")


def texts(answer: Explanation) -> list[str]:
    return [line for finding in answer.findings for line in (finding.text, *finding.details)]


@pytest.mark.parametrize("subject", ["linux", "linux_x86_64"])
def test_the_plain_label_promises_nothing(subject: str) -> None:
    answer = about(HELLO, subject)
    assert answer.headline == "linux_x86_64 promises nothing about the system, so nothing forbids it"
    assert answer.findings == ()


def test_a_machine_that_nobody_knows_is_another_one_than_the_codes() -> None:
    answer = about(HELLO, "linux_foo_bar")
    assert answer.headline == "linux_foo_bar is forbidden by 1 fact"
    assert "not for foo_bar" in answer.findings[0].text


def test_the_plain_label_wants_its_libraries_nevertheless() -> None:
    answer = about(HELLO, "linux", libraries=False)
    assert answer.headline.endswith("; but 1 library must be found before the wheel can be repaired")
    assert answer.findings[0].text == "hello/_hello.abi3.so needs libgreet.so.1, which was not found"


def test_any_is_not_for_machine_code() -> None:
    assert about(HELLO, "any").headline == "any is forbidden by 1 fact"


def test_another_architecture_and_another_libc() -> None:
    assert texts(about(HELLO, "manylinux_2_17_aarch64")) == ["the wheel is machine code for x86_64, not for aarch64"]
    assert texts(about(HELLO, "musllinux_1_2")) == ["the wheel is linked against glibc, not against musl"]


def test_a_tag_that_a_repair_reaches() -> None:
    answer = about(HELLO, "manylinux2014")
    assert (answer.subject, answer.headline) == (
        "manylinux2014_x86_64",
        "manylinux2014_x86_64 is true once the wheel is repaired",
    )
    assert answer.findings[0].text == "a repair mends 2 facts:"


def test_a_tag_that_is_true(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"libtone.so": FAMILY.tone})
    assert about(wheel, "manylinux_2_17_x86_64").headline == "manylinux_2_17_x86_64 is true: nothing forbids it"


def test_a_tag_that_a_symbol_version_forbids(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"x.so": odd("relr.so")})
    answer = about(wheel, "manylinux_2_31")
    assert answer.headline.startswith("manylinux_2_31_x86_64 is forbidden by ")
    assert any(line.startswith("symbols: ") for line in texts(answer))
    assert any("; allowed since manylinux_2_" in line for line in texts(answer))


@pytest.mark.parametrize("tag", ["manylinux_17", "manylinux3000"])
def test_a_tag_that_does_not_exist(tag: str) -> None:
    with pytest.raises(UsageError, match="is no policy for this wheel") as caught:
        about(HELLO, tag)
    assert "manylinux_2_17_x86_64" in caught.value.hint


def test_without_a_subject_the_next_older_label_is_meant() -> None:
    built = one_file(glibc("GLIBC_2.2.5"))
    assert by_hand(built.analysis(), None).subject == "manylinux_2_5_x86_64"


def test_without_a_subject_where_no_label_is() -> None:
    answer = about(HELLO, None, libraries=False)
    assert answer.headline == "manylinux_2_41_x86_64 is forbidden by 1 fact"


def test_without_a_subject_where_a_floor_is(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"x.so": odd("relr.so")})
    answer = about(wheel, None)
    assert answer.subject == "manylinux_2_35_x86_64"
    assert "is forbidden by" in answer.headline


def test_an_architecture_without_policies() -> None:
    analysis = one_file(image(architecture="alpha")).analysis(architecture="alpha")
    with pytest.raises(UsageError, match="no platform tag can be judged: manylinux has no policy for alpha"):
        by_hand(analysis, None)


def test_a_library_where_no_policy_is() -> None:
    built = Built().file("a.so", image(architecture="alpha")).need("a.so", "liby.so", "/opt/liby.so")
    built.file("/opt/liby.so", image("Y_1@libz.so", architecture="alpha"))
    analysis = built.analysis(architecture="alpha")
    assert by_hand(analysis, "liby.so").headline == "liby.so is needed by 1 file"
    with pytest.raises(UsageError, match="nothing in"):
        by_hand(analysis, "Y_1")


def test_a_library_under_several_versions() -> None:
    built = Built().file("a.so", glibc()).file("/o/libx.so.1", glibc()).file("/o/libx.so.2", glibc())
    built.need("a.so", "libx.so.1", "/o/libx.so.1").need("a.so", "libx.so.2", "/o/libx.so.2")
    answer = by_hand(built.analysis(), "libx.so")
    assert [finding.text for finding in answer.findings] == [
        "/o/libx.so.1 comes by",
        "it is needed by 1 file",
        "/o/libx.so.2 comes by",
        "it is needed by 1 file",
    ]


@pytest.mark.parametrize("subject", ["libx.so.1", "/o/libx.so.1.2.3", "libx.so.1.2.3", "libx.so", "libx*"])
def test_the_names_of_a_library(subject: str) -> None:
    built = (
        Built().file("a.so", glibc()).file("/o/libx.so.1.2.3", glibc()).need("a.so", "libx.so.1", "/o/libx.so.1.2.3")
    )
    assert by_hand(built.analysis(), subject).headline.startswith(f"{subject} is needed by 1 file and comes along: ")


def test_a_name_that_is_not_searched_for() -> None:
    built = Built().file("a.so", glibc()).need("a.so", "libpython3.13.so.1.0", rule=SearchRule.INTERPRETER)
    answer = by_hand(built.analysis(), "libpython3.13.so.1.0")
    assert answer.headline.endswith("and stays outside: provided by the Python interpreter")
    assert "a.so needs libpython3.13.so.1.0 -> not searched for (provided by the Python interpreter)" in texts(answer)


def test_symbols_of_libraries_that_come_along_and_not_of_the_system() -> None:
    answer = about(HELLO, "GLIBC_2.2.5")
    assert answer.headline == "GLIBC_2.2.5 is needed by 3 files"  # and not by the system's own libm or libdl
    assert "by: hello/_hello.abi3.so > libgreet.so.1" in texts(answer)
    assert "symbols: snprintf" in texts(answer)


def test_a_symbol_of_a_library_that_comes_along() -> None:
    answer = about(HELLO, "tone_name")
    assert texts(answer) == ["libgreet.so.1 needs tone_name", "by: hello/_hello.abi3.so > libgreet.so.1"]


def test_a_version_without_symbols(tmp_path: Path) -> None:
    wheel = hello_wheel(tmp_path, {"x.so": odd("relr.so")})
    answer = about(wheel, "GLIBC_ABI_DT_RELR")
    assert "symbols: none; the version alone is demanded" in texts(answer)


def test_a_musl_wheel() -> None:
    wheel = unrepaired_musl_wheel()
    search = SearchOptions(lib_paths=(family("musl-x86_64").folder,))
    with WheelReader.open(wheel) as reader:
        answer = explain(reader, "libtone.so.2", search)
    assert "comes along: not every system of musllinux_1_" in answer.headline


@pytest.mark.parametrize(
    ("subject", "hint"),
    [("libtune.so.2", "did you mean libtone.so.2?"), ("xyz", "name a platform tag, a library as")],
)
def test_what_nothing_needs(subject: str, hint: str) -> None:
    with pytest.raises(UsageError, match="nothing in hello") as caught:
        about(HELLO, subject)
    assert caught.value.hint.startswith(hint)


def test_a_wheel_without_native_files() -> None:
    with pytest.raises(UsageError, match="has no native file"):
        by_hand(Built().analysis(libc=None, architecture=None), "libc.so.6")
