"""What one file asks of a machine, of Python and of the C library decides which label it keeps."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from support.analyses import Built, glibc, name, one_file, only, reasons
from truewheel.analyzer.elf.image import ImageKind
from truewheel.archive.layout import InstalledPath, Scheme
from truewheel.platforms.linux.judge import judge
from truewheel.platforms.verdict import Reason, Rule

EXT = "demo/_x.abi3.so"


def test_symbol_versions_set_the_floor_and_name_the_policy_that_allows_them() -> None:
    verdict = only(one_file(glibc("GLIBC_2.2.5", "GLIBC_2.28", "GLIBC_2.34")).analysis())
    assert verdict.family == "manylinux"
    assert len(verdict.judgements) == 16
    assert name(verdict.now) == name(verdict.repaired) == name(verdict.own_floor) == "manylinux_2_34"
    assert reasons(verdict, "manylinux_2_31") == (
        Reason(
            Rule.SYMBOL_VERSION,
            EXT,
            "needs GLIBC_2.34 of libc.so.6",
            "libc.so.6",
            "GLIBC_2.34",
            oldest="manylinux_2_34",
        ),
    )
    assert [reason.symbol for reason in reasons(verdict, "manylinux_2_27")] == ["GLIBC_2.28", "GLIBC_2.34"]
    assert reasons(verdict, "manylinux_2_34") == ()


def test_the_alias_of_a_policy_finds_its_judgement() -> None:
    verdict = only(one_file(glibc("GLIBC_2.17")).analysis())
    judgement = verdict.judgement("manylinux2014_x86_64")
    assert judgement is not None
    assert judgement.policy.name == "manylinux_2_17"
    assert judgement.kept


@pytest.mark.parametrize("version", ["GLIBC_2.99", "GLIBC_PRIVATE", "GLIBCXX_9", "GCC_99.0"])
def test_an_unknown_version_of_a_known_prefix_is_never_allowed(version: str) -> None:
    verdict = only(one_file(glibc(version)).analysis())
    assert verdict.repaired is None
    (reason,) = reasons(verdict, "manylinux_2_41")
    assert (reason.symbol, reason.oldest, reason.mendable) == (version, None, False)


def test_versions_with_prefixes_of_other_libraries_are_not_judged() -> None:
    assert name(only(one_file(glibc("OPENSSL_3.0.0@libc.so.6")).analysis()).now) == "manylinux_2_5"


def test_a_weak_version_need_is_no_reason_but_is_told() -> None:
    verdict = only(one_file(glibc("GLIBC_2.2.5", "GLIBC_2.38?", "GLIBC_2.3?")).analysis())
    assert name(verdict.now) == "manylinux_2_5"
    (text,) = verdict.warnings
    assert text.startswith(f"{EXT} has weak references to GLIBC_2.38 of libc.so.6")


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"isa_level": 3}, Rule.ISA_LEVEL),
        ({"executable_stack": True}, Rule.EXECUTABLE_STACK),
        ({"imports": {"PyFPE_jbuf"}}, Rule.PYFPE),
        ({"imports": {"PyUnicodeUCS2_Decode"}}, Rule.UCS),
        ({"architecture": "aarch64"}, Rule.ARCHITECTURE),
    ],
)
def test_what_no_policy_allows(fields: dict[str, Any], rule: Rule) -> None:
    verdict = only(one_file(glibc("GLIBC_2.4", **fields)).analysis())
    assert verdict.repaired is None
    assert verdict.own_floor is None
    assert {(reason.rule, reason.mendable) for reason in reasons(verdict, "manylinux_2_41")} == {(rule, False)}


@pytest.mark.parametrize(
    ("tags", "symbol", "true"),
    [
        ("cp27-cp27m", "PyUnicodeUCS2_Decode", True),
        ("cp27-cp27mu", "PyUnicodeUCS2_Decode", False),
        ("cp27-cp27mu", "PyUnicodeUCS4_Decode", True),
        ("cp27-cp27m", "PyUnicodeUCS4_Decode", False),
        ("cp27-none", "PyUnicodeUCS4_Decode", False),
        ("cp27-cp27m.cp27mu", "PyUnicodeUCS2_Decode", False),
        ("cp32-cp32dmu", "PyUnicodeUCS4_Decode", True),
        ("cp33-cp33m", "PyUnicodeUCS2_Decode", False),
    ],
)
def test_the_unicode_build_must_be_the_one_of_the_abi_tag(tags: str, symbol: str, *, true: bool) -> None:
    wheel = f"demo-1.0-{tags}-linux_x86_64.whl"
    verdict = only(one_file(glibc("GLIBC_2.4", imports={symbol})).analysis(wheel=wheel))
    assert (verdict.now is not None) is true


@pytest.mark.parametrize(
    ("member", "mendable"), [("demo/_x.abi3.so", True), ("demo-1.0.data/purelib/demo/_x.abi3.so", False)]
)
def test_machine_code_in_purelib(member: str, *, mendable: bool) -> None:
    place = InstalledPath(Scheme.PURELIB, PurePosixPath("demo/_x.abi3.so"))
    verdict = only(one_file(glibc("GLIBC_2.4"), member).analysis(installed={member: place}))
    (reason,) = reasons(verdict, "manylinux_2_5")
    assert (reason.rule, reason.mendable) == (Rule.PURELIB, mendable)
    assert name(verdict.own_floor) == "manylinux_2_5"


def test_symbols_that_nothing_provides_count_for_extension_modules_only() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4", python_inits=("PyInit__x",))).file("demo/libp.so", glibc())
    verdict = only(built.analysis(unprovided={EXT: ("lost",), "demo/libp.so": tuple("abcdefg")}))
    (reason,) = reasons(verdict, "manylinux_2_41")
    assert (reason.rule, reason.file, reason.symbol) == (Rule.UNDEFINED_SYMBOL, EXT, "lost")
    assert "demo/libp.so counts on its user for a, b, c, d, e and 2 more" in verdict.warnings


def test_relr_without_its_version_waits_for_a_glibc_that_knows_it() -> None:
    verdict = only(one_file(glibc("GLIBC_2.4", relative_relocations=True)).analysis())
    assert name(verdict.now) == "manylinux_2_36"
    assert [reason.rule for reason in reasons(verdict, "manylinux_2_35")] == [Rule.RELATIVE_RELOCATIONS]


def test_relr_with_its_version_is_judged_by_the_version() -> None:
    verdict = only(one_file(glibc("GLIBC_ABI_DT_RELR", relative_relocations=True)).analysis())
    assert name(verdict.now) == "manylinux_2_36"
    assert [reason.rule for reason in reasons(verdict, "manylinux_2_35")] == [Rule.SYMBOL_VERSION]


def test_facts_that_break_no_promise_are_told() -> None:
    content = glibc(
        "GLIBC_2.4", text_relocations=True, minimum_kernel=(3, 2, 0), runpath=("/opt/lib", "$ORIGIN/../x", "")
    )
    verdict = only(one_file(content).analysis())
    assert name(verdict.now) == "manylinux_2_5"
    assert verdict.warnings == (
        f"{EXT} changes its own code while it is loaded (text relocations); hardened systems forbid that",
        f"{EXT} asks for Linux 3.2.0 or newer",
    )
    assert verdict.tidied == (
        f"the RUNPATH entry /opt/lib leads outside the wheel: {EXT}",
        f"the RUNPATH entry (empty) leads outside the wheel: {EXT}",
    )


@pytest.mark.parametrize("entry", ["$ORIGIN/../..", "$ORIGIN/../../../lib", "lib", "/lib", "$ORIGINAL"])
def test_path_entries_that_leave_the_tree_are_told(entry: str) -> None:
    (text,) = only(one_file(glibc("GLIBC_2.4", rpath=(entry,))).analysis()).tidied
    assert text == f"the RPATH entry {entry} leads outside the wheel: {EXT}"


def test_the_kernel_that_many_files_ask_for_is_told_once() -> None:
    built = Built()
    for number in range(7):
        built.file(f"demo/x{number}.so", glibc("GLIBC_2.4", minimum_kernel=(3, 2, 0)))
    (text,) = only(built.analysis()).warnings
    files = ", ".join(f"demo/x{number}.so" for number in range(5))
    assert text == f"{files} and 2 more ask for Linux 3.2.0 or newer"


def test_a_path_entry_of_many_files_is_told_once() -> None:
    built = Built()
    for number in range(8):
        built.file(f"demo/x{number}.so", glibc("GLIBC_2.4", runpath=("/opt/lib",)))
    (text,) = only(built.analysis()).tidied
    files = ", ".join(f"demo/x{number}.so" for number in range(5))
    assert text == f"the RUNPATH entry /opt/lib leads outside the wheel: {files} and 3 more"


@pytest.mark.parametrize("entry", ["$ORIGIN", "${ORIGIN}/../demo.libs", "$ORIGIN/./x/../.."])
def test_path_entries_that_stay_in_the_tree_are_not_told(entry: str) -> None:
    assert only(one_file(glibc("GLIBC_2.4", rpath=(entry,))).analysis()).tidied == ()


def test_a_program_with_an_executable_stack_still_starts() -> None:
    verdict = only(one_file(glibc("GLIBC_2.4", kind=ImageKind.EXECUTABLE, executable_stack=True)).analysis())
    assert name(verdict.now) == "manylinux_2_5"
    assert any("executable stack" in text for text in verdict.warnings)


def test_a_rule_that_the_caller_mends_stands_against_no_repair() -> None:
    analysis = one_file(glibc("GLIBC_2.4", executable_stack=True)).analysis()
    (verdict,) = judge(analysis, mended={Rule.EXECUTABLE_STACK})
    assert verdict.now is None
    assert name(verdict.repaired) == name(verdict.own_floor) == "manylinux_2_5"
    (without,) = judge(analysis)
    assert without.repaired is None
