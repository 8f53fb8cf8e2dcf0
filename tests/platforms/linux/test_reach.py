"""Which libraries come along under which policy."""

from __future__ import annotations

from itertools import pairwise
from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from support.analyses import Built, image
from truewheel.analyzer.graph import SearchRule
from truewheel.platforms.linux.judge import judge, libraries_to_bundle
from truewheel.platforms.linux.policies import newest_policy, policy_facts
from truewheel.platforms.verdict import Policy

EXT = "demo/_x.abi3.so"


def under(built: Built, policy: str) -> tuple[str, ...]:
    return libraries_to_bundle(built.graph, Policy(policy, "x86_64"))


def test_the_walk_stops_at_what_the_policy_leaves_to_the_system() -> None:
    built = Built().file(EXT, image()).file("/l/liba.so", image()).file("/l/libX11.so.6", image())
    built.file("/l/libxcb.so.1", image()).file("/l/libexpat.so.1", image()).file("/l/libinner.so", image())
    built.need(EXT, "liba.so", "/l/liba.so").need(EXT, "libX11.so.6", "/l/libX11.so.6")
    built.need("/l/libX11.so.6", "libxcb.so.1", "/l/libxcb.so.1").need(
        "/l/liba.so", "libexpat.so.1", "/l/libexpat.so.1"
    )
    built.need("/l/libexpat.so.1", "libinner.so", "/l/libinner.so").need("/l/libinner.so", "liba.so", "/l/liba.so")
    assert under(built, "manylinux_2_12") == ("/l/liba.so",)
    assert under(built, "manylinux_2_5") == ("/l/liba.so", "/l/libexpat.so.1", "/l/libinner.so")


def test_a_library_needed_both_ways_comes_along() -> None:
    built = Built().file(EXT, image()).file("/l/libX11.so.6", image()).file("/l/libxcb.so.1", image())
    built.need(EXT, "libX11.so.6", "/l/libX11.so.6").need("/l/libX11.so.6", "libxcb.so.1", "/l/libxcb.so.1")
    built.need(EXT, "libxcb.so.1", "/l/libxcb.so.1")
    assert under(built, "manylinux_2_41") == ("/l/libxcb.so.1",)


def test_members_loader_interpreter_and_excluded_names_do_not_come_along() -> None:
    built = Built().file(EXT, image()).file("demo/liba.so", image()).file("/l/libb.so", image())
    built.need(EXT, "liba.so", "demo/liba.so", SearchRule.RPATH)
    built.need(EXT, "ld-linux-x86-64.so.2", rule=SearchRule.LOADER)
    built.need(EXT, "libpython3.12.so.1.0", "/l/libb.so", rule=SearchRule.INTERPRETER)
    built.need(EXT, "libb.so", "/l/libb.so", rule=SearchRule.EXCLUDED)
    assert under(built, "manylinux_2_41") == ()


def test_a_wished_library_comes_along_even_if_allowed() -> None:
    built = Built().file(EXT, image()).file("/l/libz.so.1", image())
    assert under(built, "manylinux_2_41") == ("/l/libz.so.1",)


def test_a_wished_library_that_others_need_too_comes_along_even_if_allowed() -> None:
    built = Built().file(EXT, image()).file("/l/libz.so.1", image()).need(EXT, "libz.so.1", "/l/libz.so.1")
    policy = Policy("manylinux_2_41", "x86_64")
    assert libraries_to_bundle(built.graph, policy, ("/l/libz.so.1",)) == ("/l/libz.so.1",)
    assert libraries_to_bundle(built.graph, policy) == ()


def test_a_library_comes_along_for_an_architecture_without_policies() -> None:
    built = Built().file(EXT, image()).file("/l/liba.so", image()).need(EXT, "liba.so", "/l/liba.so")
    built.file("/l/libz.so.1", image()).need(EXT, "libz.so.1", "/l/libz.so.1")
    assert libraries_to_bundle(built.graph, newest_policy("manylinux", "mips64")) == ("/l/liba.so",)


NAMES = ("libc.so.6", "libexpat.so.1", "libmvec.so.1", "liba.so", "libb.so", "libc2.so", "libz.so.1")


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20), st.integers(0, 6))
def test_fewer_libraries_come_along_under_a_newer_policy(pairs: list[tuple[int, int]], first: int) -> None:
    built = Built().file(EXT, image())
    for name in NAMES:
        built.file(f"/l/{name}", image())
    built.need(EXT, NAMES[first], f"/l/{NAMES[first]}")
    for needer, needed in pairs:
        built.need(f"/l/{NAMES[needer]}", NAMES[needed], f"/l/{NAMES[needed]}")
    policies = policy_facts("manylinux", "x86_64").policies
    bundles = [set(libraries_to_bundle(built.graph, policy)) for policy in policies]
    assert all(newer <= older for older, newer in pairwise(bundles))
    (verdict,) = judge(built.analysis())
    for older, newer in pairwise(verdict.judgements):
        mended = {(r.rule, r.file, r.library) for r in newer.reasons if r.mendable}
        assert mended <= {(r.rule, r.file, r.library) for r in older.reasons if r.mendable}


def test_a_large_wheel_is_judged_in_no_time() -> None:
    built = Built()
    needs = tuple(f"GLIBC_2.{minor}" for minor in range(3, 35))
    for number in range(100):
        built.file(f"demo/m{number}.so", image(*needs, imports={f"f{number}_{i}" for i in range(200)}))
        for library in range(number, number + 5):
            built.need(f"demo/m{number}.so", f"lib{library % 100}.so", f"/l/lib{library % 100}.so")
    for number in range(100):
        built.file(f"/l/lib{number}.so", image(*needs, imports={f"g{number}_{i}" for i in range(200)}))
        built.need(f"/l/lib{number}.so", f"lib{(number + 1) % 100}.so", f"/l/lib{(number + 1) % 100}.so")
    analysis = built.analysis()
    judge(analysis)
    times = []
    for _ in range(3):
        start = process_time()
        judge(analysis)
        times.append(process_time() - start)
    assert min(times) < 0.25
