"""Every fact against the policy files that auditwheel publishes, and the facts of musl against the notes."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from truewheel.platforms.linux import policies
from truewheel.platforms.linux.policies import (
    architectures,
    data_version,
    is_allowed,
    newest_policy,
    policy_facts,
)
from truewheel.platforms.verdict import Policy

Published = dict[str, Any]

ALPINE_NAMES = {
    "x86_64": "x86_64",
    "i686": "x86",
    "aarch64": "aarch64",
    "armv7l": "armv7",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loongarch64": "loongarch64",
}


def published(family: str) -> list[Published]:
    spec = find_spec("auditwheel.policy")
    assert spec is not None
    assert spec.origin is not None
    policies: list[Published] = json.loads(Path(spec.origin).with_name(f"{family}-policy.json").read_text())
    return sorted((item for item in policies if item["name"] != "linux"), key=lambda item: -item["priority"])


def pairs(family: str) -> list[tuple[Published, str]]:
    return [(policy, name) for policy in published(family) for name in policy["symbol_versions"]]


def position(family: str, architecture: str, name: str) -> int:
    return [policy.name for policy in policy_facts(family, architecture).policies].index(name)


def test_there_are_as_many_policies_as_published() -> None:
    assert len(pairs("manylinux")) == 104
    assert len(pairs("musllinux")) == 15
    ours = {(policy.name, name) for name in architectures() for policy in defined("manylinux", name)}
    assert ours == {(policy["name"], name) for policy, name in pairs("manylinux")}
    ours = {(policy.name, name) for name in architectures() for policy in defined("musllinux", name)}
    assert ours == {(policy["name"], name) for policy, name in pairs("musllinux")}


def defined(family: str, architecture: str) -> tuple[Policy, ...]:
    facts = policy_facts(family, architecture)
    return facts.policies if facts.defined else ()


@pytest.mark.parametrize("family", ["manylinux", "musllinux"])
@pytest.mark.parametrize("architecture", [*sorted(ALPINE_NAMES), "ppc64"])
def test_policies_stand_from_the_oldest_to_the_newest_with_their_aliases(family: str, architecture: str) -> None:
    expected = [
        (item["name"], tuple(item["aliases"])) for item in published(family) if architecture in item["symbol_versions"]
    ]
    assert [(policy.name, policy.aliases) for policy in defined(family, architecture)] == expected


@pytest.mark.parametrize("family", ["manylinux", "musllinux"])
def test_every_library_is_allowed_from_the_published_policy_on(family: str) -> None:
    every = {library for item in published(family) for library in item["lib_whitelist"]} | {"libfoo.so.1"}
    for item, architecture in pairs(family):
        policy = Policy(item["name"], architecture)
        allowed = {library for library in every if is_allowed(policy, library)}
        assert allowed == set(item["lib_whitelist"]), policy.tag


def test_every_symbol_version_is_allowed_from_the_published_policy_on() -> None:
    every = {
        f"{prefix}_{version}"
        for item in published("manylinux")
        for table in item["symbol_versions"].values()
        for prefix, versions in table.items()
        for version in versions
    } | {"GLIBC_2.99", "GLIBC_PRIVATE"}
    assert len(every) == 158
    for item, architecture in pairs("manylinux"):
        facts = policy_facts("manylinux", architecture)
        here = position("manylinux", architecture, item["name"])
        table = item["symbol_versions"][architecture]
        expected = {f"{prefix}_{version}" for prefix, versions in table.items() for version in versions}
        assert {name for name in every if facts.versions.get(name, facts.never) <= here} == expected
        assert facts.prefixes == set(table)


def test_there_are_as_many_version_facts_as_published() -> None:
    facts = [policy_facts("manylinux", name) for name in architectures()]
    assert sum(len(item.versions) for item in facts) == 1007


@pytest.mark.parametrize("family", ["manylinux", "musllinux"])
def test_every_forbidden_symbol_is_forbidden_up_to_the_published_policy(family: str) -> None:
    for item, architecture in pairs(family):
        facts = policy_facts(family, architecture)
        here = position(family, architecture, item["name"])
        ours = {
            (library, symbol)
            for library, symbols in facts.forbidden.items()
            for symbol, first_free in symbols.items()
            if here < first_free
        }
        expected = {(library, symbol) for library, symbols in item["blacklist"].items() for symbol in symbols}
        assert ours == expected, (item["name"], architecture)


@pytest.mark.parametrize("name", ["ld-linux-x86-64.so.2", "ld-linux.so.2", "ld64.so.2", "ld-linux-aarch64.so.1"])
def test_the_loader_is_always_allowed(name: str) -> None:
    assert is_allowed(Policy("manylinux_2_5", "x86_64"), name)


@pytest.mark.parametrize(("architecture", "alpine"), ALPINE_NAMES.items())
def test_musl_is_allowed_under_both_of_its_names(architecture: str, alpine: str) -> None:
    policy = newest_policy("musllinux", architecture)
    assert is_allowed(policy, "libc.so")
    assert is_allowed(policy, f"libc.musl-{alpine}.so.1")
    assert is_allowed(policy, "ld-musl-x86_64.so.1")
    assert not is_allowed(policy, "libstdc++.so.6")


def test_hard_float_arm_may_name_musl_as_older_alpine_did() -> None:
    assert is_allowed(Policy("musllinux_1_2", "armv7l"), "libc.musl-armhf.so.1")


def test_musl_of_another_architecture_is_not_allowed() -> None:
    assert policy_facts("musllinux", "aarch64").libraries.get("libc.musl-x86_64.so.1") is None


@pytest.mark.parametrize(
    ("architecture", "symbol", "expected"),
    [
        ("x86_64", "gettid", (1, "1.2.2")),
        ("x86_64", "qsort_r", (2, "1.2.3")),
        ("x86_64", "statx", (2, "1.2.5")),
        ("x86_64", "renameat2", (2, "1.2.6")),
        ("x86_64", "__time64", None),
        ("i686", "__time64", (1, "1.2.0")),
        ("armv7l", "__clock_gettime64", (1, "1.2.0")),
        ("loongarch64", "gettid", None),
        ("loongarch64", "qsort_r", (1, "1.2.3")),
    ],
)
def test_functions_of_newer_musl_begin_where_a_policy_promises_them(
    architecture: str, symbol: str, expected: tuple[int, str] | None
) -> None:
    assert policy_facts("musllinux", architecture).newer_symbols.get(symbol) == expected


def test_no_musl_policy_promises_a_loader_that_knows_relr() -> None:
    assert policy_facts("musllinux", "x86_64").relr == 2


@pytest.mark.parametrize(("architecture", "policy"), [("x86_64", "manylinux_2_36"), ("riscv64", "manylinux_2_38")])
def test_glibc_knows_relr_from_the_policy_that_allows_its_version(architecture: str, policy: str) -> None:
    facts = policy_facts("manylinux", architecture)
    assert facts.name_at(facts.relr) == policy


def test_big_endian_power_never_gets_a_newer_promise() -> None:
    facts = policy_facts("manylinux", "ppc64")
    assert [policy.name for policy in facts.policies] == ["manylinux_2_17"]
    assert facts.name_at(facts.relr) is None


def test_an_unknown_architecture_has_no_policy_but_the_same_libraries() -> None:
    facts = policy_facts("manylinux", "mips64")
    assert not facts.defined
    policy = newest_policy("manylinux", "mips64")
    assert policy.tag == "manylinux_2_41_mips64"
    assert is_allowed(policy, "libc.so.6")
    assert not is_allowed(policy, "libfoo.so.1")


def test_both_families_tell_the_same_data_version() -> None:
    data = Path(policies.__file__).parents[1] / "data"
    lines = {(data / f"{family}.toml").read_text().splitlines()[3] for family in ("manylinux", "musllinux")}
    assert lines == {f'data_version = "{data_version()}"'}
