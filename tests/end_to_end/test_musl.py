"""A wheel for musl works under musl's own loader; one that older musl would crash on never gets a musllinux label."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from support import greeting, musl, programs
from support.fixtures import FIXTURES, family, unrepaired_musl_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.rootfs import Outcome

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FILES = family("musl-x86_64")


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])  # musl 1.2.3 and 1.2.5
def test_a_repaired_wheel_works_under_musls_loader(suite: str, repair: Callable[..., Path]) -> None:
    root = musl.root(suite)
    with root.site() as site:
        site.unpack(unrepaired_musl_wheel())
        control = site.run(greeting.SAY)
    assert control.code == 1
    assert f"ImportError: Error loading shared library {greeting.MISSING}: No such file" in control.output

    with root.site() as site:
        accepted = site.install(repair(unrepaired_musl_wheel(), "--lib-path", FILES.folder))
        assert accepted.code == 0, accepted.output
        outcome = site.run(greeting.SAY)
    assert outcome.output == greeting.SAID
    assert outcome.code == 0


def test_musls_pip_refuses_a_wheel_for_glibc(repair: Callable[..., Path], tmp_path: Path) -> None:
    root, files = musl.root("bookworm"), family("x86_64")
    wheel = repair(greeting.wheel(files.extension, "x86_64", tmp_path), "--lib-path", files.folder)
    with root.site() as site:
        assert "is not a supported wheel on this platform" in site.install(wheel).output


def test_relative_relocations_crash_older_musl_and_are_refused(repairer: list[str], tmp_path: Path) -> None:
    plain, packed = (link_extension(tmp_path / pack, pack) for pack in ("none", "relr"))
    assert run_on("bookworm", plain).output == greeting.SAID
    assert run_on("bookworm", packed).crashed
    assert run_on("trixie", packed).output == greeting.SAID

    command: list[str | Path] = [*repairer, "repair", "-w", tmp_path / "repaired", packed]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "DT_RELR" in done.stderr
    assert not list((tmp_path / "repaired").glob("*.whl"))


def run_on(suite: str, wheel: Path) -> Outcome:
    """Run what needs no repair under the musl of a Debian release."""
    with musl.root(suite).site() as site:
        site.unpack(wheel)
        return site.run(greeting.SAY)


def link_extension(folder: Path, pack: str) -> Path:
    """Return a wheel of hello in one file, its relative relocations plain (`none`) or packed as DT_RELR (`relr`)."""
    folder.mkdir()
    zig, environment = programs.need_zig(), musl.zig_environment(folder)
    compiler = [zig, "cc", "-target", musl.TARGET, "-O1", "-g0", "-fPIC", "-fno-builtin", "-fno-sanitize=all"]
    sources, libc = FIXTURES / "sources", folder / "libc.musl-x86_64.so.1"
    stub: list[str | Path] = ["-nostdlib", "-shared", sources / "musl.c", f"-Wl,-soname,{libc.name}", "-o", libc]
    programs.run([*compiler, *stub], environment=environment)
    objects = [folder / f"{name}.o" for name in ("hello", "greet", "tone")]
    for path in objects:
        programs.run([*compiler, "-c", sources / f"{path.stem}.c", "-o", path], environment=environment)
    extension = folder / "_hello.abi3.so"
    programs.run([zig, "ld.lld", "-shared", f"--pack-dyn-relocs={pack}", *objects, libc, "-o", extension])
    return greeting.wheel(extension, "x86_64", folder)
