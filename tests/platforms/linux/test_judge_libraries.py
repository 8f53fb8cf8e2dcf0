"""Where the libraries of a file come from decides which label it keeps and what a repair can mend."""

from __future__ import annotations

import pytest

from support.analyses import Built, glibc, image, name, one_file, only, reasons
from truewheel.analyzer.elf.image import DependencyKind, ImageKind
from truewheel.analyzer.graph import SearchRule
from truewheel.platforms.verdict import Rule

EXT = "demo/_x.abi3.so"


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


def test_the_same_in_a_library_that_would_come_along() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4")).file("/usr/lib/libfast.so.1", glibc("GLIBC_2.4", isa_level=3))
    built.need(EXT, "libfast.so.1", "/usr/lib/libfast.so.1")
    verdict = only(built.analysis())
    assert verdict.repaired is None
    assert name(verdict.own_floor) == "manylinux_2_5"
    assert verdict.library_floors == (("/usr/lib/libfast.so.1", None),)


def test_wished_libraries_come_along_with_all_they_need() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.4")).file("/opt/libplugin.so", glibc("GLIBC_2.28"))
    built.file("/opt/libdep.so.1", glibc("GLIBC_2.4")).need("/opt/libplugin.so", "libdep.so.1", "/opt/libdep.so.1")
    verdict = only(built.analysis())
    assert name(verdict.repaired) == "manylinux_2_28"
    assert [path for path, _ in verdict.library_floors] == ["/opt/libplugin.so", "/opt/libdep.so.1"]


def test_a_library_that_stays_out_is_not_told_of() -> None:
    built = Built().file(EXT, glibc("GLIBC_2.12"))
    built.file("/usr/lib/libexpat.so.1", glibc("GLIBC_2.38", text_relocations=True))
    built.need(EXT, "libexpat.so.1", "/usr/lib/libexpat.so.1")
    verdict = only(built.analysis())
    assert name(verdict.repaired) == "manylinux_2_12"
    assert verdict.library_floors == ()
    assert verdict.warnings == ()
