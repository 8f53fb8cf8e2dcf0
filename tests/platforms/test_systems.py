"""Which operating system a platform tag names."""

from __future__ import annotations

import pytest

from truewheel.platforms.systems import System, system_of, systems_of


@pytest.mark.parametrize(
    ("tag", "system"),
    [
        ("any", System.ANY),
        ("linux_x86_64", System.LINUX),
        ("manylinux2014_aarch64", System.LINUX),
        ("manylinux_2_28_x86_64", System.LINUX),
        ("musllinux_1_2_x86_64", System.LINUX),
        ("macosx_11_0_arm64", System.MACOS),
        ("ios_13_0_arm64_iphoneos", System.IOS),
        ("win_amd64", System.OTHER),
        ("android_21_arm64_v8a", System.OTHER),
        ("pyodide_2024_0_wasm32", System.OTHER),
        ("linux", System.OTHER),
        ("macosx", System.OTHER),
    ],
)
def test_a_tag_names_a_system(tag: str, system: System) -> None:
    assert system_of(tag) is system


@pytest.mark.parametrize(
    ("tags", "systems"),
    [
        ((), {System.ANY}),
        (("any",), {System.ANY}),
        (("any", "macosx_11_0_arm64"), {System.MACOS}),
        (("macosx_11_0_arm64", "macosx_10_9_x86_64"), {System.MACOS}),
        (("macosx_11_0_arm64", "manylinux_2_17_x86_64", "win32"), {System.MACOS, System.LINUX, System.OTHER}),
    ],
)
def test_tags_name_systems_and_any_names_none_beside_others(tags: tuple[str, ...], systems: set[System]) -> None:
    assert systems_of(tags) == systems
