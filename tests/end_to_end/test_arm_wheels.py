"""Wheels for 32-bit ARM: build attributes as other programs read them, and what an emulated processor says to them."""

from __future__ import annotations

import re
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from support.checks import findings
from support.hello import hello_wheel
from support.programs import need, need_zig, run
from support.published import Published
from support.retags import planned
from truewheel.analyzer.elf.arm_attributes import ArmAttributes
from truewheel.analyzer.elf.reader import is_elf, read_image
from truewheel.check import Severity

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

PUBLISHED = (
    Published("uv==0.13.8", "linux_armv6l"),
    Published("ruff==0.17.5", "linux_armv6l"),
    Published("ninja==1.13.2", "manylinux_2_31_armv7l"),
    Published("markupsafe==3.0.4", "musllinux_1_2_armv7l", "311", "cp311"),
    Published("cryptography==50.0.2", "manylinux_2_31_armv7l", "311", "abi3"),
    Published("aiohttp==3.12.15", "manylinux_2_31_armv7l", "311", "cp311"),
    Published("grpcio==1.62.1", "linux_armv7l", "311", "cp311"),
)
DOUBTED = (
    "linux_armv6l may not be true: uv-0.13.8.data/scripts/uv has code for ARMv7, which not every armv6l machine runs"
)

CPU = {"v4T": 2, "v5TE": 4, "v5TEJ": 5, "v6": 6, "v6KZ": 7, "v6T2": 8, "v6K": 9, "v7": 10, "v8": 14}
FP = {"VFPv2": 2, "VFPv3": 3, "VFPv3-D16": 4, "VFPv4": 5, "VFPv4-D16": 6, "FP for ARMv8": 7}


def by_readelf(path: Path) -> ArmAttributes:
    """Return what GNU readelf prints of a file."""
    printed = run([need("readelf"), "-A", path], environment={"LC_ALL": "C"})
    told = dict(re.findall(r"^  (Tag_\w+): (.*)$", printed, re.MULTILINE))
    hard = {"VFP registers": 1}.get(told.get("Tag_ABI_VFP_args", ""), 0)
    return ArmAttributes(CPU[told["Tag_CPU_arch"]], FP.get(told.get("Tag_FP_arch", ""), 0), hard)


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda wheel: wheel.requirement)
def test_published_wheels_against_readelf(published: Published, tmp_path: Path) -> None:
    path = published.fetched()
    read = 0
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if is_elf(content):
                image = read_image(content, name)
                copy = tmp_path / "file"
                copy.write_bytes(content)
                assert image.arm == by_readelf(copy), name
                assert image.architecture == "armv7l"
                read += 1
    assert read
    told = [(finding.severity, finding.message) for finding in findings(path, "untrue-tag")]
    assert told == ([(Severity.WARNING, DOUBTED)] if published.requirement.startswith("uv") else [])


PROGRAM = """
void _start(void) {
    volatile int v = 0x12345678;
    int r = v == 0x12345678 ? 42 : 1;
    __asm__ volatile("mov r0, %0\\n mov r7, #1\\n svc 0" : : "r"(r) : "r0", "r7");
}
int f(void) { return 0x12345678; }
"""
OLD, NEW = "arm1176", "cortex-a7"
"""The processors of the first Raspberry Pi, and of the second."""
BASE, HARD = "arm-linux-gnueabi", "arm-linux-gnueabihf"


def compiled(folder: Path, target: str, cpu: str, *options: str) -> Path:
    """Compile the program for a processor."""
    source, made = folder / "p.c", folder / "p"
    source.write_text(PROGRAM, encoding="utf-8")
    cache = {"ZIG_GLOBAL_CACHE_DIR": str(folder / "zig"), "ZIG_LOCAL_CACHE_DIR": str(folder / "zig")}
    flags = ["-nostdlib", "-O1", "-g0", "-s", "-fno-sanitize=all", *options]
    run([need_zig(), "cc", "-target", target, f"-mcpu={cpu}", *flags, source, "-o", made], environment=cache)
    return made


@pytest.mark.parametrize(
    ("cpu", "target", "runs_on_old", "basis"),
    [
        ("arm926ej_s", BASE, True, "proved"),
        ("arm1176jzf_s", HARD, True, "proved"),
        ("cortex_a7", HARD, False, "forced"),
        ("cortex_a53", HARD, False, "forced"),
    ],
)
def test_what_is_proved_runs_and_what_is_contradicted_does_not(
    cpu: str, target: str, basis: str, tmp_path: Path, *, runs_on_old: bool
) -> None:
    program = compiled(tmp_path, target, cpu, "-static")
    emulator = need("qemu-arm-static")
    codes = [subprocess.run([emulator, "-cpu", each, program], check=False).returncode for each in (OLD, NEW)]
    assert codes == [42 if runs_on_old else -4, 42]
    assert read_image(program.read_bytes(), "p").arm == by_readelf(program)
    wheel = hello_wheel(tmp_path, {"hello/p": program}, tag="py3-none-linux_armv7l")
    if basis == "proved":
        assert planned(wheel, platform_tag=("+linux_armv6l",)).grounds[-1].basis == basis
    plan = planned(wheel, platform_tag=("+linux_armv6l",), force=True)
    assert [ground.basis for ground in plan.grounds if ground.tag == "linux_armv6l"] == [basis]


@pytest.mark.parametrize(
    ("target", "cpu", "hard"), [(BASE, "cortex_a7", False), (HARD, "cortex_a7", True), (HARD, "arm1176jzf_s", True)]
)
def test_soft_float_keeps_no_promise_of_hard_float(target: str, cpu: str, tmp_path: Path, *, hard: bool) -> None:
    library = compiled(tmp_path, target, cpu, "-shared", "-fPIC")
    wheel = hello_wheel(tmp_path, {"hello/l.so": library}, tag="py3-none-manylinux_2_17_armv7l")
    told = [finding.message for finding in findings(wheel, "untrue-tag")]
    said = "manylinux_2_17_armv7l is not true: the wheel is machine code for arm soft float, not for armv7l"
    assert (said in told) is not hard
    assert read_image(library.read_bytes(), "l").arm == by_readelf(library)


def test_the_doubted_wheel_runs_on_the_older_processor_all_the_same(tmp_path: Path) -> None:
    """Why newer code is a doubt and no contradiction: what uv has of it, it chooses at run time."""
    with zipfile.ZipFile(PUBLISHED[0].fetched()) as archive:
        program = tmp_path / "uv"
        program.write_bytes(archive.read("uv-0.13.8.data/scripts/uv"))
    program.chmod(0o755)
    assert run([need("qemu-arm-static"), "-cpu", OLD, program, "--version"]).startswith("uv 0.13.8 (arm-")
