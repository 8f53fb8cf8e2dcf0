"""Judgements of analyses built by hand: which label a wheel keeps, could keep, and why not an older one."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from support.analyses import Built, image, one_file
from truewheel.analyzer.graph import SearchRule
from truewheel.analyzer.image import DependencyKind, ImageKind, Libc
from truewheel.archive.layout import InstalledPath, Scheme
from truewheel.platforms.judge import judge
from truewheel.platforms.verdict import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truewheel.analyzer.analyze import Analysis
    from truewheel.analyzer.image import Image
    from truewheel.platforms.verdict import Policy, Verdict

EXT = "demo/_x.abi3.so"


def only(analysis: Analysis) -> Verdict:
    (verdict,) = judge(analysis)
    return verdict


def reasons(verdict: Verdict, policy: str) -> tuple[Reason, ...]:
    judgement = verdict.judgement(f"{policy}_x86_64")
    assert judgement is not None
    return judgement.reasons


def name(policy: Policy | None) -> str | None:
    return policy.name if policy else None


def glibc(*versions: str, imports: Iterable[str] = (), **fields: object) -> Image:
    return image(*versions, needed=("libc.so.6",), imports=imports, **fields)


def test_a_wheel_without_native_files_has_no_verdict() -> None:
    assert judge(Built().analysis()) == ()


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


def test_versions_of_a_library_in_the_wheel_do_not_count() -> None:
    built = Built().file(EXT, glibc("GLIBCXX_3.4.30@libstdc++.so.6", "GLIBC_2.4"))
    built.file("demo.libs/libstdc++.so.6", glibc("GLIBC_2.17", soname="libstdc++.so.6"))
    built.need(EXT, "libstdc++.so.6", "demo.libs/libstdc++.so.6", SearchRule.RUNPATH)
    assert name(only(built.analysis()).now) == "manylinux_2_17"


def test_versions_of_the_system_library_count() -> None:
    built = Built().file(EXT, glibc("GLIBCXX_3.4.30@libstdc++.so.6"))
    built.file("/usr/lib/libstdc++.so.6", glibc("GLIBC_2.38", soname="libstdc++.so.6"))
    built.need(EXT, "libstdc++.so.6", "/usr/lib/libstdc++.so.6")
    assert name(only(built.analysis()).now) == "manylinux_2_35"


def test_versions_of_a_library_that_comes_along_do_not_count() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.29@libfoo.so.1", "GLIBC_2.4"))
    built.file("/usr/lib/libfoo.so.1", glibc("GLIBC_2.4")).need(EXT, "libfoo.so.1", "/usr/lib/libfoo.so.1")
    assert name(only(built.analysis()).repaired) == "manylinux_2_5"


def test_a_version_counts_from_the_policy_that_leaves_its_library_to_the_system() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.26@libmvec.so.1"))
    built.file("/usr/lib/libmvec.so.1", glibc("GLIBC_2.22")).need(EXT, "libmvec.so.1", "/usr/lib/libmvec.so.1")
    verdict = only(built.analysis())
    assert [reason.rule for reason in reasons(verdict, "manylinux_2_24")] == [Rule.SYMBOL_VERSION]
    assert Rule.SYMBOL_VERSION not in {r.rule for r in reasons(verdict, "manylinux_2_17") if r.file == EXT}
    assert name(verdict.now) == "manylinux_2_26"


def test_an_outside_library_is_mended_by_bundling_and_its_own_needs_count() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.17"))
    built.file("/usr/lib/liba.so.1", glibc("GLIBC_2.28")).file("/usr/lib/libb.so.1", glibc("GLIBC_2.14"))
    built.need(EXT, "liba.so.1", "/usr/lib/liba.so.1").need("/usr/lib/liba.so.1", "libb.so.1", "/usr/lib/libb.so.1")
    verdict = only(built.analysis())
    assert verdict.now is None
    assert name(verdict.repaired) == "manylinux_2_28"
    assert name(verdict.own_floor) == "manylinux_2_17"
    assert [(path, name(policy)) for path, policy in verdict.library_floors] == [
        ("/usr/lib/liba.so.1", "manylinux_2_28"),
        ("/usr/lib/libb.so.1", "manylinux_2_17"),
    ]
    found = {
        (reason.rule, reason.file, reason.library, reason.mendable) for reason in reasons(verdict, "manylinux_2_28")
    }
    assert found == {
        (Rule.LIBRARY, EXT, "liba.so.1", True),
        (Rule.LIBRARY, "/usr/lib/liba.so.1", "libb.so.1", True),
    }


def test_nothing_is_asked_of_what_an_allowed_library_needs() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4"))
    built.file("/usr/lib/libX11.so.6", glibc("GLIBC_2.38", isa_level=3, executable_stack=True))
    built.need(EXT, "libX11.so.6", "/usr/lib/libX11.so.6").need("/usr/lib/libX11.so.6", "libxcb.so.1")
    verdict = only(built.analysis())
    assert name(verdict.now) == "manylinux_2_5"
    assert verdict.library_floors == ()


def test_a_library_is_bundled_only_below_the_policy_that_allows_it() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4"))
    built.file("/usr/lib/libexpat.so.1", glibc("GLIBC_2.38")).need(EXT, "libexpat.so.1", "/usr/lib/libexpat.so.1")
    verdict = only(built.analysis())
    assert name(verdict.now) == "manylinux_2_12"
    needs, mend = reasons(verdict, "manylinux_2_5")[1], reasons(verdict, "manylinux_2_5")[0]
    assert (mend.rule, mend.mendable, mend.oldest) == (Rule.LIBRARY, True, "manylinux_2_12")
    assert (needs.symbol, needs.file, needs.oldest) == ("GLIBC_2.38", "/usr/lib/libexpat.so.1", "manylinux_2_12")


def test_a_missing_library_cannot_be_mended() -> None:
    verdict = only(one_file(image("GLIBC_2.4", needed=("libfoo.so.3", "libc.so.6"))).analysis())
    (reason,) = reasons(verdict, "manylinux_2_41")
    assert (reason.rule, reason.library, reason.mendable) == (Rule.MISSING_LIBRARY, "libfoo.so.3", False)
    assert reason.detail == "needs libfoo.so.3, which was not found"
    assert name(verdict.own_floor) == "manylinux_2_5"


def test_a_missing_library_that_the_policy_allows_is_no_reason() -> None:
    verdict = only(one_file(image("GLIBC_2.4", needed=("libX11.so.6", "libexpat.so.1"))).analysis())
    assert name(verdict.now) == "manylinux_2_12"


def test_a_missing_auxiliary_library_is_passed_over() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4")).need(EXT, "libfast.so", kind=DependencyKind.AUXILIARY)
    assert name(only(built.analysis()).now) == "manylinux_2_5"


def test_a_missing_filter_library_is_missed() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4")).need(EXT, "libreal.so", kind=DependencyKind.FILTER)
    assert only(built.analysis()).repaired is None


def test_parts_of_the_c_library_never_come_along() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4"))
    built.file("/lib/libnss_files.so.2", glibc("GLIBC_2.4")).need(EXT, "libnss_files.so.2", "/lib/libnss_files.so.2")
    (reason,) = reasons(only(built.analysis()), "manylinux_2_41")
    assert (reason.rule, reason.mendable) == (Rule.LIBRARY, False)


def test_the_c_library_by_its_path_does_not_come_along_either() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4"))
    built.file("/lib/libm.so.6", glibc("GLIBC_2.4", soname="libm.so.6"))
    built.need(EXT, "/lib/libm.so.6", "/lib/libm.so.6", SearchRule.PATH)
    assert [reason.mendable for reason in reasons(only(built.analysis()), "manylinux_2_41")] == [False]


def test_a_library_in_the_wheel_without_a_path_is_mended_by_a_path() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4")).file("demo/libs/libfoo.so.1", glibc("GLIBC_2.12"))
    built.need(EXT, "libfoo.so.1", "demo/libs/libfoo.so.1", SearchRule.IN_WHEEL)
    verdict = only(built.analysis())
    (reason,) = reasons(verdict, "manylinux_2_12")
    assert (reason.rule, reason.mendable, reason.library) == (Rule.NO_PATH, True, "libfoo.so.1")
    assert name(verdict.repaired) == "manylinux_2_12"


def test_an_allowed_library_in_the_wheel_without_a_path_is_the_systems() -> None:
    built = Built().file(EXT, glibc("ZLIB_1.2.9@libz.so.1")).file("demo/libs/libz.so.1", glibc("GLIBC_2.4"))
    built.need(EXT, "libz.so.1", "demo/libs/libz.so.1", SearchRule.IN_WHEEL)
    verdict = only(built.analysis())
    assert name(verdict.now) == "manylinux_2_27"
    assert any("the system's library is used" in text for text in verdict.warnings)


def test_a_library_in_the_wheel_that_is_loaded_before_is_told_but_no_reason() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4")).file("demo/libfoo.so.1", glibc("GLIBC_2.4"))
    built.need(EXT, "libfoo.so.1", "demo/libfoo.so.1", SearchRule.LOADED)
    verdict = only(built.analysis())
    assert name(verdict.now) == "manylinux_2_5"
    assert any("is loaded before" in text for text in verdict.warnings)


def test_excluded_libraries_are_told_but_no_reason() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4")).need(EXT, "libcuda.so.1", rule=SearchRule.EXCLUDED)
    verdict = only(built.analysis())
    assert name(verdict.now) == "manylinux_2_5"
    assert "left out on request, so something else must provide it: libcuda.so.1" in verdict.warnings


def test_the_loader_as_a_needed_name_is_no_reason() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.3@ld-linux-x86-64.so.2"))
    built.need(EXT, "ld-linux-x86-64.so.2", rule=SearchRule.LOADER)
    assert name(only(built.analysis()).now) == "manylinux_2_5"


@pytest.mark.parametrize(("kind", "mendable"), [(ImageKind.SHARED_LIBRARY, True), (ImageKind.EXECUTABLE, False)])
def test_libpython_is_dropped_from_libraries_but_not_from_programs(kind: ImageKind, *, mendable: bool) -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4", kind=kind))
    built.need(EXT, "libpython3.13t.so.1.0", rule=SearchRule.INTERPRETER)
    (reason,) = reasons(only(built.analysis()), "manylinux_2_41")
    assert (reason.rule, reason.mendable, reason.oldest) == (Rule.LIBPYTHON, mendable, None)


def test_forbidden_symbols_count_up_to_the_policy_that_frees_them() -> None:
    built = one_file(image("GLIBC_2.4", needed=("libz.so.1",), imports={"uncompress2", "inflate"}))
    verdict = only(built.analysis())
    assert name(verdict.now) == "manylinux_2_34"
    (reason,) = reasons(verdict, "manylinux_2_31")
    assert (reason.rule, reason.library, reason.symbol) == (Rule.FORBIDDEN_SYMBOL, "libz.so.1", "uncompress2")


def test_a_symbol_is_forbidden_only_of_the_library_that_is_needed() -> None:
    assert name(only(one_file(glibc("GLIBC_2.4", imports={"uncompress2"})).analysis()).now) == "manylinux_2_5"


def test_a_forbidden_symbol_of_a_bundled_library_is_free() -> None:
    built = Built().file(EXT, image("GLIBC_2.4", imports={"uncompress2"})).file("demo.libs/libz.so.1", glibc())
    built.need(EXT, "libz.so.1", "demo.libs/libz.so.1", SearchRule.RPATH)
    assert name(only(built.analysis()).now) == "manylinux_2_5"


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


def test_the_same_in_a_library_that_would_come_along() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4")).file("/usr/lib/libfast.so.1", glibc("GLIBC_2.4", isa_level=3))
    built.need(EXT, "libfast.so.1", "/usr/lib/libfast.so.1")
    verdict = only(built.analysis())
    assert verdict.repaired is None
    assert name(verdict.own_floor) == "manylinux_2_5"
    assert verdict.library_floors == (("/usr/lib/libfast.so.1", None),)


def test_files_that_differ_in_architecture_count_against_the_fewer() -> None:
    built = Built()
    for number, architecture in enumerate(["x86_64", "aarch64", "x86_64"]):
        built.file(f"demo/x{number}.so", glibc("GLIBC_2.17", architecture=architecture))
    (reason,) = reasons(only(built.analysis(architecture=None)), "manylinux_2_41")
    assert (reason.rule, reason.file) == (Rule.ARCHITECTURE, "demo/x1.so")


def test_an_architecture_without_policies_is_told() -> None:
    built = one_file(glibc(architecture="unsupported (EM_MIPS)"))
    verdict = only(built.analysis(architecture="unsupported (EM_MIPS)"))
    assert verdict.judgements == ()
    assert verdict.warnings == ("manylinux has no policy for unsupported (EM_MIPS)",)


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
        f"the RUNPATH entry /opt/lib leads outside the wheel: {EXT}",
        f"the RUNPATH entry (empty) leads outside the wheel: {EXT}",
    )


@pytest.mark.parametrize("entry", ["$ORIGIN/../..", "$ORIGIN/../../../lib", "lib", "/lib", "$ORIGINAL"])
def test_path_entries_that_leave_the_tree_are_told(entry: str) -> None:
    (text,) = only(one_file(glibc("GLIBC_2.4", rpath=(entry,))).analysis()).warnings
    assert text == f"the RPATH entry {entry} leads outside the wheel: {EXT}"


def test_a_path_entry_of_many_files_is_told_once() -> None:
    built = Built()
    for number in range(8):
        built.file(f"demo/x{number}.so", glibc("GLIBC_2.4", runpath=("/opt/lib",)))
    (text,) = only(built.analysis()).warnings
    files = ", ".join(f"demo/x{number}.so" for number in range(5))
    assert text == f"the RUNPATH entry /opt/lib leads outside the wheel: {files} and 3 more"


@pytest.mark.parametrize("entry", ["$ORIGIN", "${ORIGIN}/../demo.libs", "$ORIGIN/./x/../.."])
def test_path_entries_that_stay_in_the_tree_are_not_told(entry: str) -> None:
    assert only(one_file(glibc("GLIBC_2.4", rpath=(entry,))).analysis()).warnings == ()


def test_a_program_with_an_executable_stack_still_starts() -> None:
    verdict = only(one_file(glibc("GLIBC_2.4", kind=ImageKind.EXECUTABLE, executable_stack=True)).analysis())
    assert name(verdict.now) == "manylinux_2_5"
    assert any("executable stack" in text for text in verdict.warnings)


def test_wished_libraries_come_along_with_all_they_need() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4")).file("/opt/libplugin.so", glibc("GLIBC_2.28"))
    built.file("/opt/libdep.so.1", glibc("GLIBC_2.4")).need("/opt/libplugin.so", "libdep.so.1", "/opt/libdep.so.1")
    verdict = only(built.analysis())
    assert name(verdict.repaired) == "manylinux_2_28"
    assert [path for path, _ in verdict.library_floors] == ["/opt/libplugin.so", "/opt/libdep.so.1"]


def test_static_programs_may_be_called_by_either_family() -> None:
    program = image(dynamic=False, kind=ImageKind.EXECUTABLE)
    manylinux, musllinux = judge(one_file(program, "demo/tool").analysis(libc=None))
    assert name(manylinux.now) == "manylinux_2_5"
    assert name(musllinux.now) == "musllinux_1_1"


def test_files_that_ask_only_python_may_be_called_by_either_family() -> None:
    content = image(imports={"PyModule_Create2", "_Py_Dealloc"})
    assert [name(item.now) for item in judge(one_file(content).analysis(libc=None))] == [
        "manylinux_2_5",
        "musllinux_1_1",
    ]


def test_files_that_do_not_tell_their_c_library_are_refused_by_both_families() -> None:
    content = image(imports={"malloc", "free", "PyModule_Create2"}, needed=("libfoo.so",))
    built = Built().file(EXT, content).file("demo/libfoo.so", image())
    built.need(EXT, "libfoo.so", "demo/libfoo.so", SearchRule.RPATH)
    verdicts = judge(built.analysis(libc=None))
    assert [verdict.repaired for verdict in verdicts] == [None, None]
    (reason,) = verdicts[0].judgements[-1].reasons
    assert (reason.rule, reason.detail) == (Rule.LIBC, "does not tell which C library gives it free and 1 more")


def test_files_linked_against_different_c_libraries_are_refused_by_both_families() -> None:
    built = Built().file("demo/a.so", glibc("GLIBC_2.4")).file("demo/b.so", image(needed=("libc.musl-x86_64.so.1",)))
    manylinux, musllinux = judge(built.analysis(libc=None))
    assert [(r.rule, r.file) for r in manylinux.judgements[-1].reasons] == [(Rule.LIBC, "demo/b.so")]
    assert [(r.rule, r.file) for r in musllinux.judgements[-1].reasons] == [(Rule.LIBC, "demo/a.so")]


def musl(*, imports: Iterable[str] = (), **fields: object) -> Analysis:
    return one_file(image(needed=("libc.musl-x86_64.so.1",), imports=imports, **fields)).analysis(libc=Libc.MUSL)


def test_musl_files_are_judged_by_the_functions_they_import() -> None:
    assert name(only(musl(imports={"malloc"})).now) == "musllinux_1_1"
    verdict = only(musl(imports={"gettid", "malloc"}))
    assert verdict.family == "musllinux"
    assert name(verdict.now) == "musllinux_1_2"
    assert reasons(verdict, "musllinux_1_1") == (
        Reason(
            Rule.NEWER_SYMBOL, EXT, "needs gettid, which musl has since 1.2.2", symbol="gettid", oldest="musllinux_1_2"
        ),
    )
    assert only(musl(imports={"statx"})).repaired is None


def test_relr_breaks_every_musl_promise() -> None:
    verdict = only(musl(relative_relocations=True))
    assert verdict.repaired is None
    assert [reason.oldest for reason in reasons(verdict, "musllinux_1_2")] == [None]


def test_musl_ignores_the_wish_for_an_executable_stack() -> None:
    verdict = only(musl(executable_stack=True))
    assert name(verdict.now) == "musllinux_1_1"
    assert verdict.warnings == (f"{EXT} asks for an executable stack; musl loads it without one",)


def test_musl_under_its_upstream_name_is_the_systems() -> None:
    verdict = only(one_file(image(needed=("libc.so",))).analysis(libc=Libc.MUSL))
    assert name(verdict.now) == "musllinux_1_1"


def test_the_symbol_versions_of_a_library_beside_musl_are_not_glibcs() -> None:
    built = Built().file(EXT, image("GLIBCXX_3.4.30@libstdc++.so.6", needed=("libc.musl-x86_64.so.1",)))
    built.file("/usr/lib/libstdc++.so.6", image(needed=("libc.musl-x86_64.so.1",)))
    built.need(EXT, "libstdc++.so.6", "/usr/lib/libstdc++.so.6")
    assert name(only(built.analysis(libc=Libc.MUSL)).repaired) == "musllinux_1_1"
