"""A policy of the user's own: read from a file, and judged as the others are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.cli import truewheel
from support.fixtures import family, unrepaired_wheel
from support.plans import reseal
from truewheel.analyzer.elf.image import Libc
from truewheel.errors import RefusedError, UsageError
from truewheel.platforms.linux.policies import is_allowed, newest_allowed, own_architecture, own_facts
from truewheel.platforms.own_policy import OwnPolicy, read_own_policy
from truewheel.platforms.verdict import Judgement, Reason, Rule, Verdict
from truewheel.retagger.evidence import decide_label, reasons_against

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
name = "acme_2024"
base = "manylinux_2_28"
architectures = ["x86_64"]
tags = ["linux", "acme_1"]
[libraries]
allow = ["libssl.so.3"]
refuse = ["libX11.so.6"]
[symbols]
GLIBC = "2.34"
OPENSSL = "3.0.0"
"""
ACME = OwnPolicy(
    name="acme_2024",
    base="manylinux_2_28",
    architectures=("x86_64",),
    tags=("linux", "acme_1"),
    allow=("libssl.so.3",),
    refuse=("libX11.so.6",),
    symbols=(("GLIBC", "2.34"), ("OPENSSL", "3.0.0")),
)
LIBRARIES = family("x86_64").folder


def written(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text)
    return path


def test_a_file_is_read(tmp_path: Path) -> None:
    assert read_own_policy(written(tmp_path, WHOLE)) == ACME


