from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from truewheel.analyzer.sysroot import placed, real_path

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_path_of_the_target_lies_below_the_sysroot() -> None:
    assert placed("/", "/usr/lib") == "/usr/lib"
    assert placed("/opt/root", "/usr/lib") == "/opt/root/usr/lib"


def test_an_absolute_link_stays_inside_the_sysroot(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "usr/lib").mkdir(parents=True)
    (root / "usr/lib/libx.so.1.2").write_bytes(b"x")
    (root / "lib").symlink_to("/usr/lib")
    (root / "usr/lib/libx.so.1").symlink_to("/lib/libx.so.1.2")
    assert real_path(str(root), f"{root}/lib/libx.so.1") == f"{root}/usr/lib/libx.so.1.2"


def test_a_link_cannot_climb_out_of_the_sysroot(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "lib").mkdir(parents=True)
    (root / "secret").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    (root / "lib/up").symlink_to("../../../../secret")
    assert real_path(str(root), f"{root}/lib/up") == f"{root}/secret"


def test_what_is_not_there_has_no_real_path(tmp_path: Path) -> None:
    assert real_path(str(tmp_path), f"{tmp_path}/no/such") is None
    assert real_path("/", f"{tmp_path}/no/such") is None
    (tmp_path / "dangling").symlink_to("/nowhere")
    assert real_path(str(tmp_path), f"{tmp_path}/dangling") is None


def test_links_in_a_ring_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert real_path(str(tmp_path), f"{tmp_path}/a") is None
    assert real_path("/", f"{tmp_path}/a") is None


def test_outside_a_sysroot_links_mean_this_machine(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert real_path(f"{tmp_path}/root", f"{tmp_path}/link") == os.path.realpath(tmp_path / "file")


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "", "to_a", "to_top"]), max_size=8))
def test_relative_links_and_dots_lead_where_the_system_leads(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    root = tmp_path_factory.getbasetemp() / "tree"
    if not root.exists():
        (root / "a/b").mkdir(parents=True)
        (root / "a/b/to_a").symlink_to("../../a")
        (root / "a/to_top").symlink_to("..")
    expected: Path | None = root
    for part in parts:
        if expected is None or (part == ".." and expected == root):
            continue
        following = expected / part
        expected = following.resolve() if following.exists() else None
    path = "/".join((str(root), *parts))
    found = real_path(str(root), path)
    assert (found if found is None else found.rstrip("/")) == (expected if expected is None else str(expected))
