"""Which family a wheel may belong to, and what is particular to musl."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.analyses import Built, glibc, image, name, one_file, only, reasons
from truewheel.analyzer.elf.image import ImageKind, Libc
from truewheel.analyzer.graph import SearchRule
from truewheel.platforms.linux.judge import judge
from truewheel.platforms.verdict import Reason, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truewheel.analyzer.elf.analyze import Analysis

EXT = "demo/_x.abi3.so"


def test_a_wheel_without_native_files_has_no_verdict() -> None:
    assert judge(Built().analysis()) == ()


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
