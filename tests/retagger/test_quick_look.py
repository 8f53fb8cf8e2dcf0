"""The quick look that says whether a raised version is worth a proof."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from support.fixtures import odd
from support.hello import hello_wheel
from support.mac_pairs import code
from support.macho_bytes import BUNDLE, Macho, arch, build_version, fat, version_min
from truewheel.archive.reader import WheelReader
from truewheel.retagger import quick_look
from truewheel.retagger.quick_look import is_doubtful

if TYPE_CHECKING:
    from pathlib import Path


def doubtful(folder: Path, tag: str, **files: Path | bytes) -> bool:
    """Return whether such libraries make a tag doubtful. files: by name, with `_` for the dot before its ending."""
    members = {f"hello/{name.replace('_', '.')}": content for name, content in files.items()}
    with WheelReader.open(hello_wheel(folder, members)) as reader:
        return is_doubtful(reader, tag)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("manylinux_2_37_x86_64", True),
        ("manylinux2014_x86_64", True),
        ("manylinux_2_38_x86_64", False),
        ("manylinux_3_0_x86_64", False),
        ("musllinux_1_2_x86_64", False),
        ("linux_x86_64", False),
        ("win_amd64", False),
    ],
)
def test_versions_of_glibc_are_seen(tag: str, *, expected: bool, tmp_path: Path) -> None:
    assert doubtful(tmp_path, tag, x_so=odd("glibc-2.38.so")) is expected


def test_only_libraries_are_looked_at(tmp_path: Path) -> None:
    assert not doubtful(tmp_path, "manylinux_2_28_x86_64", x_txt=b"GLIBC_2.38", socks_py=b"GLIBC_2.38")
    assert doubtful(tmp_path, "manylinux_2_28_x86_64", x_so_1=b"GLIBC_2.38")


def test_it_ends_after_some_bytes(tmp_path: Path) -> None:
    with patch.object(quick_look, "_MOST", 0):
        assert not doubtful(tmp_path, "manylinux_2_28_x86_64", x_so=b"GLIBC_2.38")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("macosx_10_8_x86_64", True),
        ("macosx_10_9_x86_64", False),
        ("macosx_10_9_universal2", True),
        ("macosx_12_0_arm64", False),
        ("macosx_11_0_arm64", True),
        ("macosx_10_6_i386", False),
        ("macosx_10_6_odd", False),
    ],
)
@pytest.mark.parametrize("wide", [True, False])
def test_minimum_systems_are_seen_in_each_slice(tag: str, *, expected: bool, wide: bool, tmp_path: Path) -> None:
    slices = [("x86_64", "10.9"), ("arm64", "12.0")]
    both = fat([arch(code(name, minimum=minimum), name) for name, minimum in slices], wide=wide)
    assert doubtful(tmp_path, tag, x_dylib=both) is expected


@pytest.mark.parametrize("content", [b"", b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbe\xff\xff\xff\xff" + bytes(64)])
def test_what_is_damaged_raises_no_doubt(content: bytes, tmp_path: Path) -> None:
    assert not doubtful(tmp_path, "macosx_10_6_intel", x_so=content)
    cut = code("x86_64", minimum="10.9")[:48]
    assert not doubtful(tmp_path, "macosx_10_6_intel", x_so=cut)


def test_a_slice_for_another_system_raises_no_doubt(tmp_path: Path) -> None:
    for commands in ([build_version(2, "14.0")], []):
        content = Macho("arm64", BUNDLE, commands=commands).build()
        assert not doubtful(tmp_path, "macosx_11_0_arm64", x_so=content)


def test_the_older_command_counts_too(tmp_path: Path) -> None:
    content = Macho("x86_64", BUNDLE, commands=[version_min(0x24, "10.9")]).build()
    assert doubtful(tmp_path, "macosx_10_8_x86_64", x_so=content)
    assert not doubtful(tmp_path, "macosx_10_9_x86_64", x_so=content)