def test_most_may_be_left_unsaid(tmp_path: Path) -> None:
    text = 'name = "acme"\nbase = "musllinux_1_2"\n'
    assert read_own_policy(written(tmp_path, text)) == OwnPolicy("acme", "musllinux_1_2", tags=("linux",))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name = ", "is no TOML: "),
        ("", "`name` is missing"),
        ("name = 1", "`name` is 1"),
        ('name = "a"', "`base` is missing"),
        ('name = "a"\nbase = "b"\nmore = 1', "a policy has no `more`"),
        ('name = "a"\nbase = "b"\ntags = "linux"', "`tags` is 'linux'"),
        ('name = "a"\nbase = "b"\narchitectures = [1]', "`architectures` is [1]"),
        ('name = "a"\nbase = "b"\nlibraries = []', "`libraries` and `symbols` are tables"),
        ('name = "a"\nbase = "b"\nsymbols = 1', "`libraries` and `symbols` are tables"),
        ('name = "a"\nbase = "b"\n[libraries]\ndeny = []', "[libraries] has no `deny`"),
        ('name = "a"\nbase = "b"\n[symbols]\nGLIBC = 2.31', "the newest version of GLIBC is 2.31"),
        ('name = "a"\nbase = "b"\n[symbols]\nGLIBC = "new"', "the newest version of GLIBC is 'new'"),
        ('name = "A b"\nbase = "b"', "'A b' is no name"),
        ('name = "manylinux_2_99"\nbase = "b"', "'manylinux_2_99' is a name that promises something to others"),
        ('name = "manylinux2014"\nbase = "b"', "'manylinux2014' is a name that promises something to others"),
        ('name = "auto"\nbase = "b"', "'auto' is a name that promises something to others"),
        ('name = "a"\nbase = "b"\ntags = ["musllinux_1_2"]', "'musllinux_1_2' is a tag that promises something"),
        ('name = "a"\nbase = "b"\n[libraries]\nallow = ["x", "y"]\nrefuse = ["y"]', "y is allowed and refused"),
        ('name = "a"\nbase = "b"', "the base 'b' is no policy"),
        ('name = "a"\nbase = "manylinux_2_28"\narchitectures = ["x86"]', "is not for the architecture 'x86'"),
        ('name = "a"\nbase = "manylinux1"\narchitectures = ["aarch64"]', "is not for the architecture 'aarch64'"),
    ],
)
def test_what_is_not_understood_is_told(text: str, what: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_own_policy(path)
    assert what in caught.value.what
    assert caught.value.where == str(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_own_policy(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("libc.so.6", True),
        ("libssl.so.3", True),
        ("libX11.so.6", False),
        ("libXext.so.6", True),
        ("libpq.so.5", False),
        ("ld-linux-x86-64.so.2", True),
    ],
)
def test_libraries_are_those_of_the_base_but_for_what_is_said(library: str, allowed: bool) -> None:  # noqa: FBT001
    (policy,) = own_facts(ACME, "x86_64").policies
    assert is_allowed(policy, library) is allowed


@pytest.mark.parametrize(
    ("version", "allowed"),
    [
        ("GLIBC_2.34", True),
        ("GLIBC_2.33", True),
        ("GLIBC_2.2.5", True),
        ("GLIBC_2.35", False),
        ("GLIBC_2.100", False),
        ("GLIBC_PRIVATE", False),
        ("GLIBC_ABI_DT_RELR", False),
        ("OPENSSL_3.0.0", True),
        ("OPENSSL_3.2.0", False),
        ("OPENSSL_1_1_0", True),
        ("GLIBCXX_3.4.24", True),
        ("GLIBCXX_3.4.30", False),
        ("FOO_9", True),
    ],
)
def test_symbol_versions_up_to_the_newest(version: str, allowed: bool) -> None:  # noqa: FBT001
    assert (own_facts(ACME, "x86_64").version_from(version) == 0) is allowed


def test_a_newest_version_may_be_older_than_the_base_has() -> None:
    facts = own_facts(OwnPolicy("old", "manylinux_2_28", symbols=(("GLIBC", "2.17"),)), "x86_64")
    assert facts.version_from("GLIBC_2.17") == 0
    assert facts.version_from("GLIBC_2.18") == 1


@pytest.mark.parametrize(("glibc", "relr"), [("2.35", 1), ("2.36", 0)])
def test_relative_relocations_follow_the_glibc(glibc: str, relr: int) -> None:
    facts = own_facts(OwnPolicy("new", "manylinux_2_28", symbols=(("GLIBC", glibc),)), "x86_64")
    assert facts.relr == relr
    assert facts.version_from("GLIBC_ABI_DT_RELR") == relr


@pytest.mark.parametrize(("musl", "newer", "relr"), [("1.1.0", True, 1), ("1.2.5", False, 0)])
def test_functions_follow_the_musl(musl: str, newer: bool, relr: int) -> None:  # noqa: FBT001
    facts = own_facts(OwnPolicy("alpine", "musllinux_1_1", symbols=(("musl", musl),)), "x86_64")
    assert facts.libc is Libc.MUSL
    assert ("qsort_r" in facts.newer_symbols) is newer  # since musl 1.2.3
    assert facts.relr == relr


def test_without_a_word_about_it_the_facts_are_those_of_the_base() -> None:
    facts = own_facts(OwnPolicy("plain", "manylinux2014"), "x86_64")
    assert facts.version_from("GLIBC_2.17") == 0
    assert facts.version_from("GLIBC_2.18") == 1
    assert (facts.libraries["libmvec.so.1"], facts.libraries["libexpat.so.1"]) == (1, 0)
    assert facts.forbidden["libc.so.6"]["__cxa_thread_atexit_impl"] == 1
    assert own_facts(ACME, "x86_64").forbidden["libc.so.6"]["__cxa_thread_atexit_impl"] == 0
    musl = own_facts(OwnPolicy("plain", "musllinux_1_2"), "x86_64")
    assert "qsort_r" in musl.newer_symbols


@pytest.mark.parametrize("base", ["manylinux_2_99", "manylinux", "windows", "musllinux_9_9"])
def test_a_base_that_is_none_is_told(base: str) -> None:
    with pytest.raises(UsageError, match="is no policy"):
        own_facts(OwnPolicy("x", base), "x86_64")


def test_other_architectures_have_no_such_policy() -> None:
    assert not own_facts(ACME, "aarch64").defined
    assert not own_facts(OwnPolicy("x", "manylinux_2_5"), "s390x").defined
    assert not own_facts(OwnPolicy("x", "manylinux_2_28"), "sparc").defined
    assert own_facts(ACME, "x86_64").defined


@pytest.mark.parametrize(
    ("tag", "architecture"),
    [
        ("acme_2024_x86_64", "x86_64"),
        ("acme_1_x86_64", "x86_64"),
        ("acme_1_aarch64", "aarch64"),
        ("linux_x86_64", "x86_64"),
        ("linux_aarch64", None),
        ("acme_x86_64", None),
        ("acme_1", None),
        ("acme_1_0_x86_64", None),
        ("manylinux_2_28_x86_64", None),
        ("any", None),
    ],
)
def test_the_tags_that_a_policy_gives(tag: str, architecture: str | None) -> None:
    assert own_architecture(ACME, tag) == architecture


def test_a_plain_tag_is_given_for_the_architectures_of_the_base() -> None:
    own = OwnPolicy("old", "manylinux1")
    assert [own_architecture(own, f"linux_{name}") for name in ("i686", "aarch64")] == ["i686", None]
    assert own_architecture(OwnPolicy("old", "manylinux1", tags=("old",)), "linux_i686") is None


@pytest.mark.parametrize(
    ("own", "prefix", "newest"),
    [
        (ACME, "GLIBC", "2.34"),
        (ACME, "OPENSSL", "3.0.0"),
        (ACME, "GLIBCXX", "3.4.24"),
        (ACME, "FOO", ""),
        (OwnPolicy("old", "manylinux1"), "CXXABI", "1.3.1"),
        (OwnPolicy("old", "manylinux2014"), "GLIBC", "2.17"),
    ],
)
def test_the_newest_version_that_a_policy_has(own: OwnPolicy, prefix: str, newest: str) -> None:
    assert newest_allowed(own_facts(own, "x86_64"), prefix) == newest


def verdict(*reasons: Reason) -> Verdict:
    (policy,) = own_facts(ACME, "x86_64").policies
    return Verdict("acme_2024", (Judgement(policy, reasons),), None)


def test_the_label_is_what_the_policy_says() -> None:
    label = decide_label([verdict()], current=("linux_x86_64", "any", "win_amd64"))
    assert label.platforms == ("acme_1_x86_64", "linux_x86_64", "win_amd64")
    assert label.policy.own == ACME


def test_a_label_that_cannot_be_held_is_refused() -> None:
    reason = Reason(Rule.SYMBOL_VERSION, "x.so", "needs GLIBC_2.35 of libc.so.6", "libc.so.6", "GLIBC_2.35")
    with pytest.raises(RefusedError) as caught:
        decide_label([verdict(reason)], current=("linux_x86_64",), plat="acme_2024_x86_64")
    assert caught.value.what == "cannot be called acme_2024"
    assert caught.value.reasons == ("x.so needs GLIBC_2.35 of libc.so.6",)
    nothing = Verdict("acme_2024", (), None, warnings=("acme_2024 has no policy for s390x",))
    with pytest.raises(RefusedError) as caught:
        decide_label([nothing], current=("linux_s390x",))
    assert caught.value.reasons == ("acme_2024 has no policy for s390x",)


def test_tags_of_its_own_are_judged_by_it() -> None:
    reason = Reason(Rule.LIBRARY, "x.so", "needs libX11.so.6, which not every system has", mendable=True)
    for tag in ("acme_2024_x86_64", "acme_1_x86_64"):
        assert reasons_against([verdict(reason)], tag) == (reason,)
    assert reasons_against([verdict(reason)], "linux_x86_64") is None


class TestTheProgram:
    OWN = 'name = "acme"\nbase = "manylinux_2_17"\n[libraries]\nallow = ["libgreet.so.1"]\n'

    @pytest.fixture(autouse=True)
    def here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        written(tmp_path, self.OWN)

    def run(self, *arguments: str | Path) -> Any:  # noqa: ANN401 - JSON
        done = truewheel(*arguments, "--json", "--policy", "own.toml", "--lib-path", LIBRARIES)
        return json.loads(done.output)

    def test_show_tells_whether_it_is_kept(self, tmp_path: Path) -> None:
        (shown,) = self.run("show", unrepaired_wheel("x86_64"))["wheels"]
        assert [(truth["tag"], truth["true"]) for truth in shown["tags"]] == [
            ("linux_x86_64", None),
            ("acme_x86_64", True),
        ]
        assert shown["could_be"] == ["linux_x86_64"]
        assert "libgreet.so.1" in shown["system"]
        written(tmp_path, self.OWN.replace("libgreet.so.1", "libother.so.1"))
        (shown,) = self.run("show", unrepaired_wheel("x86_64"))["wheels"]
        assert shown["tags"][1]["true"] is False
        assert [reason["library"] for reason in shown["tags"][1]["reasons"]] == ["libgreet.so.1", "libtone.so.2"]

    def test_repair_leaves_outside_what_the_image_has(self) -> None:
        (made,) = self.run("repair", unrepaired_wheel("x86_64"))["repaired"]
        assert made["changed"] is False
        assert made["plan"]["policy"] == "acme_x86_64"

    def test_repair_bundles_the_rest_and_judges_the_result_again(self, tmp_path: Path) -> None:
        written(tmp_path, self.OWN.replace("libgreet.so.1", "libtone.so.2"))
        (made,) = self.run("repair", "--plat", "acme", unrepaired_wheel("x86_64"))["repaired"]
        assert [item["name"] for item in made["plan"]["libraries"]] == ["libgreet.so.1"]
        assert made["path"].endswith("/hello-1.0-cp310-abi3-linux_x86_64.whl")

    def test_a_wheel_with_a_tag_of_the_policy_is_one_for_linux(self, tmp_path: Path) -> None:
        written(tmp_path, self.OWN.replace("libgreet.so.1", "libtone.so.2").replace("[lib", 'tags = ["img"]\n[lib'))
        (made,) = self.run("repair", unrepaired_wheel("x86_64"))["repaired"]
        wheel = tmp_path / "wheelhouse" / "hello-1.0-cp310-abi3-img_x86_64.whl"
        assert made["path"] == str(wheel)
        (shown,) = self.run("show", wheel)["wheels"]
        assert (shown["tags"][0]["tag"], shown["tags"][0]["true"]) == ("img_x86_64", True)
        assert shown["could_be"] == ["img_x86_64"]
        (again,) = self.run("repair", "-w", "again", wheel)["repaired"]
        assert again["changed"] is False
        (other,) = self.run("repair", "-w", "other", "--plat", "manylinux_2_28", "--only-plat", wheel)["repaired"]
        assert other["path"].endswith("-abi3-manylinux_2_28_x86_64.whl")
        assert "is named for img_x86_64" in truewheel("repair", wheel).errors

    def test_what_was_written_is_judged_by_the_policy_again(self, tmp_path: Path) -> None:
        written(tmp_path, self.OWN.replace("libgreet.so.1", "libtone.so.2").replace("[lib", 'tags = ["img"]\n[lib'))
        self.run("repair", "--plan", "plan.json", unrepaired_wheel("x86_64"))
        plan = json.loads((tmp_path / "plan.json").read_text())
        plan["wheels"][0]["plan"]["own_policy"]["allow"] = []
        reseal(tmp_path / "plan.json", plan)
        assert "would not keep its name: " in truewheel("apply", "plan.json").errors
        assert not list((tmp_path / "wheelhouse").glob("*.whl"))

    def test_another_platform_may_be_asked_for(self) -> None:
        (made,) = self.run("repair", "--plat", "manylinux_2_28", "--only-plat", unrepaired_wheel("x86_64"))["repaired"]
        assert made["path"].endswith("-manylinux_2_28_x86_64.whl")

    def test_symbols_that_the_image_does_not_have_refuse_the_wheel(self, tmp_path: Path) -> None:
        written(tmp_path, self.OWN + '[symbols]\nGLIBC = "2.1"\n')
        document = self.run("repair", unrepaired_wheel("x86_64"))
        assert document["repaired"] == []
        assert "needs GLIBC_2.2.5 of libc.so.6" in document["failed"][0]["reasons"][0]

    def test_a_plan_carries_the_policy(self, tmp_path: Path) -> None:
        written(tmp_path, self.OWN.replace("libgreet.so.1", "libtone.so.2"))
        self.run("repair", "--plan", "plan.json", unrepaired_wheel("x86_64"))
        (tmp_path / "own.toml").unlink()
        assert truewheel("apply", "plan.json").code == 0
        assert (tmp_path / "wheelhouse" / "hello-1.0-cp310-abi3-linux_x86_64.whl").exists()
